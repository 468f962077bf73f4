package liquidation

import (
	"errors"
	"fmt"
	"time"

	"liqbot/market"
)

// Bar is what one venue did in one stretch of time: its candle, its volume and
// its open interest.
type Bar struct {
	// Start is the beginning of the bar, Length how long it lasts, at most a day.
	Start  time.Time
	Length time.Duration
	// The candle of the prices at which the contract traded, USD. Positions are
	// entered at prices made from it.
	OpenUSD, HighUSD, LowUSD, CloseUSD float64
	// MarkHighUSD and MarkLowUSD are the extremes of the mark price, on which
	// liquidations trigger: what they reach is swept. Both are 0 where the venue has
	// no mark candles; then the candle's own extremes sweep.
	MarkHighUSD, MarkLowUSD float64
	// VolumeCoins is the traded volume in base coins; zero is a bar without trades.
	VolumeCoins float64
	// OpenInterestCoins is the open interest in base coins when the bar opened.
	OpenInterestCoins float64
}

// End is the moment at which the bar is over.
func (b Bar) End() time.Time { return b.Start.Add(b.Length) }

// HasMark reports whether the extremes of the mark price are known.
func (b Bar) HasMark() bool { return b.MarkHighUSD != 0 || b.MarkLowUSD != 0 }

// extremes are the prices up to which the bar sweeps.
func (b *Bar) extremes() (low, high float64) {
	if b.HasMark() {
		return b.MarkLowUSD, b.MarkHighUSD
	}
	return b.LowUSD, b.HighUSD
}

// The kinds of bar that the estimator refuses; BarError wraps one of them.
var (
	ErrBarLength = errors.New("length is not between one second and one day")
	ErrBarPrice  = errors.New("prices are not between 1e-12 and 1e15 USD")
	ErrBarRange  = errors.New("high and low do not hold open and close between them")
	ErrBarMark   = errors.New("mark extremes are not a low and a high between 1e-12 and 1e15 USD")
	ErrBarVolume = errors.New("volume is not between 0 and 1e18 coins")
	ErrBarOpen   = errors.New("open interest is not above 0 and up to 1e18 coins")
	ErrBarOrder  = errors.New("bar begins before the end of the one before it")
	ErrBarWindow = errors.New("the map of a window takes no further bars")
)

// maxCoins bounds volume and open interest; it keeps every sum finite. The coins
// with most units in circulation have about 1e15.
const maxCoins = 1e18

// BarError says which bar was refused and why.
type BarError struct {
	Start time.Time
	// Err is one of the ErrBar values of this package.
	Err error
}

func (e *BarError) Error() string {
	return fmt.Sprintf("liquidation estimator: bar of %s: %v", e.Start.UTC().Format(time.RFC3339), e.Err)
}

// Unwrap returns the reason.
func (e *BarError) Unwrap() error { return e.Err }

// Check reports whether the figures of the bar can be true. The error is a
// *BarError.
func (b Bar) Check() error { return b.check() }

func (b *Bar) check() error {
	if err := b.fault(); err != nil {
		return &BarError{Start: b.Start, Err: err}
	}
	return nil
}

func (b *Bar) fault() error {
	switch {
	case b.Length < time.Second || b.Length > 24*time.Hour:
		return ErrBarLength
	case !possible(b.OpenUSD) || !possible(b.HighUSD) || !possible(b.LowUSD) || !possible(b.CloseUSD):
		return ErrBarPrice
	case b.LowUSD > min(b.OpenUSD, b.CloseUSD) || b.HighUSD < max(b.OpenUSD, b.CloseUSD):
		return ErrBarRange
	case b.HasMark() && !(possible(b.MarkLowUSD) && possible(b.MarkHighUSD) && b.MarkLowUSD <= b.MarkHighUSD):
		return ErrBarMark
	case !(b.VolumeCoins >= 0 && b.VolumeCoins <= maxCoins):
		return ErrBarVolume
	case !market.Positive(b.OpenInterestCoins) || b.OpenInterestCoins > maxCoins:
		return ErrBarOpen
	default:
		return nil
	}
}
