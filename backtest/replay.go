package backtest

import (
	"context"
	"fmt"
	"math"

	"liqbot/market"
)

// replayed is what the models said of a series, by bucket.
type replayed struct {
	swept map[string][]Swept // by model: mass swept over the bucket's bars
	// of the recommended map
	frozen   []Swept      // as it stood at the bucket's start, read once with the bucket's extreme
	within   []Swept      // within 5 % of the price at the bucket's start
	clusters [][2]float64 // share of the swept band that lies in clusters, long and short
}

// run steps a model through the series; look, when given, sees it before every bar.
func (s *series) run(ctx context.Context, build func() (Model, error), look func(m Model, i int)) ([]Swept, error) {
	swept := make([]Swept, len(s.buckets))
	m, err := build()
	if err != nil {
		return nil, fmt.Errorf("model of %s: %w", s.coin, err)
	}
	for i, b := range s.bars {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("replay %s of set %s: %w", s.coin, s.set, ctx.Err())
		}
		if s.restart[i] {
			if m, err = build(); err != nil {
				return nil, fmt.Errorf("model of %s: %w", s.coin, err)
			}
		}
		if look != nil {
			look(m, i)
		}
		sw, err := m.Step(b)
		if err != nil {
			return nil, fmt.Errorf("replay %s of set %s: %w", s.coin, s.set, err)
		}
		sum := &swept[i/s.perBucket]
		sum.Long += sw.Long
		sum.Short += sw.Short
	}
	return swept, nil
}

// observer reads the recommended map before each bar: the readings that need no
// map of their own.
type observer struct {
	s        *series
	out      *replayed
	clusters [2]*clusterReader
}

func newObserver(s *series, out *replayed) *observer {
	n := len(s.buckets)
	out.frozen, out.within, out.clusters = make([]Swept, n), make([]Swept, n), make([][2]float64, n)
	out.swept[OtherSide], out.swept[TwoPctFarther] = make([]Swept, n), make([]Swept, n)
	return &observer{s: s, out: out, clusters: [2]*clusterReader{newClusterReader(), newClusterReader()}}
}

func (o *observer) look(m Model, i int) {
	b, at := o.s.bars[i], i/o.s.perBucket
	if !(b.Low > 0) {
		return
	}
	if i%o.s.perBucket == 0 {
		o.start(m, at)
	}
	other, farther := &o.out.swept[OtherSide][at], &o.out.swept[TwoPctFarther][at]
	other.Long += m.Mass(market.Short, tiny, b.Open*b.Open/b.Low)
	other.Short += m.Mass(market.Long, b.Open*b.Open/b.High, math.Inf(1))
	farther.Long += m.Mass(market.Long, b.Low*math.Exp(-.02), b.Open*math.Exp(-.02))
	farther.Short += m.Mass(market.Short, b.Open*math.Exp(.02), b.High*math.Exp(.02))
	for k, side := range sides {
		o.clusters[k].bar(m, side, b)
		if (i+1)%o.s.perBucket == 0 {
			o.out.clusters[at][k] = o.clusters[k].share()
		}
	}
}

// tiny stands for "every price from zero up".
const tiny = math.SmallestNonzeroFloat64

// start reads the map as of a bucket's start.
func (o *observer) start(m Model, at int) {
	low, high := o.s.extremes(at)
	price := o.s.bars[at*o.s.perBucket].Open
	o.out.frozen[at] = Swept{Long: m.Mass(market.Long, low, math.Inf(1)), Short: m.Mass(market.Short, tiny, high)}
	o.out.within[at] = Swept{Long: m.Mass(market.Long, price*.95, price), Short: m.Mass(market.Short, price, price*1.05)}
}

// extremes are the lowest and highest price of a bucket.
func (s *series) extremes(bucket int) (low, high float64) {
	low, high = math.Inf(1), 0
	first := s.buckets[bucket].first
	for _, b := range s.bars[first : first+s.perBucket] {
		low, high = min(low, b.Low), max(high, b.High)
	}
	return low, high
}

const (
	clusterBins  = 50
	clusterWidth = 0.001 // of a bin, log distance
)

// clusterReader finds where one side of the map is denser than is usual at that
// distance from the price, and how much of what is swept lies there.
type clusterReader struct {
	usual         [clusterBins]float64
	seen          bool
	inside, total float64
}

func newClusterReader() *clusterReader { return &clusterReader{} }

// bar reads the map as shown at the bar's open, then learns from it.
func (c *clusterReader) bar(m Model, side market.Side, b Bar) {
	if b.Hole || !(b.OpenInterest > 0) {
		return
	}
	var now, over [clusterBins]float64
	for k := range now {
		near, far := float64(k)*clusterWidth, float64(k+1)*clusterWidth-grid/2
		if side == market.Long {
			now[k] = m.Mass(side, b.Open*math.Exp(-far), b.Open*math.Exp(-near-grid/2))
		} else {
			now[k] = m.Mass(side, b.Open*math.Exp(near+grid/2), b.Open*math.Exp(far))
		}
		now[k] /= b.OpenInterest
		if c.usual[k] > 0 {
			over[k] = now[k] / c.usual[k]
		}
	}
	if c.seen {
		c.count(over, reach(side, b))
	}
	c.learn(now)
}

// reach is the log distance from the open that the bar swept on a side.
func reach(side market.Side, b Bar) float64 {
	if side == market.Long {
		return math.Log(b.Open / b.Low)
	}
	return math.Log(b.High / b.Open)
}

// count adds the bins that the bar touched; the densest fifth are clusters.
func (c *clusterReader) count(over [clusterBins]float64, reach float64) {
	order := newOrdering(over[:]).order
	var dense [clusterBins]bool
	for _, k := range order[clusterBins-clusterBins/5:] {
		dense[k] = true
	}
	touched := min(int(math.Ceil(reach/clusterWidth)), clusterBins)
	for k := range touched {
		c.total += c.usual[k]
		if dense[k] {
			c.inside += c.usual[k]
		}
	}
}

// learn moves the usual density towards the present one, half-life 168 h.
func (c *clusterReader) learn(now [clusterBins]float64) {
	rate := 1 - math.Exp2(-1.0/168)
	if !c.seen {
		rate, c.seen = 1, true
	}
	for k := range now {
		c.usual[k] += rate * (now[k] - c.usual[k])
	}
}

// share ends a bucket: the clusters' part of what its bars swept, by usual mass.
func (c *clusterReader) share() float64 {
	inside, total := c.inside, c.total
	c.inside, c.total = 0, 0
	if total == 0 {
		return 0
	}
	return inside / total
}
