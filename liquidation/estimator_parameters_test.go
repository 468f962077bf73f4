package liquidation_test

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

func TestRecommendedParametersAreUsable(t *testing.T) {
	hashes := map[string]market.Coin{}
	for _, coin := range []market.Coin{"BTC", "ETH", "SOL", "DOGE"} {
		p := liquidation.Recommended(coin)
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", coin, err)
		}
		if other, taken := hashes[p.Hash()]; taken {
			t.Errorf("%s and %s have the hash %s", coin, other, p.Hash())
		}
		hashes[p.Hash()] = coin
	}
	if liquidation.Recommended("XRP").Hash() != liquidation.Recommended("DOGE").Hash() {
		t.Error("the same parameters, two hashes")
	}
	// Written down in published scores and stored maps: it changes only when the
	// model does, and then modelID changes as well.
	if got, want := liquidation.Recommended("BTC").Hash(), "8f3ff79ff979fa16"; got != want {
		t.Errorf("hash of BTC's parameters is %s, was %s", got, want)
	}
}

func TestHashCoversEveryField(t *testing.T) {
	base := liquidation.Recommended("BTC")
	fields := reflect.TypeFor[liquidation.Parameters]()
	for i := range fields.NumField() {
		p := liquidation.Recommended("BTC")
		switch f := reflect.ValueOf(&p).Elem().Field(i); f.Kind() {
		case reflect.Float64:
			f.SetFloat(math.Nextafter(f.Float(), 100))
		case reflect.Int, reflect.Int64:
			f.SetInt(f.Int() + 1)
		case reflect.Slice:
			if f.Type() == reflect.TypeFor[[]float64]() {
				p.Leverages = []float64{100, 50, 20, 10}
				break
			}
			p.Tiers[3].Share = math.Nextafter(p.Tiers[3].Share, 1)
		case reflect.Struct:
			f.Field(3).SetFloat(0.3)
		default:
			t.Fatalf("field %s: teach this test its kind", fields.Field(i).Name)
		}
		if p.Hash() == base.Hash() {
			t.Errorf("field %s is not in the hash", fields.Field(i).Name)
		}
	}
}

func TestParametersAreChecked(t *testing.T) {
	for name, change := range map[string]func(*liquidation.Parameters){
		"no half-life":        func(p *liquidation.Parameters) { p.HalfLife = 0 },
		"no tiers":            func(p *liquidation.Parameters) { p.Tiers = nil },
		"shares of 0.9":       func(p *liquidation.Parameters) { p.Tiers[0].Share -= 0.1 },
		"negative share":      func(p *liquidation.Parameters) { p.Tiers[0].Share -= 1; p.Tiers[1].Share++ },
		"1x":                  func(p *liquidation.Parameters) { p.Tiers[0].Leverage = 1 },
		"NaN leverage":        func(p *liquidation.Parameters) { p.Tiers[0].Leverage = math.NaN() },
		"liquidated at entry": func(p *liquidation.Parameters) { p.Tiers[0].Leverage = 250 },
		"maintenance rate":    func(p *liquidation.Parameters) { p.MaintenanceMarginRate = -0.1 },
		"spread":              func(p *liquidation.Parameters) { p.Spread = math.NaN() },
		"rate of a tier":      func(p *liquidation.Parameters) { p.Tiers[1].MaintenanceMarginRate = -0.1 },
		"NaN rate of a tier":  func(p *liquidation.Parameters) { p.Tiers[1].MaintenanceMarginRate = math.NaN() },
		"rate above margin":   func(p *liquidation.Parameters) { p.Tiers[1].MaintenanceMarginRate = 0.03 },
		"no such leverage":    func(p *liquidation.Parameters) { p.Leverages = []float64{25} },
		"no leverage":         func(p *liquidation.Parameters) { p.Leverages = []float64{} },
		"leverages disorder":  func(p *liquidation.Parameters) { p.Leverages = []float64{10, 100} },
		"leverages, no tiers": func(p *liquidation.Parameters) { p.Uniform, p.Leverages = 0.15, []float64{10} },
		"bin":                 func(p *liquidation.Parameters) { p.Bin = 0 },
		"cut":                 func(p *liquidation.Parameters) { p.Cut = math.Inf(1) },
		"all beyond the cut":  func(p *liquidation.Parameters) { p.Cut, p.Spread = 0.004, 0 },
		"uniform":             func(p *liquidation.Parameters) { p.Uniform = -1 },
		"farther":             func(p *liquidation.Parameters) { p.Farther = 1 },
		"anchors":             func(p *liquidation.Parameters) { p.Anchors.Close = 0.5 },
		"negative anchor":     func(p *liquidation.Parameters) { p.Anchors = liquidation.Anchors{Close: 2, HighLow: -1} },
		"volume exponent":     func(p *liquidation.Parameters) { p.VolumeExponent = -1 },
		"volume floor":        func(p *liquidation.Parameters) { p.VolumeFloor = 0 },
		"volume ceiling":      func(p *liquidation.Parameters) { p.VolumeCeiling = 0.5 },
		"volume memory":       func(p *liquidation.Parameters) { p.VolumeMemory = 0 },
		"volume bars":         func(p *liquidation.Parameters) { p.VolumeBars = 0 },
		"longest hole":        func(p *liquidation.Parameters) { p.MaxHole = 0 },
		"warm-up":             func(p *liquidation.Parameters) { p.WarmUp = -time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			p := liquidation.Recommended("BTC")
			change(&p)
			if e, err := liquidation.NewEstimator(p); !errors.Is(err, liquidation.ErrParameters) || e != nil {
				t.Errorf("estimator %v, error %v", e != nil, err)
			}
		})
	}
}

func TestBaselinesAndPlacebos(t *testing.T) {
	at100 := []liquidation.Bar{flat(begin, time.Hour, 100)}
	bar := at100[0]
	read := func(p liquidation.Parameters, fraction float64) float64 {
		e := estimator(t, p)
		step(t, e, bar)
		return e.Read(market.Long, 100*(1-fraction)) / e.Standing(market.Long)
	}
	even := liquidation.Recommended("BTC")
	even.Uniform, even.Tiers = 0.15, nil
	for _, d := range []float64{0.01, 0.05, 0.12} {
		if got, want := read(even, d), -math.Log(1-d)/0.15; math.Abs(got-want) > 1e-3 {
			t.Errorf("uniform: %v of the mass within %v, want %v", got, d, want)
		}
	}
	recommended := liquidation.Recommended("BTC")
	farther := recommended
	farther.Farther = math.Log(1.02)
	farther.Tiers = []liquidation.Tier{{Leverage: 100, Share: 1}}
	e := estimator(t, farther)
	step(t, e, bar)
	if got, want := median(e, market.Long), 0.99/0.996/1.02-1; math.Abs(got-want) > 1e-4 {
		t.Errorf("farther: a 100x long centres at %v, want %v", got, want)
	}
}
