package hyperliquid

import (
	"context"
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

// now is the venue's time, measured when that is due.
func (f *Feed) now(ctx context.Context) time.Time {
	return f.clock.Ask(ctx, clockAge, clockRest, func(ctx context.Context) (time.Time, error) {
		ctx, cancel := context.WithTimeout(ctx, clockWait)
		defer cancel()
		return f.ServerTime(ctx)
	}, f.cfg.Log)
}
