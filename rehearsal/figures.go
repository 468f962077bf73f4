package rehearsal

import (
	"time"

	"liqbot/backtest"
	"liqbot/market"
	"liqbot/snapshot"
)

// funding says which rate was the last one paid. It stands until the next one is due;
// where that was not recorded nothing is known.
type funding struct {
	venue market.Venue
	paid  []backtest.Paid // those to come; the first is the present one
}

func (f *funding) present(at time.Time) *backtest.Paid {
	for len(f.paid) > 1 && !f.paid[1].At.After(at) {
		f.paid = f.paid[1:]
	}
	if len(f.paid) == 0 || f.paid[0].At.After(at) || at.Sub(f.paid[0].At) >= f.paid[0].Every {
		return nil
	}
	return &f.paid[0]
}

func (f *funding) known(at time.Time) bool { return f.present(at) != nil }

func (f *funding) at(at time.Time, from market.Provenance) *market.Funding {
	p := f.present(at)
	if p == nil {
		return nil
	}
	return &market.Funding{Venue: f.venue, Rate: p.Rate, Interval: p.Every, Provenance: from}
}

// finest is the longest bucket of liquidations that says anything of a quarter of an hour.
const finest = time.Hour

// realised shows recorded sums of liquidations once their bucket is over, as rows of
// market.RealisedLength. How a sum is spread over its hour is not known: evenly, which is
// the least that its worst quarter of an hour can have had, or bunched in the last quarter,
// which is the most.
type realised struct {
	sums    []backtest.Liquidated // those to come
	venue   market.Venue
	bunched bool
	seen    snapshot.Realised
	end     time.Time // of the last sum
}

func newRealised(rec *backtest.Recorded, bunched bool) realised {
	r := realised{venue: market.Venue(rec.Venue), bunched: bunched}
	if rec.Step <= finest {
		r.sums = rec.Liquidated
	}
	return r
}

// usable reports whether there are any sums that the rules can use.
func (r *realised) usable() bool { return !r.end.IsZero() }

// remembered is how far back the rules look.
const remembered = 25 * time.Hour

// at is what was known at a moment, nil for nothing.
func (r *realised) at(at time.Time) *snapshot.Realised {
	for len(r.sums) > 0 {
		sum := r.sums[0]
		end := sum.Start.Add(sum.Length)
		if end.After(at) {
			break
		}
		if !sum.Start.Equal(r.end) { // something is missing before it
			r.seen.Watched = []snapshot.WatchedVenue{{Venue: r.venue, Coverage: market.Sampled, Since: sum.Start}}
		}
		r.spread(sum)
		r.end, r.sums = end, r.sums[1:]
	}
	if r.end.IsZero() {
		return nil
	}
	old := 0
	for old < len(r.seen.Rows) && at.Sub(r.seen.Rows[old].Start) > remembered {
		old++
	}
	r.seen.Rows = r.seen.Rows[old:]
	now := r.seen
	now.AsOf = at
	return &now
}

// bunch is the stretch that a bunched sum lies in.
const bunch = 15 * time.Minute

func (r *realised) spread(sum backtest.Liquidated) {
	from, length := sum.Start, sum.Length
	if r.bunched {
		from, length = sum.Start.Add(sum.Length-bunch), bunch
	}
	n := int(length / market.RealisedLength)
	for i := range n {
		r.seen.Rows = append(r.seen.Rows, market.Realised{
			Start: from.Add(time.Duration(i) * market.RealisedLength), Venue: r.venue,
			LongUSD: sum.Long / float64(n), ShortUSD: sum.Short / float64(n), Orders: 1,
		})
	}
}
