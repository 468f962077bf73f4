package watcher

import (
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// priceVersion is the version of PriceState's JSON.
const priceVersion = 1

// settles is how long after a change of the quoting venue the difference of the two is
// taken for no move of the market. Then the price of the new one is the price.
const settles = 10 * time.Minute

// PriceState is what the price rule knows of a coin. The zero PriceState knows
// nothing.
type PriceState struct {
	// Seen is the newest price; it waits for the next one to vouch for it.
	Seen Sight `json:"seen,omitzero"`
	// USD is the last confirmed price, 0 for none, and At its market time.
	USD float64   `json:"usd,omitempty"`
	At  time.Time `json:"at,omitzero"`
	// Blind is when the coin was last seen before a gap that ended with Seen.
	Blind time.Time `json:"blind,omitzero"`
	// Doubt are the prices that reach nothing: the quoting venue has changed, and a level
	// among them may be crossed by the difference of the two. It ends with the market
	// time Doubted, or with a price beyond it.
	Doubt   band      `json:"doubt,omitzero"`
	Doubted time.Time `json:"doubted,omitzero"`
}

// Encode is the state as it is kept.
func (st PriceState) Encode() ([]byte, error) { return encode(priceVersion, st) }

// DecodePrice reads a kept state. The error wraps ErrVersion or ErrState where that
// is the reason.
func DecodePrice(saved []byte) (PriceState, error) {
	return decode(saved, priceVersion, PriceState.check)
}

func (st PriceState) check() error {
	if !plausible(st.USD) || !plausible(st.Doubt.LowUSD) || !plausible(st.Doubt.HighUSD) {
		return ErrState
	}
	return st.Seen.check()
}

// StepPrice confirms prices for the levels that members have named: each price that
// comes out is one that two prices in turn have reached, so a lone bad one reaches
// nothing. It knows no levels: whoever keeps them compares. It is pure.
func StepPrice(l Limits, st PriceState, s *snapshot.Snapshot, now time.Time) (PriceState, Verdict) {
	g, ok := st.Seen.look(l, s, now, marketOf(s.Price))
	if !ok {
		return st, Verdict{}
	}
	before := st
	if g.other {
		return PriceState{Seen: g.Sight}, Verdict{Evaluated: true}
	}
	st.Seen, st.Blind = g.Sight, time.Time{}
	if g.gap {
		st.Blind = earlier(before.Seen.At, wall(now))
	}
	st = st.doubting(g)
	usd, ok := confirm(before, g)
	if !ok {
		return st, Verdict{Evaluated: true}
	}
	st.USD, st.At = usd, g.At
	if st.Doubt.holds(usd) {
		return st, Verdict{Evaluated: true}
	}
	st.Doubt, st.Doubted = band{}, time.Time{}
	return st, Verdict{Evaluated: true, Reached: []alert.Reached{{
		Coin: s.Key.Coin, USD: usd,
		Alert: alert.Alert{
			Rule: alert.Price, Coin: s.Key.Coin,
			PriceUSD: g.USD, Kind: s.Price.Kind, // that of At, which lies no less far than usd
			At: g.At, Crossed: earlier(before.Seen.At, g.At), BlindSince: before.Blind,
			Expires:    wall(now).Add(l.TTL),
			Provenance: s.Price.Provenance,
		},
	}}}
}

// doubting keeps the doubt up to date. One that lasts is not replaced: venues that take
// turns would keep the price in doubt for ever.
func (st PriceState) doubting(g glance) PriceState {
	left := st.Doubted.Sub(g.At)
	if g.gap || left <= 0 || left > settles {
		st.Doubt, st.Doubted = band{}, time.Time{}
	}
	if st.Doubt == (band{}) && g.doubt != (band{}) {
		st.Doubt, st.Doubted = g.doubt, g.At.Add(settles)
	}
	return st
}

// confirm returns the price that the last two have both reached, seen from the
// price confirmed before: the less extreme of the two. It returns false when they
// lie on either side of it. Without a confirmed price the two have to agree.
func confirm(before PriceState, g glance) (float64, bool) {
	first, second := before.Seen.USD, g.USD
	if !market.Positive(before.USD) {
		return first, g.steady
	}
	switch low, high := min(first, second), max(first, second); {
	case low >= before.USD:
		return low, true
	case high <= before.USD:
		return high, true
	default:
		return 0, false
	}
}
