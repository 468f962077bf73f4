package binance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
)

// errPassing is wrapped by errors after which the same request may succeed at once.
var errPassing = errors.New("overloaded")

// get asks for a path, three times more when the venue says that it was only busy.
func (f *Feed) get(ctx context.Context, path string, query url.Values, costs ...rest.Cost) ([]byte, error) {
	for wait := 200 * time.Millisecond; ; wait *= 2 {
		body, err := f.rest.Get(ctx, path, query, costs...)
		if err == nil || wait > 800*time.Millisecond || !errors.Is(err, errPassing) {
			return body, err
		}
		if feeds.Pause(ctx, wait) != nil {
			return nil, ctx.Err()
		}
	}
}

// limit notes the weight that the venue allows in a minute.
func (f *Feed) limit(perMinute int64) { f.fullAt.Store(perMinute * 11 / 12) }

// judge looks at the venue's count of used weight and at its error bodies, which may come
// with a good status.
func (f *Feed) judge(status int, header http.Header, body []byte) error {
	now := f.nowOr(header)
	if used, err := strconv.ParseInt(header.Get("X-Mbx-Used-Weight-1m"), 10, 64); err == nil && used >= f.fullAt.Load() {
		f.rest.Hold(time.Now().Add(untilNextMinute(now)))
	}
	said, ok := parseRefusal(body)
	code := said.code
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusTeapot, ok && code == -1003:
		return &feeds.Error{Venue: Venue, Problem: feeds.RateLimited, RetryAt: f.retryAt(status, header, said.text, now), Err: said.err(status)}
	case !ok && (status == http.StatusServiceUnavailable || status == http.StatusRequestTimeout):
		return &feeds.Error{Venue: Venue, Problem: feeds.Unavailable, Err: fmt.Errorf("HTTP %d: %w", status, errPassing)}
	case !ok, status == http.StatusForbidden, status == http.StatusUnavailableForLegalReasons, status == http.StatusNotFound:
		return nil // as HTTP says
	default:
		return said.problem(status)
	}
}

// untilNextMinute is how long the venue goes on counting into the present minute. A second
// more lets its clock be a little behind.
func untilNextMinute(now time.Time) time.Duration {
	return now.Truncate(time.Minute).Add(time.Minute + time.Second).Sub(now)
}

// Bans last from two minutes to three days.
const minBan, maxBan = 2 * time.Minute, 72 * time.Hour

// retryAt is when the venue may be asked again after it refused for the number of
// requests: when it says so, else when the next minute begins or the shortest ban is over.
func (f *Feed) retryAt(status int, header http.Header, text string, now time.Time) time.Time {
	local := time.Now()
	if header.Get("Retry-After") != "" {
		return rest.RetryAfter(header, local, minBan)
	}
	if _, rest, ok := strings.Cut(text, "banned until "); ok {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		if ms, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return local.Add(min(max(time.UnixMilli(ms).Sub(now), 0), maxBan) + time.Second)
		}
	}
	if status == http.StatusTeapot {
		return local.Add(minBan)
	}
	return local.Add(untilNextMinute(now))
}

// refusal is what an error body says.
type refusal struct {
	code int64
	text string
}

func (r refusal) err(status int) error {
	if r.text == "" {
		return fmt.Errorf("HTTP %d", status)
	}
	return fmt.Errorf("HTTP %d, code %d: %s", status, r.code, r.text)
}

// problem names the trouble, by
// https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code
func (r refusal) problem(status int) error {
	e := &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: r.err(status)}
	switch {
	case r.code == -1121:
		e.Problem = feeds.NotListed
	case r.code == -2014 || r.code == -2015:
		e.Problem = feeds.Blocked
	case status >= http.StatusInternalServerError, r.code == -1000, r.code == -1001, r.code == -1007, r.code == -1008:
		e.Problem, e.Err = feeds.Unavailable, fmt.Errorf("%w: %w", errPassing, e.Err)
	}
	return e
}

// parseRefusal reads the two shapes of an error body: {"code":-1121,"msg":"…"}, and
// {"status":"ERROR","code":"000002","errorData":{…}}. It is false for anything else.
func parseRefusal(body []byte) (r refusal, ok bool) {
	if len(body) == 0 || len(body) > 8<<10 || body[0] != '{' {
		return r, false
	}
	code, failed := false, false
	err := jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) error {
		raw, err := d.Raw()
		if err != nil {
			return err
		}
		switch text := strings.Trim(string(raw), `"`); string(key) {
		case "code":
			n, err := strconv.ParseInt(text, 10, 64)
			r.code, code = n, err == nil
		case "msg", "errorData":
			r.text = shorten(text)
		case "status":
			failed = text == "ERROR"
		}
		return nil
	})
	return r, err == nil && code && (r.code < 0 || failed)
}

// shorten keeps a venue's words from filling a log.
func shorten(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "?")
}
