// Package watcher finds out what is worth an alert. Each rule is a pure state
// machine of one coin: breakout.go and approach.go watch the key levels of the map,
// price.go the levels that members have named, and so on; rules.go lists them. What grows
// is told by a ratchet, ratchet.go. A Watcher feeds them the
// newest snapshots and hands what they find, with their states, to a Journal in one
// piece, so that a crash neither loses nor repeats an alert. It knows no text, no
// chat and no platform. Run is its only goroutine and owns all state.
package watcher

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// Journal keeps what a Watcher finds and knows what people have asked for. Only
// Run calls it, one call at a time.
type Journal interface {
	// States returns the rules' states as they were recorded, by name.
	States(ctx context.Context) (map[string][]byte, error)
	// Record keeps a step in one piece and returns how many deliveries it has queued.
	// An alert whose ID it has already is not recorded again.
	Record(ctx context.Context, step alert.Step) (queued int, err error)
	// Watched lists the coins that somebody has asked for. It is called every second.
	Watched(ctx context.Context) ([]market.Coin, error)
	// LevelReached reports whether a member's level lies at a confirmed price or was
	// passed by it.
	LevelReached(ctx context.Context, coin market.Coin, usd float64) (bool, error)
	// Crossed reports whether somebody has a threshold above before and not above
	// strength for a rule's alerts on a coin.
	Crossed(ctx context.Context, rule alert.Rule, coin market.Coin, before, strength float64) (bool, error)
}

// Figures that hosts usually take for Options.Hold and Options.Cooldown.
const (
	UsualHold     = 10 * time.Second
	UsualCooldown = 15 * time.Minute
)

// Options say what a Watcher watches, and by which figures.
type Options struct {
	Journal Journal
	// Window is the look-back of the maps that breakouts are read from, market.Week if
	// empty. Snapshots of others are ignored.
	Window market.Window
	// Hold is how long the price must stay beyond a level, in market time. It takes a
	// second snapshot in any case.
	Hold time.Duration
	// Cooldown is the least time between two alerts of one side of a coin.
	Cooldown time.Duration
	// Hysteresis is how far the price must come back before a broken level can be
	// armed again, as a fraction; 0.003 if zero.
	Hysteresis float64
	// Near is how far from a cluster's near edge the price is near it, as a fraction; 0.01
	// if zero.
	Near float64
	// NotableShare is how large a level's intensity has to be for an alert to everybody,
	// as a share of what is usual for the coin; 0.5 if zero. Below zero any level will do.
	// For an approach it is twice the share.
	NotableShare float64
	// Rest is the least time between two such alerts of a rule, coin and side, unless the
	// second is the stronger one; an imbalance is told again after six times as long. Four
	// hours if zero, none below zero.
	Rest time.Duration
	// StaleAfter is the age from which a snapshot is not evaluated, and the silence
	// from which on a coin was not seen; two minutes if zero.
	StaleAfter time.Duration
	// TTL is how long an alert is news, half an hour if zero.
	TTL time.Duration
	// Follow are the times after which it is told what became of a breakout, the shortest
	// first; 1, 4 and 24 hours if nil.
	Follow []time.Duration
	// Want asks for a key to be kept fresh: once a minute for every watched coin, and
	// at once for a new one. It has to return at once; nil is allowed.
	Want func(snapshot.Key)
	// Wake is called when deliveries were queued. It has to return at once; nil is
	// allowed.
	Wake func()
	// Observe is told of the alerts that were recorded; nil is allowed.
	Observe func(alert.Rule)
	// Now is the clock that ages are judged by, time.Now if nil.
	Now func() time.Time
	Log *slog.Logger
}

// Limits are the figures that the rules go by, for whoever replays them.
func (o Options) Limits() Limits {
	o = o.withDefaults()
	return Limits{
		Hold: o.Hold, Cooldown: o.Cooldown, Hysteresis: o.Hysteresis, Near: o.Near,
		NotableShare: max(o.NotableShare, 0), Rest: max(o.Rest, 0), StaleAfter: o.StaleAfter, TTL: o.TTL, Follow: o.Follow,
	}
}

func (o Options) withDefaults() Options {
	o.Window = cmp.Or(o.Window, market.Week)
	o.Hold, o.Cooldown = max(o.Hold, 0), max(o.Cooldown, 0)
	if !(o.Hysteresis > 0 && o.Hysteresis < 1) {
		o.Hysteresis = 0.003
	}
	if !(o.Near > 0 && o.Near < 1) {
		o.Near = 0.01
	}
	o.NotableShare = cmp.Or(o.NotableShare, 0.5)
	o.Rest = cmp.Or(o.Rest, 4*time.Hour)
	if o.StaleAfter <= 0 {
		o.StaleAfter = 2 * time.Minute
	}
	if o.TTL <= 0 {
		o.TTL = 30 * time.Minute
	}
	if o.Follow == nil {
		o.Follow = []time.Duration{time.Hour, 4 * time.Hour, 24 * time.Hour}
	}
	if o.Want == nil {
		o.Want = func(snapshot.Key) {}
	}
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.Observe == nil {
		o.Observe = func(alert.Rule) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Watcher runs the rules over the snapshots that are published to it. Publish and
// Beat are safe for concurrent use, Run is called once.
type Watcher struct {
	opts  Options
	rules []rule
	// published wakes Run.
	published chan struct{}
	// beat is the Unix time in nanoseconds of the last evaluation, 0 for none.
	beat atomic.Int64

	mu     sync.Mutex
	newest map[market.Coin]*snapshot.Snapshot
}

// New makes a watcher; Run starts it.
func New(o Options) *Watcher {
	return &Watcher{
		opts: o.withDefaults(), rules: rules(),
		published: make(chan struct{}, 1),
		newest:    make(map[market.Coin]*snapshot.Snapshot),
	}
}

// Publish hands a snapshot over. It does not wait for its evaluation: when the
// watcher is behind, only the newest snapshot of a coin is evaluated. Snapshots of
// other windows, and those without a map, are ignored.
func (w *Watcher) Publish(s *snapshot.Snapshot) {
	if s == nil || s.Map == nil || s.Key.Window != w.opts.Window || s.Key.Coin == "" {
		return
	}
	if !w.put(s) {
		return
	}
	select {
	case w.published <- struct{}{}:
	default: // it is awake already
	}
}

// put keeps a snapshot unless a newer one of its coin waits.
func (w *Watcher) put(s *snapshot.Snapshot) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old := w.newest[s.Key.Coin]; old != nil && s.Price.Provenance.AsOf.Before(old.Price.Provenance.AsOf) {
		return false
	}
	w.newest[s.Key.Coin] = s
	return true
}

// take returns what was published since the last call, ordered by coin.
func (w *Watcher) take() []*snapshot.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.SortedFunc(maps.Values(w.newest), func(a, b *snapshot.Snapshot) int { return cmp.Compare(a.Key.Coin, b.Key.Coin) })
	clear(w.newest)
	return all
}

// Beat is when a snapshot was last evaluated, the zero time if none was. It stands
// still while no fresh snapshot comes.
func (w *Watcher) Beat() time.Time {
	if n := w.beat.Load(); n != 0 {
		return time.Unix(0, n).UTC()
	}
	return time.Time{}
}
