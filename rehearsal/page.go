package rehearsal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Figures are the figures of a page that other places rely on.
type Figures struct {
	Days  []Daily `json:"days"`
	Bases []Base  `json:"bases"`
}

// The comment that a page keeps its Figures in.
const (
	figuresOpen  = "<!-- figures "
	figuresClose = " -->"
)

// ErrNoFigures is returned for a page without figures.
var ErrNoFigures = errors.New("the page has no figures that a program can read")

// ReadFigures finds the figures in a page.
func ReadFigures(page string) (Figures, error) {
	var f Figures
	_, rest, found := strings.Cut(page, figuresOpen)
	text, _, closed := strings.Cut(rest, figuresClose)
	if !found || !closed {
		return f, ErrNoFigures
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, fmt.Errorf("figures of a page: %w", err)
	}
	return f, nil
}

const pageHead = `# What the alerts would have been

This page is made by

` + "```sh" + `
%s
` + "```" + `

from recorded markets: set A, Binance, hourly, June and July 2024; set B, Binance, four-hourly, November 2024 to July 2025; set D,
Hyperliquid, hourly, December 2025 to February 2026. The recordings may not be redistributed, so they are not in this repository and
no row of them is on this page; the command runs on any folder of the same layout and prints each alert, and JSON with ` + "`--json`" + `.
`

const pageMethod = `## How it is made

- The map of a moment is made of the candles and the open interest that were over by then, and is swept by the price since, as in
  the running bot. It is shown once it is a week old. It is that of one venue, where the bot adds up to six.
- Within a candle (of one minute or five where they were recorded, else of an hour) the price is taken to go from the open to the extreme
  that is nearer to it, then to the other one, then to the close. The rules look at least once a minute, and a second after the price
  has gone through a key level, and again when it has held.
- Open interest and funding count from the time at which they were told, liquidations once their bucket is over. Set B has them by
  four hours, which says nothing of a quarter of an hour; no set has single orders.
- What was not recorded is no data: nothing is evaluated there, and an alert whose outcome was not recorded counts nowhere.
- Outcomes are read off the same path of the price. Alerts come in clusters, so the intervals, which take each alert for independent, are
  rather too narrow. The controls are 40 drawn moments an alert, of the same coin, side and hour of the day, always the same ones.
- The thresholds were chosen on these very recordings, for their number of alerts; none was chosen for its outcomes.
`

// WritePage writes the page of docs; command is what made it.
func (r *Report) WritePage(w io.Writer, command string) error {
	var b strings.Builder
	fmt.Fprintf(&b, pageHead, command)
	b.WriteString("\n## What came out\n\n")
	for _, line := range r.findings() {
		b.WriteString("- " + line + "\n")
	}
	for _, t := range r.tables() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```\n", t.title, t.about)
		if err := t.write(&b); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
		b.WriteString("```\n")
	}
	b.WriteString("\n## The rules\n\n")
	if r.Rules == Defaults().Text() {
		b.WriteString(reasons + "\n")
	}
	b.WriteString("As `--rules FILE` takes them:\n\n```toml\n" + r.Rules + "```\n\n" + pageMethod)
	figures, err := json.Marshal(Figures{Days: r.Days, Bases: r.Bases})
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	fmt.Fprintf(&b, "\n%s%s%s\n", figuresOpen, figures, figuresClose)
	if _, err := io.WriteString(w, trimmed(b.String())); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// trimmed leaves out spaces at the ends of lines.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

const reasons = `These are the defaults. At most three alerts a day for bitcoin, over all rules, was the aim. Before, there were 3.1 a day (5.4 with the liquidations bunched),
5.0 (6.5) of ether and 6.0 (6.3) of solana. Changed were:

- ` + "`approach`" + `: a zone has to be as large as is usual for the coin, twice the share that a breakout's level needs. With half of the usual
  there were 1.2 to 2.0 a day and coin.
- ` + "`imbalance`" + `: a change of sides counts from 2 to 1, not 1.5, and alerts are a day apart, not four hours. There were 1.1 to 3.4 a day and coin.
- ` + "`cascade`" + `: twenty times the usual quarter of an hour, a fifth of a day's liquidations, not eight times: of bitcoin, up to 2.6 a day.

The other figures stayed as they were.
`
