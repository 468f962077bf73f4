package bybit

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxSkew is how much the venue's clock and the host's are believed to differ at most.
	maxSkew = 24 * time.Hour
	// freshFor is how long a comparison of the clocks is trusted, compareEach how often one
	// is tried after that.
	freshFor    = time.Hour
	compareEach = 10 * time.Second
)

// clock knows how far the venue's clock is ahead of the host's, which may be wrong by
// minutes. It is rather behind than ahead, by the time of an answer.
type clock struct {
	mu       sync.Mutex
	ahead    time.Duration
	compared time.Time
}

// compare notes the venue's time of an answer that has just come.
func (c *clock) compare(venue time.Time) {
	local := time.Now()
	ahead := venue.Sub(local)
	if ahead.Abs() > maxSkew {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.compared = ahead, local
}

// now is the venue's time as far as it is known.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// latest is the latest time that the venue can tell of: more is believed until the clocks
// have been compared.
func (c *clock) latest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.compared.IsZero() {
		return time.Now().Add(maxSkew)
	}
	return time.Now().Add(c.ahead + maxAhead)
}

func (c *clock) fresh() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.compared.IsZero() && time.Since(c.compared) < freshFor
}

// keepClock compares the clocks when the last comparison is old, until the context ends.
func (f *Feed) keepClock(ctx context.Context) {
	t := time.NewTicker(compareEach)
	defer t.Stop()
	for {
		if !f.clock.fresh() {
			if _, err := f.ServerTime(ctx); err != nil && ctx.Err() == nil {
				f.cfg.Log.Debug("clock not compared", slog.Any("err", err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
