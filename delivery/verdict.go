package delivery

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

const (
	// maxTries bounds the tries that failed without a wait named by the platform.
	maxTries = 8
	// maxInterruptions bounds the processes that may end while a delivery is open: one that
	// ends them must not do so for ever.
	maxInterruptions = 64
	// retryFirst to retryMost are the waits between such tries.
	retryFirst = 2 * time.Second
	retryMost  = 2 * time.Minute
	// maxWait bounds the waits that a platform names. Telegram has asked for 2.8 h.
	maxWait = 6 * time.Hour
	// recognised is for how long a platform that deduplicates knows a post. Discord
	// says "the past few minutes".
	recognised = 2 * time.Minute
)

// land takes a flight back and decides what its outcome means.
func (l *lane) land(x landing) {
	f := x.flight
	f.cancel()
	delete(l.flights, f)
	l.free(f.chat)
	for _, d := range f.refused {
		l.add(alert.Result{Delivery: f.tried(d), State: alert.Unwanted})
	}
	if x.nobody {
		return
	}
	if f.phase.Load() == recalled && x.unsent() {
		for _, d := range slices.Backward(f.more) {
			l.first(d)
		}
		l.first(f.d)
		return
	}
	now := time.Now()
	if !x.unsent() && l.bundles(&f.d) { // members count what they see
		l.recents.add(f.d.To.Target, l.Now())
	}
	if f.veto.Load() == vetoPart {
		l.recents.gathered[f.d.To.Target] = l.Now()
	}
	l.judgePlatform(x, now)
	r := l.verdict(x, f.d, now)
	l.add(r)
	for _, d := range f.more {
		other := l.verdict(x, d, now)
		if other.State == alert.Waiting && r.State == alert.Waiting {
			other.NotBefore = r.NotBefore // they stay in order
		}
		l.add(other)
	}
	if fate := x.outcome.Fate; r.State == alert.Waiting && (fate == chat.Later || fate == chat.Down) {
		l.putOff(f.chat, r.NotBefore)
	}
}

// unsent reports whether it certainly did not reach the platform. An error has no
// outcome: there was no reply to send.
func (x landing) unsent() bool {
	fate := x.outcome.Fate
	return x.err != nil || fate == chat.Dropped || fate == chat.Later || fate == chat.Down
}

// tried is a delivery of the flight after this try.
func (f *flight) tried(d alert.Delivery) alert.Delivery {
	d.Repeat = f.repeat
	if d.Since.IsZero() {
		d.Since = f.began
	}
	return d
}

// verdict is what becomes of a delivery of the flight.
func (l *lane) verdict(x landing, d alert.Delivery, now time.Time) alert.Result {
	d = x.flight.tried(d)
	out := x.outcome
	switch {
	case x.panicked:
		return l.afterPanic(x.flight, d)
	case errors.Is(x.err, errEmpty):
		return alert.Result{Delivery: d, State: alert.Failed, Reason: "the reply is empty"}
	case x.err != nil:
		if l.speak("wording", now) {
			l.Log.Error("an alert could not be worded", l.platform(), slog.Any("err", x.err))
		}
		return l.again(d, "the reply could not be made", alert.Failed)
	}
	switch out.Fate {
	case chat.Posted:
		return alert.Result{Delivery: d, State: alert.Sent, Message: out.Message}
	case chat.Dropped:
		return l.dropped(x.flight, d)
	case chat.Later:
		if out.Wait <= 0 {
			return l.again(d, out.Reason, alert.Failed)
		}
		return l.waiting(d, l.Now().Add(named(out.Wait)), out.Reason)
	case chat.Down:
		// The whole lane rests, so the moment only keeps the order: before what waits behind
		// others of its chat.
		at := l.Now()
		if !d.Alert.At.IsZero() {
			at = earlier(d.Alert.At, at)
		}
		return l.waiting(d, at, out.Reason)
	case chat.Refused:
		return alert.Result{Delivery: d, State: alert.Failed, Reason: out.Reason}
	case chat.Gone, chat.Barred:
		return l.unreachable(d, out)
	default:
		// Several in one message are not put together the same way again, so the platform
		// would not know them.
		r := l.unclear(d, out.Deduplicates && len(x.flight.more) == 0, out.Reason)
		if rest := l.Now().Add(l.down.until.Sub(now)); r.State == alert.Waiting && rest.After(r.NotBefore) {
			r.NotBefore = rest
		}
		return r
	}
}

// waiting is a delivery that comes again at a moment, otherwise as it is.
func (l *lane) waiting(d alert.Delivery, at time.Time, reason string) alert.Result {
	return alert.Result{Delivery: d, State: alert.Waiting, NotBefore: at, Repeat: d.Repeat, Reason: reason}
}

// again is a delivery that failed for a reason that may pass; with the last try it
// is given up.
func (l *lane) again(d alert.Delivery, reason string, last alert.State) alert.Result {
	d.Attempts++
	if d.Attempts >= maxTries {
		return alert.Result{Delivery: d, State: last, Reason: reason}
	}
	return l.waiting(d, l.Now().Add(backoff(retryFirst, retryMost, d.Attempts-1)), reason)
}

// afterPanic tries once more; what may have arrived is marked.
func (l *lane) afterPanic(f *flight, d alert.Delivery) alert.Result {
	if d.Attempts > 0 {
		d.Attempts++
		return alert.Result{Delivery: d, State: alert.Failed, Reason: "sending panicked"}
	}
	d.Repeat = d.Repeat || f.phase.Load() == onWire
	return l.again(d, "sending panicked", alert.Failed)
}

// dropped says why Wanted said no.
func (l *lane) dropped(f *flight, d alert.Delivery) alert.Result {
	switch f.veto.Load() {
	case vetoAge:
		if !l.expired(d, l.Now()) { // another one of its message was too old
			return l.waiting(d, l.Now(), "another one of the message was too old")
		}
		return l.past(d, l.Now())
	case vetoUnknown:
		if l.speak("wishes", time.Now()) {
			l.Log.Error("nothing is sent to chats whose wishes cannot be read", l.platform(), slog.Any("err", f.unread))
		}
		return l.waiting(d, l.Now().Add(retryFirst), "the chat's wishes could not be read")
	case vetoPart:
		if !slices.Contains(f.dropped, d.Ref) {
			return l.waiting(d, l.Now(), "others of its message are not wanted")
		}
		return alert.Result{Delivery: d, State: alert.Unwanted}
	default:
		return alert.Result{Delivery: d, State: alert.Unwanted}
	}
}

// unclear decides about a delivery that may have arrived. A platform that still
// recognises it gets it again. Otherwise it is repeated once, marked, in the first
// half of its life; after that a double would be worse than a gap.
func (l *lane) unclear(d alert.Delivery, recognisedByID bool, reason string) alert.Result {
	now := l.Now()
	if recognisedByID && now.Sub(d.Since) < recognised {
		return l.again(d, reason, alert.Uncertain)
	}
	life := d.Alert.Expires.Sub(d.Since)
	if !d.Repeat && (d.Alert.Expires.IsZero() || now.Sub(d.Since) < life/2) {
		d.Repeat = true
		return l.again(d, reason, alert.Uncertain)
	}
	return alert.Result{Delivery: d, State: alert.Uncertain, Reason: reason}
}

// interrupted decides about a delivery that an earlier process left open. Most of those were
// not on the wire, so it is tried again however often processes end, marked, in the first
// half of its life: each end leaves no more open than are sent in a second. alone says that it
// was the only one of its chat: several may have been in one message, which the platform would
// not know again.
func (l *lane) interrupted(d alert.Delivery, alone bool) alert.Result {
	if d.Alert == nil {
		return alert.Result{Delivery: d, State: alert.Failed, Reason: "no alert"}
	}
	if d.Since.IsZero() {
		d.Since = d.Alert.At
	}
	now, reason := l.Now(), "the bot ended while it was sent"
	life := d.Alert.Expires.Sub(d.Since)
	known := l.Deduplicates && alone && now.Sub(d.Since) < recognised
	d.Attempts++
	switch {
	case d.Attempts >= maxInterruptions, !known && !d.Alert.Expires.IsZero() && now.Sub(d.Since) >= life/2:
		return alert.Result{Delivery: d, State: alert.Uncertain, Reason: reason}
	case !known:
		d.Repeat = true
	}
	return l.waiting(d, now, reason)
}

// forgotten reports whether a platform that deduplicates may know an earlier try no
// more: this one is marked.
func (l *lane) forgotten(d alert.Delivery, now time.Time) bool {
	return l.Deduplicates && d.Attempts > 0 && now.Sub(d.Since) >= recognised
}

// named is a wait that a platform has asked for, and a little more so that not
// everything comes back at once.
func named(wait time.Duration) time.Duration {
	wait = min(wait, maxWait)
	return wait + 100*time.Millisecond + rand.N(min(wait, 900*time.Millisecond)) //nolint:gosec // jitter is no secret
}

// backoff is the wait before the n-th repetition, n from 0: doubled each time, with
// jitter.
func backoff(first, most time.Duration, n int) time.Duration {
	d := min(first<<min(n, 16), most)
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter is no secret
}
