package coinglass

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"liqbot/snapshot"
)

// budget keeps us below the number of requests a minute that the key allows. The
// vendor tells it, and how many were used, in headers of every reply; other
// programs may use the same key. Safe for concurrent use.
//
// See https://docs.coinglass.com/reference/responses-error-codes.
type budget struct {
	now func() time.Time

	mu      sync.Mutex
	limiter *rate.Limiter
	// most and used are what the vendor told last; most is 0 before the first reply.
	most, used int
	// until is when the vendor may be asked again, zero if it may be now.
	until time.Time
	// refusals counts the 429 replies in a row.
	refusals int
}

const (
	headerMost = "API-KEY-MAX-LIMIT"
	headerUsed = "API-KEY-USE-LIMIT"

	// assumedMost is the limit before the first reply tells it: the Standard
	// plan's, one below the plan that has the map.
	assumedMost = 300
	// saneMost bounds what is believed of the header.
	saneMost = 1_000_000

	// longestWait is how long a request waits for its turn before it is refused.
	longestWait = 5 * time.Second
	// firstPause and longestPause bound the wait after a 429 that names none. The
	// limit is counted by the minute, so a minute is enough.
	firstPause, longestPause = 5 * time.Second, time.Minute
	// shortestPause is the least wait after a 429, whatever it says.
	shortestPause = time.Second
	// saneRetryAfter bounds what is believed of Retry-After.
	saneRetryAfter = time.Hour
)

var errBudget = errors.New("coinglass: the request budget of this minute is used up")

func newBudget(now func() time.Time) *budget {
	perSecond, burst := spread(assumedMost)
	return &budget{now: now, limiter: rate.NewLimiter(perSecond, burst)}
}

// spread shares a limit out: an eighth at once, seven tenths over the minute. The
// rest is for what is under way when the limit is first told.
func spread(most int) (perSecond rate.Limit, burst int) {
	return rate.Limit(0.7 * float64(most) / 60), max(1, most/8)
}

// take waits for a turn. It returns a *snapshot.Error when that would take longer
// than the context or longestWait allows, and the context's error when it is
// cancelled.
func (b *budget) take(ctx context.Context) error {
	allowed := longestWait
	if end, ok := ctx.Deadline(); ok {
		allowed = min(allowed, time.Until(end))
	}
	wait, err := b.reserve(allowed)
	if err != nil || wait <= 0 {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *budget) reserve(allowed time.Duration) (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if now.Before(b.until) {
		return 0, rateLimited(b.until, errBudget)
	}
	turn := b.limiter.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait > max(0, allowed) {
		turn.CancelAt(now)
		return 0, rateLimited(now.Add(wait), errBudget)
	}
	return wait, nil
}

// note learns from the headers of a reply that was no refusal.
func (b *budget) note(h http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refusals = 0
	b.learn(h)
	if b.most == 0 || b.used*20 < b.most*19 {
		return
	}
	now := b.now()
	if next := now.Truncate(time.Minute).Add(time.Minute); next.After(b.until) {
		b.until = next
	}
}

func (b *budget) learn(h http.Header) {
	most, err := strconv.Atoi(h.Get(headerMost))
	if err != nil || most < 1 || most > saneMost {
		return
	}
	if most != b.most {
		perSecond, burst := spread(most)
		b.limiter.SetLimitAt(b.now(), perSecond)
		b.limiter.SetBurstAt(b.now(), burst)
	}
	b.most, b.used = most, 0
	if used, err := strconv.Atoi(h.Get(headerUsed)); err == nil && used > 0 {
		b.used = min(used, saneMost)
	}
}

// refused learns from a 429 and returns when the vendor may be asked again.
func (b *budget) refused(h http.Header) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.learn(h)
	now := b.now()
	pause, told := retryAfter(h, now)
	if !told && now.Before(b.until) {
		return b.until // refused together with another request
	}
	if !told {
		pause = min(firstPause<<min(b.refusals, 10), longestPause)
	}
	b.refusals++
	if until := now.Add(min(max(pause, shortestPause), saneRetryAfter)); until.After(b.until) {
		b.until = until
	}
	return b.until
}

// retryAfter reads seconds or a date.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, saneRetryAfter.Seconds()) * float64(time.Second)), true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// told returns what the vendor said last, and false before it said anything.
func (b *budget) told() (most, used int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.most, b.used, b.most > 0
}

func rateLimited(until time.Time, err error) *snapshot.Error {
	return &snapshot.Error{
		Problem: snapshot.RateLimited,
		Hint:    "the key's requests for this minute are used up; fewer coins, or no other program on the same key, would help",
		RetryAt: until,
		Err:     err,
	}
}
