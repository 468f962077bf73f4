package hyperliquid_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/hyperliquid"
	"liqbot/feeds/hyperliquid/hyperliquidtest"
	"liqbot/market"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, m feedtest.Market, watch []string, opts ...hyperliquidtest.Option) (*hyperliquid.Feed, *hyperliquidtest.Double) {
	t.Helper()
	d := hyperliquidtest.Start(m, opts...)
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		d.Close()
		if v := d.Violations(); len(v) > 0 {
			t.Errorf("the venue's rules were broken: %q", v)
		}
	})
	return another(d, client, watch), d
}

func another(d *hyperliquidtest.Double, client *http.Client, watch []string) *hyperliquid.Feed {
	return hyperliquid.New(hyperliquid.Config{
		APIURL: d.API(), StreamURL: d.StreamURL(), Silence: time.Second, MinBackoff: 50 * time.Millisecond, Client: client, Watch: watch,
	})
}

func TestSuite(t *testing.T) {
	traits := feedtest.Traits{NoMarkCandles: true, NoTaker: true, NoOpenInterestHistory: true}
	for name, watch := range map[string][]string{
		"liquidated account": {hyperliquidtest.Trader},
		"counterparty":       {hyperliquidtest.Maker},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			feedtest.Suite(t, traits, func(t *testing.T, m feedtest.Market) (feeds.Feed, feedtest.Double) {
				t.Helper()
				return start(t, m, watch)
			})
		})
	}
}

// stream runs the feed's stream until the test ends.
func stream(t *testing.T, f *hyperliquid.Feed, contracts []market.Contract) *feedtest.Collector {
	t.Helper()
	c := feedtest.NewCollector()
	ended := make(chan error, 1)
	ctx := t.Context()
	go func() { ended <- f.Stream(ctx, contracts, c) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Errorf("Stream ended with %v, want nil", err)
		}
	})
	return c
}

func list(t *testing.T, f *hyperliquid.Feed) []market.Contract {
	t.Helper()
	all, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// warm lets the feed know the venue's clock, for which it asks every ten minutes.
func warm(t *testing.T, f *hyperliquid.Feed) {
	t.Helper()
	if _, err := f.ServerTime(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func of(t *testing.T, f *hyperliquid.Feed, coin market.Coin) market.Contract {
	t.Helper()
	all := list(t, f)
	i := slices.IndexFunc(all, func(c market.Contract) bool { return c.Coin == coin })
	if i < 0 {
		t.Fatalf("no contract of %s", coin)
	}
	return all[i]
}

func TestContracts(t *testing.T) {
	f, _ := start(t, feedtest.Market{Share: 0.1}, nil)
	got := list(t, f)
	want := []market.Contract{
		{Symbol: "BTC", Coin: "BTC", QuotedCoins: 1, ContractCoins: 1, TickUSD: 1, MaxLeverage: 40},
		{Symbol: "ETH", Coin: "ETH", QuotedCoins: 1, ContractCoins: 1, TickUSD: 0.1, MaxLeverage: 25},
		{Symbol: "SOL", Coin: "SOL", QuotedCoins: 1, ContractCoins: 1, TickUSD: 0.01, MaxLeverage: 20},
		{Symbol: "kPEPE", Coin: "PEPE", QuotedCoins: 1000, ContractCoins: 1000, TickUSD: 1e-9, MaxLeverage: 10},
	}
	for i := range want {
		want[i].Venue, want[i].Quote, want[i].FundingInterval = hyperliquid.Venue, "USDC", time.Hour
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Errorf("contracts (-want +got):\n%s", diff)
	}
}

func TestTiers(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	btc, pepe := of(t, f, "BTC"), of(t, f, "PEPE")
	weight := d.Weight()
	got, err := f.Tiers(t.Context(), btc)
	if err != nil {
		t.Fatal(err)
	}
	want := []market.LeverageTier{
		{ToUSD: 150e6, MaxLeverage: 40, MaintenanceMarginRate: 0.0125},
		{FromUSD: 150e6, ToUSD: math.Inf(1), MaxLeverage: 20, MaintenanceMarginRate: 0.025, DeductionUSD: 1_875_000},
	}
	if diff := cmp.Diff(want, got.Tiers, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
		t.Errorf("tiers (-want +got):\n%s", diff)
	}
	if age := time.Since(got.AsOf); age < 0 || age > time.Minute {
		t.Errorf("tiers are as of %v", got.AsOf)
	}
	if _, err := f.Tiers(t.Context(), pepe); err != nil {
		t.Error(err)
	}
	if d.Weight() != weight {
		t.Errorf("tiers cost %d although the list was known", d.Weight()-weight)
	}
	_, err = f.Tiers(t.Context(), market.Contract{Symbol: "NOPE"})
	if feeds.ProblemOf(err) != feeds.NotListed {
		t.Errorf("tiers of an unknown contract: %v", err)
	}
}

func TestCandlesCostOneRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		ago          time.Duration
		rows, weight int
	}{
		{"week", 7 * 24 * time.Hour, 2016, 20 + 33},
		{"month, of which the venue keeps 17 days", 30 * 24 * time.Hour, 4999, 20 + 83},
		{"hour", time.Hour, 12, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, d := start(t, feedtest.Market{Share: 0.1}, nil)
			c := of(t, f, "PEPE")
			warm(t, f)
			weight, requests := d.Weight(), d.Base().Requests()
			to := time.Now().Truncate(feeds.CandleLength)
			got, err := f.Candles(t.Context(), c, to.Add(-tt.ago), to.Add(time.Hour)) // the unfinished one is left out
			if err != nil {
				t.Fatal(err)
			}
			if n := len(got); n < tt.rows || n > tt.rows+1 {
				t.Fatalf("%d candles, want %d", n, tt.rows)
			}
			if last := got[len(got)-1]; last.End().After(time.Now()) {
				t.Errorf("the last candle ends at %v", last.End())
			}
			if n, w := d.Base().Requests()-requests, d.Weight()-weight; n != 1 || w > tt.weight {
				t.Errorf("took %d requests of weight %d, want 1 of %d", n, w, tt.weight)
			}
		})
	}
}

func TestHistoryOfNothing(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	now := time.Now()
	c := of(t, f, "BTC")
	warm(t, f)
	requests := d.Base().Requests()
	candles, err := f.Candles(t.Context(), c, now.Add(time.Hour), now.Add(2*time.Hour))
	if err != nil || len(candles) != 0 {
		t.Errorf("candles of the future: %d, %v", len(candles), err)
	}
	fundings, err := f.Fundings(t.Context(), c, now, now)
	if err != nil || len(fundings) != 0 {
		t.Errorf("funding of no time: %d, %v", len(fundings), err)
	}
	past, err := f.PastLiquidations(t.Context(), c, now.Add(-time.Hour), now)
	if err != nil || past != nil {
		t.Errorf("liquidations without watched accounts: %v, %v", past, err)
	}
	if n := d.Base().Requests() - requests; n != 0 {
		t.Errorf("took %d requests", n)
	}
}

func TestFundingsPaging(t *testing.T) {
	t.Parallel()
	m := feedtest.Market{Share: 0.1}
	f, _ := start(t, m, nil)
	to := time.Now().UTC().Truncate(time.Hour)
	from := to.Add(-1203 * time.Hour)
	got, err := f.Fundings(t.Context(), of(t, f, "BTC"), from, to)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1203 {
		t.Fatalf("%d rates, want 1203", len(got))
	}
	for i, p := range got {
		at := from.Add(time.Duration(i) * time.Hour)
		if !p.At.Equal(at) || math.Abs(p.Rate-m.FundingRate("BTC", at)/8) > 1e-12 {
			t.Fatalf("rate %d is %+v, want that of %v for an hour", i, p, at)
		}
	}
}

func TestOpenInterests(t *testing.T) {
	m := feedtest.Market{Share: 0.1}
	f, _ := start(t, m, nil)
	got, err := f.OpenInterests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[market.Coin]float64)
	for _, coin := range feedtest.Coins() {
		want[coin] = m.OpenInterestCoins(coin, time.Now()) * m.MarkUSD(coin, time.Now())
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-3, 0)); diff != "" {
		t.Errorf("open interest, USD (-want +got):\n%s", diff)
	}
}

func TestPositions(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	got, err := f.Positions(t.Context(), []string{hyperliquidtest.Maker, hyperliquidtest.Trader})
	if err != nil {
		t.Fatal(err)
	}
	want := []hyperliquid.Position{
		{Coin: "BTC", Side: market.Long, Coins: 1, EntryUSD: 90_000, ValueUSD: 90_000, LiquidationUSD: 86582.278481, Leverage: 20, Isolated: true},
		{Coin: "PEPE", Side: market.Short, Coins: 1e6, EntryUSD: 0.0000044, ValueUSD: 4.4, Leverage: 3},
	}
	for i := range want {
		want[i].Account, want[i].At = hyperliquidtest.Trader, time.Now()
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0), cmpopts.EquateApproxTime(5*time.Second)); diff != "" {
		t.Errorf("positions (-want +got):\n%s", diff)
	}
	if d.Weight() != 4 {
		t.Errorf("cost %d, want 4", d.Weight())
	}
	if _, err := f.Positions(t.Context(), []string{"whale"}); feeds.ProblemOf(err) != feeds.BadData {
		t.Errorf("no address: %v", err)
	}
}

func TestUnknownContractIsNoOutage(t *testing.T) {
	d := hyperliquidtest.Start(feedtest.Market{Share: 0.1})
	defer d.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	f := another(d, client, nil)
	now := time.Now()
	c := market.Contract{Symbol: "btc", QuotedCoins: 1, ContractCoins: 1}
	_, candles := f.Candles(t.Context(), c, now.Add(-time.Hour), now)
	_, fundings := f.Fundings(t.Context(), c, now.Add(-time.Hour), now)
	for _, err := range []error{candles, fundings} {
		if e, ok := errors.AsType[*feeds.Error](err); !ok || e.Problem != feeds.NotListed || !e.RetryAt.IsZero() {
			t.Errorf("unknown contract: %v", err)
		}
	}
	d.Base().Refuse(1, http.StatusInternalServerError, nil, "null")
	if _, err := f.Contracts(t.Context()); feeds.ProblemOf(err) != feeds.Unavailable {
		t.Errorf("no list: %v, want that the venue is unavailable", err)
	}
}

func TestAnswersThatAreNotBelieved(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		want   feeds.Problem
	}{
		"weight":      {429, "null", feeds.RateLimited},
		"connections": {429, "<html><h1>429 Too Many Requests</h1></html>", feeds.RateLimited},
		"type":        {422, "Failed to deserialize the JSON body into the target type", feeds.BadData},
		"empty":       {200, "", feeds.BadData},
		"object":      {200, `{"a":1}`, feeds.BadData},
		"cut":         {200, `[{"universe":[{"name":"BTC"`, feeds.BadData},
		"trailing":    {200, `[{"universe":[{"name":"BTC","maxLeverage":3}]},[]] x`, feeds.BadData},
		"no contract": {200, `[{"universe":[]},[]]`, feeds.BadData},
		"place":       {451, "", feeds.Blocked},
	} {
		t.Run(name, func(t *testing.T) {
			f, d := start(t, feedtest.Market{Share: 0.1}, nil)
			d.Base().Refuse(1, tt.status, nil, tt.body)
			_, err := f.Contracts(t.Context())
			if e, ok := errors.AsType[*feeds.Error](err); !ok || e.Problem != tt.want || e.Venue != hyperliquid.Venue {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestContextsThatDoNotFit(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	d.Base().Refuse(1, http.StatusOK, nil, `[{"universe":[{"name":"BTC","szDecimals":5,"maxLeverage":40},{"name":7},{"name":"kBONK","szDecimals":0,"maxLeverage":"ten"},`+
		`{"name":"xyz:TSLA","szDecimals":1,"maxLeverage":5},{"name":"BTC","szDecimals":5,"maxLeverage":3}]},[{"markPx":"100.0"}]]`)
	got := list(t, f)
	if len(got) != 1 || got[0].Symbol != "BTC" || got[0].MaxLeverage != 40 || got[0].TickUSD != 0 {
		t.Errorf("contracts %+v, want one of BTC without a price step", got)
	}
}

func TestWatch(t *testing.T) {
	one := "0x193BD350ec838b1e22d6f302da5343b920aa1c2b"
	var many []string
	for i := range 11 {
		many = append(many, fmt.Sprintf("0x%040x", i))
	}
	for name, tt := range map[string]struct {
		accounts []string
		ok       bool
	}{
		"none": {nil, true}, "one": {[]string{one}, true}, "twice": {[]string{one, hyperliquidtest.Trader}, true}, "ten": {many[:10], true},
		"eleven": {many, false}, "short": {[]string{"0x12"}, false}, "name": {[]string{"whale"}, false},
		"quote": {[]string{`0x193bd350ec838b1e22d6f302da5343b920aa1c2"`}, false},
	} {
		if err := hyperliquid.CheckWatch(tt.accounts); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
