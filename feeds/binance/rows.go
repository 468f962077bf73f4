package binance

import (
	"errors"
	"fmt"

	"github.com/go-faster/jx"

	"liqbot/feeds/wire"
)

// errEmpty is why a row that lacks what is needed is left out.
var errEmpty = fmt.Errorf("%w: missing", wire.ErrType)

// object reads an answer that is one object.
func object(body []byte, field func(d *jx.Decoder, key []byte) error) error {
	d := jx.DecodeBytes(body)
	if err := d.ObjBytes(field); err != nil {
		return err
	}
	return wire.End(d)
}

// rows reads an answer that is a list; null is an empty one. A row whose each fails is
// left out. When no row at all can be read, the list is none of the venue's.
func rows(body []byte, each func(row *jx.Decoder) error) error {
	d := jx.DecodeBytes(body)
	if d.Next() == jx.Null {
		return nil
	}
	good, err := elements(d, each)
	if err != nil {
		return err
	}
	if !good {
		return errors.New("no row of the list can be read")
	}
	return wire.End(d)
}

// elements hands each element of a list to each, alone, so that a bad one does not spoil
// the next. It reports whether the list was empty or had a good one.
func elements(d *jx.Decoder, each func(row *jx.Decoder) error) (good bool, err error) {
	var row jx.Decoder
	total, read := 0, 0
	err = d.Arr(func(d *jx.Decoder) error {
		raw, err := d.Raw()
		if err != nil {
			return err
		}
		total++
		row.ResetBytes(raw)
		if each(&row) == nil {
			read++
		}
		return nil
	})
	return total == 0 || read > 0, err
}

// need makes a missing value an error.
func need[T any](v T, ok bool, err error) (T, error) {
	if err == nil && !ok {
		err = errEmpty
	}
	return v, err
}
