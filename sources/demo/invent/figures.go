package invent

import (
	"math"
	"time"

	"liqbot/market"
	"liqbot/sources/recorded"
)

// slowBeat is how often the slow figures change, in seconds.
const slowBeat = 30

// slowEvents are open interest, funding, liquidations and ETF flows.
func (c *state) slowEvents(second int, usd float64) []recorded.Event {
	out := c.changing(second, usd)
	if f := c.script.figures; f.flowUSD != 0 {
		e := recorded.Event{Kind: recorded.KindETF}
		if second == 0 {
			e.NetUSD, e.NetCoins, e.Week = &f.flowUSD, &f.flowCoins, market.LastWeek
			e.From, e.To = start.AddDate(0, 0, -5).Format(time.DateOnly), start.AddDate(0, 0, -1).Format(time.DateOnly)
		}
		out = append(out, e)
	}
	var due []recorded.Event
	for _, e := range out {
		switch {
		case second%slowBeat == 0 && (second == 0 || e.Kind != recorded.KindETF):
			due = append(due, e)
		case second%again == 0:
			due = append(due, recorded.Event{Kind: e.Kind, Same: true})
		}
	}
	return due
}

// changing are the figures that follow the price.
func (c *state) changing(second int, usd float64) []recorded.Event {
	f := c.script.figures
	t := float64(second)
	// Positions close in the rise and come back slowly.
	interest := math.Round(f.interest * (1 - 0.021*ramp(t, 10, 60) + 0.021*ramp(t, 120, 860)))
	growth := math.Round((f.growth+interest/f.interest-1)*1e5) / 1e5
	rate := math.Round((f.rate+0.00006*ramp(t, 20, 60)-0.00006*ramp(t, 150, 600))*1e7) / 1e7
	long := math.Round(f.liqLong + f.breakLong*ramp(t, 480, 580))
	short := math.Round(f.liqShort + f.breakUSD*ramp(t, 12, 50))
	return []recorded.Event{
		{Kind: recorded.KindOpenInterest, USD: new(math.Round(interest * usd)), Amount: &interest, Change24h: &growth},
		{Kind: recorded.KindFunding, Venue: "Binance", Rate: &rate, IntervalMS: (8 * time.Hour).Milliseconds()},
		{Kind: recorded.KindLiquidations, LongUSD: &long, ShortUSD: &short, OverMS: (24 * time.Hour).Milliseconds()},
	}
}
