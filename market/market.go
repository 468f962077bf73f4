// Package market holds the words of the trade as types: coins, venues, sides,
// windows, and where a figure comes from. It does no I/O and no arithmetic
// beyond units, owns no goroutines, and everything above it speaks its words.
package market

import (
	"fmt"
	"strings"
	"time"
)

// Coin is a base asset in upper case, such as "BTC". It is not a pair and not a
// venue's contract symbol.
type Coin string

// MaxCoinLength is the longest coin name accepted, in bytes.
const MaxCoinLength = 20

// ParseCoin accepts an already normalised coin name: 1 to MaxCoinLength of
// A-Z and 0-9. What people type is normalised by the handlers before it
// comes here.
func ParseCoin(s string) (Coin, error) {
	if s == "" || len(s) > MaxCoinLength {
		return "", fmt.Errorf("coin name of %d bytes: want 1 to %d", len(s), MaxCoinLength)
	}
	for _, r := range s {
		if (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return "", fmt.Errorf("coin name %q: want only A-Z and 0-9", s)
		}
	}
	return Coin(s), nil
}

// Venue is a place where a contract trades, spelled as people write it:
// "Binance", "OKX", "Bybit". The empty venue means "not told".
type Venue string

// Side is the side of a position. A liquidation's side is the side that lost
// the position: a price fall liquidates longs, a rise liquidates shorts.
type Side uint8

// The two sides of a position.
const (
	Long Side = iota + 1
	Short
)

// String returns "long" or "short".
func (s Side) String() string {
	switch s {
	case Long:
		return "long"
	case Short:
		return "short"
	default:
		return fmt.Sprintf("side(%d)", uint8(s))
	}
}

// Window is the look-back of a liquidation map: positions opened within it.
type Window string

// The windows that every source offers.
const (
	Day   Window = "1d"
	Week  Window = "7d"
	Month Window = "30d"
)

// Windows lists all windows, shortest first. The caller may keep the slice.
func Windows() []Window { return []Window{Day, Week, Month} }

// ParseWindow accepts the exact names 1d, 7d and 30d in any case.
func ParseWindow(s string) (Window, error) {
	w := Window(strings.ToLower(s))
	switch w {
	case Day, Week, Month:
		return w, nil
	default:
		return "", fmt.Errorf("window %q: want 1d, 7d or 30d", s)
	}
}

// Duration is the length of the window.
func (w Window) Duration() time.Duration {
	const day = 24 * time.Hour
	switch w {
	case Day:
		return day
	case Week:
		return 7 * day
	case Month:
		return 30 * day
	default:
		return 0
	}
}

// Origin says how a figure came to be.
type Origin string

// The origins of a figure.
const (
	// Vendor is a figure that a data vendor computed and we pass on.
	Vendor Origin = "vendor"
	// Estimate is a figure that this bot modelled itself.
	Estimate Origin = "estimate"
	// Measured is a figure that a venue reported (a price, a flow).
	Measured Origin = "measured"
)

// Provenance says where a figure comes from. Every figure that is shown has one.
type Provenance struct {
	// Source is the name a reader knows: "CoinGlass", "demo".
	Source string
	// Origin says whether the figure was measured, modelled here or by a vendor.
	Origin Origin
	// AsOf is the market time of the figure, UTC. Its age is now minus AsOf.
	AsOf time.Time
	// Venues are in the figure; Missing should be in it and are not.
	// Both may be nil when the source does not tell.
	Venues, Missing []Venue
	// Demo marks an invented market: every place that shows the figure says so.
	Demo bool
	// RecordedAt is the market time of the original recording when AsOf was
	// moved to the present by a replay; zero for live data.
	RecordedAt time.Time
}

// Comparable reports whether two figures are of markets that may be counted together: a live
// one, an invented one and one that is played from a recording are three kinds.
func (p Provenance) Comparable(o Provenance) bool {
	return p.Demo == o.Demo && p.RecordedAt.IsZero() == o.RecordedAt.IsZero()
}

// PriceKind says which price a source quotes.
type PriceKind string

// The kinds of price. Liquidations trigger on the mark price; a source that
// only has the last traded price is shown as such.
const (
	MarkPrice PriceKind = "mark"
	LastPrice PriceKind = "last"
)

// Price is a coin's price in USD for one coin.
type Price struct {
	USD  float64
	Kind PriceKind
	// Change24h is a fraction (0.0234 is +2.34 %), valid if HasChange24h.
	Change24h    float64
	HasChange24h bool
	Provenance   Provenance
}
