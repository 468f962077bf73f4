package handlers

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"liqbot/chat"
	"liqbot/market"
)

// start answers /start: what the bot is for and what to try first.
func start(_ context.Context, c *call) chat.Reply {
	l := c.lang
	var p paragraphs
	p.line(l.Text("start.title"))
	p.gap()
	p.line(l.Text("start.body"))
	p.line(l.Text("start.try"))
	return chat.Reply{Text: p.text, Buttons: c.firstButtons()}
}

// firstButtons lead to the first coins and to the other commands.
func (c *call) firstButtons() [][]chat.Button {
	l := c.lang
	var row []chat.Button
	for _, coin := range c.favourites(3) {
		row = append(row, chat.Button{Label: l.Say("button.map", "coin", string(coin)), Data: press("liq", string(coin))})
	}
	more := []chat.Button{
		{Label: l.Say("button.coins"), Data: press("coins")},
		{Label: l.Say("button.price"), Data: press("price")},
		{Label: l.Say("button.help"), Data: press("help")},
	}
	if len(row) == 0 {
		return [][]chat.Button{more}
	}
	return [][]chat.Button{row, more}
}

func firstCoins(list []market.Coin, n int) []market.Coin { return list[:min(len(list), n)] }

// help answers /help: every command on one screen.
func help(_ context.Context, c *call) chat.Reply {
	l := c.lang
	var p paragraphs
	p.line(l.Text("help.title"))
	for _, cmd := range commandTable() {
		if cmd.help != "" && (!cmd.owner || c.owners[c.Member]) {
			p.line(l.Text(cmd.help))
		}
	}
	p.gap()
	p.line(l.Text("help.coins_hint"))
	return chat.Reply{Text: p.text, Buttons: c.firstButtons()[:1]}
}

// about answers /about: what the figures are and what they are not.
func about(_ context.Context, c *call) chat.Reply {
	l := c.lang
	var p paragraphs
	p.line(l.Text("about.title"))
	for _, paragraph := range []chat.Text{
		l.Text("about.intensity"),
		l.Text("about.sides"),
		l.Text("about.key_level", "band", l.ShortPercent(c.opts.KeyLevelBand)),
		l.Text("about.ratio", "even", l.ShortPercent(c.opts.SymmetricBand)),
		l.Text("about.freshness", "stale", l.Span(c.opts.StaleAfter), "refuse", l.Span(c.opts.RefuseAfter)),
	} {
		p.gap()
		p.line(paragraph)
	}
	p.gap()
	origin := l.Say("label.origin_vendor")
	if s := c.peek(c.defaults()); s != nil {
		origin = originOf(l, s.Map.Provenance().Origin)
		if s.Demo() {
			p.line(l.Text("label.demo"))
		}
	}
	p.line(l.Text("about.source", "source", c.opts.Snapshots.Source(), "origin", origin))
	p.line(l.Text("about.disclaimer"))
	return chat.Reply{Text: p.text}
}

const (
	// shownCoins bounds the coins that /coins lists, buttonCoins those with a
	// button.
	shownCoins  = 60
	buttonCoins = 12
	rowCoins    = 4
)

// coins answers /coins: which coins there are.
func coins(_ context.Context, c *call) chat.Reply {
	l := c.lang
	list := c.opts.Snapshots.Coins()
	if len(list) == 0 {
		return c.trouble(nil, "")
	}
	var p paragraphs
	p.line(l.Text("coins.title", "source", c.opts.Snapshots.Source()))
	if s := c.peek(c.defaults()); s != nil && s.Demo() {
		p.line(l.Text("label.demo"))
	}
	shown := firstCoins(list, shownCoins)
	var names []string
	for _, coin := range shown {
		names = append(names, string(coin))
	}
	p.line(chat.Plainly(strings.Join(names, ", ")))
	if len(shown) < len(list) {
		p.line(l.Text("coins.more", "shown", strconv.Itoa(len(shown)), "total", strconv.Itoa(len(list))))
	}
	p.gap()
	p.line(l.Text("coins.hint"))
	var rows [][]chat.Button
	for row := range slices.Chunk(firstCoins(list, buttonCoins), rowCoins) {
		var buttons []chat.Button
		for _, coin := range row {
			buttons = append(buttons, chat.Button{Label: string(coin), Data: press("liq", string(coin))})
		}
		rows = append(rows, buttons)
	}
	return chat.Reply{Text: p.text, Buttons: rows}
}
