package okx

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"time"

	"github.com/go-faster/jx"
	"golang.org/x/sync/errgroup"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// takersSpan is up to which span the part that takers bought is asked for: the venue
// tells it slower than all else, and a first history should not wait for it.
const takersSpan = 3 * 24 * time.Hour

// Candles implements feeds.History. Mark prices are joined from the mark candles; the
// part that takers bought is only told of spans up to takersSpan, within the newest five
// days. Seven days cost 7 requests for candles and 21 for mark prices, side by side.
//
// https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-candlesticks
func (f *Feed) Candles(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Candle, error) {
	var list []market.Candle
	marks, takers := make(map[int64]extremes), make(map[int64]float64)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		list, err = f.lastCandles(ctx, c, from, to)
		return err
	})
	g.Go(func() error {
		if err := f.markExtremes(ctx, c, from, to, marks); !feeds.Permanent(err) {
			return err
		}
		return nil
	})
	if to.Sub(from) <= takersSpan {
		g.Go(func() error { return f.extra(ctx, f.takerShares(ctx, c, from, to, takers)) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range list {
		bar := &list[i]
		start := bar.Start.UnixMilli()
		m := marks[start]
		bar.MarkHighUSD, bar.MarkLowUSD = m.high, m.low
		if share, ok := takers[start]; ok {
			bar.TakerBuyCoins, bar.HasTaker = bar.VolumeCoins*share, true
		}
	}
	return slices.DeleteFunc(list, func(c market.Candle) bool { return !feeds.PossibleCandle(c) }), nil
}

// coinsOf is a size that is told both in the contract's unit of price and in contracts.
func coinsOf(units, contracts float64, c market.Contract) float64 {
	if math.IsNaN(units) {
		return contracts * c.ContractCoins
	}
	return units * c.QuotedCoins
}

// extra is nil for an error of what candles can do without: the statistics do not know
// every contract. What stops all requests is an error of theirs too.
func (f *Feed) extra(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	if e, ok := errors.AsType[*feeds.Error](err); !ok || !e.RetryAt.IsZero() {
		return err
	}
	f.log.Debug("takers not told", slog.Any("err", err))
	return nil
}

// whole is a row's time if it is the start of a candle.
func whole(at time.Time) error {
	if !at.Equal(at.Truncate(feeds.CandleLength)) {
		return wire.ErrType
	}
	return nil
}

// lastCandles are the closed candles of the last price, oldest first.
func (f *Feed) lastCandles(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Candle, error) {
	var list []market.Candle
	bars := url.Values{"bar": {"5m"}}
	err := f.pull(ctx, c.Symbol, from, to, []level{
		{endpoint: candles, query: bars, cursor: "after", limit: 300, step: feeds.CandleLength, depth: entries * feeds.CandleLength},
		{endpoint: historyCandles, query: bars, cursor: "after", limit: 300, step: feeds.CandleLength},
	}, func(d *jx.Decoder) (time.Time, func(), error) {
		bar, closed, err := readCandle(d, c)
		return bar.Start, func() {
			if closed {
				list = append(list, bar)
			}
		}, err
	})
	return oldestFirst(list, func(c market.Candle) time.Time { return c.Start }), err
}

// readCandle reads [ts, open, high, low, close, contracts, coins, quote, confirm].
func readCandle(d *jx.Decoder, c market.Contract) (bar market.Candle, closed bool, err error) {
	row, at, err := readCells(d, 9)
	if err == nil {
		err = whole(at)
	}
	if err != nil {
		return bar, false, err
	}
	bar = market.Candle{
		Start: at, Length: feeds.CandleLength,
		OpenUSD: row[1] / c.QuotedCoins, HighUSD: row[2] / c.QuotedCoins, LowUSD: row[3] / c.QuotedCoins, CloseUSD: row[4] / c.QuotedCoins,
		VolumeCoins: coinsOf(row[6], row[5], c),
	}
	return bar, row[8] == 1, nil
}

// extremes are those of the mark price in a candle.
type extremes struct{ high, low float64 }

// markExtremes reads rows of [ts, open, high, low, close, confirm] by their start.
//
// https://www.okx.com/docs-v5/en/#public-data-rest-api-get-mark-price-candlesticks
func (f *Feed) markExtremes(ctx context.Context, c market.Contract, from, to time.Time, into map[int64]extremes) error {
	bars := url.Values{"bar": {"5m"}}
	return f.pull(ctx, c.Symbol, from, to, []level{
		{endpoint: markCandles, query: bars, cursor: "after", limit: 100, step: feeds.CandleLength, depth: entries * feeds.CandleLength},
		{endpoint: markCandlesBefore, query: bars, cursor: "after", limit: 100, step: feeds.CandleLength},
	}, func(d *jx.Decoder) (time.Time, func(), error) {
		at, m, err := readMark(d, c)
		return at, func() {
			if m != (extremes{}) {
				into[at.UnixMilli()] = m
			}
		}, err
	})
}

// readMark yields no extremes when they cannot be or the candle is not closed.
func readMark(d *jx.Decoder, c market.Contract) (at time.Time, m extremes, err error) {
	row, at, err := readCells(d, 6)
	if err == nil {
		err = whole(at)
	}
	if err != nil {
		return at, m, err
	}
	high, low := row[2]/c.QuotedCoins, row[3]/c.QuotedCoins
	if row[5] == 1 && feeds.PossiblePrice(high) && feeds.PossiblePrice(low) && low <= high {
		m = extremes{high, low}
	}
	return at, m, nil
}

// takerShares reads the share of the volume that takers bought, by the start of the
// candle.
func (f *Feed) takerShares(ctx context.Context, c market.Contract, from, to time.Time, into map[int64]float64) error {
	return f.pull(ctx, c.Symbol, from, to, []level{{
		endpoint: takerVolume, query: url.Values{"period": {"5m"}, "unit": {"0"}}, cursor: "end", limit: 100,
		step: feeds.CandleLength, depth: entries * feeds.CandleLength,
	}}, func(d *jx.Decoder) (time.Time, func(), error) {
		at, share, known, err := readTakers(d)
		return at, func() {
			if known {
				into[at.UnixMilli()] = share
			}
		}, err
	})
}

// readTakers reads [ts, sold, bought]: what takers sold comes first.
//
// https://www.okx.com/docs-v5/en/#trading-statistics-rest-api-get-contract-taker-volume
func readTakers(d *jx.Decoder) (at time.Time, share float64, known bool, err error) {
	row, at, err := readCells(d, 3)
	if err == nil {
		err = whole(at)
	}
	sold, bought := row[1], row[2]
	if err != nil || !feeds.PossibleVolume(sold) || !feeds.PossibleVolume(bought) || sold+bought == 0 {
		return at, 0, false, err
	}
	return at, bought / (sold + bought), true, nil
}

// oldestFirst sorts a list by time and leaves doubles out.
func oldestFirst[T any](list []T, at func(T) time.Time) []T {
	slices.SortStableFunc(list, func(a, b T) int { return at(a).Compare(at(b)) })
	return slices.CompactFunc(list, func(a, b T) bool { return at(a).Equal(at(b)) })
}
