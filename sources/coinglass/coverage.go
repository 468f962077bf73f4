package coinglass

import (
	"slices"
	"strings"
	"sync"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
)

// remembered is how long an exchange that is no longer in a map is named as
// missing.
const remembered = time.Hour

// coverage remembers which exchanges each map had, so that one that
// drops out is named rather than taken for a market that got quieter. The zero
// value is ready; safe for concurrent use.
type coverage struct {
	mu   sync.Mutex
	seen map[snapshot.Key]map[market.Venue]time.Time
}

// note records the exchanges of a map and returns those that are missing from
// it, in alphabetic order; none when the map names no exchange at all.
func (c *coverage) note(key snapshot.Key, venues []market.Venue, now time.Time) []market.Venue {
	if len(venues) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil || len(c.seen) > mostSlots {
		c.seen = make(map[snapshot.Key]map[market.Venue]time.Time)
	}
	seen := c.seen[key]
	if seen == nil {
		seen = make(map[market.Venue]time.Time)
		c.seen[key] = seen
	}
	for _, v := range venues {
		seen[v] = now
	}
	var missing []market.Venue
	for v, at := range seen {
		switch {
		case now.Sub(at) > remembered:
			delete(seen, v)
		case !slices.Contains(venues, v):
			missing = append(missing, v)
		}
	}
	slices.Sort(missing)
	return missing
}

func sameVenue(a string, b market.Venue) bool { return strings.EqualFold(a, string(b)) }
