package liquidation_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liqbot/liquidation"
	"liqbot/market"
)

// scattered is a map of random levels within 20 % of a mark.
func scattered(tb testing.TB, seed uint64, markUSD float64) *liquidation.Map {
	tb.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	in := liquidation.Input{Coin: "BTC", MarkUSD: markUSD}
	for range 200 {
		off := 0.2 * rng.Float64()
		in.Levels = append(in.Levels,
			liquidation.Level{PriceUSD: markUSD * (1 - off), Side: market.Long, IntensityUSD: 1e6 * rng.ExpFloat64()},
			liquidation.Level{PriceUSD: markUSD * (1 + 0.2*rng.Float64()), Side: market.Short, IntensityUSD: 1e6 * rng.ExpFloat64()})
	}
	m, err := liquidation.New(in)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func TestCascadeAddsUpToTheTarget(t *testing.T) {
	for seed := range uint64(50) {
		for _, mark := range []float64{90_131.71, 3_012.4, 0.3141, 0.00001234} {
			m := scattered(t, seed, mark)
			rng := rand.New(rand.NewPCG(seed, 2))
			for _, sign := range []float64{-1, 1} {
				target := mark * (1 + sign*(0.0001+0.15*rng.Float64()))
				most := 1 + rng.IntN(8)
				path, err := m.Cascade(target, most)
				if err != nil {
					t.Fatalf("mark %v, target %v: %v", mark, target, err)
				}
				checkPath(t, m, path, target, most)
			}
		}
	}
}

func checkPath(t *testing.T, m *liquidation.Map, path []liquidation.CascadeStep, target float64, most int) {
	t.Helper()
	want, err := m.IntensityTo(target)
	if err != nil || len(path) == 0 || len(path) > most {
		t.Fatalf("%d steps of at most %d, error %v", len(path), most, err)
	}
	if last := path[len(path)-1]; last.PriceUSD != target || last.CumulativeUSD != want {
		t.Errorf("ends at %v with %v, want %v with %v", last.PriceUSD, last.CumulativeUSD, target, want)
	}
	at, sum := m.MarkUSD(), 0.0
	for _, s := range path {
		if (s.PriceUSD-at)*(target-m.MarkUSD()) <= 0 {
			t.Errorf("step from %v to %v on the way to %v", at, s.PriceUSD, target)
		}
		if s.IntensityUSD < 0 || math.Abs(s.IntensityUSD-(s.CumulativeUSD-sum)) > 1e-9*want {
			t.Errorf("step to %v: %v, cumulative from %v to %v", s.PriceUSD, s.IntensityUSD, sum, s.CumulativeUSD)
		}
		if exact, _ := m.IntensityTo(s.PriceUSD); exact != s.CumulativeUSD {
			t.Errorf("up to %v: %v, want %v", s.PriceUSD, s.CumulativeUSD, exact)
		}
		if math.Abs(s.Distance-(s.PriceUSD/m.MarkUSD()-1)) > 1e-12 {
			t.Errorf("distance of %v: %v", s.PriceUSD, s.Distance)
		}
		at, sum = s.PriceUSD, s.CumulativeUSD
	}
}

// The mirrored market has the mirrored path.
func TestCascadeIsSymmetric(t *testing.T) {
	const mark = 50_000
	rng := rand.New(rand.NewPCG(9, 9))
	var here, there liquidation.Input
	here.MarkUSD, there.MarkUSD = mark, mark
	for range 300 {
		off, usd := float64(1+rng.IntN(9_000)), 1e6*rng.ExpFloat64()
		here.Levels = append(here.Levels, liquidation.Level{PriceUSD: mark - off, Side: market.Long, IntensityUSD: usd})
		there.Levels = append(there.Levels, liquidation.Level{PriceUSD: mark + off, Side: market.Short, IntensityUSD: usd})
	}
	a, err := liquidation.New(here)
	if err != nil {
		t.Fatal(err)
	}
	b, err := liquidation.New(there)
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []float64{333, 2_500, 7_777} {
		down, errDown := a.Cascade(mark-off, 5)
		up, errUp := b.Cascade(mark+off, 5)
		if errDown != nil || errUp != nil || len(down) != 5 || len(up) != 5 {
			t.Fatalf("%d and %d steps, errors %v, %v", len(down), len(up), errDown, errUp)
		}
		for i := range down {
			if down[i].PriceUSD-mark != mark-up[i].PriceUSD || down[i].CumulativeUSD != up[i].CumulativeUSD || down[i].Distance != -up[i].Distance {
				t.Errorf("step %d: %+v below, %+v above", i, down[i], up[i])
			}
		}
	}
}

func TestCascadeSteps(t *testing.T) {
	in := liquidation.Input{MarkUSD: 90_131.71, Levels: []liquidation.Level{
		{PriceUSD: 92_000, Side: market.Short, IntensityUSD: 1e9},
		{PriceUSD: 94_681, Side: market.Short, IntensityUSD: 2e9},
		{PriceUSD: 86_137, Side: market.Long, IntensityUSD: 3e9},
	}}
	m, err := liquidation.New(in)
	if err != nil {
		t.Fatal(err)
	}
	prices := func(path []liquidation.CascadeStep) (at, in []float64) {
		for _, s := range path {
			at, in = append(at, s.PriceUSD), append(in, s.IntensityUSD)
		}
		return at, in
	}
	for _, tt := range []struct {
		name   string
		target float64
		steps  int
		at, in []float64
	}{
		{"ends are round and outward", 94_000, 2, []float64{92_066, 94_000}, []float64{1e9, 0}},
		{"the level at the target counts", 94_681, 1, []float64{94_681}, []float64{3e9}},
		{"down", 86_137, 2, []float64{88_134, 86_137}, []float64{0, 3e9}},
		{"so near that rounding leaves one step", 90_132, 5, []float64{90_132}, []float64{0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := m.Cascade(tt.target, tt.steps)
			if err != nil {
				t.Fatal(err)
			}
			at, in := prices(path)
			if diff := cmp.Diff(tt.at, at); diff != "" {
				t.Errorf("prices (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.in, in); diff != "" {
				t.Errorf("intensities (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCascadeRefuses(t *testing.T) {
	m, err := liquidation.New(liquidation.Input{MarkUSD: 100, Levels: []liquidation.Level{{PriceUSD: 110, Side: market.Short, IntensityUSD: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		target float64
		steps  int
		want   error
	}{
		{"zero", 0, 5, liquidation.ErrPrice},
		{"negative", -5, 5, liquidation.ErrPrice},
		{"not a number", math.NaN(), 5, liquidation.ErrPrice},
		{"endless", math.Inf(1), 5, liquidation.ErrPrice},
		{"the mark", 100, 5, liquidation.ErrAtMark},
		{"beyond the last level", 110.01, 5, liquidation.ErrBeyond},
		{"an empty side", 99, 5, liquidation.ErrBeyond},
		{"no step", 105, 0, liquidation.ErrSteps},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := m.Cascade(tt.target, tt.steps)
			if bad := new(liquidation.InputError); !errors.As(err, &bad) || !errors.Is(err, tt.want) || path != nil {
				t.Errorf("path %v, error %v, want %v", path, err, tt.want)
			}
		})
	}
	if _, ok := m.Farthest(market.Long); ok {
		t.Error("an empty side has a farthest level")
	}
	if p, ok := m.Farthest(market.Short); !ok || p != 110 {
		t.Errorf("farthest short %v, %v", p, ok)
	}
}
