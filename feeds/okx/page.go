package okx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"strconv"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
)

// entries is how many of the newest entries of each length the venue keeps for most
// lists, less two, as the newest may not be there yet.
const entries = 1440 - 2

// patience is how often a pull that is under way waits for the venue after it was asked
// too fast, so that the pages that are there already are not asked for again.
const patience = 3

// level is one way to ask for a list, finest first.
type level struct {
	endpoint
	query url.Values
	// cursor is the parameter that asks for what is older: "after" or "end".
	cursor string
	// limit is the most entries of a page.
	limit int
	// step is the time between two entries.
	step time.Duration
	// depth is how far back it reaches; 0 is all the way.
	depth time.Duration
}

// reader reads one row and says of when it is. It fails for a row that is to be skipped.
// Keep notes the row; it is called only if the row is new and wanted.
type reader func(d *jx.Decoder) (at time.Time, keep func(), err error)

// pull walks back from to until from, with each level as far as it reaches.
func (f *Feed) pull(ctx context.Context, symbol string, from, to time.Time, levels []level, read reader) error {
	// The next older entry is at least apart before the cursor.
	now, cursor, apart := f.clock.Now(), to, time.Nanosecond
	for _, l := range levels {
		least := from
		if reach := now.Add(-l.depth); l.depth > 0 && reach.After(from) {
			least = reach
		}
		for first := true; !cursor.Add(-apart).Before(least); first = false {
			body, err := f.page(ctx, symbol, l, least, cursor, !first)
			if err != nil {
				return err
			}
			oldest, skipped, err := older(body, from, cursor, read)
			if err != nil {
				return badData(l.path, err)
			}
			if skipped > 0 {
				f.log.Debug("rows skipped", slog.String("path", l.path), slog.Int("rows", skipped))
			}
			if !oldest.Before(cursor) {
				break // it reaches no further
			}
			cursor, apart = oldest, l.step
		}
	}
	return nil
}

// older reads a page of rows before cursor and keeps those from from on. Whether the row
// at the cursor itself comes again differs between lists: it is not read twice.
func older(body []byte, from, cursor time.Time, read reader) (oldest time.Time, skipped int, err error) {
	oldest = cursor
	good := 0
	skipped, err = rows(body, func(d *jx.Decoder) error {
		at, keep, err := read(d)
		if err == nil {
			good++
		}
		if err != nil || !at.Before(cursor) {
			return err
		}
		if at.Before(oldest) {
			oldest = at
		}
		if !at.Before(from) {
			keep()
		}
		return nil
	})
	if err == nil && skipped > 0 && good == 0 {
		err = fmt.Errorf("none of %d rows can be read", skipped)
	}
	return oldest, skipped, err
}

// page asks for the entries before cursor.
func (f *Feed) page(ctx context.Context, symbol string, l level, least, cursor time.Time, underWay bool) ([]byte, error) {
	query := maps.Clone(l.query)
	query.Set("instId", symbol)
	query.Set(l.cursor, strconv.FormatInt(cursor.UnixMilli(), 10))
	// One more than is missing: the entry at the cursor may come too.
	missing := (cursor.Sub(least)+l.step-1)/l.step + 1
	query.Set("limit", strconv.Itoa(int(min(time.Duration(l.limit), missing))))
	for try := 0; ; try++ {
		body, err := f.ask(ctx, l.endpoint, symbol, query)
		e, ok := errors.AsType[*feeds.Error](err)
		if !ok || e.Problem != feeds.RateLimited || !underWay || try == patience || time.Until(e.RetryAt) > 2*backOff {
			return body, err
		}
		if err := until(ctx, e.RetryAt); err != nil {
			return nil, err
		}
	}
}
