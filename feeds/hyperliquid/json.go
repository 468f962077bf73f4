package hyperliquid

import (
	"errors"
	"fmt"

	"github.com/go-faster/jx"

	"liqbot/feeds/wire"
)

var (
	errNotObject = fmt.Errorf("%w: want an object", wire.ErrType)
	errNotArray  = fmt.Errorf("%w: want an array", wire.ErrType)
)

// fields reads an object; read has to read or skip the value of each key. A value that is
// no object is skipped and is an error of type.
func fields(j *jx.Decoder, read func(key []byte) error) error {
	if j.Next() != jx.Object {
		if err := j.Skip(); err != nil {
			return err
		}
		return errNotObject
	}
	it, err := j.ObjIter()
	if err != nil {
		return err
	}
	for it.Next() {
		if err := read(it.Key()); err != nil {
			return err
		}
	}
	return it.Err()
}

// elements reads an array as fields does an object.
func elements(j *jx.Decoder, read func() error) error {
	if j.Next() != jx.Array {
		if err := j.Skip(); err != nil {
			return err
		}
		return errNotArray
	}
	it, err := j.ArrIter()
	if err != nil {
		return err
	}
	for it.Next() {
		if err := read(); err != nil {
			return err
		}
	}
	return it.Err()
}

// keepType puts an error of type aside, since what follows can still be read, and returns
// all others.
func keepType(err error, bad *error) error {
	if err == nil || !errors.Is(err, wire.ErrType) {
		return err
	}
	if *bad == nil {
		*bad = err
	}
	return nil
}
