package bybit_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/bybit"
	"liqbot/feeds/bybit/bybittest"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// TestClocksThatDiffer: a host whose clock is wrong by minutes hears all that a host with a
// right one hears, and takes no open candle for closed.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"host behind": 10 * time.Minute, "host ahead": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := start(t, feedtest.Market{Share: 0.3})
			d.Base().Skew(skew)
			// No request tells the venue's time before the stream begins.
			c := stream(t, f, listed())
			c.Wait(t, "tickers of every coin", func() bool { return len(tickersOf(c)) == 3 })
			order := market.Liquidation{At: d.Base().Now().Truncate(time.Millisecond), Side: market.Short, Coins: 2, PriceUSD: 90_000}
			c.Wait(t, "order", func() bool {
				d.Liquidate("BTC", order)
				for _, u := range c.Updates() {
					if u.Kind == feeds.Liquidation {
						return true
					}
				}
				return false
			})
			if n := d.Base().Accepted(); n != 1 {
				t.Errorf("%d connections, want one", n)
			}
			now := d.Base().Now()
			last := now.Truncate(feeds.CandleLength).Add(-feeds.CandleLength)
			got, err := f.Candles(t.Context(), listed()[0], now.Add(-time.Hour), now.Add(time.Hour))
			if err != nil || len(got) == 0 || got[len(got)-1].Start.Before(last) || got[len(got)-1].End().After(d.Base().Now()) {
				t.Errorf("%d candles, %v, want the last to start at %v", len(got), err, last)
			}
			lawful(t, d)
		})
	}
}

// TestGoneContract: what is delisted while streams run is told once, so that the list is
// read again; an answer without any contract delists nobody.
func TestGoneContract(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.3}, bybittest.Unlisted("LUNAUSDT"))
	gone := market.Contract{Venue: bybit.Venue, Symbol: "LUNAUSDT", Coin: "LUNA", QuotedCoins: 1, ContractCoins: 1, Quote: "USDT"}
	c := stream(t, f, append(listed(), gone))
	changed := func() (n int) {
		for _, u := range c.Updates() {
			if u.Kind == feeds.ContractChanged && u.Contract.Symbol == "LUNAUSDT" {
				n++
			}
		}
		return n
	}
	c.Wait(t, "change", func() bool { return changed() > 0 })
	before := len(c.Updates())
	c.Wait(t, "more tickers", func() bool { return c.Tickers(before) > 30 })
	if n := changed(); n != 1 {
		t.Errorf("told %d times", n)
	}
	for _, u := range c.Updates() {
		if u.Kind == feeds.ContractChanged && u.Contract.Symbol != "LUNAUSDT" {
			t.Errorf("%s has changed", u.Contract.Symbol)
		}
	}
	_ = d
}

// TestEmptyTickers: when nothing is in the answer about all contracts, none is given up.
func TestEmptyTickers(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.3})
	list := listed()
	for range 2 { // more contracts than are asked for one by one
		list = append(list, market.Contract{Venue: bybit.Venue, Symbol: "X" + list[len(list)-1].Symbol, Coin: "X", QuotedCoins: 1, ContractCoins: 1})
	}
	d.Base().Stall(true)
	d.Base().Refuse(1, http.StatusOK, nil, `{"retCode":0,"retMsg":"OK","result":{"timeNano":"`+ms(d.Base().Now())+`000000"}}`)
	d.Base().Refuse(1, http.StatusOK, nil, `{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[]},"time":`+ms(d.Base().Now())+`}`)
	c := stream(t, f, list)
	c.Wait(t, "tickers from the next answer", func() bool { return c.Tickers(0) >= 3 })
	for _, u := range c.Updates() {
		if u.Kind == feeds.ContractChanged && u.Contract.Coin != "X" {
			t.Errorf("%s has changed", u.Contract.Symbol)
		}
	}
}

// TestZeroIsUntold: a contract without an index or a trade yet still has its mark.
func TestZeroIsUntold(t *testing.T) {
	list := []market.Contract{{Venue: bybit.Venue, Symbol: "BTCUSDT", Coin: "BTC", QuotedCoins: 1, ContractCoins: 1}}
	c := feedtest.NewCollector()
	at := time.UnixMilli(1786659827683)
	d := bybit.NewDecoder(list, c, func() time.Time { return at })
	d.Decode([]byte(`{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","lastPrice":"0","markPrice":"63560.80","indexPrice":"0.00","openInterest":"10"},"ts":1786659827683}`))
	d.Decode([]byte(`{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","markPrice":"63560.90"},"ts":1786659827783}`))
	u := c.Updates()
	if len(u) != 2 || u[0].MarkUSD != 63560.80 || u[1].MarkUSD != 63560.90 || u[0].IndexUSD != 0 || math.Abs(u[0].OpenInterestCoins-5) > 1e-9 {
		t.Errorf("told %+v, left out %v", u, c.Drops())
	}
}

// TestNoContracts: a list without a contract is no list: who believed it would give all up.
func TestNoContracts(t *testing.T) {
	f := answering(`{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[],"nextPageCursor":""},"time":1791565601500}`)
	if list, err := f.Contracts(t.Context()); err == nil || feeds.ProblemOf(err) != feeds.BadData {
		t.Errorf("%v, %v, want bad data", list, err)
	}
}
