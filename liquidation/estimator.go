package liquidation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"liqbot/market"
)

// Estimator estimates where the open positions of one coin on one venue would be
// liquidated, from candles, volume and open interest alone.
//
// In every bar a share of the open interest is taken to be closed and opened
// anew (what the half-life says, more when volume is high). The new positions
// enter at prices of the bar, as many longs as shorts, with leverages of a few
// tiers, and each has a level at the price of its liquidation. A level that the
// price reaches is gone. What is left standing is about the open interest on each
// side, less what was swept.
//
// It is deterministic: the same bars give the same masses to the last bit (on one
// processor architecture). It is not safe for concurrent use; Clone it for a
// reader.
type Estimator struct {
	parameters Parameters
	kernels    [2]kernel // long, short
	sides      [2]bins   // long, short
	volumes    volumes
	// scale turns the masses of the bins into base coins. It alone decays, the
	// bins are touched when something is added or swept.
	scale float64
	// since is the start of the first bar of the map, end the end of the last.
	since, end time.Time
	started    bool
}

// NewEstimator makes an estimator with an empty map. The error wraps
// ErrParameters.
func NewEstimator(p Parameters) (*Estimator, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	p.Tiers = slices.Clone(p.Tiers)
	e := &Estimator{parameters: p, scale: 1}
	for i, side := range []market.Side{market.Long, market.Short} {
		k, ok := newKernel(p, side)
		if !ok {
			return nil, fmt.Errorf("%w: no %s level lies within the cut", ErrParameters, side)
		}
		e.kernels[i] = k
	}
	return e, nil
}

// Swept is what one bar did to the map, base coins.
type Swept struct {
	// LongCoins and ShortCoins are the mass that the low and the high of the bar
	// reached, and that is now gone.
	LongCoins, ShortCoins float64
	// SeededCoins is the mass added to each side, 0 for a bar after a hole.
	SeededCoins float64
	// Emptied says that a long hole lay before the bar and took the whole map.
	Emptied bool
}

// Step takes the next bar: decay, sweep what its extremes reach, then add the
// positions opened in it, which the next bar is the first to sweep. Bars come in
// order; what lies between two of them is a hole, and the bar after a hole adds
// nothing. A hole longer than MaxHole empties the map.
//
// The error is a *BarError; the map is then as it was.
func (e *Estimator) Step(b Bar) (Swept, error) {
	if err := b.Check(); err != nil {
		return Swept{}, err
	}
	if e.started && b.Start.Before(e.end) {
		return Swept{}, &BarError{Start: b.Start, Err: ErrBarOrder}
	}
	hole := e.started && b.Start.After(e.end)
	var out Swept
	if hole && b.Start.Sub(e.end) > e.parameters.MaxHole {
		out.Emptied = true
		e.empty()
	}
	if !e.started || out.Emptied {
		e.since = b.Start
	} else {
		e.decay(b.End().Sub(e.end))
	}
	out.LongCoins, out.ShortCoins = e.sweep(b)
	opened := e.inflow(b)
	if !hole {
		e.seed(b, opened)
		out.SeededCoins = opened
	}
	e.end, e.started = b.End(), true
	return out, nil
}

func (e *Estimator) empty() {
	for i := range e.sides {
		e.sides[i].empty()
	}
	e.scale = 1
}

// decay ages all mass. The masses are brought back to scale long before the
// quotient of inflow and scale could overflow.
func (e *Estimator) decay(over time.Duration) {
	const least = 1e-20
	e.scale *= math.Exp2(-over.Hours() / e.parameters.HalfLife.Hours())
	if e.scale >= least {
		return
	}
	for i := range e.sides {
		e.sides[i].rescale(e.scale)
	}
	e.scale = 1
}

// sweep removes what the bar reached, wicks included: keeping even 1 % of it
// costs a quarter of the correlation with what is liquidated.
func (e *Estimator) sweep(b Bar) (longCoins, shortCoins float64) {
	longCoins, shortCoins = e.Read(market.Long, b.LowUSD), e.Read(market.Short, b.HighUSD)
	e.sides[0].sweep(e.outward(market.Long, b.LowUSD))
	e.sides[1].sweep(e.outward(market.Short, b.HighUSD))
	return longCoins, shortCoins
}

// seed adds positions of both sides at the anchors of the bar.
func (e *Estimator) seed(b Bar, coins float64) {
	share := e.parameters.Anchors
	for _, a := range [...]struct{ price, share float64 }{
		{b.CloseUSD, share.Close},
		{(b.HighUSD + b.LowUSD) / 2, share.HighLow},
		{(b.HighUSD + b.CloseUSD) / 2, share.HighClose},
		{(b.LowUSD + b.CloseUSD) / 2, share.LowClose},
	} {
		if a.share == 0 {
			continue
		}
		units := coins * a.share / e.scale
		bin, part := math.Modf(math.Log(a.price) / e.parameters.Bin)
		if part < 0 { // Modf rounds towards zero
			bin, part = bin-1, part+1
		}
		upper, lower := units*part, units*(1-part)
		// Outward of the upper edge of a long's bin lies that bin itself.
		e.sides[0].deposit(e.kernels[0], -int(bin), upper, lower)
		e.sides[1].deposit(e.kernels[1], int(bin), lower, upper)
	}
}

// outward is the bin of a price, counted outward for the side.
func (e *Estimator) outward(side market.Side, priceUSD float64) int {
	bin := int(math.Floor(math.Log(priceUSD) / e.parameters.Bin))
	if side == market.Short {
		return bin
	}
	return -bin
}

func (e *Estimator) side(side market.Side) *bins {
	if side == market.Short {
		return &e.sides[1]
	}
	return &e.sides[0]
}

// Read is the mass, base coins, that a bar with this extreme (its low for longs,
// its high for shorts) would sweep now, before any decay. It changes nothing. A
// price that cannot be one reads 0.
func (e *Estimator) Read(side market.Side, extremeUSD float64) float64 {
	if !possible(extremeUSD) {
		return 0
	}
	return e.side(side).upTo(e.outward(side, extremeUSD)) * e.scale
}

// Standing is the mass of a whole side, base coins, including levels that the
// price is already past and that the next bar will sweep.
func (e *Estimator) Standing(side market.Side) float64 {
	b := e.side(side)
	return b.upTo(b.all()) * e.scale
}

// Age is from the start of the first bar since the map was last empty to the end
// of the last one; 0 before the first bar.
func (e *Estimator) Age() time.Duration { return e.end.Sub(e.since) }

// AsOf is the end of the last bar; zero before the first.
func (e *Estimator) AsOf() time.Time { return e.end }

// Warm reports whether the map is old enough to be shown or scored.
func (e *Estimator) Warm() bool { return e.started && e.Age() >= e.parameters.WarmUp }

// Parameters returns what the estimator was made with. Do not change the tiers.
func (e *Estimator) Parameters() Parameters { return e.parameters }

// Clone returns an independent copy.
func (e *Estimator) Clone() *Estimator {
	c := *e
	for i := range c.sides {
		c.sides[i] = e.sides[i].clone()
	}
	c.volumes = e.volumes.clone()
	return &c
}

// Hash is a short name for exactly this map and these parameters: 16 hexadecimal
// digits. Two estimators that were given the same bars have the same.
func (e *Estimator) Hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %d", e.parameters.Hash(), e.since.UnixNano(), e.end.UnixNano())
	var entry [17]byte
	for i := range e.sides {
		b := &e.sides[i]
		entry[0] = byte(i)
		for j, m := range b.mass {
			if m == 0 {
				continue
			}
			binary.BigEndian.PutUint64(entry[1:], uint64(int64(b.base+j))) //nolint:gosec // any bit pattern will do
			binary.BigEndian.PutUint64(entry[9:], math.Float64bits(m*e.scale))
			h.Write(entry[:])
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
