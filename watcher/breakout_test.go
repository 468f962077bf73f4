package watcher_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/market"
)

// event is what the tables tell of an alert.
type event struct {
	Level       float64
	Rising      bool
	At, Crossed int // seconds after noon
	Blind       int // as well, 0 for none
}

// blind is the alert of a level that was passed in a gap.
func blind(since, crossed, at int) []event {
	return []event{{Level: 110, Rising: true, At: at, Crossed: crossed, Blind: since}}
}

const day = 24 * 3600

func eventsOf(alerts []alert.Alert) []event {
	var out []event
	for _, a := range alerts {
		e := event{Level: a.LevelUSD, Rising: a.Rising, At: seconds(a.At), Crossed: seconds(a.Crossed)}
		if !a.BlindSince.IsZero() {
			e.Blind = seconds(a.BlindSince)
		}
		out = append(out, e)
	}
	return out
}

// armed are two shots after which 110 is armed above the price and 90 below it.
func armed(rest ...shot) []shot {
	return append([]shot{{at: 0, usd: 100, above: 110, below: 90}, {at: 10, usd: 101, above: 110, below: 90}}, rest...)
}

// breakoutTest is a scripted market and what is to come of it.
type breakoutTest struct {
	name  string
	shots []shot
	want  []event
}

func checkBreakouts(t *testing.T, tests []breakoutTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, eventsOf(playBreakout(t, limits, tt.shots))); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
		})
	}
}

// up is the usual alert.
var up = []event{{Level: 110, Rising: true, At: 40, Crossed: 20}}

func TestBreakout(t *testing.T) {
	checkBreakouts(t, []breakoutTest{
		{"the first snapshot only arms", []shot{{at: 0, usd: 120, above: 110}, {at: 30, usd: 121, above: 110}, {at: 60, usd: 122, above: 110}}, nil},
		{"a price that stays above", armed(shot{at: 20, usd: 111, above: 118}, shot{at: 30, usd: 111}, shot{at: 40, usd: 112, above: 118}), up},
		{"a price that stays below", armed(shot{at: 20, usd: 89}, shot{at: 40, usd: 88}), []event{{Level: 90, At: 40, Crossed: 20}}},
		{"a price at the level", armed(shot{at: 20, usd: 110}, shot{at: 40, usd: 110}, shot{at: 60, usd: 110}), nil},
		{"no second snapshot", armed(shot{at: 20, usd: 111}), nil},
		{"not held long enough", armed(shot{at: 20, usd: 111}, shot{at: 39, usd: 111}), nil},
		{"back inside while it has to hold", armed(shot{at: 20, usd: 111}, shot{at: 30, usd: 109.9}, shot{at: 45, usd: 111}, shot{at: 60, usd: 111}), nil},
		{
			"beyond again after it was back", armed(shot{at: 20, usd: 111}, shot{at: 30, usd: 109.9}, shot{at: 45, usd: 111}, shot{at: 65, usd: 111}),
			[]event{{Level: 110, Rising: true, At: 65, Crossed: 45}},
		},
		{"after an alert the side rests", armed(shot{at: 20, usd: 111}, shot{at: 40, usd: 111, above: 120}, shot{at: 50, usd: 116, above: 120}, shot{at: 60, usd: 121}, shot{at: 90, usd: 121}), up},
	})
}

func TestBreakoutOfALevelThatMoves(t *testing.T) {
	cluster := func(v *view) { v.aboveFromUSD = 106 }
	checkBreakouts(t, []breakoutTest{
		{"the level moves over the price", armed(shot{at: 20, usd: 102, above: 118, below: 101.5}, shot{at: 40, usd: 103, above: 118, below: 101.5}), nil},
		{"the level moves away first", armed(shot{at: 20, usd: 106, above: 118}, shot{at: 30, usd: 111, above: 118}, shot{at: 60, usd: 112, above: 118}), nil},
		{
			"the level comes nearer", armed(shot{at: 20, usd: 102, above: 105}, shot{at: 30, usd: 106, above: 118}, shot{at: 60, usd: 106, above: 118}),
			[]event{{Level: 105, Rising: true, At: 60, Crossed: 30}},
		},
		{
			"a level that wavers is the same", armed(shot{at: 20, usd: 102, above: 110.1}, shot{at: 30, usd: 110.05, above: 110.1}, shot{at: 60, usd: 110.05, above: 110.1}),
			[]event{{Level: 110, Rising: true, At: 60, Crossed: 30}},
		},
		{"another level counts only while the price is inside", armed(shot{at: 20, usd: 111, above: 118}, shot{at: 30, usd: 111, above: 118}, shot{at: 40, usd: 111, above: 118}), up},
		{
			"the level is gone from the map", armed(shot{at: 20, usd: 109}, shot{at: 30, usd: 111}, shot{at: 50, usd: 111}),
			[]event{{Level: 110, Rising: true, At: 50, Crossed: 30}},
		},
		{"the price uses up the cluster on its way", []shot{
			{at: 0, usd: 103, above: 110, change: cluster},
			{at: 10, usd: 104, above: 110, change: cluster},
			{at: 20, usd: 107, above: 110, change: cluster},
			{at: 30, usd: 109, above: 118},
			{at: 40, usd: 111, above: 118},
			{at: 60, usd: 111, above: 118},
		}, []event{{Level: 110, Rising: true, At: 60, Crossed: 40}}},
		{"no level at first", []shot{{at: 0, usd: 100}, {at: 10, usd: 100, above: 110}, {at: 20, usd: 111}, {at: 40, usd: 111}}, up},
	})
}

func TestBreakoutOutOfSight(t *testing.T) {
	checkBreakouts(t, []breakoutTest{
		{"a gap", armed(shot{at: 131, usd: 111, above: 118}, shot{at: 160, usd: 112, above: 118}, shot{at: 190, usd: 113, above: 118}), blind(10, 131, 160)},
		{"a gap and back", armed(shot{at: 131, usd: 111, above: 118}, shot{at: 160, usd: 109, above: 110}, shot{at: 190, usd: 111, above: 118}, shot{at: 220, usd: 111, above: 118}), []event{{Level: 110, Rising: true, At: 220, Crossed: 190}}},
		{"a gap that the level outlives", armed(shot{at: 131, usd: 109, above: 112}, shot{at: 140, usd: 109, above: 112}, shot{at: 150, usd: 111, above: 112}, shot{at: 190, usd: 111, above: 112}), nil},
		{"two gaps", armed(shot{at: 131, usd: 111, above: 118}, shot{at: 300, usd: 112, above: 118}, shot{at: 330, usd: 113, above: 118}), blind(10, 300, 330)},
		{"a gap of a day", armed(shot{at: day, usd: 111, above: 118}, shot{at: day + 30, usd: 112, above: 118}), blind(10, day, day+30)},
		{"a longer one", armed(shot{at: day + 10, usd: 111, above: 118}, shot{at: day + 40, usd: 112, above: 118}, shot{at: day + 70, usd: 112, above: 118}), nil},
		{"a short silence", armed(shot{at: 130, usd: 111, above: 118}, shot{at: 150, usd: 112, above: 118}), []event{{Level: 110, Rising: true, At: 150, Crossed: 130}}},
		{"a gap while it has to hold", armed(shot{at: 20, usd: 111}, shot{at: 141, usd: 111}, shot{at: 170, usd: 111}), blind(20, 141, 170)},
		{"a stale price", armed(shot{at: 20, usd: 111}, shot{at: 40, usd: 111, change: func(v *view) { v.now = v.now.Add(121 * time.Second) }}), nil},
		{"a stale map", armed(shot{at: 20, usd: 111}, shot{at: 40, usd: 111, change: func(v *view) { v.mapAt = v.mapAt.Add(-121 * time.Second) }}), nil},
		{"the same price again", armed(shot{at: 20, usd: 111}, shot{at: 40, usd: 111, change: func(v *view) { v.priceAt = noon.Add(20 * time.Second) }}), nil},
		{"an older price", armed(shot{at: 20, usd: 111}, shot{at: 40, usd: 111, change: func(v *view) { v.priceAt = noon.Add(15 * time.Second) }}), nil},
	})
}

func TestBreakoutOnAnotherMarket(t *testing.T) {
	missing := func(v *view) { v.levels.Missing = []market.Venue{"Bybit"} }
	without := func(v *view) { v.levels.Venues = []market.Venue{"OKX"} }
	checkBreakouts(t, []breakoutTest{
		{"a venue drops out", armed(shot{at: 20, usd: 111, above: 118, change: missing}, shot{at: 40, usd: 111, above: 118, change: missing}), nil},
		{"a venue drops out unnamed", armed(shot{at: 20, usd: 111, above: 118, change: without}, shot{at: 40, usd: 111, above: 118, change: without}), nil},
		{"a venue drops out while it has to hold", armed(shot{at: 20, usd: 111, above: 118}, shot{at: 40, usd: 111, above: 118, change: missing}, shot{at: 60, usd: 112, above: 118, change: missing}), nil},
		{"the same venues in another order", armed(shot{at: 20, usd: 111}, shot{at: 40, usd: 111, change: func(v *view) { v.levels.Venues = []market.Venue{"OKX", "Binance"} }}), up},
		{"a venue was out before", []shot{
			{at: 0, usd: 100, above: 110, change: missing},
			{at: 10, usd: 100, above: 110, change: missing},
			{at: 20, usd: 111, change: missing},
			{at: 40, usd: 111, change: missing},
		}, up},
		{"another venue quotes, beyond the level", []shot{
			{at: 0, usd: 109.9, above: 110, change: quotedBy("Binance")},
			{at: 10, usd: 109.9, above: 110, change: quotedBy("Binance")},
			{at: 20, usd: 110.2, above: 118, change: quotedBy("Bybit")},
			{at: 50, usd: 110.2, above: 118, change: quotedBy("Bybit")},
			{at: 80, usd: 110.3, above: 118, change: quotedBy("Bybit")},
		}, nil},
		{"another venue quotes, far from the level", []shot{
			{at: 0, usd: 100, above: 110, change: quotedBy("Binance")},
			{at: 10, usd: 100.3, above: 110, change: quotedBy("Bybit")},
			{at: 20, usd: 111, above: 118, change: quotedBy("Bybit")},
			{at: 40, usd: 111.1, above: 118, change: quotedBy("Binance")},
		}, up},
		{"another source", armed(shot{at: 20, usd: 111, above: 118, change: func(v *view) { v.price.Source = "other" }}, shot{at: 40, usd: 111, above: 118, change: func(v *view) { v.price.Source = "other" }}), nil},
		{"from the demo to the market", armed(shot{at: 20, usd: 111, above: 118, change: func(v *view) { v.levels.Demo = true }}, shot{at: 40, usd: 111, above: 118, change: func(v *view) { v.levels.Demo = true }}), nil},
		{"another kind of price", armed(shot{at: 20, usd: 111, above: 118, change: func(v *view) { v.kind = market.LastPrice }}, shot{at: 40, usd: 111, above: 118, change: func(v *view) { v.kind = market.LastPrice }}), nil},
	})
}

func TestBreakoutAndBadPrices(t *testing.T) {
	checkBreakouts(t, []breakoutTest{
		{"a price ten times too high", armed(shot{at: 20, usd: 1010, above: 1100, below: 900}, shot{at: 30, usd: 101, above: 110, below: 90}, shot{at: 60, usd: 101, above: 110, below: 90}), nil},
		{"a price ten times too low", armed(shot{at: 20, usd: 10.1, above: 11, below: 9}, shot{at: 30, usd: 101, above: 110, below: 90}, shot{at: 60, usd: 101, above: 110, below: 90}), nil},
		{"a bad price does not replace the level", armed(shot{at: 20, usd: 10.1, above: 11}, shot{at: 30, usd: 111}, shot{at: 50, usd: 111}), []event{{Level: 110, Rising: true, At: 50, Crossed: 30}}},
		{"a bad price at first", []shot{{at: 0, usd: 10, above: 11, below: 9}, {at: 10, usd: 100, above: 110, below: 90}, {at: 40, usd: 101, above: 110, below: 90}, {at: 70, usd: 101}}, nil},
		{"a bad price after a gap", armed(shot{at: 200, usd: 10, above: 11, below: 9}, shot{at: 210, usd: 100, above: 110, below: 90}, shot{at: 240, usd: 101, above: 110, below: 90}), nil},
		{"a bad price cannot confirm", armed(shot{at: 20, usd: 111}, shot{at: 40, usd: 1110}, shot{at: 50, usd: 109, above: 110}), nil},
		{"a bad price only delays", armed(shot{at: 20, usd: 111}, shot{at: 40, usd: 1110}, shot{at: 50, usd: 111}, shot{at: 60, usd: 111}), []event{{Level: 110, Rising: true, At: 60, Crossed: 20}}},
		{"prices that are none", armed(shot{at: 12, usd: 0}, shot{at: 14, usd: math.NaN()}, shot{at: 16, usd: math.Inf(1)}, shot{at: 18, usd: -5}, shot{at: 20, usd: 111}, shot{at: 40, usd: 111}), up},
		{"key levels that are none", armed(shot{at: 12, usd: 100, above: math.NaN(), below: -1}, shot{at: 14, usd: 100, above: math.Inf(1)}, shot{at: 20, usd: 111}, shot{at: 40, usd: 111}), up},
	})
}

func TestBreakoutInARecording(t *testing.T) {
	checkBreakouts(t, []breakoutTest{
		{"a recording that begins anew", []shot{
			{at: 0, usd: 100, above: 110, change: recordedAt(1000)},
			{at: 10, usd: 101, above: 110, change: recordedAt(1010)},
			{at: 20, usd: 111, above: 118, change: recordedAt(0)},
			{at: 50, usd: 111, above: 118, change: recordedAt(30)},
		}, nil},
		{"a recording that goes on", []shot{
			{at: 0, usd: 100, above: 110, change: recordedAt(1000)},
			{at: 10, usd: 101, above: 110, change: recordedAt(1010)},
			{at: 20, usd: 111, above: 118, change: recordedAt(1020)},
			{at: 40, usd: 111, above: 118, change: recordedAt(1040)},
		}, up},
	})
}

func recordedAt(second int) func(*view) {
	return func(v *view) {
		v.levels.RecordedAt = noon.Add(-time.Hour + time.Duration(second)*time.Second)
		v.price.RecordedAt = v.levels.RecordedAt
	}
}

func TestHoldOfZeroTakesASecondSnapshot(t *testing.T) {
	l := limits
	l.Hold = 0
	got := eventsOf(playBreakout(t, l, armed(shot{at: 20, usd: 111}, shot{at: 21, usd: 111}, shot{at: 22, usd: 111})))
	if diff := cmp.Diff([]event{{Level: 110, Rising: true, At: 21, Crossed: 20}}, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

func TestBreakoutAlertSaysAll(t *testing.T) {
	last := func(v *view) { v.levels.Demo, v.levels.RecordedAt = true, noon }
	first := func(v *view) { last(v); v.aboveUSD = 2e9 }
	shots := []shot{
		{at: 0, usd: 100, above: 110, change: first},
		{at: 10, usd: 101, above: 110, change: first},
		{at: 20, usd: 111, above: 118, change: last},
		{at: 40, usd: 112, above: 118, change: last},
	}
	got := playBreakout(t, limits, shots)
	provenance := market.Provenance{
		Source: "test", Venues: []market.Venue{"Binance", "OKX"}, AsOf: noon.Add(40 * time.Second), Demo: true, RecordedAt: noon,
	}
	want := []alert.Alert{{
		ID:   alert.EventID(alert.Breakout, "BTC", 110, true, noon),
		Rule: alert.Breakout, Coin: "BTC", Window: market.Week, Rising: true,
		LevelUSD: 110, PriceUSD: 112, Kind: market.MarkPrice,
		Strength: 2e9, Notable: true,
		IntensityUSD: 2e9, IntensityAt: noon.Add(10 * time.Second),
		At: noon.Add(40 * time.Second), Crossed: noon.Add(20 * time.Second),
		Expires: noon.Add(40*time.Second + 30*time.Minute), Provenance: provenance,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// TestReading follows the intensity that comes with a level.
func TestReading(t *testing.T) {
	with := func(usd float64) func(*view) { return func(v *view) { v.aboveUSD = usd } }
	t.Run("the greatest reading of a day counts", func(t *testing.T) {
		got := playBreakout(t, limits, []shot{
			{at: 0, usd: 100, above: 110, change: with(2e9)},
			{at: 10, usd: 101, above: 110, change: with(3e9)},
			{at: 20, usd: 105, above: 110, change: with(1e9)},
			{at: 30, usd: 109, above: 110, change: with(1e8)},
			{at: 40, usd: 111},
			{at: 60, usd: 111},
		})
		if len(got) != 1 || got[0].IntensityUSD != 3e9 || seconds(got[0].IntensityAt) != 10 {
			t.Errorf("alerts %+v, want an intensity of 3e9 read at 10 s", got)
		}
	})
	t.Run("the level is the one of that reading", func(t *testing.T) {
		got := playBreakout(t, limits, []shot{
			{at: 0, usd: 100, above: 110, change: with(1e9)},
			{at: 10, usd: 101, above: 110.1, change: with(3e9)},
			{at: 20, usd: 105, above: 110, change: with(1e9)},
			{at: 40, usd: 110.05},
			{at: 50, usd: 111},
			{at: 70, usd: 111},
		})
		if len(got) != 1 || got[0].IntensityUSD != 3e9 || got[0].LevelUSD != 110.1 || seconds(got[0].Crossed) != 50 {
			t.Errorf("alerts %+v, want 3e9 up to 110.1", got)
		}
	})
	t.Run("a greater reading does not move the level over the price", func(t *testing.T) {
		got := playBreakout(t, limits, []shot{
			{at: 0, usd: 105, above: 110, change: with(1e9)},
			{at: 10, usd: 106, above: 110, change: with(1e9)},
			{at: 20, usd: 109.95, above: 109.9, change: with(3e9)},
			{at: 30, usd: 109.95, above: 109.9},
			{at: 60, usd: 109.95},
		})
		if got != nil {
			t.Errorf("alerts %+v, want none", got)
		}
	})
	t.Run("an older reading does not", func(t *testing.T) {
		shots := []shot{{at: 0, usd: 100, above: 110, change: with(3e9)}}
		for at := 60; at <= day+60; at += 60 {
			shots = append(shots, shot{at: at, usd: 101, above: 110, change: with(1e9)})
		}
		got := playBreakout(t, limits, append(shots, shot{at: day + 100, usd: 111}, shot{at: day + 120, usd: 111}))
		if len(got) != 1 || got[0].IntensityUSD != 1e9 {
			t.Errorf("alerts %+v, want an intensity of 1e9", got)
		}
	})
	t.Run("a level that nobody has seen for a day is forgotten", func(t *testing.T) {
		shots := armed()
		for at := 60; at <= day+120; at += 60 {
			shots = append(shots, shot{at: at, usd: 101})
		}
		if got := playBreakout(t, limits, append(shots, shot{at: day + 130, usd: 111}, shot{at: day + 150, usd: 111})); got != nil {
			t.Errorf("alerts %+v, want none", got)
		}
	})
}

// TestReArm follows a side after an alert at 110, 40 s after noon.
func TestReArm(t *testing.T) {
	broken := func(rest ...shot) []shot {
		return armed(append([]shot{{at: 20, usd: 111, above: 118}, {at: 40, usd: 111, above: 118}}, rest...)...)
	}
	// keep fills the time from 100 s to just before the cooldown is over.
	keep := func(usd, above float64, rest ...shot) []shot {
		var shots []shot
		for at := 100; at <= 630; at += 10 {
			shots = append(shots, shot{at: at, usd: usd, above: above})
		}
		return broken(append(shots, rest...)...)
	}
	again := func(level float64, at, crossed int) []event {
		return []event{{Level: 110, Rising: true, At: 40, Crossed: 20}, {Level: level, Rising: true, At: at, Crossed: crossed}}
	}
	one := []event{{Level: 110, Rising: true, At: 40, Crossed: 20}}
	tests := []struct {
		name  string
		shots []shot
		want  []event
	}{
		{"back inside before the cooldown is over", broken(shot{at: 100, usd: 109, above: 110}, shot{at: 110, usd: 109, above: 110}, shot{at: 120, usd: 111, above: 118}, shot{at: 150, usd: 111, above: 118}), one},
		{"back inside after the cooldown", keep(109, 110, shot{at: 640, usd: 109, above: 110}, shot{at: 650, usd: 111}, shot{at: 670, usd: 111}), again(110, 670, 650)},
		{"too little inside", keep(109.8, 110, shot{at: 640, usd: 109.8, above: 110}, shot{at: 650, usd: 111, above: 110.2}, shot{at: 670, usd: 111, above: 110.2}), one},
		{"stays beyond, a new level farther out", keep(112, 118, shot{at: 640, usd: 112, above: 118}, shot{at: 650, usd: 119}, shot{at: 670, usd: 119}), again(118, 670, 650)},
		{"stays beyond, no other level", keep(112, 0, shot{at: 640, usd: 112}, shot{at: 650, usd: 119}, shot{at: 670, usd: 119}), one},
		{"stays beyond, the new level is too near", keep(110.1, 110.3, shot{at: 640, usd: 110.1, above: 110.3}, shot{at: 650, usd: 110.4}, shot{at: 670, usd: 110.4}), one},
		{"a bad price does not arm", keep(111, 0, shot{at: 640, usd: 11, above: 12}, shot{at: 650, usd: 111}, shot{at: 680, usd: 111}, shot{at: 700, usd: 111}), one},
		{"a bad price does not bring it back", keep(110.1, 110.3, shot{at: 640, usd: 11, above: 12}, shot{at: 650, usd: 110.1, above: 110.3}, shot{at: 660, usd: 110.1, above: 110.3}, shot{at: 670, usd: 110.4}, shot{at: 690, usd: 110.4}), one},
		{"back inside within the cooldown, then too little", keep(109.8, 110, shot{at: 635, usd: 108, above: 110}, shot{at: 640, usd: 109.8, above: 110}, shot{at: 650, usd: 109.8, above: 110}, shot{at: 660, usd: 111}, shot{at: 690, usd: 111}), one},
		{"the broken level does not replace one farther out", keep(112, 118, shot{at: 640, usd: 112, above: 118}, shot{at: 645, usd: 109.9, above: 110}, shot{at: 650, usd: 119}, shot{at: 670, usd: 119}), again(118, 670, 650)},
		{"a gap within the cooldown", broken(shot{at: 300, usd: 109, above: 110}, shot{at: 310, usd: 109, above: 110}, shot{at: 320, usd: 111, above: 118}, shot{at: 350, usd: 111, above: 118}), one},
		{"a gap beyond the cooldown arms anew", broken(shot{at: 700, usd: 109.9, above: 110}, shot{at: 710, usd: 109.9, above: 110}, shot{at: 720, usd: 111}, shot{at: 740, usd: 111}), again(110, 740, 720)},
		{"other venues within the cooldown", broken(
			shot{at: 50, usd: 109, above: 110, change: func(v *view) { v.levels.Missing = []market.Venue{"OKX"} }},
			shot{at: 60, usd: 109, above: 110}, shot{at: 70, usd: 109, above: 110}, shot{at: 80, usd: 111}, shot{at: 110, usd: 111},
		), one},
	}
	hovering := keep(110.1, 110.3)
	for i, usd := range []float64{110.1, 110.1, 110.1, 110.4, 110.4, 110.4} {
		hovering = append(hovering, shot{at: 640 + 20*i, usd: usd, above: 110.3, change: func(v *view) { v.levels.Missing = []market.Venue{"OKX"} }})
	}
	tests = append(tests, struct {
		name  string
		shots []shot
		want  []event
	}{"other venues after the cooldown", hovering, one})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := playBreakout(t, limits, tt.shots)
			if diff := cmp.Diff(tt.want, eventsOf(got)); diff != "" {
				t.Fatalf("alerts (-want +got):\n%s", diff)
			}
			if len(got) == 2 && (!got[1].Last.Equal(got[0].At) || got[0].ID == got[1].ID) {
				t.Errorf("second alert %+v does not follow the first", got[1])
			}
		})
	}
}

// TestFlappingPrice is a price that swings around a level.
func TestFlappingPrice(t *testing.T) {
	swing := func(amplitude float64, minutes int) []shot {
		shots := armed()
		for at := 20; at < minutes*60; at += 5 {
			usd := 110 + amplitude*math.Sin(float64(at)/60*math.Pi) // two minutes a swing
			above := 110.0
			if usd >= 110 {
				above = 118
			}
			shots = append(shots, shot{at: at, usd: usd, above: above})
		}
		return shots
	}
	for _, tt := range []struct {
		name      string
		amplitude float64
		minutes   int
		want      int
	}{
		{"closely for an hour", 0.1, 60, 1},
		{"widely within the cooldown", 2, 10, 1},
		{"widely for half an hour", 2, 30, 3}, // one for each cooldown of ten minutes
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := playBreakout(t, limits, swing(tt.amplitude, tt.minutes))
			if len(got) != tt.want {
				t.Errorf("%d alerts, want %d: %+v", len(got), tt.want, eventsOf(got))
			}
		})
	}
}
