package charts_test

import (
	"flag"
	"image"
	"os"
	"path/filepath"
	"testing"

	"liqbot/chat"
	"liqbot/locales"
)

var update = flag.Bool("update", false, "write the golden pictures anew; look at them before you commit")

func TestGolden(t *testing.T) {
	c := newCharts(t)
	cases := edgeCases()
	for _, tt := range []struct {
		name, of, language string
		shape              chat.Shape
	}{
		{"demo-wide-en", "demo", "en", chat.Wide},
		{"live-wide-zh-Hans", "live", "zh-Hans", chat.Wide},
		{"recorded-portrait-ru", "recorded", "ru", chat.Portrait},
		{"only-longs-portrait-en", "only-longs", "en", chat.Portrait},
		{"very-near-wide-en", "very-near", "en", chat.Wide},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := c.Render(cases[tt.of].build(t), locales.For(tt.language), tt.shape)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", tt.name+".png")
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, decode(t, got), decode(t, want))
		})
	}
}

// Tolerances of compare, in levels of 255. A processor with other rounding moves
// an edge by a step of coverage; a changed word or colour does far more.
const (
	cell         = 8
	cellMayBeOff = 10
	meanMayBeOff = 0.15
)

// compare looks at two pictures as an eye at some distance does: in cells of a few
// pixels.
func compare(t *testing.T, got, want *image.RGBA) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Fatalf("size %v, want %v", got.Bounds(), want.Bounds())
	}
	worst, sum, cells := 0.0, 0.0, 0
	var where image.Point
	for y := 0; y+cell <= got.Bounds().Dy(); y += cell {
		for x := 0; x+cell <= got.Bounds().Dx(); x += cell {
			off := cellDistance(got, want, x, y, cell)
			sum += off
			cells++
			if off > worst {
				worst, where = off, image.Pt(x, y)
			}
		}
	}
	if worst > cellMayBeOff || sum/float64(cells) > meanMayBeOff {
		t.Errorf("pictures differ: by %.1f at most, at %v, and %.2f on average", worst, where, sum/float64(cells))
	}
}

// cellDistance is the greatest difference of the cells' mean channels.
func cellDistance(a, b *image.RGBA, x0, y0, size int) float64 {
	var sums [3]int
	for y := y0; y < y0+size; y++ {
		for x := x0; x < x0+size; x++ {
			p, q := a.RGBAAt(x, y), b.RGBAAt(x, y)
			sums[0] += int(p.R) - int(q.R)
			sums[1] += int(p.G) - int(q.G)
			sums[2] += int(p.B) - int(q.B)
		}
	}
	worst := 0
	for _, s := range sums {
		worst = max(worst, s, -s)
	}
	return float64(worst) / float64(size*size)
}
