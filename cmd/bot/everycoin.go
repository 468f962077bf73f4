package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"liqbot/market"
	"liqbot/snapshot"
)

// allTeller is a source that can tell of every coin that it follows at once.
type allTeller interface {
	// All returns the snapshots of a window of all coins that have a map now.
	All(ctx context.Context, window market.Window) []*snapshot.Snapshot
}

var _ allTeller = (*marketSource)(nil)

// How the snapshots of all coins are made: a list that takes longer than allWait is used by
// those who ask later, one that takes longer than allLimit by nobody.
const (
	allKept  = 15 * time.Second
	allWait  = 2 * time.Second
	allLimit = 20 * time.Second
)

// everyCoin lists the snapshots of a window of every coin that the source can tell of: those
// in the cache and, where the source follows more, those of the others. The context bounds
// what is made in the background.
func (a *app) everyCoin(ctx context.Context) func(context.Context, market.Window) []*snapshot.Snapshot {
	source, ok := a.source.(allTeller)
	if !ok {
		return func(context.Context, market.Window) []*snapshot.Snapshot { return a.cache.All() }
	}
	lists := &coinLists{made: make(map[market.Window][]*snapshot.Snapshot), make: func(window market.Window) []*snapshot.Snapshot {
		ctx, cancel := context.WithTimeout(ctx, allLimit)
		defer cancel()
		defer recovered(a.log)
		all := source.All(ctx, window)
		if ctx.Err() != nil {
			return nil // part of the coins would be ranked as if they were all
		}
		return all
	}}
	return func(ctx context.Context, window market.Window) []*snapshot.Snapshot {
		return newest(window, lists.of(ctx, window), a.cache.All())
	}
}

// recovered keeps a panic from ending the bot.
func recovered(log *slog.Logger) {
	if p := recover(); p != nil {
		log.Error("snapshots of all coins not made", slog.Any("panic", p))
	}
}

// coinLists keeps a list of snapshots a window for a moment, and makes each once for all
// who ask at the same time. It is safe for concurrent use.
type coinLists struct {
	make    func(market.Window) []*snapshot.Snapshot
	flights singleflight.Group

	mu   sync.Mutex
	made map[market.Window][]*snapshot.Snapshot
}

// of returns the list of a window, nil when it is not there within allWait.
func (l *coinLists) of(ctx context.Context, window market.Window) []*snapshot.Snapshot {
	if kept := l.kept(window); kept != nil {
		return kept
	}
	ctx, cancel := context.WithTimeout(ctx, allWait)
	defer cancel()
	flight := l.flights.DoChan(string(window), func() (any, error) {
		if kept := l.kept(window); kept != nil {
			return kept, nil // the flight before has just ended
		}
		all := l.make(window)
		l.keep(window, all)
		return all, nil
	})
	select {
	case r := <-flight:
		all, _ := r.Val.([]*snapshot.Snapshot)
		return all
	case <-ctx.Done():
		return nil
	}
}

func (l *coinLists) kept(window market.Window) []*snapshot.Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.made[window]
}

// keep keeps a list for allKept and no longer: a hundred maps take some megabytes.
func (l *coinLists) keep(window market.Window, all []*snapshot.Snapshot) {
	if len(all) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made[window] = all
	time.AfterFunc(allKept, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.made, window)
	})
}

// newest is the newest snapshot of a window of each coin in any of the lists.
func newest(window market.Window, lists ...[]*snapshot.Snapshot) []*snapshot.Snapshot {
	found := make(map[market.Coin]*snapshot.Snapshot)
	for _, list := range lists {
		for _, s := range list {
			if s.Key.Window != window {
				continue
			}
			if old := found[s.Key.Coin]; old == nil || s.AsOf().After(old.AsOf()) {
				found[s.Key.Coin] = s
			}
		}
	}
	return slices.Collect(maps.Values(found))
}
