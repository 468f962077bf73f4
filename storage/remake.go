package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// compactStep bounds what one transaction of Compact writes, in bytes.
const compactStep = 8 << 20

// remake makes a changed copy of the store in a folder, has it checked and puts it in the
// store's place: all of a change is there afterwards, or, whatever happens and whenever the
// process is killed, nothing of it. With keep the replaced file, unless it is empty, stays
// beside it under the name that is returned. errNothing from change ends it without a change.
func remake(ctx context.Context, dir string, keep bool, check Check, change func(old, fresh *Store) error) (kept string, err error) {
	s, err := Open(ctx, dir, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fresh, err := emptyFile(s.path)
	if err != nil {
		return "", err
	}
	defer os.Remove(fresh)
	err = fill(fresh, func(w io.Writer) error {
		_, err := s.WriteTo(w)
		return err
	})
	if err != nil {
		return "", err
	}
	atStep("copied")
	if err := changeFile(ctx, fresh, s, change); err != nil {
		if errors.Is(err, errNothing) {
			return "", nil
		}
		return "", err
	}
	atStep("changed")
	if err := check(ctx, fresh); err != nil {
		return "", err
	}
	empty := false
	if err := s.db.View(func(tx *bolt.Tx) error {
		empty = emptyStore(tx)
		return nil
	}); err != nil {
		return "", err
	}
	return swap(s.path, fresh, keep && !empty)
}

func changeFile(ctx context.Context, path string, old *Store, change func(old, fresh *Store) error) error {
	c, err := openFile(ctx, path, old.now)
	if err != nil {
		return err
	}
	return errors.Join(change(old, c), c.Close())
}

// Sizes are those of a file before and after, in bytes.
type Sizes struct{ Before, After int64 }

// Compact writes the store in a folder anew without what was deleted from it, has the new
// file checked and puts it in place if it is smaller. Whenever the process is killed, the old file is in
// place or the new one. The error wraps ErrLocked when another process has it open.
func Compact(ctx context.Context, dir string, check Check) (sizes Sizes, err error) {
	s, err := Open(ctx, dir, nil)
	if err != nil {
		return Sizes{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return compact(ctx, s.db, s.path, check)
}

// CompactMarket is Compact for the market file.
func CompactMarket(ctx context.Context, dir string, check Check) (sizes Sizes, err error) {
	m, aside, err := OpenMarket(ctx, dir, nil)
	if err != nil {
		return Sizes{}, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if aside != "" {
		return Sizes{}, fmt.Errorf("compact: %w; it was moved to %s and a new one was begun", ErrDamaged, aside)
	}
	return compact(ctx, m.db, filepath.Join(dir, MarketFileName), check)
}

func compact(ctx context.Context, db *bolt.DB, path string, check Check) (Sizes, error) {
	before, err := os.Stat(path)
	if err != nil {
		return Sizes{}, fmt.Errorf("compact: %w", err)
	}
	fresh, err := emptyFile(path)
	if err != nil {
		return Sizes{}, fmt.Errorf("compact: %w", err)
	}
	defer os.Remove(fresh)
	to, err := bolt.Open(fresh, 0o600, options(false))
	if err != nil {
		return Sizes{}, fmt.Errorf("compact: %w", err)
	}
	if err := errors.Join(bolt.Compact(to, db, compactStep), to.Sync(), to.Close(), ctx.Err()); err != nil {
		return Sizes{}, fmt.Errorf("compact: %w", err)
	}
	atStep("changed")
	if err := check(ctx, fresh); err != nil {
		return Sizes{}, err
	}
	after, err := os.Stat(fresh)
	if err != nil {
		return Sizes{}, fmt.Errorf("compact: %w", err)
	}
	if after.Size() >= before.Size() {
		return Sizes{Before: before.Size(), After: before.Size()}, nil
	}
	if _, err := swap(path, fresh, false); err != nil {
		return Sizes{}, fmt.Errorf("compact: %w", err)
	}
	return Sizes{Before: before.Size(), After: after.Size()}, nil
}
