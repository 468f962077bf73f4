package delivery

import (
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

const (
	// maxHeldShare of Parallel is how many deliveries may wait behind one of the same
	// chat, so that a chat with many alerts leaves room for others.
	maxHeldShare = 8
	// heldFor is when those beyond come again.
	heldFor = time.Second
	// maxRests is when rests that are over are swept out.
	maxRests = 1024
	// behindOthers is why a delivery waits that was not tried.
	behindOthers = "the chat has to wait"
)

// rests remembers until when a chat is left alone, so that what comes behind is
// neither tried in vain nor gets ahead: it is due at the same moment, and of those
// the outbox hands out the oldest first.
type rests map[chat.Target]time.Time

// set lets a chat rest.
func (r rests) set(key chat.Target, until, now time.Time) {
	if len(r) >= maxRests {
		for k, old := range r {
			if !now.Before(old) {
				delete(r, k)
			}
		}
	}
	r[key] = until
}

// behind is when a delivery to a chat that rests is due.
func (r rests) behind(key chat.Target, now time.Time) (time.Time, bool) {
	until, ok := r[key]
	if ok && !now.Before(until) {
		delete(r, key)
		ok = false
	}
	return until, ok
}

// hold keeps a delivery until its chat is free.
func (l *lane) hold(key chat.Target, d alert.Delivery) {
	if len(l.held[key]) >= max(1, l.Parallel/maxHeldShare) {
		now := l.Now()
		l.rests.set(key, now.Add(heldFor), now)
		l.add(l.waiting(d, now.Add(heldFor), behindOthers))
		return
	}
	l.held[key] = append(l.held[key], d)
	l.heldCount++
}

// putOff lets a chat rest, with all that is taken over for it.
func (l *lane) putOff(key chat.Target, until time.Time) {
	l.rests.set(key, until, l.Now())
	off := l.held[key]
	delete(l.held, key)
	l.heldCount -= len(off)
	l.ready = slices.DeleteFunc(l.ready, func(d alert.Delivery) bool {
		if chatOf(d) != key {
			return false
		}
		off = append(off, d)
		return true
	})
	for _, d := range off {
		l.add(l.waiting(d, until, behindOthers))
	}
}

// free lets the next delivery of a chat go first.
func (l *lane) free(key chat.Target) {
	delete(l.busy, key)
	waiting := l.held[key]
	if len(waiting) == 0 {
		return
	}
	l.first(waiting[0])
	l.heldCount--
	if len(waiting) == 1 {
		delete(l.held, key)
		return
	}
	l.held[key] = waiting[1:]
}

// first puts a delivery before all that are ready.
func (l *lane) first(d alert.Delivery) {
	l.ready = append([]alert.Delivery{d}, l.ready...)
}
