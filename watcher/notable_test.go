package watcher_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/market"
	"liqbot/snapshot"
)

// quotes lets venues tell their mark prices.
func quotes(usd ...float64) func(*view) {
	return func(v *view) {
		v.edit = func(s *snapshot.Snapshot) {
			for i, mark := range usd {
				s.Venues = append(s.Venues, market.VenueFigures{Venue: market.Venue(rune('A' + i)), MarkUSD: mark, AsOf: v.now})
			}
		}
	}
}

func TestBreakoutTakesTwoVenues(t *testing.T) {
	alone := func(v *view) { v.levels.Venues = []market.Venue{"OKX"} }
	old := func(v *view) {
		quotes(111, 111)(v)
		edit := v.edit
		v.edit = func(s *snapshot.Snapshot) {
			edit(s)
			s.Venues[0].AsOf = v.now.Add(-time.Hour)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*view)
		alerts int
		solo   bool
	}{
		{"none is told", nil, 1, false},
		{"two beyond", quotes(111, 111, 109), 1, false},
		{"one beyond", quotes(111, 109, 109), 0, false},
		{"one of two", quotes(111, 109.9), 0, false},
		{"the only one", quotes(111), 1, true},
		{"the others are none", quotes(111, 0, math.NaN(), math.Inf(1), -4, 1110), 1, true},
		{"the other is old", old, 1, true},
		{"a map of one venue", nil, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			change := tt.change
			if change == nil {
				change = func(*view) {}
				if tt.solo {
					change = alone
				}
			}
			before := change
			if tt.change != nil {
				before = func(*view) {}
			}
			got := playBreakout(t, limits, []shot{
				{at: 0, usd: 100, above: 110, change: before},
				{at: 10, usd: 101, above: 110, change: before},
				{at: 20, usd: 111, change: change},
				{at: 40, usd: 111, change: change},
				{at: 60, usd: 111, change: change},
			})
			if len(got) != tt.alerts || len(got) > 0 && got[0].Solo != tt.solo {
				t.Errorf("alerts %+v, want %d, solo %t", got, tt.alerts, tt.solo)
			}
		})
	}
	t.Run("it waits for the second", func(t *testing.T) {
		got := playBreakout(t, limits, armed(
			shot{at: 20, usd: 111, change: quotes(111, 109)}, shot{at: 40, usd: 111, change: quotes(111, 109)},
			shot{at: 60, usd: 111, change: quotes(111, 110.1)},
		))
		if diff := cmp.Diff([]event{{Level: 110, Rising: true, At: 60, Crossed: 20}}, eventsOf(got)); diff != "" {
			t.Errorf("alerts (-want +got):\n%s", diff)
		}
	})
}

// TestNotableBreakouts breaks a level every hour, up and down in turn, after two days in
// which key levels of 1e9 were usual.
func TestNotableBreakouts(t *testing.T) {
	l := limits
	l.NotableShare, l.Rest = 0.5, 4*time.Hour
	play := func(known bool, intensities ...float64) []bool {
		t.Helper()
		var shots []shot
		at := 0
		if known {
			for ; at < 30*3600; at += 60 {
				shots = append(shots, shot{at: at, usd: 100, above: 110, below: 90})
			}
		}
		for _, usd := range intensities {
			change := func(v *view) { v.aboveUSD = usd }
			for end := at + 3600; at < end; at += 60 {
				switch left := end - at; {
				case left > 1800:
					shots = append(shots, shot{at: at, usd: 100, above: 105, change: change})
				default:
					shots = append(shots, shot{at: at, usd: 106, above: 120, change: change})
				}
			}
		}
		var notable []bool
		for _, a := range playBreakout(t, l, shots, len(shots)/2) {
			notable = append(notable, a.Notable)
		}
		return notable
	}
	for _, tt := range []struct {
		name        string
		known       bool
		intensities []float64
		want        []bool
	}{
		{"nothing is known yet", false, []float64{1e6}, []bool{true}},
		{"not for a day yet", false, []float64{1e9, 9e8, 9e8, 9e8, 1e8}, []bool{true, false, false, false, true}},
		{"the usual", true, []float64{1e9}, []bool{true}},
		{"a small one", true, []float64{4e8}, []bool{false}},
		{"soon after another", true, []float64{1e9, 9e8, 9e8, 9e8, 9e8}, []bool{true, false, false, false, true}},
		{"soon after another, but stronger", true, []float64{1e9, 2e9}, []bool{true, true}},
		{"a small one is no reason to be silent", true, []float64{1e8, 1e9}, []bool{false, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, play(tt.known, tt.intensities...)); diff != "" {
				t.Errorf("notable (-want +got):\n%s", diff)
			}
		})
	}
}
