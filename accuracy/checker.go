package accuracy

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
)

// Checker makes hours from snapshots and scores them.
type Checker struct {
	opts Options
	// published wakes Run.
	published chan struct{}
	// coins is only touched by Run.
	coins map[market.Coin]*coin

	mu      sync.Mutex
	newest  map[market.Coin]*snapshot.Snapshot
	reports map[market.Coin]Report
	skipped map[market.Coin]map[Reason]int
}

// New makes a checker; Run starts it.
func New(o Options) *Checker {
	if o.StaleAfter <= 0 {
		o.StaleAfter = 2 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Checker{
		opts: o, published: make(chan struct{}, 1), coins: make(map[market.Coin]*coin),
		newest: make(map[market.Coin]*snapshot.Snapshot), reports: make(map[market.Coin]Report), skipped: make(map[market.Coin]map[Reason]int),
	}
}

// window is the look-back of the maps that are checked.
const window = market.Week

// Publish hands a snapshot over and returns at once. When the checker is behind, only the
// newest of a coin is looked at. Snapshots of other windows are ignored.
func (c *Checker) Publish(s *snapshot.Snapshot) {
	if s == nil || s.Map == nil || s.Key.Window != window {
		return
	}
	c.mu.Lock()
	c.newest[s.Key.Coin] = s
	c.mu.Unlock()
	select {
	case c.published <- struct{}{}:
	default: // it is awake already
	}
}

// take returns what was published since the last call, ordered by coin.
func (c *Checker) take() []*snapshot.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.SortedFunc(maps.Values(c.newest), func(a, b *snapshot.Snapshot) int { return cmp.Compare(a.Key.Coin, b.Key.Coin) })
	clear(c.newest)
	return all
}

// Run looks at what is published until the context ends, then returns nil.
func (c *Checker) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.published:
		}
		for _, s := range c.take() {
			select {
			case <-ctx.Done():
				return nil
			default:
				c.look(s)
			}
		}
	}
}

// Report is how well the map of a coin has held up; false while no snapshot of the coin
// has come since the start. Do not change what it holds.
func (c *Checker) Report(coin market.Coin) (Report, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.reports[coin]
	return r, ok
}

// Skipped counts the hours of a coin that were not scored since the start, by reason.
func (c *Checker) Skipped(coin market.Coin) map[Reason]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.skipped[coin])
}

func (c *Checker) skip(coin market.Coin, why Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.skipped[coin] == nil {
		c.skipped[coin] = make(map[Reason]int)
	}
	c.skipped[coin][why]++
}

// read is what is kept of a coin's hours from a moment on.
func (c *Checker) read(name market.Coin, since time.Time) []*Hour {
	var hours []*Hour
	err := c.opts.Store.Accuracy(name, since, func(hour time.Time, row []byte) {
		h, err := Decode(row)
		if err != nil || !h.Start.Equal(hour) {
			c.skip(name, Unreadable)
			return
		}
		hours = append(hours, h)
	})
	if err != nil {
		c.opts.Log.Error("self-check not read", slog.String("coin", string(name)), slog.Any("err", err))
	}
	return hours
}

func (c *Checker) save(name market.Coin, h *Hour) {
	row, err := h.Encode()
	if err == nil {
		err = c.opts.Store.SaveAccuracy(name, h.Start, row)
	}
	if err != nil {
		c.skip(name, Unsaved)
		c.opts.Log.Error("self-check not saved", slog.String("coin", string(name)), slog.Any("err", err))
	}
}

// score makes the report of a coin anew.
func (c *Checker) score(name market.Coin, hours []*Hour) {
	r := Score(name, hours)
	if c.opts.Vendor != nil {
		r.Vendor = c.opts.Vendor(name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports[name] = r
}
