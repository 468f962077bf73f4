package charts

import (
	"io"

	chart "github.com/wcharczuk/go-chart/v2"

	"liqbot/chat"
	"liqbot/locales"
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
