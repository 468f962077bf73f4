package binance

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
	"liqbot/feeds/wire"
	"liqbot/market"
)

const (
	// statsPage is the most rows that a path below /futures/data gives.
	statsPage = 500
	// statsKept is how far back these paths reach, a little less than the venue's 30 days
	// lest an older start is refused.
	statsKept = 30*24*time.Hour - 10*time.Minute
	// fundingPage is the most funding rates that are given at once.
	fundingPage = 1000
)

// OpenInterest implements feeds.History. The venue keeps 30 days.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Open-Interest-Statistics
func (f *Feed) OpenInterest(ctx context.Context, c market.Contract, from, to time.Time) ([]market.OpenInterestPoint, error) {
	now, err := f.venueNow(ctx)
	if err != nil {
		return nil, err
	}
	if oldest := now.Add(-statsKept); from.Before(oldest) {
		from = oldest
	}
	if to.After(now) {
		to = now
	}
	from, to = roundUp(from.UTC()), roundUp(to.UTC())
	var points []market.OpenInterestPoint
	for at := from; at.Before(to); {
		// It is not told which rows come of a span with more than a page, so none is longer.
		n := min(statsPage, int(to.Sub(at)/feeds.CandleLength))
		end := at.Add(time.Duration(n) * feeds.CandleLength)
		body, err := f.get(ctx, "/futures/data/openInterestHist", url.Values{
			"symbol": {c.Symbol}, "period": {"5m"}, "limit": {strconv.Itoa(n)},
			"startTime": {millis(at)}, "endTime": {millis(end.Add(-time.Millisecond))},
		}, rest.Cost{Budget: stats, Weight: 1})
		if err != nil {
			return nil, err
		}
		err = rows(body, func(row *jx.Decoder) error {
			s, err := parseStat(row)
			if coins := s.coins * c.ContractCoins; err == nil && !s.at.Before(at) && s.at.Before(end) && feeds.PossibleCoins(coins) {
				points = append(points, market.OpenInterestPoint{At: s.at, Coins: coins})
			}
			return err
		})
		if err != nil {
			return nil, badData("read open interest", err)
		}
		at = end
	}
	return oldestFirst(points, func(p market.OpenInterestPoint) time.Time { return p.At }), nil
}

// LongShort implements feeds.LongShorts: of all accounts, in the newest five minutes.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Long-Short-Ratio
func (f *Feed) LongShort(ctx context.Context, c market.Contract) (market.LongShort, error) {
	body, err := f.get(ctx, "/futures/data/globalLongShortAccountRatio", url.Values{
		"symbol": {c.Symbol}, "period": {"5m"}, "limit": {"1"},
	}, rest.Cost{Budget: stats, Weight: 1})
	if err != nil {
		return market.LongShort{}, err
	}
	var newest stat
	err = rows(body, func(row *jx.Decoder) error {
		s, err := parseStat(row)
		if err == nil && s.at.After(newest.at) {
			newest = s
		}
		return err
	})
	if err != nil {
		return market.LongShort{}, badData("read the long/short ratio", err)
	}
	// The shares are rounded, so that they may add up to a little less or more.
	sum := newest.long + newest.short
	if !(newest.long >= 0 && newest.short >= 0 && sum > 0.98 && sum < 1.02) {
		return market.LongShort{}, badData("read the long/short ratio", errEmpty)
	}
	return market.LongShort{At: newest.at, Long: newest.long / sum, Short: newest.short / sum}, nil
}

// stat is a row of a path below /futures/data, whose times come as numbers though they are
// documented as strings; what it does not tell is zero.
type stat struct {
	at                 time.Time
	coins, long, short float64
}

func parseStat(d *jx.Decoder) (s stat, err error) {
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "timestamp":
			s.at, err = need(wire.Time(d))
		case "sumOpenInterest":
			s.coins, _, err = wire.Float(d)
		case "longAccount":
			s.long, _, err = wire.Float(d)
		case "shortAccount":
			s.short, _, err = wire.Float(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if err == nil && s.at.IsZero() {
		err = errEmpty
	}
	return s, err
}

// Fundings implements feeds.Fundings. Times are rounded to the minute: the venue pays
// some milliseconds after it.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Get-Funding-Rate-History
func (f *Feed) Fundings(ctx context.Context, c market.Contract, from, to time.Time) ([]market.FundingPoint, error) {
	var points []market.FundingPoint
	for at := from; at.Before(to); {
		body, err := f.get(ctx, "/fapi/v1/fundingRate", url.Values{
			"symbol": {c.Symbol}, "limit": {strconv.Itoa(fundingPage)},
			"startTime": {millis(at)}, "endTime": {millis(to.Add(-time.Millisecond))},
		}, rest.Cost{Budget: funding, Weight: 1}, rest.Cost{Budget: weight, Weight: 1})
		if err != nil {
			return nil, err
		}
		n, newest := 0, at
		err = rows(body, func(row *jx.Decoder) error {
			n++
			paid, rate, err := parseFunding(row)
			if err != nil {
				return err
			}
			if paid.After(newest) {
				newest = paid
			}
			p := market.FundingPoint{At: paid.Round(time.Minute), Rate: rate}
			if !p.At.Before(from) && p.At.Before(to) && feeds.PossibleFunding(rate) {
				points = append(points, p)
			}
			return nil
		})
		if err != nil {
			return nil, badData("read funding rates", err)
		}
		if n < fundingPage || !newest.After(at) {
			break
		}
		at = newest.Add(time.Millisecond)
	}
	return oldestFirst(points, func(p market.FundingPoint) time.Time { return p.At }), nil
}

func parseFunding(d *jx.Decoder) (at time.Time, rate float64, err error) {
	hasAt, hasRate := false, false
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "fundingTime":
			at, hasAt, err = wire.Time(d)
		case "fundingRate":
			rate, hasRate, err = wire.Float(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if err == nil && (!hasAt || !hasRate) {
		err = errEmpty
	}
	return at, rate, err
}
