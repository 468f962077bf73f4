package watcher

import (
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// approachVersion is the version of ApproachState's JSON.
const approachVersion = 1

const (
	// sameCluster is how far the ranges of two clusters may be apart and be the same one,
	// as a fraction: its edges move with every map, and the price uses it up from its
	// near edge on.
	sameCluster = 0.003
	// maxClusters is how many clusters of a side are remembered. Two of nearly the same
	// strength take turns in being the strongest.
	maxClusters = 4
	// approachShare is how much larger than for a breakout a cluster has to be for an alert
	// to everybody. The price comes near far more clusters than it breaks: with 1 there were
	// 1.2 to 2 such alerts a day and coin in the replay of docs/alerts.md, with 2 about half.
	approachShare = 2
)

// Cluster is a cluster of one side that was the strongest. Its phases are those of a
// breakout's side: Armed while the price is away from it, Pending after one price that is
// near, Broken once that was told.
type Cluster struct {
	Phase Phase `json:"phase"`
	// FromUSD is the near edge, ToUSD the outer one.
	FromUSD float64 `json:"from"`
	ToUSD   float64 `json:"to"`
	// Epoch is the market time at which it was armed, Since of the first price that was
	// near, Seen of the last map with it.
	Epoch time.Time `json:"epoch,omitzero"`
	Since time.Time `json:"since,omitzero"`
	Seen  time.Time `json:"seen,omitzero"`
}

// Approached is what is known of one side.
type Approached struct {
	Clusters []Cluster `json:"clusters,omitempty"`
	// Fired is when the last alert of the side came, by our clock.
	Fired time.Time `json:"fired,omitzero"`
}

// ApproachState is what the approach rule knows of a coin. The zero ApproachState knows
// nothing.
type ApproachState struct {
	Seen  Sight      `json:"seen,omitzero"`
	Above Approached `json:"above,omitzero"`
	Below Approached `json:"below,omitzero"`
	Last  time.Time  `json:"last,omitzero"`
	Grade grade      `json:"grade,omitzero"`
}

// Encode is the state as it is kept.
func (st ApproachState) Encode() ([]byte, error) { return encode(approachVersion, st) }

// DecodeApproach reads a kept state. The error wraps ErrVersion or ErrState where that is
// the reason.
func DecodeApproach(saved []byte) (ApproachState, error) {
	return decode(saved, approachVersion, ApproachState.check)
}

func (st ApproachState) check() error {
	for _, side := range []Approached{st.Above, st.Below} {
		if len(side.Clusters) > maxClusters {
			return ErrState
		}
		for _, c := range side.Clusters {
			known := c.Phase == Armed || c.Phase == Pending || c.Phase == Broken
			if !known || !market.Positive(c.FromUSD) || !market.Positive(c.ToUSD) {
				return ErrState
			}
		}
	}
	return checkAll(st.Grade, st.Seen)
}

// StepApproach looks for a price that has come near the strongest cluster of a side. It
// must have been away from that cluster before: one that grows up beside the price, or
// comes with another set of venues, is no approach. Two prices in turn have to be near. A
// cluster is told once, until the price has gone twice as far away. It is pure.
func StepApproach(l Limits, st ApproachState, s *snapshot.Snapshot, now time.Time) (ApproachState, Verdict) {
	g, ok := st.Seen.look(l, s, now, coverageOf(s))
	if !ok || !fresh(s.Map.Provenance().AsOf, now, l) {
		return st, Verdict{}
	}
	v := Verdict{Evaluated: true}
	st.Seen = g.Sight
	if !g.other && !g.steady {
		return st, v // there is no telling which of two prices is wrong
	}
	last := earlier(st.Last, wall(now))
	above, below := strongest(s.Summary.Above), strongest(s.Summary.Below)
	st.Grade = st.Grade.sample(s, g.At, above.IntensityUSD, below.IntensityUSD)
	for _, rising := range []bool{true, false} {
		m := moment{Limits: l, glance: g, now: now.UTC(), rising: rising}
		side, cluster := &st.Above, above
		if !rising {
			side, cluster = &st.Below, below
		}
		stepped, near := side.step(m, cluster)
		*side = stepped
		if near == nil {
			continue
		}
		a := approach(m, *near, s, last)
		a.Strength = cluster.IntensityUSD
		st.Last = g.At
		st.Grade, a.Notable = st.Grade.judge(l, approachShare*l.NotableShare, rising, a.Strength, now)
		v.tell(a)
	}
	return st, v
}

// strongest is the cluster of a key level, the zero Cluster for none.
func strongest(key *liquidation.KeyLevel) liquidation.Cluster {
	if usable(key) == nil {
		return liquidation.Cluster{}
	}
	c := key.Cluster
	if !market.Positive(c.FromUSD) || !market.Positive(c.ToUSD) || !market.Positive(c.IntensityUSD) {
		return liquidation.Cluster{}
	}
	return c
}

func approach(m moment, c Cluster, s *snapshot.Snapshot, last time.Time) alert.Alert {
	a := news(alert.Approach, m.Limits, m.glance, s, m.now)
	a.ID = alert.EventID(alert.Approach, s.Key.Coin, 0, m.rising, c.Epoch)
	a.Window, a.Rising, a.LevelUSD = s.Key.Window, m.rising, c.FromUSD
	a.Crossed, a.Last, a.Provenance = c.Since, last, s.Map.Provenance()
	return a
}

// away reports whether the price is farther from a level than a fraction of itself.
func (m moment) away(level, by float64) bool { return m.past(level, m.shifted(m.USD, by)) }

// step is one step of a side: its next state, and the cluster that the price has come
// near, nil for none.
func (ap Approached) step(m moment, now liquidation.Cluster) (next Approached, told *Cluster) {
	next = Approached{Fired: earlier(ap.Fired, wall(m.now))}
	if !m.other {
		for _, c := range ap.Clusters {
			if c.stays(m) {
				next.Clusters = append(next.Clusters, c)
			}
		}
	}
	if now.FromUSD == 0 || m.past(m.USD, now.ToUSD) {
		return next, nil
	}
	i := slices.IndexFunc(next.Clusters, func(c Cluster) bool { return c.is(now) })
	if i < 0 {
		next.Clusters = append(next.Clusters, met(m, now))
		next.Clusters = next.Clusters[max(0, len(next.Clusters)-maxClusters):]
		return next, nil
	}
	c := next.Clusters[i]
	next.Clusters = slices.Delete(next.Clusters, i, i+1)
	cooled := next.Fired.IsZero() || wall(m.now).Sub(next.Fired) >= m.Cooldown
	c, fired := c.step(m, now, cooled)
	next.Clusters = append(next.Clusters, c) // the newest is the last
	if fired {
		next.Fired = wall(m.now)
		return next, &c
	}
	return next, nil
}

// stays reports whether a cluster is still to be remembered. One that was told is not,
// once the price has gone away; it may be met again.
func (c Cluster) stays(m moment) bool {
	gone := m.past(m.USD, c.ToUSD) || m.At.Sub(c.Seen) > readingLasts
	return !gone && (c.Phase != Broken || !m.away(c.FromUSD, 2*m.Near))
}

// is reports whether a cluster of the map is this one: their ranges overlap, or nearly.
func (c Cluster) is(now liquidation.Cluster) bool {
	low, high := min(c.FromUSD, c.ToUSD), max(c.FromUSD, c.ToUSD)
	return max(now.FromUSD, now.ToUSD) >= low*(1-sameCluster) && min(now.FromUSD, now.ToUSD) <= high*(1+sameCluster)
}

// met is a cluster that was not known. If the price is near already there is nothing to
// tell: it has not come there.
func met(m moment, now liquidation.Cluster) Cluster {
	c := Cluster{Phase: Armed, FromUSD: now.FromUSD, ToUSD: now.ToUSD, Epoch: m.At, Seen: m.At}
	if !m.away(c.FromUSD, m.Near) {
		c.Phase = Broken
	}
	return c
}

// step is one step of the strongest cluster. One that was told keeps its range: what the
// price leaves of it is still the same.
func (c Cluster) step(m moment, now liquidation.Cluster, cooled bool) (next Cluster, fired bool) {
	c.Seen, c.Since = m.At, earlier(c.Since, m.At)
	if c.Phase == Broken {
		return c, false
	}
	c.FromUSD, c.ToUSD = now.FromUSD, now.ToUSD
	switch {
	case m.away(c.FromUSD, m.Near):
		c.Phase, c.Since = Armed, time.Time{}
	case c.Phase == Armed || m.gap:
		c.Phase, c.Since = Pending, m.At
	case cooled:
		c.Phase = Broken
		return c, true
	}
	return c, false
}
