package storage

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// lookedAt is an entry of the outbox while it is inspected.
type lookedAt struct {
	*entry
	platform chat.Platform
	// own counts the rows of its deliveries, held the chunks that are there.
	own, held uint32
}

// outboxRows are the buckets whose rows belong to an entry of the outbox.
var outboxRows = [][]byte{newsBucket, recipientsBucket, waitingBucket, flyingBucket}

// entryOf is the entry that a row of one of outboxRows belongs to, nil for none.
func entryOf(entries map[uint64]*lookedAt, bucket, key []byte) *lookedAt {
	switch string(bucket) {
	case string(newsBucket):
		if len(key) == 8 {
			return entries[binary.BigEndian.Uint64(key)]
		}
		return nil
	case string(recipientsBucket):
		if len(key) != 12 {
			return nil
		}
		e, number := entries[binary.BigEndian.Uint64(key)], binary.BigEndian.Uint32(key[8:])
		if e == nil || number < e.swept || number >= e.chunks() {
			return nil
		}
		return e
	case string(waitingBucket):
		return delivering(entries, key, 8)
	default:
		return delivering(entries, key, 0)
	}
}

// delivering is the entry of a row of a single delivery.
func delivering(entries map[uint64]*lookedAt, key []byte, before int) *lookedAt {
	platform, ref, ok := refOf(key, before)
	e := entries[ref.Entry]
	if !ok || e == nil || e.platform != platform || ref.Index >= e.claimed || e.flies(ref.Index) {
		return nil
	}
	return e
}

// headers reads the entries of the outbox; those that cannot be read go to bad.
func headers(tx *bolt.Tx, bad func(key []byte)) (map[uint64]*lookedAt, error) {
	entries := map[uint64]*lookedAt{}
	err := tx.Bucket(outboxBucket).ForEach(func(key, row []byte) error {
		e, err := readHeader(key[max(0, len(key)-8):], row)
		if err != nil || len(key) < 10 || entries[e.id] != nil {
			bad(key)
			return nil //nolint:nilerr // told to bad
		}
		entries[e.id] = &lookedAt{entry: e, platform: chat.Platform(key[:len(key)-9])}
		return nil
	})
	return entries, err
}

// outbox compares the headers with their alerts, recipients and deliveries.
func (i *inspection) outbox() error {
	entries, err := headers(i.tx, func(key []byte) { i.fault("outbox", "headers cannot be read", shown(key)) })
	if err != nil {
		return err
	}
	for _, bucket := range outboxRows {
		err := i.each(bucket, func(key, row []byte) {
			e := entryOf(entries, bucket, key)
			if e == nil {
				i.fault("outbox", "rows belong to no alert", "in "+string(bucket))
				return
			}
			if err := e.count(bucket, key, row); err != nil {
				i.fault("outbox", "rows cannot be read: their deliveries will count as failed", "in "+string(bucket))
			}
		})
		if err != nil {
			return err
		}
	}
	for id, e := range entries {
		i.Entries++
		i.Left += e.left()
		if !e.over() && i.tx.Bucket(newsBucket).Get(newsKey(id)) == nil {
			i.fault("outbox", "alerts are missing: their deliveries will count as failed", fmt.Sprint(id))
		}
		if e.held != e.chunks()-e.swept {
			i.fault("outbox", "recipients are missing: they will count as failed", fmt.Sprint(id))
		}
		if e.own != e.rows {
			i.fault("outbox", "alerts count their deliveries wrong and would never end", fmt.Sprint(id))
		}
	}
	return nil
}

// count reads a row of an entry.
func (e *lookedAt) count(bucket, key, row []byte) error {
	switch string(bucket) {
	case string(newsBucket):
		_, err := decodeNews(row)
		return err
	case string(recipientsBucket):
		e.held++
		number := binary.BigEndian.Uint32(key[8:])
		_, err := decodeChunk(e.platform, row, 0, int(min(chunkSize, e.total-number*chunkSize)))
		return err
	default:
		e.own++
		_, err := decodeAttempt(e.platform, alert.Ref{}, row)
		return err
	}
}
