// Package okxtest is a loopback double of OKX's public V5 API and stream for tests: an
// invented market in the venue's wire format, and as strict as the venue about paths,
// parameters, page sizes, limits, topics and its heartbeat. What a client does against the
// rules is refused as the venue refuses it, and kept in Violations.
package okxtest

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// Double is a running double. It is safe for concurrent use.
type Double struct {
	market    feedtest.Market
	server    *feedtest.Server
	inclusive bool
	refused   map[string]bool

	mu         sync.Mutex
	violations []string
	requests   map[string]int
	asked      map[string][]time.Time
	// lines is when each connection was last heard.
	lines map[*feedtest.Conn]time.Time
	// operations is how many topics each connection has asked for.
	operations map[*feedtest.Conn]int
	dials      []time.Time
}

// Option changes a double.
type Option func(*Double)

// InclusiveEnd lets lists that are asked for up to an end begin with the entry at it.
func InclusiveEnd() Option { return func(d *Double) { d.inclusive = true } }

// Refusing lets the stream refuse a contract that is listed, and all that is asked for in
// the same message.
func Refusing(symbol string) Option { return func(d *Double) { d.refused[symbol] = true } }

// Start runs a double of a market.
func Start(m feedtest.Market, opts ...Option) *Double {
	d := &Double{
		market: m, refused: make(map[string]bool), requests: make(map[string]int),
		asked: make(map[string][]time.Time), lines: make(map[*feedtest.Conn]time.Time), operations: make(map[*feedtest.Conn]int),
	}
	for _, o := range opts {
		o(d)
	}
	d.mu.Lock() // the server ticks as soon as it runs
	d.server = feedtest.Serve(d)
	d.mu.Unlock()
	return d
}

var _ feedtest.Double = (*Double)(nil)

// API implements feedtest.Double.
func (d *Double) API() string { return d.server.URL() }

// StreamURL implements feedtest.Double.
func (d *Double) StreamURL() string { return d.server.WebSocket() }

// Base implements feedtest.Double.
func (d *Double) Base() *feedtest.Server { return d.server }

// Close implements feedtest.Double.
func (d *Double) Close() { d.server.Close() }

// Violations are what clients did against the venue's rules, in order.
func (d *Double) Violations() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.violations...)
}

// Requests is how many requests a path got.
func (d *Double) Requests(path string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests[path]
}

func (d *Double) violate(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.violations = append(d.violations, fmt.Sprintf(format, args...))
}

// swap is a contract of the invented venue.
type swap struct {
	symbol, family, kind, value, valueIn, settle, tick, lever string

	state, rule, category string
	coin                  market.Coin
	contractCoins         float64
}

// swaps are those of the coins of the market, and behind them those that a reader of
// linear USDT swaps of coins has to leave out: inverse, in USDC, stock, suspended,
// pre-market, and one whose value cannot be read.
func swaps() []swap {
	linear := func(coin market.Coin, value float64, tick string) swap {
		c := string(coin)
		return swap{
			symbol: c + "-USDT-SWAP", family: c + "-USDT", kind: "linear", value: number(value), valueIn: c, settle: "USDT", tick: tick, lever: "100",
			state: "live", rule: "normal", category: "1", coin: coin, contractCoins: value,
		}
	}
	other := func(s swap, change func(*swap)) swap {
		s.coin = ""
		change(&s)
		return s
	}
	return []swap{
		linear("BTC", 0.01, "0.1"), linear("ETH", 0.1, "0.01"), linear("SOL", 1, "0.01"), linear("PEPE", 1e7, "0.0000000001"),
		other(linear("BTC", 100, "0.1"), func(s *swap) {
			s.symbol, s.family, s.kind, s.valueIn, s.settle = "BTC-USD-SWAP", "BTC-USD", "inverse", "USD", "BTC"
		}),
		other(linear("BTC", 0.0001, "0.1"), func(s *swap) { s.symbol, s.family, s.settle = "BTC-USDC-SWAP", "BTC-USDC", "USDC" }),
		other(linear("TSLA", 0.01, "0.01"), func(s *swap) { s.category = "3" }),
		other(linear("LUNA", 1, "0.001"), func(s *swap) { s.state = "suspend" }),
		other(linear("NEWC", 1, "0.001"), func(s *swap) { s.rule = "pre_market" }),
		other(linear("ODD", 1, "0.001"), func(s *swap) { s.value = "" }),
	}
}

func bySymbol(symbol string) (swap, bool) {
	for _, s := range swaps() {
		if s.symbol == symbol {
			return s, true
		}
	}
	return swap{}, false
}

// listed is a swap of the market's coins.
func listed(symbol string) (swap, bool) {
	s, ok := bySymbol(symbol)
	return s, ok && s.coin != ""
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func ms(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
