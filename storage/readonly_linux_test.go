package storage_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"liqbot/storage"
)

// TestReadOnlyDisk mounts a disk that cannot be written: the message says so, nothing hangs,
// and what only reads works.
func TestReadOnlyDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("cannot mount a disk here, which needs root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	restore(t, backup(t, "ru"), dir)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot make a disk read-only here: %v", err)
	}
	if _, err := storage.Open(t.Context(), dir, nil); !errors.Is(err, syscall.EROFS) {
		t.Errorf("open: %v, want read-only file system", err)
	}
	if l, err := storage.LookAt(t.Context(), filepath.Join(dir, storage.FileName)); err != nil || l.Empty {
		t.Errorf("look: %+v, %v", l, err)
	}
	if _, err := storage.Restore(t.Context(), backup(t, "en"), dir, storage.FileName, sound); !errors.Is(err, syscall.EROFS) {
		t.Errorf("restore: %v, want read-only file system", err)
	}
	if _, err := storage.Open(t.Context(), filepath.Join(dir, "new"), nil); !errors.Is(err, syscall.EROFS) {
		t.Errorf("open of a new folder: %v, want read-only file system", err)
	}
}
