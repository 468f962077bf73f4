package charts

import (
	"bytes"
	"embed"
	"fmt"
	"image"
	"image/draw"
	"math"
	"slices"
	"sync"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	ot "github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

//go:embed fonts/*.ttf fonts/*.otf
var fontFiles embed.FS

// face is a text style: size in pixels and weight.
type face struct {
	size int
	bold bool
}

// typesetter turns text into glyph masks. Shaping and rasterising are done once
// for a text, size and weight; what comes out is immutable. It is safe for
// concurrent use.
type typesetter struct {
	mu sync.Mutex
	// regular and bold list the fonts in the order in which a character is sought.
	regular, bold fonts
	shaper        shaping.HarfbuzzShaper
	segmenter     shaping.Segmenter
	outline       vector.Rasterizer
	runs          map[runKey]*run
	glyphs        map[glyphKey]*glyph
	glyphBytes    int
}

// Limits of the caches. Prices change with each snapshot, so runs would pile up;
// a full cache is emptied, which costs one picture about a millisecond.
const (
	maxRuns       = 4096
	maxGlyphBytes = 4 << 20
	spanBytes     = 8
)

type runKey struct {
	text string
	face face
}

type glyphKey struct {
	font *font.Face
	id   font.GID
	size int
	// quarter is the position between two pixels, 0 to 3.
	quarter int
}

// run is a line of text ready to draw.
type run struct {
	glyphs []placed
	width  float64
}

// placed is a glyph and its distance from the start of the run.
type placed struct {
	*glyph
	x, y int
}

// glyph is what a character covers, from its origin on the base line.
type glyph struct{ spans []span }

// fonts is a shaping.Fontmap: the first font that has a character.
type fonts []*font.Face

func (f fonts) ResolveFace(r rune) *font.Face {
	for _, candidate := range f {
		if _, ok := candidate.NominalGlyph(r); ok {
			return candidate
		}
	}
	return f[0]
}

// has reports whether a character can be shown.
func (f fonts) has(r rune) bool {
	_, ok := f.ResolveFace(r).NominalGlyph(r)
	return ok
}

func newTypesetter() (*typesetter, error) {
	t := &typesetter{runs: make(map[runKey]*run), glyphs: make(map[glyphKey]*glyph)}
	for _, weight := range []struct {
		name string
		into *fonts
	}{{"Regular", &t.regular}, {"Bold", &t.bold}} {
		for _, name := range []string{"NotoSans-" + weight.name + ".ttf", "NotoSansSC-" + weight.name + ".otf"} {
			data, err := fontFiles.ReadFile("fonts/" + name)
			if err != nil {
				return nil, fmt.Errorf("read font: %w", err)
			}
			parsed, err := font.ParseTTF(bytes.NewReader(data))
			if err != nil {
				return nil, fmt.Errorf("parse font %s: %w", name, err)
			}
			*weight.into = append(*weight.into, parsed)
		}
	}
	return t, nil
}

// set returns a line of text in a face. The result must not be changed.
func (t *typesetter) set(text string, f face) *run {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := runKey{text, f}
	if r, ok := t.runs[key]; ok {
		return r
	}
	if len(t.runs) >= maxRuns {
		clear(t.runs)
	}
	r := t.shape(text, f)
	t.runs[key] = r
	return r
}

// width is the advance of a text in pixels.
func (t *typesetter) width(text string, f face) float64 { return t.set(text, f).width }

func (t *typesetter) shape(text string, f face) *run {
	family := t.regular
	if f.bold {
		family = t.bold
	}
	runes := []rune(text)
	for i, r := range runes {
		if !family.has(r) {
			runes[i] = '?'
		}
	}
	out := &run{}
	if len(runes) == 0 {
		return out
	}
	line := shaping.Input{
		Text: runes, RunEnd: len(runes), Direction: di.DirectionLTR,
		Size: fixed.I(f.size), Language: language.NewLanguage("en"),
	}
	for _, part := range t.segmenter.Split(line, family) {
		shaped := t.shaper.Shape(part)
		for _, g := range shaped.Glyphs {
			t.put(out, shaped.Face, g, f.size)
			out.width += float64(g.Advance) / 64
		}
	}
	return out
}

// put places a glyph at the end of a run.
func (t *typesetter) put(out *run, from *font.Face, g shaping.Glyph, size int) {
	x := out.width + float64(g.XOffset)/64
	quarters := int(math.Round(x * 4))
	whole := int(math.Floor(float64(quarters) / 4))
	mask := t.glyph(glyphKey{from, g.GlyphID, size, quarters - 4*whole})
	if len(mask.spans) > 0 {
		out.glyphs = append(out.glyphs, placed{glyph: mask, x: whole, y: -g.YOffset.Round()})
	}
}

func (t *typesetter) glyph(key glyphKey) *glyph {
	if g, ok := t.glyphs[key]; ok {
		return g
	}
	g := t.rasterise(key)
	if t.glyphBytes += len(g.spans) * spanBytes; t.glyphBytes > maxGlyphBytes {
		clear(t.glyphs)
		t.glyphBytes = len(g.spans) * spanBytes
	}
	t.glyphs[key] = g
	return g
}

// rasterise draws the outline of a glyph. A space has no pixels.
func (t *typesetter) rasterise(key glyphKey) *glyph {
	outline, ok := key.font.GlyphData(key.id).(font.GlyphOutline)
	if !ok || len(outline.Segments) == 0 {
		return &glyph{}
	}
	unit := float32(key.size) / float32(key.font.Upem())
	shift := float32(key.quarter) / 4
	at := func(p ot.SegmentPoint) (float32, float32) { return p.X*unit + shift, -p.Y * unit }
	box := outlineBox(outline, at)
	t.outline.Reset(box.Dx(), box.Dy())
	t.outline.DrawOp = draw.Src
	trace(&t.outline, outline, func(p ot.SegmentPoint) (float32, float32) {
		x, y := at(p)
		return x - float32(box.Min.X), y - float32(box.Min.Y)
	})
	mask := image.NewAlpha(image.Rect(0, 0, box.Dx(), box.Dy()))
	t.outline.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	return &glyph{spans: spansOf(mask, box.Min)}
}

// spansOf lists what a mask covers.
func spansOf(mask *image.Alpha, origin image.Point) []span {
	var spans []span
	for y := range mask.Rect.Dy() {
		line := mask.Pix[y*mask.Stride : (y+1)*mask.Stride]
		for x := 0; x < len(line); {
			step, start := coverage(line[x]), x
			for x < len(line) && coverage(line[x]) == step {
				x++
			}
			if step > 0 {
				spans = append(spans, span{x: int16(origin.X + start), y: int16(origin.Y + y), n: int16(x - start), step: step}) //nolint:gosec // a glyph's size.
			}
		}
	}
	return slices.Clip(spans)
}

func outlineBox(outline font.GlyphOutline, at func(ot.SegmentPoint) (float32, float32)) image.Rectangle {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range outline.Segments {
		for _, p := range s.ArgsSlice() {
			px, py := at(p)
			x0, y0 = math.Min(x0, float64(px)), math.Min(y0, float64(py))
			x1, y1 = math.Max(x1, float64(px)), math.Max(y1, float64(py))
		}
	}
	return image.Rect(int(math.Floor(x0)), int(math.Floor(y0)), int(math.Ceil(x1)), int(math.Ceil(y1)))
}

func trace(z *vector.Rasterizer, outline font.GlyphOutline, at func(ot.SegmentPoint) (float32, float32)) {
	for i, s := range outline.Segments {
		x, y := at(s.Args[0])
		switch s.Op {
		case ot.SegmentOpMoveTo:
			if i > 0 {
				z.ClosePath()
			}
			z.MoveTo(x, y)
		case ot.SegmentOpLineTo:
			z.LineTo(x, y)
		case ot.SegmentOpQuadTo:
			x1, y1 := at(s.Args[1])
			z.QuadTo(x, y, x1, y1)
		case ot.SegmentOpCubeTo:
			x1, y1 := at(s.Args[1])
			x2, y2 := at(s.Args[2])
			z.CubeTo(x, y, x1, y1, x2, y2)
		}
	}
	z.ClosePath()
}

// fit makes a text no wider than this: it shrinks it down to the least size, and
// cuts it with an ellipsis when that is not enough.
func (t *typesetter) fit(text string, f face, least int, width float64) (string, face) {
	for f.size > least && t.width(text, f) > width {
		// The width is proportional to the size, so one jump is nearly right.
		f.size = max(least, min(f.size-1, int(float64(f.size)*width/t.width(text, f))))
	}
	return t.cut(text, f, width), f
}

// shrink is fit for a number: part of one is worse than none.
func (t *typesetter) shrink(text string, f face, least int, width float64) (string, face) {
	short, f := t.fit(text, f, least, width)
	if short != text {
		return "", f
	}
	return text, f
}

func (t *typesetter) cut(text string, f face, width float64) string {
	if t.width(text, f) <= width {
		return text
	}
	runes := []rune(text)
	for n := len(runes) - 1; n > 0; n-- {
		if short := string(runes[:n]) + "…"; t.width(short, f) <= width {
			return short
		}
	}
	return "…"
}
