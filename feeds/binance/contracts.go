package binance

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// quote is the venue's main quote currency.
const quote = "USDT"

// usualFunding is the funding interval of contracts that the venue lists no other for.
const usualFunding = 8 * time.Hour

// Contracts implements feeds.Feed.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Exchange-Information
func (f *Feed) Contracts(ctx context.Context) ([]market.Contract, error) {
	body, err := f.get(ctx, "/fapi/v1/exchangeInfo", nil, rest.Cost{Budget: weight, Weight: 1})
	if err != nil {
		return nil, err
	}
	list, perMinute, err := parseExchangeInfo(body)
	if err != nil {
		return nil, badData("read the list of contracts", err)
	}
	if len(list) == 0 {
		return nil, badData("read the list of contracts", errEmpty)
	}
	if perMinute > 0 {
		f.limit(perMinute)
	}
	intervals, err := f.fundingIntervals(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].FundingInterval = usualFunding
		if d := intervals[list[i].Symbol]; d > 0 {
			list[i].FundingInterval = d
		}
		if t, _ := f.Tiers(ctx, list[i]); len(t.Tiers) > 0 {
			list[i].MaxLeverage = t.Tiers[0].MaxLeverage
		}
	}
	return list, nil
}

// parseExchangeInfo reads the contracts that this feed is for and the weight that may be
// used in a minute, 0 if it is not told.
func parseExchangeInfo(body []byte) (list []market.Contract, perMinute int64, err error) {
	seen := make(map[market.Coin]bool)
	found := false
	err = object(body, func(d *jx.Decoder, key []byte) error {
		switch string(key) {
		case "symbols":
			found = true
			good, err := elements(d, func(row *jx.Decoder) error {
				c, ok, err := parseSymbol(row)
				// One contract for a coin: the first in the venue's list is the oldest.
				if err == nil && ok && !seen[c.Coin] {
					seen[c.Coin] = true
					list = append(list, c)
				}
				return err
			})
			if err == nil && !good {
				err = fmt.Errorf("%w: no contract can be read", wire.ErrType)
			}
			return err
		case "rateLimits":
			_, err := elements(d, func(row *jx.Decoder) error {
				if n, err := parseRateLimit(row); err == nil && n > 0 {
					perMinute = n
				}
				return nil
			})
			return err
		default:
			return d.Skip()
		}
	})
	if err == nil && !found {
		err = errEmpty
	}
	return list, perMinute, err
}

// parseRateLimit is the weight that may be used in a minute, 0 if the row is of another
// limit.
func parseRateLimit(d *jx.Decoder) (limit int64, err error) {
	var kind, interval string
	var many int64
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "rateLimitType":
			kind, err = d.Str()
		case "interval":
			interval, err = d.Str()
		case "intervalNum":
			many, _, err = wire.Int(d)
		case "limit":
			limit, _, err = wire.Int(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if kind != "REQUEST_WEIGHT" || interval != "MINUTE" || many != 1 || limit < 12 {
		return 0, err
	}
	return limit, err
}

// symbolRow is a row of the list of contracts.
type symbolRow struct {
	symbol, base, quote, margin, kind, status, underlying string
	tick                                                  float64
}

func parseSymbol(d *jx.Decoder) (c market.Contract, ok bool, err error) {
	var r symbolRow
	texts := map[string]*string{
		"symbol": &r.symbol, "baseAsset": &r.base, "quoteAsset": &r.quote, "marginAsset": &r.margin,
		"contractType": &r.kind, "status": &r.status, "underlyingType": &r.underlying,
	}
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		if text := texts[string(key)]; text != nil {
			var b []byte
			b, err = wire.Text(d)
			*text = string(b)
			return err
		}
		if string(key) == "filters" && d.Next() == jx.Array {
			r.tick, err = parseTick(d)
			return err
		}
		return d.Skip()
	})
	if err != nil || !r.wanted() {
		return c, false, err
	}
	coin, coins, err := feeds.SplitMultiplier(r.base)
	if err != nil {
		return c, false, err
	}
	// One unit of size is one of what the price is for, multiplier and all.
	c = market.Contract{Venue: Venue, Symbol: r.symbol, Coin: coin, QuotedCoins: coins, ContractCoins: coins, Quote: r.quote, TickUSD: r.tick / coins}
	return c, true, nil
}

// wanted reports whether the row is a linear perpetual of a crypto coin that trades now.
// Indices, stocks, metals and what has not begun to trade are of another contract type or
// of another underlying type, where one is told.
func (r *symbolRow) wanted() bool {
	return r.symbol != "" && r.kind == "PERPETUAL" && r.status == "TRADING" &&
		r.quote == quote && r.margin == quote && (r.underlying == "COIN" || r.underlying == "")
}

// parseTick reads the price step out of a contract's filters, 0 if there is none.
func parseTick(d *jx.Decoder) (tick float64, err error) {
	_, err = elements(d, func(row *jx.Decoder) error {
		return row.ObjBytes(func(d *jx.Decoder, key []byte) error {
			if string(key) != "tickSize" {
				return d.Skip()
			}
			v, ok, err := wire.Float(d)
			if err == nil && ok && feeds.PossiblePrice(v) {
				tick = v
			}
			return err
		})
	})
	return tick, err
}

// fundingIntervals are the funding intervals that are not the usual one, by symbol. When
// they cannot be had, those that were told before stand in, or none.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Get-Funding-Rate-Info
func (f *Feed) fundingIntervals(ctx context.Context) (map[string]time.Duration, error) {
	body, err := f.get(ctx, "/fapi/v1/fundingInfo", nil, rest.Cost{Budget: funding, Weight: 1})
	var now map[string]time.Duration
	if err == nil {
		now, err = parseFundingInfo(body)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.cfg.Log.Warn("funding intervals unknown", slog.Any("err", err))
		return f.intervals, nil
	}
	f.intervals = now
	return now, nil
}

func parseFundingInfo(body []byte) (map[string]time.Duration, error) {
	intervals := make(map[string]time.Duration)
	err := rows(body, func(row *jx.Decoder) error {
		var symbol string
		var hours int64
		err := row.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
			switch string(key) {
			case "symbol":
				symbol, err = d.Str()
			case "fundingIntervalHours":
				hours, _, err = wire.Int(d)
			default:
				err = d.Skip()
			}
			return err
		})
		if err == nil && hours > 0 && hours <= 24 {
			intervals[symbol] = time.Duration(hours) * time.Hour
		}
		return err
	})
	return intervals, err
}
