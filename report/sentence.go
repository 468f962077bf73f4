package report

import (
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

// Sentence is one statement: its type says which, its fields are the figures. All types
// of this file but Headline, Lead and Change are one.
type Sentence interface{ sentence() }

// Degree says how far one side is ahead of the other.
type Degree uint8

// The degrees, from no levels at all to one side alone.
const (
	// Nothing: neither side has anything.
	Nothing Degree = iota
	// Level: the sides differ by less than a hundredth.
	Level
	// Slight: the heavier side is less than liquidation.BalancedBelow ahead.
	Slight
	// Clear: it is that much ahead or more.
	Clear
	// Lopsided: the lighter side is almost empty, a ratio would say nothing.
	Lopsided
	// Alone: the lighter side is empty.
	Alone
)

// Lead says which side is ahead.
type Lead struct {
	Degree Degree
	// Side is the heavier side; zero for Nothing and Level.
	Side market.Side
	// Ratio is the heavier over the lighter, for Slight and Clear.
	Ratio float64
}

// Headline is the imbalance at the key levels, which lie within Band.
type Headline struct {
	Lead
	Band float64
}

// Direction says which way a figure went, as far as the digits that are shown tell.
type Direction uint8

// The directions.
const (
	Flat Direction = iota
	Up
	Down
)

// Change is how a figure changed in 24 hours.
type Change struct {
	Fraction  float64
	Direction Direction
}

// Warming says that the map is younger than it should be.
type Warming struct{ Have, Need time.Duration }

// Price is the price and how it changed; Change is nil when that is not known.
type Price struct {
	USD    float64
	Kind   market.PriceKind
	Change *Change
}

// Where says which part of a range a price is in.
type Where uint8

// The parts of a range, from below it to above it.
const (
	// AtLow is the lowest price or below, AtHigh the highest or above.
	AtLow Where = iota
	// NearLow is the lowest tenth, NearHigh the highest.
	NearLow
	LowerPart
	// Middle is the middle fifth.
	Middle
	UpperPart
	NearHigh
	AtHigh
)

// Place is where the price is in the range of the last seven days.
type Place struct {
	Where Where
	// Fraction is how far it is from the low to the high, in whole hundredths from 0.01
	// to 0.99.
	Fraction float64
}

// Zone is what lies between the price and a key level.
type Zone struct{ Key liquidation.KeyLevel }

// EmptyZone is a side without levels within Band; TotalUSD is that side's on the whole
// map.
type EmptyZone struct {
	Side     market.Side
	Band     float64
	TotalUSD float64
}

// Even compares the sides within the same distance.
type Even struct {
	Totals liquidation.Totals
	Lead   Lead
}

// Reversed says that the side which is ahead at the key levels is not the one that is
// ahead at the same distance.
type Reversed struct{}

// NoDirection says that an imbalance does not tell where the price goes.
type NoDirection struct{}

// MoreToLose is the one forecast that replays of recorded markets support: the side with
// more in Even loses more of the next four hours' liquidations somewhat more often than
// not, and the price's way is not known by it.
type MoreToLose struct{}

// LongsRealiseMore says that of the same intensity more longs than shorts were liquidated.
type LongsRealiseMore struct{}

// Range is the range of the last seven days; Width is high over low less one.
type Range struct{ HighUSD, LowUSD, Width float64 }

// Liquidated is what was reported as liquidated, lower bounds. Mostly is the side with
// three fifths of it or more, zero for none.
type Liquidated struct {
	LongUSD, ShortUSD float64
	Over              time.Duration
	Venues            []market.Venue
	Mostly            market.Side
}

// Flow is the net flow into spot ETFs: Up for an inflow.
type Flow struct {
	NetUSD    float64
	From, To  time.Time
	Direction Direction
}

// Funding is the funding of the largest venue that tells it: Payer is the side that pays,
// zero for neither.
type Funding struct {
	Venue    market.Venue
	Rate     float64
	Interval time.Duration
	Payer    market.Side
	// Usual is nil when it is not known.
	Usual *Usual
}

// Usual is what a rate usually is, and whether it is above (Up) or below that.
type Usual struct {
	Rate      float64
	Direction Direction
}

// OpenInterest is the open interest; Change is nil when that is not known.
type OpenInterest struct {
	USD    float64
	Change *Change
}

// Breakout is what would confirm a breakout and what would call it off. Side is the side
// that would be liquidated: Short for a breakout upward.
type Breakout struct {
	Side                  market.Side
	ConfirmUSD, CancelUSD float64
}

// Signs says what liquidations behind a breakout would look like.
type Signs struct{}

func (Warming) sentence()          {}
func (Price) sentence()            {}
func (Place) sentence()            {}
func (Zone) sentence()             {}
func (EmptyZone) sentence()        {}
func (Even) sentence()             {}
func (Reversed) sentence()         {}
func (NoDirection) sentence()      {}
func (MoreToLose) sentence()       {}
func (LongsRealiseMore) sentence() {}
func (Range) sentence()            {}
func (Liquidated) sentence()       {}
func (Flow) sentence()             {}
func (Funding) sentence()          {}
func (OpenInterest) sentence()     {}
func (Breakout) sentence()         {}
func (Signs) sentence()            {}
