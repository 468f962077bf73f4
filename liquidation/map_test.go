package liquidation_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/liquidation"
	"liqbot/market"
)

const mark = 100.0

func level(side market.Side, price, intensity float64) liquidation.Level {
	return liquidation.Level{PriceUSD: price, Side: side, IntensityUSD: intensity, Venue: "Binance"}
}

func build(t *testing.T, levels ...liquidation.Level) *liquidation.Map {
	t.Helper()
	m, err := liquidation.New(liquidation.Input{Coin: "BTC", Window: market.Week, MarkUSD: mark, Levels: levels})
	if err != nil {
		t.Fatalf("new map: %v", err)
	}
	return m
}

// randomMap is a map with levels on both sides, some at the same price, some swept.
func randomMap(t *testing.T, r *rand.Rand) (*liquidation.Map, []liquidation.Level) {
	t.Helper()
	levels := []liquidation.Level{level(market.Long, 95, 1), level(market.Short, 105, 1)}
	venues := []market.Venue{"Binance", "OKX", "Bybit", ""}
	for range 1 + r.IntN(400) {
		side := market.Long
		price := mark * (1 - 0.15*r.Float64())
		if r.IntN(2) == 0 {
			side, price = market.Short, mark*(1+0.15*r.Float64())
		}
		if r.IntN(20) == 0 { // already swept
			price = 2*mark - price
		}
		levels = append(levels, liquidation.Level{
			PriceUSD: math.Round(price*100) / 100, Side: side, IntensityUSD: 1e6 * r.ExpFloat64(),
			Venue: venues[r.IntN(len(venues))], Leverage: float64(r.IntN(3) * 25),
		})
	}
	return build(t, levels...), levels
}

func TestCurvesAreMonotoneAndSumsMatch(t *testing.T) {
	for seed := range uint64(200) {
		m, levels := randomMap(t, rand.New(rand.NewPCG(seed, 1)))
		for _, side := range []market.Side{market.Long, market.Short} {
			curve := m.Curve(side)
			if curve[0] != (liquidation.Point{PriceUSD: mark}) {
				t.Fatalf("seed %d: the curve begins at %+v", seed, curve[0])
			}
			for i := 1; i < len(curve); i++ {
				outward := curve[i].PriceUSD > curve[i-1].PriceUSD == (side == market.Short)
				if !outward || curve[i].CumulativeUSD < curve[i-1].CumulativeUSD {
					t.Fatalf("seed %d: %s curve goes back from %+v to %+v", seed, side, curve[i-1], curve[i])
				}
			}
			for _, p := range curve {
				want := addUp(levels, side, p.PriceUSD)
				got, err := m.IntensityTo(p.PriceUSD)
				if err != nil || !near(got, want) || !near(p.CumulativeUSD, want) {
					t.Fatalf("seed %d: to %v: intensity %v, curve %v, by hand %v (%v)", seed, p.PriceUSD, got, p.CumulativeUSD, want, err)
				}
			}
			last := curve[len(curve)-1]
			if !near(last.CumulativeUSD, m.TotalUSD(side)) {
				t.Fatalf("seed %d: curve ends at %v, total is %v", seed, last.CumulativeUSD, m.TotalUSD(side))
			}
		}
	}
}

// addUp adds up by hand what lies between the mark and a price.
func addUp(levels []liquidation.Level, side market.Side, price float64) float64 {
	sum := 0.0
	for _, l := range levels {
		above := l.Side == market.Short && l.PriceUSD > mark && l.PriceUSD <= price
		below := l.Side == market.Long && l.PriceUSD < mark && l.PriceUSD >= price
		if l.Side == side && (above || below) {
			sum += l.IntensityUSD
		}
	}
	return sum
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

func TestNothingIsCountedOnBothSides(t *testing.T) {
	for seed := range uint64(100) {
		m, levels := randomMap(t, rand.New(rand.NewPCG(seed, 2)))
		counted := len(m.Levels(market.Long)) + len(m.Levels(market.Short)) + m.Swept()
		if counted != len(levels) {
			t.Fatalf("seed %d: %d levels counted of %d", seed, counted, len(levels))
		}
		for _, l := range m.Levels(market.Long) {
			if l.PriceUSD >= mark || l.Side != market.Long {
				t.Fatalf("seed %d: %+v is among the longs", seed, l)
			}
		}
		for _, l := range m.Levels(market.Short) {
			if l.PriceUSD <= mark || l.Side != market.Short {
				t.Fatalf("seed %d: %+v is among the shorts", seed, l)
			}
		}
	}
}

func TestSameInputInAnyOrderGivesTheSameMap(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		m, levels := randomMap(t, r)
		shuffled := slices.Clone(levels)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again := build(t, shuffled...)
		if diff := cmp.Diff(m.Summarise(0.06, 0.05), again.Summarise(0.06, 0.05)); diff != "" {
			t.Fatalf("seed %d: (-first +shuffled)\n%s", seed, diff)
		}
	}
}

func TestClustersAreDisjointInTheBandAndSumTheirLevels(t *testing.T) {
	const band = 0.06
	for seed := range uint64(100) {
		m, levels := randomMap(t, rand.New(rand.NewPCG(seed, 4)))
		for _, side := range []market.Side{market.Long, market.Short} {
			clusters := m.Clusters(side, band)
			strongest := math.Inf(1)
			for i, c := range clusters {
				low, high := min(c.FromUSD, c.ToUSD), max(c.FromUSD, c.ToUSD)
				want := 0.0
				for _, l := range levels {
					if l.Side == side && l.PriceUSD >= low && l.PriceUSD <= high && (l.PriceUSD-mark)*(c.FromUSD-mark) > 0 {
						want += l.IntensityUSD
					}
				}
				switch {
				case !near(c.IntensityUSD, want):
					t.Fatalf("seed %d: cluster %+v, its levels sum to %v", seed, c, want)
				case c.IntensityUSD > strongest:
					t.Fatalf("seed %d: cluster %d is stronger than the one before", seed, i)
				case math.Abs(c.ToUSD-mark) > band*mark || math.Abs(c.FromUSD-mark) > math.Abs(c.ToUSD-mark):
					t.Fatalf("seed %d: cluster %+v is out of the band or inside out", seed, c)
				}
				strongest = c.IntensityUSD
				for _, other := range clusters[:i] {
					if low <= max(other.FromUSD, other.ToUSD) && high >= min(other.FromUSD, other.ToUSD) {
						t.Fatalf("seed %d: %+v overlaps %+v", seed, c, other)
					}
				}
			}
		}
	}
}

// The same levels give the same key level while the mark moves a little: it is the
// price that breaks a level, not the arithmetic.
func TestKeyLevelsStayWhileTheMarkMoves(t *testing.T) {
	changes, looks := 0, 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 5))
		var levels []liquidation.Level
		for price := 88000.0; price < 96000; price += 72 {
			side := market.Long
			if price > 92000 {
				side = market.Short
			}
			if distance := math.Abs(price - 92000); distance > 500 && distance < 3600 {
				wave := 2.2 + math.Sin(price/190+float64(seed)) + math.Sin(price/730)
				levels = append(levels, level(side, price, wave*r.ExpFloat64()))
			}
		}
		var last liquidation.Summary
		for mark := 91800.0; mark <= 92200; mark += 20 {
			m, err := liquidation.New(liquidation.Input{Coin: "BTC", MarkUSD: mark, Levels: levels})
			if err != nil {
				t.Fatal(err)
			}
			s := m.Summarise(0.06, 0.05)
			if last.Above != nil {
				looks++
				if s.Above.PriceUSD != last.Above.PriceUSD || s.Below.PriceUSD != last.Below.PriceUSD {
					changes++
				}
			}
			last = s
		}
	}
	if changes > looks/50 {
		t.Errorf("the key levels changed %d times in %d moves of 0.02 %%", changes, looks)
	}
	t.Logf("%d changes in %d moves", changes, looks)
}

// A map of any price scale has the same shape.
func TestKeyLevelsDoNotDependOnTheScale(t *testing.T) {
	for seed := range uint64(50) {
		_, levels := randomMap(t, rand.New(rand.NewPCG(seed, 6)))
		var want []float64
		for _, scale := range []float64{1, 1.2345e-7, 1e4} {
			scaled := slices.Clone(levels)
			for i := range scaled {
				scaled[i].PriceUSD *= scale
			}
			m, err := liquidation.New(liquidation.Input{Coin: "BTC", MarkUSD: mark * scale, Levels: scaled})
			if err != nil {
				t.Fatal(err)
			}
			var got []float64
			for _, side := range []market.Side{market.Long, market.Short} {
				for _, c := range m.Clusters(side, 0.06) {
					got = append(got, c.ToUSD/scale, c.IntensityUSD)
				}
			}
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
				t.Fatalf("seed %d, scale %v:\n%s", seed, scale, diff)
			}
		}
	}
}

func TestLevelAtTheEndOfTheBandIsInIt(t *testing.T) {
	m, err := liquidation.New(liquidation.Input{Coin: "BTC", MarkUSD: 90000, Levels: []liquidation.Level{level(market.Short, 95400, 1), level(market.Long, 84600, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Summarise(0.06, 0.06); s.Above == nil || s.Below == nil || s.Totals.ShortUSD != 1 || s.Totals.LongUSD != 1 {
		t.Errorf("summary = %+v", s)
	}
}

func TestKeyLevelIsTheOuterEdgeOfTheStrongestCluster(t *testing.T) {
	m := build(t,
		level(market.Short, 101, 5), level(market.Short, 103.9, 50), level(market.Short, 104, 60), level(market.Short, 105, 2),
		level(market.Short, 109, 500), // beyond the band
		level(market.Long, 99, 3), level(market.Long, 97.003, 40), level(market.Long, 95, 1),
	)
	above, ok := m.KeyLevel(market.Short, 0.06)
	if !ok || above.PriceUSD != 104 || above.IntensityUSD != 115 {
		t.Errorf("above = %+v, %v; want 104 with 115", above, ok)
	}
	if diff := cmp.Diff(above.Distance, 0.04, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Errorf("distance: %s", diff)
	}
	below, ok := m.KeyLevel(market.Long, 0.06)
	if !ok || below.PriceUSD != 97.003 || below.IntensityUSD != 43 || below.Distance >= 0 || below.DistanceUSD >= 0 {
		t.Errorf("below = %+v, %v; want 97.003 with 43", below, ok)
	}
	if _, ok := m.KeyLevel(market.Short, 0.005); ok {
		t.Error("a key level was found in a band without levels")
	}
}

// The price that is shown must be one up to which the shown sum holds.
func TestKeyLevelIsRoundedOutward(t *testing.T) {
	levels := []liquidation.Level{
		{PriceUSD: 94680.37, Side: market.Short, IntensityUSD: 7},
		{PriceUSD: 94680.9, Side: market.Short, IntensityUSD: 1},
		{PriceUSD: 86137.8, Side: market.Long, IntensityUSD: 5},
	}
	m, err := liquidation.New(liquidation.Input{Coin: "BTC", MarkUSD: 90131.71, Levels: levels})
	if err != nil {
		t.Fatal(err)
	}
	s := m.Summarise(0.06, 0.05)
	if s.Above.PriceUSD != 94681 || s.Above.IntensityUSD != 8 {
		t.Errorf("above = %v with %v, want 94681 with 8", s.Above.PriceUSD, s.Above.IntensityUSD)
	}
	if s.Below.PriceUSD != 86137 || s.Below.IntensityUSD != 5 {
		t.Errorf("below = %v with %v, want 86137 with 5", s.Below.PriceUSD, s.Below.IntensityUSD)
	}
}

func TestSymmetricBandAddsUpBothSidesAlike(t *testing.T) {
	m := build(t, level(market.Short, 104.9, 1), level(market.Short, 105, 2), level(market.Short, 105.1, 4),
		level(market.Long, 95.1, 8), level(market.Long, 95, 16), level(market.Long, 94.9, 32))
	got := m.Totals(0.05)
	want := liquidation.Totals{Band: 0.05, LowUSD: 95, HighUSD: 105, LongUSD: 24, ShortUSD: 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSweptLevelsAreLeftOut(t *testing.T) {
	m, err := liquidation.New(liquidation.Input{
		Coin: "BTC", MarkUSD: mark, LowUSD: 98, HighUSD: 103,
		Levels: []liquidation.Level{
			level(market.Short, 99, 1), level(market.Short, 102, 2), level(market.Short, 103, 4), level(market.Short, 104, 8),
			level(market.Long, 101, 16), level(market.Long, 98, 32), level(market.Long, 97, 64), level(market.Long, 100, 128),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.TotalUSD(market.Short) != 8 || m.TotalUSD(market.Long) != 64 || m.Swept() != 6 {
		t.Errorf("short %v, long %v, swept %d; want 8, 64, 6", m.TotalUSD(market.Short), m.TotalUSD(market.Long), m.Swept())
	}
}

func TestCompareReadsTheImbalance(t *testing.T) {
	for name, c := range map[string]struct {
		long, short float64
		want        liquidation.Imbalance
		err         error
	}{
		"short heavy":         {1.563e9, 2.705e9, liquidation.Imbalance{Ratio: 2.705 / 1.563, Heavier: market.Short, Reading: liquidation.ShortHeavy}, nil},
		"long heavy":          {3, 2, liquidation.Imbalance{Ratio: 1.5, Heavier: market.Long, Reading: liquidation.LongHeavy}, nil},
		"balanced":            {1.19, 1, liquidation.Imbalance{Ratio: 1.19, Heavier: market.Long, Reading: liquidation.Balanced}, nil},
		"equal":               {1, 1, liquidation.Imbalance{Ratio: 1, Heavier: market.Short, Reading: liquidation.Balanced}, nil},
		"one side near empty": {1, 1000, liquidation.Imbalance{}, nil},
		"one side empty":      {0, 5, liquidation.Imbalance{}, liquidation.ErrOneSided},
		"both empty":          {0, 0, liquidation.Imbalance{}, liquidation.ErrOneSided},
		"negative":            {-1, 5, liquidation.Imbalance{}, liquidation.ErrIntensity},
		"not a number":        {math.NaN(), 5, liquidation.Imbalance{}, liquidation.ErrIntensity},
		"infinite":            {1, math.Inf(1), liquidation.Imbalance{}, liquidation.ErrIntensity},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := liquidation.Compare(c.long, c.short)
			if !errors.Is(err, c.err) {
				t.Errorf("error = %v, want %v", err, c.err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestOneSidedMapHasNoRatio(t *testing.T) {
	s := build(t, level(market.Short, 103, 5)).Summarise(0.06, 0.05)
	if s.Above == nil || s.Below != nil || s.Imbalance.Reading != liquidation.NotMeaningful || s.Imbalance.Ratio != 0 {
		t.Errorf("summary = %+v", s)
	}
}

func TestNewRefusesFiguresThatCannotBe(t *testing.T) {
	good := level(market.Short, 105, 1)
	with := func(change func(*liquidation.Level)) []liquidation.Level {
		l := good
		change(&l)
		return []liquidation.Level{good, l}
	}
	for name, c := range map[string]struct {
		in   liquidation.Input
		want error
	}{
		"no levels":           {liquidation.Input{MarkUSD: mark}, liquidation.ErrEmpty},
		"only zeros":          {liquidation.Input{MarkUSD: mark, Levels: []liquidation.Level{level(market.Short, 105, 0)}}, liquidation.ErrEmpty},
		"all swept":           {liquidation.Input{MarkUSD: mark, Levels: []liquidation.Level{level(market.Short, 95, 1)}}, liquidation.ErrEmpty},
		"mark too small":      {liquidation.Input{MarkUSD: 1e-321, Levels: []liquidation.Level{good}}, liquidation.ErrPrice},
		"price too large":     {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.PriceUSD = 1e16 })}, liquidation.ErrPrice},
		"intensity too large": {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.IntensityUSD = 1e308 })}, liquidation.ErrIntensity},
		"too many levels":     {liquidation.Input{MarkUSD: mark, Levels: make([]liquidation.Level, 200_001)}, liquidation.ErrTooMany},
		"zero mark":           {liquidation.Input{Levels: []liquidation.Level{good}}, liquidation.ErrPrice},
		"negative mark":       {liquidation.Input{MarkUSD: -1, Levels: []liquidation.Level{good}}, liquidation.ErrPrice},
		"mark not a number":   {liquidation.Input{MarkUSD: math.NaN(), Levels: []liquidation.Level{good}}, liquidation.ErrPrice},
		"infinite mark":       {liquidation.Input{MarkUSD: math.Inf(1), Levels: []liquidation.Level{good}}, liquidation.ErrPrice},
		"low not a number":    {liquidation.Input{MarkUSD: mark, LowUSD: math.NaN(), Levels: []liquidation.Level{good}}, liquidation.ErrPrice},
		"negative high":       {liquidation.Input{MarkUSD: mark, HighUSD: -2, Levels: []liquidation.Level{good}}, liquidation.ErrPrice},
		"zero price":          {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.PriceUSD = 0 })}, liquidation.ErrPrice},
		"negative price":      {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.PriceUSD = -5 })}, liquidation.ErrPrice},
		"price infinite":      {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.PriceUSD = math.Inf(1) })}, liquidation.ErrPrice},
		"negative intensity":  {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.IntensityUSD = -1 })}, liquidation.ErrIntensity},
		"intensity NaN":       {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.IntensityUSD = math.NaN() })}, liquidation.ErrIntensity},
		"intensity infinite":  {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.IntensityUSD = math.Inf(1) })}, liquidation.ErrIntensity},
		"no side":             {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.Side = 0 })}, liquidation.ErrSide},
		"negative leverage":   {liquidation.Input{MarkUSD: mark, Levels: with(func(l *liquidation.Level) { l.Leverage = -1 })}, liquidation.ErrLeverage},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := liquidation.New(c.in)
			if m != nil || !errors.Is(err, c.want) {
				t.Errorf("map %v, error %v; want %v", m, err, c.want)
			}
			var input *liquidation.InputError
			if !errors.As(err, &input) || input.Part == "" {
				t.Errorf("error %v does not say which part", err)
			}
		})
	}
}

func TestIntensityToRefusesImpossiblePrices(t *testing.T) {
	m := build(t, level(market.Short, 105, 1))
	for _, price := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if got, err := m.IntensityTo(price); got != 0 || !errors.Is(err, liquidation.ErrPrice) {
			t.Errorf("to %v: %v, %v", price, got, err)
		}
	}
	if got, err := m.IntensityTo(mark); got != 0 || err != nil {
		t.Errorf("to the mark: %v, %v; want 0", got, err)
	}
}

// FuzzNew: whatever the input, a map or an error, and a map whose summary holds
// finite numbers.
func FuzzNew(f *testing.F) {
	f.Add(100.0, 105.0, 7.0, 95.0, 3.0)
	f.Add(1e-9, 2e-9, 1e300, 5e-10, 1e300)
	f.Add(math.MaxFloat64, 1.0, 1.0, 2.0, 2.0)
	f.Add(1e-321, 2e-321, 1.0, 1e-322, 2.0)
	f.Add(100.0, 101.0, 1e308, 99.0, 1e308)
	f.Fuzz(func(t *testing.T, mark, p1, i1, p2, i2 float64) {
		m, err := liquidation.New(liquidation.Input{Coin: "BTC", MarkUSD: mark, Levels: []liquidation.Level{
			{PriceUSD: p1, Side: market.Short, IntensityUSD: i1}, {PriceUSD: p2, Side: market.Long, IntensityUSD: i2},
		}})
		if (m == nil) == (err == nil) {
			t.Fatalf("map %v and error %v", m, err)
		}
		if m == nil {
			return
		}
		s := m.Summarise(liquidation.KeyLevelBand, liquidation.SymmetricBand)
		for _, k := range []*liquidation.KeyLevel{s.Above, s.Below} {
			if k != nil && (!market.Positive(k.PriceUSD) || k.IntensityUSD <= 0) {
				t.Fatalf("key level %+v", k)
			}
		}
		for _, v := range []float64{s.Imbalance.Ratio, s.Totals.LongUSD, s.Totals.ShortUSD, m.TotalUSD(market.Long), m.TotalUSD(market.Short)} {
			if !market.Finite(v) {
				t.Fatalf("%v in %+v", v, s)
			}
		}
	})
}
