// Package wire reads the replies of the CoinGlass API V4: bytes in, plain values
// out. It is pure: no I/O, no clock, no goroutine. It knows the shapes that the
// documentation shows and those that were seen on the wire, and leaves the
// meaning (sides, windows, ages) to package coinglass.
//
// Figures arrive as numbers or as strings holding one; unknown fields are
// skipped; a figure that is missing is never read as zero. A decoder returns
// either a value or an error, never both.
//
// The format is described at https://docs.coinglass.com/reference/.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The reasons for which a reply is refused.
var (
	// ErrNotJSON: the body is no JSON object, so it is cut short or does not come
	// from the API at all.
	ErrNotJSON = errors.New("not a JSON object")
	// ErrShape: valid JSON that is built differently from what is documented.
	ErrShape = errors.New("unexpected shape")
	// ErrFigure: a figure that is missing where it is needed, or that cannot be.
	ErrFigure = errors.New("figure that cannot be")
)

// Success is the Code of a reply that holds what was asked for.
const Success = "0"

// Reply is the envelope of every answer.
type Reply struct {
	// Code is Success or the number of an error, most of them HTTP statuses.
	Code string
	// Message is what the vendor says about it; may be empty.
	Message string
	// Data is the answer itself, nil when there is none.
	Data json.RawMessage
}

// DecodeReply opens the envelope. The error is ErrNotJSON, or ErrShape when
// there is no code.
func DecodeReply(body []byte) (Reply, error) {
	var raw struct {
		Code, Msg scalar
		Data      json.RawMessage
	}
	if kind(body) != '{' {
		return Reply{}, ErrNotJSON
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	if raw.Code == "" {
		return Reply{}, fmt.Errorf("%w: no code", ErrShape)
	}
	if kind(raw.Data) == 0 {
		raw.Data = nil
	}
	return Reply{Code: string(raw.Code), Message: string(raw.Msg), Data: raw.Data}, nil
}

// scalar is a string or number kept as text; anything else is empty.
type scalar string

// UnmarshalJSON never fails, so that one odd field does not cost a whole reply.
func (s *scalar) UnmarshalJSON(b []byte) error {
	*s = ""
	switch {
	case kind(b) == '"':
		var text string
		if err := json.Unmarshal(b, &text); err == nil {
			*s = scalar(strings.TrimSpace(text))
		}
	case isNumber(b):
		*s = scalar(b)
	}
	return nil
}

func isNumber(b []byte) bool { return len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9') }

// figure is a number that may come as text or be missing.
type figure struct {
	value float64
	// told is false for null and absent figures.
	told bool
	// wrong is the text of something that is no finite number.
	wrong string
}

// UnmarshalJSON never fails: whoever needs the figure says what is wrong with it.
func (f *figure) UnmarshalJSON(b []byte) error {
	*f = figure{}
	text := string(b)
	if kind(b) == '"' {
		var s scalar
		_ = s.UnmarshalJSON(b)
		text = string(s)
	}
	if text == "" || text == "null" {
		return nil
	}
	f.told = true
	if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		f.value = v
	} else {
		f.wrong = shorten(text)
	}
	return nil
}

// need returns the figure, or an error naming it when it is missing or wrong.
func (f figure) need(name string) (float64, error) {
	switch {
	case !f.told:
		return 0, fmt.Errorf("%s is missing: %w", name, ErrFigure)
	case f.wrong != "":
		return 0, fmt.Errorf("%s is %q: %w", name, f.wrong, ErrFigure)
	default:
		return f.value, nil
	}
}

// positive is need for a figure that has to be above zero.
func (f figure) positive(name string) (float64, error) {
	v, err := f.need(name)
	if err == nil && v <= 0 {
		return 0, fmt.Errorf("%s is %v: %w", name, v, ErrFigure)
	}
	return v, err
}

// notNegative is need for a figure that has to be zero or more.
func (f figure) notNegative(name string) (float64, error) {
	v, err := f.need(name)
	if err == nil && v < 0 {
		return 0, fmt.Errorf("%s is %v: %w", name, v, ErrFigure)
	}
	return v, err
}

// Bounds of a time in milliseconds. Below secondsBelow it must be in seconds,
// as it is in the heat map replies: as milliseconds it would lie before 1974.
const (
	secondsBelow = 1e11
	latestMillis = 1e14
)

// time reads a moment in Unix milliseconds, or seconds.
func (f figure) time(name string) (time.Time, error) {
	v, err := f.positive(name)
	if err != nil {
		return time.Time{}, err
	}
	if v < secondsBelow {
		v *= 1000
	}
	if v > latestMillis {
		return time.Time{}, fmt.Errorf("%s is %v: %w", name, v, ErrFigure)
	}
	return time.UnixMilli(int64(v)).UTC(), nil
}

// kind is the first byte of a JSON value: '{', '[', '"', ...; 0 for null and
// nothing.
func kind(b []byte) byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 || bytes.HasPrefix(b, []byte("null")) {
		return 0
	}
	return b[0]
}

// list decodes a JSON array; null is an empty one.
func list[T any](data []byte) ([]T, error) {
	var rows []T
	switch kind(data) {
	case 0:
		return nil, nil
	case '[':
	default:
		return nil, fmt.Errorf("%w: want an array", ErrShape)
	}
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrShape, err)
	}
	return rows, nil
}

// object decodes a JSON object into its fields.
func object(data []byte) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if kind(data) != '{' {
		return nil, fmt.Errorf("%w: want an object", ErrShape)
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrShape, err)
	}
	return fields, nil
}

// shorten keeps what is quoted in an error to a readable length.
func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
