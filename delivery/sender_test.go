package delivery_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"liqbot/chat"
)

// answer is what a chat does with a try: it is on the wire for Wire, and if it
// Arrives members see it.
type answer struct {
	wire    time.Duration
	arrives bool
	chat.Outcome
	panics any
	// before panics ahead of Wanted.
	before bool
	// deaf does not end with its context.
	deaf bool
}

func posted(wire time.Duration) answer {
	return answer{wire: wire, arrives: true, Outcome: chat.Outcome{Fate: chat.Posted}}
}

// message is what members saw.
type message struct {
	chat, id, text string
	at             time.Time
}

// sender is a platform; its members' view outlives a process.
type sender struct {
	// every is the time between two posts, 0 for no limit.
	every time.Duration
	// nonce makes one of posts with one ID.
	nonce bool
	// script answers the n-th try of a chat, n from 0; nil is posted in 100 ms.
	script func(chat string, n int) answer

	mu      sync.Mutex
	next    time.Time
	tries   map[string]int
	flying  map[string]int
	seen    []message
	calls   []time.Time
	overlap int
}

func newSender(script func(chat string, n int) answer) *sender {
	return &sender{script: script, tries: make(map[string]int), flying: make(map[string]int)}
}

// mouth is the sender as one process has it.
type mouth struct {
	*sender
	life *life
}

func (m *mouth) Shape(chat.Target) chat.Shape { return chat.Portrait }

func (m *mouth) Send(ctx context.Context, p chat.Post) chat.Outcome {
	if !m.slot(ctx) {
		return chat.Outcome{Fate: chat.Later, Reason: "no slot"}
	}
	a := m.begin(p)
	if a.before {
		panic(a.panics)
	}
	if !p.Wanted() {
		return chat.Outcome{Fate: chat.Dropped}
	}
	m.fly(p.To.Chat, 1)
	defer m.fly(p.To.Chat, -1)
	done := ctx.Done()
	if a.deaf {
		done = nil
	}
	if a.arrives {
		m.show(p)
	}
	select {
	case <-done:
		return chat.Outcome{Fate: chat.Unclear, Reason: "cut", Deduplicates: m.nonce}
	case <-time.After(a.wire):
	}
	if a.panics != nil {
		panic(a.panics)
	}
	return a.Outcome
}

func (m *mouth) slot(ctx context.Context) bool {
	m.mu.Lock()
	now := time.Now()
	if m.next.Before(now) {
		m.next = now
	}
	at := m.next
	m.next = m.next.Add(m.every)
	m.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-time.After(at.Sub(now)):
		return true
	}
}

func (m *mouth) begin(p chat.Post) answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.tries[p.To.Chat]
	m.tries[p.To.Chat]++
	m.calls = append(m.calls, time.Now())
	if m.script == nil {
		return posted(100 * time.Millisecond)
	}
	return m.script(p.To.Chat, n)
}

func (m *mouth) fly(chat string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying[chat] += n
	if m.flying[chat] > 1 {
		m.overlap++
	}
}

func (m *mouth) show(p chat.Post) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life.dead.Load() {
		return
	}
	if m.nonce && slices.ContainsFunc(m.seen, func(s message) bool {
		return s.id == p.ID && time.Since(s.at) < 2*time.Minute
	}) {
		return
	}
	m.seen = append(m.seen, message{chat: p.To.Chat, id: p.ID, text: p.Reply.Text.String(), at: time.Now()})
}

func (s *sender) messages() []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

func (s *sender) called() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}
