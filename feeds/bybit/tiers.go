package bybit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// riskLimit is a row of risk-limit.
type riskLimit struct {
	symbol                      string
	limit, maintenance, highest float64
	deduction                   float64
	hasDeduction                bool
}

// Tiers implements feeds.Tiers; Bybit tells them without a key:
// https://bybit-exchange.github.io/docs/v5/market/risk-limit. Deductions that it leaves
// out are computed so that the margin does not jump between tiers.
func (f *Feed) Tiers(ctx context.Context, c market.Contract) (market.LeverageTiers, error) {
	const path = "/v5/market/risk-limit"
	var rows []riskLimit
	bad := 0
	at, err := f.all(ctx, path, url.Values{"category": {"linear"}, "symbol": {c.Symbol}}, func(d *jx.Decoder) error {
		r, err := readRiskLimit(d)
		if err != nil {
			bad++
		} else if r.symbol == c.Symbol {
			rows = append(rows, r)
		}
		return err
	})
	if err != nil {
		return market.LeverageTiers{}, err
	}
	if len(rows) == 0 {
		return market.LeverageTiers{}, &feeds.Error{Venue: Venue, Problem: feeds.NotListed, Err: fmt.Errorf("read %s: %s has no tier", path, c.Symbol)}
	}
	if bad > 0 { // a table with a hole would be wrong around it
		return market.LeverageTiers{}, badData(path, fmt.Errorf("%d tiers cannot be read", bad))
	}
	tiers, err := ladder(rows)
	if err != nil {
		return market.LeverageTiers{}, badData(path, err)
	}
	return market.LeverageTiers{Tiers: tiers, AsOf: at}, nil
}

func readRiskLimit(d *jx.Decoder) (riskLimit, error) {
	var r riskLimit
	err := object(d, func(d *jx.Decoder, key string) (err error) {
		switch key {
		case "symbol":
			return text(d, &r.symbol)
		case "riskLimitValue":
			return number(d, &r.limit)
		case "maintenanceMargin":
			return number(d, &r.maintenance)
		case "maxLeverage":
			return number(d, &r.highest)
		case "mmDeduction":
			r.deduction, r.hasDeduction, err = wire.Float(d)
			return err
		default:
			return d.Skip()
		}
	})
	if err == nil && !(r.limit > 0 && r.maintenance > 0 && r.highest >= 1 && r.highest <= 1e4 && r.deduction >= 0) {
		err = errImpossible
	}
	return r, err
}

// ladder orders the rows, which come in no order, and joins them.
func ladder(rows []riskLimit) ([]market.LeverageTier, error) {
	slices.SortStableFunc(rows, func(a, b riskLimit) int { return cmp.Compare(a.limit, b.limit) })
	rows = slices.CompactFunc(rows, func(a, b riskLimit) bool { return a.limit == b.limit })
	// Rates are fractions, yet have been seen as percent. A position at the highest
	// leverage must have more margin than it has to maintain, which tells them apart.
	unit := 1.0
	if rows[0].maintenance >= 1/rows[0].highest {
		unit = 0.01
	}
	tiers := make([]market.LeverageTier, 0, len(rows))
	from, rate, deduction := 0.0, 0.0, 0.0
	for i, r := range rows {
		next := r.maintenance * unit
		if next > 1/r.highest || next < rate {
			return nil, errors.New("maintenance rates that cannot be")
		}
		switch {
		case r.hasDeduction:
			deduction = r.deduction
		case i > 0:
			deduction += from * (next - rate)
		}
		rate = next
		tiers = append(tiers, market.LeverageTier{
			FromUSD: from, ToUSD: r.limit, MaxLeverage: r.highest, MaintenanceMarginRate: rate, DeductionUSD: deduction,
		})
		from = r.limit
	}
	tiers[len(tiers)-1].ToUSD = math.Inf(1)
	return tiers, nil
}
