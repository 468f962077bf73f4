package liquidation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
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
	model   *Model
	sides   [2]bins // long, short
	volumes volumes
	// scale turns the masses of the bins into base coins. It alone decays, the
	// bins are touched when something is added or swept.
	scale float64
	// since is the start of the first bar of the map, end the end of the last.
	since, end time.Time
	started    bool
	// window marks a map that lacks the entries before some moment.
	window bool
}

// NewEstimator makes an estimator with an empty map and a model of its own; see
// Model for many with the same parameters. The error wraps ErrParameters.
func NewEstimator(p Parameters) (*Estimator, error) {
	m, err := NewModel(p)
	if err != nil {
		return nil, err
	}
	return m.NewEstimator(), nil
}

// Swept is what one bar did to the map, base coins.
type Swept struct {
	// LongCoins and ShortCoins are the mass that the low and the high of the bar
	// reached, and that is now gone.
	LongCoins, ShortCoins float64
	// SeededCoins is the mass added to each side, 0 for a bar after a hole.
	SeededCoins float64
	// OpenedCoins are the positions taken to be opened in the bar on each side, with
	// any leverage: SeededCoins, unless the parameters choose leverages or the bar
	// comes after a hole. It does not depend on prices.
	OpenedCoins float64
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
	if err := b.check(); err != nil {
		return Swept{}, err
	}
	if e.window {
		return Swept{}, &BarError{Start: b.Start, Err: ErrBarWindow}
	}
	if e.started && b.Start.Before(e.end) {
		return Swept{}, &BarError{Start: b.Start, Err: ErrBarOrder}
	}
	hole := e.started && b.Start.After(e.end)
	var out Swept
	if hole && b.Start.Sub(e.end) > e.model.parameters.MaxHole {
		out.Emptied = true
		e.empty()
	}
	if !e.started || out.Emptied {
		e.since = b.Start
	} else {
		e.decay(b.End().Sub(e.end))
	}
	out.LongCoins, out.ShortCoins = e.sweep(b)
	out.OpenedCoins = e.inflow(b)
	if !hole {
		e.seed(b, out.OpenedCoins)
		out.SeededCoins = out.OpenedCoins * e.model.opened
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
	e.scale *= e.model.parameters.left(over)
	if e.scale >= least {
		return
	}
	for i := range e.sides {
		e.sides[i].rescale(e.scale)
	}
	e.scale = 1
}

// left is the share of a mass that is still there after some time.
func (p *Parameters) left(after time.Duration) float64 {
	return math.Exp2(-after.Hours() / p.HalfLife.Hours())
}

// sweep removes what the bar reached, wicks included: keeping even 1 % of it
// costs a quarter of the correlation with what is liquidated.
func (e *Estimator) sweep(b Bar) (longCoins, shortCoins float64) {
	low, high := b.extremes()
	longCoins, shortCoins = e.Read(market.Long, low), e.Read(market.Short, high)
	e.sides[0].sweep(e.outward(market.Long, low))
	e.sides[1].sweep(e.outward(market.Short, high))
	return longCoins, shortCoins
}

// seed adds positions of both sides at the anchors of the bar.
func (e *Estimator) seed(b Bar, coins float64) {
	p := &e.model.parameters
	for _, a := range p.Anchors.of(&b) {
		if a.share == 0 {
			continue
		}
		units := coins * a.share / e.scale
		bin, part := p.place(a.price)
		upper, lower := units*part, units*(1-part)
		// Outward of the upper edge of a long's bin lies that bin itself.
		e.sides[0].deposit(e.model.kernels[0], -bin, upper, lower)
		e.sides[1].deposit(e.model.kernels[1], bin, lower, upper)
	}
}

// anchor is a price at which a share of a bar's positions was entered.
type anchor struct{ price, share float64 }

func (a *Anchors) of(b *Bar) [4]anchor {
	return [4]anchor{
		{b.CloseUSD, a.Close},
		{(b.HighUSD + b.LowUSD) / 2, a.HighLow},
		{(b.HighUSD + b.CloseUSD) / 2, a.HighClose},
		{(b.LowUSD + b.CloseUSD) / 2, a.LowClose},
	}
}

// place is the bin of the grid in which a price lies, and the part of the bin that
// is below it.
func (p *Parameters) place(priceUSD float64) (int, float64) {
	bin, part := math.Modf(math.Log(priceUSD) / p.Bin)
	if part < 0 { // Modf rounds towards zero
		bin, part = bin-1, part+1
	}
	return int(bin), part
}

// outward is the bin of a price, counted outward for the side.
func (e *Estimator) outward(side market.Side, priceUSD float64) int {
	return e.model.parameters.outward(side, priceUSD)
}

func (p *Parameters) outward(side market.Side, priceUSD float64) int {
	bin := int(math.Floor(math.Log(priceUSD) / p.Bin))
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
	return e.side(side).all() * e.scale
}

// Age is from the start of the first bar since the map was last empty to the end
// of the last one; 0 before the first bar.
func (e *Estimator) Age() time.Duration { return e.end.Sub(e.since) }

// AsOf is the end of the last bar; zero before the first.
func (e *Estimator) AsOf() time.Time { return e.end }

// Warm reports whether the map is old enough to be shown or scored.
func (e *Estimator) Warm() bool { return e.started && e.Age() >= e.model.parameters.WarmUp }

// Model is what the estimator was made with.
func (e *Estimator) Model() *Model { return e.model }

// Parameters returns what the estimator was made with. Do not change its slices.
func (e *Estimator) Parameters() Parameters { return e.model.parameters }

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
// digits. Two estimators that were given the same bars in the same way have the
// same; one that was stepped and one that was rebuilt differ, in the last digits of
// their masses.
func (e *Estimator) Hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %d", e.model.parameters.Hash(), e.since.UnixNano(), e.end.UnixNano())
	var entry [17]byte
	for i := range e.sides {
		b := &e.sides[i]
		entry[0] = byte(i)
		for j, m := range b.stretch(b.first, b.next) {
			if m == 0 {
				continue
			}
			binary.BigEndian.PutUint64(entry[1:], uint64(int64(b.first+j))) //nolint:gosec // any bit pattern will do
			binary.BigEndian.PutUint64(entry[9:], math.Float64bits(m*e.scale))
			h.Write(entry[:])
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
