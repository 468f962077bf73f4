// Package delivery works the outbox off: a Courier for each platform takes over
// deliveries, has them worded and sent, and hands in what became of each. It
// decides when something is tried again, marked as a repetition or given up, and
// when a platform as a whole is left alone. It knows no wire, no rate of a
// platform, no text and no file: Sender, Renderer and Outbox do. All state of a
// Courier belongs to the goroutine of its Run, which also owns one goroutine for
// each delivery under way and waits for them.
package delivery

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

// Outbox keeps the deliveries and what became of them, across restarts. It is safe
// for concurrent use.
type Outbox interface {
	// Advance records results and hands out up to n deliveries more, in one step: an
	// error means that neither was done. The Delivery in a Result that is Waiting says
	// how it is to be handed out again, with the Attempts and Since of then. What waits
	// and is due comes first, of equal moments the older Ref.
	Advance(ctx context.Context, p chat.Platform, done []alert.Result, n int) (alert.Batch, error)
	// Interrupted lists the deliveries that were handed out before this process began
	// and have no result.
	Interrupted(ctx context.Context, p chat.Platform) ([]alert.Delivery, error)
	// Wanted reports whether the chat still asks for it, now.
	Wanted(ctx context.Context, d alert.Delivery) (bool, error)
}

// Sender sends posts on one platform. It is safe for concurrent use.
type Sender interface {
	// Send waits for the platform's limits, asks Post.Wanted and sends. It returns
	// soon after ctx has ended.
	Send(ctx context.Context, p chat.Post) chat.Outcome
	// Shape is the format of a picture that suits the chat.
	Shape(t chat.Target) chat.Shape
}

// Renderer words alerts. It is safe for concurrent use.
type Renderer interface {
	// AlertReply words the alert of a delivery; its Repeat marks it as one that may have
	// arrived before, its Late asks for how things stand now.
	AlertReply(ctx context.Context, d alert.Delivery, shape chat.Shape) (chat.Reply, error)
}

// Options say what a Courier works with. Platform, Outbox, Sender and Renderer must
// be set.
type Options struct {
	Platform chat.Platform
	Outbox   Outbox
	Sender   Sender
	Renderer Renderer
	// Parallel bounds the deliveries that are taken over and have no recorded result:
	// about as many as are sent in a second. 28 when zero. Sends that hang are not
	// counted, see Courier.
	Parallel int
	// Timeout bounds the wording and the sending of one post, each. 30 s when zero.
	Timeout time.Duration
	// Drain is how long sends under way may go on when Run is asked to end. 5 s when
	// zero.
	Drain time.Duration
	// Deduplicates says that the platform recognises a post by its ID for some
	// minutes: what an earlier process left open is then sent again unmarked.
	Deduplicates bool
	// Now is the clock of alerts; nil means time.Now.
	Now func() time.Time
	// Log may be nil.
	Log *slog.Logger
	// Observe is told the state of each result once that is recorded, on the goroutine
	// of Run; nil is allowed.
	Observe func(alert.State)
}

func (o Options) withDefaults() Options {
	if o.Parallel <= 0 {
		o.Parallel = 28
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Drain <= 0 {
		o.Drain = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(alert.State) {}
	}
	return o
}

// Courier delivers what the outbox holds for one platform.
//
// It takes over at most Parallel deliveries beyond those whose result is recorded,
// so that a crash leaves no more of them open. A send that has been on the wire for
// more than 2 s is not counted, up to 64 of them: one chat that hangs does not slow
// the others. Deliveries to one chat go one after the other, in the outbox's order.
//
// Wake and Status are safe for concurrent use. Run is called once at a time.
type Courier struct {
	opts   Options
	woken  chan struct{}
	status atomic.Pointer[Status]
}

// Status is how a Courier is doing.
type Status struct {
	// Left counts the deliveries without a final state, Flying those being sent.
	Left, Flying int
	// Paused is a constant phrase or the platform's Reason for why nothing is sent,
	// empty when deliveries go out; Until is when it is tried again.
	Paused string
	Until  time.Time
}

// New makes a Courier; Run sets it going.
func New(opts Options) *Courier {
	c := &Courier{opts: opts.withDefaults(), woken: make(chan struct{}, 1)}
	c.status.Store(&Status{})
	return c
}

// Wake tells that something was queued. It never blocks and may be called before
// Run.
func (c *Courier) Wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// Status is the state of a moment ago.
func (c *Courier) Status() Status { return *c.status.Load() }
