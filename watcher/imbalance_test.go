package watcher_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

var imbalance = machine[watcher.ImbalanceState]{watcher.StepImbalance, watcher.DecodeImbalance}

// scales are maps, one every ten seconds, with so much more on the side of the shorts; a
// negative ratio is one of the longs, 0 is none.
func scales(ratios ...float64) []shot {
	shots := make([]shot, len(ratios))
	for i, ratio := range ratios {
		shots[i] = shot{at: 10 * i, usd: 100, change: weighing(ratio)}
	}
	return shots
}

func weighing(ratio float64) func(*view) {
	return func(v *view) {
		v.edit = func(s *snapshot.Snapshot) {
			switch {
			case ratio > 0:
				s.Summary.Even, _ = liquidation.Compare(1e9, ratio*1e9)
			case ratio < 0:
				s.Summary.Even, _ = liquidation.Compare(-ratio*1e9, 1e9)
			}
		}
	}
}

// weighed is what the tables tell of an imbalance.
type weighed struct {
	At               int
	Before, Strength float64
	Rising           bool
	Notable, Flipped bool
}

func weighedOf(alerts []alert.Alert) []weighed {
	var out []weighed
	for _, a := range alerts {
		round := func(x float64) float64 { return math.Round(x*100) / 100 }
		out = append(out, weighed{seconds(a.At), round(a.Before), round(a.Strength), a.Rising, a.Notable, a.Flipped})
	}
	return out
}

func TestImbalance(t *testing.T) {
	missing := func(shots []shot, from int) []shot {
		for i := from; i < len(shots); i++ {
			edit := shots[i].change
			shots[i].change = func(v *view) { edit(v); v.levels.Missing = []market.Venue{"Bybit"} }
		}
		return shots
	}
	later := func(by int, shots []shot) []shot {
		for i := range shots {
			shots[i].at += by
		}
		return shots
	}
	l := limits
	l.Rest = 5 * time.Minute // an imbalance rests six times as long
	for _, tt := range []struct {
		name  string
		shots []shot
		want  []weighed
	}{
		{"balanced", scales(1, 1.1, 1.15, -1.1, -1.19), nil},
		{"the first one is no event", scales(2, 2, 2), nil},
		{"it grows", scales(1, 1.5, 1.5, 2, 2.5), []weighed{{20, 0, 1.5, true, false, false}, {40, 1.5, 2, true, false, false}}},
		{"much", scales(-1, -2, -4, -4, -5, -5), []weighed{{20, 0, 2, false, false, false}, {30, 2, 4, false, true, false}, {50, 4, 5, false, false, false}}},
		{"a lone map counts for nothing", scales(1, 1, 9, 1, 1, -9, 1), nil},
		{"one side is empty", scales(1, 1, 60, 60, 0, 0, 1), nil},
		{
			"the sides change", scales(-1.4, -1.4, -1.1, 1.1, 1.3, 1.3, 1.3, 1.3, 2.1, 2.1),
			[]weighed{{70, 0, 1.3, true, false, true}, {90, 1.3, 2.1, true, true, true}},
		},
		{"the sides change at once", scales(-2, -2, 2, 2, 2, 2, 4, 4), []weighed{{50, 0, 2, true, true, true}, {70, 2, 4, true, false, false}}},
		{"they change back", scales(-2, -2, 2, 2, 2, -2, -2), nil},
		{"they change back after it was told", scales(-2, -2, 2, 2, 2, 2, -2, -2, -2, -2), []weighed{{50, 0, 2, true, true, true}}},
		{
			"and again after the cooldown",
			append(scales(-2, -2, 2, 2, 2, 2), later(600, scales(2, -2, -2, -2, -2, -2, -2, -2))...),
			[]weighed{{50, 0, 2, true, true, true}, {650, 0, 2, false, false, true}},
		},
		{
			"and again, and it lasts",
			append(append(scales(-2, -2, 2, 2, 2, 2), later(600, scales(2, -2, -2, -2, -2, -2))...), later(1900, scales(-2, -2, -2))...),
			[]weighed{{50, 0, 2, true, true, true}, {650, 0, 2, false, false, true}, {1910, 2, 2, false, true, true}},
		},
		{"other venues", missing(scales(1, 1, 2, 2, 2, 2.5, 2.5), 2), []weighed{{60, 2, 2.5, true, false, false}}},
		{"other venues change the sides", missing(scales(-2, -2, 2, 2, 2, 2, 2), 2), nil},
		{"a gap", append(scales(1, 1), later(1000, scales(3, 3))...), []weighed{{1010, 0, 3, true, true, false}}},
		{"less, and more again too soon", scales(1, 3.5, 3.5, 1.1, 1.1, 3.5, 3.5), []weighed{{20, 0, 3.5, true, true, false}}},
		{
			"less, and more again later",
			append(scales(1, 3.5, 3.5), later(1900, scales(1.05, 1.05, 3.5, 3.5))...),
			[]weighed{{20, 0, 3.5, true, true, false}, {1930, 0, 3.5, true, true, false}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := imbalance.everyway(t, l, film(t, tt.shots))
			if diff := cmp.Diff(tt.want, weighedOf(got)); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
		})
	}
}
