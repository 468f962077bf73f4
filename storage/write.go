package storage

import (
	"errors"
	"fmt"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// errNothing ends a transaction that has nothing to write: a commit without a
// change would still cost a write to the disk.
var errNothing = errors.New("nothing to write")

// update runs a transaction; errNothing from it is no error.
//
// When the disk reports an error of its own, it is not known what of the transaction
// is on it: bbolt may show in memory what a restart would not find. Nothing is written
// any more then, and Broken tells whoever runs the store to end the process, so that
// the file is read anew. A full disk is not such an error: bbolt takes that back.
func (s *Store) update(f func(*bolt.Tx) error) error {
	select {
	case <-s.broken:
		return ErrBroken
	default:
	}
	err := s.db.Update(f)
	switch {
	case errors.Is(err, errNothing):
		return nil
	case errors.Is(err, syscall.EIO):
		s.breakOnce.Do(func() { close(s.broken) })
		return fmt.Errorf("%w: %w", ErrBroken, err)
	default:
		return err
	}
}

// Broken is closed when the disk has failed, see ErrBroken.
func (s *Store) Broken() <-chan struct{} { return s.broken }
