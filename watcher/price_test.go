package watcher_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/watcher"
)

// playPrice runs the price rule over shots, as playBreakout does.
func playPrice(tb testing.TB, shots []shot, restart ...int) []alert.Reached {
	tb.Helper()
	var st watcher.PriceState
	var all []alert.Reached
	for i, shot := range shots {
		s, now := shot.make(tb)
		var v watcher.Verdict
		st, v = watcher.StepPrice(limits, st, s, now)
		all = append(all, v.Reached...)
		for _, k := range restart {
			if k == i {
				st = keptPrice(tb, st)
			}
		}
	}
	return all
}

func keptPrice(tb testing.TB, st watcher.PriceState) watcher.PriceState {
	tb.Helper()
	kept, err := st.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	if st, err = watcher.DecodePrice(kept); err != nil {
		tb.Fatal(err)
	}
	return st
}

// confirmed is what the table tells of a confirmed price.
type confirmed struct {
	USD         float64
	At, Crossed int // seconds after noon
	Blind       int // -1 for none
}

func TestPrice(t *testing.T) {
	tests := []struct {
		name  string
		shots []shot
		want  []confirmed
	}{
		{"one price", []shot{{at: 0, usd: 100}}, nil},
		{"two that agree", []shot{{at: 0, usd: 100}, {at: 10, usd: 101}}, []confirmed{{100, 10, 0, -1}}},
		{"two that do not", []shot{{at: 0, usd: 1000}, {at: 10, usd: 100}}, nil},
		{
			"rising",
			[]shot{{at: 0, usd: 100}, {at: 10, usd: 101}, {at: 20, usd: 103}, {at: 30, usd: 106}},
			[]confirmed{{100, 10, 0, -1}, {101, 20, 10, -1}, {103, 30, 20, -1}},
		},
		{
			"falling fast",
			[]shot{{at: 0, usd: 100}, {at: 10, usd: 100}, {at: 20, usd: 80}, {at: 30, usd: 60}},
			[]confirmed{{100, 10, 0, -1}, {100, 20, 10, -1}, {80, 30, 20, -1}},
		},
		{
			"a lone price ten times too high",
			[]shot{{at: 0, usd: 100}, {at: 10, usd: 100}, {at: 20, usd: 1000}, {at: 30, usd: 101}, {at: 40, usd: 101}},
			[]confirmed{{100, 10, 0, -1}, {100, 20, 10, -1}, {101, 30, 20, -1}, {101, 40, 30, -1}},
		},
		{
			"a lone price ten times too low",
			[]shot{{at: 0, usd: 100}, {at: 10, usd: 100}, {at: 20, usd: 10}, {at: 30, usd: 99}},
			[]confirmed{{100, 10, 0, -1}, {100, 20, 10, -1}, {99, 30, 20, -1}},
		},
		{
			"on both sides of the last one",
			[]shot{{at: 0, usd: 100}, {at: 10, usd: 100}, {at: 20, usd: 104}, {at: 30, usd: 97}, {at: 40, usd: 96}},
			[]confirmed{{100, 10, 0, -1}, {100, 20, 10, -1}, {97, 40, 30, -1}},
		},
		{
			"prices that are none",
			[]shot{{at: 0, usd: 100}, {at: 5, usd: 0}, {at: 6, usd: math.NaN()}, {at: 7, usd: math.Inf(1)}, {at: 8, usd: -1}, {at: 10, usd: 101}},
			[]confirmed{{100, 10, 0, -1}},
		},
		{"the same price again does not confirm", []shot{{at: 0, usd: 100}, {at: 10, usd: 100, change: func(v *view) { v.priceAt = noon }}}, nil},
		{"nor does an older one", []shot{{at: 10, usd: 100}, {at: 20, usd: 100, change: func(v *view) { v.priceAt = noon }}}, nil},
		{"a stale one is not looked at", []shot{{at: 0, usd: 100}, {at: 10, usd: 100, change: func(v *view) { v.now = v.now.Add(121 * time.Second) }}}, nil},
		{"the map may be old", []shot{{at: 0, usd: 100}, {at: 10, usd: 100, change: func(v *view) { v.mapAt = noon.Add(-time.Hour) }}}, []confirmed{{100, 10, 0, -1}}},
		{
			"a gap",
			[]shot{{at: 0, usd: 100}, {at: 10, usd: 100}, {at: 500, usd: 120}, {at: 510, usd: 121}, {at: 520, usd: 122}},
			[]confirmed{{100, 10, 0, -1}, {100, 500, 10, -1}, {120, 510, 500, 10}, {121, 520, 510, -1}},
		},
		{
			"a bad price after a gap",
			[]shot{{at: 0, usd: 100}, {at: 10, usd: 100}, {at: 500, usd: 12}, {at: 510, usd: 121}, {at: 520, usd: 122}},
			[]confirmed{{100, 10, 0, -1}, {100, 500, 10, -1}, {121, 520, 510, -1}},
		},
		{"another source", []shot{
			{at: 0, usd: 100}, {at: 10, usd: 100}, {at: 20, usd: 50, change: func(v *view) { v.price.Demo = true }}, {at: 30, usd: 50, change: func(v *view) { v.price.Demo = true }},
		}, []confirmed{{100, 10, 0, -1}, {50, 30, 20, -1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			for k := -1; k < len(tt.shots); k++ { // with a restart after each shot, too
				var got []confirmed
				for _, r := range playPrice(t, tt.shots, k) {
					c := confirmed{r.USD, seconds(r.Alert.At), seconds(r.Alert.Crossed), -1}
					if !r.Alert.BlindSince.IsZero() {
						c.Blind = seconds(r.Alert.BlindSince)
					}
					got = append(got, c)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("restart after shot %d: confirmed (-want +got):\n%s", k, diff)
				}
			}
		})
	}
}

func TestReachedSaysAll(t *testing.T) {
	got := playPrice(t, []shot{{at: 0, usd: 100}, {at: 10, usd: 101, change: recordedAt(7)}, {at: 20, usd: 102, change: recordedAt(8)}})
	want := []alert.Reached{{Coin: "BTC", USD: 101, Alert: alert.Alert{
		Rule: alert.Price, Coin: "BTC", PriceUSD: 102, Kind: market.MarkPrice,
		At: noon.Add(20 * time.Second), Crossed: noon.Add(10 * time.Second), Expires: noon.Add(20*time.Second + 30*time.Minute),
		Provenance: market.Provenance{
			Source: "test", Venues: []market.Venue{"Binance", "OKX"}, AsOf: noon.Add(20 * time.Second), RecordedAt: noon.Add(-time.Hour + 8*time.Second),
		},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reached (-want +got):\n%s", diff)
	}
}

// TestClockSetBackDoesNotStopThePrices sets our clock and the market times back.
func TestClockSetBackDoesNotStopThePrices(t *testing.T) {
	back := func(v *view) {
		v.now, v.priceAt, v.mapAt = v.now.Add(-time.Hour), v.priceAt.Add(-time.Hour), v.mapAt.Add(-time.Hour)
	}
	got := playPrice(t, []shot{{at: 0, usd: 100}, {at: 10, usd: 100}, {at: 20, usd: 110, change: back}, {at: 30, usd: 110, change: back}})
	if len(got) != 3 || got[2].USD != 110 || !got[2].Alert.BlindSince.IsZero() {
		t.Errorf("reached %+v, want 110 to be confirmed and no gap", got)
	}
}

// quotedBy lets another venue quote the price.
func quotedBy(venue market.Venue) func(*view) {
	return func(v *view) { v.price.Venues = []market.Venue{venue} }
}

// TestAnotherVenueIsNoMoveOfThePrice has Bybit quote in Binance's place, three thousandths
// higher: a level between the two must not be reached by that.
func TestAnotherVenueIsNoMoveOfThePrice(t *testing.T) {
	binance, bybit := quotedBy("Binance"), quotedBy("Bybit")
	start := func(more ...shot) []shot {
		return append([]shot{{at: 0, usd: 109.9, change: binance}, {at: 10, usd: 109.9, change: binance}}, more...)
	}
	first := confirmed{109.9, 10, 0, -1}
	for _, tt := range []struct {
		name  string
		shots []shot
		want  []confirmed
	}{
		{"it stays there", start(shot{20, 110.2, 0, 0, bybit}, shot{30, 110.2, 0, 0, bybit}, shot{40, 110.4, 0, 0, bybit}), []confirmed{first}},
		{"and comes back", start(shot{20, 110.2, 0, 0, bybit}, shot{30, 110.2, 0, 0, bybit}, shot{40, 109.9, 0, 0, binance}, shot{50, 109.9, 0, 0, binance}), []confirmed{first}},
		{
			"the market moves on up",
			start(shot{20, 110.2, 0, 0, bybit}, shot{30, 110.6, 0, 0, bybit}, shot{40, 110.7, 0, 0, bybit}),
			[]confirmed{first, {110.6, 40, 30, -1}},
		},
		{
			"the market falls",
			start(shot{20, 110.2, 0, 0, bybit}, shot{30, 109.5, 0, 0, bybit}, shot{40, 109.4, 0, 0, bybit}),
			[]confirmed{first, {109.5, 40, 30, -1}},
		},
		{
			"venues that take turns while it rises",
			start(shot{20, 110.2, 0, 0, bybit}, shot{30, 110.3, 0, 0, binance}, shot{40, 110.9, 0, 0, bybit}, shot{50, 110.9, 0, 0, binance}, shot{60, 111.5, 0, 0, bybit}, shot{70, 112.2, 0, 0, binance}, shot{80, 112.8, 0, 0, bybit}),
			[]confirmed{first, {110.9, 50, 40, -1}, {112.2, 80, 70, -1}},
		},
		{
			"the other venue is far off at first",
			start(shot{20, 1102, 0, 0, bybit}, shot{30, 110.2, 0, 0, bybit}, shot{40, 110.3, 0, 0, bybit}),
			[]confirmed{first, {110.2, 40, 30, -1}},
		},
		{
			"after a gap the market may have moved",
			start(shot{500, 110.2, 0, 0, bybit}, shot{510, 110.2, 0, 0, bybit}),
			[]confirmed{first, {109.9, 500, 10, -1}, {110.2, 510, 500, 10}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for k := -1; k < len(tt.shots); k++ { // with a restart after each shot, too
				var got []confirmed
				for _, r := range playPrice(t, tt.shots, k) {
					c := confirmed{r.USD, seconds(r.Alert.At), seconds(r.Alert.Crossed), -1}
					if !r.Alert.BlindSince.IsZero() {
						c.Blind = seconds(r.Alert.BlindSince)
					}
					got = append(got, c)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("restart after shot %d: confirmed (-want +got):\n%s", k, diff)
				}
			}
		})
	}
}

// TestAnotherVenueIsThePriceInTheEnd: a venue that is gone for good must not silence a
// level for ever.
func TestAnotherVenueIsThePriceInTheEnd(t *testing.T) {
	shots := []shot{{at: 0, usd: 109.9, change: quotedBy("Binance")}, {at: 60, usd: 109.9, change: quotedBy("Binance")}}
	for at := 120; at <= 780; at += 60 {
		shots = append(shots, shot{at: at, usd: 110.2, change: quotedBy("Bybit")})
	}
	got := playPrice(t, shots)
	if len(got) != 3 || got[1].USD != 110.2 || seconds(got[1].Alert.At) != 720 {
		t.Errorf("reached %+v, want 110.2 from ten minutes after the change on", got)
	}
}
