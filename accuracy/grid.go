package accuracy

import (
	"math"

	"liqbot/market"
)

// step is the width of a level, as a difference of logarithms: that of the levels of
// liquidation.DisplayBin, which lie on this grid whatever the mark is.
const step = 1e-3

// reach is how far from the mark levels are kept, in levels: 15 %.
const reach = 150

// place is where a price lies on the grid, in levels.
func place(usd float64) float64 { return math.Log(usd) / step }

// levelOf is the level that a price lies in.
func levelOf(usd float64) int32 { return int32(math.Floor(place(usd))) }

// Band is the intensity of one side by level: Intensity[i], USD, at level First+i.
type Band struct {
	First     int32
	Intensity []float32
}

// add puts an intensity at a level.
func (b *Band) add(level int32, usd float64) {
	if len(b.Intensity) == 0 {
		b.First = level
	}
	if below := b.First - level; below > 0 {
		b.Intensity = append(make([]float32, below), b.Intensity...)
		b.First = level
	}
	for int32(len(b.Intensity)) <= level-b.First { //nolint:gosec // at most a few hundred
		b.Intensity = append(b.Intensity, 0)
	}
	b.Intensity[level-b.First] += float32(usd)
}

// at is the intensity of a level.
func (b *Band) at(level int32) float64 {
	if i := int(level) - int(b.First); i >= 0 && i < len(b.Intensity) {
		return float64(b.Intensity[i])
	}
	return 0
}

// Swept is the intensity of a side between the mark and the extreme that the price
// reached, USD. A level that was reached in part counts in part, the one in which the mark
// was as if all of it lay outward: the estimator's own grid is ten times as fine.
func (b *Band) Swept(side market.Side, markUSD, extremeUSD float64) float64 {
	mark, extreme := place(markUSD), place(extremeUSD)
	sum := 0.0
	for i, usd := range b.Intensity {
		low := float64(int(b.First) + i)
		high := low + 1
		from, to := max(low, extreme), min(high, mark)
		if side == market.Long {
			high = to
		} else {
			low = max(low, mark)
			from, to = low, min(high, extreme)
		}
		if to > from && high > low {
			sum += float64(usd) * (to - from) / (high - low)
		}
	}
	return sum
}

// reached are the levels of a side that the price got to, other than the one that the
// mark was in, which both sides share.
func reached(side market.Side, markUSD, extremeUSD float64) (first, last int32) {
	mark, extreme := levelOf(markUSD), levelOf(extremeUSD)
	if side == market.Long {
		return max(extreme, mark-reach), mark - 1
	}
	return mark + 1, min(extreme, mark+reach)
}
