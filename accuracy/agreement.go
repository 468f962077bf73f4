package accuracy

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"liqbot/backtest"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// Two maps are compared in bins of this width, a logarithm of a price ratio, out to this
// distance: placement is not known more precisely, and what lies farther is small in both.
const (
	agreementBin = 0.005
	agreementOut = 0.10
)

// leastBins is how many bins of a side must hold something for a comparison.
const leastBins = 8

// RankCorrelation is that of two maps of one coin and window: how far they agree
// on which prices are heavy, whatever their scales. Bins are at the same distance from
// each map's own mark; one that is empty in both is left out. ok is false when there is
// too little to compare.
func RankCorrelation(a, b *liquidation.Map) (rho float64, bins int, ok bool) {
	var x, y []float64
	for _, side := range []market.Side{market.Long, market.Short} {
		p, q := profile(a, side), profile(b, side)
		filled := 0
		for i := range p {
			if p[i] > 0 || q[i] > 0 {
				x, y = append(x, p[i]), append(y, q[i])
				filled++
			}
		}
		if filled < leastBins {
			return 0, 0, false
		}
	}
	rho = backtest.Spearman(x, y)
	return rho, len(x), !math.IsNaN(rho)
}

// profile is the intensity of one side by distance from the mark.
func profile(m *liquidation.Map, side market.Side) []float64 {
	bins := make([]float64, int(math.Round(agreementOut/agreementBin)))
	for _, l := range m.Levels(side) {
		if i := int(math.Abs(math.Log(l.PriceUSD/m.MarkUSD())) / agreementBin); i < len(bins) {
			bins[i] += l.IntensityUSD
		}
	}
	return bins
}

// Agreements keeps how far the maps of two sources have agreed, one comparison an hour of
// each coin, in memory. It is safe for concurrent use.
type Agreements struct {
	mu    sync.Mutex
	coins map[market.Coin]*compared
}

// compared are the comparisons of one coin, oldest first.
type compared struct {
	vendor string
	at     []time.Time
	rho    []float64
}

// mostCompared bounds the comparisons kept of a coin: two months.
const mostCompared = 60 * 24

// NewAgreements makes an empty one.
func NewAgreements() *Agreements { return &Agreements{coins: make(map[market.Coin]*compared)} }

// Publish compares a snapshot of the week with the one beside it, if there is one and the
// last comparison of its coin was an hour ago.
func (a *Agreements) Publish(s *snapshot.Snapshot) {
	if s.Beside == nil || s.Key.Window != market.Week {
		return
	}
	at := s.AsOf()
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.coins[s.Key.Coin]
	if c == nil {
		c = &compared{vendor: s.Beside.Map.Provenance().Source}
		a.coins[s.Key.Coin] = c
	}
	if n := len(c.at); n > 0 && at.Sub(c.at[n-1]) < time.Hour {
		return
	}
	rho, _, ok := RankCorrelation(s.Map, s.Beside.Map)
	if !ok {
		return
	}
	c.at, c.rho = append(c.at, at), append(c.rho, rho)
	if len(c.rho) > mostCompared {
		c.at, c.rho = slices.Delete(c.at, 0, 1), slices.Delete(c.rho, 0, 1)
	}
}

// Of is the mean of a coin's comparisons and the middle 95 % of them, nil before the first.
func (a *Agreements) Of(coin market.Coin) *VendorAgreement {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.coins[coin]
	if c == nil || len(c.rho) == 0 {
		return nil
	}
	sorted := slices.SortedFunc(slices.Values(c.rho), cmp.Compare[float64])
	sum := 0.0
	for _, r := range sorted {
		sum += r
	}
	edge := len(sorted) / 40
	return &VendorAgreement{
		Vendor: c.vendor, Rho: sum / float64(len(sorted)), Lo: sorted[edge], Hi: sorted[len(sorted)-1-edge], N: len(sorted), Since: c.at[0],
	}
}
