package storage

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"
)

// errWire is in the error of every row that cannot be decoded.
var errWire = errors.New("the row is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends the checksum of a row: bbolt does not notice a flipped byte.
func seal(row []byte) []byte {
	return binary.BigEndian.AppendUint32(row, crc32.Checksum(row, castagnoli))
}

// unseal returns the row without its checksum.
func unseal(row []byte) ([]byte, error) {
	if len(row) < 4 {
		return nil, errWire
	}
	body := row[:len(row)-4]
	if binary.BigEndian.Uint32(row[len(body):]) != crc32.Checksum(body, castagnoli) {
		return nil, errWire
	}
	return body, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendMoment appends a time to the nanosecond; the zero time is 0.
func appendMoment(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(nanos(t))) //nolint:gosec // the bits are kept
}

// nanos is a time as Unix nanoseconds: 0 for the zero time and all before 1970, the
// last moment that fits for what comes after it.
func nanos(t time.Time) int64 {
	switch year := t.Year(); {
	case year < 1970:
		return 0
	case year > 2261:
		return math.MaxInt64
	default:
		return t.UnixNano()
	}
}

func moment(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// reader takes a row apart. After the first failure it yields zeros, so that a
// decoder checks once, at its end.
type reader struct {
	rest   []byte
	broken bool
}

func (r *reader) bytes(n uint64) []byte {
	if r.broken || n > uint64(len(r.rest)) {
		r.broken, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) int64() int64 { return int64(r.uint64()) } //nolint:gosec // the bits are kept

func (r *reader) float() float64 { return math.Float64frombits(r.uint64()) }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if r.broken || n <= 0 {
		r.broken, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// small reads a uvarint that fits into 32 bits.
func (r *reader) small() uint32 {
	v := r.uvarint()
	if v > math.MaxUint32 {
		r.broken = true
		return 0
	}
	return uint32(v)
}

// string copies: what bbolt hands out dies with the transaction.
func (r *reader) string() string { return string(r.bytes(r.uvarint())) }

// skip passes over a string.
func (r *reader) skip() { r.bytes(r.uvarint()) }

// end reports whether the row was read without a failure and to its end.
func (r *reader) end() error {
	if r.broken || len(r.rest) > 0 {
		return errWire
	}
	return nil
}
