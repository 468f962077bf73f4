package watcher

import (
	"slices"
	"strings"
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// figureLasts is how old a venue's open interest or funding rate may be: neither is told
// as often as a price.
const figureLasts = 15 * time.Minute

// marks are the venues' mark prices, of those that tell one now. One that is far from the
// snapshot's price is no mark of this coin.
func marks(l Limits, s *snapshot.Snapshot, now time.Time) []float64 {
	var out []float64
	for _, v := range s.Venues {
		if market.Positive(v.MarkUSD) && fresh(v.AsOf, now, l) && near(v.MarkUSD, s.Price.USD, agrees) {
			out = append(out, v.MarkUSD)
		}
	}
	return out
}

// vouched reports whether two venues are beyond a level, as far as there are two.
func (m moment) vouched(level float64) bool {
	beyond := 0
	for _, usd := range m.marks {
		if m.past(usd, level) {
			beyond++
		}
	}
	return beyond >= min(len(m.marks), 2)
}

// solo reports whether all that is known is from one venue. Of a vendor that does not tell
// its venues nobody knows.
func solo(marks []float64, s *snapshot.Snapshot) bool {
	return len(marks) == 1 || len(s.Map.Provenance().Venues) == 1
}

// news begins the alert of a rule that is about a figure.
func news(rule alert.Rule, l Limits, g glance, s *snapshot.Snapshot, now time.Time) alert.Alert {
	return alert.Alert{
		Rule: rule, Coin: s.Key.Coin, PriceUSD: g.USD, Kind: s.Price.Kind, At: g.At, Expires: wall(now).Add(l.TTL),
	}
}

// pool is a figure that is made of several venues' figures.
type pool struct {
	// venues has an empty name for a source that does not tell whose figure it is.
	venues []market.Venue
	// asOf is the time of the oldest of them.
	asOf time.Time
}

func (p *pool) add(asOf time.Time, venues ...market.Venue) {
	p.venues = append(p.venues, venues...)
	if p.asOf.IsZero() || asOf.Before(p.asOf) {
		p.asOf = asOf
	}
}

// name is equal for equal sets of venues. A change of it is no move of the market.
func (p *pool) name() string { return strings.Join(names(p.venues), ",") }

// provenance is that of a figure which venues report.
func (p *pool) provenance(s *snapshot.Snapshot) market.Provenance {
	from := s.Price.Provenance
	venues := slices.Sorted(slices.Values(p.venues))
	venues = slices.DeleteFunc(venues, func(v market.Venue) bool { return v == "" })
	return market.Provenance{
		Source: from.Source, Origin: market.Measured, AsOf: wall(p.asOf), Venues: venues, Demo: from.Demo, RecordedAt: from.RecordedAt,
	}
}

// recent reports whether a venue's figure is new enough. One from the future has no age.
func recent(asOf, now time.Time) bool { return now.Sub(asOf) <= figureLasts }
