package backtest

import (
	"math"

	"liqbot/market"
)

// Swept is what a bar's range ran through: open positions by side, base coins.
type Swept struct{ Long, Short float64 }

// Of is the sum of one side.
func (s Swept) Of(side market.Side) float64 {
	if side == market.Long {
		return s.Long
	}
	return s.Short
}

// Model estimates where positions would be liquidated. It sees one bar after the
// other and never a later one. Not safe for concurrent use.
type Model interface {
	// Step takes the next bar and returns the mass in the range that it swept.
	Step(b Bar) (Swept, error)
	// Mass is what stands with a liquidation price from low to high USD after the
	// last step, base coins; low may be next to zero and high infinite.
	Mass(side market.Side, low, high float64) float64
}

// grid is the width of a bin in log price. 5 bp bins cost up to .02 of rank
// correlation on hourly bars; finer ones than 1 bp gain nothing.
const grid = 1e-4

// binOf is the bin that a price lies in.
func binOf(price float64) int { return int(math.Floor(math.Log(price) / grid)) }

// density is mass by price bin, which grows where it is needed and decays as a whole.
type density struct {
	offset int // bin number of mass[0]
	mass   []float64
	scale  float64 // the true mass is mass times scale
}

func (d *density) decay(factor float64) {
	d.scale *= factor
	if d.scale > 1e-100 {
		return
	}
	for i := range d.mass {
		d.mass[i] *= d.scale
	}
	d.scale = 1
}

// cover makes room for the bins from first to last.
func (d *density) cover(first, last int) {
	const spare = 1024
	if d.mass == nil {
		d.offset, d.mass, d.scale = first-spare, make([]float64, last-first+1+2*spare), 1
		return
	}
	if below := d.offset - first; below > 0 {
		d.mass = append(make([]float64, below+spare), d.mass...)
		d.offset -= below + spare
	}
	if above := last - (d.offset + len(d.mass) - 1); above > 0 {
		d.mass = append(d.mass, make([]float64, above+spare)...)
	}
}

// span clips the bins from first to last to indexes of mass.
func (d *density) span(first, last int) (from, to int) {
	from = min(max(first-d.offset, 0), len(d.mass))
	return from, min(max(last-d.offset+1, from), len(d.mass))
}

func (d *density) sum(first, last int) float64 {
	from, to := d.span(first, last)
	sum := 0.0
	for _, m := range d.mass[from:to] {
		sum += m
	}
	return sum * d.scale
}

func (d *density) clear(first, last int) {
	from, to := d.span(first, last)
	clear(d.mass[from:to])
}

// shape is a density of liquidation distances from the entry: weight k is the
// share between k and k+1 bins away.
type shape []float64

// recipe is a baseline that the estimator has no parameters for: decay, read, sweep, seed.
type recipe struct {
	halfLife float64 // hours
	inflow   func(b Bar) float64
	entries  func(b Bar) []float64
	shapes   [2]shape // of long and short
	keep     bool     // nothing is swept
	fromOpen bool     // a bar reads from its open to its extreme only
}

// sweepMap runs a recipe. Both sides get the same inflow.
type sweepMap struct {
	recipe
	sides [2]density
	// highest long bin and lowest short bin that can hold mass
	top, bottom int
}

func newSweepMap(r recipe) *sweepMap {
	const nowhere = 1 << 40 // beyond every bin, and far from overflowing
	return &sweepMap{recipe: r, top: -nowhere, bottom: nowhere}
}

func (m *sweepMap) Step(b Bar) (Swept, error) {
	factor := math.Exp2(-1 / m.halfLife)
	m.sides[0].decay(factor)
	m.sides[1].decay(factor)
	var swept Swept
	if b.Low > 0 {
		swept = m.read(b)
		if !m.keep {
			m.sweep(b)
		}
		if !b.Hole {
			m.seed(b)
		}
	}
	return swept, nil
}

func (m *sweepMap) read(b Bar) Swept {
	low, high := binOf(b.Low), binOf(b.High)
	if m.fromOpen {
		open := binOf(b.Open)
		return Swept{Long: m.sides[0].sum(low, open), Short: m.sides[1].sum(open, high)}
	}
	return Swept{Long: m.sides[0].sum(low, m.top), Short: m.sides[1].sum(m.bottom, high)}
}

func (m *sweepMap) sweep(b Bar) {
	low, high := binOf(b.Low), binOf(b.High)
	m.sides[0].clear(low, m.top)
	m.sides[1].clear(m.bottom, high)
	m.top, m.bottom = min(m.top, low-1), max(m.bottom, high+1)
}

func (m *sweepMap) seed(b Bar) {
	u := m.inflow(b)
	if !(u > 0) {
		return
	}
	entries := m.entries(b)
	for _, entry := range entries {
		edge := int(math.Round(math.Log(entry) / grid))
		m.place(edge, u/float64(len(entries)))
	}
}

// place seeds an entry at a bin edge.
func (m *sweepMap) place(edge int, u float64) {
	long, short := &m.sides[0], &m.sides[1]
	long.cover(edge-len(m.shapes[0]), edge)
	short.cover(edge, edge+len(m.shapes[1]))
	scaled := u / long.scale
	at := edge - 1 - long.offset
	for k, w := range m.shapes[0] {
		long.mass[at-k] += scaled * w
	}
	scaled = u / short.scale
	into := short.mass[edge-short.offset:]
	for k, w := range m.shapes[1] {
		into[k] += scaled * w
	}
	m.top, m.bottom = max(m.top, edge-1), min(m.bottom, edge)
}

func (m *sweepMap) Mass(side market.Side, low, high float64) float64 {
	if !(low > 0) {
		return 0
	}
	first, last := binOf(low), m.top
	if !math.IsInf(high, 1) {
		last = binOf(high)
	}
	if side == market.Short && math.IsInf(high, 1) {
		last = 1 << 40
	}
	d := &m.sides[sideIndex(side)]
	if side == market.Long {
		last = min(last, m.top)
	} else {
		first = max(first, m.bottom)
	}
	return d.sum(first, last)
}

// delayed shows the map of some bars ago, moved so that its price is the present one.
type delayed struct {
	inner Model
	bars  int
	queue []Bar
}

func (d *delayed) Step(b Bar) (Swept, error) {
	var swept Swept
	if len(d.queue) == d.bars {
		then := d.queue[0]
		d.queue = d.queue[1:]
		if then.Open > 0 && b.Open > 0 {
			moved := then.Open / b.Open
			swept.Long = d.inner.Mass(market.Long, b.Low*moved, math.Inf(1))
			swept.Short = d.inner.Mass(market.Short, math.SmallestNonzeroFloat64, b.High*moved)
		}
		if _, err := d.inner.Step(then); err != nil {
			return Swept{}, err
		}
	}
	d.queue = append(d.queue, b)
	return swept, nil
}

func (d *delayed) Mass(side market.Side, low, high float64) float64 {
	return d.inner.Mass(side, low, high)
}
