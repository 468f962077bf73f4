package handlers

import (
	"context"
	"slices"
	"strconv"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// settingsPage is a page that the menu of /settings leads to.
type settingsPage func(context.Context, *call, subject, []string) chat.Reply

// pageOf finds a page by its name, nil for none.
func pageOf(name string) settingsPage {
	switch name {
	case "threshold":
		return ofAlerts(func(ctx context.Context, c *call, s subject, a alert.Chat, _ []string) chat.Reply {
			return c.thresholdRules(ctx, s, c.thresholdCoin(a))
		})
	case "quiet":
		return ofAlerts(quietPage)
	case "digest":
		return ofAlerts(digestPage)
	case "cap":
		return ofAlerts(capPage)
	case "cooldown":
		return ofAlerts(cooldownPage)
	case "followups":
		return ofAlerts(followupsPage)
	case "who":
		return whoPage
	case "where":
		return ofAlerts(wherePage)
	case "default":
		return defaultPage
	case "timezone":
		return func(ctx context.Context, c *call, s subject, _ []string) chat.Reply {
			return c.zonesReply(ctx, s, "timezone.current")
		}
	default:
		return nil
	}
}

// ofAlerts is a page about what a chat has asked for.
func ofAlerts(page func(context.Context, *call, subject, alert.Chat, []string) chat.Reply) settingsPage {
	return func(ctx context.Context, c *call, s subject, args []string) chat.Reply {
		a, refusal, ok := c.alerts(ctx, s)
		if !ok {
			return refusal
		}
		return page(ctx, c, s, a, args)
	}
}

// choice is a button of a page that presses a command there.
func (c *call) choice(s subject, command, label string, active bool, args ...string) chat.Button {
	return chat.Button{Label: label, Active: active, Data: c.pressFor(s, command, append(args, "edit")...)}
}

// thresholdCoin is the coin whose thresholds are shown first: the chat's own if it hears of
// it, else the first that it hears of.
func (c *call) thresholdCoin(a alert.Chat) market.Coin {
	coin, _ := c.defaults()
	if heard := coinsOf(a); len(heard) > 0 && !slices.Contains(heard, coin) {
		return heard[0]
	}
	return coin
}

// settingsMenu leads to the pages.
func (c *call) settingsMenu() chat.Menu {
	menu := chat.Menu{Data: press("settings", "edit"), Label: c.lang.Say("settings.menu")}
	for _, name := range []string{"threshold", "cooldown", "cap", "quiet", "digest", "followups", "timezone", "default", "who", "where"} {
		// In private there is nobody else, and on Discord a thread is a chat of its own.
		if name == "who" && c.Kind == chat.Private || name == "where" && (c.Kind == chat.Private || c.Target.Platform == chat.Discord) {
			continue
		}
		menu.Choices = append(menu.Choices, chat.MenuChoice{Label: c.lang.Say("page." + name), Value: name})
	}
	return menu
}

// page is a page of the settings: what is, what can be chosen, and the way back. With a
// form, something else can be typed.
func (c *call) page(s subject, text chat.Text, choices []chat.Button, form *chat.Form, asks bool) chat.Reply {
	if asks {
		return c.told(s, chat.Reply{Text: text, Form: form, Private: true})
	}
	last := []chat.Button{c.backToSettings(s)}
	if form != nil && c.forms() {
		last = append([]chat.Button{{Label: c.lang.Say("button.something_else"), Data: c.pressFor(s, "settings", form.Fields[0].Name, formWord)}}, last...)
	}
	var rows [][]chat.Button
	for len(choices) > 3 {
		rows, choices = append(rows, choices[:3]), choices[3:]
	}
	return c.told(s, chat.Reply{Text: text, Buttons: trimmed(append(rows, choices, last)), Edit: c.edit})
}

// forms reports whether the platform has forms; elsewhere a value is typed as a command.
func (c *call) forms() bool { return c.Target.Platform == chat.Discord }

// formFor is a form with one line for a command. The field has the name of its page.
func (c *call) formFor(page, example string) *chat.Form {
	title := c.lang.Say("page." + page)
	command := "/" + page
	if page == "cap" || page == "cooldown" {
		command += " preview"
	}
	return &chat.Form{Title: title, Command: command, Fields: []chat.Field{{Name: page, Label: title, Example: example}}}
}

func asksForm(args []string) bool { return len(args) == 1 && args[0] == formWord }

func quietPage(ctx context.Context, c *call, s subject, a alert.Chat, args []string) chat.Reply {
	q := a.Terms.Quiet
	var p paragraphs
	p.line(c.quietWords(q))
	p.line(c.lang.Text("timezone.line", "zone", zoneLabel(c.settingsOf(ctx, s).TimeZone, c.now)))
	p.line(c.lang.Text("quiet.usage"))
	l := c.lang
	is := func(from, to int, silent bool) bool {
		return q.On && q.From == alert.Clock(from*60) && q.To == alert.Clock(to*60) && q.Silent == silent
	}
	choices := []chat.Button{
		c.choice(s, "quiet", l.Say("quiet.button_held", "hours", "23–07"), is(23, 7, false), "23:00-07:00", "hold"),
		c.choice(s, "quiet", l.Say("quiet.button_held", "hours", "22–08"), is(22, 8, false), "22:00-08:00", "hold"),
		c.choice(s, "quiet", l.Say("quiet.button_silent", "hours", "23–07"), is(23, 7, true), "23:00-07:00", "silent"),
		c.choice(s, "quiet", l.Say("quiet.button_silent", "hours", "22–08"), is(22, 8, true), "22:00-08:00", "silent"),
		c.choice(s, "quiet", l.Say("button.off"), !q.On, "off"),
	}
	return c.page(s, p.text, choices, c.formFor("quiet", "23:00-07:00 silent"), asksForm(args))
}

func digestPage(ctx context.Context, c *call, s subject, a alert.Chat, args []string) chat.Reply {
	d := a.Terms.Digest
	var p paragraphs
	c.sayDigest(&p, d)
	p.line(c.lang.Text("timezone.line", "zone", zoneLabel(c.settingsOf(ctx, s).TimeZone, c.now)))
	p.line(c.lang.Text("digest.usage"))
	var choices []chat.Button
	for _, hour := range []int{8, 9, 18} {
		at := alert.Clock(hour * 60)
		choices = append(choices, c.choice(s, "digest", clockText(at), d.On && !d.Only && d.At == at, clockText(at)))
	}
	nine := alert.Clock(9 * 60)
	choices = append(choices,
		c.choice(s, "digest", c.lang.Say("digest.button_only", "time", clockText(nine)), d.On && d.Only && d.At == nine, clockText(nine), "only"),
		c.choice(s, "digest", c.lang.Say("button.off"), !d.On, "off"))
	return c.page(s, p.text, choices, c.formFor("digest", "9:00"), asksForm(args))
}

func capPage(_ context.Context, c *call, s subject, a alert.Chat, args []string) chat.Reply {
	var p paragraphs
	c.sayCap(&p, a.Terms)
	p.line(c.lang.Text("cap.usage"))
	var choices []chat.Button
	for _, n := range []int{1, 3, 5, 10} {
		choices = append(choices, c.choice(s, "cap", strconv.Itoa(n), a.Terms.Cap == n, strconv.Itoa(n)))
	}
	choices = append(choices, c.choice(s, "cap", c.lang.Say("button.off"), a.Terms.Cap == 0, "off"))
	return c.page(s, p.text, choices, c.formFor("cap", "5"), asksForm(args))
}

func cooldownPage(_ context.Context, c *call, s subject, a alert.Chat, args []string) chat.Reply {
	var p paragraphs
	c.sayCooldown(&p, a.Terms)
	p.line(c.lang.Text("cooldown.usage"))
	var choices []chat.Button
	for _, span := range []time.Duration{time.Hour, 4 * time.Hour, 12 * time.Hour} {
		choices = append(choices, c.choice(s, "cooldown", c.lang.Span(span), a.Terms.Cooldown == span, typedSpan(span)))
	}
	choices = append(choices, c.choice(s, "cooldown", c.lang.Say("button.usual"), a.Terms.Cooldown == 0, "off"))
	return c.page(s, p.text, choices, c.formFor("cooldown", "2h"), asksForm(args))
}

func followupsPage(_ context.Context, c *call, s subject, a alert.Chat, _ []string) chat.Reply {
	var p paragraphs
	c.sayFollowups(&p, a.Terms)
	choices := []chat.Button{
		c.choice(s, "followups", c.lang.Say("button.on"), !a.Terms.NoOutcomes, "on"),
		c.choice(s, "followups", c.lang.Say("button.off"), a.Terms.NoOutcomes, "off"),
	}
	return c.page(s, p.text, choices, nil, false)
}

// wherePage says where alerts go and how they come here.
func wherePage(_ context.Context, c *call, s subject, a alert.Chat, _ []string) chat.Reply {
	here, elsewhere := 0, 0
	for _, sub := range a.Subscriptions {
		if sub.Thread == s.target.Thread {
			here++
		} else {
			elsewhere++
		}
	}
	text := c.lang.Text("where.text", "here", strconv.Itoa(here), "elsewhere", strconv.Itoa(elsewhere))
	return c.page(s, text, []chat.Button{{Label: c.lang.Say("where.button"), Data: c.pressFor(s, "settings", "here")}}, nil, false)
}

func defaultPage(ctx context.Context, c *call, s subject, args []string) chat.Reply {
	coin, window := defaultsOf(c.settingsOf(ctx, s))
	text := c.lang.Text("default.current", "coin", string(coin), "window", string(window))
	form := c.formFor("default", "btc eth sol 7d")
	return c.page(s, text, nil, form, asksForm(args))
}
