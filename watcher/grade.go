package watcher

import (
	"strconv"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
)

// usualMemory is how many hours what is usual of a map's levels goes back: about a week.
const usualMemory = 7 * 24

// outlier is how far from what is usual a sample counts, a factor: the average of levels
// then lies near the middle of them, however large a few are.
const outlier = 3

// grade decides which levels of a coin's map are worth an alert for everybody: those of
// the usual size, and not right after another one. As long as nothing is known of what is
// usual, every level is.
type grade struct {
	// Usual is the average intensity, and Source the market it is of.
	Usual  average `json:"usual,omitzero"`
	Source string  `json:"source,omitempty"`
	Above  telling `json:"above,omitzero"`
	Below  telling `json:"below,omitzero"`
}

// telling is the last notable alert of a side: when it was, by our clock, and its strength.
type telling struct {
	At       time.Time `json:"at,omitzero"`
	Strength float64   `json:"strength,omitempty"`
}

func (g grade) check() error {
	if !plausible(g.Above.Strength) || !plausible(g.Below.Strength) || g.Usual.Mean < 0 {
		return ErrState
	}
	return g.Usual.check()
}

// sample takes the intensities of the levels that the map shows now, once an hour. An
// average of another source's maps says nothing of this one's.
func (g grade) sample(s *snapshot.Snapshot, at time.Time, intensities ...float64) grade {
	if source := scaleOf(s); g.Source != source {
		g.Usual, g.Source = average{}, source
	}
	if !g.Usual.due(at) {
		return g
	}
	sum, n := 0.0, 0
	for _, usd := range intensities {
		if !market.Positive(usd) {
			continue
		}
		if usual := g.Usual.Mean; g.Usual.known() {
			usd = min(max(usd, usual/outlier), usual*outlier)
		}
		sum += usd
		n++
	}
	if n > 0 {
		g.Usual = g.Usual.add(at, sum/float64(n), usualMemory)
	}
	return g
}

// judge reports whether an event is notable, and remembers it if it is: share is how large
// it has to be, of what is usual.
func (g grade) judge(l Limits, share float64, rising bool, strength float64, now time.Time) (grade, bool) {
	side := &g.Above
	if !rising {
		side = &g.Below
	}
	now = wall(now)
	if g.Usual.known() && strength < share*g.Usual.Mean {
		return g, false
	}
	if last := earlier(side.At, now); !last.IsZero() && now.Sub(last) < l.Rest && strength <= side.Strength {
		return g, false
	}
	*side = telling{At: now, Strength: strength}
	return g, true
}

// scaleOf names what the size of a map's levels depends on besides the market: who made it.
func scaleOf(s *snapshot.Snapshot) string {
	p := s.Map.Provenance()
	return fingerprint([]string{string(s.Key.Window), p.Source, strconv.FormatBool(p.Demo), strconv.FormatBool(p.RecordedAt.IsZero())})
}
