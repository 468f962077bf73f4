// Package alert holds the words that the watcher, the storage, the delivery and
// the handlers share when they speak of alerts: what happened on the market, who
// wants to hear of it, and what became of each delivery. Types and their checks
// only; it does no I/O, knows no text and owns no goroutine.
package alert

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"math"
	"time"

	"liqbot/market"
)

// Alert is something that happened on the market and that people asked to be told
// of. It is immutable once it is recorded.
type Alert struct {
	// ID is the same for the same event, whoever evaluates it: see EventID.
	ID   string
	Rule Rule
	Coin market.Coin
	// Window is the look-back of the map that a Breakout is about.
	Window market.Window
	// Rising says that the price went up through the level: shorts lie behind a
	// level above the price, longs behind one below it. Of other rules it names the side
	// (see Side) or says that the figure went up.
	Rising bool
	// LevelUSD is the level that was reached, or of an Approach the edge of the cluster
	// that is near; PriceUSD is the price that confirmed it and Kind which price that is.
	LevelUSD, PriceUSD float64
	Kind               market.PriceKind
	// Strength is what chats' thresholds are compared with, in the unit of the rule, and
	// Before the greatest Strength that was told since the rule was last at rest: see
	// Meets.
	Strength, Before float64
	// Notable says that the rule itself finds it worth an alert: it is for the chats that
	// have set no threshold, and true once between two rests of the rule.
	Notable bool
	// Value is the figure as it is now and Usual what is usual for it, 0 for not known.
	// Of a Cascade both are USD within Span, of Funding rates for 8 hours as fractions,
	// of OpenInterest USD and the usual size of a change within Span as a fraction.
	Value, Usual float64
	// Span is the time that Value or Strength is about.
	Span time.Duration
	// Flipped says of an Imbalance that the heavier side is the other one now.
	Flipped bool
	// Venue is the venue of a Large order.
	Venue market.Venue
	// Solo says that a single venue vouches for it.
	Solo bool
	// IntensityUSD is what lay between the price and the level while the price was
	// still on its other side, as it was shown then; IntensityAt is when. Zero for a
	// Price alert.
	IntensityUSD float64
	IntensityAt  time.Time
	// At is the market time of the price that confirmed the alert, Crossed of the
	// first one beyond the level. Of a Large order At is when it was, and Crossed that of
	// the price.
	At, Crossed time.Time
	// Last is when the alert before this one of the same rule and coin was, zero for
	// none.
	Last time.Time
	// BlindSince is set when the level was reached at a time that the bot did not
	// see: between then and At.
	BlindSince time.Time
	// Expires is when it is no news any more and is not sent.
	Expires time.Time
	// Provenance is that of the map for a Breakout and that of the price for a Price
	// alert.
	Provenance market.Provenance
	// Followed is what an Outcome tells of, nil for all else.
	Followed *Followed
	// Items are the alerts of a Summary, the oldest first; Digest says that it is the
	// daily one of the chat and Quiet since when they were held back, zero for alerts that
	// came in quick succession.
	Items  []Alert
	Digest bool
	Quiet  time.Time
	// Words are what the host says in a Notice.
	Words string
}

// Followed is what became of a breakout after a while.
type Followed struct {
	// ID is that of the breakout's alert, After the time since then.
	ID    string
	After time.Duration
	// FromUSD is the price of the alert, ToUSD the price after the time; BestUSD and
	// WorstUSD are the farthest prices in the alert's direction and against it that
	// were seen meanwhile.
	FromUSD, ToUSD, BestUSD, WorstUSD float64
	// LiquidatedUSD is what venues reported as liquidated of the alert's side meanwhile, a
	// lower bound; zero without Watched.
	LiquidatedUSD float64
	Watched       bool
	// Held says that the price is still beyond the level.
	Held bool
	// BaseHeld is how many such alerts held for as long before, of BaseCount.
	BaseHeld, BaseCount int
}

// Meets reports whether the alert is one for a chat with a threshold: it has reached
// the threshold and had not before. Without a threshold (0) the rule decides.
func (a *Alert) Meets(threshold float64) bool {
	if threshold == 0 {
		return a.Notable
	}
	return a.Before < threshold && threshold <= a.Strength
}

// Side is the side of the positions behind the level, that were liquidated, or that is
// heavier.
func (a *Alert) Side() market.Side {
	if a.Rising {
		return market.Short
	}
	return market.Long
}

// EventID is the id of an event: equal for equal events. The epoch tells apart
// what may happen again, such as the time at which a rule was armed.
func EventID(rule Rule, coin market.Coin, levelUSD float64, rising bool, epoch time.Time) string {
	h := sha256.New()
	h.Write([]byte(string(rule) + "\x00" + string(coin) + "\x00"))
	direction := uint64(0)
	if rising {
		direction = 1
	}
	for _, n := range []uint64{math.Float64bits(levelUSD), direction, uint64(epoch.UnixNano())} {
		h.Write(binary.BigEndian.AppendUint64(nil, n))
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:15])
}
