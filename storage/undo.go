package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// undoKept bounds the changes of a chat that can be taken back.
const undoKept = 5

// undoRecord is a change that can be taken back: the fields of a record that it changed,
// as they were before and after, null for a field that was not there.
type undoRecord struct {
	// Chat is the key of the record, Settings says which of its two.
	Chat     string                     `json:"chat"`
	Settings bool                       `json:"settings,omitempty"`
	Before   map[string]json.RawMessage `json:"before"`
	After    map[string]json.RawMessage `json:"after"`
	Entry    entryRecord                `json:"entry"`
}

// untouched are the fields that no member sets: a change of theirs alone is none.
var untouched = []string{"home", "kind", "language", "retired", "since"}

// remind keeps what a change replaced, to be taken back.
func (s *Store) remind(tx *bolt.Tx, home chat.Target, change undoRecord, before, after []byte) error {
	if change.Entry.Change == "" {
		return nil
	}
	var err error
	if change.Before, change.After, err = changedFields(before, after, change.Settings); err != nil || len(change.After) == 0 {
		return err
	}
	if change.Entry.At.IsZero() {
		change.Entry.At = s.now().UTC()
	}
	key := []byte(chatKey(home))
	all := append(readUndo(tx, key), change)
	return writeUndo(tx, key, all[max(0, len(all)-undoKept):])
}

func readUndo(tx *bolt.Tx, key []byte) []undoRecord {
	var all []undoRecord
	if row := tx.Bucket(undoBucket).Get(key); row != nil {
		if err := json.Unmarshal(row, &all); err != nil {
			return nil
		}
	}
	return all
}

func writeUndo(tx *bolt.Tx, key []byte, all []undoRecord) error {
	if len(all) == 0 {
		return tx.Bucket(undoBucket).Delete(key)
	}
	row, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("encode undo: %w", err)
	}
	return tx.Bucket(undoBucket).Put(key, row)
}

// changedFields compares two records field by field.
func changedFields(before, after []byte, settings bool) (was, is map[string]json.RawMessage, err error) {
	old, err := fieldsOf(before)
	if err != nil {
		return nil, nil, err
	}
	fresh, err := fieldsOf(after)
	if err != nil {
		return nil, nil, err
	}
	was, is = map[string]json.RawMessage{}, map[string]json.RawMessage{}
	all := maps.Clone(old)
	maps.Copy(all, fresh)
	for name := range all {
		if bytes.Equal(old[name], fresh[name]) || skips(name, settings) {
			continue
		}
		was[name], is[name] = old[name], fresh[name]
	}
	return was, is, nil
}

// skips reports whether a field does not count. Of the settings the language does.
func skips(name string, settings bool) bool {
	return slices.Contains(untouched, name) && (!settings || name != "language")
}

func fieldsOf(record []byte) (map[string]json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	if len(record) == 0 {
		return fields, nil
	}
	if err := json.Unmarshal(record, &fields); err != nil {
		return nil, fmt.Errorf("%w: %w", errWire, err)
	}
	return fields, nil
}

// Undo takes the newest change of a chat back, if what it changed is still as it left it,
// and returns it. seen is the line of the log that is meant, the zero Entry whatever is
// newest. The error wraps chat.ErrNoChange or chat.ErrChanged where that is the reason; then
// nothing has changed, but a change whose work is no more is not offered again. e is the line
// for the log.
func (s *Store) Undo(ctx context.Context, home chat.Target, seen, e chat.Entry) (chat.Entry, error) {
	if err := ctx.Err(); err != nil {
		return chat.Entry{}, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	var undone undoRecord
	var settings chat.Settings
	refused := error(nil)
	err := s.update(func(tx *bolt.Tx) error {
		home := resolve(tx, home)
		key := []byte(chatKey(home))
		all := readUndo(tx, key)
		if len(all) == 0 {
			return chat.ErrNoChange
		}
		undone = all[len(all)-1]
		if seen.Change != "" && (!undone.Entry.At.Equal(seen.At) || undone.Entry.Change != seen.Change) {
			return chat.ErrChanged
		}
		if refused = s.restore(tx, undone); errors.Is(refused, errNothing) {
			refused = nil
		}
		switch {
		case errors.Is(refused, chat.ErrChanged):
			return writeUndo(tx, key, all[:len(all)-1])
		case refused != nil:
			return refused
		}
		e.Args = append(append(e.Args, "what", undone.Entry.Change), undone.Entry.Args...)
		err := errors.Join(writeUndo(tx, key, all[:len(all)-1]), s.log(tx, home, e))
		if undone.Settings && err == nil {
			settings, err = readSettings(tx, undone.Chat)
		}
		return err
	})
	if err = errors.Join(err, refused); err != nil {
		return undone.Entry.entry(), fmt.Errorf("take a change back: %w", err)
	}
	if undone.Settings {
		s.settings.Load().Store(undone.Chat, settings)
	}
	if f := s.planned.Load(); f != nil {
		(*f)(home.Platform)
	}
	return undone.Entry.entry(), nil
}

// restore puts the fields of a record back.
func (s *Store) restore(tx *bolt.Tx, u undoRecord) error {
	bucket := alertsBucket
	if u.Settings {
		bucket = chatsBucket
	}
	now := bytes.Clone(tx.Bucket(bucket).Get([]byte(u.Chat)))
	fields, err := fieldsOf(now)
	if err != nil {
		return err
	}
	for name, left := range u.After {
		if !sameField(fields[name], left) {
			return chat.ErrChanged
		}
		if was := u.Before[name]; len(was) == 0 || string(was) == "null" {
			delete(fields, name)
		} else {
			fields[name] = was
		}
	}
	record, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if u.Settings {
		if _, err := decodeSettings(record); err != nil {
			return err
		}
		if err := tx.Bucket(chatsBucket).Put([]byte(u.Chat), record); err != nil {
			return err
		}
		if t, ok := splitChatKey(u.Chat); ok && len(u.After["time_zone"])+len(u.Before["time_zone"]) > 0 {
			return replanZone(tx, t)
		}
		return nil
	}
	before, err := decodeChatIfAny(now)
	if err != nil {
		return err
	}
	after, err := decodeChat(record)
	if err != nil {
		return err
	}
	t, ok := splitChatKey(u.Chat)
	if !ok {
		return chat.ErrChanged
	}
	return writeChat(tx, t, &before, &after)
}

// sameField compares a field with what it was left as; one that is not there is null.
func sameField(now, left json.RawMessage) bool {
	if len(now) == 0 {
		return len(left) == 0 || string(left) == "null"
	}
	return bytes.Equal(now, left)
}

func splitChatKey(key string) (chat.Target, bool) {
	platform, id, ok := bytes.Cut([]byte(key), []byte{0})
	return chat.Target{Platform: chat.Platform(platform), Chat: string(id)}, ok
}

// recordsOf are a chat's alerts as they are kept, before and after a change.
func recordsOf(before, after *alert.Chat) (was, is []byte, err error) {
	if was, err = encodeChat(before); err != nil {
		return nil, nil, err
	}
	is, err = encodeChat(after)
	return was, is, err
}
