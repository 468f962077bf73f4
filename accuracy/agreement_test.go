package accuracy_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"liqbot/accuracy"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// shaped is a map whose intensity at a distance from the mark is told by shape.
func shaped(t *testing.T, mark float64, source string, at time.Time, shape func(side market.Side, i int) float64) *liquidation.Map {
	t.Helper()
	var levels []liquidation.Level
	for i := range 40 {
		away := math.Exp(0.0025 * (float64(i) + 0.5))
		levels = append(levels,
			liquidation.Level{PriceUSD: mark * away, Side: market.Short, IntensityUSD: shape(market.Short, i)},
			liquidation.Level{PriceUSD: mark / away, Side: market.Long, IntensityUSD: shape(market.Long, i)})
	}
	m, err := liquidation.New(liquidation.Input{Coin: "BTC", Window: market.Week, MarkUSD: mark, Levels: levels, Provenance: market.Provenance{Source: source, AsOf: at}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func wavy(_ market.Side, i int) float64 { return 2 + math.Sin(float64(i)/3) + float64(i)/50 }

func TestRankCorrelation(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ours := shaped(t, 90_000, "a", now, wavy)
	for name, c := range map[string]struct {
		other  *liquidation.Map
		lo, hi float64
	}{
		"itself":               {ours, 1, 1},
		"another scale, price": {shaped(t, 90_400, "b", now, func(s market.Side, i int) float64 { return 1e6 * wavy(s, i) }), 0.999, 1},
		"upside down":          {shaped(t, 90_000, "b", now, func(s market.Side, i int) float64 { return 10 - wavy(s, i) }), -1, -0.999},
		"unrelated":            {shaped(t, 90_000, "b", now, func(_ market.Side, i int) float64 { return 2 + math.Sin(float64(i*i)) }), -0.5, 0.5},
	} {
		rho, bins, ok := accuracy.RankCorrelation(ours, c.other)
		if !ok || bins != 40 || rho < c.lo-1e-9 || rho > c.hi+1e-9 {
			t.Errorf("%s: %v of %d bins, %v; want %v to %v", name, rho, bins, ok, c.lo, c.hi)
		}
	}
}

// What is told is since the oldest comparison that is in it.
func TestAgreementsAreOfTwoMonths(t *testing.T) {
	t.Parallel()
	a := accuracy.NewAgreements()
	start := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	thin := shaped(t, 90_000, "CoinGlass", start, func(_ market.Side, i int) float64 { return float64(max(0, 8-i)) })
	ours, theirs := shaped(t, 90_000, "Exchanges", start, wavy), shaped(t, 90_000, "CoinGlass", start, wavy)
	first, last := 3, 60*24+10
	for hour := range last + 1 {
		at := start.Add(time.Duration(hour) * time.Hour)
		s := &snapshot.Snapshot{Key: snapshot.Key{Coin: "BTC", Window: market.Week}, Map: ours, Beside: &snapshot.Snapshot{Map: theirs}}
		if hour < first { // nothing to compare yet
			s.Map, s.Beside.Map = thin, thin
		}
		s.Price.Provenance.AsOf = at
		// The map's own time is the start: the snapshot's is the older of the two.
		m, err := liquidation.New(liquidation.Input{
			Coin: "BTC", Window: market.Week, MarkUSD: 90_000, Levels: slices.Concat(s.Map.Levels(market.Long), s.Map.Levels(market.Short)),
			Provenance: market.Provenance{Source: "Exchanges", AsOf: at},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Map = m
		a.Publish(s)
		if got := a.Of("BTC"); hour == first && (got == nil || got.N != 1 || !got.Since.Equal(at)) {
			t.Errorf("after the first comparison %+v, want since %v", got, at)
		}
	}
	want := start.Add(time.Duration(last-60*24+1) * time.Hour)
	if got := a.Of("BTC"); got.N != 60*24 || !got.Since.Equal(want) {
		t.Errorf("got %d since %v, want %d since %v", got.N, got.Since, 60*24, want)
	}
}

func TestAgreementsCompareOnceAnHour(t *testing.T) {
	t.Parallel()
	a := accuracy.NewAgreements()
	if a.Of("BTC") != nil {
		t.Error("an agreement before the first comparison")
	}
	start := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for i := range 5 * 60 {
		at := start.Add(time.Duration(i) * time.Minute)
		snap := func(source string) *snapshot.Snapshot {
			return &snapshot.Snapshot{
				Key: snapshot.Key{Coin: "BTC", Window: market.Week}, Map: shaped(t, 90_000, source, at, wavy),
				Price: market.Price{USD: 90_000, Provenance: market.Provenance{AsOf: at}},
			}
		}
		s := snap("Exchanges")
		s.Beside = snap("CoinGlass")
		a.Publish(s)
		alone := snap("Exchanges")
		a.Publish(alone)
	}
	got := a.Of("BTC")
	if got == nil || got.N != 5 || math.Abs(got.Rho-1) > 1e-9 || got.Vendor != "CoinGlass" || !got.Since.Equal(start) {
		t.Errorf("got %+v", got)
	}
	if a.Of("ETH") != nil {
		t.Error("an agreement on a coin that was never compared")
	}
}
