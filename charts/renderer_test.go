package charts_test

import (
	"bytes"
	"hash/adler32"
	"image"
	"io"
	"math"
	"testing"

	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/charts"
	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// even is a market with equal levels at equal distances.
func even(gap float64) sample {
	s := btc()
	s.levels = nil
	for d := gap; d < 12_000; d += gap {
		s.levels = append(s.levels,
			liquidation.Level{PriceUSD: math.Round(s.markUSD + d), Side: market.Short, IntensityUSD: 1e6, Venue: "OKX"},
			liquidation.Level{PriceUSD: math.Round(s.markUSD - d), Side: market.Long, IntensityUSD: 1e6, Venue: "OKX"})
	}
	return s
}

func render(t *testing.T, provider chart.RendererProvider, c *charts.Charts, s *snapshot.Snapshot, l *locales.Language, shape chat.Shape) *image.RGBA {
	t.Helper()
	var out bytes.Buffer
	if err := c.RenderOn(provider, s, l, shape, &out); err != nil {
		t.Fatal(err)
	}
	return decode(t, out.Bytes())
}

// scenes are drawn with the calls of go-chart's Renderer only.
func scenes() map[string]func(chart.Renderer) {
	blue, red := drawing.Color{R: 90, G: 160, B: 250, A: 255}, drawing.Color{R: 240, G: 90, B: 60, A: 128}
	corners := func(r chart.Renderer, points ...int) {
		r.MoveTo(points[0], points[1])
		for i := 2; i < len(points); i += 2 {
			r.LineTo(points[i], points[i+1])
		}
	}
	line := func(r chart.Renderer, width float64, dash ...float64) {
		r.SetStrokeColor(blue)
		r.SetStrokeWidth(width)
		r.SetStrokeDashArray(dash)
	}
	return map[string]func(chart.Renderer){
		"box": func(r chart.Renderer) {
			r.SetFillColor(blue)
			corners(r, 10, 10, 90, 10, 90, 60, 10, 60)
			r.Close()
			r.Fill()
		},
		"translucent box": func(r chart.Renderer) {
			r.SetFillColor(red)
			corners(r, 20, 20, 70, 20, 70, 90, 20, 90, 20, 20)
			r.Fill()
		},
		"box off the edge": func(r chart.Renderer) {
			r.SetFillColor(blue)
			corners(r, -20, 50, 30, 50, 30, 200, -20, 200, -20, 50)
			r.Fill()
		},
		"triangle":      func(r chart.Renderer) { r.SetFillColor(blue); corners(r, 10, 90, 50, 10, 90, 90); r.Close(); r.Fill() },
		"circle":        func(r chart.Renderer) { r.SetFillColor(blue); r.Circle(30, 50, 50); r.Fill() },
		"outline":       func(r chart.Renderer) { line(r, 4); corners(r, 20, 20, 80, 20, 80, 80, 20, 80); r.Close(); r.Stroke() },
		"flat line":     func(r chart.Renderer) { line(r, 4); corners(r, 10, 50, 90, 50); r.Stroke() },
		"steep line":    func(r chart.Renderer) { line(r, 6); corners(r, 10, 80, 40, 20, 60, 70, 90, 10); r.Stroke() },
		"dashes":        func(r chart.Renderer) { line(r, 4, 10, 6); corners(r, 10, 50, 90, 50); r.Stroke() },
		"slanting dash": func(r chart.Renderer) { line(r, 4, 12, 8); corners(r, 10, 10, 90, 90); r.Stroke() },
		"curve":         func(r chart.Renderer) { line(r, 4); r.MoveTo(10, 80); r.QuadCurveTo(50, 0, 90, 80); r.Stroke() },
		"arc":           func(r chart.Renderer) { line(r, 4); r.MoveTo(85, 50); r.ArcTo(50, 50, 35, 35, 0, math.Pi); r.Stroke() },
		"filled and stroked": func(r chart.Renderer) {
			line(r, 2)
			r.SetFillColor(red)
			corners(r, 20, 20, 80, 30, 50, 80)
			r.Close()
			r.FillStroke()
		},
		"no stroke": func(r chart.Renderer) { line(r, 0); corners(r, 10, 10, 90, 90); r.Stroke() },
	}
}

func TestRendererDrawsLikeTheStockOne(t *testing.T) {
	c := newCharts(t)
	const side = 100
	for name, draw := range scenes() {
		t.Run(name, func(t *testing.T) {
			pictures := make(map[string]*image.RGBA)
			for which, provider := range map[string]chart.RendererProvider{"own": c.Renderer, "stock": chart.PNG} {
				r, err := provider(side, side)
				if err != nil {
					t.Fatal(err)
				}
				r.SetFillColor(drawing.Color{R: 13, G: 17, B: 23, A: 255})
				r.MoveTo(0, 0)
				r.LineTo(side, 0)
				r.LineTo(side, side)
				r.LineTo(0, side)
				r.Close()
				r.Fill()
				draw(r)
				var out bytes.Buffer
				if err := r.Save(&out); err != nil {
					t.Fatal(err)
				}
				pictures[which] = decode(t, out.Bytes())
			}
			// Butt ends there are round here, so a cell may be off by some of a line.
			for y := 0; y < side; y += 10 {
				for x := 0; x < side; x += 10 {
					if off := cellDistance(pictures["own"], pictures["stock"], x, y, 10); off > 34 {
						t.Errorf("cell at %d,%d is %.0f off", x, y, off)
					}
				}
			}
		})
	}
}

func TestMeasuredTextIsSteady(t *testing.T) {
	c := newCharts(t)
	r, err := c.Renderer(100, 100)
	if err != nil {
		t.Fatal(err)
	}
	r.SetDPI(72)
	r.SetFontSize(20)
	if got := r.MeasureText(""); got.Width() != 0 {
		t.Errorf("empty text is %d wide", got.Width())
	}
	high, low := r.MeasureText("Ag"), r.MeasureText("-")
	if high.Height() != low.Height() {
		t.Errorf("heights %d and %d, want equal", high.Height(), low.Height())
	}
	if one, two := r.MeasureText("0").Width(), r.MeasureText("00").Width(); two < 2*one-2 || two > 2*one+2 {
		t.Errorf("one digit is %d wide and two are %d", one, two)
	}
}

func TestOrdinaryChartOnOwnRenderer(t *testing.T) {
	c := newCharts(t)
	ordinary := chart.Chart{
		Title: "Ordinary", Width: 400, Height: 300,
		Series: []chart.Series{chart.ContinuousSeries{XValues: []float64{1, 2, 3, 4}, YValues: []float64{1, 4, 2, 8}}},
	}
	var out bytes.Buffer
	if err := ordinary.Render(c.Renderer, &out); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, out.Bytes()).Bounds().Size(); got != image.Pt(400, 300) {
		t.Errorf("size %v", got)
	}
	if err := c.RenderOn(chart.SVG, btc().build(t), locales.For("en"), chat.Wide, io.Discard); err != nil {
		t.Errorf("on the SVG renderer: %v", err)
	}
}

func FuzzAdler32(f *testing.F) {
	f.Add([]byte(nil), 1)
	f.Add([]byte("liquidation"), 100)
	f.Add(bytes.Repeat([]byte{255}, 128), 50)
	f.Fuzz(func(t *testing.T, data []byte, times int) {
		data = bytes.Repeat(data, min(max(times, 0), 100))
		if got, want := charts.Adler32(data), adler32.Checksum(data); got != want {
			t.Errorf("checksum %08x of %d bytes, want %08x", got, len(data), want)
		}
	})
}

// FuzzRender draws markets of any size around any price.
func FuzzRender(f *testing.F) {
	f.Add("BTC", 90131.71, 1.05, 0.95, 2.7e9, 1.5e9, uint8(0))
	f.Add("X", 1e-9, 1.0000001, 0.1, 1e-9, 1e300, uint8(1))
	f.Add("ABCDEFGHIJKLMNOPQRST", 1e15, 1e6, 1e-6, 1.0, 1.0, uint8(3))
	c, err := charts.New()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, coin string, mark, above, below, short, long float64, choice uint8) {
		s := btc()
		s.coin, s.markUSD = market.Coin(coin), mark
		m, err := liquidation.New(liquidation.Input{Coin: s.coin, Window: s.window, MarkUSD: mark, Provenance: s.provenance, Levels: []liquidation.Level{
			{PriceUSD: mark * above, Side: market.Short, IntensityUSD: short, Venue: market.Venue(coin)},
			{PriceUSD: mark * below, Side: market.Long, IntensityUSD: long},
		}})
		if err != nil {
			return
		}
		built := &snapshot.Snapshot{
			Key: snapshot.Key{Coin: s.coin, Window: s.window}, Map: m, Price: market.Price{USD: mark, Provenance: s.provenance},
			Summary: m.Summarise(liquidation.KeyLevelBand, liquidation.SymmetricBand),
		}
		tags := locales.Tags()
		data, err := c.Render(built, locales.For(tags[int(choice/2)%len(tags)]), chat.Shape(choice%2))
		if err != nil {
			t.Fatal(err)
		}
		decode(t, data)
	})
}
