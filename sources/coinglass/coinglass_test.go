package coinglass_test

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/secret"
	"liqbot/snapshot"
	"liqbot/sources/coinglass"
	"liqbot/sources/coinglass/coinglasstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var week = snapshot.Key{Coin: "BTC", Window: market.Week}

// clock is a clock that tests move by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// at is a Thursday.
func at() *clock { return &clock{now: time.Date(2026, 4, 16, 12, 30, 20, 0, time.UTC)} }

// source makes a Source that asks a server, with short pauses.
func source(t *testing.T, srv *coinglasstest.Server, change ...func(*coinglass.Config)) *coinglass.Source {
	t.Helper()
	client := srv.Client()
	client.Timeout = 20 * time.Second
	cfg := coinglass.Config{
		Key: secret.New(coinglasstest.Key), URL: srv.URL, Client: client,
		Retry: coinglass.Retry{Tries: 3, First: time.Millisecond, Longest: 2 * time.Millisecond},
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := coinglass.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func onClock(srv *coinglasstest.Server, c *clock) func(*coinglass.Config) {
	srv.SetNow(c.Now)
	return func(cfg *coinglass.Config) { cfg.Now = c.Now }
}

func fetch(t *testing.T, s *coinglass.Source, key snapshot.Key) *snapshot.Snapshot {
	t.Helper()
	snap, err := s.Fetch(t.Context(), key)
	if err != nil {
		t.Fatalf("fetch %s: %v", key, err)
	}
	return snap
}

// reply reads a reply of the documentation.
func reply(t *testing.T, file string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("wire", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// The figures below are added up by hand from the payloads.
func TestTotalsOfAllShapes(t *testing.T) {
	priced := func(srv *coinglasstest.Server, price float64) {
		srv.ReplyFunc(coinglasstest.PriceHistory, candlesAt(price))
	}
	tests := []struct {
		name        string
		body        string
		price       float64
		long, short float64
		venues      []market.Venue
	}{
		{"documented, keyed by price", reply(t, "aggregated_map_EN.json"), 48900, 0, 1579370.77, nil},
		{"the same, price above the level", reply(t, "aggregated_map_EN.json"), 49000, 1579370.77, 0, nil},
		{"documented, list of maps", reply(t, "aggregated_map_CN.json"), 103500, 1465772.55, 1361864.79 + 4429396.75, nil},
		{"list by exchange with its price", reply(t, "aggregated_map_by_exchange.json"), 77860, 1200000.5 + 800000.25 + 400000, 3100000.75 + 900000, []market.Venue{"Binance", "OKX"}},
		{"bare list", coinglasstest.BareMap(
			coinglasstest.Exchange{Name: "OKX", Rows: []coinglasstest.Row{{Price: 90, Level: 3}, {Price: 110, Level: 5}, {Price: 120, Level: 7}}},
		), 100, 3, 12, []market.Venue{"OKX"}},
		{"keyed with its price", coinglasstest.KeyedMap(100, coinglasstest.Row{Price: 90, Level: 3}, coinglasstest.Row{Price: 110, Level: 5}), 100, 3, 5, nil},
		{"a level at the price is reached", coinglasstest.KeyedMap(100, coinglasstest.Row{Price: 100, Level: 9}, coinglasstest.Row{Price: 110, Level: 5}), 100, 0, 5, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := coinglasstest.New(t)
			srv.Reply(coinglasstest.AggregatedMap, tt.body)
			priced(srv, tt.price)
			snap := fetch(t, source(t, srv), week)
			near(t, "price", snap.Price.USD, tt.price)
			near(t, "reference of the map", snap.Map.MarkUSD(), tt.price)
			near(t, "long", snap.Map.TotalUSD(market.Long), tt.long)
			near(t, "short", snap.Map.TotalUSD(market.Short), tt.short)
			if diff := cmp.Diff(tt.venues, snap.Map.Provenance().Venues); diff != "" {
				t.Errorf("venues (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPairMap(t *testing.T) {
	srv := coinglasstest.New(t)
	srv.Reply(coinglasstest.PairMap, reply(t, "pair_map_CN.json"))
	srv.ReplyFunc(coinglasstest.PriceHistory, candlesAt(103500))
	s := source(t, srv, func(cfg *coinglass.Config) { cfg.Exchange = "binance" })
	snap := fetch(t, s, week)
	want := []liquidation.Level{ // the row's price, not the bucket's key
		{PriceUSD: 103543, Side: market.Short, IntensityUSD: 1189582.29, Venue: "Binance", Leverage: 10},
		{PriceUSD: 103650, Side: market.Short, IntensityUSD: 2609224.58, Venue: "Binance", Leverage: 10},
	}
	if diff := cmp.Diff(want, snap.Map.Levels(market.Short)); diff != "" {
		t.Errorf("short levels (-want +got):\n%s", diff)
	}
	near(t, "long", snap.Map.TotalUSD(market.Long), 1465772.55)
	if diff := cmp.Diff([]market.Venue{"Binance"}, snap.Map.Provenance().Venues); diff != "" {
		t.Errorf("venues (-want +got):\n%s", diff)
	}
	if got := srv.Seen(coinglasstest.PairMap)[0].Query.Encode(); got != "exchange=Binance&range=7d&symbol=BTCUSDT" {
		t.Errorf("asked for %s", got)
	}
	if srv.Requests(coinglasstest.AggregatedMap) != 0 {
		t.Error("asked for the map of all exchanges as well")
	}
}

func TestPairIsNotListed(t *testing.T) {
	srv := coinglasstest.New(t)
	s := source(t, srv, func(cfg *coinglass.Config) { cfg.Exchange = "OKX" })
	_, err := s.Fetch(t.Context(), week)
	if snapshot.ProblemOf(err) != snapshot.NotListed {
		t.Errorf("problem %q of %v", snapshot.ProblemOf(err), err)
	}
}

func TestSnapshot(t *testing.T) {
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	srv.Reply(coinglasstest.LiquidationTotals, reply(t, "liquidation_exchange_list.json"))
	srv.Reply(coinglasstest.OpenInterest, reply(t, "oi_exchange_list.json"))
	srv.Reply(coinglasstest.Funding, reply(t, "funding_exchange_list.json"))
	snap := fetch(t, s, week)

	measured := market.Provenance{Source: "CoinGlass", Origin: market.Measured, AsOf: c.Now()}
	binance := measured
	binance.Venues = []market.Venue{"Binance"}
	monday := time.Date(2026, 4, 6, 0, 0, 0, 0, time.UTC)
	flows := measured
	flows.AsOf = monday.AddDate(0, 0, 5)
	want := &snapshot.Snapshot{
		Key:          week,
		Price:        market.Price{USD: coinglasstest.BitcoinPrice, Kind: market.LastPrice, HasChange24h: true, Change24h: snap.Price.Change24h, Provenance: measured},
		Liquidations: &market.Liquidations{LongUSD: 451394.17404598, ShortUSD: 14222125.64334477, Over: 24 * time.Hour, Provenance: measured},
		OpenInterest: &market.OpenInterest{USD: 57437891724.5572, Coins: 659557.3064, Change24h: 0.009, HasChange24h: true, Provenance: measured},
		Funding:      &market.Funding{Venue: "Binance", Rate: 0.00007343, Interval: 8 * time.Hour, Provenance: binance},
		Range:        &market.PriceRange{HighUSD: snap.Range.HighUSD, LowUSD: snap.Range.LowUSD, Window: market.Week, Provenance: binance},
		ETF: &market.ETFFlow{
			NetUSD: 5 * 91.8e6, NetCoins: 5 * 91.8e6 / coinglasstest.BitcoinPrice,
			From: monday, To: monday.AddDate(0, 0, 4), Week: market.LastWeek, Provenance: flows,
		},
	}
	ignored := cmpopts.IgnoreFields(snapshot.Snapshot{}, "Map", "Summary")
	if diff := cmp.Diff(want, snap, ignored, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
	wantMap := market.Provenance{Source: "CoinGlass", Origin: market.Vendor, AsOf: c.Now(), Venues: []market.Venue{"Binance", "OKX", "Bybit"}}
	if diff := cmp.Diff(wantMap, snap.Map.Provenance()); diff != "" {
		t.Errorf("provenance of the map (-want +got):\n%s", diff)
	}
	if snap.Summary.Above == nil || snap.Summary.Below == nil || snap.Summary.Imbalance.Reading != liquidation.ShortHeavy {
		t.Errorf("summary %+v", snap.Summary)
	}
}

// candlesAt serves the price that it is given, in whatever interval.
func candlesAt(closes ...float64) func(url.Values) string {
	return func(q url.Values) string {
		step := time.Minute
		if q.Get("interval") == "1h" {
			step = time.Hour
		}
		return coinglasstest.Candles(time.Now().Truncate(step), step, closes...)
	}
}

func TestExchangeThatDropsOutIsMissing(t *testing.T) {
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	exchanges := func(names ...string) {
		var all []coinglasstest.Exchange
		for _, n := range names {
			all = append(all, coinglasstest.Exchange{Name: n, Rows: []coinglasstest.Row{{Price: 90000, Level: 1}}})
		}
		srv.Reply(coinglasstest.AggregatedMap, coinglasstest.ListedMap(90100, all...))
	}
	steps := []struct {
		wait  time.Duration
		names []string
		want  []market.Venue
	}{
		{0, []string{"Binance", "OKX", "Bybit"}, nil},
		{30 * time.Minute, []string{"Binance"}, []market.Venue{"Bybit", "OKX"}},
		{10 * time.Minute, []string{"Binance", "OKX"}, []market.Venue{"Bybit"}},
		{25 * time.Minute, []string{"Binance", "OKX"}, nil},
	}
	for i, step := range steps {
		c.add(step.wait)
		exchanges(step.names...)
		got := fetch(t, s, week).Map.Provenance().Missing
		if diff := cmp.Diff(step.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("missing in step %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestConfig(t *testing.T) {
	tests := []struct {
		name string
		cfg  coinglass.Config
		want string // in the error; empty for none
	}{
		{"nothing but a key", coinglass.Config{Key: secret.New("k")}, ""},
		{"trailing slash", coinglass.Config{URL: "https://example.org/v4/"}, ""},
		{"no scheme", coinglass.Config{URL: "example.org"}, "no web address"},
		{"other scheme", coinglass.Config{URL: "ftp://example.org"}, "no web address"},
		{"password", coinglass.Config{URL: "https://me:hunter2@example.org"}, "more than host and path"},
		{"query", coinglass.Config{URL: "https://example.org?key=hunter2"}, "more than host and path"},
		{"key with a line break", coinglass.Config{Key: secret.New("hunter2\n")}, "API key"},
		{"band in percent", coinglass.Config{KeyLevelBand: 6}, "fraction"},
		{"band that is no number", coinglass.Config{SymmetricBand: math.NaN()}, "fraction"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := coinglass.New(tt.cfg)
			if (err == nil) != (tt.want == "") {
				t.Fatalf("error %v", err)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("error %q, want %q in it and no secret", err, tt.want)
			}
		})
	}
}

func TestConcurrentFetches(t *testing.T) {
	srv := coinglasstest.New(t)
	s := source(t, srv)
	var wg sync.WaitGroup
	for _, coin := range []market.Coin{"BTC", "ETH", "SOL"} {
		for _, window := range market.Windows() {
			for range 3 {
				wg.Go(func() {
					if _, err := s.Fetch(t.Context(), snapshot.Key{Coin: coin, Window: window}); err != nil {
						t.Errorf("%s %s: %v", coin, window, err)
					}
				})
			}
		}
	}
	wg.Go(func() { _, _ = s.Coins(t.Context()) })
	wg.Wait()
	shared := map[string]int{
		coinglasstest.AggregatedMap: 27, coinglasstest.SupportedPairs: 1, coinglasstest.Funding: 1,
		coinglasstest.OpenInterest: 3, coinglasstest.BitcoinFlows: 1, coinglasstest.EthereumFlows: 1,
		coinglasstest.PriceHistory: 3,
	}
	for path, want := range shared {
		if got := srv.Requests(path); got != want {
			t.Errorf("%d requests for %s, want %d", got, path, want)
		}
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	srv := coinglasstest.New(t)
	srv.Fail("", coinglasstest.Fault{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := source(t, srv).Fetch(ctx, week)
	if err == nil || time.Since(began) > time.Second {
		t.Errorf("error %v after %s", err, time.Since(began))
	}
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func logTo(l *lines) func(*coinglass.Config) {
	return func(cfg *coinglass.Config) { cfg.Log = slog.New(slog.NewTextHandler(l, nil)) }
}

func status(code int) coinglasstest.Fault {
	return coinglasstest.Fault{Status: code, Body: coinglasstest.Refusal(http.StatusText(code), "")}
}
