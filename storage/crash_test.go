package storage_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"liqbot/storage"
)

// crashDir tells a copy of this test binary to write into a store until it is
// killed.
const crashDir = "STORAGE_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// writeUntilKilled claims ids and prints each one whose claim was acknowledged.
func writeUntilKilled(dir string) {
	s, err := storage.Open(context.Background(), dir, nil)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "error", err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		if _, err := s.Claim(context.Background(), id); err != nil {
			_, _ = fmt.Fprintln(os.Stdout, "error", err)
			os.Exit(1)
		}
		_, _ = fmt.Fprintln(os.Stdout, id)
	}
}

// TestKilledAtAnyMomentLosesNothingThatWasAcknowledged kills a writer again and
// again, on the same file.
func TestKilledAtAnyMomentLosesNothingThatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []string
	for round := range 12 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acknowledged = append(acknowledged, lines.Text())
			if n == round*7 {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // killed
	}
	s := open(t, dir)
	for _, id := range acknowledged {
		if first, err := s.Claim(t.Context(), id); first || err != nil {
			t.Fatalf("claim %s after the kills: given again %v, %v", id, first, err)
		}
	}
	t.Logf("%d acknowledged claims survived 12 kills", len(acknowledged))
	path, err := s.CopyTo(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := storage.Verify(t.Context(), path); err != nil {
		t.Error(err)
	}
}
