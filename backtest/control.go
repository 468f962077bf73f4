package backtest

import (
	"math"

	"liqbot/market"
)

const (
	yFloor = 1000 // USD added to a bucket's liquidations before the logarithm
	zFloor = 1e-5 // of open interest, added to the mass swept
)

// sample is a choice of buckets of one side with what explains them without a map.
type sample struct {
	s       *series
	side    market.Side
	picked  []int
	y       []float64
	control [][]float64
	hard    [][]float64 // the control and more
	days    []int64
}

func (s *series) sample(side market.Side, picked []int) *sample {
	p := &sample{s: s, side: side, picked: picked}
	p.y = p.column(func(i int) float64 { return s.logUSD(i, side) })
	for _, i := range picked {
		p.days = append(p.days, s.buckets[i].day())
	}
	p.control = p.plain()
	p.hard = append(append([][]float64{}, p.control...), p.harder()...)
	return p
}

// column evaluates a feature for each bucket.
func (p *sample) column(feature func(bucket int) float64) []float64 {
	values := make([]float64, len(p.picked))
	for k, i := range p.picked {
		values[k] = feature(i)
	}
	return values
}

// z is what a model says of the sample: the mass swept as a share of open interest.
func (p *sample) z(swept []Swept) []float64 {
	return p.column(func(i int) float64 {
		return LogSwept(swept[i].Of(p.side), p.s.openInterest(i))
	})
}

// plain are the columns of the control.
func (p *sample) plain() [][]float64 {
	s := p.s
	rows := make([]Conditions, len(p.picked))
	for k, i := range p.picked {
		rows[k] = Conditions{
			Range100: s.range100(i, p.side), Path100: s.path100(i, p.side), OpenInterest: s.openInterest(i),
			Volatility: s.volatility(i, 24), Volume: s.volume(i),
		}
	}
	return ControlColumns(rows, s.perBucket > 1)
}

// Conditions are what explains a bucket's liquidations of a side without a map.
type Conditions struct {
	// Range100 is how far the price went against the side from the open, in log per cent,
	// and Path100 the same bar by bar, summed.
	Range100, Path100 float64
	OpenInterest      float64 // at the open, base coins
	Volatility        float64 // mean absolute hourly log return of the day before
	Volume            float64 // base coins
}

// ControlColumns are the columns of the control: how far the price went, how much is
// open, and how lively the market was. The path counts where a bucket has several bars.
func ControlColumns(rows []Conditions, path bool) [][]float64 {
	column := func(of func(Conditions) float64) []float64 {
		values := make([]float64, len(rows))
		for i, c := range rows {
			values[i] = of(c)
		}
		return values
	}
	r := column(func(c Conditions) float64 { return c.Range100 })
	columns := [][]float64{
		column(func(Conditions) float64 { return 1 }), r, mapped(r, math.Sqrt), mapped(r, square),
		column(func(c Conditions) float64 { return math.Log(c.OpenInterest) }),
		column(func(c Conditions) float64 { return math.Log(c.Volatility + 1e-9) }),
		column(func(c Conditions) float64 { return math.Log(c.Volume + 1e-9) }),
	}
	if path {
		way := column(func(c Conditions) float64 { return c.Path100 })
		columns = append(columns, way, mapped(way, math.Sqrt), mapped(way, square))
	}
	return columns
}

// LogLiquidated is what a score compares of the USD liquidated in a bucket.
func LogLiquidated(usd float64) float64 { return math.Log(usd + yFloor) }

// LogSwept is what a score compares of the mass swept in a bucket, in the unit of the
// open interest.
func LogSwept(mass, openInterest float64) float64 { return math.Log(mass/openInterest + zFloor) }

// harder are the columns that the hard control has besides.
func (p *sample) harder() [][]float64 {
	s, side := p.s, p.side
	return [][]float64{
		p.column(func(i int) float64 { return math.Log(s.range100(i, side) + .02) }),
		p.column(func(i int) float64 { return math.Sqrt(s.range100(i, opposite(side))) }),
		p.column(s.return100),
		p.column(func(i int) float64 { return s.meanLogUSD(i, side, 24/s.perBucket) }),
		p.column(func(i int) float64 { return s.meanLogUSD(i, side, 1) }),
		p.column(func(i int) float64 { return math.Log(s.volatility(i, 168) + 1e-9) }),
	}
}

func mapped(values []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}

func square(v float64) float64 { return v * v }

func opposite(s market.Side) market.Side {
	if s == market.Long {
		return market.Short
	}
	return market.Long
}

func (s *series) barsOf(bucket int) []Bar {
	first := s.buckets[bucket].first
	return s.bars[first : first+s.perBucket]
}

func (s *series) openInterest(bucket int) float64 { return s.barsOf(bucket)[0].OpenInterest }

func (s *series) logUSD(bucket int, side market.Side) float64 {
	return LogLiquidated(s.buckets[bucket].usd[sideIndex(side)])
}

// meanLogUSD averages the n buckets before; those without a label are left out.
func (s *series) meanLogUSD(bucket int, side market.Side, n int) float64 {
	sum, count := 0.0, 0
	for i := max(0, bucket-n); i < bucket; i++ {
		if s.buckets[i].labelled {
			sum += s.logUSD(i, side)
			count++
		}
	}
	if count == 0 {
		return math.Log(yFloor)
	}
	return sum / float64(count)
}

// range100 is how far the price went against a side from the open, in log per cent.
func (s *series) range100(bucket int, side market.Side) float64 {
	low, high := s.extremes(bucket)
	open := s.barsOf(bucket)[0].Open
	if side == market.Long {
		return 100 * math.Log(open/low)
	}
	return 100 * math.Log(high/open)
}

// path100 is the same, bar by bar, summed.
func (s *series) path100(bucket int, side market.Side) float64 {
	sum := 0.0
	for _, b := range s.barsOf(bucket) {
		sum += 100 * reach(side, b)
	}
	return sum
}

func (s *series) return100(bucket int) float64 {
	bars := s.barsOf(bucket)
	return 100 * math.Log(bars[len(bars)-1].Close/bars[0].Open)
}

// volatility is the mean absolute hourly log return before the bucket.
func (s *series) volatility(bucket, hours int) float64 {
	sum, n := 0.0, 0
	end := s.buckets[bucket].first
	for _, b := range s.bars[max(0, end-hours):end] {
		if b.Open > 0 {
			sum += math.Abs(math.Log(b.Close / b.Open))
			n++
		}
	}
	return sum / float64(max(n, 1))
}

func (s *series) volume(bucket int) float64 {
	sum := 0.0
	for _, b := range s.barsOf(bucket) {
		sum += b.Volume
	}
	return sum
}
