package coinglass

import (
	"cmp"
	"context"
	"net/url"
	"sync"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/coinglass/wire"
)

// extras is what is known besides the map; nil for what cannot be had.
type extras struct {
	week       *dated[candles]
	liquidated *dated[wire.Liquidated]
	interest   *dated[wire.OpenInterest]
	fundings   *dated[wire.Fundings]
	flows      *dated[[]wire.FlowDay]
}

// extrasWithin bounds how long a snapshot waits for figures that it can do
// without. A figure that does not come in time counts as failed.
const extrasWithin = 4 * time.Second

// extras fetches all optional figures at once and waits for them.
func (s *Source) extras(ctx context.Context, coin market.Coin) extras {
	ctx, cancel := context.WithTimeout(ctx, extrasWithin)
	defer cancel()
	var x extras
	var wg sync.WaitGroup
	symbol := string(coin)
	wg.Go(func() { x.week = optional(s.pastWeek(ctx, coin)) })
	wg.Go(func() {
		query := url.Values{"symbol": {symbol}, "range": {"24h"}}
		x.liquidated = optional(s.liquidated.get(ctx, symbol, ask(s.client, liquidationTotals, query, wire.DecodeLiquidated)))
	})
	wg.Go(func() {
		query := url.Values{"symbol": {symbol}}
		x.interest = optional(s.interest.get(ctx, symbol, ask(s.client, openInterestList, query, wire.DecodeOpenInterest)))
	})
	wg.Go(func() {
		x.fundings = optional(s.fundings.get(ctx, "", ask(s.client, fundingList, nil, wire.DecodeFundings)))
	})
	if e, ok := flowsOf(coin); ok {
		wg.Go(func() { x.flows = optional(s.flows.get(ctx, symbol, ask(s.client, e, nil, wire.DecodeFlows))) })
	}
	wg.Wait()
	return x
}

// flowsOf is where a coin's spot-ETF flows are, false for a coin without.
func flowsOf(coin market.Coin) (endpoint, bool) {
	switch coin {
	case "BTC":
		return bitcoinFlows, true
	case "ETH":
		return ethereumFlows, true
	default:
		return "", false
	}
}

// optional drops the error, which the shelf has logged.
func optional[T any](v dated[T], err error) *dated[T] {
	if err != nil {
		return nil
	}
	return &v
}

// fill puts the figures into a snapshot that has its price.
func (s *Source) fill(snap *snapshot.Snapshot, x extras) {
	snap.Range = s.priceRange(x.week, snap.Price)
	snap.Liquidations = liquidations(x.liquidated)
	snap.OpenInterest = openInterest(x.interest)
	snap.Funding = s.funding(x.fundings, snap.Key.Coin)
	if x.flows != nil {
		snap.ETF = etfFlow(x.flows.value, s.now().UTC())
	}
}

func measured(at time.Time, venues ...market.Venue) market.Provenance {
	return market.Provenance{Source: name, Origin: market.Measured, AsOf: at.UTC(), Venues: venues}
}

func liquidations(l *dated[wire.Liquidated]) *market.Liquidations {
	if l == nil {
		return nil
	}
	return &market.Liquidations{
		LongUSD: l.value.LongUSD, ShortUSD: l.value.ShortUSD, Over: 24 * time.Hour,
		Provenance: measured(l.at),
	}
}

func openInterest(o *dated[wire.OpenInterest]) *market.OpenInterest {
	if o == nil {
		return nil
	}
	return &market.OpenInterest{
		USD: o.value.USD, Coins: o.value.Coins,
		Change24h: o.value.Change24h / 100, HasChange24h: o.value.HasChange24h,
		Provenance: measured(o.at),
	}
}

// funding is the rate on the chosen exchange, or on the biggest that has one.
func (s *Source) funding(f *dated[wire.Fundings], coin market.Coin) *market.Funding {
	if f == nil {
		return nil
	}
	var best *wire.Funding
	for _, r := range f.value[string(coin)] {
		if s.exchange != "" && !sameVenue(r.Venue, s.exchange) {
			continue
		}
		if best == nil || cmp.Less(venueRank(market.Venue(r.Venue)), venueRank(market.Venue(best.Venue))) {
			best = &r
		}
	}
	if best == nil {
		return nil
	}
	venue := market.Venue(best.Venue)
	return &market.Funding{
		Venue: venue, Rate: best.Percent / 100, Interval: best.Interval,
		Provenance: measured(f.at, venue),
	}
}
