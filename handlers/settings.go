package handlers

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
)

// Keeper is where a chat's changes are taken back, where it is known what is held back for
// it, and where its data is deleted.
type Keeper interface {
	// Undo takes the newest change of a chat back and returns it; seen is the line of the
	// log that is meant, the zero Entry the newest. The error wraps chat.ErrNoChange or
	// chat.ErrChanged where that is the reason.
	Undo(ctx context.Context, home chat.Target, seen, e chat.Entry) (chat.Entry, error)
	// Held lists the alerts that are held back for a chat.
	Held(ctx context.Context, t chat.Target) ([]alert.Alert, error)
	// Erase deletes everything that is kept of a chat, and a member's name in the logs of
	// others.
	Erase(ctx context.Context, t chat.Target, m chat.Member) (chat.Erased, error)
}

// settings answers /settings: what this chat has set, with everything to change it;
// /settings log: who changed it; /settings undo: takes the last change back.
func settings(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	mark := c.takeMark()
	if len(c.args) == 0 {
		return c.showSettings(ctx, s)
	}
	word := strings.ToLower(c.args[0])
	switch {
	case len(c.args) == 1 && logWord(word):
		return c.showLog(ctx, s)
	case len(c.args) == 1 && slices.Contains([]string{"undo", "отмена", "отменить", "вернуть", "撤销"}, word):
		return c.undo(ctx, s, mark)
	case len(c.args) == 1 && slices.Contains([]string{"here", "сюда", "здесь", "这里"}, word):
		return c.alertsHere(ctx, s)
	}
	if page := pageOf(word); page != nil && len(c.args) <= 2 {
		if c.Press != "" { // a message of the group is not for everyone to leaf through
			if ok, refusal := c.mayChangeIn(ctx, s); !ok {
				return refusal
			}
		}
		return page(ctx, c, s, c.args[1:])
	}
	return c.fail("error.settings_usage")
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
		p.line(l.Text("settings.threshold", "coin", string(t.Coin), "rule", ruleName(l, t.Rule), "least", least(l, t.Rule, t.Least)))
	}
	if len(a.Thresholds) == 0 {
		p.line(l.Text("settings.no_threshold"))
	}
	p.line(c.muteWords(a))
	c.sayTerms(&p, a.Terms, c.settingsOf(ctx, s).TimeZone)
	c.sayPermissions(&p)
	p.line(l.Text("settings.host", "hold", l.Span(c.opts.Hold), "cooldown", l.Span(c.opts.Cooldown)))
	if c.Kind != chat.Private {
		p.line(l.Text("settings.admins"))
	}
	reply := chat.Reply{Text: p.text, Buttons: c.settingsButtons(ctx, s, a), Edit: c.edit}
	if s.name == "" {
		reply.Menus = []chat.Menu{c.settingsMenu()}
	}
	return c.told(s, reply)
}

func (c *call) settingsAlerts(a alert.Chat) chat.Text {
	if len(coinsOf(a)) == 0 {
		return c.lang.Text("settings.no_alerts")
	}
	return c.lang.Text("settings.alerts", "coins", coinList(coinsOf(a)))
}

func (c *call) settingsButtons(ctx context.Context, s subject, a alert.Chat) [][]chat.Button {
	l := c.lang
	coin := c.thresholdCoin(a)
	more := []chat.Button{
		{Label: l.Say("button.alerts"), Data: c.pressFor(s, "alerts")},
		{Label: l.Say("button.threshold"), Data: c.pressFor(s, "threshold", string(coin))},
		{Label: l.Say("button.log"), Data: c.pressFor(s, "settings", "log")},
		c.undoAny(ctx, s),
	}
	rows := [][]chat.Button{more, c.muteButtons(s, a)}
	if s.name == "" {
		rows = append(rows, c.languageButtons())
	}
	return trimmed(rows)
}

// backToSettings leads back to the settings.
func (c *call) backToSettings(s subject) chat.Button {
	return chat.Button{Label: c.lang.Say("button.settings"), Data: c.pressFor(s, "settings", "edit")}
}

// undoButton offers to take back what this request has changed; it does nothing when that
// is nothing.
func (c *call) undoButton(ctx context.Context, s subject) chat.Button {
	if newest, _, ok := c.newestChange(ctx, s); !ok || !newest.At.Equal(c.now) {
		return chat.Button{}
	}
	return c.undoAny(ctx, s)
}

// undoAny offers to take the newest change back, whoever made it.
func (c *call) undoAny(ctx context.Context, s subject) chat.Button {
	_, mark, ok := c.newestChange(ctx, s)
	if !ok || c.opts.Keeper == nil {
		return chat.Button{}
	}
	return chat.Button{Label: c.lang.Say("button.undo"), Data: c.pressFor(s, "settings", "undo", mark)}
}

// newestChange is the newest line of the log and its mark, so that a button takes back what
// it stood under and nothing newer. An undo cannot be undone.
func (c *call) newestChange(ctx context.Context, s subject) (newest chat.Entry, mark string, ok bool) {
	entries, err := c.opts.Alerts.Log(ctx, s.home, 1)
	if err != nil || len(entries) == 0 || entries[0].Change == "undo" {
		return chat.Entry{}, "", false
	}
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, entries[0].At.UnixNano(), entries[0].Change, entries[0].Args) // a hash takes everything
	return entries[0], keepMark + fmt.Sprintf("%08x", h.Sum32()), true
}

// undo takes the last change of the chat back.
func (c *call) undo(ctx context.Context, s subject, mark string) chat.Reply {
	if ok, refusal := c.mayChangeIn(ctx, s); !ok {
		return refusal
	}
	if c.opts.Keeper == nil {
		return c.fail("undo.nothing")
	}
	var seen chat.Entry
	if c.Press != "" {
		newest, now, _ := c.newestChange(ctx, s)
		if mark != now {
			return c.fail("undo.changed")
		}
		seen = newest
	}
	undone, err := c.opts.Keeper.Undo(ctx, s.home, seen, c.entry("undo"))
	switch {
	case errors.Is(err, chat.ErrNoChange):
		return c.fail("undo.nothing")
	case errors.Is(err, chat.ErrChanged) && undone.Change != "" && seen.Change == "":
		return c.fail("undo.gone", "what", changeWords(c.lang, undone))
	case errors.Is(err, chat.ErrChanged):
		return c.fail("undo.changed")
	case err != nil:
		c.opts.Log.Error("change not taken back", slog.Any("err", err))
		return c.fail("error.not_saved")
	}
	c.recall(ctx)
	text := c.lang.Text("undo.done", "what", changeWords(c.lang, undone), "who", c.who(undone), "time", c.lang.DateTime(undone.At))
	return c.told(s, chat.Reply{Text: text, Buttons: trimmed([][]chat.Button{{c.backToSettings(s)}})})
}

// alertsHere lets all alerts of the chat come to the topic in which it is said.
func (c *call) alertsHere(ctx context.Context, s subject) chat.Reply {
	if s.mute {
		return c.cannotPost(s)
	}
	a, refusal, ok := c.changeAlerts(ctx, s, c.entry("here"), func(a *alert.Chat) error {
		moved := a.Subscriptions
		a.Subscriptions = nil
		for _, sub := range moved {
			sub.Thread = s.target.Thread
			if !slices.ContainsFunc(a.Subscriptions, func(have alert.Subscription) bool { return have.Rule == sub.Rule && have.Coin == sub.Coin }) {
				a.Subscriptions = append(a.Subscriptions, sub)
			}
		}
		for i := range a.Levels {
			a.Levels[i].Thread = s.target.Thread
		}
		if a.Terms.Digest.On {
			a.Terms.Digest.Thread = s.target.Thread
		}
		return nil
	})
	if !ok {
		return refusal
	}
	return c.told(s, chat.Reply{
		Text:    c.lang.Text("settings.here", "coins", coinList(coinsOf(a))),
		Buttons: trimmed([][]chat.Button{{c.undoButton(ctx, s), c.backToSettings(s)}}),
	})
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
	switch e.Change {
	case "subscribe":
		return l.Say("log.subscribe", "coin", e.Arg("coin")) + loggedRules(l, e)
	case "unsubscribe":
		return l.Say("log.unsubscribe", "coin", e.Arg("coin")) + loggedRules(l, e)
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
		rule := alert.Rule(e.Arg("rule"))
		return l.Say("log.threshold", "coin", e.Arg("coin"), "rule", ruleName(l, rule), "from", loggedLeast(l, rule, e.Arg("from")), "to", loggedLeast(l, rule, e.Arg("to")))
	case "language":
		return l.Say("log.language", "language", locales.For(e.Arg("to")).Name())
	case "default":
		return l.Say("log.default", "coin", e.Arg("coin"), "window", e.Arg("window"))
	default:
		return termsChangeWords(l, e)
	}
}

// termsChangeWords words a change of how the chat is told.
func termsChangeWords(l *locales.Language, e chat.Entry) string {
	switch e.Change {
	case "quiet":
		if e.Arg("off") != "" {
			return l.Say("log.quiet_off")
		}
		hours := e.Arg("from") + "–" + e.Arg("to")
		if e.Arg("silent") == "true" {
			hours = l.Say("quiet.button_silent", "hours", hours)
		}
		return l.Say("log.quiet", "hours", hours)
	case "digest":
		if e.Arg("off") != "" {
			return l.Say("log.digest_off")
		}
		return l.Say("log.digest", "time", e.Arg("at"))
	case "cap":
		none := func(n string) string {
			if n == "0" {
				return l.Say("button.off")
			}
			return n
		}
		return l.Say("log.cap", "from", none(e.Arg("from")), "to", none(e.Arg("to")))
	case "cooldown":
		span := func(name string) string {
			d, err := time.ParseDuration(e.Arg(name))
			if err != nil || d <= 0 {
				return l.Say("button.usual")
			}
			return l.Span(d)
		}
		return l.Say("log.cooldown", "from", span("from"), "to", span("to"))
	case "followups":
		if e.Arg("on") == "true" {
			return l.Say("log.followups_on")
		}
		return l.Say("log.followups_off")
	case "timezone":
		return l.Say("log.timezone", "zone", e.Arg("to"))
	case "permit":
		return l.Say("log.permit", "command", "/"+e.Arg("command"), "who", l.Say("permit."+e.Arg("who")))
	case "here":
		return l.Say("log.here")
	case "undo":
		return l.Say("log.undo", "what", changeWords(l, chat.Entry{Change: e.Arg("what"), Args: e.Args}))
	default:
		return e.Change
	}
}

// loggedRules names the rules of a change, nothing for a log line without any.
func loggedRules(l *locales.Language, e chat.Entry) string {
	var rules []alert.Rule
	for name := range strings.SplitSeq(e.Arg("rules"), ",") {
		if rule := alert.Rule(name); rule.Known() {
			rules = append(rules, rule)
		}
	}
	if len(rules) == 0 {
		return ""
	}
	return " (" + ruleNames(l, rules) + ")"
}

func loggedLeast(l *locales.Language, rule alert.Rule, v string) string {
	threshold, err := strconv.ParseFloat(v, 64)
	if err != nil || threshold < 0 {
		threshold = 0
	}
	return least(l, rule, threshold)
}
