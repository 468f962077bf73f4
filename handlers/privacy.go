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

// deleteMyData answers /deletemydata: everything of the chat is deleted, once that is
// confirmed. In a group its administrators decide.
func deleteMyData(ctx context.Context, c *call) chat.Reply {
	l := c.lang
	if c.opts.Keeper == nil {
		return c.fail("error.broken")
	}
	if ok, refusal := c.mayChange(ctx); !ok {
		return refusal
	}
	if len(c.args) != 1 || c.args[0] != yesWord {
		key := "delete.ask"
		if c.Kind != chat.Private {
			key = "delete.ask_group"
		}
		return chat.Reply{Text: l.Text(key), Private: true, Buttons: [][]chat.Button{{
			{Label: l.Say("delete.button"), Data: press("deletemydata", yesWord)}, {Label: l.Say("button.back"), Data: press("privacy")},
		}}}
	}
	m := chat.Member{}
	if c.Kind == chat.Private {
		m = c.Member
	}
	sum, err := c.opts.Keeper.Erase(ctx, c.Target, m)
	if err == nil && c.Chooser() != c.Target {
		var home chat.Erased
		home, err = c.opts.Keeper.Erase(ctx, c.Chooser(), m)
		sum = added(sum, home)
	}
	if err != nil {
		c.opts.Log.Error("chat not erased", slog.Any("err", err))
		return c.fail("error.not_saved")
	}
	var p paragraphs
	if sum == (chat.Erased{}) {
		p.line(l.Text("delete.nothing"))
		return chat.Reply{Text: p.text}
	}
	n := strconv.Itoa
	settings := l.Say("delete.no_settings")
	if sum.Settings {
		settings = l.Say("delete.settings")
	}
	p.line(l.Text("delete.done"))
	p.line(l.Text("delete.what", "settings", settings, "subscriptions", n(sum.Subscriptions), "levels", n(sum.Levels), "thresholds", n(sum.Thresholds)))
	p.line(l.Text("delete.more", "changes", n(sum.Changes), "mentions", n(sum.Mentions), "held", n(sum.Held), "messages", n(sum.Messages)))
	p.line(l.Text("delete.after"))
	return chat.Reply{Text: p.text}
}

func added(a, b chat.Erased) chat.Erased {
	return chat.Erased{
		Settings: a.Settings || b.Settings, Subscriptions: a.Subscriptions + b.Subscriptions, Levels: a.Levels + b.Levels,
		Thresholds: a.Thresholds + b.Thresholds, Changes: a.Changes + b.Changes, Mentions: a.Mentions + b.Mentions,
		Held: a.Held + b.Held, Messages: a.Messages + b.Messages,
	}
}
