package gate

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds/wire"
)

// eachRow hands each object of an array to row, which reads it to its end. Rows that are
// of the wrong type are left out and counted.
func eachRow(body []byte, row func(d *jx.Decoder) error) (left int, err error) {
	d := jx.DecodeBytes(body)
	it, err := d.ArrIter()
	if err != nil {
		return 0, fmt.Errorf("want a list: %w", err)
	}
	for it.Next() {
		switch err := row(d); {
		case errors.Is(err, wire.ErrType):
			left++
		case err != nil:
			return left, err
		}
	}
	if err := it.Err(); err != nil {
		return left, err
	}
	return left, wire.End(d)
}

// float reads a number; nothing told leaves what is there.
func float(d *jx.Decoder, into *float64) error {
	v, ok, err := wire.Float(d)
	if ok {
		*into = v
	}
	return err
}

// moment reads a time; nothing told leaves what is there.
func moment(d *jx.Decoder, into *time.Time) error {
	at, err := optionalTime(d)
	if !at.IsZero() {
		*into = at
	}
	return err
}

// optionalTime reads a time of which zero means that it is not told. Gate has begun to
// write some numbers with a fraction.
func optionalTime(d *jx.Decoder) (time.Time, error) {
	v, ok, err := wire.Float(d)
	if err != nil || !ok || v == 0 {
		return time.Time{}, err
	}
	if !(math.Abs(v) < 1e18) {
		return time.Time{}, fmt.Errorf("%w: want a time", wire.ErrType)
	}
	at, _, err := wire.Moment(int64(v))
	if fraction := v - math.Trunc(v); err == nil && v < 1e11 && fraction > 0 { // seconds
		at = at.Add(time.Duration(fraction * float64(time.Second)).Truncate(time.Millisecond))
	}
	return at, err
}

// whole reads a whole number, which may be written with a fraction of zero.
func whole(d *jx.Decoder) (int64, error) {
	v, ok, err := wire.Float(d)
	if err == nil && ok && !(math.Abs(v) < 1<<53 && v == math.Trunc(v)) {
		err = fmt.Errorf("%w: want a whole number", wire.ErrType)
	}
	if err != nil || !ok {
		return 0, err
	}
	return int64(v), nil
}

func decodeTime(body []byte) (at time.Time, err error) {
	d := jx.DecodeBytes(body)
	err = wire.Fields(d, func(key []byte) error {
		if string(key) == "server_time" {
			return moment(d, &at)
		}
		return d.Skip()
	})
	if err == nil && at.IsZero() {
		err = fmt.Errorf("%w: no server_time", wire.ErrType)
	}
	return at, err
}
