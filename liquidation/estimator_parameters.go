package liquidation

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"liqbot/market"
)

// modelID changes whenever the same parameters begin to mean something else.
const modelID = "turnover-tiers-1"

// Parameters are all constants of the estimator. Recommended says which fit the
// recorded data; the others serve backtests, as baselines and placebos.
//
// "Fitted" below means: chosen on the first 60 % and confirmed on the last 40 % of
// two recordings of Binance's liquidations of BTC, ETH and SOL (hourly, June and
// July 2024; four-hourly, November 2024 to July 2025), by the rank correlation of
// the mass swept with the amount liquidated, given how far the price went.
type Parameters struct {
	// HalfLife of a position. It is the turnover as well: in one half-life the
	// inflow renews half of the open interest. Fitted: 12 h to 72 h score the same.
	HalfLife time.Duration
	// Tiers are the leverages at which positions are opened. Longs and shorts have
	// the same: different shares by side gained nothing.
	Tiers []Tier
	// Leverages, if not nil, are the tiers whose positions are in the map, in the
	// order of Tiers; see Only.
	Leverages []float64
	// MaintenanceMarginRate is a fraction, 0.004 is 0.4 %: the lowest bracket of
	// most venues. It is for tiers without a rate of their own. Fitted: 0.25 % to 0.6 % score the same. At 0 the distance of a
	// tier is the naive 1/leverage.
	MaintenanceMarginRate float64
	// Spread is the standard deviation of the logarithm of a position's distance
	// around that of its tier: accounts add margin and share it. Fitted; without
	// it (0) the map loses 0.06 of correlation.
	Spread float64
	// Cut is the largest distance from entry, as the logarithm of a price ratio.
	Cut float64
	// Uniform, if not zero, replaces the tiers by an even density from entry to
	// this logarithmic distance. It is a baseline.
	Uniform float64
	// Farther moves the distance of every tier (the beginning of Uniform) this
	// much farther from entry, as the logarithm of a price ratio. It is a placebo:
	// a map that is right loses by it.
	Farther float64
	// Anchors says at which prices of a bar positions were entered. Fitted: a
	// quarter each.
	Anchors Anchors
	// VolumeExponent is the power of volume over its median that moves the
	// inflow. Fitted: the square root; 0, for a venue without usable volume, makes
	// the inflow a constant share of open interest and scores nearly the same.
	VolumeExponent float64
	// VolumeFloor and VolumeCeiling bound volume over median before the power.
	VolumeFloor, VolumeCeiling float64
	// VolumeMemory is how far back the median looks.
	VolumeMemory time.Duration
	// VolumeBars is the least number of bars for a median. Before that many are
	// known every bar counts as one of median volume.
	VolumeBars int
	// MaxHole is the longest stretch without bars that a map survives.
	MaxHole time.Duration
	// WarmUp is the age at which a map may be shown or scored: seven half-lives,
	// when less than 1 % of what stood before the first bar would be left.
	WarmUp time.Duration
	// Bin is the width of a bin of the grid, as the logarithm of a price ratio.
	// Measured: 1 to 2.5 bp score the same, 5 bp cost up to 0.02 of correlation.
	Bin float64
}

// Tier is a leverage and the share of positions opened with it.
type Tier struct {
	// Leverage is notional over initial margin: 25 is 25x.
	Leverage float64
	// Share is a fraction; those of all tiers add up to 1.
	Share float64
	// MaintenanceMarginRate is that of the venue's bracket for this leverage, a
	// fraction; 0 stands for the parameters' rate.
	MaintenanceMarginRate float64
}

// Anchors are the shares of positions entered at prices made from a candle; they
// add up to 1.
type Anchors struct {
	// Close is the share entered at the close, the others at the middle of two
	// prices of the candle.
	Close, HighLow, HighClose, LowClose float64
}

// Recommended returns the parameters that fitted best for a coin. BTC, ETH and
// SOL have shares of their own, all other coins the ones fitted to the three
// together: the tiers cannot be told apart well by what is liquidated, only the
// empty zone next to entry and the long tail can.
func Recommended(coin market.Coin) Parameters {
	shares := [4]float64{0.10, 0.23, 0.26, 0.41}
	switch coin {
	case "BTC":
		shares = [4]float64{0.22, 0.20, 0.31, 0.27}
	case "ETH":
		shares = [4]float64{0.16, 0.22, 0.21, 0.41}
	case "SOL":
		shares = [4]float64{0.04, 0.25, 0.31, 0.40}
	}
	return Parameters{
		HalfLife: 24 * time.Hour,
		Tiers: []Tier{
			{Leverage: 100, Share: shares[0]},
			{Leverage: 50, Share: shares[1]},
			{Leverage: 20, Share: shares[2]},
			{Leverage: 10, Share: shares[3]},
		},
		MaintenanceMarginRate: 0.004,
		Spread:                0.30,
		Cut:                   0.70,
		Anchors:               Anchors{Close: 0.25, HighLow: 0.25, HighClose: 0.25, LowClose: 0.25},
		VolumeExponent:        0.5,
		VolumeFloor:           0.02,
		VolumeCeiling:         50,
		VolumeMemory:          168 * time.Hour,
		VolumeBars:            6,
		MaxHole:               24 * time.Hour,
		WarmUp:                168 * time.Hour,
		Bin:                   1e-4,
	}
}

// Only returns parameters for the map of the positions opened with some of the
// leverages of Tiers. These keep the sizes that they have in the whole, so the maps
// of all tiers add up to the map without a choice. The error wraps ErrParameters: no
// leverage was named, or one that no tier has.
func (p Parameters) Only(leverages ...float64) (Parameters, error) {
	if len(leverages) == 0 {
		return Parameters{}, fmt.Errorf("%w: no leverage chosen", ErrParameters)
	}
	for _, l := range leverages {
		if !slices.ContainsFunc(p.Tiers, func(t Tier) bool { return t.Leverage == l }) {
			return Parameters{}, fmt.Errorf("%w: no tier of leverage %v", ErrParameters, l)
		}
	}
	p.Leverages = nil
	for _, t := range p.Tiers {
		if slices.Contains(leverages, t.Leverage) && !slices.Contains(p.Leverages, t.Leverage) {
			p.Leverages = append(p.Leverages, t.Leverage)
		}
	}
	return p, nil
}

// chosenTiers are the tiers whose positions are in the map.
func (p Parameters) chosenTiers() []Tier {
	if p.Leverages == nil {
		return p.Tiers
	}
	var out []Tier
	for _, t := range p.Tiers {
		if slices.Contains(p.Leverages, t.Leverage) {
			out = append(out, t)
		}
	}
	return out
}

// chosen is the share of all positions that is in the map.
func (p Parameters) chosen() float64 {
	if p.Leverages == nil {
		return 1
	}
	sum := 0.0
	for _, t := range p.chosenTiers() {
		sum += t.Share
	}
	return sum
}

// Hash is a short name for exactly these parameters and this version of the
// model: 16 hexadecimal digits, the same in every run and on every machine.
//
// Fields that came later are left out while they have their zero value, so that
// the hashes written down before still name the same parameters.
func (p Parameters) Hash() string {
	type tier struct{ Leverage, Share float64 }
	type first struct { // the fields of the first version, in its order
		HalfLife                                             time.Duration
		Tiers                                                []tier
		MaintenanceMarginRate, Spread, Cut, Uniform, Farther float64
		Anchors                                              Anchors
		VolumeExponent, VolumeFloor, VolumeCeiling           float64
		VolumeMemory                                         time.Duration
		VolumeBars                                           int
		MaxHole, WarmUp                                      time.Duration
		Bin                                                  float64
	}
	f := first{
		p.HalfLife, nil, p.MaintenanceMarginRate, p.Spread, p.Cut, p.Uniform, p.Farther, p.Anchors,
		p.VolumeExponent, p.VolumeFloor, p.VolumeCeiling, p.VolumeMemory, p.VolumeBars, p.MaxHole, p.WarmUp, p.Bin,
	}
	var later []byte
	for i, t := range p.Tiers {
		f.Tiers = append(f.Tiers, tier{t.Leverage, t.Share})
		if t.MaintenanceMarginRate != 0 {
			later = fmt.Appendf(later, " tier %d rate %v", i, t.MaintenanceMarginRate)
		}
	}
	if p.Leverages != nil {
		later = fmt.Appendf(later, " only %v", p.Leverages)
	}
	sum := sha256.Sum256(append(fmt.Appendf(nil, "%s %+v", modelID, f), later...))
	return hex.EncodeToString(sum[:8])
}

// ErrParameters is wrapped by every error about Parameters.
var ErrParameters = errors.New("estimator parameters cannot be used")

// Check reports whether an estimator can be made of the parameters; the error
// wraps ErrParameters and names the field.
func (p Parameters) Check() error {
	for _, c := range []struct {
		ok   bool
		what string
	}{
		{p.HalfLife > 0, "half-life is not positive"},
		{p.MaintenanceMarginRate >= 0 && p.MaintenanceMarginRate < 0.5, "maintenance margin rate is not in [0, 0.5)"},
		{p.Spread >= 0 && p.Spread <= 3, "spread is not in [0, 3]"},
		{p.Bin >= 1e-5 && p.Bin <= 0.01, "bin is not in [0.00001, 0.01]"},
		{p.Cut >= p.Bin && p.Cut <= 2, "cut is not between a bin and 2"},
		{p.Uniform >= 0 && p.Uniform <= p.Cut, "uniform is not in [0, cut]"},
		{p.Farther >= 0 && p.Farther < p.Cut, "farther is not in [0, cut)"},
		{p.Anchors.ok(), "anchors are not shares that add up to 1"},
		{p.VolumeExponent >= 0 && p.VolumeExponent <= 2, "volume exponent is not in [0, 2]"},
		{p.VolumeFloor > 0 && p.VolumeFloor <= 1, "volume floor is not in (0, 1]"},
		{p.VolumeCeiling >= 1 && p.VolumeCeiling <= 1e6, "volume ceiling is not in [1, 1e6]"},
		{p.VolumeMemory > 0 && p.VolumeBars > 0, "volume memory or bars are not positive"},
		{p.MaxHole > 0 && p.WarmUp > 0, "longest hole or warm-up is not positive"},
		{p.Leverages == nil || p.leveragesOK(), "leverages are not some of the tiers, in their order"},
		{p.Uniform > 0 || p.tiersOK(), "tiers are not shares that add up to 1, each liquidated on its own side of entry"},
	} {
		if !c.ok {
			return fmt.Errorf("%w: %s", ErrParameters, c.what)
		}
	}
	return nil
}

// rounding is how far shares written as decimals may be from 1 in sum.
const rounding = 1e-9

func (a Anchors) ok() bool {
	shares := []float64{a.Close, a.HighLow, a.HighClose, a.LowClose}
	return slices.Min(shares) >= 0 && math.Abs(a.Close+a.HighLow+a.HighClose+a.LowClose-1) <= rounding
}

func (p Parameters) tiersOK() bool {
	sum := 0.0
	for _, t := range p.Tiers {
		long, short := p.distance(market.Long, t), p.distance(market.Short, t)
		if !(t.MaintenanceMarginRate >= 0 && t.MaintenanceMarginRate < 0.5) || !(t.Leverage > 1) || !(t.Share >= 0) || !market.Positive(long) || !market.Positive(short) {
			return false
		}
		sum += t.Share
	}
	return math.Abs(sum-1) <= rounding
}

func (p Parameters) leveragesOK() bool {
	only, err := p.Only(p.Leverages...)
	return err == nil && p.Uniform == 0 && slices.Equal(only.Leverages, p.Leverages)
}
