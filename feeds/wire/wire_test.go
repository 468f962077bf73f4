package wire_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds/wire"
)

func TestFloat(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]float64{`1.5`: 1.5, `"1.5"`: 1.5, `-3`: -3, `"1e3"`: 1000, `0`: 0} {
		if v, ok, err := wire.Float(jx.DecodeStr(in)); err != nil || !ok || v != want {
			t.Errorf("%s: %v %v %v, want %v", in, v, ok, err, want)
		}
	}
	for _, in := range []string{`null`, `""`} {
		if v, ok, err := wire.Float(jx.DecodeStr(in)); err != nil || ok || v != 0 {
			t.Errorf("%s: %v %v %v, want no value", in, v, ok, err)
		}
	}
	for _, in := range []string{`"NaN"`, `"Inf"`, `"abc"`, `true`, `{}`, `[1]`, `1e999`, `"1,5"`, ``, `{`} {
		if v, ok, err := wire.Float(jx.DecodeStr(in)); err == nil {
			t.Errorf("%s: %v %v, want an error", in, v, ok)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 10, 9, 12, 0, 0, 0, time.UTC)
	for _, in := range []string{`1791547200`, `"1791547200"`, `1791547200000`, `"1791547200000"`, `1791547200000000`, `"1791547200000000000"`} {
		if at, ok, err := wire.Time(jx.DecodeStr(in)); err != nil || !ok || !at.Equal(want) {
			t.Errorf("%s: %v %v %v, want %v", in, at, ok, err, want)
		}
	}
	for _, in := range []string{`-1`, `5`, `"99999999999999"`, `1.5`, `true`} {
		if at, _, err := wire.Time(jx.DecodeStr(in)); err == nil {
			t.Errorf("%s: %v, want an error", in, at)
		}
	}
}

// A value of the wrong type does not spoil what follows.
func TestWrongTypeIsSkipped(t *testing.T) {
	t.Parallel()
	d := jx.DecodeStr(`{"a":{"b":[1,2]},"c":"7"}`)
	var got float64
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		v, _, err := wire.Float(d)
		if string(key) == "a" && err == nil {
			t.Error("an object was read as a number")
		}
		got = v
		return nil
	})
	if err != nil || got != 7 || wire.End(d) != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	for in, whole := range map[string]bool{
		`1`: true, `1  `: true, `1 2`: false, `1}`: false, `1,`: false,
		`1 [`: false, `1 {`: false, `1 "a`: false, `1 tr`: false, `1 [2`: false, `1 -`: false,
	} {
		d := jx.DecodeStr(in)
		if _, _, err := wire.Float(d); err != nil {
			t.Fatal(err)
		}
		if err := wire.End(d); (err == nil) != whole {
			t.Errorf("%q: %v, want whole: %v", in, err, whole)
		}
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	message := []byte(`{"p":"85296.60260870","T":1791273600000,"s":"BTCUSDT"}`)
	d := jx.DecodeBytes(message)
	n := testing.AllocsPerRun(100, func() {
		d.ResetBytes(message)
		_ = d.ObjBytes(func(d *jx.Decoder, key []byte) error {
			var err error
			switch string(key) {
			case "p":
				_, _, err = wire.Float(d)
			case "T":
				_, _, err = wire.Time(d)
			default:
				_, err = wire.Text(d)
			}
			return err
		})
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Fields reads on behind a value of the wrong type, and says so at the end.
func TestFields(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		sum   float64
		wrong bool
		ok    bool // or the message is broken
	}{
		`{"a":1,"b":"2"}`:       {3, false, true},
		`{"a":true,"b":2}`:      {2, true, true},
		`{}`:                    {0, false, true},
		`[1]`:                   {0, true, true},
		`7`:                     {0, true, true},
		`{"a":1,"b":`:           {1, false, false},
		`{"a":{"x":[1]},"b":5}`: {5, true, true},
	} {
		sum := 0.0
		d := jx.DecodeStr(in)
		err := wire.Fields(d, func([]byte) error {
			v, _, err := wire.Float(d)
			sum += v
			return err
		})
		wrong := errors.Is(err, wire.ErrType)
		if sum != want.sum || wrong != want.wrong || (err == nil || wrong) != want.ok {
			t.Errorf("%s: sum %v, %v; want %+v", in, sum, err, want)
		}
	}
}
