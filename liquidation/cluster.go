package liquidation

import (
	"math"
	"slices"
	"sort"

	"liqbot/market"
)

// Cluster is a zone of neighbouring levels that is denser than the rest of its
// side within a band.
type Cluster struct {
	Side market.Side
	// FromUSD is the edge nearer to the mark, ToUSD the outer edge.
	FromUSD, ToUSD float64
	// IntensityUSD is the intensity of the zone itself.
	IntensityUSD float64
	// Distance is from the mark to FromUSD as a signed fraction of the mark
	// (0.05 is 5 % above), DistanceUSD the same in USD.
	Distance, DistanceUSD float64
}

// Constants of the cluster search. They were chosen by eye on maps with grids
// from 0.01 % to 0.5 % and only decide where a zone begins and ends; every
// intensity shown is a plain sum of levels.
const (
	// reach is how far a level counts as a neighbour of another, as a fraction of
	// the mark.
	reach = 0.001
	// sparse widens the reach on coarse grids, in units of the usual gap, but never
	// beyond a share of the band.
	sparse, widest = 1.5, 1.0 / 12
	// dense is how much denser than the side's mean a level of a cluster is,
	// dimmed caps that at a share of the densest: a flat side has clusters too.
	dense, dimmed = 1.5, 0.8
	// edge lets a level at the very end of a band be in it, whatever the rounding.
	edge = 1e-9
)

// Clusters finds the dense zones of a side whose distance from the mark is at
// most band (a fraction, 0.06 is 6 %), the strongest first. A side without
// levels in the band has none. All clusters of a side are disjoint; a zone that
// goes on beyond the band ends with the last level in it.
//
// The density at a level is the intensity around it, weighted down to nothing at
// the reach. It depends on the levels and not on a grid laid from the mark, so the
// zones stay where they are while the mark moves.
func (m *Map) Clusters(side market.Side, band float64) []Cluster {
	levels := m.within(side, band)
	if len(levels) == 0 || !market.Positive(band) {
		return nil
	}
	wide := max(reach*m.mark, min(sparse*usualGap(levels), widest*band*m.mark))
	density := densities(levels, wide)
	mean := total(levels) / (band * m.mark)
	threshold := min(dense*mean, dimmed*slices.Max(density))
	var found []Cluster
	for start := 0; start < len(levels); {
		if density[start] < threshold {
			start++
			continue
		}
		end := start + 1
		for end < len(levels) && density[end] >= threshold && gap(levels, end) <= wide*(1+edge) {
			end++
		}
		found = append(found, m.cluster(side, levels[start:end]))
		start = end
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].IntensityUSD > found[j].IntensityUSD })
	return found
}

// within returns the levels of a side that lie in the band, nearest first.
func (m *Map) within(side market.Side, band float64) []Level {
	levels := m.half(side).levels
	limit := band * m.mark * (1 + edge)
	n := sort.Search(len(levels), func(i int) bool { return math.Abs(levels[i].PriceUSD-m.mark) > limit })
	return levels[:n]
}

func (m *Map) cluster(side market.Side, levels []Level) Cluster {
	c := Cluster{
		Side: side, FromUSD: levels[0].PriceUSD, ToUSD: levels[len(levels)-1].PriceUSD,
		IntensityUSD: total(levels),
	}
	c.DistanceUSD = c.FromUSD - m.mark
	c.Distance = c.DistanceUSD / m.mark
	return c
}

func total(levels []Level) float64 {
	sum := 0.0
	for _, l := range levels {
		sum += l.IntensityUSD
	}
	return sum
}

// gap is the distance in USD between a level and the one before it.
func gap(levels []Level, i int) float64 {
	return math.Abs(levels[i].PriceUSD - levels[i-1].PriceUSD)
}

// usualGap is the median distance in USD between neighbouring distinct prices.
func usualGap(levels []Level) float64 {
	var gaps []float64
	for i := 1; i < len(levels); i++ {
		if g := gap(levels, i); g > 0 {
			gaps = append(gaps, g)
		}
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// densities is, for each level, the intensity for a USD of price around it: the
// sum over its neighbours within a distance, each weighted by how near it is. The
// levels are ordered outward; running sums make it one pass.
func densities(levels []Level, wide float64) []float64 {
	n := len(levels)
	first := levels[0].PriceUSD
	at := func(i int) float64 { return math.Abs(levels[i].PriceUSD - first) }
	// sum[i] and moment[i] are those of the levels before i.
	sum, moment := make([]float64, n+1), make([]float64, n+1)
	for i, l := range levels {
		sum[i+1] = sum[i] + l.IntensityUSD
		moment[i+1] = moment[i] + l.IntensityUSD*at(i)
	}
	out := make([]float64, n)
	low, high := 0, 0
	for i := range levels {
		x := at(i)
		if i > 0 && x == at(i-1) {
			out[i] = out[i-1] // the same to the last bit
			continue
		}
		for at(low) < x-wide {
			low++
		}
		for high < n && at(high) <= x+wide {
			high++
		}
		here := sum[i+1] - sum[low]
		inner := here*(wide-x) + (moment[i+1] - moment[low])
		outer := (sum[high]-sum[i+1])*(wide+x) - (moment[high] - moment[i+1])
		out[i] = (inner + outer) / (wide * wide)
	}
	return out
}
