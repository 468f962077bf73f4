package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// claimsKept is how long a claim is remembered. Platforms deliver an event
	// again for about a day.
	claimsKept = 48 * time.Hour
	// pruneAtMost bounds the claims forgotten with one new claim, so that no claim
	// is slow.
	pruneAtMost = 4
	maxClaimID  = 200
)

// Claimed reports whether an id was claimed, without claiming it.
func (s *Store) Claimed(ctx context.Context, id string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	claimed := false
	err := s.db.View(func(tx *bolt.Tx) error {
		claimed = tx.Bucket(claimsBucket).Get([]byte(id)) != nil
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look up claim: %w", err)
	}
	return claimed, nil
}

// Claim reports true the first time it is called with an id and false ever after,
// also after a restart. It returns once the claim is on disk.
func (s *Store) Claim(ctx context.Context, id string) (bool, error) {
	if id == "" || len(id) > maxClaimID {
		return false, fmt.Errorf("claim request: id of %d bytes: want 1 to %d", len(id), maxClaimID)
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	taken := false
	err := s.update(func(tx *bolt.Tx) error {
		claims, times := tx.Bucket(claimsBucket), tx.Bucket(claimTimesBucket)
		if claims.Get([]byte(id)) != nil {
			taken = true
			return errTaken
		}
		now := s.now()
		at := binary.BigEndian.AppendUint64(nil, uint64(max(0, now.UnixNano())))
		if err := claims.Put([]byte(id), at); err != nil {
			return err
		}
		if err := times.Put(append(at, id...), nil); err != nil {
			return err
		}
		return prune(claims, times, now.Add(-claimsKept))
	})
	switch {
	case taken:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("claim request: %w", err)
	default:
		return true, nil
	}
}

// Release takes a claim back whose answer was certainly not sent.
func (s *Store) Release(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.update(func(tx *bolt.Tx) error {
		claims, times := tx.Bucket(claimsBucket), tx.Bucket(claimTimesBucket)
		at := claims.Get([]byte(id))
		if at == nil {
			return nil
		}
		return errors.Join(times.Delete(append(bytes.Clone(at), id...)), claims.Delete([]byte(id)))
	})
	if err != nil {
		return fmt.Errorf("release claim: %w", err)
	}
	return nil
}

// errTaken ends the transaction of a claim that changes nothing.
var errTaken = errors.New("claim is taken")

// prune forgets the oldest claims from before a moment. Keys are collected first:
// deleting under a moving cursor skips some.
func prune(claims, times *bolt.Bucket, before time.Time) error {
	var old [][]byte
	cursor := times.Cursor()
	for key, _ := cursor.First(); key != nil && len(old) < pruneAtMost; key, _ = cursor.Next() {
		if len(key) < 8 || int64(binary.BigEndian.Uint64(key)) >= before.UnixNano() { //nolint:gosec // times fit
			break
		}
		old = append(old, append([]byte(nil), key...))
	}
	for _, key := range old {
		if err := errors.Join(claims.Delete(key[8:]), times.Delete(key)); err != nil {
			return err
		}
	}
	return nil
}
