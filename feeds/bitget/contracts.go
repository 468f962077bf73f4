package bitget

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

const quote = "USDT"

// Contracts implements feeds.Feed.
func (f *Feed) Contracts(ctx context.Context) ([]market.Contract, error) {
	body, err := f.get(ctx, pathContracts, url.Values{"productType": {usdt}})
	if err != nil {
		return nil, err
	}
	var trading []contractRow
	left, err := rows(body, func(d *jx.Decoder) error {
		r, err := decodeContract(d)
		if err == nil && r.trades() {
			trading = append(trading, r)
		}
		return err
	})
	if err != nil {
		return nil, bad(pathContracts, err)
	}
	if left > 0 {
		f.cfg.Log.Debug("contracts left out", slog.Int("rows", left))
	}
	return f.oneForACoin(trading), nil
}

// contractRow is what is read of one contract.
type contractRow struct {
	symbol, base, quote, kind, status string
	rwa                               bool
	endStep, places                   float64 // the tick is endStep × 10^-places
	sizeStep                          float64 // in the contract's unit of size
	maxLeverage, fundingHours         float64
}

func decodeContract(d *jx.Decoder) (r contractRow, err error) {
	r.places = math.NaN()
	err = wire.Fields(d, func(key []byte) error {
		switch string(key) {
		case "symbol":
			return text(d, &r.symbol)
		case "baseCoin":
			return text(d, &r.base)
		case "quoteCoin":
			return text(d, &r.quote)
		case "symbolType":
			return text(d, &r.kind)
		case "symbolStatus":
			return text(d, &r.status)
		case "isRwa":
			return flag(d, &r.rwa)
		case "priceEndStep":
			return float(d, &r.endStep)
		case "pricePlace":
			return float(d, &r.places)
		case "sizeMultiplier":
			return float(d, &r.sizeStep)
		case "maxLever":
			return float(d, &r.maxLeverage)
		case "fundInterval":
			return float(d, &r.fundingHours)
		default:
			return d.Skip()
		}
	})
	return r, err
}

// flag reads YES or NO, or as elsewhere true or false.
func flag(d *jx.Decoder, into *bool) error {
	if d.Next() == jx.Bool {
		v, err := d.Bool()
		*into = v
		return err
	}
	b, err := wire.Text(d)
	*into = strings.EqualFold(string(b), "YES") || strings.EqualFold(string(b), "true")
	return err
}

// trades reports whether the contract is a perpetual of a crypto coin that trades now.
// Rwa are stocks and metals.
func (r contractRow) trades() bool {
	return r.symbol != "" && r.quote == quote && r.kind == "perpetual" && r.status == "normal" && !r.rwa
}

// contract makes coins and USD for one coin of the row. sizeMultiplier is no contract
// size but the step of orders.
func (r contractRow) contract() (market.Contract, error) {
	coin, coins, err := feeds.SplitMultiplier(r.base)
	if err != nil {
		return market.Contract{}, err
	}
	// A multiplier that only the symbol has counts too.
	if c, n, err := feeds.SplitMultiplier(strings.TrimSuffix(r.symbol, quote)); err == nil && c == coin && coins == 1 {
		coins = n
	}
	c := market.Contract{Venue: Venue, Symbol: r.symbol, Coin: coin, Quote: quote, QuotedCoins: coins, ContractCoins: coins}
	if tick := r.endStep * math.Pow(10, -r.places) / coins; feeds.PossiblePrice(tick) {
		c.TickUSD = tick
	}
	if r.maxLeverage >= 1 && r.maxLeverage <= 1000 {
		c.MaxLeverage = r.maxLeverage
	}
	if r.fundingHours > 0 && r.fundingHours <= 7*24 {
		c.FundingInterval = time.Duration(r.fundingHours * float64(time.Hour))
	}
	return c, nil
}

// oneForACoin keeps of several contracts of a coin the one without a multiplier.
func (f *Feed) oneForACoin(rows []contractRow) []market.Contract {
	var all []market.Contract
	for _, r := range rows {
		if c, err := r.contract(); err == nil {
			all = append(all, c)
			f.amounts.step(r.symbol, r.sizeStep)
		}
	}
	slices.SortStableFunc(all, func(a, b market.Contract) int { return cmp.Compare(a.QuotedCoins, b.QuotedCoins) })
	seen := make(map[market.Coin]bool)
	return slices.DeleteFunc(all, func(c market.Contract) bool {
		again := seen[c.Coin]
		seen[c.Coin] = true
		return again
	})
}
