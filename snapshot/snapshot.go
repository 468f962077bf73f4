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
}

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
