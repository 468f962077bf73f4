package okx

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// OpenInterest implements feeds.History: every five minutes for the newest five days,
// before that every hour for 60 days, then every four hours for 240.
//
// https://www.okx.com/docs-v5/en/#trading-statistics-rest-api-get-contract-open-interest-history
func (f *Feed) OpenInterest(ctx context.Context, c market.Contract, from, to time.Time) ([]market.OpenInterestPoint, error) {
	var list []market.OpenInterestPoint
	by := func(period string, step time.Duration) level {
		return level{
			endpoint: interestHistory, query: url.Values{"period": {period}}, cursor: "end", limit: 100, step: step, depth: entries * step,
		}
	}
	err := f.pull(ctx, c.Symbol, from, to, []level{by("5m", feeds.CandleLength), by("1H", time.Hour), by("4H", 4*time.Hour)},
		func(d *jx.Decoder) (time.Time, func(), error) {
			p, err := readInterest(d, c)
			return p.At, func() {
				if feeds.PossibleCoins(p.Coins) {
					list = append(list, p)
				}
			}, err
		})
	return oldestFirst(list, func(p market.OpenInterestPoint) time.Time { return p.At }), err
}

// readInterest reads [ts, contracts, coins, USD].
func readInterest(d *jx.Decoder, c market.Contract) (market.OpenInterestPoint, error) {
	row, at, err := readCells(d, 3)
	return market.OpenInterestPoint{At: at, Coins: coinsOf(row[2], row[1], c)}, err
}

// OpenInterests implements feeds.OpenInterests, of the linear USDT swaps; the answer does
// not tell stocks from coins.
//
// https://www.okx.com/docs-v5/en/#public-data-rest-api-get-open-interest
func (f *Feed) OpenInterests(ctx context.Context) (map[market.Coin]float64, error) {
	body, err := f.ask(ctx, openInterest, "", url.Values{"instType": {"SWAP"}})
	if err != nil {
		return nil, err
	}
	byCoin, err := decodeInterests(body)
	if err != nil {
		return nil, badData("open interest", err)
	}
	return byCoin, nil
}

func decodeInterests(body []byte) (map[market.Coin]float64, error) {
	byCoin := make(map[market.Coin]float64)
	_, err := rows(body, func(d *jx.Decoder) error {
		var base string
		var usd float64
		err := d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
			switch string(key) {
			case "instId":
				var id []byte
				id, err = wire.Text(d)
				if name, linear := strings.CutSuffix(string(id), "-"+quote+"-SWAP"); linear {
					base = name
				}
			case "oiUsd":
				usd, _, err = wire.Float(d)
			default:
				err = d.Skip()
			}
			return err
		})
		if err != nil || base == "" || !feeds.PossibleCoins(usd) {
			return err
		}
		coin, _, err := feeds.SplitMultiplier(base)
		if err == nil {
			byCoin[coin] += usd
		}
		return err
	})
	return byCoin, err
}

// Fundings implements feeds.Fundings, for about three months.
//
// https://www.okx.com/docs-v5/en/#public-data-rest-api-get-funding-rate-history
func (f *Feed) Fundings(ctx context.Context, c market.Contract, from, to time.Time) ([]market.FundingPoint, error) {
	var list []market.FundingPoint
	// An hour is the shortest interval: the page may hold more than is missing.
	err := f.pull(ctx, c.Symbol, from, to, []level{{endpoint: fundingHistory, query: url.Values{}, cursor: "after", limit: 400, step: time.Hour}},
		func(d *jx.Decoder) (time.Time, func(), error) {
			p, err := readFunding(d)
			return p.At, func() { list = append(list, p) }, err
		})
	return oldestFirst(list, func(p market.FundingPoint) time.Time { return p.At }), err
}

// readFunding takes the rate that was paid; fundingRate was only its forecast.
func readFunding(d *jx.Decoder) (p market.FundingPoint, err error) {
	known := false
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "realizedRate":
			p.Rate, known, err = wire.Float(d)
		case "fundingTime":
			p.At, _, err = wire.Time(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if err == nil && (!known || p.At.IsZero() || !feeds.PossibleFunding(p.Rate)) {
		err = wire.ErrType
	}
	return p, err
}

// LongShort implements feeds.LongShorts, over all accounts, of the newest five minutes.
//
// https://www.okx.com/docs-v5/en/#trading-statistics-rest-api-get-contract-long-short-ratio
func (f *Feed) LongShort(ctx context.Context, c market.Contract) (market.LongShort, error) {
	body, err := f.ask(ctx, accountRatio, c.Symbol, url.Values{"instId": {c.Symbol}, "period": {"5m"}, "limit": {"1"}})
	if err != nil {
		return market.LongShort{}, err
	}
	newest, err := decodeLongShort(body)
	if err != nil || newest.At.IsZero() {
		return market.LongShort{}, badData("long/short ratio", err)
	}
	return newest, nil
}

// decodeLongShort reads rows of [ts, accounts long / accounts short]; it is zero when
// there is none.
func decodeLongShort(body []byte) (newest market.LongShort, err error) {
	_, err = rows(body, func(d *jx.Decoder) error {
		row, at, err := readCells(d, 2)
		if ratio := row[1]; err == nil && ratio >= 0 && ratio < 1e6 && at.After(newest.At) {
			long := ratio / (1 + ratio)
			newest = market.LongShort{At: at, Long: long, Short: 1 - long}
		}
		return err
	})
	return newest, err
}
