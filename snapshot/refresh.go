package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"liqbot/market"
)

// How long a key rests after a failure, unless the source names a time.
const (
	maxRest = time.Minute
	// hostRest is the rest after a failure that only the host can mend.
	hostRest = 5 * time.Minute
)

// refresher is the state of Run. Only Run's goroutine touches it.
type refresher struct {
	cache *Cache
	// flying are the keys that are being refreshed; at most Parallel.
	flying map[Key]bool
	// waiting are the keys that somebody waits for, in the order of asking.
	waiting []Key
	ended   chan ended

	listing      bool
	listed       chan listing
	nextList     time.Time
	listFailures int
	listError    string
}

type ended struct {
	key      Key
	snapshot *Snapshot
	err      error
}

type listing struct {
	coins []market.Coin
	err   error
}

// Run refreshes the cache until the context ends, then waits for the refreshes
// under way and returns nil.
func (c *Cache) Run(ctx context.Context) error {
	r := &refresher{cache: c, flying: make(map[Key]bool), ended: make(chan ended), listed: make(chan listing)}
	tick := time.NewTicker(max(c.opts.Every/4, 50*time.Millisecond))
	defer tick.Stop()
	r.launch(ctx, time.Now())
	for {
		select {
		case <-ctx.Done():
			r.drain()
			return nil
		case now := <-tick.C:
			c.forget(now)
			r.launch(ctx, now)
		case key := <-c.wanted:
			r.want(key, time.Now())
			r.launch(ctx, time.Now())
		case e := <-r.ended:
			r.land(e, time.Now())
			r.launch(ctx, time.Now())
		case l := <-r.listed:
			r.list(l, time.Now())
		}
	}
}

// launch starts what is due as far as there is room: first what somebody waits
// for, then the warm keys, then the rest, those that are due longest first.
func (r *refresher) launch(ctx context.Context, now time.Time) {
	if !r.listing && !now.Before(r.nextList) {
		r.listing = true
		go func() {
			coins, err := r.cache.list(ctx)
			r.listed <- listing{coins, err}
		}()
	}
	slots := *r.cache.slots.Load()
	r.waiting = slices.DeleteFunc(r.waiting, func(key Key) bool {
		s, ok := slots[key]
		return !ok || r.flying[key] || r.start(ctx, key, s, now)
	})
	if len(r.flying) >= r.cache.opts.Parallel {
		return
	}
	for _, key := range due(slots, now) {
		if !r.flying[key] && !r.start(ctx, key, slots[key], now) {
			return
		}
	}
}

// due lists the keys whose time has come, the most urgent first.
func due(slots map[Key]*slot, now time.Time) []Key {
	var keys []Key
	for key, s := range slots {
		if !now.Before(s.due) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b Key) int {
		x, y := slots[a], slots[b]
		if x.warm != y.warm {
			if x.warm {
				return -1
			}
			return 1
		}
		return cmp.Or(x.due.Compare(y.due), cmp.Compare(a.Coin, b.Coin), cmp.Compare(a.Window, b.Window))
	})
	return keys
}

// want notes that somebody waits for a key. A key that rests after a failure
// answers with that failure at once.
func (r *refresher) want(key Key, now time.Time) {
	s, ok := (*r.cache.slots.Load())[key]
	switch {
	case !ok || r.flying[key] || slices.Contains(r.waiting, key):
	case s.failures > 0 && now.Before(s.due):
		s.release()
	default:
		r.waiting = append(r.waiting, key)
	}
}

// start begins a refresh and reports whether there was room for it.
func (r *refresher) start(ctx context.Context, key Key, s *slot, now time.Time) bool {
	if len(r.flying) >= r.cache.opts.Parallel {
		return false
	}
	r.flying[key] = true
	s.due = now.Add(r.cache.opts.Every)
	go func() {
		s, err := r.cache.fetch(ctx, key)
		r.ended <- ended{key, s, err}
	}()
	return true
}

// list asks the source for its coins; a panic there becomes an error.
func (c *Cache) list(ctx context.Context) (coins []market.Coin, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.FetchTimeout)
	defer cancel()
	defer c.recovered(&err)
	return c.opts.Source.Coins(ctx)
}

// recovered turns a source's panic into an error; it is to be deferred.
func (c *Cache) recovered(err *error) {
	if p := recover(); p != nil {
		c.opts.Log.Error("source panicked", slog.String("panic", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
		*err = &Error{Problem: Unavailable, Err: fmt.Errorf("panic: %v", p)}
	}
}

// fetch asks the source; a panic there becomes an error.
func (c *Cache) fetch(ctx context.Context, key Key) (s *Snapshot, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.FetchTimeout)
	defer cancel()
	defer c.recovered(&err)
	s, err = c.opts.Source.Fetch(ctx, key)
	if err == nil && (s == nil || s.Map == nil) {
		err = &Error{Problem: BadData, Hint: "no map in the snapshot"}
	}
	return s, err
}

// land publishes what a refresh brought. A key that was forgotten meanwhile has
// nobody to publish it for.
func (r *refresher) land(e ended, now time.Time) {
	c := r.cache
	delete(r.flying, e.key)
	c.opts.Observe(e.key, e.snapshot, e.err)
	s, ok := (*c.slots.Load())[e.key]
	if !ok {
		return
	}
	if e.err != nil {
		s.failures++
		s.due = now.Add(rest(e.err, s.failures, c.opts.Every, now))
		f := &Failure{Key: e.key, At: now, Err: e.err}
		c.last.Store(f)
		if s.failures == 1 && !errors.Is(e.err, context.Canceled) {
			c.opts.Log.Warn("refresh failed", slog.String("key", e.key.String()), slog.Any("err", e.err))
		}
		s.done(nil, f)
		return
	}
	if s.failures > 0 {
		c.opts.Log.Info("refresh works again", slog.String("key", e.key.String()))
	}
	s.failures = 0
	snap := *e.snapshot
	snap.ID = c.ids.Add(1)
	s.done(&snap, nil)
	c.opts.Publish(&snap)
}

// rest is how long a key is left alone after its n-th failure in a row.
func rest(err error, n int, every time.Duration, now time.Time) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok && e.RetryAt.After(now) {
		return min(e.RetryAt.Sub(now), time.Hour)
	}
	switch ProblemOf(err) {
	case Unauthorized, PlanTooLow, NotListed:
		return hostRest
	case RateLimited:
		return maxRest
	case Unavailable, BadData:
		return min(every<<min(n-1, 6), max(maxRest, every))
	default:
		return every
	}
}

// list takes over the source's list of coins.
func (r *refresher) list(l listing, now time.Time) {
	c := r.cache
	r.listing = false
	if l.err == nil {
		r.nextList, r.listFailures, r.listError = now.Add(c.opts.CoinsEvery), 0, ""
		c.coins.Store(&l.coins)
		return
	}
	r.listFailures++
	r.nextList = now.Add(rest(l.err, r.listFailures, max(c.opts.Every, time.Second), now))
	c.last.Store(&Failure{At: now, Err: l.err})
	if text := l.err.Error(); text != r.listError {
		r.listError = text
		c.opts.Log.Warn("coins not listed", slog.Any("err", l.err))
	}
	if c.coins.Load() == nil {
		coins := c.warmCoins()
		c.coins.Store(&coins)
	}
}

// warmCoins stand in for the source's list as long as there is none: a member who
// asks for one of them is told what is wrong with the source.
func (c *Cache) warmCoins() []market.Coin {
	var coins []market.Coin
	for _, key := range c.opts.Warm {
		if !slices.Contains(coins, key.Coin) {
			coins = append(coins, key.Coin)
		}
	}
	return coins
}

// drain waits for the goroutines that launch and start began.
func (r *refresher) drain() {
	for len(r.flying) > 0 || r.listing {
		select {
		case e := <-r.ended:
			delete(r.flying, e.key)
		case <-r.listed:
			r.listing = false
		}
	}
}
