package bybit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
	"liqbot/feeds/wire"
)

// The budget of all requests: 600 in 5 s are allowed to one address, which others may
// share. https://bybit-exchange.github.io/docs/v5/rate-limit
const (
	requests  = "requests"
	perSecond = 80
	burst     = 60
)

// banned is how long Bybit wants to see no request after "access too frequent".
const banned = 10 * time.Minute

// maxPages bounds a list that is read with cursors; the longest, all risk limits, has
// about 60 pages.
const maxPages = 200

// judge finds the refusals of Bybit, which mostly come with status 200 and a retCode:
// https://bybit-exchange.github.io/docs/v5/error.
func (f *Feed) judge(status int, header http.Header, body []byte) error {
	now := time.Now()
	fault := func(p feeds.Problem, retry time.Time, format string, args ...any) error {
		return &feeds.Error{Venue: Venue, Problem: p, RetryAt: retry, Err: fmt.Errorf(format, args...)}
	}
	if status == http.StatusForbidden {
		if strings.Contains(strings.ToLower(string(body[:min(len(body), 500)])), "too frequent") {
			return fault(feeds.RateLimited, now.Add(banned), "HTTP 403: access too frequent")
		}
		return fault(feeds.Blocked, now.Add(banned), "HTTP 403: this address is not served")
	}
	code, text, err := retCode(body)
	switch {
	case err != nil && status >= http.StatusMultipleChoices:
		return nil // judged by its status
	case err != nil:
		return fault(feeds.BadData, time.Time{}, "no answer of the API: %w", err)
	case code == 0 && status < http.StatusMultipleChoices:
		f.obey(header)
		return nil
	case code == 0:
		return nil
	}
	p, pause := problem(code, text)
	var retry time.Time
	if pause > 0 {
		retry = now.Add(pause)
		if wait := resetAt(header).Sub(f.clock.Now()); p == feeds.RateLimited && wait > 0 && wait < banned {
			retry = now.Add(wait + time.Second)
		}
	}
	return fault(p, retry, "retCode %d: %s", code, text)
}

// problem says what a retCode means and how long to send nothing.
func problem(code int64, text string) (feeds.Problem, time.Duration) {
	switch code {
	case 10001, 10029:
		if code == 10029 || strings.Contains(strings.ToLower(text), "symbol") {
			return feeds.NotListed, 0
		}
		return feeds.BadData, 0
	case 10006, 429: // too many visits
		return feeds.RateLimited, 5 * time.Second
	case 10018: // too many visits of this address
		return feeds.RateLimited, banned
	case 10009, 10024: // this place is not served
		return feeds.Blocked, banned
	case 10017: // no such path
		return feeds.Blocked, 0
	default:
		return feeds.Unavailable, 0
	}
}

// obey pauses when a good answer says that nothing is left until a moment. Answers
// without a key may lack these headers.
func (f *Feed) obey(header http.Header) {
	left, err := strconv.Atoi(header.Get("X-Bapi-Limit-Status"))
	if err != nil || left > 0 {
		return
	}
	if wait := resetAt(header).Sub(f.clock.Now()); wait > 0 && wait <= 10*time.Second {
		f.rest.Spend(rest.Cost{Budget: requests, Weight: burst + int(perSecond*wait.Seconds())})
	}
}

func resetAt(header http.Header) time.Time {
	ms, err := strconv.ParseInt(header.Get("X-Bapi-Limit-Reset-Timestamp"), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// errEnough ends the reading of an answer whose rest does not matter.
var errEnough = errors.New("enough was read")

// retCode reads the code and text of an envelope; the text only when the code is not 0.
func retCode(body []byte) (code int64, text string, err error) {
	known := false
	err = jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "retCode":
			if code, known, err = wire.Int(d); err == nil && known && code == 0 {
				err = errEnough
			}
		case "retMsg":
			var b []byte
			b, err = wire.Text(d)
			text = string(b[:min(len(b), 200)])
		default:
			err = d.Skip()
		}
		return err
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil && !known {
		err = errors.New("no retCode")
	}
	return code, text, err
}

// page is what was read of one answer.
type page struct {
	// at is the venue's clock when it answered; zero where it does not tell.
	at        time.Time
	cursor    string
	rows, bad int
}

// list asks for a list and gives each row to row, whose errors leave out that row only.
func (f *Feed) list(ctx context.Context, path string, query url.Values, row func(d *jx.Decoder) error) (page, error) {
	body, err := f.rest.Get(ctx, path, query, rest.Cost{Budget: requests, Weight: 1})
	if err != nil {
		return page{}, err
	}
	p, err := readList(body, row)
	switch {
	case err != nil:
	case p.at.IsZero():
		p.at = f.clock.Now()
	default:
		f.clock.Compare(p.at, maxSkew)
	}
	if err == nil && p.bad > 0 && p.bad == p.rows {
		err = fmt.Errorf("none of %d rows can be read", p.rows)
	}
	if err != nil {
		return page{}, badData(path, err)
	}
	if p.bad > 0 {
		f.cfg.Log.Debug("rows left out", slog.String("path", path), slog.Int("rows", p.bad))
	}
	return p, nil
}

// all asks for a list page by page, as its cursors say.
func (f *Feed) all(ctx context.Context, path string, query url.Values, row func(d *jx.Decoder) error) (at time.Time, err error) {
	seen := make(map[string]bool)
	for range maxPages {
		p, err := f.list(ctx, path, query, row)
		if err != nil {
			return at, err
		}
		at = p.at
		if p.cursor == "" {
			return at, nil
		}
		// A cursor comes percent-encoded; the query encodes it once more.
		cursor, err := url.QueryUnescape(p.cursor)
		if err != nil || seen[cursor] {
			return at, badData(path, errors.New("cursor leads nowhere"))
		}
		seen[cursor] = true
		query.Set("cursor", cursor)
	}
	return at, badData(path, fmt.Errorf("more than %d pages", maxPages))
}

func badData(path string, err error) error {
	return &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: fmt.Errorf("read %s: %w", path, err)}
}

// readList reads an envelope with a result that has a list.
func readList(body []byte, row func(d *jx.Decoder) error) (page, error) {
	var p page
	found := false
	d := jx.DecodeBytes(body)
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "result":
			found, err = p.result(d, row)
		case "time":
			p.at, _, err = wire.Time(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if err == nil {
		err = wire.End(d)
	}
	if err == nil && !found {
		err = errors.New("no list")
	}
	return p, err
}

func (p *page) result(d *jx.Decoder, row func(d *jx.Decoder) error) (found bool, err error) {
	if d.Next() != jx.Object {
		return false, d.Skip()
	}
	one := jx.DecodeBytes(nil)
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		switch string(key) {
		case "nextPageCursor":
			b, err := wire.Text(d)
			p.cursor = string(b)
			return err
		case "list":
			found = true
			if d.Next() == jx.Null {
				return d.Null()
			}
			return d.Arr(func(d *jx.Decoder) error {
				raw, err := d.Raw()
				if err != nil {
					return err
				}
				one.ResetBytes(raw)
				p.rows++
				if row(one) != nil {
					p.bad++
				}
				return nil
			})
		default:
			return d.Skip()
		}
	})
	return found, err
}

// object reads the named fields of a row and skips the others.
func object(d *jx.Decoder, field func(d *jx.Decoder, key string) error) error {
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error { return field(d, string(key)) })
}

// number reads a needed number, text a needed text.
func number(d *jx.Decoder, v *float64) error {
	x, ok, err := wire.Float(d)
	if err == nil && !ok {
		return fmt.Errorf("%w: no number", wire.ErrType)
	}
	*v = x
	return err
}

func text(d *jx.Decoder, v *string) error {
	b, err := wire.Text(d)
	*v = string(b)
	return err
}

func moment(d *jx.Decoder, v *time.Time) error {
	at, ok, err := wire.Time(d)
	if err == nil && !ok {
		return fmt.Errorf("%w: no time", wire.ErrType)
	}
	*v = at
	return err
}

// errImpossible is the error of a row whose figures cannot be.
var errImpossible = errors.New("impossible figures")
