package coinglass

import (
	"time"

	"liqbot/market"
	"liqbot/sources/coinglass/wire"
)

const day = 24 * time.Hour

// mostLatest is how many of the newest trading days stand in for a week.
const mostLatest = 5

// etfFlow adds up the flows of the newest week that is over; where that has none
// yet, of the newest trading days of the last seven days. Older flows say nothing
// about the present: then it is nil. Days are those of UTC, as the vendor counts.
func etfFlow(days []wire.FlowDay, now time.Time) *market.ETFFlow {
	monday, friday := lastWeek(now)
	if week := between(days, monday, friday); len(week) > 0 {
		return addFlows(week, market.LastWeek, now)
	}
	latest := between(days, now.Add(-7*day), now)
	if len(latest) == 0 {
		return nil
	}
	return addFlows(latest[max(0, len(latest)-mostLatest):], market.LatestDays, now)
}

// lastWeek is the Monday and Friday of the newest week whose trading is over: on
// a weekend that is the week that has just ended.
func lastWeek(now time.Time) (monday, friday time.Time) {
	today := now.UTC().Truncate(day)
	sinceSaturday := (int(today.Weekday()) - int(time.Saturday) + 7) % 7
	saturday := today.AddDate(0, 0, -sinceSaturday)
	return saturday.AddDate(0, 0, -5), saturday.AddDate(0, 0, -1)
}

func between(days []wire.FlowDay, from, to time.Time) []wire.FlowDay {
	var in []wire.FlowDay
	for _, d := range days {
		if !d.Day.Before(from) && !d.Day.After(to) {
			in = append(in, d)
		}
	}
	return in
}

// addFlows adds up days, oldest first. A day whose price is not told counts in
// USD only.
func addFlows(days []wire.FlowDay, week market.ETFWeek, now time.Time) *market.ETFFlow {
	flow := market.ETFFlow{From: days[0].Day, To: days[len(days)-1].Day, Week: week}
	for _, d := range days {
		flow.NetUSD += d.NetUSD
		if d.PriceUSD > 0 {
			flow.NetCoins += d.NetUSD / d.PriceUSD
		}
	}
	asOf := flow.To.Add(day)
	if asOf.After(now) {
		asOf = now
	}
	flow.Provenance = measured(asOf)
	return &flow
}
