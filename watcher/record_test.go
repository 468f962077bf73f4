package watcher_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
