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
	// menu and help are the locale keys of its description in menus and of its line
	// in /help; without help it is not listed there.
	menu, help string
	run        func(context.Context, *call) chat.Reply
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

// commandTable lists all commands in the order of the menus. To add one, add its
// file and its line here, and the keys that the line names to locales.
func commandTable() []command {
	return []command{
		{name: "liq", menu: "menu.liq", help: "help.liq", run: liq, options: []option{coinOption, windowOption}, press: true},
		{name: "levels", menu: "menu.levels", help: "help.levels", run: levels, options: []option{coinOption, windowOption}, press: true},
		{name: "price", menu: "menu.price", help: "help.price", run: price, options: []option{coinOption}, press: true},
		{name: "coins", menu: "menu.coins", help: "help.coins", run: coins, press: true},
		{name: "help", menu: "menu.help", run: help, press: true},
		{name: "about", menu: "menu.about", help: "help.about", run: about, press: true},
		{name: "lang", menu: "menu.lang", help: "help.lang", run: lang, options: []option{languageOption}, admin: true, press: true},
		{name: "default", menu: "menu.default", help: "help.default", run: defaults, options: []option{coinOption, windowOption}, admin: true},
		{name: "start", menu: "menu.start", run: start},
		{name: "stats", menu: "menu.stats", help: "help.owner", run: stats, owner: true},
	}
}

// Commands describes the commands for the platforms' menus.
func (h *Handlers) Commands() []chat.Command {
	var commands []chat.Command
	for _, c := range commandTable() {
		described := chat.Command{
			Name:        c.name,
			Description: locales.Each(c.menu),
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
