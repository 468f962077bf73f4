package gate_test

import (
	"context"
	"fmt"
	"testing"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/gate"
	"liqbot/feeds/gate/gatetest"
	"liqbot/market"
)

func run(t *testing.T, f *gate.Feed, contracts []market.Contract) *feedtest.Collector {
	t.Helper()
	c := feedtest.NewCollector()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Stream(ctx, contracts, c) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Stream ended with %v", err)
		}
	})
	return c
}

// One contract that Gate does not know spoils the message that names it, not the others.
func TestRefusedContract(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	list, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone := pepe()
	gone.Symbol, gone.Coin = "GONE_USDT", "GONE"
	c := run(t, f, append(list, gone))
	c.Wait(t, "subscriptions to the others", func() bool {
		n := 0
		for _, conn := range d.Base().Conns() {
			for _, other := range list {
				if conn.Subscribed("futures.tickers " + other.Symbol) {
					n++
				}
			}
		}
		return n == len(list) && d.Base().Accepted() == 1 && c.Tickers(0) > 20 && c.Drops()[feeds.Refused] == 1
	})
	c.Wait(t, "word that the contract changed", func() bool {
		for _, u := range c.Updates() {
			if u.Kind == feeds.ContractChanged && u.Contract.Symbol == "GONE_USDT" {
				return true
			}
		}
		return false
	})
}

func TestShapes(t *testing.T) {
	for name, shape := range map[string]gatetest.Shape{"milliseconds": gatetest.Milliseconds, "seconds": gatetest.Seconds, "numbers": gatetest.Numbers} {
		t.Run(name, func(t *testing.T) {
			m := feedtest.Market{Share: 0.3}
			f, d := begin(t, m, gatetest.WithShape(shape))
			c := run(t, f, []market.Contract{btc(), pepe()})
			now := d.Base().Now()
			order := market.Liquidation{At: now, Side: market.Long, Coins: 0.00015, PriceUSD: 90_000}
			c.Wait(t, "a long of one and a half contracts", func() bool {
				for _, u := range c.Updates() {
					if u.Kind == feeds.Liquidation {
						return u.Order.Side == market.Long && u.Order.Coins > 0.000149 && u.Order.Coins < 0.000151
					}
				}
				d.Liquidate("BTC", order)
				return false
			})
		})
	}
}

// What the stream does not tell is asked for, one by one or all at once.
func TestPolled(t *testing.T) {
	for name, others := range map[string]int{"few": 0, "many": 30} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := begin(t, feedtest.Market{Share: 0.3})
			list, err := f.Contracts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all := list
			for i := range others {
				c := btc()
				c.Symbol = fmt.Sprintf("NO%d_USDT", i)
				all = append(all, c)
			}
			d.Base().Stall(true)
			c := run(t, f, all)
			c.Wait(t, "ticker of each contract", func() bool { return c.Tickers(0) >= len(list) })
			for _, u := range c.Updates() {
				if u.Kind == feeds.Ticker && (!(u.MarkUSD > 0 && u.OpenInterestCoins > 0 && u.HasFunding) || u.FundingAt.IsZero()) {
					t.Errorf("%+v", u)
				}
			}
		})
	}
}
