package charts

import (
	"math"

	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// pen draws the parts of a map on any go-chart Renderer. On our own it uses its
// sub-pixel calls and fonts; any other, such as the stock PNG or SVG one, gets
// the same shapes in whole pixels through the plain interface.
type pen struct {
	chart.Renderer
	own *raster
}

func newPen(r chart.Renderer) pen {
	own, _ := r.(*raster)
	return pen{Renderer: r, own: own}
}

// rect fills a box of whole pixels.
func (p pen) rect(box chart.Box, c drawing.Color) {
	if p.own != nil {
		p.own.fillRect(box.Left, box.Top, box.Right, box.Bottom, c)
		return
	}
	// A stroke of no width and colour would be taken for "inherit".
	chart.Draw.Box(p.Renderer, box, chart.Style{FillColor: c, StrokeColor: c, StrokeWidth: 0.01})
}

// area fills the area under a curve that only rises or only falls.
func (p pen) area(points []point, c drawing.Color) {
	if p.own != nil {
		p.own.fillRuns(points, c)
		return
	}
	p.trace(points)
	p.Close()
	p.SetFillColor(c)
	p.Fill()
}

// line draws a line with round joins.
func (p pen) line(points []point, width float64, c drawing.Color) {
	if p.own != nil {
		p.own.stroke(points, width, c)
		return
	}
	p.trace(points)
	p.SetStrokeColor(c)
	p.SetStrokeWidth(width)
	p.SetStrokeDashArray(nil)
	p.Stroke()
}

func (p pen) trace(points []point) {
	for i, at := range points {
		x, y := int(math.Round(at.x)), int(math.Round(at.y))
		if i == 0 {
			p.MoveTo(x, y)
			continue
		}
		p.LineTo(x, y)
	}
}

// disc fills a circle.
func (p pen) disc(at point, radius float64, c drawing.Color) {
	if p.own != nil {
		p.own.disc(at, radius, c)
		return
	}
	p.Circle(radius, int(math.Round(at.x)), int(math.Round(at.y)))
	p.SetFillColor(c)
	p.Fill()
}

// round fills a box with round corners.
func (p pen) round(box chart.Box, radius float64, c drawing.Color) {
	if p.own != nil {
		p.own.fillRound(area{float64(box.Left), float64(box.Top), float64(box.Right), float64(box.Bottom)}, radius, c)
		return
	}
	p.rect(box, c)
}

// text writes a line from a point on its base line.
func (p pen) text(body string, at point, f face, c drawing.Color) {
	if p.own != nil {
		p.own.text(body, at, f, c)
		return
	}
	if body == "" {
		return
	}
	p.SetFontColor(c)
	// A map's DPI is 72, so that points are pixels.
	p.SetFontSize(float64(f.size))
	p.Text(body, int(math.Round(at.x)), int(math.Round(at.y)))
}
