package storage

import (
	"encoding/binary"
	"fmt"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

const attemptVersion = 1

// attempt is a delivery with a row of its own: it waits for another try, or it is
// claimed and the header of its entry does not tell of it.
type attempt struct {
	ref alert.Ref
	to  alert.Recipient
	// attempts, repeat and since are those of the Delivery.
	attempts uint32
	repeat   bool
	since    time.Time
	// claimed is when a flying one was handed out, or a waiting one put off.
	claimed time.Time
}

func (a *attempt) encode() []byte {
	row := binary.AppendUvarint([]byte{attemptVersion}, uint64(a.attempts))
	flag := byte(0)
	if a.repeat {
		flag = 1
	}
	row = appendMoment(appendMoment(append(row, flag), a.since), a.claimed)
	return seal(appendRecipient(row, &a.to))
}

func decodeAttempt(p chat.Platform, ref alert.Ref, row []byte) (*attempt, error) {
	body, err := unseal(row)
	if err != nil {
		return nil, fmt.Errorf("delivery: %w", err)
	}
	r := &reader{rest: body}
	version := r.byte()
	a := &attempt{ref: ref, attempts: r.small()}
	flag := r.byte()
	a.repeat, a.since, a.claimed = flag == 1, moment(r.int64()), moment(r.int64())
	a.to = r.recipient(p)
	if err := r.end(); err != nil || version != attemptVersion || flag > 1 {
		return nil, fmt.Errorf("delivery: %w", errWire)
	}
	return a, nil
}

func (a *attempt) delivery(news *alert.Alert) alert.Delivery {
	return alert.Delivery{Ref: a.ref, Alert: news, To: a.to, Attempts: int(a.attempts), Repeat: a.repeat, Since: a.since}
}

// Keys of the outbox. Those of a platform begin with its name.

func lanePrefix(p chat.Platform) []byte { return []byte(string(p) + "\x00") }

func headerKey(p chat.Platform, id uint64) []byte {
	return binary.BigEndian.AppendUint64(lanePrefix(p), id)
}

func newsKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

func chunkKey(id uint64, number uint32) []byte {
	return binary.BigEndian.AppendUint32(newsKey(id), number)
}

func appendRef(b []byte, ref alert.Ref) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, ref.Entry), ref.Index)
}

func flyingKey(p chat.Platform, ref alert.Ref) []byte { return appendRef(lanePrefix(p), ref) }

func waitingKey(p chat.Platform, notBefore time.Time, ref alert.Ref) []byte {
	return appendRef(appendMoment(lanePrefix(p), notBefore), ref)
}

// splitRef reads the reference at the end of a key that has a prefix and so many
// bytes in front of it.
func splitRef(key, prefix []byte, before int) (alert.Ref, bool) {
	rest := key[len(prefix):]
	if len(rest) != before+12 {
		return alert.Ref{}, false
	}
	rest = rest[before:]
	return alert.Ref{Entry: binary.BigEndian.Uint64(rest), Index: binary.BigEndian.Uint32(rest[8:])}, true
}
