package okxtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// fault is an error in the venue's style.
type fault struct {
	status    int
	code, msg string
}

func wrongParameter(name string) *fault {
	return &fault{http.StatusBadRequest, "51000", "Parameter " + name + " error"}
}

func emptyParameter(name string) *fault {
	return &fault{http.StatusBadRequest, "50014", "Parameter " + name + " can not be empty"}
}

// endpoint is what a path answers, within limit requests in two seconds, which may be
// counted by instId.
type endpoint struct {
	limit      int
	byContract bool
	parameters []string
	answer     func(d *Double, q url.Values, now time.Time) (any, *fault)
}

func endpoints() map[string]endpoint {
	page := []string{"instId", "after", "before", "limit"}
	bars := append([]string{"bar"}, page...)
	stats := []string{"instId", "period", "begin", "end", "limit"}
	return map[string]endpoint{
		"/api/v5/public/time":                         {10, false, nil, (*Double).time},
		"/api/v5/public/instruments":                  {20, false, []string{"instType", "instFamily", "instId"}, (*Double).instruments},
		"/api/v5/public/mark-price":                   {10, true, []string{"instType", "instFamily", "instId"}, (*Double).markPrice},
		"/api/v5/public/open-interest":                {20, true, []string{"instType", "instFamily", "instId"}, (*Double).openInterest},
		"/api/v5/market/candles":                      {40, false, bars, candles(newest, 300, (*Double).candle)},
		"/api/v5/market/history-candles":              {20, false, bars, candles(0, 300, (*Double).candle)},
		"/api/v5/market/mark-price-candles":           {20, false, bars, candles(newest, 100, (*Double).markCandle)},
		"/api/v5/market/history-mark-price-candles":   {10, false, bars, candles(0, 100, (*Double).markCandle)},
		"/api/v5/public/funding-rate-history":         {10, true, page, (*Double).fundings},
		"/api/v5/public/position-tiers":               {10, false, []string{"instType", "tdMode", "instFamily", "tier"}, (*Double).tiers},
		"/api/v5/rubik/stat/taker-volume-contract":    {5, true, append([]string{"unit"}, stats...), statistics((*Double).takers)},
		"/api/v5/rubik/stat/contracts/" + accounts:    {5, true, stats, statistics((*Double).ratio)},
		"/api/v5/rubik/stat/contracts/" + interestOld: {10, true, stats, statistics((*Double).interest)},
	}
}

const (
	accounts    = "long-short-account-ratio-contract"
	interestOld = "open-interest-history"
)

// newest is how many entries most lists keep.
const newest = 1440

// REST implements feedtest.Venue.
func (d *Double) REST(w http.ResponseWriter, r *http.Request) {
	e, ok := endpoints()[r.URL.Path]
	q := r.URL.Query()
	var f *fault
	var data any
	switch {
	case !ok:
		f = &fault{http.StatusNotFound, "404", "Not Found"}
		d.violate("unknown path %s", r.URL.Path)
	case r.Method != http.MethodGet:
		f = &fault{http.StatusMethodNotAllowed, "405", "Method Not Allowed"}
		d.violate("%s %s", r.Method, r.URL.Path)
	case !d.within(r.URL.Path, q.Get("instId"), e):
		f = &fault{http.StatusTooManyRequests, "50011", "Too Many Requests"}
		d.violate("too many requests: %s %s", r.URL.Path, q.Get("instId"))
	default:
		for name := range q {
			if !slices.Contains(e.parameters, name) {
				d.violate("unknown parameter %s of %s", name, r.URL.Path)
			}
		}
		if data, f = e.answer(d, q, d.server.Now()); f != nil {
			d.violate("%s?%s: %s", r.URL.Path, r.URL.RawQuery, f.msg)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	answer := map[string]any{"code": "0", "msg": "", "data": data}
	if f != nil {
		answer = map[string]any{"code": f.code, "msg": f.msg, "data": []any{}}
		w.WriteHeader(f.status)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// within counts a request and reports whether the limit allows it.
func (d *Double) within(path, symbol string, e endpoint) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests[path]++
	key := path
	if e.byContract {
		key += " " + symbol
	}
	now := time.Now()
	recent := slices.DeleteFunc(d.asked[key], func(t time.Time) bool { return now.Sub(t) >= 2*time.Second })
	ok := len(recent) < e.limit
	if ok {
		recent = append(recent, now)
	}
	d.asked[key] = recent
	return ok
}

func (d *Double) time(_ url.Values, now time.Time) (any, *fault) {
	return []any{map[string]string{"ts": ms(now)}}, nil
}

// ofSwaps checks instType and yields the swaps asked for.
func ofSwaps(q url.Values) ([]swap, *fault) {
	switch kind := q.Get("instType"); kind {
	case "":
		return nil, emptyParameter("instType")
	case "SWAP":
	case "FUTURES", "OPTION", "SPOT", "MARGIN":
		return nil, nil
	default:
		return nil, wrongParameter("instType")
	}
	var list []swap
	for _, s := range swaps() {
		if id, f := q.Get("instId"), q.Get("instFamily"); (id == "" || id == s.symbol) && (f == "" || f == s.family) {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, &fault{http.StatusOK, "51001", "Instrument ID does not exist"}
	}
	return list, nil
}

func (d *Double) instruments(q url.Values, _ time.Time) (any, *fault) {
	list, f := ofSwaps(q)
	rows := []any{}
	for _, s := range list {
		rows = append(rows, s.row())
	}
	return rows, f
}

// row is the contract as the venue lists it.
func (s swap) row() map[string]any {
	return map[string]any{
		"alias": "", "baseCcy": "", "quoteCcy": "", "category": "1", "ctMult": "1", "ctType": s.kind, "ctVal": s.value, "ctValCcy": s.valueIn,
		"expTime": "", "futureSettlement": false, "instCategory": s.category, "instFamily": s.family, "instId": s.symbol, "instIdCode": 10459,
		"instType": "SWAP", "lever": s.lever, "listTime": "1573557408000", "lotSz": "0.01", "minSz": "0.01", "ruleType": s.rule,
		"settleCcy": s.settle, "state": s.state, "tickSz": s.tick, "tradeQuoteCcyList": []any{}, "uly": s.family, "upcChg": []any{},
	}
}

func (d *Double) markPrice(q url.Values, now time.Time) (any, *fault) {
	list, f := ofSwaps(q)
	rows := []any{}
	for _, s := range list {
		if s.coin != "" {
			rows = append(rows, d.markRow(s, now))
		}
	}
	return rows, f
}

func (d *Double) markRow(s swap, now time.Time) map[string]string {
	return map[string]string{"instType": "SWAP", "instId": s.symbol, "markPx": number(d.market.MarkUSD(s.coin, now)), "ts": ms(now)}
}

func (d *Double) openInterest(q url.Values, now time.Time) (any, *fault) {
	list, f := ofSwaps(q)
	rows := []any{}
	for _, s := range list {
		if s.coin != "" {
			rows = append(rows, d.interestRow(s, now))
		} else if s.kind == "inverse" {
			rows = append(rows, map[string]string{"instType": "SWAP", "instId": s.symbol, "oi": "5000", "oiCcy": "5.5", "oiUsd": "500000", "ts": ms(now)})
		}
	}
	return rows, f
}

func (d *Double) interestRow(s swap, now time.Time) map[string]string {
	coins := d.market.OpenInterestCoins(s.coin, now)
	return map[string]string{
		"instType": "SWAP", "instId": s.symbol, "oi": number(coins / s.contractCoins), "oiCcy": number(coins),
		"oiUsd": number(coins * d.market.MarkUSD(s.coin, now)), "ts": ms(now),
	}
}

func (d *Double) tiers(q url.Values, _ time.Time) (any, *fault) {
	if mode := q.Get("tdMode"); mode != "cross" && mode != "isolated" {
		return nil, wrongParameter("tdMode")
	}
	if q.Get("instType") != "SWAP" {
		return nil, wrongParameter("instType")
	}
	families := strings.Split(q.Get("instFamily"), ",")
	if q.Get("instFamily") == "" || len(families) > 5 {
		return nil, wrongParameter("instFamily")
	}
	rows := []any{}
	for _, f := range families {
		if !slices.ContainsFunc(swaps(), func(s swap) bool { return s.family == f }) {
			return nil, wrongParameter("instFamily")
		}
		for i, t := range [][4]string{{"0", "1000", "0.004", "100"}, {"1000.01", "2500", "0.005", "66.66"}, {"2500.01", "100000", "0.01", "20"}} {
			rows = append(rows, map[string]string{
				"baseMaxLoan": "", "imr": "0.01", "instFamily": f, "instId": "", "maxLever": t[3], "maxSz": t[1], "minSz": t[0], "mmr": t[2],
				"optMgnFactor": "0", "quoteMaxLoan": "", "tier": strconv.Itoa(i + 1), "uly": f,
			})
		}
	}
	return rows, nil
}

// Contract is the contract of a coin as a feed should list it.
func Contract(coin market.Coin) market.Contract {
	for _, s := range swaps() {
		if s.coin == coin {
			tick, _ := strconv.ParseFloat(s.tick, 64)
			return market.Contract{
				Venue: "OKX", Symbol: s.symbol, Coin: coin, QuotedCoins: 1, ContractCoins: s.contractCoins, Quote: "USDT", TickUSD: tick, MaxLeverage: 100,
			}
		}
	}
	return market.Contract{}
}

var _ feedtest.Venue = (*Double)(nil)
