package gate

import (
	"cmp"
	"context"
	"errors"
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
	// pageOfFundings is Gate's default, the largest that is known to be served.
	pageOfFundings = 100
	// pageOfLiquidations and liquidationSpan are the most that one request may ask for.
	pageOfLiquidations = 1000
	liquidationSpan    = time.Hour
)

// Fundings implements feeds.Fundings. Gate stamps a payment a second or two late.
func (f *Feed) Fundings(ctx context.Context, c market.Contract, from, to time.Time) ([]market.FundingPoint, error) {
	interval := c.FundingInterval
	if interval <= 0 {
		interval = time.Hour
	}
	var all []market.FundingPoint
	for start := from; start.Before(to); start = start.Add((pageOfFundings - 1) * interval) {
		end := start.Add((pageOfFundings - 1) * interval)
		if end.After(to) {
			end = to
		}
		rows, err := f.fundingPage(ctx, c.Symbol, start, end)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	all = slices.DeleteFunc(all, func(p market.FundingPoint) bool { return p.At.Before(from) || !p.At.Before(to) })
	slices.SortStableFunc(all, func(a, b market.FundingPoint) int { return a.At.Compare(b.At) })
	return slices.CompactFunc(all, func(a, b market.FundingPoint) bool { return a.At.Equal(b.At) }), nil
}

// fundingPage asks for a span, in halves if the answer is full: the contract may have
// paid more often in the past.
func (f *Feed) fundingPage(ctx context.Context, symbol string, from, to time.Time) ([]market.FundingPoint, error) {
	body, err := f.get(ctx, pathFunding, url.Values{
		"contract": {symbol}, "limit": {strconv.Itoa(pageOfFundings)}, "from": {unix(from)}, "to": {unix(to)},
	})
	if err != nil {
		return nil, err
	}
	var rows []market.FundingPoint
	n := 0
	if _, err := eachRow(body, func(d *jx.Decoder) error {
		n++
		p := market.FundingPoint{Rate: math.NaN()}
		err := wire.Fields(d, func(key []byte) error {
			switch string(key) {
			case "t":
				return moment(d, &p.At)
			case "r":
				return float(d, &p.Rate)
			default:
				return d.Skip()
			}
		})
		if err == nil && !p.At.IsZero() && feeds.PossibleFunding(p.Rate) {
			p.At = p.At.Truncate(time.Hour) // all intervals are whole hours
			rows = append(rows, p)
		}
		return err
	}); err != nil {
		return nil, bad(pathFunding, err)
	}
	if n < pageOfFundings || to.Sub(from) <= time.Hour {
		return rows, nil
	}
	return inHalves(from, to, func(from, to time.Time) ([]market.FundingPoint, error) {
		return f.fundingPage(ctx, symbol, from, to)
	})
}

// inHalves asks for both halves of a span; times are inclusive on the wire.
func inHalves[T any](from, to time.Time, ask func(from, to time.Time) ([]T, error)) ([]T, error) {
	middle := from.Add(to.Sub(from) / 2).Truncate(time.Second)
	first, err := ask(from, middle)
	if err != nil {
		return nil, err
	}
	second, err := ask(middle.Add(time.Second), to)
	return append(first, second...), err
}

// PastLiquidations implements feeds.PastLiquidations, with the prices at which the orders
// were filled. The stream has other prices and finer times: use one or the other.
func (f *Feed) PastLiquidations(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Liquidation, error) {
	if now := f.now(ctx); to.After(now) {
		to = now
	}
	var all []market.Liquidation
	for start := from; start.Before(to); start = start.Add(liquidationSpan) {
		end := start.Add(liquidationSpan)
		if end.After(to) {
			end = to
		}
		// Both ends are inclusive and in whole seconds.
		rows, err := f.liquidationPage(ctx, c, start.Add(time.Second-1).Truncate(time.Second), end.Add(-1).Truncate(time.Second))
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	slices.SortStableFunc(all, func(a, b market.Liquidation) int { return a.At.Compare(b.At) })
	return all, nil
}

func (f *Feed) liquidationPage(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Liquidation, error) {
	if to.Before(from) {
		return nil, nil
	}
	body, err := f.get(ctx, pathLiquidation, url.Values{
		"contract": {c.Symbol}, "limit": {strconv.Itoa(pageOfLiquidations)}, "from": {unix(from)}, "to": {unix(to)},
	})
	if err != nil {
		return nil, err
	}
	var rows []market.Liquidation
	n := 0
	if _, err := eachRow(body, func(d *jx.Decoder) error {
		n++
		l, err := decodePastLiquidation(d, c)
		if err == nil && possible(l) && !l.At.Before(from) && !l.At.After(to) {
			rows = append(rows, l)
		}
		return err
	}); err != nil {
		return nil, bad(pathLiquidation, err)
	}
	if n < pageOfLiquidations || to.Sub(from) < 2*time.Second {
		return rows, nil
	}
	return inHalves(from, to, func(from, to time.Time) ([]market.Liquidation, error) {
		return f.liquidationPage(ctx, c, from, to)
	})
}

// decodePastLiquidation reads a row of liq_orders. size is the position that was
// liquidated: a long one if positive. order_size has a sign that is described nowhere.
func decodePastLiquidation(d *jx.Decoder, c market.Contract) (market.Liquidation, error) {
	var at time.Time
	var size, fill, order float64
	name := c.Symbol
	err := wire.Fields(d, func(key []byte) error {
		switch string(key) {
		case "contract":
			return text(d, &name)
		case "time":
			return moment(d, &at)
		case "size":
			return float(d, &size)
		case "fill_price":
			return float(d, &fill)
		case "order_price":
			return float(d, &order)
		default:
			return d.Skip()
		}
	})
	if fill == 0 {
		fill = order
	}
	if err == nil && name != c.Symbol {
		err = wire.ErrType // of another contract
	}
	return liquidation(c, at, size, fill), err
}

// liquidation makes coins and USD of a size in contracts, positive for a long position.
func liquidation(c market.Contract, at time.Time, size, price float64) market.Liquidation {
	l := market.Liquidation{At: at, Side: market.Long, Coins: size * c.ContractCoins, PriceUSD: price / c.QuotedCoins}
	if size < 0 {
		l.Side, l.Coins = market.Short, -l.Coins
	}
	return l
}

// maxNotionalUSD bounds one forced order; all of Gate's open interest is less.
const maxNotionalUSD = 1e11

func possible(l market.Liquidation) bool {
	return !l.At.IsZero() && feeds.PossibleCoins(l.Coins) && feeds.PossiblePrice(l.PriceUSD) && l.NotionalUSD() <= maxNotionalUSD
}

// Tiers implements feeds.Tiers.
func (f *Feed) Tiers(ctx context.Context, c market.Contract) (market.LeverageTiers, error) {
	body, err := f.get(ctx, pathTiers, url.Values{"contract": {c.Symbol}})
	if err != nil {
		return market.LeverageTiers{}, err
	}
	var tiers []market.LeverageTier
	left, err := eachRow(body, func(d *jx.Decoder) error {
		t, err := decodeTier(d)
		if err == nil {
			tiers = append(tiers, t)
		}
		return err
	})
	if err == nil && left > 0 {
		err = wire.ErrType // a table with holes would be wrong
	}
	if err == nil {
		tiers, err = joined(tiers)
	}
	if err != nil {
		return market.LeverageTiers{}, bad(pathTiers, err)
	}
	return market.LeverageTiers{Tiers: tiers, AsOf: f.now(ctx)}, nil
}

func decodeTier(d *jx.Decoder) (t market.LeverageTier, err error) {
	err = wire.Fields(d, func(key []byte) error {
		switch string(key) {
		case "risk_limit":
			return float(d, &t.ToUSD)
		case "leverage_max":
			return float(d, &t.MaxLeverage)
		case "maintenance_rate":
			return float(d, &t.MaintenanceMarginRate)
		case "deduction":
			return float(d, &t.DeductionUSD)
		default:
			return d.Skip()
		}
	})
	return t, err
}

// joined puts the tiers in order. Gate tells only their upper bounds.
func joined(tiers []market.LeverageTier) ([]market.LeverageTier, error) {
	if len(tiers) == 0 {
		return nil, errors.New("no tiers")
	}
	slices.SortStableFunc(tiers, func(a, b market.LeverageTier) int { return cmp.Compare(a.ToUSD, b.ToUSD) })
	from := 0.0
	for i := range tiers {
		t := &tiers[i]
		if !(t.ToUSD > from && t.MaxLeverage >= 1 && t.MaintenanceMarginRate > 0 && t.MaintenanceMarginRate < 1 && t.DeductionUSD >= 0) {
			return nil, errors.New("tiers that cannot be")
		}
		t.FromUSD, from = from, t.ToUSD
	}
	tiers[len(tiers)-1].ToUSD = math.Inf(1)
	return tiers, nil
}
