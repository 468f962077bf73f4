package backtest

import (
	"math"

	"liqbot/liquidation"
	"liqbot/market"
)

// Names of the models in the second table.
const (
	Recommended    = "recommended"
	UniformSweep   = "uniform_sweep"
	VolumeProfile  = "volume_profile"
	FixedLeverage  = "fixed_leverage"
	PilotDeltaOI   = "pilot_delta_oi"
	USDDeltaOI     = "usd_delta_oi"
	OtherSide      = "placebo_other_side"
	TwoPctFarther  = "placebo_2pct_farther"
	SevenDaysStale = "placebo_7d_stale"
	PlacedFarther  = "placebo_placed_2pct_out"
)

// modelNames in the order of the table.
var modelNames = []string{
	Recommended, UniformSweep, VolumeProfile, FixedLeverage, PilotDeltaOI, USDDeltaOI,
	OtherSide, TwoPctFarther, SevenDaysStale, PlacedFarther,
}

// models builds a fresh one of every model that runs its own map.
func models(c market.Coin, variants []Variant) map[string]func() (Model, error) {
	fitted := liquidation.Recommended(c)
	all := map[string]func() (Model, error){
		Recommended:   func() (Model, error) { return Estimated(fitted) },
		UniformSweep:  func() (Model, error) { return Estimated(uniform(fitted)) },
		FixedLeverage: func() (Model, error) { return Estimated(fixedLeverage(fitted)) },
		PlacedFarther: func() (Model, error) { return Estimated(placedFarther(fitted)) },
		SevenDaysStale: func() (Model, error) {
			inner, err := Estimated(fitted)
			return &delayed{inner: inner, bars: 168}, err
		},
		VolumeProfile: func() (Model, error) { return newSweepMap(volumeRecipe()), nil },
		PilotDeltaOI:  func() (Model, error) { return newSweepMap(deltaRecipe(riseCoins)), nil },
		USDDeltaOI:    func() (Model, error) { return newSweepMap(deltaRecipe(riseUSD)), nil },
	}
	for _, v := range variants {
		all[v.Name] = func() (Model, error) { return v.Build(c) }
	}
	return all
}

// uniform knows neither leverage nor volume: an even density up to 15 %.
func uniform(p liquidation.Parameters) liquidation.Parameters {
	p.Uniform, p.VolumeExponent = 0.15, 0
	return p
}

// fixedLeverage is what is drawn most: four leverages in equal parts, entered at
// the close, at the naive distance and without spread.
func fixedLeverage(p liquidation.Parameters) liquidation.Parameters {
	p.Tiers = []liquidation.Tier{
		{Leverage: 100, Share: .25}, {Leverage: 50, Share: .25}, {Leverage: 25, Share: .25}, {Leverage: 10, Share: .25},
	}
	p.Anchors = liquidation.Anchors{Close: 1}
	p.MaintenanceMarginRate, p.Spread = 0, 0
	return p
}

// placedFarther puts every level 2 % farther from entry, and sweeps it there.
func placedFarther(p liquidation.Parameters) liquidation.Parameters {
	p.Farther = math.Log(1.02)
	return p
}

// estimated is the estimator as a model of the backtest.
type estimated struct {
	e   *liquidation.Estimator
	bin float64
}

// Estimated is the liquidation estimator with some parameters as a model. The
// error is about the parameters.
func Estimated(p liquidation.Parameters) (Model, error) {
	e, err := liquidation.NewEstimator(p)
	if err != nil {
		return nil, err
	}
	return estimated{e: e, bin: p.Bin}, nil
}

// Step leaves holes out: the estimator sees them by the time that passed.
func (m estimated) Step(b Bar) (Swept, error) {
	if b.Hole {
		return Swept{}, nil
	}
	swept, err := m.e.Step(b.Estimator())
	return Swept{Long: swept.LongCoins, Short: swept.ShortCoins}, err
}

func (m estimated) Mass(side market.Side, low, high float64) float64 {
	past := func(price float64, bins float64) float64 { // the middle of a neighbouring bin
		return math.Exp((math.Floor(math.Log(price)/m.bin) + bins + 0.5) * m.bin)
	}
	if side == market.Long {
		return max(m.e.Read(side, low)-m.e.Read(side, past(high, 1)), 0)
	}
	return max(m.e.Read(side, high)-m.e.Read(side, past(low, -1)), 0)
}

// volumeRecipe keeps volume where it traded.
func volumeRecipe() recipe {
	here := shape{1}
	return recipe{
		halfLife: 168,
		inflow:   func(b Bar) float64 { return b.Volume },
		entries:  fourEntries,
		shapes:   [2]shape{here, here},
		keep:     true,
		fromOpen: true,
	}
}

func fourEntries(b Bar) []float64 {
	return []float64{b.Close, (b.High + b.Low) / 2, (b.High + b.Close) / 2, (b.Low + b.Close) / 2}
}

// Leverages of the two maps that follow open interest, longest distance first.
var pilotTiers = []liquidation.Tier{
	{Leverage: 5, Share: .10}, {Leverage: 10, Share: .25}, {Leverage: 25, Share: .30}, {Leverage: 50, Share: .20}, {Leverage: 100, Share: .15},
}

// deltaRecipe seeds what open interest rose by.
func deltaRecipe(rise func(b Bar) float64) recipe {
	const maintenance = 0.004 // margin rate of the lowest bracket
	long := func(l float64) float64 { return -math.Log((1 - 1/l) / (1 - maintenance)) }
	short := func(l float64) float64 { return math.Log((1 + 1/l) / (1 + maintenance)) }
	return recipe{
		halfLife: 72,
		inflow:   rise,
		entries:  func(b Bar) []float64 { return []float64{(b.High + b.Low + b.Close) / 3} },
		shapes:   [2]shape{spikes(pilotTiers, long), spikes(pilotTiers, short)},
	}
}

func riseCoins(b Bar) float64 { return b.OpenInterestRise }

// riseUSD takes rises in USD, in which a mere rise of the price looks like new positions.
func riseUSD(b Bar) float64 {
	return (b.OpenInterest*(b.Close-b.Open) + b.OpenInterestRise*b.Close) / b.Close
}

// spikes puts each leverage's share into the one bin at its distance.
func spikes(tiers []liquidation.Tier, distance func(leverage float64) float64) shape {
	var s shape
	for _, t := range tiers {
		k := int(distance(t.Leverage) / grid)
		if k >= len(s) {
			s = append(s, make(shape, k+1-len(s))...)
		}
		s[k] += t.Share
	}
	return s
}
