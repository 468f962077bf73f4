package snapshot_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/market"
	"liqbot/snapshot"
)

var realisedAt = time.Date(2026, 11, 24, 14, 2, 33, 0, time.UTC)

func row(minutes int, v market.Venue, long, short float64) market.Realised {
	start := realisedAt.Truncate(market.RealisedLength).Add(-time.Duration(minutes) * time.Minute)
	side, usd := market.Long, long/2
	if short > long {
		side, usd = market.Short, short/2
	}
	return market.Realised{
		Start: start, Venue: v, LongUSD: long, ShortUSD: short, Orders: 2,
		Largest: market.Liquidation{At: start.Add(time.Minute), Side: side, Coins: usd / 50000, PriceUSD: 50000},
	}
}

func fewRows() *snapshot.Realised {
	return &snapshot.Realised{
		AsOf: realisedAt,
		Rows: []market.Realised{
			row(24*60, "Bybit", 1e9, 0), // began before the day
			row(23*60+55, "Bybit", 100, 0),
			row(65, "Binance", 30, 4),
			row(60, "Binance", 7, 0), // began before the hour
			row(55, "Bybit", 20, 10),
			row(0, "Binance", 5, 900),
			row(-5, "Binance", 1e9, 1e9), // after AsOf
		},
		Watched: []snapshot.WatchedVenue{
			{Venue: "Binance", Coverage: market.Sampled, Since: realisedAt.Add(-48 * time.Hour)},
			{Venue: "Bybit", Coverage: market.EveryOrder, Since: realisedAt.Add(-2 * time.Hour)},
			{Venue: "OKX", Coverage: market.Sampled, Since: realisedAt.Add(-48 * time.Hour)},
		},
	}
}

func TestRealisedSumOverASpan(t *testing.T) {
	for name, c := range map[string]struct {
		span         time.Duration
		long, short  float64
		orders       int
		first        market.Venue
		late         bool
		largestUSD   float64
		largestVenue market.Venue
	}{
		"hour":          {time.Hour, 25, 910, 4, "Binance", false, 450, "Binance"},
		"four hours":    {4 * time.Hour, 62, 914, 8, "Binance", true, 450, "Binance"},
		"day":           {24 * time.Hour, 162, 914, 10, "Binance", true, 450, "Binance"},
		"three minutes": {3 * time.Minute, 5, 900, 2, "Binance", false, 450, "Binance"},
		"a minute":      {time.Minute, 0, 0, 0, "Binance", false, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sum := fewRows().Sum(c.span)
			if sum.LongUSD != c.long || sum.ShortUSD != c.short || sum.Orders != c.orders || sum.TotalUSD() != c.long+c.short {
				t.Errorf("sum = %+v", sum)
			}
			if len(sum.Venues) != 3 || sum.Venues[0].Venue != c.first || sum.Venues[2].Venue != "OKX" || sum.Venues[2].TotalUSD() != 0 {
				t.Errorf("venues = %+v", sum.Venues)
			}
			if _, late := sum.WatchedSince(); late != c.late {
				t.Errorf("late = %v", late)
			}
			if c.largestUSD == 0 {
				if sum.Largest != nil {
					t.Errorf("largest = %+v", sum.Largest)
				}
				return
			}
			if sum.Largest == nil || math.Abs(sum.Largest.NotionalUSD()-c.largestUSD) > 1e-9 || sum.LargestAt != c.largestVenue {
				t.Errorf("largest = %+v at %s", sum.Largest, sum.LargestAt)
			}
		})
	}
}

func TestVenueThatIsWatchedNoMoreStillCounts(t *testing.T) {
	r := fewRows()
	r.Watched = nil
	sum := r.Sum(time.Hour)
	if len(sum.Venues) != 2 || sum.Venues[0].Venue != "Binance" || sum.Venues[0].Coverage != "" || sum.TotalUSD() != 935 {
		t.Errorf("sum = %+v", sum)
	}
}

// manyRows are a day of figures that no sum in another order adds up to alike by chance.
func manyRows(seed uint64) *snapshot.Realised {
	rng := rand.New(rand.NewPCG(seed, 1))
	r := &snapshot.Realised{AsOf: realisedAt}
	for minutes := 0; minutes < 26*60; minutes += 5 {
		for _, v := range []market.Venue{"Binance", "Bybit", "OKX", "Gate", "Hyperliquid"} {
			if rng.IntN(3) > 0 {
				r.Rows = append(r.Rows, row(minutes, v, math.Exp(20*rng.Float64()), math.Exp(20*rng.Float64())))
			}
		}
	}
	// The same stretch twice, as after a restart.
	r.Rows = append(r.Rows, row(30, "Bybit", 0.1, 0.2), row(30, "Bybit", 0.3, 1e7))
	return r
}

func TestOrderOfRowsDoesNotChangeSums(t *testing.T) {
	for seed := range uint64(20) {
		r := manyRows(seed)
		for _, span := range []time.Duration{time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour} {
			sum, bars := r.Sum(span), r.Bars(span, 15*time.Minute)
			shuffled := manyRows(seed)
			rng := rand.New(rand.NewPCG(seed, 2))
			rng.Shuffle(len(shuffled.Rows), func(i, j int) {
				shuffled.Rows[i], shuffled.Rows[j] = shuffled.Rows[j], shuffled.Rows[i]
			})
			if diff := cmp.Diff(sum, shuffled.Sum(span)); diff != "" {
				t.Fatalf("seed %d, %s: sum (-sorted +shuffled)\n%s", seed, span, diff)
			}
			if diff := cmp.Diff(bars, shuffled.Bars(span, 15*time.Minute)); diff != "" {
				t.Fatalf("seed %d, %s: bars (-sorted +shuffled)\n%s", seed, span, diff)
			}
		}
	}
}

func TestPartsAddUpToTheSum(t *testing.T) {
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) }
	r := manyRows(7)
	for span, steps := range map[time.Duration][]time.Duration{
		time.Hour:      {5 * time.Minute, 15 * time.Minute},
		12 * time.Hour: {5 * time.Minute, 10 * time.Minute, time.Hour},
		24 * time.Hour: {15 * time.Minute, 30 * time.Minute},
	} {
		sum := r.Sum(span)
		long, short, orders := 0.0, 0.0, 0
		for _, v := range sum.Venues {
			long, short, orders = long+v.LongUSD, short+v.ShortUSD, orders+v.Orders
		}
		if !near(long, sum.LongUSD) || !near(short, sum.ShortUSD) || orders != sum.Orders {
			t.Errorf("%s: venues add up to %v, %v, %d, want %+v", span, long, short, orders, sum)
		}
		for _, step := range steps {
			bars := r.Bars(span, step)
			long, short = 0, 0
			for i := range bars.Long {
				long, short = long+bars.Long[i], short+bars.Short[i]
			}
			if !near(long, sum.LongUSD) || !near(short, sum.ShortUSD) {
				t.Errorf("%s by %s: bars add up to %v, %v, want %v, %v", span, step, long, short, sum.LongUSD, sum.ShortUSD)
			}
			if len(bars.Long) != bars.Count*len(bars.Venues) || bars.Count > int(span/step)+1 || bars.Start.After(sum.From) {
				t.Errorf("%s by %s: %d bars from %s for %d venues", span, step, bars.Count, bars.Start, len(bars.Venues))
			}
		}
	}
}

func TestBarsLieWhereTheirTimeIs(t *testing.T) {
	bars := fewRows().Bars(time.Hour, 5*time.Minute)
	if want := realisedAt.Truncate(time.Hour).Add(-time.Hour); !bars.Start.Equal(want) || bars.Count != 13 {
		t.Errorf("%d bars from %s, want 13 from %s", bars.Count, bars.Start, want)
	}
	if diff := cmp.Diff([]market.Venue{"Binance", "Bybit"}, bars.Venues); diff != "" {
		t.Fatalf("venues (-want +got)\n%s", diff)
	}
	at := func(bar, venue int) [2]float64 {
		return [2]float64{bars.Long[2*bar+venue], bars.Short[2*bar+venue]}
	}
	for name, c := range map[string]struct{ got, want [2]float64 }{
		"first, before the span": {at(0, 0), [2]float64{0, 0}},
		"second":                 {at(1, 1), [2]float64{20, 10}},
		"last":                   {at(12, 0), [2]float64{5, 900}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	if empty := (&snapshot.Realised{AsOf: realisedAt}).Bars(time.Hour, 5*time.Minute); empty.Count != 13 || len(empty.Venues) != 0 {
		t.Errorf("empty = %+v", empty)
	}
}
