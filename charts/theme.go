package charts

import (
	"slices"

	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/chat"
	"liqbot/market"
)

func hex(rgb uint32) drawing.Color {
	return drawing.Color{R: uint8(rgb >> 16), G: uint8(rgb >> 8), B: uint8(rgb), A: 255} //nolint:gosec // its bytes.
}

// Colours. Contrast against the background is in brackets. A side is a hue and
// an exchange a lightness: orange and blue stay apart for all common kinds of
// colour blindness, which red and green do not.
var (
	background = hex(0x0d1117)
	foreground = hex(0xf2f5f9) // 17.3:1; words, and white alone for the mark price
	secondary  = hex(0xa3b0c2) // 8.6:1
	gridLine   = hex(0x232b38) // 1.3:1, meant to be seen only when looked for
	axisLine   = hex(0x3a4557)
	watermark  = tint(0xa3b0c2, 34)
	badge      = hex(0xe3a3ff) // 9.9:1, a hue that neither side has
)

// sideColors is how one side of the map is drawn.
type sideColors struct {
	main, curve, area, zone drawing.Color
	// shades are for exchanges: the largest is the darkest and lies at the bottom,
	// since the tip of a bar is what the eye needs. The darkest has 3:1.
	shades [maxShades]drawing.Color
}

// maxShades is how many exchanges can be told apart by lightness.
const maxShades = 6

var (
	longColors = sideColors{
		main: hex(0xffb340), curve: hex(0xffd591), area: over(tint(0xffb340, 33), background, steps), zone: tint(0xffb340, 20),
		shades: ramp(0x9c5f12, 0xffab33),
	}
	shortColors = sideColors{
		main: hex(0x63b5ff), curve: hex(0xb5dcff), area: over(tint(0x63b5ff, 33), background, steps), zone: tint(0x63b5ff, 20),
		shades: ramp(0x2767a6, 0x74bcff),
	}
)

func colorsOf(side market.Side) *sideColors {
	if side == market.Long {
		return &longColors
	}
	return &shortColors
}

func tint(rgb uint32, alpha uint8) drawing.Color {
	c := hex(rgb)
	c.A = alpha
	return c
}

// ramp is the shades from the darkest to the lightest.
func ramp(dark, light uint32) [maxShades]drawing.Color {
	a, b := hex(dark), hex(light)
	var out [maxShades]drawing.Color
	for i := range out {
		mean := func(a, b uint8) uint8 { return uint8((int(a)*(maxShades-1-i) + int(b)*i) / (maxShades - 1)) } //nolint:gosec // a mean of two bytes.
		out[i] = drawing.Color{R: mean(a.R, b.R), G: mean(a.G, b.G), B: mean(a.B, b.B), A: 255}
	}
	return out
}

// shade is the place in the ramp of exchange i of n, spread over its whole length
// with the lightest for the last.
func shade(i, n int) int {
	if n <= 1 {
		return maxShades - 2
	}
	return maxShades - 1 - (n-1-i)*(maxShades-1)/(n-1)
}

// themeColors is every opaque colour of the theme, the background first.
var themeColors = slices.Concat(
	[]drawing.Color{background, foreground, secondary, gridLine, axisLine, badge},
	[]drawing.Color{longColors.main, longColors.curve, longColors.area, shortColors.main, shortColors.curve, shortColors.area},
	longColors.shades[:], shortColors.shades[:],
)

func theme() []drawing.Color { return themeColors }

// capHeight is the height of a capital in Noto Sans as a share of the size.
const capHeight = 0.714

// measures are the sizes of a shape in pixels.
type measures struct {
	width, height, margin int
	up                    bool
	// Sizes of text. A chat on a phone shows a wide picture 3.6 times smaller and
	// a portrait 3 times: totals, verdict and pills are readable there.
	title, note, verdict, total, caption, pill, axis, small int
	// least is the size under which no text shrinks.
	least int
	// bucket is the width of a bar and the gap behind it: whole pixels, or bars
	// would be wider and narrower at random.
	bucket, gap int
	curve       float64
	mark, dash  int
	// watermark is a size, watermarkAt where its base line lies in the plot.
	watermark   int
	watermarkAt float64
	// level is how hard the file is compressed. A wide picture is small enough at
	// the fastest; a portrait has half as many pixels more and goes to phones, where
	// a fifth of its bytes is worth another millisecond.
	level int
}

var wideMeasures = measures{
	width: 1280, height: 720, margin: 44,
	title: 38, note: 26, verdict: 36, total: 60, caption: 26, pill: 26, axis: 24, small: 22, least: 18,
	bucket: 4, gap: 1, curve: 4, mark: 3, dash: 8, watermark: 150, watermarkAt: 0.4, level: 1,
}

var portraitMeasures = measures{
	width: 1080, height: 1350, margin: 40, up: true,
	title: 50, note: 34, verdict: 50, total: 66, caption: 34, pill: 38, axis: 36, small: 29, least: 24,
	bucket: 6, gap: 1, curve: 6, mark: 4, dash: 12, watermark: 210, watermarkAt: 0.42, level: 5,
}

func measuresOf(shape chat.Shape) *measures {
	if shape == chat.Portrait {
		return &portraitMeasures
	}
	return &wideMeasures
}
