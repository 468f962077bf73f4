package exchanges

import (
	"context"
	"sync"

	"liqbot/feeds"
)

// queue is a bounded first-in first-out of updates between the connections of a venue
// and the one goroutine that applies them. When it is full the oldest is dropped and
// counted, so a slow reader never holds a connection up.
type queue struct {
	mu      sync.Mutex
	ring    []feeds.Update
	head, n int
	dropped uint64
	ready   chan struct{}
}

func newQueue(size int) *queue {
	return &queue{ring: make([]feeds.Update, size), ready: make(chan struct{}, 1)}
}

// push adds an update and reports whether an old one had to go.
func (q *queue) push(u feeds.Update) (lost bool) {
	q.mu.Lock()
	if q.n == len(q.ring) {
		q.head = (q.head + 1) % len(q.ring)
		q.n--
		q.dropped++
		lost = true
	}
	q.ring[(q.head+q.n)%len(q.ring)] = u
	q.n++
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return lost
}

// take moves what is waiting to into and returns it; it waits until there is something.
// It returns nothing when the context ends.
func (q *queue) take(ctx context.Context, into []feeds.Update) []feeds.Update {
	for {
		q.mu.Lock()
		for ; q.n > 0 && len(into) < cap(into); q.n-- {
			into = append(into, q.ring[q.head])
			q.ring[q.head] = feeds.Update{}
			q.head = (q.head + 1) % len(q.ring)
		}
		q.mu.Unlock()
		if len(into) > 0 {
			return into
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return nil
		}
	}
}
