package binance

import (
	"context"
	"fmt"
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

// freshFor is how long a comparison of clocks is trusted.
const freshFor = time.Hour

func (c *clock) set(venue, local time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.asked = venue.Sub(local), local
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
