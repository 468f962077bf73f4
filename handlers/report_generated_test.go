package handlers_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// generated is one case: the levels that went in, and the snapshot made of them.
type generated struct {
	*snapshot.Snapshot
	levels []liquidation.Level
	mark   float64
}

// generate makes a market: n picks which parts are there, so that all combinations come.
func generate(t *testing.T, n int) generated {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(n), 11))
	g := generated{mark: pick(rng, 90131.71, 0.0000043219, 1.00003, 0.13245, 3017.5, 99999.999, 123456789, math.Exp(rng.Float64()*30-18))}
	coin := []market.Coin{"BTC", "ETH", "PEPE"}[rng.IntN(3)]
	p := someProvenance(rng)
	g.levels = someLevels(rng, g.mark)
	m, err := liquidation.New(liquidation.Input{Coin: coin, Window: market.Week, MarkUSD: g.mark, Levels: g.levels, Provenance: p})
	if err != nil {
		t.Fatal(err)
	}
	p.Origin = market.Measured
	g.Snapshot = &snapshot.Snapshot{
		Key: snapshot.Key{Coin: coin, Window: market.Week}, Map: m, Summary: m.Summarise(0.06, 0.05),
		Price: market.Price{USD: g.mark, Kind: market.MarkPrice, Provenance: p},
	}
	has := func(bit int) bool { return n>>bit&1 == 1 }
	furnish(g.Snapshot, rng, has)
	furnishVenues(g.Snapshot, rng, has)
	return g
}

func pick(rng *rand.Rand, values ...float64) float64 { return values[rng.IntN(len(values))] }

func someProvenance(rng *rand.Rand) market.Provenance {
	p := market.Provenance{Source: "exchanges", Origin: market.Estimate, AsOf: now.Add(-time.Duration(rng.IntN(14*60)) * time.Second), Venues: sixVenues[:1+rng.IntN(6)]}
	if rng.IntN(3) == 0 {
		p.Missing = sixVenues[rng.IntN(6):]
	}
	p.Demo = rng.IntN(10) == 0
	if !p.Demo && rng.IntN(10) == 0 {
		p.RecordedAt = now.AddDate(-1, 0, 0)
	}
	if rng.IntN(3) == 0 {
		p.Origin = market.Vendor
	}
	return p
}

// dated is a snapshot's provenance, at times of a figure that is of long ago.
func dated(s *snapshot.Snapshot, rng *rand.Rand) market.Provenance {
	p := s.Price.Provenance
	if rng.IntN(12) == 0 {
		p.AsOf = now.Add(-3 * time.Hour)
	}
	return p
}

// furnish adds what a source may know of a coin.
func furnish(s *snapshot.Snapshot, rng *rand.Rand, has func(bit int) bool) {
	if has(0) {
		s.Price.HasChange24h, s.Price.Change24h = true, pick(rng, 0, 0.00004, -0.00004, 0.00006, -0.00006, 0.31, -0.98, math.NaN(), rng.Float64()-0.5)
	}
	if has(1) {
		s.Price.Kind = market.LastPrice
	}
	if has(2) {
		s.Range = someRange(rng, s.Price.USD, dated(s, rng))
	}
	if has(3) {
		s.ETF = &market.ETFFlow{
			NetUSD: pick(rng, 0, 0.2, -3.5e8, 4.59e8, math.Inf(1), rng.NormFloat64()*1e9), NetCoins: 5,
			To: now.Add(-time.Duration(2+rng.IntN(20)) * 24 * time.Hour), Week: market.LatestDays, Provenance: s.Price.Provenance,
		}
		s.ETF.From = s.ETF.To.Add(-4 * 24 * time.Hour)
	}
	if has(4) {
		s.Liquidations = &market.Liquidations{
			LongUSD: pick(rng, 0, 68e6, 14e6, rng.Float64()*1e9), ShortUSD: pick(rng, 0, 14e6, 66e6, rng.Float64()*1e9, math.NaN()),
			Over: time.Duration(1+rng.IntN(1440)) * time.Minute, Provenance: dated(s, rng),
		}
	}
	if has(5) {
		s.OpenInterest = &market.OpenInterest{
			USD:       pick(rng, 57.44e9, 1234, math.Exp(rng.Float64()*25)),
			Change24h: pick(rng, 0, 0.00003, 0.2, -0.2, math.NaN(), rng.NormFloat64()/10), HasChange24h: has(6), Provenance: dated(s, rng),
		}
	}
}

// furnishVenues adds funding, figures by venue and how the map was made.
func furnishVenues(s *snapshot.Snapshot, rng *rand.Rand, has func(bit int) bool) {
	if has(7) {
		s.Funding = &market.Funding{Venue: "Binance", Rate: someRate(rng), Interval: 8 * time.Hour, Provenance: dated(s, rng)}
	}
	if has(8) {
		for _, v := range s.Price.Provenance.Venues {
			f := market.VenueFigures{Venue: v, AsOf: dated(s, rng).AsOf}
			if rng.IntN(4) > 0 {
				f.Funding = &market.VenueFunding{Rate: someRate(rng), Interval: time.Duration(pick(rng, 1, 4, 8)) * time.Hour, UsualRate: someRate(rng), HasUsual: rng.IntN(2) == 0}
				if rng.IntN(3) == 0 {
					f.Funding.UsualRate = f.Funding.Rate * (1 + rng.NormFloat64()/20)
				}
			}
			s.Venues = append(s.Venues, f)
		}
	}
	if has(9) {
		last := s.Price.Provenance.AsOf
		s.Model = &snapshot.Model{Parameters: "p", Input: "i", BarLength: 5 * time.Minute, Last: last, First: last.Add(-time.Duration(rng.IntN(400*60)) * time.Minute), WarmUp: 168 * time.Hour}
	}
}

var sixVenues = []market.Venue{"Binance", "OKX", "Bybit", "Hyperliquid", "Gate", "Bitget"}

func someRate(rng *rand.Rand) float64 {
	rates := []float64{0, 0.0000001, -0.0000001, 0.0001, -0.0001, 0.00007343, -0.02, 0.03, math.NaN(), rng.NormFloat64() / 5000}
	return rates[rng.IntN(len(rates))]
}

func someRange(rng *rand.Rand, mark float64, p market.Provenance) *market.PriceRange {
	r := &market.PriceRange{Window: market.Week, Provenance: p}
	low, wide := rng.Float64(), mark*(0.001+rng.Float64()/3)
	switch rng.IntN(8) {
	case 0:
		low = 0 // the price is the low
	case 1:
		low = 1 // or the high
	case 2:
		low = 1.2 // above it
	case 3:
		low = -0.2
	case 4:
		low = 0.93 + 0.07*rng.Float64()
	case 5:
		low = 0.07 * rng.Float64()
	case 6:
		if rng.IntN(3) == 0 {
			wide = 0
		}
	}
	r.LowUSD = mark - low*wide
	r.HighUSD = r.LowUSD + wide
	return r
}

// someLevels makes the two sides: full, one-sided, far away, equal, extreme.
func someLevels(rng *rand.Rand, mark float64) []liquidation.Level {
	var levels []liquidation.Level
	mode := rng.IntN(9)
	scale := math.Exp(rng.Float64()*20 + 3)
	add := func(side market.Side, distance, intensity float64) {
		price := mark * (1 + distance)
		if side == market.Long {
			price = mark * (1 - distance)
		}
		levels = append(levels, liquidation.Level{PriceUSD: price, Side: side, IntensityUSD: intensity})
	}
	for i := range 1 + rng.IntN(12) {
		distance := 0.0002 + 0.08*rng.Float64()
		long, short := scale*rng.Float64(), scale*rng.Float64()
		switch mode {
		case 0:
			long = 0
		case 1:
			short = 0
		case 2:
			distance += 0.1
		case 3:
			short = long
		case 4:
			short *= 200
		case 5:
			long *= 200
		case 6:
			short = long * (1.05 + 0.1*rng.Float64())
		case 7:
			if i == 0 {
				add(market.Short, 0.045, 5*scale) // near enough for both comparisons
				add(market.Long, 0.0505, 7*scale) // only for the key level
			}
		}
		add(market.Short, distance, short+1e-6*short)
		if mode == 3 {
			short = levels[len(levels)-1].IntensityUSD
			long = short
		}
		add(market.Long, distance, long)
	}
	return levels
}
