package charts

import (
	"encoding/binary"
	"image"
	"image/draw"
	"math"

	"github.com/wcharczuk/go-chart/v2/drawing"
	"golang.org/x/image/vector"
)

// point is a place on the canvas in pixels, y going down.
type point struct{ x, y float64 }

// canvas is a picture of palette indices. Each row starts with its PNG filter
// byte, always 0, so that the whole buffer can go to the compressor at once.
type canvas struct {
	width, height int
	pix           []uint8
	// blank is set while every pixel has the first colour: filling all of it with
	// that again, as a chart starts by doing, is left out.
	blank   bool
	palette palette
	shape   vector.Rasterizer
	mask    image.Alpha
	outline []point
	paths   [][]point
	// runs is the extent of a shape in each row.
	runs [][2]float64
}

// reset makes the canvas this large and fills it with the first colour.
func (c *canvas) reset(width, height int, colors []drawing.Color) {
	c.width, c.height, c.blank = width, height, true
	if size := (width + 1) * height; cap(c.pix) < size {
		c.pix = make([]uint8, size)
	} else {
		c.pix = c.pix[:size]
	}
	c.palette.reset(colors)
	first := c.pix[:width+1]
	fill(first, 1)
	first[0] = 0
	for y := 1; y < height; y++ {
		copy(c.pix[y*(width+1):], first)
	}
}

// row returns the pixels of a row.
func (c *canvas) row(y int) []uint8 {
	start := y*(c.width+1) + 1
	return c.pix[start : start+c.width]
}

// fillRect fills the pixels from x0 to x1 and y0 to y1, the ends left out.
func (c *canvas) fillRect(x0, y0, x1, y1 int, color drawing.Color) {
	x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, c.width), min(y1, c.height)
	if x0 >= x1 || y0 >= y1 || color.A == 0 {
		return
	}
	if color.A < 255 {
		c.tintRect(x0, y0, x1, y1, c.palette.ink(color))
		return
	}
	index := c.palette.index(color)
	if c.blank && index == 1 {
		return
	}
	c.blank = false
	if x1-x0 > narrow {
		first := c.row(y0)[x0:x1]
		fill(first, index)
		for y := y0 + 1; y < y1; y++ {
			copy(c.row(y)[x0:x1], first)
		}
		return
	}
	for y := y0; y < y1; y++ {
		row := c.row(y)[x0:x1]
		for x := range row {
			row[x] = index
		}
	}
}

// narrow is the width up to which a loop is faster than a copy.
const narrow = 16

// fill sets all of a row by copying what is set already.
func fill(row []uint8, index uint8) {
	row[0] = index
	for n := 1; n < len(row); n *= 2 {
		copy(row[n:], row[:n])
	}
}

func (c *canvas) tintRect(x0, y0, x1, y1, ink int) {
	c.blank = false
	table := &c.palette.mix[ink][steps-1]
	for y := y0; y < y1; y++ {
		row := c.row(y)[x0:x1]
		for x, under := range row {
			if row[x] = table[under]; row[x] == 0 {
				row[x] = c.palette.blend(ink, steps, under)
			}
		}
	}
}

// cover draws ink through a mask whose top left corner lies at x, y.
func (c *canvas) cover(mask *image.Alpha, x, y, ink int) {
	c.blank = false
	table, solid := &c.palette.mix[ink], c.palette.solid(ink)
	for r := range mask.Rect.Dy() {
		row := c.row(y + r)[x : x+mask.Stride]
		line := mask.Pix[r*mask.Stride : (r+1)*mask.Stride]
		for i := 0; i < len(line); i++ {
			// Most of a mask is empty: eight pixels are looked at together.
			if i+8 <= len(line) && binary.LittleEndian.Uint64(line[i:]) == 0 {
				i += 7
				continue
			}
			step := coverage(line[i])
			switch {
			case step == 0:
			case step == steps && solid != 0:
				row[i] = solid
			default:
				under := row[i]
				if row[i] = table[step-1][under]; row[i] == 0 {
					row[i] = c.palette.blend(ink, step, under)
				}
			}
		}
	}
}

// coverage is a mask's value in steps, rounded.
func coverage(alpha uint8) uint8 {
	return uint8((uint32(alpha)*steps + 127) / 255) //nolint:gosec // at most steps.
}

// span is a run of pixels of a glyph that are covered alike.
type span struct {
	x, y, n int16
	step    uint8
}

// coverSpans draws ink through spans whose origin lies at x, y. Text is most of
// what is not a box, and most of a glyph is full or empty.
func (c *canvas) coverSpans(spans []span, x, y, ink int) {
	c.blank = false
	table, solid := &c.palette.mix[ink], c.palette.solid(ink)
	for _, s := range spans {
		top, from, to := y+int(s.y), max(x+int(s.x), 0), min(x+int(s.x)+int(s.n), c.width)
		if top < 0 || top >= c.height || from >= to {
			continue
		}
		start := top*(c.width+1) + 1
		row := c.pix[start+from : start+to]
		if s.step == steps && solid != 0 {
			for i := range row {
				row[i] = solid
			}
			continue
		}
		mix := &table[s.step-1]
		for i, under := range row {
			if row[i] = mix[under]; row[i] == 0 {
				row[i] = c.palette.blend(ink, s.step, under)
			}
		}
	}
}

// fillRuns fills a shape that is one run of pixels in each row, such as the area
// under a curve, without smooth edges: a line is drawn over them.
func (c *canvas) fillRuns(shape []point, color drawing.Color) {
	box := c.bounds([][]point{shape})
	c.runs = c.runs[:0]
	for range box.Dy() {
		c.runs = append(c.runs, [2]float64{math.Inf(1), math.Inf(-1)})
	}
	for i, a := range shape {
		b := shape[(i+1)%len(shape)]
		if a.y > b.y {
			a, b = b, a
		}
		for y := max(math.Ceil(a.y-0.5), float64(box.Min.Y)); y+0.5 < b.y && y < float64(box.Max.Y); y++ {
			x := a.x + (b.x-a.x)*(y+0.5-a.y)/(b.y-a.y)
			run := &c.runs[int(y)-box.Min.Y]
			run[0], run[1] = min(run[0], x), max(run[1], x)
		}
	}
	for i, run := range c.runs {
		if run[0] < run[1] {
			y := box.Min.Y + i
			c.fillRect(int(math.Round(run[0])), y, int(math.Round(run[1])), y+1, color)
		}
	}
}

// fillPaths fills closed polygons, all of them turning the same way, with
// anti-aliased edges. The rasteriser only sees their bounding box.
func (c *canvas) fillPaths(paths [][]point, color drawing.Color) {
	box := c.bounds(paths)
	if box.Empty() || color.A == 0 {
		return
	}
	c.shape.Reset(box.Dx(), box.Dy())
	c.shape.DrawOp = draw.Src
	at := func(p point) (float32, float32) {
		return float32(p.x - float64(box.Min.X)), float32(p.y - float64(box.Min.Y))
	}
	for _, path := range paths {
		if len(path) < 3 {
			continue
		}
		c.shape.MoveTo(at(path[0]))
		for _, p := range path[1:] {
			c.shape.LineTo(at(p))
		}
		c.shape.ClosePath()
	}
	c.drawShape(box, color)
}

// drawShape rasterises the paths of c.shape and draws them at box.
func (c *canvas) drawShape(box image.Rectangle, color drawing.Color) {
	if size := box.Dx() * box.Dy(); cap(c.mask.Pix) < size {
		c.mask.Pix = make([]uint8, size)
	} else {
		c.mask.Pix = c.mask.Pix[:size]
	}
	c.mask.Stride, c.mask.Rect = box.Dx(), image.Rect(0, 0, box.Dx(), box.Dy())
	c.shape.Draw(&c.mask, c.mask.Rect, image.Opaque, image.Point{})
	c.cover(&c.mask, box.Min.X, box.Min.Y, c.palette.ink(color))
}

// bounds is the box of whole pixels around the paths, within the canvas; empty
// when a coordinate is not a finite number.
func (c *canvas) bounds(paths [][]point) image.Rectangle {
	x0, y0, x1, y1, sum := math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64, -math.MaxFloat64, 0.0
	for _, path := range paths {
		for _, p := range path {
			// Plain comparisons: min and max look for NaN each time, the sum once.
			if p.x < x0 {
				x0 = p.x
			}
			if p.x > x1 {
				x1 = p.x
			}
			if p.y < y0 {
				y0 = p.y
			}
			if p.y > y1 {
				y1 = p.y
			}
			sum += p.x + p.y
		}
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) || x0 > x1 {
		return image.Rectangle{}
	}
	within := func(v float64, limit int) int { return int(min(max(v, 0), float64(limit))) }
	return image.Rect(
		within(math.Floor(x0), c.width), within(math.Floor(y0), c.height),
		within(math.Ceil(x1), c.width), within(math.Ceil(y1), c.height),
	)
}

// Parts of a stroke. Long curves are cut into slices so that each slice's box
// stays small; the round joins at both ends overlap and hide the seam.
const (
	sliceLength = 10
	joinCorners = 8
	// straight is the cosine of a bend that needs no join: at the widths drawn here
	// the notch is a fraction of a pixel.
	straight = 0.97
)

// stroke draws a line with round joins and ends.
func (c *canvas) stroke(line []point, width float64, color drawing.Color) {
	var round [joinCorners]point
	for i := range round {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / joinCorners)
		round[i] = point{width / 2 * cos, -width / 2 * sin}
	}
	for len(line) > 1 {
		slice := line[:min(len(line), sliceLength+1)]
		line = line[len(slice)-1:]
		c.outline, c.paths = c.outline[:0], c.paths[:0]
		for i, p := range slice {
			if i == 0 || i == len(slice)-1 || bends(slice[i-1], p, slice[i+1]) {
				c.join(p, &round)
			}
			if i > 0 && slice[i-1] != p {
				c.segment(slice[i-1], p, width/2)
			}
		}
		c.fillPaths(c.paths, color)
	}
}

// bends reports whether a line turns at b.
func bends(a, b, c point) bool {
	x1, y1, x2, y2 := b.x-a.x, b.y-a.y, c.x-b.x, c.y-b.y
	return x1*x2+y1*y2 < straight*math.Hypot(x1, y1)*math.Hypot(x2, y2)
}

// segment and join add corners in the same turning direction.
func (c *canvas) segment(a, b point, half float64) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	nx, ny := -(b.y-a.y)/length*half, (b.x-a.x)/length*half
	start := len(c.outline)
	c.outline = append(c.outline,
		point{a.x + nx, a.y + ny}, point{b.x + nx, b.y + ny}, point{b.x - nx, b.y - ny}, point{a.x - nx, a.y - ny})
	c.paths = append(c.paths, c.outline[start:])
}

func (c *canvas) join(p point, round *[joinCorners]point) {
	start := len(c.outline)
	for _, corner := range round {
		c.outline = append(c.outline, point{p.x + corner.x, p.y + corner.y})
	}
	c.paths = append(c.paths, c.outline[start:])
}

// area is a rectangle with fractions of pixels.
type area struct{ x0, y0, x1, y1 float64 }

// disc fills a circle.
func (c *canvas) disc(centre point, radius float64, color drawing.Color) {
	c.fillRound(area{centre.x - radius, centre.y - radius, centre.x + radius, centre.y + radius}, radius, color)
}

// fillRound fills a rectangle with round corners: only the ends that have them
// go through the rasteriser.
func (c *canvas) fillRound(a area, radius float64, color drawing.Color) {
	radius = min(radius, (a.x1-a.x0)/2, (a.y1-a.y0)/2)
	left, right := math.Ceil(a.x0+radius), math.Floor(a.x1-radius)
	if whole := a.y0 == math.Trunc(a.y0) && a.y1 == math.Trunc(a.y1); !whole || right-left < 2*radius {
		c.roundEnds(a, radius, true, true, color)
		return
	}
	c.fillRect(int(left), int(a.y0), int(right), int(a.y1), color)
	c.roundEnds(area{a.x0, a.y0, left, a.y1}, radius, true, false, color)
	c.roundEnds(area{right, a.y0, a.x1, a.y1}, radius, false, true, color)
}

// roundEnds fills a rectangle with round corners on the left, the right or both.
func (c *canvas) roundEnds(a area, radius float64, left, right bool, color drawing.Color) {
	c.outline = c.outline[:0]
	for i, at := range [4]point{{a.x1, a.y0}, {a.x0, a.y0}, {a.x0, a.y1}, {a.x1, a.y1}} {
		round, inward := right, point{-radius, radius}
		if at.x == a.x0 {
			round, inward.x = left, radius
		}
		if at.y == a.y1 {
			inward.y = -radius
		}
		if !round {
			c.outline = append(c.outline, at)
			continue
		}
		c.quarterTurn(point{at.x + inward.x, at.y + inward.y}, radius, i)
	}
	c.fillPaths([][]point{c.outline}, color)
}

// quarterTurn adds a quarter of a circle to the outline, the first one from the
// right to the top.
func (c *canvas) quarterTurn(centre point, radius float64, which int) {
	for i := 0; i <= joinCorners; i++ {
		sin, cos := math.Sincos(math.Pi / 2 * (float64(which) + float64(i)/joinCorners))
		c.outline = append(c.outline, point{centre.x + radius*cos, centre.y - radius*sin})
	}
}
