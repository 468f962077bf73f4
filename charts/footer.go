package charts

import chart "github.com/wcharczuk/go-chart/v2"

// drawFooter writes the exchanges, where the figures come from and of when, and
// that intensity is relative.
func (k *sketch) drawFooter(p pen) {
	f := face{size: k.m.small}
	left, right := float64(k.m.margin), float64(k.m.width-k.m.margin)
	if k.m.up {
		k.drawLegend(p, left, right, portraitLegendLine)
		note, f := k.types.fit(k.words.relative, f, k.m.least, right-left)
		k.left(p, note, left, portraitNoteLine, f, secondary)
		k.drawSource(p, left, right, portraitLastLine)
		return
	}
	k.drawLegend(p, left, right, wideLegendLine)
	half := (right - left) / 2
	note, f := k.types.fit(k.words.relative, f, k.m.least, half)
	end := k.left(p, note, left, wideLastLine, f, secondary)
	const gap = 24
	k.drawSource(p, end+gap, right, wideLastLine)
}

// drawSource writes the source and the time at the right end of a line; a
// recording has its own time in front, in the badge's colour.
func (k *sketch) drawSource(p pen, left, right, y float64) {
	const gap = 16
	recorded, bold := "", face{size: k.m.small, bold: true}
	if k.words.recorded != "" {
		recorded, bold = k.types.fit(k.words.unreal+" "+k.words.recorded, bold, k.m.least, (right-left)/2)
		left += k.types.width(recorded, bold) + gap
	}
	source, f := k.types.fit(k.words.source, face{size: k.m.small}, k.m.least, right-left)
	start := k.right(p, source, right, y, f, secondary)
	if recorded != "" {
		k.right(p, recorded, start-gap, y, bold, badge)
	}
}

// drawLegend draws one swatch for each exchange, half of each side's shade. What
// does not fit on the line shrinks, then long names are cut.
func (k *sketch) drawLegend(p pen, left, right, y float64) {
	const gap, beside = 22, 9
	f, swatch := face{size: k.m.small}, float64(k.m.small)*0.78
	fixed := float64(len(k.legend)) * (swatch + beside + gap)
	names := func() (sum float64) {
		for _, name := range k.legend {
			sum += k.types.width(name, f)
		}
		return sum
	}
	for names()+fixed > right-left+gap && f.size > k.m.least {
		f.size--
	}
	each := (right - left + gap - fixed) / float64(len(k.legend))
	long := names()+fixed > right-left+gap
	for i, name := range k.legend {
		if long {
			name = k.types.cut(name, f, each)
		}
		x, top := int(left), int(y-swatch)
		size, color := int(swatch), shade(i, len(k.legend))
		p.rect(chart.Box{Left: x, Right: x + size/2, Top: top, Bottom: top + size}, longColors.shades[color])
		p.rect(chart.Box{Left: x + size/2, Right: x + size, Top: top, Bottom: top + size}, shortColors.shades[color])
		left = k.left(p, name, left+swatch+beside, y, f, secondary) + gap
	}
}
