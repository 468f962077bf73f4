package bybit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// quote is the currency of the contracts that are listed.
const quote = "USDT"

// instrument is a row of instruments-info,
// https://bybit-exchange.github.io/docs/v5/market/instrument.
type instrument struct {
	symbol, contractType, status, base, quote, settle, symbolType string
	preListing                                                    bool
	launched                                                      int64 // ms
	fundingMinutes, tick, maxLeverage                             float64
}

// Contracts implements feeds.Feed: perpetuals settled in USDT that trade now. Stocks,
// commodities, currencies and contracts before their listing are left out, as Bybit
// flags them. Of two contracts of one coin the older one is taken.
func (f *Feed) Contracts(ctx context.Context) ([]market.Contract, error) {
	const path = "/v5/market/instruments-info"
	query := url.Values{"category": {"linear"}, "limit": {"1000"}}
	var rows []instrument
	_, err := f.all(ctx, path, query, func(d *jx.Decoder) error {
		var in instrument
		if err := in.read(d); err != nil {
			return err
		}
		if in.wanted() {
			rows = append(rows, in)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b instrument) int {
		return cmp.Or(cmp.Compare(a.launched, b.launched), cmp.Compare(a.symbol, b.symbol))
	})
	list := f.onePerCoin(rows)
	if len(list) == 0 {
		return nil, badData(path, errors.New("no contract"))
	}
	return list, nil
}

func (f *Feed) onePerCoin(rows []instrument) []market.Contract {
	taken := make(map[market.Coin]bool)
	var list []market.Contract
	for _, in := range rows {
		c, err := in.contract()
		if err != nil || taken[c.Coin] {
			f.cfg.Log.Debug("contract left out", slog.String("symbol", in.symbol), slog.Any("err", err))
			continue
		}
		taken[c.Coin] = true
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b market.Contract) int { return cmp.Compare(a.Symbol, b.Symbol) })
	return list
}

func (in *instrument) read(d *jx.Decoder) error {
	return object(d, func(d *jx.Decoder, key string) (err error) {
		switch key {
		case "symbol":
			return text(d, &in.symbol)
		case "contractType":
			return text(d, &in.contractType)
		case "status":
			return text(d, &in.status)
		case "baseCoin":
			return text(d, &in.base)
		case "quoteCoin":
			return text(d, &in.quote)
		case "settleCoin":
			return text(d, &in.settle)
		case "symbolType":
			return text(d, &in.symbolType)
		case "isPreListing":
			in.preListing, err = wire.Bool(d)
		case "launchTime":
			in.launched, _, err = wire.Int(d)
		case "fundingInterval":
			in.fundingMinutes, _, err = wire.Float(d)
		case "priceFilter":
			in.tick, err = inner(d, "tickSize")
		case "leverageFilter":
			in.maxLeverage, err = inner(d, "maxLeverage")
		default:
			return d.Skip()
		}
		return err
	})
}

// inner reads one number of an object; 0 when it is not told.
func inner(d *jx.Decoder, name string) (v float64, err error) {
	if d.Next() == jx.Null {
		return 0, d.Null()
	}
	err = object(d, func(d *jx.Decoder, key string) (err error) {
		if key != name {
			return d.Skip()
		}
		v, _, err = wire.Float(d)
		return err
	})
	return v, err
}

func (in *instrument) wanted() bool {
	crypto := in.symbolType == "" || in.symbolType == "innovation"
	return in.contractType == "LinearPerpetual" && in.status == "Trading" && in.quote == quote &&
		(in.settle == quote || in.settle == "") && !in.preListing && crypto
}

// contract finds the multiplier, which no field tells: it is in the names, before or
// behind the coin (1000PEPEUSDT, SHIB1000USDT).
func (in *instrument) contract() (market.Contract, error) {
	name, ok := strings.CutSuffix(in.symbol, quote)
	if !ok {
		return market.Contract{}, fmt.Errorf("symbol %q does not end in %s", in.symbol, quote)
	}
	coin, coins, err := feeds.SplitMultiplier(name)
	if err != nil {
		return market.Contract{}, err
	}
	if in.base != "" && in.base != name {
		// A base asset without the multiplier that the symbol has, or with another name.
		if coin, _, err = feeds.SplitMultiplier(in.base); err != nil {
			return market.Contract{}, err
		}
	}
	interval := time.Duration(in.fundingMinutes * float64(time.Minute))
	if !(in.tick >= 0 && in.tick <= 1e9 && in.maxLeverage >= 0 && in.maxLeverage <= 1e4 && interval >= 0 && interval <= 7*24*time.Hour) {
		return market.Contract{}, errImpossible
	}
	return market.Contract{
		Venue: Venue, Symbol: in.symbol, Coin: coin, QuotedCoins: coins, ContractCoins: coins, Quote: quote,
		TickUSD: in.tick / coins, MaxLeverage: in.maxLeverage, FundingInterval: interval,
	}, nil
}
