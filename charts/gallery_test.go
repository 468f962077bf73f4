package charts_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"liqbot/charts"
	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
)

var gallery = flag.String("gallery", "", "write a picture of every language, shape and edge case to this folder")

var shapes = map[chat.Shape]string{chat.Wide: "wide", chat.Portrait: "portrait"}

// edgeCases are markets at the border of what a map can show.
func edgeCases() map[string]sample {
	level := func(price, intensity float64, of market.Side, v market.Venue) liquidation.Level {
		return liquidation.Level{PriceUSD: price, Side: of, IntensityUSD: intensity, Venue: v}
	}
	side := func(of market.Side) func(liquidation.Level) bool {
		return func(l liquidation.Level) bool { return l.Side == of }
	}
	b := btc()
	cases := map[string]sample{
		"live":         b,
		"demo":         b.demo(),
		"recorded":     b.recorded(),
		"only-shorts":  b.only(side(market.Short)),
		"only-longs":   b.only(side(market.Long)),
		"single-level": b.with(level(94681, 2.7e9, market.Short, "Binance")),
		"two-levels":   b.with(level(94681, 2.7e9, market.Short, "Binance"), level(86137, 1.5e9, market.Long, "Binance")),
		"far-away":     b.with(level(150000, 2.7e9, market.Short, "OKX"), level(60000, 1.5e9, market.Long, "OKX")),
		"absurdly-far": b.with(level(9e12, 1, market.Short, "OKX"), level(1e-9, 1, market.Long, "OKX")),
		"very-near":    b.with(level(90131.8, 2e9, market.Short, "OKX"), level(90131.6, 1e9, market.Long, "OKX")),
		"one-price":    b.with(sameLevel(300)...),
		"thirty":       b.with(manyVenues(b.levels)...),
		"one-unknown":  b.with(noVenue(b.levels)...),
		"two-named":    b.only(func(l liquidation.Level) bool { return l.Venue == "Binance" || l.Venue == "OKX" }),
		"tiny-price":   b.scaled("1000PEPE", 0.0000043/90131.71),
		"huge-price":   b.scaled("BTCDOMINATION", 1e6/90131.71*3.7),
		"long-name":    b.scaled("ABCDEFGHIJKLMNOPQRST", 0.001).demo(),
		"skewed":       b.with(append(append([]liquidation.Level{}, b.levels...), level(93000, 1e13, market.Short, "Gate"))...),
		"minute":       b.with(scaledIntensity(b.levels, 1e-12)...),
		"vast":         b.with(scaledIntensity(b.levels, 1e9)...),
		"venue-names":  b.with(hostileVenues(b.levels)...),
		"dense":        b.with(dense(100_000, b.markUSD)...),
	}
	return cases
}

func sameLevel(n int) []liquidation.Level {
	levels := make([]liquidation.Level, n)
	for i := range levels {
		levels[i] = liquidation.Level{PriceUSD: 91000, Side: market.Short, IntensityUSD: 1e6, Venue: venues[i%len(venues)]}
	}
	return levels
}

func manyVenues(levels []liquidation.Level) []liquidation.Level {
	out := make([]liquidation.Level, len(levels))
	for i, l := range levels {
		l.Venue = market.Venue(fmt.Sprintf("Exchange %d", i*7%30))
		out[i] = l
	}
	return out
}

func hostileVenues(levels []liquidation.Level) []liquidation.Level {
	names := []market.Venue{"<b>x</b>", "A very long name of an exchange that nobody would choose for themselves", "交易所", "\u202egnitset", "🏦 Bank\n\tLine", "\xff\xfe"}
	out := make([]liquidation.Level, len(levels))
	for i, l := range levels {
		l.Venue = names[i%len(names)]
		out[i] = l
	}
	return out
}

func noVenue(levels []liquidation.Level) []liquidation.Level {
	out := make([]liquidation.Level, len(levels))
	for i, l := range levels {
		l.Venue = ""
		out[i] = l
	}
	return out
}

func scaledIntensity(levels []liquidation.Level, by float64) []liquidation.Level {
	out := make([]liquidation.Level, len(levels))
	for i, l := range levels {
		l.IntensityUSD *= by
		out[i] = l
	}
	return out
}

func dense(n int, mark float64) []liquidation.Level {
	levels := make([]liquidation.Level, n)
	for i := range levels {
		distance := 0.00001 + 0.1*float64(i)/float64(n)
		l := liquidation.Level{PriceUSD: mark * (1 + distance), Side: market.Short, Venue: venues[i%len(venues)]}
		if i%2 == 0 {
			l.PriceUSD, l.Side = mark*(1-distance), market.Long
		}
		l.IntensityUSD = 1e5 * (1.2 + math.Sin(float64(i)/900))
		levels[i] = l
	}
	return levels
}

// TestGallery writes pictures for people to look at.
func TestGallery(t *testing.T) {
	if *gallery == "" {
		t.Skip("no -gallery folder given")
	}
	c := newCharts(t)
	for name, s := range edgeCases() {
		for _, tag := range locales.Tags() {
			if tag != locales.Default && name != "live" && name != "demo" && name != "recorded" && name != "only-longs" {
				continue
			}
			for shape, shapeName := range shapes {
				png, err := c.Render(s.build(t), locales.For(tag), shape)
				if err != nil {
					t.Fatalf("render %s: %v", name, err)
				}
				file := filepath.Join(*gallery, fmt.Sprintf("%s-%s-%s.png", name, shapeName, tag))
				if err := os.WriteFile(file, png, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func newCharts(tb testing.TB) *charts.Charts {
	tb.Helper()
	c, err := charts.New()
	if err != nil {
		tb.Fatalf("new charts: %v", err)
	}
	return c
}
