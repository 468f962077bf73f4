// Package bybittest is a loopback double of Bybit's public v5 API for linear contracts:
// strict about paths, parameters, page sizes, cursors, topics and rates, and with what
// trips its readers: newest first, seconds in the oldest row, open interest of both
// sides, deltas, tiers in no order. Its market is that of package feedtest. One goroutine
// ticks until Close.
package bybittest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// Double is a running Bybit. It is safe for concurrent use.
type Double struct {
	market feedtest.Market
	base   *feedtest.Server
	opts   options
	born   time.Time

	mu         sync.Mutex
	violations []string
	asked      []time.Time // of the requests of the last five seconds
	banned     time.Time   // until when
	conns      map[*feedtest.Conn]*subscriber
}

// options are what an Option changes.
type options struct {
	limit     int
	unlisted  map[string]bool
	quiet     map[string]bool
	noSingle  bool
	fillers   int
	argsLimit int
}

// Option changes a double.
type Option func(*options)

// Limit sets how many requests are allowed in five seconds; 600 if not set.
func Limit(n int) Option { return func(o *options) { o.limit = n } }

// Unlisted makes the streams refuse a symbol that the list of contracts still has.
func Unlisted(symbol string) Option { return func(o *options) { o.unlisted[symbol] = true } }

// Quiet makes the streams send no more than the snapshot of a symbol.
func Quiet(symbol string) Option { return func(o *options) { o.quiet[symbol] = true } }

// NoSingle leaves out the figures of one side of open interest, as before June 2026.
func NoSingle() Option { return func(o *options) { o.noSingle = true } }

// Fillers adds n contracts in USDC to the list, so that it has more than a page.
func Fillers(n int) Option { return func(o *options) { o.fillers = n } }

// ArgsLimit sets how many characters of topics a connection takes; 21000 if not set.
func ArgsLimit(n int) Option { return func(o *options) { o.argsLimit = n } }

// Start starts a double of the market.
func Start(m feedtest.Market, opts ...Option) *Double {
	o := options{limit: 600, unlisted: make(map[string]bool), quiet: make(map[string]bool), fillers: 600, argsLimit: 21_000}
	for _, opt := range opts {
		opt(&o)
	}
	d := &Double{market: m, opts: o, born: time.Now().Add(-90 * 24 * time.Hour).Truncate(time.Hour), conns: make(map[*feedtest.Conn]*subscriber)}
	d.base = feedtest.Serve(d)
	return d
}

// API implements feedtest.Double.
func (d *Double) API() string { return d.base.URL() }

// StreamURL implements feedtest.Double.
func (d *Double) StreamURL() string { return d.base.WebSocket() }

// Base implements feedtest.Double.
func (d *Double) Base() *feedtest.Server { return d.base }

// Close implements feedtest.Double.
func (d *Double) Close() { d.base.Close() }

// Violations are what clients did that Bybit forbids.
func (d *Double) Violations() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.violations...)
}

func (d *Double) violate(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.violations = append(d.violations, fmt.Sprintf(format, args...))
}

// Listed are the contracts of the feedtest coins by symbol, with their multipliers.
func Listed() map[string]float64 {
	return map[string]float64{"BTCUSDT": 1, "ETHUSDT": 1, "SOLUSDT": 1, "1000PEPEUSDT": 1000}
}

var coins = map[string]market.Coin{"BTCUSDT": "BTC", "ETHUSDT": "ETH", "SOLUSDT": "SOL", "1000PEPEUSDT": "PEPE"}

func symbolOf(coin market.Coin) string {
	for s, c := range coins {
		if c == coin {
			return s
		}
	}
	return ""
}

// REST implements feedtest.Venue.
func (d *Double) REST(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && (r.ContentLength > 0 || r.Header.Get("Content-Type") != "") {
		d.violate("GET %s with a body or content type", r.URL.Path)
		http.Error(w, "403 Forbidden", http.StatusForbidden)
		return
	}
	if !d.allowed(r.URL.Path) {
		http.Error(w, "403, access too frequent", http.StatusForbidden)
		return
	}
	handler := map[string]func(*query) (any, error){
		"/v5/market/time": d.time, "/v5/market/instruments-info": d.instruments, "/v5/market/tickers": d.tickers,
		"/v5/market/kline": d.kline, "/v5/market/mark-price-kline": d.markKline, "/v5/market/open-interest": d.openInterest,
		"/v5/market/funding/history": d.fundings, "/v5/market/account-ratio": d.ratio, "/v5/market/risk-limit": d.riskLimit,
	}[r.URL.Path]
	if handler == nil || r.Method != http.MethodGet {
		d.violate("no such path: %s %s", r.Method, r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
		d.write(w, 10017, "Route not found.", struct{}{})
		return
	}
	q := &query{values: r.URL.Query()}
	result, err := handler(q)
	if err == nil {
		err = q.err
	}
	if err != nil {
		d.violate("%s: %v", r.URL.RequestURI(), err)
		d.write(w, 10001, "params error: "+err.Error(), struct{}{})
		return
	}
	d.write(w, 0, "OK", result)
}

// allowed counts a request against the limit of one address.
func (d *Double) allowed(path string) bool {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Before(d.banned) {
		d.violations = append(d.violations, "asked while banned: "+path)
		return false
	}
	for len(d.asked) > 0 && now.Sub(d.asked[0]) > 5*time.Second {
		d.asked = d.asked[1:]
	}
	d.asked = append(d.asked, now)
	if len(d.asked) > d.opts.limit {
		d.banned = now.Add(10 * time.Minute)
		d.violations = append(d.violations, "more requests than allowed")
		return false
	}
	return true
}

func (d *Double) write(w http.ResponseWriter, code int, msg string, result any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(struct {
		RetCode    int      `json:"retCode"`
		RetMsg     string   `json:"retMsg"`
		Result     any      `json:"result"`
		RetExtInfo struct{} `json:"retExtInfo"`
		Time       int64    `json:"time"`
	}{code, msg, result, struct{}{}, d.base.Now().UnixMilli()})
}

// number writes as Bybit does: plain decimals in a string.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
