package backtest

import (
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

// PartsChanged is the recommended model with one part changed in each: what the
// part is worth is how far the variant falls behind.
func PartsChanged() []Variant {
	changed := func(name string, change func(p *liquidation.Parameters)) Variant {
		return Variant{Name: name, Build: func(c market.Coin) (Model, error) {
			p := liquidation.Recommended(c)
			change(&p)
			return Estimated(p)
		}}
	}
	return []Variant{
		changed("inflow_constant_share", func(p *liquidation.Parameters) { p.VolumeExponent = 0 }),
		changed("inflow_volume", func(p *liquidation.Parameters) { p.VolumeExponent = 1 }),
		changed("shares_pooled", func(p *liquidation.Parameters) { p.Tiers = liquidation.Recommended("").Tiers }),
		changed("kernel_uniform_15pct", func(p *liquidation.Parameters) { p.Uniform = 0.15 }),
		changed("kernel_without_spread", func(p *liquidation.Parameters) { p.Spread = 0 }),
		changed("entries_close_only", func(p *liquidation.Parameters) { p.Anchors = liquidation.Anchors{Close: 1} }),
		changed("half_life_6h", func(p *liquidation.Parameters) { p.HalfLife = 6 * time.Hour }),
		changed("half_life_168h", func(p *liquidation.Parameters) { p.HalfLife = 168 * time.Hour }),
	}
}
