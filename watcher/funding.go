package watcher

import (
	"math"
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// fundingVersion is the version of FundingState's JSON.
const fundingVersion = 1

const (
	// fundingTimes the usual distance from what is usual, and at least fundingLeast for 8
	// hours, is notable.
	fundingTimes = 6
	fundingLeast = 0.0002
	// fundingMemory is how many hours what is usual goes back: about three days.
	fundingMemory = 72
	// fundingMost is the highest rate that can be, for 8 hours: venues cap theirs below it.
	fundingMost = 0.5
)

// fundingGears: rates are paid every few hours, and less than that is no news.
var fundingGears = gears{floor: 0.00002, rest: 8 * time.Hour}

// FundingState is what the funding rule knows of a coin. The zero FundingState knows
// nothing.
type FundingState struct {
	Seen Sight `json:"seen,omitzero"`
	// Venues are those whose rates are averaged, Rate their mean for 8 hours.
	Venues string  `json:"venues,omitempty"`
	Rate   float64 `json:"rate,omitempty"`
	Usual  average `json:"usual,omitzero"`
	// Off is how far from Usual the rate was at the last look; Up and Down are the
	// ratchets of either direction.
	Off  twice   `json:"off,omitzero"`
	Up   ratchet `json:"up,omitzero"`
	Down ratchet `json:"down,omitzero"`
}

// Encode is the state as it is kept.
func (st FundingState) Encode() ([]byte, error) { return encode(fundingVersion, st) }

// DecodeFunding reads a kept state. The error wraps ErrVersion or ErrState where that is
// the reason.
func DecodeFunding(saved []byte) (FundingState, error) {
	return decode(saved, fundingVersion, FundingState.check)
}

func (st FundingState) check() error {
	if math.Abs(st.Rate) > fundingMost || math.Abs(st.Usual.Mean) > 2*fundingMost {
		return ErrState
	}
	return checkAll(st.Usual, st.Off, st.Up, st.Down, st.Seen)
}

// StepFunding looks for a funding rate that has left its usual range: the mean of the
// venues' rates for 8 hours, weighted by open interest. When that becomes another set of
// venues, what is usual moves along, so that nothing comes of it. Two looks, a minute
// apart, have to agree. It is pure.
func StepFunding(l Limits, st FundingState, s *snapshot.Snapshot, now time.Time) (FundingState, Verdict) {
	g, ok := st.Seen.look(l, s, now, marketOf(s.Price))
	if !ok {
		return st, Verdict{}
	}
	rate, from := fundingRate(s, now)
	if len(from.venues) == 0 {
		return st, Verdict{}
	}
	v := Verdict{Evaluated: true}
	if g.other {
		st = FundingState{}
	}
	st.Seen = g.Sight
	if name := from.name(); name != st.Venues {
		if st.Usual.Count > 0 {
			st.Usual.Mean = min(max(st.Usual.Mean+rate-st.Rate, -2*fundingMost), 2*fundingMost)
		}
		st.Venues, st.Off = name, twice{}
	}
	st.Rate = rate
	usual := st.Usual
	if usual.due(g.At) {
		st.Usual = usual.add(g.At, rate, fundingMemory)
	}
	if usual.Count == 0 {
		return st, v
	}
	var off float64
	if st.Off, off, ok = st.Off.look(g.At, rate-usual.Mean); !ok {
		return st, v
	}
	a := news(alert.Funding, l, g, s, now)
	a.Value, a.Span, a.Provenance = rate, 8*time.Hour, from.provenance(s)
	notable := usual.known() && math.Abs(off) >= max(fundingTimes*usual.Deviation, fundingLeast)
	if usual.known() {
		a.Usual = usual.Mean
	}
	st.Up, st.Down = v.either(st.Up, st.Down, fundingGears, reading{figure: off, notable: notable, at: g.At, now: now}, a)
	return st, v
}

// fundingRate is the mean rate for 8 hours of the venues that tell theirs, weighted by
// open interest; of one venue where the source tells no more.
func fundingRate(s *snapshot.Snapshot, now time.Time) (float64, pool) {
	var from pool
	sum, weights := 0.0, 0.0
	for _, v := range s.Venues {
		if v.Funding == nil || v.OpenInterest == nil || !market.Positive(v.OpenInterest.USD) || !recent(v.AsOf, now) {
			continue
		}
		rate := v.Funding.EightHourRate()
		if !(math.Abs(rate) <= fundingMost) {
			continue
		}
		sum += rate * v.OpenInterest.USD
		weights += v.OpenInterest.USD
		from.add(v.AsOf, v.Venue)
	}
	if weights > 0 && market.Finite(sum/weights) {
		return sum / weights, from
	}
	if f := s.Funding; f != nil && recent(f.Provenance.AsOf, now) {
		rate := market.VenueFunding{Rate: f.Rate, Interval: f.Interval}.EightHourRate()
		if math.Abs(rate) <= fundingMost {
			alone := pool{}
			alone.add(f.Provenance.AsOf, f.Venue)
			return rate, alone
		}
	}
	return 0, pool{}
}

// either steps the ratchets of a figure that goes up or down from zero, and tells what
// they tell.
func (v *Verdict) either(up, down ratchet, g gears, in reading, a alert.Alert) (ratchet, ratchet) {
	for _, way := range []struct {
		r      *ratchet
		rising bool
	}{{&up, true}, {&down, false}} {
		one := in
		if !way.rising {
			one.figure = -in.figure
		}
		one.figure = max(one.figure, 0)
		one.notable = in.notable && one.figure > 0
		var told *rise
		if *way.r, told = way.r.step(g, one); told != nil {
			a.Rising = way.rising
			v.tell(told.alert(a))
		}
	}
	return up, down
}
