package charts_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

var asOf = time.Date(2026, time.January, 10, 12, 0, 0, 0, time.UTC)

var venues = []market.Venue{"Binance", "OKX", "Bybit", "Bitget", "Gate", "HTX"}

// sample is the input of a snapshot that tests change before they build it.
type sample struct {
	coin       market.Coin
	window     market.Window
	markUSD    float64
	levels     []liquidation.Level
	provenance market.Provenance
	id         uint64
}

// btc is a made-up market with real key figures: a mark of $90,131.71, $2.705B of
// shorts up to $94,681 and $1.563B of longs down to $86,137, on six exchanges.
func btc() sample {
	s := sample{
		coin: "BTC", window: market.Week, markUSD: 90131.71, id: 1,
		provenance: market.Provenance{Source: "CoinGlass", Origin: market.Vendor, AsOf: asOf, Venues: venues},
	}
	hump := func(x, centre, width, height float64) float64 {
		off := (x - centre) / width
		return height * math.Exp(-off*off)
	}
	above := func(p float64) float64 {
		return 3 + hump(p, 94590, 120, 46) + hump(p, 93250, 170, 22) + hump(p, 91750, 150, 16) + hump(p, 92500, 420, 14) +
			hump(p, 93800, 150, 17) + hump(p, 95250, 160, 12) + hump(p, 91000, 250, 8)
	}
	below := func(p float64) float64 {
		return 3 + hump(p, 86215, 110, 36) + hump(p, 87350, 120, 21) + hump(p, 88750, 140, 14) + hump(p, 87900, 500, 9) +
			hump(p, 85550, 160, 11) + hump(p, 89400, 200, 8) + hump(p, 86800, 200, 9)
	}
	s.levels = append(s.levels, side(market.Short, s.markUSD, 138, keyTotal{94681, 2.705e9}, above)...)
	s.levels = append(s.levels, side(market.Long, s.markUSD, 128, keyTotal{86137, 1.563e9}, below)...)
	return s
}

// keyTotal is a key level and what lies up to it.
type keyTotal struct{ price, total float64 }

// side makes n levels outward from the mark that sum to a total up to a price.
func side(of market.Side, mark float64, n int, key keyTotal, shape func(float64) float64) []liquidation.Level {
	step := 43.0
	if of == market.Long {
		step = -step
	}
	rng := rand.New(rand.NewPCG(7, uint64(of)))
	weights := []float64{0.36, 0.2, 0.17, 0.12, 0.09, 0.06}
	var levels []liquidation.Level
	inner := 0.0
	for i := range n {
		price := math.Round(mark + step*(float64(i)+2))
		if len(levels) > 0 && (price-key.price)*(levels[len(levels)-1].PriceUSD-key.price) < 0 {
			price = key.price
		}
		if len(levels) > 0 && (price-key.price)*(levels[len(levels)-1].PriceUSD-key.price) < 0 {
			price = key.price
		}
		if beyond := math.Abs(price-mark) - math.Abs(key.price-mark); beyond > 0 && beyond < 200 {
			// A gap ends the cluster at the key level.
			continue
		}
		height := shape(price) * (0.6 + 0.8*rng.Float64())
		for v, w := range weights {
			intensity := height * w * (0.8 + 0.4*rng.Float64())
			levels = append(levels, liquidation.Level{PriceUSD: price, Side: of, IntensityUSD: intensity, Venue: venues[v]})
			if math.Abs(price-mark) <= math.Abs(key.price-mark) {
				inner += intensity
			}
		}
	}
	for i := range levels {
		levels[i].IntensityUSD *= key.total / inner
	}
	return levels
}

func (s sample) demo() sample {
	s.provenance.Source, s.provenance.Demo = "demo", true
	return s
}

func (s sample) recorded() sample {
	s.provenance.RecordedAt = asOf
	s.provenance.AsOf = asOf.AddDate(0, 5, 0)
	return s
}

// scaled moves the whole market to another price.
func (s sample) scaled(coin market.Coin, factor float64) sample {
	s.coin, s.markUSD = coin, s.markUSD*factor
	levels := make([]liquidation.Level, len(s.levels))
	for i, l := range s.levels {
		l.PriceUSD *= factor
		levels[i] = l
	}
	s.levels = levels
	return s
}

func (s sample) only(keep func(liquidation.Level) bool) sample {
	var levels []liquidation.Level
	for _, l := range s.levels {
		if keep(l) {
			levels = append(levels, l)
		}
	}
	s.levels = levels
	return s
}

func (s sample) with(levels ...liquidation.Level) sample {
	s.levels = levels
	return s
}

func (s sample) build(tb testing.TB) *snapshot.Snapshot {
	tb.Helper()
	m, err := liquidation.New(liquidation.Input{Coin: s.coin, Window: s.window, MarkUSD: s.markUSD, Levels: s.levels, Provenance: s.provenance})
	if err != nil {
		tb.Fatalf("build sample map: %v", err)
	}
	return &snapshot.Snapshot{
		ID: s.id, Key: snapshot.Key{Coin: s.coin, Window: s.window}, Map: m,
		Price:   market.Price{USD: s.markUSD, Kind: market.MarkPrice, Provenance: s.provenance},
		Summary: m.Summarise(liquidation.KeyLevelBand, liquidation.SymmetricBand),
	}
}
