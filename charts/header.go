package charts

import (
	"math"
	"strings"

	"github.com/wcharczuk/go-chart/v2/drawing"
)

// Base lines of the header and the footer in pixels from the top.
const (
	wideTitleLine   = 58
	wideTotalLine   = 132
	wideSplitTop    = 158
	wideSplitHeight = 14
	wideLegendLine  = 662
	wideLastLine    = 698

	portraitTitleLine   = 78
	portraitVerdictLine = 148
	portraitTotalLine   = 232
	portraitCaptionLine = 280
	portraitSplitTop    = 300
	portraitSplitHeight = 20
	portraitLegendLine  = 1204
	portraitLegendNext  = 38
	portraitNoteLine    = 1270
	portraitLastLine    = 1314
)

// drawWideHeader writes the result in words, the two totals on the sides where
// they happen, and the bar divided like them.
func (k *sketch) drawWideHeader(p pen) {
	left, right := float64(k.m.margin), float64(k.m.width-k.m.margin)
	const gap = 18
	badgeWidth := k.badgeWidth(k.words.unreal, k.m.note)
	note := face{size: k.m.note}
	rest := right - left - 3*gap - badgeWidth - k.types.width(k.words.note, note)
	bold := face{size: k.m.verdict, bold: true}
	// The verdict matters more: a long name shrinks the title first.
	room := max(rest-k.types.width(k.words.verdict, bold), 0.42*rest)
	title, titleFace := k.types.fit(k.words.title, face{size: k.m.title, bold: true}, k.m.least, room)
	x := k.left(p, title, left, wideTitleLine, titleFace, foreground) + gap
	if badgeWidth > 0 {
		x = k.drawBadge(p, k.words.unreal, x, wideTitleLine, k.m.note) + gap
	}
	x = k.left(p, k.words.note, x, wideTitleLine, note, secondary) + gap
	verdict, bold := k.types.fit(k.words.verdict, bold, k.m.least, right-x)
	k.right(p, verdict, right, wideTitleLine, bold, foreground)
	k.drawWideSide(p, k.words.long, longColors.main, k.left)
	k.drawWideSide(p, k.words.short, shortColors.main, k.right)
	k.drawSplit(p, wideSplitTop, wideSplitHeight)
}

// drawWideSide writes a side's total with its condition in two lines beside it.
func (k *sketch) drawWideSide(p pen, w sideWords, c drawing.Color, write writer) {
	const gap, between, lineHeight = 18, 40, 34
	width := float64(k.m.width-2*k.m.margin-between) / 2
	x := float64(k.m.margin)
	if c == shortColors.main {
		x = float64(k.m.width - k.m.margin)
	}
	if w.none != "" {
		text, f := k.types.fit(w.none, face{size: k.m.title}, k.m.least, width)
		write(p, text, x, wideTotalLine, f, secondary)
		return
	}
	total, plain, bold := face{size: k.m.total, bold: true}, face{size: k.m.caption}, face{size: k.m.caption, bold: true}
	first, second := w.condition, strings.TrimSpace(w.price+"  "+w.distance)
	beside := func() float64 { return max(k.types.width(first, plain), k.types.width(second, bold)) }
	if k.types.width(w.total, total)+gap+beside() > width {
		first, second = w.brief, w.distance
	}
	for k.types.width(w.total, total)+gap+beside() > width && plain.size > k.m.least {
		total.size -= 2
		plain.size--
		bold.size--
	}
	end := write(p, w.total, x, wideTotalLine, total, c)
	x = end + math.Copysign(gap, end-x)
	rest := width - gap - k.types.width(w.total, total)
	write(p, k.types.cut(first, plain, rest), x, wideTotalLine-lineHeight, plain, secondary)
	write(p, k.types.cut(second, bold, rest), x, wideTotalLine, bold, foreground)
}

// drawPortraitHeader writes the same in more rows.
func (k *sketch) drawPortraitHeader(p pen) {
	left, right := float64(k.m.margin), float64(k.m.width-k.m.margin)
	const gap = 20
	badgeWidth := k.badgeWidth(k.words.unreal, k.m.note)
	title, f := k.types.fit(k.words.title, face{size: k.m.title, bold: true}, k.m.least, right-left-gap-badgeWidth)
	k.left(p, title, left, portraitTitleLine, f, foreground)
	if badgeWidth > 0 {
		k.drawBadge(p, k.words.unreal, right-badgeWidth, portraitTitleLine, k.m.note)
	}
	note := face{size: k.m.note}
	start := k.right(p, k.words.note, right, portraitVerdictLine, note, secondary)
	verdict, f := k.types.fit(k.words.verdict, face{size: k.m.verdict, bold: true}, k.m.least, start-gap-left)
	k.left(p, verdict, left, portraitVerdictLine, f, foreground)
	k.drawPortraitSide(p, k.words.long, longColors.main, k.left, left)
	k.drawPortraitSide(p, k.words.short, shortColors.main, k.right, right)
	k.drawSplit(p, portraitSplitTop, portraitSplitHeight)
}

// writer is left or right.
type writer func(p pen, text string, x, y float64, f face, c drawing.Color) float64

func (k *sketch) drawPortraitSide(p pen, w sideWords, c drawing.Color, write writer, x float64) {
	const between = 28
	width := float64(k.m.width-2*k.m.margin-between) / 2
	if w.none != "" {
		text, f := k.types.fit(w.none, face{size: k.m.caption}, k.m.least, width)
		write(p, text, x, portraitCaptionLine, f, secondary)
		return
	}
	total, f := k.types.fit(w.total, face{size: k.m.total, bold: true}, k.m.least, width)
	write(p, total, x, portraitTotalLine, f, c)
	caption, f := k.types.fit(w.brief+"  "+w.distance, face{size: k.m.caption}, k.m.least, width)
	write(p, caption, x, portraitCaptionLine, f, foreground)
}
