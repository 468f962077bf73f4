package watcher_test

import (
	"testing"

	"liqbot/alert"
	"liqbot/watcher"
)

// A replay tells what everybody and what chats with thresholds would have heard of, of the
// rules that it steps.
func TestReplayTellsAll(t *testing.T) {
	shots := scales(1, 1.5, 1.5, 3.5, 3.5)
	for i := range shots {
		change := shots[i].change
		shots[i].above = 110
		if i > 2 {
			shots[i].usd = 111
		}
		shots[i].at *= 3
		shots[i].change = change
	}
	for name, c := range map[string]struct {
		only []alert.Rule
		want map[alert.Rule][2]int // for everybody, for thresholds
	}{
		"all rules": {nil, map[alert.Rule][2]int{alert.Breakout: {1, 0}, alert.Imbalance: {1, 1}}},
		"one rule":  {[]alert.Rule{alert.Imbalance}, map[alert.Rule][2]int{alert.Imbalance: {1, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := watcher.NewReplay(watcher.Options{Hold: limits.Hold, Cooldown: limits.Cooldown}, c.only...)
			got := map[alert.Rule][2]int{}
			for _, f := range film(t, shots) {
				for _, a := range r.Step(f.Snapshot, f.now) {
					n := got[a.Rule]
					if a.Meets(0) {
						n[0]++
					} else {
						n[1]++
					}
					got[a.Rule] = n
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("alerts of %v, want %v", got, c.want)
			}
			for rule, want := range c.want {
				if got[rule] != want {
					t.Errorf("%s: %v, want %v", rule, got[rule], want)
				}
			}
		})
	}
}
