package binance

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
	"liqbot/feeds/wire"
)

// clock knows how far the venue's clock is ahead of this machine's. It is rather behind
// than ahead, by the time of an answer, so that no candle is taken for closed too early.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
	asked time.Time
}

const (
	// freshFor is how long a comparison of clocks is trusted.
	freshFor = time.Hour
	// maxSkew is how much the clocks may differ before they have been compared.
	maxSkew = 24 * time.Hour
)

func (c *clock) set(venue, local time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.asked = venue.Sub(local), local
}

// latest is the latest time that the venue can tell of: more is believed until the clocks
// have been compared.
func (c *clock) latest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked.IsZero() {
		return time.Now().Add(maxSkew)
	}
	return time.Now().Add(c.ahead + maxAhead)
}

// nowOr is the venue's time, by an answer's own date until the clocks have been compared.
func (c *clock) nowOr(header http.Header) time.Time {
	c.mu.Lock()
	known := !c.asked.IsZero()
	c.mu.Unlock()
	if at, err := http.ParseTime(header.Get("Date")); err == nil && !known {
		return at
	}
	return c.now()
}

// now is the venue's time as far as it is known.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) fresh() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.asked.IsZero() && time.Since(c.asked) < freshFor
}

// ServerTime implements feeds.Clock.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Check-Server-Time
func (f *Feed) ServerTime(ctx context.Context) (time.Time, error) {
	body, err := f.get(ctx, "/fapi/v1/time", nil, rest.Cost{Budget: weight, Weight: 1})
	if err != nil {
		return time.Time{}, err
	}
	var at time.Time
	err = object(body, func(d *jx.Decoder, key []byte) (err error) {
		if string(key) != "serverTime" {
			return d.Skip()
		}
		at, _, err = wire.Time(d)
		return err
	})
	if err != nil {
		return time.Time{}, badData("read the time", err)
	}
	if at.IsZero() {
		return time.Time{}, badData("read the time", wire.ErrType)
	}
	f.clock.set(at, time.Now())
	return at, nil
}

// venueNow is the venue's time, compared with its clock once in a while.
func (f *Feed) venueNow(ctx context.Context) (time.Time, error) {
	if !f.clock.fresh() {
		if _, err := f.ServerTime(ctx); err != nil {
			return time.Time{}, err
		}
	}
	return f.clock.now(), nil
}

func badData(doing string, err error) error {
	return &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: fmt.Errorf("%s: %w", doing, err)}
}
