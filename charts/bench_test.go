package charts_test

import (
	"encoding/json"
	"flag"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	chart "github.com/wcharczuk/go-chart/v2"

	"liqbot/chat"
	"liqbot/locales"
)

// BenchmarkLiquidationMap draws a picture that is in no cache, its texts laid out
// before.
func BenchmarkLiquidationMap(b *testing.B) {
	c := newCharts(b)
	s, l := btc().build(b), locales.For("en")
	for shape, name := range shapes {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				png, err := c.Render(s, l, shape)
				if err != nil {
					b.Fatal(err)
				}
				size = len(png)
			}
			b.ReportMetric(float64(size), "png-bytes")
		})
	}
}

// BenchmarkStockGoChart draws the same map with the renderer that comes with
// go-chart: the same chart.Chart, every bar through Draw.Box.
func BenchmarkStockGoChart(b *testing.B) {
	c := newCharts(b)
	s, l := btc().build(b), locales.For("en")
	b.ReportAllocs()
	for b.Loop() {
		if err := c.RenderOn(chart.PNG, s, l, chat.Wide, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRatio draws both in turn and reports how many times faster the map is
// than with the stock renderer: a ratio of medians holds on a noisy machine.
func BenchmarkRatio(b *testing.B) {
	c := newCharts(b)
	s, l := btc().build(b), locales.For("en")
	var stock, own []time.Duration
	took := func(draw func() error) time.Duration {
		start := time.Now()
		if err := draw(); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	for b.Loop() {
		stock = append(stock, took(func() error { return c.RenderOn(chart.PNG, s, l, chat.Wide, io.Discard) }))
		for range 5 {
			own = append(own, took(func() error { _, err := c.Render(s, l, chat.Wide); return err }))
		}
	}
	slices.Sort(stock)
	slices.Sort(own)
	b.ReportMetric(float64(stock[len(stock)/2])/float64(own[len(own)/2]), "x_stock")
	b.ReportMetric(float64(own[len(own)/2].Microseconds())/1000, "ms_own")
	b.ReportMetric(float64(stock[len(stock)/2].Microseconds())/1000, "ms_stock")
	b.ReportMetric(0, "ns/op")
}

var plain = flag.String("plain", "", "write the benchmark's map as JSON to this file, for bench/matplotlib.py")

// TestWritePlainMap hands the benchmark's map to bench/compare.sh.
func TestWritePlainMap(t *testing.T) {
	if *plain == "" {
		t.Skip("no -plain file given")
	}
	data, err := json.Marshal(newCharts(t).PlainMap(btc().build(t), locales.For("en")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*plain, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
