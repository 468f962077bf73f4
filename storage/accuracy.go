package storage

import (
	"bytes"
	"encoding/binary"
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

func hourKey(prefix []byte, at time.Time) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(prefix), uint32(max(0, at.Unix())/int64(time.Hour/time.Second))) //nolint:gosec // for ages
}

// Accuracy calls read for each row of a coin that was kept for an hour from since on,
// oldest first; rows that are damaged are left out. The row is only valid during the call,
// which must not save anything.
func (m *Market) Accuracy(coin market.Coin, since time.Time, read func(hour time.Time, row []byte)) error {
	prefix := prefixOf(string(coin))
	err := m.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(accuracyBucket).Cursor()
		for k, v := c.Seek(hourKey(prefix, since)); bytes.HasPrefix(k, prefix) && len(k) == len(prefix)+4; k, v = c.Next() {
			row, err := unseal(v)
			at := time.Unix(int64(binary.BigEndian.Uint32(k[len(prefix):]))*int64(time.Hour/time.Second), 0).UTC()
			if err != nil || at.Before(since) {
				continue
			}
			read(at, row)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read self-check: %w", err)
	}
	return nil
}

// SaveAccuracy keeps the row of a coin's full hour in place of the one that is there.
// Those older than two months go when their coin gets a new one.
func (m *Market) SaveAccuracy(coin market.Coin, hour time.Time, row []byte) error {
	prefix := prefixOf(string(coin))
	err := m.db.Update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(accuracyBucket)
		if err := bucket.Put(hourKey(prefix, hour), seal(bytes.Clone(row))); err != nil {
			return err
		}
		limit := hourKey(prefix, m.now().Add(-accuracyKept))
		var old [][]byte
		c := bucket.Cursor()
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix) && bytes.Compare(k, limit) < 0; k, _ = c.Next() {
			old = append(old, k)
		}
		for _, k := range old {
			if err := bucket.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save self-check: %w", err)
	}
	return nil
}
