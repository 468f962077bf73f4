package binance

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
	"liqbot/feeds/wire"
)

const (
	// freshFor is how long a comparison of clocks is trusted.
	freshFor = time.Hour
	// maxSkew is how much the clocks may differ before they have been compared.
	maxSkew = 24 * time.Hour
)

// latest is the latest time that the venue can tell of: more is believed until the clocks
// have been compared.
func (f *Feed) latest() time.Time { return f.clock.Latest(maxAhead, maxSkew) }

// nowOr is the venue's time, by an answer's own date until the clocks have been compared.
func (f *Feed) nowOr(header http.Header) time.Time {
	if at, err := http.ParseTime(header.Get("Date")); err == nil && !f.clock.Known() {
		return at
	}
	return f.clock.Now()
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
	f.clock.Compare(at, 0)
	return at, nil
}

// venueNow is the venue's time, compared with its clock once in a while.
func (f *Feed) venueNow(ctx context.Context) (time.Time, error) {
	if !f.clock.Fresh(freshFor) {
		if _, err := f.ServerTime(ctx); err != nil {
			return time.Time{}, err
		}
	}
	return f.clock.Now(), nil
}

func badData(doing string, err error) error {
	return &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: fmt.Errorf("%s: %w", doing, err)}
}
