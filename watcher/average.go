package watcher

import (
	"math"
	"time"

	"liqbot/market"
)

// sampleEvery is the market time between two samples of an average. A gap adds nothing.
const sampleEvery = time.Hour

// knownAfter is how many samples make what is usual: a day that was seen.
const knownAfter = 24

// average is a slow mean of a figure by the hour: the plain mean at first, later one that
// forgets. The zero average has no samples.
type average struct {
	Mean float64 `json:"mean,omitempty"`
	// Deviation is the mean distance of a sample from the mean at its time.
	Deviation float64 `json:"deviation,omitempty"`
	// Count is the number of samples, up to the length of the memory.
	Count int       `json:"count,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

func (a average) check() error {
	if !market.Finite(a.Mean) || !plausible(a.Deviation) || a.Count < 0 || a.At.IsZero() != (a.Count == 0) {
		return ErrState
	}
	return nil
}

// known reports whether the average says what is usual.
func (a average) known() bool { return a.Count >= knownAfter }

// due reports whether it is time for a sample. After a clock was set back it is.
func (a average) due(at time.Time) bool {
	past := at.Sub(a.At)
	return a.Count == 0 || past >= sampleEvery || past < 0
}

// add takes a sample. memory is the number of samples after which one is mostly forgotten.
func (a average) add(at time.Time, x float64, memory int) average {
	next := average{Mean: x, Count: min(a.Count, memory-1) + 1, At: at}
	if a.Count > 0 {
		share := 1 / float64(next.Count)
		next.Mean = a.Mean + (x-a.Mean)*share
		next.Deviation = a.Deviation + (math.Abs(x-a.Mean)-a.Deviation)*share
	}
	if !market.Finite(next.Mean) || !plausible(next.Deviation) {
		return a
	}
	return next
}

// agreeAfter and agreeWithin bound the time between two looks at a figure that have to agree.
const (
	agreeAfter  = time.Minute
	agreeWithin = 5 * time.Minute
)

// twice is a figure above or below zero of which two looks have to agree, a minute apart:
// snapshots come every second, and a wrong figure of a venue is in all of them until it
// tells another one.
type twice struct {
	At     time.Time `json:"at,omitzero"`
	Figure float64   `json:"figure,omitempty"`
}

func (t twice) check() error {
	if !market.Finite(t.Figure) {
		return ErrState
	}
	return nil
}

// look returns what two looks agree on: the figure that is nearer to zero, zero when they
// lie on either side of it. It returns false while there is nothing to compare.
func (t twice) look(at time.Time, figure float64) (twice, float64, bool) {
	past := at.Sub(t.At)
	if !market.Finite(figure) || past >= 0 && past < agreeAfter {
		return t, 0, false
	}
	next := twice{At: at, Figure: figure}
	switch {
	case t.At.IsZero() || past < 0 || past > agreeWithin:
		return next, 0, false
	case figure > 0:
		return next, max(min(figure, t.Figure), 0), true
	default:
		return next, min(max(figure, t.Figure), 0), true
	}
}
