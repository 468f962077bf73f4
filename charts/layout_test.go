package charts_test

import (
	"image"
	"io"
	"math"
	"slices"
	"testing"

	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/charts"
	"liqbot/chat"
	"liqbot/locales"
)

// recorder is a go-chart Renderer that notes where texts go.
type recorder struct {
	chart.Renderer
	charts *charts.Charts
	size   int
	color  drawing.Color
	labels []label
}

type label struct {
	text string
	box  image.Rectangle
}

func (r *recorder) SetFontSize(size float64)     { r.size = int(size) }
func (r *recorder) SetFontColor(c drawing.Color) { r.color = c }
func (r *recorder) Save(io.Writer) error         { return nil }

func (r *recorder) Text(text string, x, y int) {
	if r.color.A < 255 {
		// The watermark lies behind everything.
		return
	}
	// The weight is not told: the narrower one is assumed, and a capital's height.
	width, height := int(r.charts.Width(text, r.size)), int(0.7*float64(r.size))
	r.labels = append(r.labels, label{text, image.Rect(x, y-height, x+width, y)})
}

func TestLabelsNeitherCollideNorLeaveTheCanvas(t *testing.T) {
	c := newCharts(t)
	for name, s := range edgeCases() {
		built := s.build(t)
		for shape, shapeName := range shapes {
			for _, tag := range someTags() {
				var rec *recorder
				var canvas image.Rectangle
				provider := func(width, height int) (chart.Renderer, error) {
					inner, err := c.Renderer(width, height)
					rec, canvas = &recorder{Renderer: inner, charts: c}, image.Rect(0, 0, width, height)
					return rec, err
				}
				if err := c.RenderOn(provider, built, locales.For(tag), shape, io.Discard); err != nil {
					t.Fatal(err)
				}
				checkLabels(t, name+" "+shapeName+" "+tag, rec.labels, canvas)
			}
		}
	}
}

func checkLabels(t *testing.T, name string, labels []label, canvas image.Rectangle) {
	t.Helper()
	if len(labels) < 10 {
		t.Errorf("%s: only %d labels", name, len(labels))
	}
	for i, a := range labels {
		if !a.box.In(canvas) {
			t.Errorf("%s: %q at %v leaves the canvas", name, a.text, a.box)
		}
		for _, b := range labels[:i] {
			if a.box.Overlaps(b.box) {
				t.Errorf("%s: %q at %v touches %q at %v", name, a.text, a.box, b.text, b.box)
			}
		}
	}
}

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		name     string
		at, half []float64
		want     []float64
	}{
		{"apart already", []float64{100, 300, 500}, []float64{50, 50, 50}, []float64{100, 300, 500}},
		{"at the ends", []float64{0, 1000}, []float64{50, 50}, []float64{50, 950}},
		{"two on one place", []float64{500, 500}, []float64{50, 50}, []float64{445, 555}},
		{"none", nil, nil, []float64{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := charts.Spread(tt.at, tt.half, 0, 1000)
			for i := range got {
				if math.Abs(got[i]-tt.want[i]) > 0.5 {
					t.Errorf("centres %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func FuzzSpread(f *testing.F) {
	f.Add(500.0, 500.0, 500.0)
	f.Add(0.0, 0.0, 1000.0)
	f.Add(1000.0, 999.0, 998.0)
	f.Fuzz(func(t *testing.T, a, b, c float64) {
		at := []float64{a, b, c}
		for _, v := range at {
			if !(v >= 0 && v <= 1000) {
				return
			}
		}
		slices.Sort(at)
		const half = 100
		got := charts.Spread(at, []float64{half, half, half}, 0, 1000)
		for i, centre := range got {
			if centre < half-1 || centre > 1000-half+1 {
				t.Errorf("pill %d of %v at %v is out of bounds", i, at, centre)
			}
			if i > 0 && centre-got[i-1] < 2*half {
				t.Errorf("pills of %v touch: %v", at, got)
			}
		}
	})
}

func TestTicks(t *testing.T) {
	for _, tt := range []struct {
		name      string
		low, high float64
		most      int
		want      []float64
	}{
		{"bitcoin", 85000, 96000, 6, []float64{86000, 88000, 90000, 92000, 94000, 96000}},
		{"tiny", 4.1e-6, 4.6e-6, 5, []float64{4.1e-6, 4.2e-6, 4.3e-6, 4.4e-6, 4.5e-6, 4.6e-6}},
		{"from zero", 0, 3.1e9, 4, []float64{0, 1e9, 2e9, 3e9}},
		{"nothing between", 1, 1, 4, nil},
		{"turned around", 2, 1, 4, nil},
		{"endless", 0, math.Inf(1), 4, nil},
		{"not a number", math.NaN(), 1, 4, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := charts.Ticks(tt.low, tt.high, tt.most)
			if len(got) != len(tt.want) {
				t.Fatalf("ticks %v, want %v", got, tt.want)
			}
			for i := range got {
				if math.Abs(got[i]-tt.want[i]) > 1e-9*math.Abs(tt.want[i]) {
					t.Errorf("ticks %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func TestVisibleRangeShowsTheKeyLevels(t *testing.T) {
	c := newCharts(t)
	for name, s := range edgeCases() {
		built := s.build(t)
		low, high := c.Visible(built)
		if !(low > 0 && low < s.markUSD && s.markUSD < high) {
			t.Errorf("%s: range %v to %v does not hold the mark %v", name, low, high, s.markUSD)
		}
		if k := built.Summary.Above; k != nil && high-s.markUSD < 1.1*k.DistanceUSD {
			t.Errorf("%s: %v is too near the upper end %v", name, k.PriceUSD, high)
		}
		if k := built.Summary.Below; k != nil && s.markUSD-low < -1.1*k.DistanceUSD {
			t.Errorf("%s: %v is too near the lower end %v", name, k.PriceUSD, low)
		}
	}
}

// TestRegularLevelsMakeNoTeeth wants even bars from even levels, whatever their
// distance is to the width of a bar.
func TestRegularLevelsMakeNoTeeth(t *testing.T) {
	c := newCharts(t)
	for _, gap := range []float64{20, 31, 38, 43, 50, 57, 75, 100} {
		bars := c.Bars(even(gap).build(t))
		least, most := math.Inf(1), 0.0
		for _, b := range bars[2 : len(bars)-2] {
			if b > 0 {
				least, most = min(least, b), max(most, b)
			}
		}
		if most > 1.01*least {
			t.Errorf("levels every %v: bars from %v to %v", gap, least, most)
		}
	}
}

func TestStockRendererDrawsTheSamePicture(t *testing.T) {
	if raceEnabled {
		t.Skip("the stock renderer takes seconds under the race detector")
	}
	c := newCharts(t)
	s, l := btc().build(t), locales.For("en")
	for shape, name := range shapes {
		t.Run(name, func(t *testing.T) {
			own, stock := render(t, c.Renderer, c, s, l, shape), render(t, chart.PNG, c, s, l, shape)
			// Away from texts, whose fonts differ, the plots look alike.
			plot := image.Rect(300, 470, 900, 590)
			if shape == chat.Portrait {
				plot = image.Rect(300, 440, 800, 720)
			}
			const size = 20
			for y := plot.Min.Y; y+size <= plot.Max.Y; y += size {
				for x := plot.Min.X; x+size <= plot.Max.X; x += size {
					if off := cellDistance(own, stock, x, y, size); off > 14 {
						t.Errorf("cell at %d,%d is %.1f off", x, y, off)
					}
				}
			}
		})
	}
}
