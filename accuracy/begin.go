package accuracy

import (
	"math"
	"slices"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
)

// begin takes the map at the beginning of an hour, or says why it is none to be scored.
func begin(s *snapshot.Snapshot, hour time.Time, stale bool) (*Hour, Reason) {
	switch {
	case s.Demo():
		return nil, Demo
	case s.Model == nil:
		return nil, Vendored
	case stale:
		return nil, Stale
	case s.Model.Warming():
		return nil, Warming
	case len(s.Map.Provenance().Missing) > 0:
		return nil, Partial
	case s.Realised == nil:
		return nil, Unwatched
	}
	var full, all []market.VenueFigures
	sampled := false
	for _, v := range s.Venues {
		// Where only some accounts are watched, next to nothing of what the map has would be seen.
		reports := v.Coverage == market.EveryOrder || v.Coverage == market.Sampled
		if !reports || !slices.Contains(s.Map.Provenance().Venues, v.Venue) {
			continue
		}
		if v.OpenInterest == nil || !market.Positive(v.OpenInterest.Coins) || !market.Positive(v.MarkUSD) || v.Symbol == "" {
			return nil, Unpriced
		}
		all = append(all, v)
		if v.Coverage == market.EveryOrder {
			full = append(full, v)
		} else {
			sampled = true
		}
	}
	h := &Hour{Start: hour.UTC(), Parameters: s.Model.Parameters, Full: partOf(s, full, hour)}
	if sampled {
		h.All = partOf(s, all, hour)
	}
	if h.Full == nil && h.All == nil {
		return nil, Unwatched
	}
	return h, ""
}

// watched reports whether a venue has been watched from a moment on without a gap.
func watched(s *snapshot.Snapshot, venue market.Venue, since time.Time) bool {
	return s.Realised != nil && slices.ContainsFunc(s.Realised.Watched, func(w snapshot.WatchedVenue) bool {
		return w.Venue == venue && !w.Since.After(since)
	})
}

// partOf is the map of some venues, the one with the largest open interest first; nil
// when there are none or one of them was not watched when the hour began.
func partOf(s *snapshot.Snapshot, venues []market.VenueFigures, hour time.Time) *Part {
	if len(venues) == 0 {
		return nil
	}
	p := &Part{MarkUSD: venues[0].MarkUSD}
	for _, v := range venues {
		if !watched(s, v.Venue, hour) {
			return nil
		}
		p.Venues, p.Symbols = append(p.Venues, v.Venue), append(p.Symbols, v.Symbol)
		p.Coins += v.OpenInterest.Coins
		if v.Coverage != market.EveryOrder {
			p.Sampled = append(p.Sampled, v.Venue)
		}
	}
	mark := place(p.MarkUSD)
	for _, side := range sides {
		band := p.band(side)
		for _, l := range s.Map.Levels(side) {
			if math.Abs(place(l.PriceUSD)-mark) > reach {
				break // they lie outward
			}
			if slices.Contains(p.Venues, l.Venue) {
				band.add(levelOf(l.PriceUSD), l.IntensityUSD)
			}
		}
	}
	return p
}
