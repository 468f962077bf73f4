package liquidation_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/liquidation"
	"liqbot/market"
)

var (
	begin     = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	bothSides = []market.Side{market.Long, market.Short}
)

// flat is a bar in which the price stands still.
func flat(start time.Time, length time.Duration, price float64) liquidation.Bar {
	return liquidation.Bar{
		Start: start, Length: length, OpenUSD: price, HighUSD: price, LowUSD: price, CloseUSD: price,
		VolumeCoins: 500 * length.Hours(), OpenInterestCoins: 10_000,
	}
}

// walk is a random walk of n bars around a price, without holes.
func walk(seed uint64, n int, length time.Duration, price float64) []liquidation.Bar {
	r := rand.New(rand.NewPCG(seed, 7))
	step := 0.004 * math.Sqrt(length.Hours())
	out := make([]liquidation.Bar, n)
	for i := range out {
		b := flat(begin.Add(time.Duration(i)*length), length, price)
		b.CloseUSD = price * math.Exp(step*r.NormFloat64())
		b.HighUSD = max(b.OpenUSD, b.CloseUSD) * math.Exp(step/2*r.ExpFloat64())
		b.LowUSD = min(b.OpenUSD, b.CloseUSD) * math.Exp(-step/2*r.ExpFloat64())
		b.VolumeCoins *= r.ExpFloat64()
		b.OpenInterestCoins *= 1 + 0.1*r.Float64()
		price = b.CloseUSD
		out[i] = b
	}
	return out
}

func estimator(tb testing.TB, p liquidation.Parameters) *liquidation.Estimator {
	tb.Helper()
	e, err := liquidation.NewEstimator(p)
	if err != nil {
		tb.Fatalf("new estimator: %v", err)
	}
	return e
}

func step(tb testing.TB, e *liquidation.Estimator, b liquidation.Bar) liquidation.Swept {
	tb.Helper()
	s, err := e.Step(b)
	if err != nil {
		tb.Fatalf("step: %v", err)
	}
	return s
}

// after is an estimator for BTC that has seen the bars.
func after(tb testing.TB, bars []liquidation.Bar) *liquidation.Estimator {
	tb.Helper()
	e := estimator(tb, liquidation.Recommended("BTC"))
	for _, b := range bars {
		step(tb, e, b)
	}
	return e
}

// within reports whether got is off want by at most a fraction of it.
func within(got, want, fraction float64) bool { return math.Abs(got-want) <= fraction*math.Abs(want) }

func TestInflowDoesNotDependOnPrice(t *testing.T) {
	cheap, dear := estimator(t, liquidation.Recommended("BTC")), estimator(t, liquidation.Recommended("BTC"))
	other := walk(2, 300, time.Hour, 7)
	for i, b := range walk(1, 300, time.Hour, 90_000) {
		o := other[i]
		o.VolumeCoins, o.OpenInterestCoins = b.VolumeCoins, b.OpenInterestCoins
		got, want := step(t, cheap, o).SeededCoins, step(t, dear, b).SeededCoins
		if got != want || got == 0 {
			t.Fatalf("bar %d: %v coins seeded at one price, %v at another", i, got, want)
		}
	}
}

func TestSidesReceiveTheSame(t *testing.T) {
	for seed := range uint64(10) {
		e := estimator(t, liquidation.Recommended("SOL"))
		before := map[market.Side]float64{}
		for i, b := range walk(seed, 50, time.Hour, 150) {
			s := step(t, e, b)
			left := math.Exp2(-1.0 / 24)
			for side, swept := range map[market.Side]float64{market.Long: s.LongCoins, market.Short: s.ShortCoins} {
				if i == 0 {
					left = 1
				}
				got := e.Standing(side) - (before[side]*left - swept)
				if !within(got, s.SeededCoins, 1e-9) {
					t.Fatalf("seed %d, bar %d: %s received %v, want %v", seed, i, side, got, s.SeededCoins)
				}
				before[side] = e.Standing(side)
			}
		}
	}
}

func TestAReachedLevelStaysEmpty(t *testing.T) {
	bars := walk(3, 200, time.Hour, 100)
	e := after(t, bars)
	last := bars[len(bars)-1]
	// A bar after a hole adds nothing, so nothing hides what its sweep left.
	b := flat(last.End().Add(time.Hour), time.Hour, last.CloseUSD)
	b.LowUSD, b.HighUSD = b.CloseUSD*0.97, b.CloseUSD*1.02
	wantLong, wantShort := e.Read(market.Long, b.LowUSD), e.Read(market.Short, b.HighUSD)
	s := step(t, e, b)
	left := math.Exp2(-2.0 / 24)
	if !within(s.LongCoins, wantLong*left, 1e-12) || !within(s.ShortCoins, wantShort*left, 1e-12) || s.LongCoins == 0 {
		t.Fatalf("swept %+v, want %v and %v decayed", s, wantLong, wantShort)
	}
	if s.SeededCoins != 0 {
		t.Fatalf("a bar after a hole seeded %v", s.SeededCoins)
	}
	for range 3 {
		if long, short := e.Read(market.Long, b.LowUSD), e.Read(market.Short, b.HighUSD); long != 0 || short != 0 {
			t.Fatalf("%v long and %v short left where the price has been", long, short)
		}
		if e.Standing(market.Long) == 0 || e.Standing(market.Short) == 0 {
			t.Fatal("the sweep took more than what was reached")
		}
		b.Start = b.End().Add(time.Minute)
		step(t, e, b)
	}
	b.Start = b.End()
	step(t, e, b)
	if e.Read(market.Long, b.LowUSD) == 0 {
		t.Error("new entries left no level")
	}
}

func TestReplayIsTheSameToTheLastBit(t *testing.T) {
	bars := walk(4, 500, 5*time.Minute, 3_000)
	e, again := after(t, bars), after(t, bars[:250])
	rest := again.Clone()
	for _, b := range bars[250:] {
		again.Read(market.Long, b.LowUSD*0.99)
		again.Levels(b.OpenUSD, liquidation.DisplayBin)
		step(t, again, b)
	}
	if e.Hash() != again.Hash() {
		t.Errorf("two replays: %s and %s", e.Hash(), again.Hash())
	}
	if rest.Hash() == e.Hash() {
		t.Error("the clone went on with its original, or the hash says nothing")
	}
	for _, b := range bars[250:] {
		step(t, rest, b)
	}
	if rest.Hash() != e.Hash() {
		t.Errorf("a clone went elsewhere: %s and %s", rest.Hash(), e.Hash())
	}
	p := e.Parameters()
	p.WarmUp++ // moves no mass
	if estimator(t, p).Hash() == estimator(t, e.Parameters()).Hash() {
		t.Error("the hash does not cover the parameters")
	}
}

func TestDoubleOpenInterestDoublesIntensity(t *testing.T) {
	bars := walk(5, 300, time.Hour, 100)
	mark := bars[len(bars)-1].CloseUSD
	once := after(t, bars).Levels(mark, liquidation.DisplayBin)
	for i := range bars {
		bars[i].OpenInterestCoins *= 2
	}
	twice := after(t, bars).Levels(mark, liquidation.DisplayBin)
	for i := range once {
		once[i].IntensityUSD *= 2
	}
	if diff := cmp.Diff(once, twice); diff != "" || len(once) < 100 {
		t.Errorf("%d levels, doubled (-want +got):\n%s", len(once), diff)
	}
}

func TestScaledPricesMoveTheLevels(t *testing.T) {
	bars := walk(6, 300, time.Hour, 100)
	mark := bars[len(bars)-1].CloseUSD
	e := after(t, bars)
	factor := math.Exp(12_340 * e.Parameters().Bin) // a whole number of levels
	for i := range bars {
		b := &bars[i]
		b.OpenUSD, b.HighUSD, b.LowUSD, b.CloseUSD = b.OpenUSD*factor, b.HighUSD*factor, b.LowUSD*factor, b.CloseUSD*factor
	}
	moved := after(t, bars)
	for _, side := range bothSides {
		if got, want := moved.Standing(side), e.Standing(side); !within(got, want, 1e-9) {
			t.Errorf("%s mass went from %v to %v coins", side, want, got)
		}
	}
	want := e.Levels(mark, liquidation.DisplayBin)
	for i := range want {
		want[i].PriceUSD *= factor
		want[i].IntensityUSD *= factor
	}
	got := moved.Levels(mark*factor, liquidation.DisplayBin)
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-6, 1e-6)); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
}

func TestStandingMassIsOpenInterestForAnyBar(t *testing.T) {
	const openInterest = 10_000
	for _, c := range []struct{ length, halfLife time.Duration }{
		{5 * time.Minute, 24 * time.Hour},
		{15 * time.Minute, 24 * time.Hour},
		{time.Hour, 24 * time.Hour},
		{4 * time.Hour, 24 * time.Hour},
		{time.Hour, time.Hour}, // 192 half-lives: the scale starts anew
		{time.Hour, time.Minute},
	} {
		length, p := c.length, liquidation.Recommended("BTC")
		p.HalfLife = c.halfLife
		e := estimator(t, p)
		for start := begin; start.Before(begin.Add(8 * 24 * time.Hour)); start = start.Add(length) {
			s := step(t, e, flat(start, length, 100))
			if s.LongCoins+s.ShortCoins > 1e-6*openInterest {
				t.Fatalf("%s bars: a flat price swept %+v", length, s)
			}
		}
		for _, side := range bothSides {
			if got := e.Standing(side); !within(got, openInterest, 0.01) {
				t.Errorf("%s bars, half-life %s: %s mass is %v, want %v", length, c.halfLife, side, got, openInterest)
			}
		}
	}
}

func TestEntriesAreInterpolatedWithinABin(t *testing.T) {
	fine := liquidation.Recommended("BTC")
	fine.Bin = 1e-5
	for _, price := range []float64{100, 100.003, 100.006, 100.0099, 0.00000123, 93_412.7} {
		coarse, exact := after(t, []liquidation.Bar{flat(begin, time.Hour, price)}), estimator(t, fine)
		step(t, exact, flat(begin, time.Hour, price))
		total := exact.Standing(market.Long)
		for d := 0.003; d < 0.3; d *= 1.3 {
			// An edge of both grids, so that only the placement can differ.
			edge := math.Exp((math.Floor((math.Log(price)-d)/1e-4) + 0.05) * 1e-4)
			got, want := coarse.Read(market.Long, edge)/total, exact.Read(market.Long, edge)/total
			if math.Abs(got-want) > 5e-5 {
				t.Errorf("entry %v, distance %v: %v of the mass, want %v", price, d, got, want)
			}
		}
	}
}

func TestHoles(t *testing.T) {
	for _, c := range []struct {
		name    string
		hole    time.Duration
		seeds   bool
		emptied bool
		age     time.Duration
	}{
		{"none", 0, true, false, 201 * time.Hour},
		{"one bar", time.Hour, false, false, 202 * time.Hour},
		{"a day", 24 * time.Hour, false, false, 225 * time.Hour},
		{"more than a day", 24*time.Hour + time.Minute, false, true, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			bars := walk(8, 200, time.Hour, 100)
			e := after(t, bars)
			if !e.Warm() || e.Age() != 200*time.Hour {
				t.Fatalf("before: warm %v, age %v", e.Warm(), e.Age())
			}
			last := bars[len(bars)-1]
			b := flat(last.End().Add(c.hole), time.Hour, last.CloseUSD)
			s := step(t, e, b)
			if s.Emptied != c.emptied || (s.SeededCoins > 0) != c.seeds || e.Age() != c.age || e.Warm() == c.emptied || !e.AsOf().Equal(b.End()) {
				t.Errorf("swept %+v, age %v, warm %v", s, e.Age(), e.Warm())
			}
			for _, side := range bothSides {
				if (e.Standing(side) == 0) != c.emptied {
					t.Errorf("%s mass is %v", side, e.Standing(side))
				}
			}
			b.Start = b.End()
			if s := step(t, e, b); s.SeededCoins == 0 {
				t.Error("the second bar after a hole adds nothing")
			}
		})
	}
}

func TestWarmAfterAWeek(t *testing.T) {
	e := estimator(t, liquidation.Recommended("BTC"))
	if e.Warm() || e.Age() != 0 || !e.AsOf().IsZero() {
		t.Errorf("new: warm %v, age %v, as of %v", e.Warm(), e.Age(), e.AsOf())
	}
	for i := range 168 {
		if e.Warm() {
			t.Fatalf("warm after %d hours", i)
		}
		step(t, e, flat(begin.Add(time.Duration(i)*time.Hour), time.Hour, 100))
	}
	if !e.Warm() {
		t.Error("not warm after a week")
	}
}

func TestRefusedBarsChangeNothing(t *testing.T) {
	good := flat(begin.Add(2*time.Hour), time.Hour, 100)
	for _, c := range []struct {
		name   string
		change func(*liquidation.Bar)
		want   error
	}{
		{"no length", func(b *liquidation.Bar) { b.Length = 0 }, liquidation.ErrBarLength},
		{"two days", func(b *liquidation.Bar) { b.Length = 48 * time.Hour }, liquidation.ErrBarLength},
		{"NaN open", func(b *liquidation.Bar) { b.OpenUSD = math.NaN() }, liquidation.ErrBarPrice},
		{"infinite high", func(b *liquidation.Bar) { b.HighUSD = math.Inf(1) }, liquidation.ErrBarPrice},
		{"zero low", func(b *liquidation.Bar) { b.LowUSD = 0 }, liquidation.ErrBarPrice},
		{"negative close", func(b *liquidation.Bar) { b.CloseUSD = -1 }, liquidation.ErrBarPrice},
		{"high below low", func(b *liquidation.Bar) { b.HighUSD, b.LowUSD = 99, 101 }, liquidation.ErrBarRange},
		{"high below close", func(b *liquidation.Bar) { b.CloseUSD = 101 }, liquidation.ErrBarRange},
		{"low above open", func(b *liquidation.Bar) { b.OpenUSD = 99 }, liquidation.ErrBarRange},
		{"mark without a low", func(b *liquidation.Bar) { b.MarkHighUSD = 100 }, liquidation.ErrBarMark},
		{"mark upside down", func(b *liquidation.Bar) { b.MarkHighUSD, b.MarkLowUSD = 99, 101 }, liquidation.ErrBarMark},
		{"NaN mark", func(b *liquidation.Bar) { b.MarkHighUSD, b.MarkLowUSD = math.NaN(), math.NaN() }, liquidation.ErrBarMark},
		{"infinite mark", func(b *liquidation.Bar) { b.MarkHighUSD, b.MarkLowUSD = math.Inf(1), 100 }, liquidation.ErrBarMark},
		{"negative volume", func(b *liquidation.Bar) { b.VolumeCoins = -1 }, liquidation.ErrBarVolume},
		{"NaN volume", func(b *liquidation.Bar) { b.VolumeCoins = math.NaN() }, liquidation.ErrBarVolume},
		{"no open interest", func(b *liquidation.Bar) { b.OpenInterestCoins = 0 }, liquidation.ErrBarOpen},
		{"NaN open interest", func(b *liquidation.Bar) { b.OpenInterestCoins = math.NaN() }, liquidation.ErrBarOpen},
		{"infinite open interest", func(b *liquidation.Bar) { b.OpenInterestCoins = math.Inf(1) }, liquidation.ErrBarOpen},
		{"before the last", func(b *liquidation.Bar) { b.Start = begin.Add(time.Minute) }, liquidation.ErrBarOrder},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := after(t, walk(9, 2, time.Hour, 100))
			want := e.Hash()
			b := good
			c.change(&b)
			_, err := e.Step(b)
			var bad *liquidation.BarError
			if !errors.Is(err, c.want) || !errors.As(err, &bad) || !bad.Start.Equal(b.Start) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if e.Hash() != want {
				t.Error("the map changed")
			}
			step(t, e, good)
		})
	}
}
