package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/chat"
)

// maxCached bounds the settings kept in memory; beyond it they are read anew.
const maxCached = 50_000

// settingsRecord is how a chat's settings stand in the file. Fields are only ever
// added.
type settingsRecord struct {
	Language   string    `json:"language,omitempty"`
	Coin       string    `json:"coin,omitempty"`
	Window     string    `json:"window,omitempty"`
	Coins      string    `json:"coins,omitempty"`
	TimeZone   string    `json:"time_zone,omitempty"`
	AdminsOnly string    `json:"admins_only,omitempty"`
	Everyone   string    `json:"everyone,omitempty"`
	Since      time.Time `json:"since"`
}

func chatKey(t chat.Target) string { return string(t.Platform) + "\x00" + t.Chat }

// Settings returns what a chat has chosen; the zero Settings for a chat that was
// never seen. A topic has the settings of its chat.
func (s *Store) Settings(ctx context.Context, t chat.Target) (chat.Settings, error) {
	key := chatKey(t)
	if cached, ok := s.settings.Load().Load(key); ok {
		return cached.(chat.Settings), nil
	}
	if err := ctx.Err(); err != nil {
		return chat.Settings{}, err
	}
	var found chat.Settings
	err := s.db.View(func(tx *bolt.Tx) error {
		var err error
		found, err = readSettings(tx, key)
		return err
	})
	if err != nil {
		return chat.Settings{}, fmt.Errorf("read chat settings: %w", err)
	}
	// A change that commits in between must not be hidden by this older reading.
	if cached, loaded := s.settings.Load().LoadOrStore(key, found); loaded {
		return cached.(chat.Settings), nil
	}
	s.bound()
	return found, nil
}

// Change lets a function change a chat's settings and returns once the change is
// on disk. Since is set on the first change. The entry goes to the chat's log if
// something has changed.
func (s *Store) Change(ctx context.Context, t chat.Target, e chat.Entry, change func(*chat.Settings)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	key := chatKey(t)
	var settings chat.Settings
	moved := false
	err := s.update(func(tx *bolt.Tx) error {
		before, err := readSettings(tx, key)
		if err != nil {
			return err
		}
		settings = before
		if settings.Since.IsZero() {
			settings.Since = s.now().UTC()
		}
		seen := settings
		change(&settings)
		if settings == before {
			return errNothing
		}
		value, err := json.Marshal(settingsRecord(settings))
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		if err := tx.Bucket(chatsBucket).Put([]byte(key), value); err != nil {
			return err
		}
		if settings == seen {
			return nil
		}
		was, err := json.Marshal(settingsRecord(before))
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		home := resolve(tx, t)
		if settings.TimeZone != before.TimeZone {
			moved = true
			if err := replanZone(tx, t); err != nil {
				return err
			}
		}
		u := undoRecord{Chat: key, Settings: true, Entry: recordEntry(e)}
		return errors.Join(s.remind(tx, home, u, was, value), s.log(tx, home, e))
	})
	if err != nil {
		return fmt.Errorf("change chat settings: %w", err)
	}
	s.settings.Load().Store(key, settings)
	if f := s.planned.Load(); f != nil && moved {
		(*f)(t.Platform)
	}
	return nil
}

// replanZone plans anew what is due at a chat, and at the chats whose home it is: its days
// are other ones now.
func replanZone(tx *bolt.Tx, t chat.Target) error {
	for _, id := range idsOf(tx, ownerOf(t)) {
		for _, e := range errands(tx, []byte(chatKey(id)+"\x00")) {
			if err := plan(tx, e, unplanned); err != nil {
				return err
			}
		}
	}
	return nil
}

// Chats counts the chats that are stored.
func (s *Store) Chats() (int, error) {
	n := 0
	err := s.db.View(func(tx *bolt.Tx) error {
		n = tx.Bucket(chatsBucket).Stats().KeyN
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count chats: %w", err)
	}
	return n, nil
}

// bound empties the cache when it has grown too large.
func (s *Store) bound() {
	if s.cached.Add(1) > maxCached {
		s.cached.Store(0)
		s.settings.Store(new(sync.Map))
	}
}

func readSettings(tx *bolt.Tx, key string) (chat.Settings, error) {
	value := tx.Bucket(chatsBucket).Get([]byte(key))
	if value == nil {
		return chat.Settings{}, nil
	}
	return decodeSettings(value)
}

func decodeSettings(value []byte) (chat.Settings, error) {
	var r settingsRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return chat.Settings{}, fmt.Errorf("decode: %w", err)
	}
	return chat.Settings(r), nil
}
