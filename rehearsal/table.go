package rehearsal

import (
	"math"

	"liqbot/alert"
	"liqbot/backtest"
	"liqbot/market"
)

// AllCoins stands for all coins together in a row.
const AllCoins market.Coin = ""

// Daily is how many alerts of a coin would have been sent a day.
type Daily struct {
	Coin market.Coin `json:"coin"`
	// Mean is over all rules, each over the time for which it had what it needs. With the
	// liquidations of an hour bunched in a quarter of it, it is MostMean.
	Mean     backtest.Figure `json:"mean"`
	MostMean backtest.Figure `json:"mean_bunched"`
	// Worst is the most on one UTC day of a set.
	Worst int `json:"worst"`
}

// Row is a rule on a coin.
type Row struct {
	Rule alert.Rule  `json:"rule"`
	Coin market.Coin `json:"coin"` // AllCoins for all
	// Days is for how long it had what it needs; 0 for no data.
	Days   float64         `json:"days"`
	Alerts int             `json:"alerts"`
	PerDay backtest.Figure `json:"per_day"`
	Worst  int             `json:"worst"`
	// Came is the share of the alerts after which what the rule claims came within a day,
	// of CameOf whose day is known; Lead is the median time until then, minutes. Control
	// figures are those of the drawn moments.
	// Opposite is the share after which the same came the other way.
	Came        backtest.Figure `json:"came"`
	Opposite    backtest.Figure `json:"opposite"`
	CameOf      int             `json:"came_of"`
	Lead        backtest.Figure `json:"lead_minutes"`
	ControlCame backtest.Figure `json:"control_came"`
	ControlLead backtest.Figure `json:"control_lead_minutes"`
	After       []RowAfter      `json:"after"`
}

// RowAfter is how things stood after a while.
type RowAfter struct {
	Hours float64 `json:"hours"`
	N     int     `json:"n"`
	// Held counts the breakouts whose price was still beyond the level; HeldLo and HeldHi
	// bound the share at 95 % (Wilson).
	Held        int             `json:"held"`
	HeldShare   backtest.Figure `json:"held_share"`
	HeldLo      backtest.Figure `json:"held_lo"`
	HeldHi      backtest.Figure `json:"held_hi"`
	ControlHeld backtest.Figure `json:"control_held"`
	// Move is the median, MoveLo and MoveHi its 95 % interval, fractions.
	Move        backtest.Figure `json:"move"`
	MoveLo      backtest.Figure `json:"move_lo"`
	MoveHi      backtest.Figure `json:"move_hi"`
	ControlMove backtest.Figure `json:"control_move"`
	// LiquidatedUSD is the median of what was liquidated of the side in the buckets that
	// began meanwhile, of LiquidatedOf alerts.
	LiquidatedUSD        backtest.Figure `json:"liquidated_usd"`
	LiquidatedOf         int             `json:"liquidated_of"`
	ControlLiquidatedUSD backtest.Figure `json:"control_liquidated_usd"`
	ControlN             int             `json:"control_n"`
}

// Base is how often breakouts of all coins held.
type Base struct {
	Hours float64 `json:"hours"`
	Held  int     `json:"held"`
	Count int     `json:"count"`
}

func rows(rules Rules, all []*played, outcomes []*outcomes) []Row {
	var out []Row
	for _, rule := range rules.Run {
		for _, coin := range append(coins(all), AllCoins) {
			row := Row{Rule: rule, Coin: coin}
			var of, control []Measured
			for i, p := range all {
				if coin != AllCoins && p.rec.Coin != coin {
					continue
				}
				row.Days += p.hours[rule] / 24
				row.Worst = max(row.Worst, p.worst(rules, rule))
				of, control = append(of, outcomes[i].of[rule]...), append(control, outcomes[i].control[rule]...)
			}
			row.fill(of, control)
			out = append(out, row)
		}
	}
	return out
}

// worst is the most alerts of a rule on one UTC day.
func (p *played) worst(rules Rules, rule alert.Rule) int {
	perDay, most := map[int64]int{}, 0
	for i := range p.alerts {
		if a := &p.alerts[i]; a.Rule == rule && rules.Sends(a) {
			perDay[day(a.At)]++
			most = max(most, perDay[day(a.At)])
		}
	}
	return most
}

func (r *Row) fill(of, control []Measured) {
	r.Alerts, r.PerDay = len(of), backtest.Figure(float64(len(of))/r.Days)
	r.Came, r.Lead, r.CameOf = lead(of)
	r.Opposite = opposite(r.Rule, of)
	r.ControlCame, r.ControlLead, _ = lead(control)
	for k, h := range horizons() {
		r.After = append(r.After, rowAfter(h.Hours(), pick(of, k), pick(control, k)))
	}
}

// lead is in how many of the known cases what was claimed came, and the median of when.
func lead(all []Measured) (came, median backtest.Figure, known int) {
	var leads []float64
	for _, m := range all {
		if m.LeadKnown {
			known++
			if m.Lead != nil {
				leads = append(leads, float64(*m.Lead))
			}
		}
	}
	return backtest.Figure(float64(len(leads)) / float64(known)), backtest.Figure(backtest.Median(leads)), known
}

// opposite is in how many of the known cases what was claimed came the other way; NaN of a
// rule that claims no direction.
func opposite(rule alert.Rule, all []Measured) backtest.Figure {
	n, known := 0, 0
	for _, m := range all {
		if m.LeadKnown {
			known++
			if m.Opposite {
				n++
			}
		}
	}
	if either(rule) {
		return backtest.Figure(math.NaN())
	}
	return backtest.Figure(float64(n) / float64(known))
}

// pick are the known figures after one of the horizons.
func pick(all []Measured, k int) []After {
	var out []After
	for _, m := range all {
		if m.After[k].Known {
			out = append(out, m.After[k])
		}
	}
	return out
}

func rowAfter(hours float64, of, control []After) RowAfter {
	a := RowAfter{Hours: hours, N: len(of), ControlN: len(control)}
	held, moves, liquidated, n := spread(of)
	a.Held, a.LiquidatedOf = held, n
	a.HeldShare = backtest.Figure(float64(held) / float64(len(of)))
	lo, hi := wilson(held, len(of))
	a.HeldLo, a.HeldHi = backtest.Figure(lo), backtest.Figure(hi)
	a.Move, a.LiquidatedUSD = backtest.Figure(backtest.Median(moves)), backtest.Figure(backtest.Median(liquidated))
	lo, hi = medianInterval(moves) // Median has sorted them
	a.MoveLo, a.MoveHi = backtest.Figure(lo), backtest.Figure(hi)
	held, moves, liquidated, _ = spread(control)
	a.ControlHeld = backtest.Figure(float64(held) / float64(len(control)))
	a.ControlMove, a.ControlLiquidatedUSD = backtest.Figure(backtest.Median(moves)), backtest.Figure(backtest.Median(liquidated))
	return a
}

// spread takes the figures apart: how many held, the moves, the sums and how many there are.
func spread(of []After) (held int, moves, liquidated []float64, n int) {
	for _, a := range of {
		if a.Held {
			held++
		}
		moves = append(moves, a.Move)
		if a.LiquidatedUSD != nil {
			liquidated = append(liquidated, *a.LiquidatedUSD)
		}
	}
	return held, moves, liquidated, len(liquidated)
}

// medianInterval is the interval of 95 % of the median of sorted values, by the binomial
// distribution's normal approximation; NaN for fewer than ten.
func medianInterval(sorted []float64) (lo, hi float64) {
	n := float64(len(sorted))
	if n < 10 {
		return math.NaN(), math.NaN()
	}
	half := normal95 * math.Sqrt(n) / 2
	at := func(x float64) float64 { return sorted[min(max(int(x), 0), len(sorted)-1)] }
	return at(math.Floor(n/2 - half)), at(math.Ceil(n/2 + half))
}

const normal95 = 1.96

// wilson is the interval of 95 % of a share, NaN of nothing
// (https://doi.org/10.1080/01621459.1927.10502953).
func wilson(k, of int) (lo, hi float64) {
	n := float64(of)
	p, z := float64(k)/n, normal95*normal95/n
	centre, half := p+z/2, normal95*math.Sqrt(p*(1-p)/n+z/(4*n))
	return (centre - half) / (1 + z), (centre + half) / (1 + z)
}

// daily adds up the rules of each coin.
func daily(rules Rules, all, bunched []*played, rows []Row) []Daily {
	var out []Daily
	for _, coin := range coins(all) {
		d := Daily{Coin: coin}
		for _, r := range rows {
			if r.Coin == coin && r.Days > 0 {
				d.Mean += r.PerDay
			}
		}
		d.MostMean = d.Mean
		few, many, days := 0, 0, 0.0
		for i, p := range all {
			if p.rec.Coin != coin {
				continue
			}
			d.Worst = max(d.Worst, p.stretch(rules).Worst)
			if bunched[i] != nil {
				few, many, days = few+p.sends(rules, alert.Cascade), many+bunched[i].sends(rules, alert.Cascade), days+p.hours[alert.Cascade]/24
			}
		}
		if days > 0 {
			d.MostMean += backtest.Figure(float64(many-few) / days)
		}
		out = append(out, d)
	}
	return out
}

// sends counts the alerts of a rule that were sent.
func (p *played) sends(rules Rules, rule alert.Rule) int {
	n := 0
	for i := range p.alerts {
		if a := &p.alerts[i]; a.Rule == rule && rules.Sends(a) {
			n++
		}
	}
	return n
}

// bases counts how many breakouts held, of all, whoever was told.
func bases(all []*played) []Base {
	out := make([]Base, len(horizons()))
	for k, h := range horizons() {
		out[k].Hours = h.Hours()
		for _, p := range all {
			for i := range p.alerts {
				a := &p.alerts[i]
				if a.Rule != alert.Breakout {
					continue
				}
				if after := p.measure(p.event(a)).After[k]; after.Known {
					out[k].Count++
					if after.Held {
						out[k].Held++
					}
				}
			}
		}
	}
	return out
}
