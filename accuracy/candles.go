package accuracy

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"liqbot/market"
)

// candles completes the hours that wait for them and scores the coin anew.
func (c *Checker) candles(k *coin, now time.Time) {
	if len(k.waiting) == 0 || now.Sub(k.tried) < retry {
		return
	}
	k.tried = now
	kept, completed := k.waiting[:0], false
	for _, h := range k.waiting {
		end := h.Start.Add(time.Hour)
		for _, p := range []*Part{h.Full, h.All} {
			if p != nil && p.Outcome != nil && !p.Outcome.Candles {
				c.complete(k.name, p, h.Start)
			}
		}
		late := now.Sub(end) > giveUp
		if h.waits() && !late {
			kept = append(kept, h)
			continue
		}
		if h.waits() {
			c.skip(k.name, NoCandles)
		}
		completed = true
		c.save(k.name, h)
	}
	k.waiting = kept
	if completed {
		c.score(k.name, c.read(k.name, now.Add(-Kept)))
	}
}

// complete takes from the candles what they tell of an hour, once all of them are there.
func (c *Checker) complete(name market.Coin, p *Part, hour time.Time) {
	o := *p.Outcome
	for i, venue := range p.Venues {
		bars, err := c.opts.Store.Bars(venue, p.Symbols[i], hour.Add(-day))
		if err != nil {
			c.opts.Log.Error("self-check has no candles", slog.String("coin", string(name)), slog.Any("err", fmt.Errorf("%s: %w", venue, err)))
			return
		}
		within := between(bars, hour, hour.Add(time.Hour))
		if covered(within) != time.Hour {
			return
		}
		for _, b := range within {
			o.VolumeCoins += b.VolumeCoins
			if i == 0 {
				o.stretch(b)
			}
		}
		if i == 0 {
			mean, known := volatility(bars, hour)
			if !known {
				return
			}
			o.Volatility = mean
		}
	}
	o.Candles = true
	if o.possible(p.MarkUSD) {
		p.Outcome = &o
	}
}

// stretch takes the extremes of a bar's mark, of its price where it has no mark.
func (o *Outcome) stretch(b market.Bar) {
	low, high := b.MarkLowUSD, b.MarkHighUSD
	if low == 0 || high == 0 {
		low, high = b.LowUSD, b.HighUSD
	}
	if market.Positive(low) && market.Positive(high) {
		o.LowUSD, o.HighUSD = min(o.LowUSD, low), max(o.HighUSD, high)
	}
}

const day = 24 * time.Hour

// between are the bars that lie in [from, to).
func between(bars []market.Bar, from, to time.Time) []market.Bar {
	var some []market.Bar
	for _, b := range bars {
		if !b.Start.Before(from) && !b.End().After(to) {
			some = append(some, b)
		}
	}
	return some
}

// covered is the time that bars cover.
func covered(bars []market.Bar) time.Duration {
	sum := time.Duration(0)
	for _, b := range bars {
		sum += b.Length
	}
	return sum
}

// volatility is the mean absolute log return of the whole hours of the day before; false
// if half of them are not known.
func volatility(bars []market.Bar, hour time.Time) (mean float64, known bool) {
	const hours = 24
	sum, n := 0.0, 0
	for i := range hours {
		from := hour.Add(-time.Duration(hours-i) * time.Hour)
		some := between(bars, from, from.Add(time.Hour))
		if covered(some) != time.Hour {
			continue
		}
		move := math.Abs(math.Log(some[len(some)-1].CloseUSD / some[0].OpenUSD))
		if market.Finite(move) {
			sum += move
			n++
		}
	}
	if n < hours/2 {
		return 0, false
	}
	return sum / float64(n), true
}
