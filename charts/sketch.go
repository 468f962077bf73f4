package charts

import (
	"io"

	"github.com/golang/freetype/truetype"
	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// sketch is one picture being made: its words, numbers and places. It lives for
// one render.
type sketch struct {
	types    *typesetter
	language *locales.Language
	m        *measures
	words    words

	plot      chart.Box
	mark      float64
	split     [2]float64
	levels    []*liquidation.KeyLevel
	histogram *histogram
	// price, bars and curves are the three scales.
	price, bars, curves scale
	// gridTicks have a grid line; the others only labels.
	gridTicks, priceTicks, barTicks, curveTicks []tick
	legend                                      []string
	pills                                       []pill
}

// newSketch works out everything but pixels.
func newSketch(s *snapshot.Snapshot, l *locales.Language, shape chat.Shape, types *typesetter) *sketch {
	k := &sketch{types: types, language: l, m: measuresOf(shape), words: newWords(s, l)}
	k.mark = s.Map.MarkUSD()
	k.split[0], k.split[1] = share(s.Summary)
	for _, level := range []*liquidation.KeyLevel{s.Summary.Below, s.Summary.Above} {
		if level != nil {
			k.levels = append(k.levels, level)
		}
	}
	k.place(s.Map, visible(s))
	k.count(s.Map)
	k.scaleAmounts()
	k.placePills()
	return k
}

// Places of the plot in pixels. The gutters hold the labels of the axes: inside
// the plot, bars and curves would run through them.
const (
	wideGutter     = 128
	wideTop        = 246
	wideBottom     = 592
	portraitTop    = 388
	portraitBottom = 1114
	labelGap       = 14
)

// place chooses the plot's box and the price scale.
func (k *sketch) place(m *liquidation.Map, e extent) {
	k.plot = chart.Box{Left: wideGutter, Top: wideTop, Right: k.m.width - wideGutter, Bottom: wideBottom}
	if k.m.up {
		gutter := k.m.margin + int(k.widest(k.labelPrices(e, maxTicks))) + labelGap
		k.plot = chart.Box{Left: gutter, Top: portraitTop, Right: k.m.width - k.m.margin, Bottom: portraitBottom}
	}
	length := k.plot.Width()
	if k.m.up {
		length = k.plot.Height()
	}
	g := newGrid(m, e, length, k.m.bucket)
	k.histogram = &histogram{grid: g}
	// What does not divide is cut off, so that bars are whole pixels wide.
	if k.m.up {
		k.plot.Top = k.plot.Bottom - g.n*g.pixels
	} else {
		k.plot.Right = k.plot.Left + g.n*g.pixels
	}
	k.price = scale{min: g.low, max: g.high(), domain: g.n * g.pixels}
	e = extent{g.low, g.high()}
	k.priceTicks = k.labelPrices(e, maxTicks)
	for n := maxTicks - 1; n > 1 && !k.m.up && k.crowded(); n-- {
		k.priceTicks = k.labelPrices(e, n)
	}
}

// maxTicks is how many prices are labelled at most.
const maxTicks = 6

func (k *sketch) labelPrices(e extent, most int) []tick {
	return labelled(e.low, e.high, most, k.language.AxisPrice)
}

// crowded reports whether labels side by side would touch.
func (k *sketch) crowded() bool {
	return k.widest(k.priceTicks)*1.25*float64(len(k.priceTicks)) > float64(k.plot.Width())
}

func (k *sketch) widest(ticks []tick) float64 {
	widest := 0.0
	for _, t := range ticks {
		widest = max(widest, k.types.width(t.label, face{size: k.m.axis}))
	}
	return widest
}

// count fills the buckets. The exchanges beyond the fifth share the last shade
// when there are more than six.
func (k *sketch) count(m *liquidation.Map) {
	venues := m.Venues()
	places := make(map[market.Venue]int, len(venues))
	for i, v := range venues {
		places[v] = min(i, maxShades-1)
		switch {
		case i == maxShades-1 && len(venues) > maxShades:
			k.legend = append(k.legend, k.language.Say("chart.other_venues"))
		case i >= maxShades:
		case v == "" && len(venues) == 1:
			k.legend = append(k.legend, k.language.Say("chart.all_venues"))
		case v == "":
			k.legend = append(k.legend, k.language.Say("chart.other_venues"))
		default:
			k.legend = append(k.legend, string(v))
		}
	}
	last, lastPlace := market.Venue(""), places[""]
	k.histogram = newHistogram(m, k.histogram.grid, len(k.legend), func(v market.Venue) int {
		if v != last {
			last, lastPlace = v, places[v]
		}
		return lastPlace
	})
}

// scaleAmounts sets the amount scales. A portrait keeps its right edge free for
// the pills.
func (k *sketch) scaleAmounts() {
	depth, free := float64(k.plot.Height()), 0.1*float64(k.plot.Height())
	if k.m.up {
		depth, free = float64(k.plot.Width()), k.pillRoom()
	}
	const most = 4
	fit := func(s *scale, highest float64) []tick {
		if s.max = 1; !market.Positive(highest) {
			// Nothing lies in range, so there is no amount to label.
			return nil
		}
		s.max = highest * depth / (depth - free)
		return amounts(labelled(0, highest, most, k.language.AxisAmount))
	}
	k.barTicks, k.curveTicks = fit(&k.bars, k.histogram.tallest), fit(&k.curves, k.histogram.total)
	k.gridTicks = k.barTicks
	if k.m.up {
		k.gridTicks = k.priceTicks
	}
}

// amounts leaves out the zero, which is the base line.
func amounts(ticks []tick) []tick {
	if len(ticks) > 0 && ticks[0].value == 0 {
		return ticks[1:]
	}
	return ticks
}

// render draws the sketch with go-chart on the renderer of a provider.
func (k *sketch) render(provider chart.RendererProvider, font *truetype.Font, w io.Writer) error {
	// The zero style would be taken for "inherit": a white canvas with a border.
	clear := chart.Style{FillColor: drawing.ColorTransparent, StrokeColor: drawing.ColorTransparent}
	c := chart.Chart{
		Width: k.m.width, Height: k.m.height, DPI: 72, Font: font,
		Background: chart.Style{FillColor: background, StrokeColor: drawing.ColorTransparent}, Canvas: clear,
		XAxis:          chart.XAxis{Style: chart.Hidden(), Range: &k.price},
		YAxis:          chart.YAxis{Style: chart.Hidden(), Range: &k.bars},
		YAxisSecondary: chart.YAxis{Style: chart.Hidden(), Range: &k.curves},
		Series: []chart.Series{
			layer{name: "areas", axis: k.curveAxis(), draw: k.drawAreas},
			layer{name: "backdrop", draw: k.drawBackdrop},
			layer{name: "bars", draw: k.drawBars},
			layer{name: "curves", axis: k.curveAxis(), draw: k.drawCurves},
			layer{name: "levels", axis: k.curveAxis(), draw: k.drawLevels},
		},
		Elements: []chart.Renderable{k.element(k.drawPills), k.element(k.drawAxes), k.element(k.drawFooter)},
	}
	if k.m.up {
		c.XAxis.Range, c.YAxis.Range = &k.bars, &k.price
		c.Elements = append(c.Elements, k.element(k.drawPortraitHeader))
	} else {
		c.Elements = append(c.Elements, k.element(k.drawWideHeader))
	}
	c.Background.Padding = chart.Box{
		Top: k.plot.Top, Left: k.plot.Left, Right: k.m.width - k.plot.Right, Bottom: k.m.height - k.plot.Bottom, IsSet: true,
	}
	return c.Render(provider, w)
}

func (k *sketch) curveAxis() chart.YAxisType {
	if k.m.up {
		return chart.YAxisPrimary
	}
	return chart.YAxisSecondary
}

func (k *sketch) element(draw func(pen)) chart.Renderable {
	return func(r chart.Renderer, _ chart.Box, _ chart.Style) { draw(newPen(r)) }
}
