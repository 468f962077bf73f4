package feedtest

import (
	"context"
	"maps"
	"sync"
	"testing"
	"time"

	"liqbot/feeds"
)

// Collector is a feeds.Sink that keeps everything.
type Collector struct {
	mu      sync.Mutex
	updates []feeds.Update
	dropped map[feeds.Reason]int
	frames  map[string]int
	up      map[string]int
	down    map[string]int
	changed chan struct{}
}

// NewCollector makes an empty one.
func NewCollector() *Collector {
	return &Collector{
		dropped: make(map[feeds.Reason]int), frames: make(map[string]int), up: make(map[string]int), down: make(map[string]int),
		changed: make(chan struct{}),
	}
}

// Update implements feeds.Sink.
func (c *Collector) Update(u feeds.Update) { c.note(func() { c.updates = append(c.updates, u) }) }

// Dropped implements feeds.Sink.
func (c *Collector) Dropped(r feeds.Reason) { c.note(func() { c.dropped[r]++ }) }

// Frame implements feeds.Sink.
func (c *Collector) Frame(stream string, _ []byte) { c.note(func() { c.frames[stream]++ }) }

// Connected implements feeds.Sink.
func (c *Collector) Connected(stream string, err error) {
	c.note(func() {
		if err == nil {
			c.up[stream]++
		} else {
			c.down[stream]++
		}
	})
}

func (c *Collector) note(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

// Updates are all updates so far.
func (c *Collector) Updates() []feeds.Update {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]feeds.Update(nil), c.updates...)
}

// Drops counts what was left out, by reason.
func (c *Collector) Drops() map[feeds.Reason]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.dropped)
}

// Frames counts raw messages by stream.
func (c *Collector) Frames() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.frames)
}

// Wait looks at the collector whenever it changes until ok says that it has seen enough,
// and fails the test after ten seconds.
func (c *Collector) Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("no %s within ten seconds; dropped: %v", what, c.Drops())
		}
	}
}

// Tickers counts the tickers since the n-th update that tell a mark price.
func (c *Collector) Tickers(since int) int {
	n := 0
	for _, u := range c.Updates()[since:] {
		if u.Kind == feeds.Ticker && u.MarkUSD > 0 {
			n++
		}
	}
	return n
}
