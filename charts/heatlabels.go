package charts

import (
	"math"

	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// heatColors is how many colours a heatmap has: few make a small file.
const heatColors = 24

// heatRamp goes from the background over violet and red to yellow, each step lighter
// than the one before: lightness alone tells it for all kinds of colour blindness. It
// ends before white, which belongs to candles and words.
var heatRamp = newHeatRamp(0x0d1117, 0x21144f, 0x51127c, 0x832681, 0xb73779, 0xe75263, 0xfc8961, 0xfec287, 0xf7e08a)

var (
	// falling is a candle that closed lower.
	falling = hex(0x8593a6)
	// The word for an unreal market and its shadow.
	heatWatermark = tint(0xf2f5f9, 56)
	heatShadow    = tint(0x0d1117, 56)
)

func newHeatRamp(stops ...uint32) [heatColors]drawing.Color {
	var ramp [heatColors]drawing.Color
	for i := range ramp {
		at := float64(i) / (heatColors - 1) * float64(len(stops)-1)
		from := min(int(at), len(stops)-2)
		a, b, part := hex(stops[from]), hex(stops[from+1]), at-float64(from)
		mean := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-part) + float64(b)*part)) }
		ramp[i] = drawing.Color{R: mean(a.R, b.R), G: mean(a.G, b.G), B: mean(a.B, b.B), A: 255}
	}
	return ramp
}

// heatPlace is where in the ramp an intensity lies: its square root decides, or a few
// bright cells would leave the rest dark.
func heatPlace(usd float32, top float64) float64 {
	if usd <= 0 || top <= 0 {
		return 0
	}
	return math.Sqrt(float64(usd)/top) * heatColors
}

// heatColor is the colour of an intensity.
func heatColor(usd float32, top float64) int {
	return min(int(heatPlace(usd, top)), heatColors-1)
}

// alike reports whether an intensity may have the colour of the column before: one that
// is not far from it does, or noise would make the file much larger.
func alike(usd float32, top float64, color int) bool {
	const off = 1
	at := heatPlace(usd, top)
	if at == 0 || color == 0 {
		return int(at) == color
	}
	return math.Abs(min(at, heatColors)-float64(color)-0.5) <= off
}

// drawLabels writes the labels of both axes.
func (k *heatSketch) drawLabels(p pen) {
	f := face{size: k.m.axis}
	half := capHeight * float64(f.size) / 2
	high := pillHeight * float64(k.pillFace.size)
	pill := k.pillTop(k.y(k.mark)) + high/2
	for _, t := range k.priceTicks {
		y := k.y(t.value)
		p.rect(chart.Box{Left: k.plot.Right, Right: k.plot.Right + 7, Top: y - 1, Bottom: y + 1}, axisLine)
		if math.Abs(float64(y)-pill) > high/2+half+2 {
			base := min(max(float64(y)+half, float64(k.plot.Top)+2*half), float64(k.plot.Bottom))
			k.left(p, t.label, float64(k.plot.Right+labelGap), base, f, secondary)
		}
	}
	y := float64(k.plot.Bottom) + 1.4*float64(f.size)
	zone := float64(k.plot.Right + labelGap)
	k.left(p, utc, zone, y, f, secondary)
	zone -= labelGap / 2
	for _, t := range k.times {
		x := float64(k.plot.Left) + t.at.Sub(k.heat.Start).Seconds()/k.heat.Step.Seconds()*float64(k.pixels)
		p.rect(chart.Box{Left: int(x), Right: int(x) + 2, Top: k.plot.Bottom, Bottom: k.plot.Bottom + 7}, axisLine)
		if wide := k.types.width(t.label, f) / 2; x-wide >= edge && x+wide <= zone {
			k.centre(p, t.label, x, y, f, secondary)
		}
	}
}

// drawHead writes the title, what marks the data, and how much of it there is.
func (k *heatSketch) drawHead(p pen) {
	left, right := float64(k.m.margin), float64(k.m.width-k.m.margin)
	const gap = 18
	badgeWidth := k.badgeWidth(k.words.unreal, k.m.note)
	note := face{size: k.m.note}
	bold := face{size: k.m.title, bold: true}
	if k.m.up {
		title, f := k.types.fit(k.words.title, bold, k.m.least, right-left-gap-badgeWidth)
		k.left(p, title, left, portraitTitleLine, f, foreground)
		if badgeWidth > 0 {
			k.drawBadge(p, k.words.unreal, right-badgeWidth, portraitTitleLine, k.m.note)
		}
		start := k.right(p, k.words.note, right, portraitVerdictLine-8, note, secondary)
		bright, f := k.types.fit(k.words.bright, note, k.m.least, start-2*gap-left)
		k.left(p, bright, left, portraitVerdictLine-8, f, foreground)
		return
	}
	start := k.right(p, k.words.note, right, wideTitleLine, note, secondary)
	title, f := k.types.fit(k.words.title, bold, k.m.least, start-left-2*gap-badgeWidth)
	x := k.left(p, title, left, wideTitleLine, f, foreground) + gap
	if badgeWidth > 0 {
		k.drawBadge(p, k.words.unreal, x, wideTitleLine, k.m.note)
	}
}

// drawScale draws the colours with what their ends mean: in a wide picture behind the
// words for bright, upright over the whole width.
func (k *heatSketch) drawScale(p pen) {
	f := face{size: k.m.small}
	const gap, wideBar = 14, 320
	left, right, top, height := float64(k.m.margin), float64(k.m.width-k.m.margin), heatWideScale, 20
	if k.m.up {
		top, height = heatPortraitScale, 28
	}
	base := float64(top) + (float64(height)+capHeight*float64(f.size))/2
	ends := k.types.width(k.words.nothing, f) + k.types.width(k.words.most, f) + 2*gap
	room, bar := right-left-ends-gap, float64(wideBar)
	unit, small := k.types.fit(k.words.unit, f, k.m.least, 0.4*(room-bar))
	if k.m.up {
		unit, small = k.types.fit(k.words.unit, f, k.m.least, 0.45*room)
		bar = room - k.types.width(unit, small)
	}
	x := k.right(p, unit, right, base, small, secondary) - gap
	x = k.right(p, k.words.most, x, base, f, foreground) - gap
	start := int(x - bar)
	for i, c := range heatRamp {
		from, to := start+int(bar)*i/heatColors, start+int(bar)*(i+1)/heatColors
		p.rect(chart.Box{Left: from, Right: to, Top: top, Bottom: top + height}, c)
	}
	x = k.right(p, k.words.nothing, float64(start-gap), base, f, secondary)
	if !k.m.up {
		bright, f := k.types.fit(k.words.bright, face{size: k.m.small}, k.m.least, x-2*gap-left)
		k.left(p, bright, left, base, f, foreground)
	}
}

// drawFoot writes whose the candles are and what the map is made of, that intensity is
// relative, and where it comes from and of when.
func (k *heatSketch) drawFoot(p pen) {
	const gap = 24
	f, strong := face{size: k.m.small}, face{size: k.m.small, bold: true}
	left, right := float64(k.m.margin), float64(k.m.width-k.m.margin)
	recorded := k.words.missing
	if k.words.recorded != "" {
		recorded = k.words.unreal + " " + k.words.recorded
	}
	lines := [2]float64{wideLegendLine, wideLastLine}
	if k.m.up {
		lines = [2]float64{portraitLegendLine + 14, portraitLastLine}
	}
	recorded, strong = k.types.fit(recorded, strong, k.m.least, (right-left)/3)
	end := k.right(p, recorded, right, lines[0], strong, badge)
	drawn, small := k.types.fit(k.words.drawn, f, k.m.least, end-gap-left)
	k.left(p, drawn, left, lines[0], small, secondary)
	if k.m.up {
		note, small := k.types.fit(k.words.relative, f, k.m.least, right-left)
		k.left(p, note, left, portraitNoteLine, small, secondary)
		source, small := k.types.fit(k.words.source, f, k.m.least, right-left)
		k.left(p, source, left, lines[1], small, secondary)
		return
	}
	source, small := k.types.fit(k.words.source, f, k.m.least, (right-left)/2)
	end = k.right(p, source, right, lines[1], small, secondary)
	note, small := k.types.fit(k.words.relative, f, k.m.least, end-gap-left)
	k.left(p, note, left, lines[1], small, secondary)
}
