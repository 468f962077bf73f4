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
	"testing"
	"time"

	chart "github.com/wcharczuk/go-chart/v2"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// lost is a day of forced orders: quiet, two falls and a rise.
func lost(asOf time.Time, names []market.Venue, scale float64) *snapshot.Realised {
	rng := rand.New(rand.NewPCG(11, 3))
	r := &snapshot.Realised{AsOf: asOf}
	wave := func(hours, at, width, height float64) float64 {
		off := (hours - at) / width
		return height * math.Exp(-off*off)
	}
	for i, v := range names {
		r.Watched = append(r.Watched, snapshot.WatchedVenue{Venue: v, Coverage: market.Sampled, Since: asOf.Add(-72 * time.Hour)})
		for minutes := 0; minutes <= 24*60; minutes += 5 {
			hours := float64(minutes) / 60
			long := 0.02 + wave(hours, 3.2, 0.25, 5.2) + wave(hours, 14, 0.5, 2.4) + wave(hours, 0.4, 0.2, 0.9)
			short := 0.03 + wave(hours, 8.5, 0.7, 1.7) + wave(hours, 20, 0.3, 0.8) + wave(hours, 0.8, 0.1, 0.3)
			part := scale * 1e6 / float64(i+1)
			row := market.Realised{
				Start: asOf.Truncate(market.RealisedLength).Add(-time.Duration(minutes) * time.Minute), Venue: v,
				LongUSD: long * part * rng.ExpFloat64(), ShortUSD: short * part * rng.ExpFloat64(), Orders: 3,
			}
			row.Largest = market.Liquidation{At: row.Start, Side: market.Long, Coins: row.LongUSD / 2 / 90000, PriceUSD: 90000}
			r.Rows = append(r.Rows, row)
		}
	}
	return r
}

// withLost is the sample market with what was liquidated in it.
func withLost(tb testing.TB, s sample, change func(*snapshot.Realised)) *snapshot.Snapshot {
	tb.Helper()
	built := s.build(tb)
	built.Realised = lost(asOf.Add(2*time.Minute+33*time.Second), venues[:4], 1)
	if change != nil {
		change(built.Realised)
	}
	return built
}

func keepRows(r *snapshot.Realised, keep func(*market.Realised) bool) {
	var rows []market.Realised
	for _, row := range r.Rows {
		if keep(&row) {
			rows = append(rows, row)
		}
	}
	r.Rows = rows
}

// rektCases are days at the border of what the picture can show.
func rektCases(tb testing.TB) map[string]*snapshot.Snapshot {
	tb.Helper()
	watchedFor := func(d time.Duration) func(*snapshot.Realised) {
		return func(r *snapshot.Realised) {
			for i := range r.Watched {
				r.Watched[i].Since = r.AsOf.Add(-d)
			}
			keepRows(r, func(row *market.Realised) bool { return !row.Start.Before(r.AsOf.Add(-d)) })
		}
	}
	long := btc().scaled("ABCDEFGHIJKLMNOPQRST", 0.001).demo()
	return map[string]*snapshot.Snapshot{
		"live":     withLost(tb, btc(), nil),
		"demo":     withLost(tb, btc().demo(), nil),
		"recorded": withLost(tb, btc().recorded(), nil),
		"only-longs": withLost(tb, btc(), func(r *snapshot.Realised) {
			keepRows(r, func(row *market.Realised) bool { row.ShortUSD = 0; return true })
		}),
		"only-shorts": withLost(tb, btc(), func(r *snapshot.Realised) {
			keepRows(r, func(row *market.Realised) bool { row.LongUSD = 0; return true })
		}),
		"nothing":   withLost(tb, btc(), func(r *snapshot.Realised) { r.Rows = nil }),
		"one-order": withLost(tb, btc(), func(r *snapshot.Realised) { r.Rows = r.Rows[3:4] }),
		"young":     withLost(tb, btc(), watchedFor(40*time.Minute)),
		"half-day":  withLost(tb, btc(), watchedFor(11*time.Hour)),
		"one-venue": withLost(tb, btc(), func(r *snapshot.Realised) {
			keepRows(r, func(row *market.Realised) bool { return row.Venue == venues[0] })
		}),
		"ten-venues": withLost(tb, btc(), func(r *snapshot.Realised) {
			*r = *lost(r.AsOf, []market.Venue{"A", "B", "C", "D", "E", "F", "G", "H", "I", "A very long name of an exchange"}, 1)
		}),
		"minute":    withLost(tb, btc(), func(r *snapshot.Realised) { *r = *lost(r.AsOf, venues[:4], 1e-7) }),
		"vast":      withLost(tb, btc(), func(r *snapshot.Realised) { *r = *lost(r.AsOf, venues[:4], 1e9) }),
		"long-name": withLost(tb, long, nil),
		"nobody":    withLost(tb, btc(), func(r *snapshot.Realised) { r.Watched, r.Rows = nil, nil }),
	}
}

var spans = []time.Duration{time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour}

func TestRektGolden(t *testing.T) {
	c := newCharts(t)
	cases := rektCases(t)
	for _, tt := range []struct {
		name, of, language string
		span               time.Duration
		shape              chat.Shape
	}{
		{"rekt-live-24h-wide-en", "live", "en", 24 * time.Hour, chat.Wide},
		{"rekt-live-24h-portrait-zh-Hans", "live", "zh-Hans", 24 * time.Hour, chat.Portrait},
		{"rekt-demo-4h-portrait-ru", "demo", "ru", 4 * time.Hour, chat.Portrait},
		{"rekt-half-day-24h-wide-ru", "half-day", "ru", 24 * time.Hour, chat.Wide},
		{"rekt-only-longs-1h-portrait-en", "only-longs", "en", time.Hour, chat.Portrait},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := c.RenderRekt(cases[tt.of], tt.span, locales.For(tt.language), tt.shape)
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

func TestRektEdgeCases(t *testing.T) {
	c := newCharts(t)
	for name, s := range rektCases(t) {
		for shape, shapeName := range shapes {
			for _, tag := range someTags() {
				for _, span := range spans {
					title := fmt.Sprintf("%s-%s-%s-%s", name, span, shapeName, tag)
					var rec *recorder
					var canvas image.Rectangle
					provider := func(width, height int) (chart.Renderer, error) {
						inner, err := c.Renderer(width, height)
						rec, canvas = &recorder{Renderer: inner, charts: c}, image.Rect(0, 0, width, height)
						return rec, err
					}
					if err := c.RenderRektOn(provider, s, span, locales.For(tag), shape, io.Discard); err != nil {
						t.Fatal(err)
					}
					checkLabels(t, title, rec.labels, canvas)
					png, err := c.RenderRekt(s, span, locales.For(tag), shape)
					if err != nil {
						t.Fatal(err)
					}
					if len(png) > maxBytes {
						t.Errorf("%s: %d bytes", title, len(png))
					}
					if *gallery != "" {
						if err := os.WriteFile(filepath.Join(*gallery, "rekt-"+title+".png"), png, 0o600); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
	}
}

func TestRektIsKeptBesideTheMap(t *testing.T) {
	c := newCharts(t)
	s, l := withLost(t, btc().demo(), nil), locales.For("en")
	first, err := c.Rekt(t.Context(), s, 4*time.Hour, l, chat.Wide)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Rekt(t.Context(), s, 4*time.Hour, l, chat.Wide)
	if err != nil || again != first {
		t.Errorf("made twice, error %v", err)
	}
	other, err := c.Rekt(t.Context(), s, time.Hour, l, chat.Wide)
	if err != nil || bytes.Equal(other.PNG, first.PNG) || other.Key == first.Key {
		t.Errorf("another span gives the same picture %q, error %v", other.Key, err)
	}
	m, err := c.LiquidationMap(t.Context(), s, l, chat.Wide)
	if err != nil || bytes.Equal(m.PNG, first.PNG) || m.Key == first.Key {
		t.Errorf("the map is the same picture %q, error %v", m.Key, err)
	}
	if first.Name != "rekt-btc-4h.png" || first.Width != 1280 || first.Height != 720 {
		t.Errorf("name %q, %dx%d", first.Name, first.Width, first.Height)
	}
	for _, want := range []string{"DEMO", "BTC", "4 hours", "at least", "Longs lost"} {
		if !strings.Contains(first.Alt, want) {
			t.Errorf("alt %q lacks %q", first.Alt, want)
		}
	}
	unnamed := *s
	unnamed.ID = 0
	if p, err := c.Rekt(t.Context(), &unnamed, time.Hour, l, chat.Wide); err != nil || !bytes.Equal(p.PNG, other.PNG) {
		t.Errorf("equal input gives other bytes, error %v", err)
	}
	unnamed.Realised = nil
	if _, err := c.Rekt(t.Context(), &unnamed, time.Hour, l, chat.Wide); err == nil {
		t.Error("a picture of nothing")
	}
}

// BenchmarkRekt draws a picture that is in no cache, its texts laid out before.
func BenchmarkRekt(b *testing.B) {
	c := newCharts(b)
	s, l := withLost(b, btc(), nil), locales.For("en")
	for shape, name := range shapes {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				png, err := c.RenderRekt(s, 24*time.Hour, l, shape)
				if err != nil {
					b.Fatal(err)
				}
				size = len(png)
			}
			b.ReportMetric(float64(size), "png-bytes")
		})
	}
}
