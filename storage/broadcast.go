package storage

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// Broadcast queues what the host tells everybody who has asked for alerts and can be
// reached, and returns how many that are. A broadcast with an ID that was queued before is
// not queued again: then the number is 0.
func (s *Store) Broadcast(ctx context.Context, a alert.Alert) (queued int, err error) {
	to, err := s.audience(ctx)
	if err != nil {
		return 0, fmt.Errorf("broadcast: %w", err)
	}
	a.Rule = alert.Notice
	err = s.update(func(tx *bolt.Tx) error {
		r := &recording{store: s, tx: tx, now: s.now()}
		fresh, err := r.event(&a)
		if err != nil || !fresh {
			return err
		}
		f := &fanOut{recording: r, alert: &a}
		for i := range to {
			if err := f.serve(&to[i]); err != nil {
				return err
			}
		}
		if err := f.end(); err != nil {
			return err
		}
		queued = r.queued
		return r.tally.save(tx)
	})
	if err != nil {
		return 0, fmt.Errorf("broadcast: %w", err)
	}
	return queued, nil
}

// audience lists the chats that have asked for something, platform by platform.
func (s *Store) audience(ctx context.Context) ([]alert.Recipient, error) {
	var to []alert.Recipient
	err := s.db.View(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(alertsBucket).Cursor()
		for key, row := cursor.First(); key != nil; key, row = cursor.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			c, err := decodeChat(row)
			t, ok := splitChatKey(string(key))
			if err != nil || !ok || c.Retired != (alert.Retirement{}) || len(c.Subscriptions)+len(c.Levels) == 0 {
				continue
			}
			to = append(to, alert.Recipient{Target: inTopic(t, &c), Home: c.Home, Kind: c.Kind, Language: c.Language, Terms: c.Terms != alert.Terms{}})
		}
		return nil
	})
	inOrder(to)
	return to, err
}

// inTopic is the topic of a chat that hears of alerts.
func inTopic(t chat.Target, c *alert.Chat) chat.Target {
	switch {
	case len(c.Subscriptions) > 0:
		t.Thread = c.Subscriptions[0].Thread
	case len(c.Levels) > 0:
		t.Thread = c.Levels[0].Thread
	}
	return t
}
