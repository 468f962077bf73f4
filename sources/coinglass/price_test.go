package coinglass_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/coinglass"
	"liqbot/sources/coinglass/coinglasstest"
)

// mapAround is a map without a price of its own.
func mapAround(price float64) string {
	return coinglasstest.KeyedMap(0,
		coinglasstest.Row{Price: price * 0.97, Level: 2}, coinglasstest.Row{Price: price * 1.03, Level: 3})
}

func TestPriceFromCandles(t *testing.T) {
	now := at().Now()
	minute, hour := time.Minute, time.Hour
	open := now.Truncate(minute)
	tests := []struct {
		name    string
		minutes string
		want    float64
		asOf    time.Time
	}{
		{"open candle is of now", coinglasstest.Candles(open, minute, 100, 101), 101, now},
		{"closed candle is of its end", coinglasstest.Candles(open.Add(-minute), minute, 100, 101), 101, open},
		{"frozen history shows its age", coinglasstest.Candles(open.Add(-40*minute), minute, 100, 101), 101, open.Add(-39 * minute)},
		{"coarser than asked", coinglasstest.Candles(now.Truncate(hour), hour, 100, 101), 101, now},
		{"coarser and frozen", coinglasstest.Candles(now.Truncate(hour).Add(-3*hour), hour, 100, 101), 101, now.Truncate(hour).Add(-2 * hour)},
		{"single candle has the step asked for", coinglasstest.Candles(open.Add(-5*minute), minute, 101), 101, open.Add(-4 * minute)},
		{"clock of the vendor ahead", coinglasstest.Candles(open.Add(10*minute), minute, 100, 101), 101, now},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, srv := at(), coinglasstest.New(t)
			s := source(t, srv, onClock(srv, c))
			srv.Reply(coinglasstest.AggregatedMap, mapAround(101))
			serveIntervals(srv, tt.minutes, coinglasstest.Refusal("500", "no"))
			snap := fetch(t, s, week)
			want := market.Price{
				USD: tt.want, Kind: market.LastPrice,
				Provenance: market.Provenance{Source: "CoinGlass", Origin: market.Measured, AsOf: tt.asOf, Venues: []market.Venue{"Binance"}},
			}
			if diff := cmp.Diff(want, snap.Price); diff != "" {
				t.Errorf("price (-want +got):\n%s", diff)
			}
			if snap.Map.MarkUSD() != tt.want || snap.Range != nil || snap.Age(now) != now.Sub(tt.asOf) {
				t.Errorf("mark %v, range %v, age %s", snap.Map.MarkUSD(), snap.Range, snap.Age(now))
			}
		})
	}
}

// serveIntervals answers price/history by its interval.
func serveIntervals(srv *coinglasstest.Server, minutes, hours string) {
	srv.ReplyFunc(coinglasstest.PriceHistory, func(q url.Values) string {
		if q.Get("interval") == "1m" {
			return minutes
		}
		return hours
	})
}

func TestPriceOfTheMapComesFirst(t *testing.T) {
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	srv.Fail(coinglasstest.PriceHistory, coinglasstest.Fault{Status: 404})
	snap := fetch(t, s, week)
	if snap.Price.USD != coinglasstest.BitcoinPrice || snap.Price.HasChange24h || snap.Range != nil {
		t.Errorf("price %+v, range %v", snap.Price, snap.Range)
	}
	for _, r := range srv.Seen(coinglasstest.PriceHistory) {
		if r.Query.Get("interval") == "1m" {
			t.Error("asked for a price that the map had")
		}
	}
}

func TestHourlyPriceStandsIn(t *testing.T) {
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	srv.Reply(coinglasstest.AggregatedMap, mapAround(101))
	serveIntervals(srv, coinglasstest.Refusal("401", "Upgrade plan"),
		coinglasstest.Candles(c.Now().Truncate(time.Hour), time.Hour, 100, 101))
	snap := fetch(t, s, week)
	if snap.Price.USD != 101 || !snap.Price.Provenance.AsOf.Equal(c.Now()) {
		t.Errorf("price %+v", snap.Price)
	}
}

func TestNoPriceAnywhere(t *testing.T) {
	srv := coinglasstest.New(t)
	srv.Reply(coinglasstest.AggregatedMap, mapAround(101))
	srv.Reply(coinglasstest.PriceHistory, coinglasstest.Refusal("400", "invalid symbol"))
	_, err := source(t, srv).Fetch(t.Context(), week)
	if snapshot.ProblemOf(err) != snapshot.Unavailable || !strings.Contains(err.Error(), "no price") {
		t.Errorf("error %v", err)
	}
}

func TestImplausiblePriceIsRefused(t *testing.T) {
	tests := []struct {
		name  string
		price float64
		want  snapshot.Problem // empty for none
	}{
		{"a digit too many", coinglasstest.BitcoinPrice * 10, snapshot.BadData},
		{"another coin's price", coinglasstest.EthereumPrice, snapshot.BadData},
		{"a bad day", coinglasstest.BitcoinPrice * 0.8, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := coinglasstest.New(t)
			srv.Reply(coinglasstest.AggregatedMap, coinglasstest.KeyedMap(tt.price,
				coinglasstest.Row{Price: 95000, Level: 1}, coinglasstest.Row{Price: 60000, Level: 1}))
			_, err := source(t, srv).Fetch(t.Context(), week)
			if tt.want == "" && err == nil {
				return
			}
			if got := snapshot.ProblemOf(err); err == nil || got != tt.want {
				t.Errorf("problem %q of %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestRangeAndChange(t *testing.T) {
	c := at()
	hour := c.Now().Truncate(time.Hour)
	flat := func(n int, v float64) []float64 {
		all := make([]float64, n)
		for i := range all {
			all[i] = v
		}
		return all
	}
	tests := []struct {
		name      string
		hours     string
		price     float64
		low, high float64
		change    float64
		hasChange bool
	}{
		// The candle that began at 12:00 the day before opened at 80: its
		// predecessor closed there.
		{"a week of hours", coinglasstest.Candles(hour, time.Hour, append(flat(144, 80), flat(24, 120)...)...), 100, 80, 120, 0.25, true},
		{"the present price is in the range", coinglasstest.Candles(hour, time.Hour, flat(168, 90)...), 100, 90, 100, 100.0/90 - 1, true},
		{"older than a week does not count", coinglasstest.Candles(hour, time.Hour, append(flat(32, 10), flat(170, 90)...)...), 100, 90, 100, 100.0/90 - 1, true},
		{"listed five hours ago", coinglasstest.Candles(hour, time.Hour, flat(5, 90)...), 100, 90, 100, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := coinglasstest.New(t)
			s := source(t, srv, onClock(srv, c))
			srv.Reply(coinglasstest.AggregatedMap, coinglasstest.KeyedMap(tt.price, coinglasstest.Row{Price: 101, Level: 1}))
			srv.Reply(coinglasstest.PriceHistory, tt.hours)
			snap := fetch(t, s, week)
			near(t, "low", snap.Range.LowUSD, tt.low)
			near(t, "high", snap.Range.HighUSD, tt.high)
			near(t, "change", snap.Price.Change24h, tt.change)
			if snap.Price.HasChange24h != tt.hasChange {
				t.Errorf("has change: %v", snap.Price.HasChange24h)
			}
		})
	}
}

func TestWeekThatEndedLongAgoIsNoRange(t *testing.T) {
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	srv.Reply(coinglasstest.PriceHistory, reply(t, "price_history.json")) // of April 2025
	if snap := fetch(t, s, week); snap.Range != nil || snap.Price.HasChange24h {
		t.Errorf("range %+v, price %+v", snap.Range, snap.Price)
	}
}

func TestContractOfThePrice(t *testing.T) {
	type pair = map[string]string
	contract := func(id, base, quote string) pair {
		return pair{"instrument_id": id, "base_asset": base, "quote_asset": quote}
	}
	tests := []struct {
		name     string
		pairs    string
		exchange market.Venue
		want     string // exchange and symbol asked for first
	}{
		{"documented list: Bitget's own spelling", reply(t, "supported_exchange_pairs.json"), "", "Bitget BTCUSDT_UMCBL"},
		{"the biggest exchange", coinglasstest.Data(map[string][]pair{
			"Aster": {contract("BTCUSDT", "BTC", "USDT")}, "OKX": {contract("BTC-260626", "BTC", "USDT"), contract("BTC-USDT-SWAP", "BTC", "USDT")},
		}), "", "OKX BTC-USDT-SWAP"},
		{"perpetual before dated, USDT before USD", coinglasstest.Data(map[string][]pair{
			"Binance": {contract("BTCUSDT_260626", "BTC", "USDT"), contract("BTCUSD_PERP", "BTC", "USD"), contract("BTCUSDT", "BTC", "USDT"), contract("BTCSTUSDT", "BTCST", "USDT")},
		}), "", "Binance BTCUSDT"},
		{"the chosen exchange, in the vendor's spelling", reply(t, "supported_exchange_pairs.json"), "bitget", "Bitget BTCUSDT_UMCBL"},
		{"no list: the usual name", coinglasstest.Refusal("500", "busy"), "", "Binance BTCUSDT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := coinglasstest.New(t)
			srv.Reply(coinglasstest.SupportedPairs, tt.pairs)
			srv.Reply(coinglasstest.AggregatedMap, mapAround(100))
			srv.Reply(coinglasstest.PairMap, mapAround(100))
			srv.ReplyFunc(coinglasstest.PriceHistory, candlesAt(100, 100))
			s := source(t, srv, func(cfg *coinglass.Config) { cfg.Exchange = tt.exchange })
			fetch(t, s, week)
			asked := srv.Seen(coinglasstest.PriceHistory)
			if len(asked) == 0 {
				t.Fatal("no price was asked for")
			}
			if got := asked[0].Query.Get("exchange") + " " + asked[0].Query.Get("symbol"); got != tt.want {
				t.Errorf("asked for %s, want %s", got, tt.want)
			}
		})
	}
}

func TestContractWithoutPriceIsPassedOver(t *testing.T) {
	srv := coinglasstest.New(t)
	srv.Reply(coinglasstest.AggregatedMap, mapAround(100))
	srv.ReplyFunc(coinglasstest.PriceHistory, func(q url.Values) string {
		if q.Get("exchange") == "Binance" {
			return coinglasstest.Data([]any{})
		}
		return candlesAt(100, 100)(q)
	})
	snap := fetch(t, source(t, srv), week)
	if diff := cmp.Diff([]market.Venue{"Bitget"}, snap.Price.Provenance.Venues); diff != "" {
		t.Errorf("venues of the price (-want +got):\n%s", diff)
	}
}

func TestETFFlows(t *testing.T) {
	// April 2026: the 13th is a Monday.
	d := func(dayOfApril int) time.Time { return time.Date(2026, 4, dayOfApril, 0, 0, 0, 0, time.UTC) }
	flow := func(day int, usd, price float64) coinglasstest.FlowDay {
		return coinglasstest.FlowDay{Day: d(day), FlowUSD: usd, Price: price}
	}
	twoWeeks := coinglasstest.Flows(
		flow(6, 100, 10), flow(7, -40, 20), flow(8, 0, 20), flow(9, 50, 0), flow(10, 30, 10),
		flow(13, 1000, 10), flow(14, 2000, 10), flow(15, 4000, 10), flow(16, 8000, 10), flow(17, 16000, 10))
	tests := []struct {
		name  string
		now   time.Time
		flows string
		want  *market.ETFFlow
	}{
		{"Thursday: the week before", d(16).Add(12 * time.Hour), twoWeeks, &market.ETFFlow{NetUSD: 140, NetCoins: 10 - 2 + 3, From: d(6), To: d(10), Week: market.LastWeek}},
		{"Friday night: the week is not over", d(18).Add(-time.Second), twoWeeks, &market.ETFFlow{NetUSD: 140, NetCoins: 11, From: d(6), To: d(10), Week: market.LastWeek}},
		{"Saturday: the week that ended", d(18), twoWeeks, &market.ETFFlow{NetUSD: 31000, NetCoins: 3100, From: d(13), To: d(17), Week: market.LastWeek}},
		{"Sunday: the same", d(19).Add(23 * time.Hour), twoWeeks, &market.ETFFlow{NetUSD: 31000, NetCoins: 3100, From: d(13), To: d(17), Week: market.LastWeek}},
		{"Monday: still the same", d(20).Add(time.Hour), twoWeeks, &market.ETFFlow{NetUSD: 31000, NetCoins: 3100, From: d(13), To: d(17), Week: market.LastWeek}},
		{"a weekend is no trading day", d(16), coinglasstest.Flows(flow(5, 1, 1), flow(6, 2, 1), flow(11, 4, 1)), &market.ETFFlow{NetUSD: 2, NetCoins: 2, From: d(6), To: d(6), Week: market.LastWeek}},
		{"a holiday in the week", d(16), coinglasstest.Flows(flow(7, 5, 1), flow(9, 6, 1)), &market.ETFFlow{NetUSD: 11, NetCoins: 11, From: d(7), To: d(9), Week: market.LastWeek}},
		{"only this week is known", d(16).Add(time.Hour), coinglasstest.Flows(flow(13, 1, 1), flow(14, 2, 1), flow(15, 4, 1)), &market.ETFFlow{NetUSD: 7, NetCoins: 7, From: d(13), To: d(15), Week: market.LatestDays}},
		{"nothing newer than a week", d(28), twoWeeks, nil},
		{"days to come do not count", d(9), coinglasstest.Flows(flow(10, 1, 1), flow(13, 2, 1)), nil},
		{"empty", d(16), coinglasstest.Data([]any{}), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := coinglasstest.New(t)
			c := &clock{now: tt.now}
			s := source(t, srv, onClock(srv, c))
			srv.Reply(coinglasstest.BitcoinFlows, tt.flows)
			got := fetch(t, s, week).ETF
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(market.ETFFlow{}, "Provenance"), cmpopts.EquateApprox(1e-12, 0)); diff != "" {
				t.Errorf("flow (-want +got):\n%s", diff)
			}
			if got != nil && got.Provenance.AsOf.After(tt.now) {
				t.Errorf("as of %s, which is to come", got.Provenance.AsOf)
			}
		})
	}
}

func TestFlowsOnlyWhereThereAreETFs(t *testing.T) {
	srv := coinglasstest.New(t)
	s := source(t, srv)
	if fetch(t, s, snapshot.Key{Coin: "SOL", Window: market.Day}).ETF != nil {
		t.Error("flows for SOL")
	}
	if got := fetch(t, s, snapshot.Key{Coin: "ETH", Window: market.Day}).ETF; got == nil || got.NetUSD >= 0 {
		t.Errorf("flows for ETH: %+v", got)
	}
	if srv.Requests(coinglasstest.BitcoinFlows) != 0 {
		t.Error("asked for the flows of BTC")
	}
}
