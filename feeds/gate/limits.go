package gate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
	"liqbot/feeds/wire"
)

// The paths below /api/v4 that the feed asks for.
const (
	pathContracts   = "/futures/usdt/contracts"
	pathTickers     = "/futures/usdt/tickers"
	pathCandles     = "/futures/usdt/candlesticks"
	pathStats       = "/futures/usdt/contract_stats"
	pathFunding     = "/futures/usdt/funding_rate"
	pathLiquidation = "/futures/usdt/liq_orders"
	pathTiers       = "/futures/usdt/risk_limit_tiers"
	pathTime        = "/spot/time"
)

// limitSpan is the span of Gate's limits: 200 requests to each path and address.
const limitSpan = 10 * time.Second

// budgets are one for each path, since Gate counts so.
func budgets() []rest.Budget {
	var all []rest.Budget
	for _, path := range []string{pathContracts, pathTickers, pathCandles, pathStats, pathFunding, pathLiquidation, pathTiers, pathTime} {
		all = append(all, rest.Budget{Name: path, Weight: 150, Per: limitSpan, Burst: 40})
	}
	return all
}

// limits obeys what Gate says about its limits in headers.
type limits struct {
	mu sync.Mutex
	// until is when the present span ends, if hardly anything is left of it.
	until time.Time
}

// reserve is left to whoever else asks from the same address.
const reserve = 5

// judge reads the limit headers and the error, if the answer is one.
func (l *limits) judge(status int, header http.Header, body []byte) error {
	now := time.Now()
	if left, err := strconv.Atoi(header.Get("X-Gate-Ratelimit-Requests-Remain")); err == nil && left < reserve {
		l.mu.Lock()
		l.until = resetAt(header, now)
		l.mu.Unlock()
	}
	if status < http.StatusBadRequest {
		return nil
	}
	label, message := decodeError(body)
	if status == http.StatusTooManyRequests {
		label = "TOO_MANY_REQUESTS"
	}
	e := &feeds.Error{Venue: Venue, Err: fmt.Errorf("HTTP %d: %s %s", status, label, message)}
	switch label {
	case "TOO_MANY_REQUESTS", "TOO_FAST":
		e.Problem, e.RetryAt = feeds.RateLimited, rest.RetryAfter(header, now, resetAt(header, now).Sub(now))
	case "CONTRACT_NOT_FOUND":
		e.Problem = feeds.NotListed
	case "":
		return nil // not Gate's own answer: its status says it
	default:
		if e.Problem = feeds.BadData; status >= http.StatusInternalServerError {
			e.Problem = feeds.Unavailable
		}
	}
	return e
}

// resetAt is when Gate counts anew. Its clock may differ from ours, so that it is at
// least a second and at most one span away.
func resetAt(header http.Header, now time.Time) time.Time {
	sec, err := strconv.ParseInt(header.Get("X-Gate-Ratelimit-Reset-Timestamp"), 10, 64)
	if err != nil {
		return now.Add(limitSpan)
	}
	wait := time.Unix(sec, 0).Sub(now)
	return now.Add(min(max(wait, 0)+time.Second, limitSpan+time.Second))
}

// wait lets the rest of a used up span pass.
func (l *limits) wait(ctx context.Context) error {
	l.mu.Lock()
	d := time.Until(l.until)
	l.mu.Unlock()
	if d <= 0 {
		return nil
	}
	return feeds.Pause(ctx, d)
}

// decodeError reads {"label":…,"message":…}; both are empty when it is something else.
func decodeError(body []byte) (label, message string) {
	d := jx.DecodeBytes(body)
	err := wire.Fields(d, func(key []byte) error {
		into := &label
		switch string(key) {
		case "label":
		case "message":
			into = &message
		default:
			return d.Skip()
		}
		text, err := wire.Text(d)
		*into = clip(text)
		return err
	})
	if err != nil && !errors.Is(err, wire.ErrType) {
		return "", ""
	}
	return label, message
}

// clip bounds what a venue's message adds to an error.
func clip(text []byte) string {
	const most = 200
	return string(text[:min(len(text), most)])
}
