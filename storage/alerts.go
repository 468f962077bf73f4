package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// maxCoins bounds the coins that are watched for all chats together: each is
// fetched again and again.
const maxCoins = 150

// maxThresholds bounds the thresholds of a chat, which may be for coins that it
// has no subscription to.
const maxThresholds = 100

// Alerts returns what a chat has asked for, the zero Chat for nothing. A topic has
// its chat's.
func (s *Store) Alerts(ctx context.Context, t chat.Target) (alert.Chat, error) {
	if err := ctx.Err(); err != nil {
		return alert.Chat{}, err
	}
	var found alert.Chat
	err := s.db.View(func(tx *bolt.Tx) error {
		var err error
		found, err = readChat(tx, resolve(tx, t))
		found.Home = resolveHome(tx, found.Home)
		return err
	})
	if err != nil {
		return alert.Chat{}, fmt.Errorf("read alerts: %w", err)
	}
	return found, nil
}

// ChangeAlerts lets a function change what a chat has asked for and returns it as
// it is kept, once it is on disk. An error of the function ends it without a change
// and is in the error. So is alert.ErrTooMany or alert.ErrTooManyCoins when more is
// asked for than can be; what is there already may stay. The entry goes to the log
// of the chat's Home if something has changed. The function must not call the
// Store.
func (s *Store) ChangeAlerts(ctx context.Context, t chat.Target, e chat.Entry, change func(*alert.Chat) error) (alert.Chat, error) {
	if err := errors.Join(ctx.Err(), checkTarget(t)); err != nil {
		return alert.Chat{}, fmt.Errorf("change alerts: %w", err)
	}
	var before, after alert.Chat
	err := s.update(func(tx *bolt.Tx) error {
		t := resolve(tx, t)
		var err error
		if before, err = readChat(tx, t); err != nil {
			return err
		}
		if after, err = changed(tx, &before, change); err != nil {
			return err
		}
		home := homeOf(t, &before, &after)
		if after, err = allowed(tx, t, &before, after); err != nil {
			return err
		}
		if len(before.Subscriptions)+len(before.Levels) > 0 && len(after.Subscriptions)+len(after.Levels) == 0 {
			// Whoever wants no alerts wants none of those that are held either.
			if _, err := dropHeld(tx, t); err != nil {
				return err
			}
		}
		err = writeChat(tx, t, &before, &after)
		after.Home = resolveHome(tx, after.Home)
		if err != nil {
			return err
		}
		was, is, err := recordsOf(&before, &after)
		if err != nil {
			return err
		}
		home = resolve(tx, home)
		u := undoRecord{Chat: chatKey(ownerOf(t)), Entry: recordEntry(e)}
		return errors.Join(s.remind(tx, home, u, was, is), s.log(tx, home, e))
	})
	if err != nil {
		return alert.Chat{}, fmt.Errorf("change alerts: %w", err)
	}
	s.tellPlanned(t.Platform, &before, &after)
	return after, nil
}

// changed lets a function change a chat, which it sees with the home as it is now.
// That the home has moved is no change of the chat's.
func changed(tx *bolt.Tx, before *alert.Chat, change func(*alert.Chat) error) (alert.Chat, error) {
	after := before.Clone()
	home := resolveHome(tx, before.Home)
	after.Home = home
	if err := change(&after); err != nil {
		return alert.Chat{}, err
	}
	if after.Home == home {
		after.Home = before.Home
	}
	return after, nil
}

// homeOf is the chat whose log tells of a change. A chat that asks for nothing any
// more still has its home.
func homeOf(t chat.Target, before, after *alert.Chat) chat.Target {
	for _, c := range []*alert.Chat{after, before} {
		if c.Home != (chat.Target{}) {
			return c.Home
		}
	}
	return t
}

// allowed returns a changed chat as it is kept, or why it cannot be.
func allowed(tx *bolt.Tx, t chat.Target, before *alert.Chat, after alert.Chat) (alert.Chat, error) {
	if after.Empty() {
		return alert.Chat{}, nil
	}
	if err := checkChat(&after); err != nil {
		return alert.Chat{}, err
	}
	if err := grown(before, &after); err != nil {
		return alert.Chat{}, err
	}
	if err := numberLevels(tx, after.Levels); err != nil {
		return alert.Chat{}, err
	}
	if err := affordable(tx, rowsOf(t, before), rowsOf(t, &after)); err != nil {
		return alert.Chat{}, err
	}
	value, err := encodeChat(&after)
	if err != nil {
		return alert.Chat{}, err
	}
	return decodeChat(value)
}

// grown checks what a chat asks for now against what it asked for before.
func grown(before, after *alert.Chat) error {
	for _, part := range []struct {
		before, after, most int
		what                string
	}{
		{len(before.Subscriptions), len(after.Subscriptions), alert.MaxSubscriptions, "subscriptions"},
		{len(before.Levels), len(after.Levels), alert.MaxLevels, "levels"},
		{len(before.Thresholds), len(after.Thresholds), maxThresholds, "thresholds"},
	} {
		if part.after > part.most && part.after > part.before {
			return fmt.Errorf("%d %s: %w", part.after, part.what, alert.ErrTooMany)
		}
	}
	return nil
}

// numberLevels gives an ID to each level that has none.
func numberLevels(tx *bolt.Tx, levels []alert.Level) error {
	for i := range levels {
		if levels[i].ID != 0 {
			continue
		}
		id, err := tx.Bucket(levelsBucket).NextSequence()
		if err != nil {
			return err
		}
		levels[i].ID = id
	}
	return nil
}

// affordable refuses coins that nobody has asked for yet when there are too many.
func affordable(tx *bolt.Tx, before, after rows) error {
	had := before.coins()
	added := 0
	for coin := range after.coins() {
		if !had[coin] && !isWatched(tx, coin) {
			added++
		}
	}
	if added > 0 && len(watched(tx))+added > maxCoins {
		return alert.ErrTooManyCoins
	}
	return nil
}

// Left notes that a chat cannot be reached: nothing is sent there until Back, and
// what it has asked for is kept. reason is a constant phrase. It may be called
// again.
func (s *Store) Left(ctx context.Context, t chat.Target, reason string) error {
	news := func(record []byte) bool { return !bytes.Contains(record, retiredField) }
	return s.amend(ctx, t, "retire chat", news, func(c *alert.Chat) { s.retire(c, reason) })
}

// Back notes that a chat can be reached and written to again. It writes nothing
// where that is no news.
func (s *Store) Back(ctx context.Context, t chat.Target) error {
	news := func(record []byte) bool {
		return bytes.Contains(record, retiredField) || bytes.Contains(record, barredField)
	}
	return s.amend(ctx, t, "revive chat", news, revive)
}

// How the fields look in a record: no text in a record has a bare quote.
var (
	retiredField = []byte(`"retired":`)
	barredField  = []byte(`"barred":`)
)

func (s *Store) retire(c *alert.Chat, reason string) {
	if c.Retired == (alert.Retirement{}) {
		c.Retired = alert.Retirement{At: s.now().UTC(), Reason: clip(reason, maxReason)}
	}
}

func revive(c *alert.Chat) {
	c.Retired = alert.Retirement{}
	for i := range c.Subscriptions {
		if c.Subscriptions[i].Barred {
			c.Subscriptions[i].Barred, c.Subscriptions[i].Paused = false, false
		}
	}
}

// bar pauses what goes to a topic where the bot may not write.
func bar(c *alert.Chat, thread string) {
	for i := range c.Subscriptions {
		if c.Subscriptions[i].Thread == thread && !c.Subscriptions[i].Paused { // what a member has paused stays that
			c.Subscriptions[i].Barred, c.Subscriptions[i].Paused = true, true
		}
	}
}

// amend changes the record of a chat that has one. It begins with a look whether
// that is news, which waits for no writer: mostly it is not.
func (s *Store) amend(ctx context.Context, t chat.Target, what string, news func([]byte) bool, change func(*alert.Chat)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	needed := false
	err := s.db.View(func(tx *bolt.Tx) error {
		record := tx.Bucket(alertsBucket).Get([]byte(chatKey(t)))
		needed = record != nil && news(record)
		return nil
	})
	if err == nil && needed {
		err = s.update(func(tx *bolt.Tx) error { return amendIn(tx, t, change) })
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// amendIn changes the record of a chat that has one; errNothing when that makes no
// difference.
func amendIn(tx *bolt.Tx, t chat.Target, change func(*alert.Chat)) error {
	value := tx.Bucket(alertsBucket).Get([]byte(chatKey(t)))
	if value == nil {
		return errNothing
	}
	before, err := decodeChat(value)
	if err != nil {
		return err
	}
	after := before.Clone()
	change(&after)
	return writeChat(tx, t, &before, &after)
}

// differ returns what is to be kept and whether it is something else than before.
func differ(before, after *alert.Chat) (value []byte, changed bool, err error) {
	old, err := encodeChat(before)
	if err != nil {
		return nil, false, err
	}
	value, err = encodeChat(after)
	return value, !bytes.Equal(old, value), err
}

// readChat returns the zero Chat for a chat without a record.
func readChat(tx *bolt.Tx, t chat.Target) (alert.Chat, error) {
	return decodeChatIfAny(tx.Bucket(alertsBucket).Get([]byte(chatKey(t))))
}

func decodeChatIfAny(value []byte) (alert.Chat, error) {
	if value == nil {
		return alert.Chat{}, nil
	}
	return decodeChat(value)
}

// writeChat keeps a chat's record, its rows in the index and its share of the
// census; errNothing when nothing has changed.
func writeChat(tx *bolt.Tx, t chat.Target, before, after *alert.Chat) error {
	t.Thread = ""
	value, changed, err := differ(before, after)
	if err != nil {
		return err
	}
	if !changed {
		return errNothing
	}
	key := []byte(chatKey(t))
	if after.Empty() {
		err = tx.Bucket(alertsBucket).Delete(key)
	} else {
		err = tx.Bucket(alertsBucket).Put(key, value)
	}
	if err != nil {
		return err
	}
	old, fresh := rowsOf(t, before), rowsOf(t, after)
	if err := replace(tx.Bucket(subsBucket), old.subscriptions, fresh.subscriptions); err != nil {
		return err
	}
	if err := replace(tx.Bucket(levelsBucket), old.levels, fresh.levels); err != nil {
		return err
	}
	if err := shiftEdges(tx, old, fresh); err != nil {
		return err
	}
	if err := planDigest(tx, t, before, after); err != nil {
		return err
	}
	if err := reviewHeld(tx, t, before, after); err != nil {
		return err
	}
	difference := countOf(after, fresh)
	difference.subtract(countOf(before, old))
	return difference.save(tx)
}

// reviewHeld looks after what is held for a chat whose wishes have changed.
func reviewHeld(tx *bolt.Tx, t chat.Target, before, after *alert.Chat) error {
	switch {
	case after.Retired != (alert.Retirement{}):
		_, err := dropHeld(tx, t)
		return err
	case before.Terms != after.Terms || after.MutedUntil.Before(before.MutedUntil):
		return hurryHeld(tx, t)
	default:
		return nil
	}
}

// countOf is a chat's share of the census.
func countOf(c *alert.Chat, r rows) count {
	out := count{subscriptions: uint64(len(r.subscriptions)), levels: uint64(len(r.levels))}
	switch {
	case c.Retired != (alert.Retirement{}):
		out.retired = 1
	case len(c.Subscriptions)+len(c.Levels) > 0:
		out.chats = 1
	}
	return out
}

func (c *count) subtract(o count) {
	for i, slot := range o.slots() {
		*c.slots()[i] -= *slot
	}
}
