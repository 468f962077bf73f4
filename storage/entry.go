package storage

import (
	"encoding/binary"
	"fmt"
	"time"

	"liqbot/alert"
)

const (
	entryVersion = 1
	// toldVersion is that of a header with messages.
	toldVersion = 2
	// maxWindow bounds the deliveries between an entry's base and its claimed cursor.
	// What holds the base back longer gets a row of its own.
	maxWindow = 256
	// widestWindow is what a decoder believes: one claim may be wider than maxWindow.
	widestWindow = 1 << 14
	// maxMarks bounds the moments of claims that are remembered.
	maxMarks = 16
)

// entry is the header of one alert's way to its recipients on one platform. The
// recipients stand in chunks and are never touched again; how far they were served
// stands here: all below base are settled or have rows of their own, those from base
// to claimed are on their way unless settled says otherwise.
type entry struct {
	id            uint64
	total         uint32
	base, claimed uint32
	// rows counts the deliveries that have rows of their own: they wait, or they held
	// the base back.
	rows uint32
	// swept counts the chunks that are deleted.
	swept   uint32
	expires time.Time
	// settled tells of each delivery from base to claimed whether it is.
	settled []bool
	// told are the messages that deliveries became and that have no row yet.
	told []told
	// marks tell when the deliveries from base to claimed were claimed.
	marks []mark
}

// mark says that the deliveries below an index, down to the mark before, were
// claimed at a moment.
type mark struct {
	below uint32
	at    time.Time
}

// rank is the first byte of an entry's id: a member's own level goes before what
// many wait for, and that before what can wait.
func rank(rule alert.Rule) uint64 {
	switch rule {
	case alert.Price:
		return 1
	case alert.Outcome, alert.Notice, alert.Summary:
		return 3
	default:
		return 2
	}
}

// entryID makes ids that sort in the order of delivery.
func entryID(rule alert.Rule, sequence uint64) uint64 { return rank(rule)<<56 | sequence&(1<<56-1) }

func (e *entry) chunks() uint32 { return (e.total + chunkSize - 1) / chunkSize }

// over reports whether every delivery has a final state.
func (e *entry) over() bool { return e.base == e.total && e.rows == 0 }

// left counts the deliveries without a final state.
func (e *entry) left() int {
	n := int(e.total-e.base) + int(e.rows)
	for _, settled := range e.settled {
		if settled {
			n--
		}
	}
	return n
}

// flies reports whether a delivery is claimed, unsettled and without a row of its
// own.
func (e *entry) flies(index uint32) bool {
	return index >= e.base && index < e.claimed && !e.settled[index-e.base]
}

// settle notes that a delivery that flies does so no more.
func (e *entry) settle(index uint32) {
	e.settled[index-e.base] = true
	n := 0
	for n < len(e.settled) && e.settled[n] {
		n++
	}
	e.settled = e.settled[n:]
	e.base += uint32(n)
	for len(e.marks) > 0 && e.marks[0].below <= e.base {
		e.marks = e.marks[1:]
	}
}

// claim takes the next n deliveries.
func (e *entry) claim(n uint32, at time.Time) {
	if n == 0 {
		return
	}
	e.claimed += n
	e.settled = append(e.settled, make([]bool, n)...)
	e.marks = append(e.marks, mark{below: e.claimed, at: at.UTC()})
	if len(e.marks) > maxMarks {
		// The two oldest become one, with the earlier time: nothing seems younger than
		// it is.
		e.marks[1].at = e.marks[0].at
		e.marks = e.marks[1:]
	}
}

// pass goes over the next n deliveries, which nobody will send. Nothing may fly.
func (e *entry) pass(n uint32) {
	e.claimed += n
	e.base = e.claimed
	e.marks = nil
}

// since is when a delivery that flies was claimed.
func (e *entry) since(index uint32) time.Time {
	for _, m := range e.marks {
		if index < m.below {
			return m.at
		}
	}
	return time.Time{}
}

func (e *entry) encode() []byte {
	row := []byte{entryVersion}
	if len(e.told) > 0 {
		row = []byte{toldVersion}
	}
	for _, n := range []uint32{e.total, e.base, e.claimed - e.base, e.rows, e.swept} {
		row = binary.AppendUvarint(row, uint64(n))
	}
	row = appendMoment(row, e.expires)
	row = binary.AppendUvarint(row, uint64(len(e.marks)))
	for _, m := range e.marks {
		row = appendMoment(binary.AppendUvarint(row, uint64(m.below-e.base)), m.at)
	}
	bits := make([]byte, (len(e.settled)+7)/8)
	for i, settled := range e.settled {
		if settled {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	row = append(row, bits...)
	if len(e.told) > 0 {
		row = appendTold(row, e.told)
	}
	return seal(row)
}

func decodeHeader(id uint64, row []byte) (*entry, error) {
	body, err := unseal(row)
	if err != nil {
		return nil, fmt.Errorf("outbox entry: %w", err)
	}
	r := &reader{rest: body}
	version := r.byte()
	e := &entry{id: id, total: r.small(), base: r.small()}
	window := r.small()
	e.rows, e.swept, e.expires = r.small(), r.small(), moment(r.int64())
	if version != entryVersion && version != toldVersion || window > widestWindow || uint64(e.base)+uint64(window) > uint64(e.total) {
		return nil, fmt.Errorf("outbox entry: %w", errWire)
	}
	e.claimed = e.base + window
	e.readMarks(r)
	e.readSettled(r, int(window))
	if version == toldVersion {
		if err := e.readTold(r); err != nil {
			return nil, err
		}
	}
	if err := r.end(); err != nil || e.rows > e.claimed || e.swept > e.chunks() {
		return nil, fmt.Errorf("outbox entry: %w", errWire)
	}
	return e, nil
}

func (e *entry) readMarks(r *reader) {
	n := r.uvarint()
	if n > maxMarks {
		r.broken = true
		return
	}
	last := e.base
	for range n {
		m := mark{below: e.base + r.small(), at: moment(r.int64())}
		if r.broken || m.below <= last || m.below > e.claimed {
			r.broken = true
			return
		}
		e.marks = append(e.marks, m)
		last = m.below
	}
	if last != e.claimed {
		r.broken = true
	}
}

func (e *entry) readSettled(r *reader, window int) {
	bits := r.bytes(uint64(window+7) / 8) //nolint:gosec // bounded
	if r.broken || window == 0 {
		return
	}
	e.settled = make([]bool, window)
	for i := range e.settled {
		e.settled[i] = bits[i/8]&(1<<(i%8)) != 0
	}
	// The oldest delivery of a window holds the base back, so it is unsettled.
	if e.settled[0] || bits[len(bits)-1]>>((window-1)%8+1) != 0 {
		r.broken = true
	}
}
