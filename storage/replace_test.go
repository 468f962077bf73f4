package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
	"liqbot/storage"
)

// sound is the check of tests.
func sound(ctx context.Context, path string) error { return storage.Verify(ctx, path) }

// backup makes a store that speaks a language and returns its file.
func backup(t *testing.T, language string) string {
	t.Helper()
	r := newRoom(t)
	furnish(t, r)
	speak(t, r, language)
	path, err := r.CopyTo(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func speak(t *testing.T, r *room, language string) {
	t.Helper()
	if err := r.Change(t.Context(), superGroup, chat.Entry{}, func(c *chat.Settings) { c.Language = language }); err != nil {
		t.Fatal(err)
	}
}

// spoken opens the store in a folder and returns the language of backup; it must be whole.
func spoken(t *testing.T, dir string) string {
	t.Helper()
	if err := storage.Verify(t.Context(), filepath.Join(dir, storage.FileName)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	defer s.Close()
	condition, err := s.Inspect(t.Context())
	if err != nil || len(condition.Faults) > 0 {
		t.Errorf("condition: %+v, %v", condition, err)
	}
	c, err := s.Settings(t.Context(), superGroup)
	if err != nil {
		t.Fatal(err)
	}
	return c.Language
}

func restore(t *testing.T, file, dir string) string {
	t.Helper()
	kept, err := storage.Restore(t.Context(), file, dir, storage.FileName, sound)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}

func TestRestorePutsABackupInPlaceAndKeepsWhatWasThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if kept := restore(t, backup(t, "ru"), dir); kept != "" || spoken(t, dir) != "ru" {
		t.Errorf("into nothing: kept %q", kept)
	}
	first := restore(t, backup(t, "en"), dir)
	second := restore(t, backup(t, "zh-Hans"), dir)
	if got := spoken(t, dir); got != "zh-Hans" || first == second {
		t.Errorf("%q, kept %q and %q", got, first, second)
	}
	again := restore(t, first, dir)
	if spoken(t, dir) != "ru" {
		t.Error("what was kept is no good")
	}
	if got := names(t, dir); len(got) != 4 {
		t.Errorf("files: %v; want the store and %q %q %q", got, first, second, again)
	}
}

func TestRestoreRefuses(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no data file"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	restore(t, backup(t, "ru"), dir)
	for name, c := range map[string]struct {
		file string
		want error
	}{"what is no data file": {text, storage.ErrDamaged}, "what is not there": {text + "2", os.ErrNotExist}} {
		if _, err := storage.Restore(t.Context(), c.file, dir, storage.FileName, sound); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("files are left: %v", got)
	}
	s := open(t, dir)
	if _, err := storage.Restore(t.Context(), backup(t, "en"), dir, storage.FileName, sound); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("under a bot: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if spoken(t, dir) != "ru" {
		t.Error("the store was changed")
	}
}

// A store that is too damaged to be opened is what people restore for.
func TestRestoreReplacesADamagedStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, storage.FileName), bytes.Repeat([]byte{0xff}, 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	if kept := restore(t, backup(t, "ru"), dir); kept == "" || spoken(t, dir) != "ru" {
		t.Errorf("kept %q", kept)
	}
}

// A bot that waits for the lock while a restore has it must not run on the old file.
func TestOpenTakesTheFileThatIsInPlace(t *testing.T) {
	dir := t.TempDir()
	restore(t, backup(t, "ru"), dir)
	opened := make(chan string, 1)
	var started bool
	storage.AtStep(func(step string) {
		if step != "kept" || started {
			return
		}
		started = true
		go func() {
			s, err := storage.Open(context.Background(), dir, nil)
			if err != nil {
				opened <- err.Error()
				return
			}
			defer s.Close()
			c, _ := s.Settings(context.Background(), superGroup)
			opened <- c.Language
		}()
		<-time.After(200 * time.Millisecond)
	})
	defer storage.AtStep(func(string) {})
	restore(t, backup(t, "en"), dir)
	if got := <-opened; got != "en" {
		t.Errorf("the bot that waited is on %q", got)
	}
}

// crowdBeside adds chats that the furnished store does not have.
func crowdBeside(tb testing.TB, r *room, n int) {
	tb.Helper()
	err := r.Fill(n, func(i int) (chat.Target, alert.Chat) {
		return member(chat.Telegram, 100_000+i), alert.Chat{Kind: chat.Private, Subscriptions: []alert.Subscription{
			{Rule: alert.Breakout, Coin: market.Coin(fmt.Sprintf("C%d", i%50)), Since: start},
		}}
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func TestCompactKeepsEveryRow(t *testing.T) {
	r := newRoom(t)
	furnish(t, r)
	crowdBeside(t, r, 20_000)
	for i := range 300 {
		r.change(t, member(chat.Telegram, 100_000+i), clearChat)
	}
	before, err := r.Dump()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	sizes, err := storage.Compact(t.Context(), r.dir, sound)
	if err != nil {
		t.Fatal(err)
	}
	r.open(t)
	after, err := r.Dump()
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("rows (-before +after), %v:\n%s", err, diff)
	}
	info, err := os.Stat(r.Path())
	if err != nil || info.Size() != sizes.After || sizes.After >= sizes.Before || len(names(t, r.dir)) != 1 {
		t.Errorf("sizes %+v, file %v, %v, %v", sizes, info.Size(), names(t, r.dir), err)
	}
	sameIndex(t, r)
	r.level(t, lost, "BTC", 5, true) // a number that no level has
	if condition, err := r.Inspect(t.Context()); err != nil || len(condition.Faults) > 0 {
		t.Errorf("condition %+v, %v", condition, err)
	}
	if _, err := storage.Compact(t.Context(), r.dir, sound); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("under a bot: %v", err)
	}
	lookAtOutbox(t, r, &contents{})
}

func TestCompactOfTheMarketFile(t *testing.T) {
	dir := t.TempDir()
	m, _, err := storage.OpenMarket(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Now().Truncate(time.Hour)
	if err := errors.Join(m.SaveAccuracy("BTC", hour, []byte("row")), m.Close()); err != nil {
		t.Fatal(err)
	}
	if sizes, err := storage.CompactMarket(t.Context(), dir, func(context.Context, string) error { return nil }); err != nil || sizes.After > sizes.Before {
		t.Fatalf("%+v, %v", sizes, err)
	}
	if m, _, err = storage.OpenMarket(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	rows := 0
	if err := m.Accuracy("BTC", hour, func(time.Time, []byte) { rows++ }); err != nil || rows != 1 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// The jobs of changeFiles, on a store that speaks English.
const (
	crashStep  = "STORAGE_CRASH_STEP"
	crashInput = "STORAGE_CRASH_INPUT"
)

// changeFiles does a job that replaces the store and kills itself at a step.
func changeFiles(dir, job string) {
	storage.AtStep(func(step string) {
		_, _ = fmt.Fprintln(os.Stdout, step)
		if step == os.Getenv(crashStep) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	if limit, err := strconv.ParseUint(os.Getenv(fileLimit), 10, 64); err == nil {
		if err := limitFiles(limit); err != nil {
			_, _ = fmt.Fprintln(os.Stdout, "error", err)
			os.Exit(1)
		}
	}
	if err := replaceStore(context.Background(), dir, job, os.Getenv(crashInput)); err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "error", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func replaceStore(ctx context.Context, dir, job, input string) error {
	var err error
	switch job {
	case "restore":
		_, err = storage.Restore(ctx, input, dir, storage.FileName, sound)
	case "compact":
		_, err = storage.Compact(ctx, dir, sound)
	case "repair":
		_, _, err = storage.Repair(ctx, dir, sound)
	case "import":
		var f *os.File
		if f, err = os.Open(input); err == nil {
			_, err = storage.Import(ctx, dir, f, storage.ImportOptions{Replace: true, Check: sound})
			err = errors.Join(err, f.Close())
		}
	default:
		err = fmt.Errorf("job %q", job)
	}
	return err
}

// TestKilledBetweenAnyTwoSteps kills the commands that replace the store at each of their
// steps: the old store is in place or the new one, and the next try succeeds.
func TestKilledBetweenAnyTwoSteps(t *testing.T) {
	ru, en := backup(t, "ru"), backup(t, "en")
	text := exported(t, ru)
	for _, job := range []struct {
		name, input, after string
		steps              []string
	}{
		{"restore", ru, "ru", []string{"copied", "kept", "renamed"}},
		{"compact", "", "en", []string{"changed", "renamed"}},
		{"repair", "", "en", []string{"copied", "changed", "kept", "renamed"}},
		{"import", text, "ru", []string{"copied", "changed", "kept", "renamed"}},
	} {
		for _, step := range job.steps {
			t.Run(job.name+" "+step, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				restore(t, en, dir)
				if job.name == "repair" {
					spoilIndex(t, dir)
				}
				child := exec.CommandContext(t.Context(), os.Args[0])
				child.Env = append(os.Environ(), crashDir+"="+dir, crashJob+"="+job.name, crashStep+"="+step, crashInput+"="+job.input)
				out, err := child.CombinedOutput()
				if err == nil || !strings.HasSuffix(strings.TrimSpace(string(out)), step) {
					t.Fatalf("the child was not killed at %s: %v\n%s", step, err, out)
				}
				done := step == "renamed"
				if job.name != "repair" || done {
					if got := spoken(t, dir); got != map[bool]string{true: job.after, false: "en"}[done] {
						t.Errorf("after the kill the store speaks %q", got)
					}
				}
				if err := replaceStore(t.Context(), dir, job.name, job.input); err != nil {
					t.Fatal(err)
				}
				if got := spoken(t, dir); got != job.after {
					t.Errorf("after the next try the store speaks %q", got)
				}
				leftOvers(t, dir)
			})
		}
	}
}

// leftOvers checks that what a killed process left goes at the next start, an hour later.
func leftOvers(t *testing.T, dir string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	for _, name := range names(t, dir) {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir).Close()
	for _, name := range names(t, dir) {
		if name != storage.FileName && !strings.HasPrefix(name, storage.FileName+".replaced-") {
			t.Errorf("%s is left", name)
		}
	}
}
