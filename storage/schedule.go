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
	// heldKept bounds the alerts that are held for one topic; the oldest go first.
	heldKept = 100
	// dueAtMost bounds the errands that are run in one transaction, and the summaries that
	// stand in the outbox and wait for their turn: each Advance reads their headers.
	dueAtMost = 100
	// summaryLasts is how long a summary is news.
	summaryLasts = 6 * time.Hour
	// heldLasts is how old an alert may be when it is told in a summary.
	heldLasts = 3 * 24 * time.Hour
	// early is how much too early something that is due may be told.
	early = time.Minute
)

// What can be due.
const (
	release = "release" // what is held is told
	digest  = "digest"  // the daily digest
)

// errand is something that is due: at which chat and topic, and what.
type errand struct {
	target chat.Target
	what   string
}

// name is the errand behind its platform.
func (p errand) name() []byte {
	return []byte(p.target.Chat + "\x00" + p.target.Thread + "\x00" + p.what)
}

func (p errand) key() []byte { return append(lanePrefix(p.target.Platform), p.name()...) }

func (p errand) at(t time.Time) []byte {
	return append(appendMoment(lanePrefix(p.target.Platform), t), p.name()...)
}

// plan makes something due at a moment, and at no other; the zero time means never.
func plan(tx *bolt.Tx, p errand, at time.Time) error { return planAt(tx, p, at, time.Time{}) }

// planAt is plan with the clock by which the moment was worked out, zero for none: see
// rewind.
func planAt(tx *bolt.Tx, p errand, at, clock time.Time) error {
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
	return errors.Join(places.Put(key, appendMoment(nil, at)), schedule.Put(p.at(at), appendMoment(nil, clock)))
}

// planned is when something is due, zero for never, and by which clock, zero for none.
func planned(tx *bolt.Tx, p errand) (at, clock time.Time) {
	row := tx.Bucket(placesBucket).Get(p.key())
	if len(row) != 8 {
		return time.Time{}, time.Time{}
	}
	at = moment(int64(binary.BigEndian.Uint64(row))) //nolint:gosec // the bits are kept
	if row = tx.Bucket(scheduleBucket).Get(p.at(at)); len(row) == 8 {
		clock = moment(int64(binary.BigEndian.Uint64(row))) //nolint:gosec // the bits are kept
	}
	return at, clock
}

// planBy makes something due at a moment unless it is due before.
func planBy(tx *bolt.Tx, p errand, at, clock time.Time) error {
	if old, _ := planned(tx, p); !old.IsZero() && !old.After(at) {
		return nil
	}
	return planAt(tx, p, at, clock)
}

func (l *lane) plan(p errand, at time.Time) error { return planAt(l.tx, p, at, l.now) }

func (l *lane) planBy(p errand, at time.Time) error { return planBy(l.tx, p, at, l.now) }

// errands are those whose keys have a prefix.
func errands(tx *bolt.Tx, prefix []byte) []errand {
	var all []errand
	cursor := tx.Bucket(placesBucket).Cursor()
	for key, _ := cursor.Seek(prefix); hasPrefix(key, prefix); key, _ = cursor.Next() {
		platform, name, _ := bytes.Cut(key, []byte{0})
		if p, err := splitErrand(chat.Platform(platform), name); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// unplanned is the moment of something whose next time is not worked out yet.
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
	old, fresh := errand{target: t, what: digest}, errand{target: t, what: digest}
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
	if f := s.planned.Load(); f != nil && (before.Terms != after.Terms || !before.MutedUntil.Equal(after.MutedUntil)) {
		(*f)(p)
	}
}

// due queues what is due on the lane's platform, as much as is sent soon: the hours of
// thousands of chats end at once. It reports whether there is more.
func (l *lane) due() (more bool, err error) {
	prefix := lanePrefix(l.platform)
	most := dueAtMost - l.unclaimed()
	var found []errand
	var fresh []bool
	var keys [][]byte
	cursor := l.tx.Bucket(scheduleBucket).Cursor()
	for key, _ := cursor.Seek(prefix); hasPrefix(key, prefix); key, _ = cursor.Next() {
		r := &reader{rest: key[len(prefix):]}
		at := r.int64()
		if at > l.now.UnixNano() {
			break
		}
		if more = len(keys) >= most; more {
			break
		}
		keys = append(keys, bytes.Clone(key))
		p, err := splitErrand(l.platform, r.rest)
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
	return more, nil
}

// unclaimed counts the entries that can wait and of which nothing is handed out yet: with
// some of them an Advance that asks for deliveries gets some.
func (l *lane) unclaimed() int {
	n := 0
	for _, e := range l.entries {
		if e.claimed == 0 && e.id>>56 == rank(alert.Summary) {
			n++
		}
	}
	return n
}

func splitErrand(p chat.Platform, name []byte) (errand, error) {
	parts := bytes.Split(name, []byte{0})
	if len(parts) != 3 {
		return errand{}, errErrand
	}
	return errand{
		target: chat.Target{Platform: p, Chat: string(parts[0]), Thread: string(parts[1])},
		what:   string(parts[2]),
	}, nil
}

// serve queues what is due, or puts it off; fresh is what is still to be planned.
func (l *lane) serve(p errand, fresh bool) error {
	at := p
	at.target = resolve(l.tx, p.target)
	c, err := readChat(l.tx, ownerOf(at.target))
	if err != nil || c.Retired != (alert.Retirement{}) {
		return nil //nolint:nilerr // there is nobody to tell
	}
	local := l.now.In(zoneOf(l.tx, at.target, c.Home))
	if c.MutedUntil.After(l.now) && p.what == release {
		return l.plan(at, c.MutedUntil)
	}
	quiet, over := c.Terms.Quiet.At(local)
	switch {
	case p.what == release && quiet && !c.Terms.Quiet.Silent:
		return l.plan(at, over)
	case p.what == release && fresh && c.Terms.Digest.On && c.Terms.Digest.Only:
		return l.plan(at, c.Terms.Digest.Next(local))
	case p.what == release:
		return l.summarise(at.target, &c, false)
	case !c.Terms.Digest.On:
		return nil
	case fresh:
		return l.plan(at, c.Terms.Digest.Next(local))
	}
	// The time zone may be another one since it was planned.
	slot := c.Terms.Digest.At.On(local)
	if slot.After(local.Add(early)) && slot.Sub(local) < 12*time.Hour {
		return l.plan(at, slot)
	}
	if err := l.plan(at, c.Terms.Digest.Next(local.Add(early))); err != nil {
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
	// The newest entry comes last, as in the file.
	f := &fanOut{recording: r, alert: &a, made: func(e *entry) { l.entries = append(l.entries, e) }}
	to := alert.Recipient{Target: t, Home: c.Home, Kind: c.Kind, Language: c.Language}
	l.changed = true
	return errors.Join(f.add(&to), f.end())
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
		a, err := decodeNews(row)
		if err != nil {
			continue
		}
		if wanted, err := l.stillWanted(a, t); err == nil && wanted {
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

// stillWanted reports whether a chat that an alert is held for still asks for it. What is
// too old is no news, whoever asks.
func (l *lane) stillWanted(a *alert.Alert, t chat.Target) (bool, error) {
	switch {
	case l.now.Sub(a.At) > heldLasts:
		return false, nil
	case a.Rule.Known():
		return l.store.subscribed(l.tx, alert.Recipient{Target: t}, a.Rule, a.Coin, a.Meets)
	case a.Rule == alert.Outcome:
		return l.store.follows(l.tx, a, alert.Recipient{Target: t})
	default:
		return true, nil
	}
}

// dropHeld forgets what is held for a chat.
func dropHeld(tx *bolt.Tx, t chat.Target) (int, error) {
	return deletePrefix(tx.Bucket(heldBucket), []byte(chatKey(t)+"\x00"))
}

// hurryHeld lets what is held for a chat be looked at with the next Advance: it may be
// time to tell it.
func hurryHeld(tx *bolt.Tx, t chat.Target) error {
	for _, p := range errands(tx, []byte(chatKey(t)+"\x00")) {
		if p.what != release {
			continue
		}
		if err := plan(tx, p, unplanned); err != nil {
			return err
		}
	}
	return nil
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
