package charts

import "github.com/wcharczuk/go-chart/v2/drawing"

// Sizes of a palette. Five steps of coverage are enough for the eye at the sizes
// drawn here: eight looked the same and made the file a tenth larger.
const (
	maxColors = 256
	maxInks   = 64
	steps     = 4
)

// Squared distances in RGB under which a wanted colour is taken to be one that
// is there already: invisible at first, coarser once the palette fills up.
const (
	closeEnough = 10
	nearlyFull  = 208
	crowded     = 160
)

// palette is the colours of one picture and a table of what becomes of a colour
// under an ink. Index 0 is never drawn: in the table it means "not worked out yet".
type palette struct {
	colors [maxColors]drawing.Color
	n      int
	inks   []drawing.Color
	// last is the colour that index was asked for last, and its answer: bars of one
	// shade follow each other.
	last      drawing.Color
	lastIndex uint8
	// mix[ink][step-1][under] is the colour of an under colour covered by ink.
	mix [maxInks][steps][maxColors]uint8
}

// reset empties the palette, so that a picture never depends on the one before,
// and puts these colours in first: anti-aliasing must not use up their places.
func (p *palette) reset(first []drawing.Color) {
	for i := range p.inks {
		p.mix[i] = [steps][maxColors]uint8{}
	}
	p.inks, p.n, p.last = p.inks[:0], 1, drawing.Color{}
	for _, c := range first {
		p.add(c)
	}
}

func (p *palette) add(c drawing.Color) uint8 {
	c.A = 255
	for i := 1; i < p.n; i++ {
		if p.colors[i] == c {
			return uint8(i)
		}
	}
	if p.n == maxColors {
		i, _ := p.nearest(c)
		return i
	}
	p.colors[p.n] = c
	p.n++
	return uint8(p.n - 1) //nolint:gosec // n is at most maxColors.
}

// index returns the place of a colour or of one that looks the same.
func (p *palette) index(c drawing.Color) uint8 {
	if c == p.last {
		return p.lastIndex
	}
	limit := closeEnough
	if p.n > nearlyFull {
		limit = crowded
	}
	i, d := p.nearest(c)
	if d > limit {
		i = p.add(c)
	}
	p.last, p.lastIndex = c, i
	return i
}

func (p *palette) nearest(c drawing.Color) (uint8, int) {
	best, least := 0, 1<<30
	for i := 1; i < p.n && least > 0; i++ {
		if d := distance(p.colors[i], c); d < least {
			best, least = i, d
		}
	}
	return uint8(best), least
}

func distance(a, b drawing.Color) int {
	r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return r*r + g*g + bl*bl
}

// ink returns the table of a colour, which may be translucent.
func (p *palette) ink(c drawing.Color) int {
	closest, least := 0, 1<<30
	for i, have := range p.inks {
		if have == c {
			return i
		}
		if d := distance(have, c); d < least {
			closest, least = i, d
		}
	}
	if len(p.inks) == maxInks {
		return closest
	}
	p.inks = append(p.inks, c)
	return len(p.inks) - 1
}

// blend covers a colour with an ink, 1 to steps of steps.
func (p *palette) blend(ink int, step, under uint8) uint8 {
	place := &p.mix[ink][step-1][under]
	if *place == 0 {
		*place = p.index(over(p.inks[ink], p.colors[under], step))
	}
	return *place
}

func over(ink, under drawing.Color, step uint8) drawing.Color {
	share := int(ink.A) * int(step)
	const whole = 255 * steps
	channel := func(a, b uint8) uint8 {
		return uint8((int(a)*share + int(b)*(whole-share) + whole/2) / whole) //nolint:gosec // a mean of two bytes.
	}
	return drawing.Color{R: channel(ink.R, under.R), G: channel(ink.G, under.G), B: channel(ink.B, under.B), A: 255}
}

// solid is the place of an opaque ink's own colour, 0 for a translucent one.
func (p *palette) solid(ink int) uint8 {
	if p.inks[ink].A < 255 {
		return 0
	}
	return p.index(p.inks[ink])
}
