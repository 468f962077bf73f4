package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// What a file may bring is more than what a chat may ask for: chats that have moved have
// what was joined, and chats that have come back have coins that nobody else watched. A
// bot's own export must fit into the next one.
const (
	importLimit = 4
	importCoins = 2 * maxCoins
)

func (im *importing) apply(tx *bolt.Tx, in *imported) error {
	if in.change != nil {
		return im.addChange(tx, in)
	}
	if err := im.flush(tx); err != nil {
		return err
	}
	switch {
	case in.settings != nil:
		return im.applySettings(tx, in)
	case in.alerts != nil:
		return im.applyAlerts(tx, in)
	default:
		return im.applyMove(tx, in)
	}
}

// noted counts what became of a record.
func (im *importing) noted(o *Outcomes, had, changes bool) {
	im.changed = im.changed || changes
	switch {
	case !changes:
		o.Same++
	case had:
		o.Changed++
	default:
		o.New++
	}
}

func (im *importing) applySettings(tx *bolt.Tx, in *imported) error {
	key := []byte(chatKey(in.chat))
	value, err := json.Marshal(settingsRecord(*in.settings))
	if err != nil {
		return err
	}
	have := tx.Bucket(chatsBucket).Get(key)
	changes := have == nil || im.replace && !bytes.Equal(have, value)
	im.noted(&im.done.Settings, have != nil, changes)
	if !changes {
		return nil
	}
	return tx.Bucket(chatsBucket).Put(key, value)
}

func (im *importing) applyAlerts(tx *bolt.Tx, in *imported) error {
	t := resolve(tx, in.chat)
	value := tx.Bucket(alertsBucket).Get([]byte(chatKey(t)))
	had := value != nil
	before, err := decodeChatIfAny(value)
	if err != nil {
		return fmt.Errorf("is about a chat whose record here cannot be read: bot check --data --repair sets that aside: %w", err)
	}
	after := im.merged(&before, in.alerts, had)
	if err := im.renumber(tx, &before, &after); err != nil {
		return err
	}
	if err := im.affordable(t, &after); err != nil {
		return err
	}
	err = writeChat(tx, t, &before, &after)
	im.noted(&im.done.Alerts, had, err == nil)
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

// merged is what a chat has after the import.
func (im *importing) merged(before, in *alert.Chat, had bool) alert.Chat {
	if !had {
		return in.Clone()
	}
	if !im.replace {
		return join(*before, *in)
	}
	after := in.Clone()
	for i := range after.Levels {
		l := &after.Levels[i]
		l.ID = 0
		if n := slices.IndexFunc(before.Levels, func(o alert.Level) bool { return sameLevel(o, *l) }); n >= 0 {
			l.ID = before.Levels[n].ID
		}
	}
	return after
}

// renumber gives the levels of a chat their numbers: those that are there keep theirs, in a
// new store the others do as well, as buttons in old messages name them.
func (im *importing) renumber(tx *bolt.Tx, before, after *alert.Chat) error {
	levels := tx.Bucket(levelsBucket)
	distinctNumbers(after.Levels)
	for i := range after.Levels {
		l := &after.Levels[i]
		if l.ID == 0 || slices.ContainsFunc(before.Levels, func(o alert.Level) bool { return o.ID == l.ID && sameLevel(o, *l) }) {
			continue
		}
		if !im.keepNumbers || levels.Get(levelKey(l)) != nil {
			l.ID = 0
			continue
		}
		if l.ID > levels.Sequence() {
			if err := levels.SetSequence(l.ID); err != nil {
				return err
			}
		}
	}
	return numberLevels(tx, after.Levels)
}

// affordable refuses more than a chat, or the bot, can have.
func (im *importing) affordable(t chat.Target, c *alert.Chat) error {
	for _, part := range []struct {
		n, most int
		what    string
	}{
		{len(c.Subscriptions), alert.MaxSubscriptions, "subscriptions"},
		{len(c.Levels), alert.MaxLevels, "levels"},
		{len(c.Thresholds), maxThresholds, "thresholds"},
	} {
		if part.n > importLimit*part.most {
			return fmt.Errorf("gives a chat %d %s: want at most %d: %w", part.n, part.what, importLimit*part.most, alert.ErrTooMany)
		}
	}
	r := rowsOf(t, c)
	for coin := range r.coins() {
		im.coins[coin] = true
	}
	if len(im.coins) > importCoins {
		return fmt.Errorf("brings more than %d coins that are watched: %w", importCoins, alert.ErrTooManyCoins)
	}
	return nil
}

// applyMove remembers where a chat has gone, unless that would lead in a circle.
func (im *importing) applyMove(tx *bolt.Tx, in *imported) error {
	moved := tx.Bucket(movedBucket)
	from, to := []byte(chatKey(in.chat)), []byte(chatKey(*in.movedTo))
	have := bytes.Clone(moved.Get(from))
	changes := have == nil || im.replace && !bytes.Equal(have, to)
	if changes {
		if err := moved.Put(from, to); err != nil {
			return err
		}
	}
	if changes && circular(tx, in.chat) {
		changes = false
		err := moved.Delete(from)
		if have != nil {
			err = moved.Put(from, have)
		}
		if err != nil {
			return err
		}
	}
	im.noted(&im.done.Moves, have != nil, changes)
	return nil
}

// pendingLog are lines of one chat's log that are not written yet.
type pendingLog struct {
	chat  chat.Target
	lines []line
}

func (im *importing) addChange(tx *bolt.Tx, in *imported) error {
	if im.pending.chat != in.chat || len(im.pending.lines) >= 2*entriesKept {
		if err := im.flush(tx); err != nil {
			return err
		}
	}
	value, err := encodeEntry(*in.change)
	if err != nil {
		return err
	}
	im.pending.chat = in.chat
	im.pending.lines = append(im.pending.lines, line{value: value})
	return nil
}

// flush joins the lines of a chat with those that are there, in the order of time.
func (im *importing) flush(tx *bolt.Tx) error {
	lines := im.pending.lines
	if len(lines) == 0 {
		return nil
	}
	im.pending.lines = nil
	home := chatKey(resolve(tx, im.pending.chat))
	have := trail(tx, home)
	known := func(l line) bool {
		return slices.ContainsFunc(have, func(o line) bool { return bytes.Equal(o.value, l.value) })
	}
	all := slices.Concat(have, slices.DeleteFunc(slices.Clone(lines), known))
	if len(have) > 0 {
		slices.SortStableFunc(all, func(a, b line) int { return lineTime(a).Compare(lineTime(b)) })
	}
	all = all[max(0, len(all)-entriesKept):]
	fresh := 0
	for _, l := range all {
		if l.key == nil {
			im.noted(&im.done.Changes, false, true)
			fresh++
		}
	}
	im.done.Changes.Same += len(lines) - fresh
	if fresh == 0 {
		return nil
	}
	for _, row := range have {
		if err := tx.Bucket(auditBucket).Delete(row.key); err != nil {
			return err
		}
	}
	for _, row := range all {
		if err := appendTrail(tx, home, row.value); err != nil {
			return err
		}
	}
	return nil
}
