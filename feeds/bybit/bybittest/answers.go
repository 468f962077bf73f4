package bybittest

import (
	"math"
	"net/url"
	"strconv"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// object is a JSON object.
type object = map[string]any

const fundingEvery = 8 * time.Hour

func (d *Double) time(*query) (any, error) {
	now := d.base.Now()
	return object{"timeSecond": strconv.FormatInt(now.Unix(), 10), "timeNano": strconv.FormatInt(now.UnixNano(), 10)}, nil
}

func (d *Double) kline(q *query) (any, error) { return d.klines(q, false) }

func (d *Double) markKline(q *query) (any, error) { return d.klines(q, true) }

// klines has the open bar too, as far as it has come.
func (d *Double) klines(q *query, mark bool) (any, error) {
	q.category()
	symbol, coin, multiplier := q.symbol()
	q.oneOf("interval", "5")
	start, end, limit := q.at("start"), q.at("end"), q.limit(200, 1000)
	if q.err != nil {
		return nil, q.err
	}
	now := d.base.Now()
	if end.IsZero() || end.After(now) {
		end = now
	}
	if start.Before(d.born) {
		start = d.born
	}
	rows := [][]string{}
	for _, at := range steps(start, end, feeds.CandleLength, limit) {
		c := d.market.Candle(coin, at)
		open, high, low, last := c.OpenUSD, c.HighUSD, c.LowUSD, c.CloseUSD
		if mark {
			high, low = c.MarkHighUSD, c.MarkLowUSD
		}
		row := []string{millis(at), number(open * multiplier), number(high * multiplier), number(low * multiplier), number(last * multiplier)}
		if !mark {
			row = append(row, number(c.VolumeCoins/multiplier), number(c.VolumeCoins*c.OpenUSD))
		}
		rows = append(rows, row)
	}
	return object{"symbol": symbol, "category": "linear", "list": rows}, nil
}

// openInterest tells both sides, and the time of the oldest row in seconds.
func (d *Double) openInterest(q *query) (any, error) {
	q.category()
	symbol, coin, multiplier := q.symbol()
	interval := q.oneOf("intervalTime", "5min", "15min", "30min", "1h", "4h", "1d")
	start, end, limit := q.at("startTime"), q.at("endTime"), q.limit(50, 200)
	cursor := q.cursor("lasttime")
	if q.err != nil {
		return nil, q.err
	}
	step := map[string]time.Duration{"5min": 5 * time.Minute, "15min": 15 * time.Minute, "30min": 30 * time.Minute, "1h": time.Hour, "4h": 4 * time.Hour, "1d": 24 * time.Hour}[interval]
	if now := d.base.Now(); end.IsZero() || end.After(now) {
		end = now
	}
	if s, err := strconv.ParseInt(cursor, 10, 64); err == nil {
		end = time.Unix(s, 0).Add(-time.Millisecond)
	}
	if start.Before(d.born) {
		start = d.born
	}
	rows, next := []object{}, ""
	moments := steps(start, end, step, limit)
	for i, at := range moments {
		row := d.bothSides(coin, multiplier, at)
		delete(row, "openInterestValue")
		delete(row, "singleOpenInterestValue")
		row["timestamp"] = millis(at)
		if i == len(moments)-1 {
			row["timestamp"] = strconv.FormatInt(at.Unix(), 10)
			next = url.QueryEscape("lasttime=" + strconv.FormatInt(at.Unix(), 10))
		}
		rows = append(rows, row)
	}
	return object{"symbol": symbol, "category": "linear", "list": rows, "nextPageCursor": next}, nil
}

func (d *Double) bothSides(coin market.Coin, multiplier float64, at time.Time) object {
	one := d.market.OpenInterestCoins(coin, at)
	value := one * d.market.MarkUSD(coin, at)
	o := object{"openInterest": number(2 * one / multiplier), "openInterestValue": number(2 * value)}
	if !d.opts.noSingle {
		o["singleOpenInterest"], o["singleOpenInterestValue"] = number(one/multiplier), number(value)
	}
	return o
}

func (d *Double) fundings(q *query) (any, error) {
	q.category()
	symbol, coin, _ := q.symbol()
	start, end, limit := q.at("startTime"), q.at("endTime"), q.limit(200, 200)
	if q.err != nil {
		return nil, q.err
	}
	if !start.IsZero() && end.IsZero() {
		return nil, errStartOnly
	}
	if now := d.base.Now(); end.IsZero() || end.After(now) {
		end = now
	}
	if start.Before(d.born) {
		start = d.born
	}
	rows := []object{}
	for _, at := range steps(start, end, fundingEvery, limit) {
		rows = append(rows, object{"symbol": symbol, "fundingRate": number(d.market.FundingRate(coin, at)), "fundingRateTimestamp": millis(at)})
	}
	return object{"category": "linear", "list": rows}, nil
}

func (d *Double) ratio(q *query) (any, error) {
	q.category()
	symbol, coin, _ := q.symbol()
	q.oneOf("period", "5min", "15min", "30min", "1h", "4h", "1d")
	limit := q.limit(50, 500)
	if q.err != nil {
		return nil, q.err
	}
	rows := []object{}
	for _, at := range steps(d.born, d.base.Now(), feeds.CandleLength, limit) {
		long := math.Round(d.market.LongShare(coin, at)*1e4) / 1e4
		rows = append(rows, object{"symbol": symbol, "buyRatio": number(long), "sellRatio": number(1 - long), "timestamp": millis(at)})
	}
	return object{"list": rows, "nextPageCursor": ""}, nil
}

// riskLimit has its tiers in no order, and no deduction on the first.
func (d *Double) riskLimit(q *query) (any, error) {
	q.category()
	if q.values.Get("limit") != "" {
		q.fail("limit is no parameter")
	}
	symbols := []string{"1000PEPEUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT"}
	if q.values.Get("symbol") != "" {
		s, _, _ := q.symbol()
		symbols = []string{s}
	}
	from, to, next := q.page(len(symbols), 15)
	if q.err != nil {
		return nil, q.err
	}
	rows := []object{}
	for _, s := range symbols[from:to] {
		rows = append(rows,
			tier(3, s, "10000000", "0.05", "10.00", "405510"),
			tier(1, s, "300000", "0.0033", "150.00", ""),
			tier(2, s, "9000000", "0.005", "100.00", "510"),
		)
	}
	return object{"category": "linear", "list": rows, "nextPageCursor": next}, nil
}

func tier(id int, symbol, limit, maintenance, leverage, deduction string) object {
	times, _ := strconv.ParseFloat(leverage, 64)
	lowest := 0
	if id == 1 {
		lowest = 1
	}
	return object{
		"id": id, "symbol": symbol, "riskLimitValue": limit, "maintenanceMargin": maintenance, "initialMargin": strconv.FormatFloat(1/times, 'f', 4, 64),
		"isLowestRisk": lowest, "maxLeverage": leverage, "mmDeduction": deduction,
	}
}
