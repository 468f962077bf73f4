package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// What tests see of the inside.
const (
	ChunkSize   = chunkSize
	MaxWindow   = maxWindow
	MaxCoins    = maxCoins
	EventsKept  = eventsKept
	EntriesKept = entriesKept
)

// EncodeRecipients packs at most ChunkSize recipients of one platform.
func EncodeRecipients(to []alert.Recipient) []byte {
	var c chunk
	for i := range to {
		c.add(&to[i])
	}
	return c.encode()
}

var DecodeRecipients = decodeChunk

// RecodeHeader decodes a header of the outbox and encodes it again.
func RecodeHeader(row []byte) ([]byte, error) {
	e, err := decodeHeader(1, row)
	if err != nil {
		if e != nil {
			panic("a value beside an error")
		}
		return nil, err
	}
	e.left()
	return e.encode(), nil
}

// Header is the header of an entry that has come so far: of total recipients the
// first base are settled, then some are claimed, of which settled are.
func Header(total, base uint32, settled []bool, expires time.Time) []byte {
	e := entry{total: total, base: base, claimed: base, expires: expires}
	e.claim(uint32(len(settled)), expires)
	for i, done := range settled {
		if done && e.flies(base+uint32(i)) {
			e.settle(base + uint32(i))
		}
	}
	return e.encode()
}

// HeaderTold is the header of an entry of which some deliveries became messages.
func HeaderTold(messages ...string) []byte {
	e := entry{total: 100}
	e.claim(50, time.Unix(1, 0))
	for i, m := range messages {
		e.told = append(e.told, told{index: uint32(2 * i), message: m})
	}
	return e.encode()
}

// EncodeSubscription and DecodeSubscription are the rows of the index.
func EncodeSubscription(to alert.Recipient, threshold float64, mutedUntil time.Time) []byte {
	w := wish{to: to, threshold: threshold, mutedUntil: nanos(mutedUntil)}
	return w.encode()
}

func DecodeSubscription(row []byte) (to alert.Recipient, threshold float64, mutedUntil time.Time, err error) {
	w, err := decodeWish(row)
	return w.to, w.threshold, moment(w.mutedUntil), err
}

// RecodeDelivery decodes the row of a delivery and encodes it again.
func RecodeDelivery(row []byte) ([]byte, error) {
	a, err := decodeAttempt(chat.Telegram, alert.Ref{}, row)
	if err != nil {
		if a != nil {
			panic("a value beside an error")
		}
		return nil, err
	}
	return a.encode(), nil
}

// Seal adds the checksum of a row.
func Seal(body []byte) []byte { return seal(bytes.Clone(body)) }

// Fill adds records of many chats in few transactions.
func (s *Store) Fill(n int, make func(i int) (chat.Target, alert.Chat)) error {
	for from := 0; from < n; from += 20_000 {
		err := s.update(func(tx *bolt.Tx) error {
			for i := from; i < min(n, from+20_000); i++ {
				t, c := make(i)
				if err := numberLevels(tx, c.Levels); err != nil {
					return err
				}
				if err := writeChat(tx, t, &alert.Chat{}, &c); err != nil && !errors.Is(err, errNothing) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Flip changes a byte of each row of a bucket.
func (s *Store) Flip(bucket string) (int, error) {
	n := 0
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		var rows []line
		err := b.ForEach(func(key, value []byte) error {
			rows = append(rows, line{bytes.Clone(key), bytes.Clone(value)})
			return nil
		})
		for _, row := range rows {
			row.value[0] ^= 0xff
			err = errors.Join(err, b.Put(row.key, row.value))
		}
		n = len(rows)
		return err
	})
	return n, err
}

// Dump counts the rows of each bucket.
func (s *Store) Dump() (map[string]int, error) {
	out := map[string]int{}
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			out[string(name)] = b.Stats().KeyN
			return nil
		})
	})
	return out, err
}

// Index lists the rows of the index as text, to compare what is there with what the
// records say.
func (s *Store) Index() (have, want []string, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{subsBucket, levelsBucket} {
			if err := tx.Bucket(name).ForEach(func(key, row []byte) error {
				have = append(have, fmt.Sprintf("%s %q %x", name, key, row))
				return nil
			}); err != nil {
				return err
			}
		}
		return tx.Bucket(alertsBucket).ForEach(func(key, value []byte) error {
			c, err := decodeChat(value)
			platform, id, _ := bytes.Cut(key, []byte{0})
			all := rowsOf(chat.Target{Platform: chat.Platform(platform), Chat: string(id)}, &c)
			for k, row := range all.subscriptions {
				want = append(want, fmt.Sprintf("%s %q %x", subsBucket, k, row))
			}
			for k, row := range all.levels {
				want = append(want, fmt.Sprintf("%s %q %x", levelsBucket, k, row))
			}
			return err
		})
	})
	return have, want, err
}

// Txid is the number of the newest commit.
func (s *Store) Txid() (id int, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		id = tx.ID()
		return nil
	})
	return id, err
}

// Written is how many bytes of pages the commits so far wrote, a page of meta data
// for each included.
func (s *Store) Written() (n int64, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		stats := s.db.Stats().TxStats
		n = stats.GetPageAlloc() + int64(tx.ID()*s.db.Info().PageSize)
		return nil
	})
	return n, err
}

// AtStep calls f between the steps that change files.
func AtStep(f func(step string)) { atStep = f }

// ParseLine reads a line of an export and writes it anew.
func ParseLine(text []byte) ([]byte, error) {
	in, err := parseLine(text)
	if err != nil {
		if in != (imported{}) {
			panic("a value beside an error")
		}
		return nil, err
	}
	l, err := in.line()
	if err != nil {
		return nil, err
	}
	return json.Marshal(l)
}

// Spoil deletes and adds rows of a bucket.
func (s *Store) Spoil(bucket string, spoil func(get func(key []byte) []byte, first []byte, put func(key, value []byte) error, drop func(key []byte) error) error) error {
	return s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		key, _ := b.Cursor().First()
		return spoil(b.Get, bytes.Clone(key), b.Put, b.Delete)
	})
}
