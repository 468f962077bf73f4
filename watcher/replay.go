package watcher

import (
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// Replay steps all rules over snapshots of the past, for whoever wants to know which
// alerts would have come of them. It keeps nothing and tells nobody. It is not safe for
// concurrent use.
type Replay struct {
	opts   Options
	limits Limits
	rules  []rule
	coins  map[market.Coin]*coin
}

// NewReplay makes a replay that knows nothing yet. Of the options only the window and the
// figures of the rules count. It steps the rules that are named, all if none is.
func NewReplay(o Options, only ...alert.Rule) *Replay {
	r := &Replay{opts: o.withDefaults(), coins: make(map[market.Coin]*coin)}
	r.limits = r.opts.Limits()
	for _, rule := range rules() {
		if len(only) == 0 || slices.Contains(only, rule.name) {
			r.rules = append(r.rules, rule)
		}
	}
	return r
}

// Step evaluates a snapshot at the moment at which it was seen and returns all that has
// happened with it, notable or not: alert.Alert.Meets says whether a chat with a threshold,
// or with none, would have been told. The outcomes of breakouts follow. Levels that members
// name are not known here. Snapshots that a Watcher ignores are ignored.
func (r *Replay) Step(s *snapshot.Snapshot, now time.Time) []alert.Alert {
	if s == nil || s.Map == nil || s.Key.Window != r.opts.Window || s.Key.Coin == "" {
		return nil
	}
	c, known := r.coins[s.Key.Coin]
	if !known {
		c = new(coin)
		for _, rule := range r.rules {
			m, _ := rule.load(nil) // only a saved state can be wrong
			c.machines = append(c.machines, m)
		}
		r.coins[s.Key.Coin] = c
	}
	var found []alert.Alert
	for _, m := range c.machines {
		v := m.step(r.limits, s, now)
		found = append(append(found, v.Alerts...), v.Risen...)
	}
	var v Verdict
	c.outcomes, v = StepOutcome(r.limits, c.outcomes, found, s, now)
	return append(found, v.Alerts...)
}
