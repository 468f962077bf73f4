package liquidation

import (
	"math"

	"liqbot/market"
)

// spreader spreads the entries of one side over the bins where they still stand.
//
// An entry stands beyond the farthest bin that was swept after it. Going back in
// time that bin only moves outward, and seldom: entries with the same one are a
// cohort. So each bin holds the newest cohorts, the more of them the farther out it
// is: sources collects them by bin of entry while blocks of bins are filled outward,
// and one product of spectra a block does what a deposit an entry would.
type spreader struct {
	history *history
	side    market.Side
	from    int // first taken bar whose entries count
	shares  [4]float64
	at      []float64 // kernel
	kernel  *kernelSpectra

	origin  int // outward bin of sources[0] and of the first block
	sources []float64
	blocks  []sourceBlock
	// cohort is the entries of one cohort, like sources.
	cohort []float64
	next   int // the newest taken bar that no cohort has had yet
	wall   int // outward bin up to which it is swept
}

// sourceBlock is a block of sources.
type sourceBlock struct {
	spectrum spectrum
	size     float64 // of the sources, as of kernelSpectra.sizes
	stale    bool    // spectrum and size are those of earlier sources
}

// nowhere is a wall before all bins.
const nowhere = math.MinInt / 2

func (s *spreader) spread() bins {
	low, high, newest := s.extent()
	if low > high {
		return bins{}
	}
	s.origin = low
	n := (high-low)/block + 1
	s.sources, s.cohort = make([]float64, n*block), make([]float64, n*block)
	s.blocks = make([]sourceBlock, n)
	s.next, s.wall = len(s.history.taken)-1, nowhere

	// Nothing stands before the first bin beyond an entry of the last bar, or beyond
	// what that bar reached.
	first := max(min(newest, s.reached(s.next)), low) + 1
	next := high + len(s.at) - 1
	if first >= next {
		return bins{}
	}
	start := (first - low) / block * block
	b := bins{base: low + start, first: first, next: next}
	b.mass = make([]float64, roomy(next-b.base+block))
	for from := start; low+from < next; from += block {
		s.fill(b.mass[from-start:][:block], from)
	}
	clear(b.mass[:first-b.base])
	clear(b.mass[next-b.base:])
	return b
}

// extent is the first and last bin that holds a source, and the first of the
// newest bar; low is above high if there are no sources.
func (s *spreader) extent() (low, high, newest int) {
	low, high, newest = math.MaxInt, math.MinInt, math.MaxInt
	last := len(s.history.taken) - 1
	for i := s.from; i <= last; i++ {
		t := &s.history.taken[i]
		if t.opened == 0 {
			continue
		}
		for j, share := range s.shares {
			if share == 0 {
				continue
			}
			bin := s.source(t, j).bin
			low, high = min(low, bin), max(high, bin+1)
			if i == last {
				newest = min(newest, bin)
			}
		}
	}
	return low, high, newest
}

// reached is the outward bin up to which a taken bar swept.
func (s *spreader) reached(i int) int {
	r := &s.history.taken[i].reached
	if s.side == market.Short {
		return int(r[1])
	}
	return int(r[0])
}

// source is positions entered within one bin: near of them spread from bin outward,
// far from the next one.
type source struct {
	bin       int
	near, far float64
}

// source is a share of the entries of a taken bar, see Estimator.seed.
func (s *spreader) source(t *takenBar, j int) source {
	units, bin := t.opened*s.shares[j], int(t.bins[j])
	upper, lower := units*t.parts[j], units*(1-t.parts[j])
	if s.side == market.Short {
		return source{bin - 1, lower, upper}
	}
	return source{-bin - 1, upper, lower}
}

// fill sets a block of bins, which begins from after the origin.
func (s *spreader) fill(out []float64, from int) {
	for s.next >= s.from && s.wall-s.origin < from {
		s.gather(s.sources)
	}
	s.convolve(out, from)
	for s.next >= s.from && s.wall-s.origin < from+block-1 {
		begin := max(s.wall-s.origin+1, from)
		low, high := s.gather(s.cohort)
		for i := low; i <= high; i++ {
			if units := s.cohort[i]; units != 0 {
				s.deposit(out, from, begin, i)
				s.sources[i] += units
				s.cohort[i] = 0
			}
		}
	}
}

// gather adds the next cohort to sources by bin, and tells the first and last.
func (s *spreader) gather(into []float64) (low, high int) {
	low, high = len(into), -1
	for s.next >= s.from {
		t, reached := &s.history.taken[s.next], s.reached(s.next)
		if t.opened != 0 {
			for j, share := range s.shares {
				if share == 0 {
					continue
				}
				src := s.source(t, j)
				i := src.bin - s.origin
				into[i] += src.near
				into[i+1] += src.far
				s.blocks[i/block].stale, s.blocks[(i+1)/block].stale = true, true
				low, high = min(low, i), max(high, i+1)
			}
		}
		s.next--
		if reached > s.wall {
			s.wall = reached
			break
		}
	}
	return low, high
}

// deposit spreads cohort[i] over the part of a block from begin.
func (s *spreader) deposit(out []float64, from, begin, i int) {
	begin = max(begin, i+1)
	end := min(from+block, i+len(s.at))
	if begin >= end {
		return
	}
	units := s.cohort[i]
	bins, at := out[begin-from:end-from], s.at[begin-i:end-i]
	for j := range bins {
		bins[j] += units * at[j]
	}
}

// convolved is the rounding of a convolution, as a share of the product of the sizes of what is
// convolved. Measured: under a third of it.
const convolved = 1e-15

// convolve sets a block to what all sources spread there.
func (s *spreader) convolve(out []float64, from int) {
	var sum spectrum
	noise := 0.0
	at := from / block
	for i := max(0, at-len(s.kernel.pieces)+1); i < min(at+1, len(s.blocks)); i++ {
		b := &s.blocks[i]
		if b.stale {
			src := s.sources[i*block:][:block]
			b.spectrum.transform(src, nil)
			b.size, b.stale = size(src), false
		}
		if b.size != 0 {
			sum.addProduct(&b.spectrum, &s.kernel.pieces[at-i])
			noise += b.size * s.kernel.sizes[at-i]
		}
	}
	if noise == 0 {
		return
	}
	sum.upper(out)
	for i, m := range out {
		if m <= noise*convolved { // nothing, but for rounding
			out[i] = 0
		}
	}
}
