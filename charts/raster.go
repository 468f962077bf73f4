package charts

import (
	"io"
	"math"

	"github.com/golang/freetype/truetype"
	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// raster is a go-chart Renderer on an indexed canvas. The stock one rasterises
// every box over the height of the whole picture, twice, and writes RGBA; here a
// box is a row fill and everything else is rasterised within its own bounds.
//
// It differs from the stock one in three ways: MeasureText returns the advance
// and the constant height of a capital, so labels on one axis do not jump; text
// is not rotated; fonts are always the embedded ones.
type raster struct {
	canvas
	encoder encoder
	types   *typesetter

	// level is how hard the file is compressed, as package flate counts.
	level    int
	dpi      float64
	style    chart.Style
	pieces   []path
	finished [][]point
}

// path is one piece of the current path.
type path struct {
	points []point
	closed bool
}

var _ chart.Renderer = (*raster)(nil)

// curveParts is into how many lines a curve of go-chart's is cut.
const curveParts = 12

// begin makes the raster ready for a new picture.
func (r *raster) begin(width, height, level int, types *typesetter) {
	r.types, r.level = types, level
	r.reset(width, height, theme())
	r.pieces, r.style = r.pieces[:0], chart.Style{}
}

func (r *raster) ResetStyle()                         { r.style = chart.Style{} }
func (r *raster) GetDPI() float64                     { return r.dpi }
func (r *raster) SetDPI(dpi float64)                  { r.dpi = dpi }
func (r *raster) SetClassName(string)                 {}
func (r *raster) SetStrokeColor(c drawing.Color)      { r.style.StrokeColor = c }
func (r *raster) SetFillColor(c drawing.Color)        { r.style.FillColor = c }
func (r *raster) SetStrokeWidth(width float64)        { r.style.StrokeWidth = width }
func (r *raster) SetStrokeDashArray(dashes []float64) { r.style.StrokeDashArray = dashes }
func (r *raster) SetFont(*truetype.Font)              {}
func (r *raster) SetFontColor(c drawing.Color)        { r.style.FontColor = c }
func (r *raster) SetFontSize(points float64)          { r.style.FontSize = points }
func (r *raster) SetTextRotation(float64)             {}
func (r *raster) ClearTextRotation()                  {}
func (r *raster) at(x, y int) point                   { return point{float64(x), float64(y)} }
func (r *raster) face() face                          { return face{size: int(math.Round(r.style.FontSize * r.dpi / 72))} }
func (r *raster) MoveTo(x, y int)                     { r.start(r.at(x, y)) }
func (r *raster) LineTo(x, y int)                     { r.extend(r.at(x, y)) }
func (r *raster) Text(body string, x, y int)          { r.text(body, r.at(x, y), r.face(), r.style.FontColor) }

// MeasureText returns the advance of a text and the height of a capital.
func (r *raster) MeasureText(body string) chart.Box {
	f := r.face()
	return chart.Box{Right: int(math.Ceil(r.types.width(body, f))), Bottom: int(math.Round(capHeight * float64(f.size)))}
}

// start begins a new piece of the path. Its memory is used again.
func (r *raster) start(p point) {
	if n := len(r.pieces); n < cap(r.pieces) {
		r.pieces = r.pieces[:n+1]
		r.pieces[n].points, r.pieces[n].closed = append(r.pieces[n].points[:0], p), false
		return
	}
	r.pieces = append(r.pieces, path{points: []point{p}})
}

func (r *raster) extend(p point) {
	if len(r.pieces) == 0 {
		r.start(p)
		return
	}
	last := &r.pieces[len(r.pieces)-1]
	last.points = append(last.points, p)
}

func (r *raster) QuadCurveTo(cx, cy, x, y int) {
	from, by, to := r.pen(), r.at(cx, cy), r.at(x, y)
	for i := 1; i <= curveParts; i++ {
		t := float64(i) / curveParts
		a, b, c := (1-t)*(1-t), 2*t*(1-t), t*t
		r.extend(point{a*from.x + b*by.x + c*to.x, a*from.y + b*by.y + c*to.y})
	}
}

func (r *raster) ArcTo(cx, cy int, rx, ry, startAngle, delta float64) {
	parts := max(curveParts, int(curveParts*math.Abs(delta)))
	for i := 0; i <= parts; i++ {
		sin, cos := math.Sincos(startAngle + delta*float64(i)/float64(parts))
		r.extend(point{float64(cx) + rx*cos, float64(cy) + ry*sin})
	}
}

func (r *raster) Circle(radius float64, x, y int) {
	r.start(point{float64(x) + radius, float64(y)})
	r.ArcTo(x, y, radius, radius, 0, 2*math.Pi)
	r.Close()
}

func (r *raster) pen() point {
	if len(r.pieces) == 0 {
		return point{}
	}
	points := r.pieces[len(r.pieces)-1].points
	return points[len(points)-1]
}

func (r *raster) Close() {
	if len(r.pieces) > 0 {
		r.pieces[len(r.pieces)-1].closed = true
	}
}

func (r *raster) Stroke() {
	r.strokePaths()
	r.pieces = r.pieces[:0]
}

func (r *raster) Fill() {
	r.fillAll()
	r.pieces = r.pieces[:0]
}

func (r *raster) FillStroke() {
	r.fillAll()
	r.strokePaths()
	r.pieces = r.pieces[:0]
}

func (r *raster) fillAll() {
	r.finished = r.finished[:0]
	for _, p := range r.pieces {
		if x0, y0, x1, y1, ok := rectangle(p.points); ok {
			r.fillRect(x0, y0, x1, y1, r.style.FillColor)
			continue
		}
		r.finished = append(r.finished, p.points)
	}
	r.fillPaths(r.finished, r.style.FillColor)
}

func (r *raster) strokePaths() {
	if r.style.StrokeColor.A == 0 || r.style.StrokeWidth <= 0 {
		return
	}
	for _, p := range r.pieces {
		points := p.points
		if p.closed {
			points = append(points, points[0])
		}
		for _, dash := range dashes(points, r.style.StrokeDashArray) {
			r.strokeLine(dash)
		}
	}
}

// strokeLine fills rows for a line along the axes.
func (r *raster) strokeLine(line []point) {
	for i := 1; i < len(line); i++ {
		if line[i].x != line[i-1].x && line[i].y != line[i-1].y {
			r.stroke(line, r.style.StrokeWidth, r.style.StrokeColor)
			return
		}
	}
	half := r.style.StrokeWidth / 2
	round := func(v float64) int { return int(math.Round(v)) }
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		x0, x1, y0, y1 := min(a.x, b.x), max(a.x, b.x), min(a.y, b.y), max(a.y, b.y)
		if x0 == x1 {
			x0, x1 = x0-half, x1+half
		} else {
			y0, y1 = y0-half, y1+half
		}
		r.fillRect(round(x0), round(y0), max(round(x1), round(x0)+1), max(round(y1), round(y0)+1), r.style.StrokeColor)
	}
}

// text draws a line of text from a point on its base line.
func (r *raster) text(body string, at point, f face, color drawing.Color) {
	ink := r.palette.ink(color)
	x, y := int(math.Round(at.x)), int(math.Round(at.y))
	for _, g := range r.types.set(body, f).glyphs {
		r.coverSpans(g.spans, x+g.x, y+g.y, ink)
	}
}

// Save writes the picture as an indexed PNG.
func (r *raster) Save(w io.Writer) error {
	png, err := r.encoder.encode(&r.canvas, r.level)
	if err != nil {
		return err
	}
	_, err = w.Write(png)
	return err
}

// rectangle recognises a box along the axes: four corners, perhaps the first
// again.
func rectangle(p []point) (x0, y0, x1, y1 int, ok bool) {
	if len(p) == 5 && p[4] == p[0] {
		p = p[:4]
	}
	if len(p) != 4 {
		return 0, 0, 0, 0, false
	}
	flat := p[0].y == p[1].y && p[1].x == p[2].x && p[2].y == p[3].y && p[3].x == p[0].x
	steep := p[0].x == p[1].x && p[1].y == p[2].y && p[2].x == p[3].x && p[3].y == p[0].y
	if !flat && !steep {
		return 0, 0, 0, 0, false
	}
	a, b := p[0], p[2]
	return int(min(a.x, b.x)), int(min(a.y, b.y)), int(max(a.x, b.x)), int(max(a.y, b.y)), true
}

// dashes cuts a line into the drawn parts of a pattern of on, off, on, off...
func dashes(line []point, pattern []float64) [][]point {
	total := 0.0
	for _, p := range pattern {
		total += max(p, 0)
	}
	if total <= 0 {
		return [][]point{line}
	}
	var out [][]point
	current := []point{line[0]}
	slot, left := 0, pattern[0]
	for i := 1; i < len(line); i++ {
		from, to := line[i-1], line[i]
		length := math.Hypot(to.x-from.x, to.y-from.y)
		for done := 0.0; done < length; {
			step := min(left, length-done)
			done += step
			left -= step
			at := point{from.x + (to.x-from.x)*done/length, from.y + (to.y-from.y)*done/length}
			current = append(current, at)
			if left <= 0 {
				if slot%2 == 0 {
					out = append(out, current)
				}
				slot++
				left, current = max(pattern[slot%len(pattern)], 0), []point{at}
			}
		}
	}
	if slot%2 == 0 && len(current) > 1 {
		out = append(out, current)
	}
	return out
}
