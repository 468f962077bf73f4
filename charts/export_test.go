package charts

import (
	"io"

	chart "github.com/wcharczuk/go-chart/v2"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/snapshot"
)

// RenderOn draws a map with any go-chart renderer.
func (c *Charts) RenderOn(provider chart.RendererProvider, s *snapshot.Snapshot, l *locales.Language, shape chat.Shape, w io.Writer) error {
	return newSketch(s, l, shape, c.types).render(provider, c.font, w)
}

// Has reports whether both weights have a glyph for a character.
func (c *Charts) Has(r rune) bool { return c.types.regular.has(r) && c.types.bold.has(r) }
