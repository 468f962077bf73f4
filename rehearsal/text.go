package rehearsal

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"liqbot/alert"
	"liqbot/backtest"
	"liqbot/market"
)

// WriteText writes the tables for people. The alerts themselves are not among them.
func (r *Report) WriteText(w io.Writer) error {
	buffered := bufio.NewWriter(w)
	for i, t := range r.tables() {
		if i > 0 {
			fmt.Fprintln(buffered)
		}
		fmt.Fprintln(buffered, t.title)
		if err := t.write(buffered); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// table is one of the tables of a report.
type table struct {
	title, header string
	rows          [][]string
	// about is what the page says of it.
	about string
}

func (t *table) write(w io.Writer) error {
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(w, "no data")
		return err
	}
	return backtest.WriteAligned(w, t.header, t.rows)
}

func (r *Report) tables() []*table {
	return []*table{r.daysTable(), r.stretchTable(), r.rulesTable(), r.heldTable(), r.movesTable(), r.liquidatedTable()}
}

func (r *Report) daysTable() *table {
	t := &table{
		title: "Alerts a day", header: "coin mean mean_bunched worst_day",
		about: "The sum of all rules, each over the days for which it had data. Single orders were not recorded, so that `large` is " +
			"not among them. `mean_bunched` is the same if the liquidations of each recorded hour all came within one quarter of " +
			"it; `mean` if they were spread evenly: the truth for `cascade` lies between.",
	}
	for _, d := range r.Days {
		t.rows = append(t.rows, []string{string(d.Coin), in("%.2f", d.Mean), in("%.2f", d.MostMean), fmt.Sprint(d.Worst)})
	}
	return t
}

func (r *Report) stretchTable() *table {
	t := &table{
		title: "What was replayed", header: "set coin from to days looks alerts a_day worst_day",
		about: "`days` is for how long there was data and the map was a week old; what is missing in between is left out. " +
			"`looks` is how often the rules were shown a price.",
	}
	for _, s := range r.Stretches {
		row := []string{s.Set, string(s.Coin), "-", "-", fmt.Sprintf("%.1f", s.Days), fmt.Sprint(s.Looks), fmt.Sprint(s.Alerts), fmt.Sprintf("%.2f", s.Mean), fmt.Sprint(s.Worst)}
		if s.Looks > 0 {
			row[2], row[3] = s.From.Format(time.DateOnly), s.To.Format(time.DateOnly)
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// named is a coin in a table.
func named(c market.Coin) string {
	if c == AllCoins {
		return "all"
	}
	return string(c)
}

func (r *Report) rulesTable() *table {
	t := &table{
		title: "Alerts by rule, and the time until what they claim came", header: "rule coin days alerts a_day worst_day of came opposite control lead control_lead",
		about: "What a rule claims: `breakout`, `imbalance` and `cascade` that the price goes 1 % on in the direction of the alert " +
			"(up where shorts lie, are heavier or were liquidated), `approach` that it reaches the near edge of the zone, `funding` and `oi` " +
			"that it moves 1 % either way. `came` is after which share of the alerts it did within a day, `opposite` after which it " +
			"went as far the other way within the day (it can do both), `lead` the median time until it did. `control` is what came after " +
			"drawn moments. Alerts come when the market moves, so a shorter lead than that of drawn moments is no skill: came has to be compared " +
			"with opposite.",
	}
	for _, row := range r.Rows {
		cells := []string{string(row.Rule), named(row.Coin), "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"}
		switch {
		case row.Days == 0:
			cells[2] = "no data"
		case row.Alerts == 0:
			copy(cells[2:], []string{fmt.Sprintf("%.0f", row.Days), "0", "0.00", "0"})
		default:
			copy(cells[2:], []string{
				fmt.Sprintf("%.0f", row.Days), fmt.Sprint(row.Alerts), in("%.2f", row.PerDay), fmt.Sprint(row.Worst), fmt.Sprint(row.CameOf),
				percentOf(row.Came), percentOf(row.Opposite), percentOf(row.ControlCame), minutes(row.Lead), minutes(row.ControlLead),
			})
		}
		t.rows = append(t.rows, cells)
	}
	return t
}

func (r *Report) heldTable() *table {
	t := &table{
		title: "Breakouts whose price was still beyond the level", header: "coin after n held share 95% control verdict",
		about: "`control` are levels put at drawn moments as far from the price as the level was when it was last read, and then " +
			"broken in the same way: crossings that know no map.",
	}
	r.each(func(row *Row, a *RowAfter) {
		if row.Rule != alert.Breakout {
			return
		}
		t.rows = append(t.rows, []string{
			named(row.Coin), hours(a.Hours), fmt.Sprint(a.N), fmt.Sprint(a.Held), percentOf(a.HeldShare),
			"[" + percentOf(a.HeldLo) + ", " + percentOf(a.HeldHi) + "]", percentOf(a.ControlHeld), verdict(a.ControlHeld, a.HeldLo, a.HeldHi),
		})
	})
	return t
}

func (r *Report) movesTable() *table {
	t := &table{
		title: "Moves since the alert, medians", header: "rule coin after n move 95% control verdict",
		about: "In the direction of the alert; of `funding` and `oi` the size of the move, whichever way it went.",
	}
	r.each(func(row *Row, a *RowAfter) {
		t.rows = append(t.rows, []string{
			string(row.Rule), named(row.Coin), hours(a.Hours), fmt.Sprint(a.N), signedPercent(a.Move),
			"[" + signedPercent(a.MoveLo) + ", " + signedPercent(a.MoveHi) + "]", signedPercent(a.ControlMove), verdict(a.ControlMove, a.MoveLo, a.MoveHi),
		})
	})
	return t
}

func (r *Report) liquidatedTable() *table {
	t := &table{
		title: "Liquidated of the alert's side, medians in USD", header: "rule coin after n liquidated control times",
		about: "In the recorded buckets that began after the alert and within the time: hours of set A, four hours of set B, so that " +
			"the rows of one hour are of set A only. Binance alone, and lower bounds. That more is liquidated after an alert does not mean that " +
			"the map knew: alerts come when the market moves.",
	}
	r.each(func(row *Row, a *RowAfter) {
		if a.LiquidatedOf == 0 {
			return
		}
		t.rows = append(t.rows, []string{
			string(row.Rule), named(row.Coin), hours(a.Hours), fmt.Sprint(a.LiquidatedOf), in("%.0f", a.LiquidatedUSD),
			in("%.0f", a.ControlLiquidatedUSD), in("%.1f", a.LiquidatedUSD/a.ControlLiquidatedUSD),
		})
	})
	return t
}

// each yields the rows that have alerts, time by time.
func (r *Report) each(yield func(*Row, *RowAfter)) {
	for i := range r.Rows {
		for k := range r.Rows[i].After {
			if r.Rows[i].After[k].N > 0 {
				yield(&r.Rows[i], &r.Rows[i].After[k])
			}
		}
	}
}

// verdict says whether a control figure lies beyond an interval.
func verdict(control, lo, hi backtest.Figure) string {
	switch {
	case lo > control:
		return "better"
	case hi < control:
		return "worse"
	case lo <= control && hi >= control:
		return "no_different"
	default:
		return "too_few"
	}
}

// in formats a figure; what is not there is a dash.
func in(format string, f backtest.Figure) string { return f.Format(format) }

func percentOf(f backtest.Figure) string { return in("%.0f%%", 100*f) }

func signedPercent(f backtest.Figure) string { return in("%+.2f%%", 100*f) }

func hours(h float64) string { return fmt.Sprintf("%gh", h) }

func minutes(f backtest.Figure) string { return in("%.0fm", f) }
