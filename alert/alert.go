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

// Rule names what an alert is about.
type Rule string

// The rules.
const (
	// Breakout is a price that has gone beyond a key level and stayed there.
	Breakout Rule = "breakout"
	// Price is a price that has reached a level that a member has named.
	Price Rule = "price"
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
	// level above the price, longs behind one below it.
	Rising bool
	// LevelUSD is the level that was reached, PriceUSD the price that confirmed it
	// and Kind which price that is.
	LevelUSD, PriceUSD float64
	Kind               market.PriceKind
	// IntensityUSD is what lay between the price and the level while the price was
	// still on its other side, as it was shown then; IntensityAt is when. Zero for a
	// Price alert.
	IntensityUSD float64
	IntensityAt  time.Time
	// At is the market time of the price that confirmed the alert, Crossed of the
	// first one beyond the level.
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
}

// Side is the side of the positions behind the level.
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
