package exchanges

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"liqbot/feeds"
	"liqbot/market"
	"liqbot/snapshot"
)

// disbelieve tells the host when a venue's price begins or ends to be far from the
// others'.
func (s *Source) disbelieve(p part, is bool) {
	if p.listing.disbelieved == is {
		return
	}
	p.listing.disbelieve(is)
	p.listing.tape.disbelieved(p.listing)
	log := s.cfg.Log.With(slog.String("venue", string(p.venue)), slog.String("symbol", p.listing.contract.Symbol), slog.Float64("mark", p.listing.live.markUSD))
	if is {
		log.Warn("price is far from all other venues', venue left out")
		return
	}
	log.Info("price agrees with other venues again")
}

// figures are what each venue says of the coin, silent ones left out.
func (s *Source) figures(c *coin, now time.Time) []market.VenueFigures {
	var out []market.VenueFigures
	for _, v := range s.venues {
		l := c.listings[v.name]
		if l == nil || l.live.markUSD == 0 || now.Sub(l.live.at) > s.cfg.Quiet || l.disbelieved {
			continue
		}
		f := market.VenueFigures{
			Venue: v.name, Symbol: l.contract.Symbol, MarkUSD: l.live.markUSD, AsOf: l.live.at.UTC(),
			LongShort: l.longShort, Coverage: coverage(v.feed),
		}
		if l.live.coins > 0 {
			f.OpenInterest = l.openInterest(v.name, now)
		}
		if l.live.hasFunding && now.Sub(l.live.fundingAt) < oldFunding {
			rate := l.live.funding
			if l.usualFunding != nil {
				rate.UsualRate, rate.HasUsual = *l.usualFunding, true
			}
			f.Funding = &rate
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b market.VenueFigures) int { return cmp.Compare(interestUSD(b), interestUSD(a)) })
	return out
}

func interestUSD(f market.VenueFigures) float64 {
	if f.OpenInterest == nil {
		return 0
	}
	return f.OpenInterest.USD
}

// oldFunding is the age from which on a funding rate is not shown: a venue may tell it once
// in a while, but no rate is accrued for a day.
const oldFunding = 2 * time.Hour

func coverage(f feeds.Feed) market.LiquidationCoverage {
	if c, ok := f.(feeds.Coverage); ok {
		return c.LiquidationCoverage()
	}
	return ""
}

// openInterest is the venue's, with its change in coins since a day ago where that is
// known.
func (l *listing) openInterest(venue market.Venue, now time.Time) *market.OpenInterest {
	o := &market.OpenInterest{
		Coins: l.live.coins, USD: l.live.coins * l.live.markUSD,
		Provenance: market.Provenance{Source: Name, Origin: market.Measured, AsOf: l.live.coinsAt.UTC(), Venues: []market.Venue{venue}},
	}
	if old, ok := l.bars.at(now.Add(-24*time.Hour - l.live.shift).Truncate(feeds.CandleLength)); ok && !old.assumed && old.coins > 0 {
		o.Change24h, o.HasChange24h = l.live.coins/float64(old.coins)-1, true
	}
	return o
}

// addUp fills the snapshot's sums over the venues of the map.
func addUp(snap *snapshot.Snapshot, parts []part, now time.Time) {
	total := &market.OpenInterest{Provenance: market.Provenance{Source: Name, Origin: market.Measured}}
	before, known := 0.0, true
	for _, p := range parts {
		if p.listing.live.coins == 0 {
			continue
		}
		one := p.listing.openInterest(p.venue, now)
		total.Coins += one.Coins
		total.USD += one.USD
		total.Provenance.Venues = append(total.Provenance.Venues, p.venue)
		if at := one.Provenance.AsOf; total.Provenance.AsOf.IsZero() || at.Before(total.Provenance.AsOf) {
			total.Provenance.AsOf = at
		}
		// The change is that of the venues that have one; they are nearly all.
		if one.HasChange24h {
			before += one.Coins / (1 + one.Change24h)
		} else {
			before += one.Coins
			known = known && one.Coins < total.Coins/10
		}
	}
	if total.Coins > 0 {
		if before > 0 && known {
			total.Change24h, total.HasChange24h = total.Coins/before-1, true
		}
		snap.OpenInterest = total
	}
	if live := &parts[0].listing.live; live.hasFunding && now.Sub(live.fundingAt) < oldFunding {
		f := live.funding
		snap.Funding = &market.Funding{
			Venue: parts[0].venue, Rate: f.Rate, Interval: f.Interval,
			Provenance: market.Provenance{Source: Name, Origin: market.Measured, AsOf: live.fundingAt.UTC(), Venues: []market.Venue{parts[0].venue}},
		}
	}
	if snap.Realised != nil {
		snap.Liquidations = dayOf(snap.Realised)
	}
}

// dayOf adds up what was reported in the last day, or since the first report of it.
func dayOf(r *snapshot.Realised) *market.Liquidations {
	told := r.Sum(24 * time.Hour)
	since := r.AsOf
	for _, v := range told.Venues {
		if !v.Since.IsZero() && v.Since.Before(since) {
			since = v.Since
		}
	}
	if len(r.Rows) > 0 && r.Rows[0].Start.Before(since) {
		since = r.Rows[0].Start
	}
	if since.Before(told.From) {
		since = told.From
	}
	sum := &market.Liquidations{
		LongUSD: told.LongUSD, ShortUSD: told.ShortUSD, Over: r.AsOf.Sub(since),
		Provenance: market.Provenance{Source: Name, Origin: market.Measured, AsOf: r.AsOf},
	}
	for _, w := range r.Watched {
		sum.Provenance.Venues = append(sum.Provenance.Venues, w.Venue)
	}
	if sum.Over < market.RealisedLength {
		return nil
	}
	return sum
}

// realised is what was reported as liquidated.
func (s *Source) realised(c *coin, now time.Time) *snapshot.Realised {
	r := &snapshot.Realised{Rows: c.realised.view(), Recent: c.realised.news(now), AsOf: now.UTC()}
	for _, v := range s.venues {
		cover := coverage(v.feed)
		since, l := v.watchedSince(), c.listings[v.name]
		if l == nil || cover == "" || since.IsZero() {
			continue
		}
		if l.since.After(since) { // the venue was watched, but nobody looked at this coin
			since = l.since
		}
		r.Watched = append(r.Watched, snapshot.WatchedVenue{Venue: v.name, Coverage: cover, Since: since.UTC()})
	}
	if len(r.Watched) == 0 {
		return nil
	}
	return r
}
