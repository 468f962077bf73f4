package handlers

import (
	"context"
	"log/slog"
	"strconv"

	"liqbot/chat"
)

// privacy answers /privacy: what is kept, for how long, and how it is deleted.
func privacy(_ context.Context, c *call) chat.Reply {
	l := c.lang
	var p paragraphs
	p.line(l.Text("privacy.title"))
	for _, key := range []string{"privacy.kept", "privacy.not_kept", "privacy.how_long", "privacy.shared", "privacy.delete"} {
		p.gap()
		p.line(l.Text(key))
	}
	return chat.Reply{Text: p.text, Buttons: [][]chat.Button{{{Label: l.Say("button.delete"), Data: press("deletemydata")}}}}
}

// yesWord confirms what cannot be taken back.
const yesWord = "yes"

// deleteMyData answers /deletemydata: everything of the chat, or of another one that the
// member administers, is deleted, once that is confirmed. In a group its administrators
// decide.
func deleteMyData(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	switch {
	case !ok:
		return refusal
	case c.opts.Keeper == nil:
		return c.fail("error.broken")
	case len(c.args) > 1 || len(c.args) == 1 && c.args[0] != yesWord:
		return c.fail("delete.usage")
	}
	if ok, refusal := c.mayChangeIn(ctx, s); !ok {
		return refusal
	}
	if len(c.args) == 0 {
		return c.askToDelete(s)
	}
	m := chat.Member{}
	if s.kind == chat.Private {
		m = c.Member
	}
	sum, err := c.opts.Keeper.Erase(ctx, s.target, m)
	if err == nil && s.home != s.target {
		var home chat.Erased
		home, err = c.opts.Keeper.Erase(ctx, s.home, m)
		sum = added(sum, home)
	}
	if err != nil {
		c.opts.Log.Error("chat not erased", slog.Any("err", err))
		return c.fail("error.not_saved")
	}
	return c.told(s, chat.Reply{Text: c.deleted(sum), Edit: c.Press != ""})
}

// askToDelete shows what would be deleted, with a button that does it.
func (c *call) askToDelete(s subject) chat.Reply {
	l, key := c.lang, "delete.ask"
	if s.kind != chat.Private {
		key = "delete.ask_group"
	}
	return c.told(s, chat.Reply{Text: l.Text(key), Private: true, Buttons: trimmed([][]chat.Button{{
		{Label: l.Say("delete.button"), Data: c.pressFor(s, "deletemydata", yesWord)}, {Label: l.Say("button.back"), Data: press("privacy")},
	}})})
}

// deleted says what was deleted.
func (c *call) deleted(sum chat.Erased) chat.Text {
	l, n := c.lang, strconv.Itoa
	if sum == (chat.Erased{}) {
		return l.Text("delete.nothing")
	}
	settings := l.Say("delete.no_settings")
	if sum.Settings {
		settings = l.Say("delete.settings")
	}
	var p paragraphs
	p.line(l.Text("delete.done"))
	p.line(l.Text("delete.what", "settings", settings, "subscriptions", n(sum.Subscriptions), "levels", n(sum.Levels), "thresholds", n(sum.Thresholds)))
	p.line(l.Text("delete.more", "changes", n(sum.Changes), "mentions", n(sum.Mentions), "held", n(sum.Held), "messages", n(sum.Messages)))
	p.line(l.Text("delete.after"))
	return p.text
}

func added(a, b chat.Erased) chat.Erased {
	return chat.Erased{
		Settings: a.Settings || b.Settings, Subscriptions: a.Subscriptions + b.Subscriptions, Levels: a.Levels + b.Levels,
		Thresholds: a.Thresholds + b.Thresholds, Changes: a.Changes + b.Changes, Mentions: a.Mentions + b.Mentions,
		Held: a.Held + b.Held, Messages: a.Messages + b.Messages,
	}
}
