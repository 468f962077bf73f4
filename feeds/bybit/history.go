package bybit

import (
	"context"
	"errors"
	"fmt"
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

// Rows in a page, at most.
const (
	candleRows       = 1000
	openInterestRows = 200
	fundingRows      = 200
)

// maxEmpty is how many empty pages in a row mean that nothing older exists.
const maxEmpty = 2

// ServerTime implements feeds.Clock, https://bybit-exchange.github.io/docs/v5/market/time.
func (f *Feed) ServerTime(ctx context.Context) (time.Time, error) {
	const path = "/v5/market/time"
	body, err := f.rest.Get(ctx, path, nil, rest.Cost{Budget: requests, Weight: 1})
	if err != nil {
		return time.Time{}, err
	}
	var nano, outer time.Time
	err = object(jx.DecodeBytes(body), func(d *jx.Decoder, key string) (err error) {
		switch {
		case key == "time":
			outer, _, err = wire.Time(d)
			return err
		case key != "result" || d.Next() != jx.Object:
			return d.Skip()
		}
		return object(d, func(d *jx.Decoder, key string) (err error) {
			if key != "timeNano" {
				return d.Skip()
			}
			nano, _, err = wire.Time(d)
			return err
		})
	})
	if nano.IsZero() {
		nano = outer
	}
	if err == nil && nano.IsZero() {
		err = errors.New("no time")
	}
	if err != nil {
		return time.Time{}, badData(path, err)
	}
	f.clock.Compare(nano, maxSkew)
	return nano, nil
}

// walk gives windows of at most n steps within [from, to) to ask, the newest first,
// with both ends inclusive, until there is nothing older. One window is one page, so
// that it does not matter which rows a venue would leave out of a longer one.
func walk(from, to time.Time, step time.Duration, n int, ask func(start, end time.Time) (rows int, err error)) error {
	if limit := time.Now().Add(24 * time.Hour); to.After(limit) {
		to = limit
	}
	end := to.Add(step - 1).Truncate(step)
	for empty := 0; end.After(from) && empty < maxEmpty; empty++ {
		start := end.Add(-time.Duration(n) * step)
		if start.Before(from) {
			start = from.Add(step - 1).Truncate(step)
		}
		if !start.Before(end) {
			return nil
		}
		rows, err := ask(start, end.Add(-time.Millisecond))
		if err != nil {
			return err
		}
		if rows > 0 {
			empty = -1
		}
		end = start
	}
	return nil
}

func ms(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func within(at, from, to time.Time) bool { return !at.Before(from) && at.Before(to) }

// bar is a row of a kline.
type bar struct {
	start                          time.Time
	open, high, low, close, volume float64
}

func (b *bar) read(d *jx.Decoder, fields int) error {
	i := 0
	err := d.Arr(func(d *jx.Decoder) error {
		i++
		switch i {
		case 1:
			return moment(d, &b.start)
		case 2:
			return number(d, &b.open)
		case 3:
			return number(d, &b.high)
		case 4:
			return number(d, &b.low)
		case 5:
			return number(d, &b.close)
		case 6:
			return number(d, &b.volume)
		default:
			return d.Skip()
		}
	})
	if err == nil && i < fields {
		err = fmt.Errorf("%w: row of %d fields", wire.ErrType, i)
	}
	return err
}

// kline is a kind of kline and how many fields its rows have at least.
type kline struct {
	path   string
	fields int
}

var (
	traded = kline{"/v5/market/kline", 6}
	marks  = kline{"/v5/market/mark-price-kline", 5}
)

// bars asks for the closed bars of a kind that start in [from, to).
func (f *Feed) bars(ctx context.Context, k kline, c market.Contract, from, to time.Time) ([]bar, error) {
	var closed []bar
	err := walk(from, to, feeds.CandleLength, candleRows, func(start, end time.Time) (int, error) {
		query := url.Values{
			"category": {"linear"}, "symbol": {c.Symbol}, "interval": {"5"},
			"start": {ms(start)}, "end": {ms(end)}, "limit": {strconv.Itoa(candleRows)},
		}
		var got []bar
		p, err := f.list(ctx, k.path, query, func(d *jx.Decoder) error {
			var b bar
			if err := b.read(d, k.fields); err != nil {
				return err
			}
			got = append(got, b)
			return nil
		})
		for _, b := range got {
			over := !b.start.Add(feeds.CandleLength).After(p.at)
			if over && within(b.start, from, to) && b.start.Equal(b.start.Truncate(feeds.CandleLength)) {
				closed = append(closed, b)
			}
		}
		return p.rows, err
	})
	return closed, err
}

// Candles implements feeds.History with two requests for 1000 candles:
// https://bybit-exchange.github.io/docs/v5/market/kline and mark-kline. Bybit's have no
// taker volume.
func (f *Feed) Candles(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Candle, error) {
	found := make(map[time.Time]market.Candle)
	bars, err := f.bars(ctx, traded, c, from, to)
	for _, b := range bars {
		candle := market.Candle{
			Start: b.start, Length: feeds.CandleLength,
			OpenUSD: b.open / c.QuotedCoins, HighUSD: b.high / c.QuotedCoins, LowUSD: b.low / c.QuotedCoins, CloseUSD: b.close / c.QuotedCoins,
			VolumeCoins: b.volume * c.ContractCoins,
		}
		if feeds.PossibleCandle(candle) {
			found[b.start] = candle
		}
	}
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if bars, err = f.bars(ctx, marks, c, from, to); err != nil && !feeds.Permanent(err) {
		return nil, err
	}
	for _, b := range bars {
		candle, ok := found[b.start]
		candle.MarkHighUSD, candle.MarkLowUSD = b.high/c.QuotedCoins, b.low/c.QuotedCoins
		if ok && candle.MarkHighUSD > 0 && candle.MarkLowUSD > 0 && feeds.PossibleCandle(candle) {
			found[b.start] = candle
		}
	}
	list := make([]market.Candle, 0, len(found))
	for _, candle := range found {
		list = append(list, candle)
	}
	slices.SortFunc(list, func(a, b market.Candle) int { return a.Start.Compare(b.Start) })
	return list, nil
}

// OpenInterest implements feeds.History, back to the contract's launch:
// https://bybit-exchange.github.io/docs/v5/market/open-interest. Bybit counts both sides
// of each contract; rows of before June 2026 have no figure of one side and are halved.
func (f *Feed) OpenInterest(ctx context.Context, c market.Contract, from, to time.Time) ([]market.OpenInterestPoint, error) {
	var list []market.OpenInterestPoint
	err := walk(from, to, feeds.CandleLength, openInterestRows, func(start, end time.Time) (int, error) {
		query := url.Values{
			"category": {"linear"}, "symbol": {c.Symbol}, "intervalTime": {"5min"},
			"startTime": {ms(start)}, "endTime": {ms(end)}, "limit": {strconv.Itoa(openInterestRows)},
		}
		p, err := f.list(ctx, "/v5/market/open-interest", query, func(d *jx.Decoder) error {
			point, err := openInterest(d, c)
			if err == nil && point.Coins > 0 && within(point.At, from, to) {
				list = append(list, point)
			}
			return err
		})
		return p.rows, err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b market.OpenInterestPoint) int { return a.At.Compare(b.At) })
	return slices.CompactFunc(list, func(a, b market.OpenInterestPoint) bool { return a.At.Equal(b.At) }), nil
}

// openInterest reads a row. The oldest of a page may tell its time in seconds.
func openInterest(d *jx.Decoder, c market.Contract) (market.OpenInterestPoint, error) {
	var at time.Time
	var one, both float64
	var hasOne, hasBoth bool
	err := object(d, func(d *jx.Decoder, key string) (err error) {
		switch key {
		case "timestamp":
			return moment(d, &at)
		case "singleOpenInterest":
			one, hasOne, err = wire.Float(d)
		case "openInterest":
			both, hasBoth, err = wire.Float(d)
		default:
			return d.Skip()
		}
		return err
	})
	if !hasOne && hasBoth {
		one = both / 2
	}
	point := market.OpenInterestPoint{At: at, Coins: one * c.ContractCoins}
	if err == nil && (at.IsZero() || !hasOne && !hasBoth || !feeds.PossibleVolume(point.Coins)) {
		err = errImpossible
	}
	return point, err
}

// Fundings implements feeds.Fundings:
// https://bybit-exchange.github.io/docs/v5/market/history-fund-rate.
func (f *Feed) Fundings(ctx context.Context, c market.Contract, from, to time.Time) ([]market.FundingPoint, error) {
	var list []market.FundingPoint
	for end := to.Add(-time.Millisecond); !end.Before(from); {
		query := url.Values{
			"category": {"linear"}, "symbol": {c.Symbol},
			"startTime": {ms(from)}, "endTime": {ms(end)}, "limit": {strconv.Itoa(fundingRows)},
		}
		oldest := end
		p, err := f.list(ctx, "/v5/market/funding/history", query, func(d *jx.Decoder) error {
			point, err := funding(d)
			if err == nil && point.At.Before(oldest) {
				oldest = point.At
			}
			if err == nil && within(point.At, from, to) {
				list = append(list, point)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if p.rows < fundingRows || !oldest.Before(end) {
			break
		}
		end = oldest.Add(-time.Millisecond)
	}
	slices.SortStableFunc(list, func(a, b market.FundingPoint) int { return a.At.Compare(b.At) })
	return slices.CompactFunc(list, func(a, b market.FundingPoint) bool { return a.At.Equal(b.At) }), nil
}

func funding(d *jx.Decoder) (market.FundingPoint, error) {
	var point market.FundingPoint
	told := false
	err := object(d, func(d *jx.Decoder, key string) error {
		switch key {
		case "fundingRateTimestamp":
			return moment(d, &point.At)
		case "fundingRate":
			told = true
			return number(d, &point.Rate)
		default:
			return d.Skip()
		}
	})
	if err == nil && (!told || point.At.IsZero() || !feeds.PossibleFunding(point.Rate)) {
		err = errImpossible
	}
	return point, err
}

// LongShort implements feeds.LongShorts: the share of accounts, not of money,
// https://bybit-exchange.github.io/docs/v5/market/long-short-ratio.
func (f *Feed) LongShort(ctx context.Context, c market.Contract) (market.LongShort, error) {
	const path = "/v5/market/account-ratio"
	query := url.Values{"category": {"linear"}, "symbol": {c.Symbol}, "period": {"5min"}, "limit": {"1"}}
	var newest market.LongShort
	_, err := f.list(ctx, path, query, func(d *jx.Decoder) error {
		ratio, err := longShort(d)
		if err == nil && ratio.At.After(newest.At) {
			newest = ratio
		}
		return err
	})
	if err != nil {
		return market.LongShort{}, err
	}
	if newest.At.IsZero() {
		return market.LongShort{}, &feeds.Error{Venue: Venue, Problem: feeds.NotListed, Err: fmt.Errorf("read %s: %s has no row", path, c.Symbol)}
	}
	return newest, nil
}

func longShort(d *jx.Decoder) (market.LongShort, error) {
	var ratio market.LongShort
	err := object(d, func(d *jx.Decoder, key string) error {
		switch key {
		case "timestamp":
			return moment(d, &ratio.At)
		case "buyRatio":
			return number(d, &ratio.Long)
		case "sellRatio":
			return number(d, &ratio.Short)
		default:
			return d.Skip()
		}
	})
	sum := ratio.Long + ratio.Short
	if err == nil && !(ratio.Long >= 0 && ratio.Short >= 0 && sum > 0.98 && sum < 1.02) {
		err = errImpossible
	}
	return ratio, err
}
