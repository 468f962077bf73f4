package gate_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

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

// A refusal that does not say which contract is at fault is searched through.
func TestWordlessRefusal(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3}, gatetest.Wordless())
	list, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone := pepe()
	gone.Symbol, gone.Coin = "GONE_USDT", "GONE"
	c := run(t, f, append(list, gone))
	c.Wait(t, "subscriptions to the others, and word of the one", func() bool {
		changed := slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool {
			return u.Kind == feeds.ContractChanged && u.Contract.Symbol == "GONE_USDT"
		})
		conns := d.Base().Conns()
		return changed && len(conns) == 1 && !slices.ContainsFunc(list, func(other market.Contract) bool {
			return !conns[0].Subscribed("futures.tickers " + other.Symbol)
		})
	})
}

// What Gate could not serve at first is asked for again, the liquidations too.
func TestServiceErrors(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3}, gatetest.WithServiceErrors(3))
	c := run(t, f, []market.Contract{btc(), pepe()})
	c.Wait(t, "subscriptions", func() bool {
		conns := d.Base().Conns()
		return len(conns) == 1 && len(conns[0].Topics()) == 3 && c.Tickers(0) > 8
	})
	for _, u := range c.Updates() {
		if u.Kind == feeds.ContractChanged {
			t.Errorf("%s is said to have changed", u.Contract.Symbol)
		}
	}
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

// A contract that Gate tells nothing of any more is told of, once.
func TestDelistedMeanwhile(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	list, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.Base().Stall(true) // so that all are asked for
	d.Delist("ETH_USDT")
	c := run(t, f, list)
	c.Wait(t, "tickers, and word of the one", func() bool {
		return c.Tickers(0) >= len(list)-1 && slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool {
			return u.Kind == feeds.ContractChanged && u.Contract.Symbol == "ETH_USDT"
		})
	})
	for _, u := range c.Updates() {
		if (u.Kind == feeds.ContractChanged) != (u.Contract.Symbol == "ETH_USDT") {
			t.Errorf("%+v", u)
		}
	}
}

// A connection to contracts on which nothing happens is not begun anew again and again.
func TestQuietContracts(t *testing.T) {
	t.Parallel()
	f, d := begin(t, feedtest.Market{Share: 0.3})
	d.Delist("PEPE_USDT") // nothing is told of it
	c := run(t, f, []market.Contract{pepe()})
	until := time.Now().Add(1500 * time.Millisecond)
	c.Wait(t, "time to pass", func() bool { return c.Frames()["public"] > 0 && time.Now().After(until) })
	if n := d.Base().Accepted(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	if n := c.Drops()[feeds.UnknownContract]; n != 0 {
		t.Errorf("%d dropped", n)
	}
}

// Gate's tickers are believed though its clock differs and nobody could ask for it yet.
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
