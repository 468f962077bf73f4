package okx

import (
	"cmp"
	"context"
	"math"
	"net/url"
	"slices"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// Tiers implements feeds.Tiers. The venue bounds tiers in contracts: they are turned into
// USD at the mark price of the moment. It names no deduction: the rate of a tier is that
// of the whole position.
//
// https://www.okx.com/docs-v5/en/#public-data-rest-api-get-position-tiers
func (f *Feed) Tiers(ctx context.Context, c market.Contract) (market.LeverageTiers, error) {
	body, err := f.ask(ctx, positionTiers, "", url.Values{"instType": {"SWAP"}, "tdMode": {"cross"}, "instFamily": {family(c)}})
	if err != nil {
		return market.LeverageTiers{}, err
	}
	price, err := f.ask(ctx, markPrice, c.Symbol, url.Values{"instType": {"SWAP"}, "instId": {c.Symbol}})
	if err != nil {
		return market.LeverageTiers{}, err
	}
	mark, at, err := decodeMark(price, c)
	if err != nil {
		return market.LeverageTiers{}, badData("mark price", err)
	}
	tiers, err := decodeTiers(body, c.ContractCoins*mark)
	if err != nil || len(tiers) == 0 {
		return market.LeverageTiers{}, badData("tiers", err)
	}
	return market.LeverageTiers{Tiers: tiers, AsOf: at}, nil
}

// decodeMark reads the mark price of a contract, USD for one coin.
func decodeMark(body []byte, c market.Contract) (mark float64, at time.Time, err error) {
	_, err = rows(body, func(d *jx.Decoder) error {
		var (
			price float64
			when  time.Time
			same  bool
		)
		err := d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
			switch string(key) {
			case "instId":
				var id []byte
				id, err = wire.Text(d)
				same = string(id) == c.Symbol
			case "markPx":
				price, _, err = wire.Float(d)
			case "ts":
				when, _, err = wire.Time(d)
			default:
				err = d.Skip()
			}
			return err
		})
		if err == nil && same {
			mark, at = price/c.QuotedCoins, when
		}
		return err
	})
	if err == nil && (!feeds.PossiblePrice(mark) || at.IsZero()) {
		err = wire.ErrType
	}
	return mark, at, err
}

// tier is a row of the list, bounds in contracts.
type tier struct{ least, most, rate, leverage float64 }

// decodeTiers yields the tiers lowest first; contractUSD is the value of one contract.
// A tier that cannot be is an error: without it the others would be wrong.
func decodeTiers(body []byte, contractUSD float64) ([]market.LeverageTier, error) {
	var list []tier
	skipped, err := rows(body, func(d *jx.Decoder) error {
		t, err := readTier(d)
		list = append(list, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b tier) int { return cmp.Compare(a.least, b.least) })
	var tiers []market.LeverageTier
	from := 0.0
	for _, t := range list {
		to := t.most * contractUSD
		if skipped > 0 || !(to > from) || math.IsInf(to, 0) || !(t.rate > 0 && t.rate < 1) || !(t.leverage > 0 && t.leverage <= 1000) {
			return nil, wire.ErrType
		}
		tiers = append(tiers, market.LeverageTier{FromUSD: from, ToUSD: to, MaxLeverage: t.leverage, MaintenanceMarginRate: t.rate})
		from = to
	}
	if len(tiers) > 0 {
		tiers[len(tiers)-1].ToUSD = math.Inf(1)
	}
	return tiers, nil
}

func readTier(d *jx.Decoder) (t tier, err error) {
	err = d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "minSz":
			t.least, _, err = wire.Float(d)
		case "maxSz":
			t.most, _, err = wire.Float(d)
		case "mmr":
			t.rate, _, err = wire.Float(d)
		case "maxLever":
			t.leverage, _, err = wire.Float(d)
		default:
			err = d.Skip()
		}
		return err
	})
	return t, err
}
