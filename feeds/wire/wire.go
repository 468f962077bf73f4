// Package wire reads the JSON of venues with a pull decoder: tolerant where venues are
// sloppy (numbers that come as strings, empty strings and null for "no value", times in
// seconds or milliseconds), strict where a mistake would be believed (NaN, infinity,
// trailing bytes). It allocates nothing for a message that it reads to the end.
package wire

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/go-faster/jx"
)

// ErrType is wrapped when a value is not of the type that its field has.
var ErrType = errors.New("value has the wrong type")

// Float reads a number or a string that holds one. ok is false for null and for an
// empty string. A string that is no finite number is an error.
func Float(d *jx.Decoder) (v float64, ok bool, err error) {
	raw, err := digits(d)
	if err != nil || len(raw) == 0 {
		return 0, false, err
	}
	v, err = strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false, fmt.Errorf("%w: want a number", ErrType)
	}
	return v, true, nil
}

// Int reads a whole number or a string that holds one, as Float does.
func Int(d *jx.Decoder) (v int64, ok bool, err error) {
	raw, err := digits(d)
	if err != nil || len(raw) == 0 {
		return 0, false, err
	}
	v, err = strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("%w: want a whole number", ErrType)
	}
	return v, true, nil
}

// Time reads a moment as Int does. Values below 1e11 are seconds, from 1e14 on
// microseconds, from 1e17 on nanoseconds, all others milliseconds. Moments before 2009
// and after 2100 are errors.
func Time(d *jx.Decoder) (t time.Time, ok bool, err error) {
	v, ok, err := Int(d)
	if err != nil || !ok {
		return time.Time{}, false, err
	}
	return Moment(v)
}

// Moment is Time for a number that was read already.
func Moment(v int64) (t time.Time, ok bool, err error) {
	switch {
	case v < 0:
		t = time.Time{}
	case v < 1e11:
		t = time.Unix(v, 0)
	case v < 1e14:
		t = time.UnixMilli(v)
	case v < 1e17:
		t = time.UnixMicro(v)
	default:
		t = time.Unix(0, v)
	}
	if y := t.UTC().Year(); y < 2009 || y > 2100 {
		return time.Time{}, false, fmt.Errorf("%w: want a time of this century", ErrType)
	}
	return t.UTC(), true, nil
}

// Text reads a string; null is the empty string. The bytes are valid until the decoder
// reads on.
func Text(d *jx.Decoder) ([]byte, error) {
	switch d.Next() {
	case jx.String:
		return d.StrBytes()
	case jx.Null:
		return nil, d.Null()
	default:
		return nil, skip(d, "text")
	}
}

// Bool reads true or false; null is false.
func Bool(d *jx.Decoder) (bool, error) {
	switch d.Next() {
	case jx.Bool:
		return d.Bool()
	case jx.Null:
		return false, d.Null()
	default:
		return false, skip(d, "true or false")
	}
}

// Fields hands each value of an object to field by its key, which reads or skips it. The first value of a wrong
// type becomes the error, when all have been read.
func Fields(d *jx.Decoder, field func(key []byte) error) error {
	if d.Next() != jx.Object {
		if err := d.Skip(); err != nil {
			return err
		}
		return fmt.Errorf("%w: want an object", ErrType)
	}
	it, err := d.ObjIter()
	if err != nil {
		return err
	}
	var wrong error
	for it.Next() {
		switch err := field(it.Key()); {
		case errors.Is(err, ErrType):
			wrong = err
		case err != nil:
			return err
		}
	}
	if err := it.Err(); err != nil {
		return err
	}
	return wrong
}

// End checks that nothing but white space follows.
func End(d *jx.Decoder) error {
	if err := d.Skip(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: want nothing behind the message", ErrType)
	}
	return nil
}

func digits(d *jx.Decoder) ([]byte, error) {
	switch d.Next() {
	case jx.String:
		return d.StrBytes()
	case jx.Number:
		n, err := d.Num()
		return n, err
	case jx.Null:
		return nil, d.Null()
	default:
		return nil, skip(d, "a number")
	}
}

// skip leaves a value of the wrong type behind, so that the rest can be read.
func skip(d *jx.Decoder, want string) error {
	if err := d.Skip(); err != nil {
		return err
	}
	return fmt.Errorf("%w: want %s", ErrType, want)
}
