// Package charts turns a snapshot into a picture: the liquidation map, or what was
// liquidated over time, as a PNG, wide for pages and files or upright for phones. It holds the theme, the layout,
// the fonts and a bounded cache of finished pictures; it fetches nothing, reads
// no clock and has no sentence of its own. go-chart is the chart library, with a
// Renderer, Series and Range made for this one map, which is what makes a picture
// a matter of milliseconds. The package owns no goroutine beyond the render that
// callers wait for.
package charts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/golang/freetype/truetype"
	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/roboto"
	"golang.org/x/sync/singleflight"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/snapshot"
)

// Charts makes pictures and keeps the newest of them. It is safe for concurrent
// use.
type Charts struct {
	types *typesetter
	// font is what go-chart wants to be there; only its stock renderer draws with it.
	font    *truetype.Font
	rasters sync.Pool
	// slots bounds how many pictures are drawn at once.
	slots   chan struct{}
	flights singleflight.Group
	cache   cache
	// rendered is told how long a picture took.
	rendered func(time.Duration)
}

// New loads the embedded fonts.
func New() (*Charts, error) {
	types, err := newTypesetter()
	if err != nil {
		return nil, fmt.Errorf("charts: %w", err)
	}
	// chart.GetDefaultFont would do, but two first calls at once are a data race.
	font, err := truetype.Parse(roboto.Roboto)
	if err != nil {
		return nil, fmt.Errorf("charts: parse default font: %w", err)
	}
	return &Charts{
		types:   types,
		font:    font,
		rasters: sync.Pool{New: func() any { return new(raster) }},
		// One core is left for everything else.
		slots:    make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)),
		rendered: func(time.Duration) {},
	}, nil
}

// OnRender sets what is told how long each picture took to make. It has to be set
// before the first picture.
func (c *Charts) OnRender(f func(time.Duration)) { c.rendered = f }

// LiquidationMap returns the picture of a snapshot. It is rendered once for a
// snapshot ID, language and shape, however many ask at once; a snapshot without
// an ID is rendered each time. The error is the context's when that ends first:
// the render goes on for those who still wait.
func (c *Charts) LiquidationMap(ctx context.Context, s *snapshot.Snapshot, l *locales.Language, shape chat.Shape) (*chat.Picture, error) {
	l = l.In(nil) // a picture is for everyone
	return c.kept(ctx, s, newCacheKey(s, l, shape), pictureName(s, l, shape), func() (*chat.Picture, error) {
		return c.picture(s, l, shape)
	})
}

// kept returns the picture of a key from the cache, or makes it, once for all who ask
// for it at the same time.
func (c *Charts) kept(ctx context.Context, s *snapshot.Snapshot, key cacheKey, name string, draw func() (*chat.Picture, error)) (*chat.Picture, error) {
	if p, ok := c.cache.load(key); ok && s.ID != 0 {
		return p, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("charts: %s: %w", s.Key, err)
	}
	if s.ID == 0 {
		return draw()
	}
	flight := c.flights.DoChan(name, func() (any, error) {
		if p, ok := c.cache.load(key); ok {
			return p, nil
		}
		p, err := draw()
		if err != nil {
			return nil, err
		}
		c.cache.store(key, s.Key, p)
		return p, nil
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("charts: %s: %w", s.Key, ctx.Err())
	case result := <-flight:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*chat.Picture), nil
	}
}

// Ready returns the picture if it is already made. It takes no lock and does not
// allocate.
func (c *Charts) Ready(s *snapshot.Snapshot, l *locales.Language, shape chat.Shape) (*chat.Picture, bool) {
	if s.ID == 0 {
		return nil, false
	}
	return c.cache.load(newCacheKey(s, l, shape))
}

// Render draws the map without the cache and returns the PNG file. Equal input
// gives equal bytes.
func (c *Charts) Render(s *snapshot.Snapshot, l *locales.Language, shape chat.Shape) ([]byte, error) {
	return c.draw(s.Key, shape, func(provider chart.RendererProvider, w io.Writer) error {
		return newSketch(s, l, shape, c.types).render(provider, c.font, w)
	})
}

// draw lends a raster to what draws a picture.
func (c *Charts) draw(key snapshot.Key, shape chat.Shape, render func(chart.RendererProvider, io.Writer) error) (png []byte, err error) {
	c.slots <- struct{}{}
	defer func() { <-c.slots }()
	own := c.rasters.Get().(*raster)
	// A raster whose drawing panicked is not put back: what it holds is unknown.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("charts: draw %s: panic: %v", key, p)
		}
	}()
	var out bytes.Buffer
	provider := func(width, height int) (chart.Renderer, error) {
		own.begin(width, height, measuresOf(shape).level, c.types)
		return own, nil
	}
	if err := render(provider, &out); err != nil {
		return nil, fmt.Errorf("charts: draw %s: %w", key, err)
	}
	c.rasters.Put(own)
	return out.Bytes(), nil
}

// picture renders and describes. A panic here would end the process, since it runs
// in a goroutine of its own.
func (c *Charts) picture(s *snapshot.Snapshot, l *locales.Language, shape chat.Shape) (p *chat.Picture, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("charts: %s map: panic: %v", s.Key, r)
		}
	}()
	began := time.Now()
	png, err := c.Render(s, l, shape)
	if err != nil {
		return nil, err
	}
	c.rendered(time.Since(began))
	m := measuresOf(shape)
	p = &chat.Picture{PNG: png, Name: fileName(s.Key), Alt: alt(s, l), Width: m.width, Height: m.height}
	if s.ID == 0 {
		p.Key = fmt.Sprintf("liq-%x", sha256.Sum256(png))
		return p, nil
	}
	p.Key = pictureName(s, l, shape)
	return p, nil
}

func pictureName(s *snapshot.Snapshot, l *locales.Language, shape chat.Shape) string {
	return "liq-" + strconv.FormatUint(s.ID, 10) + "-" + l.Tag() + "-" + strconv.Itoa(int(shape))
}
