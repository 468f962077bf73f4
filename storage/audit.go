package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"

	"liqbot/chat"
)

// Bounds of a chat's log of changes; lengths in bytes.
const (
	entriesKept = 100
	maxName     = 64
	maxArg      = 128
	maxArgs     = 16
)

// entryRecord is how a line of a chat's log stands in the file. Fields are only
// ever added.
type entryRecord struct {
	At       time.Time     `json:"at"`
	Platform chat.Platform `json:"platform,omitempty"`
	Member   string        `json:"member,omitempty"`
	Name     string        `json:"name,omitempty"`
	Change   string        `json:"change"`
	Args     []string      `json:"args,omitempty"`
}

// Log lists the newest n changes of a chat, the newest first. At most 100 are
// kept. home is the chat that a record names as its Home, or the chat itself.
func (s *Store) Log(ctx context.Context, home chat.Target, n int) ([]chat.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var entries []chat.Entry
	err := s.db.View(func(tx *bolt.Tx) error {
		rows := trail(tx, chatKey(resolve(tx, home)))
		for _, row := range slices.Backward(rows) {
			if len(entries) >= n {
				return nil
			}
			// A line that cannot be read must not hide the others.
			if e, err := decodeEntry(row.value); err == nil {
				entries = append(entries, e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read log of changes: %w", err)
	}
	return entries, nil
}

// log adds a line to a chat's log; one without a Change is nothing to tell.
func (s *Store) log(tx *bolt.Tx, home chat.Target, e chat.Entry) error {
	if e.Change == "" {
		return nil
	}
	if e.At.IsZero() {
		e.At = s.now()
	}
	value, err := encodeEntry(e)
	if err != nil {
		return err
	}
	key := chatKey(home)
	if err := appendTrail(tx, key, value); err != nil {
		return err
	}
	return cutTrail(tx, key)
}

// line is a row of a chat's log.
type line struct{ key, value []byte }

// trail are the rows of a chat's log, the oldest first. They are copies.
func trail(tx *bolt.Tx, home string) []line {
	var rows []line
	prefix := []byte(home + "\x00")
	cursor := tx.Bucket(auditBucket).Cursor()
	for key, value := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
		if len(key) == len(prefix)+8 {
			rows = append(rows, line{bytes.Clone(key), bytes.Clone(value)})
		}
	}
	return rows
}

func appendTrail(tx *bolt.Tx, home string, value []byte) error {
	audit := tx.Bucket(auditBucket)
	n, err := audit.NextSequence()
	if err != nil {
		return err
	}
	return audit.Put(binary.BigEndian.AppendUint64([]byte(home+"\x00"), n), value)
}

// cutTrail forgets the oldest lines.
func cutTrail(tx *bolt.Tx, home string) error {
	rows := trail(tx, home)
	for _, row := range rows[:max(0, len(rows)-entriesKept)] {
		if err := tx.Bucket(auditBucket).Delete(row.key); err != nil {
			return err
		}
	}
	return nil
}

// moveTrail puts the log of one chat into that of another, in the order of time.
func moveTrail(tx *bolt.Tx, from, to string) (moved bool, err error) {
	old := trail(tx, from)
	if len(old) == 0 {
		return false, nil
	}
	all := slices.Concat(old, trail(tx, to))
	for _, row := range all {
		if err := tx.Bucket(auditBucket).Delete(row.key); err != nil {
			return false, err
		}
	}
	slices.SortStableFunc(all, func(a, b line) int { return lineTime(a).Compare(lineTime(b)) })
	for _, row := range all[max(0, len(all)-entriesKept):] {
		if err := appendTrail(tx, to, row.value); err != nil {
			return false, err
		}
	}
	return true, nil
}

func lineTime(l line) time.Time {
	e, err := decodeEntry(l.value)
	if err != nil {
		return time.Time{}
	}
	return e.At
}

// recordEntry is a line of a log as it is kept.
func recordEntry(e chat.Entry) entryRecord {
	r := entryRecord{
		At: e.At.UTC(), Platform: chat.Platform(clip(string(e.Member.Platform), maxPlatform)), Member: clip(e.Member.ID, maxChatID),
		Name: clip(e.Name, maxName), Change: clip(e.Change, maxName),
	}
	for _, arg := range e.Args[:min(len(e.Args), maxArgs)] {
		r.Args = append(r.Args, clip(arg, maxArg))
	}
	return r
}

func (r entryRecord) entry() chat.Entry {
	return chat.Entry{At: r.At, Member: chat.Member{Platform: r.Platform, ID: r.Member}, Name: r.Name, Change: r.Change, Args: r.Args}
}

func encodeEntry(e chat.Entry) ([]byte, error) {
	value, err := json.Marshal(recordEntry(e))
	if err != nil {
		return nil, fmt.Errorf("encode log entry: %w", err)
	}
	return value, nil
}

func decodeEntry(value []byte) (chat.Entry, error) {
	var r entryRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return chat.Entry{}, fmt.Errorf("decode log entry: %w", err)
	}
	return r.entry(), nil
}

// clip makes a text valid UTF-8 without control and format characters, which
// could hide or turn around what stands beside them, and at most so many bytes
// long.
func clip(s string, limit int) string {
	// Far more than the limit is not looked at.
	s = s[:min(len(s), 4*limit)]
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs) {
			return -1
		}
		return r
	}, s)
	for len(s) > limit {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
