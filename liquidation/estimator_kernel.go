package liquidation

import (
	"math"

	"liqbot/market"
)

// kernel says how the positions entered at one edge of the grid spread over the
// bins outward of it: at[n] is the share in the n-th bin, n from 1. at[0] and the
// last element are zero and stand there for deposit. It never changes.
type kernel struct {
	at []float64
}

// distance is how far from entry a position of a tier is liquidated, as the
// logarithm of a price ratio: margin used up to what the venue wants to be left,
// for an isolated position of a linear contract, without fees and added margin.
func (p Parameters) distance(side market.Side, t Tier) float64 {
	rate := t.MaintenanceMarginRate
	if rate == 0 {
		rate = p.MaintenanceMarginRate
	}
	if side == market.Short {
		return math.Log((1 + 1/t.Leverage) / (1 + rate))
	}
	return -math.Log((1 - 1/t.Leverage) / (1 - rate))
}

// within is the share of the positions of some tiers whose distance from entry is
// at most d.
func (p Parameters) within(side market.Side, tiers []Tier, d float64) float64 {
	if d <= 0 {
		return 0
	}
	if p.Uniform > 0 {
		return min(max(d-p.Farther, 0)/p.Uniform, 1)
	}
	sum := 0.0
	for _, t := range tiers {
		sum += t.Share * p.closer(d, p.distance(side, t)+p.Farther)
	}
	return sum
}

// closer is the share of a tier at distance centre that lies within d.
func (p Parameters) closer(d, centre float64) float64 {
	if p.Spread > 0 {
		return normal(math.Log(d/centre) / p.Spread)
	}
	if d >= centre {
		return 1
	}
	return 0
}

// normal is the distribution function of the standard normal distribution.
func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// newKernel works out the shares of the bins up to the cut. What the cut leaves
// out (under 1e-9 as recommended) is spread over the rest, so that both sides
// receive the same mass. Chosen tiers keep the shares that they have in the whole.
func newKernel(p Parameters, side market.Side) (kernel, bool) {
	n := int(math.Round(p.Cut / p.Bin))
	all := p.within(side, p.Tiers, float64(n)*p.Bin)
	if !market.Positive(all) {
		return kernel{}, false
	}
	tiers := p.chosenTiers()
	at := make([]float64, n+2)
	before := 0.0
	for i := 1; i <= n; i++ {
		upTo := p.within(side, tiers, float64(i)*p.Bin)
		at[i] = max(upTo-before, 0) / all
		before = upTo
	}
	return kernel{at: at}, true
}
