package watcher

import (
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
)

// agrees is how far apart two prices that follow each other may be, as a fraction,
// to vouch for each other. A slipped digit or another coin's price is farther off;
// a market that moves faster is believed one price later.
const agrees = 0.05

// Sight is the last price of a coin that a rule has seen. The zero Sight is none.
type Sight struct {
	// At is the market time of the price, or the time at which it was seen if the
	// source's clock was ahead of ours. Stamp is what the source said.
	At    time.Time `json:"at,omitzero"`
	Stamp time.Time `json:"stamp,omitzero"`
	USD   float64   `json:"usd,omitempty"`
	// Market is different for markets that have nothing to do with each other: another
	// source, the demo, another kind of price; for a rule that reads the map, another set
	// of venues in it.
	Market string `json:"market,omitempty"`
	// Venue is who quoted the price. Two venues quote one market, a basis apart.
	Venue string `json:"venue,omitempty"`
	// Recorded is the time in a recording that is played; it goes back where the
	// recording begins anew.
	Recorded time.Time `json:"recorded,omitzero"`
}

func (s Sight) check() error {
	if !plausible(s.USD) || s.At.IsZero() != (s.USD == 0) {
		return ErrState
	}
	return nil
}

// glance is a new price next to the last one.
type glance struct {
	Sight
	// other says that there is nothing to compare it with: the first price, another
	// market, a recording that began anew.
	other bool
	// gap says that the price before it is older than StaleAfter.
	gap bool
	// steady says that the price before it vouches for this one.
	steady bool
	// doubt are the prices between which the price may have gone only because another
	// venue quotes it, none if the same one does.
	doubt band
}

// band is a range of prices in USD. The zero band is none.
type band struct {
	LowUSD  float64 `json:"low,omitempty"`
	HighUSD float64 `json:"high,omitempty"`
}

// basis are the prices that a change of the quoting venue may account for: those between
// the last price of the one and the first of the other, and as far again beyond both. A
// price outside has moved for either venue.
func basis(a, b float64) band {
	low, high := min(a, b), max(a, b)
	return band{LowUSD: low - (high - low), HighUSD: high + (high - low)}
}

func (b band) holds(usd float64) bool { return b != band{} && usd >= b.LowUSD && usd <= b.HighUSD }

// look compares a snapshot's price with the last one. It returns false when there
// is nothing to evaluate: no usable price, one that is too old, or none that is
// newer.
func (s Sight) look(l Limits, snap *snapshot.Snapshot, now time.Time, name string) (glance, bool) {
	p := snap.Price
	stamp := p.Provenance.AsOf.Round(0).UTC()
	g := glance{Sight: Sight{
		At: earlier(stamp, wall(now)), Stamp: stamp, USD: p.USD,
		Market: name, Venue: strings.Join(names(p.Provenance.Venues), ","), Recorded: p.Provenance.RecordedAt.Round(0).UTC(),
	}}
	if !market.Positive(p.USD) || !fresh(stamp, now, l) || !dated(stamp) || !dated(g.Recorded) {
		return g, false
	}
	if s.At.IsZero() {
		g.other = true
		return g, true
	}
	// A price that is stamped in the future is not newer for being looked at later.
	// After our clock was set back there is no other way to tell what is newer.
	setBack := s.At.After(wall(now))
	if stamp.Equal(s.Stamp) || !setBack && !g.At.After(s.At) {
		return g, false
	}
	g.other = name != s.Market || g.Recorded.Before(s.Recorded)
	g.gap = g.At.Sub(s.At) > l.StaleAfter
	g.steady = !g.other && near(p.USD, s.USD, agrees)
	if s.Venue != "" && g.Venue != s.Venue && !g.other && !g.gap {
		// No basis is as large as what two prices may differ by and still agree.
		g.other = !g.steady
		g.doubt = basis(s.USD, p.USD)
	}
	return g, true
}

// fresh reports whether a figure may still be judged. One from the future has no
// age.
func fresh(asOf, now time.Time, l Limits) bool { return now.Sub(asOf) <= l.StaleAfter }

// dated reports whether a time can be written down.
func dated(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

// near reports whether two figures differ by at most a fraction of the second.
func near(a, b, within float64) bool { return a >= b*(1-within) && a <= b*(1+within) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// wall is a moment without its monotonic reading, to be compared with market times
// and kept.
func wall(t time.Time) time.Time { return t.Round(0).UTC() }

// marketOf names the market that a price comes from, whoever quotes it.
func marketOf(p market.Price) string { return fingerprint(priceParts(p)) }

// coverageOf names the market that a snapshot's price and map come from, and which
// venues are in the map.
func coverageOf(s *snapshot.Snapshot) string {
	p := s.Map.Provenance()
	parts := append(priceParts(s.Price), string(s.Key.Window), p.Source, strconv.FormatBool(p.Demo), strconv.FormatBool(p.RecordedAt.IsZero()))
	parts = append(parts, names(p.Venues)...)
	return fingerprint(append(append(parts, "without"), names(p.Missing)...))
}

func priceParts(p market.Price) []string {
	from := p.Provenance
	return []string{string(p.Kind), from.Source, strconv.FormatBool(from.Demo), strconv.FormatBool(from.RecordedAt.IsZero())}
}

// names lists venues in an order of its own.
func names(venues []market.Venue) []string {
	out := make([]string, len(venues))
	for i, v := range venues {
		out[i] = string(v)
	}
	slices.Sort(out)
	return out
}

// fingerprint is short and equal for equal parts.
func fingerprint(parts []string) string {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = h.Write([]byte(part)) // a hash takes everything
		_, _ = h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
