package watcher

import (
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

const (
	// outcomeVersion is the version of OutcomeState's JSON.
	outcomeVersion = 1
	// maxFollowed bounds the breakouts of a coin that are followed at a time.
	maxFollowed = 64
	// outcomeLasts is how long an outcome is news.
	outcomeLasts = 2 * time.Hour
	// lateBy is how late, as a part of the time, an outcome may be seen and still be one:
	// the bot was down, say.
	lateBy = 0.25
)

// OutcomeState is what is known of the breakouts of a coin that are followed. The zero
// OutcomeState follows none.
type OutcomeState struct {
	Seen Sight      `json:"seen,omitzero"`
	Open []Followed `json:"open,omitempty"`
}

// Followed is a breakout that is followed.
type Followed struct {
	ID       string        `json:"id"`
	Window   market.Window `json:"window,omitempty"`
	Rising   bool          `json:"rising,omitempty"`
	LevelUSD float64       `json:"level"`
	FromUSD  float64       `json:"from"`
	At       time.Time     `json:"at"`
	// BestUSD and WorstUSD are the farthest prices seen since, in its direction and
	// against it.
	BestUSD  float64 `json:"best"`
	WorstUSD float64 `json:"worst"`
	// Told counts the times of Limits.Follow that are over.
	Told int `json:"told,omitempty"`
}

// Encode is the state as it is kept.
func (st OutcomeState) Encode() ([]byte, error) { return encode(outcomeVersion, st) }

// DecodeOutcome reads a kept state. The error wraps ErrVersion or ErrState where that is
// the reason.
func DecodeOutcome(saved []byte) (OutcomeState, error) {
	return decode(saved, outcomeVersion, OutcomeState.check)
}

func (st OutcomeState) check() error {
	if len(st.Open) > maxFollowed {
		return ErrState
	}
	for _, f := range st.Open {
		if f.ID == "" || !market.Positive(f.LevelUSD) || !market.Positive(f.FromUSD) || !market.Positive(f.BestUSD) ||
			!market.Positive(f.WorstUSD) || f.Told < 0 || f.At.IsZero() {
			return ErrState
		}
	}
	return st.Seen.check()
}

// StepOutcome follows the breakouts that fired with this snapshot and those before, and
// tells what became of each after the times of Limits.Follow. It is pure.
func StepOutcome(l Limits, st OutcomeState, fired []alert.Alert, s *snapshot.Snapshot, now time.Time) (OutcomeState, Verdict) {
	g, ok := st.Seen.look(l, s, now, marketOf(s.Price))
	if !ok {
		// The rules that fired have seen something in it, so the prices agree.
		return st.follow(fired), Verdict{Keep: len(fired) > 0}
	}
	v := Verdict{Evaluated: true}
	before := st.Open
	st.Open = nil
	for _, f := range before {
		if g.other && !g.doubted() {
			continue // another market, or a recording that began anew: nothing to compare with
		}
		f.At = earlier(f.At, g.At) // a clock may have been set back
		if g.steady || g.gap {
			f = f.seen(g.USD)
		}
		for f.Told < len(l.Follow) && !g.At.Before(f.At.Add(l.Follow[f.Told])) {
			after := l.Follow[f.Told]
			f.Told++
			if g.At.Sub(f.At) <= after+time.Duration(lateBy*float64(after)) {
				v.Alerts = append(v.Alerts, f.outcome(after, g, s, now))
			}
		}
		if f.Told < len(l.Follow) {
			st.Open = append(st.Open, f)
		}
	}
	v.Keep = len(v.Alerts) > 0 || len(fired) > 0 || len(st.Open) != len(before)
	st.Seen = g.Sight
	return st.follow(fired), v
}

// doubted reports whether the price is another venue's, and else the same market.
func (g glance) doubted() bool { return g.doubt != band{} }

// follow takes up breakouts.
func (st OutcomeState) follow(fired []alert.Alert) OutcomeState {
	if len(fired) == 0 {
		return st
	}
	st.Open = slices.Clone(st.Open)
	for i := range fired {
		a := &fired[i]
		if a.Rule != alert.Breakout || !market.Positive(a.PriceUSD) || !market.Positive(a.LevelUSD) {
			continue
		}
		st.Open = append(st.Open, Followed{
			ID: a.ID, Window: a.Window, Rising: a.Rising, LevelUSD: a.LevelUSD, FromUSD: a.PriceUSD, At: a.At,
			BestUSD: a.PriceUSD, WorstUSD: a.PriceUSD,
		})
	}
	st.Open = st.Open[max(0, len(st.Open)-maxFollowed):]
	return st
}

// seen takes a price into account.
func (f Followed) seen(usd float64) Followed {
	high, low := max(f.BestUSD, f.WorstUSD, usd), min(f.BestUSD, f.WorstUSD, usd)
	if f.BestUSD, f.WorstUSD = high, low; !f.Rising {
		f.BestUSD, f.WorstUSD = low, high
	}
	return f
}

// outcome tells what became of a breakout after a time.
func (f Followed) outcome(after time.Duration, g glance, s *snapshot.Snapshot, now time.Time) alert.Alert {
	a := alert.Alert{
		ID: f.ID + "/" + after.String(), Rule: alert.Outcome, Coin: s.Key.Coin, Window: f.Window, Rising: f.Rising,
		LevelUSD: f.LevelUSD, PriceUSD: g.USD, Kind: s.Price.Kind, Notable: true, Span: after,
		At: g.At, Crossed: f.At, Expires: wall(now).Add(outcomeLasts), Provenance: s.Price.Provenance,
	}
	told := alert.Followed{
		ID: f.ID, After: after, FromUSD: f.FromUSD, ToUSD: g.USD, BestUSD: f.BestUSD, WorstUSD: f.WorstUSD,
		Held: f.Rising && g.USD > f.LevelUSD || !f.Rising && g.USD < f.LevelUSD,
	}
	if r := s.Realised; r != nil && len(r.Watched) > 0 {
		sum := r.Sum(r.AsOf.Sub(f.At))
		_, late := sum.WatchedSince()
		told.Watched, told.LiquidatedUSD = !late, sum.LongUSD
		if a.Side() == market.Short {
			told.LiquidatedUSD = sum.ShortUSD
		}
	}
	a.Followed = &told
	return a
}
