package storage_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"liqbot/chat"
	"liqbot/storage"
)

var group = chat.Target{Platform: chat.Telegram, Chat: "-100"}

func open(t *testing.T, dir string) *storage.Store {
	t.Helper()
	s, err := storage.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSettingsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	change := func(c *chat.Settings) { c.Language, c.Coin, c.Window = "ru", "ETH", "1d" }
	if err := s.Change(t.Context(), group, chat.Entry{}, change); err != nil {
		t.Fatal(err)
	}
	before, err := s.Settings(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := open(t, dir).Settings(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" || after.Language != "ru" || after.Since.IsZero() {
		t.Errorf("settings after the restart: %+v, differing by %s", after, diff)
	}
}

func TestSettingsBelongToOneChatOfOnePlatform(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Change(t.Context(), group, chat.Entry{}, func(c *chat.Settings) { c.Coin = "SOL" }); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		target chat.Target
		want   string
	}{
		"the chat":        {group, "SOL"},
		"a topic in it":   {chat.Target{Platform: chat.Telegram, Chat: "-100", Thread: "7"}, "SOL"},
		"another chat":    {chat.Target{Platform: chat.Telegram, Chat: "-1001"}, ""},
		"other platform":  {chat.Target{Platform: chat.Discord, Chat: "-100"}, ""},
		"chat never seen": {chat.Target{Platform: chat.Web, Chat: "x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.Settings(t.Context(), c.target)
			if err != nil || got.Coin != c.want {
				t.Errorf("coin = %q, %v; want %q", got.Coin, err, c.want)
			}
		})
	}
	if n, err := s.Chats(); n != 1 || err != nil {
		t.Errorf("chats = %d, %v; want 1", n, err)
	}
}

func TestSettingsFollowAChatToItsNewID(t *testing.T) {
	s := open(t, t.TempDir())
	super := chat.Target{Platform: chat.Telegram, Chat: "-1001"}
	if err := s.Change(t.Context(), group, chat.Entry{}, func(c *chat.Settings) { c.Language = "ru" }); err != nil {
		t.Fatal(err)
	}
	language := func(target chat.Target) string {
		settings, err := s.Settings(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		return settings.Language
	}
	if language(super) != "" {
		t.Fatal("the new id has settings before the move")
	}
	for range 2 { // the move may be told twice
		if err := s.Move(t.Context(), group, super); err != nil {
			t.Fatal(err)
		}
		if old, got := language(group), language(super); old != "" || got != "ru" {
			t.Errorf("after the move: %q at the old id, %q at the new one", old, got)
		}
	}
	if err := s.Change(t.Context(), group, chat.Entry{}, func(c *chat.Settings) { c.Language = "en" }); err != nil {
		t.Fatal(err)
	}
	if err := s.Move(t.Context(), group, super); err != nil {
		t.Fatal(err)
	}
	if got := language(super); got != "ru" {
		t.Errorf("the new id's own settings were overwritten by %q", got)
	}
}

func TestClaimIsGivenOnceAlsoAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var wg sync.WaitGroup
	var mu sync.Mutex
	given := 0
	for range 16 {
		wg.Go(func() {
			first, err := s.Claim(t.Context(), "telegram:1")
			if err != nil {
				t.Error(err)
			}
			if first {
				mu.Lock()
				given++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if given != 1 {
		t.Errorf("the claim was given %d times, want once", given)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if first, err := s.Claim(t.Context(), "telegram:1"); first || err != nil {
		t.Errorf("after the restart the claim is %v, %v; want taken", first, err)
	}
	for id, want := range map[string]bool{"telegram:1": true, "telegram:2": false} {
		if claimed, err := s.Claimed(t.Context(), id); claimed != want || err != nil {
			t.Errorf("%s claimed: %v, %v; want %v", id, claimed, err, want)
		}
	}
	if first, err := s.Claim(t.Context(), "telegram:2"); !first || err != nil {
		t.Errorf("a new claim is %v, %v; want given", first, err)
	}
}

func TestReleasedClaimIsGivenAgain(t *testing.T) {
	s := open(t, t.TempDir())
	for range 2 {
		if first, err := s.Claim(t.Context(), "telegram:1"); !first || err != nil {
			t.Fatalf("claim: %v, %v", first, err)
		}
		if err := s.Release(t.Context(), "telegram:1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Release(t.Context(), "telegram:never"); err != nil {
		t.Error(err)
	}
}

func TestInboxKeepsWhatIsNotAnswered(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, e := range []chat.Event{{ID: "telegram:2", Body: []byte("two")}, {ID: "telegram:1", Body: []byte("one")}, {ID: "discord:9", Body: []byte("nine")}} {
		if err := s.Keep(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Done(t.Context(), "telegram:2"), s.Done(t.Context(), "telegram:7"), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	got, err := s.Kept(t.Context(), chat.Telegram)
	if diff := cmp.Diff([]chat.Event{{ID: "telegram:1", Body: []byte("one")}}, got); diff != "" || err != nil {
		t.Errorf("kept (-want +got), %v:\n%s", err, diff)
	}
	for name, e := range map[string]chat.Event{"no id": {}, "huge": {ID: "a", Body: make([]byte, 2<<20)}} {
		if err := s.Keep(t.Context(), e); err == nil {
			t.Errorf("%s was kept", name)
		}
	}
}

func TestOldClaimsAreForgotten(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s, err := storage.Open(t.Context(), t.TempDir(), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	claim := func(id string) bool {
		first, err := s.Claim(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	claim("old")
	now = now.Add(47 * time.Hour)
	claim("newer")
	if claim("old") {
		t.Error("a claim of 47 hours was forgotten")
	}
	now = now.Add(2 * time.Hour)
	claim("newest")
	if !claim("old") {
		t.Error("a claim of 49 hours is still remembered")
	}
	if claim("newer") {
		t.Error("a claim of 2 hours was forgotten")
	}
}

func TestClaimRefusesImpossibleIDs(t *testing.T) {
	s := open(t, t.TempDir())
	for name, id := range map[string]string{"empty": "", "long": string(bytes.Repeat([]byte("x"), 201))} {
		if first, err := s.Claim(t.Context(), id); first || err == nil {
			t.Errorf("%s id: %v, %v; want an error", name, first, err)
		}
	}
}

func TestSecondProcessIsToldAtOnce(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	start := time.Now()
	_, err := storage.Open(t.Context(), dir, nil)
	if !errors.Is(err, storage.ErrLocked) {
		t.Fatalf("error = %v, want ErrLocked", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestOpenRefusesWhatIsNoStore(t *testing.T) {
	newer := func(t *testing.T, path string) {
		t.Helper()
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		err = db.Update(func(tx *bolt.Tx) error {
			meta, err := tx.CreateBucket([]byte("meta"))
			if err != nil {
				return err
			}
			return meta.Put([]byte("schema"), binary.BigEndian.AppendUint64(nil, 999))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		make func(*testing.T, string)
		want error
	}{
		"a newer schema": {newer, storage.ErrNewer},
		"some text":      {text("not a database, but longer than nothing"), storage.ErrDamaged},
		"zeros":          {text(string(make([]byte, 1<<16))), storage.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, filepath.Join(dir, storage.FileName))
			_, err := storage.Open(t.Context(), dir, nil)
			if !errors.Is(err, c.want) {
				t.Errorf("error = %v, want %v", err, c.want)
			}
		})
	}
}

func TestCrashDuringTheFirstStartDoesNotBlockTheNext(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{fmt.Sprintf("%s.%d.new", storage.FileName, os.Getpid()), storage.FileName + ".1.new"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half written"), 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("files = %v, %v; want only the store", files, err)
	}
}

func TestBackupWhileWriting(t *testing.T) {
	s := open(t, t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if _, err := s.Claim(t.Context(), fmt.Sprint(i)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	if err := s.Change(t.Context(), group, chat.Entry{}, func(c *chat.Settings) { c.Language = "ru" }); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, err := s.CopyTo(dir)
	stop()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := storage.Verify(t.Context(), path); err != nil {
		t.Fatalf("verify: %v", err)
	}
	if err := os.Rename(path, filepath.Join(dir, storage.FileName)); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, dir).Settings(t.Context(), group)
	if err != nil || got.Language != "ru" {
		t.Errorf("settings in the backup: %+v, %v", got, err)
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, storage.FileName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 2 * os.Getpagesize(); i < len(data); i++ {
		data[i] = 0xff
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := storage.Verify(t.Context(), path); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("error = %v, want ErrDamaged", err)
	}
}
