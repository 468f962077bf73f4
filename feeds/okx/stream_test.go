package okx_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/okx"
	"liqbot/feeds/okx/okxtest"
	"liqbot/market"
)

// TestRefusedTopic: a contract that the stream refuses takes only itself away.
func TestRefusedTopic(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small, okxtest.Refusing("SOL-USDT-SWAP"))
	c := run(t, f, []market.Contract{okxtest.Contract("BTC"), okxtest.Contract("SOL"), okxtest.Contract("PEPE")})
	c.Wait(t, "tickers of the others", func() bool {
		coins := map[market.Coin]bool{}
		for _, u := range c.Updates() {
			coins[u.Contract.Coin] = coins[u.Contract.Coin] || u.MarkUSD > 0
		}
		return coins["BTC"] && coins["PEPE"]
	})
	before := len(c.Updates())
	c.Wait(t, "liquidation", func() bool {
		d.Liquidate("PEPE", market.Liquidation{At: d.Base().Now(), Side: market.Short, Coins: 1e9, PriceUSD: 4e-6})
		return slices.ContainsFunc(c.Updates()[before:], func(u feeds.Update) bool { return u.Kind == feeds.Liquidation })
	})
	if n := c.Drops()[feeds.Refused]; n == 0 {
		t.Error("no refusal was told")
	}
	for _, u := range c.Updates() {
		if u.Contract.Coin == "SOL" && u.Kind != feeds.ContractChanged {
			t.Fatalf("told of a refused contract: %+v", u)
		}
	}
}

// run streams until the test ends.
func run(t *testing.T, f *okx.Feed, list []market.Contract) *feedtest.Collector {
	t.Helper()
	c := feedtest.NewCollector()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Stream(ctx, list, c) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Stream ended with %v", err)
		}
	})
	return c
}

// TestManyContracts: they are split over connections, of which one tells the forced
// orders of all.
func TestManyContracts(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small, okxtest.Refusing("none"))
	list := []market.Contract{okxtest.Contract("BTC")}
	for i := range 119 {
		list = append(list, market.Contract{Venue: okx.Venue, Symbol: fmt.Sprintf("C%d-USDT-SWAP", i), Coin: "C", QuotedCoins: 1, ContractCoins: 1})
	}
	list = append(list, okxtest.Contract("ETH"))
	c := run(t, f, list)
	c.Wait(t, "mark of the first and the last", func() bool {
		coins := map[market.Coin]bool{}
		for _, u := range c.Updates() {
			coins[u.Contract.Coin] = true
		}
		return coins["BTC"] && coins["ETH"]
	})
	told := 0
	c.Wait(t, "liquidation of the last", func() bool {
		d.Liquidate("ETH", market.Liquidation{At: d.Base().Now(), Side: market.Long, Coins: 1, PriceUSD: 3000})
		return slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool { return u.Kind == feeds.Liquidation && u.Contract == &list[len(list)-1] })
	})
	for _, conn := range d.Base().Conns() {
		if conn.Subscribed("liquidation-orders ") {
			told++
		}
	}
	if n := len(d.Base().Conns()); n != 2 || told != 1 || c.Frames()["public"] == 0 || c.Frames()["public-2"] == 0 {
		t.Errorf("%d connections, %d with forced orders, frames %v; want 2, 1", n, told, c.Frames())
	}
}

// TestRepeatedLiquidation: an order that is told again by a new connection counts once.
func TestRepeatedLiquidation(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small)
	c := run(t, f, []market.Contract{okxtest.Contract("BTC")})
	order := market.Liquidation{At: d.Base().Now(), Side: market.Long, Coins: 1, PriceUSD: 90_000}
	c.Wait(t, "liquidation", func() bool {
		d.Liquidate("BTC", order)
		return slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool { return u.Kind == feeds.Liquidation })
	})
	was := c.Drops()[feeds.Duplicate]
	before := d.Base().Accepted()
	d.Base().Drop()
	c.Wait(t, "new connection", func() bool { return d.Base().Accepted() > before })
	c.Wait(t, "the same again", func() bool {
		d.Liquidate("BTC", order)
		return c.Drops()[feeds.Duplicate] > was
	})
	n := 0
	for _, u := range c.Updates() {
		if u.Kind == feeds.Liquidation {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
}
