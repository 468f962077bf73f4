package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

// Alerts in quick succession become one message: a chat that gets four messages in a
// minute is a chat that is muted.
const (
	// succession is the time in which messages count, tooMany how many of them are too
	// many for messages of their own.
	succession = time.Minute
	tooMany    = 4
	// maxBundle bounds the alerts of one message.
	maxBundle = 12
	// gatheredOthers is why a delivery waits for others.
	gatheredOthers = "gathered with others of the same chat"
)

// recents remembers when chats and their topics were sent messages lately, and which of
// them have alerts that are being gathered.
type recents struct {
	sent     map[chat.Target][]time.Time
	gathered map[chat.Target]time.Time
	swept    int
}

func newRecents() recents {
	return recents{sent: make(map[chat.Target][]time.Time), gathered: make(map[chat.Target]time.Time)}
}

// within are the moments of the last messages to a chat that still count.
func (r *recents) within(t chat.Target, now time.Time) []time.Time {
	times := slices.DeleteFunc(r.sent[t], func(at time.Time) bool { return now.Sub(at) >= succession || at.After(now) })
	if len(times) == 0 {
		delete(r.sent, t)
		return nil
	}
	r.sent[t] = times
	return times
}

// add notes a message.
func (r *recents) add(t chat.Target, now time.Time) {
	r.sent[t] = append(r.within(t, now), now)
	if len(r.sent) > 2*max(r.swept, maxRests) {
		for other := range r.sent {
			r.within(other, now)
		}
		for other := range r.gathered {
			if !r.gathering(other, now) {
				delete(r.gathered, other)
			}
		}
		r.swept = len(r.sent)
	}
}

// gathering reports whether alerts of a chat are being gathered, or were just now.
func (r *recents) gathering(t chat.Target, now time.Time) bool {
	until, ok := r.gathered[t]
	return ok && now.Sub(until) < succession
}

// bundles reports whether a delivery may share a message with others. What is recognised by
// the ID of its own message does not.
func (l *lane) bundles(d *alert.Delivery) bool {
	return d.Alert.Rule.Lasts() && (d.Repeat || d.Attempts == 0 || !l.Deduplicates)
}

// bundle takes what goes with a delivery, out of what is ready or held for its chat. With
// false the delivery, and what goes with it, has been put off.
func (l *lane) bundle(key chat.Target, d alert.Delivery) (more []alert.Delivery, now bool) {
	if !l.bundles(&d) {
		return nil, true
	}
	to, at := d.To.Target, l.Now()
	lately := l.recents.within(to, at)
	// What may have arrived before is marked, and stays apart from what has not.
	fits := func(o *alert.Delivery) bool {
		return o.To.Target == to && o.Ref != d.Ref && o.Alert != nil && o.Repeat == d.Repeat && l.bundles(o) && !l.expired(*o, at)
	}
	others, late := 0, d.Late
	for _, some := range [][]alert.Delivery{l.ready[l.launched:], l.held[key]} {
		for i := range some {
			if fits(&some[i]) {
				others++
				late = late && some[i].Late
			}
		}
	}
	switch {
	case len(lately) >= tooMany-1:
		more = l.withdraw(key, fits, maxBundle)
		until := lately[0].Add(succession)
		l.recents.gathered[to] = until
		for _, o := range append([]alert.Delivery{d}, more...) {
			l.add(l.waiting(o, until, gatheredOthers))
		}
		return nil, false
	case others > 0 && (len(lately)+1+others >= tooMany || l.recents.gathering(to, at) || late):
		more = l.withdraw(key, fits, maxBundle-1)
	}
	delete(l.recents.gathered, to)
	return more, true
}

// withdraw takes up to n deliveries out of what is ready, not looked at yet, or held for a
// chat.
func (l *lane) withdraw(key chat.Target, fits func(*alert.Delivery) bool, n int) []alert.Delivery {
	var taken []alert.Delivery
	take := func(d alert.Delivery) bool {
		if len(taken) == n || !fits(&d) {
			return false
		}
		taken = append(taken, d)
		return true
	}
	if held := l.held[key]; len(held) > 0 {
		l.held[key] = slices.DeleteFunc(held, take)
		l.heldCount -= len(held) - len(l.held[key])
		if len(l.held[key]) == 0 {
			delete(l.held, key)
		}
	}
	l.ready = slices.Concat(l.ready[:l.launched], slices.DeleteFunc(slices.Clone(l.ready[l.launched:]), take))
	return taken
}

// together is the alert that words several of one chat.
func together(ds []alert.Delivery) *alert.Alert {
	h := sha256.New()
	a := &alert.Alert{Rule: alert.Summary}
	for _, d := range ds {
		h.Write([]byte(d.Alert.ID + "\x00"))
		a.Items = append(a.Items, *d.Alert)
		if a.Expires.Before(d.Alert.Expires) {
			a.Expires = d.Alert.Expires
		}
		if a.At.Before(d.Alert.At) {
			a.At = d.Alert.At
		}
	}
	slices.SortStableFunc(a.Items, func(x, y alert.Alert) int { return x.At.Compare(y.At) })
	a.ID = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:15])
	return a
}

// ask asks about each delivery of a flight right before it goes out, and returns the veto of
// those that are not wanted, 0 for none. A message of which only a part is wanted is made
// anew.
func (l *lane) ask(ctx context.Context, f *flight) (veto int32, err error) {
	var dropped []alert.Ref
	for _, d := range append([]alert.Delivery{f.d}, f.more...) {
		ok, err := l.Outbox.Wanted(ctx, d)
		if err != nil {
			return 0, err
		}
		if !ok {
			dropped = append(dropped, d.Ref)
		}
	}
	f.dropped = dropped
	switch len(dropped) {
	case 0:
		return 0, nil
	case len(f.more) + 1:
		return vetoChat, nil
	default:
		return vetoPart, nil
	}
}
