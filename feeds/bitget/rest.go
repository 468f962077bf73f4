package bitget

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds/wire"
)

// decodeCode reads the envelope's code and message: {"code":"00000","msg":"success",…}.
func decodeCode(body []byte) (code, message string, err error) {
	d := jx.DecodeBytes(body)
	err = wire.Fields(d, func(key []byte) (err error) {
		var b []byte
		switch string(key) {
		case "code":
			b, err = wire.Text(d)
			code = clip(b)
		case "msg":
			b, err = wire.Text(d)
			message = clip(b)
		default:
			err = d.Skip()
		}
		return err
	})
	if err == nil && code == "" {
		err = fmt.Errorf("%w: no code", wire.ErrType)
	}
	return code, message, err
}

// clip bounds what a venue's message adds to an error.
func clip(text []byte) string {
	const most = 200
	return string(text[:min(len(text), most)])
}

// inData hands the data of an envelope to read.
func inData(body []byte, read func(d *jx.Decoder) error) error {
	d := jx.DecodeBytes(body)
	found := false
	err := wire.Fields(d, func(key []byte) error {
		if string(key) != "data" {
			return d.Skip()
		}
		found = true
		return read(d)
	})
	if err == nil && !found {
		return fmt.Errorf("%w: no data", wire.ErrType)
	}
	return err
}

// eachRow hands each element of an array to row, which reads it to its end. Rows that are
// of the wrong type are left out and counted. Null is an empty array.
func eachRow(d *jx.Decoder, row func(d *jx.Decoder) error) (left int, err error) {
	switch d.Next() {
	case jx.Array:
	case jx.Null:
		return 0, d.Null()
	default:
		if err := d.Skip(); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("%w: want a list", wire.ErrType)
	}
	it, err := d.ArrIter()
	if err != nil {
		return 0, err
	}
	for it.Next() {
		switch err := row(d); {
		case errors.Is(err, wire.ErrType):
			left++
		case err != nil:
			return left, err
		}
	}
	return left, it.Err()
}

// rows hands each row of the envelope's data to row.
func rows(body []byte, row func(d *jx.Decoder) error) (left int, err error) {
	err = inData(body, func(d *jx.Decoder) (err error) {
		left, err = eachRow(d, row)
		return err
	})
	return left, err
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
	v, ok, err := wire.Time(d)
	if ok {
		*into = v
	}
	return err
}

func text(d *jx.Decoder, into *string) error {
	b, err := wire.Text(d)
	*into = string(b)
	return err
}

func decodeTime(body []byte) (at time.Time, err error) {
	err = inData(body, func(d *jx.Decoder) error {
		return wire.Fields(d, func(key []byte) error {
			if string(key) == "serverTime" {
				return moment(d, &at)
			}
			return d.Skip()
		})
	})
	if err == nil && at.IsZero() {
		err = fmt.Errorf("%w: no serverTime", wire.ErrType)
	}
	return at, err
}
