package bitget_test

import (
	"context"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/bitget"
	"liqbot/feeds/bitget/bitgettest"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

func run(t *testing.T, f *bitget.Feed, contracts []market.Contract) *feedtest.Collector {
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

// A contract that Bitget refuses is told of, harms no other, and is not asked for again.
func TestRefusedContract(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	c := run(t, f, []market.Contract{btc(), bonk()}) // the double has no BONK
	changed := func() bool {
		for _, u := range c.Updates() {
			if u.Kind == feeds.ContractChanged && u.Contract.Symbol == "1000BONKUSDT" {
				return true
			}
		}
		return false
	}
	c.Wait(t, "tickers, and word of the other", func() bool { return c.Tickers(0) > 5 && changed() && c.Drops()[feeds.Refused] == 1 })
	d.Base().Drop()
	before := len(c.Updates())
	c.Wait(t, "tickers of a new connection", func() bool { return d.Base().Accepted() > 1 && c.Tickers(before) > 5 })
	if n := c.Drops()[feeds.Refused]; n != 1 {
		t.Errorf("asked %d times for what was refused", n)
	}
}

// Many contracts are split over connections; one of them carries the liquidations.
func TestManyContracts(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	var all []market.Contract
	for range 99 {
		all = append(all, btc())
	}
	c := run(t, f, append(all, bonk()))
	c.Wait(t, "three connections", func() bool { return len(c.Frames()) == 3 && c.Tickers(0) > 0 })
	carriers := 0
	for _, conn := range d.Base().Conns() {
		if conn.Subscribed("liquidation ") {
			carriers++
		}
	}
	if carriers != 1 {
		t.Errorf("%d connections carry the liquidations, want 1", carriers)
	}
}

// What the stream does not tell is asked for.
func TestPolled(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	list, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.Base().Stall(true)
	c := run(t, f, list)
	c.Wait(t, "ticker of each contract", func() bool { return c.Tickers(0) >= len(list) })
	for _, u := range c.Updates() {
		if !(u.MarkUSD > 0 && u.OpenInterestCoins > 0 && u.HasFunding) || u.FundingAt.IsZero() {
			t.Errorf("%+v", u)
		}
	}
}

// A print is told at once, in USD as is written or in coins where it cannot be USD.
func TestFirstPrint(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]bitgettest.Option{"USD": nil, "coins": {bitgettest.InCoins()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := begin(t, feedtest.Market{Share: 0.3}, opts...)
			list, err := f.Contracts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c := run(t, f, list)
			c.Wait(t, "ticker", func() bool { return c.Tickers(0) > 0 })
			c.Wait(t, "subscription", func() bool {
				conns := d.Base().Conns()
				return len(conns) == 1 && conns[0].Subscribed("liquidation ")
			})
			d.Liquidate("BTC", market.Liquidation{At: d.Base().Now(), Side: market.Short, Coins: 0.25, PriceUSD: 90_000})
			var got []feeds.Update
			c.Wait(t, "liquidation", func() bool {
				got = slices.DeleteFunc(c.Updates(), func(u feeds.Update) bool { return u.Kind != feeds.Liquidation })
				return len(got) > 0
			})
			if o := got[0].Order; o.Side != market.Short || math.Abs(o.Coins-0.25) > 1e-6 {
				t.Errorf("%+v, want a short of 0.25", o)
			}
		})
	}
}

// A contract that Bitget tells nothing of any more is told of, once.
func TestDelistedMeanwhile(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	list, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.Base().Stall(true) // so that all are asked for
	d.Delist("ETHUSDT")
	c := run(t, f, list)
	c.Wait(t, "tickers, and word of the one", func() bool {
		return c.Tickers(0) >= len(list)-1 && slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool {
			return u.Kind == feeds.ContractChanged && u.Contract.Symbol == "ETHUSDT"
		})
	})
	for _, u := range c.Updates() {
		if (u.Kind == feeds.ContractChanged) != (u.Contract.Symbol == "ETHUSDT") {
			t.Errorf("%+v", u)
		}
	}
}

// Liquidations that Bitget could not serve at first are asked for again.
func TestLiquidationsRefused(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3}, bitgettest.WithServiceErrors(1))
	c := run(t, f, []market.Contract{btc()})
	c.Wait(t, "subscription", func() bool {
		conns := d.Base().Conns()
		return len(conns) == 1 && conns[0].Subscribed("liquidation ") && c.Drops()[feeds.Refused] == 1
	})
}

// Bitget's tickers are believed though its clock differs and nobody could ask for it yet.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"ahead": 10 * time.Minute, "behind": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := begin(t, feedtest.Market{Share: 0.3})
			d.Base().Skew(skew)
			d.Base().Refuse(100, http.StatusInternalServerError, nil, "")
			c := run(t, f, []market.Contract{btc()})
			c.Wait(t, "tickers", func() bool { return c.Tickers(0) > 3 })
			for _, u := range c.Updates() {
				if off := d.Base().Now().Sub(u.At); off.Abs() > 5*time.Second {
					t.Fatalf("a ticker is %v old", off)
				}
			}
			if n := c.Drops()[feeds.OutOfOrder]; n > 0 {
				t.Errorf("%d dropped", n)
			}
		})
	}
}
