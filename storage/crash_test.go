package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/storage"
)

// crashDir tells a copy of this test binary to write into a store until it is
// killed, crashJob what.
const (
	crashDir = "STORAGE_CRASH_DIR"
	crashJob = "STORAGE_CRASH_JOB"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(crashDir)
	switch {
	case dir == "":
		os.Exit(m.Run())
	case os.Getenv(crashJob) == "deliver":
		deliverUntilKilled(dir)
	case os.Getenv(crashJob) == "fail":
		writeUntilTheDiskFails(dir)
	case os.Getenv(crashJob) == "full":
		writeUntilTheDiskIsFull(dir)
	case os.Getenv(crashJob) == "open":
		openAndEnd(dir)
	case os.Getenv(crashStep) != "":
		changeFiles(dir, os.Getenv(crashJob))
	default:
		writeUntilKilled(dir)
	}
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

// deliverUntilKilled works an outbox off. It prints "sent" for each delivery before
// its result is kept, "kept" after that, and "open" for what an earlier process left.
func deliverUntilKilled(dir string) {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			_, _ = fmt.Fprintln(os.Stdout, "error", err)
			os.Exit(1)
		}
	}
	s, err := storage.Open(ctx, dir, nil)
	fail(err)
	tell := func(what string, ref alert.Ref) { _, _ = fmt.Fprintln(os.Stdout, what, ref.Index) }
	open, err := s.Interrupted(ctx, chat.Telegram)
	fail(err)
	for _, d := range open {
		tell("open", d.Ref)
	}
	done := results(alert.Uncertain, open...)
	for {
		b, err := s.Advance(ctx, chat.Telegram, done, crashWindow)
		fail(err)
		for _, r := range done {
			if r.State != alert.Waiting {
				tell("kept", r.Delivery.Ref)
			}
		}
		if len(b.Deliveries) == 0 && b.Left == 0 {
			os.Exit(0)
		}
		done = done[:0]
		for _, d := range b.Deliveries {
			if d.Ref.Index%9 == 0 && d.Attempts == 0 {
				d.Attempts++
				done = append(done, alert.Result{Delivery: d, State: alert.Waiting})
				continue
			}
			tell("sent", d.Ref)
			done = append(done, alert.Result{Delivery: d, State: alert.Sent})
		}
	}
}

const crashWindow = 14

// TestKilledInAFanOutLeavesNobodyOut kills a process that works an outbox off, again
// and again. Nobody is sent to twice, nobody is left out, and what was open at a kill
// is no more than was handed out.
func TestKilledInAFanOutLeavesNobodyOut(t *testing.T) {
	const chats = 1500
	r := newRoom(t)
	r.fill(t, chats)
	news := breakouts("BTC", 1)
	news.Alerts[0].Expires = news.Alerts[0].Expires.AddDate(100, 0, 0)
	if n := r.record(t, news); n != chats {
		t.Fatal(n)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	sent, kept, opened := map[string]int{}, map[string]int{}, map[string]int{}
	kills := 0
	for finished := false; !finished; kills++ {
		open := 0
		finished = runUntil(t, r.dir, 40+kills*17, func(what, index string) {
			switch what {
			case "sent":
				sent[index]++
			case "kept":
				kept[index]++
			case "open":
				open++
				opened[index]++
				if kept[index] > 0 {
					t.Errorf("%s was settled and is open", index)
				}
			default:
				t.Errorf("child: %s %s", what, index)
			}
		})
		if open > crashWindow {
			t.Errorf("%d are open after kill %d, more than were handed out", open, kills)
		}
	}
	for index, n := range sent {
		if n > 1 {
			t.Errorf("%s was sent to %d times", index, n)
		}
	}
	r.open(t)
	totals := r.totals(t).Deliveries
	if got := totals[alert.Sent] + totals[alert.Uncertain]; got != chats || len(totals) > 2 {
		t.Errorf("%v: want %d in all", totals, chats)
	}
	if len(opened) > kills*crashWindow || int(totals[alert.Sent]) > len(sent) {
		t.Errorf("%d were open after %d kills, %d sent", len(opened), kills, len(sent))
	}
	t.Logf("%d kills, %d open, totals %v", kills, len(opened), totals)
	tidied(t, r)
}

// runUntil runs a child and kills it after so many lines. It reports whether the
// child came to its end before.
func runUntil(t *testing.T, dir string, lines int, told func(what, index string)) bool {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir, crashJob+"=deliver")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	// A line that the kill cut off does not count.
	for in, n := bufio.NewReader(out), 0; ; n++ {
		text, err := in.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		what, index, _ := strings.Cut(strings.TrimSpace(text), " ")
		told(what, index)
		if n == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return child.Wait() == nil
}

// writeUntilTheDiskFails claims ids until a claim fails, and says how.
func writeUntilTheDiskFails(dir string) {
	ctx := context.Background()
	s, err := storage.Open(ctx, dir, nil)
	for i := 0; err == nil && i < 10_000; i++ {
		_, err = s.Claim(ctx, fmt.Sprint(i))
		if err == nil {
			_, _ = fmt.Fprintln(os.Stdout, i)
		}
	}
	closed := false
	select {
	case <-s.Broken():
		closed = true
	default:
	}
	_, after := s.Claim(ctx, "after")
	_, _ = fmt.Fprintln(os.Stdout, "broken", errors.Is(err, storage.ErrBroken), closed, errors.Is(after, storage.ErrBroken))
	os.Exit(0)
}

// TestDiskThatFailsStopsTheStore lets the kernel report an error of the disk for one
// fsync: the store takes no change after that, and what was acknowledged before is there
// when it is opened anew.
func TestDiskThatFailsStopsTheStore(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace here, which makes a disk fail: apt install strace")
	}
	dir := t.TempDir()
	open(t, dir).Close()
	child := exec.CommandContext(t.Context(), strace, "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=25", os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir, crashJob+"=fail")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Skipf("strace does not work here: %v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := lines[len(lines)-1]; last != "broken true true true" {
		t.Fatalf("the child says %q: want the error, the signal and the next refusal to be ErrBroken", last)
	}
	s := open(t, dir)
	for _, id := range lines[:len(lines)-1] {
		if claimed, err := s.Claimed(t.Context(), id); err != nil || !claimed {
			t.Errorf("acknowledged claim %s is gone: %v, %v", id, claimed, err)
		}
	}
	t.Logf("%d claims were acknowledged before the disk failed", len(lines)-1)
}
