package gate

import (
	"cmp"
	"context"
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
	// pageOfCandles is the most points of an answer.
	pageOfCandles = 2000
	// oldestCandle is how many candles back Gate answers, 10000, less some for the time
	// that a long pull takes.
	oldestCandle = 9990
	markPrefix   = "mark_"
)

// Candles implements feeds.History. The volume that takers bought comes from the
// statistics of the same five minutes, as far as Gate has them.
func (f *Feed) Candles(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Candle, error) {
	from, to = f.within(ctx, from, to)
	if !from.Before(to) {
		return nil, ctx.Err()
	}
	last, err := f.candleRows(ctx, c.Symbol, from, to)
	if err != nil || len(last) == 0 {
		return nil, err
	}
	mark, err := f.candleRows(ctx, markPrefix+c.Symbol, from, to)
	if err != nil && !feeds.Permanent(err) {
		return nil, err
	}
	// One more row, so that the open interest up to now is kept too.
	taker, err := f.statRows(ctx, c.Symbol, fineStats, from, to.Add(feeds.CandleLength))
	if err != nil && !feeds.Permanent(err) {
		return nil, err
	}
	marks, bought := byTime(mark), make(map[time.Time]float64, len(taker))
	for _, s := range taker {
		if share, ok := s.buyShare(); ok {
			bought[s.at] = share
		}
	}
	var all []market.Candle
	for _, r := range last {
		candle := r.candle(c)
		if share, ok := bought[r.at]; ok {
			candle.TakerBuyCoins, candle.HasTaker = candle.VolumeCoins*share, true
		}
		if !feeds.PossibleCandle(candle) {
			continue
		}
		if m, ok := marks[r.at]; ok {
			with := candle
			with.MarkHighUSD, with.MarkLowUSD = m.high/c.QuotedCoins, m.low/c.QuotedCoins
			if feeds.PossibleCandle(with) {
				candle = with
			}
		}
		all = append(all, candle)
	}
	return all, nil
}

// within cuts a span to whole candles that are closed and that Gate still has.
func (f *Feed) within(ctx context.Context, from, to time.Time) (time.Time, time.Time) {
	closed := f.now(ctx).Truncate(feeds.CandleLength)
	oldest := closed.Add(-oldestCandle * feeds.CandleLength)
	from, to = from.UTC(), to.UTC()
	if up := from.Truncate(feeds.CandleLength); up.Before(from) {
		from = up.Add(feeds.CandleLength)
	}
	if from.Before(oldest) {
		from = oldest
	}
	if to.After(closed) {
		to = closed
	}
	return from, to
}

// candleRow is one row of the candlestick paths, in contracts and quoted prices.
type candleRow struct {
	at                              time.Time
	open, high, low, closed, volume float64
}

func (r candleRow) candle(c market.Contract) market.Candle {
	return market.Candle{
		Start: r.at, Length: feeds.CandleLength,
		OpenUSD: r.open / c.QuotedCoins, HighUSD: r.high / c.QuotedCoins,
		LowUSD: r.low / c.QuotedCoins, CloseUSD: r.closed / c.QuotedCoins,
		VolumeCoins: r.volume * c.ContractCoins,
	}
}

// candleRows pages through [from, to). Gate's own to is inclusive, and limit must not
// stand beside from and to.
func (f *Feed) candleRows(ctx context.Context, name string, from, to time.Time) ([]candleRow, error) {
	var all []candleRow
	for start := from; start.Before(to); start = start.Add(pageOfCandles * feeds.CandleLength) {
		last := start.Add((pageOfCandles - 1) * feeds.CandleLength)
		if end := to.Add(-time.Second).Truncate(feeds.CandleLength); end.Before(last) {
			last = end
		}
		body, err := f.get(ctx, pathCandles, url.Values{
			"contract": {name}, "interval": {fineStats.name},
			"from": {unix(start)}, "to": {unix(last)},
		})
		if err != nil {
			return nil, err
		}
		if _, err := eachRow(body, func(d *jx.Decoder) error {
			r, err := decodeCandle(d)
			if err == nil && !r.at.Before(from) && r.at.Before(to) && r.at.Equal(r.at.Truncate(feeds.CandleLength)) {
				all = append(all, r)
			}
			return err
		}); err != nil {
			return nil, bad(pathCandles, err)
		}
	}
	slices.SortStableFunc(all, func(a, b candleRow) int { return cmp.Compare(a.at.Unix(), b.at.Unix()) })
	return slices.CompactFunc(all, func(a, b candleRow) bool { return a.at.Equal(b.at) }), nil
}

func decodeCandle(d *jx.Decoder) (r candleRow, err error) {
	err = wire.Fields(d, func(key []byte) error {
		switch string(key) {
		case "t":
			return moment(d, &r.at)
		case "o":
			return float(d, &r.open)
		case "h":
			return float(d, &r.high)
		case "l":
			return float(d, &r.low)
		case "c":
			return float(d, &r.closed)
		case "v":
			return float(d, &r.volume)
		default:
			return d.Skip()
		}
	})
	return r, err
}

func byTime(rows []candleRow) map[time.Time]candleRow {
	m := make(map[time.Time]candleRow, len(rows))
	for _, r := range rows {
		m[r.at] = r
	}
	return m
}

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
