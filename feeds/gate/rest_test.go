package gate_test

import (
	"context"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/gate"
	"liqbot/feeds/gate/gatetest"
	"liqbot/market"
)

// canned answers every request with the same body.
type canned string

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(c))), Request: r}, nil
}

func answering(body string) *gate.Feed {
	return gate.New(gate.Config{Client: &http.Client{Transport: canned(body)}})
}

func file(tb testing.TB, name string) string {
	tb.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

func TestRecordedContracts(t *testing.T) {
	got, err := answering(file(t, "rest_contracts_usdt_20230524_part.json")).Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byCoin := map[market.Coin]market.Contract{}
	for _, c := range got {
		byCoin[c.Coin] = c
	}
	want := func(symbol string, coin market.Coin, quoted, contract, tick, leverage float64) market.Contract {
		return market.Contract{
			Venue: gate.Venue, Symbol: symbol, Coin: coin, Quote: "USDT", QuotedCoins: quoted, ContractCoins: contract,
			TickUSD: tick, MaxLeverage: leverage, FundingInterval: 8 * time.Hour,
		}
	}
	for _, w := range []market.Contract{
		want("BTC_USDT", "BTC", 1, 0.0001, 0.1, 100),
		want("PEPE_USDT", "PEPE", 1, 1e7, 1e-11, 20),
		want("1INCH_USDT", "1INCH", 1, 1, 0.0001, 50),
		want("MBABYDOGE_USDT", "BABYDOGE", 1e6, 1e8, 1e-12, 20),
	} {
		got := byCoin[w.Coin]
		if diff := cmp.Diff(w, got, cmpopts.EquateApprox(1e-9, 0), cmpopts.IgnoreFields(market.Contract{}, "MaxLeverage", "TickUSD")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", w.Coin, diff)
		}
	}
	if c := byCoin["BTC"]; c.TickUSD != 0.1 || c.MaxLeverage != 100 {
		t.Errorf("BTC's tick is %g and its leverage %g, want 0.1 and 100", c.TickUSD, c.MaxLeverage)
	}
	if _, ok := byCoin["COCOS"]; ok {
		t.Error("COCOS is being delisted, and listed here")
	}
}

// 165 contracts of 0.0001 BTC were a short that was bought back at 28070.
func TestSideOfThePast(t *testing.T) {
	at := time.Unix(1696736132, 0).UTC()
	got, err := answering(file(t, "rest_liq_orders_20231008.json")).PastLiquidations(t.Context(), btc(), at.Add(-time.Minute), at.Add(time.Minute))
	want := []market.Liquidation{{At: at, Side: market.Short, Coins: 0.0165, PriceUSD: 28070}}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if usd := got[0].NotionalUSD(); math.Abs(usd-463.155) > 1e-6 {
		t.Errorf("%g USD, want 463.155", usd)
	}
}

func TestRecordedStatistics(t *testing.T) {
	at := time.Unix(1674057000, 0).UTC()
	c := btc()
	c.ContractCoins = 10
	got, err := answering(file(t, "rest_contract_stats_20230118.json")).OpenInterest(t.Context(), c, at, at.Add(feeds.CandleLength))
	if want := []market.OpenInterestPoint{{At: at, Coins: 28517250}}; err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestRecordedTiers(t *testing.T) {
	got, err := answering(file(t, "rest_risk_limit_table_BTC_USDT_202507.json")).Tiers(t.Context(), btc())
	want := []market.LeverageTier{
		{FromUSD: 0, ToUSD: 1e6, MaxLeverage: 125, MaintenanceMarginRate: 0.004},
		{FromUSD: 1e6, ToUSD: 1.5e6, MaxLeverage: 111, MaintenanceMarginRate: 0.0045, DeductionUSD: 500},
		{FromUSD: 1.5e6, ToUSD: 2e6, MaxLeverage: 100, MaintenanceMarginRate: 0.005, DeductionUSD: 1250},
		{FromUSD: 2e6, ToUSD: 3e6, MaxLeverage: 75, MaintenanceMarginRate: 0.007, DeductionUSD: 5250},
		{FromUSD: 3e6, ToUSD: math.Inf(1), MaxLeverage: 66, MaintenanceMarginRate: 0.0075, DeductionUSD: 6750},
	}
	if diff := cmp.Diff(want, got.Tiers); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Rows of other contracts and without a sense are left out, and times may have fractions.
func TestRowsOfThePast(t *testing.T) {
	at := time.Unix(1696736132, 0).UTC()
	body := `[{"contract":"BTC_USDT","left":0,"size":"2","order_size":-2,"fill_price":"28070","order_price":"28000","time":1696736132.5},` +
		`{"contract":"ETH_USDT","size":-165,"fill_price":"28070","time":1696736132},{"contract":"BTC_USDT","size":null,"fill_price":"28070","time":1696736132},` +
		`{"contract":"BTC_USDT","size":"NaN","fill_price":"1","time":1696736132},{"size":-1,"fill_price":"0","order_price":28225.5,"time":"1696736132"},17]`
	got, err := answering(body).PastLiquidations(t.Context(), btc(), at.Add(-time.Minute), at.Add(time.Minute))
	want := []market.Liquidation{
		{At: at, Side: market.Short, Coins: 0.0001, PriceUSD: 28225.5},
		{At: at.Add(500 * time.Millisecond), Side: market.Long, Coins: 0.0002, PriceUSD: 28070},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A week is two pages of candles and two of marks, and the statistics are asked for once.
func TestWeek(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3}, gatetest.WithFineStats(8*24*time.Hour))
	now := d.Base().Now()
	from := now.Add(-7 * 24 * time.Hour).Truncate(feeds.CandleLength)
	candles, err := f.Candles(t.Context(), btc(), from, now)
	if err != nil || len(candles) != 2016 || !candles[0].Start.Equal(from) {
		t.Fatalf("%d candles, %v; want 2016 from %v", len(candles), err, from)
	}
	points, err := f.OpenInterest(t.Context(), btc(), from, now)
	if err != nil || len(points) < 2016 {
		t.Fatalf("%d points, %v", len(points), err)
	}
	// A clock, two pages each of candles and marks, 21 of statistics.
	if n := d.Base().Requests(); n > 1+2+2+21 {
		t.Errorf("a week took %d requests", n)
	}
	if candles, err = f.Candles(t.Context(), btc(), now.Add(-60*24*time.Hour), now.Add(time.Hour)); err != nil || len(candles) != 9990 {
		t.Errorf("%d candles of two months, %v; Gate has 9990", len(candles), err)
	}
	if v := d.Violations(); len(v) > 0 {
		t.Errorf("Gate would have refused: %v", v)
	}
}

// Gate keeps fine statistics for a while only: hours go on before them.
func TestCoarseHistory(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3}, gatetest.WithFineStats(24*time.Hour))
	to := d.Base().Now().Truncate(time.Hour)
	points, err := f.OpenInterest(t.Context(), btc(), to.Add(-20*24*time.Hour), to)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(points); n < 19*24+270 || n > 20*24+289 || !points[0].At.Equal(to.Add(-20*24*time.Hour)) {
		t.Errorf("%d points from %v", n, points[0].At)
	}
	for i := 1; i < len(points); i++ {
		if gap := points[i].At.Sub(points[i-1].At); gap <= 0 || gap > time.Hour {
			t.Fatalf("gap of %v at %v", gap, points[i].At)
		}
	}
}

func TestFundingsAndShares(t *testing.T) {
	t.Parallel()
	m := feedtest.Market{Share: 0.3}
	f, d := begin(t, m)
	to := d.Base().Now().Truncate(8 * time.Hour)
	from := to.Add(-30 * 24 * time.Hour)
	got, err := f.Fundings(t.Context(), btc(), from, to)
	if err != nil || len(got) != 90 || !got[0].At.Equal(from) || !got[89].At.Equal(to.Add(-8*time.Hour)) {
		t.Fatalf("%d payments, %v: %v", len(got), err, got)
	}
	hourly := btc()
	hourly.FundingInterval = time.Hour // now; it paid every eight hours before
	if again, err := f.Fundings(t.Context(), hourly, from, to); err != nil || cmp.Diff(got, again) != "" {
		t.Errorf("%v; in more pages: %s", err, cmp.Diff(got, again))
	}
	ls, err := f.LongShort(t.Context(), btc())
	if want := m.LongShare("BTC", ls.At); err != nil || math.Abs(ls.Long-want) > 1e-6 || ls.Long+ls.Short != 1 {
		t.Errorf("%+v, %v; want %g long", ls, err, want)
	}
}

func TestPastLiquidations(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	to := d.Base().Now().Truncate(time.Second)
	var want []market.Liquidation
	for i := range 40 {
		l := market.Liquidation{At: to.Add(time.Duration(i-50) * 20 * time.Minute).UTC(), Side: market.Side(1 + i%2), Coins: 2.5, PriceUSD: 90_000}
		d.Liquidate("BTC", l)
		want = append(want, l)
	}
	d.Liquidate("ETH", want[3])
	got, err := f.PastLiquidations(t.Context(), btc(), want[0].At, to)
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err = f.PastLiquidations(t.Context(), btc(), want[1].At, want[2].At); err != nil || len(got) != 1 {
		t.Errorf("%d orders, %v; the end is not part of a span", len(got), err)
	}
	if v := d.Violations(); len(v) > 0 {
		t.Errorf("Gate would have refused: %v", v)
	}
}

// An hour with more orders than a page holds is asked for in parts.
func TestBusyHour(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	to := d.Base().Now().Truncate(time.Second)
	for i := range 2500 {
		d.Liquidate("BTC", market.Liquidation{At: to.Add(time.Duration(i-2600) * time.Second).UTC(), Side: market.Long, Coins: 2.5, PriceUSD: 90_000})
	}
	got, err := f.PastLiquidations(t.Context(), btc(), to.Add(-time.Hour), to)
	if err != nil || len(got) != 2500 {
		t.Errorf("%d orders, %v; want 2500", len(got), err)
	}
}

func TestUnknownContract(t *testing.T) {
	f, _ := begin(t, feedtest.Market{Share: 0.3})
	c := btc()
	c.Symbol = "1000PEPE_USDT"
	_, err := f.Candles(t.Context(), c, time.Now().Add(-time.Hour), time.Now())
	if feeds.ProblemOf(err) != feeds.NotListed {
		t.Errorf("%v, want %s", err, feeds.NotListed)
	}
}

// What Gate says is left is obeyed before it has to refuse.
func TestLimitHeaders(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3}, gatetest.WithLimit(8))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var err error
	for range 20 {
		if _, err = f.ServerTime(ctx); err != nil {
			break
		}
	}
	if err == nil || ctx.Err() == nil {
		t.Errorf("%v; twenty requests at once at a limit of eight", err)
	}
	if v := d.Violations(); len(v) > 0 {
		t.Errorf("Gate would have refused: %v", v)
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
		{http.StatusBadRequest, `{"label":"CONTRACT_NOT_FOUND"}`, feeds.NotListed},
		{http.StatusBadRequest, `{"label":"TOO_BIG","message":"limit 300"}`, feeds.BadData},
		{http.StatusBadRequest, `{"message":"Missing required header: Timestamp","label":"MISSING_REQUIRED_HEADER"}`, feeds.BadData},
		{http.StatusOK, `{"label":"?"}`, feeds.BadData},
		{http.StatusOK, ``, feeds.BadData},
		{http.StatusBadGateway, `<html>Bad Gateway</html>`, feeds.Unavailable},
		{http.StatusInternalServerError, `{"label":"SERVER_ERROR"}`, feeds.Unavailable},
		{http.StatusBadRequest, `{"label":"TOO_FAST"}`, feeds.RateLimited},
	} {
		d.Base().Refuse(1, tc.status, nil, tc.body)
		if _, err := f.Contracts(t.Context()); feeds.ProblemOf(err) != tc.want || err == nil {
			t.Errorf("%d %s: %v, want %s", tc.status, tc.body, err, tc.want)
		}
	}
}

func FuzzREST(f *testing.F) {
	for _, name := range []string{"rest_contract_stats_20230118.json", "rest_liq_orders_20231008.json", "rest_risk_limit_table_BTC_USDT_202507.json"} {
		f.Add(file(f, name))
	}
	f.Add(file(f, "rest_contracts_usdt_20230524_part.json")[:2000])
	f.Add(`[{"t":1789430400,"o":"1","h":"2","l":"1","c":"2","v":7,"sum":"9"},{"t":1789430401,"r":"0.0001"}]`)
	f.Fuzz(func(t *testing.T, body string) {
		feed, ctx := answering(body), t.Context()
		from := time.Unix(1696735800, 0)
		list, _ := feed.Contracts(ctx)
		for _, c := range list {
			if !(c.QuotedCoins > 0 && c.ContractCoins > 0) || c.Coin == "" {
				t.Errorf("%+v", c)
			}
		}
		candles, _ := feed.Candles(ctx, btc(), time.Now().Add(-time.Hour), time.Now())
		for _, c := range candles {
			if !feeds.PossibleCandle(c) {
				t.Errorf("%+v", c)
			}
		}
		points, _ := feed.OpenInterest(ctx, btc(), from, from.Add(time.Hour))
		for _, p := range points {
			if !feeds.PossibleCoins(p.Coins) || p.At.IsZero() {
				t.Errorf("%+v", p)
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
		if ls, err := feed.LongShort(ctx, btc()); err == nil && !(ls.Long > 0 && ls.Short > 0) {
			t.Errorf("%+v", ls)
		}
		if tiers, err := feed.Tiers(ctx, btc()); err == nil && len(tiers.Tiers) == 0 {
			t.Errorf("%+v", tiers)
		}
	})
}
