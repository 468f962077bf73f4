package exchanges

import (
	"math"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// What a venue can tell in good faith. Beyond it, figures are left out: one of them would
// bend the map for days.
const (
	// wildWick is how far the extremes of five minutes may be from open and close, a factor.
	wildWick = 3.0
	// loneWick is how far a venue's extremes may go beyond all others', a fraction.
	loneWick = 0.10
	// loneTick is how far a venue's mark may sweep beyond where the others' have been.
	loneTick = 0.005
	// loneMove is how far a candle may close from what others had within a quarter of an
	// hour, as the logarithm of a price ratio.
	loneMove = 0.20
	// farPrint is how far the price of a forced order may be from the mark, a fraction: a
	// bankruptcy price lies beyond it by the margin.
	farPrint = 0.25
	// wildInterest is how much open interest may change between two tellings, a factor.
	wildInterest = 10.0
	// insistent is how often in a row a venue has to tell such a change to be believed.
	insistent = 30
)

// plausible leaves out the bars of a venue that cannot be, or that are far from what two
// or more other venues have for the same time. Whoever calls it does not hold the lock.
func (c *coin) plausible(venue market.Venue, bars []market.Bar) (kept []market.Bar, dropped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept = bars[:0:0]
	for _, b := range bars {
		if b.HighUSD > wildWick*max(b.OpenUSD, b.CloseUSD) || b.LowUSD*wildWick < min(b.OpenUSD, b.CloseUSD) || !c.agrees(venue, b) {
			dropped++
			continue
		}
		kept = append(kept, b)
	}
	return kept, dropped
}

// agrees compares a bar with those of the other venues.
func (c *coin) agrees(venue market.Venue, b market.Bar) bool {
	var closes, lately []quote
	low, high := 0.0, 0.0
	for name, l := range c.listings {
		if name == venue || l.disbelieved {
			continue
		}
		bottom, top, last, ok := l.seen(b.Start)
		if usd := l.lately(b.Start); usd > 0 {
			lately = append(lately, quote{usd: usd})
		}
		if !ok {
			continue
		}
		closes = append(closes, quote{usd: last})
		if low == 0 || bottom < low {
			low = bottom
		}
		high = max(high, top)
	}
	if len(closes) < 2 {
		// The first candle to come is only compared with what was shortly before.
		return len(lately) < 2 || math.Abs(math.Log(b.CloseUSD/median(lately))) < loneMove
	}
	bottom, top := b.LowUSD, b.HighUSD
	if b.MarkHighUSD > 0 {
		bottom, top = min(bottom, b.MarkLowUSD), max(top, b.MarkHighUSD)
	}
	return near(b.CloseUSD, median(closes)) && bottom > low*(1-loneWick) && top < high*(1+loneWick)
}

// seen is what is known of a contract's price in the five minutes from start on: the
// candle's, or while that is not there yet, the mark's.
func (l *listing) seen(start time.Time) (low, high, last float64, ok bool) {
	if b, ok := l.bars.at(start); ok {
		return float64(b.low), float64(b.high), float64(b.last), true
	}
	for _, s := range l.running {
		if s.slot == slotOf(start) && s.highUSD > 0 {
			return s.lowUSD, s.highUSD, (s.lowUSD + s.highUSD) / 2, true
		}
	}
	return 0, 0, 0, false
}

// lately is a price of the contract within a quarter of an hour of a moment, 0 if none is
// known.
func (l *listing) lately(at time.Time) float64 {
	const lately = 15 * time.Minute
	if end := l.bars.end(); !end.IsZero() && at.Sub(end).Abs() <= lately {
		return float64(l.bars.bars[len(l.bars.bars)-1].last)
	}
	if l.live.markUSD > 0 && at.Sub(l.live.at).Abs() <= lately {
		return l.live.markUSD
	}
	return 0
}

// plausiblePrint reports whether a forced order can be one of this contract.
func (l *listing) plausiblePrint(o market.Liquidation) bool {
	if !feeds.PossiblePrice(o.PriceUSD) || !feeds.PossibleCoins(o.Coins) {
		return false
	}
	if mark := l.live.markUSD; mark > 0 && (o.PriceUSD > mark*(1+farPrint) || o.PriceUSD < mark*(1-farPrint)) {
		return false
	}
	return l.live.coins == 0 || o.Coins <= l.live.coins
}

// plausibleInterest reports whether an open interest can follow the last one.
func (l *listing) plausibleInterest(coins float64) bool {
	if coins == 0 || l.live.coins == 0 || coins <= l.live.coins*wildInterest && coins*wildInterest >= l.live.coins {
		l.odd = 0
		return true
	}
	l.odd++
	return l.odd > insistent
}
