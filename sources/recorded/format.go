package recorded

import (
	"liqbot/market"
)

// Version is the version of the format that this package writes and plays. It
// changes only when an older player would misread a newer file; new kinds and
// new fields do not change it, since both are skipped where they are unknown.
const Version = 1

// Limits of a recording. A file beyond them is refused with the line's number.
const (
	// MaxLine is the longest line, in bytes after decompression.
	MaxLine = 8 << 20
	// MaxLevels is how many levels one map may have.
	MaxLevels = 200_000
	// MaxHeld is how many levels all maps in force may have together.
	MaxHeld = 2_000_000
	// MaxCoins is how many coins a recording may have.
	MaxCoins = 1_000
	// MaxVenues is how long a list of venues may be.
	MaxVenues = 200
	// maxSkipped is how many lines in a row may say nothing: blank ones and
	// unknown kinds. It bounds what a small gzip file can make the player read.
	maxSkipped = 100_000
	// maxValue bounds every figure, so that no sum of them is infinite.
	maxValue = 1e18
	// maxTime is the last millisecond of the year 9999.
	maxTime = 253_402_300_799_999
	// maxName bounds names that readers see: of a source or a venue, in bytes.
	maxName = 64
)

// Kind is what a line holds.
type Kind string

// The kinds of line. KindMarket is the first line's, the others are events.
const (
	KindMarket       Kind = "market"
	KindPrice        Kind = "price"
	KindMap          Kind = "map"
	KindRange        Kind = "range"
	KindETF          Kind = "etf"
	KindLiquidations Kind = "liquidations"
	KindOpenInterest Kind = "open_interest"
	KindFunding      Kind = "funding"
)

// Header is the first line of a recording.
type Header struct {
	Kind    Kind `json:"kind"`
	Version int  `json:"v"`
	// Source is the name that readers know; figures that name no other are from
	// it.
	Source string `json:"source"`
	// Origin is that of the maps, market.Estimate when empty.
	Origin market.Origin `json:"origin,omitempty"`
	// Demo marks an invented market.
	Demo bool `json:"demo,omitempty"`
	// Loop asks to play again from the first event once the last one is reached.
	Loop bool `json:"loop,omitempty"`
	// StartMS is the market time at which playing starts, Unix milliseconds. No
	// event is older.
	StartMS int64 `json:"start_ms"`
	// Coins are the coins of the recording, the most asked-for first. When empty
	// they become known as their prices come.
	Coins []market.Coin `json:"coins,omitempty"`
}

// Event is any other line: a figure that came into force at a market time. Which
// fields belong to which kind is in docs/recorded-market.md. Money is in USD,
// rates and changes are fractions, times are Unix milliseconds. A nil pointer is
// an absent field.
type Event struct {
	TimeMS int64         `json:"t"`
	Kind   Kind          `json:"kind"`
	Coin   market.Coin   `json:"coin"`
	Window market.Window `json:"window,omitempty"`

	// Same says that the figure was fetched again and had not changed, Gone that
	// the source no longer has it. Both replace the figure itself.
	Same bool `json:"same,omitempty"`
	Gone bool `json:"gone,omitempty"`

	// AsOfMS is the figure's market time where it is older than the event.
	AsOfMS int64 `json:"as_of_ms,omitempty"`
	// RecordedMS is the figure's first market time, when what was recorded was
	// itself a replay.
	RecordedMS int64 `json:"recorded_ms,omitempty"`
	// Source and Origin are given where they differ from the usual: the header's
	// source; the header's origin for maps and market.Measured for the rest.
	Source  string         `json:"source,omitempty"`
	Origin  market.Origin  `json:"origin,omitempty"`
	Venues  []market.Venue `json:"venues,omitempty"`
	Missing []market.Venue `json:"missing,omitempty"`

	USD       *float64         `json:"usd,omitempty"`        // price, open_interest
	PriceKind market.PriceKind `json:"price_kind,omitempty"` // price
	Change24h *float64         `json:"change_24h,omitempty"` // price, open_interest
	Amount    *float64         `json:"coins,omitempty"`      // open_interest, in coins

	RefUSD *float64 `json:"ref_usd,omitempty"` // map
	Short  Levels   `json:"short,omitempty"`   // map
	Long   Levels   `json:"long,omitempty"`    // map

	HighUSD *float64 `json:"high_usd,omitempty"` // range
	LowUSD  *float64 `json:"low_usd,omitempty"`  // range

	NetUSD   *float64       `json:"net_usd,omitempty"`   // etf
	NetCoins *float64       `json:"net_coins,omitempty"` // etf
	From     string         `json:"from,omitempty"`      // etf, YYYY-MM-DD
	To       string         `json:"to,omitempty"`        // etf, YYYY-MM-DD
	Week     market.ETFWeek `json:"week,omitempty"`      // etf

	LongUSD  *float64 `json:"long_usd,omitempty"`  // liquidations
	ShortUSD *float64 `json:"short_usd,omitempty"` // liquidations
	OverMS   int64    `json:"over_ms,omitempty"`   // liquidations

	Venue      market.Venue `json:"venue,omitempty"`       // funding
	Rate       *float64     `json:"rate,omitempty"`        // funding
	IntervalMS int64        `json:"interval_ms,omitempty"` // funding
}

// asOf is the market time of the event's figure.
func (e *Event) asOf() int64 {
	if e.AsOfMS != 0 {
		return e.AsOfMS
	}
	return e.TimeMS
}
