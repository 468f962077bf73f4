package exchanges

import (
	"sort"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// reach is how far from a candle's start an open interest may be to count as that of
// the start: some venues keep older ones only by the hour.
const reach = 65 * time.Minute

// assemble gives each candle the open interest at its start: the newest known by then
// within reach, else the next one, else what is assumed. Holding open interest constant
// hardly changes a map, so an assumption is marked and not refused. Candles that
// cannot be, and all without any open interest, are left out.
func assemble(candles []market.Candle, points []market.OpenInterestPoint, assumedCoins float64) []market.Bar {
	bars := make([]market.Bar, 0, len(candles))
	for _, c := range candles {
		if !feeds.PossibleCandle(c) || c.Length != feeds.CandleLength || !c.Start.Equal(c.Start.Truncate(feeds.CandleLength)) {
			continue
		}
		coins, known := openInterestAt(points, c.Start)
		if !known {
			coins = assumedCoins
			if len(points) > 0 {
				coins = nearest(points, c.Start)
			}
		}
		if !feeds.PossibleCoins(coins) {
			continue
		}
		bars = append(bars, single(market.Bar{Candle: c, OpenInterestCoins: coins, Assumed: !known}))
	}
	return bars
}

// openInterestAt is the newest open interest known at a moment, or the one right after.
func openInterestAt(points []market.OpenInterestPoint, at time.Time) (float64, bool) {
	next := sort.Search(len(points), func(i int) bool { return points[i].At.After(at) })
	if next > 0 && at.Sub(points[next-1].At) <= reach {
		return points[next-1].Coins, true
	}
	if next < len(points) && points[next].At.Sub(at) <= reach {
		return points[next].Coins, true
	}
	return 0, false
}

// nearest is the open interest of the time next to a moment; points has some.
func nearest(points []market.OpenInterestPoint, at time.Time) float64 {
	next := sort.Search(len(points), func(i int) bool { return points[i].At.After(at) })
	if next == 0 {
		return points[0].Coins
	}
	return points[next-1].Coins
}

// single rounds the figures of a bar to single precision, seven digits. That is how they
// are kept in memory, and a map must be the same whether its bars came just now or were
// kept: 1e-7 of a price is a thousandth of a bin.
func single(b market.Bar) market.Bar {
	for _, v := range []*float64{
		&b.OpenUSD, &b.HighUSD, &b.LowUSD, &b.CloseUSD, &b.MarkHighUSD, &b.MarkLowUSD,
		&b.VolumeCoins, &b.TakerBuyCoins, &b.OpenInterestCoins,
	} {
		*v = float64(float32(*v))
	}
	return b
}
