// Package feeds holds what the feeds of all venues and the source that reads them say
// to each other: updates, what may go wrong, what is left out and why. Each venue is a
// folder below: its wire types, its decoder, its subscriptions and its history, which
// yield words of package market, in coins and USD. No feed estimates anything.
package feeds

import (
	"errors"
	"fmt"
	"time"

	"liqbot/market"
)

// CandleLength is the length of the candles that all feeds yield.
const CandleLength = 5 * time.Minute

// Kind says what an Update tells.
type Kind uint8

// The kinds of update.
const (
	// Ticker tells prices, open interest or funding; what it does not tell is zero.
	Ticker Kind = iota + 1
	// Liquidation tells one forced order.
	Liquidation
	// ContractChanged tells that the contract was renamed, delisted or got other
	// factors: the list of contracts is to be read again.
	ContractChanged
)

// Update is one thing that a venue's stream told about one contract. Prices are USD
// for one coin, sizes are coins.
type Update struct {
	// Contract is one of those that Stream was called with.
	Contract *market.Contract
	Kind     Kind
	// At is the venue's own time of what is told.
	At time.Time

	// Of a Ticker; zero is "not told".
	MarkUSD, IndexUSD, LastUSD float64
	OpenInterestCoins          float64
	// Funding is valid if HasFunding: the rate that is being accrued, a fraction for one
	// FundingInterval, paid at FundingAt.
	HasFunding      bool
	FundingRate     float64
	FundingInterval time.Duration
	FundingAt       time.Time

	// Order is the forced order of a Liquidation. ID tells it from others of the same
	// contract where the venue has one.
	Order market.Liquidation
	ID    uint64
}

// Reason says why something a venue sent was left out.
type Reason string

// The reasons.
const (
	// Garbage is a frame that is no message of the venue.
	Garbage Reason = "garbage"
	// WrongType is a field that is not of its type, or missing though needed.
	WrongType Reason = "wrong_type"
	// Impossible is a number that cannot be: negative, zero, not finite or too large.
	Impossible Reason = "impossible"
	// UnknownContract is a symbol that was not asked for: inverse, delisted, new.
	UnknownContract Reason = "unknown_contract"
	// OutOfOrder is older than what is known already, or far in the future.
	OutOfOrder Reason = "out_of_order"
	// Duplicate was told before.
	Duplicate Reason = "duplicate"
	// Refused is a subscription that the venue refused.
	Refused Reason = "refused"
	// Overflow was dropped because the reader fell behind.
	Overflow Reason = "overflow"
)

// Sink takes what a stream tells. Its methods return at once and may be called from
// several goroutines.
type Sink interface {
	Update(Update)
	// Dropped counts something that was left out.
	Dropped(Reason)
	// Frame sees every raw message before it is decoded, for recordings. The bytes may
	// not be kept or changed. Stream names the connection, such as "public".
	Frame(stream string, frame []byte)
	// Connected is told each time a connection comes up (err nil) or is lost.
	Connected(stream string, err error)
}

// Problem is the kind of trouble with a venue.
type Problem string

// The kinds of trouble.
const (
	// Unavailable: cannot be reached, or a fault of theirs; it may pass.
	Unavailable Problem = "unavailable"
	// RateLimited: refuses until RetryAt.
	RateLimited Problem = "rate_limited"
	// Blocked: does not serve this place, or the address is gone. Only the host can help.
	Blocked Problem = "blocked"
	// NotListed: does not know the contract.
	NotListed Problem = "not_listed"
	// BadData: answered with what cannot be.
	BadData Problem = "bad_data"
)

// Error is a venue's failure.
type Error struct {
	Venue   market.Venue
	Problem Problem
	// RetryAt is when the venue may be asked again; zero when it does not say.
	RetryAt time.Time
	Err     error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %v", e.Venue, e.Problem, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ProblemOf is the kind of trouble in an error's chain, Unavailable when it does not say.
func ProblemOf(err error) Problem {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Problem
	}
	return Unavailable
}

// Permanent reports whether asking again later would be in vain: what a venue does not
// tell and could do without (mark candles, takers) is then left out.
func Permanent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.RetryAt.IsZero() && (e.Problem == Blocked || e.Problem == NotListed || e.Problem == BadData)
}

// Bounds of what a figure of a market can be.
const (
	minPrice, maxPrice = 1e-12, 1e15
	maxCoins           = 1e18
	maxFunding         = 0.5
)

// PossiblePrice reports whether v can be a price, USD for one coin.
func PossiblePrice(v float64) bool { return v >= minPrice && v <= maxPrice }

// PossibleCoins reports whether v can be a size above zero, coins.
func PossibleCoins(v float64) bool { return v > 0 && v <= maxCoins }

// PossibleVolume reports whether v can be a volume, coins; zero can.
func PossibleVolume(v float64) bool { return v >= 0 && v <= maxCoins }

// PossibleFunding reports whether v can be a funding rate of one interval.
func PossibleFunding(v float64) bool { return v >= -maxFunding && v <= maxFunding }

// PossibleCandle reports whether the figures of a candle can be true together.
func PossibleCandle(c market.Candle) bool {
	whole := PossiblePrice(c.OpenUSD) && PossiblePrice(c.CloseUSD) && PossiblePrice(c.HighUSD) && PossiblePrice(c.LowUSD)
	if !whole || c.LowUSD > min(c.OpenUSD, c.CloseUSD) || c.HighUSD < max(c.OpenUSD, c.CloseUSD) || !PossibleVolume(c.VolumeCoins) {
		return false
	}
	if c.HasTaker && !(c.TakerBuyCoins >= 0 && c.TakerBuyCoins <= c.VolumeCoins*(1+1e-9)) {
		return false
	}
	return c.MarkHighUSD == 0 && c.MarkLowUSD == 0 ||
		PossiblePrice(c.MarkHighUSD) && PossiblePrice(c.MarkLowUSD) && c.MarkLowUSD <= c.MarkHighUSD
}
