// Package clock knows how far a venue's clock is ahead of the host's, which may be wrong by
// minutes: whether a candle is closed and whether a moment lies in the future is the
// venue's to say. It asks nobody.
package clock

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Clock is a venue's clock as far as it is known; the zero value knows nothing and tells
// the host's time. It is safe for concurrent use.
type Clock struct {
	mu       sync.Mutex
	ahead    time.Duration
	compared time.Time
	failed   time.Time
}

// Compare takes a time that the venue told in an answer that has just come. The clock is
// then rather behind than ahead, by the way of the answer. A difference of more than most
// is not believed; 0 believes any.
func (c *Clock) Compare(venue time.Time, most time.Duration) {
	host := time.Now()
	if ahead := venue.Sub(host); most == 0 || ahead.Abs() <= most {
		c.set(ahead, host)
	}
}

// Measure takes what the venue told between two moments of the host. A difference of no
// more than half the way there and back and a lag is none.
func (c *Clock) Measure(venue, before, after time.Time, lag time.Duration) {
	way := after.Sub(before) / 2
	ahead := venue.Sub(before.Add(way))
	if ahead.Abs() < way+lag {
		ahead = 0
	}
	c.set(ahead, after)
}

func (c *Clock) set(ahead time.Duration, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.compared = ahead, at
}

// Fail notes that the venue could not tell its time.
func (c *Clock) Fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = time.Now()
}

// Known reports whether the clocks were ever compared, Fresh whether that is not longer
// ago than age.
func (c *Clock) Known() bool { return c.Fresh(1<<63 - 1) }

// Fresh is told of at Known.
func (c *Clock) Fresh(age time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.compared.IsZero() && time.Since(c.compared) < age
}

// Due reports whether the clocks should be compared: they were not for age, nor was it
// tried in vain within rest.
func (c *Clock) Due(age, rest time.Duration) bool {
	if c.Fresh(age) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed.IsZero() || time.Since(c.failed) >= rest
}

// Now is the venue's time, At that of a moment of the host; UTC, without a monotonic part.
func (c *Clock) Now() time.Time { return c.At(time.Now()) }

// At is told of at Now.
func (c *Clock) At(host time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return host.Add(c.ahead).Round(0).UTC()
}

// Latest is the latest time that the venue can tell of: by slack ahead of its clock, and
// by most ahead of the host's as long as they have not been compared.
func (c *Clock) Latest(slack, most time.Duration) time.Time {
	if c.Known() {
		return c.Now().Add(slack)
	}
	return time.Now().Add(most).Round(0).UTC()
}

// Keep compares the clocks when the last comparison is older than age, looking each so
// often, until the context ends.
func (c *Clock) Keep(ctx context.Context, age, each time.Duration, compare func(context.Context) (time.Time, error), log *slog.Logger) {
	t := time.NewTicker(each)
	defer t.Stop()
	for {
		if !c.Fresh(age) {
			if _, err := compare(ctx); err != nil && ctx.Err() == nil {
				log.Debug("clock not compared", slog.Any("err", err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Ask compares the clocks if that is due, and tells the venue's time. When the venue does
// not tell it, it is the host's with what was known last.
func (c *Clock) Ask(ctx context.Context, age, rest time.Duration, compare func(context.Context) (time.Time, error), log *slog.Logger) time.Time {
	if c.Due(age, rest) {
		if _, err := compare(ctx); err != nil && ctx.Err() == nil {
			c.Fail()
			log.Debug("no server time", slog.Any("err", err))
		}
	}
	return c.Now()
}
