package storage_test

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/storage"
)

// A file of the first schema, as version one of the bot left it.
func TestMigrationFromTheFirstSchema(t *testing.T) {
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, storage.FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{"meta", "chats", "claims", "claim_times"} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return errors.Join(
			tx.Bucket([]byte("meta")).Put([]byte("schema"), binary.BigEndian.AppendUint64(nil, 1)),
			tx.Bucket([]byte("chats")).Put([]byte("telegram\x00-100"), []byte(`{"language":"ru","since":"2026-11-24T12:00:00Z"}`)),
		)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if got, err := s.Settings(t.Context(), group); err != nil || got.Language != "ru" {
		t.Errorf("settings after the migration: %+v, %v", got, err)
	}
	if err := s.Keep(t.Context(), chat.Event{ID: "telegram:1", Body: []byte("x")}); err != nil {
		t.Error(err)
	}
}

// A file of the second schema, as the bot before alerts left it.
func TestMigrationFromTheSecondSchema(t *testing.T) {
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, storage.FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	claimed := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{"meta", "chats", "claims", "claim_times", "inbox"} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return errors.Join(
			tx.Bucket([]byte("meta")).Put([]byte("schema"), binary.BigEndian.AppendUint64(nil, 2)),
			tx.Bucket([]byte("chats")).Put([]byte("telegram\x00-100"), []byte(`{"language":"ru","coin":"ETH","since":"2026-11-24T12:00:00Z"}`)),
			tx.Bucket([]byte("claims")).Put([]byte("telegram:1"), claimed),
			tx.Bucket([]byte("claim_times")).Put(append(claimed, "telegram:1"...), nil),
			tx.Bucket([]byte("inbox")).Put([]byte("telegram:2"), []byte("two")),
		)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s := open(t, dir)
		got, err := s.Settings(t.Context(), group)
		want := chat.Settings{Language: "ru", Coin: "ETH", Since: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("settings (-want +got), %v:\n%s", err, diff)
		}
		if first, err := s.Claim(t.Context(), "telegram:1"); first || err != nil {
			t.Errorf("the claim is given again: %v, %v", first, err)
		}
		if kept, err := s.Kept(t.Context(), chat.Telegram); len(kept) != 1 || err != nil {
			t.Errorf("kept %v, %v", kept, err)
		}
		for name, look := range map[string]func() error{
			"alerts": func() error { _, err := s.Alerts(t.Context(), group); return err },
			"change": func() error {
				_, err := s.ChangeAlerts(t.Context(), group, chat.Entry{Change: "muted"}, func(c *alert.Chat) error {
					c.MutedUntil = time.Now().Add(time.Hour)
					return nil
				})
				return err
			},
			"record": func() error { _, err := s.Record(t.Context(), breakouts("BTC", 1)); return err },
			"advance": func() error {
				_, err := s.Advance(t.Context(), chat.Telegram, nil, 1)
				return err
			},
			"states": func() error { _, err := s.States(t.Context()); return err },
			"key":    func() error { _, err := s.WebKey(t.Context()); return err },
		} {
			if err := look(); err != nil {
				t.Errorf("%s after the migration: %v", name, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMigrationFromAnEmptyFile(t *testing.T) {
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, storage.FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if first, err := s.Claim(t.Context(), "a"); !first || err != nil {
		t.Errorf("claim after the migration: %v, %v", first, err)
	}
}
