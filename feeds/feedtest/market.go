// Package feedtest holds what the loopback doubles of all venues share: an invented
// market that is a pure function of time, a server whose connections can be dropped,
// stalled and fed garbage, and the suite that every feed has to pass. Each venue's double
// stands beside its feed and speaks its wire format.
package feedtest

import (
	"hash/fnv"
	"math"
	"strconv"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// Market is an invented market. It has no state: asked twice about a moment it says the
// same, so that history and stream agree. All figures are USD for one coin and coins.
type Market struct {
	// Share is the venue's part of open interest and volume.
	Share float64
	// PriceFactor moves the prices of a venue that lies; 1 if 0.
	PriceFactor float64
}

// basePrices are the prices around which the coins move.
var basePrices = map[market.Coin]float64{"BTC": 90_000, "ETH": 3_000, "SOL": 140, "PEPE": 0.000004411}

// Coins are the coins of the market, the largest first.
func Coins() []market.Coin { return []market.Coin{"BTC", "ETH", "SOL", "PEPE"} }

// MarkUSD is the mark price of a coin at a moment.
func (m Market) MarkUSD(coin market.Coin, at time.Time) float64 {
	h := float64(at.UnixMilli()) / float64(time.Hour.Milliseconds())
	wave := 0.015*math.Sin(h/7) + 0.006*math.Sin(h*1.3+1) + 0.002*math.Sin(h*9) + 0.0005*math.Sin(h*61)
	factor := m.PriceFactor
	if factor == 0 {
		factor = 1
	}
	return basePrices[coin] * (1 + wave) * factor
}

// OpenInterestCoins is the open interest of a coin at a moment.
func (m Market) OpenInterestCoins(coin market.Coin, at time.Time) float64 {
	h := float64(at.UnixMilli()) / float64(time.Hour.Milliseconds())
	return m.Share * 9e9 / basePrices[coin] * rank(coin) * (1 + 0.04*math.Sin(h/11+2))
}

// FundingRate is the rate being accrued at a moment, a fraction for eight hours; never 0,
// also with the eight decimals that venues write.
func (m Market) FundingRate(_ market.Coin, at time.Time) float64 {
	return 0.0001 * (1 + 0.9*math.Sin(float64(at.Unix())/40_000))
}

// LongShare is the share of accounts that are long.
func (m Market) LongShare(_ market.Coin, at time.Time) float64 {
	return 0.55 + 0.05*math.Sin(float64(at.Unix())/50_000)
}

// Candle is the candle of feeds.CandleLength that starts at a moment.
func (m Market) Candle(coin market.Coin, start time.Time) market.Candle {
	const samples = 10
	c := market.Candle{
		Start: start.UTC(), Length: feeds.CandleLength,
		OpenUSD: m.MarkUSD(coin, start), CloseUSD: m.MarkUSD(coin, start.Add(feeds.CandleLength)),
	}
	c.MarkLowUSD, c.MarkHighUSD = min(c.OpenUSD, c.CloseUSD), max(c.OpenUSD, c.CloseUSD)
	for i := range samples {
		p := m.MarkUSD(coin, start.Add(feeds.CandleLength*time.Duration(i)/samples))
		c.MarkLowUSD, c.MarkHighUSD = min(c.MarkLowUSD, p), max(c.MarkHighUSD, p)
	}
	// The last price goes a little beyond the mark.
	c.LowUSD, c.HighUSD = c.MarkLowUSD*0.9998, c.MarkHighUSD*1.0002
	c.VolumeCoins = m.OpenInterestCoins(coin, start) * 0.01 * (0.5 + noise(coin, start))
	c.TakerBuyCoins, c.HasTaker = c.VolumeCoins*(0.4+0.2*noise(coin, start.Add(time.Second))), true
	return c
}

// rank makes smaller coins smaller.
func rank(coin market.Coin) float64 {
	for i, c := range Coins() {
		if c == coin {
			return 1 / float64(1+2*i)
		}
	}
	return 0
}

// noise is a number in [0, 1) that depends on nothing but its arguments.
func noise(coin market.Coin, at time.Time) float64 {
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendInt([]byte(coin), at.Unix(), 10))
	return float64(h.Sum64()>>11) / (1 << 53)
}
