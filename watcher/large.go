package watcher

import (
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// largeVersion is the version of LargeState's JSON.
const largeVersion = 1

const (
	// largeLeast USD, largeTimes the average order of the last day, and as large as any in
	// that day: such an order is notable.
	largeLeast = 1e6
	largeTimes = 10
	// largeHistory is how long orders have to be seen before one of them is rare.
	largeHistory = 6 * time.Hour
	// largeNews is how old an order may be that is seen for the first time.
	largeNews = 10 * time.Minute
)

// largeGears: an order is a moment, so that the figure falls back at once.
var largeGears = gears{floor: 1e4, rest: 15 * time.Minute}

// LargeState is what the rule of large orders knows of a coin. The zero LargeState knows
// nothing.
type LargeState struct {
	Seen Sight `json:"seen,omitzero"`
	// Looked says that orders were looked at before. Number is that of the last one, and
	// Newest the latest time of one: the numbers begin anew with the process, the times go
	// on.
	Looked bool      `json:"looked,omitempty"`
	Number uint64    `json:"number,omitempty"`
	Newest time.Time `json:"newest,omitzero"`
	Order  ratchet   `json:"order,omitzero"`
	// resumed says that the state was read from where it is kept, and no orders were
	// looked at since: their numbers are others.
	resumed bool
}

// Encode is the state as it is kept.
func (st LargeState) Encode() ([]byte, error) { return encode(largeVersion, st) }

// DecodeLarge reads a kept state. The error wraps ErrVersion or ErrState where that is the
// reason.
func DecodeLarge(saved []byte) (LargeState, error) {
	st, err := decode(saved, largeVersion, LargeState.check)
	if err != nil {
		return LargeState{}, err
	}
	st.resumed = true
	return st, nil
}

func (st LargeState) check() error {
	return checkAll(st.Order, st.Seen)
}

// StepLarge looks for a single large forced order: of each snapshot the largest that is
// new. It is pure.
func StepLarge(l Limits, st LargeState, s *snapshot.Snapshot, now time.Time) (LargeState, Verdict) {
	g, ok := st.Seen.look(l, s, now, marketOf(s.Price))
	r := s.Realised
	if !ok || r == nil || !fresh(r.AsOf, now, l) {
		return st, Verdict{}
	}
	silent := !st.Looked || g.other
	st.Seen = g.Sight
	st, largest := st.look(r, now)
	v := Verdict{Evaluated: true}
	st.Order = st.Order.settled(largeGears, reading{at: g.At, now: now})
	if largest == nil || silent {
		return st, v
	}
	usd := largest.NotionalUSD()
	in := reading{figure: usd, at: g.At, now: now, notable: !st.Order.Notable && rare(r, usd)}
	var told *rise
	if st.Order, told = st.Order.step(largeGears, in); told != nil {
		v.tell(told.alert(large(l, g, s, now, largest)))
	}
	return st, v
}

// look returns the largest of the orders that are new, nil for none.
func (st LargeState) look(r *snapshot.Realised, now time.Time) (LargeState, *snapshot.SeenOrder) {
	number, newest := st.Number, earlier(st.Newest, wall(now))
	restarted := st.resumed
	if n := len(r.Recent); n > 0 && r.Recent[n-1].Number < number {
		restarted = true
	}
	if restarted {
		st.Number = 0
	}
	var largest *snapshot.SeenOrder
	for i := range r.Recent {
		o := &r.Recent[i]
		at := earlier(o.At, wall(now))
		fresh := o.Number > number
		if restarted {
			fresh = at.After(newest)
		}
		st.Number = max(st.Number, o.Number)
		if at.After(st.Newest) && dated(at) {
			st.Newest = wall(at)
		}
		if !fresh || now.Sub(at) > largeNews || !market.Positive(o.NotionalUSD()) {
			continue
		}
		if largest == nil || o.NotionalUSD() > largest.NotionalUSD() {
			largest = o
		}
	}
	st.Newest, st.Looked, st.resumed = earlier(st.Newest, wall(now)), true, false
	return st, largest
}

// rare reports whether an order is one of a kind. It is among those of the day itself, so
// that where there are fewer than largeTimes orders none is.
func rare(r *snapshot.Realised, usd float64) bool {
	if usd < largeLeast {
		return false
	}
	day := r.Sum(24 * time.Hour)
	return day.Largest != nil && usd >= day.Largest.NotionalUSD() && usd*float64(day.Orders) >= largeTimes*day.TotalUSD() &&
		r.AsOf.Sub(seenSince(r)) >= largeHistory
}

// seenSince is the first that is known of orders.
func seenSince(r *snapshot.Realised) time.Time {
	since := r.AsOf
	for _, w := range r.Watched {
		if !w.Since.IsZero() {
			since = earlier(since, w.Since)
		}
	}
	for i := range r.Rows {
		since = earlier(since, r.Rows[i].Start)
	}
	return since
}

func large(l Limits, g glance, s *snapshot.Snapshot, now time.Time, o *snapshot.SeenOrder) alert.Alert {
	a := news(alert.Large, l, g, s, now)
	a.Crossed = g.At // that of the price
	a.At, a.LevelUSD, a.Venue, a.Rising = wall(earlier(o.At, now)), o.PriceUSD, o.Venue, o.Side == market.Short
	from := pool{}
	from.add(s.Realised.AsOf, o.Venue)
	a.Provenance = from.provenance(s)
	return a
}
