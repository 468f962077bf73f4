// Package snapshot is the picture of one coin and window at one moment, and the
// cache that keeps the newest of them ready. Snapshots are immutable and shared;
// the cache publishes them atomically, so reading one takes no lock. It knows no
// wire format: sources implement Source.
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

// Key names a snapshot: which coin, which look-back.
type Key struct {
	Coin   market.Coin
	Window market.Window
}

func (k Key) String() string { return string(k.Coin) + " " + string(k.Window) }

// Snapshot is everything known of a coin and window at one moment. The map and
// the price are always there; what a source does not know is nil. Nothing in it
// may be changed once it is published.
type Snapshot struct {
	// ID identifies the content within this process: two snapshots with the same
	// ID show the same picture. The cache sets it.
	ID      uint64
	Key     Key
	Price   market.Price
	Map     *liquidation.Map
	Summary liquidation.Summary

	// Range is the high and low of the last seven days.
	Range        *market.PriceRange
	ETF          *market.ETFFlow
	Liquidations *market.Liquidations
	OpenInterest *market.OpenInterest
	Funding      *market.Funding

	// Venues are the figures by venue, the largest open interest first; nil when the
	// source does not tell them apart.
	Venues []market.VenueFigures
	// Realised is what venues reported as liquidated lately, whatever the window; nil when
	// the source does not see it.
	Realised *Realised
	// Beside is what another source says of the same coin and window, nil as a rule. It is
	// shown beside this one, with its own age, and never mixed with it.
	Beside *Snapshot
	// Model says how an estimated map was made; nil for a vendor's.
	Model *Model
}

// Realised is what the venues reported as liquidated of a coin in the last day.
type Realised struct {
	// Rows are by venue and stretch of market.RealisedLength, oldest first; a stretch
	// without a row saw no order.
	Rows []market.Realised
	// Recent are the single orders of the last ten minutes, in the order in which they were
	// seen; the newest MaxRecent if there are more.
	Recent []SeenOrder
	// Watched are the venues whose reports are seen.
	Watched []WatchedVenue
	// AsOf is when that was.
	AsOf time.Time
}

// MaxRecent bounds Realised.Recent.
const MaxRecent = 2000

// SeenOrder is one forced order that a venue reported. Number grows by one with each order
// of the coin that is seen, whatever the venue, so that a reader of several snapshots can
// tell what is new.
type SeenOrder struct {
	Number uint64
	Venue  market.Venue
	market.Liquidation
}

// WatchedVenue is a venue whose forced orders are seen.
type WatchedVenue struct {
	Venue    market.Venue
	Coverage market.LiquidationCoverage
	// Since is from when on they were seen without a gap.
	Since time.Time
}

// Model is how an estimated map was made.
type Model struct {
	// Parameters is the hash of the model's constants, Input that of all that went in.
	Parameters, Input string
	// BarLength is the length of the candles, First the start of the first and Last the
	// end of the last that all venues of the map have.
	BarLength   time.Duration
	First, Last time.Time
	// WarmUp is the age that a map should have; a younger one is warming up.
	WarmUp time.Duration
	// LastPrice are the venues whose levels are swept by the last price, for want of mark
	// candles; Assumed those whose past open interest is taken from the present one.
	LastPrice, Assumed []market.Venue
	// Standing is the mass on each side of a venue over its open interest: how full the
	// map is.
	Standing []Standing
}

// Standing is the mass of one venue's map over its open interest, fractions.
type Standing struct {
	Venue       market.Venue
	Long, Short float64
}

// Age is how far back the map's candles reach.
func (m *Model) Age() time.Duration { return m.Last.Sub(m.First) }

// Warming reports whether the map is too young to be relied on.
func (m *Model) Warming() bool { return m.Age() < m.WarmUp }

// AsOf is the market time of the oldest figure that a reply depends on: the
// price or the map.
func (s *Snapshot) AsOf() time.Time {
	p, m := s.Price.Provenance.AsOf, s.Map.Provenance().AsOf
	if m.Before(p) {
		return m
	}
	return p
}

// Age is how old the snapshot is at a moment; never negative.
func (s *Snapshot) Age(now time.Time) time.Duration { return max(0, now.Sub(s.AsOf())) }

// Demo reports whether any figure is of an invented market.
func (s *Snapshot) Demo() bool {
	return s.Price.Provenance.Demo || s.Map.Provenance().Demo
}

// Source yields snapshots. Implementations are safe for concurrent use.
type Source interface {
	// Name is the name that readers know: "CoinGlass", "demo".
	Name() string
	// Coins lists the coins that Fetch can answer, the most asked-for first.
	Coins(ctx context.Context) ([]market.Coin, error)
	// Fetch returns the present snapshot of a key, with Summary worked out. The
	// error is an *Error where the source knows what went wrong.
	Fetch(ctx context.Context, key Key) (*Snapshot, error)
}

// Problem is the kind of trouble a source is in, as far as people who read a
// reply need to know it.
type Problem string

// The kinds of trouble.
const (
	// Unavailable: the source cannot be reached or answers nonsense; it may pass.
	Unavailable Problem = "unavailable"
	// RateLimited: the source refuses until RetryAt.
	RateLimited Problem = "rate_limited"
	// Unauthorized: the key is missing, wrong or expired. Only the host can help.
	Unauthorized Problem = "unauthorized"
	// PlanTooLow: the key is right but its plan does not include the map. Only the
	// host can help.
	PlanTooLow Problem = "plan_too_low"
	// NotListed: the source does not have this coin.
	NotListed Problem = "not_listed"
	// TooYoung: the source knows the coin, but not for as long as what was asked for needs.
	TooYoung Problem = "too_young"
	// BadData: the source answered with figures that cannot be.
	BadData Problem = "bad_data"
)

// Error is a source's failure with what to do about it. Its text is for the
// host's log; it holds no key.
type Error struct {
	Problem Problem
	// Hint tells the host in plain words what to do; may be empty.
	Hint string
	// RetryAt is when the source may be asked again; zero when it does not say.
	RetryAt time.Time
	Err     error
}

func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return fmt.Sprintf("%s: %s", e.Problem, e.Hint)
	case e.Hint == "":
		return fmt.Sprintf("%s: %v", e.Problem, e.Err)
	default:
		return fmt.Sprintf("%s: %v (%s)", e.Problem, e.Err, e.Hint)
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ProblemOf returns the kind of trouble in an error's chain, Unavailable when it
// does not say.
func ProblemOf(err error) Problem {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Problem
	}
	return Unavailable
}
