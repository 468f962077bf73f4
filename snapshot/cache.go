package snapshot

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/market"
)

// CacheOptions says what a Cache keeps and how often it looks.
type CacheOptions struct {
	Source Source
	// Warm keys are always kept fresh; others as long as they are asked for.
	Warm []Key
	// Every is the time between two refreshes of a key.
	Every time.Duration
	// CoinsEvery is the time between two looks at the source's list of coins; an hour if 0.
	CoinsEvery time.Duration
	// FetchTimeout bounds one refresh.
	FetchTimeout time.Duration
	// Idle is how long a key that is not warm is refreshed after it was last asked
	// for; then it is forgotten.
	Idle time.Duration
	// MaxKeys bounds the keys, the warm ones included. Beyond it the key that was
	// asked for longest ago makes room.
	MaxKeys int
	// Parallel bounds the refreshes under way.
	Parallel int
	Log      *slog.Logger
	// Observe is told of every refresh; nil is allowed.
	Observe func(key Key, s *Snapshot, err error)
	// Publish is given every new snapshot once readers can see it. It must return at
	// once; nil is allowed.
	Publish func(*Snapshot)
}

func (o CacheOptions) withDefaults() CacheOptions {
	set := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&o.Every, 30*time.Second)
	set(&o.FetchTimeout, 20*time.Second)
	set(&o.CoinsEvery, time.Hour)
	set(&o.Idle, 15*time.Minute)
	o.MaxKeys = max(o.MaxKeys, len(o.Warm)+1)
	o.Parallel = max(o.Parallel, 1)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Key, *Snapshot, error) {}
	}
	if o.Publish == nil {
		o.Publish = func(*Snapshot) {}
	}
	return o
}

// Cache keeps the newest snapshot of each key and refreshes them in the
// background while Run runs. Reading takes no lock. A snapshot stays when its
// refresh fails: readers judge it by its age. It is safe for concurrent use.
type Cache struct {
	opts  CacheOptions
	slots atomic.Pointer[map[Key]*slot]
	coins atomic.Pointer[[]market.Coin]
	ids   atomic.Uint64
	// wanted wakes Run for a key that somebody waits for.
	wanted chan Key
	// grow serialises changes of the set of slots.
	grow sync.Mutex
	last atomic.Pointer[Failure]
}

// slot is what is known of one key.
type slot struct {
	warm     bool
	snapshot atomic.Pointer[Snapshot]
	failure  atomic.Pointer[Failure]
	// asked is the Unix time in nanoseconds of the last Get or Wait.
	asked atomic.Int64
	mu    sync.Mutex
	// turn is closed at the end of the next refresh.
	turn chan struct{}
	// due is when the next refresh may start and failures how many in a row have
	// failed. Only Run's goroutine touches them.
	due      time.Time
	failures int
}

// Failure is a refresh that failed.
type Failure struct {
	// Key is the zero Key when the list of coins was asked for.
	Key Key
	At  time.Time
	Err error
}

// NewCache makes a cache; Run fills it.
func NewCache(opts CacheOptions) *Cache {
	c := &Cache{opts: opts.withDefaults(), wanted: make(chan Key, 64)}
	slots := make(map[Key]*slot)
	for _, k := range opts.Warm {
		slots[k] = &slot{warm: true, turn: make(chan struct{})}
	}
	c.slots.Store(&slots)
	return c
}

// Source is the name of the source behind the cache.
func (c *Cache) Source() string { return c.opts.Source.Name() }

// Coins lists the coins that the source has, nil until they are known. Do not
// change the slice.
func (c *Cache) Coins() []market.Coin {
	if p := c.coins.Load(); p != nil {
		return *p
	}
	return nil
}

// Get returns the newest snapshot of a key, nil when there is none yet.
func (c *Cache) Get(key Key) *Snapshot {
	s := (*c.slots.Load())[key]
	if s == nil {
		return nil
	}
	s.asked.Store(time.Now().UnixNano())
	return s.snapshot.Load()
}

// All returns every snapshot there is, in no order. Asking for them keeps no key
// alive.
func (c *Cache) All() []*Snapshot {
	var all []*Snapshot
	for _, s := range *c.slots.Load() {
		if found := s.snapshot.Load(); found != nil {
			all = append(all, found)
		}
	}
	return all
}

// LastFailure is the newest failed refresh of any key, nil if there was none.
func (c *Cache) LastFailure() *Failure { return c.last.Load() }

// Wait returns the newest snapshot of a key and, when there is none yet, waits
// for the first refresh, which needs Run to run. Only call it for a coin that is
// listed in Coins. The error is the refresh's or the context's.
func (c *Cache) Wait(ctx context.Context, key Key) (*Snapshot, error) {
	if s := c.Get(key); s != nil {
		return s, nil
	}
	s, turn := c.slot(key)
	select {
	case c.wanted <- key:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if found := s.snapshot.Load(); found != nil {
		return found, nil
	}
	if f := s.failure.Load(); f != nil {
		return nil, f.Err
	}
	return nil, &Error{Problem: Unavailable, Hint: "no refresh ended"}
}

// Want keeps a key fresh for the next CacheOptions.Idle, as if it had been asked for,
// and waits for nothing. Only call it for a coin that is listed in Coins.
func (c *Cache) Want(key Key) {
	s, _ := c.slot(key)
	s.asked.Store(time.Now().UnixNano())
}

// next is closed at the end of the next refresh.
func (s *slot) next() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turn
}

// done publishes an outcome and lets everyone who waits go on.
func (s *slot) done(snap *Snapshot, f *Failure) {
	if snap != nil {
		s.snapshot.Store(snap)
	}
	s.failure.Store(f)
	s.release()
}

func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.turn)
	s.turn = make(chan struct{})
}

// slot finds a key's slot or makes one, by copying the map: readers never see a
// map that changes. The channel is closed at the end of the slot's next refresh, or
// when it has to make room.
func (c *Cache) slot(key Key) (*slot, chan struct{}) {
	c.grow.Lock()
	defer c.grow.Unlock()
	old := *c.slots.Load()
	if s, ok := old[key]; ok {
		return s, s.next()
	}
	fresh := maps.Clone(old)
	if len(fresh) >= c.opts.MaxKeys {
		if victim, ok := idlest(fresh); ok {
			fresh[victim].release()
			delete(fresh, victim)
		}
	}
	s := &slot{turn: make(chan struct{})}
	s.asked.Store(time.Now().UnixNano())
	fresh[key] = s
	c.slots.Store(&fresh)
	return s, s.next()
}

// idlest is the key that was asked for longest ago and is not warm.
func idlest(slots map[Key]*slot) (Key, bool) {
	var victim Key
	var oldest int64
	found := false
	for k, s := range slots {
		if at := s.asked.Load(); !s.warm && (!found || at < oldest) {
			victim, oldest, found = k, at, true
		}
	}
	return victim, found
}

// forget drops the keys that nobody asked for within Idle.
func (c *Cache) forget(now time.Time) {
	c.grow.Lock()
	defer c.grow.Unlock()
	fresh := maps.Clone(*c.slots.Load())
	limit := now.Add(-c.opts.Idle).UnixNano()
	n := len(fresh)
	maps.DeleteFunc(fresh, func(_ Key, s *slot) bool {
		idle := !s.warm && s.asked.Load() < limit
		if idle {
			s.release()
		}
		return idle
	})
	if len(fresh) != n {
		c.slots.Store(&fresh)
	}
}
