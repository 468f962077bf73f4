package charts

import (
	"cmp"

	chart "github.com/wcharczuk/go-chart/v2"
)

// drawFooter writes the exchanges, where the figures come from and of when, and
// that intensity is relative. A recording has its own time besides, a map that is too
// young how young it is, in the badge's colour.
func (k *sketch) drawFooter(p pen) {
	const gap = 24
	f, strong := face{size: k.m.small}, face{size: k.m.small, bold: true}
	left, right := float64(k.m.margin), float64(k.m.width-k.m.margin)
	recorded := cmp.Or(k.words.warming, k.words.reversed)
	if k.words.recorded != "" {
		recorded = k.words.unreal + " " + k.words.recorded
	}
	if k.m.up {
		k.drawLegend(p, left, right, portraitLegendLine)
		note, small := k.types.fit(k.words.relative, f, k.m.least, right-left)
		k.left(p, note, left, portraitNoteLine, small, secondary)
		recorded, strong = k.types.fit(recorded, strong, k.m.least, (right-left)/2)
		end := k.right(p, recorded, right, portraitLastLine, strong, badge)
		source, f := k.types.fit(k.words.source, f, k.m.least, end-gap-left)
		k.left(p, source, left, portraitLastLine, f, secondary)
		return
	}
	recorded, strong = k.types.fit(recorded, strong, k.m.least, (right-left)/2)
	end := k.right(p, recorded, right, wideLegendLine, strong, badge)
	k.drawLegend(p, left, end-gap, wideLegendLine)
	source, small := k.types.fit(k.words.source, f, k.m.least, (right-left)/2)
	end = k.right(p, source, right, wideLastLine, small, secondary)
	note, small := k.types.fit(k.words.relative, f, k.m.least, end-gap-left)
	k.left(p, note, left, wideLastLine, small, secondary)
}

// drawLegend draws one swatch for each exchange, half of each side's shade. A
// portrait has room for a second line; what does not fit then is cut.
func (k *sketch) drawLegend(p pen, left, right, y float64) {
	const gap, beside = 22, 9
	f, swatch := face{size: k.m.small}, float64(k.m.small)*0.78
	each := (right-left+gap)/float64(len(k.legend)) - swatch - beside - gap
	long := 0.0
	for _, name := range k.legend {
		long += k.types.width(name, f) + swatch + beside + gap
	}
	wrap := len(k.legend)
	if long > right-left+gap {
		if k.m.up {
			wrap = (len(k.legend) + 1) / 2
			each = (right-left+gap)/float64(wrap) - swatch - beside - gap
			y -= portraitLegendNext / 3
		}
	} else {
		each = right - left
	}
	x := left
	for i, name := range k.legend {
		if i == wrap {
			x, y = left, y+portraitLegendNext
		}
		top, size, color := int(y-swatch), int(swatch), shade(i, len(k.legend))
		p.rect(chart.Box{Left: int(x), Right: int(x) + size/2, Top: top, Bottom: top + size}, longColors.shades[color])
		p.rect(chart.Box{Left: int(x) + size/2, Right: int(x) + size, Top: top, Bottom: top + size}, shortColors.shades[color])
		x = k.left(p, k.types.cut(name, f, each), x+swatch+beside, y, f, secondary) + gap
	}
}
