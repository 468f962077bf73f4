package watcher_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/alert"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/watcher"
)

func TestRestartGoesOn(t *testing.T) {
	// The first watcher is stopped after each of the steps in turn.
	steps := []struct{ usd, above float64 }{{100, 110}, {100, 110}, {111, 118}, {111, 118}, {111, 118}, {111, 118}, {111, 118}, {111, 118}}
	for k := range steps {
		synctest.Test(t, func(t *testing.T) {
			j := newJournal()
			b := start(t, j)
			for i, s := range steps {
				b.show("BTC", s.usd, s.above)
				if i == k {
					b.stop()
					b = start(t, j)
				}
				pass(10 * time.Second)
			}
			if len(j.alerts) != 1 {
				t.Errorf("restart after step %d: %d alerts, want 1", k, len(j.alerts))
			}
		})
	}
}

// TestKilledGoesOn kills the first watcher instead: what it had not recorded is
// lost with it, or was recorded without its knowing.
func TestKilledGoesOn(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			j := newJournal()
			b := start(t, j)
			b.show("BTC", 100, 110)
			pass(10 * time.Second)
			b.show("BTC", 100, 110)
			pass(10 * time.Second)
			b.show("BTC", 111, 118)
			j.change(func(j *journal) { j.fail, j.after = !recorded, recorded })
			pass(20 * time.Second)
			b.show("BTC", 111, 118)
			dead := &journal{states: make(map[string][]byte), levels: make(map[market.Coin]float64)}
			j.change(func(j *journal) {
				dead.states, dead.alerts = j.states, slices.Clone(j.alerts)
				j.alerts, j.states = nil, make(map[string][]byte)
			})
			b.stop()
			b = start(t, dead)
			for range 5 {
				pass(10 * time.Second)
				b.show("BTC", 111, 118)
			}
			if len(dead.alerts) != 1 {
				t.Errorf("recorded %t: %d alerts, want 1", recorded, len(dead.alerts))
			}
		})
	}
}

func TestRefusedStepIsTriedAgain(t *testing.T) {
	for _, kept := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			j := newJournal()
			j.levels["BTC"] = 105
			b := start(t, j)
			b.show("BTC", 100, 110)
			pass(10 * time.Second)
			b.show("BTC", 100, 110)
			j.change(func(j *journal) { j.fail, j.after, j.failRead = !kept, kept, true })
			// Up to 114, down to 97 and back: the level in between was reached.
			for _, usd := range []float64{112, 112, 113, 114, 114, 111, 99, 98, 97, 97} {
				pass(10 * time.Second)
				b.show("BTC", usd, 118)
			}
			for range 60 {
				pass(10 * time.Second)
				b.show("BTC", 101, 110)
			}
			tries := j.records
			if tries > 40 {
				t.Errorf("tried %d times in ten minutes", tries)
			}
			j.change(func(j *journal) { j.fail, j.after, j.failRead = false, false, false })
			pass(31 * time.Second)
			if len(j.alerts) != 1 || j.alerts[0].LevelUSD != 110 {
				t.Errorf("kept %t: alerts %+v, want one at 110", kept, j.alerts)
			}
			if len(j.reached) != 1 || j.reached[0].USD < 105 {
				t.Errorf("kept %t: reached %+v, want the level at 105", kept, j.reached)
			}
			low, high := 1000.0, 0.0
			for _, r := range j.offered {
				low, high = min(low, r.USD), max(high, r.USD)
			}
			if low != 97 || high != 114 || len(j.offered) != 2 {
				t.Errorf("kept %t: the journal was offered %+v, want the highest and the lowest price", kept, j.offered)
			}
			if n := strings.Count(b.log.String(), "step not recorded"); n != 1 {
				t.Errorf("the log tells %d times of it:\n%s", n, b.log)
			}
			if strings.Count(b.log.String(), "levels not read") != 1 || strings.Count(b.log.String(), "recorded again") != 1 {
				t.Errorf("log:\n%s", b.log)
			}
		})
	}
}

func TestWhatIsNoNewsIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		b := start(t, j)
		j.change(func(j *journal) { j.fail = true })
		b.breakThrough("BTC")
		pass(limits.TTL + time.Minute)
		j.change(func(j *journal) { j.fail = false })
		pass(time.Minute)
		if len(j.alerts) != 0 || !strings.Contains(b.log.String(), "too old by now") {
			t.Errorf("alerts %+v, log:\n%s", j.alerts, b.log)
		}
		if st, err := watcher.DecodeBreakout(j.states["breakout BTC"]); err != nil || st.Above.Phase != watcher.Broken {
			t.Errorf("state %+v, %v: want it broken", st, err)
		}
	})
}

// TestThresholdsDecideWhatHasRisen shows an imbalance that grows to 2, which is not
// notable: it is recorded if somebody's threshold lies below that, and if nobody knows.
func TestThresholdsDecideWhatHasRisen(t *testing.T) {
	for _, tt := range []struct {
		name      string
		threshold float64
		failRead  bool
		want      int
	}{{"none", 0, false, 0}, {"crossed", 1.5, false, 1}, {"higher", 2.5, false, 0}, {"not known", 0, true, 1}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newJournal()
				b := start(t, j)
				j.change(func(j *journal) {
					j.failRead = tt.failRead
					if tt.threshold > 0 {
						j.thresholds["imbalance BTC"] = tt.threshold
					}
				})
				for _, ratio := range []float64{1, 1, 2, 2, 2, 2} {
					s := snap(t, "BTC", 100, 110)
					s.Summary.Even, _ = liquidation.Compare(1e9, ratio*1e9)
					b.Publish(s)
					pass(10 * time.Second)
				}
				if len(j.alerts) != tt.want || tt.want > 0 && (j.alerts[0].Rule != alert.Imbalance || j.alerts[0].Notable || j.alerts[0].Strength != 2) {
					t.Errorf("alerts %+v, want %d", j.alerts, tt.want)
				}
				if tt.want > 0 {
					if st, err := watcher.DecodeImbalance(j.states["imbalance BTC"]); err != nil || st.Ratio.Told != 2 {
						t.Errorf("the state kept with the alert is %+v, %v", st, err)
					}
				}
				if tt.failRead != strings.Contains(b.log.String(), "thresholds not read") {
					t.Errorf("log:\n%s", b.log)
				}
			})
		})
	}
}
