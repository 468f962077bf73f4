package storage

import (
	"errors"
	"math"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// longestWait bounds how far ahead a delivery can be put off: an alert is old news
// by then, and a wrong clock must not keep it for ever.
const longestWait = 48 * time.Hour

// settle keeps what became of deliveries.
func (l *lane) settle(done []alert.Result) error {
	for i := range done {
		r := &done[i]
		e := l.find(r.Delivery.Ref.Entry)
		if e == nil {
			continue
		}
		taken, err := l.take(e, r.Delivery.Ref)
		if err != nil {
			return err
		}
		if !taken {
			continue
		}
		if r.State == alert.Waiting {
			err = l.wait(e, r)
		} else {
			err = l.end(e, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take removes a delivery from those that are handed out; false when it is not one.
func (l *lane) take(e *entry, ref alert.Ref) (bool, error) {
	if e.flies(ref.Index) {
		e.settle(ref.Index)
		l.touched[e] = true
		return true, nil
	}
	flying, key := l.tx.Bucket(flyingBucket), flyingKey(l.platform, ref)
	if flying.Get(key) == nil {
		return false, nil
	}
	l.release(e)
	return true, flying.Delete(key)
}

// release notes that a delivery has no row of its own any more.
func (l *lane) release(e *entry) {
	if e.rows > 0 {
		e.rows--
	}
	l.touched[e] = true
}

// wait puts a delivery off.
func (l *lane) wait(e *entry, r *alert.Result) error {
	d := &r.Delivery
	a := attempt{
		ref: d.Ref, to: d.To, since: d.Since.UTC(), repeat: r.Repeat,
		attempts: uint32(max(0, min(d.Attempts, math.MaxInt32))), claimed: l.now.UTC(),
	}
	// A clock that was set since it was worked out changes nothing about how long.
	notBefore := l.now.Add(r.NotBefore.Sub(l.now))
	if latest := l.now.Add(longestWait); notBefore.After(latest) {
		notBefore = latest
	}
	e.rows++
	l.touched[e] = true
	return l.tx.Bucket(waitingBucket).Put(waitingKey(l.platform, notBefore, d.Ref), a.encode())
}

// end counts a final state and does what follows from it.
func (l *lane) end(e *entry, r *alert.Result) error {
	to := r.Delivery.To.Target
	switch r.State {
	case alert.Sent:
		l.count(r.State, 1)
		return l.told(e, r)
	case alert.Retired:
		l.count(r.State, 1)
		return l.amend(to, func(c *alert.Chat) { l.store.retire(c, r.Reason) })
	case alert.Barred:
		l.count(r.State, 1)
		return l.amend(to, func(c *alert.Chat) { bar(c, to.Thread) })
	case alert.Failed, alert.Uncertain, alert.Expired, alert.Unwanted:
		l.count(r.State, 1)
	default:
		l.count(alert.Failed, 1)
	}
	return nil
}

// amend changes the record of a chat.
func (l *lane) amend(t chat.Target, change func(*alert.Chat)) error {
	return amendChat(l.tx, t, change)
}

// amendChat changes the record of a chat. One that cannot be read must not hold up the
// others.
func amendChat(tx *bolt.Tx, t chat.Target, change func(*alert.Chat)) error {
	err := amendIn(tx, t, change)
	if errors.Is(err, errNothing) || errors.Is(err, errWire) {
		return nil
	}
	return err
}
