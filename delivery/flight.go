package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

// The phases of a flight. One that is on its way to the wire can be recalled; one
// that is on the wire cannot.
const (
	onItsWay int32 = iota
	onWire
	recalled
)

// The reasons for which a post was not wanted.
const (
	vetoChat int32 = iota + 1
	vetoAge
	vetoUnknown
	// vetoPart: some deliveries of the message are not wanted.
	vetoPart
)

// errEmpty is a reply that says nothing.
var errEmpty = errors.New("empty reply")

// flight is one try of one delivery.
type flight struct {
	// d is the delivery as it was taken over.
	d    alert.Delivery
	chat chat.Target
	// more are deliveries that share its message, alert is what the message says.
	more  []alert.Delivery
	alert *alert.Alert
	// refused are those of several that nobody wants any more; they are not in the message.
	refused []alert.Delivery
	// repeat marks this try; began is when it did.
	repeat bool
	began  time.Time
	cancel context.CancelFunc
	// phase, veto and wiredAt (nanoseconds since the lane began) are set by Wanted.
	phase, veto atomic.Int32
	wiredAt     atomic.Int64
	// unread is why the chat's wishes could not be read, set ahead of vetoUnknown.
	unread error
	// dropped are the deliveries that are not wanted, set ahead of the veto.
	dropped []alert.Ref
}

// landing is how a flight ended: with an outcome, without a reply to send, or in a
// panic.
type landing struct {
	flight   *flight
	outcome  chat.Outcome
	err      error
	panicked bool
	// nobody says that none of several deliveries was wanted, so there was no message.
	nobody bool
}

// onWire is for how long it has been on the wire, 0 when it is not.
func (f *flight) onWire(since, now time.Time) time.Duration {
	if f.phase.Load() != onWire {
		return 0
	}
	return max(1, now.Sub(since)-time.Duration(f.wiredAt.Load()))
}

// take puts the flight on the wire, unless it was recalled. The platform may ask
// more than once.
func (f *flight) take(elapsed time.Duration) bool {
	f.wiredAt.CompareAndSwap(0, int64(elapsed))
	return f.phase.CompareAndSwap(onItsWay, onWire) || f.phase.Load() == onWire
}

// recall stops the flight if it is not on the wire yet.
func (f *flight) recall() {
	if f.phase.CompareAndSwap(onItsWay, recalled) {
		f.cancel()
	}
}

// chatOf is what deliveries go to one at a time: the chat with all its topics,
// since platforms limit it as a whole.
func chatOf(d alert.Delivery) chat.Target {
	t := d.To.Target
	t.Thread = ""
	return t
}

// launch sends on what is ready, as far as it may be.
func (l *lane) launch(ctx context.Context, now time.Time) {
	i := 0
	for ; i < len(l.ready) && l.mayLaunch(now); i++ {
		d := l.ready[i]
		key := chatOf(d)
		if r, over := l.overdue(d, key); over {
			l.add(r)
			continue
		}
		if l.busy[key] {
			l.hold(key, d)
			continue
		}
		l.launched = i + 1
		if more, now := l.bundle(key, d); now {
			l.start(ctx, key, d, more)
		}
		l.launched = 0
	}
	if i > 0 {
		l.ready = append(l.ready[:0], l.ready[i:]...)
	}
}

// mayLaunch reports whether one more may be launched.
func (l *lane) mayLaunch(now time.Time) bool {
	if l.blocked(now) || l.store.rests > 0 || len(l.flights) >= cap(l.landed) {
		return false
	}
	p := l.probes()
	return p == 0 || len(l.flights) < p
}

// overdue is the result of a delivery that is not to be launched at all.
func (l *lane) overdue(d alert.Delivery, key chat.Target) (alert.Result, bool) {
	now := l.Now()
	if d.Alert == nil {
		return alert.Result{Delivery: d, State: alert.Failed, Reason: "no alert"}, true
	}
	if l.expired(d, now) {
		return l.past(d, now), true
	}
	if at, resting := l.rests.behind(key, now); resting {
		return l.waiting(d, at, behindOthers), true
	}
	return alert.Result{}, false
}

// past is the result of a delivery that has expired: one that can be told late comes
// again as such, at once and in the order in which alerts expire.
func (l *lane) past(d alert.Delivery, now time.Time) alert.Result {
	if !d.Late && !d.Alert.Over(now) {
		return l.waiting(d, d.Alert.Expires, "late")
	}
	return alert.Result{Delivery: d, State: alert.Expired}
}

func (l *lane) expired(d alert.Delivery, now time.Time) bool {
	if d.Late {
		return d.Alert.Over(now)
	}
	return !d.Alert.Expires.IsZero() && !now.Before(d.Alert.Expires)
}

// start launches a delivery, with those that share its message.
func (l *lane) start(ctx context.Context, key chat.Target, d alert.Delivery, more []alert.Delivery) {
	own, cancel := context.WithCancel(ctx)
	now := l.Now()
	f := &flight{d: d, more: more, alert: d.Alert, chat: key, repeat: d.Repeat || l.forgotten(d, now), began: now, cancel: cancel}
	if len(more) > 0 {
		f.alert = together(append([]alert.Delivery{d}, more...))
	}
	l.flights[f] = struct{}{}
	l.busy[key] = true
	go l.fly(ctx, own, f)
}

// fly words and sends a delivery, in a goroutine of its own. The wording may be for
// others as well: a recall, which ends own, lets it be finished.
func (l *lane) fly(all, own context.Context, f *flight) {
	end := landing{flight: f}
	defer func() {
		if v := recover(); v != nil {
			end = landing{flight: f, panicked: true}
			l.panicked(v)
		}
		l.landed <- end
	}()
	if len(f.more) > 0 && !l.choose(own, f) {
		end.outcome, end.nobody = chat.Outcome{Fate: chat.Dropped}, true
		return
	}
	reply, err := l.word(all, f)
	if err != nil {
		end.err = err
		return
	}
	end.outcome = l.send(own, f, reply)
}

// choose leaves those out of a message for several that are not wanted any more; false when
// none is. What cannot be asked stays: it is asked once more right before the sending.
func (l *lane) choose(ctx context.Context, f *flight) bool {
	var wanted []alert.Delivery
	for _, d := range append([]alert.Delivery{f.d}, f.more...) {
		if ok, err := l.Outbox.Wanted(ctx, d); ok || err != nil {
			wanted = append(wanted, d)
		} else {
			f.refused = append(f.refused, d)
		}
	}
	switch {
	case len(f.refused) == 0:
		return true
	case len(wanted) == 0:
		return false
	case len(wanted) == 1:
		f.alert = wanted[0].Alert
	default:
		f.alert = together(wanted)
	}
	f.d, f.more = wanted[0], wanted[1:]
	return true
}

func (l *lane) send(ctx context.Context, f *flight, reply chat.Reply) chat.Outcome {
	if f.phase.Load() == recalled {
		return chat.Outcome{Fate: chat.Dropped}
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	to := f.d.To
	return l.Sender.Send(ctx, chat.Post{
		To: to.Target, Kind: to.Kind, ID: postID(f.alert, to.Target), Reply: reply, Silent: f.d.Silent, ReplyTo: to.ReplyTo,
		Wanted: func() bool { return l.wanted(ctx, f) },
	})
}

func (l *lane) word(ctx context.Context, f *flight) (chat.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	to := f.d.To
	d := f.d
	d.Alert, d.Repeat = f.alert, f.repeat
	for _, o := range f.more { // a message is late when all of it is
		d.Late = d.Late && o.Late
	}
	reply, err := l.Renderer.AlertReply(ctx, d, l.Sender.Shape(to.Target))
	if err != nil {
		return reply, fmt.Errorf("word an alert: %w", err)
	}
	if reply.Silent() {
		return reply, errEmpty
	}
	return reply, nil
}

// wanted is asked right before the post goes on the wire.
func (l *lane) wanted(ctx context.Context, f *flight) bool {
	if f.phase.Load() == recalled {
		return false
	}
	if l.expired(f.d, l.Now()) {
		f.veto.Store(vetoAge)
		return false
	}
	veto, err := l.ask(ctx, f)
	switch {
	case err != nil:
		// Nothing goes out to a chat that may have said stop.
		f.unread = err
		f.veto.Store(vetoUnknown)
		return false
	case veto != 0:
		f.veto.Store(veto)
		return false
	}
	if !f.take(time.Since(l.since)) {
		return false
	}
	select {
	case l.wired <- struct{}{}:
	default:
	}
	return true
}

// panicked logs a panic without its value, which may quote a text; that of the
// runtime does not.
func (l *lane) panicked(v any) {
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	l.Log.Error("a delivery panicked", slog.String("platform", string(l.Platform)),
		slog.String("panic", what), slog.String("stack", string(debug.Stack())))
}

// postID is the same for every try of an alert in a chat: 25 characters, as many as
// Discord takes.
func postID(a *alert.Alert, t chat.Target) string {
	sum := sha256.Sum256([]byte(a.ID + "\x00" + string(t.Platform) + "\x00" + t.Chat + "\x00" + t.Thread))
	return base32.StdEncoding.EncodeToString(sum[:])[:25]
}
