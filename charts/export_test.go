package charts

import (
	"io"
	"time"

	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// What tests see of the inside.
const MaxPictures = maxPictures

var (
	Adler32 = adler32
	Ticks   = ticks
)

// RenderOn draws a map with any go-chart renderer.
func (c *Charts) RenderOn(provider chart.RendererProvider, s *snapshot.Snapshot, l *locales.Language, shape chat.Shape, w io.Writer) error {
	return newSketch(s, l, shape, c.types).render(provider, c.font, w)
}

// RenderRektOn draws what was liquidated with any go-chart renderer.
func (c *Charts) RenderRektOn(provider chart.RendererProvider, s *snapshot.Snapshot, span time.Duration, l *locales.Language, shape chat.Shape, w io.Writer) error {
	return newRektSketch(s, span, l, shape, c.types).render(provider, c.font, w)
}

// RenderHeatmapOn draws a heatmap with any go-chart renderer.
func (c *Charts) RenderHeatmapOn(provider chart.RendererProvider, m *snapshot.Heatmap, l *locales.Language, shape chat.Shape, w io.Writer) error {
	return newHeatSketch(m, l, shape, c.types).render(provider, c.font, w)
}

// HeatRamp is the colours of a heatmap, darkest first.
func HeatRamp() []drawing.Color { return heatRamp[:] }

// Renderer is the provider of the package's own renderer.
func (c *Charts) Renderer(width, height int) (chart.Renderer, error) {
	r := new(raster)
	r.begin(width, height, 1, c.types)
	return r, nil
}

// Has reports whether both weights have a glyph for a character.
func (c *Charts) Has(r rune) bool { return c.types.regular.has(r) && c.types.bold.has(r) }

// Width is the least width of a text at a size in either weight.
func (c *Charts) Width(text string, size int) float64 {
	return min(c.types.width(text, face{size: size}), c.types.width(text, face{size: size, bold: true}))
}

// Cached counts the pictures that are kept.
func (c *Charts) Cached() int {
	if pictures := c.cache.pictures.Load(); pictures != nil {
		return len(*pictures)
	}
	return 0
}

// Keep puts a picture into the cache without rendering one.
func (c *Charts) Keep(s *snapshot.Snapshot, l *locales.Language, shape chat.Shape, p *chat.Picture) {
	c.cache.store(newCacheKey(s, l, shape), s.Key, p)
}

// Visible is the price range of a wide map's plot.
func (c *Charts) Visible(s *snapshot.Snapshot) (low, high float64) {
	k := newSketch(s, locales.For(locales.Default), chat.Wide, c.types)
	return k.price.min, k.price.max
}

// Bars is the intensity of each bucket of a wide map, from the lowest price up.
func (c *Charts) Bars(s *snapshot.Snapshot) []float64 {
	k := newSketch(s, locales.For(locales.Default), chat.Wide, c.types)
	out := make([]float64, k.histogram.n)
	for i := range out {
		out[i] = k.histogram.bucketSum(i)
	}
	return out
}

// Spread moves pills of these half lengths and returns their centres.
func Spread(at, half []float64, low, high float64) []float64 {
	pills := make([]pill, len(at))
	for i := range at {
		pills[i] = pill{at: at[i], centre: at[i], half: half[i]}
	}
	spread(pills, low, high)
	centres := make([]float64, len(at))
	for i, p := range pills {
		centres[i] = p.centre
	}
	return centres
}

// Plain is a wide map as numbers, for drawing it with something else.
type Plain struct {
	Low     float64   `json:"low"`
	High    float64   `json:"high"`
	Mark    float64   `json:"mark"`
	Tallest float64   `json:"tallest"`
	Total   float64   `json:"total"`
	Long    PlainSide `json:"long"`
	Short   PlainSide `json:"short"`
	Texts   []string  `json:"texts"`
	Legend  []string  `json:"legend"`
}

// PlainSide is one side of a Plain: for each bucket its price and, by exchange, its
// amount; the points of the curve; the key level.
type PlainSide struct {
	Step    float64      `json:"step"`
	Prices  []float64    `json:"prices"`
	Amounts [][]float64  `json:"amounts"`
	Curve   [][2]float64 `json:"curve"`
	Key     float64      `json:"key"`
	Label   string       `json:"label"`
}

// PlainMap works out a map without drawing it. It needs both key levels.
func (c *Charts) PlainMap(s *snapshot.Snapshot, l *locales.Language) Plain {
	k := newSketch(s, l, chat.Wide, c.types)
	h := k.histogram
	side := func(of market.Side, from, to int, label string, key float64) PlainSide {
		out := PlainSide{Step: h.step, Key: key, Label: label, Amounts: make([][]float64, h.layers)}
		for i := from; i < to; i++ {
			out.Prices = append(out.Prices, h.low+float64(i)*h.step)
			for v := range h.layers {
				out.Amounts[v] = append(out.Amounts[v], h.sums[i*h.layers+v])
			}
		}
		for _, p := range h.curve(of) {
			out.Curve = append(out.Curve, [2]float64{p.PriceUSD, p.CumulativeUSD})
		}
		return out
	}
	w := k.words
	return Plain{
		Low: h.low, High: h.high(), Mark: k.mark, Tallest: h.tallest, Total: h.total, Legend: k.legend,
		Long:  side(market.Long, 0, h.below, w.long.price, s.Summary.Below.PriceUSD),
		Short: side(market.Short, h.below, h.n, w.short.price, s.Summary.Above.PriceUSD),
		Texts: []string{w.title, w.verdict, w.long.total, w.short.total, w.long.condition, w.short.condition, w.mark, w.source},
	}
}
