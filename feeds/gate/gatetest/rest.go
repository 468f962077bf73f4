package gatetest

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

const limitSpan = 10 * time.Second

// refusal is one of Gate's errors.
type refusal struct {
	status         int
	label, message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s %s", r.status, r.label, r.message) }

func invalid(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, "INVALID_PARAM_VALUE", fmt.Sprintf(format, args...)}
}

// REST implements feedtest.Venue.
func (d *Double) REST(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v4")
	answer := d.paths()[path]
	switch {
	case !ok || r.Method != http.MethodGet:
		d.violated("no such path: " + r.Method + " " + r.URL.Path)
		http.NotFound(w, r)
		return
	case !d.pay(w, path):
		d.refuse(w, r, &refusal{http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "Request Rate limit Exceeded"})
		return
	case answer == nil: // what is not public wants a key
		d.refuse(w, r, &refusal{http.StatusBadRequest, "MISSING_REQUIRED_HEADER", "Missing required header: Timestamp"})
		return
	}
	body, err := answer(r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	_ = json.NewEncoder(w).Encode(body)
}

func (d *Double) paths() map[string]func(*http.Request) (any, error) {
	return map[string]func(*http.Request) (any, error){
		"/spot/time": func(*http.Request) (any, error) {
			return map[string]any{"server_time": d.server.Now().UnixMilli()}, nil
		},
		"/futures/usdt/contracts":        d.contracts,
		"/futures/usdt/tickers":          d.tickers,
		"/futures/usdt/candlesticks":     d.candles,
		"/futures/usdt/contract_stats":   d.stats,
		"/futures/usdt/funding_rate":     d.fundings,
		"/futures/usdt/liq_orders":       d.liquidations,
		"/futures/usdt/risk_limit_tiers": d.tiers,
	}
}

// pay counts a request to a path and says what is left, as Gate does in headers.
func (d *Double) pay(w http.ResponseWriter, path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.spent[path] = append(slices.DeleteFunc(d.spent[path], func(at time.Time) bool { return now.Sub(at) >= limitSpan }), now)
	left := d.opts.limit - len(d.spent[path])
	w.Header().Set("X-Gate-RateLimit-Limit", strconv.Itoa(d.opts.limit))
	w.Header().Set("X-Gate-RateLimit-Requests-Remain", strconv.Itoa(max(left, 0)))
	w.Header().Set("X-Gate-RateLimit-Reset-Timestamp", strconv.FormatInt(d.spent[path][0].Add(limitSpan).Unix(), 10))
	return left >= 0
}

func (d *Double) refuse(w http.ResponseWriter, r *http.Request, err error) {
	d.violated(r.URL.String() + ": " + err.Error())
	no, ok := err.(*refusal) //nolint:errorlint // made here
	if !ok {
		no = &refusal{status: http.StatusInternalServerError, label: "SERVER_ERROR"}
	}
	body := map[string]string{"label": no.label}
	if no.message != "" {
		body["message"] = no.message
	}
	w.WriteHeader(no.status)
	_ = json.NewEncoder(w).Encode(body)
}

// contract reads the parameter of that name, with a prefix that it may have.
func contract(r *http.Request, prefixes ...string) (l listed, prefix string, err error) {
	name := r.FormValue("contract")
	if name == "" {
		return l, "", &refusal{http.StatusBadRequest, "MISSING_REQUIRED_PARAM", "Missing required parameter: contract"}
	}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(name, p); ok {
			name, prefix = rest, p
		}
	}
	l, ok := bySymbol(name)
	if !ok {
		return l, "", &refusal{status: http.StatusBadRequest, label: "CONTRACT_NOT_FOUND"}
	}
	return l, prefix, nil
}

// whole reads a parameter that is a whole number from 0 to most.
func whole(r *http.Request, name string, otherwise, most int64) (int64, error) {
	s := r.FormValue(name)
	if s == "" {
		return otherwise, nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 {
		return 0, invalid("invalid %s", name)
	}
	if v > most {
		return 0, &refusal{http.StatusBadRequest, "TOO_BIG", fmt.Sprintf("%s %d", name, v)}
	}
	return v, nil
}

// span reads from and to, unix seconds.
func span(r *http.Request, from, to int64) (int64, int64, error) {
	const latest = 1 << 33 // milliseconds are far above
	from, err := whole(r, "from", from, latest)
	if err != nil {
		return 0, 0, err
	}
	to, err = whole(r, "to", to, latest)
	if err == nil && to < from {
		err = invalid("from is behind to")
	}
	return from, to, err
}

func decimal(r *http.Request) bool { return r.Header.Get("X-Gate-Size-Decimal") == "1" }

func (d *Double) candles(r *http.Request) (any, error) {
	l, prefix, err := contract(r, "mark_", "index_")
	if err != nil {
		return nil, err
	}
	if interval := r.FormValue("interval"); interval != "5m" && interval != "" {
		return nil, invalid("the double serves 5m, not %s", interval)
	}
	const step = int64(feeds.CandleLength / time.Second)
	now := d.server.Now().Unix()
	limit, err := whole(r, "limit", 100, 2000)
	if err != nil {
		return nil, err
	}
	from, to, err := span(r, now-(limit-1)*step, now)
	first := (from + step - 1) / step * step
	switch {
	case err != nil:
		return nil, err
	case r.FormValue("limit") != "" && (r.FormValue("from") != "" || r.FormValue("to") != ""):
		return nil, invalid("limit must not be combined with from and to")
	case to-first >= 2000*step:
		return nil, invalid("too many points: at most 2000")
	case first < now-10_000*step:
		return nil, invalid("Candlestick too long ago. Maximum 10000 points ago are allowed")
	}
	rows := []map[string]any{}
	for t := first; t <= min(to, now); t += step {
		c := d.market.Candle(l.coin, time.Unix(t, 0))
		row := map[string]any{"t": t, "o": l.price(c.OpenUSD), "c": l.price(c.CloseUSD), "h": l.price(c.HighUSD), "l": l.price(c.LowUSD)}
		if prefix != "" {
			row["h"], row["l"] = l.price(c.MarkHighUSD), l.price(c.MarkLowUSD)
		} else {
			row["v"], row["sum"] = l.size(c.VolumeCoins, decimal(r)), number(c.VolumeCoins*c.CloseUSD)
		}
		rows = append(rows, row)
	}
	return rows, nil
}
