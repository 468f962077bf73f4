package bitgettest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"liqbot/feeds"
)

// refusal is one of Bitget's errors.
type refusal struct {
	status  int
	code    string
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s %s", r.status, r.code, r.message) }

func invalid(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, "400172", fmt.Sprintf(format, args...)}
}

// path is one that is served: how often a second, and how.
type path struct {
	limit  int
	answer func(*http.Request) (any, error)
}

func (d *Double) paths() map[string]path {
	return map[string]path{
		"/api/v2/public/time": {20, func(*http.Request) (any, error) {
			return map[string]string{"serverTime": milli(d.server.Now())}, nil
		}},
		"/api/v2/mix/market/contracts":            {20, d.contracts},
		"/api/v2/mix/market/tickers":              {20, d.tickers},
		"/api/v2/mix/market/ticker":               {20, d.ticker},
		"/api/v2/mix/market/candles":              {20, d.candles},
		"/api/v2/mix/market/history-candles":      {20, d.candles},
		"/api/v2/mix/market/history-mark-candles": {20, d.candles},
		"/api/v2/mix/market/history-fund-rate":    {20, d.fundings},
		"/api/v2/mix/market/account-long-short":   {1, d.accounts},
		"/api/v2/mix/market/query-position-lever": {10, d.tiers},
		"/api/v3/market/liquidations":             {5, d.liquidations},
	}
}

// REST implements feedtest.Venue.
func (d *Double) REST(w http.ResponseWriter, r *http.Request) {
	p, ok := d.paths()[r.URL.Path]
	switch {
	case !ok || r.Method != http.MethodGet:
		d.reply(w, r, nil, &refusal{http.StatusNotFound, "40404", "Request URL NOT FOUND"})
		return
	case !d.pay(w, r.URL.Path, p.limit):
		d.reply(w, r, nil, &refusal{http.StatusTooManyRequests, "429", "Request is too frequent"})
		return
	}
	data, err := p.answer(r)
	d.reply(w, r, data, err)
}

// pay counts a request to a path and says what is left of the second.
func (d *Double) pay(w http.ResponseWriter, path string, limit int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spent[path] = within(d.spent[path], time.Now())
	left := limit - len(d.spent[path])
	w.Header().Set("X-Mbx-Used-Remain-Limit", strconv.Itoa(max(left, 0)))
	return left >= 0
}

// within is what happened in the second until now, and now.
func within(all []time.Time, now time.Time) []time.Time {
	return append(slices.DeleteFunc(all, func(at time.Time) bool { return now.Sub(at) >= time.Second }), now)
}

func (d *Double) reply(w http.ResponseWriter, r *http.Request, data any, err error) {
	w.Header().Set("Content-Type", "application/json")
	answer := map[string]any{"code": "00000", "msg": "success", "requestTime": d.server.Now().UnixMilli(), "data": data}
	if err != nil {
		d.violated(r.URL.String() + ": " + err.Error())
		no, ok := err.(*refusal) //nolint:errorlint // made here
		if !ok {
			no = &refusal{http.StatusInternalServerError, "45001", "Unknown error"}
		}
		answer["code"], answer["msg"], answer["data"] = no.code, no.message, nil
		w.WriteHeader(no.status)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// product checks the product line, whose name differs between the generations.
func product(r *http.Request) error {
	name := "productType"
	if strings.HasPrefix(r.URL.Path, "/api/v3/") {
		name = "category"
	}
	if r.FormValue(name) != "USDT-FUTURES" {
		return &refusal{http.StatusBadRequest, "40019", "Parameter " + name + " cannot be empty"}
	}
	return nil
}

// contract reads product line and symbol.
func contract(r *http.Request) (listed, error) {
	if err := product(r); err != nil && !strings.HasSuffix(r.URL.Path, "/account-long-short") {
		return listed{}, err
	}
	symbol := r.FormValue("symbol")
	l, ok := bySymbol(symbol)
	switch {
	case symbol == "":
		return l, &refusal{http.StatusBadRequest, "40019", "Parameter symbol cannot be empty"}
	case !ok && strings.HasPrefix(r.URL.Path, "/api/v3/"):
		return l, &refusal{http.StatusBadRequest, "25100", "trading pair does not exist"}
	case !ok:
		return l, &refusal{http.StatusBadRequest, "40034", "Parameter " + symbol + " does not exist"}
	}
	return l, nil
}

// whole reads a parameter that is a whole number from 1 to most.
func whole(r *http.Request, name string, otherwise, most int64) (int64, error) {
	s := r.FormValue(name)
	if s == "" {
		return otherwise, nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 1 || v > most {
		return 0, invalid("Parameter verification failed: %s", name)
	}
	return v, nil
}

// candles serves the newest of a span, the oldest first. The older ones are on paths of
// their own, with smaller pages.
func (d *Double) candles(r *http.Request) (any, error) {
	l, err := contract(r)
	if err != nil {
		return nil, err
	}
	now := d.server.Now()
	kind, most, since := r.FormValue("kLineType"), int64(1000), now.Add(-30*24*time.Hour)
	if strings.Contains(r.URL.Path, "history") {
		most, since = 200, now.Add(-365*24*time.Hour)
		kind = map[bool]string{true: "MARK"}[strings.Contains(r.URL.Path, "mark")]
	}
	if g := r.FormValue("granularity"); g != "5m" {
		return nil, invalid("the double serves 5m, not %q", g)
	}
	limit, err := whole(r, "limit", 100, most)
	if err != nil {
		return nil, err
	}
	const latest = 1 << 43 // milliseconds
	end, err := whole(r, "endTime", now.UnixMilli(), latest)
	if err != nil {
		return nil, err
	}
	start, err := whole(r, "startTime", end-limit*feeds.CandleLength.Milliseconds(), latest)
	if err != nil {
		return nil, err
	}
	if start > end || end-start > 90*24*time.Hour.Milliseconds() {
		return nil, invalid("startTime and endTime: at most 90 days")
	}
	switch kind {
	case "", "MARKET", "MARK", "INDEX":
	default:
		return nil, invalid("Parameter verification failed: kLineType")
	}
	if d.opts.exclusive {
		start++
	}
	rows := [][]string{}
	first := time.UnixMilli(start).Add(feeds.CandleLength - 1).Truncate(feeds.CandleLength)
	for at := first; !at.After(time.UnixMilli(end)) && !at.After(now); at = at.Add(feeds.CandleLength) {
		if !at.Before(since) {
			rows = append(rows, d.candle(l, at, kind))
		}
	}
	return rows[max(0, len(rows)-int(limit)):], nil
}

func (d *Double) candle(l listed, at time.Time, kind string) []string {
	c := d.market.Candle(l.coin, at)
	high, low, volume := c.HighUSD, c.LowUSD, c.VolumeCoins
	if kind == "MARK" {
		high, low, volume = c.MarkHighUSD, c.MarkLowUSD, 0
	}
	return []string{milli(at), l.price(c.OpenUSD), l.price(high), l.price(low), l.price(c.CloseUSD), number(volume), number(volume * c.CloseUSD)}
}
