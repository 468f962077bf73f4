package watcher_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/demo"
	"liqbot/sources/recorded"
	"liqbot/watcher"
)

// watchDemo plays the demo's bitcoin through the breakout rule, one snapshot at every
// tick.
func watchDemo(t *testing.T, l watcher.Limits, every, whole time.Duration) []alert.Alert {
	t.Helper()
	now := noon
	src, err := demo.New(recorded.Options{Speed: 1, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	var st watcher.BreakoutState
	var all []alert.Alert
	for ; now.Sub(noon) < whole; now = now.Add(every) {
		s, err := src.Fetch(t.Context(), snapshot.Key{Coin: "BTC", Window: market.Week})
		if err != nil {
			t.Fatal(err)
		}
		var v watcher.Verdict
		st, v = watcher.StepBreakout(l, st, s, now)
		all = append(all, v.Alerts...)
	}
	return all
}

// TestDemoBreaksOnce watches the beginning of the demo, whose bitcoin goes through
// the level that the README shows.
func TestDemoBreaksOnce(t *testing.T) {
	t.Parallel()
	l := watcher.Options{Hold: 10 * time.Second, Cooldown: 30 * time.Second}.Limits()
	for _, every := range []time.Duration{time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			got := watchDemo(t, l, every, 70*time.Second)
			if len(got) != 1 {
				t.Fatalf("%d alerts in the first 70 s, want 1: %+v", len(got), got)
			}
			a := got[0]
			if a.LevelUSD != 94_681 || !a.Rising || a.PriceUSD < 94_681 || a.Kind != market.MarkPrice || !a.Provenance.Demo {
				t.Errorf("alert %+v, want the demo's mark price above 94,681", a)
			}
			if math.Abs(a.IntensityUSD/2.705e9-1) > 0.02 {
				t.Errorf("intensity %v, want 2.705B", a.IntensityUSD)
			}
			if at := a.At.Sub(noon); at < 38*time.Second || at > 55*time.Second {
				t.Errorf("alert %v after the beginning, want it after a hold of 10 s", at)
			}
		})
	}
}

// TestDemoLoops watches two passes of the demo: its bitcoin breaks levels up and
// down in turn, each once, and the seam between the passes is no breakout.
func TestDemoLoops(t *testing.T) {
	t.Parallel()
	const pass = 15 * time.Minute
	l := watcher.Options{Hold: 10 * time.Second, Cooldown: 30 * time.Second, Rest: -1, NotableShare: -1}.Limits()
	var passes [2][]float64
	for i, a := range watchDemo(t, l, 5*time.Second, 2*pass) {
		t.Logf("at %v: level %v, rising %t, intensity %.4g", a.At.Sub(noon), a.LevelUSD, a.Rising, a.IntensityUSD)
		if a.Rising != (i%2 == 0) {
			t.Errorf("alert %d at level %v: rising %t, want up and down in turn", i+1, a.LevelUSD, a.Rising)
		}
		if !a.Notable {
			t.Errorf("alert %d is not for everybody", i+1)
		}
		n := int(a.At.Sub(noon) / pass)
		passes[n] = append(passes[n], a.LevelUSD)
	}
	if len(passes[0]) < 10 || passes[0][0] != 94_681 {
		t.Errorf("levels broken: %v, want 94,681 and more", passes[0])
	}
	if diff := cmp.Diff(passes[0], passes[1]); diff != "" {
		t.Errorf("the second pass breaks other levels:\n%s", diff)
	}
}
