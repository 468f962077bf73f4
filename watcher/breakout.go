package watcher

import (
	"time"

	"liqbot/alert"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// breakoutVersion is the version of BreakoutState's JSON.
const breakoutVersion = 1

const (
	// sameLevel is how far a key level may move and still be the same, as a fraction.
	sameLevel = 0.0015
	// readingLasts is how long the greatest intensity read of a level counts.
	readingLasts = 24 * time.Hour
	// blindMost is the longest gap over which a level is remembered: after a longer one
	// nobody knows what the level was worth when the price went through.
	blindMost = 24 * time.Hour
)

// Phase is where one side of a coin stands.
type Phase string

// The phases. A side goes from Armed to Pending to Broken, and from Pending back to
// Armed when the price does not hold.
const (
	// Unarmed: there is no level to watch.
	Unarmed Phase = ""
	// Armed: a level is frozen and the price has not gone beyond it.
	Armed Phase = "armed"
	// Pending: the price is beyond the level and has not held there long enough.
	Pending Phase = "pending"
	// Broken: the alert is out; the side rests until it can be armed again.
	Broken Phase = "broken"
)

// Side is the state of one side of a coin: above the price or below it.
type Side struct {
	Phase Phase `json:"phase,omitempty"`
	// LevelUSD is the frozen key level and NearUSD the near edge of its cluster, as
	// they were when IntensityUSD was read.
	LevelUSD float64 `json:"level,omitempty"`
	NearUSD  float64 `json:"near,omitempty"`
	// IntensityUSD is the greatest intensity read up to the level, IntensityAt when.
	IntensityUSD float64   `json:"intensity,omitempty"`
	IntensityAt  time.Time `json:"intensityAt,omitzero"`
	// Epoch is the market time at which the level was frozen: the event's epoch.
	Epoch time.Time `json:"epoch,omitzero"`
	// Since is the market time of the first price beyond the level while Pending, and
	// BlindSince when the coin was last seen before, if that was not right before.
	Since      time.Time `json:"since,omitzero"`
	BlindSince time.Time `json:"blind,omitzero"`
	// BrokenUSD is the level of the last alert until the price has come back from it.
	BrokenUSD float64 `json:"broken,omitempty"`
	// Fired is when the last alert of the side came, by our clock.
	Fired time.Time `json:"fired,omitzero"`
	// Unsure says that no second price has vouched for the one that the level was
	// frozen at.
	Unsure bool `json:"unsure,omitempty"`
}

// BreakoutState is what the breakout rule knows of a coin. The zero BreakoutState
// knows nothing.
type BreakoutState struct {
	Seen  Sight `json:"seen,omitzero"`
	Above Side  `json:"above,omitzero"`
	Below Side  `json:"below,omitzero"`
	// Last is the market time of the newest alert on either side.
	Last time.Time `json:"last,omitzero"`
	// Grade knows which of them are notable.
	Grade grade `json:"grade,omitzero"`
	// resumed says that the state was read from where it is kept, and not stepped
	// since: what is pending has to hold anew.
	resumed bool
}

// Encode is the state as it is kept.
func (st BreakoutState) Encode() ([]byte, error) { return encode(breakoutVersion, st) }

// DecodeBreakout reads a kept state. The error wraps ErrVersion or ErrState where
// that is the reason.
func DecodeBreakout(saved []byte) (BreakoutState, error) {
	st, err := decode(saved, breakoutVersion, BreakoutState.check)
	if err != nil {
		return BreakoutState{}, err
	}
	st.resumed = true
	return st, nil
}

func (st BreakoutState) check() error {
	for _, sd := range []Side{st.Above, st.Below} {
		if !plausible(sd.LevelUSD) || !plausible(sd.BrokenUSD) || !plausible(sd.NearUSD) || !plausible(sd.IntensityUSD) {
			return ErrState
		}
		switch sd.Phase {
		case Unarmed:
		case Armed, Pending, Broken:
			if sd.LevelUSD == 0 {
				return ErrState
			}
		default:
			return ErrState
		}
	}
	return checkAll(st.Grade, st.Seen)
}

// StepBreakout looks for a price that has gone beyond a key level and stayed there.
// The level is one that an earlier snapshot has frozen, so a level that moves over
// the price is no breakout. Where several venues quote the coin two of them have to be
// beyond it. A level that was passed while nobody looked is told as that. It is pure.
func StepBreakout(l Limits, st BreakoutState, s *snapshot.Snapshot, now time.Time) (BreakoutState, Verdict) {
	g, ok := st.Seen.look(l, s, now, coverageOf(s))
	if !ok || !fresh(s.Map.Provenance().AsOf, now, l) {
		return st, Verdict{}
	}
	v := Verdict{Evaluated: true}
	last := earlier(st.Last, wall(now))
	above, below := usable(s.Summary.Above), usable(s.Summary.Below)
	st.Grade = st.Grade.sample(s, g.At, intensity(above), intensity(below))
	quotes := marks(l, s, now)
	for _, rising := range []bool{true, false} {
		m := moment{Limits: l, glance: g, now: now.UTC(), rising: rising, resumed: st.resumed, seen: st.Seen.At, marks: quotes, key: above}
		side := &st.Above
		if !rising {
			side, m.key = &st.Below, below
		}
		stepped, fired, keep := side.step(m)
		*side = stepped
		v.Keep = v.Keep || keep
		if fired {
			st.Last = g.At
			a := breakout(m, stepped, s, last)
			st.Grade, a.Notable = st.Grade.judge(l, l.NotableShare, rising, a.Strength, now)
			v.Alerts = append(v.Alerts, a)
		}
	}
	st.Seen, st.resumed = g.Sight, false
	return st, v
}

// usable is nil for a key level that has no figures.
func usable(key *liquidation.KeyLevel) *liquidation.KeyLevel {
	if key == nil || !market.Positive(key.PriceUSD) || !plausible(key.IntensityUSD) {
		return nil
	}
	return key
}

// intensity is that of a key level, 0 for none.
func intensity(key *liquidation.KeyLevel) float64 {
	if key == nil {
		return 0
	}
	return key.IntensityUSD
}

// breakout words the alert of a side that has just broken.
func breakout(m moment, sd Side, s *snapshot.Snapshot, last time.Time) alert.Alert {
	return alert.Alert{
		ID:   alert.EventID(alert.Breakout, s.Key.Coin, sd.LevelUSD, m.rising, sd.Epoch),
		Rule: alert.Breakout, Coin: s.Key.Coin, Window: s.Key.Window, Rising: m.rising,
		LevelUSD: sd.LevelUSD, PriceUSD: m.USD, Kind: s.Price.Kind,
		Strength: sd.IntensityUSD, Solo: solo(m.marks, s),
		IntensityUSD: sd.IntensityUSD, IntensityAt: sd.IntensityAt,
		At: m.At, Crossed: sd.Since, BlindSince: sd.BlindSince, Last: last,
		Expires:    wall(m.now).Add(m.TTL),
		Provenance: s.Map.Provenance(),
	}
}

// moment is what a side is judged by.
type moment struct {
	Limits
	glance
	now     time.Time
	rising  bool
	resumed bool
	// seen is when the coin was seen before, zero for never.
	seen time.Time
	// marks are the mark prices of the venues, where the source tells them apart.
	marks []float64
	// key is the present key level of the side, nil for none.
	key *liquidation.KeyLevel
}

// past reports whether a price has gone beyond another in the side's direction.
func (m moment) past(usd, level float64) bool {
	if m.rising {
		return usd > level
	}
	return usd < level
}

// shifted moves a price by a fraction in the side's direction.
func (m moment) shifted(usd, by float64) float64 {
	if m.rising {
		return usd * (1 + by)
	}
	return usd * (1 - by)
}

// step is one step of a side: its next state, whether it has just broken, and
// whether the state must be kept at once.
func (sd Side) step(m moment) (next Side, fired, keep bool) {
	sd = sd.clamped(m)
	if sd.missed(m) {
		return sd.passed(m), false, true
	}
	if m.other || m.gap || sd.Unsure && !m.steady || m.doubt.holds(sd.LevelUSD) {
		// Nothing is known of the time in between, or there is no telling which of two
		// prices is wrong, or the level may be crossed by a change of venue only.
		next = sd.anew(m)
		return next, false, next != sd
	}
	sd.Unsure = false
	if m.steady && sd.cooled(m) && sd.BrokenUSD != 0 && sd.back(m) {
		sd.BrokenUSD = 0
	}
	switch sd.Phase {
	case Armed:
		next = sd.follow(m)
	case Pending:
		next, fired = sd.hold(m)
	case Broken:
		next = sd.rest(m)
	default:
		next = sd.freeze(m)
	}
	keep = next.Phase != sd.Phase || next.LevelUSD != sd.LevelUSD || !next.Epoch.Equal(sd.Epoch) || !next.Since.Equal(sd.Since)
	return next, fired, keep
}

// clamped moves times that a clock has put into the future to the present. Epoch
// stays: it is a name.
func (sd Side) clamped(m moment) Side {
	sd.IntensityAt = earlier(sd.IntensityAt, m.At)
	sd.Since = earlier(sd.Since, m.At)
	sd.BlindSince = earlier(sd.BlindSince, m.At)
	if sd.Fired.After(m.now) {
		sd.Fired = m.now
	}
	return sd
}

// cooled reports whether the last alert of the side is long enough ago. The clock
// is ours and, within a process, does not jump.
func (sd Side) cooled(m moment) bool { return sd.Fired.IsZero() || m.now.Sub(sd.Fired) >= m.Cooldown }

// missed reports whether the price has gone beyond the level while nobody looked, on the
// same market and not too long ago.
func (sd Side) missed(m moment) bool {
	return m.gap && !m.other && !sd.Unsure && (sd.Phase == Armed || sd.Phase == Pending) &&
		m.past(m.USD, sd.LevelUSD) && m.At.Sub(m.seen) < blindMost
}

// passed is a side whose level was missed. The price has to hold like any other.
func (sd Side) passed(m moment) Side {
	sd.Phase, sd.Since = Pending, m.At
	if sd.BlindSince.IsZero() {
		sd.BlindSince = m.seen
	}
	return sd
}

// anew arms a side for which the past does not count, but for its cooldown.
func (sd Side) anew(m moment) Side {
	if sd.Phase == Broken && !sd.cooled(m) {
		return sd
	}
	return sd.freeze(m)
}

// back reports whether the price has come back from the broken level.
func (sd Side) back(m moment) bool { return !m.past(m.USD, m.shifted(sd.BrokenUSD, -m.Hysteresis)) }

// spent reports whether the present key level is about the one that was broken, from
// which the price has not come back.
func (sd Side) spent(m moment) bool {
	return sd.BrokenUSD != 0 && !m.past(m.key.PriceUSD, m.shifted(sd.BrokenUSD, m.Hysteresis))
}

// freeze arms the side with the present key level, if there is one that can be
// armed.
func (sd Side) freeze(m moment) Side {
	next := Side{Fired: sd.Fired, BrokenUSD: sd.BrokenUSD}
	if m.gap {
		next.BrokenUSD = 0
	}
	if m.key == nil || !m.past(m.key.PriceUSD, m.USD) || next.spent(m) {
		return next
	}
	next.Phase, next.Epoch, next.Unsure = Armed, m.At, !m.steady
	return next.read(m)
}

// read takes over the present key level and its intensity.
func (sd Side) read(m moment) Side {
	sd.LevelUSD, sd.NearUSD = m.key.PriceUSD, m.key.PriceUSD
	if from := m.key.Cluster.FromUSD; market.Positive(from) && m.past(sd.LevelUSD, from) {
		sd.NearUSD = from
	}
	sd.IntensityUSD, sd.IntensityAt = m.key.IntensityUSD, m.At
	return sd
}

// follow is a step of an armed side.
func (sd Side) follow(m moment) Side {
	if m.past(m.USD, sd.LevelUSD) {
		sd.Phase, sd.Since = Pending, m.At
		return sd
	}
	old := m.At.Sub(sd.IntensityAt) > readingLasts
	switch {
	case m.key == nil:
		if old {
			return sd.freeze(m)
		}
	case near(m.key.PriceUSD, sd.LevelUSD, sameLevel):
		// A reading shrinks as the price walks towards the level, so the greatest one
		// is what people have seen. It comes with the level that it was read for.
		same := m.key.IntensityUSD == sd.IntensityUSD && m.key.PriceUSD == sd.LevelUSD
		if m.past(m.key.PriceUSD, m.USD) && (old || same || m.key.IntensityUSD > sd.IntensityUSD) {
			return sd.read(m)
		}
	case old || m.steady && !sd.entered(m) && !sd.spent(m):
		return sd.freeze(m)
	}
	return sd
}

// entered reports whether the price is within the cluster of the level. There the
// cluster is used up by the price, so that another one soon is the strongest: that
// is no reason to forget the level.
func (sd Side) entered(m moment) bool { return !m.past(sd.NearUSD, m.USD) }

// hold is a step of a pending side.
func (sd Side) hold(m moment) (next Side, fired bool) {
	switch {
	case !m.past(m.USD, sd.LevelUSD):
		sd.Phase, sd.Since, sd.BlindSince = Armed, time.Time{}, time.Time{}
		return sd.follow(m), false
	case m.resumed:
		sd.Since = m.At
	case m.steady && m.At.Sub(sd.Since) >= m.Hold && m.vouched(sd.LevelUSD):
		sd.Phase, sd.Fired, sd.BrokenUSD = Broken, m.now, sd.LevelUSD
		return sd, true
	}
	return sd, false
}

// rest is a step of a broken side. It is armed again after the cooldown, once the
// price has come back or the key level is another one farther out.
func (sd Side) rest(m moment) Side {
	if sd.cooled(m) && (sd.BrokenUSD == 0 || m.key != nil && !sd.spent(m)) {
		return sd.freeze(m)
	}
	return sd
}
