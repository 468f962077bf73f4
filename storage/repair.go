package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
)

// batch bounds the rows that one transaction of Repair or Import writes.
const batch = 2000

// Repair mends the store in a folder: the index is made anew from the chats' records, which
// are the truth, and rows that cannot be read or belong to nothing are set aside. All of it
// happens in a copy that takes the store's place at the end, see remake. It returns what
// was found before and the name under which the old file is kept; both are all there is when
// nothing had to be mended. The error wraps ErrLocked when another process has the store
// open.
func Repair(ctx context.Context, dir string, check Check) (found Condition, kept string, err error) {
	kept, err = remake(ctx, dir, true, check, func(old, fresh *Store) error {
		var err error
		if found, err = old.Inspect(ctx); err != nil {
			return err
		}
		if len(found.Faults) == 0 {
			return errNothing
		}
		return fresh.mend(ctx)
	})
	if err != nil {
		return Condition{}, "", fmt.Errorf("repair store: %w", err)
	}
	return found, kept, nil
}

// mend repairs a store that nobody else uses; a crash leaves it half mended.
func (s *Store) mend(ctx context.Context) error {
	for _, part := range []struct {
		bucket []byte
		broken func(key, value []byte) bool
	}{
		{chatsBucket, func(_, value []byte) bool { _, err := decodeSettings(value); return err != nil }},
		{alertsBucket, func(key, value []byte) bool {
			_, err := decodeChat(value)
			_, ok := splitChatKey(string(key))
			return err != nil || !ok
		}},
		{auditBucket, func(_, value []byte) bool { _, err := decodeEntry(value); return err != nil }},
	} {
		if err := s.putAside(ctx, part.bucket, part.broken); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{s.mendMoves, s.mendClaims, s.mendEvents, s.mendOutbox, s.rebuildIndex} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// walk calls f for the rows of a bucket in the order of their keys, so many in one
// transaction. f may change any bucket: it gets copies.
func (s *Store) walk(ctx context.Context, bucket []byte, f func(tx *bolt.Tx, key, value []byte) error) error {
	var last []byte
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.update(func(tx *bolt.Tx) error {
			var rows []line
			cursor := tx.Bucket(bucket).Cursor()
			key, value := cursor.Seek(last)
			if last != nil && bytes.Equal(key, last) {
				key, value = cursor.Next()
			}
			for ; key != nil && len(rows) < batch; key, value = cursor.Next() {
				rows = append(rows, line{bytes.Clone(key), bytes.Clone(value)})
			}
			for _, row := range rows {
				if err := f(tx, row.key, row.value); err != nil {
					return err
				}
				last = row.key
			}
			more = len(rows) == batch
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// putAside sets the broken rows of a bucket aside.
func (s *Store) putAside(ctx context.Context, bucket []byte, broken func(key, value []byte) bool) error {
	return s.walk(ctx, bucket, func(tx *bolt.Tx, key, value []byte) error {
		if !broken(key, value) {
			return nil
		}
		return asideIn(tx, bucket, key, value)
	})
}

// asideIn sets one row aside.
func asideIn(tx *bolt.Tx, bucket, key, value []byte) error {
	var t tally
	return errors.Join(quarantine(tx, bucket, key, value, &t), t.save(tx))
}

func (s *Store) mendMoves(ctx context.Context) error {
	return s.walk(ctx, movedBucket, func(tx *bolt.Tx, key, value []byte) error {
		t, ok := splitChatKey(string(key))
		if _, valid := splitChatKey(string(value)); ok && valid && !circular(tx, t) {
			return nil
		}
		return tx.Bucket(movedBucket).Delete(key)
	})
}

// mendClaims gives every claim its time again. One without counts as made now.
func (s *Store) mendClaims(ctx context.Context) error {
	if err := s.update(func(tx *bolt.Tx) error { return emptied(tx, claimTimesBucket) }); err != nil {
		return err
	}
	return s.walk(ctx, claimsBucket, func(tx *bolt.Tx, id, at []byte) error {
		if len(at) != 8 {
			at = binary.BigEndian.AppendUint64(nil, uint64(max(0, s.now().UnixNano())))
			if err := tx.Bucket(claimsBucket).Put(id, at); err != nil {
				return err
			}
		}
		return tx.Bucket(claimTimesBucket).Put(append(at, id...), nil)
	})
}

// mendEvents forgets the events that have no place in the order of time.
func (s *Store) mendEvents(ctx context.Context) error {
	if err := s.update(func(tx *bolt.Tx) error { return emptied(tx, eventsBucket) }); err != nil {
		return err
	}
	return s.walk(ctx, eventOrderBucket, func(tx *bolt.Tx, place, id []byte) error {
		return tx.Bucket(eventsBucket).Put(id, place)
	})
}

// mendOutbox sets aside what belongs to no alert, and counts the deliveries of those that
// there are. Rows that cannot be read are left to the delivery, which counts them as failed.
func (s *Store) mendOutbox(ctx context.Context) error {
	var entries map[uint64]*lookedAt
	err := s.update(func(tx *bolt.Tx) error {
		var bad []line
		var err error
		entries, err = headers(tx, func(key []byte) {
			bad = append(bad, line{bytes.Clone(key), bytes.Clone(tx.Bucket(outboxBucket).Get(key))})
		})
		for _, row := range bad {
			err = errors.Join(err, asideIn(tx, outboxBucket, row.key, row.value))
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, bucket := range outboxRows {
		err := s.walk(ctx, bucket, func(tx *bolt.Tx, key, value []byte) error {
			e := entryOf(entries, bucket, key)
			if e == nil {
				return asideIn(tx, bucket, key, value)
			}
			_ = e.count(bucket, key, value) // counts what cannot be read as well
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.update(func(tx *bolt.Tx) error {
		for _, e := range entries {
			if e.own == e.rows {
				continue
			}
			e.rows = e.own
			if err := tx.Bucket(outboxBucket).Put(headerKey(e.platform, e.id), e.encode()); err != nil {
				return err
			}
		}
		return nil
	})
}

// rebuildIndex makes the index, and what is counted in it, anew from the chats' records.
func (s *Store) rebuildIndex(ctx context.Context) error {
	err := s.update(func(tx *bolt.Tx) error {
		return errors.Join(emptied(tx, subsBucket), emptied(tx, levelsBucket), emptied(tx, edgesBucket), tx.Bucket(figuresBucket).Delete(censusKey))
	})
	if err != nil {
		return err
	}
	return s.walk(ctx, alertsBucket, func(tx *bolt.Tx, key, value []byte) error {
		c, err := decodeChat(value)
		if err != nil {
			return err
		}
		levels := tx.Bucket(levelsBucket)
		for _, l := range c.Levels {
			if l.ID > levels.Sequence() {
				if err := levels.SetSequence(l.ID); err != nil {
					return err
				}
			}
		}
		t, _ := splitChatKey(string(key))
		if err := writeChat(tx, t, &alert.Chat{}, &c); err != nil && !errors.Is(err, errNothing) {
			return err
		}
		return nil
	})
}

// emptied deletes all rows of a bucket; its sequence goes on.
func emptied(tx *bolt.Tx, bucket []byte) error {
	sequence := tx.Bucket(bucket).Sequence()
	if err := tx.DeleteBucket(bucket); err != nil {
		return err
	}
	b, err := tx.CreateBucket(bucket)
	if err != nil {
		return err
	}
	return b.SetSequence(sequence)
}
