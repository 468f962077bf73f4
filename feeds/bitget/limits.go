package bitget

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/rest"
)

// The paths that the feed asks for.
const (
	pathContracts      = "/api/v2/mix/market/contracts"
	pathTickers        = "/api/v2/mix/market/tickers"
	pathTicker         = "/api/v2/mix/market/ticker"
	pathCandles        = "/api/v2/mix/market/candles"
	pathOldCandles     = "/api/v2/mix/market/history-candles"
	pathOldMarkCandles = "/api/v2/mix/market/history-mark-candles"
	pathFundings       = "/api/v2/mix/market/history-fund-rate"
	pathAccounts       = "/api/v2/mix/market/account-long-short"
	pathTiers          = "/api/v2/mix/market/query-position-lever"
	pathTime           = "/api/v2/public/time"
	pathLiquidations   = "/api/v3/market/liquidations"
)

// usdt is how requests name the product line.
const usdt = "USDT-FUTURES"

// budgets are one for each path, since Bitget counts so: twenty requests a second, fewer
// on some. What is left over is for requests that arrive closer together than they left.
func budgets() []rest.Budget {
	all := []rest.Budget{
		{Name: pathTiers, Weight: 6, Per: time.Second, Burst: 3},        // of 10
		{Name: pathLiquidations, Weight: 3, Per: time.Second, Burst: 1}, // of 5
		{Name: pathAccounts, Weight: 4, Per: 5 * time.Second, Burst: 1}, // of 1 a second
	}
	for _, path := range []string{pathContracts, pathTickers, pathTicker, pathCandles, pathOldCandles, pathOldMarkCandles, pathFundings, pathTime} {
		all = append(all, rest.Budget{Name: path, Weight: 12, Per: time.Second, Burst: 4})
	}
	return all
}

// limits obeys what Bitget says about its limits.
type limits struct {
	mu sync.Mutex
	// until is when the running second of a path ends that has nothing left.
	until map[string]time.Time
}

// watch looks at the limit header of each answer on its way.
type watch struct {
	next   http.RoundTripper
	limits *limits
}

// RoundTrip implements http.RoundTripper.
func (w watch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if left, err := strconv.Atoi(resp.Header.Get(remainHeader)); err == nil && left < 1 {
		w.limits.mu.Lock()
		w.limits.until[r.URL.Path] = time.Now().Add(time.Second)
		w.limits.mu.Unlock()
	}
	return resp, nil
}

// watched is a client whose answers are looked at.
func (l *limits) watched(client *http.Client) *http.Client {
	c := http.Client{Timeout: 15 * time.Second}
	if client != nil {
		c = *client
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	c.Transport = watch{c.Transport, l}
	return &c
}

const (
	// refusedFor is how long nothing is asked after a refusal. Bitget does not say; it is
	// said to lock an address out for five minutes that goes on asking.
	refusedFor = 10 * time.Second
	// remainHeader says how many requests to the path are left in the running second,
	// though its name says used.
	remainHeader = "X-Mbx-Used-Remain-Limit"
	good         = "00000"
)

// judge reads the envelope's code.
func judge(status int, header http.Header, body []byte) error {
	now := time.Now()
	code, message, err := decodeCode(body)
	if status == http.StatusTooManyRequests || code == "429" {
		return &feeds.Error{
			Venue: Venue, Problem: feeds.RateLimited, RetryAt: rest.RetryAfter(header, now, refusedFor),
			Err: fmt.Errorf("HTTP %d: %s %s", status, code, message),
		}
	}
	switch {
	case err != nil && status >= http.StatusBadRequest:
		return nil // not Bitget's own answer, such as a page of its shield: the status says it
	case err != nil:
		return &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: fmt.Errorf("no envelope: %w", err)}
	case code == good && status < http.StatusBadRequest:
		return nil
	}
	e := &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: fmt.Errorf("HTTP %d: %s %s", status, code, message)}
	switch {
	case code == "40034" || code == "40309" || code == "25100": // unknown, removed, unknown to the newer generation
		e.Problem = feeds.NotListed
	case status >= http.StatusInternalServerError:
		e.Problem = feeds.Unavailable
	case status == http.StatusNotFound || status == http.StatusForbidden:
		e.Problem = feeds.Blocked
	}
	return e
}

// wait lets the rest of a used up second pass. A base with a path of its own is not
// looked up, and its limits are kept by the budgets alone.
func (l *limits) wait(ctx context.Context, path string) error {
	l.mu.Lock()
	d := time.Until(l.until[path])
	l.mu.Unlock()
	if d <= 0 {
		return nil
	}
	return feeds.Pause(ctx, d)
}
