package storage_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"liqbot/storage"
)

// fileLimit is the size in bytes beyond which a child's files cannot grow: the disk is
// full.
const fileLimit = "STORAGE_FILE_LIMIT"

// limitFiles makes the disk of this process full at a size; 0 takes that back.
func limitFiles(bytes uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = bytes
	if bytes == 0 {
		limit.Cur = limit.Max
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// writeUntilTheDiskIsFull claims ids until the disk is full, reads, and goes on once there
// is room again.
func writeUntilTheDiskIsFull(dir string) {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			_, _ = fmt.Fprintln(os.Stdout, "error", err)
			os.Exit(1)
		}
	}
	s, err := storage.Open(ctx, dir, nil)
	must(err)
	must(limitFiles(1 << 20))
	n := 0
	for ; err == nil; n++ {
		if _, err = s.Claim(ctx, fmt.Sprintf("%0190d", n)); err == nil {
			_, _ = fmt.Fprintln(os.Stdout, n)
		}
	}
	if errors.Is(err, storage.ErrBroken) || n < 100 {
		must(fmt.Errorf("after %d claims: %w", n, err))
	}
	claimed, err := s.Claimed(ctx, fmt.Sprintf("%0190d", n-2))
	must(err)
	settings, err := s.Settings(ctx, superGroup)
	must(err)
	must(limitFiles(0))
	first, err := s.Claim(ctx, "after")
	must(err)
	_, _ = fmt.Fprintln(os.Stdout, "full", claimed, settings.Language, first)
	must(s.Close())
	os.Exit(0)
}

// child runs this test binary with a job on a store.
func child(t *testing.T, dir, job string, environ ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(environ, crashDir+"="+dir, crashJob+"="+job)...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// TestFullDiskRefusesChangesAndRecovers: replies go on, a change is refused, and the store
// works again once there is room, without a restart.
func TestFullDiskRefusesChangesAndRecovers(t *testing.T) {
	dir := t.TempDir()
	restore(t, backup(t, "ru"), dir)
	out, err := child(t, dir, "full")
	lines := strings.Split(out, "\n")
	if last := lines[len(lines)-1]; err != nil || last != "full true ru true" {
		t.Fatalf("the child ends with %q, %v", last, err)
	}
	if got := spoken(t, dir); got != "ru" {
		t.Errorf("the store speaks %q", got)
	}
	s := open(t, dir)
	for _, n := range lines[:len(lines)-1] {
		if claimed, err := s.Claimed(t.Context(), strings.Repeat("0", 190-len(n))+n); err != nil || !claimed {
			t.Fatalf("acknowledged claim %s is gone: %v", n, err)
		}
	}
}

// TestFullDiskLeavesTheStoreInPlace: what replaces the store says so and leaves everything
// as it was.
func TestFullDiskLeavesTheStoreInPlace(t *testing.T) {
	ru, en := backup(t, "ru"), backup(t, "en")
	text := exported(t, ru)
	for job, input := range map[string]string{"restore": ru, "compact": "", "repair": "", "import": text} {
		t.Run(job, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			restore(t, en, dir)
			if job == "repair" {
				spoilIndex(t, dir)
			}
			out, err := child(t, dir, job, crashStep+"=never", crashInput+"="+input, fileLimit+"=20000")
			if err == nil || !strings.Contains(out, "file too large") {
				t.Fatalf("the child says %q, %v", out, err)
			}
			if left := names(t, dir); len(left) != 1 {
				t.Errorf("files are left: %v", left)
			}
			if job != "repair" && spoken(t, dir) != "en" {
				t.Error("the store was changed")
			}
		})
	}
}

// TestKilledInAMigration kills the process at each write to the disk while it opens a file
// of an earlier schema: the next start finishes, and everything is there.
func TestKilledInAMigration(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace here, which kills at a system call: apt install strace")
	}
	killed := 0
	for n := 1; n <= 6; n++ {
		r := &room{dir: t.TempDir(), now: start}
		copyFile(t, "testdata/schema3.db", filepath.Join(r.dir, storage.FileName))
		cmd := exec.CommandContext(t.Context(), strace, "-f", "-o", "/dev/null", "-e", "trace=fdatasync,pwrite64",
			"-e", fmt.Sprintf("inject=fdatasync,pwrite64:signal=KILL:when=%d", n), os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+r.dir, crashJob+"=open")
		out, err := cmd.CombinedOutput()
		if err != nil && len(out) > 0 {
			t.Skipf("strace does not work here: %v\n%s", err, out)
		}
		if err != nil {
			killed++
		}
		r.open(t)
		if condition, err := r.Inspect(t.Context()); err != nil || len(condition.Faults) > 0 {
			t.Errorf("killed at write %d: %+v, %v", n, condition, err)
		}
		if got := lookAt(t, r); len(got.Left) != audience-14-3 || got.Alerts["telegram -1001"].Levels == nil {
			t.Errorf("killed at write %d: %+v", n, got)
		}
		_ = r.Close()
	}
	if killed == 0 {
		t.Error("nothing was killed")
	}
}

// openAndEnd opens a store and closes it.
func openAndEnd(dir string) {
	s, err := storage.Open(context.Background(), dir, nil)
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "error", err)
		os.Exit(1)
	}
	os.Exit(0)
}
