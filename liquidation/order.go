package liquidation

import "cmp"

// compareLevels orders levels outward: by falling price for longs, by rising
// price for shorts. Levels at one price are ordered by their other fields, so
// that sums do not depend on the order of the input.
func compareLevels(a, b Level, falling bool) int {
	byPrice := cmp.Compare(a.PriceUSD, b.PriceUSD)
	if falling {
		byPrice = -byPrice
	}
	return cmp.Or(
		byPrice,
		cmp.Compare(a.Venue, b.Venue),
		cmp.Compare(a.Leverage, b.Leverage),
		cmp.Compare(a.IntensityUSD, b.IntensityUSD),
	)
}
