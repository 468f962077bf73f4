package bybittest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"liqbot/market"
)

// query reads parameters and keeps the first error.
type query struct {
	values url.Values
	err    error
}

func (q *query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = fmt.Errorf(format, args...)
	}
}

func (q *query) category() {
	if c := q.values.Get("category"); c != "linear" {
		q.fail("category invalid: %q", c)
	}
}

// symbol reads a needed symbol of the market.
func (q *query) symbol() (symbol string, coin market.Coin, multiplier float64) {
	symbol = q.values.Get("symbol")
	coin, ok := coins[symbol]
	if !ok {
		q.fail("symbol invalid %s", symbol)
	}
	return symbol, coin, Listed()[symbol]
}

func (q *query) oneOf(name string, allowed ...string) string {
	v := q.values.Get(name)
	if !slices.Contains(allowed, v) {
		q.fail("%s invalid: %q", name, v)
	}
	return v
}

func (q *query) limit(otherwise, highest int) int {
	v := q.values.Get("limit")
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > highest {
		q.fail("limit invalid: %q", v)
		return 0
	}
	return n
}

// at reads a moment in ms; zero when there is none.
func (q *query) at(name string) time.Time {
	v := q.values.Get(name)
	if v == "" {
		return time.Time{}
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1e11 {
		q.fail("%s invalid: %q", name, v)
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// cursor reads what nextPageCursor said; one that was encoded twice still has a percent
// sign.
func (q *query) cursor(key string) string {
	v := q.values.Get("cursor")
	if v == "" {
		return ""
	}
	value, ok := strings.CutPrefix(v, key+"=")
	if !ok || strings.Contains(v, "%") {
		q.fail("cursor invalid: %q", v)
	}
	return value
}

// page is the part of n rows behind a cursor, and the next cursor.
func (q *query) page(rows, size int) (from, to int, next string) {
	if c := q.cursor("first"); c != "" {
		n, err := strconv.Atoi(c)
		if err != nil || n < 0 || n > rows {
			q.fail("cursor invalid: %q", c)
			return 0, 0, ""
		}
		from = n
	}
	to = min(rows, from+size)
	if to < rows {
		next = url.QueryEscape("first=" + strconv.Itoa(to))
	}
	return from, to, next
}

// steps are the moments at whole steps in [start, end], the newest first and at most n.
func steps(start, end time.Time, step time.Duration, n int) []time.Time {
	var all []time.Time
	for at := end.Truncate(step); len(all) < n && !at.Before(start); at = at.Add(-step) {
		all = append(all, at)
	}
	return all
}

var errStartOnly = errors.New("startTime without endTime")
