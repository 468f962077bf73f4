package storage

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/market"
)

// accuracyBucket: coin NUL hour -> what the self-check keeps of a full hour, as it wrote
// it, sealed. Hours are counted since 1970, 4 bytes big endian.
var accuracyBucket = []byte("accuracy")

// accuracyKept is how long they are kept.
const accuracyKept = 60 * 24 * time.Hour

func hourKey(prefix []byte, at time.Time) []byte { return timeKey(prefix, at, time.Hour) }

// Accuracy calls read for each row of a coin that was kept for an hour from since on,
// oldest first; rows that are damaged are left out. The row is only valid during the call,
// which must not save anything.
func (m *Market) Accuracy(coin market.Coin, since time.Time, read func(hour time.Time, row []byte)) error {
	err := m.rows(accuracyBucket, prefixOf(string(coin)), since, time.Hour, func(hour time.Time, row []byte) {
		if !hour.Before(since) {
			read(hour, row)
		}
	})
	if err != nil {
		return fmt.Errorf("read self-check: %w", err)
	}
	return nil
}

// SaveAccuracy keeps the row of a coin's full hour in place of the one that is there.
// Those older than two months go when their coin gets a new one, or at the next opening.
func (m *Market) SaveAccuracy(coin market.Coin, hour time.Time, row []byte) error {
	prefix := prefixOf(string(coin))
	err := m.db.Update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(accuracyBucket)
		if err := bucket.Put(hourKey(prefix, hour), seal(bytes.Clone(row))); err != nil {
			return err
		}
		return dropBefore(bucket, prefix, hourKey(nil, m.now().Add(-accuracyKept)))
	})
	if err != nil {
		return fmt.Errorf("save self-check: %w", err)
	}
	return nil
}
