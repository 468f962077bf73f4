package snapshot

import (
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
	// coinsEvery is the time between two looks at the source's list of coins.
	coinsEvery = time.Hour
)

// refresher is the state of Run: which keys are being refreshed and which rest.
// Only Run's goroutine touches it.
type refresher struct {
	cache    *Cache
	flying   map[Key]bool
	due      map[Key]time.Time
	failures map[Key]int
	ended    chan ended
	nextList time.Time
	listing  bool
	listed   chan listing
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
	r := &refresher{
		cache:    c,
		flying:   make(map[Key]bool),
		due:      make(map[Key]time.Time),
		failures: make(map[Key]int),
		ended:    make(chan ended),
		listed:   make(chan listing),
	}
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
			r.want(ctx, key, time.Now())
		case e := <-r.ended:
			r.land(e, time.Now())
			r.launch(ctx, time.Now())
		case l := <-r.listed:
			r.list(l, time.Now())
		}
	}
}

// launch starts what is due.
func (r *refresher) launch(ctx context.Context, now time.Time) {
	if !r.listing && !now.Before(r.nextList) {
		r.listing = true
		go func() {
			ctx, cancel := context.WithTimeout(ctx, r.cache.opts.FetchTimeout)
			defer cancel()
			coins, err := r.cache.opts.Source.Coins(ctx)
			r.listed <- listing{coins, err}
		}()
	}
	for key := range *r.cache.slots.Load() {
		if !now.Before(r.due[key]) {
			r.start(ctx, key, now)
		}
	}
}

// want is launch for one key that somebody waits for. A key that rests after a
// failure answers with that failure at once.
func (r *refresher) want(ctx context.Context, key Key, now time.Time) {
	s, ok := (*r.cache.slots.Load())[key]
	switch {
	case !ok || r.flying[key]:
	case now.Before(r.due[key]):
		s.release()
	default:
		r.start(ctx, key, now)
	}
}

func (r *refresher) start(ctx context.Context, key Key, now time.Time) {
	if r.flying[key] || len(r.flying) >= r.cache.opts.Parallel {
		return
	}
	r.flying[key] = true
	r.due[key] = now.Add(r.cache.opts.Every)
	go func() {
		s, err := r.cache.fetch(ctx, key)
		r.ended <- ended{key, s, err}
	}()
}

// fetch asks the source; a panic there becomes an error.
func (c *Cache) fetch(ctx context.Context, key Key) (s *Snapshot, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.FetchTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			c.opts.Log.Error("source panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			s, err = nil, &Error{Problem: Unavailable, Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	s, err = c.opts.Source.Fetch(ctx, key)
	if err == nil && (s == nil || s.Map == nil) {
		err = &Error{Problem: BadData, Hint: "no map in the snapshot"}
	}
	return s, err
}

// land publishes what a refresh brought.
func (r *refresher) land(e ended, now time.Time) {
	c := r.cache
	delete(r.flying, e.key)
	c.opts.Observe(e.key, e.snapshot, e.err)
	s, ok := (*c.slots.Load())[e.key]
	if e.err != nil {
		r.failures[e.key]++
		r.due[e.key] = now.Add(rest(e.err, r.failures[e.key], c.opts.Every, now))
		f := &Failure{Key: e.key, At: now, Err: e.err}
		c.last.Store(f)
		if r.failures[e.key] == 1 && !errors.Is(e.err, context.Canceled) {
			c.opts.Log.Warn("refresh failed", slog.String("key", e.key.String()), slog.Any("err", e.err))
		}
		if ok {
			s.done(nil, f)
		}
		return
	}
	if r.failures[e.key] > 0 {
		c.opts.Log.Info("refresh works again", slog.String("key", e.key.String()))
	}
	delete(r.failures, e.key)
	if !ok {
		delete(r.due, e.key)
		return
	}
	snap := *e.snapshot
	snap.ID = c.ids.Add(1)
	s.done(&snap, nil)
	if !c.listed.Load() {
		c.coins.Store(c.known())
	}
}

// known lists the coins that have a snapshot, for as long as the source cannot
// list its own.
func (c *Cache) known() *[]market.Coin {
	var coins []market.Coin
	for _, key := range c.opts.Warm {
		if s := (*c.slots.Load())[key]; s.snapshot.Load() != nil && !slices.Contains(coins, key.Coin) {
			coins = append(coins, key.Coin)
		}
	}
	return &coins
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
	r.listing = false
	if l.err != nil {
		r.nextList = now.Add(rest(l.err, 1, max(r.cache.opts.Every, time.Second), now))
		r.cache.last.Store(&Failure{At: now, Err: l.err})
		r.cache.opts.Log.Warn("coins not listed", slog.Any("err", l.err))
		return
	}
	r.nextList = now.Add(coinsEvery)
	r.cache.listed.Store(true)
	r.cache.coins.Store(&l.coins)
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
