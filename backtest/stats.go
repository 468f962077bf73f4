package backtest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Fit is a least-squares fit of a value on some columns.
type Fit struct {
	Coefficients []float64 // one a column; 0 for a column that the ones before it span
	Residuals    []float64
	R2           float64 // 1 - SSE/SST; 0 when the value does not vary
}

// OLS fits y on columns, each as long as y, by a QR decomposition: Gram-Schmidt,
// orthogonalised twice, which is as exact as Householder's and shows at once
// which column hangs on the ones before it. A constant has to be among the columns.
func OLS(y []float64, columns [][]float64) Fit {
	b := newBasis(columns)
	residuals, along := b.project(y)
	return Fit{
		Coefficients: b.solve(along),
		Residuals:    residuals,
		R2:           r2(y, residuals),
	}
}

// basis is the QR decomposition of columns; a dependent column has a nil direction.
type basis struct {
	directions [][]float64
	upper      [][]float64 // upper[j][k] is column j along direction k
}

func newBasis(columns [][]float64) *basis {
	const dependent = 1e-9
	b := &basis{}
	for _, column := range columns {
		rest, along := b.project(column)
		norm := math.Sqrt(dot(rest, rest))
		if norm <= dependent*math.Sqrt(dot(column, column)) {
			rest, norm = nil, 0
		}
		for i := range rest {
			rest[i] /= norm
		}
		b.directions = append(b.directions, rest)
		b.upper = append(b.upper, append(along, norm))
	}
	return b
}

// project splits y into what is left of it and its coordinates along the directions.
func (b *basis) project(y []float64) (rest, along []float64) {
	rest = slices.Clone(y)
	along = make([]float64, len(b.directions), len(b.directions)+1)
	for range 2 { // the second pass takes off what rounding left
		for k, q := range b.directions {
			if q == nil {
				continue
			}
			c := dot(q, rest)
			along[k] += c
			for i := range rest {
				rest[i] -= c * q[i]
			}
		}
	}
	return rest, along
}

// solve turns coordinates into coefficients of the columns.
func (b *basis) solve(along []float64) []float64 {
	coefficients := slices.Clone(along)
	for j := len(coefficients) - 1; j >= 0; j-- {
		if b.directions[j] == nil {
			coefficients[j] = 0
			continue
		}
		coefficients[j] /= b.upper[j][j]
		for k := range j {
			coefficients[k] -= b.upper[j][k] * coefficients[j]
		}
	}
	return coefficients
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func r2(y, residuals []float64) float64 {
	m, total := mean(y), 0.0
	for _, v := range y {
		total += (v - m) * (v - m)
	}
	if total == 0 {
		return 0
	}
	return 1 - dot(residuals, residuals)/total
}

// R2OutOfSample is 1 - SSE/SST of y when it is predicted from columns with
// coefficients that were fitted elsewhere. It can be negative.
func R2OutOfSample(y []float64, columns [][]float64, coefficients []float64) float64 {
	residuals := slices.Clone(y)
	for j, column := range columns {
		for i := range residuals {
			residuals[i] -= coefficients[j] * column[i]
		}
	}
	return r2(y, residuals)
}

// Ranks gives each value its rank from 1; equal values share their average rank.
func Ranks(values []float64) []float64 {
	o := newOrdering(values)
	ranks := make([]float64, len(values))
	o.weigh(nil, ranks)
	return ranks
}

// Spearman is the rank correlation with average ranks; NaN when one of the two does not vary.
func Spearman(a, b []float64) float64 {
	return correlation(Ranks(a), Ranks(b), nil)
}

// ordering is the sorted order of values with their ties: ranks of a resampled
// set then take one pass in place of a sort.
type ordering struct {
	order []int
	tied  []bool // order[i] has the same value as order[i-1]
}

func newOrdering(values []float64) ordering {
	o := ordering{order: make([]int, len(values)), tied: make([]bool, len(values))}
	for i := range o.order {
		o.order[i] = i
	}
	slices.SortStableFunc(o.order, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	for i := 1; i < len(o.order); i++ {
		o.tied[i] = values[o.order[i]] == values[o.order[i-1]]
	}
	return o
}

// weigh fills the average ranks of a set that has value i weights[i] times; nil is once each.
func (o ordering) weigh(weights, ranks []float64) {
	below := 0.0
	for from := 0; from < len(o.order); {
		to, here := from, 0.0
		for ; to < len(o.order) && (to == from || o.tied[to]); to++ {
			here += weight(weights, o.order[to])
		}
		for _, i := range o.order[from:to] {
			ranks[i] = below + (here+1)/2
		}
		below += here
		from = to
	}
}

func weight(weights []float64, i int) float64 {
	if weights == nil {
		return 1
	}
	return weights[i]
}

// correlation is Pearson's, weighted.
func correlation(a, b, weights []float64) float64 {
	var n, sa, sb float64
	for i := range a {
		w := weight(weights, i)
		n += w
		sa += w * a[i]
		sb += w * b[i]
	}
	ma, mb := sa/n, sb/n
	var aa, bb, ab float64
	for i := range a {
		w, da, db := weight(weights, i), a[i]-ma, b[i]-mb
		aa += w * da * da
		bb += w * db * db
		ab += w * da * db
	}
	if !(aa > 0 && bb > 0) {
		return math.NaN()
	}
	return ab / math.Sqrt(aa*bb)
}

// rankPair is a pair of series ready for many resampled rank correlations.
// Not safe for concurrent use.
type rankPair struct {
	a, b    ordering
	ra, rb  []float64
	blocks  []int64 // the block that a row is drawn with
	weights []float64
}

func newRankPair(a, b []float64, blocks []int64) *rankPair {
	return &rankPair{
		a: newOrdering(a), b: newOrdering(b), blocks: blocks,
		ra: make([]float64, len(a)), rb: make([]float64, len(a)), weights: make([]float64, len(a)),
	}
}

// rho is the rank correlation of the set in which each block comes so often as drawn says.
func (p *rankPair) rho(drawn map[int64]float64) float64 {
	for i, block := range p.blocks {
		p.weights[i] = drawn[block]
	}
	p.a.weigh(p.weights, p.ra)
	p.b.weigh(p.weights, p.rb)
	return correlation(p.ra, p.rb, p.weights)
}

// seed makes every run of the resampling give the same intervals.
const seed = 20240619

// Draws resamples blocks (such as days) with replacement, n times: how often each block
// comes. The same blocks, in any order, give the same draws.
func Draws(blocks []int64, n int) []map[int64]float64 {
	blocks = slices.Clone(blocks)
	slices.Sort(blocks)
	blocks = slices.Compact(blocks)
	rng := rand.New(rand.NewPCG(seed, uint64(len(blocks)))) //nolint:gosec // repeatable on purpose
	all := make([]map[int64]float64, n)
	for i := range all {
		drawn := make(map[int64]float64, len(blocks))
		for range blocks {
			drawn[blocks[rng.IntN(len(blocks))]]++
		}
		all[i] = drawn
	}
	return all
}

// Interval is the middle 95 % of values; NaN is left out, and of nothing both ends are NaN.
func Interval(values []float64) (lo, hi float64) {
	values = slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	slices.Sort(values)
	return quantile(values, 0.025), quantile(values, 0.975)
}

// quantile of sorted values, linear between neighbours; NaN when there are none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// SpearmanInterval is the middle 95 % of n rank correlations of resampled pairs,
// whole blocks (such as days) drawn with replacement. The same input gives the
// same interval.
func SpearmanInterval(a, b []float64, blocks []int64, n int) (lo, hi float64) {
	return MeanSpearmanInterval([]Pair{{A: a, B: b, Blocks: blocks}}, n)
}

// Pair is two series to be compared by rank, with the block (such as the day) that each
// row is drawn with. All three are as long as each other.
type Pair struct {
	A, B   []float64
	Blocks []int64
}

// MeanSpearmanInterval is the middle 95 % of n means of the pairs' rank correlations. A
// block is drawn for all pairs at once: what happened on a day happened to all of them.
func MeanSpearmanInterval(pairs []Pair, n int) (lo, hi float64) {
	var blocks []int64
	ready := make([]*rankPair, len(pairs))
	for i, p := range pairs {
		blocks = append(blocks, p.Blocks...)
		ready[i] = newRankPair(p.A, p.B, p.Blocks)
	}
	rhos := make([]float64, 0, n)
	for _, drawn := range Draws(blocks, n) {
		sum := 0.0
		for _, p := range ready {
			sum += p.rho(drawn)
		}
		rhos = append(rhos, sum/float64(len(ready)))
	}
	return Interval(rhos)
}
