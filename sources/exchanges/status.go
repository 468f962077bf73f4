package exchanges

import (
	"slices"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// VenueStatus is how a venue's feed is doing, for the host.
type VenueStatus struct {
	Venue market.Venue
	// Up says that all its streams are connected.
	Up bool
	// Newest is the event time of the newest update, in the host's clock; zero before the
	// first.
	Newest time.Time
	// ClockOffset is how far the venue's clock is ahead of the host's.
	ClockOffset time.Duration
	// Followed is how many coins are followed there, Mapped how many of them have a map
	// whose candles are up to date.
	Followed, Mapped int
	// Dropped counts what was left out, by reason, since the start.
	Dropped map[feeds.Reason]uint64
	// Failure is the newest request that failed; nil once one works.
	Failure error
}

// Status tells how every venue's feed is doing.
func (s *Source) Status() []VenueStatus {
	now := s.cfg.Now()
	var all []VenueStatus
	for _, v := range s.venues {
		all = append(all, v.status(now))
	}
	return all
}

func (v *venue) status(now time.Time) VenueStatus {
	v.mu.Lock()
	st := VenueStatus{
		Venue: v.name, Up: len(v.streams) > 0, ClockOffset: time.Duration(v.offset.Load()), Failure: v.failure,
		Followed: len(v.bySymbol), Dropped: make(map[feeds.Reason]uint64),
	}
	for _, err := range v.streams {
		st.Up = st.Up && err == nil
	}
	var list []*followed
	for _, f := range v.bySymbol {
		list = append(list, f)
	}
	v.mu.Unlock()
	if n := v.newest.Load(); n != 0 {
		st.Newest = time.Unix(0, n)
	}
	for _, f := range list {
		f.coin.mu.Lock()
		if f.listing.estimator != nil && now.Sub(f.listing.bars.end()) < behind {
			st.Mapped++
		}
		f.coin.mu.Unlock()
	}
	for i, r := range append(slices.Clip(reasons), "other") {
		if n := v.drops[i].Load(); n > 0 {
			st.Dropped[r] = n
		}
	}
	return st
}
