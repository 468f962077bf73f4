package recorded

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"liqbot/market"
)

// ErrUnknownKind says that an event is of a kind that this version does not
// know. A player skips it.
var ErrUnknownKind = errors.New("unknown kind of event")

// DecodeHeader reads and checks the first line of a recording.
func DecodeHeader(line []byte) (Header, error) {
	var h Header
	if err := json.Unmarshal(line, &h); err != nil {
		return Header{}, fmt.Errorf(`not a header: %w; want {"kind":"market","v":%d,"source":...,"start_ms":...}`, plain(err), Version)
	}
	if err := h.check(); err != nil {
		return Header{}, err
	}
	return h, nil
}

func (h *Header) check() error {
	switch {
	case h.Kind != KindMarket:
		return fmt.Errorf("kind %.20q: the first line is the header, of kind %q", h.Kind, KindMarket)
	case h.Version != Version:
		return fmt.Errorf("v: %d, want %d: the file is of another version", h.Version, Version)
	case h.Source == "" || len(h.Source) > maxName:
		return fmt.Errorf("source: %d bytes, want 1 to %d", len(h.Source), maxName)
	case printable("source", h.Source) != nil:
		return printable("source", h.Source)
	case h.StartMS <= 0 || h.StartMS > maxTime:
		return fmt.Errorf("start_ms: %d, want Unix milliseconds", h.StartMS)
	case len(h.Coins) > MaxCoins:
		return fmt.Errorf("coins: %d, want at most %d", len(h.Coins), MaxCoins)
	}
	if err := checkOrigin(h.Origin); err != nil {
		return err
	}
	for _, coin := range h.Coins {
		if _, err := market.ParseCoin(string(coin)); err != nil {
			return fmt.Errorf("coins: %w", err)
		}
	}
	return nil
}

// DecodeEvent reads and checks a line after the first. It returns ErrUnknownKind
// for a line that is to be skipped.
func DecodeEvent(line []byte) (Event, error) {
	var e Event
	err := json.Unmarshal(line, &e)
	if _, broken := errors.AsType[*json.SyntaxError](err); broken {
		return Event{}, fmt.Errorf("not a JSON object: %w", err)
	}
	if e.Kind == "" {
		return Event{}, errors.New("no kind: want an object with t, kind and coin")
	}
	// A later version may give a field of an unknown kind another type, which
	// json reports only after it has read the kind.
	if !e.Kind.known() {
		return Event{}, fmt.Errorf("%w: %.20q", ErrUnknownKind, e.Kind)
	}
	if err != nil {
		return Event{}, fmt.Errorf("%s: %w", e.Kind, plain(err))
	}
	if err := e.check(); err != nil {
		return Event{}, fmt.Errorf("%s: %w", e.Kind, err)
	}
	return e, nil
}

// plain rewords an error about a wrong type without Go's type names.
func plain(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	return fmt.Errorf("field %q: %s is of the wrong type", wrong.Field, wrong.Value)
}

func (k Kind) known() bool {
	switch k {
	case KindPrice, KindMap, KindRange, KindETF, KindLiquidations, KindOpenInterest, KindFunding:
		return true
	default:
		return false
	}
}

func (e *Event) check() error {
	if err := e.checkCommon(); err != nil {
		return err
	}
	if e.Same || e.Gone {
		return nil
	}
	switch e.Kind {
	case KindPrice:
		return e.checkPrice()
	case KindMap:
		return e.checkMap()
	case KindRange:
		return e.checkRange()
	case KindETF:
		return e.checkETF()
	case KindLiquidations:
		return errors.Join(atLeastZero("long_usd", e.LongUSD), atLeastZero("short_usd", e.ShortUSD), span("over_ms", e.OverMS))
	case KindOpenInterest:
		return errors.Join(atLeastZero("usd", e.USD), atLeastZero("coins", e.Amount), optional("change_24h", e.Change24h))
	default:
		return errors.Join(name("venue", e.Venue), finite("rate", e.Rate), span("interval_ms", e.IntervalMS))
	}
}

// checkCommon checks what every kind has.
func (e *Event) checkCommon() error {
	if _, err := market.ParseCoin(string(e.Coin)); err != nil {
		return err
	}
	switch {
	case e.TimeMS <= 0 || e.TimeMS > maxTime:
		return fmt.Errorf("t: %d, want Unix milliseconds", e.TimeMS)
	case e.AsOfMS < 0 || e.AsOfMS > e.TimeMS:
		return fmt.Errorf("as_of_ms: %d, want a time not after t", e.AsOfMS)
	case e.RecordedMS < 0 || e.RecordedMS > maxTime:
		return fmt.Errorf("recorded_ms: %d, want Unix milliseconds", e.RecordedMS)
	case e.Same && e.Gone:
		return errors.New("same and gone: want one of them")
	case len(e.Source) > maxName:
		return fmt.Errorf("source: %d bytes, want at most %d", len(e.Source), maxName)
	case printable("source", e.Source) != nil:
		return printable("source", e.Source)
	case (e.Kind == KindMap || e.Kind == KindRange) && !windowKnown(e.Window):
		return fmt.Errorf("window %.20q: want 1d, 7d or 30d", e.Window)
	}
	return errors.Join(checkOrigin(e.Origin), checkVenues("venues", e.Venues), checkVenues("missing", e.Missing))
}

func (e *Event) checkPrice() error {
	if e.PriceKind != market.MarkPrice && e.PriceKind != market.LastPrice {
		return fmt.Errorf("price_kind %.20q: want %q or %q", e.PriceKind, market.MarkPrice, market.LastPrice)
	}
	return errors.Join(positive("usd", e.USD), optional("change_24h", e.Change24h))
}

func (e *Event) checkMap() error {
	if err := positive("ref_usd", e.RefUSD); err != nil {
		return err
	}
	if n := len(e.Short) + len(e.Long); n == 0 || n > MaxLevels {
		return fmt.Errorf("%d levels, want 1 to %d in short and long", n, MaxLevels)
	}
	if err := e.checkLevels("short", e.Short); err != nil {
		return err
	}
	return e.checkLevels("long", e.Long)
}

func (e *Event) checkLevels(side string, levels Levels) error {
	for i, l := range levels {
		switch {
		case !(l.PriceUSD > 0 && l.PriceUSD < maxValue):
			return fmt.Errorf("%s[%d]: price %v, want a positive number", side, i, l.PriceUSD)
		case !(l.IntensityUSD >= 0 && l.IntensityUSD < maxValue):
			return fmt.Errorf("%s[%d]: intensity %v, want zero or more", side, i, l.IntensityUSD)
		case l.VenueIndex < NoVenue || l.VenueIndex >= len(e.Venues):
			return fmt.Errorf("%s[%d]: venue index %d, but there are %d venues", side, i, l.VenueIndex, len(e.Venues))
		case !(l.Leverage >= 0 && l.Leverage < maxValue):
			return fmt.Errorf("%s[%d]: leverage %v, want zero or more", side, i, l.Leverage)
		}
	}
	return nil
}

func (e *Event) checkRange() error {
	if err := errors.Join(positive("high_usd", e.HighUSD), positive("low_usd", e.LowUSD)); err != nil {
		return err
	}
	if *e.HighUSD < *e.LowUSD {
		return fmt.Errorf("high_usd: %v is below low_usd, %v", *e.HighUSD, *e.LowUSD)
	}
	return nil
}

func (e *Event) checkETF() error {
	if e.Week != market.LastWeek && e.Week != market.LatestDays {
		return fmt.Errorf("week %.20q: want %q or %q", e.Week, market.LastWeek, market.LatestDays)
	}
	from, err := time.Parse(time.DateOnly, e.From)
	if err != nil {
		return fmt.Errorf("from %.20q: want a date like 2026-01-05", e.From)
	}
	to, err := time.Parse(time.DateOnly, e.To)
	if err != nil || to.Before(from) {
		return fmt.Errorf("to %.20q: want a date like 2026-01-09, not before from", e.To)
	}
	return errors.Join(finite("net_usd", e.NetUSD), finite("net_coins", e.NetCoins))
}

func checkOrigin(o market.Origin) error {
	switch o {
	case "", market.Vendor, market.Estimate, market.Measured:
		return nil
	default:
		return fmt.Errorf("origin %.20q: want %q, %q or %q", o, market.Vendor, market.Estimate, market.Measured)
	}
}

func checkVenues(field string, venues []market.Venue) error {
	if len(venues) > MaxVenues {
		return fmt.Errorf("%s: %d, want at most %d", field, len(venues), MaxVenues)
	}
	for _, v := range venues {
		if err := name(field, v); err != nil {
			return err
		}
	}
	return nil
}

func windowKnown(w market.Window) bool { return w.Duration() > 0 }

func name(field string, v market.Venue) error {
	if v == "" || len(v) > maxName {
		return fmt.Errorf("%s: a name of %d bytes, want 1 to %d", field, len(v), maxName)
	}
	return printable(field, string(v))
}

// printable refuses names with control characters: they are shown on terminals.
func printable(field, v string) error {
	if strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%s: a character that cannot be printed", field)
	}
	return nil
}

func finite(field string, v *float64) error {
	if v == nil {
		return fmt.Errorf("%s: missing", field)
	}
	return optional(field, v)
}

func optional(field string, v *float64) error {
	if v != nil && math.Abs(*v) >= maxValue {
		return fmt.Errorf("%s: %v is too large", field, *v)
	}
	return nil
}

func positive(field string, v *float64) error {
	if v != nil && *v <= 0 {
		return fmt.Errorf("%s: %v, want a positive number", field, *v)
	}
	return finite(field, v)
}

func atLeastZero(field string, v *float64) error {
	if v != nil && *v < 0 {
		return fmt.Errorf("%s: %v, want zero or more", field, *v)
	}
	return finite(field, v)
}

func span(field string, ms int64) error {
	if ms <= 0 || ms > maxTime/10_000 {
		return fmt.Errorf("%s: %d, want milliseconds above zero", field, ms)
	}
	return nil
}
