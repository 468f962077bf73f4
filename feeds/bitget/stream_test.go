package bitget_test

import (
	"context"
	"testing"

	"liqbot/feeds"
	"liqbot/feeds/bitget"
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
