package exchanges

import (
	"slices"
	"sync"
	"time"

	"liqbot/market"
)

// Memory is a Bars that keeps everything until the process ends, for commands that ask
// once. It is safe for concurrent use.
type Memory struct {
	mu       sync.Mutex
	bars     map[contractKey][]market.Bar
	realised map[market.Coin][]market.Realised
}

type contractKey struct {
	venue  market.Venue
	symbol string
}

// NewMemory makes an empty one.
func NewMemory() *Memory {
	return &Memory{bars: make(map[contractKey][]market.Bar), realised: make(map[market.Coin][]market.Realised)}
}

// Bars implements Bars.
func (m *Memory) Bars(venue market.Venue, symbol string, since time.Time) ([]market.Bar, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.bars[contractKey{venue, symbol}]
	i, _ := slices.BinarySearchFunc(all, since, func(b market.Bar, at time.Time) int { return b.Start.Compare(at) })
	return slices.Clone(all[i:]), nil
}

// SaveBars implements Bars.
func (m *Memory) SaveBars(venue market.Venue, symbol string, bars []market.Bar) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := contractKey{venue, symbol}
	m.bars[key] = merged(m.bars[key], bars,
		func(a, b market.Bar) int { return a.Start.Compare(b.Start) })
	return nil
}

// Realised implements Bars.
func (m *Memory) Realised(coin market.Coin, since time.Time) ([]market.Realised, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.realised[coin]), func(r market.Realised) bool { return r.Start.Before(since) }), nil
}

// SaveRealised implements Bars.
func (m *Memory) SaveRealised(coin market.Coin, rows []market.Realised) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.realised[coin] = merged(m.realised[coin], rows, func(a, b market.Realised) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return slices.Compare([]byte(a.Venue), []byte(b.Venue))
	})
	return nil
}

// merged joins two lists in order; of two that are equal the second's counts.
func merged[T any](known, fresh []T, compare func(a, b T) int) []T {
	all := append(slices.Clone(fresh), known...)
	slices.SortStableFunc(all, compare)
	return slices.CompactFunc(all, func(a, b T) bool { return compare(a, b) == 0 })
}
