package watcher

import (
	"math"
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// openInterestVersion is the version of OpenInterestState's JSON.
const openInterestVersion = 1

const (
	// interestSpan is the time within which open interest changes much.
	interestSpan = time.Hour
	// interestEvery is the time between two samples of it.
	interestEvery = 5 * time.Minute
	// interestTimes the usual change, and at least interestLeast, is notable.
	interestTimes = 5
	interestLeast = 0.03
	// interestMemory is how many hours what is usual goes back: about three days.
	interestMemory = 72
	// maxInterests bounds the samples.
	maxInterests = 16
)

var interestGears = gears{floor: 0.005, rest: time.Hour}

// Interest is an open interest at a moment, base coins.
type Interest struct {
	At    time.Time `json:"at"`
	Coins float64   `json:"coins"`
}

// OpenInterestState is what the open interest rule knows of a coin. The zero
// OpenInterestState knows nothing.
type OpenInterestState struct {
	Seen Sight `json:"seen,omitzero"`
	// Venues are those whose open interest is added up, Coins the last sum.
	Venues string  `json:"venues,omitempty"`
	Coins  float64 `json:"coins,omitempty"`
	// Samples are those of the last hour, the oldest first.
	Samples []Interest `json:"samples,omitempty"`
	// Usual is the average size of a change within an hour.
	Usual average `json:"usual,omitzero"`
	// Change is that of the last look; Up and Down are the ratchets of either direction.
	Change twice   `json:"change,omitzero"`
	Up     ratchet `json:"up,omitzero"`
	Down   ratchet `json:"down,omitzero"`
}

// Encode is the state as it is kept.
func (st OpenInterestState) Encode() ([]byte, error) { return encode(openInterestVersion, st) }

// DecodeOpenInterest reads a kept state. The error wraps ErrVersion or ErrState where that
// is the reason.
func DecodeOpenInterest(saved []byte) (OpenInterestState, error) {
	return decode(saved, openInterestVersion, OpenInterestState.check)
}

func (st OpenInterestState) check() error {
	if !plausible(st.Coins) || len(st.Samples) > maxInterests || st.Usual.Mean < 0 {
		return ErrState
	}
	for _, p := range st.Samples {
		if !market.Positive(p.Coins) {
			return ErrState
		}
	}
	return checkAll(st.Usual, st.Change, st.Up, st.Down, st.Seen)
}

// StepOpenInterest looks for open interest that changes much within an hour, in coins. When
// it becomes that of another set of venues, the samples are scaled to it, so that nothing
// comes of it. Two looks, a minute apart, have to agree. It is pure.
func StepOpenInterest(l Limits, st OpenInterestState, s *snapshot.Snapshot, now time.Time) (OpenInterestState, Verdict) {
	g, ok := st.Seen.look(l, s, now, marketOf(s.Price))
	if !ok {
		return st, Verdict{}
	}
	coins, usd, from := openInterest(s, now)
	if len(from.venues) == 0 {
		return st, Verdict{}
	}
	v := Verdict{Evaluated: true}
	if g.other {
		st = OpenInterestState{}
	}
	st.Seen = g.Sight
	if name := from.name(); name != st.Venues {
		st = st.scaled(coins)
		st.Venues, st.Change = name, twice{}
	}
	st.Coins = coins
	st.Samples = within(st.Samples, g.At)
	change, over := st.change(g.At, coins)
	if n := len(st.Samples); n == 0 || g.At.Sub(st.Samples[n-1].At) >= interestEvery {
		st.Samples = append(st.Samples, Interest{g.At, coins})
	}
	usual := st.Usual
	if over >= interestSpan-interestEvery && usual.due(g.At) {
		st.Usual = usual.add(g.At, math.Abs(change), interestMemory)
	}
	if st.Change, change, ok = st.Change.look(g.At, change); !ok {
		return st, v
	}
	a := news(alert.OpenInterest, l, g, s, now)
	a.Value, a.Span, a.Provenance = usd, interestSpan, from.provenance(s)
	if usual.known() {
		a.Usual = usual.Mean
	}
	notable := usual.known() && math.Abs(change) >= max(interestTimes*usual.Mean, interestLeast)
	st.Up, st.Down = v.either(st.Up, st.Down, interestGears, reading{figure: change, notable: notable, at: g.At, now: now}, a)
	return st, v
}

// openInterest is that of the venues that tell theirs, or the sum that the source tells.
func openInterest(s *snapshot.Snapshot, now time.Time) (coins, usd float64, from pool) {
	for i := range s.Venues {
		o := s.Venues[i].OpenInterest
		if o == nil || !market.Positive(o.Coins) || !recent(o.Provenance.AsOf, now) {
			continue
		}
		coins += o.Coins
		usd += o.Coins * s.Price.USD
		from.add(o.Provenance.AsOf, s.Venues[i].Venue)
	}
	if o := s.OpenInterest; len(from.venues) == 0 && o != nil && recent(o.Provenance.AsOf, now) {
		coins, usd = o.Coins, o.Coins*s.Price.USD
		from.add(o.Provenance.AsOf, o.Provenance.Venues...)
		if len(from.venues) == 0 {
			from.venues = []market.Venue{""}
		}
	}
	if !market.Positive(coins) || !market.Positive(usd) {
		return 0, 0, pool{}
	}
	return coins, usd, from
}

// scaled is the state as if the open interest had always been that of other venues.
func (st OpenInterestState) scaled(coins float64) OpenInterestState {
	var samples []Interest
	for _, p := range st.Samples {
		if p.Coins *= coins / st.Coins; market.Positive(p.Coins) {
			samples = append(samples, p)
		}
	}
	st.Samples = samples
	return st
}

// within are the samples of the last hour, and the one before it.
func within(samples []Interest, at time.Time) []Interest {
	var kept []Interest
	for _, p := range samples {
		if past := at.Sub(p.At); past >= 0 && past <= interestSpan+interestEvery {
			kept = append(kept, p)
		}
	}
	return kept[max(0, len(kept)-maxInterests+1):]
}

// change is how much open interest has changed since the oldest sample, as a fraction, and
// how long ago that was.
func (st OpenInterestState) change(at time.Time, coins float64) (float64, time.Duration) {
	if len(st.Samples) == 0 {
		return 0, 0
	}
	return coins/st.Samples[0].Coins - 1, at.Sub(st.Samples[0].At)
}
