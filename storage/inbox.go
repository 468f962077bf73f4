package storage

import (
	"bytes"
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"liqbot/chat"
)

// maxInbox bounds the events that are kept, maxEvent the size of one in bytes.
const (
	maxInbox = 10_000
	maxEvent = 1 << 20
)

// Keep keeps an event that a platform has handed over and that is not answered
// yet. It returns once the event is on disk.
func (s *Store) Keep(ctx context.Context, e chat.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.ID == "" || len(e.ID) > maxClaimID || len(e.Body) > maxEvent {
		return fmt.Errorf("keep event: id of %d bytes, body of %d", len(e.ID), len(e.Body))
	}
	err := s.update(func(tx *bolt.Tx) error {
		inbox := tx.Bucket(inboxBucket)
		if inbox.Stats().KeyN >= maxInbox {
			return fmt.Errorf("%d events are kept already", maxInbox)
		}
		return inbox.Put([]byte(e.ID), e.Body)
	})
	if err != nil {
		return fmt.Errorf("keep event: %w", err)
	}
	return nil
}

// Done forgets a kept event. One that is not kept is no error.
func (s *Store) Done(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.update(func(tx *bolt.Tx) error { return tx.Bucket(inboxBucket).Delete([]byte(id)) })
	if err != nil {
		return fmt.Errorf("forget event: %w", err)
	}
	return nil
}

// Kept lists the kept events of a platform by id.
func (s *Store) Kept(ctx context.Context, platform chat.Platform) ([]chat.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var events []chat.Event
	prefix := []byte(string(platform) + ":")
	err := s.db.View(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(inboxBucket).Cursor()
		for id, body := cursor.Seek(prefix); bytes.HasPrefix(id, prefix); id, body = cursor.Next() {
			events = append(events, chat.Event{ID: string(id), Body: bytes.Clone(body)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list kept events: %w", err)
	}
	return events, nil
}
