package bybit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/feeds"
	"liqbot/feeds/bybit"
	"liqbot/feeds/bybit/bybittest"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

func ms(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }

func stream(t *testing.T, f *bybit.Feed, contracts []market.Contract) *feedtest.Collector {
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

func contracts(t *testing.T, f *bybit.Feed) []market.Contract {
	t.Helper()
	list, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// tickersOf counts tickers by coin.
func tickersOf(c *feedtest.Collector) map[market.Coin]int {
	n := map[market.Coin]int{}
	for _, u := range c.Updates() {
		if u.MarkUSD > 0 {
			n[u.Contract.Coin]++
		}
	}
	return n
}

// TestRefusedTopic: one delisted symbol must not silence those of the same request, and
// is asked for over HTTP as long as that knows it.
func TestRefusedTopic(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.3}, bybittest.Unlisted("SOLUSDT"))
	list := append(contracts(t, f), market.Contract{Venue: bybit.Venue, Symbol: "LUNAUSDT", Coin: "LUNA", QuotedCoins: 1, ContractCoins: 1, Quote: "USDT"})
	c := stream(t, f, list)
	c.Wait(t, "tickers of the others", func() bool {
		n := tickersOf(c)
		return n["BTC"] > 3 && n["ETH"] > 3 && n["PEPE"] > 3
	})
	if n := tickersOf(c)["SOL"]; n != 0 || c.Drops()[feeds.Refused] != 2 {
		t.Errorf("%d tickers of a refused topic, dropped %v", n, c.Drops())
	}
	d.Liquidate("PEPE", market.Liquidation{At: d.Base().Now(), Side: market.Short, Coins: 1e6, PriceUSD: 0.0000044})
	c.Wait(t, "liquidation", func() bool {
		for _, u := range c.Updates() {
			if u.Kind == feeds.Liquidation && u.Contract.Coin == "PEPE" && u.Order.Side == market.Short {
				return true
			}
		}
		return false
	})
	c.Wait(t, "ticker over HTTP", func() bool { return tickersOf(c)["SOL"] > 0 })
	if n := d.Base().Accepted(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// oneByOne refuses requests without saying which topic it dislikes.
type oneByOne struct {
	mu    sync.Mutex
	taken map[string]bool
	most  int             // topics in a request
	sizes map[string]int  // characters by connection
	seen  map[string]bool // all topics that were ever asked for
	vague bool
	// moods is how often the topic that is disliked vaguely is refused.
	moods int
}

func (o *oneByOne) REST(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }

func (o *oneByOne) Tick(c *feedtest.Conn, now time.Time) {
	for _, t := range c.Topics() {
		if t == "tickers.BTCUSDT" {
			c.Push(fmt.Appendf(nil, `{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"markPrice":"1"},"ts":%d}`, now.UnixMilli()))
		}
	}
}

func (o *oneByOne) Message(c *feedtest.Conn, message []byte) {
	var m struct {
		ID   string   `json:"req_id"`
		Op   string   `json:"op"`
		Args []string `json:"args"`
	}
	if json.Unmarshal(message, &m) != nil || m.Op != "subscribe" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.most = max(o.most, len(m.Args))
	key := fmt.Sprintf("%p", c)
	text := ""
	for _, t := range m.Args {
		o.sizes[key] += len(t) + len(`"",`)
		o.seen[t] = true
		switch {
		case t == "tickers.ETHUSDT" && o.vague && o.moods > 0:
			o.moods--
			text = "error:bad request"
		case !c.Subscribe(t) && o.vague:
			text = "error:already subscribed,topic:" + t
		default:
			o.taken[t] = true
		}
		if text != "" {
			break
		}
	}
	c.Send(fmt.Appendf(nil, `{"success":%t,"ret_msg":%q,"req_id":%q,"op":"subscribe"}`, text == "", text, m.ID))
}

func serve(t *testing.T, vague bool, silence time.Duration) (*bybit.Feed, *oneByOne, *feedtest.Server) {
	t.Helper()
	o := &oneByOne{taken: map[string]bool{}, sizes: map[string]int{}, seen: map[string]bool{}, vague: vague, moods: 2}
	s := feedtest.Serve(o)
	t.Cleanup(s.Close)
	return bybit.New(bybit.Config{APIURL: s.URL(), StreamURL: s.WebSocket(), Silence: silence}), o, s
}

// TestVagueRefusal: the topics are sent one by one, those that had been taken before the
// bad one are no failure, and as nothing says that it does not exist, it is asked for
// again later.
func TestVagueRefusal(t *testing.T) {
	t.Parallel()
	f, o, s := serve(t, true, 700*time.Millisecond)
	c := stream(t, f, listed())
	want := map[string]bool{"tickers.ETHUSDT": true, "tickers.BTCUSDT": true, "allLiquidation.BTCUSDT": true, "allLiquidation.ETHUSDT": true, "tickers.1000PEPEUSDT": true, "allLiquidation.1000PEPEUSDT": true}
	c.Wait(t, "all topics, one after a while", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return cmp.Equal(want, o.taken)
	})
	if diff := cmp.Diff(map[feeds.Reason]int{feeds.Refused: 1}, c.Drops()); diff != "" && s.Accepted() == 1 {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}

// TestManyContracts: no connection has more topics than Bybit takes.
func TestManyContracts(t *testing.T) {
	t.Parallel()
	f, o, _ := serve(t, false, time.Minute)
	list := listed()
	for i := range 400 {
		list = append(list, market.Contract{Venue: bybit.Venue, Symbol: fmt.Sprintf("1000000COIN%dUSDT", i), Coin: "X", QuotedCoins: 1, ContractCoins: 1})
	}
	c := stream(t, f, list)
	c.Wait(t, "all topics", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return len(o.seen) == 2*len(list) && c.Tickers(0) > 0
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, n := range o.sizes {
		if n > 21_000/2 {
			t.Errorf("connection %s has %d characters of topics", key, n)
		}
	}
	if o.most > 50 || len(o.sizes) < 3 {
		t.Errorf("%d topics in a request, %d connections", o.most, len(o.sizes))
	}
}

// TestQuiet: a contract whose ticker does not change is told of nevertheless.
func TestQuiet(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.3}, bybittest.Quiet("ETHUSDT"))
	c := stream(t, f, contracts(t, f))
	c.Wait(t, "second ticker of a quiet contract", func() bool { return tickersOf(c)["ETH"] >= 2 })
	var last time.Time
	for _, u := range c.Updates() {
		if u.Contract.Coin != "ETH" {
			continue
		}
		if !last.IsZero() && u.At.Sub(last) > 10*time.Second || u.OpenInterestCoins == 0 || !u.HasFunding {
			t.Errorf("after %v: %+v", u.At.Sub(last), u)
		}
		last = u.At
	}
	lawful(t, d)
}

// TestRepeatedOrder: a venue that repeats itself after a reconnect changes no sum.
func TestRepeatedOrder(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.3})
	c := stream(t, f, contracts(t, f))
	order := market.Liquidation{At: d.Base().Now().Truncate(time.Millisecond), Side: market.Long, Coins: 1.5, PriceUSD: 90_000}
	told := func() (n int) {
		for _, u := range c.Updates() {
			if u.Kind == feeds.Liquidation {
				n++
			}
		}
		return n
	}
	c.Wait(t, "order", func() bool { d.Liquidate("BTC", order); return told() > 0 })
	d.Base().Drop()
	before := len(c.Updates())
	c.Wait(t, "tickers afterwards", func() bool { return c.Tickers(before) > 8 })
	repeats := c.Drops()[feeds.Duplicate]
	c.Wait(t, "repetition", func() bool { d.Liquidate("BTC", order); return c.Drops()[feeds.Duplicate] > repeats })
	if n := told(); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestStreamThatCannotWork(t *testing.T) {
	for _, address := range []string{"https://stream.bybit.com", "wss://", "::"} {
		if err := bybit.New(bybit.Config{StreamURL: address}).Stream(t.Context(), listed(), feedtest.NewCollector()); feeds.ProblemOf(err) != feeds.Blocked {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestPing(t *testing.T) {
	if diff := cmp.Diff(`{"req_id":"1","op":"ping"}`, string(bybit.PingMessage())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// forgetful sends a snapshot on its first connection, and a delta before one on others.
type forgetful struct{ server *feedtest.Server }

func (forgetful) REST(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }
func (forgetful) Tick(*feedtest.Conn, time.Time)              {}

func (v *forgetful) Message(c *feedtest.Conn, _ []byte) {
	const form = `{"topic":"tickers.BTCUSDT","type":%q,"data":{%s},"ts":%d}`
	at := time.Now().UnixMilli()
	if v.server.Accepted() > 1 {
		c.Push(fmt.Appendf(nil, form, "delta", `"indexPrice":"5"`, at))
		c.Push(fmt.Appendf(nil, form, "snapshot", `"markPrice":"91000"`, at))
		return
	}
	c.Push(fmt.Appendf(nil, form, "snapshot", `"markPrice":"90000","indexPrice":"90001"`, at))
}

// TestNewConnectionForgets: what was known before is no base for deltas.
func TestNewConnectionForgets(t *testing.T) {
	t.Parallel()
	v := &forgetful{}
	v.server = feedtest.Serve(v)
	t.Cleanup(v.server.Close)
	f := bybit.New(bybit.Config{APIURL: v.server.URL(), StreamURL: v.server.WebSocket(), Silence: time.Minute, MinBackoff: 20 * time.Millisecond})
	c := stream(t, f, listed()[:1])
	c.Wait(t, "ticker", func() bool { return c.Tickers(0) == 1 })
	v.server.Drop()
	c.Wait(t, "ticker of the next connection", func() bool { return c.Tickers(0) == 2 })
	last := c.Updates()[1]
	if last.MarkUSD != 91000 || last.IndexUSD != 0 || c.Drops()[feeds.OutOfOrder] != 1 {
		t.Errorf("got %+v, dropped %v", last, c.Drops())
	}
}
