package charts_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"liqbot/charts"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

var long = flag.Bool("long", false, "render 10,000 pictures where some hundred do otherwise")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// maxBytes is how large a picture may be.
const maxBytes = 60_000

func decode(tb testing.TB, data []byte) *image.RGBA {
	tb.Helper()
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		tb.Fatalf("decode PNG: %v", err)
	}
	out := image.NewRGBA(picture.Bounds())
	draw.Draw(out, out.Rect, picture, image.Point{}, draw.Src)
	return out
}

func TestLiquidationMap(t *testing.T) {
	c := newCharts(t)
	sizes := map[chat.Shape]image.Point{chat.Wide: {X: 1280, Y: 720}, chat.Portrait: {X: 1080, Y: 1350}}
	for _, tag := range locales.Tags() {
		for shape, name := range shapes {
			t.Run(tag+" "+name, func(t *testing.T) {
				p, err := c.LiquidationMap(t.Context(), btc().demo().build(t), locales.For(tag), shape)
				if err != nil {
					t.Fatal(err)
				}
				if got := decode(t, p.PNG).Bounds().Size(); got != sizes[shape] || p.Width != got.X || p.Height != got.Y {
					t.Errorf("size %v, fields %dx%d, want %v", got, p.Width, p.Height, sizes[shape])
				}
				if len(p.PNG) > maxBytes {
					t.Errorf("%d bytes, want at most %d", len(p.PNG), maxBytes)
				}
				if p.Name != "liq-btc-7d.png" {
					t.Errorf("name %q", p.Name)
				}
				checkAlt(t, p.Alt, locales.For(tag))
			})
		}
	}
}

// checkAlt wants the figures, and the word that says the market is not real.
func checkAlt(t *testing.T, alt string, l *locales.Language) {
	t.Helper()
	for _, want := range []string{l.Say("chart.demo"), "BTC", l.Price(90131.71), l.Amount(2.705e9), l.Level(86137), l.Times(1.73)} {
		if !strings.Contains(alt, want) {
			t.Errorf("alt text %q lacks %q", alt, want)
		}
	}
	if len(alt) > 1000 {
		t.Errorf("alt text of %d bytes", len(alt))
	}
}

// someTags is every language, but only one under the slow race detector.
func someTags() []string {
	if raceEnabled {
		return locales.Tags()[:1]
	}
	return locales.Tags()
}

func TestEdgeCases(t *testing.T) {
	c := newCharts(t)
	for name, s := range edgeCases() {
		built := s.build(t)
		for shape, shapeName := range shapes {
			for _, tag := range someTags() {
				data, err := c.Render(built, locales.For(tag), shape)
				if err != nil {
					t.Fatalf("%s %s %s: %v", name, shapeName, tag, err)
				}
				if len(data) > maxBytes {
					t.Errorf("%s %s %s: %d bytes", name, shapeName, tag, len(data))
				}
			}
		}
	}
}

func TestEqualInputGivesEqualBytes(t *testing.T) {
	c, other := newCharts(t), newCharts(t)
	l := locales.For("zh-Hans")
	render := func(c *charts.Charts, s sample) []byte {
		data, err := c.Render(s.build(t), l, chat.Portrait)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	want := render(c, btc())
	render(c, btc().demo())
	for name, got := range map[string][]byte{
		"after another picture": render(c, btc()), "from another instance": render(other, btc()),
		"with another ID": render(c, func() sample { s := btc(); s.id = 99; return s }()),
	} {
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the bytes differ", name)
		}
	}
}

func TestRenderedOnceForAllWhoAsk(t *testing.T) {
	c := newCharts(t)
	s, l := btc().build(t), locales.For("en")
	if _, ok := c.Ready(s, l, chat.Wide); ok {
		t.Fatal("ready before it was asked for")
	}
	const callers = 32
	pictures := make([]*chat.Picture, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			p, err := c.LiquidationMap(t.Context(), s, l, chat.Wide)
			if err != nil {
				t.Error(err)
			}
			pictures[i] = p
		})
	}
	wg.Wait()
	ready, ok := c.Ready(s, l, chat.Wide)
	if !ok {
		t.Fatal("not ready after it was made")
	}
	for i, p := range pictures {
		if p != ready {
			t.Errorf("caller %d got a picture of its own", i)
		}
	}
	if allocs := testing.AllocsPerRun(100, func() { c.Ready(s, l, chat.Wide) }); allocs > 0 {
		t.Errorf("Ready allocates %v times", allocs)
	}
}

func TestConcurrentRenders(t *testing.T) {
	c := newCharts(t)
	cases := edgeCases()
	var wg sync.WaitGroup
	for _, name := range []string{"live", "demo", "tiny-price", "venue-names"} {
		for _, tag := range locales.Tags() {
			for shape := range shapes {
				s := cases[name].build(t)
				wg.Go(func() {
					if _, err := c.Render(s, locales.For(tag), shape); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
		}
	}
	wg.Wait()
}

func TestPictureKeys(t *testing.T) {
	c := newCharts(t)
	seen := make(map[string]string)
	newer := btc()
	newer.id = 2
	for name, s := range map[string]*snapshot.Snapshot{"first": btc().build(t), "second": newer.build(t)} {
		for _, tag := range locales.Tags() {
			for shape, shapeName := range shapes {
				p, err := c.LiquidationMap(t.Context(), s, locales.For(tag), shape)
				if err != nil {
					t.Fatal(err)
				}
				what := name + " " + tag + " " + shapeName
				if before, ok := seen[p.Key]; ok {
					t.Errorf("%s and %s share the key %s", before, what, p.Key)
				}
				seen[p.Key] = what
			}
		}
	}
}

func TestSnapshotWithoutIDIsNotCached(t *testing.T) {
	c := newCharts(t)
	nameless, other := btc(), btc().demo()
	nameless.id, other.id = 0, 0
	keys := make(map[string]int)
	for _, s := range []sample{nameless, nameless, other} {
		p, err := c.LiquidationMap(t.Context(), s.build(t), locales.For("en"), chat.Wide)
		if err != nil {
			t.Fatal(err)
		}
		keys[p.Key]++
	}
	if len(keys) != 2 || c.Cached() != 0 {
		t.Errorf("keys %v and %d cached, want equal keys for equal pictures and none cached", keys, c.Cached())
	}
}

func TestOldPicturesGo(t *testing.T) {
	c := newCharts(t)
	l := locales.For("en")
	make := func(coin market.Coin, id uint64) *snapshot.Snapshot {
		s := btc()
		s.coin, s.id = coin, id
		built := s.build(t)
		if _, err := c.LiquidationMap(t.Context(), built, l, chat.Wide); err != nil {
			t.Fatal(err)
		}
		return built
	}
	old, eth, newer := make("BTC", 1), make("ETH", 2), make("BTC", 3)
	for _, tt := range []struct {
		name string
		of   *snapshot.Snapshot
		want bool
	}{{"older of the same coin", old, false}, {"another coin", eth, true}, {"newest", newer, true}} {
		if _, got := c.Ready(tt.of, l, chat.Wide); got != tt.want {
			t.Errorf("%s: ready %v, want %v", tt.name, got, tt.want)
		}
	}
	make("BTC", 1)
	if _, ok := c.Ready(newer, l, chat.Wide); !ok {
		t.Error("an old picture drove out a newer one")
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCharts(t)
	l := locales.For("en")
	of := func(i int) *snapshot.Snapshot {
		return &snapshot.Snapshot{ID: uint64(i + 1), Key: snapshot.Key{Coin: market.Coin(fmt.Sprintf("C%d", i))}}
	}
	const more = 20
	for i := range charts.MaxPictures + more {
		c.Keep(of(i), l, chat.Wide, new(chat.Picture))
	}
	if got := c.Cached(); got != charts.MaxPictures {
		t.Errorf("%d pictures cached, want %d", got, charts.MaxPictures)
	}
	for i, want := range map[int]bool{0: false, more - 1: false, more: true, charts.MaxPictures + more - 1: true} {
		if _, got := c.Ready(of(i), l, chat.Wide); got != want {
			t.Errorf("picture %d: kept %v, want %v: the oldest go first", i, got, want)
		}
	}
}

func TestCancelledCallerGetsItsError(t *testing.T) {
	c := newCharts(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.LiquidationMap(ctx, btc().build(t), locales.For("en"), chat.Wide)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestPanicInDrawingIsAnError(t *testing.T) {
	c := newCharts(t)
	broken := &snapshot.Snapshot{ID: 7, Key: snapshot.Key{Coin: "BTC", Window: market.Day}}
	for range 2 * runtime.GOMAXPROCS(0) {
		if _, err := c.LiquidationMap(t.Context(), broken, locales.For("en"), chat.Wide); err == nil {
			t.Fatal("no error from a snapshot without a map")
		}
	}
	if _, err := c.LiquidationMap(t.Context(), btc().build(t), locales.For("en"), chat.Wide); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

func TestFileName(t *testing.T) {
	c := newCharts(t)
	for _, tt := range []struct {
		coin   market.Coin
		window market.Window
		want   string
	}{
		{"BTC", market.Day, "liq-btc-1d.png"},
		{"1000PEPE", market.Month, "liq-1000pepe-30d.png"},
		{"../E T\"H", "7d/..", "liq-eth-7d.png"},
	} {
		s := btc()
		s.coin, s.window, s.id = tt.coin, tt.window, 0
		p, err := c.LiquidationMap(t.Context(), s.build(t), locales.For("en"), chat.Wide)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != tt.want {
			t.Errorf("%s %s: name %q, want %q", tt.coin, tt.window, p.Name, tt.want)
		}
	}
}
