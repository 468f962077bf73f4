package liquidation

import (
	"math"
	"slices"
	"time"
)

// volumes remembers the volume of recent bars and knows their median. Volume is
// kept by the hour, so bars of different lengths can be compared.
type volumes struct {
	// recent is in order of time, sorted holds the same rates by size.
	recent []rate
	sorted []float64
}

type rate struct {
	start   time.Time
	perHour float64
}

// add remembers a bar and forgets those that began a memory or more before it.
func (v *volumes) add(b Bar, memory time.Duration) float64 {
	gone := 0
	for gone < len(v.recent) && b.Start.Sub(v.recent[gone].start) >= memory {
		i, _ := slices.BinarySearch(v.sorted, v.recent[gone].perHour)
		v.sorted = slices.Delete(v.sorted, i, i+1)
		gone++
	}
	v.recent = append(v.recent[gone:], rate{start: b.Start, perHour: b.VolumeCoins / b.Length.Hours()})
	perHour := v.recent[len(v.recent)-1].perHour
	i, _ := slices.BinarySearch(v.sorted, perHour)
	v.sorted = slices.Insert(v.sorted, i, perHour)
	return perHour
}

func (v *volumes) median() float64 {
	n := len(v.sorted)
	if n%2 == 1 {
		return v.sorted[n/2]
	}
	return (v.sorted[n/2-1] + v.sorted[n/2]) / 2
}

func (v *volumes) clone() volumes {
	return volumes{recent: slices.Clone(v.recent), sorted: slices.Clone(v.sorted)}
}

// inflow is the positions opened in a bar, base coins: what the turnover makes of
// the open interest, more in a busy bar. It does not depend on the price.
func (e *Estimator) inflow(b Bar) float64 {
	perHour := e.volumes.add(b, e.parameters.VolumeMemory)
	turned := -math.Expm1(-math.Ln2 * b.Length.Hours() / e.parameters.HalfLife.Hours())
	return b.OpenInterestCoins * turned * math.Pow(e.busy(perHour), e.parameters.VolumeExponent)
}

// busy is the volume over its median, within bounds.
func (e *Estimator) busy(perHour float64) float64 {
	p := e.parameters
	switch median := e.volumes.median(); {
	case perHour == 0:
		return p.VolumeFloor
	case len(e.volumes.sorted) < p.VolumeBars:
		return 1
	case median == 0:
		return p.VolumeCeiling
	default:
		return min(max(perHour/median, p.VolumeFloor), p.VolumeCeiling)
	}
}
