// Package tape is the file in which the source of package exchanges keeps all that
// changes what it shows, in the order in which it was applied, so that the same changes
// applied to a fresh source make the same snapshots, bit for bit. It holds the words of
// the file, a writer and a reader; what they mean to a market is up to package exchanges.
// It owns no goroutine. docs/raw-tape.md describes the file.
package tape

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"
	"unicode/utf8"

	"liqbot/market"
)

// Version is the version of the format that is written and read here.
const Version = 1

// KindTape is the kind of a header.
const KindTape = "tape"

// Header is the first line: how the source was set up.
type Header struct {
	Kind    string `json:"kind"`
	Version int    `json:"v"`
	// Bot is the version of the bot, Arch the processor it ran on: another one may round
	// the last bit of a figure otherwise.
	Bot  string `json:"bot,omitempty"`
	Arch string `json:"arch"`
	// Start is when the source was made.
	Start Stamp `json:"t"`
	// KeyLevelBand and SymmetricBand are fractions of the mark.
	KeyLevelBand  float64       `json:"key_level_band"`
	SymmetricBand float64       `json:"symmetric_band"`
	Quiet         time.Duration `json:"quiet_ns"`
	Patience      time.Duration `json:"patience_ns"`
	Follow        int           `json:"follow"`
	Coins         []market.Coin `json:"coins,omitempty"`
	// Venues are those that the source reads; their order matters.
	Venues []Venue `json:"venues"`
}

// Venue is one venue of a Header.
type Venue struct {
	Name market.Venue `json:"venue"`
	// Coverage is empty for a venue that reports no forced orders.
	Coverage market.LiquidationCoverage `json:"coverage,omitempty"`
}

// Kind says what an Entry tells.
type Kind string

// The kinds of entry.
const (
	// Frame is a raw message of a venue. It changes nothing: what was decoded of it and
	// applied is an Updated.
	Frame Kind = "frame"
	// Connected is a stream that came up or was lost. It changes nothing either.
	Connected Kind = "connected"
	// CoinAdded and CoinGone begin and end what is known of a coin.
	CoinAdded Kind = "coin"
	CoinGone  Kind = "gone"
	// Listed and Delisted begin and end a coin's contract on a venue.
	Listed   Kind = "listed"
	Delisted Kind = "delisted"
	// Updated is what a stream told of a contract.
	Updated Kind = "update"
	// Rebuilt makes a contract's map of all bars that are known, Stepped adds bars to it.
	Rebuilt Kind = "rebuild"
	Stepped Kind = "step"
	// LongShort and UsualFunding are figures that were asked for.
	LongShort    Kind = "long_short"
	UsualFunding Kind = "usual_funding"
	// Forgot drops reported liquidations that are too old.
	Forgot Kind = "forget"
	// Disbelieved says that a contract's price began or ceased to be far from the others'.
	Disbelieved Kind = "disbelieved"
	// Picture is a snapshot that was made.
	Picture Kind = "picture"
	// End is the last entry of a tape that was closed.
	End Kind = "end"
)

// needs are the parts that an entry of a kind must have.
var needs = map[Kind]struct{ coin, listing, part bool }{
	Frame: {part: true}, Connected: {part: true},
	CoinAdded: {coin: true, part: true}, CoinGone: {coin: true},
	Listed: {coin: true, listing: true, part: true}, Delisted: {listing: true},
	Updated: {listing: true, part: true}, Rebuilt: {listing: true, part: true}, Stepped: {listing: true, part: true},
	LongShort: {listing: true, part: true}, UsualFunding: {listing: true, part: true},
	Forgot: {coin: true}, Disbelieved: {listing: true}, Picture: {coin: true, part: true}, End: {},
}

// Entry is one line after the header: a time, a kind and the part of that kind.
type Entry struct {
	// At is the host's time; of a Picture and of a forced order the one that it was made
	// or counted with.
	At   Stamp `json:"t"`
	Kind Kind  `json:"kind"`
	// Coin and Listing are names that are used once in a tape: "BTC", and "BTC#2" for the
	// same coin after it was gone; "Binance BTCUSDT".
	Coin    string `json:"coin,omitempty"`
	Listing string `json:"listing,omitempty"`

	Message  *Message        `json:"frame,omitempty"`
	Stream   *StreamState    `json:"stream,omitempty"`
	Added    *Added          `json:"added,omitempty"`
	Contract *Contract       `json:"contract,omitempty"`
	Update   *Update         `json:"update,omitempty"`
	Bars     *Bars           `json:"bars,omitempty"`
	Ratio    *Ratio          `json:"ratio,omitempty"`
	Rate     *float64        `json:"rate,omitempty"`
	Is       bool            `json:"is,omitempty"`
	Shown    *PictureOutcome `json:"picture,omitempty"`
}

// part reports whether the entry has the part of its kind.
func (e *Entry) part() bool {
	switch e.Kind {
	case Frame:
		return e.Message != nil
	case Connected:
		return e.Stream != nil
	case CoinAdded:
		return e.Added != nil
	case Listed:
		return e.Contract != nil
	case Updated:
		return e.Update != nil
	case Rebuilt, Stepped:
		return e.Bars != nil
	case LongShort:
		return e.Ratio != nil
	case UsualFunding:
		return e.Rate != nil
	case Picture:
		return e.Shown != nil
	default:
		return true
	}
}

// Message is a raw message.
type Message struct {
	Venue  market.Venue `json:"venue"`
	Stream string       `json:"stream"`
	// Text holds the bytes if they are UTF-8, else Base64 does.
	Text   string `json:"text,omitempty"`
	Base64 string `json:"base64,omitempty"`
}

// NewMessage copies a frame.
func NewMessage(venue market.Venue, stream string, frame []byte) *Message {
	if utf8.Valid(frame) {
		return &Message{Venue: venue, Stream: stream, Text: string(frame)}
	}
	return &Message{Venue: venue, Stream: stream, Base64: base64.StdEncoding.EncodeToString(frame)}
}

// Bytes are those that came; the error is that of a bad Base64.
func (m *Message) Bytes() ([]byte, error) {
	if m.Base64 == "" {
		return []byte(m.Text), nil
	}
	return base64.StdEncoding.DecodeString(m.Base64)
}

// StreamState is a venue's stream that came up or was lost.
type StreamState struct {
	Venue  market.Venue `json:"venue"`
	Stream string       `json:"stream"`
	Up     bool         `json:"up"`
}

// Added is a coin that begins.
type Added struct {
	Coin market.Coin `json:"coin"`
	// Parameters is the hash of the constants of its map.
	Parameters string `json:"parameters"`
	// Realised are the liquidations that were kept on disk.
	Realised []Realised `json:"realised,omitempty"`
}

// Contract is a market.Contract.
type Contract struct {
	Venue           market.Venue  `json:"venue"`
	Symbol          string        `json:"symbol"`
	Coin            market.Coin   `json:"coin"`
	QuotedCoins     float64       `json:"quoted_coins"`
	ContractCoins   float64       `json:"contract_coins"`
	Quote           string        `json:"quote"`
	TickUSD         float64       `json:"tick_usd,omitempty"`
	MaxLeverage     float64       `json:"max_leverage,omitempty"`
	FundingInterval time.Duration `json:"funding_interval_ns,omitempty"`
}

// PictureOutcome is what came of making a snapshot.
type PictureOutcome struct {
	Window market.Window `json:"window"`
	// Fingerprint names the whole content of the snapshot, PriceUSD is for the eye. Both
	// are empty when none could be made, and Problem says why.
	Fingerprint string  `json:"fingerprint,omitempty"`
	PriceUSD    float64 `json:"usd,omitempty"`
	Problem     string  `json:"problem,omitempty"`
	// Watched is from when on venues' forced orders were seen without a gap.
	Watched map[market.Venue]Stamp `json:"watched,omitempty"`
	// Unknown are the venues that had not told yet what they list.
	Unknown []market.Venue `json:"unknown,omitempty"`
}

// The reasons for which a line is refused.
var (
	ErrVersion = errors.New("a tape of another version")
	ErrNoTape  = errors.New("not a tape")
	ErrEntry   = errors.New("not an entry of a tape")
)

// DecodeHeader reads the first line. The error wraps ErrNoTape or ErrVersion.
func DecodeHeader(line []byte) (Header, error) {
	var h Header
	if err := json.Unmarshal(line, &h); err != nil || h.Kind != KindTape {
		return Header{}, errors.Join(ErrNoTape, err)
	}
	if h.Version != Version {
		return Header{}, fmt.Errorf("%w: %d, want %d", ErrVersion, h.Version, Version)
	}
	return h, nil
}

// DecodeEntry reads a line after the first. The error wraps ErrEntry.
func DecodeEntry(line []byte) (*Entry, error) {
	e := new(Entry)
	if err := json.Unmarshal(line, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	need, known := needs[e.Kind]
	switch {
	case !known:
		return nil, fmt.Errorf("%w: kind %q is unknown", ErrEntry, e.Kind)
	case e.At.IsZero():
		return nil, fmt.Errorf("%w: %s without a time", ErrEntry, e.Kind)
	case need.coin && e.Coin == "" || need.listing && e.Listing == "" || need.part && !e.part():
		return nil, fmt.Errorf("%w: %s lacks a part", ErrEntry, e.Kind)
	}
	if e.Bars != nil {
		if err := e.Bars.check(); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Encode is the entry as a line, with its line feed. The error is that of a figure that is
// no number.
func (e *Entry) Encode() ([]byte, error) { return encode(e) }

// Encode is the header as a line, with its line feed.
func (h Header) Encode() ([]byte, error) {
	h.Kind, h.Version = KindTape, Version
	return encode(h)
}

func encode(v any) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode tape: %w", err)
	}
	return append(line, '\n'), nil
}

// Kinds yields all kinds of entry, in no order.
func Kinds() iter.Seq[Kind] { return maps.Keys(needs) }
