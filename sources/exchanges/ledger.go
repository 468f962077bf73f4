package exchanges

import (
	"slices"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
)

// kept is how long reported liquidations are kept in memory.
const kept = 25 * time.Hour

// ledger adds up what venues report as liquidated of one coin, by venue and stretch of
// market.RealisedLength, oldest first. Whoever holds the coin's lock owns it.
type ledger struct {
	rows []market.Realised
	// seen are the orders of the last minutes, so that none counts twice.
	seen map[order]time.Time
	// tidied is when those that are older were last forgotten.
	tidied time.Time
	// recent are the newest orders, shared with snapshots: it is only appended to, and
	// replaced when it has grown too long. number is that of the last of them.
	recent []snapshot.SeenOrder
	number uint64
	// shared is a copy of rows that snapshots hold; nil once rows changed.
	shared []market.Realised
	// unsaved is the start of the oldest row that changed since it was saved; zero if
	// none did.
	unsaved time.Time
}

// order is what tells one forced order from another.
type order struct {
	venue        market.Venue
	id           uint64
	at           int64
	side         market.Side
	coins, price float64
}

func newLedger() *ledger {
	return &ledger{seen: make(map[order]time.Time)}
}

// add counts an order and reports whether it is new. shift brings its time to the host's
// clock; what tells it from others is the venue's own time, as the shift may change.
func (l *ledger) add(venue market.Venue, id uint64, o market.Liquidation, shift time.Duration, now time.Time) bool {
	key := order{venue, id, o.At.UnixNano(), o.Side, o.Coins, o.PriceUSD}
	if id != 0 {
		key = order{venue: venue, id: id}
	}
	if _, twice := l.seen[key]; twice {
		return false
	}
	if now.Sub(l.tidied) > time.Minute {
		l.tidied = now
		for k, at := range l.seen {
			if now.Sub(at) > 10*time.Minute {
				delete(l.seen, k)
			}
		}
	}
	l.seen[key] = now
	o.At = o.At.Add(shift)
	start := o.At.Truncate(market.RealisedLength)
	if now.Sub(start) > kept {
		return false
	}
	l.shared = nil
	l.number++
	l.recent = append(l.recent, snapshot.SeenOrder{Number: l.number, Venue: venue, Liquidation: o})
	if len(l.recent) > 2*snapshot.MaxRecent {
		l.recent = slices.Clone(l.recent[snapshot.MaxRecent:])
	}
	row := l.row(start, venue)
	usd := o.NotionalUSD()
	if o.Side == market.Long {
		row.LongUSD += usd
	} else {
		row.ShortUSD += usd
	}
	row.Orders++
	if usd > row.Largest.NotionalUSD() {
		row.Largest = o
	}
	if l.unsaved.IsZero() || start.Before(l.unsaved) {
		l.unsaved = start
	}
	return true
}

// row finds the row of a stretch and venue, or makes it at its place.
func (l *ledger) row(start time.Time, venue market.Venue) *market.Realised {
	i := len(l.rows)
	for i > 0 && l.rows[i-1].Start.After(start) {
		i--
	}
	for j := i; j > 0 && l.rows[j-1].Start.Equal(start); j-- {
		if l.rows[j-1].Venue == venue {
			return &l.rows[j-1]
		}
	}
	l.rows = slices.Insert(l.rows, i, market.Realised{Start: start, Venue: venue})
	return &l.rows[i]
}

// forget drops what is too old and reports whether there was any.
func (l *ledger) forget(now time.Time) bool {
	old := 0
	for old < len(l.rows) && now.Sub(l.rows[old].Start) > kept {
		old++
	}
	if old > 0 {
		l.rows, l.shared = slices.Delete(l.rows, 0, old), nil
	}
	return old > 0
}

// restore takes rows that were kept on disk.
func (l *ledger) restore(rows []market.Realised) {
	l.rows = append(slices.Clone(rows), l.rows...)
	l.shared = nil
	slices.SortStableFunc(l.rows, func(a, b market.Realised) int { return a.Start.Compare(b.Start) })
}

// unsave notes that rows could not be saved.
func (l *ledger) unsave(rows []market.Realised) {
	if start := rows[0].Start; l.unsaved.IsZero() || start.Before(l.unsaved) {
		l.unsaved = start
	}
}

// changed are copies of the rows since the last call that are not saved yet.
func (l *ledger) changed() []market.Realised {
	if l.unsaved.IsZero() {
		return nil
	}
	i := len(l.rows)
	for i > 0 && !l.rows[i-1].Start.Before(l.unsaved) {
		i--
	}
	l.unsaved = time.Time{}
	return slices.Clone(l.rows[i:])
}

// news are the single orders of the last ten minutes.
func (l *ledger) news(now time.Time) []snapshot.SeenOrder {
	i := max(0, len(l.recent)-snapshot.MaxRecent)
	for i < len(l.recent) && now.Sub(l.recent[i].At) > 10*time.Minute {
		i++
	}
	return l.recent[i:len(l.recent):len(l.recent)]
}

// view is a copy of the rows that is not changed any more.
func (l *ledger) view() []market.Realised {
	if l.shared == nil {
		l.shared = slices.Clone(l.rows)
	}
	return l.shared
}
