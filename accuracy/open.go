package accuracy

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
)

// open is an hour under way.
type open struct {
	hour *Hour
	// low and high are the extremes of the mark so far, of Full and of All.
	low, high [2]float64
	// hits are the orders of Full's venues by level.
	hits map[hitKey]Hit
	// unseen says that single orders were missed.
	unseen bool
}

type hitKey struct {
	level int32
	side  market.Side
}

func newOpen(h *Hour) *open {
	o := &open{hour: h, hits: make(map[hitKey]Hit)}
	for i, p := range o.parts() {
		if p != nil {
			o.low[i], o.high[i] = p.MarkUSD, p.MarkUSD
		}
	}
	return o
}

func (o *open) parts() [2]*Part { return [2]*Part{o.hour.Full, o.hour.All} }

func (o *open) end() time.Time { return o.hour.Start.Add(time.Hour) }

// within reports whether a moment is in the hour.
func (o *open) within(at time.Time) bool { return !at.Before(o.hour.Start) && at.Before(o.end()) }

// price takes the marks of a snapshot.
func (o *open) price(now time.Time, marks map[market.Venue]float64) {
	if !o.within(now) {
		return
	}
	for i, p := range o.parts() {
		if p == nil {
			continue
		}
		if usd, ok := marks[p.Venues[0]]; ok {
			o.low[i], o.high[i] = min(o.low[i], usd), max(o.high[i], usd)
		}
	}
}

// order takes a single order, seen between two marks of its venue, 0 where there is none.
//
// Its level is the printed price moved into what the mark went through meanwhile: the
// venue took over when the mark got to the level. Some venues print the bankruptcy price,
// which lies beyond the level by the maintenance margin: several levels, and often beyond
// all that the price reached.
func (o *open) order(s snapshot.SeenOrder, beforeUSD, nowUSD float64) {
	p := o.hour.Full
	if p == nil || !slices.Contains(p.Venues, s.Venue) || !o.within(s.At) {
		return
	}
	beforeUSD, nowUSD = cmp.Or(beforeUSD, nowUSD), cmp.Or(nowUSD, beforeUSD)
	if nowUSD == 0 || s.Side != market.Long && s.Side != market.Short {
		o.unseen = true
		return
	}
	usd := min(max(s.PriceUSD, min(beforeUSD, nowUSD)), max(beforeUSD, nowUSD))
	k := hitKey{levelOf(usd), s.Side}
	hit := o.hits[k]
	o.hits[k] = Hit{Level: k.level, Side: k.side, Orders: hit.Orders + 1, USD: hit.USD + s.NotionalUSD()}
}

// close adds up the hours that are over and hands them to wait for their candles.
func (c *Checker) close(k *coin, s *snapshot.Snapshot, now time.Time) {
	kept := k.open[:0]
	for _, o := range k.open {
		if now.Before(o.end().Add(settle)) {
			kept = append(kept, o)
			continue
		}
		for i, p := range o.parts() {
			o.measure(p, i, s)
		}
		if !o.hour.waits() {
			c.skip(k.name, Gap)
			continue
		}
		if o.hour.Full != nil && o.unseen {
			c.skip(k.name, Unseen)
		}
		c.save(k.name, o.hour)
		k.waiting = append(k.waiting, o.hour)
	}
	k.open = kept
}

// measure fills what came of a part, unless one of its venues was not watched all along.
func (o *open) measure(p *Part, i int, s *snapshot.Snapshot) {
	if p == nil {
		return
	}
	for _, v := range p.Venues {
		if !watched(s, v, o.hour.Start) {
			return
		}
	}
	out := &Outcome{LowUSD: o.low[i], HighUSD: o.high[i]}
	for _, row := range s.Realised.Rows {
		if o.within(row.Start) && slices.Contains(p.Venues, row.Venue) {
			out.LongUSD += row.LongUSD
			out.ShortUSD += row.ShortUSD
			out.Orders += row.Orders
		}
	}
	if i == 0 && !o.unseen {
		out.Seen = true
		out.Hits = slices.SortedFunc(maps.Values(o.hits), func(a, b Hit) int {
			return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.Side, b.Side))
		})
	}
	p.Outcome = out
}
