package handlers

import (
	"context"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
)

// command is one entry of the table.
type command struct {
	name string
	run  func(context.Context, *call) chat.Reply
	// options are the arguments that menus offer.
	options []option
	// owner: only for the bot's owners; admin: in groups only for administrators.
	owner, admin bool
	// press: buttons may call it.
	press bool
}

type option uint8

const (
	coinOption option = iota
	windowOption
	languageOption
)

// table lists all commands in the order of the menus. To add one, add its file and
// its line here, and its keys menu.<name> and help.<name> in locales.
var table = []command{
	{name: "liq", run: liq, options: []option{coinOption, windowOption}, press: true},
	{name: "levels", run: levels, options: []option{coinOption, windowOption}, press: true},
	{name: "price", run: price, options: []option{coinOption}, press: true},
	{name: "coins", run: coins, press: true},
	{name: "help", run: help, press: true},
	{name: "about", run: about, press: true},
	{name: "lang", run: lang, options: []option{languageOption}, admin: true, press: true},
	{name: "default", run: defaults, options: []option{coinOption, windowOption}, admin: true},
	{name: "start", run: start},
	{name: "stats", run: stats, owner: true},
}

// menuKeys are the locale keys of the commands' descriptions.
var menuKeys = map[string]string{
	"liq":     "menu.liq",
	"levels":  "menu.levels",
	"price":   "menu.price",
	"coins":   "menu.coins",
	"help":    "menu.help",
	"about":   "menu.about",
	"lang":    "menu.lang",
	"default": "menu.default",
	"start":   "menu.start",
	"stats":   "menu.stats",
}

// Commands describes the commands for the platforms' menus.
func (h *Handlers) Commands() []chat.Command {
	commands := make([]chat.Command, 0, len(table))
	for _, c := range table {
		described := chat.Command{
			Name:        c.name,
			Description: locales.Each(menuKeys[c.name]),
			Owner:       c.owner,
			Admin:       c.admin,
		}
		for _, o := range c.options {
			described.Options = append(described.Options, describe(o))
		}
		commands = append(commands, described)
	}
	return commands
}

func describe(o option) chat.Option {
	switch o {
	case windowOption:
		described := chat.Option{Name: "window", Description: locales.Each("menu.option_window"), Kind: chat.ChoiceOption}
		for _, w := range market.Windows() {
			described.Choices = append(described.Choices, chat.Choice{Label: string(w), Value: string(w)})
		}
		return described
	case languageOption:
		described := chat.Option{Name: "language", Description: locales.Each("menu.option_language"), Kind: chat.ChoiceOption}
		for _, tag := range locales.Tags() {
			described.Choices = append(described.Choices, chat.Choice{Label: locales.For(tag).Name(), Value: tag})
		}
		return described
	default:
		return chat.Option{Name: "coin", Description: locales.Each("menu.option_coin"), Kind: chat.CoinOption}
	}
}

// Bot is what the platforms need.
func (h *Handlers) Bot() chat.Bot {
	return chat.Bot{
		Handle:      h.Handle,
		Suggest:     h.Suggest,
		Commands:    h.Commands(),
		About:       locales.Each("profile.short"),
		Description: locales.Each("profile.long"),
	}
}
