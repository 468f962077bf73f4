package bitget

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

const (
	pageOfCandles    = 1000
	pageOfOldCandles = 200
	// recentCandles is how far back the larger pages go: a month, less some for the time
	// that a long pull takes.
	recentCandles = 30*24*time.Hour - 10*time.Minute
)

// series is one of the kinds of candle.
type series struct {
	kind    string // kLineType of the newer candles
	oldPath string
}

var (
	lastSeries = series{"MARKET", pathOldCandles}
	markSeries = series{"MARK", pathOldMarkCandles}
)

// Candles implements feeds.History. Bitget does not tell in candles what takers bought.
func (f *Feed) Candles(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Candle, error) {
	now := f.now(ctx)
	if closed := now.Truncate(feeds.CandleLength); to.After(closed) {
		to = closed
	}
	last, err := f.candleRows(ctx, c.Symbol, lastSeries, now, from.UTC(), to.UTC())
	if err != nil || len(last) == 0 {
		return nil, err
	}
	mark, err := f.candleRows(ctx, c.Symbol, markSeries, now, last[0].at, to.UTC())
	if err != nil && !feeds.Permanent(err) {
		return nil, err
	}
	marks := make(map[time.Time]candleRow, len(mark))
	for _, r := range mark {
		marks[r.at] = r
	}
	var all []market.Candle
	for _, r := range last {
		candle := market.Candle{
			Start: r.at, Length: feeds.CandleLength,
			OpenUSD: r.figures[0] / c.QuotedCoins, HighUSD: r.figures[1] / c.QuotedCoins,
			LowUSD: r.figures[2] / c.QuotedCoins, CloseUSD: r.figures[3] / c.QuotedCoins,
			VolumeCoins: r.figures[4] * c.ContractCoins,
		}
		if !feeds.PossibleCandle(candle) {
			continue
		}
		if m, ok := marks[r.at]; ok {
			with := candle
			with.MarkHighUSD, with.MarkLowUSD = m.figures[1]/c.QuotedCoins, m.figures[2]/c.QuotedCoins
			if feeds.PossibleCandle(with) {
				candle = with
			}
		}
		all = append(all, candle)
	}
	return all, nil
}

// candleRow is one candle: open, high, low, close, volume in the contract's unit.
type candleRow struct {
	at      time.Time
	figures [5]float64
}

// candleRows pages through [from, to), in large pages as far back as they go.
func (f *Feed) candleRows(ctx context.Context, symbol string, s series, now, from, to time.Time) ([]candleRow, error) {
	if up := from.Truncate(feeds.CandleLength); up.Before(from) {
		from = up.Add(feeds.CandleLength)
	}
	var all []candleRow
	for start := from; start.Before(to); {
		path, limit := pathCandles, pageOfCandles
		if start.Before(now.Add(-recentCandles)) {
			path, limit = s.oldPath, pageOfOldCandles
		}
		// One less than a page holds, as the candle before may come along.
		end := start.Add(time.Duration(limit-1) * feeds.CandleLength)
		if end.After(to) {
			end = to
		}
		query := url.Values{
			"symbol": {symbol}, "productType": {usdt}, "granularity": {"5m"}, "limit": {strconv.Itoa(limit)},
			// Whether the ends are part of the span is not written: a millisecond less is right
			// both ways.
			"startTime": {milli(start.Add(-time.Millisecond))}, "endTime": {milli(end.Add(-time.Millisecond))},
		}
		if path == pathCandles {
			query.Set("kLineType", s.kind)
		}
		body, err := f.get(ctx, path, query)
		if err != nil {
			return nil, err
		}
		if _, err := rows(body, func(d *jx.Decoder) error {
			r, err := decodeCandle(d)
			if err == nil && !r.at.Before(from) && r.at.Before(to) && r.at.Equal(r.at.Truncate(feeds.CandleLength)) {
				all = append(all, r)
			}
			return err
		}); err != nil {
			return nil, bad(path, err)
		}
		start = end
	}
	slices.SortStableFunc(all, func(a, b candleRow) int { return a.at.Compare(b.at) })
	return slices.CompactFunc(all, func(a, b candleRow) bool { return a.at.Equal(b.at) }), nil
}

// decodeCandle reads ["1687708800000","27176.93","27177.43","27166.93","27177.43","2990.08",…].
func decodeCandle(d *jx.Decoder) (r candleRow, err error) {
	n := 0
	left, err := eachRow(d, func(d *jx.Decoder) error {
		n++
		switch {
		case n == 1:
			return moment(d, &r.at)
		case n-2 < len(r.figures):
			return float(d, &r.figures[n-2])
		default:
			return d.Skip()
		}
	})
	if err == nil && (left > 0 || n < 5 || r.at.IsZero()) {
		err = fmt.Errorf("%w: want a candle", wire.ErrType)
	}
	return r, err
}

func milli(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
