package watcher_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/watcher"
)

// TestRestartAtEveryStep keeps and reads the state after each step in turn: there
// is one event, with one ID, whenever it happens.
func TestRestartAtEveryStep(t *testing.T) {
	shots := armed(shot{at: 20, usd: 109, above: 110}, shot{at: 30, usd: 111, above: 118})
	for at := 40; at <= 120; at += 10 {
		shots = append(shots, shot{at: at, usd: 111, above: 118})
	}
	whole := playBreakout(t, limits, shots)
	if len(whole) != 1 {
		t.Fatalf("without a restart: %+v", whole)
	}
	for k := range shots {
		got := playBreakout(t, limits, shots, k)
		if len(got) != 1 || got[0].ID != whole[0].ID || got[0].IntensityUSD != whole[0].IntensityUSD {
			t.Errorf("restart after shot %d: %+v, want the one event", k, got)
		}
	}
	// What is pending has to hold anew after a restart.
	if got := playBreakout(t, limits, shots, 3); seconds(got[0].Crossed) != 40 || seconds(got[0].At) != 60 {
		t.Errorf("restart while pending: %+v, want it to hold from 40 s to 60 s", eventsOf(got))
	}
}

func TestClocks(t *testing.T) {
	behind := func(by time.Duration) func(*view) { return func(v *view) { v.now = v.now.Add(-by) } }
	t.Run("a source that is ahead of us", func(t *testing.T) {
		shots := armed(shot{at: 20, usd: 111}, shot{at: 40, usd: 111})
		for i := range shots {
			shots[i].change = behind(15 * time.Second)
		}
		got := playBreakout(t, limits, shots)
		if diff := cmp.Diff([]event{{Level: 110, Rising: true, At: 25, Crossed: 5}}, eventsOf(got)); diff != "" {
			t.Errorf("alerts (-want +got):\n%s", diff)
		}
	})
	t.Run("one price from the future does not vouch for itself", func(t *testing.T) {
		ahead := func(v *view) { v.priceAt = noon.Add(500 * time.Second) }
		shots := armed(shot{at: 20, usd: 111, change: ahead}, shot{at: 40, usd: 111, change: ahead}, shot{at: 60, usd: 111, change: ahead})
		if got := playBreakout(t, limits, shots); got != nil {
			t.Errorf("alerts %+v, want none", got)
		}
	})
	t.Run("our clock is set back by an hour", func(t *testing.T) {
		// The source's times are by the same clock, as when it stamps what it fetches.
		back := func(v *view) {
			v.now, v.priceAt, v.mapAt = v.now.Add(-time.Hour), v.priceAt.Add(-time.Hour), v.mapAt.Add(-time.Hour)
		}
		shots := armed(shot{at: 20, usd: 111, above: 118, change: back}, shot{at: 40, usd: 111, above: 118, change: back})
		if got := playBreakout(t, limits, shots); len(got) != 1 {
			t.Errorf("alerts %+v, want one", got)
		}
	})
	t.Run("and back while the price has to hold", func(t *testing.T) {
		shots := armed(shot{at: 20, usd: 111})
		for at := 30; at <= 60; at += 10 {
			shots = append(shots, shot{at: at, usd: 111, change: behind(time.Hour)})
		}
		if got := playBreakout(t, limits, shots); len(got) != 1 {
			t.Errorf("alerts %+v, want one", got)
		}
	})
	t.Run("a time that cannot be written down", func(t *testing.T) {
		ages := func(v *view) { v.priceAt = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC) }
		got := playBreakout(t, limits, armed(shot{at: 15, usd: 100, change: ages}, shot{at: 20, usd: 111}, shot{at: 40, usd: 111}), 2)
		if len(got) != 1 {
			t.Errorf("alerts %+v, want one", got)
		}
	})
	t.Run("and back while the side rests", func(t *testing.T) {
		shots := armed(shot{at: 20, usd: 111, above: 118}, shot{at: 40, usd: 111, above: 118})
		for at := 50; at < 1000; at += 10 {
			usd, above := 109.0, 110.0
			if at > 660 { // an hour and ten minutes after the alert by its own clock
				usd, above = 111, 118
			}
			shots = append(shots, shot{at: at, usd: usd, above: above, change: behind(time.Hour)})
		}
		if got := playBreakout(t, limits, shots); len(got) != 2 {
			t.Errorf("alerts %+v, want a second one when a cooldown has passed", eventsOf(got))
		}
	})
}

// TestKeep checks when the state has to be kept at once: whenever a restart with the
// state before would go another way.
func TestKeep(t *testing.T) {
	greater := func(v *view) { v.aboveUSD = 2e9 }
	steps := []struct {
		name string
		shot shot
		keep bool
	}{
		{"armed", shot{at: 0, usd: 100, above: 110}, true},
		{"still", shot{at: 10, usd: 101, above: 110}, false},
		{"a greater reading of the same level", shot{at: 20, usd: 102, above: 110, change: greater}, false},
		{"and of one beside it", shot{at: 30, usd: 103, above: 110.1, change: func(v *view) { v.aboveUSD = 3e9 }}, true},
		{"another level", shot{at: 40, usd: 105, above: 112}, true},
		{"pending", shot{at: 50, usd: 113}, true},
		{"still pending", shot{at: 55, usd: 113}, false},
		{"back", shot{at: 60, usd: 111, above: 112}, true},
		{"pending again", shot{at: 70, usd: 113}, true},
		{"no news", shot{at: 70, usd: 113}, false},
		{"broken", shot{at: 90, usd: 113, above: 118}, true},
		{"at rest", shot{at: 100, usd: 113, above: 118}, false},
		{"armed again", shot{at: 700, usd: 113, above: 118}, true},
	}
	var st watcher.BreakoutState
	for _, tt := range steps {
		s, now := tt.shot.make(t)
		var v watcher.Verdict
		if st, v = watcher.StepBreakout(limits, st, s, now); v.Keep != tt.keep {
			t.Errorf("%s: keep %t, want %t", tt.name, v.Keep, tt.keep)
		}
	}
	// After a restart the price has to hold from now on, which is to be kept, too.
	for _, shot := range []shot{{at: 710, usd: 113, above: 118}, {at: 720, usd: 119}} {
		s, now := shot.make(t)
		st, _ = watcher.StepBreakout(limits, st, s, now)
	}
	s, now := shot{at: 730, usd: 119}.make(t)
	if _, v := watcher.StepBreakout(limits, keptBreakout(t, st), s, now); !v.Keep {
		t.Error("pending anew after a restart is not kept")
	}
}
