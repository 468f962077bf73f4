package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// A breakout is followed up with answers to its message, so it is kept for a while which
// message that was in each chat.

const (
	postedVersion = 2
	// firstPostedVersion is what rows were while each had one message.
	firstPostedVersion = 1
	// postedKept is how long messages are kept: longer than the last follow-up comes
	// after.
	postedKept = 27 * time.Hour
	// postedAtMost bounds the rows that one transaction forgets.
	postedAtMost = 1000
	// postedFill is how full the pages of the messages get: they are only ever added at
	// the end.
	postedFill = 0.95
)

// postedKey sorts by the time of the alert, so that the oldest are forgotten first.
func postedKey(at time.Time, ref alert.Ref) []byte { return appendRef(appendMoment(nil, at), ref) }

// putPosted keeps the messages of one breakout in some chats. A delivery becomes a message
// once, so no two rows begin with the same one.
func putPosted(tx *bolt.Tx, p chat.Platform, key []byte, rows *chunk) error {
	b := tx.Bucket(postedBucket)
	b.FillPercent = postedFill
	return b.Put(key, encodePosted(p, rows))
}

func encodePosted(p chat.Platform, rows *chunk) []byte {
	row := appendString([]byte{postedVersion}, string(p))
	row = binary.AppendUvarint(row, uint64(rows.n)) //nolint:gosec // a count
	return seal(append(row, rows.body...))
}

// repliesTo walks over the chats that got an alert, each with the message to be answered.
func repliesTo(tx *bolt.Tx, at time.Time, entry uint64, yield func(*alert.Recipient) error) error {
	prefix := binary.BigEndian.AppendUint64(appendMoment(nil, at), entry)
	cursor := tx.Bucket(postedBucket).Cursor()
	for key, row := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, row = cursor.Next() {
		all, err := decodePosted(row)
		if err != nil {
			continue // some answers less
		}
		for i := range all {
			to := &all[i]
			to.Target, to.Home = resolve(tx, to.Target), resolveHome(tx, to.Home)
			if err := yield(to); err != nil {
				return err
			}
		}
	}
	return nil
}

func decodePosted(row []byte) ([]alert.Recipient, error) {
	body, err := unseal(row)
	if err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	r := &reader{rest: body}
	version, platform, n := r.byte(), chat.Platform(r.string()), uint64(1)
	if version != firstPostedVersion {
		n = r.uvarint()
	}
	if version < firstPostedVersion || version > postedVersion || n > uint64(len(body)) {
		return nil, fmt.Errorf("messages: %w", errWire)
	}
	all := make([]alert.Recipient, 0, n)
	for range n {
		all = append(all, r.recipient(platform))
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	return all, nil
}

// Tidy forgets what nobody needs any more and what only time ends: the messages of
// breakouts that are followed up, and members' levels that nobody waits for. It is for
// now and then; each step is short.
func (s *Store) Tidy(ctx context.Context) error {
	over, err := s.levelsOver()
	if err != nil {
		return err
	}
	for _, step := range []func(*bolt.Tx) (more bool, err error){s.forgetPosted, func(tx *bolt.Tx) (bool, error) { return s.forgetLevels(tx, over) }} {
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := s.update(func(tx *bolt.Tx) (err error) {
				more, err = step(tx)
				return err
			})
			if err != nil {
				return fmt.Errorf("tidy data file: %w", err)
			}
		}
	}
	return nil
}

func (s *Store) forgetPosted(tx *bolt.Tx) (more bool, err error) {
	limit := appendMoment(nil, s.now().Add(-postedKept))
	var old [][]byte
	cursor := tx.Bucket(postedBucket).Cursor()
	for key, _ := cursor.First(); key != nil && bytes.Compare(key, limit) < 0 && len(old) < postedAtMost; key, _ = cursor.Next() {
		old = append(old, bytes.Clone(key))
	}
	if len(old) == 0 {
		return false, errNothing
	}
	for _, key := range old {
		if err := tx.Bucket(postedBucket).Delete(key); err != nil {
			return false, err
		}
	}
	return len(old) == postedAtMost, nil
}

// levelsOver lists the chats that have levels that nobody waits for any more. Reading holds
// nobody up.
func (s *Store) levelsOver() ([]chat.Target, error) {
	now, chats := s.now(), map[chat.Target]bool{}
	err := s.db.View(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(levelsBucket).Cursor()
		for key, row := cursor.First(); key != nil && len(chats) < postedAtMost; key, row = cursor.Next() {
			if w, err := decodeWish(row); err == nil && w.over(now) {
				chats[ownerOf(w.to.Target)] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for levels that are over: %w", err)
	}
	return slices.Collect(maps.Keys(chats)), nil
}

// forgetLevels takes levels from their chats that nobody waits for any more.
func (s *Store) forgetLevels(tx *bolt.Tx, chats []chat.Target) (more bool, err error) {
	if len(chats) == 0 {
		return false, errNothing
	}
	now := s.now()
	for _, t := range chats {
		if err := amendChat(tx, t, func(c *alert.Chat) { dropOver(c, now) }); err != nil {
			return false, err
		}
	}
	// A record that does not know of a row leaves it there: once more would be for ever.
	return false, nil
}

// dropOver drops the levels that nobody waits for any more.
func dropOver(c *alert.Chat, now time.Time) {
	kept := c.Levels[:0]
	for _, level := range c.Levels {
		if !level.Over(now) {
			kept = append(kept, level)
		}
	}
	c.Levels = kept
}
