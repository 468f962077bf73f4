package handlers

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// Bounds of the buttons under the list of a chat's alerts: they fit into Discord's five
// rows. The list itself is whole.
const (
	buttonAlerts = 6
	buttonLevels = 4
)

// listAlerts answers /alerts: what the chat hears of, with buttons to pause and to
// drop. Pressed, they come back here with the action as the first argument.
func listAlerts(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if len(c.args) == 0 {
		a, refusal, ok := c.alerts(ctx, s)
		if !ok {
			return refusal
		}
		return c.listed(ctx, s, a)
	}
	if len(c.args) != 2 {
		return c.fail("error.alerts_usage")
	}
	return c.act(ctx, s, c.args[0], c.args[1])
}

// act does what a button of the list says.
func (c *call) act(ctx context.Context, s subject, action, what string) chat.Reply {
	coin, listed := c.coin(what)
	if !listed { // it may have been listed when the chat asked for it
		named, err := market.ParseCoin(strings.ToUpper(what))
		coin, listed = named, err == nil
	}
	var entry chat.Entry
	var change func(*alert.Chat)
	switch {
	case action == "level":
		entry, change = c.dropLevel(what)
	case !listed:
		return c.fail("error.alerts_usage")
	case action == "pause", action == "resume":
		entry, change = c.entry(action, "coin", string(coin)), pause(coin, action == "pause")
	case action == "drop":
		entry, change = c.entry("unsubscribe", "coin", string(coin)), func(a *alert.Chat) {
			a.Subscriptions = slices.DeleteFunc(a.Subscriptions, func(sub alert.Subscription) bool { return sub.Coin == coin })
		}
	default:
		return c.fail("error.alerts_usage")
	}
	a, refusal, ok := c.changeAlerts(ctx, s, entry, func(a *alert.Chat) error { change(a); return nil })
	if !ok {
		return refusal
	}
	return c.listed(ctx, s, a)
}

func pause(coin market.Coin, paused bool) func(*alert.Chat) {
	return func(a *alert.Chat) {
		for i := range a.Subscriptions {
			if sub := &a.Subscriptions[i]; sub.Coin == coin {
				sub.Paused, sub.Barred = paused, false
			}
		}
	}
}

// dropLevel drops the level with an id; one that is gone already is no harm.
func (c *call) dropLevel(id string) (chat.Entry, func(*alert.Chat)) {
	n, err := strconv.ParseUint(id, 10, 64)
	return c.entry("level_drop"), func(a *alert.Chat) {
		a.Levels = slices.DeleteFunc(a.Levels, func(level alert.Level) bool { return err == nil && level.ID == n })
	}
}

// listed is the list of a chat's alerts.
func (c *call) listed(ctx context.Context, s subject, a alert.Chat) chat.Reply {
	l := c.lang
	if len(a.Subscriptions)+len(a.Levels) == 0 {
		var p paragraphs
		p.line(l.Text("alerts.none"))
		c.sayMuted(&p, a)
		return c.told(s, chat.Reply{Text: p.text, Buttons: c.offerSubscription(s), Edit: c.edit})
	}
	var p paragraphs
	p.line(l.Text("alerts.title"))
	if snap := c.peek(c.defaults()); snap != nil && snap.Demo() {
		p.line(l.Text("label.demo"))
	}
	c.sayMuted(&p, a)
	for _, sub := range a.Subscriptions {
		p.line(c.subscriptionLine(s, sub, a.Threshold(sub.Rule, sub.Coin)))
	}
	for _, level := range a.Levels {
		if !level.Over(c.now) {
			p.line(c.levelLine(level))
		}
	}
	c.sayHeld(ctx, &p, s)
	p.gap()
	p.line(l.Text("alerts.drop_hint", "coin", lower(coinsOf(a)[0])))
	if s.name == "" {
		p.line(l.Text("alerts.hint"))
	}
	reply := chat.Reply{Text: p.text, Buttons: c.listButtons(s, a), Edit: c.edit}
	if menu := c.changeMenu(s, a); len(menu.Choices) > 0 {
		reply.Menus = []chat.Menu{menu}
	}
	return c.told(s, reply)
}

// changeMenu offers the coins whose thresholds can be changed.
func (c *call) changeMenu(s subject, a alert.Chat) chat.Menu {
	if s.name != "" {
		return chat.Menu{}
	}
	menu := chat.Menu{Data: press("threshold"), Label: c.lang.Say("alerts.change")}
	for _, sub := range a.Subscriptions {
		if !slices.ContainsFunc(menu.Choices, func(m chat.MenuChoice) bool { return m.Value == string(sub.Coin) }) && len(menu.Choices) < 25 {
			menu.Choices = append(menu.Choices, chat.MenuChoice{Label: c.lang.Say("button.change", "coin", string(sub.Coin)), Value: string(sub.Coin)})
		}
	}
	return menu
}

// levelLine is a price that a member has named.
func (c *call) levelLine(level alert.Level) chat.Text {
	l, key := c.lang, "alerts.falls"
	if level.Rising {
		key = "alerts.rises"
	}
	often := l.Say("level.once")
	if level.Repeat {
		often = l.Say("level.each_time")
	}
	if !level.Until.IsZero() {
		often += ", " + l.Say("level.until", "time", l.DateTime(level.Until))
	}
	return l.Text(key, "coin", string(level.Coin), "price", l.TypedPrice(level.USD), "often", often)
}

// sayHeld says how many alerts are held back for the chat.
func (c *call) sayHeld(ctx context.Context, p *paragraphs, s subject) {
	if c.opts.Keeper == nil {
		return
	}
	held, err := c.opts.Keeper.Held(ctx, s.target)
	if err != nil {
		c.opts.Log.Error("held alerts not read", slog.Any("err", err))
		return
	}
	if len(held) > 0 {
		p.line(chat.Plainly(c.lang.Count("alerts.held", len(held))))
	}
}

func (c *call) subscriptionLine(s subject, sub alert.Subscription, threshold float64) chat.Text {
	l, key := c.lang, "alerts.active"
	switch {
	case sub.Barred:
		key = "alerts.barred"
	case sub.Paused:
		key = "alerts.paused"
	}
	text := l.Text(key, "coin", string(sub.Coin), "rule", ruleName(l, sub.Rule), "threshold", least(l, sub.Rule, threshold))
	if sub.Thread != s.target.Thread {
		text = append(text, chat.Span{Text: " "})
		text = append(text, l.Text("alerts.other_topic")...)
	}
	return text
}

func (c *call) listButtons(s subject, a alert.Chat) [][]chat.Button {
	l := c.lang
	var rows [][]chat.Button
	var row []chat.Button
	coins := make(map[market.Coin]bool)
	for _, sub := range a.Subscriptions {
		if coins[sub.Coin] || len(coins) == buttonAlerts {
			continue
		}
		coins[sub.Coin] = true
		toggle := chat.Button{Label: l.Say("button.pause", "coin", string(sub.Coin)), Data: c.pressFor(s, "alerts", "pause", string(sub.Coin), "edit")}
		if sub.Paused || sub.Barred {
			toggle = chat.Button{Label: l.Say("button.resume", "coin", string(sub.Coin)), Data: c.pressFor(s, "alerts", "resume", string(sub.Coin), "edit")}
		}
		drop := chat.Button{Label: l.Say("button.drop", "coin", string(sub.Coin)), Data: c.pressFor(s, "alerts", "drop", string(sub.Coin), "edit")}
		if row = append(row, toggle, drop); len(row) == 4 {
			rows, row = append(rows, row), nil
		}
	}
	if row != nil {
		rows = append(rows, row)
	}
	row = nil
	for _, level := range a.Levels[:min(len(a.Levels), buttonLevels)] {
		label := l.Say("button.drop", "coin", string(level.Coin)+" "+l.TypedPrice(level.USD))
		row = append(row, chat.Button{Label: label, Data: c.pressFor(s, "alerts", "level", strconv.FormatUint(level.ID, 10), "edit")})
	}
	return trimmed(append(rows, row, c.muteButtons(s, a)))
}

// coinList writes coins for a text.
func coinList(coins []market.Coin) string {
	var names []string
	for _, coin := range coins {
		names = append(names, string(coin))
	}
	return strings.Join(names, ", ")
}

// lower is a coin as people type it.
func lower(coin market.Coin) string { return strings.ToLower(string(coin)) }
