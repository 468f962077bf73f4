package rehearsal_test

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/alert"
	"liqbot/backtest"
	"liqbot/rehearsal"
)

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// loose are the usual rules with alerts for everybody that are no exception.
func loose() rehearsal.Rules {
	r := rehearsal.Defaults()
	r.Options.NotableShare, r.Options.Rest = 0.01, time.Minute
	// Cascades make it play everything twice.
	r.Run = slices.DeleteFunc(r.Run, func(rule alert.Rule) bool { return rule == alert.Cascade })
	return r
}

// made by the loose rules, once for all tests.
var looseReport = sync.OnceValues(func() (*rehearsal.Report, error) {
	return rehearsal.Run(context.Background(), made(), loose())
})

func looselyMade(t *testing.T) *rehearsal.Report {
	t.Helper()
	r, err := looseReport()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunTellsAlertsAndWhatCameOfThem(t *testing.T) {
	t.Parallel()
	r := looselyMade(t)
	seen := map[alert.Rule]int{}
	for _, a := range r.Alerts {
		seen[a.Rule]++
		if a.At.Before(begin.Add(7*24*time.Hour)) || a.Coin != "BTC" || a.Set != "A" || len(a.After) != 3 {
			t.Errorf("an alert of a map that is too young, or that does not say all: %+v", a)
		}
		if a.Rule == alert.Breakout && a.Rising != (a.PriceUSD > a.LevelUSD) {
			t.Errorf("a breakout that is none: %+v", a)
		}
	}
	for _, rule := range []alert.Rule{alert.Breakout, alert.Approach, alert.Imbalance, alert.Funding} {
		if seen[rule] == 0 {
			t.Errorf("no alert of %s among %v", rule, seen)
		}
	}
	for _, row := range r.Rows {
		if row.Coin == "BTC" && row.Alerts != seen[row.Rule] {
			t.Errorf("%s: %d alerts in the table, %d are told", row.Rule, row.Alerts, seen[row.Rule])
		}
		if row.Rule == alert.Large && row.Days != 0 {
			t.Error("single orders were not recorded")
		}
	}
	if s := r.Stretches[0]; s.Days < 16 || s.Days > 17 || s.Alerts != len(r.Alerts) {
		t.Errorf("stretch %+v, want the 17 days after the first week", s)
	}
	if b := r.Bases[0]; b.Count < 5 || b.Held > b.Count {
		t.Errorf("base rate %+v", b)
	}
}

// The same folder gives the same report, and the tables and the page the same text.
func TestRunIsDeterministic(t *testing.T) {
	t.Parallel()
	texts := [2]string{}
	for i := range texts {
		var b strings.Builder
		r := rehearse(t, made(), rehearsal.Defaults())
		if err := errors.Join(r.WriteText(&b), r.WritePage(&b, "bot replay")); err != nil {
			t.Fatal(err)
		}
		texts[i] = b.String()
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		t.Error(diff)
	}
}

// What comes later changes no alert: the recording is broken off at some hour, or goes on
// in another way.
func TestNothingLooksAhead(t *testing.T) {
	t.Parallel()
	cut := begin.Add(20 * 24 * time.Hour)
	whole := looselyMade(t)
	until := func(r *rehearsal.Report, end time.Time) []rehearsal.Sent {
		var out []rehearsal.Sent
		for _, a := range r.Alerts {
			if a.At.Before(end) {
				out = append(out, a)
			}
		}
		return out
	}
	broken := rehearse(t, folder(t, func(_ string, at time.Time, line string) string {
		if at.Before(cut) {
			return line
		}
		return ""
	}), loose())
	other := rehearse(t, folder(t, func(file string, at time.Time, line string) string {
		if at.Before(cut) || !strings.Contains(file, "candles") {
			return line
		}
		return strings.Join([]string{line[:strings.Index(line, ",")], "50,60,40,55,1000"}, ",") + "\n"
	}), loose())
	for name, r := range map[string]*rehearsal.Report{"broken off": broken, "another way": other} {
		want := until(whole, cut)
		diff := cmp.Diff(want, until(r, cut), cmpopts.IgnoreFields(rehearsal.Sent{}, "Measured"))
		if diff != "" || len(want) < 20 {
			t.Errorf("%s: of %d alerts (-whole +cut):\n%s", name, len(want), diff)
		}
	}
}

// A hole is no data: there is no alert in it, its time does not count, and an outcome that
// lies in it is not known.
func TestHolesAreNoData(t *testing.T) {
	t.Parallel()
	from, to := begin.Add(15*24*time.Hour), begin.Add(15*24*time.Hour+20*time.Hour)
	r := rehearse(t, folder(t, func(file string, at time.Time, line string) string {
		if strings.Contains(file, "candles") && !at.Before(from) && at.Before(to) {
			return ""
		}
		return line
	}), loose())
	whole := looselyMade(t)
	if got, want := whole.Stretches[0].Days-r.Stretches[0].Days, 20.0/24; got < want-0.01 || got > want+0.01 {
		t.Errorf("the hole takes %v days, want %v", got, want)
	}
	unknown := 0
	for _, a := range r.Alerts {
		if !a.At.Before(from) && a.At.Before(to) {
			t.Errorf("an alert within the hole: %+v", a)
		}
		for _, after := range a.After {
			end := a.At.Add(time.Duration(after.Hours * float64(time.Hour)))
			inside := !end.Before(from.Add(10*time.Minute)) && end.Before(to)
			if inside {
				unknown++
			}
			if inside && (after.Known || after.LiquidatedUSD != nil) {
				t.Errorf("an outcome within the hole: %+v", a)
			}
		}
	}
	if unknown == 0 {
		t.Error("no outcome lies within the hole")
	}
}

// A threshold decides instead of the rule, and rules that are not run tell nothing.
func TestRulesDecideWhatIsSent(t *testing.T) {
	t.Parallel()
	rules, err := rehearsal.ParseRules([]byte("run = [\"breakout\"]\n[thresholds.BTC]\nbreakout = 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	all := rehearse(t, made(), rules)
	if n := len(all.Alerts); n == 0 || n < all.Bases[0].Count {
		t.Errorf("%d alerts, want all breakouts", n)
	}
	for _, a := range all.Alerts {
		if a.Rule != alert.Breakout {
			t.Errorf("an alert of %s", a.Rule)
		}
	}
	rules.Thresholds["BTC"][alert.Breakout] = 1e15
	if r := rehearse(t, made(), rules); len(r.Alerts) != 0 || r.Bases[0].Count != all.Bases[0].Count {
		t.Errorf("%d alerts beyond any threshold; base %+v, want %+v", len(r.Alerts), r.Bases[0], all.Bases[0])
	}
}

func TestAFolderWithNothing(t *testing.T) {
	t.Parallel()
	if _, err := rehearsal.Run(t.Context(), fstest.MapFS{}, rehearsal.Defaults()); !errors.Is(err, rehearsal.ErrNothing) {
		t.Errorf("got %v, want ErrNothing", err)
	}
	broken := fstest.MapFS{"binance_1h/liquidations_1h_BTCUSDT.csv.gz": {Data: []byte("no gzip")}}
	cell := new(backtest.CellError)
	if _, err := rehearsal.Run(t.Context(), broken, rehearsal.Defaults()); !errors.As(err, &cell) {
		t.Errorf("got %v, want the file that is wrong", err)
	}
}

func TestPageKeepsItsFigures(t *testing.T) {
	t.Parallel()
	r := rehearse(t, made(), rehearsal.Defaults())
	var page strings.Builder
	if err := r.WritePage(&page, "bot replay --data X --report Y"); err != nil {
		t.Fatal(err)
	}
	got, err := rehearsal.ReadFigures(page.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Bases, got.Bases); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"bot replay --data X --report Y\n", "no data", "no_different", "These are the defaults", "run = ["} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if _, err := rehearsal.ReadFigures("# nothing"); !errors.Is(err, rehearsal.ErrNoFigures) {
		t.Errorf("got %v, want ErrNoFigures", err)
	}
}

// The aim of the defaults.
func TestAtMostThreeAlertsADayOfBitcoin(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	figures, err := rehearsal.ReadFigures(string(page))
	if err != nil || len(figures.Days) == 0 {
		t.Fatal(figures, err)
	}
	for _, d := range figures.Days {
		if d.Coin == "BTC" && d.MostMean > 3 {
			t.Errorf("up to %v alerts a day, want at most 3", d.MostMean)
		}
	}
}
