package storage

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// FileKind tells the two data files apart.
type FileKind string

// The kinds of data files.
const (
	StoreFile  FileKind = "store"
	MarketFile FileKind = "market"
)

// Name is the name of such a file in its folder.
func (k FileKind) Name() string {
	if k == MarketFile {
		return MarketFileName
	}
	return FileName
}

// Look is what can be told of a data file without changing it.
type Look struct {
	Kind FileKind `json:"kind"`
	// Schema is that of a store, 0 for a market file.
	Schema uint64 `json:"schema,omitempty"`
	// Newer says that this bot does not know the schema.
	Newer bool `json:"newer,omitempty"`
	// Chats have settings and Alerts are the chats that have asked for alerts; Rows are
	// those of a market file.
	Chats  int `json:"chats,omitempty"`
	Alerts int `json:"alerts,omitempty"`
	Rows   int `json:"rows,omitempty"`
	// Empty says that nothing would be lost with the file.
	Empty bool `json:"empty,omitempty"`
}

// LookAt opens a data file read-only and checks it from page to page. The error wraps
// ErrDamaged when it is no good and ErrLocked when another process has it open for writing.
// Reading a damaged file can take the process along, see the bot's hidden command verify.
func LookAt(ctx context.Context, path string) (Look, error) {
	var l Look
	err := guarded(ctx, path, func() error {
		db, err := bolt.Open(path, 0o600, options(true))
		if err != nil {
			return err
		}
		defer db.Close()
		version, err := schemaVersion(db)
		if err != nil {
			return err
		}
		return db.View(func(tx *bolt.Tx) error {
			if err := checkPages(tx); err != nil {
				return err
			}
			l, err = lookAt(tx, version)
			return err
		})
	})
	if err != nil {
		return Look{}, err
	}
	return l, nil
}

func lookAt(tx *bolt.Tx, version uint64) (Look, error) {
	if version == 0 {
		if tx.Bucket(barsBucket) == nil || tx.Bucket(realisedBucket) == nil {
			return Look{}, fmt.Errorf("%w: buckets are missing", ErrDamaged)
		}
		rows := rowsIn(tx, barsBucket, realisedBucket, accuracyBucket)
		return Look{Kind: MarketFile, Rows: rows, Empty: rows == 0}, nil
	}
	if tx.Bucket(chatsBucket) == nil || tx.Bucket(claimsBucket) == nil {
		return Look{}, fmt.Errorf("%w: buckets are missing", ErrDamaged)
	}
	return Look{
		Kind: StoreFile, Schema: version, Newer: version > Schema(),
		Chats: rowsIn(tx, chatsBucket), Alerts: rowsIn(tx, alertsBucket),
		Empty: emptyStore(tx),
	}, nil
}

// emptyStore reports whether nothing would be lost with a store.
func emptyStore(tx *bolt.Tx) bool {
	return rowsIn(tx, chatsBucket, alertsBucket, auditBucket, movedBucket, inboxBucket, outboxBucket) == 0
}

// Schema is the newest schema of a store that this bot knows.
func Schema() uint64 { return uint64(len(migrations)) }

// rowsIn counts the rows of buckets; one that is not there has none.
func rowsIn(tx *bolt.Tx, buckets ...[]byte) int {
	n := 0
	for _, name := range buckets {
		if b := tx.Bucket(name); b != nil {
			n += b.Stats().KeyN
		}
	}
	return n
}

// Verify checks the copy of a store from page to page. It changes nothing. The error wraps
// ErrDamaged when the copy is no good.
func Verify(ctx context.Context, path string) error {
	l, err := LookAt(ctx, path)
	if err == nil && l.Kind != StoreFile {
		err = fmt.Errorf("%w: it is a market file", ErrDamaged)
	}
	return err
}

func checkPages(tx *bolt.Tx) error {
	var broken error
	for err := range tx.Check() {
		broken = errors.Join(broken, err)
	}
	if broken != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, broken)
	}
	return nil
}
