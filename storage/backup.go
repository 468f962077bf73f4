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

// The names of copies on their way to a slow reader.
const (
	copyPrefix = "backup-"
	copySuffix = ".tmp"
)

// WriteTo copies the store as it is at one moment, while it stays in use, and
// returns the number of bytes written. The copy is a valid store.
func (s *Store) WriteTo(w io.Writer) (int64, error) {
	return writeDB(s.db, w)
}

func writeDB(db *bolt.DB, w io.Writer) (int64, error) {
	var n int64
	err := db.View(func(tx *bolt.Tx) error {
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
	return copyDB(s.db, dir)
}

// CopyTo is CopyTo of a Store for the market file.
func (m *Market) CopyTo(dir string) (path string, err error) { return copyDB(m.db, dir) }

func copyDB(db *bolt.DB, dir string) (path string, err error) {
	f, err := os.CreateTemp(dir, copyPrefix+"*"+copySuffix)
	if err != nil {
		return "", fmt.Errorf("copy data file: %w", err)
	}
	_, err = writeDB(db, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// CopyMarket copies the market file in a folder, which no bot has open, without changing
// it. The error wraps ErrLocked when one has.
func CopyMarket(ctx context.Context, dir string, w io.Writer) error {
	path := filepath.Join(dir, MarketFileName)
	return guarded(ctx, path, func() error {
		db, err := bolt.Open(path, 0o600, options(true))
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = writeDB(db, w)
		return err
	})
}
