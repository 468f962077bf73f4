package invent

import "math"

// wobble is how far noise moves a price, as a fraction.
const wobble = 0.00018

// price is the price at a second: a smooth curve through the knots, with a
// little noise wherever the story does not hold still.
func (s *script) price(second int) float64 {
	t := float64(second)
	base := curve(s.path, t)
	calm := math.Min(ramp(t, 8, 14), 1-ramp(t, 870, 884))
	n := 0.4*math.Sin(t/2.3+float64(s.seed)) + 0.6*math.Sin(t/7.1) + noise(s.seed, 11, second) - 0.5
	return round(base*(1+calm*wobble*n), s.decimals)
}

// curve interpolates with monotone cubic pieces (Fritsch and Carlson), so that
// the price never leaves the span between two knots.
func curve(path []knot, t float64) float64 {
	last := len(path) - 1
	if t >= path[last].second {
		return path[last].usd
	}
	i := 0
	for path[i+1].second <= t {
		i++
	}
	a, b := path[i], path[i+1]
	h := b.second - a.second
	x := (t - a.second) / h
	return a.usd*(1+2*x)*(1-x)*(1-x) + b.usd*x*x*(3-2*x) +
		h*(slope(path, i)*x*(1-x)*(1-x)-slope(path, i+1)*x*x*(1-x))
}

// slope is the steepness at a knot, zero where the path turns.
func slope(path []knot, i int) float64 {
	if i == 0 || i == len(path)-1 {
		return 0
	}
	before := (path[i].usd - path[i-1].usd) / (path[i].second - path[i-1].second)
	after := (path[i+1].usd - path[i].usd) / (path[i+1].second - path[i].second)
	if before*after <= 0 {
		return 0
	}
	return 2 * before * after / (before + after)
}

// ramp rises from 0 at from to 1 at to.
func ramp(x, from, to float64) float64 {
	return math.Max(0, math.Min(1, (x-from)/(to-from)))
}

func round(v float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(v*scale) / scale
}

// significant rounds to two significant digits.
func significant(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow10(int(math.Floor(math.Log10(math.Abs(v)))) - 1)
	return math.Round(v/scale) * scale
}

// noise is a number in [0, 1) that depends only on its arguments.
func noise(parts ...int) float64 {
	var h uint64
	for _, p := range parts {
		// The finalizer of SplitMix64.
		h += uint64(p) + 0x9e3779b97f4a7c15 //nolint:gosec // only the bits matter
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return float64(h>>11) / (1 << 53)
}
