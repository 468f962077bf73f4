package charts

import (
	"math"

	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// left writes a text that starts at x and returns where it ends.
func (k *sketch) left(p pen, text string, x, y float64, f face, c drawing.Color) float64 {
	p.text(text, point{x, y}, f, c)
	return x + k.types.width(text, f)
}

// right writes a text that ends at x and returns where it starts.
func (k *sketch) right(p pen, text string, x, y float64, f face, c drawing.Color) float64 {
	x -= k.types.width(text, f)
	p.text(text, point{x, y}, f, c)
	return x
}

// centre writes a text around x.
func (k *sketch) centre(p pen, text string, x, y float64, f face, c drawing.Color) {
	p.text(text, point{x - k.types.width(text, f)/2, y}, f, c)
}

// drawWatermark writes DEMO or RECORDED behind the plot, as large as it fits, so
// that no cut-out of the map passes for the present market.
func (k *sketch) drawWatermark(p pen) {
	if k.words.unreal == "" {
		return
	}
	const share, least, beside = 0.72, 24, 0.42
	x, y := float64(k.plot.Left+k.plot.Right)/2, float64(k.plot.Top)+k.m.watermarkAt*float64(k.plot.Height())
	width := share * float64(k.plot.Width())
	text, f := k.types.fit(k.words.unreal, face{size: k.m.watermark, bold: true}, least, width)
	k.centre(p, text, x, y, f, watermark)
	if k.words.recorded != "" {
		text, small := k.types.fit(k.words.recorded, face{size: int(beside * float64(f.size)), bold: true}, least, width)
		k.centre(p, text, x, y+1.3*float64(small.size), small, watermark)
	}
}

// drawAxes writes the labels of the three axes.
func (k *sketch) drawAxes(p pen) {
	if k.m.up {
		k.drawPortraitAxes(p)
		return
	}
	f := face{size: k.m.axis}
	half := capHeight * float64(f.size) / 2
	bottom := float64(k.plot.Bottom)
	for _, t := range k.priceTicks {
		x := float64(k.plot.Left) + k.price.place(t.value)
		p.rect(chart.Box{Left: int(x), Right: int(x) + 2, Top: k.plot.Bottom, Bottom: k.plot.Bottom + 7}, axisLine)
		k.centre(p, t.label, k.keepIn(x, t.label, f), bottom+34, f, secondary)
	}
	for _, t := range k.barTicks {
		y := bottom - t.value/k.bars.max*float64(k.plot.Height())
		if label, f := k.types.shrink(t.label, f, k.m.least, wideGutter-labelGap-edge); label != "" {
			k.right(p, label, float64(k.plot.Left-labelGap), y+half, f, secondary)
		}
	}
	for _, t := range k.curveTicks {
		y := bottom - t.value/k.curves.max*float64(k.plot.Height())
		p.rect(chart.Box{Left: k.plot.Right, Right: k.plot.Right + 7, Top: int(y), Bottom: int(y) + 2}, axisLine)
		if label, f := k.types.shrink(t.label, f, k.m.least, wideGutter-labelGap-edge); label != "" {
			k.left(p, label, float64(k.plot.Right+labelGap), y+half, f, secondary)
		}
	}
}

// edge is the least distance of a label from the edge of the canvas.
const edge = 8

// keepIn moves the centre of a label so that it stays on the canvas.
func (k *sketch) keepIn(x float64, label string, f face) float64 {
	half := k.types.width(label, f)/2 + edge
	return min(max(x, half), float64(k.m.width)-half)
}

// drawPortraitAxes writes prices at the left, amounts of bars below the plot and
// cumulative ones above it.
func (k *sketch) drawPortraitAxes(p pen) {
	f := face{size: k.m.axis}
	for _, t := range k.priceTicks {
		y := float64(k.plot.Bottom) - k.price.place(t.value) + capHeight*float64(f.size)/2
		k.right(p, t.label, float64(k.plot.Left-labelGap), y, f, secondary)
	}
	k.drawAmounts(p, k.barTicks, k.bars.max, k.plot.Bottom, 7, float64(k.plot.Bottom+34))
	k.drawAmounts(p, k.curveTicks, k.curves.max, k.plot.Top-7, 7, float64(k.plot.Top-16))
}

// drawAmounts writes a row of labels along a portrait's amounts, leaving out
// those that would touch the one before.
func (k *sketch) drawAmounts(p pen, ticks []tick, most float64, top, height int, y float64) {
	f := face{size: k.m.small}
	free := 0.0
	for _, t := range ticks {
		x := float64(k.plot.Left) + t.value/most*float64(k.plot.Width())
		half := k.types.width(t.label, f) / 2
		if x-half < free || x+half > float64(k.m.width-k.m.margin) {
			continue
		}
		free = x + half + labelGap
		p.rect(chart.Box{Left: int(x), Right: int(x) + 2, Top: top, Bottom: top + height}, axisLine)
		k.centre(p, t.label, x, y, f, secondary)
	}
}

// drawSplit draws the bar that is divided like the two totals.
func (k *sketch) drawSplit(p pen, top, height int) {
	left, right := k.m.margin, k.m.width-k.m.margin
	radius := float64(height) / 2
	const gap = 6
	switch long, short := k.split[0], k.split[1]; {
	case long == 0 && short == 0:
		p.round(chart.Box{Left: left, Right: right, Top: top, Bottom: top + height}, radius, gridLine)
	case short == 0:
		p.round(chart.Box{Left: left, Right: right, Top: top, Bottom: top + height}, radius, longColors.main)
	case long == 0:
		p.round(chart.Box{Left: left, Right: right, Top: top, Bottom: top + height}, radius, shortColors.main)
	default:
		// A side that is there at all stays visible.
		width := float64(right - left - gap)
		cut := left + int(math.Round(min(max(width*long, float64(height)), width-float64(height))))
		p.round(chart.Box{Left: left, Right: cut, Top: top, Bottom: top + height}, radius, longColors.main)
		p.round(chart.Box{Left: cut + gap, Right: right, Top: top, Bottom: top + height}, radius, shortColors.main)
	}
}

// drawBadge draws a filled word and returns where it ends.
func (k *sketch) drawBadge(p pen, text string, x, baseline float64, size int) float64 {
	f := face{size: size, bold: true}
	pad := 0.42 * float64(size)
	end := x + k.types.width(text, f) + 2*pad
	top := baseline - capHeight*float64(size) - 0.34*float64(size)
	p.round(chart.Box{
		Left: int(x), Right: int(math.Ceil(end)), Top: int(top), Bottom: int(baseline + 0.36*float64(size)),
	}, pillRadius, badge)
	p.text(text, point{x + pad, baseline}, f, background)
	return end
}

// badgeWidth is the length of drawBadge.
func (k *sketch) badgeWidth(text string, size int) float64 {
	if text == "" {
		return 0
	}
	return k.types.width(text, face{size: size, bold: true}) + 0.84*float64(size)
}
