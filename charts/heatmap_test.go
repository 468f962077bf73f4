package charts_test

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	chart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"liqbot/charts"
	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// standing is an invented market of a window replayed through the estimator: what a
// source would hand over.
func standing(coin market.Coin, window market.Window, markUSD, restless float64) *snapshot.Heatmap {
	step := 15 * time.Minute
	if window == market.Week {
		step = time.Hour
	}
	model, err := liquidation.NewModel(liquidation.Recommended(coin))
	if err != nil {
		panic(err)
	}
	length := step / 3
	h := &snapshot.Heatmap{
		ID: 1, Coin: coin, Window: window, Step: step, Columns: int(window.Duration() / step), CandleVenue: "Binance", BarLength: length,
		Ratio: math.Exp(20e-4), Provenance: market.Provenance{Source: "Exchanges", Origin: market.Estimate, AsOf: asOf, Venues: venues},
	}
	h.Start = asOf.Add(-window.Duration())
	h.Candles = make([]snapshot.HeatCandle, h.Columns)
	bars := wander(h.Start.Add(-36*time.Hour), asOf, length, markUSD, restless)
	e := model.NewEstimator()
	low, high := math.Inf(1), 0.0
	for _, b := range bars {
		if !b.Start.Before(h.Start) {
			low, high = min(low, b.LowUSD), max(high, b.HighUSD)
		}
	}
	first := math.Floor(math.Log(low*0.92) / 20e-4)
	h.LowUSD = math.Exp(first * 20e-4)
	h.Rows = int(math.Ceil(math.Log(high*1.08)/20e-4) - first)
	h.Cells = make([]float32, h.Columns*h.Rows)
	for _, b := range bars {
		if _, err := e.Step(b); err != nil {
			panic(err)
		}
		if b.Start.Before(h.Start) {
			continue
		}
		column := int(b.Start.Sub(h.Start) / step)
		c := &h.Candles[column]
		if !c.Known() {
			c.OpenUSD, c.LowUSD = b.OpenUSD, b.LowUSD
		}
		c.LowUSD, c.HighUSD, c.CloseUSD = min(c.LowUSD, b.LowUSD), max(c.HighUSD, b.HighUSD), b.CloseUSD
		if !b.End().Before(h.Start.Add(time.Duration(column+1) * step)) {
			for _, l := range e.Levels(b.CloseUSD, 0.002) {
				if row := int(math.Floor(math.Log(l.PriceUSD/h.LowUSD) / math.Log(h.Ratio))); row >= 0 && row < h.Rows {
					h.Column(column)[row] += float32(l.IntensityUSD)
				}
			}
		}
	}
	h.Price = market.Price{USD: bars[len(bars)-1].CloseUSD, Kind: market.MarkPrice, Provenance: h.Provenance}
	return h
}

// wander is bars of a price that is restless.
func wander(from, to time.Time, length time.Duration, usd, restless float64) []liquidation.Bar {
	rng := rand.New(rand.NewPCG(5, 8))
	var bars []liquidation.Bar
	price, drift := usd, 0.0
	for at := from; at.Before(to); at = at.Add(length) {
		drift = 0.97*drift + 0.0002*restless*rng.NormFloat64()
		b := liquidation.Bar{Start: at, Length: length, OpenUSD: price, VolumeCoins: 1e9 / usd * rng.ExpFloat64(), OpenInterestCoins: 9e9 / usd}
		b.HighUSD, b.LowUSD = price, price
		for range 6 {
			price *= 1 + drift/6 + 0.0005*restless*rng.NormFloat64()
			b.HighUSD, b.LowUSD = max(b.HighUSD, price), min(b.LowUSD, price)
		}
		b.CloseUSD = price
		bars = append(bars, b)
	}
	return bars
}

// heatCases are heatmaps at the border of what the picture can show. They are made once,
// since the replays take a while; nobody changes them.
var heatCases = sync.OnceValue(func() map[string]*snapshot.Heatmap {
	day, week := standing("BTC", market.Day, 90_131.71, 1), standing("BTC", market.Week, 90_131.71, 1)
	changed := func(h *snapshot.Heatmap, change func(*snapshot.Heatmap)) *snapshot.Heatmap {
		c := *h
		c.Cells, c.Candles = append([]float32{}, h.Cells...), append([]snapshot.HeatCandle{}, h.Candles...)
		change(&c)
		return &c
	}
	return map[string]*snapshot.Heatmap{
		"day": day, "week": week,
		"demo": changed(day, func(h *snapshot.Heatmap) { h.Provenance.Demo, h.Provenance.Source = true, "demo" }),
		"recorded": changed(week, func(h *snapshot.Heatmap) {
			h.Provenance.RecordedAt = asOf.AddDate(0, -5, 0)
		}),
		"young": changed(week, func(h *snapshot.Heatmap) {
			h.Drawn = 24
			clear(h.Cells[:h.Drawn*h.Rows])
		}),
		"last-column": changed(week, func(h *snapshot.Heatmap) {
			h.Drawn = h.Columns - 1
			clear(h.Cells[:h.Drawn*h.Rows])
		}),
		"nothing":    changed(day, func(h *snapshot.Heatmap) { clear(h.Cells) }),
		"no-candles": changed(day, func(h *snapshot.Heatmap) { clear(h.Candles) }),
		"missing": changed(day, func(h *snapshot.Heatmap) {
			h.Provenance.Missing, h.Partly = []market.Venue{"Gate", "HTX", "An exchange with a very long name"}, []market.Venue{"OKX"}
		}),
		"at-the-top":    changed(day, func(h *snapshot.Heatmap) { h.Price.USD = h.HighUSD() }),
		"at-the-bottom": changed(day, func(h *snapshot.Heatmap) { h.Price.USD = h.LowUSD }),
		"one-huge":      changed(day, func(h *snapshot.Heatmap) { h.Cells[40*h.Rows+30] = 1e13 }),
		"minute":        changed(day, func(h *snapshot.Heatmap) { scaleCells(h, 1e-9) }),
		"vast":          changed(day, func(h *snapshot.Heatmap) { scaleCells(h, 1e9) }),
		"restless":      standing("SOL", market.Week, 142.3, 6),
		"tiny-price":    standing("1000PEPE", market.Day, 0.0000043, 3),
		"long-name":     changed(standing("ABCDEFGHIJKLMNOPQRST", market.Week, 90.1, 2), func(h *snapshot.Heatmap) { h.Provenance.Demo = true }),
		"huge-price":    standing("BTCDOM", market.Week, 3.7e6, 1),
	}
})

func scaleCells(h *snapshot.Heatmap, by float32) {
	for i := range h.Cells {
		h.Cells[i] *= by
	}
}

func TestHeatmapGolden(t *testing.T) {
	c := newCharts(t)
	cases := heatCases()
	for _, tt := range []struct {
		name, of, language string
		shape              chat.Shape
	}{
		{"heatmap-day-wide-en", "day", "en", chat.Wide},
		{"heatmap-week-portrait-en", "week", "en", chat.Portrait},
		{"heatmap-demo-portrait-zh-Hans", "demo", "zh-Hans", chat.Portrait},
		{"heatmap-young-wide-ru", "young", "ru", chat.Wide},
		{"heatmap-restless-portrait-ru", "restless", "ru", chat.Portrait},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := c.RenderHeatmap(cases[tt.of], locales.For(tt.language), tt.shape)
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

// maxHeatBytes is how large a heatmap may be: the noise of a restless market does not
// compress.
const maxHeatBytes = 75_000

func TestHeatmapEdgeCases(t *testing.T) {
	c := newCharts(t)
	for name, h := range heatCases() {
		for shape, shapeName := range shapes {
			for _, tag := range someTags() {
				title := fmt.Sprintf("%s-%s-%s", name, shapeName, tag)
				var rec *recorder
				var canvas image.Rectangle
				provider := func(width, height int) (chart.Renderer, error) {
					inner, err := c.Renderer(width, height)
					rec, canvas = &recorder{Renderer: inner, charts: c}, image.Rect(0, 0, width, height)
					return rec, err
				}
				if err := c.RenderHeatmapOn(provider, h, locales.For(tag), shape, io.Discard); err != nil {
					t.Fatal(err)
				}
				checkLabels(t, title, rec.labels, canvas)
				png, err := c.RenderHeatmap(h, locales.For(tag), shape)
				if err != nil {
					t.Fatal(err)
				}
				if len(png) > maxHeatBytes {
					t.Errorf("%s: %d bytes", title, len(png))
				}
				if *gallery != "" {
					if err := os.WriteFile(filepath.Join(*gallery, "heatmap-"+title+".png"), png, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

func TestHeatmapIsKeptBesideTheMap(t *testing.T) {
	c := newCharts(t)
	h, l := heatCases()["demo"], locales.For("en")
	first, err := c.Heatmap(t.Context(), h, l, chat.Wide)
	if err != nil {
		t.Fatal(err)
	}
	market1d := btc()
	market1d.window = market.Day
	s := market1d.build(t) // with the same ID, coin and window
	m, err := c.LiquidationMap(t.Context(), s, l, chat.Wide)
	if err != nil || bytes.Equal(m.PNG, first.PNG) || m.Key == first.Key {
		t.Errorf("the map is the same picture %q, error %v", m.Key, err)
	}
	again, err := c.Heatmap(t.Context(), h, l, chat.Wide)
	if err != nil || again != first {
		t.Errorf("made twice, error %v", err)
	}
	newer := *s
	newer.ID = 7
	if _, err := c.LiquidationMap(t.Context(), &newer, l, chat.Wide); err != nil {
		t.Fatal(err)
	}
	if again, err := c.Heatmap(t.Context(), h, l, chat.Wide); err != nil || again != first {
		t.Errorf("a newer map took the heatmap's place, error %v", err)
	}
	if first.Name != "heatmap-btc-1d.png" || first.Width != 1280 || first.Height != 720 {
		t.Errorf("name %q, %dx%d", first.Name, first.Width, first.Height)
	}
	for _, want := range []string{"DEMO", "BTC", "liquidation heatmap", l.Price(h.Price.USD), "above", "below"} {
		if !strings.Contains(first.Alt, want) {
			t.Errorf("alt %q lacks %q", first.Alt, want)
		}
	}
	unnamed := *h
	unnamed.ID = 0
	p, err := c.Heatmap(t.Context(), &unnamed, l, chat.Wide)
	if err != nil || !bytes.Equal(p.PNG, first.PNG) || p.Key == first.Key {
		t.Errorf("equal input gives other bytes or the same key %q, error %v", p.Key, err)
	}
	unnamed.Cells = nil
	if _, err := c.Heatmap(t.Context(), &unnamed, l, chat.Wide); err == nil {
		t.Error("a picture of nothing")
	}
}

// Lightness alone has to order the colours, for each kind of colour blindness, and the
// brightest must stay behind white candles.
func TestHeatRampReadsWithoutColour(t *testing.T) {
	linear := func(v uint8) float64 { return math.Pow(float64(v)/255, 2.2) }
	// Machado, Oliveira and Fernandes 2009, severity 1; doi:10.1109/TVCG.2009.113
	eyes := map[string][3][3]float64{
		"all cones":    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
		"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
		"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
		"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
	}
	for eye, m := range eyes {
		light := func(c drawing.Color) float64 {
			rgb := [3]float64{linear(c.R), linear(c.G), linear(c.B)}
			sum := 0.0
			for i, weight := range [3]float64{0.2126, 0.7152, 0.0722} {
				sum += weight * max(0, m[i][0]*rgb[0]+m[i][1]*rgb[1]+m[i][2]*rgb[2])
			}
			return sum
		}
		last := -1.0
		for i, c := range charts.HeatRamp() {
			if now := light(c); now <= last {
				t.Errorf("%s: colour %d of lightness %.4f after %.4f", eye, i, now, last)
			} else {
				last = now
			}
		}
		if last > 0.8 {
			t.Errorf("%s: the brightest has %.2f, too near to white", eye, last)
		}
	}
}

// BenchmarkHeatmap draws a picture that is in no cache, its texts laid out before.
func BenchmarkHeatmap(b *testing.B) {
	c := newCharts(b)
	h, l := standing("BTC", market.Week, 90_131.71, 1), locales.For("en")
	for shape, name := range shapes {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				png, err := c.RenderHeatmap(h, l, shape)
				if err != nil {
					b.Fatal(err)
				}
				size = len(png)
			}
			b.ReportMetric(float64(size), "png-bytes")
		})
	}
}
