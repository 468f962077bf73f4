package storage

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// Wanted reports whether a delivery is still wanted where it goes: asked for, not
// paused, muted or out of reach, and meeting the chat's threshold. It is for the
// moment before the sending. A level is taken from its chat when it is reached, so
// the alert on one is wanted unless the chat is muted or out of reach.
func (s *Store) Wanted(ctx context.Context, d alert.Delivery) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if d.Alert == nil {
		return false, errors.New("look up recipient: the delivery has no alert")
	}
	wanted := false
	err := s.db.View(func(tx *bolt.Tx) error {
		to := d.To
		to.Target = resolve(tx, to.Target)
		var err error
		switch d.Alert.Rule {
		case alert.Price, alert.Summary, alert.Notice:
			wanted, err = s.reachable(tx, to.Target)
		case alert.Outcome:
			wanted, err = s.follows(tx, d.Alert, to)
		default:
			wanted, err = s.subscribed(tx, to, d.Alert.Rule, d.Alert.Coin, d.Alert.Meets)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look up recipient: %w", err)
	}
	return wanted, nil
}

// reachable reports whether a chat is neither muted nor out of reach.
func (s *Store) reachable(tx *bolt.Tx, t chat.Target) (bool, error) {
	c, err := readChat(tx, t)
	return c.Retired == (alert.Retirement{}) && !s.now().Before(c.MutedUntil), err
}

// follows reports whether a chat still wants to hear what becomes of breakouts.
func (s *Store) follows(tx *bolt.Tx, a *alert.Alert, to alert.Recipient) (bool, error) {
	c, err := readChat(tx, to.Target)
	if err != nil || c.Terms.NoOutcomes {
		return false, err
	}
	return s.subscribed(tx, to, alert.Breakout, a.Coin, func(float64) bool { return true })
}

// subscribed asks about the threshold of the row of the index. The key of a row has the
// kind of the chat, which may have become another one since.
func (s *Store) subscribed(tx *bolt.Tx, to alert.Recipient, rule alert.Rule, coin market.Coin, meets func(float64) bool) (bool, error) {
	w, err := s.wishOf(tx, to, rule, coin)
	return err == nil && w != nil && meets(w.threshold) && !w.muted(s.now()), err
}

// wishOf reads the row of the index, nil for none.
func (s *Store) wishOf(tx *bolt.Tx, to alert.Recipient, rule alert.Rule, coin market.Coin) (*wish, error) {
	for _, kind := range []chat.Kind{to.Kind, chat.Channel, chat.Group, chat.Private} {
		to.Kind = kind
		row := tx.Bucket(subsBucket).Get(subscriptionKey(rule, coin, &to))
		if row == nil {
			continue
		}
		w, err := decodeWish(row)
		return &w, err
	}
	return nil, nil
}
