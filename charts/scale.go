package charts

import (
	"fmt"
	"math"

	chart "github.com/wcharczuk/go-chart/v2"
)

// scale maps values to pixels from the low end of an axis. It is a go-chart
// Range that also maps to fractions of a pixel, since whole ones make curves look
// stepped. go-chart writes the domain into it, so each picture has its own.
type scale struct {
	min, max float64
	domain   int
}

var _ chart.Range = (*scale)(nil)

// place maps a value to a distance in pixels.
func (s *scale) place(v float64) float64 {
	return (v - s.min) / (s.max - s.min) * float64(s.domain)
}

// Translate maps a value to whole pixels.
func (s *scale) Translate(v float64) int { return int(math.Round(s.place(v))) }

// IsZero reports whether nothing was set; go-chart then takes bounds from series.
func (s *scale) IsZero() bool { return s.min == 0 && s.max == 0 }

// GetMin returns the value at the low end.
func (s *scale) GetMin() float64 { return s.min }

// SetMin sets the value at the low end.
func (s *scale) SetMin(v float64) { s.min = v }

// GetMax returns the value at the high end.
func (s *scale) GetMax() float64 { return s.max }

// SetMax sets the value at the high end.
func (s *scale) SetMax(v float64) { s.max = v }

// GetDelta returns the difference between the ends.
func (s *scale) GetDelta() float64 { return s.max - s.min }

// GetDomain returns the length in pixels.
func (s *scale) GetDomain() int { return s.domain }

// SetDomain sets the length in pixels.
func (s *scale) SetDomain(pixels int) { s.domain = pixels }

// IsDescending reports false: both axes grow from the low end.
func (s *scale) IsDescending() bool { return false }

func (s *scale) String() string { return fmt.Sprintf("%g to %g on %d px", s.min, s.max, s.domain) }

// place maps a value on any range, with fractions where the range offers them.
func place(r chart.Range, v float64) float64 {
	if s, ok := r.(*scale); ok {
		return s.place(v)
	}
	return float64(r.Translate(v))
}

// ticks returns round values within a range, at most this many, the ends left
// out when they are not round. A range that has no room for two has one or none.
func ticks(low, high float64, most int) []float64 {
	span := high - low
	if span <= 0 || most < 1 || math.IsInf(span, 0) || math.IsNaN(span) {
		return nil
	}
	step := roundStep(span / float64(most))
	first := math.Ceil(low/step - 1e-9)
	var out []float64
	for i := 0; i < most+1; i++ {
		v := (first + float64(i)) * step
		if v > high+step*1e-9 {
			break
		}
		out = append(out, v)
	}
	return out
}

// roundStep is the smallest of 1, 2 and 5 times a power of ten that is not below v.
func roundStep(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5} {
		if f*unit >= v*(1-1e-9) {
			return f * unit
		}
	}
	return 10 * unit
}
