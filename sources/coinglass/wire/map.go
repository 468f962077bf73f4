package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Level is one row of a liquidation map.
type Level struct {
	// PriceUSD is the liquidation price, above zero.
	PriceUSD float64
	// IntensityUSD is the vendor's relative strength of the level, zero or more.
	IntensityUSD float64
	// Leverage is the tier (25 is 25x), 0 when not told.
	Leverage float64
	// Venue is empty when not told.
	Venue string
}

// Map is a liquidation map. The wire tells no sides: whoever knows the reference
// price splits the levels there.
type Map struct {
	Levels []Level
	// LastPriceUSD is the price around which the vendor drew the map, 0 when not
	// told.
	LastPriceUSD float64
	// Venues are those that have levels, in the vendor's order; nil when not told.
	Venues []string
}

// DecodeMap reads the data of aggregated-map and of the pair map. It takes
//
//	{"data": {"48935": [[48935, 1579370.77, null, null]]}, "last_price": 48900}
//	{"data": [{"liqMapV2": {"48935": [...]}, "instrument": {"exName": "Binance"}}], "last_price": 48900}
//	[{"liqMapV2": {"48935": [...]}}]
//
// with or without last_price. The price is the first figure of a row, not the
// key: in the pair map the key is the bucket that the row was put into. Rows
// whose price or level is null are left out.
//
// See https://docs.coinglass.com/reference/liquidation-aggregated-map and
// https://docs.coinglass.com/reference/liquidation-map.
func DecodeMap(data []byte) (Map, error) {
	var m Map
	if err := m.decode(data); err != nil {
		return Map{}, err
	}
	return m, nil
}

func (m *Map) decode(data []byte) error {
	switch kind(data) {
	case 0:
		return nil
	case '[':
		return m.elements(data)
	}
	fields, err := object(data)
	if err != nil {
		return err
	}
	if err := m.lastPrice(fields["last_price"]); err != nil {
		return err
	}
	inner, wrapped := fields["data"]
	if !wrapped {
		return m.element(fields)
	}
	switch kind(inner) {
	case 0:
		return nil
	case '[':
		return m.elements(inner)
	}
	if fields, err = object(inner); err != nil {
		return err
	}
	return m.element(fields)
}

func (m *Map) lastPrice(raw json.RawMessage) error {
	var f figure
	_ = f.UnmarshalJSON(raw)
	if !f.told {
		return nil
	}
	price, err := f.positive("last_price")
	m.LastPriceUSD = price
	return err
}

func (m *Map) elements(data []byte) error {
	elements, err := list[map[string]json.RawMessage](data)
	if err != nil {
		return err
	}
	for _, e := range elements {
		if err := m.element(e); err != nil {
			return err
		}
	}
	return nil
}

// element reads one exchange's map, or the fields of a map keyed by price.
func (m *Map) element(fields map[string]json.RawMessage) error {
	inner, listed := fields["liqMapV2"]
	if !listed {
		return m.keyed(fields, "")
	}
	if kind(inner) == 0 {
		return nil
	}
	levels, err := object(inner)
	if err != nil {
		return err
	}
	venue := venueOf(fields["instrument"])
	before := len(m.Levels)
	if err := m.keyed(levels, venue); err != nil {
		return err
	}
	if venue != "" && len(m.Levels) > before && !slices.Contains(m.Venues, venue) {
		m.Venues = append(m.Venues, venue)
	}
	return nil
}

// keyed reads {"48935": [row, row], ...}. Keys that are no number are fields
// that we do not know.
func (m *Map) keyed(fields map[string]json.RawMessage, venue string) error {
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if _, err := strconv.ParseFloat(key, 64); err != nil {
			continue
		}
		rows, err := list[[]figure](fields[key])
		if err != nil {
			return fmt.Errorf("levels at %s: %w", shorten(key), err)
		}
		for _, row := range rows {
			if err := m.row(row, venue); err != nil {
				return fmt.Errorf("level at %s: %w", shorten(key), err)
			}
		}
	}
	return nil
}

// row reads [price, level, leverage tier, heat band].
func (m *Map) row(row []figure, venue string) error {
	if len(row) == 0 {
		return nil
	}
	if len(row) < 2 {
		return fmt.Errorf("row of one figure: %w", ErrShape)
	}
	if !row[0].told || !row[1].told {
		return nil
	}
	price, err := row[0].positive("price")
	if err != nil {
		return err
	}
	intensity, err := row[1].notNegative("level")
	if err != nil {
		return err
	}
	level := Level{PriceUSD: price, IntensityUSD: intensity, Venue: venue}
	if len(row) > 2 {
		// A tier that cannot be read is a tier that we do not know.
		level.Leverage = max(0, row[2].value)
	}
	m.Levels = append(m.Levels, level)
	return nil
}

// venueOf reads {"exName": "Binance", ...}.
func venueOf(instrument json.RawMessage) string {
	var fields struct {
		ExName scalar `json:"exName"`
	}
	if kind(instrument) != '{' || json.Unmarshal(instrument, &fields) != nil {
		return ""
	}
	return venueName(string(fields.ExName))
}

// venueName returns a name that can be shown as it is, or nothing.
func venueName(s string) string {
	const most = 24
	if len(s) > most || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}
