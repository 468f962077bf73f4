package liquidation

import (
	"math"
	"slices"
	"time"
)

// volumes remembers the volume of recent bars. Volume is kept by the hour, so bars
// of different lengths can be compared.
type volumes struct {
	rates  []float64 // in order of time
	starts starts
}

// perHour is the volume of a bar, coins an hour. It is never -0, whose bits say that
// it is large.
func (b *Bar) perHour() float64 { return b.VolumeCoins/b.Length.Hours() + 0 }

// add remembers a bar and forgets those that began a memory or more before it.
func (v *volumes) add(b *Bar, memory time.Duration) {
	gone := 0
	for gone < len(v.rates) && b.Start.Sub(v.starts.oldest()) >= memory {
		v.starts.drop()
		gone++
	}
	v.rates = append(slices.Delete(v.rates, 0, gone), b.perHour())
	v.starts.add(b.Start)
}

// median needs a bar, and a slice to work in that it returns.
func (v *volumes) median(work []float64) (float64, []float64) {
	work = append(work[:0], v.rates...)
	n := len(work)
	upper := nth(work, n/2)
	if n%2 == 1 {
		return upper, work
	}
	return (slices.Max(work[:n/2]) + upper) / 2, work
}

// nth puts the n-th smallest of the values, counted from 0, into its place, with none
// that are greater before it, and returns it. Keeping the values sorted instead would
// save some microseconds a bar and cost a tenth of an estimator's memory.
func nth(values []float64, n int) float64 {
	low, high := 0, len(values)
	for high-low > 1 {
		a, b, c := values[low], values[(low+high)/2], values[high-1]
		pivot := math.Float64bits(max(min(a, b), min(max(a, b), c)))
		less := low + partition(values[low:high], pivot)
		if n < less {
			high = less
			continue
		}
		low = less
		// What is left is not less. Volumes of zero are many, so all that are equal go
		// at once.
		above := low + partition(values[low:high], pivot+1)
		if n < above {
			break
		}
		low = above
	}
	return values[n]
}

// partition moves the values whose bits are less than the pivot to the front and
// counts them. None are negative, so they order as their bits do; the sign of a
// difference is had without a branch, which a processor could not foresee.
func partition(values []float64, pivot uint64) int {
	less := 0
	for i, v := range values {
		values[i] = values[less]
		values[less] = v
		less += int((math.Float64bits(v) - pivot) >> 63)
	}
	return less
}

func (v *volumes) clone() volumes {
	return volumes{rates: slices.Clone(v.rates), starts: slices.Clone(v.starts)}
}

// starts is a queue of moments. Most bars follow each other without a hole, so it
// is a few runs of them.
type starts []run

type run struct {
	start time.Time
	every time.Duration // not used while n is 1
	n     int
}

func (s starts) oldest() time.Time { return s[0].start }

func (s *starts) drop() {
	first := &(*s)[0]
	first.start = first.start.Add(first.every)
	if first.n--; first.n == 0 {
		*s = slices.Delete(*s, 0, 1)
	}
}

func (s *starts) add(t time.Time) {
	if len(*s) > 0 {
		last := &(*s)[len(*s)-1]
		if last.n == 1 {
			last.every = t.Sub(last.start)
		}
		if t.Sub(last.start) == last.every*time.Duration(last.n) {
			last.n++
			return
		}
	}
	*s = append(*s, run{start: t, n: 1})
}

// inflow is the positions opened in a bar, base coins: what the turnover makes of
// the open interest, more in a busy bar. It does not depend on the price.
func (e *Estimator) inflow(b Bar) float64 {
	p := &e.model.parameters
	e.volumes.add(&b, p.VolumeMemory)
	work, _ := e.model.work.Get().(*[]float64)
	if work == nil {
		work = new([]float64)
	}
	var median float64
	median, *work = e.volumes.median(*work)
	e.model.work.Put(work)
	return b.OpenInterestCoins * p.turned(b.Length) * p.busy(b.perHour(), median, len(e.volumes.rates))
}

// turned is the share of open interest that is opened anew in some time of median
// volume.
func (p *Parameters) turned(in time.Duration) float64 {
	return -math.Expm1(-math.Ln2 * in.Hours() / p.HalfLife.Hours())
}

// busy is what a volume makes of the turnover, given the median of n bars.
func (p *Parameters) busy(perHour, median float64, n int) float64 {
	var ratio float64
	switch {
	case perHour == 0:
		ratio = p.VolumeFloor
	case n < p.VolumeBars:
		ratio = 1
	case median == 0:
		ratio = p.VolumeCeiling
	default:
		ratio = min(max(perHour/median, p.VolumeFloor), p.VolumeCeiling)
	}
	return math.Pow(ratio, p.VolumeExponent)
}
