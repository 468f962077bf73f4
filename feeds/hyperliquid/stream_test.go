package hyperliquid_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/hyperliquid/hyperliquidtest"
	"liqbot/market"
)

func liquidations(c *feedtest.Collector) []market.Liquidation {
	var all []market.Liquidation
	for _, u := range c.Updates() {
		if u.Kind == feeds.Liquidation {
			all = append(all, u.Order)
		}
	}
	return all
}

// TestFillsWhileAway: what was liquidated before the stream began is past, what was while
// the connection was down is told by the next snapshot, and nothing is told twice.
func TestFillsWhileAway(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.1}, []string{hyperliquidtest.Maker, hyperliquidtest.Trader})
	at := time.Now().UTC().Truncate(time.Millisecond)
	past := market.Liquidation{At: at.Add(-time.Hour), Side: market.Long, PriceUSD: 90_000, Coins: 1}
	d.Liquidate("BTC", past)
	contracts := list(t, f)
	c := stream(t, f, contracts)
	c.Wait(t, "ticker", func() bool { return c.Tickers(0) > 0 })
	ready := func() bool {
		conns := d.Base().Conns()
		return len(conns) == 1 && conns[0].Subscribed("userFills "+hyperliquidtest.Trader)
	}
	c.Wait(t, "subscriptions", ready)

	first := market.Liquidation{At: at.Add(time.Second), Side: market.Short, PriceUSD: 0.0000044, Coins: 5e9}
	d.Liquidate("PEPE", first)
	c.Wait(t, "first", func() bool { return len(liquidations(c)) == 1 })
	d.Base().Drop()
	second := market.Liquidation{At: at.Add(2 * time.Second), Side: market.Long, PriceUSD: 140, Coins: 2000}
	d.Liquidate("SOL", second)
	c.Wait(t, "what was missed", func() bool { return len(liquidations(c)) == 2 })
	d.Liquidate("NOPE", second)
	d.Trade("BTC", at)
	seen := len(c.Updates())
	c.Wait(t, "tickers", func() bool { return c.Tickers(seen) > 8 })
	if diff := cmp.Diff([]market.Liquidation{first, second}, liquidations(c), cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Errorf("liquidations (-want +got):\n%s", diff)
	}
	if c.Drops()[feeds.Duplicate] == 0 {
		t.Error("no duplicate was counted though both sides are watched")
	}
}

// TestCoverage: who watches nobody is told of no liquidation, which is not that there are
// none.
func TestCoverage(t *testing.T) {
	for want, watch := range map[market.LiquidationCoverage][]string{"": nil, market.Watched: {hyperliquidtest.Trader}} {
		f, _ := start(t, feedtest.Market{Share: 0.1}, watch)
		if got := f.LiquidationCoverage(); got != want {
			t.Errorf("%q with %d accounts, want %q", got, len(watch), want)
		}
	}
}

func TestPastLiquidations(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.1}, []string{hyperliquidtest.Maker})
	at := time.Now().UTC().Truncate(time.Millisecond)
	early := market.Liquidation{At: at.Add(-2 * time.Hour), Side: market.Long, PriceUSD: 0.0000044, Coins: 5e9}
	late := market.Liquidation{At: at.Add(-time.Hour), Side: market.Short, PriceUSD: 0.0000045, Coins: 6e9}
	d.Liquidate("PEPE", early)
	d.Liquidate("BTC", market.Liquidation{At: at.Add(-time.Hour), Side: market.Long, PriceUSD: 90_000, Coins: 1})
	d.Trade("kPEPE", at.Add(-time.Hour))
	d.Liquidate("PEPE", late)
	pepe := market.Contract{Symbol: "kPEPE", Coin: "PEPE", QuotedCoins: 1000, ContractCoins: 1000}
	for from, want := range map[time.Duration][]market.Liquidation{
		3 * time.Hour: {early, late}, 2 * time.Hour: {early, late}, time.Hour: {late}, time.Minute: nil,
	} {
		got, err := f.PastLiquidations(t.Context(), pepe, at.Add(-from), at)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
			t.Errorf("since %v (-want +got):\n%s", from, diff)
		}
	}
	if n := d.Base().Requests(); n != 1 {
		t.Errorf("took %d requests, want 1", n)
	}
}

// TestUnknownNameIsLeftOut: it would end the connection of all others.
func TestUnknownNameIsLeftOut(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	contracts := list(t, f)
	d.Delist("SOL")
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	c := stream(t, another(d, client, nil), contracts)
	c.Wait(t, "a change of SOL and tickers of the others", func() bool {
		changed, coins := map[market.Coin]bool{}, map[market.Coin]bool{}
		for _, u := range c.Updates() {
			switch u.Kind {
			case feeds.ContractChanged:
				changed[u.Contract.Coin] = true
			default:
				coins[u.Contract.Coin] = true
			}
		}
		return changed["SOL"] && len(changed) == 1 && len(coins) == 3
	})
	if d.Base().Accepted() != 1 {
		t.Errorf("%d connections, want 1", d.Base().Accepted())
	}
	if c.Drops()[feeds.Refused] == 0 {
		t.Error("what was left out was not counted")
	}
}

// TestNameThatGoesWhileConnected: the next connection asks for the list again.
func TestNameThatGoesWhileConnected(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	c := stream(t, f, list(t, f))
	c.Wait(t, "ticker", func() bool { return c.Tickers(0) > 0 })
	d.Delist("kPEPE")
	d.Base().Drop()
	c.Wait(t, "change", func() bool {
		for _, u := range c.Updates() {
			if u.Kind == feeds.ContractChanged && u.Contract.Symbol == "kPEPE" {
				return true
			}
		}
		return false
	})
	seen := len(c.Updates())
	c.Wait(t, "tickers of the others", func() bool { return c.Tickers(seen) > 8 })
}

func TestKeepsAlive(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	c := stream(t, f, list(t, f))
	c.Wait(t, "pings", func() bool { return d.Pings() >= 2 })
	if n := d.Base().Accepted(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestPongsAreNoData: a connection that only answers is given up.
func TestPongsAreNoData(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	d.Base().Stall(true)
	c := stream(t, f, list(t, f))
	c.Wait(t, "a second connection", func() bool {
		d.Base().Broadcast([]byte(`{"channel":"pong"}`))
		return d.Base().Accepted() > 1
	})
}

func TestManyContractsStayWithinTheLimits(t *testing.T) {
	t.Parallel()
	f, _ := start(t, feedtest.Market{Share: 0.1}, []string{hyperliquidtest.Maker}, hyperliquidtest.WithMore(1200))
	contracts := list(t, f)
	if len(contracts) != 1204 {
		t.Fatalf("%d contracts, want 1204", len(contracts))
	}
	c := stream(t, f, contracts)
	c.Wait(t, "tickers", func() bool { return c.Tickers(0) > 8 })
	if diff := cmp.Diff(map[feeds.Reason]int{feeds.Refused: 205}, c.Drops()); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}

func TestNothingToStream(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	stream(t, f, nil)
	if d.Base().Accepted() != 0 {
		t.Error("connected for nothing")
	}
}
