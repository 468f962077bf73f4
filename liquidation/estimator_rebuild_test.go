package liquidation_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

// rough is a walk with everything that a feed can do to it: holes short and long,
// jumps, calm, mark prices that come and go, bars of another length, and bars that
// cannot be.
func rough(seed uint64, n int) []liquidation.Bar {
	r := rand.New(rand.NewPCG(seed, 11))
	lengths := []time.Duration{time.Minute, 5 * time.Minute, time.Hour}
	length := lengths[r.IntN(len(lengths))]
	price, start, mark := math.Exp(20*r.Float64()-10), begin, r.IntN(2) == 0
	volatility := 0.003 * r.Float64()
	out := make([]liquidation.Bar, 0, n)
	for range n {
		chance := r.IntN(400)
		switch {
		case chance < 4:
			start = start.Add(time.Duration(1+r.IntN(20)) * length)
		case chance == 4:
			start = start.Add(24*time.Hour + time.Duration(r.IntN(2)))
		case chance < 8:
			price *= math.Exp(0.2 * r.NormFloat64())
		case chance < 10:
			mark = !mark
		case chance == 10:
			length = lengths[r.IntN(len(lengths))]
		}
		b := flat(start, length, price)
		b.CloseUSD = price * math.Exp(volatility*r.NormFloat64())
		b.HighUSD = max(price, b.CloseUSD) * math.Exp(volatility*r.ExpFloat64())
		b.LowUSD = min(price, b.CloseUSD) * math.Exp(-volatility*r.ExpFloat64())
		if mark {
			b.MarkHighUSD, b.MarkLowUSD = b.HighUSD*math.Exp(0.002*r.NormFloat64()), b.LowUSD*math.Exp(0.002*r.NormFloat64())
			b.MarkHighUSD = max(b.MarkHighUSD, b.MarkLowUSD)
		}
		b.VolumeCoins *= math.Floor(5*r.ExpFloat64()) / 5
		b.OpenInterestCoins *= 1 + r.Float64()
		start, price = b.End(), b.CloseUSD
		out = append(out, spoil(r, b)...)
	}
	return out
}

// spoil now and then adds or makes a bar that is refused.
func spoil(r *rand.Rand, b liquidation.Bar) []liquidation.Bar {
	switch r.IntN(300) {
	case 0:
		return []liquidation.Bar{b, b} // out of order
	case 1:
		b.LowUSD = math.NaN()
	case 2:
		b.OpenInterestCoins = 0
	}
	return []liquidation.Bar{b}
}

// levels are all bins of a side, nearest first, with coins for intensity.
func levels(e *liquidation.Estimator, side market.Side) []liquidation.Level {
	mark := 1e-12
	if side == market.Long {
		mark = 1e15
	}
	out := e.Levels(mark, e.Parameters().Bin)
	out = slices.DeleteFunc(out, func(l liquidation.Level) bool { return l.Side != side })
	for i := range out {
		out[i].IntensityUSD /= mark
	}
	return out
}

// sameMap compares every bin of two estimators: to 1e-9 of the bin and 1e-16 of all
// that was ever on the side.
func sameMap(t *testing.T, got, want *liquidation.Estimator, most float64) {
	t.Helper()
	if !got.AsOf().Equal(want.AsOf()) || got.Age() != want.Age() || got.Warm() != want.Warm() {
		t.Fatalf("as of %v, age %v; want %v, %v", got.AsOf(), got.Age(), want.AsOf(), want.Age())
	}
	for _, side := range bothSides {
		if g, w := got.Standing(side), want.Standing(side); math.Abs(g-w) > 1e-9*w+1e-16*most {
			t.Fatalf("%s: %v coins standing, want %v", side, g, w)
		}
		sameBins(t, levels(got, side), levels(want, side), most)
	}
}

func sameBins(t *testing.T, got, want []liquidation.Level, most float64) {
	t.Helper()
	for len(got)+len(want) > 0 {
		var g, w liquidation.Level
		if len(got) > 0 {
			g = got[0]
		}
		if len(want) > 0 {
			w = want[0]
		}
		// A bin that only one of them has is nothing in the other.
		nearer := func(a, b liquidation.Level) bool { return (a.Side == market.Long) == (a.PriceUSD > b.PriceUSD) }
		switch {
		case len(want) == 0 || len(got) > 0 && g.PriceUSD != w.PriceUSD && nearer(g, w):
			w, got = liquidation.Level{}, got[1:]
		case len(got) == 0 || g.PriceUSD != w.PriceUSD:
			g, want = liquidation.Level{}, want[1:]
		default:
			got, want = got[1:], want[1:]
		}
		if off := math.Abs(g.IntensityUSD - w.IntensityUSD); off > 1e-9*w.IntensityUSD+1e-16*most {
			t.Fatalf("bin %+v, want %+v: off by %v of all", g, w, off/most)
		}
	}
}

// stepped is what stepping the bars makes, how many were refused and how much was
// seeded in sum.
func stepped(t *testing.T, m *liquidation.Model, bars []liquidation.Bar) (e *liquidation.Estimator, refused int, most float64) {
	t.Helper()
	e = m.NewEstimator()
	for _, b := range bars {
		s, err := e.Step(b)
		if err != nil {
			refused++
		}
		most = max(most, e.Standing(market.Long), e.Standing(market.Short), s.SeededCoins)
	}
	return e, refused, most
}

func model(tb testing.TB, p liquidation.Parameters) *liquidation.Model {
	tb.Helper()
	m, err := liquidation.NewModel(p)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// variants are parameters unlike each other.
func variants(tb testing.TB) []*liquidation.Model {
	tb.Helper()
	var out []*liquidation.Model
	for _, change := range []func(p *liquidation.Parameters){
		func(*liquidation.Parameters) {},
		func(p *liquidation.Parameters) { p.Spread, p.VolumeExponent = 0, 1 },
		func(p *liquidation.Parameters) { p.Uniform, p.Cut, p.MaxHole = 0.15, 0.15, 4*time.Hour },
		func(p *liquidation.Parameters) { p.HalfLife, p.VolumeMemory = 20*time.Minute, 3*time.Hour },
		func(p *liquidation.Parameters) {
			p.Anchors, p.Farther = liquidation.Anchors{Close: 0.7, LowClose: 0.3}, 0.02
		},
		func(p *liquidation.Parameters) { p.Bin, p.Cut = 0.0012, 0.1009 },
		func(p *liquidation.Parameters) { p.Leverages = []float64{100, 20} },
	} {
		p := liquidation.Recommended("SOL")
		change(&p)
		out = append(out, model(tb, p))
	}
	return out
}

func TestRebuildIsStepping(t *testing.T) {
	models := variants(t)
	for seed := range uint64(28) {
		m := models[seed%uint64(len(models))]
		bars := rough(seed, 40+int(seed)*25)
		cut := len(bars) - 20
		want, wantRefused, most := stepped(t, m, bars[:cut])
		got, refused := m.Rebuild(bars[:cut])
		if len(refused) != wantRefused {
			t.Fatalf("seed %d: %d bars refused, want %d", seed, len(refused), wantRefused)
		}
		sameMap(t, got, want, most)
		again, _ := m.Rebuild(bars[:cut])
		if again.Hash() != got.Hash() {
			t.Errorf("seed %d: two rebuilds differ", seed)
		}
		for _, b := range bars[cut:] {
			s, err := got.Step(b)
			w, wantErr := want.Step(b)
			if (err == nil) != (wantErr == nil) || s.Emptied != w.Emptied || !within(s.OpenedCoins, w.OpenedCoins, 1e-12) ||
				math.Abs(s.LongCoins-w.LongCoins) > 1e-9*w.LongCoins+1e-12*most || math.Abs(s.ShortCoins-w.ShortCoins) > 1e-9*w.ShortCoins+1e-12*most {
				t.Fatalf("seed %d, a step after: %+v (%v), want %+v (%v)", seed, s, err, w, wantErr)
			}
		}
		sameMap(t, got, want, most)
	}
}

func TestWindowHoldsOnlyItsEntries(t *testing.T) {
	models := variants(t)
	for seed := range uint64(14) {
		m := models[seed%uint64(len(models))]
		bars := rough(seed, 100+int(seed)*30)
		whole, opened := openings(t, m, bars)
		window := m.Parameters().HalfLife * time.Duration(1+seed%5) / 3
		after := whole.AsOf().Add(-window)
		want, most := onlyEntries(t, m, bars, opened, after)

		got, refused := m.Window(bars, nil, after)
		sameMap(t, got, want, most)
		known, again := m.Window(bars, opened, after)
		sameMap(t, known, want, most)
		if len(refused) != len(again) {
			t.Errorf("seed %d: %d and %d refused", seed, len(refused), len(again))
		}
		last := bars[len(bars)-1]
		if _, err := got.Step(flat(last.End(), time.Hour, last.CloseUSD)); !errors.Is(err, liquidation.ErrBarWindow) {
			t.Errorf("the map of a window took a bar: %v", err)
		}
		all, _ := m.Window(bars, nil, time.Time{})
		if rebuilt, _ := m.Rebuild(bars); all.Hash() != rebuilt.Hash() {
			t.Errorf("seed %d: the window of everything is not everything", seed)
		}
		if none, _ := m.Window(bars, nil, whole.AsOf()); none.Standing(market.Long) != 0 || !none.AsOf().Equal(whole.AsOf()) {
			t.Errorf("seed %d: %v coins in no time", seed, none.Standing(market.Long))
		}
	}
}

// onlyEntries is the map that the entries of the bars that ended after a moment
// make: open interest is made up so that each opens what it opened and older ones
// next to nothing.
func onlyEntries(t *testing.T, m *liquidation.Model, bars []liquidation.Bar, opened []float64, after time.Time) (*liquidation.Estimator, float64) {
	t.Helper()
	p := m.Parameters()
	p.VolumeExponent = 0
	bars = slices.Clone(bars)
	for i := range bars {
		b := &bars[i]
		if opened[i] < 0 { // refused
			continue
		}
		b.OpenInterestCoins = opened[i] / -math.Expm1(-math.Ln2*b.Length.Hours()/p.HalfLife.Hours())
		if !b.End().After(after) {
			b.OpenInterestCoins = 1e-100
		}
	}
	e, _, most := stepped(t, model(t, p), bars)
	return e, most
}

func TestWindowKnowsWhatBarsOpened(t *testing.T) {
	m := model(t, liquidation.Recommended("ETH"))
	bars := walk(21, 400, time.Hour, 3_000)
	whole, opened := openings(t, m, bars)
	after := whole.AsOf().Add(-24 * time.Hour)
	want, _ := m.Window(bars, opened, after)
	// The older bars do not matter then, and one that is not told is worked out.
	got, _ := m.Window(bars[370:], opened[370:], after)
	if g, w := got.Standing(market.Long), want.Standing(market.Long); !within(g, w, 1e-12) || w == 0 {
		t.Errorf("%v coins from the last bars, want %v", g, w)
	}
	patchy := slices.Clone(opened[:395])
	patchy[390], patchy[385] = math.NaN(), -1
	got, _ = m.Window(bars, patchy, after)
	if g, w := got.Standing(market.Long), want.Standing(market.Long); !within(g, w, 1e-12) {
		t.Errorf("%v coins with figures missing, want %v", g, w)
	}
	opened[399] *= 3
	if more, _ := m.Window(bars, opened, after); within(more.Standing(market.Long), want.Standing(market.Long), 0.01) {
		t.Error("what a bar opened is not used")
	}
}

func TestRebuildOfNothing(t *testing.T) {
	m := model(t, liquidation.Recommended("BTC"))
	bad := flat(begin, time.Hour, math.NaN())
	for _, bars := range [][]liquidation.Bar{nil, {bad, bad}} {
		e, refused := m.Rebuild(bars)
		w, _ := m.Window(bars, nil, begin)
		if len(refused) != len(bars) || !e.AsOf().IsZero() || e.Age() != 0 || e.Hash() != m.NewEstimator().Hash() || w.Warm() {
			t.Errorf("%d bars: %d refused, as of %v", len(bars), len(refused), e.AsOf())
		}
		for _, r := range refused {
			if !errors.Is(r, liquidation.ErrBarPrice) || !r.Start.Equal(begin) {
				t.Errorf("refused for %v", r)
			}
		}
		step(t, e, flat(begin, time.Hour, 100))
	}
}

func TestManyBarsRebuilt(t *testing.T) {
	bars := walk(1, 5*288, 5*time.Minute, 90_000)
	m := model(t, liquidation.Recommended("BTC"))
	want, _, most := stepped(t, m, bars)
	got, refused := m.Rebuild(bars)
	if len(refused) != 0 {
		t.Fatal(refused[0])
	}
	sameMap(t, got, want, most)
}

// openings steps the bars and keeps what each opened; -1 for those refused.
func openings(tb testing.TB, m *liquidation.Model, bars []liquidation.Bar) (*liquidation.Estimator, []float64) {
	tb.Helper()
	e, opened := m.NewEstimator(), make([]float64, len(bars))
	for i, b := range bars {
		s, err := e.Step(b)
		if opened[i] = s.OpenedCoins; err != nil {
			opened[i] = -1
		}
	}
	return e, opened
}
