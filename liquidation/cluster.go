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
	// binWidth is the width of a search bin as a fraction of the mark.
	binWidth = 0.001
	// sparse widens the bins on coarse grids, in units of the usual gap, but never
	// beyond a share of the band.
	sparse, widest = 1.5, 1.0 / 12
	// dense is how much denser than the side's mean a bin of a cluster is,
	// dimmed caps that at a share of the densest bin: a flat side has clusters too.
	dense, dimmed = 1.5, 0.8
)

// Clusters finds the dense zones of a side whose distance from the mark is at
// most band (a fraction, 0.06 is 6 %), the strongest first. A side without
// levels in the band has none. All clusters of a side are disjoint.
func (m *Map) Clusters(side market.Side, band float64) []Cluster {
	levels := m.within(side, band)
	if len(levels) == 0 || !market.Positive(band) {
		return nil
	}
	width := max(binWidth*m.mark, min(sparse*usualGap(levels), widest*band*m.mark))
	density := smooth(histogram(levels, m.mark, width, band))
	threshold := min(dense*mean(density), dimmed*slices.Max(density))
	zones := number(density, threshold)
	var found []Cluster
	for start := 0; start < len(levels); {
		zone := zones[bin(levels[start], m.mark, width)]
		end := start + 1
		for end < len(levels) && zones[bin(levels[end], m.mark, width)] == zone {
			end++
		}
		if zone != 0 {
			found = append(found, m.cluster(side, levels[start:end]))
		}
		start = end
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].IntensityUSD > found[j].IntensityUSD })
	return found
}

// within returns the levels of a side that lie in the band, nearest first.
func (m *Map) within(side market.Side, band float64) []Level {
	levels := m.half(side).levels
	n := sort.Search(len(levels), func(i int) bool {
		return math.Abs(levels[i].PriceUSD-m.mark) > band*m.mark
	})
	return levels[:n]
}

func (m *Map) cluster(side market.Side, levels []Level) Cluster {
	c := Cluster{Side: side, FromUSD: levels[0].PriceUSD, ToUSD: levels[len(levels)-1].PriceUSD}
	for _, l := range levels {
		c.IntensityUSD += l.IntensityUSD
	}
	c.DistanceUSD = c.FromUSD - m.mark
	c.Distance = c.DistanceUSD / m.mark
	return c
}

// usualGap is the median distance in USD between neighbouring distinct prices.
func usualGap(levels []Level) float64 {
	var gaps []float64
	for i := 1; i < len(levels); i++ {
		if gap := math.Abs(levels[i].PriceUSD - levels[i-1].PriceUSD); gap > 0 {
			gaps = append(gaps, gap)
		}
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

func bin(l Level, mark, width float64) int {
	return int(math.Abs(l.PriceUSD-mark) / width)
}

func histogram(levels []Level, mark, width, band float64) []float64 {
	bins := make([]float64, max(int(band*mark/width), bin(levels[len(levels)-1], mark, width))+1)
	for _, l := range levels {
		bins[bin(l, mark, width)] += l.IntensityUSD
	}
	return bins
}

// smooth spreads each bin over its neighbours with the weights 1, 2, 1.
func smooth(bins []float64) []float64 {
	out := make([]float64, len(bins))
	for i := range bins {
		out[i] = bins[i] / 2
		if i > 0 {
			out[i] += bins[i-1] / 4
		}
		if i+1 < len(bins) {
			out[i] += bins[i+1] / 4
		}
	}
	return out
}

// number gives each run of dense bins a number from 1 on, the bins between them 0.
func number(density []float64, threshold float64) []int {
	zones := make([]int, len(density))
	n, inside := 0, false
	for i, d := range density {
		if d < threshold {
			inside = false
			continue
		}
		if !inside {
			n, inside = n+1, true
		}
		zones[i] = n
	}
	return zones
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
