package telegram

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// errPaused means that a chat's pause lasts longer than a reply may wait.
var errPaused = errors.New("telegram: chat is paused by a rate limit")

// maxPauses is when ended pauses are swept out.
const maxPauses = 1024

// pauses remembers which chats must not be sent to before a moment. It is safe
// for concurrent use.
type pauses struct {
	mu    sync.Mutex
	until map[int64]time.Time
}

func newPauses() *pauses { return &pauses{until: make(map[int64]time.Time)} }

func (p *pauses) set(chat int64, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if len(p.until) >= maxPauses {
		for id, t := range p.until {
			if t.Before(now) {
				delete(p.until, id)
			}
		}
	}
	p.until[chat] = now.Add(d)
}

func (p *pauses) left(chat int64) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.until[chat]
	if !ok {
		return 0
	}
	d := time.Until(t)
	if d <= 0 {
		delete(p.until, chat)
	}
	return d
}

// wait returns once the chat may be sent to, or errPaused at once when that takes
// longer than most.
func (p *pauses) wait(ctx context.Context, chat int64, most time.Duration) error {
	for d := p.left(chat); d > 0; d = p.left(chat) {
		if d > most {
			return errPaused
		}
		if err := rest(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// rest waits, unless ctx ends before.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// backoff is the wait before the n-th repetition, n from 0: doubled each time,
// with jitter so that bots which lost the network together do not return together.
func backoff(first, most time.Duration, n int) time.Duration {
	d := min(first<<min(n, 16), most)
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter is no secret
}
