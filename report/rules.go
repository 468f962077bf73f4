package report

import (
	"math"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// Rules see a difference only where the digits that people read show one.
const (
	// levelBelow is the ratio under which the sides are level.
	levelBelow = 1.01
	// shownChange is the least change that percent with two decimals show.
	shownChange = 0.00005
	// shownRate is the same for a funding rate, which has four.
	shownRate = 0.0000005
	// shownUSD is the same for an amount.
	shownUSD = 0.5
	// unusual is how far a rate for eight hours has to be from its mean to be above or
	// below it: a thousandth of a percent; least is the same for any interval.
	unusual, least = 0.00001, 0.000002
	// mostly is the share of one side from which on it is most of a sum.
	mostly = 0.6
)

// compare says which side is ahead, by the rules of liquidation.Compare.
func compare(longUSD, shortUSD float64) Lead {
	side := market.Short
	if longUSD > shortUSD {
		side = market.Long
	}
	imbalance, err := liquidation.Compare(longUSD, shortUSD)
	switch {
	case longUSD == 0 && shortUSD == 0:
		return Lead{}
	case err != nil:
		return Lead{Degree: Alone, Side: side}
	case imbalance.Reading == liquidation.NotMeaningful:
		return Lead{Degree: Lopsided, Side: side}
	case imbalance.Ratio < levelBelow:
		return Lead{Degree: Level}
	case imbalance.Reading == liquidation.Balanced:
		return Lead{Degree: Slight, Side: side, Ratio: imbalance.Ratio}
	default:
		return Lead{Degree: Clear, Side: side, Ratio: imbalance.Ratio}
	}
}

// direction is the way of a change as percent with two decimals show it.
func direction(change float64) Direction { return beyond(change, shownChange) }

// flow is the way of an amount as it is shown.
func flow(usd float64) Direction { return beyond(usd, shownUSD) }

func beyond(v, least float64) Direction {
	switch {
	case v >= least:
		return Up
	case v <= -least:
		return Down
	default:
		return Flat
	}
}

// sound reports whether a range is one of seven days.
func sound(r *market.PriceRange) bool {
	return r != nil && r.Window == market.Week && market.Positive(r.LowUSD) && market.Positive(r.HighUSD) && r.HighUSD > r.LowUSD
}

// placeIn finds a price in a range.
func placeIn(r *market.PriceRange, usd float64) (Place, bool) {
	if !sound(r) {
		return Place{}, false
	}
	f := (usd - r.LowUSD) / (r.HighUSD - r.LowUSD)
	p := Place{Fraction: min(0.99, max(0.01, math.Floor(f*100)/100))}
	switch {
	case usd <= r.LowUSD:
		p.Where = AtLow
	case usd >= r.HighUSD:
		p.Where = AtHigh
	case f <= 0.1:
		p.Where = NearLow
	case f < 0.4:
		p.Where = LowerPart
	case f <= 0.6:
		p.Where = Middle
	case f < 0.9:
		p.Where = UpperPart
	default:
		p.Where = NearHigh
	}
	return p, true
}

// liquidated is what venues reported.
func liquidated(s *snapshot.Snapshot, now time.Time) (Liquidated, bool) {
	q := s.Liquidations
	if q == nil || q.Over <= 0 || !fresh(q.Provenance, now) {
		return Liquidated{}, false
	}
	for _, v := range []float64{q.LongUSD, q.ShortUSD} {
		if !market.Finite(v) || v < 0 {
			return Liquidated{}, false
		}
	}
	out := Liquidated{LongUSD: q.LongUSD, ShortUSD: q.ShortUSD, Over: q.Over, Venues: q.Provenance.Venues}
	switch sum := q.LongUSD + q.ShortUSD; {
	case sum < shownUSD:
	case q.LongUSD >= mostly*sum:
		out.Mostly = market.Long
	case q.ShortUSD >= mostly*sum:
		out.Mostly = market.Short
	}
	return out, true
}

// funding is that of the largest venue whose usual rate is known, else of the largest.
func funding(s *snapshot.Snapshot, now time.Time) (Funding, bool) {
	var found *Funding
	for i := range s.Venues {
		v := &s.Venues[i]
		f := v.Funding
		if f == nil || v.Venue == "" || f.Interval <= 0 || !market.Finite(f.Rate) || now.Sub(v.AsOf) > recent {
			continue
		}
		usual := f.HasUsual && market.Finite(f.UsualRate)
		if found != nil && !usual {
			continue
		}
		found = &Funding{Venue: v.Venue, Rate: f.Rate, Interval: f.Interval, Payer: payer(f.Rate)}
		if usual {
			found.Usual = &Usual{Rate: f.UsualRate, Direction: against(f.Rate, f.UsualRate, f.Interval)}
			break
		}
	}
	if found != nil {
		return *found, true
	}
	f := s.Funding
	if f == nil || f.Venue == "" || f.Interval <= 0 || !market.Finite(f.Rate) || !fresh(f.Provenance, now) {
		return Funding{}, false
	}
	return Funding{Venue: f.Venue, Rate: f.Rate, Interval: f.Interval, Payer: payer(f.Rate)}, true
}

// payer is the side that pays a rate as it is shown.
func payer(rate float64) market.Side {
	switch beyond(rate, shownRate) {
	case Up:
		return market.Long
	case Down:
		return market.Short
	default:
		return 0
	}
}

// against compares a rate with the usual one.
func against(rate, usual float64, interval time.Duration) Direction {
	return beyond(rate-usual, max(least, unusual*float64(interval)/float64(8*time.Hour)))
}

// nearEdge is the edge of a cluster nearer to the price, rounded towards the price to
// the step that is shown: beyond it the price has left the zone again.
func nearEdge(c liquidation.Cluster) float64 {
	scale := math.Pow10(-market.LevelExponent(c.FromUSD))
	steps := c.FromUSD * scale
	switch whole := math.Round(steps); {
	case math.Abs(whole-steps) < 1e-6: // a whole step, however the product came out
		steps = whole
	case c.Side == market.Short:
		steps = math.Floor(steps)
	default:
		steps = math.Ceil(steps)
	}
	if edge := steps / scale; market.Positive(edge) {
		return edge
	}
	return c.FromUSD
}
