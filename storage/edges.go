package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/market"
)

// The edges tell which thresholds there are, so that a figure that grows is asked about
// with one look instead of one at every subscriber.

func edgeKey(rule alert.Rule, coin market.Coin, threshold float64) []byte {
	return binary.BigEndian.AppendUint64(subscriptionPrefix(rule, coin), math.Float64bits(threshold))
}

// Crossed reports whether a chat that is subscribed to a rule and coin has a threshold
// above before and not above strength.
func (s *Store) Crossed(ctx context.Context, rule alert.Rule, coin market.Coin, before, strength float64) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if !(before >= 0) || !(strength > before) {
		return false, nil
	}
	found := false
	err := s.db.View(func(tx *bolt.Tx) error {
		// The bits of floats above zero sort as the floats do.
		from, to := edgeKey(rule, coin, math.Nextafter(before, math.Inf(1))), edgeKey(rule, coin, strength)
		key, _ := tx.Bucket(edgesBucket).Cursor().Seek(from)
		found = key != nil && len(key) == len(to) && bytes.Compare(key, to) <= 0
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look up thresholds: %w", err)
	}
	return found, nil
}

// shiftEdges counts the thresholds of rows that go as gone and of rows that come as there.
func shiftEdges(tx *bolt.Tx, before, after rows) error {
	change := map[string]int{}
	for key, n := range before.edges {
		change[key] -= n
	}
	for key, n := range after.edges {
		change[key] += n
	}
	for key, n := range change {
		if err := addEdge(tx, []byte(key), n); err != nil {
			return err
		}
	}
	return nil
}

func addEdge(tx *bolt.Tx, key []byte, n int) error {
	if n == 0 {
		return nil
	}
	b := tx.Bucket(edgesBucket)
	held := 0
	if row := b.Get(key); len(row) == 4 {
		held = int(binary.BigEndian.Uint32(row))
	}
	if held += n; held <= 0 {
		return b.Delete(key)
	}
	return b.Put(key, binary.BigEndian.AppendUint32(nil, uint32(min(held, math.MaxUint32))))
}

// countEdges counts the thresholds of all rows that there are.
func countEdges(tx *bolt.Tx) error {
	cursor := tx.Bucket(subsBucket).Cursor()
	counts := map[string]int{}
	for key, row := cursor.First(); key != nil; key, row = cursor.Next() {
		w, err := decodeWish(row)
		parts := bytes.SplitN(key, []byte{0}, 3)
		if err != nil || len(parts) != 3 || w.threshold <= 0 {
			continue // set aside when it is met
		}
		counts[string(edgeKey(alert.Rule(parts[1]), market.Coin(parts[0]), w.threshold))]++
	}
	for key, n := range counts {
		if err := addEdge(tx, []byte(key), n); err != nil {
			return err
		}
	}
	return nil
}
