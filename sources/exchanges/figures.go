package exchanges

import (
	"context"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// How often what changes slowly is asked for.
const (
	interestEvery = 15 * time.Minute
	figuresEvery  = 10 * time.Minute
	fundingsEvery = 2 * time.Hour
)

// keepInterest asks a venue for the open interest of all its contracts, which ranks the
// coins.
func (s *Source) keepInterest(ctx context.Context, v *venue) {
	teller, ok := v.feed.(feeds.OpenInterests)
	if !ok {
		return
	}
	wait := retryFirst
	for ctx.Err() == nil {
		totals, err := teller.OpenInterests(ctx)
		v.noteFailure("open interest of all", err)
		if err != nil {
			_ = feeds.Pause(ctx, retryAfter(err, wait, s.cfg.Now()))
			wait = min(2*wait, retryMost)
			continue
		}
		s.mu.Lock()
		s.interest[v.name] = totals
		s.mu.Unlock()
		s.curate()
		_ = feeds.Pause(ctx, interestEvery)
	}
}

// keepFigures asks for the share of accounts that are long and for the funding that was
// paid, one coin after the other.
func (v *venue) keepFigures(ctx context.Context) {
	ratios, hasRatios := v.feed.(feeds.LongShorts)
	fundings, hasFundings := v.feed.(feeds.Fundings)
	if !hasRatios && !hasFundings {
		return
	}
	asked := make(map[string]time.Time)
	for ctx.Err() == nil {
		list := v.shown()
		for _, f := range list {
			contract := f.listing.contract
			if hasRatios {
				ratio, err := ratios.LongShort(ctx, contract)
				v.noteFailure("long/short", err)
				if err == nil {
					f.coin.mu.Lock()
					f.listing.longShort = &ratio
					f.listing.tape.longShort(f.listing)
					f.coin.mu.Unlock()
				}
			}
			// Rates are paid every few hours.
			if now := v.engine.cfg.Now(); hasFundings && now.Sub(asked[contract.Symbol]) > fundingsEvery {
				asked[contract.Symbol] = now
				v.usualFunding(ctx, fundings, f)
			}
			_ = feeds.Pause(ctx, figuresEvery/time.Duration(2*len(list)+1))
		}
		if len(list) == 0 {
			_ = feeds.Pause(ctx, retryFirst)
		}
	}
}

// shown are the listings that have a map, the largest coin first.
func (v *venue) shown() []*followed {
	v.mu.Lock()
	var list []*followed
	for _, f := range v.bySymbol {
		list = append(list, f)
	}
	v.mu.Unlock()
	list = v.engine.byRank(list)
	return list
}

func (v *venue) usualFunding(ctx context.Context, teller feeds.Fundings, f *followed) {
	now := v.engine.cfg.Now()
	paid, err := teller.Fundings(ctx, f.listing.contract, now.Add(-7*24*time.Hour), now)
	v.noteFailure("funding", err)
	if err != nil || len(paid) == 0 {
		return
	}
	sum := 0.0
	for _, p := range paid {
		sum += p.Rate
	}
	mean := sum / float64(len(paid))
	f.coin.mu.Lock()
	defer f.coin.mu.Unlock()
	f.listing.usualFunding = &mean
	f.listing.tape.usualFunding(f.listing)
}

// liquidated counts a forced order and reports whether it is new.
func (c *coin) liquidated(venue market.Venue, u *feeds.Update, at, now time.Time) bool {
	return c.realised.add(venue, u.ID, u.Order, at.Sub(u.At), now)
}

// list returns the listing of a contract, a new one when the contract is new or has
// changed.
func (c *coin) list(venue market.Venue, contract market.Contract, now time.Time) *listing {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.listings[venue]; old != nil && sameContract(old.contract, contract) {
		return old
	}
	l := &listing{contract: contract, since: now}
	c.listings[venue] = l
	c.tape.listed(l)
	return l
}

// sameContract reports whether what was known of the one holds for the other: a new tick,
// leverage or funding interval changes nothing of it.
func sameContract(a, b market.Contract) bool {
	a.TickUSD, a.MaxLeverage, a.FundingInterval = b.TickUSD, b.MaxLeverage, b.FundingInterval
	return a == b
}

func (c *coin) delist(venue market.Venue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tape.delisted(c.listings[venue])
	delete(c.listings, venue)
}
