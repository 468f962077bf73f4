package accuracy_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/accuracy"
	"liqbot/market"
)

var midnight = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

const (
	levelWidth = 1e-3
	levels     = 150 // of a side
)

// at is the level that a price lies in.
func at(usd float64) int32 { return int32(math.Floor(math.Log(usd) / levelWidth)) }

// world makes hours in which what is liquidated follows the map that they keep: in each
// hour the price goes some way to both sides, and a level that it reaches is hit the more
// likely the denser it is. Near levels are denser as well as more often reached, which
// must earn a map nothing.
func world(days int, random *rand.Rand) []*accuracy.Hour {
	var hours []*accuracy.Hour
	price := 60000.0
	for i := range days * 24 {
		p := &accuracy.Part{
			Venues: []market.Venue{"Bybit", "Gate"}, Symbols: []string{"BTCUSDT", "BTC_USDT"},
			MarkUSD: price, Coins: 50000 + 1000*random.Float64(),
		}
		o := &accuracy.Outcome{
			LowUSD: price * math.Exp(-.012*random.ExpFloat64()), HighUSD: price * math.Exp(.012*random.ExpFloat64()),
			VolumeCoins: 1000 + 500*random.Float64(), Volatility: .002 + .002*random.Float64(), Candles: true, Seen: true,
		}
		mark := at(price)
		p.Long.First, p.Short.First = mark-levels, mark
		for d := range levels + 1 {
			p.Long.Intensity = append(p.Long.Intensity, density(levels-d, random))
			p.Short.Intensity = append(p.Short.Intensity, density(d, random))
		}
		p.Outcome = o
		fill(p, random)
		hours = append(hours, &accuracy.Hour{Start: midnight.Add(time.Duration(i) * time.Hour), Parameters: "fitted", Full: p})
		price *= math.Exp(.004 * random.NormFloat64())
	}
	return hours
}

func density(distance int, random *rand.Rand) float32 {
	return float32(1e6 * math.Exp(1.2*random.NormFloat64()) / (1 + float64(distance)/20))
}

// fill makes up what is liquidated.
func fill(p *accuracy.Part, random *rand.Rand) {
	o := p.Outcome
	mark := at(p.MarkUSD)
	for _, side := range []market.Side{market.Long, market.Short} {
		band, extreme := p.Long, at(o.LowUSD)
		if side == market.Short {
			band, extreme = p.Short, at(o.HighUSD)
		}
		for i, mass := range band.Intensity {
			level := band.First + int32(i)
			if side == market.Long && (level < extreme || level >= mark) || side == market.Short && (level > extreme || level <= mark) {
				continue
			}
			if random.Float64() > float64(mass)/2e6 {
				continue
			}
			usd := .01 * float64(mass) * random.ExpFloat64()
			o.Hits = append(o.Hits, accuracy.Hit{Level: level, Side: side, Orders: 1, USD: usd})
			o.Orders++
			if side == market.Long {
				o.LongUSD += usd
			} else {
				o.ShortUSD += usd
			}
		}
	}
}

// remapped keeps what happened and puts other maps beside it.
func remapped(hours []*accuracy.Hour, other func(i int) *accuracy.Part, moved int32) []*accuracy.Hour {
	var out []*accuracy.Hour
	for i, h := range hours {
		p, from := *h.Full, other(i)
		shift := at(p.MarkUSD) - at(from.MarkUSD)
		p.Long = accuracy.Band{First: from.Long.First + shift - moved, Intensity: from.Long.Intensity}
		p.Short = accuracy.Band{First: from.Short.First + shift + moved, Intensity: from.Short.Intensity}
		out = append(out, &accuracy.Hour{Start: h.Start, Parameters: h.Parameters, Full: &p})
	}
	return out
}

func TestARightMapScoresAndAShuffledOneDoesNot(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	hours := world(30, random)
	order := random.Perm(len(hours))
	right := accuracy.Score("BTC", hours)
	shuffled := accuracy.Score("BTC", remapped(hours, func(i int) *accuracy.Part { return hours[order[i]].Full }, 0))
	moved := accuracy.Score("BTC", remapped(hours, func(i int) *accuracy.Part { return hours[i].Full }, 3))
	for i := range 2 {
		for name, r := range map[string]accuracy.Report{"right": right, "shuffled": shuffled, "moved": moved} {
			if !r.Ranked[i].Ready || !r.Levels[i].Ready {
				t.Fatalf("%s map: not ready: %+v %+v", name, r.Ranked[i], r.Levels[i])
			}
			t.Logf("%s %v: rho %+.3f [%+.3f, %+.3f], precision %.3f [%.3f, %.3f] usual %.3f, lift %.2f [%.2f, %.2f] of %d", name, r.Ranked[i].Over,
				r.Ranked[i].Rho, r.Ranked[i].Lo, r.Ranked[i].Hi, r.Levels[i].Precision, r.Levels[i].Lo, r.Levels[i].Hi, r.Levels[i].Usual,
				r.Levels[i].Lift, r.Levels[i].LiftLo, r.Levels[i].LiftHi, r.Levels[i].Reached)
		}
	}
	a, b, c := right.Ranked[0], shuffled.Ranked[0], moved.Ranked[0]
	// Any map's shape falls off with distance, which the control knows nearly but not all of.
	if a.Lo < .3 || math.Abs(b.Rho) > .1 || c.Rho > a.Rho-.1 {
		t.Errorf("rho by hour: right %v [%v, ], shuffled %v, moved %v", a.Rho, a.Lo, b.Rho, c.Rho)
	}
	d, e, f := right.Levels[0], shuffled.Levels[0], moved.Levels[0]
	if d.Lo <= d.Usual || d.LiftLo < 1.5 || e.LiftLo > 1 || e.LiftHi < 1 || math.Abs(e.Lift-1) > .15 || f.Lift > d.Lift-.5 {
		t.Errorf("lift by level: right %v [%v, ], shuffled %v [%v, %v], moved %v", d.Lift, d.LiftLo, e.Lift, e.LiftLo, e.LiftHi, f.Lift)
	}
	if share := float64(d.Top) / float64(d.Reached); share < .09 || share > .12 {
		t.Errorf("%d of %d levels are the densest tenth", d.Top, d.Reached)
	}
	if right.Ranked[1].Rho < .2 || right.Levels[1].LiftLo < 1.1 {
		t.Errorf("over four hours: %+v %+v", right.Ranked[1], right.Levels[1])
	}
}

// A map that only knows that near levels are denser gains nothing by it.
func TestNearnessEarnsNothing(t *testing.T) {
	hours := world(30, rand.New(rand.NewPCG(3, 4)))
	plain := remapped(hours, func(i int) *accuracy.Part {
		p := *hours[i].Full
		p.Long.Intensity, p.Short.Intensity = nil, nil
		for d := range levels + 1 {
			p.Long.Intensity = append(p.Long.Intensity, float32(1e6/(1+float64(levels-d)/20)))
			p.Short.Intensity = append(p.Short.Intensity, float32(1e6/(1+float64(d)/20)))
		}
		return &p
	}, 0)
	if l := accuracy.Score("BTC", plain).Levels[0]; l.LiftLo > 1 || l.LiftHi < 1 {
		t.Errorf("lift %v [%v, %v]", l.Lift, l.LiftLo, l.LiftHi)
	}
}

var exact = cmpopts.EquateNaNs()

func TestTheOrderOfHoursDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	hours := world(16, random)
	want := accuracy.Score("BTC", hours)
	mixed := append(slices.Clone(hours), hours[7], hours[100]) // some twice
	random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	if diff := cmp.Diff(want, accuracy.Score("BTC", mixed), exact); diff != "" {
		t.Errorf("(-in order +mixed):\n%s", diff)
	}
	var read []*accuracy.Hour
	for _, h := range hours {
		row, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := accuracy.Decode(row)
		if diff := cmp.Diff(h, back); diff != "" || err != nil {
			t.Fatalf("%v (-kept +read):\n%s", err, diff)
		}
		read = append(read, back)
	}
	if diff := cmp.Diff(want, accuracy.Score("BTC", read), exact); diff != "" {
		t.Errorf("(-kept +read):\n%s", diff)
	}
}

func TestNoFigureBeforeThereIsEnough(t *testing.T) {
	hours := world(20, rand.New(rand.NewPCG(7, 8)))
	fewOrders := make([]*accuracy.Hour, 0, len(hours))
	orders := 0
	for _, h := range hours {
		p, o := *h.Full, *h.Full.Outcome
		p.Outcome = &o
		if orders += o.Orders; orders >= accuracy.FewestOrders {
			o.Orders, o.Hits, o.LongUSD, o.ShortUSD = 0, nil, 0, 0
		}
		fewOrders = append(fewOrders, &accuracy.Hour{Start: h.Start, Parameters: h.Parameters, Full: &p})
	}
	var sparse []*accuracy.Hour
	for i, h := range hours {
		if i%24 < 2 {
			sparse = append(sparse, h)
		}
	}
	for name, c := range map[string]struct {
		hours          []*accuracy.Hour
		ranked, levels bool
	}{
		"nothing":            {nil, false, false},
		"thirteen days":      {hours[:13*24], false, false},
		"fourteen days":      {hours[:14*24], true, true},
		"too few orders":     {fewOrders, false, false},
		"too few hours":      {sparse, false, true},
		"with other figures": {parameters(hours, len(hours)-20), false, false},
	} {
		r := accuracy.Score("BTC", c.hours)
		if q, l := r.Ranked[0], r.Levels[0]; q.Ready != c.ranked || l.Ready != c.levels || math.IsNaN(q.Rho) == c.ranked || math.IsNaN(l.Lift) == c.levels {
			t.Errorf("%s: %+v\n%+v", name, q, l)
		}
	}
}

// parameters gives the hours from one on other parameters.
func parameters(hours []*accuracy.Hour, from int) []*accuracy.Hour {
	var out []*accuracy.Hour
	for i, h := range hours {
		other := *h
		if i >= from {
			other.Parameters = "other"
		}
		out = append(out, &other)
	}
	return out
}

func TestHoursThatDoNotCountAreLeftOut(t *testing.T) {
	hours := world(16, rand.New(rand.NewPCG(9, 10)))
	cut := func(i int, change func(*accuracy.Part)) {
		p, o := *hours[i].Full, *hours[i].Full.Outcome
		p.Outcome = &o
		change(&p)
		hours[i].Full = &p
	}
	cut(5, func(p *accuracy.Part) { p.Outcome = nil })
	cut(6, func(p *accuracy.Part) { p.Outcome.Candles = false })
	cut(13, func(p *accuracy.Part) { p.Outcome.Seen = false })
	cut(22, func(p *accuracy.Part) { p.Venues, p.Symbols = p.Venues[:1], p.Symbols[:1] })
	r := accuracy.Score("BTC", hours)
	all := 16 * 24
	got := []int{r.Hours, r.Ranked[0].Spans, r.Levels[0].Spans, r.Ranked[1].Spans, r.Levels[1].Spans}
	if diff := cmp.Diff([]int{all - 2, all - 2, all - 3, all/4 - 2, all/4 - 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !r.Since.Equal(midnight) || !r.Until.Equal(midnight.Add(16*24*time.Hour)) || r.Parameters != "fitted" {
		t.Errorf("%v – %v, %s", r.Since, r.Until, r.Parameters)
	}
}

func TestALevelReachedInPartIsSweptInPart(t *testing.T) {
	price := func(level float64) float64 { return math.Exp(level * levelWidth) }
	band := accuracy.Band{First: 100, Intensity: []float32{1, 2, 4, 8}}
	for _, c := range []struct {
		side          market.Side
		mark, extreme float64 // levels
		want          float64
	}{
		{market.Long, 103.5, 103.5, 0},
		{market.Long, 103.5, 103, 8},
		{market.Long, 103.5, 103.25, 4},
		{market.Long, 103.5, 101.5, 8 + 4 + 1},
		{market.Long, 103.5, 90, 15},
		{market.Long, 110, 101, 14},
		{market.Long, 100.5, 104, 0},
		{market.Short, 100.5, 100.5, 0},
		{market.Short, 100.5, 101, 1},
		{market.Short, 100.5, 102.25, 1 + 2 + 1},
		{market.Short, 100.5, 120, 15},
		{market.Short, 104.5, 110, 0},
	} {
		if got := band.Swept(c.side, price(c.mark), price(c.extreme)); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s from %v to %v: %v, want %v", c.side, c.mark, c.extreme, got, c.want)
		}
	}
}

// Both sides share the level that the mark is in, and what lies beyond the range was not
// reached: orders there compare with nothing.
func TestOrdersOutsideTheReachedLevelsDoNotCount(t *testing.T) {
	hours := world(15, rand.New(rand.NewPCG(11, 12)))
	want := accuracy.Score("BTC", hours).Levels[0]
	o := hours[9].Full.Outcome
	mark := at(hours[9].Full.MarkUSD)
	for _, level := range []int32{mark, at(o.LowUSD) - 1, at(o.HighUSD) + 1, mark + 1} {
		o.Hits = append(o.Hits, accuracy.Hit{Level: level, Side: market.Long, Orders: 5})
	}
	if diff := cmp.Diff(want, accuracy.Score("BTC", hours).Levels[0]); diff != "" {
		t.Errorf("(-without +with):\n%s", diff)
	}
}

func TestWilson(t *testing.T) {
	for _, c := range []struct {
		hits, n int
		lo, hi  float64
	}{{0, 10, 0, .2775}, {10, 10, .7225, 1}, {5, 10, .2366, .7634}, {81, 263, .2553, .3662}} {
		lo, hi := accuracy.Wilson(c.hits, c.n)
		if math.Abs(lo-c.lo) > 1e-4 || math.Abs(hi-c.hi) > 1e-4 {
			t.Errorf("%d of %d: [%.4f, %.4f], want [%.4f, %.4f]", c.hits, c.n, lo, hi, c.lo, c.hi)
		}
	}
	if lo, hi := accuracy.Wilson(0, 0); !math.IsNaN(lo) || !math.IsNaN(hi) {
		t.Errorf("nothing: [%v, %v]", lo, hi)
	}
}

func FuzzDecode(f *testing.F) {
	for _, h := range world(1, rand.New(rand.NewPCG(1, 1)))[:2] {
		row, err := h.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(row)
	}
	f.Add([]byte("\x01{}"))
	f.Add([]byte("\x01" + `{"Start":"2026-11-01T00:00:00Z","Full":{"Venues":["A"],"Symbols":["B"],"MarkUSD":1,"Coins":1e-300,"Outcome":{"LowUSD":1e-300,"HighUSD":1e300,"Candles":true,"Seen":true}}}`))
	f.Fuzz(func(t *testing.T, row []byte) {
		h, err := accuracy.Decode(row)
		if (err == nil) != (h != nil) {
			t.Fatalf("%v and %v", h, err)
		}
		if h == nil {
			return
		}
		accuracy.Score("BTC", []*accuracy.Hour{h})
		again, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := accuracy.Decode(again); err != nil || !cmp.Equal(h, back) {
			t.Fatalf("%v: %s", err, cmp.Diff(h, back))
		}
	})
}

func BenchmarkScore(b *testing.B) {
	hours := world(60, rand.New(rand.NewPCG(1, 2)))
	for b.Loop() {
		accuracy.Score("BTC", hours)
	}
}
