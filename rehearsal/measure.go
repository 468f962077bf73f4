package rehearsal

import (
	"math"
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/backtest"
)

// farther is how far the price has to go on for an alert to have come before something, a
// fraction of the price of the alert.
const farther = 0.01

// leadWithin is how long that may take.
const leadWithin = 24 * time.Hour

// horizons are the times after which it is told what became of an alert.
func horizons() []time.Duration { return []time.Duration{time.Hour, 4 * time.Hour, 24 * time.Hour} }

// event is what is measured: an alert, or a moment that has nothing to do with one.
type event struct {
	at         time.Time
	usd, level float64
	rising     bool
	// low and high are the prices that end the lead time.
	low, high float64
	// either says that no direction is claimed: moves count whichever way they go.
	either bool
}

// either reports whether a rule claims no direction of the price.
func either(rule alert.Rule) bool { return rule == alert.Funding || rule == alert.OpenInterest }

// newEvent is what an alert of a rule claims, at a moment with a price. Of a breakout,
// cascade or imbalance that is a move on in its direction, of an approach that the level is
// reached, of what is about another figure than the price a move in either direction.
func newEvent(rule alert.Rule, at time.Time, usd, level float64, rising bool) event {
	e := event{at: at, usd: usd, level: level, rising: rising, low: math.Inf(-1), high: math.Inf(1)}
	up, down := usd*(1+farther), usd*(1-farther)
	switch {
	case either(rule):
		e.low, e.high, e.either = down, up, true
	case rule == alert.Approach && rising:
		e.high = level
	case rule == alert.Approach:
		e.low = level
	case rising:
		e.high = up
	default:
		e.low = down
	}
	return e
}

// mirrored is a price as far from that of the event, the other way.
func (e event) mirrored(usd float64) float64 { return 2*e.usd - usd }

// Measured is what came after an event.
type Measured struct {
	// Lead is the time until what the rule claims came, nil when it did not within a day.
	// LeadKnown is false when not all of that was recorded.
	Lead      *Minutes `json:"lead_minutes"`
	LeadKnown bool     `json:"lead_known"`
	// Opposite says that the same came the other way, as far against the direction.
	Opposite bool `json:"opposite"`
	// After is what was after each of the horizons.
	After []After `json:"after"`
}

// Minutes is a time in minutes.
type Minutes float64

// After is how things stood after a while.
type After struct {
	Hours float64 `json:"hours"`
	// Known is false when the price then was not recorded; all else is then nothing.
	Known bool `json:"known"`
	// Held says that the price was beyond the level, if there was one.
	Held bool `json:"held"`
	// Move is how far the price was from that of the event, in its direction, as a
	// fraction; without a direction the size of it.
	Move float64 `json:"move"`
	// LiquidatedUSD is what was liquidated of the side in the whole buckets that began
	// meanwhile, nil where none was recorded.
	LiquidatedUSD *float64 `json:"liquidated_usd"`
}

// measure looks what came after an event.
func (p *played) measure(e event) Measured {
	var m Measured
	at, known := p.track.until(e.at, leadWithin, e.low, e.high)
	m.LeadKnown = known
	if known && at >= 0 {
		lead := Minutes(p.track.time(at).Sub(e.at).Minutes())
		m.Lead = &lead
	}
	if !e.either {
		at, _ = p.track.until(e.at, leadWithin, e.mirrored(e.high), e.mirrored(e.low))
		m.Opposite = at >= 0
	}
	for _, h := range horizons() {
		a := After{Hours: h.Hours()}
		if usd, ok := p.track.next(e.at.Add(h)); ok {
			a.Known = true
			a.Held = e.level > 0 && (e.rising && usd > e.level || !e.rising && usd < e.level)
			a.Move = usd/e.usd - 1
			if e.either {
				a.Move = math.Abs(a.Move)
			} else if !e.rising {
				a.Move = -a.Move
			}
			a.LiquidatedUSD = p.liquidated(e, h)
		}
		m.After = append(m.After, a)
	}
	return m
}

// liquidated is what was liquidated of the event's side in the buckets that began within a
// time after it, nil unless all of them are known.
func (p *played) liquidated(e event, within time.Duration) *float64 {
	all := p.rec.Liquidated
	n := int(within / p.rec.Step)
	if n == 0 || e.either {
		return nil
	}
	first, _ := slices.BinarySearchFunc(all, e.at, func(l backtest.Liquidated, at time.Time) int { return l.Start.Compare(at) })
	if first+n > len(all) || first == 0 || all[first+n-1].Start.Sub(e.at) >= within {
		return nil
	}
	sum := 0.0
	for _, l := range all[first : first+n] {
		if e.rising {
			sum += l.Short
		} else {
			sum += l.Long
		}
	}
	return &sum
}
