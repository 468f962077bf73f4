package coinglass

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/snapshot"
)

// shelf keeps one kind of figure by key, such as a coin. A figure is fetched
// when somebody asks for it and it is older than fresh, by one caller at a time;
// callers for other keys do not wait. When fetching fails, the old figure is
// handed out until it is older than keep, and nothing is asked for a pause.
// A shelf is safe for concurrent use.
type shelf[T any] struct {
	name        string
	fresh, keep time.Duration
	pause       time.Duration
	now         func() time.Time
	log         *slog.Logger

	mu    sync.Mutex
	slots map[string]*slot[T]
}

// slot is one figure. Whoever has put a token into turn may touch the rest.
type slot[T any] struct {
	turn chan struct{}
	held dated[T]
	// latest is held for those whose turn does not come.
	latest atomic.Pointer[dated[T]]
	// err is why the latest try failed, nil if it did not. None is made before
	// retryAt.
	err     error
	retryAt time.Time
}

// dated is a figure with the time at which it was fetched, zero for none.
type dated[T any] struct {
	value T
	at    time.Time
}

const (
	// passing is the pause after a failure that may pass, lasting after one that
	// needs a human or a listing.
	passing, lasting = 30 * time.Second, 10 * time.Minute
	// mostSlots bounds a shelf; the vendor lists some hundreds of coins.
	mostSlots = 4096
)

func newShelf[T any](s *Source, name string, fresh, keep time.Duration) *shelf[T] {
	return &shelf[T]{
		name: name, fresh: fresh, keep: keep, pause: passing,
		now: s.now, log: s.log, slots: make(map[string]*slot[T]),
	}
}

// get returns the figure of a key, fetching it if need be.
func (s *shelf[T]) get(ctx context.Context, key string, fetch func(context.Context) (T, error)) (dated[T], error) {
	sl := s.slot(key)
	select {
	case sl.turn <- struct{}{}:
		defer func() { <-sl.turn }()
	case <-ctx.Done():
		if held := sl.latest.Load(); held != nil && s.now().Sub(held.at) < s.keep {
			return *held, nil
		}
		return dated[T]{}, ctx.Err()
	}
	now := s.now()
	if !sl.held.at.IsZero() && now.Sub(sl.held.at) < s.fresh {
		return sl.held, nil
	}
	if sl.err != nil && now.Before(sl.retryAt) {
		return s.old(sl, now)
	}
	value, err := fetch(ctx)
	if err == nil {
		s.recovered(sl, key)
		sl.held = dated[T]{value: value, at: s.now()}
		held := sl.held
		sl.latest.Store(&held)
		return held, nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return dated[T]{}, err
	}
	s.failed(sl, key, err)
	return s.old(sl, s.now())
}

// peek returns the figure of a key if there is one and nobody is fetching it.
func (s *shelf[T]) peek(key string) (dated[T], bool) {
	sl := s.slot(key)
	select {
	case sl.turn <- struct{}{}:
		defer func() { <-sl.turn }()
	default:
		return dated[T]{}, false
	}
	held, err := s.old(sl, s.now())
	return held, err == nil && !held.at.IsZero()
}

func (s *shelf[T]) slot(key string) *slot[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl, ok := s.slots[key]
	if !ok {
		if len(s.slots) >= mostSlots {
			clear(s.slots)
		}
		sl = &slot[T]{turn: make(chan struct{}, 1)}
		s.slots[key] = sl
	}
	return sl
}

// old returns what is held if it is not too old, else the reason for having
// nothing.
func (s *shelf[T]) old(sl *slot[T], now time.Time) (dated[T], error) {
	if !sl.held.at.IsZero() && now.Sub(sl.held.at) < s.keep {
		return sl.held, nil
	}
	return dated[T]{}, sl.err
}

// failed notes a failure and logs it when its kind is new.
func (s *shelf[T]) failed(sl *slot[T], key string, err error) {
	problem := snapshot.ProblemOf(err)
	if sl.err == nil || snapshot.ProblemOf(sl.err) != problem {
		s.log.Warn("figure cannot be had",
			slog.String("source", name), slog.String("figure", s.name), slog.String("coin", key),
			slog.String("problem", string(problem)), slog.Any("err", err))
	}
	sl.err = err
	sl.retryAt = s.now().Add(s.pause)
	switch problem {
	case snapshot.Unauthorized, snapshot.PlanTooLow, snapshot.NotListed:
		sl.retryAt = s.now().Add(lasting)
	case snapshot.RateLimited:
		if e, ok := errors.AsType[*snapshot.Error](err); ok && !e.RetryAt.IsZero() {
			sl.retryAt = e.RetryAt
		}
	default:
	}
}

func (s *shelf[T]) recovered(sl *slot[T], key string) {
	if sl.err != nil {
		s.log.Info("figure is back",
			slog.String("source", name), slog.String("figure", s.name), slog.String("coin", key))
	}
	sl.err = nil
}
