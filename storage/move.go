package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// maxHops bounds how often one chat has moved.
const maxHops = 8

// Move gives everything of a chat to another id of the same chat: settings, alerts
// and the log of changes. What the new id has already is kept and joined; where both
// have chosen, the new id's choice counts. What is still on its way to the old id
// goes to the new one. It may be called again.
func (s *Store) Move(ctx context.Context, from, to chat.Target) error {
	if err := errors.Join(ctx.Err(), checkTarget(from), checkTarget(to)); err != nil {
		return fmt.Errorf("move chat: %w", err)
	}
	from.Thread, to.Thread = "", ""
	if from == to {
		return nil
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	var settings movedSettings
	err := s.update(func(tx *bolt.Tx) error {
		var err error
		if settings, err = moveSettings(tx, from, to); err != nil {
			return err
		}
		steps := []func(*bolt.Tx, chat.Target, chat.Target) (bool, error){moveAlerts, moveLog, moveHeld, moveUndo, movePaces, alias}
		changed := make([]bool, 1+len(steps))
		changed[0] = settings.moved
		for i, step := range steps {
			if changed[i+1], err = step(tx, from, to); err != nil {
				return err
			}
		}
		if !slices.Contains(changed, true) {
			return errNothing
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("move chat: %w", err)
	}
	if settings.moved {
		s.settings.Load().Store(chatKey(from), chat.Settings{})
		s.settings.Load().Store(chatKey(to), settings.now)
	}
	return nil
}

type movedSettings struct {
	moved bool
	// now are the settings of the new id.
	now chat.Settings
}

func moveSettings(tx *bolt.Tx, from, to chat.Target) (movedSettings, error) {
	source, target := chatKey(from), chatKey(to)
	chats := tx.Bucket(chatsBucket)
	value := chats.Get([]byte(source))
	if value == nil {
		return movedSettings{}, nil
	}
	if chats.Get([]byte(target)) == nil {
		if err := chats.Put([]byte(target), bytes.Clone(value)); err != nil {
			return movedSettings{}, err
		}
	}
	now, err := readSettings(tx, target)
	if err != nil {
		return movedSettings{}, err
	}
	return movedSettings{moved: true, now: now}, chats.Delete([]byte(source))
}

func moveAlerts(tx *bolt.Tx, from, to chat.Target) (bool, error) {
	old, err := readChat(tx, from)
	if err != nil || old.Empty() {
		return false, err
	}
	before, err := readChat(tx, to)
	if err != nil {
		return false, err
	}
	after := join(before, old)
	// The old record goes first: a level keeps its ID and with it its row's key.
	if err := writeChat(tx, from, &old, &alert.Chat{}); err != nil {
		return false, err
	}
	if err := writeChat(tx, to, &before, &after); err != nil && !errors.Is(err, errNothing) {
		return false, err
	}
	return true, nil
}

// join adds to a chat what an older id of it asked for. That the older id cannot be
// reached says nothing of the new one.
func join(c, old alert.Chat) alert.Chat {
	out := c.Clone()
	if out.Home == (chat.Target{}) {
		out.Home = old.Home
	}
	if out.Kind == 0 {
		out.Kind = old.Kind
	}
	if out.Language == "" {
		out.Language = old.Language
	}
	if out.MutedUntil.IsZero() {
		out.MutedUntil = old.MutedUntil
	}
	if out.Terms == (alert.Terms{}) {
		out.Terms = old.Terms
	}
	out.Subscriptions = distinct(append(out.Subscriptions, old.Subscriptions...))
	for _, l := range old.Levels {
		if !slices.ContainsFunc(out.Levels, func(o alert.Level) bool { return sameLevel(o, l) }) {
			out.Levels = append(out.Levels, l)
		}
	}
	for _, t := range old.Thresholds {
		if out.Threshold(t.Rule, t.Coin) == 0 {
			out.Thresholds = append(out.Thresholds, t)
		}
	}
	return out
}

func sameLevel(a, b alert.Level) bool {
	return a.Coin == b.Coin && a.USD == b.USD && a.Rising == b.Rising && a.Thread == b.Thread && a.Repeat == b.Repeat
}

func moveLog(tx *bolt.Tx, from, to chat.Target) (bool, error) {
	return moveTrail(tx, chatKey(from), chatKey(to))
}

// moveHeld gives what is held, and when it is due, to the new id.
func moveHeld(tx *bolt.Tx, from, to chat.Target) (bool, error) {
	held, prefix := tx.Bucket(heldBucket), []byte(chatKey(from)+"\x00")
	var rows []line
	cursor := held.Cursor()
	for key, row := cursor.Seek(prefix); hasPrefix(key, prefix); key, row = cursor.Next() {
		rows = append(rows, line{bytes.Clone(key), bytes.Clone(row)})
	}
	for _, row := range rows {
		key := append([]byte(chatKey(to)+"\x00"), row.key[len(prefix):]...)
		if err := errors.Join(held.Delete(row.key), held.Put(key, row.value)); err != nil {
			return false, err
		}
	}
	moved, err := moveErrands(tx, from, to)
	return moved || len(rows) > 0, err
}

// moveErrands gives what is due to the new id, which keeps what is due there earlier.
func moveErrands(tx *bolt.Tx, from, to chat.Target) (bool, error) {
	all := errands(tx, []byte(chatKey(from)+"\x00"))
	for _, e := range all {
		at, clock := planned(tx, e)
		moved := e
		moved.target.Platform, moved.target.Chat = to.Platform, to.Chat
		if err := errors.Join(plan(tx, e, time.Time{}), planBy(tx, moved, at, clock)); err != nil {
			return false, err
		}
	}
	return len(all) > 0, nil
}

// moveUndo gives the changes that can be taken back to the new id.
func moveUndo(tx *bolt.Tx, from, to chat.Target) (bool, error) {
	key := []byte(chatKey(from))
	all := readUndo(tx, key)
	if len(all) == 0 {
		return false, nil
	}
	for i := range all {
		if all[i].Chat == chatKey(from) {
			all[i].Chat = chatKey(to)
		}
	}
	all = append(all, readUndo(tx, []byte(chatKey(to)))...)
	return true, errors.Join(writeUndo(tx, key, nil), writeUndo(tx, []byte(chatKey(to)), all[max(0, len(all)-undoKept):]))
}

// movePaces gives what a chat was told lately to the new id.
func movePaces(tx *bolt.Tx, from, to chat.Target) (bool, error) {
	paces, key := tx.Bucket(pacesBucket), []byte(chatKey(from))
	row := bytes.Clone(paces.Get(key))
	if row == nil {
		return false, nil
	}
	if paces.Get([]byte(chatKey(to))) == nil {
		if err := paces.Put([]byte(chatKey(to)), row); err != nil {
			return false, err
		}
	}
	return true, paces.Delete(key)
}

// alias remembers the new id for what is on its way to the old one.
func alias(tx *bolt.Tx, from, to chat.Target) (bool, error) {
	moved := tx.Bucket(movedBucket)
	source, target := []byte(chatKey(from)), []byte(chatKey(to))
	if bytes.Equal(moved.Get(source), target) {
		return false, nil
	}
	return true, errors.Join(moved.Delete(target), moved.Put(source, target))
}

// resolveHome follows a chat's home; none stays none.
func resolveHome(tx *bolt.Tx, home chat.Target) chat.Target {
	if home == (chat.Target{}) {
		return home
	}
	return resolve(tx, home)
}

// resolve follows a chat to the id that it has now. The topic stays.
func resolve(tx *bolt.Tx, t chat.Target) chat.Target {
	for range maxHops {
		value := tx.Bucket(movedBucket).Get([]byte(chatKey(t)))
		platform, id, ok := bytes.Cut(value, []byte{0})
		if !ok {
			break
		}
		t.Platform, t.Chat = chat.Platform(platform), string(id)
	}
	return t
}
