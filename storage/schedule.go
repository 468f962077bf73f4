package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

const (
	// heldKept bounds the alerts that are held for one place; the oldest go first.
	heldKept = 40
	// dueAtMost bounds the places that are served in one transaction.
	dueAtMost = 100
	// summaryLasts is how long a summary is news.
	summaryLasts = 6 * time.Hour
	// early is how much too early something that is due may be told.
	early = time.Minute
)

// What is due at a place.
const (
	release = "release" // what is held is told
	digest  = "digest"  // the daily digest
)

// place is where something is due: a chat, a topic and what it is.
type place struct {
	target chat.Target
	what   string
}

// name is the place behind its platform.
func (p place) name() []byte {
	return []byte(p.target.Chat + "\x00" + p.target.Thread + "\x00" + p.what)
}

func (p place) key() []byte { return append(lanePrefix(p.target.Platform), p.name()...) }

func (p place) at(t time.Time) []byte {
	return append(appendMoment(lanePrefix(p.target.Platform), t), p.name()...)
}

// plan makes something due at a moment, and at no other; the zero time means never.
func plan(tx *bolt.Tx, p place, at time.Time) error {
	schedule, places, key := tx.Bucket(scheduleBucket), tx.Bucket(placesBucket), p.key()
	if old := places.Get(key); len(old) == 8 {
		was := moment(int64(binary.BigEndian.Uint64(old))) //nolint:gosec // the bits are kept
		if was.Equal(at) {
			return nil
		}
		if err := schedule.Delete(p.at(was)); err != nil {
			return err
		}
	}
	if at.IsZero() {
		return places.Delete(key)
	}
	return errors.Join(places.Put(key, appendMoment(nil, at)), schedule.Put(p.at(at), nil))
}

// planBy makes something due at a moment unless it is due before.
func planBy(tx *bolt.Tx, p place, at time.Time) error {
	if old := tx.Bucket(placesBucket).Get(p.key()); len(old) == 8 && int64(binary.BigEndian.Uint64(old)) <= at.UnixNano() { //nolint:gosec // the bits are kept
		return nil
	}
	return plan(tx, p, at)
}

// unplanned is the moment of a digest whose next time is not worked out yet.
var unplanned = time.Unix(0, 1).UTC()

// planDigest keeps the schedule to what a chat has asked for. When the digest is due next
// is worked out with the next Advance of the platform.
func planDigest(tx *bolt.Tx, t chat.Target, before, after *alert.Chat) error {
	was, is := before.Terms.Digest, after.Terms.Digest
	was.On = was.On && before.Retired == (alert.Retirement{})
	is.On = is.On && after.Retired == (alert.Retirement{})
	if was == is {
		return nil
	}
	old, fresh := place{target: t, what: digest}, place{target: t, what: digest}
	old.target.Thread, fresh.target.Thread = was.Thread, is.Thread
	if was.On {
		if err := plan(tx, old, time.Time{}); err != nil {
			return err
		}
	}
	if !is.On {
		return nil
	}
	return plan(tx, fresh, unplanned)
}

// Notify sets whom to tell that something is due on a platform earlier than the last
// Advance said. It is called after the change is on disk and has to return at once.
func (s *Store) Notify(planned func(chat.Platform)) { s.planned.Store(&planned) }

func (s *Store) tellPlanned(p chat.Platform, before, after *alert.Chat) {
	if f := s.planned.Load(); f != nil && before.Terms != after.Terms {
		(*f)(p)
	}
}

// due queues what is due on the lane's platform. It reports whether there is more.
func (l *lane) due() (more bool, err error) {
	prefix := lanePrefix(l.platform)
	var found []place
	var fresh []bool
	var keys [][]byte
	cursor := l.tx.Bucket(scheduleBucket).Cursor()
	for key, _ := cursor.Seek(prefix); hasPrefix(key, prefix) && len(keys) < dueAtMost; key, _ = cursor.Next() {
		r := &reader{rest: key[len(prefix):]}
		at := r.int64()
		if at > l.now.UnixNano() {
			break
		}
		keys = append(keys, bytes.Clone(key))
		p, err := splitPlace(l.platform, r.rest)
		if err == nil {
			found, fresh = append(found, p), append(fresh, at == unplanned.UnixNano())
		}
	}
	for _, key := range keys { // also those that cannot be read
		l.changed = true
		if err := l.tx.Bucket(scheduleBucket).Delete(key); err != nil {
			return false, err
		}
	}
	for i, p := range found {
		if err := l.tx.Bucket(placesBucket).Delete(p.key()); err != nil {
			return false, err
		}
		if err := l.serve(p, fresh[i]); err != nil {
			return false, err
		}
	}
	return len(keys) == dueAtMost, nil
}

func splitPlace(p chat.Platform, name []byte) (place, error) {
	parts := bytes.Split(name, []byte{0})
	if len(parts) != 3 {
		return place{}, errPlace
	}
	return place{
		target: chat.Target{Platform: p, Chat: string(parts[0]), Thread: string(parts[1])},
		what:   string(parts[2]),
	}, nil
}

// serve queues what is due at a place, or puts it off; fresh is a digest that was asked for
// just now.
func (l *lane) serve(p place, fresh bool) error {
	at := p
	at.target = resolve(l.tx, p.target)
	c, err := readChat(l.tx, ownerOf(at.target))
	if err != nil || c.Retired != (alert.Retirement{}) {
		return nil //nolint:nilerr // there is nobody to tell
	}
	local := l.now.In(zoneOf(l.tx, at.target, c.Home))
	if c.MutedUntil.After(l.now) && p.what == release {
		return plan(l.tx, at, c.MutedUntil)
	}
	quiet, over := c.Terms.Quiet.At(local)
	switch {
	case p.what == release && quiet && !c.Terms.Quiet.Silent:
		return plan(l.tx, at, over)
	case p.what == release:
		return l.summarise(at.target, &c, false)
	case !c.Terms.Digest.On:
		return nil
	case fresh:
		return plan(l.tx, at, c.Terms.Digest.Next(local))
	}
	// The time zone may be another one since it was planned.
	slot := c.Terms.Digest.At.On(local)
	if slot.After(local.Add(early)) && slot.Sub(local) < 12*time.Hour {
		return plan(l.tx, at, slot)
	}
	if err := plan(l.tx, at, c.Terms.Digest.Next(local.Add(early))); err != nil {
		return err
	}
	if c.MutedUntil.After(l.now) {
		return nil
	}
	return l.summarise(at.target, &c, true)
}

// summarise queues one message with all that is held for a topic. A digest is sent also
// when nothing is.
func (l *lane) summarise(t chat.Target, c *alert.Chat, daily bool) error {
	held, since, err := l.takeHeld(t)
	if err != nil || len(held) == 0 && !daily {
		return err
	}
	a := alert.Alert{
		ID:   alert.EventID(alert.Summary, "", float64(len(held)), daily, l.now) + "/" + t.Chat + "/" + t.Thread,
		Rule: alert.Summary, At: l.now, Expires: l.now.Add(summaryLasts), Items: held, Digest: daily, Quiet: since,
	}
	if len(a.ID) > maxClaimID {
		a.ID = a.ID[:maxClaimID]
	}
	r := &recording{store: l.store, tx: l.tx, now: l.now}
	f := &fanOut{recording: r, alert: &a}
	to := alert.Recipient{Target: t, Home: c.Home, Kind: c.Kind, Language: c.Language}
	if err := errors.Join(f.add(&to), f.end()); err != nil {
		return err
	}
	// The entry is on the disk, and the lane has not read it.
	return l.reread()
}

func heldPrefix(t chat.Target) []byte { return []byte(chatKey(t) + "\x00" + t.Thread + "\x00") }

// putHeld keeps an alert for a topic.
func putHeld(tx *bolt.Tx, a *alert.Alert, to *alert.Recipient) error {
	row, err := encodeNews(a)
	if err != nil {
		return err
	}
	b, prefix := tx.Bucket(heldBucket), heldPrefix(to.Target)
	var keys [][]byte
	cursor := b.Cursor()
	for key, _ := cursor.Seek(prefix); hasPrefix(key, prefix); key, _ = cursor.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys[:max(0, len(keys)-heldKept+1)] {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	return b.Put(binary.BigEndian.AppendUint64(prefix, n), row)
}

// takeHeld takes what is held for a topic, the oldest first, and tells since when.
func (l *lane) takeHeld(t chat.Target) (held []alert.Alert, since time.Time, err error) {
	prefix := heldPrefix(t)
	var keys [][]byte
	cursor := l.tx.Bucket(heldBucket).Cursor()
	for key, row := cursor.Seek(prefix); hasPrefix(key, prefix); key, row = cursor.Next() {
		keys = append(keys, bytes.Clone(key))
		if a, err := decodeNews(row); err == nil {
			held = append(held, *a)
		}
	}
	for _, key := range keys {
		if err := l.tx.Bucket(heldBucket).Delete(key); err != nil {
			return nil, time.Time{}, fmt.Errorf("take held alerts: %w", err)
		}
	}
	if len(held) > 0 {
		since = held[0].At
	}
	return held, since, nil
}

func hasPrefix(key, prefix []byte) bool { return key != nil && bytes.HasPrefix(key, prefix) }

// firstDue is when the first thing is due on the platform, zero for never.
func (l *lane) firstDue() time.Time {
	prefix := lanePrefix(l.platform)
	key, _ := l.tx.Bucket(scheduleBucket).Cursor().Seek(prefix)
	if !hasPrefix(key, prefix) || len(key) < len(prefix)+8 {
		return time.Time{}
	}
	r := &reader{rest: key[len(prefix):]}
	return time.Unix(0, r.int64()).UTC()
}
