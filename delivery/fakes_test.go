package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/delivery"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// item is a delivery in the outbox.
type item struct {
	d         alert.Delivery
	claimed   bool
	notBefore time.Time
	state     alert.State
	reason    string
	history   []alert.Result
}

// advance is one call of Advance that was recorded.
type advance struct {
	at            time.Time
	done, n, left int
}

// outbox is an Outbox in memory. A process that has been killed can change
// nothing in it.
type outbox struct {
	// refused are the alerts that nobody wants.
	refused []string
	t       testing.TB
	commit  time.Duration

	mu       sync.Mutex
	items    []*item
	advances []advance
	fail     error
	hangs    bool
	unwanted map[string]bool
	unread   error
	maxOpen  int
}

func newOutbox(tb testing.TB) *outbox {
	tb.Helper()
	return &outbox{t: tb, unwanted: make(map[string]bool)}
}

var errKilled = errors.New("killed")

// life is the outbox as one process has it.
type life struct {
	*outbox
	dead atomic.Bool
}

func (o *outbox) queue(a *alert.Alert, chats ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range chats {
		to := alert.Recipient{Target: chat.Target{Platform: chat.Telegram, Chat: c}, Kind: chat.Private}
		ref := alert.Ref{Entry: 1, Index: uint32(len(o.items))}
		o.items = append(o.items, &item{d: alert.Delivery{Ref: ref, Alert: a, To: to}})
	}
}

func (l *life) Advance(ctx context.Context, _ chat.Platform, done []alert.Result, n int) (alert.Batch, error) {
	if err := ctx.Err(); err != nil {
		return alert.Batch{}, err
	}
	if l.commit > 0 && len(done)+n > 0 {
		<-time.After(l.commit)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.hangs:
		l.mu.Unlock()
		<-ctx.Done()
		l.mu.Lock()
		return alert.Batch{}, ctx.Err()
	case l.dead.Load():
		return alert.Batch{}, errKilled
	case l.fail != nil:
		return alert.Batch{}, l.fail
	}
	for _, r := range done {
		l.record(r)
	}
	batch := l.claim(n)
	l.advances = append(l.advances, advance{at: time.Now(), done: len(done), n: n, left: batch.Left})
	return batch, nil
}

func (o *outbox) record(r alert.Result) {
	it := o.items[r.Delivery.Ref.Index]
	if !it.claimed {
		o.t.Errorf("a result for delivery %d, which is not taken over: %v after %v", r.Delivery.Ref.Index, r.State, it.history)
	}
	it.claimed = false
	it.history = append(it.history, r)
	if r.State != alert.Waiting {
		it.state, it.reason = r.State, r.Reason
		return
	}
	it.d = r.Delivery
	it.d.Repeat = r.Repeat
	it.notBefore = r.NotBefore
	if r.NotBefore.IsZero() {
		o.t.Errorf("delivery %d waits for no time", r.Delivery.Ref.Index)
	}
}

func (o *outbox) claim(n int) alert.Batch {
	var batch alert.Batch
	now := time.Now()
	waiting := slices.DeleteFunc(slices.Clone(o.items), func(it *item) bool { return it.notBefore.IsZero() })
	slices.SortStableFunc(waiting, func(a, b *item) int { return a.notBefore.Compare(b.notBefore) })
	open := 0
	for _, it := range append(waiting, o.items...) {
		free := !it.claimed && it.state == 0 && !it.notBefore.After(now)
		if free && len(batch.Deliveries) < n {
			it.claimed, it.notBefore = true, time.Time{}
			if it.d.Alert != nil {
				it.d.Late = it.d.Alert.Late(now)
			}
			batch.Deliveries = append(batch.Deliveries, it.d)
		}
	}
	for _, it := range o.items {
		if it.state == 0 {
			batch.Left++
		}
		if it.claimed {
			open++
		}
		if it.state == 0 && it.notBefore.After(now) && (batch.Next.IsZero() || it.notBefore.Before(batch.Next)) {
			batch.Next = it.notBefore
		}
	}
	o.maxOpen = max(o.maxOpen, open)
	return batch
}

func (l *life) Interrupted(context.Context, chat.Platform) ([]alert.Delivery, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return nil, l.fail
	}
	var open []alert.Delivery
	for _, it := range l.items {
		if it.claimed {
			open = append(open, it.d)
		}
	}
	return open, nil
}

func (l *life) Wanted(_ context.Context, d alert.Delivery) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.unwanted[d.To.Target.Chat] && !slices.Contains(l.refused, d.Alert.ID), l.unread
}

func (o *outbox) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

// states counts the deliveries by state, 0 for those without a final one.
func (o *outbox) states() map[alert.State]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make(map[alert.State]int)
	for _, it := range o.items {
		out[it.state]++
	}
	return out
}

func (o *outbox) item(i int) item {
	o.mu.Lock()
	defer o.mu.Unlock()
	return *o.items[i]
}

// words is a Renderer.
type words func(to alert.Recipient, repeat bool) (chat.Reply, error)

func (w words) AlertReply(_ context.Context, d alert.Delivery, _ chat.Shape) (chat.Reply, error) {
	a, to, repeat := d.Alert, d.To, d.Repeat
	if w != nil {
		return w(to, repeat)
	}
	text := a.ID
	if repeat {
		text += " (repeat)"
	}
	return chat.Reply{Text: chat.Plainly(text)}, nil
}

// world joins an outbox, a platform and a Courier.
type world struct {
	t       *testing.T
	outbox  *outbox
	sender  *sender
	opts    delivery.Options
	life    *life
	courier *delivery.Courier
	stop    func() error
}

func newWorld(t *testing.T, script func(chat string, n int) answer) *world {
	t.Helper()
	return &world{t: t, outbox: newOutbox(t), sender: newSender(script)}
}

// start runs a Courier. The test stops it, or it is stopped at the test's end.
func (w *world) start() {
	w.t.Helper()
	w.life = &life{outbox: w.outbox}
	opts := w.opts
	opts.Platform, opts.Outbox, opts.Sender = chat.Telegram, w.life, &mouth{sender: w.sender, life: w.life}
	if opts.Renderer == nil {
		opts.Renderer = words(nil)
	}
	w.courier = delivery.New(opts)
	ctx, cancel := context.WithCancel(w.t.Context())
	end := make(chan error, 1)
	go func() { end <- w.courier.Run(ctx) }()
	w.stop = sync.OnceValue(func() error { cancel(); return <-end })
	w.t.Cleanup(func() {
		if err := w.stop(); err != nil && !errors.Is(err, errKilled) && !errors.Is(err, context.DeadlineExceeded) {
			w.t.Errorf("Run: %v", err)
		}
	})
}

// kill ends the process as SIGKILL does: nothing it does from now on counts.
func (w *world) kill() {
	w.life.dead.Store(true)
	_ = w.stop()
}

// pass lets time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// event is an alert that lives for as long as it says.
func event(id string, life time.Duration) *alert.Alert {
	now := time.Now()
	return &alert.Alert{ID: id, Rule: alert.Breakout, Coin: "BTC", At: now, Expires: now.Add(life)}
}

// notice is one that is not told late.
func notice(id string, life time.Duration) *alert.Alert {
	a := event(id, life)
	a.Rule = alert.Notice
	return a
}

func chats(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("c%04d", i)
	}
	return out
}
