package handlers

import (
	"context"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// lang answers /lang: shows the chat's language or, for those who may, changes it.
func lang(ctx context.Context, c *call) chat.Reply {
	if len(c.args) == 0 {
		return c.languages("lang.current", "language", c.lang.Name())
	}
	tag, ok := locales.Match(c.args[0])
	if !ok || len(c.args) > 1 {
		return c.languages("lang.unknown")
	}
	if ok, refusal := c.mayChange(ctx); !ok {
		return refusal
	}
	if ok, refusal := c.change(ctx, c.entry("language", "to", tag), func(s *chat.Settings) { s.Language = tag }); !ok {
		return refusal
	}
	c.lang = locales.For(tag)
	reply := c.languages("lang.changed", "language", c.lang.Name())
	reply.Edit = c.edit
	return reply
}

// languages is a text with a button for each language.
func (c *call) languages(key string, args ...string) chat.Reply {
	return chat.Reply{Text: c.lang.Text(key, args...), Buttons: [][]chat.Button{c.languageButtons()}}
}

func (c *call) languageButtons() []chat.Button {
	var row []chat.Button
	for _, tag := range locales.Tags() {
		row = append(row, chat.Button{
			Label:  locales.For(tag).Name(),
			Data:   press("lang", tag, "edit"),
			Active: tag == c.lang.Tag(),
		})
	}
	return row
}

// defaults answers /default: shows the chat's coin and window or, for those who
// may, changes them.
func defaults(ctx context.Context, c *call) chat.Reply {
	if len(c.args) == 0 {
		coin, window := c.defaults()
		return chat.Reply{Text: c.lang.Text("default.current", "coin", string(coin), "window", string(window))}
	}
	coin, window, refusal, ok := c.target()
	if !ok {
		return refusal
	}
	if ok, refusal := c.mayChange(ctx); !ok {
		return refusal
	}
	entry := c.entry("default", "coin", string(coin), "window", string(window))
	if ok, refusal := c.change(ctx, entry, func(s *chat.Settings) { s.Coin, s.Window = string(coin), string(window) }); !ok {
		return refusal
	}
	return chat.Reply{Text: c.lang.Text("default.changed", "coin", string(coin), "window", string(window))}
}

// peek returns a snapshot that is already there.
func (c *call) peek(coin market.Coin, window market.Window) *snapshot.Snapshot {
	return c.opts.Snapshots.Get(snapshot.Key{Coin: coin, Window: window})
}
