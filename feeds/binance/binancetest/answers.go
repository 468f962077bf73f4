package binancetest

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"liqbot/feeds"
)

// row is a JSON object.
type row = map[string]any

func (d *Double) serverTime(q query) (any, *fault) { return row{"serverTime": q.now.UnixMilli()}, nil }

func (d *Double) exchangeInfo(q query) (any, *fault) {
	var symbols []row
	for _, l := range listings() {
		symbols = append(symbols, row{
			"symbol": l.symbol, "pair": l.base + l.quote, "contractType": l.kind, "deliveryDate": l.delivery, "onboardDate": 1569398400000,
			"status": l.status, "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000", "baseAsset": l.base,
			"quoteAsset": l.quote, "marginAsset": l.quote, "pricePrecision": 2, "quantityPrecision": 3, "underlyingType": l.underlying,
			"underlyingSubType": []string{"PoW"}, "triggerProtect": "0.0500", "liquidationFee": "0.012500",
			"filters": []row{
				{"filterType": "PRICE_FILTER", "maxPrice": "4529764", "minPrice": "0.0000001", "tickSize": strconv.FormatFloat(l.tick, 'f', -1, 64)},
				{"filterType": "LOT_SIZE", "maxQty": "1000", "minQty": "0.001", "stepSize": "0.001"},
				{"filterType": "MAX_NUM_ORDERS", "limit": 200},
			},
			"orderTypes": []string{"LIMIT", "MARKET"}, "timeInForce": []string{"GTC", "IOC"}, "permissionSets": []string{"GRID", "COPY"},
		})
	}
	return row{
		"timezone": "UTC", "serverTime": q.now.UnixMilli(), "futuresType": "U_MARGINED", "exchangeFilters": []row{}, "symbols": symbols,
		"rateLimits": []row{
			{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": d.limits.MinuteWeight},
			{"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
			{"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
		},
		"assets": []row{{"asset": "USDT", "marginAvailable": true, "autoAssetExchange": "-10000"}},
	}, nil
}

func (d *Double) fundingInfo(query) (any, *fault) {
	rows := []row{}
	for _, l := range listings() {
		if l.hours != 8 {
			rows = append(rows, row{
				"symbol": l.symbol, "adjustedFundingRateCap": "0.02000000", "adjustedFundingRateFloor": "-0.02000000",
				"fundingIntervalHours": l.hours, "disclaimer": false, "updateTime": 1754596814166,
			})
		}
	}
	return rows, nil
}

// fundingRate has a payment every interval, some milliseconds late.
func (d *Double) fundingRate(q query) (any, *fault) {
	l, no := d.listing(q)
	if no != nil {
		return nil, no
	}
	limit, no := q.limit(100, 1000)
	if no != nil {
		return nil, &fault{status: http.StatusOK, code: 2, text: "limit", whole: row{
			"status": "ERROR", "type": "VALID", "code": "000002", "errorData": row{"limit": "limit can not greater than 1000"},
			"data": nil, "subData": nil, "params": nil,
		}}
	}
	from, to, no := q.span()
	if no != nil {
		return nil, no
	}
	every := time.Duration(l.hours) * time.Hour
	if to.IsZero() || to.After(q.now) {
		to = q.now
	}
	if from.IsZero() {
		from = to.Add(-time.Duration(limit) * every)
	}
	rows := []row{}
	for at := from.Add(-every).Truncate(every); !at.After(to) && len(rows) < limit; at = at.Add(every) {
		paid := at.Add(time.Duration(at.Hour()) * time.Millisecond)
		if paid.Before(from) || paid.After(to) {
			continue
		}
		rows = append(rows, row{
			"symbol": l.symbol, "fundingTime": paid.UnixMilli(), "markPrice": l.price(d.market.MarkUSD(l.coin, paid)),
			"fundingRate": strconv.FormatFloat(d.market.FundingRate(l.coin, at), 'f', 8, 64),
		})
	}
	return rows, nil
}

func (d *Double) premiumIndex(q query) (any, *fault) {
	if q.Has("symbol") {
		l, no := d.listing(q)
		if no != nil {
			return nil, no
		}
		return d.premium(l, q.now), nil
	}
	var rows []row
	for _, l := range listings() {
		rows = append(rows, d.premium(l, q.now))
	}
	return rows, nil
}

func (d *Double) premium(l listing, now time.Time) row {
	mark := l.price(d.market.MarkUSD(l.coin, now))
	return row{
		"symbol": l.symbol, "markPrice": mark, "indexPrice": mark, "estimatedSettlePrice": mark, "interestRate": "0.00010000",
		"lastFundingRate": strconv.FormatFloat(d.market.FundingRate(l.coin, now), 'f', 8, 64),
		"nextFundingTime": nextFunding(l, now).UnixMilli(), "time": now.UnixMilli(),
	}
}

func nextFunding(l listing, now time.Time) time.Time {
	every := time.Duration(l.hours) * time.Hour
	return now.Truncate(every).Add(every)
}

func (d *Double) openInterest(q query) (any, *fault) {
	l, no := d.listing(q)
	if no != nil {
		return nil, no
	}
	return row{"symbol": l.symbol, "openInterest": l.size(d.market.OpenInterestCoins(l.coin, q.now)), "time": q.now.UnixMilli()}, nil
}

// bars are the starts of the candles that a query asks for, the unfinished one included.
func (d *Double) bars(q query) (l listing, starts []time.Time, no *fault) {
	if l, no = d.listing(q); no != nil {
		return l, nil, no
	}
	if q.Get("interval") != "5m" {
		return l, nil, &fault{status: 400, code: -1120, text: "Invalid interval."}
	}
	limit, no := q.limit(500, 1500)
	if no != nil {
		return l, nil, no
	}
	from, to, no := q.span()
	if no != nil {
		return l, nil, no
	}
	if to.IsZero() || to.After(q.now) {
		to = q.now
	}
	if from.IsZero() {
		from = to.Truncate(feeds.CandleLength).Add(-time.Duration(limit-1) * feeds.CandleLength)
	}
	for at := from.Add(feeds.CandleLength - 1).Truncate(feeds.CandleLength); !at.After(to) && len(starts) < limit; at = at.Add(feeds.CandleLength) {
		starts = append(starts, at)
	}
	return l, starts, nil
}

func (d *Double) klines(q query) (any, *fault) {
	l, starts, no := d.bars(q)
	if no != nil {
		return nil, no
	}
	rows := [][]any{}
	for _, at := range starts {
		c := d.market.Candle(l.coin, at)
		rows = append(rows, []any{
			at.UnixMilli(), l.price(c.OpenUSD), l.price(c.HighUSD), l.price(c.LowUSD), l.price(c.CloseUSD), l.size(c.VolumeCoins),
			c.End().UnixMilli() - 1, strconv.FormatFloat(c.VolumeCoins*c.CloseUSD, 'f', 5, 64), 516386,
			l.size(c.TakerBuyCoins), strconv.FormatFloat(c.TakerBuyCoins*c.CloseUSD, 'f', 5, 64), "0",
		})
	}
	return rows, nil
}

func (d *Double) markKlines(q query) (any, *fault) {
	l, starts, no := d.bars(q)
	if no != nil {
		return nil, no
	}
	rows := [][]any{}
	for _, at := range starts {
		c := d.market.Candle(l.coin, at)
		rows = append(rows, []any{
			at.UnixMilli(), l.price(c.OpenUSD), l.price(c.MarkHighUSD), l.price(c.MarkLowUSD), l.price(c.CloseUSD), "0",
			c.End().UnixMilli() - 1, "0", 300, "0", "0", "0",
		})
	}
	return rows, nil
}

// statTimes are the moments of the rows that a query below /futures/data asks for.
func (d *Double) statTimes(q query) (l listing, times []time.Time, no *fault) {
	if l, no = d.listing(q); no != nil {
		return l, nil, no
	}
	periods := map[string]time.Duration{"5m": 5 * time.Minute, "15m": 15 * time.Minute, "30m": 30 * time.Minute, "1h": time.Hour, "2h": 2 * time.Hour, "4h": 4 * time.Hour, "6h": 6 * time.Hour, "12h": 12 * time.Hour, "1d": 24 * time.Hour}
	period := periods[q.Get("period")]
	if period == 0 {
		return l, nil, notAllowed("period")
	}
	limit, no := q.limit(30, 500)
	if no != nil {
		return l, nil, no
	}
	from, to, no := q.span()
	if no != nil {
		return l, nil, no
	}
	if !from.IsZero() && from.Before(q.now.Add(-30*24*time.Hour)) {
		return l, nil, &fault{status: 400, code: -1130, text: "parameter 'startTime' is invalid."}
	}
	if to.IsZero() || to.After(q.now) {
		to = q.now
	}
	if from.IsZero() {
		from = to.Add(-time.Duration(limit) * period)
	}
	if to.Sub(from) > time.Duration(limit)*period {
		d.violate("%s: a span of more rows than limit: which come is not told", q.Encode())
	}
	for at := to.Truncate(period); !at.Before(from) && len(times) < limit; at = at.Add(-period) {
		times = append(times, at)
	}
	slices.Reverse(times)
	return l, times, nil
}

func (d *Double) openInterestHist(q query) (any, *fault) {
	l, times, no := d.statTimes(q)
	if no != nil {
		return nil, no
	}
	rows := []row{}
	for _, at := range times {
		coins := d.market.OpenInterestCoins(l.coin, at)
		rows = append(rows, row{
			"symbol": l.symbol, "sumOpenInterest": l.size(coins), "CMCCirculatingSupply": "165880.538", "timestamp": at.UnixMilli(),
			"sumOpenInterestValue": strconv.FormatFloat(coins*d.market.MarkUSD(l.coin, at), 'f', 8, 64),
		})
	}
	return rows, nil
}

// ratios tells times as text, as the venue's pages do.
func (d *Double) ratios(q query) (any, *fault) {
	l, times, no := d.statTimes(q)
	if no != nil {
		return nil, no
	}
	rows := []row{}
	for _, at := range times {
		long := d.market.LongShare(l.coin, at)
		rows = append(rows, row{
			"symbol": l.symbol, "longAccount": strconv.FormatFloat(long, 'f', 4, 64), "shortAccount": strconv.FormatFloat(1-long, 'f', 4, 64),
			"longShortRatio": strconv.FormatFloat(long/(1-long), 'f', 4, 64), "timestamp": strconv.FormatInt(at.UnixMilli(), 10),
		})
	}
	return rows, nil
}
