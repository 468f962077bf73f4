package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Check looks at a new data file before it takes the place of the present one. An error
// keeps it from that.
type Check func(ctx context.Context, path string) error

// atStep is called between the steps that change files. It does nothing but in tests,
// which kill the process there.
var atStep = func(string) {}

// freshSuffix ends the names of new files that are not in place yet.
const freshSuffix = ".new"

// Restore puts a copy of a data file, of a store or of a market file, in place in a folder,
// which is made if need be. name is FileName or MarketFileName. What was there is kept
// under a name with the date, which is returned, empty when there was nothing. Whenever the
// process is killed, the old file is in place or the new one. The error wraps ErrLocked
// when another process has the present file open.
func Restore(ctx context.Context, file, dir, name string, check Check) (kept string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make data folder: %w", err)
	}
	live := filepath.Join(dir, name)
	fresh, err := emptyFile(live)
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	defer os.Remove(fresh)
	if err := copyInto(fresh, file); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	atStep("copied")
	if err := check(ctx, fresh); err != nil {
		return "", err
	}
	unlock, err := holdFile(live)
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	defer unlock()
	if kept, err = swap(live, fresh, true); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	return kept, nil
}

// copyInto writes the content of a file into another one, to the disk.
func copyInto(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	return fill(to, func(w io.Writer) error {
		_, err := io.Copy(w, source)
		return err
	})
}

// fill writes a file, to the disk.
func fill(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Sync(), f.Close())
}

// holdFile locks a data file if there is one. unlock ends that.
func holdFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !inPlace(f, path) {
		return nil, errors.Join(ErrLocked, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// inPlace reports whether an open file is still the one that has the name.
func inPlace(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(opened, named)
}

// swap puts a complete file in the place of the present one, of which the caller holds
// the lock. With keep the present one stays beside it, under the name that is returned.
func swap(live, fresh string, keep bool) (kept string, err error) {
	dir := filepath.Dir(live)
	_, err = os.Stat(live)
	if errors.Is(err, fs.ErrNotExist) {
		// Nobody held a lock on nothing: a file that has come meanwhile is not replaced.
		if err := os.Link(fresh, live); errors.Is(err, fs.ErrExist) {
			return "", ErrLocked
		} else if err == nil {
			atStep("linked")
			return "", syncDir(dir)
		}
	} else if err != nil {
		return "", err
	}
	if keep && err == nil {
		if kept, err = keepBeside(live); err != nil {
			return "", err
		}
		if err := syncDir(dir); err != nil {
			return "", err
		}
		atStep("kept")
	}
	if err := os.Rename(fresh, live); err != nil {
		return "", err
	}
	atStep("renamed")
	return kept, syncDir(dir)
}

// keepBeside gives a file a second name, with the date. Where the file system has no
// links, it is copied.
func keepBeside(live string) (string, error) {
	name := live + ".replaced-" + time.Now().UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		kept := name
		if n > 1 {
			kept = fmt.Sprintf("%s-%d", name, n)
		}
		err := os.Link(live, kept)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			return kept, nil
		}
		f, cerr := os.OpenFile(kept, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if cerr != nil {
			return "", errors.Join(err, cerr)
		}
		return kept, errors.Join(f.Close(), copyInto(kept, live))
	}
}

// syncDir brings the names in a folder to the disk.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // cannot, and does not need to
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// emptyFile makes a new file beside a path. What a crash left of an earlier attempt is
// removed.
func emptyFile(path string) (string, error) {
	sweepFolder(filepath.Dir(path))
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+freshSuffix)
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// sweepFolder removes what killed processes left unfinished in a data folder. What is
// younger than a minute may be in the making.
func sweepFolder(dir string) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, f := range files {
		name := f.Name()
		left := strings.HasSuffix(name, freshSuffix) && (strings.HasPrefix(name, FileName+".") || strings.HasPrefix(name, MarketFileName+".")) ||
			strings.HasPrefix(name, copyPrefix) && strings.HasSuffix(name, copySuffix)
		if !left {
			continue
		}
		if info, err := f.Info(); err == nil && time.Since(info.ModTime()) > time.Minute {
			_ = os.Remove(filepath.Join(dir, name)) // another process may have been faster
		}
	}
}
