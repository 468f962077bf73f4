package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/sources/exchanges"
	"liqbot/sources/exchanges/tape"
	"liqbot/watcher"
)

// replayFlags are what bot replay can be told.
type replayFlags struct {
	data, rules, report string
	json, frames        bool
}

func (sh *shell) replayCommand() *cobra.Command {
	var flags replayFlags
	cmd := &cobra.Command{
		Use:   "replay FILE | replay --data DIR",
		Short: "Play a tape of the exchanges, or a recorded market, and print its alerts",
		Long: `replay FILE reads a tape that bot record has written with SOURCE=exchanges, makes every
map anew and compares it with the one that was recorded. It prints how many differ and the
alerts that the maps give rise to by the usual figures. The exit code is 1 if a map differs,
if a raw message is decoded otherwise, or if the tape is damaged. A tape that just breaks
off is played up to there.

replay --data DIR makes the maps of a recorded market, as bot backtest reads it, bar by bar,
and prints each alert that would have been sent, how long before something it came, what
became of it, and tables of all by coin and rule, next to what came after moments and
crossings that have nothing to do with the map. --rules FILE has figures and thresholds to
try instead of the usual ones; docs/rules.toml is one with those.

It reads no settings and needs no network; the same input gives the same output, always.`,
		Args: func(_ *cobra.Command, args []string) error { return flags.check(len(args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.data != "" {
				return sh.rehearse(cmd, flags)
			}
			return sh.replay(args[0], flags.json, flags.frames)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&flags.json, "json", false, "print JSON")
	f.BoolVar(&flags.frames, "frames", false, "of a tape: also decode the raw messages again and compare what comes of them")
	f.StringVar(&flags.data, "data", "", "folder of a recorded market to replay instead of a tape")
	f.StringVar(&flags.rules, "rules", "", "of a recorded market: file of the rules to try, such as docs/rules.toml")
	f.StringVar(&flags.report, "report", "", "of a recorded market: write the page about it to this file, such as docs/alerts.md")
	return cmd
}

// check refuses flags and arguments that do not go together.
func (f *replayFlags) check(files int) error {
	switch {
	case f.data == "" && (f.rules != "" || f.report != ""):
		return fmt.Errorf("%w: --rules and --report are for a recorded market: add --data DIR", errUsage)
	case f.data == "" && files != 1:
		return fmt.Errorf("%w: replay wants one file, such as: bot replay tape.jsonl.gz; or a recorded market: bot replay --data DIR", errUsage)
	case f.data != "" && files > 0:
		return fmt.Errorf("%w: replay plays a tape or --data DIR, not both", errUsage)
	case f.data != "" && f.frames:
		return fmt.Errorf("%w: --frames is for a tape", errUsage)
	}
	return nil
}

func (sh *shell) replay(path string, asJSON, frames bool) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	defer f.Close()
	report, err := replayTape(f)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errUsage, path, err)
	}
	if frames {
		if report.Frames, err = checkFrames(f); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if asJSON {
		encoder := json.NewEncoder(sh.out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.writeText(sh.out)
	}
	return errors.Join(err, report.verdict())
}

// replayReport is what a tape shows.
type replayReport struct {
	Bot         string          `json:"bot"`
	From        time.Time       `json:"from"`
	To          time.Time       `json:"to"`
	Venues      []market.Venue  `json:"venues"`
	Entries     int             `json:"entries"`
	Pictures    int             `json:"pictures"`
	Mismatches  int             `json:"mismatches"`
	First       []mismatch      `json:"first_mismatches,omitempty"`
	Differences []string        `json:"differences,omitempty"`
	Alerts      []replayAlert   `json:"alerts"`
	Frames      []frameReport   `json:"frames,omitempty"`
	BreaksOff   string          `json:"breaks_off,omitempty"`
	Damage      string          `json:"damage,omitempty"`
	rules       *watcher.Replay // steps through the pictures
	kinds       map[tape.Kind]int
}

// mismatch is a picture that came out otherwise.
type mismatch struct {
	Line     int                 `json:"line"`
	At       time.Time           `json:"at"`
	Key      string              `json:"map"`
	Recorded tape.PictureOutcome `json:"recorded"`
	Replayed tape.PictureOutcome `json:"replayed"`
}

// replayAlert is an alert that came of the pictures.
type replayAlert struct {
	At           time.Time   `json:"at"`
	Rule         alert.Rule  `json:"rule"`
	Coin         market.Coin `json:"coin"`
	Rising       bool        `json:"rising"`
	LevelUSD     float64     `json:"level_usd,omitempty"`
	PriceUSD     float64     `json:"price_usd"`
	IntensityUSD float64     `json:"intensity_usd,omitempty"`
	Crossed      time.Time   `json:"crossed,omitzero"`
	Strength     float64     `json:"strength"` // in the unit of the rule
}

// fewMismatches are shown; more of them say nothing new.
const fewMismatches = 10

// replayTape plays a tape. The error is that of a file that is none.
func replayTape(f io.Reader) (*replayReport, error) {
	r := &replayReport{
		Alerts: []replayAlert{},
		rules:  watcher.NewReplay(watcher.Options{Window: market.Week, Hold: watcher.UsualHold, Cooldown: watcher.UsualCooldown}),
	}
	result, err := exchanges.Replay(f, r.see)
	damage, damaged := errors.AsType[*tape.DamageError](err)
	switch {
	case err != nil && (!damaged || result.Header.Version == 0):
		return nil, err
	case damaged && damage.Truncated:
		r.BreaksOff = damage.Error()
	case damaged:
		r.Damage = damage.Error()
	}
	r.Bot, r.From, r.To = result.Header.Bot, result.First, result.Last
	for _, v := range result.Header.Venues {
		r.Venues = append(r.Venues, v.Name)
	}
	r.Entries, r.Pictures, r.Mismatches, r.Differences = result.Entries, result.Pictures, result.Mismatches, result.Differences
	r.kinds = result.Kinds
	return r, nil
}

func (r *replayReport) see(p *exchanges.Replayed) {
	if !p.Agrees() && len(r.First) < fewMismatches {
		r.First = append(r.First, mismatch{p.Line, p.At, p.Key.String(), p.Recorded, p.Now})
	}
	for _, a := range r.rules.Step(p.Snapshot, p.At) {
		if a.Rule != alert.Breakout && !a.Notable {
			continue // for a chat with a threshold of its own
		}
		r.Alerts = append(r.Alerts, replayAlert{
			At: p.At, Rule: a.Rule, Coin: a.Coin, Rising: a.Rising,
			LevelUSD: a.LevelUSD, PriceUSD: a.PriceUSD, IntensityUSD: a.IntensityUSD, Crossed: a.Crossed, Strength: a.Strength,
		})
	}
}

// verdict is an error when the replay is not what was recorded.
func (r *replayReport) verdict() error {
	var errs []error
	if r.Mismatches > 0 {
		errs = append(errs, fmt.Errorf("%d of %d maps differ from those that were recorded", r.Mismatches, r.Pictures))
	}
	for _, f := range r.Frames {
		if f.Missing > 0 {
			errs = append(errs, fmt.Errorf("%s: %d updates are not in the raw messages", f.Venue, f.Missing))
		}
	}
	if r.Damage != "" {
		errs = append(errs, errors.New(r.Damage))
	}
	return errors.Join(errs...)
}

const replayTime = "2006-01-02 15:04:05.000 UTC"

func (r *replayReport) writeText(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Tape from %s to %s, recorded by bot %s.\n", r.From.Format(replayTime), r.To.Format(replayTime), r.Bot)
	fmt.Fprintf(&b, "Exchanges: %s\n", names(r.Venues))
	fmt.Fprintf(&b, "%d entries: %d updates, %d raw messages\n", r.Entries, r.kinds[tape.Updated], r.kinds[tape.Frame])
	fmt.Fprintf(&b, "%d maps, %d differ\n", r.Pictures, r.Mismatches)
	for _, m := range r.First {
		fmt.Fprintf(&b, "  line %d, %s, %s: recorded %s, replayed %s\n", m.Line, m.At.Format(replayTime), m.Key, worded(m.Recorded), worded(m.Replayed))
	}
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "  note: %s\n", d)
	}
	for _, f := range r.Frames {
		fmt.Fprintf(&b, "%s: %d raw messages, %d updates decoded; of %d applied %d are among them, %d may have been asked for, %d are missing\n",
			f.Venue, f.Frames, f.Decoded, f.Applied, f.Found, f.Polled, f.Missing)
	}
	fmt.Fprintf(&b, "%d alerts\n", len(r.Alerts))
	for _, a := range r.Alerts {
		fmt.Fprintf(&b, "  %s  %s %s %s\n", a.At.Format(replayTime), a.Coin, a.Rule, a.text())
	}
	for _, end := range []string{r.BreaksOff, r.Damage} {
		if end != "" {
			fmt.Fprintf(&b, "Played up to where %s\n", end)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// text is what happened, in the unit of the rule.
func (a *replayAlert) text() string {
	way, side, moved := "below", market.Long, "down"
	if a.Rising {
		way, side, moved = "above", market.Short, "up"
	}
	at := " at " + plain(a.PriceUSD)
	switch a.Rule {
	case alert.Breakout:
		return fmt.Sprintf("%s %s%s, up to which %s lay", way, plain(a.LevelUSD), at, plain(a.IntensityUSD))
	case alert.Approach:
		return fmt.Sprintf("%s%s: %s from %s on", way, at, plain(a.Strength), plain(a.LevelUSD))
	case alert.Large:
		return fmt.Sprintf("%s of %s", side, plain(a.Strength))
	default:
		switch a.Rule.Unit() {
		case alert.Ratio:
			return fmt.Sprintf("%.2f times as much on the side of %ss%s", a.Strength, side, at)
		case alert.Fraction:
			return fmt.Sprintf("%s by %.4f %%%s", moved, 100*a.Strength, at)
		default:
			return fmt.Sprintf("%s, mostly %ss%s", plain(a.Strength), side, at)
		}
	}
}

func names(venues []market.Venue) string {
	all := make([]string, len(venues))
	for i, v := range venues {
		all[i] = string(v)
	}
	return strings.Join(all, ", ")
}

// plain is a sum or price to ten digits.
func plain(usd float64) string { return "$" + strconv.FormatFloat(usd, 'g', 10, 64) }

// worded is what came of a picture.
func worded(o tape.PictureOutcome) string {
	if o.Problem != "" {
		return o.Problem
	}
	return plain(o.PriceUSD) + " [" + o.Fingerprint + "]"
}
