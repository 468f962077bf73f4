package accuracy

import (
	"cmp"
	"math"
	"slices"
	"time"

	"liqbot/backtest"
	"liqbot/market"
)

// draws is how often days are resampled for an interval.
const draws = 1000

// Score sums up the hours of a coin: those made with the parameters of the newest, in any
// order, each once. The same hours give the same report.
func Score(coin market.Coin, hours []*Hour) Report {
	r := Report{Coin: coin}
	hours = slices.Clone(hours)
	slices.SortFunc(hours, func(a, b *Hour) int { return a.Start.Compare(b.Start) })
	hours = slices.CompactFunc(hours, func(a, b *Hour) bool { return a.Start.Equal(b.Start) })
	if len(hours) > 0 {
		r.Parameters = hours[len(hours)-1].Parameters
	}
	hours = slices.DeleteFunc(hours, func(h *Hour) bool { return h.Parameters != r.Parameters })
	for _, h := range hours {
		if !h.Full.counts() && !h.All.counts() {
			continue
		}
		if r.Hours++; r.Since.IsZero() {
			r.Since = h.Start
		}
		r.Until = h.Start.Add(time.Hour)
	}
	full := func(h *Hour) *Part { return h.Full }
	for _, n := range []int{1, 4} {
		r.Ranked = append(r.Ranked, rank(spans(hours, n, full), n))
		r.Levels = append(r.Levels, compareLevels(spans(hours, n, full), n))
	}
	for _, n := range []int{1, 4} {
		if all := spans(hours, n, func(h *Hour) *Part { return h.All }); len(all) > 0 {
			r.Ranked = append(r.Ranked, rank(all, n))
		}
	}
	return r
}

// fewestLosses is how many spans of each side must have seen a liquidation: without,
// there is nothing to rank.
const fewestLosses = 10

// rank makes the score by hour of spans of n hours.
func rank(all []*span, n int) Ranked {
	nan := math.NaN()
	r := Ranked{Sample: sample(all, time.Duration(n)*time.Hour), Rho: nan, Lo: nan, Hi: nan, Long: nan, Short: nan}
	for _, s := range all {
		r.Orders += s.out.Orders
	}
	if r.Spans < FewestSpans || r.Days < FewestDays || r.Orders < FewestOrders {
		return r
	}
	var pairs []backtest.Pair
	rhos := make(map[market.Side]float64)
	for _, side := range sides {
		pair, rho := rankSide(all, side, n > 1)
		if math.IsNaN(rho) {
			return r
		}
		pairs, rhos[side] = append(pairs, pair), rho
	}
	r.Ready, r.Long, r.Short = true, rhos[market.Long], rhos[market.Short]
	r.Rho = (r.Long + r.Short) / 2
	r.Lo, r.Hi = backtest.MeanSpearmanInterval(pairs, draws)
	return r
}

// rankSide is the rank correlation of what is left of both by the control, NaN where it
// has no meaning.
func rankSide(all []*span, side market.Side, path bool) (backtest.Pair, float64) {
	var y, z []float64
	var days []int64
	var conditions []backtest.Conditions
	losses := 0
	for _, s := range all {
		usd := s.out.usd(side)
		if usd > 0 {
			losses++
		}
		mass := s.part.band(side).Swept(side, s.part.MarkUSD, s.out.extreme(side))
		y = append(y, backtest.LogLiquidated(usd))
		z = append(z, backtest.LogSwept(mass, s.part.Coins*s.part.MarkUSD))
		days = append(days, s.day())
		conditions = append(conditions, s.conditions(side))
	}
	if losses < fewestLosses {
		return backtest.Pair{}, math.NaN()
	}
	ry, rz, rho := backtest.Gain(y, z, backtest.ControlColumns(conditions, path))
	return backtest.Pair{A: ry, B: rz, Blocks: days}, rho
}

// cell is one level that the price reached in one span.
type cell struct {
	density float64 // intensity by open interest
	hit     bool
	day     int64
}

// stratum is where levels are compared with each other.
type stratum struct {
	side     market.Side
	distance int32 // levels from the mark's
}

// fewestCells is how many levels must have been reached at a distance, so that a tenth of
// them is one.
const fewestCells = 10

// compareLevels makes the score by level of spans of n hours.
func compareLevels(all []*span, n int) Levels {
	all = slices.DeleteFunc(slices.Clone(all), func(s *span) bool { return !s.out.Seen })
	nan := math.NaN()
	l := Levels{
		Sample:    sample(all, time.Duration(n)*time.Hour),
		Precision: nan, Lo: nan, Hi: nan, Usual: nan, Lift: nan, LiftLo: nan, LiftHi: nan,
	}
	strata := make(map[stratum][]cell)
	for _, s := range all {
		for _, side := range sides {
			l.Orders += s.collect(side, strata)
		}
	}
	var tops byDay
	order := make([]stratum, 0, len(strata))
	for k := range strata {
		order = append(order, k)
	}
	slices.SortFunc(order, func(a, b stratum) int {
		return cmp.Or(cmp.Compare(a.side, b.side), cmp.Compare(a.distance, b.distance))
	})
	for _, k := range order {
		if cells := strata[k]; len(cells) >= fewestCells {
			l.Reached += len(cells)
			tops.choose(cells)
		}
	}
	if l.Days < FewestDays || l.Orders < FewestOrders || tops.expected == 0 {
		return l
	}
	l.Ready, l.Top, l.Hit = true, tops.n, tops.hits
	l.Precision, l.Usual = float64(l.Hit)/float64(l.Top), tops.expected/float64(l.Top)
	l.Lo, l.Hi = Wilson(l.Hit, l.Top)
	l.Lift = l.Precision / l.Usual
	l.LiftLo, l.LiftHi = tops.interval()
	return l
}

// collect adds the levels of a side that the price reached and returns how many orders
// were seen in them.
func (s *span) collect(side market.Side, strata map[stratum][]cell) (orders int) {
	hits := make(map[int32]int)
	for _, h := range s.out.Hits {
		if h.Side == side {
			hits[h.Level] += h.Orders
		}
	}
	mark, usd := levelOf(s.part.MarkUSD), s.part.Coins*s.part.MarkUSD
	first, last := reached(side, s.part.MarkUSD, s.out.extreme(side))
	for level := first; level <= last; level++ {
		k := stratum{side, max(level-mark, mark-level)}
		strata[k] = append(strata[k], cell{s.part.band(side).at(level) / usd, hits[level] > 0, s.day()})
		orders += hits[level]
	}
	return orders
}

// byDay adds up the densest levels, also by day.
type byDay struct {
	n, hits  int
	expected float64
	days     []dayOfTops
}

type dayOfTops struct {
	day            int64
	hits, expected float64
}

// choose takes the densest tenth of the levels at one distance. Equal ones share their
// rank, so that no order of them matters.
func (b *byDay) choose(cells []cell) {
	densities := make([]float64, len(cells))
	hits := 0
	for i, c := range cells {
		densities[i] = c.density
		if c.hit {
			hits++
		}
	}
	usual := float64(hits) / float64(len(cells))
	for i, rank := range backtest.Ranks(densities) {
		if rank <= 0.9*float64(len(cells)) {
			continue
		}
		one := dayOfTops{day: cells[i].day, expected: usual}
		if cells[i].hit {
			one.hits = 1
			b.hits++
		}
		b.n++
		b.expected += usual
		b.days = append(b.days, one)
	}
}

// interval is that of the lift, whole days resampled.
func (b *byDay) interval() (lo, hi float64) {
	sums := make(map[int64]dayOfTops)
	var days []int64
	for _, one := range b.days {
		sum, known := sums[one.day]
		if !known {
			days = append(days, one.day)
		}
		sums[one.day] = dayOfTops{one.day, sum.hits + one.hits, sum.expected + one.expected}
	}
	slices.Sort(days)
	lifts := make([]float64, 0, draws)
	for _, drawn := range backtest.Draws(days, draws) {
		hits, expected := 0.0, 0.0
		for _, day := range days {
			hits += drawn[day] * sums[day].hits
			expected += drawn[day] * sums[day].expected
		}
		lifts = append(lifts, hits/expected)
	}
	return backtest.Interval(lifts)
}

// Wilson is the 95 % interval of a share by Wilson's score method, NaN of nothing; see
// https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
func Wilson(hits, n int) (lo, hi float64) {
	if n <= 0 {
		return math.NaN(), math.NaN()
	}
	const z = 1.959963984540054
	total := float64(n)
	share := float64(hits) / total
	middle := (share + z*z/(2*total)) / (1 + z*z/total)
	half := z / (1 + z*z/total) * math.Sqrt(share*(1-share)/total+z*z/(4*total*total))
	return max(0, middle-half), min(1, middle+half)
}
