package watcher

import (
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// cascadeVersion is the version of CascadeState's JSON.
const cascadeVersion = 1

const (
	// cascadeSpan is the time within which it is much. Whole stretches of
	// market.RealisedLength are counted, so it is up to one of them less.
	cascadeSpan = 15 * time.Minute
	// cascadeTimes what is usual, and at least cascadeLeast USD, is notable: a fifth of a
	// day's liquidations within a quarter of an hour. With 8 there were up to 2.6 a day of
	// BTC in the replay of docs/alerts.md.
	cascadeTimes = 20
	cascadeLeast = 1e6
	// cascadeHistory is how long a venue has to be seen before its usual is known.
	cascadeHistory = 6 * time.Hour
)

var cascadeGears = gears{floor: 1e4, rest: 30 * time.Minute}

// CascadeState is what the cascade rule knows of a coin. The zero CascadeState knows
// nothing.
type CascadeState struct {
	Seen Sight `json:"seen,omitzero"`
	// Venues are those whose figures were counted.
	Venues string  `json:"venues,omitempty"`
	Sum    ratchet `json:"sum,omitzero"`
}

// Encode is the state as it is kept.
func (st CascadeState) Encode() ([]byte, error) { return encode(cascadeVersion, st) }

// DecodeCascade reads a kept state. The error wraps ErrVersion or ErrState where that is
// the reason.
func DecodeCascade(saved []byte) (CascadeState, error) {
	return decode(saved, cascadeVersion, CascadeState.check)
}

func (st CascadeState) check() error {
	return checkAll(st.Sum, st.Seen)
}

// StepCascade looks for much that is liquidated within a quarter of an hour. It counts the
// venues that were watched all that time; when that becomes another set, what they report
// is where it begins anew, without an event. It is pure.
func StepCascade(l Limits, st CascadeState, s *snapshot.Snapshot, now time.Time) (CascadeState, Verdict) {
	g, ok := st.Seen.look(l, s, now, marketOf(s.Price))
	r := s.Realised
	if !ok || r == nil || !fresh(r.AsOf, now, l) {
		return st, Verdict{}
	}
	st.Seen = g.Sight
	v := Verdict{Evaluated: true}
	t := tallied(r)
	if len(t.from.venues) == 0 {
		return st, v
	}
	a := news(alert.Cascade, l, g, s, now)
	a.Value, a.Usual, a.Span, a.Rising, a.Provenance = t.longUSD+t.shortUSD, t.usualUSD, cascadeSpan, t.shortUSD > t.longUSD, t.from.provenance(s)
	in := reading{figure: a.Value, at: g.At, now: now}
	in.notable = t.usualUSD > 0 && t.knownUSD >= max(cascadeTimes*t.usualUSD, cascadeLeast)
	if name := t.from.name(); g.other || name != st.Venues {
		st.Venues, st.Sum = name, st.Sum.adopt(cascadeGears, in)
		return st, v
	}
	var told *rise
	if st.Sum, told = st.Sum.step(cascadeGears, in); told != nil {
		v.tell(told.alert(a))
	}
	return st, v
}

// tally is what was reported within the present span.
type tally struct {
	// longUSD and shortUSD are those of the venues that were watched all the time.
	longUSD, shortUSD float64
	// usualUSD is what is usual for those of them that were seen for long enough, the
	// average of the last day without the present span, 0 when there are none; knownUSD is
	// what they report now.
	usualUSD, knownUSD float64
	from               pool
}

// reporter is one venue's part of it.
type reporter struct {
	snapshot.WatchedVenue
	longUSD, shortUSD, pastUSD float64
	// seen is how much of the day before the span it was seen: since the last gap, and
	// before it the stretches in which it reported something. Those in which it had
	// nothing to report cannot be told from a gap, so its average comes out too high
	// rather than too low.
	seen time.Duration
	last time.Time
}

// tallied adds up the rows, a stretch that began before the span left out as
// snapshot.Realised does. It is one pass, as it is made for every snapshot.
func tallied(r *snapshot.Realised) tally {
	from, day := r.AsOf.Add(-cascadeSpan), r.AsOf.Add(-24*time.Hour)
	var venues []reporter
	for _, w := range r.Watched {
		if !w.Since.IsZero() && !w.Since.After(from) {
			since := w.Since
			if since.Before(day) {
				since = day
			}
			venues = append(venues, reporter{WatchedVenue: w, seen: from.Sub(since)})
		}
	}
	for i := range r.Rows {
		for j := range venues {
			if v := &venues[j]; v.Venue == r.Rows[i].Venue {
				v.add(&r.Rows[i], from, day, r.AsOf)
				break
			}
		}
	}
	var t tally
	for _, v := range venues {
		t.from.add(r.AsOf, v.Venue)
		t.longUSD, t.shortUSD = t.longUSD+v.longUSD, t.shortUSD+v.shortUSD
		if v.seen >= cascadeHistory {
			t.usualUSD += v.pastUSD * float64(cascadeSpan) / float64(v.seen)
			t.knownUSD += v.longUSD + v.shortUSD
		}
	}
	if !plausible(t.usualUSD) {
		t.usualUSD = 0
	}
	return t
}

// add counts a row in the span or in the day before it.
func (v *reporter) add(row *market.Realised, from, day, asOf time.Time) {
	switch {
	case row.Start.Before(day) || row.Start.After(asOf) || !plausible(row.LongUSD) || !plausible(row.ShortUSD):
	case !row.Start.Before(from):
		v.longUSD += row.LongUSD
		v.shortUSD += row.ShortUSD
	default:
		v.pastUSD += row.LongUSD + row.ShortUSD
		if row.Start.Before(v.Since) && !row.Start.Equal(v.last) {
			v.seen += market.RealisedLength
			v.last = row.Start
		}
	}
}
