package liquidation

import (
	"math"

	"liqbot/market"
)

// Sketch is the map of an Estimator in bins of the width that is shown, in single
// precision: a tenth of the size, and quickly made levels of. It never changes.
type Sketch struct {
	// width is that of a bin, as the logarithm of a price ratio.
	width float64
	sides [2]sketched // long, short
}

// sketched is one side: mass[0] is the bin of the price grid from base*width on, upwards
// for both sides.
type sketched struct {
	mass []float32
	base int
	sum  float64
}

// Sketch adds the bins up to ones about binFraction wide (a fraction of the price, at
// least a bin of the grid). It is nil for a width that cannot be.
func (e *Estimator) Sketch(binFraction float64) *Sketch {
	if !(binFraction > 0 && binFraction <= 1) {
		return nil
	}
	bin := e.model.parameters.Bin
	wide := max(1, int(math.Round(math.Log1p(binFraction)/bin)))
	s := &Sketch{width: float64(wide) * bin}
	for i, side := range []market.Side{market.Long, market.Short} {
		b := e.side(side)
		if b.first >= b.next {
			continue
		}
		from, to := b.first, b.next-1
		if side == market.Long { // counted outward, downwards
			from, to = -to, -from
		}
		out := &s.sides[i]
		out.base = floorDiv(from, wide)
		sums := make([]float64, floorDiv(to, wide)-out.base+1)
		for bin := from; bin <= to; bin++ {
			outward := bin
			if side == market.Long {
				outward = -bin
			}
			sums[floorDiv(bin, wide)-out.base] += b.mass[outward-b.base] * e.scale
		}
		out.mass = make([]float32, len(sums))
		for j, sum := range sums {
			out.mass[j] = float32(sum)
			out.sum += sum
		}
	}
	return s
}

// Standing is Estimator.Standing.
func (s *Sketch) Standing(side market.Side) float64 { return s.side(side).sum }

// Within is the part of the sketch around a stretch of prices, whole bins: less to make
// levels of where only the near ones are looked at. It shares the masses.
func (s *Sketch) Within(lowUSD, highUSD float64) *Sketch {
	if !possible(lowUSD) || !possible(highUSD) {
		return s
	}
	out := &Sketch{width: s.width}
	for i, side := range s.sides {
		first := int(math.Floor(math.Log(lowUSD)/s.width)) - side.base
		next := int(math.Floor(math.Log(highUSD)/s.width)) - side.base + 1
		first = min(max(first, 0), len(side.mass))
		next = max(min(next, len(side.mass)), first)
		part := sketched{mass: side.mass[first:next], base: side.base + first}
		for _, coins := range part.mass {
			part.sum += float64(coins)
		}
		out.sides[i] = part
	}
	return out
}

func (s *Sketch) side(side market.Side) *sketched {
	if side == market.Short {
		return &s.sides[1]
	}
	return &s.sides[0]
}

// AppendLevels appends what Estimator.Levels returns, each side nearest first and the
// longs first. A bin that the mark lies in is left out whole, and so is all of a side
// that is not beyond reachedUSD: the lowest mark since for longs, the highest for shorts,
// 0 if the mark has been nowhere else.
func (s *Sketch) AppendLevels(dst []Level, markUSD, lowUSD, highUSD float64) []Level {
	if !possible(markUSD) {
		return dst
	}
	low, high := markUSD, markUSD
	if possible(lowUSD) {
		low = min(low, lowUSD)
	}
	if possible(highUSD) {
		high = max(high, highUSD)
	}
	long, short := &s.sides[0], &s.sides[1]
	for bin := min(int(math.Floor(math.Log(low)/s.width))-1, long.base+len(long.mass)-1); bin >= long.base; bin-- {
		dst = s.level(dst, market.Long, bin, long.mass[bin-long.base], markUSD)
	}
	for bin := max(int(math.Floor(math.Log(high)/s.width))+1, short.base); bin < short.base+len(short.mass); bin++ {
		dst = s.level(dst, market.Short, bin, short.mass[bin-short.base], markUSD)
	}
	return dst
}

func (s *Sketch) level(dst []Level, side market.Side, bin int, coins float32, markUSD float64) []Level {
	price := math.Exp((float64(bin) + 0.5) * s.width)
	if coins <= 0 || !possible(price) {
		return dst
	}
	return append(dst, Level{PriceUSD: price, Side: side, IntensityUSD: float64(coins) * markUSD})
}
