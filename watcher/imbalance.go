package watcher

import (
	"time"

	"liqbot/alert"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// imbalanceVersion is the version of ImbalanceState's JSON.
const imbalanceVersion = 1

const (
	// heavyRatio and flipRatio are the ratios from which on one side that is heavier, or
	// that has become the heavier one, is notable.
	heavyRatio = 3
	flipRatio  = 2
	// imbalanceRests is how many times Limits.Rest lies between two notable alerts, a day as
	// a rule: a map is out of balance for longer than a price is anywhere. With 1, and flips
	// from 1.5 on, there were 1.1 to 3.4 a day and coin in the replay of docs/alerts.md.
	imbalanceRests = 6
)

// imbalanceGears: sides that count as balanced are nothing, and a threshold can be crossed
// again once the heavier side has lost half of what it was heavier by.
func imbalanceGears(l Limits) gears {
	return gears{floor: liquidation.BalancedBelow, base: 1, rest: l.Rest}
}

// ImbalanceState is what the imbalance rule knows of a coin. The zero ImbalanceState
// knows nothing.
type ImbalanceState struct {
	Seen Sight `json:"seen,omitzero"`
	// Reading is the ratio of the last map: positive when the shorts are heavier, 0 when it
	// said nothing.
	Reading float64 `json:"reading,omitempty"`
	// Side is the heavier side, as it was when the sides last were out of balance.
	Side market.Side `json:"side,omitempty"`
	// Since is from when on the other side has been the heavier one.
	Since time.Time `json:"since,omitzero"`
	// Flipped is when the sides last changed, by our clock. Fresh says that it is news.
	Flipped time.Time `json:"flipped,omitzero"`
	Fresh   bool      `json:"fresh,omitempty"`
	Ratio   ratchet   `json:"ratio,omitzero"`
	// Told is when the last notable alert came, by our clock: however often the sides
	// change, the next one waits until it has been long enough.
	Told time.Time `json:"told,omitzero"`
}

// Encode is the state as it is kept.
func (st ImbalanceState) Encode() ([]byte, error) { return encode(imbalanceVersion, st) }

// DecodeImbalance reads a kept state. The error wraps ErrVersion or ErrState where that is
// the reason.
func DecodeImbalance(saved []byte) (ImbalanceState, error) {
	return decode(saved, imbalanceVersion, ImbalanceState.check)
}

func (st ImbalanceState) check() error {
	if !market.Finite(st.Reading) || st.Side > market.Short {
		return ErrState
	}
	return checkAll(st.Ratio, st.Seen)
}

// StepImbalance compares the sides of the map within the same distance: it tells when one
// outweighs the other more than it did, and when the other one becomes the heavier. A
// ratio counts when two maps in turn have reached it. A map of another set of venues is
// where it begins anew, without an event. It is pure.
func StepImbalance(l Limits, st ImbalanceState, s *snapshot.Snapshot, now time.Time) (ImbalanceState, Verdict) {
	g, ok := st.Seen.look(l, s, now, coverageOf(s))
	if !ok || !fresh(s.Map.Provenance().AsOf, now, l) {
		return st, Verdict{}
	}
	v := Verdict{Evaluated: true}
	before := st.Reading
	st.Seen, st.Reading = g.Sight, signed(s.Summary.Even)
	if g.other || g.gap { // what was before the gap vouches for nothing
		before, st.Since = 0, time.Time{}
	}
	agreed, side := agreement(before, st.Reading)
	in := reading{figure: agreed, at: g.At, now: now}
	switch {
	case g.other:
		return st.anew(l, g.At, now), v
	case agreed == 0:
		return st, v
	case st.Side == 0 || side == st.Side:
		if st.Side == 0 && agreed >= liquidation.BalancedBelow {
			st.Side = side
		}
		st.Since = time.Time{}
	default:
		if st = st.turn(l, agreed, side, g.At, now); st.Side != side {
			return st, v
		}
	}
	first := st.Fresh && st.Ratio.Told == 0
	st.Told = earlier(st.Told, wall(now))
	rested := st.Told.IsZero() || wall(now).Sub(st.Told) >= imbalanceRests*l.Rest
	in.notable = rested && (agreed >= heavyRatio || st.Fresh && agreed >= flipRatio)
	var told *rise
	st.Ratio, told = st.Ratio.step(imbalanceGears(l), in)
	if told != nil {
		a := told.alert(imbalance(l, g, s, now, side))
		a.Flipped = st.Fresh && (first || a.Notable)
		if a.Notable {
			st.Fresh, st.Told = false, wall(now)
		}
		v.tell(a)
	}
	if st.Ratio.Told == 0 {
		st.Fresh = false // it rests
	}
	return st, v
}

// signed is a ratio with the side that is heavier: positive for the shorts, 0 for a
// reading that says nothing.
func signed(i liquidation.Imbalance) float64 {
	if i.Reading == liquidation.NotMeaningful || !market.Finite(i.Ratio) || i.Ratio < 1 {
		return 0
	}
	switch i.Heavier {
	case market.Short:
		return i.Ratio
	case market.Long:
		return -i.Ratio
	default:
		return 0
	}
}

// agreement is the ratio that two readings have both reached, and the heavier side; 0
// when they do not agree on the side.
func agreement(a, b float64) (float64, market.Side) {
	switch {
	case a > 0 && b > 0:
		return min(a, b), market.Short
	case a < 0 && b < 0:
		return min(-a, -b), market.Long
	default:
		return 0, 0
	}
}

// anew takes the present reading without telling of it.
func (st ImbalanceState) anew(l Limits, at, now time.Time) ImbalanceState {
	ratio, side := agreement(st.Reading, st.Reading)
	if ratio < liquidation.BalancedBelow {
		return st
	}
	if side != st.Side {
		st.Side, st.Fresh, st.Ratio = side, false, ratchet{Last: st.Ratio.Last}
	}
	st.Ratio = st.Ratio.adopt(imbalanceGears(l), reading{figure: ratio, notable: ratio >= heavyRatio, at: at, now: now})
	return st
}

// turn is a step while the other side is the heavier one. Once that has lasted, the sides
// have changed: the ratchet begins anew, for a change is told from the beginning.
func (st ImbalanceState) turn(l Limits, ratio float64, side market.Side, at, now time.Time) ImbalanceState {
	st.Since, st.Flipped = earlier(st.Since, at), earlier(st.Flipped, wall(now))
	switch {
	case ratio < liquidation.BalancedBelow:
		st.Since = time.Time{}
		st.Ratio = st.Ratio.settled(imbalanceGears(l), reading{figure: 1, at: at, now: now})
	case st.Since.IsZero():
		st.Since = at
	case at.Sub(st.Since) >= l.Hold && (st.Flipped.IsZero() || wall(now).Sub(st.Flipped) >= l.Cooldown):
		st.Side, st.Since, st.Flipped, st.Fresh = side, time.Time{}, wall(now), true
		st.Ratio = ratchet{Last: st.Ratio.Last}
	}
	return st
}

func imbalance(l Limits, g glance, s *snapshot.Snapshot, now time.Time, side market.Side) alert.Alert {
	a := news(alert.Imbalance, l, g, s, now)
	a.Window, a.Rising, a.Value, a.Provenance = s.Key.Window, side == market.Short, s.Summary.Even.Ratio, s.Map.Provenance()
	return a
}
