package binance_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/binance"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// A host whose clock is wrong by minutes hears all that a host with a right one hears.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"host behind": 10 * time.Minute, "host ahead": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := start(t, feedtest.Market{Share: 1})
			list := []market.Contract{contract(t, f, "BTC")}
			d.Base().Skew(skew)
			c := stream(t, f, list)
			c.Wait(t, "mark and open interest", func() bool {
				coins := slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool { return u.OpenInterestCoins > 0 })
				return coins && c.Tickers(0) > 2
			})
			c.Wait(t, "order", func() bool {
				d.Liquidate("BTC", market.Liquidation{At: d.Base().Now().Truncate(time.Millisecond), Side: market.Long, Coins: 2, PriceUSD: 90_000})
				return slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool { return u.Kind == feeds.Liquidation })
			})
			if n := d.Base().Accepted(); n != 1 {
				t.Errorf("%d connections, want one", n)
			}
		})
	}
}

// While the venue's clock could not be asked for, what it streams is believed
// nevertheless.
func TestStreamBeforeTheClockIsKnown(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 1})
	list := []market.Contract{contract(t, f, "BTC")}
	d.Base().Skew(10 * time.Minute)
	d.Base().Refuse(1, http.StatusTeapot, http.Header{"Retry-After": {"600"}}, `{"code":-1003,"msg":"Way too many requests"}`)
	if _, err := f.ServerTime(t.Context()); feeds.ProblemOf(err) != feeds.RateLimited {
		t.Fatalf("got %v, want a ban", err)
	}
	c := stream(t, f, list)
	c.Wait(t, "marks", func() bool { return c.Tickers(0) > 2 })
}

// An absurd time that was believed before the clocks were compared does not make all that
// follows look old.
func TestAbsurdTimeBeforeTheClockIsKnown(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 1})
	list := []market.Contract{contract(t, f, "BTC")}
	d.Base().Refuse(4, http.StatusInternalServerError, nil, "") // two rounds of polling
	c := stream(t, f, list)
	c.Wait(t, "marks", func() bool { return c.Tickers(0) > 1 })
	absurd := d.Base().Now().Add(20 * time.Hour)
	d.Base().Broadcast(fmt.Appendf(nil, `{"e":"markPriceUpdate","E":%d,"s":"BTCUSDT","p":"90000","st":1}`, absurd.UnixMilli()))
	c.Wait(t, "the absurd", func() bool {
		return slices.ContainsFunc(c.Updates(), func(u feeds.Update) bool { return u.At.After(d.Base().Now().Add(time.Hour)) })
	})
	c.Wait(t, "the clock", func() bool {
		_, err := f.ServerTime(t.Context())
		return err == nil
	})
	before := len(c.Updates())
	c.Wait(t, "marks afterwards", func() bool { return c.Tickers(before) > 1 })
}

// A ban that begins before the clocks were compared lasts as long as the venue says,
// whatever the host's clock shows.
func TestBanBeforeTheClockIsKnown(t *testing.T) {
	for name, skew := range map[string]time.Duration{"host behind": 10 * time.Minute, "host ahead": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				venue := time.Now().Add(skew)
				f, _ := feedOf(answer{http.StatusTeapot, http.Header{"Date": {venue.UTC().Format(http.TimeFormat)}}, fmt.Sprintf(
					`{"code":-1003,"msg":"Way too many requests; IP banned until %d. Please use the websocket for live updates to avoid bans."}`, venue.Add(7*time.Minute).UnixMilli())})
				_, err := f.Contracts(t.Context())
				e, ok := errors.AsType[*feeds.Error](err)
				if !ok {
					t.Fatal(err)
				}
				if left := time.Until(e.RetryAt); left < 7*time.Minute || left > 7*time.Minute+3*time.Second {
					t.Errorf("left alone for %v, want seven minutes", left)
				}
			})
		})
	}
}

// lists answers paths with bodies, the clock with a time.
type lists struct {
	now    time.Time
	bodies map[string]string
}

func (l lists) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/fapi/v1/time" {
		return respond(answer{http.StatusOK, nil, fmt.Sprintf(`{"serverTime":%d}`, l.now.UnixMilli())}), nil
	}
	body, ok := l.bodies[r.URL.Path]
	if !ok {
		body = `[]`
	}
	return respond(answer{http.StatusOK, nil, body}), nil
}

func listFeed(now time.Time, bodies map[string]string) *binance.Feed {
	return binance.New(binance.Config{APIURL: "http://venue.test", Client: &http.Client{Transport: lists{now, bodies}}})
}

// Rows that come newest first, twice, or with their time in seconds are all read, and the
// filler of mark candles does not matter.
func TestRowsInAnyOrder(t *testing.T) {
	c := market.Contract{Symbol: "BTCUSDT", Coin: "BTC", QuotedCoins: 1, ContractCoins: 1}
	now := time.UnixMilli(1783307788007)
	at := now.Truncate(feeds.CandleLength).Add(-4 * feeds.CandleLength)
	row := func(format string, i int, seconds bool) string {
		start := at.Add(time.Duration(i) * feeds.CandleLength).UnixMilli()
		if seconds {
			start /= 1000
		}
		return fmt.Sprintf(format, start)
	}
	rows := func(format string) string {
		return "[" + strings.Join([]string{row(format, 2, false), row(format, 1, true), row(format, 1, false), row(format, 0, false)}, ",") + "]"
	}
	f := listFeed(now, map[string]string{
		"/fapi/v1/klines":                rows(`[%d,"5","7","4","6","10",0,"60",3,"4","24","0"]`),
		"/fapi/v1/markPriceKlines":       rows(`[%d,"5","8","3","6","",0,null,0,"","",""]`),
		"/futures/data/openInterestHist": rows(`{"symbol":"BTCUSDT","sumOpenInterest":"20","timestamp":"%d"}`),
		"/fapi/v1/fundingRate":           rows(`{"symbol":"BTCUSDT","fundingTime":%d,"fundingRate":"0.0001"}`),
	})
	candles, err := f.Candles(t.Context(), c, at, now)
	if err != nil || len(candles) != 3 {
		t.Fatalf("candles %+v, %v, want three", candles, err)
	}
	for i, k := range candles {
		if !k.Start.Equal(at.Add(time.Duration(i)*feeds.CandleLength)) || k.MarkHighUSD != 8 || k.MarkLowUSD != 3 || k.TakerBuyCoins != 4 {
			t.Errorf("candle %d is %+v", i, k)
		}
	}
	points, err := f.OpenInterest(t.Context(), c, at, now)
	if err != nil || len(points) != 3 || !points[0].At.Equal(at) || !points[2].At.After(points[1].At) {
		t.Errorf("open interest %+v, %v, want three", points, err)
	}
	paid, err := f.Fundings(t.Context(), c, at, now)
	if err != nil || len(paid) != 3 || !paid[0].At.Equal(at) || !paid[2].At.After(paid[1].At) {
		t.Errorf("fundings %+v, %v, want three", paid, err)
	}
}

// Nulls in fields that may be missing do not cost a contract.
func TestContractWithNulls(t *testing.T) {
	f := listFeed(time.Now(), map[string]string{
		"/fapi/v1/exchangeInfo": `{"symbols":[{"symbol":"BTCUSDT","contractType":"PERPETUAL","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","underlyingType":null,"filters":null}]}`,
	})
	list, err := f.Contracts(t.Context())
	if err != nil || len(list) != 1 {
		t.Errorf("%+v, %v, want one contract", list, err)
	}
}

// A contract that changes is told to have changed even if its new tiers make no sense.
func TestChangeWithImpossibleTiers(t *testing.T) {
	list := []market.Contract{{Symbol: "BTCUSDT", Coin: "BTC", QuotedCoins: 1, ContractCoins: 1}}
	c := feedtest.NewCollector()
	d := binance.NewDecoder(list, c, func() time.Time { return time.UnixMilli(1791269856000) })
	d.Decode([]byte(`{"e":"contractInfo","E":1791269856000,"s":"BTCUSDT","cs":"SETTLING","bks":[{"bs":1,"bnf":5,"bnc":4,"mmr":7,"cf":0,"mi":21,"ma":50}]}`))
	u := c.Updates()
	if len(u) != 1 || u[0].Kind != feeds.ContractChanged || c.Drops()[feeds.Impossible] != 1 {
		t.Errorf("told %+v, left out %v", u, c.Drops())
	}
}

// A list without a contract is no list: who believed it would give all up.
func TestNoContracts(t *testing.T) {
	other := `{"symbol":"BTCUSDC","contractType":"PERPETUAL","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDC","marginAsset":"USDC","underlyingType":"COIN"}`
	for _, symbols := range []string{"[]", "[" + other + "]"} {
		f := listFeed(time.Now(), map[string]string{"/fapi/v1/exchangeInfo": `{"symbols":` + symbols + `}`})
		if list, err := f.Contracts(t.Context()); err == nil || feeds.ProblemOf(err) != feeds.BadData {
			t.Errorf("%s: %v, %v, want bad data", symbols, list, err)
		}
	}
}
