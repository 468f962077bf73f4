package charts

import (
	"math"

	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/liquidation"
	"liqbot/market"
)

// frame maps prices and amounts onto the plot, whichever way up it is: along the
// bottom with amounts going up, or up the side with amounts going right.
type frame struct {
	box           chart.Box
	price, amount chart.Range
	up            bool
}

func newFrame(box chart.Box, x, y chart.Range, up bool) frame {
	if up {
		return frame{box: box, price: y, amount: x, up: true}
	}
	return frame{box: box, price: x, amount: y}
}

// spot is the place of pixels along the price and out from the base line.
func (f frame) spot(along, out float64) point {
	if f.up {
		return point{float64(f.box.Left) + out, float64(f.box.Bottom) - along}
	}
	return point{float64(f.box.Left) + along, float64(f.box.Bottom) - out}
}

func (f frame) at(price, amount float64) point {
	return f.spot(place(f.price, price), place(f.amount, amount))
}

// bar is the box from along0 to along1 and out0 to out1.
func (f frame) bar(along0, along1, out0, out1 int) chart.Box {
	if f.up {
		return chart.Box{Left: f.box.Left + out0, Right: f.box.Left + out1, Top: f.box.Bottom - along1, Bottom: f.box.Bottom - along0}
	}
	return chart.Box{Left: f.box.Left + along0, Right: f.box.Left + along1, Top: f.box.Bottom - out1, Bottom: f.box.Bottom - out0}
}

// depth is the length of the amount axis in pixels.
func (f frame) depth() int {
	if f.up {
		return f.box.Width()
	}
	return f.box.Height()
}

// layer is one go-chart Series of a map: a function that draws on the plot. The
// map's numbers are in the sketch, and so are the ranges, so there is nothing to
// validate.
type layer struct {
	name string
	axis chart.YAxisType
	draw func(p pen, box chart.Box, x, y chart.Range)
}

var _ chart.Series = layer{}

func (s layer) GetName() string           { return s.name }
func (s layer) GetYAxis() chart.YAxisType { return s.axis }
func (s layer) GetStyle() chart.Style     { return chart.Style{} }
func (s layer) Validate() error           { return nil }

// Render draws the layer on any Renderer.
func (s layer) Render(r chart.Renderer, box chart.Box, x, y chart.Range, _ chart.Style) {
	s.draw(newPen(r), box, x, y)
}

// drawBackdrop draws what lies behind the bars: the word for an unreal market,
// the zones of the key levels, the grid.
func (k *sketch) drawBackdrop(p pen, box chart.Box, x, y chart.Range) {
	f := newFrame(box, x, y, k.m.up)
	k.drawWatermark(p)
	for _, level := range k.levels {
		zone := level.Cluster
		from, to := place(f.price, zone.FromUSD), place(f.price, zone.ToUSD)
		low, high := int(math.Floor(min(from, to))), int(math.Ceil(max(from, to)))
		p.rect(f.bar(max(low-k.m.gap, 0), high+k.m.gap, 0, f.depth()), colorsOf(level.Side).zone)
	}
	for _, t := range k.gridTicks {
		if k.m.up {
			at := f.spot(place(f.price, t.value), 0)
			p.rect(chart.Box{Left: box.Left, Right: box.Right, Top: int(at.y), Bottom: int(at.y) + 1}, gridLine)
			continue
		}
		at := f.at(0, t.value)
		p.rect(chart.Box{Left: box.Left, Right: box.Right, Top: int(at.y), Bottom: int(at.y) + 1}, gridLine)
	}
}

// drawBars draws the buckets, one exchange after the other from the base line.
func (k *sketch) drawBars(p pen, box chart.Box, x, y chart.Range) {
	f := newFrame(box, x, y, k.m.up)
	h := k.histogram
	for i := range h.layers {
		color := shade(i, h.layers)
		for b := range h.n {
			side := &longColors
			if b >= h.below {
				side = &shortColors
			}
			k.drawSegment(p, f, b, i, side.shades[color])
		}
	}
}

// drawSegment draws the share of one exchange in a bucket. What is there at all
// is at least two pixels long: a map with one huge level still shows the others.
func (k *sketch) drawSegment(p pen, f frame, bucket, layer int, c drawing.Color) {
	sums := k.histogram.sums[bucket*k.histogram.layers:]
	if sums[layer] == 0 {
		return
	}
	from := 0.0
	for _, v := range sums[:layer] {
		from += v
	}
	out0, out1 := f.amount.Translate(from), f.amount.Translate(from+sums[layer])
	if from == 0 {
		out1 = max(out1, 2)
	}
	wide := k.histogram.pixels
	along := bucket * wide
	if out0 < out1 {
		p.rect(f.bar(along, along+wide-max(k.m.gap, wide/5), out0, out1), c)
	}
}

// drawCurves draws the cumulative curves with the areas under them.
func (k *sketch) drawCurves(p pen, box chart.Box, x, y chart.Range) {
	f := k.curveFrame(box, x, y)
	for _, side := range k.sides() {
		line := k.curveLine(f, side)
		p.line(line, k.m.curve, colorsOf(side).curve)
	}
}

func (k *sketch) drawAreas(p pen, box chart.Box, x, y chart.Range) {
	f := k.curveFrame(box, x, y)
	for _, side := range k.sides() {
		line := k.curveLine(f, side)
		last := line[len(line)-1]
		foot := point{last.x, float64(box.Bottom)}
		if k.m.up {
			foot = point{float64(box.Left), last.y}
		}
		p.area(append(line, foot), colorsOf(side).area)
	}
}

// sides lists the sides that have anything in range.
func (k *sketch) sides() []market.Side {
	sides := make([]market.Side, 0, 2)
	for _, side := range []market.Side{market.Long, market.Short} {
		if curve := k.histogram.curve(side); curve[len(curve)-1].CumulativeUSD > 0 {
			sides = append(sides, side)
		}
	}
	return sides
}

// curveFrame is the frame of the cumulative amounts. go-chart's second axis is
// vertical, so a map with price going up brings a range of its own.
func (k *sketch) curveFrame(box chart.Box, x, y chart.Range) frame {
	if k.m.up {
		k.curves.SetDomain(box.Width())
		x = &k.curves
	}
	return newFrame(box, x, y, k.m.up)
}

func (k *sketch) curveLine(f frame, side market.Side) []point {
	points := k.histogram.curve(side)
	line := make([]point, 0, len(points)+1)
	for _, at := range points {
		next := f.at(at.PriceUSD, at.CumulativeUSD)
		if n := len(line); n > 1 && inLine(line[n-2], line[n-1], next) {
			line[n-1] = next
			continue
		}
		line = append(line, next)
	}
	return line
}

// inLine reports whether b may be left out between a and c: it lies less than a
// quarter of a pixel off, and not so far away that small steps add up.
func inLine(a, b, c point) bool {
	const off, far = 0.25, 24
	length := math.Hypot(c.x-a.x, c.y-a.y)
	cross := math.Abs((c.x-a.x)*(b.y-a.y) - (c.y-a.y)*(b.x-a.x))
	return length < far && cross < off*length
}

// drawLevels draws the key levels and the mark over everything else.
func (k *sketch) drawLevels(p pen, box chart.Box, x, y chart.Range) {
	f := k.curveFrame(box, x, y)
	p.rect(f.bar(0, f.price.GetDomain(), 0, 1), axisLine)
	mark := int(math.Round(place(f.price, k.mark)))
	half := k.m.mark / 2
	p.rect(f.bar(mark-half, mark-half+k.m.mark, 0, f.depth()), foreground)
	for _, level := range k.levels {
		at := int(math.Round(place(f.price, level.PriceUSD)))
		for out := 0; out < f.depth(); out += 2 * k.m.dash {
			p.rect(f.bar(at-1, at+1, out, min(out+k.m.dash, f.depth())), colorsOf(level.Side).main)
		}
		k.drawDot(p, f, level)
	}
}

// drawDot marks where a key level meets the curve.
func (k *sketch) drawDot(p pen, f frame, level *liquidation.KeyLevel) {
	at := f.at(level.PriceUSD, level.IntensityUSD)
	p.disc(at, k.m.curve*2.1, background)
	p.disc(at, k.m.curve*1.5, colorsOf(level.Side).curve)
}
