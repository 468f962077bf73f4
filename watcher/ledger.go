package watcher

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/market"
)

// saveEvery is the time after which states are kept that nothing else has kept.
const saveEvery = 30 * time.Second

// ledger is what waits to be kept by the journal. Whatever the journal refuses
// stays and is tried again, so it is told the same alert under the same ID.
type ledger struct {
	opts    Options
	alerts  []alert.Alert
	reached []alert.Reached
	// traces are for the record only.
	traces []alert.Alert
	// seen are the coins that the rules are at work on, since the last commit.
	seen map[market.Coin]bool
	// changed are the coins whose states are newer than what is kept, urgent those of
	// them that must be kept at once.
	changed, urgent map[market.Coin]bool
	// swept is when all that had changed was kept.
	swept time.Time
	back  backoff
}

func newLedger(o Options) *ledger {
	return &ledger{opts: o, changed: make(map[market.Coin]bool), urgent: make(map[market.Coin]bool), swept: time.Now(), seen: make(map[market.Coin]bool)}
}

// trace keeps what is for the record only. It makes no haste.
func (l *ledger) trace(left []alert.Alert) {
	if len(l.traces)+len(left) <= maxTraces {
		l.traces = append(l.traces, left...)
	}
}

// see notes that the rules are at work on a coin.
func (l *ledger) see(c market.Coin) { l.seen[c] = true }

// note marks the states of a coin as changed.
func (l *ledger) note(c market.Coin, atOnce bool) {
	l.changed[c] = true
	if atOnce {
		l.urgent[c] = true
	}
}

// reach adds a confirmed price. Of those of a coin that wait only the highest and
// the lowest stay: they have reached whatever those between have.
func (l *ledger) reach(fresh alert.Reached) {
	var low, high *alert.Reached
	for i := range l.reached {
		switch r := &l.reached[i]; {
		case r.Coin != fresh.Coin:
		case low == nil:
			low, high = r, r
		case r.USD < low.USD:
			low = r
		default:
			high = r
		}
	}
	switch {
	case low == nil || low == high && fresh.USD != low.USD:
		l.reached = append(l.reached, fresh)
	case fresh.USD < low.USD:
		*low = fresh
	case fresh.USD > high.USD:
		*high = fresh
	}
}

// due lists the coins whose states are to be kept now, and reports whether anything
// is.
func (l *ledger) due(now time.Time) ([]market.Coin, bool) {
	if now.Before(l.back.until) {
		return nil, false
	}
	coins := l.urgent
	if now.Sub(l.swept) >= saveEvery {
		coins = l.changed
	}
	return slices.Sorted(maps.Keys(coins)), len(coins)+len(l.alerts)+len(l.reached) > 0
}

// all lists the coins whose states are not kept, and reports whether anything is
// not, however lately the journal has refused it.
func (l *ledger) all() ([]market.Coin, bool) {
	return slices.Sorted(maps.Keys(l.changed)), len(l.changed)+len(l.alerts)+len(l.reached) > 0
}

// commit has the journal keep the states and everything that has happened.
func (l *ledger) commit(ctx context.Context, coins []market.Coin, states map[string][]byte) {
	l.forget(l.opts.Now())
	queued, err := l.opts.Journal.Record(ctx, alert.Step{States: states, Seen: slices.Sorted(maps.Keys(l.seen)), Traces: l.traces, Alerts: l.alerts, Reached: l.reached})
	if err != nil {
		if l.back.failed(time.Now()) && ctx.Err() == nil {
			l.opts.Log.Error("step not recorded, tried again until it is", slog.Any("err", err),
				slog.Int("alerts", len(l.alerts)), slog.Int("prices", len(l.reached)))
		}
		return
	}
	if l.back.failures > 0 {
		l.opts.Log.Info("steps are recorded again")
	}
	l.kept(coins)
	l.tell(queued)
	clear(l.seen)
	l.traces, l.alerts, l.reached, l.back = nil, nil, nil, backoff{}
}

// kept notes that the states of some coins are kept.
func (l *ledger) kept(coins []market.Coin) {
	for _, c := range coins {
		delete(l.changed, c)
		delete(l.urgent, c)
	}
	if len(l.changed) == 0 {
		l.swept = time.Now()
	}
}

// tell passes on what was recorded.
func (l *ledger) tell(queued int) {
	for _, a := range l.alerts {
		l.opts.Observe(a.Rule)
	}
	if queued == 0 {
		return
	}
	for _, r := range l.reached {
		l.opts.Observe(r.Alert.Rule)
	}
	l.opts.Wake()
}

// forget drops what is no news any more: nobody would be told of it. It bounds what
// waits for a journal that does not come back.
func (l *ledger) forget(now time.Time) {
	n := len(l.alerts) + len(l.reached)
	l.alerts = slices.DeleteFunc(l.alerts, func(a alert.Alert) bool { return a.Expires.Before(now) })
	l.reached = slices.DeleteFunc(l.reached, func(r alert.Reached) bool { return r.Alert.Expires.Before(now) })
	if dropped := n - len(l.alerts) - len(l.reached); dropped > 0 {
		l.opts.Log.Error("alerts not recorded, too old by now", slog.Int("dropped", dropped))
	}
}

// backoff spaces the tries of what fails, by a clock that does not jump.
type backoff struct {
	failures int
	until    time.Time
}

// The least and the longest time between two tries.
const (
	shortestRest = time.Second
	longestRest  = 30 * time.Second
)

// failed notes a failure and reports whether it is the first in a row.
func (b *backoff) failed(now time.Time) bool {
	b.until = now.Add(min(shortestRest<<min(b.failures, 10), longestRest))
	b.failures++
	return b.failures == 1
}
