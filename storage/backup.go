package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

// WriteTo copies the store as it is at one moment, while it stays in use, and
// returns the number of bytes written. The copy is a valid store.
func (s *Store) WriteTo(w io.Writer) (int64, error) {
	var n int64
	err := s.db.View(func(tx *bolt.Tx) error {
		var err error
		n, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("copy data file: %w", err)
	}
	return n, nil
}

// CopyTo writes a copy to a new file in a folder and returns its path. Sending
// the copy, not the store, to a slow reader keeps no transaction open meanwhile,
// which would make the store grow. The caller removes the file.
func (s *Store) CopyTo(dir string) (path string, err error) {
	f, err := os.CreateTemp(dir, "backup-*.tmp")
	if err != nil {
		return "", fmt.Errorf("copy data file: %w", err)
	}
	_, err = s.WriteTo(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// Verify opens a copy and checks it from page to page. It changes nothing. The
// error wraps ErrDamaged when the copy is no good.
func Verify(ctx context.Context, path string) error {
	return guarded(ctx, path, func() error {
		db, err := bolt.Open(path, 0o600, options(true))
		if err != nil {
			return err
		}
		defer db.Close()
		if _, err := schemaVersion(db); err != nil {
			return err
		}
		return db.View(checkPages)
	})
}

func checkPages(tx *bolt.Tx) error {
	if tx.Bucket(chatsBucket) == nil || tx.Bucket(claimsBucket) == nil {
		return fmt.Errorf("%w: buckets are missing", ErrDamaged)
	}
	var broken error
	for err := range tx.Check() {
		broken = errors.Join(broken, err)
	}
	if broken != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, broken)
	}
	return nil
}
