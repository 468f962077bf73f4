package bitget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

const (
	pageOfFundings     = 100
	pageOfLiquidations = 100
	// mostPages ends a list that has no end.
	mostPages = 500
)

// Fundings implements feeds.Fundings. The pages are the newest first and have no times.
func (f *Feed) Fundings(ctx context.Context, c market.Contract, from, to time.Time) ([]market.FundingPoint, error) {
	var all []market.FundingPoint
	for page := 1; page <= mostPages; page++ {
		some, n, err := f.fundingPage(ctx, c.Symbol, page)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if n < pageOfFundings || len(some) == 0 || oldest(some).Before(from) {
			break
		}
	}
	all = slices.DeleteFunc(all, func(p market.FundingPoint) bool { return p.At.Before(from) || !p.At.Before(to) })
	slices.SortStableFunc(all, func(a, b market.FundingPoint) int { return a.At.Compare(b.At) })
	return slices.CompactFunc(all, func(a, b market.FundingPoint) bool { return a.At.Equal(b.At) }), nil
}

func oldest(points []market.FundingPoint) time.Time {
	return slices.MinFunc(points, func(a, b market.FundingPoint) int { return a.At.Compare(b.At) }).At
}

// fundingPage is one page and how many rows it had.
func (f *Feed) fundingPage(ctx context.Context, symbol string, page int) (all []market.FundingPoint, n int, err error) {
	body, err := f.get(ctx, pathFundings, url.Values{
		"symbol": {symbol}, "productType": {usdt}, "pageSize": {strconv.Itoa(pageOfFundings)}, "pageNo": {strconv.Itoa(page)},
	})
	if err != nil {
		return nil, 0, err
	}
	if _, err := rows(body, func(d *jx.Decoder) error {
		n++
		p := market.FundingPoint{Rate: math.NaN()}
		err := wire.Fields(d, func(key []byte) error {
			switch string(key) {
			case "fundingTime":
				return moment(d, &p.At)
			case "fundingRate":
				return float(d, &p.Rate)
			default:
				return d.Skip()
			}
		})
		if err == nil && !p.At.IsZero() && feeds.PossibleFunding(p.Rate) {
			all = append(all, p)
		}
		return err
	}); err != nil {
		return nil, 0, bad(pathFundings, err)
	}
	return all, n, nil
}

// LongShort implements feeds.LongShorts. It is made of the two shares: the ratio that
// Bitget adds is a hundredth of what its name says. Bitget answers once a second only.
func (f *Feed) LongShort(ctx context.Context, c market.Contract) (market.LongShort, error) {
	body, err := f.get(ctx, pathAccounts, url.Values{"symbol": {c.Symbol}, "period": {"5m"}})
	if err != nil {
		return market.LongShort{}, err
	}
	var newest market.LongShort
	if _, err := rows(body, func(d *jx.Decoder) error {
		var at time.Time
		var long, short float64
		err := wire.Fields(d, func(key []byte) error {
			switch string(key) {
			case "ts":
				return moment(d, &at)
			case "longAccountRatio":
				return float(d, &long)
			case "shortAccountRatio":
				return float(d, &short)
			default:
				return d.Skip()
			}
		})
		if sum := long + short; err == nil && at.After(newest.At) && long >= 0 && short >= 0 && sum > 0 && !math.IsInf(sum, 0) {
			newest = market.LongShort{At: at, Long: long / sum, Short: 1 - long/sum}
		}
		return err
	}); err != nil {
		return market.LongShort{}, bad(pathAccounts, err)
	}
	if newest.At.IsZero() {
		return newest, &feeds.Error{Venue: Venue, Problem: feeds.NotListed, Err: errors.New("no shares, as for all small contracts")}
	}
	return newest, nil
}

// Tiers implements feeds.Tiers. Bitget tells no deduction: it is such that the margin has
// no jumps.
func (f *Feed) Tiers(ctx context.Context, c market.Contract) (market.LeverageTiers, error) {
	body, err := f.get(ctx, pathTiers, url.Values{"symbol": {c.Symbol}, "productType": {usdt}})
	if err != nil {
		return market.LeverageTiers{}, err
	}
	var tiers []market.LeverageTier
	left, err := rows(body, func(d *jx.Decoder) error {
		t, err := decodeTier(d)
		if err == nil {
			tiers = append(tiers, t)
		}
		return err
	})
	if err == nil && left > 0 {
		err = fmt.Errorf("%w: want whole tiers", wire.ErrType)
	}
	if err == nil {
		err = join(tiers)
	}
	if err != nil {
		return market.LeverageTiers{}, bad(pathTiers, err)
	}
	return market.LeverageTiers{Tiers: tiers, AsOf: f.now(ctx)}, nil
}

func decodeTier(d *jx.Decoder) (t market.LeverageTier, err error) {
	err = wire.Fields(d, func(key []byte) error {
		switch string(key) {
		case "startUnit":
			return float(d, &t.FromUSD)
		case "endUnit":
			return float(d, &t.ToUSD)
		case "leverage":
			return float(d, &t.MaxLeverage)
		case "keepMarginRate":
			return float(d, &t.MaintenanceMarginRate)
		default:
			return d.Skip()
		}
	})
	return t, err
}

// join puts the tiers in order and gives them their deductions.
func join(tiers []market.LeverageTier) error {
	if len(tiers) == 0 {
		return errors.New("no tiers")
	}
	slices.SortStableFunc(tiers, func(a, b market.LeverageTier) int { return cmp.Compare(a.FromUSD, b.FromUSD) })
	from, rate, deduction := 0.0, tiers[0].MaintenanceMarginRate, 0.0
	for i := range tiers {
		t := &tiers[i]
		if t.FromUSD < from || !(t.ToUSD > t.FromUSD && t.MaxLeverage >= 1 && t.MaintenanceMarginRate >= rate && t.MaintenanceMarginRate > 0 && t.MaintenanceMarginRate < 1) {
			return errors.New("tiers that cannot be")
		}
		t.FromUSD = from // the next value in other words, where tiers begin at 50000.01
		deduction += from * (t.MaintenanceMarginRate - rate)
		t.DeductionUSD = deduction
		from, rate = t.ToUSD, t.MaintenanceMarginRate
	}
	tiers[len(tiers)-1].ToUSD = math.Inf(1)
	return nil
}

// PastLiquidations implements feeds.PastLiquidations: three days, without the throttling
// of the stream as far as is known.
func (f *Feed) PastLiquidations(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Liquidation, error) {
	var prints []print
	for page, cursor := 0, ""; page < mostPages; page++ {
		some, next, err := f.liquidationPage(ctx, c.Symbol, cursor)
		if err != nil {
			return nil, err
		}
		prints = append(prints, some...)
		if len(some) == 0 || next == "" || next == cursor || some[len(some)-1].at.Before(from) {
			break
		}
		cursor = next
	}
	// Pages overlap when there are new orders meanwhile.
	seen := make(map[uint64]bool, len(prints))
	prints = slices.DeleteFunc(prints, func(p print) bool {
		id := identity(c.Symbol, &p)
		again := seen[id]
		seen[id] = true
		return again
	})
	for _, p := range prints {
		f.amounts.weigh(c.Symbol, p.amount, p.price)
	}
	unit := f.amounts.Unit()
	var all []market.Liquidation
	for _, p := range prints {
		if l, ok := p.liquidation(&c, unit); ok && !l.At.Before(from) && l.At.Before(to) {
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b market.Liquidation) int { return a.At.Compare(b.At) })
	return all, nil
}

// liquidationPage is one page, the newest first, and the cursor of the next.
func (f *Feed) liquidationPage(ctx context.Context, symbol, cursor string) (all []print, next string, err error) {
	query := url.Values{"category": {usdt}, "symbol": {symbol}, "limit": {strconv.Itoa(pageOfLiquidations)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	body, err := f.get(ctx, pathLiquidations, query)
	if err != nil {
		return nil, "", err
	}
	err = inData(body, func(d *jx.Decoder) error {
		return wire.Fields(d, func(key []byte) error {
			switch string(key) {
			case "cursor":
				return cursorText(d, &next)
			case "list":
				_, err := eachRow(d, func(d *jx.Decoder) error {
					var r row
					err := r.read(d, nil)
					if err == nil && !r.at.IsZero() && (len(r.symbol) == 0 || string(r.symbol) == symbol) {
						all = append(all, r.print)
					}
					return err
				})
				return err
			default:
				return d.Skip()
			}
		})
	})
	if err != nil {
		return nil, "", bad(pathLiquidations, err)
	}
	slices.SortStableFunc(all, func(a, b print) int { return b.at.Compare(a.at) })
	return all, next, nil
}

// cursorText reads a cursor, which may be a number.
func cursorText(d *jx.Decoder, into *string) error {
	if d.Next() == jx.Number {
		n, err := d.Num()
		*into = n.String()
		return err
	}
	return text(d, into)
}
