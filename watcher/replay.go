package watcher

import (
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// Replay steps all rules over snapshots of the past, for whoever wants to know which
// alerts would have come of them. It keeps nothing and tells nobody. It is not safe for
// concurrent use.
type Replay struct {
	opts  Options
	coins map[market.Coin]*coin
}

// NewReplay makes a replay that knows nothing yet. Of the options only the window and the
// figures of the rules count.
func NewReplay(o Options) *Replay {
	return &Replay{opts: o.withDefaults(), coins: make(map[market.Coin]*coin)}
}

// Step evaluates a snapshot at the moment at which it was seen and returns the alerts that
// have happened with it: all breakouts, and of the other rules what is notable. Levels
// and thresholds that members name are not known here. Snapshots that a Watcher ignores
// are ignored.
func (r *Replay) Step(s *snapshot.Snapshot, now time.Time) []alert.Alert {
	if s == nil || s.Map == nil || s.Key.Window != r.opts.Window || s.Key.Coin == "" {
		return nil
	}
	c, known := r.coins[s.Key.Coin]
	if !known {
		c = new(coin)
		for _, rule := range rules() {
			m, _ := rule.load(nil) // only a saved state can be wrong
			c.machines = append(c.machines, m)
		}
		r.coins[s.Key.Coin] = c
	}
	var found []alert.Alert
	for _, m := range c.machines {
		found = append(found, m.step(r.opts.Limits(), s, now).Alerts...)
	}
	var v Verdict
	c.outcomes, v = StepOutcome(r.opts.Limits(), c.outcomes, found, s, now)
	return append(found, v.Alerts...)
}
