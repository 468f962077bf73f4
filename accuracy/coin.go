package accuracy

import (
	"cmp"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
)

// Times of an hour.
const (
	// start is how long after the full hour its map may still be taken.
	start = time.Minute
	// settle is how long after the end reports may still come in.
	settle = time.Minute
	// retry is how often the hour's candles are looked for, giveUp how long after the end.
	retry  = time.Minute
	giveUp = 40 * time.Minute
	// gap is how long snapshots may be away: as long as a venue's streams.
	gap = 2 * time.Minute
)

// coin is what is known of one coin on its way.
type coin struct {
	name market.Coin
	// last is when the newest snapshot was made.
	last time.Time
	// number is that of the newest order seen; numbered is false before the first.
	number   uint64
	numbered bool
	// marks are those of the newest snapshot.
	marks map[market.Venue]float64
	// open are the hours under way: the present one, and for a minute the one before.
	open []*open
	// waiting are the hours that are over, but for their candles.
	waiting []*Hour
	tried   time.Time
	// done is the full hour that was opened or skipped; why is what kept the present one
	// from being opened so far.
	done time.Time
	why  Reason
}

// look is what the checker does with a snapshot.
func (c *Checker) look(s *snapshot.Snapshot) {
	now := moment(s)
	k := c.coins[s.Key.Coin]
	if k == nil {
		k = c.restore(s.Key.Coin, now)
		if hour := now.Truncate(time.Hour); now.Sub(hour) > start {
			k.done = hour // it began before anybody looked
		}
	}
	if !now.After(k.last) {
		return
	}
	if !k.last.IsZero() && now.Sub(k.last) > gap {
		c.lose(k)
	}
	marks := marksOf(s)
	k.orders(s, marks)
	for _, o := range k.open {
		o.price(now, marks)
	}
	k.last, k.marks = now, marks
	c.close(k, s, now)
	c.open(k, s, now)
	c.candles(k, now)
}

// moment is when a snapshot was made.
func moment(s *snapshot.Snapshot) time.Time {
	if s.Realised != nil {
		return s.Realised.AsOf
	}
	return s.Price.Provenance.AsOf
}

func marksOf(s *snapshot.Snapshot) map[market.Venue]float64 {
	marks := make(map[market.Venue]float64, len(s.Venues))
	for _, v := range s.Venues {
		if market.Positive(v.MarkUSD) {
			marks[v.Venue] = v.MarkUSD
		}
	}
	return marks
}

// restore begins with a coin: with what is kept of it, and the hours that wait for their
// candles.
func (c *Checker) restore(name market.Coin, now time.Time) *coin {
	k := &coin{name: name}
	c.coins[name] = k
	hours := c.read(name, now.Add(-Kept))
	for _, h := range hours {
		if h.waits() && now.Sub(h.Start) < time.Hour+giveUp {
			k.waiting = append(k.waiting, h)
		}
		if h.Start.After(k.done) {
			k.done = h.Start
		}
	}
	c.score(name, hours)
	return k
}

// waits reports whether an hour is over, but for its candles.
func (h *Hour) waits() bool {
	for _, p := range []*Part{h.Full, h.All} {
		if p != nil && p.Outcome != nil && !p.Outcome.Candles {
			return true
		}
	}
	return false
}

// lose gives up the hours that were not over when the newest snapshot but this one came:
// nobody looked since.
func (c *Checker) lose(k *coin) {
	kept := k.open[:0]
	for _, o := range k.open {
		if !o.end().After(k.last) {
			kept = append(kept, o)
			continue
		}
		c.skip(k.name, Gap)
	}
	k.open = kept
}

// orders takes what is new of the single orders.
func (k *coin) orders(s *snapshot.Snapshot, marks map[market.Venue]float64) {
	if s.Realised == nil {
		return
	}
	for i, o := range s.Realised.Recent {
		if k.numbered && o.Number <= k.number {
			if i == len(s.Realised.Recent)-1 && o.Number < k.number {
				k.missed() // it was counted anew
				k.number = o.Number
			}
			continue
		}
		if k.numbered && o.Number > k.number+1 {
			k.missed()
		}
		k.number, k.numbered = o.Number, true
		for _, h := range k.open {
			h.order(o, k.marks[o.Venue], marks[o.Venue])
		}
	}
}

// missed says of the hours under way that single orders were not seen.
func (k *coin) missed() {
	for _, o := range k.open {
		o.unseen = true
	}
}

// open keeps the map at the beginning of an hour.
func (c *Checker) open(k *coin, s *snapshot.Snapshot, now time.Time) {
	hour := now.Truncate(time.Hour)
	if !hour.After(k.done) {
		return
	}
	if now.Sub(hour) > start {
		c.skip(k.name, cmp.Or(k.why, Late))
		k.done, k.why = hour, ""
		return
	}
	h, why := begin(s, hour, now.Sub(s.AsOf()) > c.opts.StaleAfter)
	if why != "" {
		k.why = why
		return
	}
	k.done, k.why = hour, ""
	o := newOpen(h)
	o.price(now, k.marks)
	for _, order := range s.Realised.Recent {
		o.order(order, k.marks[order.Venue], k.marks[order.Venue])
	}
	k.open = append(k.open, o)
	c.save(k.name, h)
}
