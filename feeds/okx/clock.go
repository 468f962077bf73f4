package okx

import (
	"context"
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

// latest is the latest time that the venue can tell of.
func (f *Feed) latest() time.Time { return f.clock.Latest(maxAhead, maxSkew) }

// keepClock compares the clocks until the context ends.
func (f *Feed) keepClock(ctx context.Context) {
	f.clock.Keep(ctx, freshFor, compareEach, f.ServerTime, f.log)
}
