package binance

import (
	"context"
	_ "embed" // the table of tiers
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"liqbot/market"
)

//go:embed tables/tiers.json
var tiersJSON []byte

// Tiers implements feeds.Tiers: those that the stream told since the start, else those of
// the newest table that has the contract, whose age AsOf tells: September 2026 for the
// largest coins, October 2024 for others. It asks nobody. A contract that is in no table
// has none, without an error.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/account/rest-api/Notional-and-Leverage-Brackets
func (f *Feed) Tiers(_ context.Context, c market.Contract) (market.LeverageTiers, error) {
	f.mu.Lock()
	live, ok := f.live[c.Symbol]
	f.mu.Unlock()
	if ok {
		return market.LeverageTiers{Tiers: slices.Clone(live.Tiers), AsOf: live.AsOf}, nil
	}
	table, err := tierTable()
	if err != nil {
		return market.LeverageTiers{}, badData("read the table of tiers", err)
	}
	t := table[c.Symbol]
	return market.LeverageTiers{Tiers: slices.Clone(t.Tiers), AsOf: t.AsOf}, nil
}

// learn keeps tiers that the stream told.
func (f *Feed) learn(symbol string, t market.LeverageTiers) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live[symbol] = t
}

// tierTable is read once, when first asked for.
var tierTable = sync.OnceValues(func() (map[string]market.LeverageTiers, error) {
	var parts []struct {
		AsOf time.Time
		// Tiers: notional from, up to, leverage, maintenance margin rate, deduction.
		Tiers map[string][][5]float64
	}
	if err := json.Unmarshal(tiersJSON, &parts); err != nil {
		return nil, err
	}
	table := make(map[string]market.LeverageTiers)
	for _, part := range parts { // the newest part comes first
		for symbol, rows := range part.Tiers {
			if _, newer := table[symbol]; newer {
				continue
			}
			t := market.LeverageTiers{AsOf: part.AsOf}
			for _, r := range rows {
				t.Tiers = append(t.Tiers, market.LeverageTier{FromUSD: r[0], ToUSD: r[1], MaxLeverage: r[2], MaintenanceMarginRate: r[3], DeductionUSD: r[4]})
			}
			if !arrange(t.Tiers) {
				return nil, fmt.Errorf("impossible tiers of %s", symbol)
			}
			table[symbol] = t
		}
	}
	return table, nil
})

// arrange sorts tiers, opens the last one upwards, and reports whether they can be true:
// without gaps, and with a maintenance margin that has no steps.
func arrange(tiers []market.LeverageTier) bool {
	slices.SortFunc(tiers, func(a, b market.LeverageTier) int {
		switch {
		case a.FromUSD < b.FromUSD:
			return -1
		case a.FromUSD > b.FromUSD:
			return 1
		default:
			return 0
		}
	})
	upTo, rate, deduction := 0.0, 0.0, 0.0
	for i, t := range tiers {
		if t.FromUSD != upTo || !(t.ToUSD > t.FromUSD) || math.IsInf(t.ToUSD, 0) {
			return false
		}
		if !(t.MaintenanceMarginRate > 0 && t.MaintenanceMarginRate >= rate && t.MaintenanceMarginRate <= 1 && t.MaxLeverage >= 1 && t.MaxLeverage <= 1000) {
			return false
		}
		if i > 0 {
			deduction += t.FromUSD * (t.MaintenanceMarginRate - rate)
		}
		if math.Abs(t.DeductionUSD-deduction) > 1+0.01*deduction {
			return false
		}
		upTo, rate = t.ToUSD, t.MaintenanceMarginRate
	}
	if len(tiers) == 0 {
		return false
	}
	tiers[len(tiers)-1].ToUSD = math.Inf(1)
	return true
}
