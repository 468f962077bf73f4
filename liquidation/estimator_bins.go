package liquidation

import "slices"

// bins is the mass standing on one side, by bin of the logarithmic price grid.
// The bins are counted outward: the bin number for shorts, its negative for
// longs. So on both sides the price eats them from the low end, and one code
// does for both. Masses are in units that the estimator scales.
type bins struct {
	// mass[0] is bin base. All mass lies in the bins first..next-1; none does while
	// they are equal.
	mass        []float64
	base        int
	first, next int
}

const (
	// page is what the runtime rounds large slices up to, in bins.
	page = 1024
	// room is how many bins are made beyond those needed, at the least: to copy a
	// side into a slice with more of it takes less than a step does.
	room = 64
	// idle is how much room a side may hold for nothing.
	idle = 4 * page
	// forgotten is the share of a new deposit below which the outermost bins are
	// dropped when a side grows: what nobody has added to for 70 half-lives.
	forgotten = 1e-24
)

// cover makes room for the bins from..to, which are about to hold least or more.
func (b *bins) cover(from, to int, least float64) {
	low, next := from, to+1
	if b.first < b.next {
		low, next = min(from, b.first), max(next, b.next)
	}
	if low >= b.base && next <= b.base+len(b.mass) {
		b.first, b.next = low, next
		return
	}
	for b.next > to+1 && b.first < b.next && b.mass[b.next-1-b.base] <= least {
		b.next--
		b.mass[b.next-b.base] = 0
	}
	if b.first < b.next {
		next = max(to+1, b.next)
	}
	b.move(low, next)
}

// roomy is how many bins are made for those that are needed.
func roomy(need int) int { return (need + room + page - 1) / page * page }

// move puts the bins low..next-1 in the middle of a slice that is large enough, if
// it can be of the one there is.
func (b *bins) move(low, next int) {
	need := next - low
	mass := b.mass
	if need > len(mass) || len(mass)-need > idle {
		mass = make([]float64, roomy(need))
	}
	base := low - (len(mass)-need)/2
	old := b.mass[b.first-b.base : b.next-b.base]
	at := b.first - base
	if len(old) == 0 {
		at = 0
	}
	copy(mass[at:], old)
	clear(mass[:at])
	clear(mass[at+len(old):])
	b.mass, b.base, b.first, b.next = mass, base, low, next
}

// deposit spreads positions entered within one bin of the grid. near of them
// count as entered at the edge where bin from begins, far at the next one
// outward: the two share the mass by how near they are to the entry, which
// interpolates the kernel's distribution function between whole bins. On a grid
// of 1 bp that moves under 0.005 % of the mass to another bin.
func (b *bins) deposit(k kernel, from int, near, far float64) {
	n := len(k.at) - 1
	b.cover(from, from+n-1, (near+far)*forgotten)
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
	for _, m := range b.stretch(b.first, last+1) {
		sum += m
	}
	return sum
}

// sweep empties the bins up to and including one.
func (b *bins) sweep(last int) {
	clear(b.stretch(b.first, last+1))
	b.first = min(max(b.first, last+1), b.next)
}

// stretch is the mass of the bins from..next-1, as far as there is any.
func (b *bins) stretch(from, next int) []float64 {
	from = min(max(from, b.first), b.next)
	next = min(max(next, from), b.next)
	return b.mass[from-b.base : next-b.base]
}

// all adds up all bins.
func (b *bins) all() float64 { return b.upTo(b.next - 1) }

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
	b.first = b.next
}

func (b *bins) clone() bins {
	c := *b
	c.mass = slices.Clone(b.mass)
	return c
}
