package charts

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/golang/freetype/truetype"
	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// Rekt returns the picture of what was liquidated in a span: bars over time, shorts up
// and longs down, by exchange. It is kept like the map's. The snapshot has to have
// Realised.
func (c *Charts) Rekt(ctx context.Context, s *snapshot.Snapshot, span time.Duration, l *locales.Language, shape chat.Shape) (*chat.Picture, error) {
	l = l.In(nil) // a picture is for everyone
	key := newCacheKey(s, l, shape)
	key.span = span
	name := "rekt-" + strconv.Itoa(int(span/time.Minute)) + "-" + pictureName(s, l, shape)
	return c.kept(ctx, s, key, name, func() (*chat.Picture, error) { return c.rektPicture(s, span, l, shape, name) })
}

// RenderRekt draws the picture of Rekt without the cache and returns the PNG file.
// Equal input gives equal bytes.
func (c *Charts) RenderRekt(s *snapshot.Snapshot, span time.Duration, l *locales.Language, shape chat.Shape) ([]byte, error) {
	return c.draw(s.Key, shape, func(provider chart.RendererProvider, w io.Writer) error {
		return newRektSketch(s, span, l, shape, c.types).render(provider, c.font, w)
	})
}

// rektPicture renders and describes. A panic here would end the process, since it runs
// in a goroutine of its own.
func (c *Charts) rektPicture(s *snapshot.Snapshot, span time.Duration, l *locales.Language, shape chat.Shape, name string) (p *chat.Picture, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("charts: %s liquidated: panic: %v", s.Key, r)
		}
	}()
	began := time.Now()
	png, err := c.RenderRekt(s, span, l, shape)
	if err != nil {
		return nil, err
	}
	c.rendered(time.Since(began))
	m := measuresOf(shape)
	w := rektWords(s, s.Realised.Sum(span), span, l)
	hours := strconv.Itoa(int(span/time.Hour)) + "h"
	p = &chat.Picture{
		PNG: png, Name: strings.Replace(fileName(snapshot.Key{Coin: s.Key.Coin, Window: market.Window(hours)}), "liq-", "rekt-", 1),
		Alt: rektAlt(s, span, w, l), Width: m.width, Height: m.height, Key: name,
	}
	if s.ID == 0 {
		p.Key = fmt.Sprintf("rekt-%x", sha256.Sum256(png))
	}
	return p, nil
}

// rektWords is every text on the picture but the labels of the axes.
func rektWords(s *snapshot.Snapshot, sum snapshot.RealisedSum, span time.Duration, l *locales.Language) words {
	side := func(usd float64, label, none string) sideWords {
		if usd == 0 {
			return sideWords{none: none}
		}
		return sideWords{total: l.Amount(usd), condition: label, brief: label, distance: l.WholePercent(usd / sum.TotalUSD())}
	}
	w := words{
		title:    l.Say("rektchart.title", "coin", string(s.Key.Coin)),
		note:     l.Say("rektchart.reported", "span", l.Count("span.hours", int(span/time.Hour))),
		verdict:  rektVerdict(sum, l),
		relative: l.Say("rektchart.bound"),
		source:   l.Say("chart.source", "source", s.Map.Provenance().Source, "time", l.DateTime(sum.To)),
		long:     side(sum.LongUSD, l.Say("rektchart.longs"), l.Say("rektchart.no_longs")),
		short:    side(sum.ShortUSD, l.Say("rektchart.shorts"), l.Say("rektchart.no_shorts")),
	}
	switch recorded := s.Price.Provenance.RecordedAt; {
	case s.Demo():
		w.unreal = l.Say("chart.demo")
	case !recorded.IsZero():
		w.unreal, w.recorded = l.Say("chart.recorded"), l.DateTime(recorded)
	}
	return w
}

func rektVerdict(sum snapshot.RealisedSum, l *locales.Language) string {
	switch i := sum.Imbalance(); {
	case sum.TotalUSD() == 0:
		return l.Say("rektchart.nothing")
	case i.Reading == liquidation.LongHeavy:
		return l.Say("rektchart.longs_more", "times", l.Times(i.Ratio))
	case i.Reading == liquidation.ShortHeavy:
		return l.Say("rektchart.shorts_more", "times", l.Times(i.Ratio))
	case i.Reading == liquidation.Balanced:
		return l.Say("rektchart.even", "times", l.Times(i.Ratio))
	case sum.LongUSD > sum.ShortUSD:
		return l.Say("rektchart.only_longs")
	default:
		return l.Say("rektchart.only_shorts")
	}
}

// rektAlt describes the picture to those who do not see it.
func rektAlt(s *snapshot.Snapshot, span time.Duration, w words, l *locales.Language) string {
	spoken := func(w sideWords) string {
		if w.none != "" {
			return w.none
		}
		return w.total + " (" + w.distance + ")"
	}
	text := l.Say("rekt.alt", "coin", string(s.Key.Coin), "span", l.Count("span.hours", int(span/time.Hour)),
		"long", spoken(w.long), "short", spoken(w.short), "reading", w.verdict)
	if w.unreal != "" {
		text = strings.TrimSpace(w.unreal+" "+w.recorded) + ". " + text
	}
	return text
}

// rektSketch is one picture of realised liquidations being made. The sketch in it lends
// the header, the footer and the writing; its map is not there.
type rektSketch struct {
	*sketch
	bars snapshot.RealisedBars
	// layers is how many shades the bars have; pixels is the width of a bar and its gap.
	layers, pixels int
	usd            scale
	usdTicks       []tick
	// unseen is up to where no exchange was watched, in pixels from the plot's left.
	unseen int
}

// Places of the plot in pixels.
const (
	rektWideTop     = 206
	rektPortraitTop = 352
)

// rektSteps are the length of a bar and the time between two labels for each span. A
// portrait has room for half as many bars that a phone shows apart.
func rektSteps(span time.Duration, up bool) (bar, label time.Duration) {
	switch {
	case span <= time.Hour:
		return market.RealisedLength, 15 * time.Minute
	case span <= 4*time.Hour:
		return market.RealisedLength, time.Hour
	case span <= 12*time.Hour && up:
		return 3 * market.RealisedLength, 3 * time.Hour
	case span <= 12*time.Hour:
		return 2 * market.RealisedLength, 3 * time.Hour
	case up:
		return 6 * market.RealisedLength, 6 * time.Hour
	default:
		return 3 * market.RealisedLength, 6 * time.Hour
	}
}

// newRektSketch works out everything but pixels.
func newRektSketch(s *snapshot.Snapshot, span time.Duration, l *locales.Language, shape chat.Shape, types *typesetter) *rektSketch {
	step, _ := rektSteps(span, shape == chat.Portrait)
	sum := s.Realised.Sum(span)
	k := &rektSketch{
		sketch: &sketch{types: types, language: l, m: measuresOf(shape), words: rektWords(s, sum, span, l)},
		bars:   s.Realised.Bars(span, step),
	}
	if total := sum.TotalUSD(); total > 0 && !math.IsInf(total, 0) {
		k.split = [2]float64{sum.LongUSD / total, sum.ShortUSD / total}
	}
	for i, v := range k.bars.Venues {
		switch {
		case i < maxShades-1 || len(k.bars.Venues) == maxShades:
			k.legend = append(k.legend, string(v))
		case i == maxShades-1:
			k.legend = append(k.legend, l.Say("chart.other_venues"))
		}
	}
	k.layers = len(k.legend)
	k.scaleUSD()
	k.placePlot()
	k.unseen = k.unwatched(s.Realised)
	return k
}

// scaleUSD makes the scale large enough for the tallest bar of either side.
func (k *rektSketch) scaleUSD() {
	tallest := 0.0
	for b := range k.bars.Count {
		long, short := 0.0, 0.0
		for v := range k.bars.Venues {
			long += k.bars.Long[b*len(k.bars.Venues)+v]
			short += k.bars.Short[b*len(k.bars.Venues)+v]
		}
		tallest = max(tallest, long, short)
	}
	const most, free = 3, 1.04
	k.usd = scale{min: -1, max: 1}
	if market.Positive(tallest) {
		k.usd = scale{min: -free * tallest, max: free * tallest}
		k.usdTicks = amounts(labelled(0, tallest, most, k.language.AxisAmount))
	}
}

// placePlot chooses the plot's box. What does not divide into bars is cut off.
func (k *rektSketch) placePlot() {
	k.plot = chart.Box{Left: wideGutter, Top: rektWideTop, Right: k.m.width - k.m.margin, Bottom: wideBottom}
	if k.m.up {
		gutter := k.m.margin + int(max(k.widest(k.usdTicks), k.types.width(utc, face{size: k.m.axis}))) + labelGap
		k.plot = chart.Box{Left: gutter, Top: rektPortraitTop, Right: k.m.width - k.m.margin, Bottom: portraitBottom}
	}
	k.pixels = max(1, k.plot.Width()/k.bars.Count)
	k.plot.Right = k.plot.Left + k.pixels*k.bars.Count
	k.price = scale{min: 0, max: float64(k.bars.Count), domain: k.plot.Width()}
	k.usd.domain = k.plot.Height()
}

// unwatched is the width of the time before the first exchange was watched. What was
// reported in it, before a gap, is drawn over it.
func (k *rektSketch) unwatched(r *snapshot.Realised) int {
	var first time.Time
	for _, w := range r.Watched {
		if first.IsZero() || w.Since.Before(first) {
			first = w.Since
		}
	}
	width := int(first.Sub(k.bars.Start).Seconds() / k.bars.Step.Seconds() * float64(k.pixels))
	if first.IsZero() || width <= 0 {
		return 0
	}
	return min(width, k.plot.Width())
}

// render draws the sketch with go-chart on the renderer of a provider.
func (k *rektSketch) render(provider chart.RendererProvider, font *truetype.Font, w io.Writer) error {
	// The zero style would be taken for "inherit": a white canvas with a border.
	clear := chart.Style{FillColor: drawing.ColorTransparent, StrokeColor: drawing.ColorTransparent}
	c := chart.Chart{
		Width: k.m.width, Height: k.m.height, DPI: 72, Font: font,
		Background: chart.Style{FillColor: background, StrokeColor: drawing.ColorTransparent}, Canvas: clear,
		XAxis: chart.XAxis{Style: chart.Hidden(), Range: &k.price},
		YAxis: chart.YAxis{Style: chart.Hidden(), Range: &k.usd},
		// Without a range go-chart would look for one in series, which have none.
		YAxisSecondary: chart.YAxis{Style: chart.Hidden(), Range: &scale{max: 1}},
		Series: []chart.Series{
			layer{name: "backdrop", draw: k.drawTime},
			layer{name: "bars", draw: k.drawLost},
		},
		Elements: []chart.Renderable{k.element(k.drawScales), k.element(k.drawFooter)},
	}
	header := k.drawWideHeader
	if k.m.up {
		header = k.drawPortraitHeader
	}
	c.Elements = append(c.Elements, k.element(header))
	c.Background.Padding = chart.Box{
		Top: k.plot.Top, Left: k.plot.Left, Right: k.m.width - k.plot.Right, Bottom: k.m.height - k.plot.Bottom, IsSet: true,
	}
	return c.Render(provider, w)
}

// zero is the y of the base line.
func (k *rektSketch) zero() int { return k.plot.Bottom - k.usd.Translate(0) }

// drawTime draws what lies behind the bars.
func (k *rektSketch) drawTime(p pen, box chart.Box, _, _ chart.Range) {
	k.drawWatermark(p)
	if k.unseen > 0 {
		p.rect(chart.Box{Left: box.Left, Right: box.Left + k.unseen, Top: box.Top, Bottom: box.Bottom}, gridLine)
		f := face{size: k.m.small}
		if text := k.language.Say("rektchart.unwatched"); k.types.width(text, f)+2*labelGap <= float64(k.unseen) {
			k.left(p, text, float64(box.Left+labelGap), float64(box.Top)+1.6*float64(f.size), f, secondary)
		}
	}
	for _, t := range k.usdTicks {
		for _, v := range []float64{t.value, -t.value} {
			y := box.Bottom - k.usd.Translate(v)
			p.rect(chart.Box{Left: box.Left, Right: box.Right, Top: y, Bottom: y + 1}, gridLine)
		}
	}
}

// drawLost draws the bars, one exchange after the other from the base line: shorts up,
// as a rising price liquidates them, longs down.
func (k *rektSketch) drawLost(p pen, box chart.Box, _, _ chart.Range) {
	zero, n := k.zero(), len(k.bars.Venues)
	for b := range k.bars.Count {
		left := box.Left + b*k.pixels
		right := left + k.pixels - min(max(k.m.gap, k.pixels/5), 10)
		k.stack(k.bars.Short[b*n:(b+1)*n], func(from, to, shade int) {
			p.rect(chart.Box{Left: left, Right: right, Top: zero - to, Bottom: zero - from}, shortColors.shades[shade])
		})
		k.stack(k.bars.Long[b*n:(b+1)*n], func(from, to, shade int) {
			p.rect(chart.Box{Left: left, Right: right, Top: zero + from, Bottom: zero + to}, longColors.shades[shade])
		})
	}
	p.rect(chart.Box{Left: box.Left, Right: box.Right, Top: zero - 1, Bottom: zero + 1}, axisLine)
}

// stack calls draw for each exchange's part of a bar, in pixels out from the base line.
// What is there at all is at least two pixels long.
func (k *rektSketch) stack(usd []float64, draw func(from, to, shade int)) {
	unit := float64(k.usd.domain) / k.usd.GetDelta()
	sum, from := 0.0, 0
	for v, add := range usd {
		if sum += add; add <= 0 {
			continue
		}
		to := int(math.Round(sum * unit))
		if from == 0 {
			to = max(to, 2)
		}
		if from < to {
			draw(from, to, shade(min(v, k.layers-1), k.layers))
			from = to
		}
	}
}

// utc is the zone of the times below the bars.
const utc = "UTC"

// drawScales writes the labels of both axes.
func (k *rektSketch) drawScales(p pen) {
	f := face{size: k.m.axis}
	half := capHeight * float64(f.size) / 2
	room := float64(k.plot.Left - labelGap - edge)
	for _, t := range k.usdTicks {
		label, f := k.types.shrink(t.label, f, k.m.least, room)
		for _, v := range []float64{t.value, -t.value} {
			k.right(p, label, float64(k.plot.Left-labelGap), float64(k.plot.Bottom-k.usd.Translate(v))+half, f, secondary)
		}
	}
	y := float64(k.plot.Bottom) + 1.4*float64(f.size)
	k.right(p, utc, float64(k.plot.Left-labelGap), y, f, secondary)
	for _, at := range k.times() {
		x := float64(k.plot.Left) + at.Sub(k.bars.Start).Seconds()/k.bars.Step.Seconds()*float64(k.pixels)
		p.rect(chart.Box{Left: int(x), Right: int(x) + 2, Top: k.plot.Bottom, Bottom: k.plot.Bottom + 7}, axisLine)
		label := at.UTC().Format(clock)
		wide := k.types.width(label, f) / 2
		if x-wide >= float64(k.plot.Left) && x+wide <= float64(k.m.width-edge) {
			k.centre(p, label, x, y, f, secondary)
		}
	}
}

// clock is how a time is written on an axis, in every language.
const clock = "15:04"

// times are the moments that are labelled.
func (k *rektSketch) times() []time.Time {
	end := k.bars.Start.Add(time.Duration(k.bars.Count) * k.bars.Step)
	_, step := rektSteps(end.Sub(k.bars.Start)-k.bars.Step, k.m.up)
	var out []time.Time
	for at := k.bars.Start.Truncate(step); !at.After(end); at = at.Add(step) {
		if !at.Before(k.bars.Start) {
			out = append(out, at)
		}
	}
	return out
}
