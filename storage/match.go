package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// reached is a member's level that a price has reached.
type reached struct {
	// key and row die with the transaction.
	key, row []byte
	usd      float64
	id       uint64
	rising   bool
	wish     wish
	// broken is set when the row cannot be read.
	broken bool
}

// reachedLevels walks over the levels of a coin that a price in USD has reached:
// rising ones from the lowest price on, then falling ones. yield stops it with
// false and must not change the bucket.
func reachedLevels(tx *bolt.Tx, coin market.Coin, usd float64, yield func(reached) bool) {
	if !market.Positive(usd) {
		return
	}
	for _, direction := range []byte{rising, falling} {
		prefix := levelPrefix(coin, direction)
		from := prefix
		if direction == falling {
			from = binary.BigEndian.AppendUint64(bytes.Clone(prefix), math.Float64bits(usd))
		}
		cursor := tx.Bucket(levelsBucket).Cursor()
		for key, row := cursor.Seek(from); bytes.HasPrefix(key, prefix); key, row = cursor.Next() {
			r := reached{key: key, row: row, rising: direction == rising}
			var ok bool
			r.usd, r.id, ok = splitLevelKey(key, prefix)
			if ok && r.rising && r.usd > usd {
				break
			}
			var err error
			r.wish, err = decodeWish(row)
			r.broken = err != nil || !ok
			if !yield(r) {
				return
			}
		}
	}
}

// subscribers walks over those who have subscribed to an alert and are not muted,
// platform by platform, those that reach many first. It returns the rows that
// cannot be read.
func (s *Store) subscribers(tx *bolt.Tx, a *alert.Alert, yield func(*alert.Recipient) error) (broken []line, err error) {
	now := s.now()
	prefix := subscriptionPrefix(a.Rule, a.Coin)
	cursor := tx.Bucket(subsBucket).Cursor()
	for key, row := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, row = cursor.Next() {
		w, err := decodeWish(row)
		if err != nil {
			broken = append(broken, line{bytes.Clone(key), bytes.Clone(row)})
			continue
		}
		if !a.Meets(w.threshold) || w.muted(now) {
			continue
		}
		if err := yield(&w.to); err != nil {
			return nil, err
		}
	}
	return broken, nil
}

// repair puts a row of the index that could not be read aside, and in its place what
// the chat's record says.
func (r *recording) repair(bad line) error {
	if err := quarantine(r.tx, subsBucket, bad.key, bad.value, &r.tally); err != nil {
		return err
	}
	t, ok := targetOf(bad.key)
	if !ok {
		return nil
	}
	c, err := readChat(r.tx, t)
	if err != nil {
		return nil //nolint:nilerr // the record is lost as well: nothing to repair it from
	}
	row, ok := rowsOf(t, &c).subscriptions[string(bad.key)]
	if !ok {
		return nil
	}
	return r.tx.Bucket(subsBucket).Put(bad.key, row)
}

// targetOf reads the chat of a subscription from its key.
func targetOf(key []byte) (chat.Target, bool) {
	parts := bytes.Split(key, []byte{0})
	if len(parts) != 5 || len(parts[3]) < 2 {
		return chat.Target{}, false
	}
	return chat.Target{Platform: chat.Platform(parts[2]), Chat: string(parts[3][1:])}, true
}

// inOrder sorts recipients as the index does.
func inOrder(to []alert.Recipient) {
	slices.SortStableFunc(to, func(a, b alert.Recipient) int {
		return cmp.Or(
			cmp.Compare(a.Target.Platform, b.Target.Platform),
			cmp.Compare(class(a.Kind), class(b.Kind)),
			cmp.Compare(a.Target.Chat, b.Target.Chat),
			cmp.Compare(a.Target.Thread, b.Target.Thread),
		)
	})
}
