// Package gatetest is a loopback double of Gate's USDT perpetuals, as strict as Gate:
// parameters that Gate refuses are refused with its errors, and its limits hold. It serves
// the invented market of feedtest. Its server owns the goroutines; Close ends them.
package gatetest

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
	spent      map[string][]time.Time // requests of the last span by path
	failures   int                    // that are still to come
	orders     []order
	delisted   []string
}

var _ feedtest.Double = (*Double)(nil)

// order is a forced order that was reported.
type order struct {
	symbol string
	l      market.Liquidation
}

type options struct {
	shape    Shape
	fineKept time.Duration
	limit    int
	failures int
	wordless bool
}

// Option changes what a double does.
type Option func(*options)

// Shape is one of the forms that liquidations had on the wire over the years.
type Shape int

// The shapes, the newest first.
const (
	// Milliseconds: price is a string, time milliseconds.
	Milliseconds Shape = iota
	// Seconds: price is a string, time seconds.
	Seconds
	// Numbers: price is a number, the time is time_ms.
	Numbers
)

// WithShape sets the form of liquidations.
func WithShape(s Shape) Option { return func(o *options) { o.shape = s } }

// WithFineStats sets how far back statistics of five minutes go; 31 days otherwise.
func WithFineStats(d time.Duration) Option { return func(o *options) { o.fineKept = d } }

// WithLimit sets how many requests a path takes in ten seconds; 200 otherwise.
func WithLimit(n int) Option { return func(o *options) { o.limit = n } }

// WithServiceErrors refuses the first n subscriptions for a fault of Gate's own.
func WithServiceErrors(n int) Option { return func(o *options) { o.failures = n } }

// Wordless makes refusals that do not name the contract at fault.
func Wordless() Option { return func(o *options) { o.wordless = true } }

// Start starts a double of a market.
func Start(m feedtest.Market, opts ...Option) *Double {
	d := &Double{market: m, opts: options{fineKept: 31 * 24 * time.Hour, limit: 200}, spent: make(map[string][]time.Time)}
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

// Violations are the requests that Gate would have refused, in words.
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
	symbol     string
	coin       market.Coin
	multiplier float64 // coins for a contract
	decimals   int     // of prices
}

var contracts = []listed{
	{"BTC_USDT", "BTC", 0.0001, 1},
	{"ETH_USDT", "ETH", 0.01, 2},
	{"SOL_USDT", "SOL", 1, 3},
	{"PEPE_USDT", "PEPE", 10_000_000, 10},
}

func bySymbol(symbol string) (listed, bool) {
	i := slices.IndexFunc(contracts, func(l listed) bool { return l.symbol == symbol })
	if i < 0 {
		return listed{}, false
	}
	return contracts[i], true
}

func (l listed) price(v float64) string { return strconv.FormatFloat(v, 'f', l.decimals, 64) }

// size is coins in contracts, as Gate writes them: strings with a fraction for those who
// ask, else whole numbers that are rounded down.
func (l listed) size(coins float64, decimal bool) any {
	v := coins / l.multiplier
	if decimal {
		return strconv.FormatFloat(v, 'f', 4, 64)
	}
	return int64(math.Trunc(v))
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
