package rehearsal

import (
	"time"

	"liqbot/backtest"
)

// lookEvery is the longest time between two looks at the price. It has to be well below
// the two minutes from which on the rules take a silence for a gap.
const lookEvery = time.Minute

// corner is a price at a moment.
type corner struct {
	at  time.Time
	usd float64
}

// between is the price at a moment on the straight way between two corners.
func between(a, b corner, at time.Time) float64 {
	return a.usd + (b.usd-a.usd)*float64(at.Sub(a.at))/float64(b.at.Sub(a.at))
}

// corners are the way of the price through a bar: the open, the extreme that is nearer to
// it, the other one, the close, at equal distances in time. Nothing else is known of it. Of
// two extremes that are equally near the one against the bar's direction comes first.
func corners(b backtest.Bar) [4]corner {
	first, second := b.Low, b.High
	if up, down := b.High-b.Open, b.Open-b.Low; up < down || up == down && b.Close < b.Open {
		first, second = b.High, b.Low
	}
	third := b.Length / 3
	return [4]corner{{b.Start, b.Open}, {b.Start.Add(third), first}, {b.Start.Add(2 * third), second}, {b.End(), b.Close}}
}

// way joins the ways through bars that follow on each other: where one ends the next begins.
func way(bars []backtest.Bar) []corner {
	var all []corner
	for _, b := range bars {
		c := corners(b)
		if n := len(all); n > 0 && all[n-1].at.Equal(b.Start) {
			all = all[:n-1]
		}
		all = append(all, c[:]...)
	}
	return all
}

// looks are the pieces of a way: its corners, and points between them so that none is more
// than lookEvery from the next. The last corner belongs to what follows.
func looks(way []corner) []corner {
	var out []corner
	for i := range len(way) - 1 {
		a, b := way[i], way[i+1]
		over := b.at.Sub(a.at)
		n := max(1, int((over+lookEvery-1)/lookEvery))
		for k := range n {
			at := a.at.Add(over * time.Duration(k) / time.Duration(n))
			out = append(out, corner{at, between(a, b, at)})
		}
	}
	if len(way) > 0 {
		out = append(out, way[len(way)-1])
	}
	return out
}
