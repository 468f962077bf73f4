package charts

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	chart "github.com/wcharczuk/go-chart/v2"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// Heatmap returns the picture of the intensity that stood at each price over time, with
// candles over it. It is kept like the map's.
func (c *Charts) Heatmap(ctx context.Context, m *snapshot.Heatmap, l *locales.Language, shape chat.Shape) (*chat.Picture, error) {
	l = l.In(nil) // a picture is for everyone
	s := named(m)
	key := newCacheKey(s, l, shape)
	key.heatmap = true
	name := "heat" + pictureName(s, l, shape)
	return c.kept(ctx, s, key, name, func() (*chat.Picture, error) { return c.heatPicture(m, l, shape, name) })
}

// named is what the cache has to know of a heatmap: its numbers are not those of
// snapshots, and neither is its key.
func named(m *snapshot.Heatmap) *snapshot.Snapshot {
	return &snapshot.Snapshot{ID: m.ID, Key: snapshot.Key{Coin: m.Coin, Window: "heatmap " + m.Window}}
}

// RenderHeatmap draws the picture of Heatmap without the cache and returns the PNG file.
// Equal input gives equal bytes.
func (c *Charts) RenderHeatmap(m *snapshot.Heatmap, l *locales.Language, shape chat.Shape) ([]byte, error) {
	return c.draw(named(m).Key, shape, func(provider chart.RendererProvider, w io.Writer) error {
		return newHeatSketch(m, l, shape, c.types).render(provider, c.font, w)
	})
}

// heatPicture renders and describes. A panic here would end the process, since it runs
// in a goroutine of its own.
func (c *Charts) heatPicture(m *snapshot.Heatmap, l *locales.Language, shape chat.Shape, name string) (p *chat.Picture, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("charts: %s: panic: %v", named(m).Key, r)
		}
	}()
	began := time.Now()
	png, err := c.RenderHeatmap(m, l, shape)
	if err != nil {
		return nil, err
	}
	c.rendered(time.Since(began))
	size := measuresOf(shape)
	file := fileName(snapshot.Key{Coin: m.Coin, Window: m.Window})
	p = &chat.Picture{
		PNG: png, Name: strings.Replace(file, "liq-", "heatmap-", 1), Alt: heatAlt(m, l),
		Width: size.width, Height: size.height, Key: name,
	}
	if m.ID == 0 {
		p.Key = fmt.Sprintf("heatliq-%x", sha256.Sum256(png))
	}
	return p, nil
}

// heatWords is every text on a heatmap but the labels of the axes.
type heatWords struct {
	words
	// bright says what bright means, nothing and most label the ends of the scale, unit
	// is for how much of the price that is.
	bright, nothing, most, unit string
	// drawn says whose the candles are and what the map is made of.
	drawn, missing string
	unseen         string
	// top is the intensity of the brightest colour.
	top float64
}

func newHeatWords(m *snapshot.Heatmap, l *locales.Language) heatWords {
	top := m.Bright()
	w := heatWords{
		top: top,
		words: words{
			title:    l.Say("heatchart.title", "coin", string(m.Coin)),
			note:     l.Say("chart.estimate", "window", windowName(l, m.Window)),
			price:    l.Level(m.Price.USD),
			relative: l.Say("chart.relative"),
			source:   l.Say("chart.source", "source", m.Provenance.Source, "time", l.DateTime(m.Provenance.AsOf)),
		},
		bright:  l.Say("heatchart.bright"),
		nothing: l.AxisAmount(0),
		most:    l.Say("heatchart.most", "amount", l.AxisAmount(top)),
		unit:    l.Say("heatchart.unit", "band", l.ShortPercent(m.Band())),
		drawn:   l.Say("heatchart.drawn", "venue", string(m.CandleVenue), "venues", venueNames(m.Provenance.Venues)),
		unseen:  l.Say("heatchart.unseen"),
	}
	if missing := venueNames(append(append([]market.Venue{}, m.Provenance.Missing...), m.Partly...)); missing != "" {
		w.missing = l.Say("heatchart.missing", "venues", missing)
	}
	recorded := m.Provenance.RecordedAt
	switch {
	case m.Demo():
		w.unreal = l.Say("chart.demo")
	case !recorded.IsZero():
		w.unreal, w.recorded = l.Say("chart.recorded"), l.DateTime(recorded)
	}
	return w
}

func venueNames(venues []market.Venue) string {
	names := make([]string, len(venues))
	for i, v := range venues {
		names[i] = string(v)
	}
	return strings.Join(names, ", ")
}

// heatAlt describes the picture to those who do not see it: the brightest price on
// either side now.
func heatAlt(m *snapshot.Heatmap, l *locales.Language) string {
	brightest := func(above bool) string {
		best, most := 0.0, float32(0)
		for row, v := range m.Column(m.Columns - 1) {
			if edge := m.EdgeUSD(row); v > most && above == (edge > m.Price.USD) {
				best, most = edge, v
			}
		}
		if most == 0 {
			return l.Say("heatmap.none")
		}
		return l.Level(best) + " (" + l.Amount(float64(most)) + ")"
	}
	text := l.Say("heatmap.alt", "coin", string(m.Coin), "window", windowName(l, m.Window), "price", l.Price(m.Price.USD),
		"above", brightest(true), "below", brightest(false))
	if w := newHeatWords(m, l); w.unreal != "" {
		text = strings.TrimSpace(w.unreal+" "+w.recorded) + ". " + text
	}
	for len(text) > maxAlt {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
