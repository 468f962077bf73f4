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
	m.bars[key] = market.MergeBars(m.bars[key], bars)
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
	m.realised[coin] = market.MergeRealised(m.realised[coin], rows)
	return nil
}
