package watcher

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// How often Run does what nobody wakes it for, by a clock that does not jump.
const (
	// lookEvery is the time between two looks at which coins are watched.
	lookEvery = time.Second
	// wantEvery is the time after which a watched coin is asked for again.
	wantEvery = time.Minute
	// lastSave bounds the save at the end of Run.
	lastSave = 2 * time.Second
)

// Run evaluates what is published until the context ends, then keeps the states
// once more and returns nil. As long as the kept states cannot be read nothing is
// evaluated.
func (w *Watcher) Run(ctx context.Context) error {
	r := &runner{Watcher: w, ledger: newLedger(w.opts), coins: make(map[market.Coin]*coin), trouble: make(map[string]bool)}
	if !r.load(ctx) {
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	r.look(ctx)
	for {
		select {
		case <-ctx.Done():
			r.finish(ctx)
			return nil
		case <-w.published:
			for _, s := range w.take() {
				r.evaluate(ctx, s)
			}
			r.record(ctx)
		case <-tick.C:
			r.look(ctx)
			r.record(ctx)
		}
	}
}

// runner is the state of Run, which only its goroutine touches.
type runner struct {
	*Watcher
	ledger *ledger
	// saved are the states of coins that have not come up since the start.
	saved map[string][]byte
	coins map[market.Coin]*coin
	// wanted is when a watched coin was last asked for.
	wanted map[market.Coin]time.Time
	// trouble holds what the log was told of and has not passed.
	trouble map[string]bool
}

// coin is what is known of one coin.
type coin struct {
	machines []machine
	// outcomes follows the breakouts that the machines find.
	outcomes OutcomeState
	traces   traces
	// stale and broken say what the log was told of already.
	stale  bool
	broken []bool
	lost   bool
}

// load reads the kept states, as often as it takes; false if the context ended.
func (r *runner) load(ctx context.Context) bool {
	var back backoff
	for {
		saved, err := r.opts.Journal.States(ctx)
		if err == nil {
			r.saved = saved
			return true
		}
		if back.failed(time.Now()) && ctx.Err() == nil {
			r.opts.Log.Error("rule states not read, no alerts until they are", slog.Any("err", err))
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Until(back.until)):
		}
	}
}

// look asks for the coins that are watched: the new ones at once.
func (r *runner) look(ctx context.Context) {
	coins, err := r.opts.Journal.Watched(ctx)
	if r.told(ctx, "watched coins not read", err) {
		return
	}
	asked := make(map[market.Coin]time.Time, len(coins))
	now := time.Now()
	for _, c := range coins {
		at, known := r.wanted[c]
		if !known || now.Sub(at) >= wantEvery {
			r.opts.Want(snapshot.Key{Coin: c, Window: r.opts.Window})
			at = now
		}
		asked[c] = at
	}
	r.wanted = asked
}

// told logs an error once until it has passed, and reports whether there is one.
func (r *runner) told(ctx context.Context, what string, err error) bool {
	if err == nil {
		delete(r.trouble, what)
		return false
	}
	if ctx.Err() == nil && !r.trouble[what] {
		r.trouble[what] = true
		r.opts.Log.Error("journal not read", slog.String("what", what), slog.Any("err", err))
	}
	return true
}

// evaluate steps every rule of a coin with one moment for all of them.
func (r *runner) evaluate(ctx context.Context, s *snapshot.Snapshot) {
	now := r.opts.Now()
	c := r.coin(s.Key.Coin)
	r.noteAge(c, s, now)
	evaluated := false
	var fired []alert.Alert
	for i := range c.machines {
		v := r.step(c, i, s, now)
		if !v.Evaluated {
			continue
		}
		evaluated = true
		alerts := append(v.Alerts, r.crossed(ctx, c, v.Risen)...)
		for _, a := range v.Alerts {
			r.ledger.trace(c.traces.of(a, true))
		}
		r.ledger.note(s.Key.Coin, v.Keep || len(alerts) > 0)
		r.ledger.alerts = append(r.ledger.alerts, alerts...)
		fired = append(fired, alerts...)
		for _, reached := range v.Reached {
			// Not knowing is no reason to miss a level: the journal looks again.
			yes, err := r.opts.Journal.LevelReached(ctx, reached.Coin, reached.USD)
			if r.told(ctx, "levels not read", err) || yes {
				r.ledger.reach(reached)
			}
		}
	}
	if evaluated {
		r.beat.Store(now.UnixNano())
		r.ledger.see(s.Key.Coin)
	}
	r.follow(c, fired, s, now)
}

// follow tells what became of breakouts, and takes up those that were just found. It
// contains a panic as step does.
func (r *runner) follow(c *coin, fired []alert.Alert, s *snapshot.Snapshot, now time.Time) {
	defer func() {
		if p := recover(); p != nil && !c.lost {
			c.lost = true
			r.opts.Log.Error("following breakouts panicked", slog.String("coin", string(s.Key.Coin)), slog.String("panic", fmt.Sprintf("%T", p)))
		}
	}()
	next, v := StepOutcome(r.opts.Limits(), c.outcomes, fired, s, now)
	c.outcomes = next
	if v.Evaluated || v.Keep {
		r.ledger.note(s.Key.Coin, v.Keep)
		r.ledger.alerts = append(r.ledger.alerts, v.Alerts...)
	}
}

// crossed are the alerts that somebody's threshold asks for. Not knowing is no reason to
// miss one: the journal looks again for whom it is.
func (r *runner) crossed(ctx context.Context, c *coin, risen []alert.Alert) []alert.Alert {
	var out []alert.Alert
	for _, a := range risen {
		yes, err := r.opts.Journal.Crossed(ctx, a.Rule, a.Coin, a.Before, a.Strength)
		yes = r.told(ctx, "thresholds not read", err) || yes
		if yes {
			out = append(out, a)
		}
		r.ledger.trace(c.traces.of(a, yes))
	}
	return out
}

// step contains a rule's panic: the rule's state stays what it was and the other
// rules go on.
func (r *runner) step(c *coin, i int, s *snapshot.Snapshot, now time.Time) (v Verdict) {
	defer func() {
		p := recover()
		if p != nil && !c.broken[i] {
			r.opts.Log.Error("rule panicked", slog.String("rule", string(r.rules[i].name)), slog.String("coin", string(s.Key.Coin)),
				slog.String("panic", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
		}
		c.broken[i] = p != nil
	}()
	return c.machines[i].step(r.opts.Limits(), s, now)
}

// noteAge logs when a coin's snapshots have become too old for the rules, and when
// they are fresh again.
func (r *runner) noteAge(c *coin, s *snapshot.Snapshot, now time.Time) {
	stale := s.Age(now) > r.opts.StaleAfter
	switch {
	case stale && !c.stale:
		r.opts.Log.Warn("snapshot too old, rules rest", slog.String("coin", string(s.Key.Coin)), slog.Duration("age", s.Age(now)))
	case !stale && c.stale:
		r.opts.Log.Info("snapshots are fresh again", slog.String("coin", string(s.Key.Coin)))
	}
	c.stale = stale
}

// coin returns what is known of a coin, from the kept states the first time.
func (r *runner) coin(name market.Coin) *coin {
	if c, ok := r.coins[name]; ok {
		return c
	}
	c := &coin{broken: make([]bool, len(r.rules)), traces: make(traces)}
	for _, rule := range r.rules {
		key := stateName(rule.name, name)
		m, err := rule.load(r.saved[key])
		if err != nil {
			r.opts.Log.Warn("rule state not used, the rule starts anew", slog.String("rule", string(rule.name)),
				slog.String("coin", string(name)), slog.Any("err", err))
		}
		delete(r.saved, key)
		c.machines = append(c.machines, m)
	}
	c.outcomes = r.savedOutcomes(name)
	r.coins[name] = c
	return c
}

func (r *runner) savedOutcomes(name market.Coin) OutcomeState {
	key := stateName(alert.Outcome, name)
	saved := r.saved[key]
	delete(r.saved, key)
	if saved == nil {
		return OutcomeState{}
	}
	st, err := DecodeOutcome(saved)
	if err != nil {
		r.opts.Log.Warn("followed breakouts not used", slog.String("coin", string(name)), slog.Any("err", err))
	}
	return st
}

// record keeps what is due, if anything is.
func (r *runner) record(ctx context.Context) {
	if coins, due := r.ledger.due(time.Now()); due {
		r.ledger.commit(ctx, coins, r.states(coins))
	}
}

// finish keeps all that is not kept yet. It has its own time, as the context has
// ended.
func (r *runner) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
	defer cancel()
	if coins, due := r.ledger.all(); due {
		r.ledger.commit(ctx, coins, r.states(coins))
	}
}

// states encodes the states of some coins.
func (r *runner) states(coins []market.Coin) map[string][]byte {
	out := make(map[string][]byte, len(coins)*len(r.rules))
	for _, name := range coins {
		for i, m := range r.coins[name].machines {
			rule := r.rules[i].name
			encoded, err := m.encode()
			if err != nil {
				r.opts.Log.Error("rule state not kept", slog.String("rule", string(rule)), slog.String("coin", string(name)), slog.Any("err", err))
				continue
			}
			out[stateName(rule, name)] = encoded
		}
		encoded, err := r.coins[name].outcomes.Encode()
		if err != nil {
			r.opts.Log.Error("followed breakouts not kept", slog.String("coin", string(name)), slog.Any("err", err))
			continue
		}
		out[stateName(alert.Outcome, name)] = encoded
	}
	return out
}
