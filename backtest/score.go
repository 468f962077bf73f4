package backtest

import (
	"math"
	"slices"

	"liqbot/market"
)

// Score is a row of the first table: one coin and side of a set. A figure that
// could not be computed is NaN. Rho and the lifts are "range given": what the
// price swept is known, the question is how much was liquidated in it.
type Score struct {
	Set  string      `json:"set"`
	Coin market.Coin `json:"coin"`
	Side string      `json:"side"`
	Note string      `json:"note,omitempty"` // set when there is not enough data; then only N and Days count

	N    int    `json:"n"`    // buckets
	Days int    `json:"days"` // UTC days that they lie in
	USD  Figure `json:"usd"`  // liquidated in them

	R2Control    Figure `json:"r2_control"`
	DeltaR2      Figure `json:"delta_r2"`
	Rho          Figure `json:"rho"`
	RhoLo        Figure `json:"rho_lo"`
	RhoHi        Figure `json:"rho_hi"`
	RhoFrozen    Figure `json:"rho_frozen"` // the map as of the bucket's start
	DeltaR2Hard  Figure `json:"delta_r2_hard"`
	RhoHard      Figure `json:"rho_hard"`
	OOSR2Control Figure `json:"oos_r2_control"`
	OOSDeltaR2   Figure `json:"oos_delta_r2"`
	LiftMatched  Figure `json:"lift_matched"`
	LiftUniform  Figure `json:"lift_uniform"`
	LiftCluster  Figure `json:"lift_cluster"`
}

// controlled is what a control leaves of the liquidations, ready to be compared
// with many models.
type controlled struct {
	basis  *basis
	y      []float64
	ry     []float64 // residuals of y
	r2     float64
	fitted []float64
}

func control(y []float64, columns [][]float64) *controlled {
	c := &controlled{basis: newBasis(columns), y: y}
	c.ry, _ = c.basis.project(y)
	c.r2 = r2(y, c.ry)
	c.fitted = make([]float64, len(y))
	for i := range y {
		c.fitted[i] = y[i] - c.ry[i]
	}
	return c
}

// gain is what a model adds: its residuals, their rank correlation with those of
// the liquidations, and the rise of R2 when it joins the control.
func (c *controlled) gain(z []float64) (rz []float64, rho, deltaR2 float64) {
	rz, _ = c.basis.project(z)
	own := dot(rz, rz)
	if own <= 1e-18*dot(z, z) { // nothing but what the control knows
		return rz, math.NaN(), 0
	}
	along := dot(rz, c.ry)
	return rz, Spearman(c.ry, rz), along * along / own / dot(c.ry, c.ry) * (1 - c.r2)
}

// Gain is what a model adds to a control: the residuals of the outcome y and of the
// model's z on the columns, and their rank correlation, NaN when z is nothing but what
// the control knows.
func Gain(y, z []float64, columns [][]float64) (ry, rz []float64, rho float64) {
	c := control(y, columns)
	rz, rho, _ = c.gain(z)
	return c.ry, rz, rho
}

// score fills a row of the first table.
func score(p *sample, out *replayed, boot int) Score {
	row := Score{
		Set: p.s.set, Coin: p.s.coin, Side: p.side.String(),
		N: len(p.picked), Days: p.s.days(p.picked),
	}
	for _, i := range p.picked {
		row.USD += Figure(p.s.buckets[i].usd[sideIndex(p.side)])
	}
	z := p.z(out.swept[Recommended])
	c := control(p.y, p.control)
	rz, rho, delta := c.gain(z)
	row.R2Control, row.Rho, row.DeltaR2 = Figure(c.r2), Figure(rho), Figure(delta)
	lo, hi := SpearmanInterval(c.ry, rz, p.days, boot)
	row.RhoLo, row.RhoHi = Figure(lo), Figure(hi)
	_, frozen, _ := c.gain(p.z(out.frozen))
	row.RhoFrozen = Figure(frozen)
	_, rho, delta = control(p.y, p.hard).gain(z)
	row.RhoHard, row.DeltaR2Hard = Figure(rho), Figure(delta)
	row.LiftMatched = Figure(Lift(c.fitted, rz, p.y))
	uniform, _, _ := c.gain(p.z(out.swept[UniformSweep]))
	row.LiftUniform = Figure(Lift(c.fitted, uniform, p.y))
	share := p.column(func(i int) float64 { return out.clusters[i][sideIndex(p.side)] })
	row.LiftCluster = Figure(Lift(c.fitted, share, p.y))
	return row
}

// outOfSample fits on the earlier sample and judges on the later one.
func outOfSample(earlier, later *sample, swept []Swept) (r2Control, deltaR2 float64) {
	const fewest = 30
	if len(earlier.picked) < fewest || len(later.picked) < fewest {
		return math.NaN(), math.NaN()
	}
	base := OLS(earlier.y, earlier.control)
	r2Control = R2OutOfSample(later.y, later.control, base.Coefficients)
	with := func(p *sample) [][]float64 { return append(slices.Clip(p.control), p.z(swept)) }
	full := OLS(earlier.y, with(earlier))
	return r2Control, R2OutOfSample(later.y, with(later), full.Coefficients) - r2Control
}

// Lift says how many times the liquidations of the bottom third the top third
// saw, by x, among buckets of which the same was expected: ten equal groups by
// expected, in each the mean y (a logarithm) of the top third by x less that of
// the bottom third, and the exponential of the mean over the groups. NaN with
// fewer than three rows in each group.
func Lift(expected, x, y []float64) float64 {
	const groups = 10
	order := newOrdering(expected).order
	sum := 0.0
	for g := range groups {
		group := order[g*len(order)/groups : (g+1)*len(order)/groups]
		third := len(group) / 3
		if third == 0 {
			return math.NaN()
		}
		xs := make([]float64, len(group))
		for k, i := range group {
			xs[k] = x[i]
		}
		byX := newOrdering(xs).order
		for k := range third {
			sum += (y[group[byX[len(byX)-1-k]]] - y[group[byX[k]]]) / float64(third)
		}
	}
	return math.Exp(sum / groups)
}
