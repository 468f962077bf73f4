package recorded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/recorded"
)

func TestFetchGivesTheFiguresInForce(t *testing.T) {
	s, c := play(t, header+firstFigures+`{"t":1768046405000,"kind":"price","coin":"BTC","usd":101,"price_kind":"last"}
`, 1)
	c.forward(3 * time.Second)
	got := fetch(t, s, btc)
	asOf := wall // three seconds in, three seconds old
	recordedAt := time.UnixMilli(1768046400000).UTC()
	wantPrice := market.Price{
		USD: 100, Kind: market.MarkPrice, Change24h: 0.02, HasChange24h: true,
		Provenance: market.Provenance{Source: "CoinGlass", Origin: market.Measured, AsOf: asOf, RecordedAt: recordedAt},
	}
	if diff := cmp.Diff(wantPrice, got.Price); diff != "" {
		t.Errorf("price (-want +got):\n%s", diff)
	}
	wantMap := market.Provenance{
		Source: "CoinGlass", Origin: market.Vendor, AsOf: asOf, RecordedAt: recordedAt,
		Venues: []market.Venue{"Binance", "OKX"}, Missing: []market.Venue{"Bybit"},
	}
	if diff := cmp.Diff(wantMap, got.Map.Provenance()); diff != "" {
		t.Errorf("map's provenance (-want +got):\n%s", diff)
	}
	wantShort := []liquidation.Level{
		{PriceUSD: 102, Side: market.Short, IntensityUSD: 10, Venue: "Binance"},
		{PriceUSD: 104, Side: market.Short, IntensityUSD: 20, Venue: "OKX"},
		{PriceUSD: 106, Side: market.Short, IntensityUSD: 5},
	}
	if diff := cmp.Diff(wantShort, got.Map.Levels(market.Short)); diff != "" {
		t.Errorf("short levels (-want +got):\n%s", diff)
	}
	wantLong := []liquidation.Level{
		{PriceUSD: 98, Side: market.Long, IntensityUSD: 7, Venue: "Binance", Leverage: 25},
		{PriceUSD: 96, Side: market.Long, IntensityUSD: 9, Venue: "OKX"},
	}
	if diff := cmp.Diff(wantLong, got.Map.Levels(market.Long)); diff != "" {
		t.Errorf("long levels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got.Map.Summarise(liquidation.KeyLevelBand, liquidation.SymmetricBand), got.Summary); diff != "" {
		t.Errorf("summary is not that of the usual bands:\n%s", diff)
	}
	if got.Range != nil || got.ETF != nil || got.Liquidations != nil || got.OpenInterest != nil || got.Funding != nil {
		t.Errorf("figures that are not in the file: %+v", got)
	}
	c.forward(2 * time.Second)
	if got := fetch(t, s, btc); got.Price.USD != 101 || got.Price.Kind != market.LastPrice || got.Map.MarkUSD() != 101 || got.Price.HasChange24h {
		t.Errorf("five seconds in: price %+v, mark %v; want the last price 101", got.Price, got.Map.MarkUSD())
	}
}

func TestFetchGivesAllKinds(t *testing.T) {
	s, _ := play(t, header+firstFigures+`{"t":1768046400000,"kind":"range","coin":"BTC","window":"7d","high_usd":110,"low_usd":90}
{"t":1768046400000,"kind":"liquidations","coin":"BTC","long_usd":5,"short_usd":6,"over_ms":86400000,"source":"Other","origin":"vendor"}
{"t":1768046400000,"kind":"open_interest","coin":"BTC","usd":700,"coins":7,"change_24h":-0.5}
{"t":1768046400000,"kind":"funding","coin":"BTC","venue":"OKX","rate":-0.0001,"interval_ms":28800000}
`, 1)
	got := fetch(t, s, btc)
	p := got.Price.Provenance
	other := p
	other.Source, other.Origin = "Other", market.Vendor
	if diff := cmp.Diff(&market.PriceRange{HighUSD: 110, LowUSD: 90, Window: market.Week, Provenance: p}, got.Range); diff != "" {
		t.Errorf("range (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&market.Liquidations{LongUSD: 5, ShortUSD: 6, Over: 24 * time.Hour, Provenance: other}, got.Liquidations); diff != "" {
		t.Errorf("liquidations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&market.OpenInterest{USD: 700, Coins: 7, Change24h: -0.5, HasChange24h: true, Provenance: p}, got.OpenInterest); diff != "" {
		t.Errorf("open interest (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&market.Funding{Venue: "OKX", Rate: -0.0001, Interval: 8 * time.Hour, Provenance: p}, got.Funding); diff != "" {
		t.Errorf("funding (-want +got):\n%s", diff)
	}
}

// TestAgesAreInMarketTime lets 100 seconds of the market pass at several speeds.
func TestAgesAreInMarketTime(t *testing.T) {
	text := header + firstFigures + `{"t":1768046460000,"kind":"map","coin":"BTC","window":"7d","same":true,"as_of_ms":1768046450000}
{"t":1768046490000,"kind":"price","coin":"BTC","usd":101,"price_kind":"mark"}
{"t":1768046900000,"kind":"price","coin":"BTC","usd":101,"price_kind":"mark"}
`
	for _, speed := range []float64{0.01, 0.5, 1, 20, 10_000} {
		t.Run(fmt.Sprint(speed), func(t *testing.T) {
			s, c := play(t, text, speed)
			c.forward(time.Duration(100 / speed * float64(time.Second)))
			got := fetch(t, s, btc)
			now := c.Now()
			if age := now.Sub(got.Price.Provenance.AsOf); age != 10*time.Second {
				t.Errorf("age of the price is %v, want 10s", age)
			}
			if age := now.Sub(got.Map.Provenance().AsOf); age != 50*time.Second {
				t.Errorf("age of the map is %v, want 50s", age)
			}
			if at := got.Map.Provenance().RecordedAt; !at.Equal(time.UnixMilli(1768046450000)) {
				t.Errorf("map was recorded at %v, want 12:00:50", at)
			}
		})
	}
}

func TestAClockThatGoesBackDoesNotRewind(t *testing.T) {
	s, c := play(t, header+firstFigures+`{"t":1768046405000,"kind":"price","coin":"BTC","usd":101,"price_kind":"mark"}
`, 1)
	c.forward(6 * time.Second)
	fetch(t, s, btc)
	c.forward(-time.Hour)
	if got := fetch(t, s, btc); got.Price.USD != 101 || got.Age(c.Now()) != 6*time.Second {
		t.Errorf("price %v of age %v, want 101 and a map of 6s", got.Price.USD, got.Age(c.Now()))
	}
}

func TestSweptLevelsStayAwayUntilTheNextMap(t *testing.T) {
	s, c := play(t, header+firstFigures+`{"t":1768046401000,"kind":"price","coin":"BTC","usd":103,"price_kind":"mark"}
{"t":1768046402000,"kind":"price","coin":"BTC","usd":97,"price_kind":"mark"}
{"t":1768046403000,"kind":"price","coin":"BTC","usd":100,"price_kind":"mark"}
{"t":1768046404000,"kind":"map","coin":"BTC","window":"7d","same":true}
{"t":1768046405000,"kind":"map","coin":"BTC","window":"7d","ref_usd":100,"short":[[102,10]],"long":[[98,7]]}
{"t":1768046406000,"kind":"map","coin":"BTC","window":"7d","ref_usd":103,"short":[[102,10],[104,1]],"long":[[99,7]]}
{"t":1768046407000,"kind":"map","coin":"BTC","window":"7d","ref_usd":103,"short":[[102,10],[104,1]],"long":[[101,3],[99,7]]}
{"t":1768046408000,"kind":"price","coin":"BTC","usd":103,"price_kind":"mark"}
`, 1)
	want := []struct {
		after       string
		short, long float64
		swept       int
	}{
		{"the start", 35, 16, 0},
		{"a rise to 103", 25, 16, 1},
		{"a fall to 97", 25, 9, 2},
		{"the way back", 25, 9, 2},
		{"the same map again", 25, 9, 2},
		{"a new map", 10, 7, 0},
		{"a map made at another price", 1, 7, 1},
		{"such a map with a level between the two", 1, 7, 2},
		{"a rise back to where it was made", 1, 7, 2},
	}
	for _, w := range want {
		got := fetch(t, s, btc).Map
		if got.TotalUSD(market.Short) != w.short || got.TotalUSD(market.Long) != w.long || got.Swept() != w.swept {
			t.Errorf("after %s: %v short, %v long, %d swept; want %v, %v, %d", w.after,
				got.TotalUSD(market.Short), got.TotalUSD(market.Long), got.Swept(), w.short, w.long, w.swept)
		}
		c.forward(time.Second)
	}
}

func TestGoneAndSame(t *testing.T) {
	s, c := play(t, header+firstFigures+`{"t":1768046400000,"kind":"funding","coin":"BTC","venue":"OKX","rate":0,"interval_ms":28800000}
{"t":1768046405000,"kind":"funding","coin":"BTC","same":true}
{"t":1768046410000,"kind":"funding","coin":"BTC","gone":true}
{"t":1768046420000,"kind":"map","coin":"BTC","window":"7d","gone":true}
{"t":1768046430000,"kind":"price","coin":"BTC","gone":true}
`, 1)
	c.forward(7 * time.Second)
	if got := fetch(t, s, btc).Funding; got == nil || c.Now().Sub(got.Provenance.AsOf) != 2*time.Second {
		t.Errorf("funding %+v, want it 2s old", got)
	}
	c.forward(4 * time.Second)
	if got := fetch(t, s, btc).Funding; got != nil {
		t.Errorf("funding %+v, want none", got)
	}
	c.forward(10 * time.Second)
	if got := problemOf(t, s, btc); got != snapshot.Unavailable {
		t.Errorf("without a map: %s", got)
	}
	c.forward(10 * time.Second)
	if got := problemOf(t, s, btc); got != snapshot.Unavailable {
		t.Errorf("without a price: %s", got)
	}
}

func TestFetchSaysWhatIsMissing(t *testing.T) {
	s, _ := play(t, strings.Replace(header, `["BTC"]`, `["BTC","ETH"]`, 1)+firstFigures+
		`{"t":1768046400000,"kind":"price","coin":"SOL","usd":50,"price_kind":"mark"}
{"t":1768046400000,"kind":"map","coin":"SOL","window":"7d","ref_usd":50,"short":[[50,10]],"long":[[51,7]]}
`, 1)
	tests := []struct {
		key  snapshot.Key
		want snapshot.Problem
	}{
		{snapshot.Key{Coin: "DOGE", Window: market.Week}, snapshot.NotListed},
		{snapshot.Key{Coin: "ETH", Window: market.Week}, snapshot.Unavailable},
		{snapshot.Key{Coin: "BTC", Window: market.Day}, snapshot.Unavailable},
		{snapshot.Key{Coin: "SOL", Window: market.Week}, snapshot.BadData}, // all of it swept
	}
	for _, tt := range tests {
		if got := problemOf(t, s, tt.key); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.key, got, tt.want)
		}
	}
	coins, err := s.Coins(t.Context())
	if diff := cmp.Diff([]market.Coin{"BTC", "ETH", "SOL"}, coins); err != nil || diff != "" {
		t.Errorf("Coins: %v\n%s", err, diff)
	}
	if s.Name() != "CoinGlass" {
		t.Errorf("Name = %q", s.Name())
	}
}

// loop is a market of ten seconds that moves from 100 to 103 and back.
const loop = `{"kind":"market","v":1,"source":"demo","demo":true,"loop":true,"start_ms":1768046400000}` + firstFigures +
	`{"t":1768046405000,"kind":"price","coin":"BTC","usd":103,"price_kind":"mark"}
{"t":1768046410000,"kind":"price","coin":"BTC","usd":100,"price_kind":"mark"}
`

func TestLoop(t *testing.T) {
	steps := []struct {
		at    time.Duration
		usd   float64
		swept int
		age   time.Duration
	}{
		{0, 100, 0, 0},
		{7 * time.Second, 103, 1, 7 * time.Second},
		{10 * time.Second, 100, 0, 0},
		{14 * time.Second, 100, 0, 4 * time.Second},
		{15 * time.Second, 103, 1, 5 * time.Second},
		{21 * time.Second, 100, 0, time.Second},
		{27 * 24 * time.Hour, 100, 0, 0}, // leaves out a quarter million passes
		{27*24*time.Hour + 6*time.Second, 103, 1, 6 * time.Second},
	}
	s, c := play(t, loop, 1)
	for _, step := range steps {
		c.forward(step.at - c.Now().Sub(wall))
		got := fetch(t, s, btc)
		if got.Price.USD != step.usd || got.Map.Swept() != step.swept || got.Age(c.Now()) != step.age {
			t.Errorf("at %v: price %v, %d swept, age %v; want %v, %d, %v", step.at,
				got.Price.USD, got.Map.Swept(), got.Age(c.Now()), step.usd, step.swept, step.age)
		}
		if !got.Demo() || !got.Price.Provenance.RecordedAt.IsZero() {
			t.Errorf("at %v: provenance %+v, want a demo without a time of recording", step.at, got.Price.Provenance)
		}
	}
}

func TestTheEndGrowsOld(t *testing.T) {
	s, c, log := playLogged(t, header+firstFigures, 2)
	for range 100 {
		c.forward(time.Hour)
		fetch(t, s, btc)
	}
	if age := fetch(t, s, btc).Age(c.Now()); age != 200*time.Hour {
		t.Errorf("age at the end is %v, want 200h", age)
	}
	if log.Len() > 0 {
		t.Errorf("the usual end was logged: %s", log)
	}
	s, c = play(t, header+firstFigures, recorded.MaxSpeed)
	c.forward(1000 * time.Hour) // more market time than a time.Duration can hold
	if age := fetch(t, s, btc).Age(c.Now()); age < 100_000*time.Hour {
		t.Errorf("age a thousand years after the end is %v", age)
	}
}

func TestABrokenLineStopsThere(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"a figure that cannot be", `{"t":1768046410000,"kind":"price","coin":"BTC","usd":-1,"price_kind":"mark"}`, "line 5: price: usd: -1"},
		{"the same as nothing", `{"t":1768046410000,"kind":"funding","coin":"BTC","same":true}`, "funding of BTC: same as before"},
		{"a torn line", `{"t":1768046410000,"kind":"pri`, "line 5: not a JSON object"},
		{"back in time", `{"t":1768046404999,"kind":"price","coin":"BTC","usd":1,"price_kind":"mark"}`, "want lines in the order of time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c, log := playLogged(t, header+firstFigures+`{"t":1768046405000,"kind":"price","coin":"BTC","usd":101,"price_kind":"mark"}
`+tt.line+`
{"t":1768046420000,"kind":"price","coin":"BTC","usd":105,"price_kind":"mark"}
`, 1)
			for range 60 {
				c.forward(time.Second)
				fetch(t, s, btc)
			}
			got := fetch(t, s, btc)
			if got.Price.USD != 101 || c.Now().Sub(got.Price.Provenance.AsOf) != 55*time.Second {
				t.Errorf("price %v as of %v, want 101, 55s old", got.Price.USD, got.Price.Provenance.AsOf)
			}
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), tt.want) {
				t.Errorf("logged %d lines, want one with %q:\n%s", n, tt.want, log)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	full := header + firstFigures
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty file", nil, "the file is empty"},
		{"random bytes", []byte("\x00\x8f\xfe\x12random\xff\n\x00"), "line 1: not a header"},
		{"a picture", []byte("\x89PNG\r\n\x1a\n\x00\x00"), "line 1: not a header"},
		{"broken gzip", []byte("\x1f\x8bnot gzip at all"), "gzip"},
		{"cut off gzip", zip(t, strings.Repeat(full, 50))[:100], "line"},
		{"header only", []byte(header + "\n\n"), "no event follows"},
		{"two headers", []byte(header + "\n" + header), "no event follows"},
		{"bad first figure", []byte(header + "\n" + `{"t":1768046400000,"kind":"price","coin":"BTC"}`), "line 2: price: price_kind"},
		{"bad figure behind good ones", []byte(full + "{}"), "line 4: no kind"},
		{"before the start", []byte(header + "\n" + `{"t":1,"kind":"price","coin":"BTC","usd":1,"price_kind":"mark"}`), "line 2: t: 1 is before"},
		{"same as nothing", []byte(header + "\n" + `{"t":1768046400000,"kind":"price","coin":"BTC","same":true}`), "line 2: price of BTC: same as before"},
		{"same map as none", []byte(header + "\n" + `{"t":1768046400000,"kind":"map","window":"1d","coin":"BTC","same":true}`), "line 2: map of BTC 1d: same"},
		{"endless line", []byte(header + "\n" + strings.Repeat("x", recorded.MaxLine+10)), "line 2: longer than"},
		{"gzip bomb of one line", zip(t, header+"\n"+strings.Repeat(" ", 9<<20)), "line 2: longer than"},
		{"gzip bomb of empty lines", zip(t, header+strings.Repeat("\n", 1<<20)), "lines in a row say nothing"},
		{"too many levels", []byte(header + "\n" + `{"t":1768046400000,"kind":"map","coin":"BTC","window":"1d","ref_usd":1,"short":[[2,1]` + strings.Repeat(",[2,1]", recorded.MaxLevels) + `]}`), "more than 200000 levels"},
		{"too many coins", []byte(header + "\n" + manyCoins(recorded.MaxCoins+1)), "more than 1000 coins"},
		{"loop of no length", []byte(strings.Replace(header, `"coins"`, `"loop":true,"coins"`, 1) + firstFigures), "a loop needs an event that is later"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := recorded.New(recorded.Options{Open: opener(tt.data), Speed: 1})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "recorded: ") {
				t.Errorf("New = %v, %v; want an error with %q", s, err, tt.want)
			}
		})
	}
}

func manyCoins(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"t":1768046400000,"kind":"price","coin":"C%d","usd":1,"price_kind":"mark"}`+"\n", i)
	}
	return b.String()
}

// TestManyLevels replaces large maps, but does not hold too many.
func TestManyLevels(t *testing.T) {
	large := func(coin string, w market.Window) string {
		return fmt.Sprintf(`{"t":1768046400000,"kind":"map","coin":%q,"window":%q,"ref_usd":1,"short":[[2,1]%s]}`+"\n",
			coin, w, strings.Repeat(",[2,1]", recorded.MaxLevels-1))
	}
	const fit = recorded.MaxHeld / recorded.MaxLevels
	// C0 comes twice, and its second map takes the place of the first.
	var text strings.Builder
	text.WriteString(header + "\n" + large("BTC", market.Week))
	for i := range fit {
		text.WriteString(large(fmt.Sprintf("C%d", max(0, i-1)), market.Week))
	}
	text.WriteString(large("LAST", market.Week))
	_, err := recorded.New(recorded.Options{Speed: 1, Open: opener([]byte(text.String()))})
	want := fmt.Sprintf("line %d: %d levels in all maps together", fit+3, recorded.MaxHeld+recorded.MaxLevels)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("New: %v, want an error with %q", err, want)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	open := opener([]byte(header + firstFigures))
	for name, o := range map[string]recorded.Options{
		"nothing to play": {Speed: 1},
		"two to play":     {Speed: 1, Path: "x", Open: open},
		"no speed":        {Open: open},
		"backwards":       {Open: open, Speed: -1},
		"too fast":        {Open: open, Speed: recorded.MaxSpeed + 1},
		"not a number":    {Open: open, Speed: nan()},
	} {
		if _, err := recorded.New(o); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%s: %v, want an error that says what is wanted", name, err)
		}
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

func TestPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "market.jsonl.gz")
	if _, err := recorded.New(recorded.Options{Path: path, Speed: 1}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, zip(t, loop), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &clock{}
	s, err := recorded.New(recorded.Options{Path: path, Speed: 1, Now: c.Now, Name: "yesterday", KeyLevelBand: 0.03, SymmetricBand: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c.forward(25 * time.Second)
	got := fetch(t, s, btc)
	if got.Price.USD != 103 || s.Name() != "yesterday" || got.Summary.Totals.Band != 0.02 || got.Summary.Below != nil {
		t.Errorf("price %v, name %q, summary %+v", got.Price.USD, s.Name(), got.Summary)
	}
	if err := os.WriteFile(path, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := recorded.New(recorded.Options{Path: path, Speed: 1}); err == nil || !strings.Contains(err.Error(), path+": line 1: not a header") {
		t.Errorf("another file: %v, want its path and line", err)
	}
}

// TestALoopThatCannotGoOn has a file that is gone at the second pass.
func TestALoopThatCannotGoOn(t *testing.T) {
	c, opened := &clock{}, 0
	s, err := recorded.New(recorded.Options{Speed: 1, Now: c.Now, Open: func() (io.ReadCloser, error) {
		if opened++; opened > 1 {
			return nil, os.ErrNotExist
		}
		return opener([]byte(loop))()
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.forward(time.Minute)
	if got := fetch(t, s, btc); got.Age(c.Now()) != time.Minute || opened != 2 {
		t.Errorf("age %v after opening %d times, want 1m and 2", got.Age(c.Now()), opened)
	}
}

// soonOver is a context that ends after a number of looks at it.
type soonOver struct {
	context.Context //nolint:containedctx // it is a context itself
	looks           int
}

func (s *soonOver) Err() error {
	if s.looks--; s.looks < 0 {
		return context.Canceled
	}
	return nil
}

func TestACancelledFetchLosesNothing(t *testing.T) {
	s, c, log := playLogged(t, header+firstFigures+strings.Repeat(`{"t":1768046401000,"kind":"price","coin":"BTC","usd":101,"price_kind":"mark"}
`, 3000)+`{"t":1768046402000,"kind":"price","coin":"BTC","usd":102,"price_kind":"mark"}
`, 1)
	c.forward(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Fetch(ctx, btc); !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch with a cancelled context: %v", err)
	}
	if _, err := s.Coins(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Coins with a cancelled context: %v", err)
	}
	for looks := range 2 {
		if _, err := s.Fetch(&soonOver{t.Context(), looks}, btc); !errors.Is(err, context.Canceled) {
			t.Errorf("Fetch with a context that ends on the way: %v", err)
		}
	}
	if got := fetch(t, s, btc).Price.USD; got != 102 || log.Len() > 0 {
		t.Errorf("price %v, want 102; log: %s", got, log)
	}
}

// TestFlowsStayInTheirWeek replays a flow recorded on a Saturday, of the week
// that had just ended, and one of the newest days, recorded on a Wednesday.
func TestFlowsStayInTheirWeek(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	tests := []struct {
		name     string
		start    string // of the recording
		from, to string
		week     market.ETFWeek
		now      string
		wantFrom string
		wantTo   string
	}{
		{"last week on a Wednesday", "2026-01-10", "2026-01-05", "2026-01-09", market.LastWeek, "2026-11-25", "2026-11-16", "2026-11-20"},
		{"last week on a Friday", "2026-01-10", "2026-01-05", "2026-01-09", market.LastWeek, "2026-11-27", "2026-11-16", "2026-11-20"},
		{"last week on a Saturday", "2026-01-10", "2026-01-05", "2026-01-09", market.LastWeek, "2026-11-28", "2026-11-23", "2026-11-27"},
		{"last week on a Sunday", "2026-01-10", "2026-01-05", "2026-01-09", market.LastWeek, "2026-11-29", "2026-11-23", "2026-11-27"},
		{"last week on a Monday", "2026-01-10", "2026-01-05", "2026-01-09", market.LastWeek, "2026-11-30", "2026-11-23", "2026-11-27"},
		{"recorded on a Thursday", "2026-01-15", "2026-01-05", "2026-01-09", market.LastWeek, "2026-11-30", "2026-11-23", "2026-11-27"},
		{"newest days on a Thursday", "2026-01-14", "2026-01-12", "2026-01-13", market.LatestDays, "2026-11-26", "2026-11-23", "2026-11-24"},
		{"newest days, not in the future", "2026-01-14", "2026-01-12", "2026-01-13", market.LatestDays, "2026-11-23", "2026-11-16", "2026-11-17"},
		{"in the past", "2026-01-10", "2026-01-05", "2026-01-09", market.LastWeek, "2025-12-31", "2025-12-22", "2025-12-26"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ms := day(tt.start).Add(12 * time.Hour).UnixMilli()
			text := strings.ReplaceAll(header+firstFigures, "1768046400000", fmt.Sprint(ms)) +
				fmt.Sprintf(`{"t":%d,"kind":"etf","coin":"BTC","net_usd":5,"net_coins":-6,"from":%q,"to":%q,"week":%q}`, ms, tt.from, tt.to, tt.week)
			now := day(tt.now).Add(9 * time.Hour)
			s, err := recorded.New(recorded.Options{Open: opener([]byte(text)), Speed: 1, Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			got := fetch(t, s, btc).ETF
			if got.NetUSD != 5 || got.NetCoins != -6 || got.Week != tt.week {
				t.Errorf("flow %+v", got)
			}
			if !got.From.Equal(day(tt.wantFrom)) || !got.To.Equal(day(tt.wantTo)) {
				t.Errorf("from %v to %v, want %s to %s", got.From, got.To, tt.wantFrom, tt.wantTo)
			}
		})
	}
}

func TestConcurrentFetches(t *testing.T) {
	s, c := play(t, loop, 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				c.forward(100 * time.Millisecond)
				got, err := s.Fetch(context.Background(), btc)
				if err != nil {
					t.Error(err)
					return
				}
				if got.Price.USD != got.Map.MarkUSD() {
					t.Errorf("price %v, mark %v", got.Price.USD, got.Map.MarkUSD())
				}
				if _, err := s.Coins(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzPlay plays any bytes: an error that names a line, or snapshots, never a
// panic.
func FuzzPlay(f *testing.F) {
	f.Add([]byte(header + firstFigures))
	f.Add([]byte(loop))
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte(header + "\n" + strings.Join(validEvents, "\n")))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &clock{}
		s, err := recorded.New(recorded.Options{Open: opener(data), Speed: 7, Now: c.Now})
		if err != nil {
			return
		}
		for _, step := range []time.Duration{0, time.Second, time.Hour, 1e4 * time.Hour} {
			c.forward(step)
			coins, err := s.Coins(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, coin := range coins {
				for _, w := range market.Windows() {
					got, err := s.Fetch(context.Background(), snapshot.Key{Coin: coin, Window: w})
					if (got == nil) == (err == nil) {
						t.Fatalf("Fetch = %v, %v", got, err)
					}
				}
			}
		}
	})
}
