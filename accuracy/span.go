package accuracy

import (
	"maps"
	"math"
	"slices"
	"time"

	"liqbot/backtest"
	"liqbot/market"
)

// span is one or several hours in a row with the map at the beginning of the first.
type span struct {
	start time.Time
	part  *Part
	out   Outcome
	// path is how far the price went against each side, hour by hour, log per cent.
	path map[market.Side]float64
}

func (s *span) day() int64 { return s.start.Unix() / (24 * 60 * 60) }

var sides = [2]market.Side{market.Long, market.Short}

// conditions are what explains the liquidations of a side without a map.
func (s *span) conditions(side market.Side) backtest.Conditions {
	return backtest.Conditions{
		Range100: against(side, s.part.MarkUSD, &s.out), Path100: s.path[side],
		OpenInterest: s.part.Coins, Volatility: s.out.Volatility, Volume: s.out.VolumeCoins,
	}
}

// against is how far the price went against a side, log per cent.
func against(side market.Side, markUSD float64, o *Outcome) float64 {
	return 100 * math.Abs(math.Log(o.extreme(side)/markUSD))
}

// spans joins hours that follow each other, n at a time from a multiple of n of the day
// on; hours are in the order of time. Those with other venues than the first are not
// joined with it.
func spans(hours []*Hour, n int, part func(*Hour) *Part) []*span {
	over := time.Duration(n) * time.Hour
	var all []*span
	for i := 0; i+n <= len(hours); i++ {
		first := hours[i].Start
		if !first.Truncate(over).Equal(first) {
			continue
		}
		s := &span{start: first, part: part(hours[i]), path: make(map[market.Side]float64)}
		ok := s.part.counts()
		for k := 0; k < n && ok; k++ {
			p := part(hours[i+k])
			ok = p.counts() && hours[i+k].Start.Equal(first.Add(time.Duration(k)*time.Hour)) && sameVenues(p.Venues, s.part.Venues)
			if ok {
				s.add(p, k == 0)
			}
		}
		if ok {
			all = append(all, s)
		}
	}
	return all
}

// sameVenues ignores the order, which is that of open interest.
func sameVenues(a, b []market.Venue) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func (s *span) add(p *Part, first bool) {
	o := p.Outcome
	if first {
		s.out = *o
		s.out.Hits = slices.Clone(o.Hits)
	} else {
		s.out.LongUSD += o.LongUSD
		s.out.ShortUSD += o.ShortUSD
		s.out.Orders += o.Orders
		s.out.LowUSD, s.out.HighUSD = min(s.out.LowUSD, o.LowUSD), max(s.out.HighUSD, o.HighUSD)
		s.out.VolumeCoins += o.VolumeCoins
		s.out.Seen = s.out.Seen && o.Seen
		s.out.Hits = append(s.out.Hits, o.Hits...)
	}
	for _, side := range sides {
		s.path[side] += against(side, p.MarkUSD, o)
	}
}

// sample sums up what a score of spans rests on; orders are counted by the caller.
func sample(all []*span, over time.Duration) Sample {
	out := Sample{Over: over, Spans: len(all)}
	days, venues, sampled := make(map[int64]bool), make(map[market.Venue]bool), make(map[market.Venue]bool)
	for _, s := range all {
		days[s.day()] = true
		for _, v := range s.part.Venues {
			venues[v] = true
		}
		for _, v := range s.part.Sampled {
			sampled[v] = true
		}
	}
	out.Days = len(days)
	out.Venues, out.Sampled = slices.Sorted(maps.Keys(venues)), slices.Sorted(maps.Keys(sampled))
	return out
}
