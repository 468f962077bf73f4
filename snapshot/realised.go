package snapshot

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

// RealisedSum is what was reported as liquidated in a span of time. Venues report only
// part of what they liquidate, so the figures are lower bounds.
type RealisedSum struct {
	// From and To bound the span. A stretch that began before From is left out, so that
	// nothing of before the span is counted.
	From, To time.Time
	// LongUSD and ShortUSD are the notional of the positions of that side, USD.
	LongUSD, ShortUSD float64
	Orders            int
	// Largest is the largest order, nil when there was none, and LargestAt its venue.
	Largest   *market.Liquidation
	LargestAt market.Venue
	// Venues are the watched ones, and those that are watched no more but reported
	// something: the largest sum first.
	Venues []RealisedVenue
}

// TotalUSD is the sum of both sides.
func (s RealisedSum) TotalUSD() float64 { return s.LongUSD + s.ShortUSD }

// RealisedVenue is one venue's part of a RealisedSum.
type RealisedVenue struct {
	// WatchedVenue has only the name of a venue that is watched no more.
	WatchedVenue
	LongUSD, ShortUSD float64
	Orders            int
}

// TotalUSD is the sum of both sides.
func (v RealisedVenue) TotalUSD() float64 { return v.LongUSD + v.ShortUSD }

// Sum adds up what was reported in the span before AsOf. The order of the rows does not
// matter, not even to the last digit.
func (r *Realised) Sum(span time.Duration) RealisedSum { return r.sum(span, r.within(span)) }

func (r *Realised) sum(span time.Duration, rows []*market.Realised) RealisedSum {
	sum := RealisedSum{From: r.AsOf.Add(-span), To: r.AsOf}
	places := make(map[market.Venue]int, len(r.Watched))
	for _, w := range r.Watched {
		places[w.Venue] = len(sum.Venues)
		sum.Venues = append(sum.Venues, RealisedVenue{WatchedVenue: w})
	}
	for _, row := range rows {
		place, known := places[row.Venue]
		if !known {
			place = len(sum.Venues)
			places[row.Venue] = place
			sum.Venues = append(sum.Venues, RealisedVenue{WatchedVenue: WatchedVenue{Venue: row.Venue}})
		}
		v := &sum.Venues[place]
		v.LongUSD += row.LongUSD
		v.ShortUSD += row.ShortUSD
		v.Orders += row.Orders
		sum.LongUSD += row.LongUSD
		sum.ShortUSD += row.ShortUSD
		sum.Orders += row.Orders
		if usd := row.Largest.NotionalUSD(); usd > 0 && (sum.Largest == nil || usd > sum.Largest.NotionalUSD()) {
			largest := row.Largest
			sum.Largest, sum.LargestAt = &largest, row.Venue
		}
	}
	slices.SortFunc(sum.Venues, func(a, b RealisedVenue) int {
		return cmp.Or(cmp.Compare(b.TotalUSD(), a.TotalUSD()), cmp.Compare(a.Venue, b.Venue))
	})
	return sum
}

// within are the rows of the span before AsOf, sorted so that sums do not depend on the
// order in which they came.
func (r *Realised) within(span time.Duration) []*market.Realised {
	from := r.AsOf.Add(-span)
	rows := make([]*market.Realised, 0, len(r.Rows))
	for i := range r.Rows {
		if row := &r.Rows[i]; !row.Start.Before(from) && !row.Start.After(r.AsOf) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, compareRealised)
	return rows
}

// compareRealised orders rows by time and venue. Two rows of one venue and time are there
// after a restart.
func compareRealised(a, b *market.Realised) int {
	if c := a.Start.Compare(b.Start); c != 0 {
		return c
	}
	if c := strings.Compare(string(a.Venue), string(b.Venue)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.LongUSD, b.LongUSD), cmp.Compare(a.ShortUSD, b.ShortUSD), cmp.Compare(a.Orders, b.Orders),
		a.Largest.At.Compare(b.Largest.At), cmp.Compare(a.Largest.NotionalUSD(), b.Largest.NotionalUSD()),
		cmp.Compare(a.Largest.Side, b.Largest.Side))
}

// RealisedBars are realised liquidations cut into equal stretches of time.
type RealisedBars struct {
	// Start is when the first bar begins, Step the length of each. The first and the last
	// may reach beyond the span.
	Start time.Time
	Step  time.Duration
	// Venues are those that reported something, the largest sum first.
	Venues []market.Venue
	// Long and Short are USD by bar and then by venue: the figure of venue v in bar b is
	// at b*len(Venues)+v.
	Long, Short []float64
	// Count is the number of bars.
	Count int
}

// Bars cuts the rows of Sum(span) into bars of a step, which is a multiple of
// market.RealisedLength: nothing that Sum counts is left out. Neither may be zero.
func (r *Realised) Bars(span, step time.Duration) RealisedBars {
	bars := RealisedBars{Start: r.AsOf.Add(-span).Truncate(step), Step: step}
	bars.Count = int(r.AsOf.Sub(bars.Start)/step) + 1
	places := make(map[market.Venue]int)
	rows := r.within(span)
	for _, v := range r.sum(span, rows).Venues {
		if v.TotalUSD() > 0 {
			places[v.Venue] = len(bars.Venues)
			bars.Venues = append(bars.Venues, v.Venue)
		}
	}
	n := len(bars.Venues)
	bars.Long, bars.Short = make([]float64, bars.Count*n), make([]float64, bars.Count*n)
	for _, row := range rows {
		place, known := places[row.Venue]
		if !known {
			continue
		}
		at := int(row.Start.Sub(bars.Start)/step)*n + place
		bars.Long[at] += row.LongUSD
		bars.Short[at] += row.ShortUSD
	}
	return bars
}

// WatchedSince is the moment from which on all of these venues were seen without a gap,
// and whether that is later than another moment.
func (s RealisedSum) WatchedSince() (since time.Time, late bool) {
	for _, v := range s.Venues {
		if v.Since.After(since) {
			since = v.Since
		}
	}
	return since, since.After(s.From)
}

// Imbalance compares the sides: NotMeaningful where one of them has almost nothing.
func (s RealisedSum) Imbalance() liquidation.Imbalance {
	// An error means that a side is empty, which NotMeaningful already says.
	out, _ := liquidation.Compare(s.LongUSD, s.ShortUSD)
	return out
}
