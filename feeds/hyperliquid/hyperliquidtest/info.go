package hyperliquidtest

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
)

// Limits of the venue.
const (
	keptCandles = 5000
	fundingPage = 500
)

// request is any of those that are served.
type request struct {
	Type      *string     `json:"type"`
	Dex       string      `json:"dex"`
	Coin      *string     `json:"coin"`
	StartTime *int64      `json:"startTime"`
	EndTime   *int64      `json:"endTime"`
	User      *string     `json:"user"`
	Req       *candleSpan `json:"req"`
}

type candleSpan struct {
	Coin      *string `json:"coin"`
	Interval  *string `json:"interval"`
	StartTime *int64  `json:"startTime"`
	EndTime   *int64  `json:"endTime"`
}

var user = regexp.MustCompile(`^0x[0-9a-fA-F]{40}$`)

// REST implements feedtest.Venue.
func (d *Double) REST(w http.ResponseWriter, r *http.Request) {
	text := func(status int, body string) {
		if status != http.StatusTooManyRequests {
			d.violate("%s %s: %d %s", r.Method, r.URL.Path, status, body)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
	switch {
	case r.URL.Path != "/info":
		text(http.StatusNotFound, "")
		return
	case r.Method != http.MethodPost:
		text(http.StatusMethodNotAllowed, "")
		return
	case r.Header.Get("Content-Type") != "application/json":
		text(http.StatusUnsupportedMediaType, "Expected request with `Content-Type: application/json`")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || !json.Valid(body) {
		text(http.StatusBadRequest, "Failed to parse the request body as JSON")
		return
	}
	var q request
	if err := json.Unmarshal(body, &q); err != nil || !q.complete() {
		text(http.StatusUnprocessableEntity, "Failed to deserialize the JSON body into the target type")
		return
	}
	answer, weight := d.answer(q)
	if !d.pay(weight) {
		d.violate("over the limit with %s", *q.Type)
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "null")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if answer == "" { // unknown contract
		w.WriteHeader(http.StatusInternalServerError)
		answer = "null"
	}
	_, _ = io.WriteString(w, answer)
}

// complete reports whether a request is of a known type and has its fields.
func (q request) complete() bool {
	if q.Type == nil {
		return false
	}
	switch *q.Type {
	case "meta", "metaAndAssetCtxs", "exchangeStatus":
		return true
	case "candleSnapshot":
		c := q.Req
		return c != nil && c.Coin != nil && c.StartTime != nil && c.EndTime != nil && c.Interval != nil && *c.Interval == "5m"
	case "fundingHistory":
		return q.Coin != nil && q.StartTime != nil
	case "userFills", "clearinghouseState":
		return q.User != nil && user.MatchString(*q.User)
	default:
		return false
	}
}

// answer is the body, empty for what is unknown, and the weight.
func (d *Double) answer(q request) (body string, weight int) {
	if q.Dex != "" {
		return "", 20
	}
	var rows int
	switch *q.Type {
	case "exchangeStatus":
		return `{"specialStatuses":null,"time":` + strconv.FormatInt(d.server.Now().Add(-200*time.Millisecond).UnixMilli(), 10) + `}`, 2
	case "meta":
		return d.meta(), 20
	case "metaAndAssetCtxs":
		return "[" + d.meta() + "," + d.contexts() + "]", 20
	case "clearinghouseState":
		return d.positions(*q.User), 2
	case "candleSnapshot":
		body, rows = d.candles(*q.Req)
		return body, 20 + rows/60
	case "fundingHistory":
		body, rows = d.funding(q)
		return body, 20 + rows/20
	default:
		body = d.userFills(*q.User)
		return body, 20 + strings.Count(body, `"coin"`)/20
	}
}

// pay takes weight from the budget of the last minute; it reports whether there was enough.
func (d *Double) pay(weight int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	used := 0
	kept := d.spent[:0]
	for _, p := range d.spent {
		if now.Sub(p.at) < time.Minute {
			kept, used = append(kept, p), used+p.weight
		}
	}
	d.spent = append(kept, payment{now, weight})
	d.weight += weight
	return used+weight <= d.limit
}

// meta is the list of contracts with the margin tables. Small numbers of tables have no
// table, and isDelisted is told only where it is true.
func (d *Double) meta() string {
	var b strings.Builder
	b.WriteString(`{"universe":[`)
	for i, a := range d.list() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"szDecimals":` + strconv.Itoa(a.digits) + `,"name":"` + a.name + `","maxLeverage":` + strconv.Itoa(a.leverage) + `,"marginTableId":` + strconv.Itoa(a.table))
		if a.delisted {
			b.WriteString(`,"isDelisted":true,"marginMode":"strictIsolated","onlyIsolated":true`)
		}
		b.WriteByte('}')
	}
	b.WriteString(`],"marginTables":[[50,{"description":"","marginTiers":[{"lowerBound":"0.0","maxLeverage":50}]}]`)
	for _, t := range []struct {
		id         int
		from       string
		high, then int
	}{{52, "20000000.0", 10, 5}, {54, "70000000.0", 20, 10}, {55, "100000000.0", 25, 15}, {56, "150000000.0", 40, 20}} {
		b.WriteString(`,[` + strconv.Itoa(t.id) + `,{"description":"tiered ` + strconv.Itoa(t.high) + `x","marginTiers":[{"lowerBound":"0.0","maxLeverage":` + strconv.Itoa(t.high) + `},{"lowerBound":"` + t.from + `","maxLeverage":` + strconv.Itoa(t.then) + `}]}]`)
	}
	b.WriteString(`],"collateralToken":0}`)
	return b.String()
}

func (d *Double) contexts() string {
	var all []string
	now := d.server.Now()
	for _, a := range d.list() {
		all = append(all, d.context(a, now))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// context is the state of a contract; that of a delisted one is frozen.
func (d *Double) context(a asset, now time.Time) string {
	if a.delisted {
		return `{"funding":"0.0","openInterest":"0.0","prevDayPx":"0.37621","dayNtlVlm":"0.0","premium":null,"oraclePx":"0.37624","markPx":"0.3758","midPx":null,"impactPxs":null,"dayBaseVlm":"0.0"}`
	}
	mark := d.market.MarkUSD(a.coin, now) * a.coins
	px := decimal(mark)
	return `{"funding":"` + decimal(d.market.FundingRate(a.coin, now)/8) + `","openInterest":"` + decimal(d.market.OpenInterestCoins(a.coin, now)/a.coins) +
		`","prevDayPx":"` + px + `","dayNtlVlm":"4161029539.6949653625","premium":"-0.0006413454","oraclePx":"` + decimal(mark*1.0005) + `","markPx":"` + px +
		`","midPx":"` + px + `","impactPxs":["` + px + `","` + px + `"],"dayBaseVlm":"49116.08533"}`
}

// candles are those that start in [startTime, endTime], the unfinished one among them, as
// far as the newest 5000 reach.
func (d *Double) candles(q candleSpan) (body string, rows int) {
	a, ok := d.find(*q.Coin)
	if !ok {
		return "", 0
	}
	now := d.server.Now()
	from, to := time.UnixMilli(*q.StartTime), time.UnixMilli(*q.EndTime)
	if oldest := now.Add(-keptCandles * feeds.CandleLength); from.Before(oldest) {
		from = oldest
	}
	start := from.Truncate(feeds.CandleLength)
	if start.Before(from) {
		start = start.Add(feeds.CandleLength)
	}
	b := []byte{'['}
	for ; !a.delisted && !start.After(to) && !start.After(now); start = start.Add(feeds.CandleLength) {
		if rows > 0 {
			b = append(b, ',')
		}
		b = appendCandle(b, d.market, a, start)
		rows++
	}
	return string(append(b, ']')), rows
}

func appendCandle(b []byte, m feedtest.Market, a asset, start time.Time) []byte {
	c := m.Candle(a.coin, start)
	b = append(b, `{"t":`...)
	b = strconv.AppendInt(b, start.UnixMilli(), 10)
	b = append(b, `,"T":`...)
	b = strconv.AppendInt(b, start.Add(feeds.CandleLength).UnixMilli()-1, 10)
	b = append(b, `,"s":"`+a.name+`","i":"5m"`...)
	for _, f := range []struct {
		key   string
		value float64
	}{{"o", c.OpenUSD * a.coins}, {"c", c.CloseUSD * a.coins}, {"h", c.HighUSD * a.coins}, {"l", c.LowUSD * a.coins}, {"v", c.VolumeCoins / a.coins}} {
		b = append(b, `,"`+f.key+`":"`+decimal(f.value)+`"`...)
	}
	return append(b, `,"n":709}`...)
}

// funding are at most 500 rows, the oldest first, each some milliseconds behind its hour.
func (d *Double) funding(q request) (body string, rows int) {
	a, ok := d.find(*q.Coin)
	if !ok {
		return "", 0
	}
	const late = 57 * time.Millisecond
	from, to := time.UnixMilli(*q.StartTime), d.server.Now()
	if q.EndTime != nil {
		to = time.UnixMilli(*q.EndTime)
	}
	var all []string
	for hour := from.Truncate(time.Hour); len(all) < fundingPage; hour = hour.Add(time.Hour) {
		at := hour.Add(late)
		if at.After(to) || at.After(d.server.Now()) {
			break
		}
		if at.Before(from) {
			continue
		}
		all = append(all, `{"coin":"`+a.name+`","fundingRate":"`+decimal(d.market.FundingRate(a.coin, hour)/8)+`","premium":"0.0003","time":`+strconv.FormatInt(at.UnixMilli(), 10)+`}`)
	}
	return "[" + strings.Join(all, ",") + "]", len(all)
}

// positions are those of Trader: a long of 1 BTC with a margin of its own, and a short of
// 1000 kPEPE that no price liquidates. Nobody else has any.
func (d *Double) positions(account string) string {
	held := ""
	if strings.EqualFold(account, Trader) {
		held = `{"position":{"coin":"BTC","cumFunding":{"allTime":"514.085417","sinceChange":"0.0","sinceOpen":"0.0"},"entryPx":"90000.0","leverage":{"rawUsd":"-85500.0","type":"isolated","value":20},"liquidationPx":"86582.278481","marginUsed":"4500.0","maxLeverage":40,"positionValue":"90000.0","returnOnEquity":"0.0","szi":"1.0","unrealizedPnl":"0.0"},"type":"oneWay"},` +
			`{"position":{"coin":"kPEPE","entryPx":"0.0044","leverage":{"type":"cross","value":3},"liquidationPx":null,"marginUsed":"1.47","maxLeverage":10,"positionValue":"4.4","returnOnEquity":"0.0","szi":"-1000.0","unrealizedPnl":"0.0"},"type":"oneWay"}`
	}
	return `{"assetPositions":[` + held + `],"crossMaintenanceMarginUsed":"0.0","time":` + strconv.FormatInt(d.server.Now().UnixMilli(), 10) + `,"withdrawable":"13104.514502"}`
}

// decimal writes a number as the venue does, never with an exponent.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
