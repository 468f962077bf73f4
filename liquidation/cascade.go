package liquidation

import (
	"errors"

	"liqbot/market"
)

// The targets that Cascade refuses; InputError wraps one of them.
var (
	ErrAtMark = errors.New("target is the mark price itself")
	ErrBeyond = errors.New("target lies beyond the last level of its side")
	ErrSteps  = errors.New("a path has one step or more")
)

// CascadeStep is one stretch of the path from the mark to a target: from the price of
// the step before, or the mark, to its own.
type CascadeStep struct {
	// PriceUSD is the far end of the stretch.
	PriceUSD float64
	// Distance is from the mark to PriceUSD as a signed fraction of the mark.
	Distance float64
	// IntensityUSD is the intensity in the stretch, its far end included,
	// CumulativeUSD what lies between the mark and PriceUSD.
	IntensityUSD, CumulativeUSD float64
}

// Cascade is what lies on the way from the mark to a target price, in at most that
// many stretches of about the same length: of the long side for a target below the
// mark, of the short side for one above. Ends within the way are rounded outward to
// the step of market.LevelExponent, as key levels are, so that each sum is the one up
// to the price that people read; ends that then fall together are one. The last end is
// the target to the last bit, and CumulativeUSD there is IntensityTo(targetUSD).
//
// It is a scenario, not a forecast: it says what would be passed, not that the price
// will go there, nor how much of it would be liquidated.
//
// The error is an *InputError: ErrPrice for a target that cannot be a price, ErrAtMark
// for one at the mark, ErrBeyond for one farther out than the side's last level, and
// ErrSteps.
func (m *Map) Cascade(targetUSD float64, steps int) ([]CascadeStep, error) {
	switch {
	case !possible(targetUSD):
		return nil, &InputError{Part: "target", Err: ErrPrice}
	case targetUSD == m.mark:
		return nil, &InputError{Part: "target", Err: ErrAtMark}
	case steps < 1:
		return nil, &InputError{Part: "steps", Err: ErrSteps}
	}
	side := market.Short
	if targetUSD < m.mark {
		side = market.Long
	}
	if last, ok := m.Farthest(side); !ok || beyond(targetUSD, last, side) {
		return nil, &InputError{Part: "target", Err: ErrBeyond}
	}
	path := make([]CascadeStep, 0, steps)
	at, sum := m.mark, 0.0
	for i := 1; i <= steps; i++ {
		end := targetUSD
		if i < steps {
			end = roundOutward(m.mark+(targetUSD-m.mark)*(float64(i)/float64(steps)), side)
		}
		if !beyond(end, at, side) || i < steps && !beyond(targetUSD, end, side) {
			continue
		}
		to := m.intensityTo(end)
		path = append(path, CascadeStep{
			PriceUSD: end, Distance: (end - m.mark) / m.mark, IntensityUSD: to - sum, CumulativeUSD: to,
		})
		at, sum = end, to
	}
	return path, nil
}

// Farthest is the price of a side's level that is farthest from the mark; false when
// the side has none.
func (m *Map) Farthest(side market.Side) (priceUSD float64, ok bool) {
	levels := m.half(side).levels
	if len(levels) == 0 {
		return 0, false
	}
	return levels[len(levels)-1].PriceUSD, true
}

// beyond reports whether a price is farther out on a side than another.
func beyond(priceUSD, otherUSD float64, side market.Side) bool {
	if side == market.Long {
		return priceUSD < otherUSD
	}
	return priceUSD > otherUSD
}
