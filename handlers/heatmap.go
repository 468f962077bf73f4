package handlers

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"liqbot/chat"
	"liqbot/market"
	"liqbot/snapshot"
)

// Heatmaps is a source that knows how the map looked over time.
type Heatmaps interface {
	// Heatmap returns the newest heatmap of a coin over heatWindows; the error is a
	// *snapshot.Error where the source knows what went wrong.
	Heatmap(ctx context.Context, coin market.Coin, window market.Window) (*snapshot.Heatmap, error)
}

// heatWindows are the windows that a heatmap has.
var heatWindows = []market.Window{market.Day, market.Week}

// heatmap answers /heatmap: the intensity over time with candles, as a picture.
func heatmap(ctx context.Context, c *call) chat.Reply {
	coin, window, refusal, ok := c.target()
	if !ok {
		return refusal
	}
	if !slices.Contains(heatWindows, window) {
		if slices.ContainsFunc(c.args, func(word string) bool { _, is := parseWindow(word); return is }) {
			return c.fail("heatmap.windows")
		}
		window = DefaultWindow // the chat's own is of another command
	}
	s, refusal, ok := c.recent(ctx, snapshot.Key{Coin: coin, Window: window})
	if !ok {
		return refusal
	}
	if c.opts.Heatmaps == nil {
		return c.heatUntold(s, "heatmap.unknown", "source", c.opts.Snapshots.Source(), "coin", string(coin))
	}
	m, refusal, ok := c.heatmap(ctx, s)
	if !ok {
		return refusal
	}
	reply := chat.Reply{Text: c.wordHeatmap(s, m), Buttons: c.heatButtons(s.Key), Edit: c.edit}
	picture, err := c.opts.Charts.Heatmap(ctx, m, c.lang, c.Shape)
	if err != nil {
		c.opts.Log.Error("picture not made", slog.String("key", s.Key.String()), slog.Any("err", err))
		reply.Text = append(reply.Text, chat.Span{Text: "\n"})
		reply.Text = append(reply.Text, c.lang.Text("error.no_picture")...)
		return reply
	}
	reply.Picture = picture
	return reply
}

// heatmap finds the heatmap of a snapshot's key, fresh enough to show. The reply is the
// refusal.
func (c *call) heatmap(ctx context.Context, s *snapshot.Snapshot) (*snapshot.Heatmap, chat.Reply, bool) {
	if c.Quick {
		return nil, c.trouble(nil, s.Key.Coin), false
	}
	if c.Working != nil {
		c.Working()
		c.Working = nil
	}
	waiting, cancel := context.WithTimeout(ctx, c.opts.ColdWait)
	defer cancel()
	m, err := c.opts.Heatmaps.Heatmap(waiting, s.Key.Coin, s.Key.Window)
	switch {
	case err != nil && waiting.Err() != nil:
		return nil, c.trouble(waiting.Err(), s.Key.Coin), false // it goes on being made
	case err != nil && snapshot.ProblemOf(err) == snapshot.TooYoung:
		c.opts.Log.Info("no heatmap", slog.String("key", s.Key.String()), slog.Any("err", err))
		return nil, c.heatUntold(s, "heatmap.short", "coin", string(s.Key.Coin)), false
	case err != nil:
		return nil, c.trouble(err, s.Key.Coin), false
	}
	if age := m.Age(c.now); age > c.opts.RefuseAfter {
		return nil, c.tooOld(s.Key.Coin, age), false
	}
	return m, chat.Reply{}, true
}

// heatUntold answers that there is no heatmap, with the way to what there is.
func (c *call) heatUntold(s *snapshot.Snapshot, key string, args ...string) chat.Reply {
	p := paragraphs{text: c.lang.Text(key, args...)}
	p.mark(c.lang, s.Demo(), s.Price.Provenance.RecordedAt)
	coin, window := string(s.Key.Coin), string(s.Key.Window)
	return chat.Reply{Text: p.text, Edit: c.edit, Buttons: [][]chat.Button{{
		{Label: c.lang.Say("button.map", "coin", coin), Data: press("liq", coin, window)},
		{Label: c.lang.Say("button.levels"), Data: press("levels", coin, window)},
	}}}
}

// wordHeatmap words what a heatmap shows and how to read it.
func (c *call) wordHeatmap(s *snapshot.Snapshot, m *snapshot.Heatmap) chat.Text {
	l := c.lang
	p := paragraphs{text: l.Text("heatmap.title", "coin", string(m.Coin), "window", string(m.Window))}
	p.mark(l, m.Demo() || s.Demo(), m.Provenance.RecordedAt)
	// A heatmap ends with the last candle, so it is as old as one when it is fresh.
	if age := m.Age(c.now); age > c.opts.StaleAfter+m.BarLength {
		p.line(l.Text("label.stale", "age", l.Age(age)))
	}
	p.line(priceLine(l, s))
	p.gap()
	p.line(l.Text("heatmap.read"))
	p.line(l.Text("heatmap.scale", "amount", l.Amount(m.Bright()), "band", l.ShortPercent(m.Band()), "venue", string(m.CandleVenue)))
	p.line(l.Text("heatmap.until", "length", l.Span(m.BarLength), "time", l.DateTime(m.Provenance.AsOf)))
	if m.Drawn > 0 {
		from := m.Start.Add(time.Duration(m.Drawn) * m.Step)
		p.line(l.Text("heatmap.from", "time", l.DateTime(from)))
	}
	if partly := venueList(m.Partly); partly != "" {
		p.line(l.Text("heatmap.partly", "venues", partly))
	}
	p.gap()
	p.line(l.Text("label.as_of", "time", l.DateTime(m.Provenance.AsOf)))
	p.text = append(p.text, chat.Span{Text: " · "}, chat.Span{Text: l.Age(m.Age(c.now)), At: m.Provenance.AsOf})
	p.line(c.heatFoot(m))
	return p.text
}

// heatFoot is where a heatmap comes from and what its figures are not.
func (c *call) heatFoot(m *snapshot.Heatmap) chat.Text {
	l := c.lang
	var p paragraphs
	p.line(l.Text("label.source", "source", m.Provenance.Source+" ("+originOf(l, m.Provenance.Origin)+")"))
	p.line(l.Text("label.venues", "venues", venueList(m.Provenance.Venues)))
	if missing := venueList(m.Provenance.Missing); missing != "" {
		p.line(l.Text("label.venues_missing", "venues", missing))
	}
	p.line(l.Text("label.relative"))
	return italic(p.text)
}

// heatButton leads to the heatmap of a key, where the source has one.
func (c *call) heatButton(key snapshot.Key) []chat.Button {
	if c.opts.Heatmaps == nil {
		return nil
	}
	window := key.Window
	if !slices.Contains(heatWindows, window) {
		window = DefaultWindow
	}
	return []chat.Button{{Label: c.lang.Say("button.heatmap"), Data: press("heatmap", string(key.Coin), string(window))}}
}

func (c *call) heatButtons(key snapshot.Key) [][]chat.Button {
	l, coin, window := c.lang, string(key.Coin), string(key.Window)
	labels := map[market.Window]string{market.Day: "window.day", market.Week: "window.week"}
	var row []chat.Button
	for _, w := range heatWindows {
		row = append(row, chat.Button{Label: l.Say(labels[w]), Data: press("heatmap", coin, string(w), "edit"), Active: w == key.Window})
	}
	return [][]chat.Button{row, {
		// Buttons of one message need different data: the window comes first here.
		{Label: l.Say("button.refresh"), Data: press("heatmap", window, coin, "edit")},
		{Label: l.Say("button.map", "coin", coin), Data: press("liq", coin, window)},
	}}
}
