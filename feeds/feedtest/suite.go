package feedtest

import (
	"context"
	"errors"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/market"
)

// Make starts a double of the market and a feed that asks it, with a Silence of about a
// second and short waits before a new connection. Both end with the test.
type Make func(t *testing.T, m Market) (feeds.Feed, Double)

// Traits are what a venue does not have.
type Traits struct {
	NoMarkCandles bool
	NoTaker       bool
	// NoOpenInterestHistory: the venue tells none.
	NoOpenInterestHistory bool
	// NoLiquidations: no print can be provoked in the double.
	NoLiquidations bool
}

// Suite is what every feed has to pass.
func Suite(t *testing.T, traits Traits, make Make) {
	t.Run("contracts", func(t *testing.T) { testContracts(t, make) })
	t.Run("candles", func(t *testing.T) { testCandles(t, traits, make) })
	t.Run("open interest", func(t *testing.T) { testOpenInterest(t, traits, make) })
	t.Run("tickers", func(t *testing.T) { testTickers(t, make) })
	t.Run("sides", func(t *testing.T) {
		if traits.NoLiquidations {
			t.Skip("the venue reports none")
		}
		testSides(t, make)
	})
	t.Run("garbage", func(t *testing.T) { testGarbage(t, make) })
	t.Run("drop", func(t *testing.T) { testLoss(t, make, func(s *Server) { s.Drop() }) })
	t.Run("stall", func(t *testing.T) {
		testLoss(t, make, func(s *Server) {
			s.Stall(true)
			t.Cleanup(func() { s.Stall(false) })
		})
	})
	t.Run("refusal", func(t *testing.T) { testRefusal(t, make) })
	t.Run("down", func(t *testing.T) { testDown(t, make) })
	t.Run("clock", func(t *testing.T) { testClock(t, make) })
}

func contracts(t *testing.T, f feeds.Feed) map[market.Coin]market.Contract {
	t.Helper()
	list, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byCoin := make(map[market.Coin]market.Contract)
	for _, c := range list {
		if _, twice := byCoin[c.Coin]; twice {
			t.Errorf("two contracts of %s", c.Coin)
		}
		byCoin[c.Coin] = c
	}
	return byCoin
}

func testContracts(t *testing.T, make Make) {
	f, _ := make(t, Market{Share: 0.3})
	got := contracts(t, f)
	if len(got) != len(Coins()) {
		t.Errorf("%d contracts, want those of %v: %v", len(got), Coins(), got)
	}
	for _, coin := range Coins() {
		c := got[coin]
		if c.Venue != f.Venue() || c.Symbol == "" || !(c.QuotedCoins > 0) || !(c.ContractCoins > 0) || c.Quote == "" {
			t.Errorf("%s: incomplete: %+v", coin, c)
		}
	}
}

func testCandles(t *testing.T, traits Traits, make Make) {
	m := Market{Share: 0.3}
	f, d := make(t, m)
	to := d.Base().Now().Truncate(feeds.CandleLength)
	from := to.Add(-60 * time.Hour)
	for _, coin := range []market.Coin{"BTC", "PEPE"} {
		got, err := f.Candles(t.Context(), contracts(t, f)[coin], from, to)
		if err != nil {
			t.Fatal(err)
		}
		var want []market.Candle
		for at := from; at.Before(to); at = at.Add(feeds.CandleLength) {
			c := m.Candle(coin, at)
			if traits.NoMarkCandles {
				c.MarkHighUSD, c.MarkLowUSD = 0, 0
			}
			if traits.NoTaker {
				c.TakerBuyCoins, c.HasTaker = 0, false
			}
			want = append(want, c)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-3, 0), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: candles (-want +got):\n%.2000s", coin, diff)
		}
	}
}

func testOpenInterest(t *testing.T, traits Traits, make Make) {
	m := Market{Share: 0.3}
	f, d := make(t, m)
	to := d.Base().Now().Truncate(time.Hour)
	from := to.Add(-60 * time.Hour)
	for _, coin := range []market.Coin{"BTC", "PEPE"} {
		got, err := f.OpenInterest(t.Context(), contracts(t, f)[coin], from, to)
		if err != nil {
			t.Fatal(err)
		}
		if traits.NoOpenInterestHistory {
			if len(got) != 0 {
				t.Errorf("%s: %d points, want none", coin, len(got))
			}
			continue
		}
		if len(got) < 59 || got[0].At.After(from.Add(time.Hour)) || got[len(got)-1].At.Before(to.Add(-2*time.Hour)) {
			t.Fatalf("%s: %d points do not cover the span", coin, len(got))
		}
		for i, p := range got {
			if i > 0 && !p.At.After(got[i-1].At) || p.At.Before(from) || !p.At.Before(to) {
				t.Fatalf("%s: point %d at %v is out of order or span", coin, i, p.At)
			}
			if want := m.OpenInterestCoins(coin, p.At); math.Abs(p.Coins/want-1) > 1e-3 {
				t.Fatalf("%s: open interest at %v is %g, want %g", coin, p.At, p.Coins, want)
			}
		}
	}
}

// start runs the feed's stream until the test ends.
func start(t *testing.T, f feeds.Feed) *Collector {
	t.Helper()
	list, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := NewCollector()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Stream(ctx, list, c) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Stream ended with %v, want nil", err)
		}
	})
	return c
}

func testTickers(t *testing.T, make Make) {
	m := Market{Share: 0.3}
	f, d := make(t, m)
	c := start(t, f)
	told := func(enough func(mark, coins map[market.Coin]float64) bool) func() bool {
		return func() bool {
			mark, coins := map[market.Coin]float64{}, map[market.Coin]float64{}
			for _, u := range c.Updates() {
				if u.Kind == feeds.Ticker && u.MarkUSD > 0 {
					mark[u.Contract.Coin] = u.MarkUSD
				}
				if u.Kind == feeds.Ticker && u.OpenInterestCoins > 0 {
					coins[u.Contract.Coin] = u.OpenInterestCoins
				}
			}
			return enough(mark, coins)
		}
	}
	c.Wait(t, "mark and open interest of every coin", told(func(mark, coins map[market.Coin]float64) bool {
		return len(mark) == len(Coins()) && len(coins) == len(Coins())
	}))
	told(func(mark, coins map[market.Coin]float64) bool {
		for _, coin := range Coins() {
			now := d.Base().Now()
			if want := m.MarkUSD(coin, now); math.Abs(mark[coin]/want-1) > 0.01 {
				t.Errorf("%s: mark %g, want about %g", coin, mark[coin], want)
			}
			if want := m.OpenInterestCoins(coin, now); math.Abs(coins[coin]/want-1) > 0.01 {
				t.Errorf("%s: open interest %g, want about %g", coin, coins[coin], want)
			}
		}
		return true
	})()
	for _, u := range c.Updates() {
		if off := d.Base().Now().Sub(u.At); off < -5*time.Second || off > time.Minute {
			t.Fatalf("update is of %v, now is %v", u.At, d.Base().Now())
		}
	}
	c.Wait(t, "funding", func() bool {
		for _, u := range c.Updates() {
			if u.HasFunding && u.FundingRate != 0 && u.FundingInterval > 0 {
				return true
			}
		}
		return false
	})
}

func testSides(t *testing.T, make Make) {
	m := Market{Share: 0.3}
	f, d := make(t, m)
	c := start(t, f)
	c.Wait(t, "ticker", func() bool { return c.Tickers(0) > 0 })
	for _, coin := range []market.Coin{"BTC", "PEPE"} {
		for _, side := range []market.Side{market.Long, market.Short} {
			at := d.Base().Now().Truncate(time.Second)
			mark := m.MarkUSD(coin, at)
			want := market.Liquidation{At: at, Side: side, PriceUSD: mark, Coins: 250_000 / mark}
			before := len(c.Updates())
			var got *feeds.Update
			c.Wait(t, "liquidation of a "+side.String(), func() bool {
				for _, u := range c.Updates()[before:] {
					if u.Kind == feeds.Liquidation && u.Contract.Coin == coin && u.Order.Side == side {
						got = &u
						return true
					}
				}
				d.Liquidate(coin, want)
				return false
			})
			if diff := cmp.Diff(want, got.Order, cmpopts.EquateApprox(0.02, 0), cmpopts.EquateApproxTime(2*time.Second)); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", coin, side, diff)
			}
		}
	}
}

func testGarbage(t *testing.T, make Make) {
	f, d := make(t, Market{Share: 0.3})
	c := start(t, f)
	c.Wait(t, "ticker", func() bool { return c.Tickers(0) > 0 })
	garbage := []string{
		"", "pong?", "{", "[]", "null", `{"data":17}`, `{"e":"markPriceUpdate","s":null}`, "\x00\xff",
		`{"topic":"tickers.BTCUSDT","data":[[[[]]]]}`, `{"channel":"futures.tickers","event":"update","result":{"contract":5}}`,
		`{"arg":{"channel":"mark-price"},"data":[{"instId":"BTC-USDT-SWAP","markPx":"NaN","ts":"-1"}]}`,
	}
	for _, g := range garbage {
		d.Base().Broadcast([]byte(g))
	}
	before := len(c.Updates())
	c.Wait(t, "tickers behind garbage", func() bool { return c.Tickers(before) > 8 && len(c.Drops()) > 0 })
	for _, u := range c.Updates() {
		if u.MarkUSD != 0 && !feeds.PossiblePrice(u.MarkUSD) {
			t.Fatalf("garbage became %+v", u)
		}
	}
}

func testLoss(t *testing.T, make Make, lose func(*Server)) {
	f, d := make(t, Market{Share: 0.3})
	c := start(t, f)
	c.Wait(t, "ticker", func() bool { return c.Tickers(0) > 0 })
	before := d.Base().Accepted()
	lose(d.Base())
	c.Wait(t, "new connection", func() bool { return d.Base().Accepted() > before })
	d.Base().Stall(false)
	seen := len(c.Updates())
	c.Wait(t, "tickers of every coin afterwards", func() bool {
		coins := map[market.Coin]bool{}
		for _, u := range c.Updates()[seen:] {
			if u.MarkUSD > 0 {
				coins[u.Contract.Coin] = true
			}
		}
		return len(coins) == len(Coins())
	})
}

func testRefusal(t *testing.T, make Make) {
	f, d := make(t, Market{Share: 0.3})
	c := contracts(t, f)["BTC"]
	now := d.Base().Now().Truncate(feeds.CandleLength)
	d.Base().Refuse(1, http.StatusTooManyRequests, http.Header{"Retry-After": {"30"}}, `{"code":-1003,"msg":"Too many requests"}`)
	_, err := f.Candles(t.Context(), c, now.Add(-time.Hour), now)
	e, ok := errors.AsType[*feeds.Error](err)
	if !ok || e.Problem != feeds.RateLimited || time.Until(e.RetryAt) < time.Second {
		t.Fatalf("refused with %v, want a rate limit that says until when", err)
	}
	before := d.Base().Requests()
	if _, err := f.Candles(t.Context(), c, now.Add(-time.Hour), now); err == nil {
		t.Error("asked again at once and was answered")
	}
	if n := d.Base().Requests() - before; n != 0 {
		t.Errorf("%d requests although the venue had said when to come again", n)
	}
}

func testDown(t *testing.T, make Make) {
	f, d := make(t, Market{Share: 0.3})
	d.Base().Down(true)
	_, err := f.Contracts(t.Context())
	if e, ok := errors.AsType[*feeds.Error](err); !ok || e.Venue != f.Venue() {
		t.Errorf("a venue that is down gave %v, want a *feeds.Error that names it", err)
	}
	d.Base().Down(false)
	if _, err := f.Contracts(t.Context()); err != nil {
		t.Errorf("after it is back: %v", err)
	}
}

func testClock(t *testing.T, make Make) {
	f, d := make(t, Market{Share: 0.3})
	d.Base().Skew(90 * time.Second)
	at, err := f.ServerTime(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Until(at); off < 80*time.Second || off > 95*time.Second {
		t.Errorf("venue's clock is %v ahead, want 90 s", off)
	}
}
