package handlers

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
)

const (
	// recordSpan is how far back /record looks.
	recordSpan = 90 * 24 * time.Hour
	// shownRecords bounds the alerts that /record lists one by one.
	shownRecords = 8
)

// record answers /record: every breakout that was told, and what became of it, the bad ones
// too.
func record(ctx context.Context, c *call) chat.Reply {
	coin, refusal, ok := c.recordCoin()
	if !ok {
		return refusal
	}
	l := c.lang
	name := string(coin)
	if coin == "" {
		name = l.Say("record.all_coins")
	}
	if c.opts.Past == nil {
		return c.fail("record.none", "coin", name)
	}
	past, err := c.recentRecord(ctx, coin)
	if err != nil {
		c.opts.Log.Error("past alerts not read", slog.Any("err", err))
		return c.fail("error.broken")
	}
	past = c.ofThisMarket(past)
	var p paragraphs
	p.line(l.Text("record.title", "coin", name, "span", l.Span(recordSpan)))
	if len(past) == 0 {
		p.line(l.Text("record.none", "coin", name))
		return chat.Reply{Text: p.text, Buttons: c.recordButtons(coin)}
	}
	p.mark(l, anyDemo(past), past[len(past)-1].Provenance.RecordedAt)
	p.line(l.Text("record.count", "alerts", l.Count("record.alerts", len(past)), "told", l.Count("record.told", toldOf(past))))
	for _, tally := range talliesOf(past) {
		p.line(l.Text("record.tally", "span", l.Span(tally.after), "held", strconv.Itoa(tally.held), "of", strconv.Itoa(tally.count),
			"share", l.WholePercent(tally.share()), "move", l.SignedPercent(tally.medianMove())))
	}
	p.gap()
	for _, a := range slices.Backward(past[max(0, len(past)-shownRecords):]) {
		p.line(recordLine(l, &a))
	}
	p.gap()
	p.line(italic(l.Text("record.foot")))
	return chat.Reply{Text: p.text, Buttons: c.recordButtons(coin), Edit: c.edit}
}

// recordLasts is how long what was read for /record is shown again: reading all of it takes
// a while where there is much.
const recordLasts = time.Minute

// records are what was read for /record lately, by coin.
type records struct {
	mu  sync.Mutex
	all map[market.Coin]readRecord
}

type readRecord struct {
	at   time.Time
	past []alert.Past
}

// recentRecord reads the breakouts of a coin, of all for none, at most once a minute.
func (c *call) recentRecord(ctx context.Context, coin market.Coin) ([]alert.Past, error) {
	r := &c.records
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.all[coin]; ok && c.now.Sub(known.at) < recordLasts && !c.now.Before(known.at) {
		return slices.Clone(known.past), nil
	}
	past, err := c.opts.Past.History(ctx, alert.Breakout, coin, c.now.Add(-recordSpan))
	if err != nil {
		return nil, err
	}
	if r.all == nil || len(r.all) >= maxRecords {
		r.all = make(map[market.Coin]readRecord)
	}
	r.all[coin] = readRecord{at: c.now, past: past}
	return slices.Clone(past), nil
}

// maxRecords bounds the coins whose records are remembered.
const maxRecords = 200

// recordCoin is the coin that is asked for, none for all.
func (c *call) recordCoin() (market.Coin, chat.Reply, bool) {
	if len(c.args) == 0 || len(c.args) == 1 && allWord(c.args[0]) {
		return "", chat.Reply{}, true
	}
	return c.coinArg(c.args)
}

func (c *call) recordButtons(coin market.Coin) [][]chat.Button {
	row := []chat.Button{{Label: c.lang.Say("record.all_coins"), Data: press("record", "all", "edit"), Active: coin == ""}}
	for _, name := range c.favourites(3) {
		row = append(row, chat.Button{Label: string(name), Data: press("record", string(name), "edit"), Active: coin == name})
	}
	return [][]chat.Button{row}
}

func anyDemo(past []alert.Past) bool {
	return slices.ContainsFunc(past, func(a alert.Past) bool { return a.Provenance.Demo })
}

// toldOf counts the alerts that somebody was told of.
func toldOf(past []alert.Past) int {
	n := 0
	for i := range past {
		if past[i].Recipients > 0 {
			n++
		}
	}
	return n
}

// tally is what became of alerts after a time.
type tally struct {
	after       time.Duration
	held, count int
	// moves are the moves in the alerts' direction, fractions.
	moves []float64
}

func (t tally) share() float64 { return float64(t.held) / float64(max(1, t.count)) }

func (t tally) medianMove() float64 {
	slices.Sort(t.moves)
	n := len(t.moves)
	return (t.moves[(n-1)/2] + t.moves[n/2]) / 2
}

// talliesOf adds up outcomes by time, the shortest first.
func talliesOf(past []alert.Past) []tally {
	var all []tally
	for i := range past {
		for _, o := range past[i].Outcomes {
			at := slices.IndexFunc(all, func(t tally) bool { return t.after == o.After })
			if at < 0 {
				at = len(all)
				all = append(all, tally{after: o.After})
			}
			t := &all[at]
			t.count++
			if o.Held {
				t.held++
			}
			t.moves = append(t.moves, moveOf(&past[i].Alert, &o))
		}
	}
	slices.SortFunc(all, func(a, b tally) int { return int(a.after - b.after) })
	return all
}

// moveOf is the move since an alert in its direction, as a fraction.
func moveOf(a *alert.Alert, o *alert.Followed) float64 {
	move := o.ToUSD/o.FromUSD - 1
	if !a.Rising {
		move = -move
	}
	return move
}

// recordLine is one alert of the record with what became of it.
func recordLine(l *locales.Language, a *alert.Past) chat.Text {
	key := "record.down"
	if a.Rising {
		key = "record.up"
	}
	text := l.Text(key, "time", l.DateTime(a.At), "coin", string(a.Coin), "level", l.Level(a.LevelUSD))
	if len(a.Outcomes) == 0 {
		return append(text, chat.Plainly(" "+l.Say("record.open"))...)
	}
	for _, o := range a.Outcomes {
		key := "record.failed"
		if o.Held {
			key = "record.held"
		}
		text = append(text, chat.Plainly(" · "+l.Say(key, "span", l.Span(o.After), "move", l.SignedPercent(o.ToUSD/o.FromUSD-1)))...)
	}
	return text
}
