package hyperliquid_test

import (
	"context"
	"math"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/hyperliquid/hyperliquidtest"
	"liqbot/market"
)

// TestClocksThatDiffer: what the venue tells is told in its own time, and a candle is
// closed when it is there.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"ahead": 10 * time.Minute, "behind": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := start(t, feedtest.Market{Share: 0.1}, []string{hyperliquidtest.Trader})
			d.Base().Skew(skew)
			contracts := list(t, f)
			now := d.Base().Now()
			candles, err := f.Candles(t.Context(), of(t, f, "BTC"), now.Add(-time.Hour), now.Add(time.Hour))
			if err != nil || len(candles) == 0 {
				t.Fatalf("%d candles, %v", len(candles), err)
			}
			if off := d.Base().Now().Sub(candles[len(candles)-1].End()); off < 0 || off > feeds.CandleLength+time.Minute {
				t.Errorf("the last candle ended %v ago", off)
			}
			c := stream(t, f, contracts)
			c.Wait(t, "ticker", func() bool { return c.Tickers(0) > 0 })
			for _, u := range c.Updates() {
				if off := d.Base().Now().Sub(u.At); math.Abs(off.Seconds()) > 5 {
					t.Fatalf("a ticker is %v old", off)
				}
			}
			c.Wait(t, "liquidation", func() bool {
				if len(liquidations(c)) > 0 {
					return true
				}
				d.Liquidate("BTC", market.Liquidation{At: d.Base().Now(), Side: market.Long, PriceUSD: 90_000, Coins: 1})
				return false
			})
		})
	}
}

// TestStreamsBegunAgain: a host that changes what it follows makes no more connections
// than the venue allows.
func TestStreamsBegunAgain(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.1}, nil)
	contracts := list(t, f)
	for range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := f.Stream(ctx, contracts, feedtest.NewCollector()); err != nil || ctx.Err() == nil {
			t.Errorf("Stream ended with %v, the context with %v", err, ctx.Err())
		}
		cancel()
	}
	if n := d.Base().Accepted(); n < 2 || n > 9 {
		t.Errorf("%d connections for twelve streams", n)
	}
}
