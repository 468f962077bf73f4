package okx

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// quote is the currency of the contracts that are read.
const quote = "USDT"

// Contracts implements feeds.Feed: the linear swaps of crypto coins settled in USDT that
// trade now. The funding interval is told by the stream.
//
// https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments
func (f *Feed) Contracts(ctx context.Context) ([]market.Contract, error) {
	body, err := f.ask(ctx, instruments, "", url.Values{"instType": {"SWAP"}})
	if err != nil {
		return nil, err
	}
	list, skipped, err := decodeContracts(body, f.clock.Now())
	if err != nil {
		return nil, badData("instruments", err)
	}
	if skipped > 0 {
		f.log.Debug("instruments skipped", slog.Int("rows", skipped))
	}
	if len(list) == 0 {
		return nil, badData("instruments", nil)
	}
	return list, nil
}

// decodeContracts keeps one contract for a coin: the one whose price is for one coin.
func decodeContracts(body []byte, now time.Time) (list []market.Contract, skipped int, err error) {
	place := make(map[market.Coin]int)
	skipped, err = rows(body, func(d *jx.Decoder) error {
		var i instrument
		if err := i.read(d); err != nil {
			return err
		}
		if !i.wanted(now) {
			return nil
		}
		c, err := i.contract()
		if err != nil {
			return err
		}
		at, twice := place[c.Coin]
		switch {
		case !twice:
			place[c.Coin] = len(list)
			list = append(list, c)
		case c.QuotedCoins < list[at].QuotedCoins:
			list[at] = c
		}
		return nil
	})
	return list, skipped, err
}

// instrument is a row of the list, as REST and the instruments channel tell it.
type instrument struct {
	id, family, kind, contractType, settle, valueIn, state, rule, category string

	value, multiplier, tick, leverage float64
	expiry                            time.Time
}

func (i *instrument) read(d *jx.Decoder) error {
	texts := map[string]*string{
		"instId": &i.id, "instFamily": &i.family, "instType": &i.kind, "ctType": &i.contractType, "settleCcy": &i.settle,
		"ctValCcy": &i.valueIn, "state": &i.state, "ruleType": &i.rule, "instCategory": &i.category,
	}
	i.multiplier = 1 // of swaps, also where it is not told
	numbers := map[string]*float64{"ctVal": &i.value, "ctMult": &i.multiplier, "tickSz": &i.tick, "lever": &i.leverage}
	return d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		if to := texts[string(key)]; to != nil {
			if d.Next() == jx.Number {
				n, err := d.Num()
				*to = n.String()
				return err
			}
			text, err := wire.Text(d)
			*to = string(text)
			return err
		}
		if to := numbers[string(key)]; to != nil {
			v, ok, err := wire.Float(d)
			if ok {
				*to = v
			}
			return err
		}
		if string(key) == "expTime" {
			at, ok, err := wire.Int(d)
			if ok && at != 0 {
				i.expiry, _, err = wire.Moment(at)
			}
			return err
		}
		return d.Skip()
	})
}

// readable reads a row and reports whether that went well.
func (i *instrument) readable(row []byte) bool { return i.read(jx.DecodeBytes(row)) == nil }

// wanted reports whether this is a linear USDT swap of a crypto coin that trades. The
// name does not tell: BTC-USD-SWAP is inverse. Category 1 is crypto; older answers do not
// have the field.
func (i *instrument) wanted(now time.Time) bool {
	return i.kind == "SWAP" && i.contractType == "linear" && i.settle == quote && i.state == "live" &&
		(i.rule == "" || i.rule == "normal") && (i.category == "" || i.category == "1") &&
		(i.expiry.IsZero() || i.expiry.After(now))
}

// contract turns the venue's factors into coins.
func (i *instrument) contract() (market.Contract, error) {
	base, _, _ := strings.Cut(i.id, "-")
	if i.valueIn != base || !feeds.PossibleCoins(i.value) || !feeds.PossibleCoins(i.multiplier) {
		return market.Contract{}, wire.ErrType
	}
	coin, coins, err := feeds.SplitMultiplier(base)
	if err != nil {
		return market.Contract{}, err
	}
	return market.Contract{
		Venue: Venue, Symbol: i.id, Coin: coin, Quote: quote,
		QuotedCoins: coins, ContractCoins: i.value * i.multiplier * coins,
		TickUSD: max(0, i.tick/coins), MaxLeverage: max(0, i.leverage),
	}, nil
}

// family is the name under which a contract's tiers are listed: BTC-USDT.
func family(c market.Contract) string { return strings.TrimSuffix(c.Symbol, "-SWAP") }
