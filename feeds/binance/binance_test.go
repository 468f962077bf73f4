package binance_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/feeds"
	"liqbot/feeds/binance"
	"liqbot/feeds/binance/binancetest"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// start runs a double and a feed that asks it. The test fails if the feed does what the
// venue would not take.
func start(t *testing.T, m feedtest.Market, options ...binancetest.Option) (*binance.Feed, *binancetest.Double) {
	t.Helper()
	d := binancetest.Start(m, options...)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		d.Close()
		for _, v := range d.Violations() {
			t.Errorf("violation: %s", v)
		}
	})
	return binance.New(binance.Config{
		APIURL: d.API(), StreamURL: d.StreamURL(), Silence: time.Second, MinBackoff: 20 * time.Millisecond, Client: client,
	}), d
}

func TestSuite(t *testing.T) {
	feedtest.Suite(t, feedtest.Traits{}, func(t *testing.T, m feedtest.Market) (feeds.Feed, feedtest.Double) {
		t.Helper()
		f, d := start(t, m)
		return f, d
	})
}

// contract is that of a coin in the double.
func contract(t *testing.T, f *binance.Feed, coin market.Coin) market.Contract {
	t.Helper()
	list, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(c market.Contract) bool { return c.Coin == coin })
	if i < 0 {
		t.Fatalf("no contract of %s in %v", coin, list)
	}
	return list[i]
}

func TestContractIsMadeOfTheVenuesFactors(t *testing.T) {
	f, _ := start(t, feedtest.Market{Share: 1})
	want := market.Contract{
		Venue: "Binance", Symbol: "1000PEPEUSDT", Coin: "PEPE", QuotedCoins: 1000, ContractCoins: 1000, Quote: "USDT",
		TickUSD: 1e-10, MaxLeverage: 75, FundingInterval: 4 * time.Hour,
	}
	if diff := cmp.Diff(want, contract(t, f, "PEPE"), approx); diff != "" {
		t.Errorf("contract (-want +got):\n%s", diff)
	}
	if c := contract(t, f, "BTC"); c.Symbol != "BTCUSDT" || c.FundingInterval != 8*time.Hour || c.MaxLeverage != 150 {
		t.Errorf("contract of BTC is %+v", c)
	}
}

// A week is as cheap as it can be, and pages meet without a gap or a double.
func TestWeekOfCandlesIsCheap(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 1})
	c := contract(t, f, "BTC")
	if _, err := f.ServerTime(t.Context()); err != nil {
		t.Fatal(err)
	}
	to := d.Base().Now().Truncate(feeds.CandleLength)
	weight, requests := d.UsedWeight(), d.Base().Requests()
	got, err := f.Candles(t.Context(), c, to.Add(-7*24*time.Hour), to)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 7*24*12 {
		t.Fatalf("%d candles, want %d", len(got), 7*24*12)
	}
	for i, k := range got {
		if want := to.Add(-time.Duration(len(got)-i) * feeds.CandleLength); !k.Start.Equal(want) || k.MarkHighUSD == 0 {
			t.Fatalf("candle %d is %+v, want one that starts at %v with its mark", i, k, want)
		}
	}
	// Weights of a minute may begin anew in between.
	if n := d.UsedWeight() - weight; n > 18 {
		t.Errorf("a weight of %d, want 18", n)
	}
	if n := d.Base().Requests() - requests; n != 10 {
		t.Errorf("%d requests, want 10", n)
	}
}

func TestUnfinishedCandleIsLeftOut(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 1})
	c := contract(t, f, "BTC")
	d.Base().Skew(-20 * time.Minute) // the host's clock is ahead
	now := d.Base().Now()
	got, err := f.Candles(t.Context(), c, now.Add(-time.Hour), now.Add(time.Hour))
	if err != nil || len(got) < 10 {
		t.Fatalf("%d candles, error %v", len(got), err)
	}
	if last := got[len(got)-1]; last.End().After(d.Base().Now()) || last.End().Before(now.Add(-6*time.Minute)) {
		t.Errorf("last candle ends at %v, now is %v", last.End(), now)
	}
}

func TestMonthOfOpenInterest(t *testing.T) {
	m := feedtest.Market{Share: 1}
	f, d := start(t, m)
	c := contract(t, f, "PEPE")
	now := d.Base().Now()
	got, err := f.OpenInterest(t.Context(), c, now.Add(-90*24*time.Hour), now)
	if err != nil {
		t.Fatal(err)
	}
	if n := 30 * 24 * 12; len(got) < n-3 || len(got) > n {
		t.Errorf("%d points, want the %d of 30 days", len(got), n)
	}
	for i := 1; i < len(got); i++ {
		if got[i].At.Sub(got[i-1].At) != feeds.CandleLength {
			t.Fatalf("gap between %v and %v", got[i-1].At, got[i].At)
		}
	}
}

func TestLongShort(t *testing.T) {
	m := feedtest.Market{Share: 1}
	f, d := start(t, m)
	got, err := f.LongShort(t.Context(), contract(t, f, "ETH"))
	if err != nil {
		t.Fatal(err)
	}
	want := m.LongShare("ETH", got.At)
	if diff := cmp.Diff(market.LongShort{At: d.Base().Now().Truncate(5 * time.Minute).UTC(), Long: want, Short: 1 - want}, got, approx); diff != "" {
		t.Errorf("long/short (-want +got):\n%s", diff)
	}
}

func TestFundingsAreOfWholeMinutesAndPaged(t *testing.T) {
	m := feedtest.Market{Share: 1}
	f, d := start(t, m)
	c := contract(t, f, "PEPE") // every four hours
	to := d.Base().Now().Truncate(4 * time.Hour)
	from := to.Add(-1100 * 4 * time.Hour)
	got, err := f.Fundings(t.Context(), c, from, to)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1100 {
		t.Fatalf("%d payments, want 1100", len(got))
	}
	for i, p := range got {
		want := market.FundingPoint{At: from.Add(time.Duration(i) * 4 * time.Hour).UTC()}
		want.Rate = m.FundingRate("PEPE", want.At)
		if diff := cmp.Diff(want, p, approx); diff != "" {
			t.Fatalf("payment %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestManyContractsAreOneStream(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 1})
	list := []market.Contract{contract(t, f, "BTC"), contract(t, f, "PEPE")}
	for i := range 120 {
		c := list[0]
		c.Symbol = strings.Repeat("X", i+1) + "USDT"
		list = append(list, c)
	}
	c := stream(t, f, list[:])
	c.Wait(t, "marks of both coins", func() bool {
		coins := map[string]bool{}
		for _, u := range c.Updates() {
			coins[u.Contract.Symbol] = u.MarkUSD > 0 || coins[u.Contract.Symbol]
		}
		return coins["BTCUSDT"] && coins["1000PEPEUSDT"]
	})
	if n := len(d.Base().Conns()[0].Topics()); n != 3 {
		t.Errorf("%d streams, want 3", n)
	}
	if c.Drops()[feeds.UnknownContract] == 0 {
		t.Error("contracts that were not asked for are not counted")
	}
	for range 3 {
		d.Base().Refuse(1, http.StatusBadRequest, nil, `{"code":-1121,"msg":"Invalid symbol."}`)
	}
	c.Wait(t, "word that a contract is gone", func() bool {
		return slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool { return u.Kind == feeds.ContractChanged })
	})
}

func TestTiersOfTheStreamReplaceTheTable(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 1})
	btc := contract(t, f, "BTC")
	before, err := f.Tiers(t.Context(), btc)
	if err != nil || len(before.Tiers) != 12 || before.AsOf.Format(time.DateOnly) != "2026-09-16" {
		t.Fatalf("tiers of the table: %+v, %v", before, err)
	}
	c := stream(t, f, []market.Contract{btc})
	c.Wait(t, "ticker", func() bool { return c.Tickers(0) > 0 })
	at := d.Base().Now().Truncate(time.Millisecond)
	d.Change("BTC", at, [][5]float64{{0, 5000, 50, 0.01, 0}, {5000, 25000, 20, 0.025, 75}})
	d.Change("BTC", at, [][5]float64{{0, 5000, 50, 0.01, 0}, {6000, 25000, 20, 0.025, 75}}) // has a gap
	c.Wait(t, "changes", func() bool { return c.Drops()[feeds.Impossible] == 1 })
	if !slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool { return u.Kind == feeds.ContractChanged && u.At.Equal(at) }) {
		t.Error("the change is not told")
	}
	got, _ := f.Tiers(t.Context(), btc)
	want := market.LeverageTiers{AsOf: at.UTC(), Tiers: []market.LeverageTier{
		{FromUSD: 0, ToUSD: 5000, MaxLeverage: 50, MaintenanceMarginRate: 0.01},
		{FromUSD: 5000, ToUSD: inf, MaxLeverage: 20, MaintenanceMarginRate: 0.025, DeductionUSD: 75},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tiers (-want +got):\n%s", diff)
	}
}

func TestEachTableHasItsDate(t *testing.T) {
	f := binance.New(binance.Config{})
	for symbol, want := range map[string]string{"SOLUSDT": "2026-09-16", "1000PEPEUSDT": "2024-10-01", "NOSUCHUSDT": "0001-01-01"} {
		got, err := f.Tiers(t.Context(), market.Contract{Symbol: symbol})
		if err != nil || got.AsOf.Format(time.DateOnly) != want {
			t.Errorf("%s: tiers of %v, %v, want %s", symbol, got.AsOf, err, want)
		}
		if n := len(got.Tiers); n > 0 && got.Tiers[n-1].ToUSD != inf {
			t.Errorf("%s: last tier ends at %g", symbol, got.Tiers[n-1].ToUSD)
		}
	}
}

func TestDuplicateOrderIsToldOnce(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 1})
	c := stream(t, f, []market.Contract{contract(t, f, "BTC")})
	c.Wait(t, "ticker", func() bool { return c.Tickers(0) > 0 })
	l := market.Liquidation{At: d.Base().Now(), Side: market.Short, Coins: 1.5, PriceUSD: 90_000}
	d.Liquidate("BTC", l)
	before := d.Base().Accepted()
	d.Base().Drop()
	c.Wait(t, "new connection", func() bool { return d.Base().Accepted() > before })
	c.Wait(t, "duplicate", func() bool {
		d.Liquidate("BTC", l)
		return c.Drops()[feeds.Duplicate] > 0
	})
	n := 0
	for _, u := range c.Updates() {
		if u.Kind == feeds.Liquidation {
			n++
		}
	}
	if n != 1 {
		t.Errorf("told %d times", n)
	}
}
