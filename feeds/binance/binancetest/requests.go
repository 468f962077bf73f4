package binancetest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// route is a path of the venue.
type route struct {
	budget string
	weight func(q url.Values) int
	// params are those it takes.
	params []string
	answer func(d *Double, q query) (any, *fault)
}

// fault is an error body to come.
type fault struct {
	status, code int
	text         string
	// whole, if not nil, is the body of the second shape.
	whole any
}

func one(url.Values) int { return 1 }

// klineWeight is by how many candles are asked for.
func klineWeight(q url.Values) int {
	limit, err := strconv.Atoi(q.Get("limit"))
	switch {
	case err != nil, limit >= 500 && limit <= 1000:
		return 5
	case limit < 100:
		return 1
	case limit < 500:
		return 2
	default:
		return 10
	}
}

func routes() map[string]route {
	klines := []string{"symbol", "interval", "startTime", "endTime", "limit"}
	history := []string{"symbol", "period", "startTime", "endTime", "limit"}
	ratio := route{statisticsBudget, one, history, (*Double).ratios}
	premium := func(q url.Values) int {
		if q.Has("symbol") {
			return 1
		}
		return 10
	}
	return map[string]route{
		"/fapi/v1/time":                             {weightBudget, one, nil, (*Double).serverTime},
		"/fapi/v1/exchangeInfo":                     {weightBudget, one, nil, (*Double).exchangeInfo},
		"/fapi/v1/fundingInfo":                      {fundingBudget, one, nil, (*Double).fundingInfo},
		"/fapi/v1/fundingRate":                      {fundingBudget, one, []string{"symbol", "startTime", "endTime", "limit"}, (*Double).fundingRate},
		"/fapi/v1/premiumIndex":                     {weightBudget, premium, []string{"symbol"}, (*Double).premiumIndex},
		"/fapi/v1/openInterest":                     {weightBudget, one, []string{"symbol"}, (*Double).openInterest},
		"/fapi/v1/klines":                           {weightBudget, klineWeight, klines, (*Double).klines},
		"/fapi/v1/markPriceKlines":                  {weightBudget, klineWeight, klines, (*Double).markKlines},
		"/futures/data/openInterestHist":            {statisticsBudget, one, history, (*Double).openInterestHist},
		"/futures/data/globalLongShortAccountRatio": ratio,
		"/futures/data/topLongShortAccountRatio":    ratio,
		"/futures/data/topLongShortPositionRatio":   ratio,
		"/fapi/v1/leverageBracket": {weightBudget, one, nil, func(*Double, query) (any, *fault) {
			return nil, &fault{status: http.StatusUnauthorized, code: -2014, text: "API-key format invalid."}
		}},
	}
}

// REST implements feedtest.Venue.
func (d *Double) REST(w http.ResponseWriter, r *http.Request) {
	route, ok := routes()[r.URL.Path]
	if !ok || r.Method != http.MethodGet {
		d.violate("unknown path %s %s", r.Method, r.URL.Path)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<html><body><h2>404 Not found</h2></body></html>"))
		return
	}
	values := r.URL.Query()
	if !d.spend(w, route.budget, route.weight(values)) {
		return
	}
	d.mu.Lock()
	d.asked = append(d.asked, r.URL.RequestURI())
	d.mu.Unlock()
	answer, no := any(nil), unread(values, route.params)
	if no == nil {
		answer, no = route.answer(d, query{Values: values, now: d.server.Now()})
	}
	if no != nil {
		d.violate("%s: code %d: %s", r.URL.RequestURI(), no.code, no.text)
		d.fail(w, no)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (d *Double) fail(w http.ResponseWriter, no *fault) {
	if no.whole != nil {
		w.WriteHeader(no.status)
		_ = json.NewEncoder(w).Encode(no.whole)
		return
	}
	refuse(w, no.status, no.code, no.text)
}

// unread refuses parameters that a path does not take.
func unread(q url.Values, known []string) *fault {
	for name := range q {
		if !slices.Contains(known, name) {
			return &fault{status: 400, code: -1101, text: "Too many parameters; expected '" + strconv.Itoa(len(known)) + "' and received '" + strconv.Itoa(len(q)) + "'."}
		}
	}
	return nil
}

// query reads parameters as the venue does.
type query struct {
	url.Values
	now time.Time
}

func missing(name string) *fault {
	return &fault{status: 400, code: -1102, text: "Mandatory parameter '" + name + "' was not sent, was empty/null, or malformed."}
}

func notAllowed(name string) *fault {
	return &fault{status: 400, code: -1130, text: "Data sent for parameter '" + name + "' is not valid."}
}

func (d *Double) listing(q query) (listing, *fault) {
	if q.Get("symbol") == "" {
		return listing{}, missing("symbol")
	}
	l, ok := d.list[q.Get("symbol")]
	if !ok {
		return l, &fault{status: 400, code: -1121, text: "Invalid symbol."}
	}
	return l, nil
}

// limit is the number of rows wanted.
func (q query) limit(usual, most int) (int, *fault) {
	if !q.Has("limit") {
		return usual, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 1 || n > most {
		return 0, notAllowed("limit")
	}
	return n, nil
}

// span is what startTime and endTime say, zero for what is not sent.
func (q query) span() (from, to time.Time, no *fault) {
	for name, at := range map[string]*time.Time{"startTime": &from, "endTime": &to} {
		if !q.Has(name) {
			continue
		}
		ms, err := strconv.ParseInt(q.Get(name), 10, 64)
		if err != nil {
			return from, to, &fault{status: 400, code: -1100, text: "Illegal characters found in parameter '" + name + "'; legal range is '^[0-9]{1,20}$'."}
		}
		*at = time.UnixMilli(ms)
	}
	if !from.IsZero() && !to.IsZero() && from.After(to) {
		no = &fault{status: 400, code: -1023, text: "Start time is greater than end time."}
	}
	return from, to, no
}
