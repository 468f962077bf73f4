package watcher_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

var following = func() watcher.Limits {
	l := limits
	l.Follow = []time.Duration{time.Hour, 4 * time.Hour}
	return l
}()

// broke is a breakout through 100 at a second after noon.
func broke(at int, rising bool) alert.Alert {
	return alert.Alert{
		ID: "b", Rule: alert.Breakout, Coin: "BTC", Window: market.Week, Rising: rising,
		LevelUSD: 100, PriceUSD: 101, At: noon.Add(time.Duration(at) * time.Second),
	}
}

// follow plays shots after a breakout that fired with the first of them.
func follow(t *testing.T, fired alert.Alert, shots []shot, restart bool) []alert.Alert {
	t.Helper()
	var st watcher.OutcomeState
	var all []alert.Alert
	for i, f := range film(t, shots) {
		var news []alert.Alert
		if i == 0 {
			news = []alert.Alert{fired}
		}
		var v watcher.Verdict
		st, v = watcher.StepOutcome(following, st, news, f.Snapshot, f.now)
		all = append(all, v.Alerts...)
		if restart {
			kept, err := st.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if st, err = watcher.DecodeOutcome(kept); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// minutely are shots of a path of prices, a minute apart.
func minutely(minutes int, path func(minute int) float64) []shot {
	var shots []shot
	for m := range minutes {
		shots = append(shots, shot{at: 60 * m, usd: path(m)})
	}
	return shots
}

func TestOutcomeTellsWhatBecameOfABreakout(t *testing.T) {
	up := func(m int) float64 {
		switch {
		case m == 30:
			return 104
		case m == 31:
			return 99
		case m >= 120:
			return 98
		default:
			return 102
		}
	}
	for _, restart := range []bool{false, true} {
		got := follow(t, broke(0, true), minutely(300, up), restart)
		if len(got) != 2 {
			t.Fatalf("%d outcomes, want 2", len(got))
		}
		want := []alert.Followed{
			{ID: "b", After: time.Hour, FromUSD: 101, ToUSD: 102, BestUSD: 104, WorstUSD: 99, Held: true},
			{ID: "b", After: 4 * time.Hour, FromUSD: 101, ToUSD: 98, BestUSD: 104, WorstUSD: 98},
		}
		for i, a := range got {
			if diff := cmp.Diff(want[i], *a.Followed); diff != "" {
				t.Errorf("outcome %d (-want +got):\n%s", i, diff)
			}
			if a.Rule != alert.Outcome || a.At != noon.Add(want[i].After) || a.LevelUSD != 100 || a.ID == got[1-i].ID {
				t.Errorf("outcome %d: %+v", i, a)
			}
		}
	}
}

func TestOutcomeOfAFall(t *testing.T) {
	got := follow(t, broke(0, false), minutely(70, func(m int) float64 { return 99 - float64(m%3) }), false)
	if len(got) != 1 || !got[0].Followed.Held || got[0].Followed.BestUSD != 97 || got[0].Followed.WorstUSD != 101 {
		t.Fatalf("%+v", got)
	}
}

func TestOutcomeCountsWhatWasLiquidated(t *testing.T) {
	shots := minutely(70, func(int) float64 { return 102 })
	frames := film(t, shots)
	var st watcher.OutcomeState
	var got []alert.Alert
	for i, f := range frames {
		row := func(minute int, usd float64) market.Realised {
			return market.Realised{Venue: "Binance", Start: noon.Add(time.Duration(minute) * time.Minute), ShortUSD: usd, LongUSD: 7}
		}
		f.Realised = &snapshot.Realised{
			Rows:    []market.Realised{row(-10, 1e6), row(10, 2e6), row(40, 3e6)},
			Watched: []snapshot.WatchedVenue{{Venue: "Binance", Since: noon.Add(-time.Hour)}},
			AsOf:    f.now,
		}
		var news []alert.Alert
		if i == 0 {
			news = []alert.Alert{broke(0, true)}
		}
		var v watcher.Verdict
		st, v = watcher.StepOutcome(following, st, news, f.Snapshot, f.now)
		got = append(got, v.Alerts...)
	}
	if len(got) != 1 || got[0].Followed.LiquidatedUSD != 5e6 || !got[0].Followed.Watched {
		t.Fatalf("%+v", got)
	}
}

// What was not seen in time is no outcome, and another market tells nothing.
func TestOutcomeThatIsNotKnown(t *testing.T) {
	for name, shots := range map[string][]shot{
		"the bot was down": {{at: 0, usd: 102}, {at: 60, usd: 102}, {at: 3600 + 1200, usd: 105}},
		"another market":   {{at: 0, usd: 102}, {at: 3600, usd: 3000, change: func(v *view) { v.price.Demo = true }}, {at: 3660, usd: 3000, change: func(v *view) { v.price.Demo = true }}},
		"stale":            {{at: 0, usd: 102}, {at: 3600, usd: 103, change: func(v *view) { v.now = v.now.Add(10 * time.Minute) }}},
		"before its time":  {{at: 0, usd: 102}, {at: 3500, usd: 102}},
		"no price":         {{at: 0, usd: 102}, {at: 3600, usd: -1}},
	} {
		if got := follow(t, broke(0, true), shots, false); len(got) != 0 {
			t.Errorf("%s: told %+v", name, got)
		}
	}
	// A clock that is set back by an hour makes it later, and loses nothing.
	back := func(v *view) { v.now = v.now.Add(-time.Hour); v.priceAt = v.now; v.mapAt = v.now }
	shots := []shot{{at: 0, usd: 102}, {at: 60, usd: 102, change: back}}
	for at := 120; at <= 3700; at += 60 {
		shots = append(shots, shot{at: at, usd: 103, change: back})
	}
	if got := follow(t, broke(0, true), shots, false); len(got) != 1 {
		t.Errorf("after a clock was set back: %d outcomes, want 1", len(got))
	}
	// A little late is in time.
	if got := follow(t, broke(0, true), []shot{{at: 0, usd: 102}, {at: 4000, usd: 105}}, true); len(got) != 1 {
		t.Errorf("seven minutes late: %d outcomes, want 1", len(got))
	}
}

func FuzzDecodeOutcome(f *testing.F) {
	st, _ := watcher.StepOutcome(following, watcher.OutcomeState{}, []alert.Alert{broke(0, true)}, mustShot(f), noon)
	kept, err := st.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kept)
	f.Add([]byte(`{"v":1,"state":{"open":[{"id":"x"}]}}`))
	f.Fuzz(func(t *testing.T, saved []byte) {
		st, err := watcher.DecodeOutcome(saved)
		if err != nil {
			return
		}
		frame := film(t, []shot{{at: 7200, usd: 100}})[0]
		if _, v := watcher.StepOutcome(following, st, nil, frame.Snapshot, frame.now); v.Alerts != nil {
			for _, a := range v.Alerts {
				if a.Followed == nil || a.ID == "" {
					t.Errorf("an outcome of nothing: %+v", a)
				}
			}
		}
	})
}

func mustShot(tb testing.TB) *snapshot.Snapshot {
	tb.Helper()
	return film(tb, []shot{{usd: 101}})[0].Snapshot
}
