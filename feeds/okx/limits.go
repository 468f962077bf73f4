package okx

import (
	"context"
	"sync"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/rest"
)

// endpoint is a path and its limit.
type endpoint struct {
	path string
	// each is how many requests are sent in two seconds, a tenth or more below what the
	// venue allows.
	each int
	// byContract: the venue counts the requests of each contract for itself.
	byContract bool
}

// The endpoints.
var (
	timeNow           = endpoint{"/api/v5/public/time", 9, false}
	instruments       = endpoint{"/api/v5/public/instruments", 18, false}
	candles           = endpoint{"/api/v5/market/candles", 36, false}
	historyCandles    = endpoint{"/api/v5/market/history-candles", 18, false}
	markCandles       = endpoint{"/api/v5/market/mark-price-candles", 18, false}
	markPrice         = endpoint{"/api/v5/public/mark-price", 9, true}
	openInterest      = endpoint{"/api/v5/public/open-interest", 18, false}
	interestHistory   = endpoint{"/api/v5/rubik/stat/contracts/open-interest-history", 9, true}
	takerVolume       = endpoint{"/api/v5/rubik/stat/taker-volume-contract", 4, true}
	accountRatio      = endpoint{"/api/v5/rubik/stat/contracts/long-short-account-ratio-contract", 4, true}
	fundingHistory    = endpoint{"/api/v5/public/funding-rate-history", 9, true}
	positionTiers     = endpoint{"/api/v5/public/position-tiers", 9, false}
	markCandlesBefore = endpoint{"/api/v5/market/history-mark-price-candles", 9, false} // 20, but 10 until 2025
)

// span is the time in which the venue counts.
const span = 2 * time.Second

// overall bounds all requests together: the venue names no such limit, but the start of
// many coins at once should not look like an attack to what stands before it.
var overall = rest.Budget{Name: "all", Weight: 80, Per: span, Burst: 40}

// limits spends the venue's limits as fast as they allow: the first requests at once, and
// each further one when the oldest has left the span.
type limits struct {
	mu    sync.Mutex
	slots map[string]chan time.Time
}

func newLimits() *limits { return &limits{slots: make(map[string]chan time.Time)} }

// take waits until a request to an endpoint may be sent. The caller calls done when the
// answer is there: counted from then the venue's own span is over for sure, however long
// the request was on its way.
func (l *limits) take(ctx context.Context, e endpoint, symbol string) (done func(), err error) {
	slots := l.of(e, symbol)
	var free time.Time
	select {
	case free = <-slots:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := until(ctx, free); err != nil {
		slots <- free
		return nil, err
	}
	return func() { slots <- time.Now().Add(span + span/50) }, nil
}

// of is the slots of an endpoint: the times from which they are free.
func (l *limits) of(e endpoint, symbol string) chan time.Time {
	key := e.path
	if e.byContract {
		key += " " + symbol
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	slots := l.slots[key]
	if slots == nil {
		slots = make(chan time.Time, e.each)
		for range e.each {
			slots <- time.Time{}
		}
		l.slots[key] = slots
	}
	return slots
}

// until waits for a moment or the end of the context.
func until(ctx context.Context, at time.Time) error {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err()
	}
	return feeds.Pause(ctx, wait)
}
