package backtest

import (
	"math"
	"testing"

	"liqbot/market"
)

// A map of one leverage, 10 % away without maintenance, by hand.
func TestSweepMap(t *testing.T) {
	away := make(shape, 954) // ln 1.1 is 953 bins
	away[953] = 1
	r := recipe{
		halfLife: 1,
		inflow:   func(b Bar) float64 { return b.Volume },
		entries:  func(b Bar) []float64 { return []float64{b.Close} },
		shapes:   [2]shape{away, away},
	}
	calm := Bar{Open: 100, High: 101, Low: 99, Close: 100, Volume: 8}
	wide := Bar{Open: 100, High: 112, Low: 99, Close: 100, Volume: 16}
	hole := Bar{Open: 100, High: 100, Low: 100, Close: 100, Volume: 16, Hole: true}
	low := Bar{Open: 100, High: 100, Low: 90, Close: 100}
	steps := []struct {
		what        string
		bar         Bar
		swept       Swept
		long, short float64 // what stands afterwards within 20 % of 100
	}{
		{"nothing stands before the first bar", calm, Swept{}, 8, 8},
		{"half of it is left an hour later, and as much comes", calm, Swept{}, 12, 12},
		{"shorts are swept, then seeded", wide, Swept{Short: 6}, 22, 16},
		{"a hole only ages", hole, Swept{}, 11, 8},
		{"longs are swept and nothing comes", low, Swept{Long: 5.5}, 0, 4},
		{"what was swept does not come back", low, Swept{}, 0, 2},
	}
	for _, keep := range []bool{false, true} {
		r.keep = keep
		m := newSweepMap(r)
		for _, s := range steps {
			swept, err := m.Step(s.bar)
			if err != nil {
				t.Fatal(err)
			}
			if keep {
				continue
			}
			long, short := m.Mass(market.Long, 80, 100), m.Mass(market.Short, 100, 120)
			if swept != s.swept || long != s.long || short != s.short {
				t.Errorf("%s: swept %+v, stands %v and %v, want %+v, %v and %v",
					s.what, swept, long, short, s.swept, s.long, s.short)
			}
		}
		// 8/32 + 8/16 + 16/8 of the three bars that seeded.
		if got := m.Mass(market.Long, 80, 100); keep && got != 2.75 {
			t.Errorf("without sweeps %v stands, want 2.75", got)
		}
	}
}

// Decay as a whole must not run out of numbers in a long recording.
func TestDensityDecaysForLong(t *testing.T) {
	d := &density{}
	d.cover(0, 1)
	d.mass[0-d.offset] = 1
	for range 5000 {
		d.decay(.5)
		d.mass[0-d.offset] += 1 / d.scale
	}
	if got := d.sum(0, 0); math.Abs(got-2) > 1e-9 {
		t.Errorf("got %v, want 2", got)
	}
}

func TestRiseUSD(t *testing.T) {
	b := Bar{Open: 100, Close: 110, OpenInterest: 50, OpenInterestRise: -2}
	want := (48.0*110 - 50*100) / 110
	if got := riseUSD(b); math.Abs(got-want) > 1e-12 {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := riseCoins(b); got != -2 {
		t.Errorf("got %v, want -2", got)
	}
}

func TestMeanLogUSDLooksBackOnly(t *testing.T) {
	s := &series{perBucket: 1}
	for _, usd := range []float64{0, 9000, 99000, 999000} {
		s.buckets = append(s.buckets, bucket{usd: [2]float64{usd, 0}, labelled: usd != 9000})
	}
	want := (math.Log(1000) + math.Log(100_000)) / 2 // the bucket between has no label
	if got := s.meanLogUSD(3, market.Long, 24); math.Abs(got-want) > 1e-12 {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := s.meanLogUSD(3, market.Long, 1), math.Log(100_000); math.Abs(got-want) > 1e-12 {
		t.Errorf("the bucket before: got %v, want %v", got, want)
	}
}

// ledge has 1 coin of each side at every whole per cent from the price that it saw last.
type ledge struct{ price float64 }

func (l *ledge) Step(b Bar) (Swept, error) { l.price = b.Open; return Swept{}, nil }

func (l *ledge) Mass(side market.Side, low, high float64) float64 {
	if l.price == 0 {
		return 0
	}
	n := 0.0
	for percent := 1.0; percent < 20; percent++ {
		at := l.price * (1 + percent/100)
		if side == market.Long {
			at = l.price * (1 - percent/100)
		}
		if at >= low && at <= high {
			n++
		}
	}
	return n
}

// The map of two bars ago is read as if its price were the present one.
func TestDelayedMoves(t *testing.T) {
	d := &delayed{inner: &ledge{}, bars: 2}
	for i, step := range []struct {
		bar  Bar
		want Swept
	}{
		{Bar{Open: 100, Low: 90, High: 110}, Swept{}},
		{Bar{Open: 100, Low: 90, High: 110}, Swept{}},
		{Bar{Open: 100, Low: 90, High: 110}, Swept{}}, // nothing was seen before the first bar
		{Bar{Open: 200, Low: 189, High: 207}, Swept{Long: 5, Short: 3}},
	} {
		got, err := d.Step(step.bar)
		if err != nil || got != step.want {
			t.Errorf("bar %d: got %+v, %v, want %+v", i, got, err, step.want)
		}
	}
}

func TestObserverReadsTheStart(t *testing.T) {
	s := &series{perBucket: 2, buckets: make([]bucket, 1), bars: []Bar{
		{Open: 100, Low: 98.5, High: 100.5}, {Open: 99, Low: 97.5, High: 101.5},
	}}
	out := &replayed{swept: map[string][]Swept{}}
	newObserver(s, out).look(&ledge{price: 100}, 0)
	if got, want := out.within[0], (Swept{Long: 5, Short: 5}); got != want {
		t.Errorf("within 5 %%: got %+v, want %+v", got, want)
	}
	if got, want := out.frozen[0], (Swept{Long: 2, Short: 1}); got != want {
		t.Errorf("as of the start: got %+v, want %+v", got, want)
	}
}

// Of two swept bins with the same usual mass, the one denser than usual is a cluster.
func TestClusterReader(t *testing.T) {
	c := newClusterReader()
	var over [clusterBins]float64
	for k := range c.usual {
		c.usual[k], over[k] = 1, 1
	}
	for k := range clusterBins / 5 {
		over[4*k] = 3 // bins 0, 4, 8, ...
	}
	for _, test := range []struct{ reach, want float64 }{
		{0, 0}, {0.0005, 1}, {0.0015, 0.5}, {0.004, 0.25}, {1, 0.2},
	} {
		c.count(over, test.reach)
		if got := c.share(); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("reach %v: got %v, want %v", test.reach, got, test.want)
		}
	}
}
