package main

import (
	"strings"
	"syscall"
	"testing"

	"liqbot/storage"
)

// TestReadOnlyDiskAtTheStart: the bot says what is wrong and ends.
func TestReadOnlyDiskAtTheStart(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("cannot mount a disk here, which needs root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	prefill(t, dir, firstChat, 3)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot make a disk read-only here: %v", err)
	}
	code, out := runUntilEnd(t, "SOURCE=demo", "WEB_ADDR=127.0.0.1:0", "DATA_DIR="+dir)
	if code == 0 || !strings.Contains(out, "read-only file system") || !strings.Contains(out, storage.FileName) {
		t.Errorf("ended with %d: %s", code, out)
	}
}
