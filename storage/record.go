package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// eventsKept bounds the events whose ids are remembered.
const eventsKept = 1000

// Serve names the platforms that alerts are queued for; without it that is all of them.
// Nobody would ever work off what is queued for a platform that is not configured.
func (s *Store) Serve(platforms ...chat.Platform) { s.served.Store(&platforms) }

func (s *Store) serves(p chat.Platform) bool {
	served := s.served.Load()
	return served == nil || slices.Contains(*served, p)
}

// Record keeps what the watcher found, in one transaction: the states of its rules,
// the alerts with those who are to hear of them, and the levels that were reached,
// which are taken from their chats. An event that was recorded before is not
// recorded again. A muted chat does not hear of alerts; its levels wait until the
// mute ends. It returns how many deliveries are new in the outbox.
func (s *Store) Record(ctx context.Context, step alert.Step) (queued int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	err = s.update(func(tx *bolt.Tx) error {
		r := &recording{store: s, tx: tx, now: s.now(), fired: map[chat.Target][]uint64{}, back: map[chat.Target][]uint64{}}
		if err := r.keep(step); err != nil {
			return err
		}
		queued = r.queued
		return r.tally.save(tx)
	})
	if err != nil {
		return 0, fmt.Errorf("record step: %w", err)
	}
	return queued, nil
}

// recording is one Record.
type recording struct {
	store  *Store
	tx     *bolt.Tx
	now    time.Time
	tally  tally
	queued int
	// changed reports that something was written.
	changed bool
	// fired are the IDs of the reached levels by chat, back of those that can be reached
	// again.
	fired, back map[chat.Target][]uint64
}

func (r *recording) keep(step alert.Step) error {
	if err := r.states(step.States); err != nil {
		return err
	}
	for _, coin := range step.Seen {
		if err := r.watch(coin); err != nil {
			return err
		}
	}
	for i := range step.Traces {
		if err := r.trace(&step.Traces[i]); err != nil {
			return err
		}
	}
	for i := range step.Alerts {
		if err := r.alert(&step.Alerts[i]); err != nil {
			return err
		}
	}
	for i := range step.Reached {
		if err := r.reached(&step.Reached[i]); err != nil {
			return err
		}
	}
	if err := r.takeLevels(); err != nil {
		return err
	}
	if !r.changed {
		return errNothing
	}
	return nil
}

func (r *recording) states(states map[string][]byte) error {
	b := r.tx.Bucket(statesBucket)
	for name, state := range states {
		if old := b.Get([]byte(name)); old != nil && bytes.Equal(old, state) {
			continue
		}
		r.changed = true
		if err := b.Put([]byte(name), state); err != nil {
			return fmt.Errorf("rule state: %w", err)
		}
	}
	return nil
}

// alert queues an alert for those who have subscribed to it.
func (r *recording) alert(a *alert.Alert) error {
	fresh, err := r.event(a)
	if err != nil || !fresh {
		return err
	}
	if a.Rule == alert.Outcome {
		return r.followUp(a)
	}
	f := &fanOut{recording: r, alert: a}
	broken, err := r.store.subscribers(r.tx, a, f.serve)
	if err != nil {
		return err
	}
	if err := f.end(); err != nil {
		return err
	}
	if err := r.remember(a, f.added, f.entries); err != nil {
		return err
	}
	for _, row := range broken {
		if err := r.repair(row); err != nil {
			return err
		}
	}
	return nil
}

// followUp tells those who got an alert what became of it.
func (r *recording) followUp(a *alert.Alert) error {
	sent, known, err := r.outcome(a)
	if err != nil || !known {
		return err
	}
	f := &fanOut{recording: r, alert: a}
	_, original := past(r.tx, a.Followed.ID)
	for _, e := range sent {
		if err := r.store.keepAllTold(r.tx, e.Platform, e.ID); err != nil {
			return err
		}
		if err := repliesTo(r.tx, original.Alert.At, e.ID, f.serve); err != nil {
			return err
		}
	}
	return f.end()
}

// event remembers an event and reports whether it is a new one.
func (r *recording) event(a *alert.Alert) (bool, error) {
	if a.ID == "" || len(a.ID) > maxClaimID {
		return false, fmt.Errorf("alert id of %d bytes: want 1 to %d", len(a.ID), maxClaimID)
	}
	events, order := r.tx.Bucket(eventsBucket), r.tx.Bucket(eventOrderBucket)
	id := []byte(a.ID)
	if events.Get(id) != nil {
		return false, nil
	}
	r.changed = true
	r.tally.alerts++
	n, err := order.NextSequence()
	if err != nil {
		return false, err
	}
	place := binary.BigEndian.AppendUint64(nil, n)
	if err := errors.Join(events.Put(id, place), order.Put(place, id)); err != nil {
		return false, err
	}
	if n <= eventsKept {
		return true, nil
	}
	oldest := binary.BigEndian.AppendUint64(nil, n-eventsKept)
	return true, errors.Join(events.Delete(bytes.Clone(order.Get(oldest))), order.Delete(oldest))
}

// reached queues an alert for each level that a price has reached.
func (r *recording) reached(step *alert.Reached) error {
	var found []reached
	var broken []line
	var spent [][]byte
	reachedLevels(r.tx, step.Coin, step.USD, func(l reached) bool {
		l.key = bytes.Clone(l.key)
		switch {
		case l.broken:
			broken = append(broken, line{l.key, bytes.Clone(l.row)})
		case l.wish.over(r.now):
		case l.wish.spent:
			owner := ownerOf(l.wish.to.Target)
			r.back[owner] = append(r.back[owner], l.id)
			spent = append(spent, l.key)
		case !l.wish.muted(r.now) && r.store.serves(l.wish.to.Target.Platform):
			found = append(found, l)
		}
		return true
	})
	for _, row := range broken {
		r.changed = true
		if err := quarantine(r.tx, levelsBucket, row.key, row.value, &r.tally); err != nil {
			return err
		}
	}
	for _, key := range spent {
		r.changed = true
		if err := r.tx.Bucket(levelsBucket).Delete(key); err != nil {
			return err
		}
	}
	for len(found) > 0 {
		n := 1
		for n < len(found) && found[n].usd == found[0].usd && found[n].rising == found[0].rising {
			n++
		}
		if err := r.level(step, found[:n]); err != nil {
			return err
		}
		found = found[n:]
	}
	return nil
}

// level queues one alert for all who named the same level. When that event is known
// the level was named anew since: it waits for the next price.
func (r *recording) level(step *alert.Reached, at []reached) error {
	a := step.Alert
	a.Rule, a.Coin, a.LevelUSD, a.Rising = alert.Price, step.Coin, at[0].usd, at[0].rising
	a.ID = alert.EventID(alert.Price, a.Coin, a.LevelUSD, a.Rising, a.At)
	fresh, err := r.event(&a)
	if err != nil || !fresh {
		return err
	}
	var to []alert.Recipient
	for _, l := range at {
		to = append(to, l.wish.to)
		owner := ownerOf(l.wish.to.Target)
		r.fired[owner] = append(r.fired[owner], l.id)
		if err := r.tx.Bucket(levelsBucket).Delete(l.key); err != nil {
			return err
		}
	}
	inOrder(to)
	to = slices.CompactFunc(to, func(a, b alert.Recipient) bool { return a.Target == b.Target })
	f := &fanOut{recording: r, alert: &a}
	for i := range to {
		if err := f.add(&to[i]); err != nil {
			return err
		}
	}
	return f.end()
}

// ownerOf is the chat that a topic belongs to.
func ownerOf(t chat.Target) chat.Target {
	t.Thread = ""
	return t
}

// takeLevels takes the reached levels from their chats, but for those that repeat, and
// lets those be reached again from which the price has come back.
func (r *recording) takeLevels() error {
	chats := maps.Clone(r.fired)
	maps.Copy(chats, r.back)
	for t := range chats {
		fired, back := r.fired[t], r.back[t]
		err := amendIn(r.tx, t, func(c *alert.Chat) {
			c.Levels = slices.DeleteFunc(c.Levels, func(l alert.Level) bool { return !l.Repeat && slices.Contains(fired, l.ID) })
			for i := range c.Levels {
				if l := &c.Levels[i]; slices.Contains(fired, l.ID) {
					l.Spent = true
				} else if slices.Contains(back, l.ID) {
					l.Spent = false
				}
			}
		})
		// A record that cannot be read must not keep the alert from the others.
		if err != nil && !errors.Is(err, errNothing) && !errors.Is(err, errWire) {
			return err
		}
	}
	return nil
}

// fanOut writes an alert and its recipients into the outbox, one entry for each
// platform. Recipients come platform by platform.
type fanOut struct {
	*recording
	alert *alert.Alert
	entry *entry
	on    chat.Platform
	chunk chunk
	// added counts the recipients, entries are those that are complete.
	added   int
	entries []entryRef
	// made is told of each entry that is complete; nil is allowed.
	made func(*entry)
}

// serve adds a recipient on a platform that is served.
func (f *fanOut) serve(to *alert.Recipient) error {
	if !f.store.serves(to.Target.Platform) {
		return nil
	}
	return f.add(to)
}

func (f *fanOut) add(to *alert.Recipient) error {
	if f.entry == nil || f.on != to.Target.Platform {
		if err := f.end(); err != nil {
			return err
		}
		n, err := f.tx.Bucket(outboxBucket).NextSequence()
		if err != nil {
			return err
		}
		f.on, f.entry = to.Target.Platform, &entry{id: entryID(f.alert.Rule, n), expires: f.alert.Expires.UTC()}
	}
	f.chunk.add(to)
	f.entry.total++
	f.queued++
	f.added++
	if f.chunk.n == chunkSize {
		return f.flush()
	}
	return nil
}

// flush writes the recipients so far.
func (f *fanOut) flush() error {
	if f.chunk.n == 0 {
		return nil
	}
	key := chunkKey(f.entry.id, (f.entry.total-1)/chunkSize)
	row := f.chunk.encode()
	f.chunk = chunk{body: f.chunk.body[:0]}
	return f.tx.Bucket(recipientsBucket).Put(key, row)
}

// end completes the entry of a platform.
func (f *fanOut) end() error {
	if f.entry == nil {
		return nil
	}
	if err := f.flush(); err != nil {
		return err
	}
	news, err := encodeNews(f.alert)
	if err != nil {
		return err
	}
	if err := f.tx.Bucket(newsBucket).Put(newsKey(f.entry.id), news); err != nil {
		return err
	}
	key := headerKey(f.on, f.entry.id)
	row := f.entry.encode()
	f.entries = append(f.entries, entryRef{Platform: f.on, ID: f.entry.id})
	if f.made != nil {
		f.made(f.entry)
	}
	f.entry = nil
	return f.tx.Bucket(outboxBucket).Put(key, row)
}
