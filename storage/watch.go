package storage

import (
	"bytes"
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"liqbot/market"
)

// States returns the states of the watcher's rules by name, as the newest Record
// left them.
func (s *Store) States(ctx context.Context) (map[string][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	states := map[string][]byte{}
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(statesBucket).ForEach(func(name, state []byte) error {
			states[string(name)] = bytes.Clone(state)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read rule states: %w", err)
	}
	return states, nil
}

// Watched lists the coins that somebody waits for, in order. It takes a look at one
// row a coin.
func (s *Store) Watched(ctx context.Context) ([]market.Coin, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var coins []market.Coin
	err := s.db.View(func(tx *bolt.Tx) error {
		coins = watched(tx)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list watched coins: %w", err)
	}
	return coins, nil
}

// LevelReached reports whether a member's level has been reached at a price in USD:
// a rising one at or below it, a falling one at or above it. Those of muted chats
// wait until the mute ends. It takes a look at one row of each direction, and at
// one more for each muted level that was reached.
func (s *Store) LevelReached(ctx context.Context, coin market.Coin, usd float64) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	found := false
	err := s.db.View(func(tx *bolt.Tx) error {
		reachedLevels(tx, coin, usd, func(r reached) bool {
			found = r.broken || !r.wish.over(s.now()) && (r.wish.spent || !r.wish.muted(s.now())) && s.serves(r.wish.to.Target.Platform)
			return !found
		})
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look up levels: %w", err)
	}
	return found, nil
}
