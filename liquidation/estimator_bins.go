package liquidation

import "slices"

// bins is the mass standing on one side, by bin of the logarithmic price grid.
// The bins are counted outward: the bin number for shorts, its negative for
// longs. So on both sides the price eats them from the low end, and one code
// does for both. Masses are in units that the estimator scales.
type bins struct {
	mass []float64
	// base is the bin of mass[0]. All bins below first are empty.
	base, first int
}

// slack is how many bins are added on either end when a side has to grow.
const slack = 2048

// cover makes room for the bins from..to.
func (b *bins) cover(from, to int) {
	if len(b.mass) == 0 {
		b.base, b.first = from-slack, from
		b.mass = make([]float64, to-from+1+2*slack)
		return
	}
	end := b.base + len(b.mass)
	if from >= b.base && to < end {
		return
	}
	low, high := min(b.base, from-slack), max(end, to+1+slack)
	mass := make([]float64, high-low)
	copy(mass[b.base-low:], b.mass)
	b.mass, b.base = mass, low
}

// deposit spreads positions entered within one bin of the grid. near of them
// count as entered at the edge where bin from begins, far at the next one
// outward: the two share the mass by how near they are to the entry, which
// interpolates the kernel's distribution function between whole bins. On a grid
// of 1 bp that moves under 0.005 % of the mass to another bin.
func (b *bins) deposit(k kernel, from int, near, far float64) {
	n := len(k.at) - 1
	b.cover(from, from+n-1)
	b.first = min(b.first, from)
	mass := b.mass[from-b.base:][:n]
	outer, inner := k.at[1:][:n], k.at[:n]
	for i := range mass {
		mass[i] += near*outer[i] + far*inner[i]
	}
}

// upTo adds up the bins up to and including one, nearest first. As masses are not
// negative and the order is fixed, it never falls with the bin, to the last bit.
func (b *bins) upTo(last int) float64 {
	sum := 0.0
	for _, m := range b.stretch(last) {
		sum += m
	}
	return sum
}

// sweep empties the bins up to and including one.
func (b *bins) sweep(last int) {
	clear(b.stretch(last))
	b.first = max(b.first, last+1)
}

func (b *bins) stretch(last int) []float64 {
	from := min(max(b.first-b.base, 0), len(b.mass))
	to := min(max(last+1-b.base, from), len(b.mass))
	return b.mass[from:to]
}

// all is beyond every bin.
func (b *bins) all() int { return b.base + len(b.mass) }

// at is the mass of one bin.
func (b *bins) at(bin int) float64 {
	if i := bin - b.base; i >= 0 && i < len(b.mass) {
		return b.mass[i]
	}
	return 0
}

// rescale multiplies all masses and drops those that are nothing any more, since
// numbers close to the smallest that there is are slow to add.
func (b *bins) rescale(by float64) {
	const nothing = 1e-200
	for i := range b.mass {
		b.mass[i] *= by
		if b.mass[i] < nothing {
			b.mass[i] = 0
		}
	}
}

func (b *bins) empty() {
	clear(b.mass)
	b.first = b.all()
}

func (b *bins) clone() bins {
	return bins{mass: slices.Clone(b.mass), base: b.base, first: b.first}
}
