package rehearsal

import (
	"fmt"
	"strings"

	"liqbot/alert"
	"liqbot/backtest"
)

// findings are what the tables come to, in sentences: also where that is nothing.
func (r *Report) findings() []string {
	var out []string
	var a []string
	for _, d := range r.Days {
		a = append(a, fmt.Sprintf("%s %.1f (%.1f), at most %d on one day", d.Coin, float64(d.Mean), float64(d.MostMean), d.Worst))
	}
	out = append(out, "Alerts a day by these rules, all kinds together (with the liquidations of an hour bunched): "+strings.Join(a, "; ")+".")
	if row := r.row(alert.Breakout); row != nil && row.Alerts > 0 {
		for _, a := range row.After {
			out = append(out, fmt.Sprintf("Breakouts of all coins, after %s: the price was still beyond the level after %d of %d, %s. Of crossings that know no map it was %s: %s.",
				hours(a.Hours), a.Held, a.N, percentOf(a.HeldShare), percentOf(a.ControlHeld), worded(verdict(a.ControlHeld, a.HeldLo, a.HeldHi))))
		}
	}
	for _, rule := range []alert.Rule{alert.Breakout, alert.Approach, alert.Imbalance} {
		if row := r.row(rule); row != nil && row.CameOf > 0 {
			out = append(out, fmt.Sprintf("`%s`: what it claims came within a day after %s of the alerts, in the median after %s; as far the other way the price went after %s. "+
				"After drawn moments it came in %s, after %s: %s after an alert, %s.",
				rule, percentOf(row.Came), minutes(row.Lead), percentOf(row.Opposite), percentOf(row.ControlCame), minutes(row.ControlLead), row.pace(), row.direction()))
		}
	}
	if row := r.row(alert.OpenInterest); row != nil && row.CameOf > 0 {
		out = append(out, fmt.Sprintf("`oi`: the price moved 1 %% either way within a day after %s of the alerts, in the median after %s; after drawn moments in %s, after %s.",
			percentOf(row.Came), minutes(row.Lead), percentOf(row.ControlCame), minutes(row.ControlLead)))
	}
	out = append(out, r.tally())
	return out
}

// pace says whether what came came sooner than after drawn moments.
func (r *Row) pace() string {
	if r.Lead < r.ControlLead {
		return "the market moves faster"
	}
	return "the market moves no faster"
}

// direction says whether what came was more often in the direction of the alerts.
func (r *Row) direction() string {
	lo, hi := wilson(int(float64(r.Came)*float64(r.CameOf)+0.5), r.CameOf)
	switch verdict(r.Opposite, backtest.Figure(lo), backtest.Figure(hi)) {
	case "better":
		return "and more often in its direction"
	case "worse":
		return "and more often against its direction"
	default:
		return "in either direction alike"
	}
}

// tally counts the verdicts on moves.
func (r *Report) tally() string {
	n := map[string]int{}
	r.each(func(row *Row, a *RowAfter) {
		if row.Coin == AllCoins && row.Rule != alert.Funding && row.Rule != alert.OpenInterest {
			n[verdict(a.ControlMove, a.MoveLo, a.MoveHi)]++
		}
	})
	return fmt.Sprintf("Moves in the direction of an alert, all coins: of %d medians %d are better than after drawn moments, %d worse, %d no different and %d of too few alerts. "+
		"An alert says what has happened and where liquidations may lie, not where the price goes.",
		n["better"]+n["worse"]+n["no_different"]+n["too_few"], n["better"], n["worse"], n["no_different"], n["too_few"])
}

// row is that of a rule and all coins, nil if it was not run.
func (r *Report) row(rule alert.Rule) *Row {
	for i := range r.Rows {
		if r.Rows[i].Rule == rule && r.Rows[i].Coin == AllCoins {
			return &r.Rows[i]
		}
	}
	return nil
}

// worded is a verdict in words.
func worded(verdict string) string {
	return map[string]string{
		"better": "better", "worse": "worse", "no_different": "no better than chance", "too_few": "too few to say",
	}[verdict]
}
