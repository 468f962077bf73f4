package bitget_test

import (
	"bytes"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/feeds/bitget"
	"liqbot/feeds/bitget/bitgettest"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// canned answers every request with the same body.
type canned string

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(c))), Request: r}, nil
}

func answering(body string) *bitget.Feed {
	return bitget.New(bitget.Config{Client: &http.Client{Transport: canned(body)}})
}

func file(tb testing.TB, name string) string {
	tb.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

func data(rows string) string {
	return `{"code":"00000","msg":"success","requestTime":1695793701269,"data":` + rows + `}`
}

// documented is the row of the official page.
const documented = `{"symbol":"BTCUSDT","baseCoin":"BTC","quoteCoin":"USDT","buyLimitPriceRatio":"0.9","supportMarginCoins":["USDT"],"minTradeNum":"0.01","priceEndStep":"1","volumePlace":"2",` +
	`"pricePlace":"1","sizeMultiplier":"0.01","symbolType":"perpetual","symbolStatus":"normal","offTime":"-1","deliveryTime":"","fundInterval":"8","minLever":"1","maxLever":"125"}`

func TestContracts(t *testing.T) {
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(documented) }
	got, err := answering(data("[" + strings.Join([]string{
		documented,
		change("BTCUSDT", "1000BONKUSDT", `"BTC"`, `"1000BONK"`, `"priceEndStep":"1"`, `"priceEndStep":"5"`, `"pricePlace":"1"`, `"pricePlace":"6"`),
		change("BTCUSDT", "1000PEPEUSDT", `"BTC"`, `"1000PEPE"`), change("BTCUSDT", "PEPEUSDT", `"BTC"`, `"PEPE"`),
		change("BTCUSDT", "TSLAUSDT", `"BTC"`, `"TSLA","isRwa":"YES"`),
		change("BTCUSDT", "XAUUSDT", `"BTC"`, `"XAU","isRwa":true`), change("BTCUSDT", "SOLUSDT", `"BTC"`, `"SOL","isRwa":false`),
		change("BTCUSDT", "1000CATUSDT", `"BTC"`, `"CAT"`),
		change("BTCUSDT", "OLDUSDT", `"BTC"`, `"OLD"`, "normal", "limit_open"),
	}, ",") + "]")).Contracts(t.Context())
	want := []market.Contract{
		{Venue: bitget.Venue, Symbol: "BTCUSDT", Coin: "BTC", QuotedCoins: 1, ContractCoins: 1, TickUSD: 0.1},
		{Venue: bitget.Venue, Symbol: "PEPEUSDT", Coin: "PEPE", QuotedCoins: 1, ContractCoins: 1, TickUSD: 0.1},
		{Venue: bitget.Venue, Symbol: "SOLUSDT", Coin: "SOL", QuotedCoins: 1, ContractCoins: 1, TickUSD: 0.1},
		{Venue: bitget.Venue, Symbol: "1000BONKUSDT", Coin: "BONK", QuotedCoins: 1000, ContractCoins: 1000, TickUSD: 5e-9},
		{Venue: bitget.Venue, Symbol: "1000CATUSDT", Coin: "CAT", QuotedCoins: 1000, ContractCoins: 1000, TickUSD: 1e-4},
	}
	for i := range want {
		want[i].Quote, want[i].MaxLeverage, want[i].FundingInterval = "USDT", 125, 8*time.Hour
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// The ratio that comes along is a hundredth of what it says: it is not used.
func TestRecordedShares(t *testing.T) {
	got, err := answering(file(t, "rest_v2_account_long_short_20241019.json")).LongShort(t.Context(), btc())
	want := market.LongShort{At: time.UnixMilli(1729312200000).UTC(), Long: 0.58, Short: 0.42}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := answering(data("[]")).LongShort(t.Context(), btc()); feeds.ProblemOf(err) != feeds.NotListed {
		t.Errorf("%v of a contract that has no shares", err)
	}
}

func TestTiersAreContinuous(t *testing.T) {
	f, _ := begin(t, feedtest.Market{Share: 0.3})
	got, err := f.Tiers(t.Context(), btc())
	want := []market.LeverageTier{
		{FromUSD: 0, ToUSD: 50_000, MaxLeverage: 125, MaintenanceMarginRate: 0.004},
		{FromUSD: 50_000, ToUSD: 200_000, MaxLeverage: 100, MaintenanceMarginRate: 0.005, DeductionUSD: 50},
		{FromUSD: 200_000, ToUSD: math.Inf(1), MaxLeverage: 50, MaintenanceMarginRate: 0.01, DeductionUSD: 1050},
	}
	if diff := cmp.Diff(want, got.Tiers, cmpopts.EquateApprox(1e-9, 0)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A week is three pages of candles and three of marks; before a month pages are smaller.
func TestPages(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	to := d.Base().Now().Truncate(feeds.CandleLength)
	for _, tc := range []struct {
		days, requests int
	}{{7, 7}, {32, 18 + 2*3}} {
		before := d.Base().Requests()
		from := to.Add(time.Duration(-tc.days) * 24 * time.Hour)
		got, err := f.Candles(t.Context(), btc(), from, to)
		if err != nil || len(got) != tc.days*288 || !got[0].Start.Equal(from) {
			t.Fatalf("%d candles of %d days, %v", len(got), tc.days, err)
		}
		for i, c := range got {
			if !c.Start.Equal(from.Add(time.Duration(i)*feeds.CandleLength)) || c.MarkHighUSD == 0 {
				t.Fatalf("candle %d is %+v", i, c)
			}
		}
		if n := d.Base().Requests() - before; n > tc.requests {
			t.Errorf("%d days took %d requests, want at most %d", tc.days, n, tc.requests)
		}
	}
	if v := d.Violations(); len(v) > 0 {
		t.Errorf("Bitget would have refused: %v", v)
	}
}

// Three pulls at once, as at a start, stay below what a path takes in any second.
func TestParallelPulls(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	to := d.Base().Now().Truncate(feeds.CandleLength)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if got, err := f.Candles(t.Context(), btc(), to.Add(-7*24*time.Hour), to); err != nil || len(got) != 2016 {
				t.Errorf("%d candles, %v", len(got), err)
			}
		})
	}
	all.Wait()
	if v := d.Violations(); len(v) > 0 {
		t.Errorf("Bitget would have refused: %v", v)
	}
}

// Whether startTime is part of a span is not written: no candle is missing either way.
func TestExclusiveStart(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3}, bitgettest.ExclusiveStart())
	to := d.Base().Now().Truncate(feeds.CandleLength)
	got, err := f.Candles(t.Context(), btc(), to.Add(-1200*feeds.CandleLength), to)
	if err != nil || len(got) != 1200 {
		t.Errorf("%d candles, %v; want 1200", len(got), err)
	}
}

func TestFundings(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	to := d.Base().Now().Truncate(8 * time.Hour)
	from := to.Add(-50 * 24 * time.Hour) // two pages
	got, err := f.Fundings(t.Context(), btc(), from, to)
	if err != nil || len(got) != 150 || !got[0].At.Equal(from) || !got[149].At.Equal(to.Add(-8*time.Hour)) {
		t.Errorf("%d payments, %v", len(got), err)
	}
}

func TestPastLiquidations(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]bitgettest.Option{"USD": nil, "coins": {bitgettest.InCoins()}} {
		t.Run(name, func(t *testing.T) {
			f, d := begin(t, feedtest.Market{Share: 0.3}, opts...)
			if _, err := f.Contracts(t.Context()); err != nil { // tells the order steps
				t.Fatal(err)
			}
			to := d.Base().Now().Truncate(time.Second)
			var want []market.Liquidation
			for i := range 130 {
				l := market.Liquidation{At: to.Add(time.Duration(i-140) * time.Minute).UTC(), Side: market.Side(1 + i%2), Coins: 0.0123 * float64(1+i%7), PriceUSD: 90_000}
				d.Liquidate("BTC", l)
				d.Liquidate("ETH", l)
				want = append(want, l)
			}
			got, err := f.PastLiquidations(t.Context(), btc(), want[3].At, want[128].At)
			if diff := cmp.Diff(want[3:128], got, cmpopts.EquateApprox(1e-9, 0)); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if v := d.Violations(); len(v) > 0 {
				t.Errorf("Bitget would have refused: %v", v)
			}
		})
	}
}

// What the prints say against the unit that is used is told to the host, once.
func TestUnitIsChecked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		unit bitget.Unit
		want int
	}{"given": {bitget.USD, 1}, "right": {bitget.Coins, 0}, "measured": {bitget.Measured, 1}} {
		t.Run(name, func(t *testing.T) {
			d := bitgettest.Start(feedtest.Market{Share: 0.3}, bitgettest.InCoins())
			defer d.Close()
			var log bytes.Buffer
			f := bitget.New(bitget.Config{APIURL: d.API(), Amount: tc.unit, Log: slog.New(slog.NewTextHandler(&log, nil))})
			to := d.Base().Now()
			for i := range 5 {
				d.Liquidate("BTC", market.Liquidation{At: to.Add(time.Duration(-i-1) * time.Minute), Side: market.Long, Coins: 0.05, PriceUSD: 90_000})
			}
			if got, err := f.PastLiquidations(t.Context(), btc(), to.Add(-time.Hour), to); err != nil || len(got) != 5 {
				t.Fatalf("%d orders, %v", len(got), err)
			}
			if n := strings.Count(log.String(), "another unit"); n != tc.want {
				t.Errorf("told %d times, want %d: %s", n, tc.want, &log)
			}
		})
	}
}

// Rows that come twice, or are of other contracts, are left out.
func TestPastLiquidationsOfOthers(t *testing.T) {
	one := `{"symbol":"BTCUSDT","side":"buy","price":"89000","amount":"37.722858","ts":"1736371332162"}`
	f := answering(data(`{"list":[` + one + `,` + one + `,` + strings.NewReplacer("BTCUSDT", "ETHUSDT", "37.72", "38.72").Replace(one) + `],"cursor":""}`))
	at := time.UnixMilli(1736371332162)
	if got, err := f.PastLiquidations(t.Context(), btc(), at.Add(-time.Hour), at.Add(time.Hour)); err != nil || len(got) != 1 {
		t.Errorf("%v, %v; want one", got, err)
	}
}

// One share a second is all that Bitget answers.
func TestSlowPath(t *testing.T) {
	t.Parallel()
	m := feedtest.Market{Share: 0.3}
	f, d := begin(t, m)
	for range 2 {
		ls, err := f.LongShort(t.Context(), btc())
		if want := m.LongShare("BTC", ls.At); err != nil || math.Abs(ls.Long-want) > 1e-9 {
			t.Errorf("%+v, %v; want %g long", ls, err, want)
		}
	}
	if v := d.Violations(); len(v) > 0 {
		t.Errorf("Bitget would have refused: %v", v)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	for _, tc := range []struct {
		status int
		body   string
		want   feeds.Problem
	}{
		{http.StatusBadRequest, file(t, "rest_error_40034.json"), feeds.NotListed},
		{http.StatusBadRequest, `{"code":"25100","msg":"trading pair does not exist","requestTime":1,"data":null}`, feeds.NotListed},
		{http.StatusBadRequest, `{"code":"40019","msg":"Parameter productType cannot be empty","requestTime":1,"data":null}`, feeds.BadData},
		{http.StatusOK, `{"code":"40725","msg":"service return an error","requestTime":1,"data":null}`, feeds.BadData},
		{http.StatusOK, `<html>soon</html>`, feeds.BadData},
		{http.StatusOK, data("17"), feeds.BadData},
		{http.StatusBadGateway, `<html>Bad Gateway</html>`, feeds.Unavailable},
		{http.StatusNotFound, `{"code":"40404","msg":"Request URL NOT FOUND","requestTime":1,"data":null}`, feeds.Blocked},
		{http.StatusTooManyRequests, `{"code":"429","msg":"Request is too frequent"}`, feeds.RateLimited},
	} {
		d.Base().Refuse(1, tc.status, nil, tc.body)
		if _, err := f.Contracts(t.Context()); err == nil || feeds.ProblemOf(err) != tc.want {
			t.Errorf("%d %s: %v, want %s", tc.status, tc.body, err, tc.want)
		}
	}
	banned, d := begin(t, feedtest.Market{Share: 0.3})
	d.Base().Refuse(1, http.StatusForbidden, nil, `<html>Access denied</html>`)
	if _, err := banned.Contracts(t.Context()); feeds.ProblemOf(err) != feeds.Blocked {
		t.Errorf("a page of the shield gave %v, want %s", err, feeds.Blocked)
	}
}

func FuzzREST(f *testing.F) {
	for _, name := range []string{"rest_error_40034.json", "rest_v2_account_long_short_20241019.json", "rest_v2_current_fund_rate_20250424.json", "rest_v2_open_interest_20231124.json"} {
		f.Add(file(f, name))
	}
	f.Add(data("[" + documented + "]"))
	f.Add(data(`[["1687708800000","27176.93","27177.43","27166.93","27177.43","2990.08","81246917.3294"]]`))
	f.Add(data(`{"list":[{"symbol":"BTCUSDT","side":"buy","price":"89000","amount":"37.722858","ts":"1687708800000"}],"cursor":"17"}`))
	f.Add(data(`[{"symbol":"BTCUSDT","level":"1","startUnit":"0","endUnit":"50000","leverage":"125","keepMarginRate":"0.004","fundingTime":"1687708800000","fundingRate":"-0.0003"}]`))
	f.Fuzz(func(t *testing.T, body string) {
		feed, ctx := answering(body), t.Context()
		from := time.UnixMilli(1687708800000)
		list, _ := feed.Contracts(ctx)
		for _, c := range list {
			if !(c.QuotedCoins > 0 && c.ContractCoins > 0) || c.Coin == "" {
				t.Errorf("%+v", c)
			}
		}
		candles, _ := feed.Candles(ctx, btc(), from, from.Add(time.Hour))
		for _, c := range candles {
			if !feeds.PossibleCandle(c) {
				t.Errorf("%+v", c)
			}
		}
		past, _ := feed.PastLiquidations(ctx, btc(), from, from.Add(time.Hour))
		for _, l := range past {
			if !feeds.PossibleCoins(l.Coins) || !feeds.PossiblePrice(l.PriceUSD) || l.Side == 0 {
				t.Errorf("%+v", l)
			}
		}
		paid, _ := feed.Fundings(ctx, btc(), from, from.Add(time.Hour))
		for _, p := range paid {
			if !feeds.PossibleFunding(p.Rate) {
				t.Errorf("%+v", p)
			}
		}
		if ls, err := feed.LongShort(ctx, btc()); err == nil && !(ls.Long >= 0 && ls.Short >= 0) {
			t.Errorf("%+v", ls)
		}
		if tiers, err := feed.Tiers(ctx, btc()); err == nil && len(tiers.Tiers) == 0 {
			t.Errorf("%+v", tiers)
		}
	})
}
