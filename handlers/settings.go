package handlers

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
)

// settings answers /settings: what this chat has set, and /settings log: who
// changed it.
func settings(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	switch {
	case len(c.args) == 0:
		return c.showSettings(ctx, s)
	case len(c.args) == 1 && logWord(c.args[0]):
		return c.showLog(ctx, s)
	default:
		return c.fail("error.settings_usage")
	}
}

func logWord(word string) bool {
	return slices.Contains([]string{"log", "history", "лог", "журнал", "история", "日志", "记录"}, strings.ToLower(word))
}

func (c *call) showSettings(ctx context.Context, s subject) chat.Reply {
	a, refusal, ok := c.alerts(ctx, s)
	if !ok {
		return refusal
	}
	l := c.lang
	coin, window := c.defaults()
	var p paragraphs
	p.line(l.Text("settings.title"))
	if s.name == "" {
		p.line(l.Text("settings.language", "language", l.Name()))
		p.line(l.Text("settings.default", "coin", string(coin), "window", string(window)))
	}
	p.line(c.settingsAlerts(a))
	for _, t := range a.Thresholds {
		p.line(l.Text("settings.threshold", "coin", string(t.Coin), "amount", l.Amount(t.Least)))
	}
	if len(a.Thresholds) == 0 {
		p.line(l.Text("settings.no_threshold"))
	}
	p.line(c.muteWords(a))
	p.line(l.Text("settings.host", "hold", l.Span(c.opts.Hold), "cooldown", l.Span(c.opts.Cooldown)))
	if c.Kind != chat.Private {
		p.line(l.Text("settings.admins"))
	}
	return c.told(s, chat.Reply{Text: p.text, Buttons: c.settingsButtons(s, a), Edit: c.edit})
}

func (c *call) settingsAlerts(a alert.Chat) chat.Text {
	if len(coinsOf(a)) == 0 {
		return c.lang.Text("settings.no_alerts")
	}
	return c.lang.Text("settings.alerts", "coins", coinList(coinsOf(a)))
}

func (c *call) settingsButtons(s subject, a alert.Chat) [][]chat.Button {
	l := c.lang
	coin, _ := c.defaults()
	more := []chat.Button{
		{Label: l.Say("button.alerts"), Data: c.pressFor(s, "alerts")},
		{Label: l.Say("button.threshold"), Data: c.pressFor(s, "threshold", string(coin))},
		{Label: l.Say("button.log"), Data: c.pressFor(s, "settings", "log")},
	}
	rows := [][]chat.Button{more, c.muteButtons(s, a)}
	if s.name == "" {
		rows = append(rows, c.languageButtons())
	}
	return trimmed(rows)
}

// shownChanges bounds the lines of the log.
const shownChanges = 12

func (c *call) showLog(ctx context.Context, s subject) chat.Reply {
	entries, err := c.opts.Alerts.Log(ctx, s.home, shownChanges)
	if err != nil {
		c.opts.Log.Error("chat log not read", slog.Any("err", err))
		return c.fail("error.broken")
	}
	l := c.lang
	if len(entries) == 0 {
		return c.told(s, chat.Reply{Text: l.Text("log.empty")})
	}
	var p paragraphs
	p.line(l.Text("log.title"))
	for _, e := range entries {
		what := changeWords(l, e)
		if in := e.Arg("in"); in != "" && in != s.target.Chat {
			what += " " + l.Say("log.elsewhere")
		}
		p.line(l.Text("log.line", "time", l.DateTime(e.At), "who", c.who(e), "what", what))
	}
	return c.told(s, chat.Reply{Text: p.text})
}

// who is a member as the log names one.
func (c *call) who(e chat.Entry) string {
	switch {
	case e.Name != "":
		return e.Name
	case e.Member.ID != "":
		return c.lang.Say("log.member")
	default:
		return c.lang.Say("log.admin")
	}
}

// changeWords words a change of the log.
func changeWords(l *locales.Language, e chat.Entry) string {
	amount := func(name string) string {
		usd, err := strconv.ParseFloat(e.Arg(name), 64)
		if err != nil || usd <= 0 {
			return l.Say("alerts.any")
		}
		return l.Amount(usd)
	}
	switch e.Change {
	case "subscribe":
		return l.Say("log.subscribe", "coin", e.Arg("coin"))
	case "unsubscribe":
		return l.Say("log.unsubscribe", "coin", e.Arg("coin"))
	case "unsubscribe_all":
		return l.Say("log.unsubscribe_all")
	case "pause":
		return l.Say("log.pause", "coin", e.Arg("coin"))
	case "resume":
		return l.Say("log.resume", "coin", e.Arg("coin"))
	case "level":
		usd, _ := strconv.ParseFloat(e.Arg("usd"), 64)
		return l.Say("log.level", "coin", e.Arg("coin"), "price", l.TypedPrice(usd))
	case "level_drop":
		return l.Say("log.level_drop")
	case "mute":
		until, _ := time.Parse(time.RFC3339, e.Arg("until"))
		return l.Say("log.mute", "time", l.DateTime(until))
	case "unmute":
		return l.Say("log.unmute")
	case "threshold":
		return l.Say("log.threshold", "coin", e.Arg("coin"), "from", amount("from"), "to", amount("to"))
	case "language":
		return l.Say("log.language", "language", locales.For(e.Arg("to")).Name())
	case "default":
		return l.Say("log.default", "coin", e.Arg("coin"), "window", e.Arg("window"))
	default:
		return e.Change
	}
}
