package liquidation

import (
	"math"

	"liqbot/market"
)

// DisplayBin is the usual width of a level that is shown, as a fraction of its
// price. Placement is not known more precisely than to 0.5 %.
const DisplayBin = 0.001

// Levels returns the map as levels for New: long ones below the mark and short
// ones above it, with intensity in USD at the mark. Levels that the mark has
// passed, or whose bin it is in, are left out. Bins are added up to levels about
// binFraction wide (a fraction of the price, at least a bin of the grid) that lie
// on a fixed grid: they stay where they are while the mark moves. Venue and
// leverage are left empty; longs come first, each side nearest first. A mark or
// width that cannot be yields nil.
func (e *Estimator) Levels(markUSD, binFraction float64) []Level {
	return e.AppendLevels(nil, markUSD, binFraction)
}

// AppendLevels appends what Levels returns to dst and returns it.
func (e *Estimator) AppendLevels(dst []Level, markUSD, binFraction float64) []Level {
	if !possible(markUSD) || !(binFraction > 0 && binFraction <= 1) {
		return dst
	}
	width := max(1, int(math.Round(math.Log1p(binFraction)/e.model.parameters.Bin)))
	for _, side := range []market.Side{market.Long, market.Short} {
		b := e.side(side)
		bin := e.outward(side, markUSD) + 1
		if bin < b.first { // on to the level in which the mass begins
			bin = max(bin, nextLevel(b.first, width, side)-width)
		}
		for bin < b.next {
			next := nextLevel(bin, width, side)
			sum := 0.0
			for _, m := range b.stretch(bin, next) {
				sum += m * e.scale
			}
			price := e.centre(side, bin, next)
			if sum > 0 && possible(price) {
				dst = append(dst, Level{PriceUSD: price, Side: side, IntensityUSD: sum * markUSD})
			}
			bin = next
		}
	}
	return dst
}

// nextLevel is the first outward bin that belongs to another level than bin: the
// levels of both sides begin at bins of the grid that width divides.
func nextLevel(bin, width int, side market.Side) int {
	shift := 0
	if side == market.Long {
		shift = 1 // the outward bin -b is the grid's bin b, which ends where b+1 begins
	}
	return floorDiv(bin-shift, width)*width + width + shift
}

// centre is the price in the middle of the outward bins from..next-1.
func (e *Estimator) centre(side market.Side, from, next int) float64 {
	if side == market.Long {
		from, next = 1-next, 1-from
	}
	return math.Exp(float64(from+next) / 2 * e.model.parameters.Bin)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
