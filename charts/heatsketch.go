package charts

import (
	"io"
	"math"
	"time"

	"github.com/golang/freetype/truetype"
	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/snapshot"
)

// heatSketch is one heatmap being made. The sketch in it lends the writing; its map is
// not there.
type heatSketch struct {
	*sketch
	heat  *snapshot.Heatmap
	words heatWords
	// pixels is the width of a column.
	pixels int
	// pill is the mark price at the right end of its line.
	pill     string
	pillFace face
	// logs is the price scale: of logarithms, so that all rows are equally high.
	logs  scale
	times []timeLabel
}

// timeLabel is a labelled moment.
type timeLabel struct {
	at    time.Time
	label string
}

// Places of a heatmap in pixels. Prices stand at its right, where the present is.
const (
	heatWideTop       = 128
	heatWideScale     = 86
	heatPortraitTop   = 242
	heatPortraitScale = 184
	// pillBeside is between the plot and the pill.
	pillBeside = 8
)

// newHeatSketch works out everything but pixels.
func newHeatSketch(m *snapshot.Heatmap, l *locales.Language, shape chat.Shape, types *typesetter) *heatSketch {
	k := &heatSketch{heat: m, words: newHeatWords(m, l)}
	k.sketch = &sketch{types: types, language: l, m: measuresOf(shape), words: k.words.words, mark: m.Price.USD}
	k.priceTicks = k.labelPrices(extent{m.LowUSD, m.HighUSD()}, maxTicks+2*int(shape))
	k.plot = chart.Box{Left: k.m.margin, Top: heatWideTop, Right: k.m.width - k.placePill(), Bottom: wideBottom}
	if k.m.up {
		k.plot.Top, k.plot.Bottom = heatPortraitTop, portraitBottom
	}
	k.pixels = max(1, k.plot.Width()/m.Columns)
	k.plot.Right = k.plot.Left + k.pixels*m.Columns
	k.price = scale{min: 0, max: float64(m.Columns), domain: k.plot.Width()}
	k.logs = scale{min: math.Log(m.LowUSD), max: math.Log(m.HighUSD()), domain: k.plot.Height()}
	k.labelTimes()
	return k
}

// placePill sizes the mark price, and returns how much room it and the labels of prices
// need at the right. A long price is written smaller.
func (k *heatSketch) placePill() int {
	const most = 0.155
	f := face{size: k.m.pill, bold: true}
	if k.m.up {
		f.size = k.m.axis
	}
	for f.size > k.m.least && k.types.width(k.words.price, f)+2*k.pillPad() > most*float64(k.m.width) {
		f.size--
	}
	k.pill, k.pillFace = k.words.price, f
	labels := k.widest(k.priceTicks) + labelGap
	return int(math.Ceil(max(labels, k.types.width(k.pill, f)+2*k.pillPad()+pillBeside))) + edge
}

// pillPad is left free on either side of the pill's text.
func (k *heatSketch) pillPad() float64 { return 0.3 * float64(k.m.pill) }

// labelTimes chooses as many labels as have room: times of day for a day, days for more.
func (k *heatSketch) labelTimes() {
	steps, label := []time.Duration{2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour}, func(t time.Time) string { return t.UTC().Format(clock) }
	if k.heat.Window.Duration() > 48*time.Hour {
		steps, label = []time.Duration{24 * time.Hour, 48 * time.Hour, 72 * time.Hour}, k.language.DayMonth
	}
	const beside = 1.3
	for _, step := range steps {
		k.times = k.times[:0]
		widest := 0.0
		for at := k.heat.Start.Truncate(step); !at.After(k.heat.End()); at = at.Add(step) {
			if !at.Before(k.heat.Start) {
				k.times = append(k.times, timeLabel{at, label(at)})
				widest = max(widest, k.types.width(label(at), face{size: k.m.axis}))
			}
		}
		if beside*widest <= step.Seconds()/k.heat.Step.Seconds()*float64(k.pixels) {
			return
		}
	}
}

// render draws the sketch with go-chart on the renderer of a provider.
func (k *heatSketch) render(provider chart.RendererProvider, font *truetype.Font, w io.Writer) error {
	// The zero style would be taken for "inherit": a white canvas with a border.
	clear := chart.Style{FillColor: drawing.ColorTransparent, StrokeColor: drawing.ColorTransparent}
	c := chart.Chart{
		Width: k.m.width, Height: k.m.height, DPI: 72, Font: font,
		Background: chart.Style{FillColor: background, StrokeColor: drawing.ColorTransparent}, Canvas: clear,
		XAxis: chart.XAxis{Style: chart.Hidden(), Range: &k.price},
		YAxis: chart.YAxis{Style: chart.Hidden(), Range: &k.logs},
		// Without a range go-chart would look for one in series, which have none.
		YAxisSecondary: chart.YAxis{Style: chart.Hidden(), Range: &scale{max: 1}},
		Series: []chart.Series{
			layer{name: "cells", draw: k.drawCells},
			layer{name: "candles", draw: k.drawCandles},
			layer{name: "mark", draw: k.drawMark},
		},
		Elements: []chart.Renderable{k.element(k.drawLabels), k.element(k.drawHead), k.element(k.drawScale), k.element(k.drawFoot)},
	}
	c.Background.Padding = chart.Box{
		Top: k.plot.Top, Left: k.plot.Left, Right: k.m.width - k.plot.Right, Bottom: k.m.height - k.plot.Bottom, IsSet: true,
	}
	return c.Render(provider, w)
}

// y is the place of a price.
func (k *heatSketch) y(priceUSD float64) int {
	return k.plot.Bottom - int(math.Round(k.logs.place(math.Log(priceUSD))))
}

// drawCells draws each row from left to right, what is alike in one go.
func (k *heatSketch) drawCells(p pen, box chart.Box, _, _ chart.Range) {
	m := k.heat
	bottom := box.Bottom
	for row := range m.Rows {
		top := k.y(m.EdgeUSD(row + 1))
		for from := m.Drawn; from < m.Columns; {
			color := heatColor(m.Cells[from*m.Rows+row], k.words.top)
			to := from + 1
			for to < m.Columns && alike(m.Cells[to*m.Rows+row], k.words.top, color) {
				to++
			}
			if color > 0 && top < bottom {
				p.rect(chart.Box{Left: box.Left + from*k.pixels, Right: box.Left + to*k.pixels, Top: top, Bottom: bottom}, heatRamp[color])
			}
			from = to
		}
		bottom = top
	}
	k.drawUnseen(p)
	k.drawUnreal(p)
}

// drawUnseen covers the time without enough history.
func (k *heatSketch) drawUnseen(p pen) {
	wide := k.heat.Drawn * k.pixels
	if wide == 0 {
		return
	}
	p.rect(chart.Box{Left: k.plot.Left, Right: k.plot.Left + wide, Top: k.plot.Top, Bottom: k.plot.Bottom}, gridLine)
	if text, f := k.types.shrink(k.words.unseen, face{size: k.m.small}, k.m.least, float64(wide-2*edge)); text != "" {
		k.left(p, text, float64(k.plot.Left+edge), float64(k.plot.Top)+1.6*float64(f.size), f, secondary)
	}
}

// drawUnreal writes DEMO or RECORDED over the cells, light with a dark shadow: one of
// the two is seen on any colour.
func (k *heatSketch) drawUnreal(p pen) {
	if k.words.unreal == "" {
		return
	}
	const share, least, shadow = 0.72, 24, 4
	middle, base := float64(k.plot.Left+k.plot.Right)/2, float64(k.plot.Top)+0.9*float64(k.plot.Height())
	text, f := k.types.fit(k.words.unreal, face{size: k.m.watermark, bold: true}, least, share*float64(k.plot.Width()))
	k.centre(p, text, middle+shadow, base+shadow, f, heatShadow)
	k.centre(p, text, middle, base, f, heatWatermark)
}

// drawCandles draws the candles in white and grey, each with a dark rim: they have to be
// seen on all colours.
func (k *heatSketch) drawCandles(p pen, box chart.Box, _, _ chart.Range) {
	const rim = 1
	body, wick := max(1, k.pixels-2*rim), max(1, k.pixels/5)
	if k.pixels > 8 {
		body -= 2
	}
	body -= (body - wick) % 2 // the wick is in the middle
	boxes := func(i int, c snapshot.HeatCandle) (inner, line chart.Box) {
		left := box.Left + i*k.pixels + (k.pixels-body)/2
		middle := left + (body-wick)/2
		top, bottom := k.y(max(c.OpenUSD, c.CloseUSD)), k.y(min(c.OpenUSD, c.CloseUSD))
		inner = chart.Box{Left: left, Right: left + body, Top: top, Bottom: max(bottom, top+2)}
		return inner, chart.Box{Left: middle, Right: middle + wick, Top: k.y(c.HighUSD), Bottom: max(k.y(c.LowUSD), inner.Bottom)}
	}
	wider := func(b chart.Box) chart.Box {
		return chart.Box{Left: b.Left - rim, Right: b.Right + rim, Top: b.Top - rim, Bottom: b.Bottom + rim}
	}
	for i, c := range k.heat.Candles {
		if !c.Known() {
			continue
		}
		inner, line := boxes(i, c)
		p.rect(wider(line), background)
		p.rect(wider(inner), background)
	}
	for i, c := range k.heat.Candles {
		if !c.Known() {
			continue
		}
		color := foreground
		if c.CloseUSD < c.OpenUSD {
			color = falling
		}
		inner, line := boxes(i, c)
		p.rect(line, color)
		p.rect(inner, color)
	}
}

// drawMark draws the mark price as a dashed line with a pill at its right end.
func (k *heatSketch) drawMark(p pen, box chart.Box, _, _ chart.Range) {
	y := k.y(k.mark)
	for x := box.Left; x < box.Right; x += 2 * k.m.dash {
		p.rect(chart.Box{Left: x, Right: min(x+k.m.dash, box.Right), Top: y - 1, Bottom: y + 1}, foreground)
	}
	pad, f := k.pillPad(), k.pillFace
	wide, high := k.types.width(k.pill, f)+2*pad, pillHeight*float64(f.size)
	left := float64(box.Right + pillBeside)
	// A price at the edge of the plot keeps its pill beside it.
	top := k.pillTop(y)
	pill := chart.Box{Left: int(left), Right: int(math.Ceil(left + wide)), Top: int(top), Bottom: int(math.Ceil(top + high))}
	p.rect(chart.Box{Left: box.Right, Right: pill.Left + pillRadius, Top: y - 1, Bottom: y + 1}, foreground)
	p.round(pill, pillRadius, foreground)
	p.text(k.pill, point{left + pad, top + (high+capHeight*float64(f.size))/2}, f, background)
}

func (k *heatSketch) pillTop(y int) float64 {
	high := pillHeight * float64(k.pillFace.size)
	return min(max(float64(y)-high/2, float64(k.plot.Top)), float64(k.plot.Bottom)-high)
}
