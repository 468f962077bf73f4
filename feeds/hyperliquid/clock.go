package hyperliquid

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// clockAge is how long a measured difference is believed, clockWait how long a request
	// for the time may take where it is not what was asked for.
	clockAge  = 10 * time.Minute
	clockWait = 5 * time.Second
	// clockRest is how long a clock that could not be measured is left alone.
	clockRest = 30 * time.Second
	// clockLag is what the venue's time, which is that of its newest block, trails behind
	// real time at most: less is no difference of the clocks.
	clockLag = time.Second
)

// clock knows how far the venue's clock is ahead of ours. It is safe for concurrent use.
type clock struct {
	mu       sync.Mutex
	ahead    time.Duration
	measured time.Time
	failed   time.Time
}

// measure takes what the venue said between two moments of ours.
func (c *clock) measure(at, before, after time.Time) {
	ahead := at.Sub(before.Add(after.Sub(before) / 2))
	if ahead.Abs() < clockLag+after.Sub(before)/2 {
		ahead = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.measured = ahead, after
}

// at is the venue's time at a moment of ours, as far as is known.
func (c *clock) at(ours time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ours.Add(c.ahead).Round(0).UTC()
}

func (c *clock) fail(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = now
}

// due reports whether the clock should be measured.
func (c *clock) due(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return (c.measured.IsZero() || now.Sub(c.measured) >= clockAge) && (c.failed.IsZero() || now.Sub(c.failed) >= clockRest)
}

// now is the venue's time. When the venue does not tell it, it is ours with what was known
// last.
func (f *Feed) now(ctx context.Context) time.Time {
	if f.clock.due(time.Now()) {
		asking, cancel := context.WithTimeout(ctx, clockWait)
		defer cancel()
		if _, err := f.ServerTime(asking); err != nil && ctx.Err() == nil {
			f.clock.fail(time.Now())
			f.cfg.Log.Debug("no server time", slog.Any("err", err))
		}
	}
	return f.clock.at(time.Now())
}
