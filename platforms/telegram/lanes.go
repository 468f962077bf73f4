package telegram

import (
	"context"
	"sync"
	"sync/atomic"
)

const (
	// workers bounds how many chats are answered at once. Most of a worker's time is
	// waiting for Telegram.
	workers = 96
	// maxQueued bounds all updates that wait, maxLane those of one chat.
	maxQueued = 4096
	maxLane   = 50
)

// task is one update on its way through a lane.
type task struct {
	// id is the claim of the update.
	id string
	// run answers it.
	run func(context.Context, *task)
	// settled is closed once the update may be confirmed to Telegram: it is
	// claimed, or nothing is left to do.
	settled chan struct{}
	once    sync.Once
	// raw is the update as it came; kept says that Config.Inbox has it, begun that
	// its answer may have been sent.
	raw         []byte
	kept, begun atomic.Bool
}

func newTask(id string, run func(context.Context, *task)) *task {
	return &task{id: id, run: run, settled: make(chan struct{})}
}

// done reports whether the update is settled.
func (t *task) done() bool {
	select {
	case <-t.settled:
		return true
	default:
		return false
	}
}

func (t *task) settle() { t.once.Do(func() { close(t.settled) }) }

// lanes runs tasks: those with one key in order, those with different keys at the
// same time and in turn. It is safe for concurrent use.
type lanes struct {
	mu     sync.Mutex
	waits  map[string][]*task // a key is here while a task of it runs or waits
	count  int                // tasks that run or wait
	closed bool
	// ready holds each key with waiting tasks of which none runs. It has room for
	// all of them, so that sending never blocks.
	ready chan string
}

func newLanes() *lanes {
	return &lanes{waits: make(map[string][]*task), ready: make(chan string, maxQueued)}
}

// add puts a task in its lane. It reports false when there is no room.
func (l *lanes) add(key string, t *task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	lane, busy := l.waits[key]
	if l.closed || l.count >= maxQueued || len(lane) >= maxLane {
		return false
	}
	l.waits[key] = append(lane, t)
	l.count++
	if !busy {
		l.ready <- key
	}
	return true
}

// run works until close was called and all tasks are done, or ctx ends.
func (l *lanes) run(ctx context.Context) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for l.step(ctx) {
			}
		})
	}
	wg.Wait()
}

func (l *lanes) step(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case key, open := <-l.ready:
		if !open {
			return false
		}
		t := l.first(key)
		t.run(ctx, t)
		t.settle()
		l.done(key)
		return true
	}
}

func (l *lanes) first(key string) *task {
	l.mu.Lock()
	defer l.mu.Unlock()
	lane := l.waits[key]
	l.waits[key] = lane[1:]
	return lane[0]
}

func (l *lanes) done(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count--
	if len(l.waits[key]) > 0 {
		l.ready <- key
	} else {
		delete(l.waits, key)
	}
	l.finish()
}

// close takes no more tasks. It may be called once.
func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.finish()
}

// finish lets the workers go home after the last task.
func (l *lanes) finish() {
	if l.closed && l.count == 0 {
		close(l.ready)
	}
}
