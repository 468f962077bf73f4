package liquidation

import (
	"math"
	"slices"
	"time"

	"liqbot/market"
)

// Windowed is an Estimator that can also tell the map of only the positions
// entered within a look-back, such as the last day.
//
// The map is a sum over entries, and what an old entry suffers (decay, sweeps)
// does not depend on newer ones. So the old part of a map is the map of back
// then, decayed, less what the extremes since then have swept. Windowed keeps a
// second estimator for each window, which runs that far behind, and subtracts. It
// is not safe for concurrent use.
type Windowed struct {
	now   *Estimator
	tails []tail
}

// tail is the map as it was one window ago and the bars since.
type tail struct {
	window time.Duration
	past   *Estimator
	bars   []Bar
}

// negligible is the share of an old map below which nothing is subtracted: after
// twenty half-lives nothing that could be seen is left of it.
const negligible = 1e-6

// NewWindowed makes an estimator for the given look-backs, each of which costs one
// more step a bar and the memory of its bars, unless it is so long that the decay
// leaves nothing older. The error wraps ErrParameters.
func NewWindowed(p Parameters, windows ...time.Duration) (*Windowed, error) {
	now, err := NewEstimator(p)
	if err != nil {
		return nil, err
	}
	w := &Windowed{now: now}
	for _, window := range windows {
		if window > 0 && now.left(window) >= negligible {
			w.tails = append(w.tails, tail{window: window, past: now.Clone()})
		}
	}
	return w, nil
}

// left is the share of a mass that is still there after some time.
func (e *Estimator) left(after time.Duration) float64 {
	return math.Exp2(-after.Hours() / e.parameters.HalfLife.Hours())
}

// Step takes the next bar as Estimator.Step does.
func (w *Windowed) Step(b Bar) (Swept, error) {
	swept, err := w.now.Step(b)
	if err != nil {
		return Swept{}, err
	}
	for i := range w.tails {
		if err := w.tails[i].step(b); err != nil {
			return Swept{}, err
		}
	}
	return swept, nil
}

func (t *tail) step(b Bar) error {
	t.bars = append(t.bars, b)
	old := 0
	for b.End().Sub(t.bars[old].End()) >= t.window {
		if _, err := t.past.Step(t.bars[old]); err != nil {
			return err
		}
		old++
	}
	t.bars = t.bars[old:]
	return nil
}

// Estimator is the map of all entries, whatever their age. Read it, do not step
// it.
func (w *Windowed) Estimator() *Estimator { return w.now }

// Levels is Estimator.Levels for the entries of the last window. A window that
// Windowed was not made for yields the entries of any age.
func (w *Windowed) Levels(window time.Duration, markUSD, binFraction float64) []Level {
	return w.now.levels(markUSD, binFraction, w.coins(window))
}

// Standing is Estimator.Standing for the entries of the last window.
func (w *Windowed) Standing(window time.Duration, side market.Side) float64 {
	coins, b, sum := w.coins(window), w.now.side(side), 0.0
	for bin := b.first; bin < b.all(); bin++ {
		sum += coins(side, bin)
	}
	return sum
}

// coins tells the mass of a bin that was entered within the window.
func (w *Windowed) coins(window time.Duration) func(market.Side, int) float64 {
	whole := func(side market.Side, bin int) float64 { return w.now.side(side).at(bin) * w.now.scale }
	i := slices.IndexFunc(w.tails, func(t tail) bool { return t.window == window })
	if i < 0 {
		return whole
	}
	past := w.tails[i].past
	if !past.started || !past.since.Equal(w.now.since) { // before the last hole: gone
		return whole
	}
	long, short := w.tails[i].reached()
	scale := past.scale * w.now.left(w.now.end.Sub(past.end))
	return func(side market.Side, bin int) float64 {
		reached := long
		if side == market.Short {
			reached = short
		}
		if bin <= reached {
			return whole(side, bin)
		}
		// What rounding leaves of an equal pair must not look like a level.
		now, old := whole(side, bin), past.side(side).at(bin)*scale
		if now-old <= now*rounding {
			return 0
		}
		return now - old
	}
}

// reached is the last outward bin of each side that the bars of the window swept.
func (t *tail) reached() (long, short int) {
	low, high := math.Inf(1), 0.0
	for _, b := range t.bars {
		low, high = min(low, b.LowUSD), max(high, b.HighUSD)
	}
	return t.past.outward(market.Long, low), t.past.outward(market.Short, high)
}

// Clone returns an independent copy.
func (w *Windowed) Clone() *Windowed {
	c := &Windowed{now: w.now.Clone(), tails: slices.Clone(w.tails)}
	for i := range c.tails {
		c.tails[i].past = c.tails[i].past.Clone()
		c.tails[i].bars = slices.Clone(c.tails[i].bars)
	}
	return c
}
