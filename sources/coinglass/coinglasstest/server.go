// Package coinglasstest is a CoinGlass API V4 on loopback for tests. It is as
// strict as the real one: it asks for the key, knows only the documented paths,
// refuses missing or unknown parameters, counts requests against a limit a
// minute and tells it in the headers. It serves a small market of its own that
// is always of now, until a test sets other replies or faults.
//
// See https://docs.coinglass.com/reference/authentication and
// https://docs.coinglass.com/reference/responses-error-codes.
package coinglasstest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The paths of the API that the server knows.
const (
	AggregatedMap     = "/api/futures/liquidation/aggregated-map"
	PairMap           = "/api/futures/liquidation/map"
	PriceHistory      = "/api/futures/price/history"
	LiquidationTotals = "/api/futures/liquidation/exchange-list"
	OpenInterest      = "/api/futures/open-interest/exchange-list"
	Funding           = "/api/futures/funding-rate/exchange-list"
	BitcoinFlows      = "/api/etf/bitcoin/flow-history"
	EthereumFlows     = "/api/etf/ethereum/flow-history"
	SupportedCoins    = "/api/futures/supported-coins"
	SupportedPairs    = "/api/futures/supported-exchange-pairs"
	Subscription      = "/api/user/account/subscription"
)

// Key is the key that the server accepts.
const Key = "cg-key-4f1d9b0a7c2e4d65"

// professionalLimit is the requests a minute of the plan that has the map.
const professionalLimit = 1200

// Server is a CoinGlass on loopback. It is safe for concurrent use.
type Server struct {
	// URL is what COINGLASS_API_URL has to be.
	URL string

	http *httptest.Server
	// closing is closed when the test ends, so that hanging replies let go.
	closing chan struct{}

	mu       sync.Mutex
	now      func() time.Time
	replies  map[string]func(url.Values) string
	faults   map[string]*Fault
	requests []Request
	limit    int
	minute   time.Time
	used     int
}

// Request is one request that the server has got.
type Request struct {
	Path   string
	Query  url.Values
	Status int
}

// New starts a server that stops when the test ends.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{
		closing: make(chan struct{}), now: time.Now, limit: professionalLimit,
		faults: make(map[string]*Fault),
	}
	s.replies = s.market()
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	tb.Cleanup(func() {
		close(s.closing)
		s.http.Close()
	})
	return s
}

// Client returns an HTTP client whose connections end with the server.
func (s *Server) Client() *http.Client {
	c := *s.http.Client()
	return &c
}

// SetNow sets the clock that the market's candles and flows follow.
func (s *Server) SetNow(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// Reply answers a path with a body from now on.
func (s *Server) Reply(path, body string) {
	s.ReplyFunc(path, func(url.Values) string { return body })
}

// ReplyFunc answers a path with what a function makes of the query.
func (s *Server) ReplyFunc(path string, reply func(url.Values) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[path] = reply
}

// Limit sets the requests a minute that the key may make.
func (s *Server) Limit(most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = most
}

// Requests counts the requests for a path, refused ones included; all of them
// for an empty path.
func (s *Server) Requests(path string) int { return len(s.Seen(path)) }

// Seen lists the requests for a path, oldest first; all of them for an empty
// path.
func (s *Server) Seen(path string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.requests), func(r Request) bool {
		return path != "" && r.Path != path
	})
}

// ServeHTTP answers a request as the API does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := s.fault(r.URL.Path)
	status, message := s.admit(w.Header(), r)
	if fault != nil && status != http.StatusUnauthorized {
		s.record(r, fault.status())
		fault.serve(w, r, s.closing)
		return
	}
	s.record(r, status)
	w.Header().Set("Content-Type", "application/json")
	if status != http.StatusOK {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(Refusal(strconv.Itoa(status), message)))
		return
	}
	s.mu.Lock()
	reply := s.replies[r.URL.Path]
	s.mu.Unlock()
	_, _ = w.Write([]byte(reply(r.URL.Query())))
}

// admit checks everything that comes before an answer.
func (s *Server) admit(h http.Header, r *http.Request) (status int, message string) {
	if r.Header.Get("CG-API-KEY") != Key {
		return http.StatusUnauthorized, "API key missing or invalid."
	}
	if !s.count(h) {
		return http.StatusTooManyRequests, "Too Many Requests"
	}
	rules, known := parameters()[r.URL.Path]
	switch {
	case !known:
		return http.StatusNotFound, "no such resource"
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "method not allowed"
	}
	if wrong := violated(rules, r.URL.Query()); wrong != "" {
		return http.StatusBadRequest, "invalid parameter: " + wrong
	}
	return http.StatusOK, ""
}

// count uses up one request and writes the rate headers.
func (s *Server) count(h http.Header) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if minute := time.Now().Truncate(time.Minute); !minute.Equal(s.minute) {
		s.minute, s.used = minute, 0
	}
	allowed := s.used < s.limit
	if allowed {
		s.used++
	}
	h.Set("API-KEY-MAX-LIMIT", strconv.Itoa(s.limit))
	h.Set("API-KEY-USE-LIMIT", strconv.Itoa(s.used))
	return allowed
}

func (s *Server) record(r *http.Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{Path: r.URL.Path, Query: r.URL.Query(), Status: status})
}

func (s *Server) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// parameter is one parameter of a path and the values it takes; nil for any that
// is not empty.
type parameter struct {
	name     string
	values   []string
	optional bool
}

// parameters lists the paths and what they take.
func parameters() map[string][]parameter {
	symbol, exchange := parameter{name: "symbol"}, parameter{name: "exchange"}
	window := parameter{name: "range", values: []string{"1d", "7d", "30d"}}
	return map[string][]parameter{
		AggregatedMap: {symbol, window},
		PairMap:       {exchange, symbol, window},
		PriceHistory: {
			exchange, symbol,
			{name: "interval", values: []string{"1m", "3m", "5m", "15m", "30m", "1h", "4h", "6h", "8h", "12h", "1d", "1w"}},
			{name: "limit", values: limits()},
			{name: "start_time", optional: true},
			{name: "end_time", optional: true},
		},
		LiquidationTotals: {
			{name: "range", values: []string{"1h", "4h", "12h", "24h"}},
			{name: "symbol", optional: true},
		},
		OpenInterest:   {symbol},
		Funding:        nil,
		BitcoinFlows:   nil,
		EthereumFlows:  nil,
		SupportedCoins: nil,
		SupportedPairs: {{name: "exchange", optional: true}},
		Subscription:   nil,
	}
}

// limits lists 1 to 1000.
func limits() []string {
	all := make([]string, 1000)
	for i := range all {
		all[i] = strconv.Itoa(i + 1)
	}
	return all
}

// violated names the first parameter that is missing, wrong or unknown.
func violated(rules []parameter, query url.Values) string {
	for _, p := range rules {
		v := query.Get(p.name)
		if v == "" && !p.optional || v != "" && p.values != nil && !slices.Contains(p.values, v) {
			return p.name
		}
	}
	for name := range query {
		if !slices.ContainsFunc(rules, func(p parameter) bool { return p.name == name }) {
			return name
		}
	}
	return ""
}

// Data wraps a value in the envelope of a success.
func Data(v any) string {
	data, err := json.Marshal(map[string]any{"code": "0", "msg": "success", "data": v})
	if err != nil {
		panic(err) // a test handed in something that is no JSON
	}
	return string(data)
}

// Refusal is the envelope of an error.
func Refusal(code, message string) string {
	data, _ := json.Marshal(map[string]string{"code": code, "msg": message})
	return string(data)
}
