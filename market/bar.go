package market

import (
	"cmp"
	"slices"
	"time"
)

// Bar is a candle of a contract with the open interest at its start: what a
// liquidation map is estimated from.
type Bar struct {
	Candle
	// OpenInterestCoins is the open interest when the candle began, base coins; 0 when
	// nobody knows.
	OpenInterestCoins float64
	// Assumed says that the open interest was not told for that time and was taken from
	// the nearest time that is known.
	Assumed bool
}

// Realised is what one venue reported as liquidated of one coin in one stretch of
// RealisedLength.
type Realised struct {
	Start time.Time
	Venue Venue
	// LongUSD and ShortUSD are the notional of the positions of that side, USD.
	LongUSD, ShortUSD float64
	// Orders is how many orders that was, Largest the largest of them.
	Orders  int
	Largest Liquidation
}

// RealisedLength is the length of a Realised.
const RealisedLength = 5 * time.Minute

// VenueFigures is what one venue says of one coin now. Fields that it does not tell are
// nil.
type VenueFigures struct {
	Venue Venue
	// Symbol is the venue's name of the contract.
	Symbol string
	// MarkUSD is the venue's mark price at AsOf.
	MarkUSD float64
	AsOf    time.Time
	// OpenInterest has its change when a day of it is known.
	OpenInterest *OpenInterest
	Funding      *VenueFunding
	LongShort    *LongShort
	// Coverage says how much of what is liquidated the venue reports; empty when it
	// reports nothing.
	Coverage LiquidationCoverage
}

// VenueFunding is the funding of one contract.
type VenueFunding struct {
	// Rate is what is being accrued, a fraction for one Interval. Positive: longs pay.
	Rate     float64
	Interval time.Duration
	// NextAt is when it is paid; zero when the venue does not tell.
	NextAt time.Time
	// UsualRate is the mean of the rates paid in the last seven days, for one Interval,
	// valid if HasUsual.
	UsualRate float64
	HasUsual  bool
}

// EightHourRate is the rate for eight hours, which makes venues comparable.
func (f VenueFunding) EightHourRate() float64 {
	if f.Interval <= 0 {
		return f.Rate
	}
	return f.Rate * float64(8*time.Hour) / float64(f.Interval)
}

// MergeBars joins two lists of one contract, oldest first; where both have a start the
// second's bar counts.
func MergeBars(known, fresh []Bar) []Bar {
	return merge(known, fresh, func(a, b Bar) int { return a.Start.Compare(b.Start) })
}

// MergeRealised joins two lists of one coin, oldest first and then by venue; where both have
// a venue's row of a start the second's counts.
func MergeRealised(known, fresh []Realised) []Realised {
	return merge(known, fresh, func(a, b Realised) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Venue, b.Venue)) })
}

func merge[T any](known, fresh []T, compare func(a, b T) int) []T {
	all := append(slices.Clone(fresh), known...)
	slices.SortStableFunc(all, compare)
	return slices.CompactFunc(all, func(a, b T) bool { return compare(a, b) == 0 })
}
