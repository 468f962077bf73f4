package recorded

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// NoVenue is the VenueIndex of a level whose venue is not told.
const NoVenue = -1

// Level is one level of a recorded map, of the side under which it stands.
type Level struct {
	PriceUSD, IntensityUSD float64
	// VenueIndex is the place of its venue in the event's Venues, or NoVenue.
	VenueIndex int
	// Leverage is 0 when it is not told.
	Leverage float64
}

// Levels is one side of a recorded map. On the wire a level is an array of two
// to four numbers: price, intensity, venue index, leverage.
type Levels []Level

// MarshalJSON writes the levels as arrays, the shortest that hold them.
func (l Levels) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, 2+24*len(l))
	out = append(out, '[')
	for i, level := range l {
		if i > 0 {
			out = append(out, ',')
		}
		out = level.append(out)
	}
	return append(out, ']'), nil
}

func (l Level) append(out []byte) []byte {
	out = append(out, '[')
	out = strconv.AppendFloat(out, l.PriceUSD, 'f', -1, 64)
	out = append(out, ',')
	out = strconv.AppendFloat(out, l.IntensityUSD, 'f', -1, 64)
	if l.VenueIndex != NoVenue || l.Leverage != 0 {
		out = append(out, ',')
		out = strconv.AppendInt(out, int64(l.VenueIndex), 10)
	}
	if l.Leverage != 0 {
		out = append(out, ',')
		out = strconv.AppendFloat(out, l.Leverage, 'f', -1, 64)
	}
	return append(out, ']')
}

// UnmarshalJSON is the inverse of MarshalJSON. It checks the shape; what the
// numbers may be is checked with the event. Maps are nearly all of a recording,
// so they are read by hand: json would scan each level three times.
func (l *Levels) UnmarshalJSON(data []byte) error {
	rest, ok := bytes.CutPrefix(data, []byte("["))
	if !ok {
		return errLevels
	}
	levels := make(Levels, 0, min(bytes.Count(rest, []byte("[")), MaxLevels))
	for {
		rest = bytes.TrimLeft(rest, jsonSpace+",")
		if len(rest) == 1 && rest[0] == ']' {
			*l = levels
			return nil
		}
		end := bytes.IndexByte(rest, ']')
		if end < 0 || rest[0] != '[' {
			return errLevel
		}
		if len(levels) == MaxLevels {
			return fmt.Errorf("more than %d levels on a side", MaxLevels)
		}
		level, err := parseLevel(rest[1:end])
		if err != nil {
			return err
		}
		levels = append(levels, level)
		rest = rest[end+1:]
	}
}

// jsonSpace is what JSON allows between its tokens.
const jsonSpace = " \t\r\n"

var (
	errLevels = errors.New("levels are not an array")
	errLevel  = errors.New("level is not [price, intensity], [price, intensity, venue index] or [price, intensity, venue index, leverage]")
)

// parseLevel reads the numbers between the brackets of a level.
func parseLevel(body []byte) (Level, error) {
	var numbers [4]float64
	n := 0
	for field := range bytes.SplitSeq(body, []byte(",")) {
		value, err := strconv.ParseFloat(string(bytes.Trim(field, jsonSpace)), 64)
		if err != nil || n == len(numbers) {
			return Level{}, errLevel
		}
		numbers[n] = value
		n++
	}
	if n < 2 {
		return Level{}, errLevel
	}
	l := Level{PriceUSD: numbers[0], IntensityUSD: numbers[1], VenueIndex: NoVenue, Leverage: numbers[3]}
	if n > 2 {
		l.VenueIndex = int(numbers[2])
		if float64(l.VenueIndex) != numbers[2] {
			return Level{}, errLevel
		}
	}
	return l, nil
}
