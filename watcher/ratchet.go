package watcher

import (
	"time"

	"liqbot/alert"
	"liqbot/market"
)

// ratchet makes events out of a figure that grows. It remembers the greatest figure so
// far, and each figure beyond that is a rise: from what was told to what is new. So a chat
// with a threshold T hears exactly once, at the rise with Before < T <= Strength, whatever
// T is; and a chat without one hears at the first rise that is notable.
//
// A rise is remembered as told whether or not anybody's threshold lies within it: the next
// one begins where it ended, so nothing is told twice.
//
// Falling tells nothing. Some time after the last rise the ratchet follows a figure that
// falls, at twice its height: a threshold can be crossed again once the figure has fallen
// below half of it, and no sooner. A figure of nearly nothing brings the ratchet to rest.
//
// The zero ratchet is at rest.
type ratchet struct {
	// Told is the figure up to which all was told, 0 at rest.
	Told float64 `json:"told,omitempty"`
	// Notable says that the next notable rise is not the first.
	Notable bool `json:"notable,omitempty"`
	// Since is the market time at which the ratchet left rest or last followed the figure
	// down: the epoch of its events.
	Since time.Time `json:"since,omitzero"`
	// Risen is when it last rose, by our clock.
	Risen time.Time `json:"risen,omitzero"`
	// Last is the market time of the newest notable rise, over all rests.
	Last time.Time `json:"last,omitzero"`
}

// gears are the figures by which a ratchet works.
type gears struct {
	// floor is the least figure that is worth anything.
	floor float64
	// base is the figure of a market in which nothing happens: heights count from there.
	base float64
	// rest is the least time after a rise before the ratchet follows the figure down.
	rest time.Duration
}

// reading is a figure at a moment: at by the market's clock, now by ours.
type reading struct {
	figure  float64
	notable bool
	at, now time.Time
}

// rise is what a ratchet has to tell.
type rise struct {
	before, strength float64
	notable          bool
	epoch, last      time.Time
}

func (r ratchet) check() error {
	if !plausible(r.Told) || r.Since.IsZero() != (r.Told == 0) || r.Notable && r.Told == 0 {
		return ErrState
	}
	return nil
}

// step takes a figure and returns what is to be told of it, nil for nothing.
func (r ratchet) step(g gears, in reading) (ratchet, *rise) {
	r = r.settled(g, in)
	first := in.notable && !r.Notable
	if !market.Finite(in.figure) || in.figure < g.floor || in.figure <= r.Told && !first {
		return r, nil
	}
	told := &rise{before: r.Told, strength: in.figure, notable: first, last: earlier(r.Last, in.at)}
	r = r.adopt(g, in)
	told.epoch = r.Since
	if first {
		r.Last = in.at
	}
	return r, told
}

// adopt takes a figure without telling of it: that of a market which was not seen to get
// there, or of which another part is seen now.
func (r ratchet) adopt(g gears, in reading) ratchet {
	if !market.Positive(in.figure) || in.figure < g.floor {
		return r
	}
	if r.Told == 0 {
		r.Since = in.at
	}
	r.Told, r.Risen = max(r.Told, in.figure), wall(in.now)
	r.Notable = r.Notable || in.notable
	return r
}

// settled is the ratchet after it has followed the figure down, if it is time to. While
// the figure is notable the next rise is no first one, however far it has fallen.
func (r ratchet) settled(g gears, in reading) ratchet {
	r.Risen = earlier(r.Risen, wall(in.now)) // a clock may have been set back
	twice := g.base + 2*(in.figure-g.base)
	if r.Told == 0 || !(twice < r.Told) || wall(in.now).Sub(r.Risen) < g.rest {
		return r
	}
	if twice < g.floor {
		return ratchet{Last: r.Last}
	}
	r.Told, r.Since, r.Notable = twice, in.at, r.Notable && in.notable
	return r
}

// alert completes the alert of a rise. There is one notable rise in an epoch, so it has
// the same ID however large the figure was when it was looked at.
func (n *rise) alert(a alert.Alert) alert.Alert {
	level := n.strength
	if n.notable {
		level = 0
	}
	a.ID = alert.EventID(a.Rule, a.Coin, level, a.Rising, n.epoch)
	a.Before, a.Strength, a.Notable, a.Last = n.before, n.strength, n.notable, n.last
	return a
}
