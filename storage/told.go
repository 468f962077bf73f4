package storage

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// Which message a delivery of a breakout became stands in the header of its entry, which
// is written with every commit anyway, until there are enough of them for a row of their
// own: rows of a few at a time would double what a delivery costs the disk.

const (
	// toldAtOnce is how many messages get a row, toldAtMost the most that a header is
	// believed to have.
	toldAtOnce = 64
	toldAtMost = toldAtOnce + widestWindow
)

// told is the message that a delivery became.
type told struct {
	index   uint32
	message string
}

// told notes which message a delivery became. A chunk that is gone cannot be asked any more
// whom it went to: such a delivery, which waited for long, gets a row at once.
func (l *lane) told(e *entry, r *alert.Result) error {
	d := &r.Delivery
	if r.Message == "" || d.Alert == nil || d.Alert.Rule != alert.Breakout {
		return nil
	}
	message := clip(r.Message, maxChatID)
	if d.Ref.Index/chunkSize < e.swept {
		var one chunk
		to := d.To
		to.ReplyTo = message
		one.add(&to)
		l.changed = true
		return putPosted(l.tx, l.platform, postedKey(d.Alert.At, d.Ref), &one)
	}
	e.told = append(e.told, told{index: d.Ref.Index, message: message})
	l.touched[e] = true
	return nil
}

// keepTold gives the messages in an entry's header a row, with the chats that they went to.
// Where those or the alert cannot be read there will be no follow-up.
func keepTold(tx *bolt.Tx, p chat.Platform, e *entry, news *alert.Alert) error {
	slices.SortFunc(e.told, func(a, b told) int { return cmp.Compare(a.index, b.index) })
	var row chunk
	for all := e.told; len(all) > 0; {
		number := all[0].index / chunkSize
		n := 1
		for n < len(all) && all[n].index/chunkSize == number {
			n++
		}
		first, last := all[0].index, all[n-1].index
		to, err := decodeChunk(p, tx.Bucket(recipientsBucket).Get(chunkKey(e.id, number)), int(first%chunkSize), int(last-first+1))
		for _, t := range all[:n] {
			if err == nil {
				to[t.index-first].ReplyTo = t.message
				row.add(&to[t.index-first])
			}
		}
		all = all[n:]
	}
	key := alert.Ref{Entry: e.id, Index: e.told[0].index}
	e.told = nil
	if row.n == 0 || news == nil {
		return nil
	}
	return putPosted(tx, p, postedKey(news.At, key), &row)
}

// keepTold does it for an entry of the lane.
func (l *lane) keepTold(e *entry) error {
	news, err := l.store.news.read(l.tx, e.id)
	if err != nil {
		news = nil
	}
	return keepTold(l.tx, l.platform, e, news)
}

// keepAllTold does it for the entries of a platform, or for one of them if id is not 0.
func (s *Store) keepAllTold(tx *bolt.Tx, p chat.Platform, id uint64) error {
	l := &lane{store: s, tx: tx, platform: p, touched: map[*entry]bool{}}
	prefix := lanePrefix(p)
	cursor := tx.Bucket(outboxBucket).Cursor()
	for key, row := cursor.Seek(prefix); hasPrefix(key, prefix); key, row = cursor.Next() {
		e, err := readHeader(key[len(prefix):], row)
		if err == nil && len(e.told) > 0 && (id == 0 || e.id == id) {
			l.entries = append(l.entries, e)
		}
	}
	for _, e := range l.entries {
		if err := l.keepTold(e); err != nil {
			return err
		}
		if err := tx.Bucket(outboxBucket).Put(headerKey(p, e.id), e.encode()); err != nil {
			return err
		}
	}
	return nil
}

// appendTold packs messages; most are numbers.
func appendTold(row []byte, all []told) []byte {
	row = binary.AppendUvarint(row, uint64(len(all)))
	for _, t := range all {
		row = binary.AppendUvarint(row, uint64(t.index))
		n, err := strconv.ParseUint(t.message, 10, 64)
		if err == nil && n > 0 && strconv.FormatUint(n, 10) == t.message {
			row = binary.AppendUvarint(row, n)
			continue
		}
		row = appendString(binary.AppendUvarint(row, 0), t.message)
	}
	return row
}

func (e *entry) readTold(r *reader) error {
	n := r.uvarint()
	if n == 0 || n > toldAtMost {
		return fmt.Errorf("messages: %w", errWire)
	}
	for range n {
		t := told{index: r.small()}
		if number := r.uvarint(); number > 0 {
			t.message = strconv.FormatUint(number, 10)
		} else {
			t.message = r.string()
		}
		if r.broken || t.index >= e.claimed {
			return fmt.Errorf("messages: %w", errWire)
		}
		e.told = append(e.told, t)
	}
	return nil
}
