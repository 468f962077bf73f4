// Package storage keeps what must survive a restart in one bbolt file: what each
// chat has chosen and asked for, which requests were already answered, what the
// watcher knows, and the alerts that are on their way with how far each has come.
// It is the only package that knows bbolt; it stores the types of chat and alert,
// finds who asked for what, and decides nothing. It owns no goroutine. A Store is
// safe for concurrent use; one process at a time can open the file.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"liqbot/chat"
)

// FileName is the name of the store's file in its folder.
const FileName = "liqbot.db"

// The kinds of failure that a host can do something about.
var (
	// ErrLocked: another process has the file open.
	ErrLocked = errors.New("another process is using the data file")
	// ErrNewer: the file was written by a newer version of the bot.
	ErrNewer = errors.New("the data file was written by a newer version")
	// ErrDamaged: the file is no valid store.
	ErrDamaged = errors.New("the data file is damaged")
	// ErrBroken: the disk failed while the file was written. What is in it is only
	// known once it is opened anew, so the store takes no more changes.
	ErrBroken = errors.New("the disk failed while the data file was written")
)

const (
	lockWait = time.Second
	// openLimit ends the opening of a file so damaged that bbolt never returns.
	openLimit = 30 * time.Second
)

// Store is an open store.
type Store struct {
	db   *bolt.DB
	path string
	now  func() time.Time
	// settings caches chat settings by key, so that a command reads them without
	// a transaction. Values are chat.Settings.
	settings atomic.Pointer[sync.Map]
	cached   atomic.Int64
	// served are the platforms of Serve, nil for all.
	served atomic.Pointer[[]chat.Platform]
	// planned is who is told that something is due, nil for nobody.
	planned atomic.Pointer[func(chat.Platform)]
	// clocks are the moments of the newest Advance by platform, in Unix nanoseconds.
	clocks sync.Map
	// broken is closed once the disk has failed.
	broken    chan struct{}
	breakOnce sync.Once
	// changing keeps the cache in the order of the commits.
	changing sync.Mutex
	// news keeps the alerts that are on their way.
	news newsCache
}

// Open opens the store in a folder, which is made if need be, and brings an older
// file up to the present schema. now tells the time; nil means time.Now. The
// error wraps ErrLocked, ErrNewer or ErrDamaged where one of them is the reason.
func Open(ctx context.Context, dir string, now func() time.Time) (*Store, error) {
	if now == nil {
		now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	path := filepath.Join(dir, FileName)
	if err := create(path); err != nil {
		return nil, err
	}
	s, err := openFile(ctx, path, now)
	if err == nil {
		sweepFolder(dir)
	}
	return s, err
}

// openFile opens a store's file.
func openFile(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	var db *bolt.DB
	err := guarded(ctx, path, func() (err error) {
		if db, err = openLive(path); err != nil {
			return err
		}
		if err = migrate(db); err != nil {
			return errors.Join(err, db.Close())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, path: path, now: now, broken: make(chan struct{})}
	s.settings.Store(new(sync.Map))
	return s, nil
}

// openLive opens the file that has a name once its lock is held: another process may have
// put a new one in its place while this one waited.
func openLive(path string) (*bolt.DB, error) {
	for range 3 {
		var file *os.File
		o := options(false)
		o.OpenFile = func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			f, err = os.OpenFile(name, flag, mode)
			file = f
			return f, err
		}
		db, err := bolt.Open(path, 0o600, o)
		if err != nil || inPlace(file, path) {
			return db, err
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
	}
	return nil, bolterrors.ErrTimeout
}

// Path is the store's file.
func (s *Store) Path() string { return s.path }

// Close closes the file; it waits for transactions under way.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close data file: %w", err)
	}
	return nil
}

// create makes a new file under a temporary name and moves it into place, so
// that a crash in between never leaves half a file under the real name.
func create(path string) error {
	_, err := os.Stat(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh, err := emptyFile(path)
	if err != nil {
		return fmt.Errorf("create data file: %w", err)
	}
	defer os.Remove(fresh)
	db, err := bolt.Open(fresh, 0o600, options(false))
	if err != nil {
		return fmt.Errorf("create data file: %w", err)
	}
	if err := errors.Join(migrate(db), db.Close()); err != nil {
		return err
	}
	// Link fails when another process was faster; its file is as good. Where the
	// file system has no links, the file is renamed.
	err = os.Link(fresh, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(fresh, path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create data file: %w", err)
	}
	return nil
}

func options(readOnly bool) *bolt.Options {
	return &bolt.Options{
		Timeout:      lockWait,
		ReadOnly:     readOnly,
		FreelistType: bolt.FreelistMapType,
		// The freelist is rebuilt at opening instead of being written with each
		// commit.
		NoFreelistSync: true,
	}
}

// guarded opens a file that may be damaged: bbolt panics, faults or hangs on some
// of them, none of which may take the process along. After an error nothing that
// open set may be used.
func guarded(ctx context.Context, path string, open func() error) error {
	done := make(chan error, 1)
	go func() {
		debug.SetPanicOnFault(true)
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("%w: %v", ErrDamaged, p)
			}
		}()
		done <- open()
	}()
	limit := time.NewTimer(openLimit)
	defer limit.Stop()
	select {
	case err := <-done:
		return explain(path, err)
	case <-limit.C:
		return explain(path, fmt.Errorf("%w: opening it does not end", ErrDamaged))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// explain turns bbolt's failures into ours.
func explain(path string, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []struct{ from, to error }{
		{bolterrors.ErrTimeout, ErrLocked},
		{bolterrors.ErrInvalid, ErrDamaged},
		{bolterrors.ErrChecksum, ErrDamaged},
		{bolterrors.ErrVersionMismatch, ErrDamaged},
	} {
		if errors.Is(err, known.from) {
			err = fmt.Errorf("%w: %w", known.to, err)
		}
	}
	return fmt.Errorf("open data file %s: %w", path, err)
}
