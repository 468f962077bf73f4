package backtest

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// Report holds the tables. It marshals to JSON under the names of the scores.
type Report struct {
	Part    Part         `json:"part"`
	Clean   bool         `json:"clean"`
	History bool         `json:"history"`
	Boot    int          `json:"boot"` // draws behind the intervals of the first and third table
	Scores  []Score      `json:"scores"`
	Models  []Comparison `json:"models"`
	// Variants are those of the options as they are asked for, nil when none is.
	Variants []Comparison `json:"variants"`
	ExAnte   []Forecast   `json:"ex_ante"`
	Finer    FinerBars    `json:"finer_bars"`
}

// Figure is a score; NaN is one that could not be computed, null in JSON.
type Figure float64

// MarshalJSON writes six digits, or null.
func (f Figure) MarshalJSON() ([]byte, error) {
	if v := float64(f); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(math.Round(float64(f)*1e6) / 1e6)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Figure) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*f = Figure(math.NaN())
		return nil
	}
	return json.Unmarshal(data, (*float64)(f))
}

// Format formats a figure; what is not there is a dash.
func (f Figure) Format(format string) string {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return "-"
	}
	return fmt.Sprintf(format, float64(f))
}

func span(lo, hi Figure) string {
	return "[" + lo.Format("%+.2f") + ", " + hi.Format("%+.2f") + "]"
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	buffered := bufio.NewWriter(w)
	fmt.Fprintf(buffered, "part %s%s%s, %d draws of days; rho and lifts are range given: how far the price went is known\n",
		r.Part, mark(r.Clean, ", without corrected buckets"), mark(r.History, ", with history"), r.Boot)
	tables := []func(io.Writer) error{r.writeScores, r.writeModels, r.writeExAnte, r.writeFiner}
	if r.Variants != nil {
		tables = append(tables, r.writeVariants)
	}
	for _, table := range tables {
		fmt.Fprintln(buffered)
		if err := table(buffered); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func mark(on bool, words string) string {
	if on {
		return words
	}
	return ""
}

// WriteAligned writes rows of cells under a header.
func WriteAligned(w io.Writer, header string, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ReplaceAll(header, " ", "\t"))
	for _, row := range rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}

func (r *Report) writeScores(w io.Writer) error {
	const signed, plain, times = "%+.3f", "%.3f", "%.1f"
	var rows [][]string
	for _, s := range r.Scores {
		cells := []string{s.Set, string(s.Coin), s.Side}
		if s.Note != "" {
			rows = append(rows, append(cells, s.Note))
			continue
		}
		rows = append(rows, append(cells,
			fmt.Sprint(s.N), fmt.Sprint(s.Days), s.USD.Format("%.0f"), s.R2Control.Format(plain), s.DeltaR2.Format(signed),
			s.Rho.Format("%+.2f"), span(s.RhoLo, s.RhoHi), s.RhoFrozen.Format("%+.2f"), s.DeltaR2Hard.Format(signed), s.RhoHard.Format("%+.2f"),
			s.OOSR2Control.Format(plain), s.OOSDeltaR2.Format(signed),
			s.LiftMatched.Format(times), s.LiftUniform.Format(times), s.LiftCluster.Format(times)))
	}
	if err := WriteAligned(w, "set coin side n days usd r2_control delta_r2 rho rho_95% rho_frozen delta_r2_hard rho_hard "+
		"oos_r2_control oos_delta_r2 lift_matched lift_uniform lift_cluster", rows); err != nil {
		return err
	}
	for _, s := range r.Scores {
		if s.OOSDeltaR2 <= 0 { // false for NaN
			fmt.Fprintf(w, "set %s, %s %s: no R2 gained out of sample\n", s.Set, s.Coin, s.Side)
		}
	}
	return nil
}

func (r *Report) writeModels(w io.Writer) error {
	return writeComparisons(w, "model", r.Models)
}

// writeVariants writes what was compared besides the models that always are.
func (r *Report) writeVariants(w io.Writer) error {
	return writeComparisons(w, "variant", r.Variants)
}

func writeComparisons(w io.Writer, what string, all []Comparison) error {
	var rows [][]string
	for _, m := range all {
		cells := []string{m.Set, m.Model, m.Rho.Format("%+.3f"), span(m.RhoLo, m.RhoHi), m.DeltaR2.Format("%+.3f")}
		if m.Model != Recommended {
			cells = append(cells, m.Behind.Format("%+.3f"), span(m.BehindLo, m.BehindHi))
		}
		rows = append(rows, cells)
	}
	return WriteAligned(w, "set "+what+" rho rho_95% delta_r2 recommended_minus_rho 95%", rows)
}

func (r *Report) writeExAnte(w io.Writer) error {
	var rows [][]string
	for _, f := range r.ExAnte {
		rows = append(rows, []string{
			f.Set, string(f.Coin), fmt.Sprint(f.Hours), fmt.Sprint(f.N), f.ImbRho.Format("%+.2f"), span(f.ImbRhoLo, f.ImbRhoHi),
			f.ImbRhoGivenReturns.Format("%+.2f"), f.ImbHit.Format("%.2f"), f.ImbRhoReturn.Format("%+.2f"),
		})
	}
	return WriteAligned(w, "set coin h n imb_rho imb_rho_95% imb_rho_given_returns imb_hit imb_rho_return", rows)
}

func (r *Report) writeFiner(w io.Writer) error {
	var rows [][]string
	for _, f := range r.Finer.Rows {
		cells := []string{
			fmt.Sprint(f.Minutes), f.Model, fmt.Sprint(f.N), f.Rho.Format("%+.3f"), span(f.RhoLo, f.RhoHi), f.DeltaR2.Format("%+.3f"),
			f.RhoPath.Format("%+.3f"),
		}
		if f.Minutes != finerMinutes[0] {
			cells = append(cells, f.Gain.Format("%+.3f"), span(f.GainLo, f.GainHi))
		}
		rows = append(rows, cells)
	}
	fmt.Fprintf(w, "set B where 5-minute candles cover the bucket%s\n", r.Finer.coverage())
	if len(rows) == 0 {
		return nil
	}
	return WriteAligned(w, "bars model n rho rho_95% delta_r2 rho_path_5min minus_60min 95%", rows)
}

// coverage says how much there is to compare.
func (f FinerBars) coverage() string {
	var parts []string
	for _, c := range f.Coins {
		parts = append(parts, string(c.Coin)+" "+cmp.Or(c.Note, fmt.Sprintf("n=%d, days=%d", c.N, c.Days)))
	}
	if f.Note != "" {
		parts = append(parts, f.Note)
	}
	return ": " + strings.Join(parts, "; ")
}
