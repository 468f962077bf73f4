package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// Erase deletes everything that is kept of a chat under any id that it had, and of the
// chats whose home it is; and it takes a member's name out of the logs of other chats, the
// zero Member takes none. It returns what there was. What is on its way to the chat may
// still arrive; what is put off is dropped when its turn comes.
func (s *Store) Erase(ctx context.Context, t chat.Target, m chat.Member) (chat.Erased, error) {
	if err := errors.Join(ctx.Err(), checkTarget(t)); err != nil {
		return chat.Erased{}, fmt.Errorf("erase chat: %w", err)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	var erased chat.Erased
	var all []chat.Target
	err := s.update(func(tx *bolt.Tx) error {
		erased = chat.Erased{}
		all = idsOf(tx, ownerOf(t))
		if err := s.keepAllTold(tx, t.Platform, 0); err != nil {
			return err
		}
		for _, id := range all {
			if err := eraseChat(tx, id, &erased); err != nil {
				return err
			}
		}
		return anonymise(tx, m, &erased)
	})
	if err != nil {
		return chat.Erased{}, fmt.Errorf("erase chat: %w", err)
	}
	for _, id := range all {
		s.settings.Load().Store(chatKey(id), chat.Settings{})
	}
	return erased, nil
}

// idsOf are the ids that a chat has and had, and those of the chats whose home it is.
func idsOf(tx *bolt.Tx, t chat.Target) []chat.Target {
	now := ownerOf(resolve(tx, t))
	all := []chat.Target{now}
	for i := 0; i < len(all); i++ {
		key := []byte(chatKey(all[i]))
		cursor := tx.Bucket(movedBucket).Cursor()
		for from, to := cursor.First(); from != nil; from, to = cursor.Next() {
			if old, ok := splitChatKey(string(from)); ok && bytes.Equal(to, key) && !slices.Contains(all, old) {
				all = append(all, old)
			}
		}
	}
	prefix := lanePrefix(t.Platform)
	cursor := tx.Bucket(alertsBucket).Cursor()
	for key, row := cursor.Seek(prefix); hasPrefix(key, prefix); key, row = cursor.Next() {
		if !bytes.Contains(row, []byte(`"home":`)) { // most have none
			continue
		}
		c, err := decodeChat(row)
		if in, ok := splitChatKey(string(key)); ok && err == nil && ownerOf(resolveHome(tx, c.Home)) == now && !slices.Contains(all, in) {
			all = append(all, in)
		}
	}
	return all
}

func eraseChat(tx *bolt.Tx, t chat.Target, erased *chat.Erased) error {
	return errors.Join(eraseAlerts(tx, t, erased), eraseRows(tx, chatKey(t), erased), erasePosted(tx, t, erased))
}

// eraseAlerts deletes what a chat has asked for. A record that cannot be read is deleted
// without its rows, which are set aside when they are met.
func eraseAlerts(tx *bolt.Tx, t chat.Target, erased *chat.Erased) error {
	before, err := readChat(tx, t)
	if err != nil {
		return tx.Bucket(alertsBucket).Delete([]byte(chatKey(t)))
	}
	erased.Subscriptions += len(before.Subscriptions)
	erased.Levels += len(before.Levels)
	erased.Thresholds += len(before.Thresholds)
	erased.Settings = erased.Settings || before.Terms != (alert.Terms{}) || !before.MutedUntil.IsZero()
	if err := writeChat(tx, t, &before, &alert.Chat{}); err != nil && !errors.Is(err, errNothing) {
		return err
	}
	return nil
}

// eraseRows deletes the rows whose keys begin with a chat.
func eraseRows(tx *bolt.Tx, key string, erased *chat.Erased) error {
	erased.Settings = erased.Settings || tx.Bucket(chatsBucket).Get([]byte(key)) != nil
	for _, name := range [][]byte{chatsBucket, undoBucket, pacesBucket, movedBucket} {
		if err := tx.Bucket(name).Delete([]byte(key)); err != nil {
			return err
		}
	}
	prefix := []byte(key + "\x00")
	for _, part := range []struct {
		bucket []byte
		count  *int
	}{{auditBucket, &erased.Changes}, {heldBucket, &erased.Held}} {
		n, err := deletePrefix(tx.Bucket(part.bucket), prefix)
		if err != nil {
			return err
		}
		*part.count += n
	}
	return erasePlaces(tx, prefix)
}

func deletePrefix(b *bolt.Bucket, prefix []byte) (int, error) {
	var keys [][]byte
	cursor := b.Cursor()
	for key, _ := cursor.Seek(prefix); hasPrefix(key, prefix); key, _ = cursor.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		if err := b.Delete(key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// erasePlaces takes a chat out of the schedule.
func erasePlaces(tx *bolt.Tx, prefix []byte) error {
	for _, p := range errands(tx, prefix) {
		if err := plan(tx, p, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// erasePosted forgets which messages a chat got.
func erasePosted(tx *bolt.Tx, t chat.Target, erased *chat.Erased) error {
	for _, row := range linesWith(tx, postedBucket, []byte(t.Chat)) {
		all, err := decodePosted(row.value)
		if err != nil {
			continue // nobody can read it
		}
		var kept chunk
		platform := t.Platform
		for i := range all {
			if platform = all[i].Target.Platform; ownerOf(all[i].Target) != t {
				kept.add(&all[i])
			}
		}
		erased.Messages += len(all) - kept.n
		if kept.n == len(all) {
			continue
		}
		if err := replacePosted(tx, row.key, platform, &kept); err != nil {
			return err
		}
	}
	return nil
}

// replacePosted keeps what is left of a row.
func replacePosted(tx *bolt.Tx, key []byte, p chat.Platform, left *chunk) error {
	if left.n == 0 {
		return tx.Bucket(postedBucket).Delete(key)
	}
	return tx.Bucket(postedBucket).Put(key, encodePosted(p, left))
}

// linesWith are copies of a bucket's rows that hold some bytes, so that it can be changed.
func linesWith(tx *bolt.Tx, bucket, some []byte) []line {
	var lines []line
	cursor := tx.Bucket(bucket).Cursor()
	for key, row := cursor.First(); key != nil; key, row = cursor.Next() {
		if bytes.Contains(row, some) {
			lines = append(lines, line{bytes.Clone(key), bytes.Clone(row)})
		}
	}
	return lines
}

// anonymise takes a member's name out of all logs of changes.
func anonymise(tx *bolt.Tx, m chat.Member, erased *chat.Erased) error {
	if m == (chat.Member{}) {
		return nil
	}
	quoted := []byte(`"` + m.ID + `"`)
	for _, l := range linesWith(tx, auditBucket, quoted) {
		e, err := decodeEntry(l.value)
		if err != nil || e.Member != m {
			continue
		}
		e.Member, e.Name = chat.Member{}, ""
		value, err := encodeEntry(e)
		if err != nil {
			return err
		}
		if err := tx.Bucket(auditBucket).Put(l.key, value); err != nil {
			return err
		}
		erased.Mentions++
	}
	return anonymiseUndo(tx, m, quoted)
}

// anonymiseUndo does the same for the changes that can be taken back.
func anonymiseUndo(tx *bolt.Tx, m chat.Member, quoted []byte) error {
	for _, l := range linesWith(tx, undoBucket, quoted) {
		all := readUndo(tx, l.key)
		for i := range all {
			if e := &all[i].Entry; e.Platform == m.Platform && e.Member == m.ID {
				e.Platform, e.Member, e.Name = "", "", ""
			}
		}
		if err := writeUndo(tx, l.key, all); err != nil {
			return err
		}
	}
	return nil
}
