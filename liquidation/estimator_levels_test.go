package liquidation_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/liquidation"
	"liqbot/market"
)

func TestATierCentresAtItsExactDistance(t *testing.T) {
	for _, c := range []struct {
		leverage float64
		side     market.Side
		rate     float64
		own      float64 // the tier's own rate
		want     float64 // fraction of the entry price
	}{
		{100, market.Long, 0.004, 0, -0.006024},
		{100, market.Short, 0.004, 0, 0.005976},
		{50, market.Long, 0.004, 0, -0.016064},
		{10, market.Long, 0.004, 0, -0.096386},
		{10, market.Short, 0.004, 0, 0.095618},
		{10, market.Long, 0, 0, -0.1},
		{10, market.Short, 0, 0, 0.1},
		{20, market.Long, 0.004, 0.02, -0.030612},
		{20, market.Short, 0.004, 0.02, 0.029412},
	} {
		for _, spread := range []float64{0, 0.3} {
			p := liquidation.Recommended("BTC")
			p.Tiers = []liquidation.Tier{{Leverage: c.leverage, Share: 1, MaintenanceMarginRate: c.own}}
			p.MaintenanceMarginRate, p.Spread = c.rate, spread
			e := estimator(t, p)
			step(t, e, flat(begin, time.Hour, 100))
			tolerance := 1e-4
			if spread == 0 { // the whole tier lies in two bins of the grid
				tolerance = 2e-4
			}
			if got := median(e, c.side); math.Abs(got-c.want) > tolerance {
				t.Errorf("%vx %s, rate %v, spread %v: half of the mass within %v of entry, want %v", c.leverage, c.side, c.rate, spread, got, c.want)
			}
		}
	}
}

// median is how far from an entry at 100 half of a side's mass lies.
func median(e *liquidation.Estimator, side market.Side) float64 {
	sign := 1.0
	if side == market.Long {
		sign = -1
	}
	near, far := 0.0, 0.5
	for range 40 {
		if middle := (near + far) / 2; e.Read(side, 100*(1+sign*middle)) < e.Standing(side)/2 {
			near = middle
		} else {
			far = middle
		}
	}
	return sign * far
}

func TestLevelsLieOnTheirSide(t *testing.T) {
	for seed := range uint64(10) {
		bars := walk(seed, 50, time.Hour, 2_000)
		e := after(t, bars)
		last := bars[len(bars)-1]
		// Far from the bars as well: what the mark has passed is not shown.
		for _, mark := range []float64{last.CloseUSD, last.LowUSD * 0.95, last.HighUSD * 1.08} {
			levels := e.Levels(mark, liquidation.DisplayBin)
			if len(levels) < 100 {
				t.Fatalf("seed %d: only %d levels", seed, len(levels))
			}
			for _, l := range levels {
				if (l.Side == market.Long) != (l.PriceUSD < mark) || l.PriceUSD == mark || l.IntensityUSD <= 0 {
					t.Fatalf("seed %d, mark %v: level %+v", seed, mark, l)
				}
			}
			m, err := liquidation.New(liquidation.Input{Coin: "ETH", Window: market.Week, MarkUSD: mark, Levels: levels})
			if err != nil || m.Swept() != 0 {
				t.Fatalf("seed %d: map of the levels: %v, %d swept", seed, err, m.Swept())
			}
			for _, side := range bothSides {
				want := (e.Standing(side) - e.Read(side, mark)) * mark
				if got := m.TotalUSD(side); !within(got, want, 1e-9) {
					t.Fatalf("seed %d, mark %v: %s levels hold %v, the map %v", seed, mark, side, got, want)
				}
			}
		}
	}
}

func TestLevelsStayWhileTheMarkMoves(t *testing.T) {
	bars := walk(11, 300, time.Hour, 100)
	e := after(t, bars)
	mark := bars[len(bars)-1].CloseUSD
	for _, width := range []float64{0.0001, 0.001, 0.005} {
		before, behind := byPrice(e, mark, width), byPrice(e, mark*1.004, width)
		same := 0
		for at, coins := range behind {
			if was, ok := before[at]; ok {
				same++
				if !within(coins, was, 1e-12) {
					t.Errorf("width %v: level %v went from %v to %v", width, at, was, coins)
				}
			}
		}
		// All but the levels between the marks and the two that a mark cuts.
		if least := len(behind) - int(0.004/width) - 3; same < least {
			t.Errorf("width %v: %d of %d levels stayed, want %d", width, same, len(behind), least)
		}
	}
}

// byPrice is the base coins of each level, by side and price.
func byPrice(e *liquidation.Estimator, mark, width float64) map[liquidation.Level]float64 {
	out := map[liquidation.Level]float64{}
	for _, l := range e.Levels(mark, width) {
		out[liquidation.Level{Side: l.Side, PriceUSD: l.PriceUSD}] = l.IntensityUSD / mark
	}
	return out
}

func TestLevelsHoldWhatTheirBinsHold(t *testing.T) {
	const width = 10e-4 // ten bins of the grid
	for _, price := range []float64{100, 1, 0.02} {
		bars := walk(15, 50, time.Hour, price)
		e := after(t, bars)
		mark := bars[len(bars)-1].CloseUSD
		nth := map[market.Side]int{}
		for _, l := range e.Levels(mark, liquidation.DisplayBin) {
			nth[l.Side]++
			if away := math.Abs(math.Log(l.PriceUSD / mark)); nth[l.Side] == 2 && away > 1.6*width {
				t.Errorf("price %v: the first whole %s level is %v away: the one before it is too wide", price, l.Side, away)
			}
			number := math.Log(l.PriceUSD)/width - 0.5
			if math.Abs(math.Log(l.PriceUSD/mark)) < width { // the mark cuts it
				continue
			}
			if math.Abs(number-math.Round(number)) > 1e-6 {
				t.Fatalf("level %v is number %v of the display grid", l.PriceUSD, number)
			}
			// Half a bin inside the edges, as the bin that is touched counts whole.
			above, below := l.PriceUSD*math.Exp(width*0.45), l.PriceUSD*math.Exp(-width*0.45)
			nearer, farther := l.PriceUSD*math.Exp(width*0.55), below
			if l.Side == market.Short {
				nearer, farther = l.PriceUSD*math.Exp(-width*0.55), above
			}
			want := (e.Read(l.Side, farther) - e.Read(l.Side, nearer)) * mark
			if math.Abs(l.IntensityUSD-want) > 1e-9*e.Standing(l.Side)*mark {
				t.Fatalf("%s level %v: intensity %v, want %v", l.Side, l.PriceUSD, l.IntensityUSD, want)
			}
		}
	}
}

func TestLevelsRefuse(t *testing.T) {
	e := after(t, walk(12, 10, time.Hour, 100))
	for _, c := range [][2]float64{{0, 0.001}, {math.NaN(), 0.001}, {math.Inf(1), 0.001}, {100, 0}, {100, -1}, {100, math.NaN()}, {100, 2}} {
		if got := e.Levels(c[0], c[1]); got != nil {
			t.Errorf("mark %v, width %v: %d levels", c[0], c[1], len(got))
		}
	}
	dst := []liquidation.Level{{PriceUSD: 1}}
	if got := e.AppendLevels(dst, 0, 0.001); len(got) != 1 {
		t.Errorf("%d levels appended for no mark", len(got)-1)
	}
	if got := estimator(t, liquidation.Recommended("BTC")).Levels(100, 0.001); len(got) != 0 {
		t.Errorf("%d levels before the first bar", len(got))
	}
	if got := e.Read(market.Long, math.NaN()) + e.Read(market.Short, -1); got != 0 {
		t.Errorf("a price that cannot be reads %v", got)
	}
}

func TestAppendLevels(t *testing.T) {
	e := after(t, walk(18, 100, time.Hour, 100))
	want := e.Levels(100, liquidation.DisplayBin)
	first := liquidation.Level{PriceUSD: 1, Side: market.Long}
	room := make([]liquidation.Level, 1, 10_000)
	room[0] = first
	got := e.AppendLevels(room, 100, liquidation.DisplayBin)
	if diff := cmp.Diff(append([]liquidation.Level{first}, want...), got); diff != "" || len(want) == 0 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if allocs := testing.AllocsPerRun(10, func() { e.AppendLevels(room, 100, liquidation.DisplayBin) }); allocs != 0 {
		t.Errorf("%v allocations with room enough", allocs)
	}
}
