package okx

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
	"liqbot/feeds/wire"
)

// backOff is how long the venue is left alone after it was asked too fast; it names no
// time itself.
const backOff = 2 * time.Second

// ask sends a request when the limit allows it. The answer has the code "0".
func (f *Feed) ask(ctx context.Context, e endpoint, symbol string, query url.Values) ([]byte, error) {
	done, err := f.limits.take(ctx, e, symbol)
	if err != nil {
		return nil, err
	}
	defer done()
	return f.client.Get(ctx, e.path, query, rest.Cost{Budget: overall.Name, Weight: 1})
}

// judge reads the code that is in every answer: errors often come with HTTP 200.
//
// https://www.okx.com/docs-v5/en/#error-code
func judge(status int, header http.Header, body []byte) error {
	code, msg, err := envelope(body)
	switch {
	case status == http.StatusTooManyRequests:
		return problem(feeds.RateLimited, rest.RetryAfter(header, time.Now(), backOff), code, msg)
	case err != nil && status < http.StatusMultipleChoices:
		return &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: err}
	case err != nil || code == "0":
		return nil //nolint:nilerr // a page of something in front of the venue, which its status explains
	}
	switch code {
	case "50011", "50013":
		return problem(feeds.RateLimited, rest.RetryAfter(header, time.Now(), backOff), code, msg)
	case "50001", "50004", "50026":
		return problem(feeds.Unavailable, time.Time{}, code, msg)
	case "50005":
		return problem(feeds.Blocked, time.Time{}, code, msg)
	case "50051":
		return problem(feeds.Blocked, rest.RetryAfter(header, time.Now(), 10*time.Minute), code, msg)
	case "51001", "51014":
		return problem(feeds.NotListed, time.Time{}, code, msg)
	case "51000":
		if strings.Contains(msg, "instFamily") || strings.Contains(msg, "instId") {
			return problem(feeds.NotListed, time.Time{}, code, msg)
		}
	}
	if status >= http.StatusMultipleChoices && status != http.StatusBadRequest {
		return nil // the status tells more than a code that is not known
	}
	return problem(feeds.BadData, time.Time{}, code, msg)
}

func problem(p feeds.Problem, retry time.Time, code, msg string) error {
	return &feeds.Error{Venue: Venue, Problem: p, RetryAt: retry, Err: fmt.Errorf("code %.20q: %.200q", code, msg)}
}

// badData is the error of an answer that cannot be read; err may be nil.
func badData(what string, err error) error {
	if err == nil {
		err = errors.New("nothing that can be used")
	}
	return &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: fmt.Errorf("read %s: %w", what, err)}
}

// envelope reads code and msg and checks that all of the body is one JSON object.
func envelope(body []byte) (code, msg string, err error) {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(body)
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		var to *string
		switch string(key) {
		case "code":
			to = &code
		case "msg":
			to = &msg
		default:
			return d.Skip()
		}
		if d.Next() != jx.String {
			raw, err := d.Raw()
			*to = string(raw)
			return err
		}
		text, err := d.StrBytes()
		*to = string(text)
		return err
	})
	if err == nil {
		err = wire.End(d)
	}
	if err != nil {
		return "", "", fmt.Errorf("answer is not the venue's: %w", err)
	}
	if code == "" {
		return "", "", fmt.Errorf("%w: answer without a code", wire.ErrType)
	}
	return code, msg, nil
}

// rows hands each element of data to read. One that read fails for is skipped and
// counted; the error is of the whole answer.
func rows(body []byte, read func(d *jx.Decoder) error) (skipped int, err error) {
	d, row := jx.DecodeBytes(body), jx.DecodeBytes(nil)
	found := false
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		if string(key) != "data" {
			return d.Skip()
		}
		found = true
		if d.Next() == jx.Null {
			return d.Null()
		}
		return d.Arr(func(d *jx.Decoder) error {
			raw, err := d.Raw()
			if err != nil {
				return err
			}
			row.ResetBytes(raw)
			if read(row) != nil {
				skipped++
			}
			return nil
		})
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: answer without data", wire.ErrType)
	}
	return skipped, err
}

// cells is a row of a list of lists; what has no value is NaN.
type cells [9]float64

// readCells reads a row that has at least want cells.
func readCells(d *jx.Decoder, want int) (row cells, at time.Time, err error) {
	for i := range row {
		row[i] = math.NaN()
	}
	n := 0
	err = d.Arr(func(d *jx.Decoder) error {
		if n++; n > len(row) {
			return d.Skip()
		}
		v, ok, err := wire.Float(d)
		if ok {
			row[n-1] = v
		}
		return err
	})
	if err != nil {
		return row, at, err
	}
	if n < want || !(row[0] > 0 && row[0] < 1e15) {
		return row, at, fmt.Errorf("%w: row of %d cells", wire.ErrType, n)
	}
	at, _, err = wire.Moment(int64(row[0]))
	return row, at, err
}
