package charts

import (
	"math"
	"slices"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// The visible price range, as fractions of the mark.
const (
	// usualReach is how far a map reaches when nothing says otherwise.
	usualReach = 0.07
	// room is the space beyond a key level, as a multiple of its distance.
	room = 1.3
	// balance is the least reach of a side as a share of the other's, so that the
	// mark stays near the middle.
	balance = 0.6
	// farthest is the distance up to which a side without a key level makes the map
	// wider to show its nearest level, as a multiple of the other side's reach.
	farthest = 2.5
	// narrowest keeps the labels of the axis apart from each other.
	narrowest = 0.002
	// lowest keeps the low end of the axis above zero, highest the mark off it.
	lowest, highest = 0.02, 30
)

// extent is the visible price range.
type extent struct{ low, high float64 }

// visible chooses the range: around both key levels with some room, or else
// around the nearest levels of the map.
func visible(s *snapshot.Snapshot) extent {
	mark := s.Map.MarkUSD()
	up, down := keyReach(s.Summary.Above), keyReach(s.Summary.Below)
	base := max(up, down)
	up = max(up, nearReach(s.Map, market.Short, up, base))
	down = max(down, nearReach(s.Map, market.Long, down, base))
	if base = max(up, down, narrowest); up == 0 && down == 0 {
		base = usualReach
	}
	up, down = max(up, balance*base), max(down, balance*base)
	return extent{low: mark * max(1-down, lowest), high: mark * (1 + min(up, highest))}
}

func keyReach(k *liquidation.KeyLevel) float64 {
	if k == nil {
		return 0
	}
	return room * math.Abs(k.Distance)
}

// nearReach is the reach that shows the nearest level of a side that has no key
// level; 0 where that would squeeze the other side.
func nearReach(m *liquidation.Map, side market.Side, own, other float64) float64 {
	levels := m.Levels(side)
	if own > 0 || len(levels) == 0 {
		return 0
	}
	reach := room * math.Abs(levels[0].PriceUSD-m.MarkUSD()) / m.MarkUSD()
	if other > 0 && reach > farthest*other {
		return 0
	}
	return max(reach, min(usualReach, balance*other))
}

// grid divides the range into buckets, with the mark on an edge between two, so
// that no bucket holds both sides.
type grid struct {
	low, step, mark float64
	// n is the number of buckets, below how many of them lie under the mark.
	n, below int
	// pixels is the width of a bucket on the picture.
	pixels int
	// shift moves the levels of a side within their buckets, USD.
	shift [2]float64
	// gap is the usual distance of levels that lie at nearly regular ones, USD; else 0.
	gap float64
}

// newGrid divides an axis of this many pixels into buckets of at least so many.
func newGrid(m *liquidation.Map, e extent, length, pixels int) grid {
	mark, gaps := m.MarkUSD(), visibleGaps(m, e)
	if len(gaps) < fewLevels {
		// A handful of thin bars would hide behind the lines that name them.
		pixels *= 3
	}
	g := grid{mark: mark, pixels: pixels, n: length / pixels}
	g.step = (e.high - e.low) / float64(g.n)
	if gap := regular(gaps); gap > g.step/coarse && gap < g.step*2 {
		g.gap = gap
		g.align(m, gap, e.high-e.low, length)
	}
	g.below = min(max(int(float64(g.n)*(mark-e.low)/(e.high-e.low)), 1), g.n-1)
	for g.below > 1 && float64(g.below)*g.step >= mark {
		g.below--
	}
	g.low = mark - float64(g.below)*g.step
	return g
}

// Limits within which a grid is fitted to the levels.
const (
	// fewLevels is how many different prices make a map sparse.
	fewLevels = 16
	// coarse is the number of levels in a bucket above which it does not matter
	// that some buckets get one more.
	coarse = 6
	// leastRange and mostRange are how much the range may change for it.
	leastRange, mostRange = 0.9, 1.3
)

// align fits the buckets to levels at regular distances, a whole number of them
// in each. Otherwise every third bucket or so would hold one level more than its
// neighbours, and the map would show teeth that are not in the market.
func (g *grid) align(m *liquidation.Map, gap, span float64, length int) {
	best, fitted := math.Inf(1), *g
	for pixels := g.pixels; pixels <= 2*g.pixels+1; pixels++ {
		n := length / pixels
		step := gap * max(1, math.Round(span/(float64(n)*gap)))
		change := step * float64(n) / span
		// Narrow bars are worth a few per cent of the range.
		cost := math.Abs(change-1) + 0.02*float64(pixels-g.pixels)
		if change < leastRange || change > mostRange || cost >= best {
			continue
		}
		best = cost
		fitted.pixels, fitted.n, fitted.step = pixels, n, step
	}
	*g = fitted
	if math.IsInf(best, 1) {
		return
	}
	for i, side := range []market.Side{market.Long, market.Short} {
		if levels := m.Levels(side); len(levels) > 0 {
			first := math.Abs(levels[0].PriceUSD - g.mark)
			// The first level comes half a gap behind the start of its bucket.
			g.shift[i] = gap/2 - math.Mod(first, g.step)
		}
	}
}

// visibleGaps is the distances between neighbouring prices in range, sorted. The
// first few hundred of each side tell enough.
func visibleGaps(m *liquidation.Map, e extent) []float64 {
	const enough = 200
	gaps := make([]float64, 0, 2*enough)
	for _, side := range []market.Side{market.Long, market.Short} {
		levels, most := m.Levels(side), len(gaps)+enough
		for i := 1; i < len(levels) && len(gaps) < most; i++ {
			if levels[i].PriceUSD < e.low || levels[i].PriceUSD > e.high {
				break
			}
			if gap := math.Abs(levels[i].PriceUSD - levels[i-1].PriceUSD); gap > 0 {
				gaps = append(gaps, gap)
			}
		}
	}
	slices.Sort(gaps)
	return gaps
}

// regular is the usual gap, 0 when the gaps differ too much to speak of one.
func regular(gaps []float64) float64 {
	if len(gaps) < fewLevels {
		return 0
	}
	usual := gaps[len(gaps)/2]
	if gaps[len(gaps)/10] < 0.8*usual {
		return 0
	}
	return usual
}

func (g grid) high() float64 { return g.low + float64(g.n)*g.step }

// bucket returns the place of a level; false when it is out of range.
func (g grid) bucket(side market.Side, price float64) (int, bool) {
	distance := math.Abs(price - g.mark)
	if side == market.Short {
		i := float64(g.below) + max(0, math.Floor((distance+g.shift[1])/g.step))
		return int(min(i, float64(g.n))), i < float64(g.n)
	}
	i := float64(g.below) - 1 - max(0, math.Floor((distance+g.shift[0])/g.step))
	return int(max(i, 0)), i >= 0
}

// portion is the part of a level that is drawn in a bucket, a fraction.
type portion struct {
	bucket int
	of     float64
}

// near is the distance to a neighbour, or the usual one where that is another.
func (g grid) near(distance float64) float64 {
	const drift = 1.2 // of the usual distance, over the whole range
	if d := math.Abs(distance); d < g.gap*drift && d > g.gap/drift {
		return d
	}
	return g.gap
}

// split divides a level, the i-th of its side, among the buckets that it reaches into.
// Levels at regular distances stand for what lies around them, half way to their
// neighbours: on a grid by per cent the distances grow with the price, so that no buckets
// of one width would hold the same number everywhere. Others are where they are. before is
// the price of the level before, 0 if there is none.
func (g grid) split(parts []portion, side market.Side, levels []liquidation.Level, i int, before float64) []portion {
	price, inner, outer := levels[i].PriceUSD, g.gap, g.gap
	if g.gap > 0 && before > 0 {
		inner = g.near(price - before)
	}
	for _, next := range levels[i+1:] {
		if next.PriceUSD != price {
			outer = g.near(next.PriceUSD - price)
			break
		}
	}
	at, _ := g.bucket(side, price)
	shift := g.shift[0]
	if side == market.Short {
		shift = g.shift[1]
	}
	place := (math.Abs(price-g.mark) + shift) / g.step
	from, to := max(0, place-inner/2/g.step), place+outer/2/g.step
	if g.gap == 0 || to-from <= 0 {
		return append(parts, portion{at, 1})
	}
	const nothing = 0.02 // of a bucket: what rounding makes reach over an edge
	for b := math.Floor(from); b < to; b++ {
		if over := min(to, b+1) - max(from, b); over > nothing {
			bucket := g.below + int(b)
			if side == market.Long {
				bucket = g.below - 1 - int(b)
			}
			parts = append(parts, portion{bucket, over})
		}
	}
	total := 0.0
	for _, p := range parts {
		total += p.of
	}
	for j := range parts {
		parts[j].of /= total
	}
	// What lies beyond the picture is not drawn.
	return slices.DeleteFunc(parts, func(p portion) bool { return p.bucket < 0 || p.bucket >= g.n })
}

// histogram is the intensity of each bucket by shade, and the curves.
type histogram struct {
	grid
	layers int
	// sums holds the layers of bucket 0, then of bucket 1, and so on, USD.
	sums []float64
	// tallest is the greatest sum of a bucket, total that of a curve in range.
	tallest, total float64
	long, short    []liquidation.Point
}

// newHistogram adds up the levels in range. Layer tells an exchange's place in
// the stack.
func newHistogram(m *liquidation.Map, g grid, layers int, layer func(market.Venue) int) *histogram {
	h := &histogram{grid: g, layers: layers, sums: make([]float64, g.n*layers)}
	h.long = h.add(m.Levels(market.Long), market.Long, layer)
	h.short = h.add(m.Levels(market.Short), market.Short, layer)
	for i := range g.n {
		h.tallest = max(h.tallest, h.bucketSum(i))
	}
	return h
}

// curve returns the curve of a side, outward from the mark.
func (h *histogram) curve(side market.Side) []liquidation.Point {
	if side == market.Long {
		return h.long
	}
	return h.short
}

func (h *histogram) bucketSum(i int) float64 {
	sum := 0.0
	for _, v := range h.sums[i*h.layers : (i+1)*h.layers] {
		sum += v
	}
	return sum
}

// Distances on a curve in buckets: points nearer than merge are one point; over a
// gap wider than leap the curve is a step, since nothing is known to lie between.
const (
	merge = 0.25
	leap  = 3
)

// add puts one side into the buckets and returns its curve, outward from the
// mark to the end of the range.
func (h *histogram) add(levels []liquidation.Level, side market.Side, layer func(market.Venue) int) []liquidation.Point {
	curve := make([]liquidation.Point, 1, min(len(levels)+2, h.n))
	curve[0] = liquidation.Point{PriceUSD: h.mark}
	sum, price := 0.0, 0.0
	var parts []portion
	for i, l := range levels {
		if l.PriceUSD != price {
			if _, ok := h.bucket(side, l.PriceUSD); !ok {
				break
			}
			parts = h.split(parts[:0], side, levels, i, price)
			price = l.PriceUSD
		}
		for _, p := range parts {
			h.sums[p.bucket*h.layers+layer(l.Venue)] += l.IntensityUSD * p.of
		}
		before := sum
		sum += l.IntensityUSD
		last := &curve[len(curve)-1]
		gap := math.Abs(l.PriceUSD - last.PriceUSD)
		if len(curve) > 1 && gap < merge*h.step {
			last.CumulativeUSD = sum
			continue
		}
		if gap > leap*h.step {
			curve = append(curve, liquidation.Point{PriceUSD: l.PriceUSD, CumulativeUSD: before})
		}
		curve = append(curve, liquidation.Point{PriceUSD: l.PriceUSD, CumulativeUSD: sum})
	}
	end := h.low
	if side == market.Short {
		end = h.high()
	}
	h.total = max(h.total, sum)
	return append(curve, liquidation.Point{PriceUSD: end, CumulativeUSD: sum})
}
