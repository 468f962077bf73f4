package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"liqbot/alert"
	"liqbot/rehearsal"
)

// rehearsedTime is to the second: the path of a recorded price is no finer.
const rehearsedTime = "2006-01-02 15:04:05 UTC"

// rehearse replays a recorded market through the rules.
func (sh *shell) rehearse(cmd *cobra.Command, flags replayFlags) error {
	data, err := folder("--data", flags.data)
	if err != nil {
		return err
	}
	rules := rehearsal.Defaults()
	if flags.rules != "" {
		text, err := os.ReadFile(flags.rules)
		if err != nil {
			return fmt.Errorf("%w: --rules: %w; docs/rules.toml is an example", errUsage, err)
		}
		if rules, err = rehearsal.ParseRules(text); err != nil {
			return fmt.Errorf("%w: --rules %s: %w", errUsage, flags.rules, err)
		}
	}
	if !slices.ContainsFunc(sh.environ, func(pair string) bool { return strings.HasPrefix(pair, "GOGC=") }) {
		defer debug.SetGCPercent(debug.SetGCPercent(rehearsalGarbage))
	}
	report, err := rehearsal.Run(cmd.Context(), data, rules)
	switch {
	case errors.Is(err, rehearsal.ErrNothing):
		return fmt.Errorf("%w: --data %s: %w", errUsage, flags.data, err)
	case err != nil:
		return fmt.Errorf("--data %s: %w", flags.data, err)
	}
	for _, coin := range slices.Sorted(maps.Keys(rules.Thresholds)) {
		if !slices.ContainsFunc(report.Stretches, func(s rehearsal.Stretch) bool { return s.Coin == coin }) {
			fmt.Fprintf(sh.err, "bot: warning: --rules: there is no recorded market of %s in the folder, so its thresholds count for nothing\n", coin)
		}
	}
	if flags.report != "" {
		if err := writePage(flags, report); err != nil {
			return err
		}
	}
	if flags.json {
		encoder := json.NewEncoder(sh.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	if err := writeSent(sh.out, report.Alerts); err != nil {
		return err
	}
	return report.WriteText(sh.out)
}

// rehearsalGarbage is the GOGC of a replay: it makes a million maps that nobody keeps.
const rehearsalGarbage = 400

// writePage writes the page of docs, with the command that made it.
func writePage(flags replayFlags, report *rehearsal.Report) error {
	command := "bot replay --data " + flags.data
	if flags.rules != "" {
		command += " --rules " + flags.rules
	}
	var page strings.Builder
	if err := report.WritePage(&page, command+" --report "+flags.report); err != nil {
		return err
	}
	if err := os.WriteFile(flags.report, []byte(page.String()), 0o644); err != nil { //nolint:gosec // a page to be read
		return fmt.Errorf("%w: --report: %w", errUsage, err)
	}
	return nil
}

// writeSent writes a line for each alert.
func writeSent(out io.Writer, alerts []rehearsal.Sent) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d alerts\n", len(alerts))
	for i := range alerts {
		s := &alerts[i]
		a := replayAlert{At: s.At, Rule: s.Rule, Coin: s.Coin, Rising: s.Rising, LevelUSD: s.LevelUSD, PriceUSD: s.PriceUSD, IntensityUSD: s.Strength, Strength: s.Strength}
		fmt.Fprintf(&b, "  %s  %s %s %s; %s", s.At.Format(rehearsedTime), s.Coin, s.Rule, a.text(), lead(s))
		for _, after := range s.After {
			b.WriteString("; " + afterwards(s.Rule, after))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// lead says how long before what its rule claims an alert came.
func lead(s *rehearsal.Sent) string {
	what := "1 % on"
	switch s.Rule {
	case alert.Approach:
		what = "there"
	case alert.Funding, alert.OpenInterest:
		what = "1 % away"
	default:
	}
	switch {
	case !s.LeadKnown:
		return what + ": no data"
	case s.Lead == nil:
		return what + " not within a day"
	default:
		return fmt.Sprintf("%s after %.0fm", what, *s.Lead)
	}
}

// afterwards says how things stood after a while.
func afterwards(rule alert.Rule, a rehearsal.After) string {
	text := fmt.Sprintf("%gh", a.Hours)
	if !a.Known {
		return text + " no data"
	}
	if rule == alert.Breakout {
		text += map[bool]string{true: " held", false: " failed"}[a.Held]
	}
	text += fmt.Sprintf(" %+.2f%%", 100*a.Move)
	if a.LiquidatedUSD != nil {
		text += ", " + fmt.Sprintf("$%.0f", *a.LiquidatedUSD) + " liquidated"
	}
	return text
}
