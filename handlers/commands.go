package handlers

import (
	"context"
	"strconv"
	"time"

	"liqbot/alert"
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
	// press: buttons may call it; long: its text may be longer than a command usually is.
	press, long bool
}

type option uint8

const (
	coinOption option = iota
	windowOption
	languageOption
	placeOption
	spanOption
	amountOption
	ruleOption
	logOption
	lookbackOption
	heatOption
	goalOption
	hoursOption
	zoneOption
	clockOption
	numberOption
	valueOption
	rulesOption
	whoOption
	commandOption
	wordsOption
	onOffOption
)

// commandTable lists all commands in the order of the menus. To add one, add its
// file and its line here, and the keys that the line names to locales.
func commandTable() []command {
	return []command{
		{name: "liq", menu: "menu.liq", help: "help.liq", run: liq, options: []option{coinOption, windowOption}, press: true},
		{name: "levels", menu: "menu.levels", help: "help.levels", run: levels, options: []option{coinOption, windowOption}, press: true},
		{name: "heatmap", menu: "menu.heatmap", help: "help.heatmap", run: heatmap, options: []option{coinOption, heatOption}, press: true},
		{name: "cascade", menu: "menu.cascade", help: "help.cascade", run: cascade, options: []option{coinOption, goalOption, windowOption}, press: true},
		{name: "price", menu: "menu.price", help: "help.price", run: price, options: []option{coinOption}, press: true},
		{name: "report", menu: "menu.report", help: "help.report", run: writeReport, options: []option{coinOption}, press: true},
		{name: "why", menu: "menu.why", help: "help.why", run: why, options: []option{coinOption, windowOption}, press: true},
		{name: "accuracy", menu: "menu.accuracy", help: "help.accuracy", run: howAccurate, options: []option{coinOption}, press: true},
		{name: "rekt", menu: "menu.rekt", help: "help.rekt", run: rekt, options: []option{coinOption, lookbackOption}, press: true},
		{name: "top", menu: "menu.top", help: "help.top", run: top, options: []option{windowOption}, press: true},
		{name: "oi", menu: "menu.oi", help: "help.oi", run: openInterest, options: []option{coinOption}, press: true},
		{name: "funding", menu: "menu.funding", help: "help.funding", run: funding, options: []option{coinOption}, press: true},
		{name: "longshort", menu: "menu.longshort", help: "help.longshort", run: longShort, options: []option{coinOption}, press: true},
		{name: "etf", menu: "menu.etf", help: "help.etf", run: etf, options: []option{coinOption}, press: true},
		{name: "subscribe", menu: "menu.subscribe", help: "help.subscribe", run: subscribe, options: []option{coinOption, rulesOption, placeOption}, admin: true, press: true},
		{name: "unsubscribe", menu: "menu.unsubscribe", help: "help.unsubscribe", run: unsubscribe, options: []option{coinOption, rulesOption, placeOption}, admin: true, press: true},
		{name: "alerts", menu: "menu.alerts", help: "help.alerts", run: listAlerts, options: []option{placeOption}, press: true},
		{name: "alert", menu: "menu.alert", help: "help.alert", run: level, options: []option{coinOption, valueOption, placeOption}, admin: true},
		{name: "threshold", menu: "menu.threshold", help: "help.threshold", run: threshold, options: []option{coinOption, ruleOption, amountOption, placeOption}, admin: true, press: true},
		{name: "mute", menu: "menu.mute", help: "help.mute", run: mute, options: []option{spanOption, placeOption}, admin: true, press: true},
		{name: "quiet", menu: "menu.quiet", help: "help.terms", run: quiet, options: []option{hoursOption, placeOption}, admin: true, press: true},
		{name: "digest", menu: "menu.digest", run: digest, options: []option{clockOption, placeOption}, admin: true, press: true},
		{name: "cap", menu: "menu.cap", run: dailyCap, options: []option{numberOption, placeOption}, admin: true, press: true},
		{name: "cooldown", menu: "menu.cooldown", run: cooldown, options: []option{spanOption, placeOption}, admin: true, press: true},
		{name: "followups", menu: "menu.followups", run: followups, options: []option{onOffOption, placeOption}, admin: true, press: true},
		{name: "record", menu: "menu.record", help: "help.record", run: record, options: []option{coinOption}, press: true},
		{name: "settings", menu: "menu.settings", help: "help.settings", run: settings, options: []option{logOption, placeOption}, press: true},
		{name: "coins", menu: "menu.coins", help: "help.coins", run: coins, press: true},
		{name: "help", menu: "menu.help", run: help, press: true},
		{name: "about", menu: "menu.about", help: "help.about", run: about, press: true},
		{name: "lang", menu: "menu.lang", help: "help.lang", run: lang, options: []option{languageOption, placeOption}, admin: true, press: true},
		{name: "default", menu: "menu.default", help: "help.default", run: defaults, options: []option{coinOption, windowOption, placeOption}, admin: true},
		{name: "timezone", menu: "menu.timezone", help: "help.timezone", run: timezone, options: []option{zoneOption, placeOption}, admin: true, press: true},
		{name: "permit", menu: "menu.permit", run: permit, options: []option{commandOption, whoOption}, admin: true, press: true},
		{name: "privacy", menu: "menu.privacy", help: "help.privacy", run: privacy, press: true},
		{name: "deletemydata", menu: "menu.deletemydata", run: deleteMyData, options: []option{placeOption}, admin: true, press: true},
		{name: "start", menu: "menu.start", run: start},
		{name: "stats", menu: "menu.stats", help: "help.owner", run: stats, owner: true},
		{name: "health", menu: "menu.health", run: health, owner: true},
		{name: "broadcast", menu: "menu.broadcast", run: broadcast, owner: true, press: true, long: true, options: []option{wordsOption}},
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

// ruleChoices are the rules that can be subscribed to.
func ruleChoices() []chat.Choice {
	var choices []chat.Choice
	for _, r := range alert.Rules() {
		choices = append(choices, chosen(string(r), "rule."+string(r)))
	}
	return choices
}

// chosen is a choice with its label in every language.
func chosen(value, key string) chat.Choice {
	return chat.Choice{Label: value, Value: value, Labels: locales.Each(key)}
}

func describe(o option) chat.Option {
	text := func(name, key string) chat.Option {
		return chat.Option{Name: name, Description: locales.Each(key), Kind: chat.TextOption}
	}
	choices := func(name, key string, values ...chat.Choice) chat.Option {
		return chat.Option{Name: name, Description: locales.Each(key), Kind: chat.ChoiceOption, Choices: values}
	}
	switch o {
	case windowOption:
		var values []chat.Choice
		for _, w := range market.Windows() {
			values = append(values, chat.Choice{Label: string(w), Value: string(w)})
		}
		return choices("window", "menu.option_window", values...)
	case heatOption:
		var values []chat.Choice
		for _, w := range heatWindows {
			values = append(values, chat.Choice{Label: string(w), Value: string(w)})
		}
		return choices("window", "menu.option_heat", values...)
	case goalOption:
		return text("target", "menu.option_target")
	case languageOption:
		var values []chat.Choice
		for _, tag := range locales.Tags() {
			values = append(values, chat.Choice{Label: locales.For(tag).Name(), Value: tag})
		}
		return choices("language", "menu.option_language", values...)
	case ruleOption:
		return choices("rule", "menu.option_rule", ruleChoices()...)
	case rulesOption:
		return choices("rule", "menu.option_rule", append(ruleChoices(), chosen("all", "button.any"))...)
	case hoursOption:
		return text("hours", "menu.option_hours")
	case zoneOption:
		return text("zone", "menu.option_zone")
	case clockOption:
		return text("time", "menu.option_clock")
	case numberOption:
		return text("number", "menu.option_number")
	case valueOption:
		return text("price", "menu.option_level")
	case whoOption:
		return choices("who", "menu.option_who", chosen(forEveryone, "permit.everyone"), chosen(forAdmins, "permit.admins"), chosen(forUsual, "permit.usual"))
	case commandOption:
		return text("command", "menu.option_command")
	case wordsOption:
		return text("text", "menu.option_words")
	case onOffOption:
		return choices("state", "menu.option_on", chosen("on", "button.on"), chosen("off", "button.off"))
	case logOption:
		return choices("show", "menu.option_log", chosen("log", "button.log"), chosen("undo", "button.undo"), chosen("here", "where.button"))
	case lookbackOption:
		var values []chat.Choice
		for _, span := range lookbacks {
			hours := strconv.Itoa(int(span/time.Hour)) + "h"
			values = append(values, chat.Choice{Label: hours, Value: hours})
		}
		return choices("time", "menu.option_lookback", values...)
	case placeOption:
		return chat.Option{Name: "channel", Description: locales.Each("menu.option_place"), Kind: chat.PlaceOption}
	case spanOption:
		return text("time", "menu.option_span")
	case amountOption:
		return text("amount", "menu.option_amount")
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
