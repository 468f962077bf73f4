// Package bitgettest is a loopback double of Bitget's USDT perpetuals, both generations of
// its API, as strict as Bitget: parameters that Bitget refuses are refused with its errors,
// and its limits hold. It serves the invented market of feedtest. Its server owns the
// goroutines; Close ends them.
package bitgettest

import (
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// Double is a running double. It is safe for concurrent use.
type Double struct {
	market feedtest.Market
	server *feedtest.Server
	opts   options

	mu         sync.Mutex
	violations []string
	spent      map[string][]time.Time // requests of the last second by path
	sent       map[*feedtest.Conn][]time.Time
	orders     []order
	delisted   []string
	failures   int // that are still to come
}

var _ feedtest.Double = (*Double)(nil)

// order is a forced order that was reported.
type order struct {
	listed listed
	l      market.Liquidation
}

type options struct {
	coins, exclusive bool
	failures         int
}

// Option changes what a double does.
type Option func(*options)

// InCoins makes the amounts of liquidations base coins. They are USD otherwise.
func InCoins() Option { return func(o *options) { o.coins = true } }

// ExclusiveStart makes candles begin behind startTime: whether it is part of the span is
// not written.
func ExclusiveStart() Option { return func(o *options) { o.exclusive = true } }

// WithServiceErrors refuses the first n subscriptions to liquidations.
func WithServiceErrors(n int) Option { return func(o *options) { o.failures = n } }

// Start starts a double of a market.
func Start(m feedtest.Market, opts ...Option) *Double {
	d := &Double{market: m, spent: make(map[string][]time.Time), sent: make(map[*feedtest.Conn][]time.Time)}
	for _, o := range opts {
		o(&d.opts)
	}
	d.failures = d.opts.failures
	d.server = feedtest.Serve(d)
	return d
}

// API implements feedtest.Double.
func (d *Double) API() string { return d.server.URL() }

// StreamURL implements feedtest.Double.
func (d *Double) StreamURL() string { return d.server.WebSocket() }

// Base implements feedtest.Double.
func (d *Double) Base() *feedtest.Server { return d.server }

// Close implements feedtest.Double.
func (d *Double) Close() { d.server.Close() }

// Violations are the requests that Bitget would have refused, in words.
func (d *Double) Violations() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.violations)
}

// Delist takes a contract off the tickers, without a word.
func (d *Double) Delist(symbol string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.delisted = append(d.delisted, symbol)
}

func (d *Double) isDelisted(symbol string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Contains(d.delisted, symbol)
}

func (d *Double) violated(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.violations = append(d.violations, what)
}

// listed is a contract of the double.
type listed struct {
	symbol      string
	coin        market.Coin
	decimals    int     // of prices
	step        float64 // of sizes
	volumePlace int
}

var contracts = []listed{
	{"BTCUSDT", "BTC", 1, 0.0001, 4},
	{"ETHUSDT", "ETH", 2, 0.01, 2},
	{"SOLUSDT", "SOL", 3, 0.1, 1},
	{"PEPEUSDT", "PEPE", 10, 100, 0},
}

func bySymbol(symbol string) (listed, bool) {
	i := slices.IndexFunc(contracts, func(l listed) bool { return l.symbol == symbol })
	if i < 0 {
		return listed{}, false
	}
	return contracts[i], true
}

func (l listed) price(v float64) string { return strconv.FormatFloat(v, 'f', l.decimals, 64) }

// size is coins in whole steps.
func (l listed) size(coins float64) string {
	return strconv.FormatFloat(math.Round(coins/l.step)*l.step, 'f', l.volumePlace, 64)
}

// amount is what a print says: USD with six decimals, or coins.
func (d *Double) amount(o order) string {
	if d.opts.coins {
		return o.listed.size(o.l.Coins)
	}
	return strconv.FormatFloat(o.l.NotionalUSD(), 'f', 6, 64)
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func milli(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
