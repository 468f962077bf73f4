package binance

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// candlePage is the most candles asked for at once: 499 weigh 2, the cheapest for one.
const candlePage = 499

// Candles implements feeds.History, with the mark price's extremes beside the trades. A
// week costs ten requests and a weight of 18.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Kline-Candlestick-Data
// https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Mark-Price-Kline-Candlestick-Data
func (f *Feed) Candles(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Candle, error) {
	from, to, err := f.closed(ctx, from, to)
	if err != nil {
		return nil, err
	}
	var candles []market.Candle
	err = f.klines(ctx, trades, c.Symbol, from, to, func(k kline) {
		if candle := k.candle(c); feeds.PossibleCandle(candle) {
			candles = append(candles, candle)
		}
	})
	if err != nil || len(candles) == 0 {
		return nil, err
	}
	candles = oldestFirst(candles, func(c market.Candle) time.Time { return c.Start })
	byStart := make(map[int64]int, len(candles))
	for i, candle := range candles {
		byStart[candle.Start.UnixMilli()] = i
	}
	from = candles[0].Start
	to = candles[len(candles)-1].End()
	err = f.klines(ctx, marks, c.Symbol, from, to, func(k kline) {
		i, ok := byStart[k.start]
		if !ok {
			return
		}
		candle := candles[i]
		candle.MarkHighUSD, candle.MarkLowUSD = k.high/c.QuotedCoins, k.low/c.QuotedCoins
		if feeds.PossibleCandle(candle) {
			candles[i] = candle
		}
	})
	if err != nil && !feeds.Permanent(err) {
		return nil, err
	}
	return candles, nil
}

// closed narrows a span to whole candles that are over by the venue's clock.
func (f *Feed) closed(ctx context.Context, from, to time.Time) (time.Time, time.Time, error) {
	from, to = roundUp(from.UTC()), roundUp(to.UTC())
	now, err := f.venueNow(ctx)
	if err != nil {
		return from, to, err
	}
	if over := now.UTC().Truncate(feeds.CandleLength); over.Before(to) {
		to = over
	}
	return from, to, nil
}

// roundUp is the first start of a candle that is not before t.
func roundUp(t time.Time) time.Time {
	if whole := t.Truncate(feeds.CandleLength); whole.Before(t) {
		return whole.Add(feeds.CandleLength)
	}
	return t
}

// series is a kind of candle and how many fields of its rows are read.
type series struct {
	path   string
	fields int
}

// The kinds. Those of the mark price have fillers behind their prices.
var (
	trades = series{"/fapi/v1/klines", 10}
	marks  = series{"/fapi/v1/markPriceKlines", 5}
)

// klines asks for the candles that start in [from, to), both whole, page by page.
func (f *Feed) klines(ctx context.Context, of series, symbol string, from, to time.Time, each func(kline)) error {
	for at := from; at.Before(to); {
		n := min(candlePage, int(to.Sub(at)/feeds.CandleLength))
		end := at.Add(time.Duration(n) * feeds.CandleLength)
		cost := rest.Cost{Budget: weight, Weight: 1}
		if n >= 100 {
			cost.Weight = 2
		}
		body, err := f.get(ctx, of.path, url.Values{
			"symbol": {symbol}, "interval": {"5m"}, "limit": {strconv.Itoa(n)},
			"startTime": {millis(at)}, "endTime": {millis(end.Add(-time.Millisecond))},
		}, cost)
		if err != nil {
			return err
		}
		err = rows(body, func(row *jx.Decoder) error {
			k, err := parseKline(row, of.fields)
			if err == nil && k.start >= at.UnixMilli() && k.start < end.UnixMilli() {
				each(k)
			}
			return err
		})
		if err != nil {
			return badData("read candles", err)
		}
		at = end
	}
	return nil
}

// oldestFirst sorts a list by time and leaves doubles out.
func oldestFirst[T any](list []T, at func(T) time.Time) []T {
	slices.SortStableFunc(list, func(a, b T) int { return at(a).Compare(at(b)) })
	return slices.CompactFunc(list, func(a, b T) bool { return at(a).Equal(at(b)) })
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// kline is a candle as the venue tells it, start in ms; of the mark price the volumes are
// zero.
type kline struct {
	start                                      int64
	open, high, low, closing, volume, takerBuy float64
}

// parseKline reads the first fields of [open time, open, high, low, close, volume, close
// time, quote volume, trades, taker buy volume, …].
func parseKline(d *jx.Decoder, fields int) (k kline, err error) {
	figures := map[int]*float64{1: &k.open, 2: &k.high, 3: &k.low, 4: &k.closing, 5: &k.volume, 9: &k.takerBuy}
	i := 0
	err = d.Arr(func(d *jx.Decoder) (err error) {
		switch at := figures[i]; {
		case i == 0:
			var start time.Time
			start, err = need(wire.Time(d))
			k.start = start.UnixMilli()
		case at != nil && i < fields:
			*at, err = need(wire.Float(d))
		default:
			err = d.Skip()
		}
		i++
		return err
	})
	if err == nil && i < fields || k.start%feeds.CandleLength.Milliseconds() != 0 {
		err = errEmpty
	}
	return k, err
}

func (k kline) candle(c market.Contract) market.Candle {
	return market.Candle{
		Start: time.UnixMilli(k.start).UTC(), Length: feeds.CandleLength,
		OpenUSD: k.open / c.QuotedCoins, HighUSD: k.high / c.QuotedCoins, LowUSD: k.low / c.QuotedCoins, CloseUSD: k.closing / c.QuotedCoins,
		VolumeCoins: k.volume * c.ContractCoins, TakerBuyCoins: k.takerBuy * c.ContractCoins, HasTaker: true,
	}
}
