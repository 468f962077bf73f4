package market

import (
	"math"
	"time"
)

// PriceRange is the highest and lowest traded price of a look-back, USD.
type PriceRange struct {
	HighUSD, LowUSD float64
	Window          Window
	Provenance      Provenance
}

// ETFFlow is the net flow into a coin's US spot ETFs over some trading days.
// NetUSD and NetCoins are negative for an outflow.
type ETFFlow struct {
	NetUSD   float64
	NetCoins float64
	// From and To are the first and last trading day counted, 00:00 UTC, both
	// included.
	From, To time.Time
	// Week says how the days relate to the calendar: the whole of last week, or
	// just the newest days known.
	Week       ETFWeek
	Provenance Provenance
}

// ETFWeek tells which days an ETFFlow adds up.
type ETFWeek string

// What an ETFFlow may cover.
const (
	// LastWeek is the newest week whose trading days are over.
	LastWeek ETFWeek = "last_week"
	// LatestDays is the newest trading days known, at most five.
	LatestDays ETFWeek = "latest_days"
)

// Liquidations is what venues reported as liquidated over a look-back, USD.
// Venues throttle their feeds, so the figures are lower bounds.
type Liquidations struct {
	LongUSD, ShortUSD float64
	Over              time.Duration
	Provenance        Provenance
}

// OpenInterest is the open interest of all contracts of a coin.
type OpenInterest struct {
	USD, Coins float64
	// Change24h is a fraction, valid if HasChange24h.
	Change24h    float64
	HasChange24h bool
	Provenance   Provenance
}

// Funding is the funding rate of one venue's main contract.
type Funding struct {
	Venue Venue
	// Rate is a fraction for one interval: 0.0001 is 0.01 %. Positive: longs pay.
	Rate       float64
	Interval   time.Duration
	Provenance Provenance
}

// LevelExponent is the power of ten to which a liquidation level near a price is
// rounded for people, so that five significant digits are left: 0 for BTC, -1 for
// ETH. The price has to be Positive.
func LevelExponent(priceUSD float64) int {
	return min(0, int(math.Floor(math.Log10(priceUSD)))-4)
}

// Positive reports whether v is a finite number above zero.
func Positive(v float64) bool { return v > 0 && !math.IsInf(v, 0) }

// Finite reports whether v is neither NaN nor infinite.
func Finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
