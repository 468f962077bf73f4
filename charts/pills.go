package charts

import (
	"math"

	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/market"
)

// pill is a label on a line: a price and, for a key level, its total.
type pill struct {
	lines []pillLine
	color drawing.Color
	// at is the line's place along the price axis in pixels, centre where the pill
	// came to lie, half its half length along that axis, breadth the other side.
	at, centre, half float64
	breadth          int
}

// pillLine is a line of a pill's text.
type pillLine struct {
	text string
	face face
}

// Sizes of pills in pixels, as shares of the size of their text.
const (
	pillPadding = 0.45
	pillGap     = 10
	pillRadius  = 8
	pillHeight  = 1.46
	secondLine  = 1.12
	// widestPill and widestMark are how much of a portrait's plot a pill may take.
	widestPill = 0.42
	widestMark = 0.52
)

// placePills makes a pill for the mark and each key level and moves them apart.
func (k *sketch) placePills() {
	k.pills = append(k.pills, k.newPill(k.mark, foreground, k.markText(), ""))
	for _, level := range k.levels {
		w := k.words.short
		if level.Side == market.Long {
			w = k.words.long
		}
		k.pills = append(k.pills, k.newPill(level.PriceUSD, colorsOf(level.Side).main, w.price, w.total))
	}
	k.sortPills()
	low, high := -float64(k.plot.Left-k.m.margin), float64(k.m.width-k.m.margin-k.plot.Left)
	if k.m.up {
		low, high = 0, float64(k.plot.Height())
	}
	spread(k.pills, low, high)
}

// pillLimit is the greatest width of a pill. The mark's may be wider in a
// portrait, as the curves start there.
func (k *sketch) pillLimit(mark bool) float64 {
	switch {
	case !k.m.up:
		return float64(k.m.width-2*k.m.margin)/3 - pillGap
	case mark:
		return widestMark * float64(k.plot.Width())
	default:
		return widestPill * float64(k.plot.Width())
	}
}

// markText leaves the coin's name, which is in the title, out of the pill where
// it would make the price small.
func (k *sketch) markText() string {
	room := k.pillLimit(true) - 2*pillPadding*float64(k.m.pill)
	if k.types.width(k.words.mark, face{size: k.m.pill, bold: true}) > room {
		return k.words.price
	}
	return k.words.mark
}

func (k *sketch) newPill(price float64, c drawing.Color, text, total string) pill {
	p := pill{color: c, at: k.price.place(price)}
	p.centre = p.at
	bold := face{size: k.m.pill, bold: true}
	limit := k.pillLimit(total == "")
	pad := pillPadding * float64(k.m.pill)
	if total != "" && !k.m.up {
		text += "  " + total
	}
	line, f := k.types.fit(text, bold, k.m.least, limit-2*pad)
	p.lines = append(p.lines, pillLine{line, f})
	width, height := k.types.width(line, f)+2*pad, pillHeight*float64(k.m.pill)
	if total != "" && k.m.up {
		line, f = k.types.fit(total, face{size: k.m.caption, bold: true}, k.m.least, limit-2*pad)
		p.lines = append(p.lines, pillLine{line, f})
		width, height = max(width, k.types.width(line, f)+2*pad), height+secondLine*float64(k.m.caption)
	}
	p.half, p.breadth = width/2, int(math.Ceil(height))
	if k.m.up {
		p.half, p.breadth = height/2, int(math.Ceil(width))
	}
	return p
}

func (k *sketch) sortPills() {
	for i := 1; i < len(k.pills); i++ {
		for j := i; j > 0 && k.pills[j].at < k.pills[j-1].at; j-- {
			k.pills[j], k.pills[j-1] = k.pills[j-1], k.pills[j]
		}
	}
}

// spread moves pills apart until none touches another, each as little as it
// takes, and all lie between low and high. They are sorted.
func spread(pills []pill, low, high float64) {
	const rounds = 60
	for range rounds {
		for i := range pills {
			p := &pills[i]
			p.centre = min(max(p.centre, low+p.half), high-p.half)
			if i == 0 {
				continue
			}
			before := &pills[i-1]
			if overlap := before.centre + before.half + pillGap - (p.centre - p.half); overlap > 0 {
				before.centre -= overlap / 2
				p.centre += overlap / 2
			}
		}
	}
	// What the rounds left over is settled from the high end down.
	for i := len(pills) - 1; i >= 0; i-- {
		p := &pills[i]
		p.centre = min(p.centre, high-p.half)
		if i+1 < len(pills) {
			next := &pills[i+1]
			p.centre = min(p.centre, next.centre-next.half-pillGap-p.half)
		}
	}
}

// pillRoom is the depth of the plot that pills take in a portrait.
func (k *sketch) pillRoom() float64 {
	widest := 0.0
	for _, w := range []sideWords{k.words.long, k.words.short} {
		price := k.types.width(w.price, face{size: k.m.pill, bold: true})
		total := k.types.width(w.total, face{size: k.m.caption, bold: true})
		widest = max(widest, price, total)
	}
	const beside = 24
	room := widest + 2*pillPadding*float64(k.m.pill) + beside
	return min(room, widestPill*float64(k.plot.Width())+beside)
}

// box is where a pill lies on the canvas: in a row above a wide plot, in a column
// at the right end of a portrait.
func (k *sketch) pillBox(p pill) chart.Box {
	if k.m.up {
		y := float64(k.plot.Bottom) - p.centre
		return chart.Box{Left: k.plot.Right - p.breadth, Right: k.plot.Right, Top: int(math.Round(y - p.half)), Bottom: int(math.Round(y + p.half))}
	}
	const above = 16
	x, bottom := float64(k.plot.Left)+p.centre, k.plot.Top-above
	return chart.Box{Left: int(math.Round(x - p.half)), Right: int(math.Round(x + p.half)), Top: bottom - p.breadth, Bottom: bottom}
}

func (k *sketch) drawPills(p pen) {
	for _, pill := range k.pills {
		box := k.pillBox(pill)
		k.drawLeader(p, pill, box)
		p.round(box, pillRadius, pill.color)
		k.drawPillText(p, pill, box)
	}
}

// drawLeader joins a pill with its line where it was moved away from it.
func (k *sketch) drawLeader(p pen, pill pill, box chart.Box) {
	inside := pill.half - pillRadius
	near := min(max(pill.at, pill.centre-inside), pill.centre+inside)
	const width, reach = 2.5, 22
	from := point{float64(k.plot.Left) + pill.at, float64(k.plot.Top)}
	to := point{float64(k.plot.Left) + near, float64(box.Bottom - 1)}
	if k.m.up {
		from = point{float64(box.Left - reach), float64(k.plot.Bottom) - pill.at}
		to = point{float64(box.Left + pillRadius), float64(k.plot.Bottom) - near}
	}
	if near == pill.at {
		x, y := int(math.Round(from.x)), int(math.Round(to.y))
		straight := chart.Box{Left: x - 1, Right: x + 1, Top: y, Bottom: k.plot.Top}
		if k.m.up {
			straight = chart.Box{Left: x, Right: box.Left, Top: y - 1, Bottom: y + 1}
		}
		p.rect(straight, pill.color)
		return
	}
	p.line([]point{from, to}, width, pill.color)
}

func (k *sketch) drawPillText(p pen, pill pill, box chart.Box) {
	height := 0.0
	for i, line := range pill.lines {
		height += capHeight * float64(line.face.size)
		if i > 0 {
			height += (secondLine - capHeight) * float64(line.face.size)
		}
	}
	y := float64(box.Top) + (float64(box.Height())-height)/2
	for i, line := range pill.lines {
		if i > 0 {
			y += (secondLine - capHeight) * float64(line.face.size)
		}
		y += capHeight * float64(line.face.size)
		x := float64(box.Left) + (float64(box.Width())-k.types.width(line.text, line.face))/2
		p.text(line.text, point{x, y}, line.face, background)
	}
}
