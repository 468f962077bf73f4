package telegram

import (
	"context"
	"math/rand/v2"
	"time"
)

// rest waits, unless ctx ends before.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// backoff is the wait before the n-th repetition, n from 0: doubled each time,
// with jitter so that bots which lost the network together do not return together.
func backoff(first, most time.Duration, n int) time.Duration {
	d := min(first<<min(n, 16), most)
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter is no secret
}
