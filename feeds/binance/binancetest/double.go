// Package binancetest is a double of Binance's USD-margined futures on a loopback
// address: its requests, weights, bans and streams, as strict as the venue, over the
// invented market of package feedtest. What a well-behaved client never does is answered
// as the venue answers it, and noted as a violation.
package binancetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// listing is a contract of the double.
type listing struct {
	symbol, base, quote, kind, status, underlying string
	delivery                                      int64
	// coin and coins are what the contract is of; tick is the price step.
	coin  market.Coin
	coins float64
	tick  float64
	// hours is the funding interval; 8 is the usual one.
	hours int
}

const perpetual = 4133404800000

// listings has the coins of the market and, behind them, what has to be left out.
func listings() []listing {
	usdt := func(symbol, base string, coin market.Coin, coins, tick float64, hours int) listing {
		return listing{symbol, base, "USDT", "PERPETUAL", "TRADING", "COIN", perpetual, coin, coins, tick, hours}
	}
	other := func(symbol, base, quote, kind, status, underlying string) listing {
		return listing{symbol, base, quote, kind, status, underlying, perpetual, "BTC", 1, 0.1, 8}
	}
	return []listing{
		other("BTCUSDC", "BTC", "USDC", "PERPETUAL", "TRADING", "COIN"),
		usdt("BTCUSDT", "BTC", "BTC", 1, 0.1, 8),
		usdt("ETHUSDT", "ETH", "ETH", 1, 0.01, 8),
		usdt("SOLUSDT", "SOL", "SOL", 1, 0.001, 8),
		usdt("1000PEPEUSDT", "1000PEPE", "PEPE", 1000, 0.0000001, 4),
		other("BTCUSDT_261225", "BTC", "USDT", "CURRENT_QUARTER", "TRADING", "COIN"),
		other("BTCDOMUSDT", "BTCDOM", "USDT", "PERPETUAL", "TRADING", "INDEX"),
		other("TSLAUSDT", "TSLA", "USDT", "TRADIFI_PERPETUAL", "TRADING", "EQUITY"),
		other("SPACEUSDT", "SPACE", "USDT", "PERPETUAL", "TRADING", "PREMARKET"),
		other("LUNAUSDT", "LUNA", "USDT", "PERPETUAL", "SETTLING", "COIN"),
		other("NEWUSDT", "NEW", "USDT", "PERPETUAL", "PENDING_TRADING", "COIN"),
		other("币安人生USDT", "币安人生", "USDT", "PERPETUAL", "TRADING", "COIN"),
	}
}

// Limits are those of the venue, or smaller ones for a test.
type Limits struct {
	// MinuteWeight is the weight of a minute, Statistics the requests below /futures/data
	// and Funding those for funding, both in five minutes.
	MinuteWeight, Statistics, Funding int
}

// Double is the venue. It implements feedtest.Double.
type Double struct {
	server *feedtest.Server
	market feedtest.Market
	list   map[string]listing
	limits Limits

	mu         sync.Mutex
	violations []string
	counts     map[string]*count
	bannedTo   time.Time
	conns      map[*feedtest.Conn]*connState
	asked      []string
}

var _ feedtest.Double = (*Double)(nil)

// Option changes a Double.
type Option func(*Double)

// WithLimits sets other limits than the venue's 2400, 1000 and 500.
func WithLimits(l Limits) Option { return func(d *Double) { d.limits = l } }

// Start serves a market until Close.
func Start(m feedtest.Market, options ...Option) *Double {
	d := &Double{
		market: m, list: make(map[string]listing), limits: Limits{MinuteWeight: 2400, Statistics: 1000, Funding: 500},
		counts: make(map[string]*count), conns: make(map[*feedtest.Conn]*connState),
	}
	for _, l := range listings() {
		d.list[l.symbol] = l
	}
	for _, o := range options {
		o(d)
	}
	d.server = feedtest.Serve(d)
	return d
}

// API is what BINANCE_API_URL takes.
func (d *Double) API() string { return d.server.URL() }

// StreamURL is what BINANCE_STREAM_URL takes.
func (d *Double) StreamURL() string { return d.server.WebSocket() }

// Base is the server underneath.
func (d *Double) Base() *feedtest.Server { return d.server }

// Close ends the double.
func (d *Double) Close() { d.server.Close() }

// Violations are what a client did that the venue would not take.
func (d *Double) Violations() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.violations)
}

// Asked are the requests that were answered, path and query.
func (d *Double) Asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

// UsedWeight is the weight used in the present minute.
func (d *Double) UsedWeight() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.counts[weightBudget]; c != nil {
		return c.used
	}
	return 0
}

// Use counts weight that somebody else behind the same address has used this minute.
func (d *Double) Use(weight int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counter(weightBudget, time.Minute).used += weight
}

func (d *Double) violate(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.violations = append(d.violations, fmt.Sprintf(format, args...))
}

// symbolOf is the contract of a coin.
func (d *Double) symbolOf(coin market.Coin) (listing, bool) {
	for _, l := range listings() {
		if l.coin == coin && l.quote == "USDT" && l.underlying == "COIN" && l.status == "TRADING" && l.kind == "PERPETUAL" && !strings.ContainsFunc(l.symbol, func(r rune) bool { return r > 'z' }) {
			return l, true
		}
	}
	return listing{}, false
}

// price writes a price of the market in the contract's units, to the digits of marks.
func (l listing) price(usd float64) string { return strconv.FormatFloat(usd*l.coins, 'f', 10, 64) }

// size writes coins in the contract's units.
func (l listing) size(coins float64) string { return strconv.FormatFloat(coins/l.coins, 'f', 3, 64) }
