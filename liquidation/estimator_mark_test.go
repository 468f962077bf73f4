package liquidation_test

import (
	"math"
	"testing"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

func TestTheMarkSweeps(t *testing.T) {
	bars := walk(41, 100, time.Hour, 100)
	last := bars[len(bars)-1]
	for _, c := range []struct {
		name                         string
		low, high, markLow, markHigh float64 // of the close
	}{
		{"a wick that the mark does not have", 0.95, 1.05, 0.99, 1.01},
		{"a mark that goes farther", 0.99, 1.01, 0.95, 1.06},
		{"a mark on one side of the candle", 0.99, 1.01, 1.02, 1.03},
		{"not known", 0.97, 1.02, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := after(t, bars)
			// After a hole nothing is added, so that what is gone can be seen.
			b := flat(last.End().Add(time.Hour), time.Hour, last.CloseUSD)
			b.LowUSD, b.HighUSD = b.CloseUSD*c.low, b.CloseUSD*c.high
			b.MarkLowUSD, b.MarkHighUSD = b.CloseUSD*c.markLow, b.CloseUSD*c.markHigh
			low, high := b.MarkLowUSD, b.MarkHighUSD
			if c.markLow == 0 {
				low, high = b.LowUSD, b.HighUSD
			}
			left := math.Exp2(-2.0 / 24)
			long, short := e.Read(market.Long, low)*left, e.Read(market.Short, high)*left
			allLong, allShort := e.Standing(market.Long)*left, e.Standing(market.Short)*left
			s := step(t, e, b)
			if !within(s.LongCoins, long, 1e-12) || !within(s.ShortCoins, short, 1e-12) {
				t.Errorf("swept %+v, want %v and %v", s, long, short)
			}
			if !within(e.Standing(market.Long), allLong-long, 1e-9) || !within(e.Standing(market.Short), allShort-short, 1e-9) {
				t.Errorf("%v long and %v short left, want %v and %v", e.Standing(market.Long), e.Standing(market.Short), allLong-long, allShort-short)
			}
		})
	}
}

func TestTheMarkMovesNoEntry(t *testing.T) {
	b := flat(begin, time.Hour, 100)
	b.LowUSD, b.HighUSD = 98, 103
	with := b
	with.MarkLowUSD, with.MarkHighUSD = 90, 110
	if after(t, []liquidation.Bar{b}).Hash() != after(t, []liquidation.Bar{with}).Hash() {
		t.Error("the mark moves entries")
	}
}
