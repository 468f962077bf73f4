package exchanges

import (
	"cmp"
	"math"
	"slices"
)

// quote is one venue's mark price.
type quote struct {
	usd float64
	// out says that it was not believed when last looked at: it has to come nearer than
	// one that was, or a price at the edge would come and go.
	out bool
}

// farAway is how far from the others a venue's price may be, as a fraction: several times
// what venues differ by on the wildest days, a tenth of what a wrong factor does.
const farAway = 0.03

// nearAgain is how far a price may be that was not believed.
const nearAgain = 0.02

// believe says which of the quotes are near the middle one. Two venues that differ cannot tell
// which of them is wrong: then the one nearer to the last price believed is right, and
// neither is without one.
func believe(quotes []quote, lastUSD float64) []bool {
	believed := make([]bool, len(quotes))
	centre := lastUSD
	switch {
	case len(quotes) == 0:
		return nil
	case len(quotes) == 1:
		// Nothing contradicts it but a jump since the last price, which a real market
		// could make as well.
		believed[0] = true
		return believed
	case len(quotes) >= 3:
		centre = median(quotes)
	case near(quotes[0].usd, quotes[1].usd):
		centre = quotes[0].usd
	case lastUSD == 0:
		return believed
	}
	for i, q := range quotes {
		believed[i] = near(q.usd, centre) && (!q.out || math.Abs(q.usd/centre-1) <= nearAgain)
	}
	return believed
}

func near(a, b float64) bool { return math.Abs(a-b) <= farAway*min(a, b) }

// median is the middle of the prices, each counted once: a venue that lies may be the
// one that also claims the largest open interest.
func median(quotes []quote) float64 {
	prices := make([]float64, len(quotes))
	for i, q := range quotes {
		prices[i] = q.usd
	}
	slices.SortFunc(prices, cmp.Compare)
	n := len(prices)
	if n%2 == 1 {
		return prices[n/2]
	}
	// Of two middles the one with more prices near it.
	low, high := prices[n/2-1], prices[n/2]
	if crowd(prices, low) >= crowd(prices, high) {
		return low
	}
	return high
}

func crowd(prices []float64, at float64) int {
	n := 0
	for _, p := range prices {
		if near(p, at) {
			n++
		}
	}
	return n
}
