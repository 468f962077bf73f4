package storage

import (
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/market"
)

// Realised returns what was reported as liquidated of a coin from since on, oldest first.
func (m *Market) Realised(coin market.Coin, since time.Time) ([]market.Realised, error) {
	var out []market.Realised
	err := m.rows(realisedBucket, prefixOf(string(coin)), since, day, func(_ time.Time, row []byte) {
		for _, r := range readRealised(row) {
			if !r.Start.Before(since) {
				out = append(out, r)
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read liquidations: %w", err)
	}
	return out, nil
}

// SaveRealised adds rows; one of the same venue and start is replaced.
func (m *Market) SaveRealised(coin market.Coin, rows []market.Realised) error {
	byDay := make(map[time.Time][]market.Realised)
	for _, r := range rows {
		byDay[r.Start.Truncate(day)] = append(byDay[r.Start.Truncate(day)], r)
	}
	prefix := prefixOf(string(coin))
	err := m.db.Batch(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(realisedBucket)
		for start, fresh := range byDay {
			key := dayKey(prefix, start)
			var known []market.Realised
			if row, err := unseal(bucket.Get(key)); err == nil {
				known = readRealised(row)
			}
			row, err := json.Marshal(market.MergeRealised(known, fresh))
			if err != nil {
				return err
			}
			if err := bucket.Put(key, seal(row)); err != nil {
				return err
			}
		}
		return dropBefore(bucket, prefix, dayKey(nil, m.now().Add(-barsKept)))
	})
	if err != nil {
		return fmt.Errorf("save liquidations: %w", err)
	}
	return nil
}

func readRealised(row []byte) []market.Realised {
	var rows []market.Realised
	if err := json.Unmarshal(row, &rows); err != nil {
		return nil
	}
	return rows
}
