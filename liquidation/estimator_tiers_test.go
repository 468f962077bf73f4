package liquidation_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"liqbot/liquidation"
)

func TestTheMapsOfAllTiersAddUp(t *testing.T) {
	p := liquidation.Recommended("ETH")
	p.Tiers[0].MaintenanceMarginRate = 0.005
	bars := walk(31, 200, time.Hour, 3_000)
	whole, _ := model(t, p).Rebuild(bars)
	hashes := map[string]bool{p.Hash(): true}
	for _, side := range bothSides {
		sum := map[float64]float64{}
		for _, choice := range [][]float64{{100}, {10, 50}, {20}} {
			only, err := p.Only(choice...)
			if err != nil {
				t.Fatal(err)
			}
			hashes[only.Hash()] = true
			e := estimator(t, only)
			share := 0.0
			for _, tier := range p.Tiers {
				for _, l := range choice {
					if tier.Leverage == l {
						share += tier.Share
					}
				}
			}
			for _, b := range bars {
				if s := step(t, e, b); !within(s.SeededCoins, s.OpenedCoins*share, 1e-12) || s.SeededCoins == 0 {
					t.Fatalf("%v: seeded %v of %v coins, want the share %v", choice, s.SeededCoins, s.OpenedCoins, share)
				}
			}
			for _, l := range levels(e, side) {
				sum[l.PriceUSD] += l.IntensityUSD
			}
		}
		all := whole.Standing(side)
		for _, l := range levels(whole, side) {
			if coins := l.IntensityUSD; math.Abs(sum[l.PriceUSD]-coins) > 1e-9*coins+1e-15*all {
				t.Fatalf("%s bin of %v: the tiers hold %v coins, all %v", side, l.PriceUSD, sum[l.PriceUSD], coins)
			}
		}
	}
	if len(hashes) != 4 {
		t.Errorf("%d hashes of 4 maps", len(hashes))
	}
}

func TestOnly(t *testing.T) {
	p := liquidation.Recommended("ETH")
	twice, err := p.Only(10, 100, 10)
	if err != nil {
		t.Fatal(err)
	}
	if once, _ := p.Only(100, 10); once.Hash() != twice.Hash() {
		t.Error("order and repetition of leverages change the hash")
	}
	if p.Leverages != nil || len(p.Tiers) != 4 {
		t.Error("the parameters themselves changed")
	}
	if again, err := twice.Only(50); err != nil || len(again.Leverages) != 1 {
		t.Errorf("another choice: %v, %v", again.Leverages, err)
	}
	uniform := p
	uniform.Uniform, uniform.Tiers = 0.15, nil
	for name, choose := range map[string]func() (liquidation.Parameters, error){
		"nothing":      func() (liquidation.Parameters, error) { return p.Only() },
		"no such tier": func() (liquidation.Parameters, error) { return p.Only(10, 25) },
		"NaN":          func() (liquidation.Parameters, error) { return p.Only(math.NaN()) },
		"no tiers":     func() (liquidation.Parameters, error) { return uniform.Only(10) },
	} {
		if _, err := choose(); !errors.Is(err, liquidation.ErrParameters) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRatesOfTiersAreInTheHash(t *testing.T) {
	hashes := map[string]bool{liquidation.Recommended("BTC").Hash(): true}
	for i := range 4 {
		p := liquidation.Recommended("BTC")
		p.Tiers[i].MaintenanceMarginRate = p.MaintenanceMarginRate
		hashes[p.Hash()] = true
	}
	if len(hashes) != 5 {
		t.Errorf("%d hashes of 5 parameters", len(hashes))
	}
}
