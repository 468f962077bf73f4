package handlers

import (
	"context"
	"slices"
	"strings"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// lang answers /lang: shows the chat's language or, for those who may, changes it.
func lang(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if len(c.args) == 0 && s.name == "" {
		return c.languages("lang.current", "language", c.lang.Name())
	}
	if len(c.args) == 0 {
		c.args = []string{c.settingsOf(ctx, s).Language}
		return c.told(s, chat.Reply{Text: c.lang.Text("settings.language", "language", locales.For(c.args[0]).Name())})
	}
	tag, ok := locales.Match(c.args[0])
	if !ok || len(c.args) > 1 {
		return c.languages("lang.unknown")
	}
	if ok, refusal := c.changeSettings(ctx, s, c.entry("language", "to", tag), func(settings *chat.Settings) { settings.Language = tag }); !ok {
		return refusal
	}
	if s.name != "" {
		return c.told(s, chat.Reply{Text: c.lang.Text("settings.language", "language", locales.For(tag).Name())})
	}
	c.settle()
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

// maxFavourites bounds the coins of /default.
const maxFavourites = 8

// defaults answers /default: shows the chat's coins and window or, for those who may,
// changes them. The first coin is that of commands that name none.
func defaults(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	first, window := defaultsOf(c.settingsOf(ctx, s))
	if len(c.args) == 0 {
		return c.told(s, chat.Reply{Text: c.lang.Text("default.current", "coin", string(first), "window", string(window))})
	}
	var coins []market.Coin
	haveWindow := false
	for _, word := range c.args {
		if w, is := parseWindow(word); is && !haveWindow {
			window, haveWindow = w, true
			continue
		}
		coin, listed := c.coin(word)
		switch {
		case !listed && looksLikeWindow(word):
			return c.fail("error.unknown_window")
		case !listed:
			return c.unknownCoin(word)
		case !slices.Contains(coins, coin):
			coins = append(coins, coin)
		}
	}
	if len(coins) > maxFavourites {
		return c.fail("error.too_many")
	}
	if len(coins) == 0 {
		coins = []market.Coin{first}
	}
	list := strings.ReplaceAll(coinList(coins), " ", "")
	entry := c.entry("default", "coin", list, "window", string(window))
	ok, refusal = c.changeSettings(ctx, s, entry, func(s *chat.Settings) { s.Coin, s.Coins, s.Window = string(coins[0]), list, string(window) })
	if !ok {
		return refusal
	}
	return c.told(s, chat.Reply{Text: c.lang.Text("default.changed", "coin", coinList(coins), "window", string(window))})
}

// favourites are the first coins of lists: those that the chat has chosen, then the
// source's.
func (c *call) favourites(n int) []market.Coin {
	var coins []market.Coin
	for name := range strings.SplitSeq(c.settings.Coins, ",") {
		if coin, err := market.ParseCoin(name); err == nil {
			coins = append(coins, coin)
		}
	}
	if coin, err := market.ParseCoin(c.settings.Coin); err == nil && len(coins) == 0 {
		coins = append(coins, coin)
	}
	for _, coin := range c.opts.Snapshots.Coins() {
		if len(coins) >= n {
			break
		}
		if !slices.Contains(coins, coin) {
			coins = append(coins, coin)
		}
	}
	return firstCoins(coins, n)
}

// peek returns a snapshot that is already there.
func (c *call) peek(coin market.Coin, window market.Window) *snapshot.Snapshot {
	return c.opts.Snapshots.Get(snapshot.Key{Coin: coin, Window: window})
}
