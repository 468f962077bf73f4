package handlers

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// Alerts is where chats' wishes for alerts are kept.
type Alerts interface {
	// Alerts returns what a chat, with all its topics, has asked for.
	Alerts(context.Context, chat.Target) (alert.Chat, error)
	// ChangeAlerts returns once the change and its line in the log are kept for good.
	// An error of the function means that nothing changes.
	ChangeAlerts(context.Context, chat.Target, chat.Entry, func(*alert.Chat) error) (alert.Chat, error)
	// Log returns the newest changes of a chat, the newest first.
	Log(ctx context.Context, home chat.Target, n int) ([]chat.Entry, error)
}

// errRaced: somebody else has changed it meanwhile.
var errRaced = errors.New("changed meanwhile")

// subject is the chat that a command is about: the one it was written in, or
// another one that the member has named.
type subject struct {
	target, home chat.Target
	kind         chat.Kind
	// name is how the member named another chat, fit for a button; empty for this one.
	name string
	// mute is that the bot may not post there.
	mute bool
}

// about finds the chat that a command is about and takes its name out of the
// arguments. Another chat is only for its administrators, also to read. The reply is the
// refusal.
func (c *call) about(ctx context.Context) (subject, chat.Reply, bool) {
	at := slices.IndexFunc(c.args, namesPlace)
	if at < 0 {
		return subject{target: c.Target, home: c.Chooser(), kind: c.Kind, mute: c.CannotPost}, chat.Reply{}, true
	}
	name := c.args[at]
	c.args = slices.Delete(slices.Clone(c.args), at, at+1)
	if c.Place == nil {
		return subject{}, c.fail("error.no_places"), false
	}
	place, err := c.Place(ctx, name)
	switch {
	case errors.Is(err, chat.ErrNoPlace):
		if c.Target.Platform == chat.Discord {
			return subject{}, c.fail("error.no_such_place_pick"), false
		}
		return subject{}, c.fail("error.no_such_place"), false
	case err != nil:
		c.opts.Log.Warn("named chat not checked", slog.String("platform", string(c.Target.Platform)), slog.Any("err", err))
		return subject{}, c.fail("error.admin_check"), false
	}
	switch {
	case !place.Admin && !place.CanPost: // a bot without rights does not see who else has some
		return subject{}, c.fail("error.place_cannot_post"), false
	case !place.Admin:
		return subject{}, c.fail("error.place_admins_only"), false
	}
	s := subject{target: place.Target, home: place.Home, kind: place.Kind, name: name, mute: !place.CanPost}
	if s.home == (chat.Target{}) {
		s.home = place.Target
	}
	return s, chat.Reply{}, true
}

// namesPlace reports whether a word names another chat: "@channel", a link to one,
// or Discord's "<#id>".
func namesPlace(word string) bool {
	for _, prefix := range []string{"@", "<#", "t.me/", "https://t.me/"} {
		if rest, ok := strings.CutPrefix(word, prefix); ok && rest != "" {
			return true
		}
	}
	return false
}

// mayChangeIn is mayChange for a chat that may be another one, whose administrator the
// member is then.
func (c *call) mayChangeIn(ctx context.Context, s subject) (bool, chat.Reply) {
	if s.name != "" {
		return true, chat.Reply{}
	}
	return c.mayChange(ctx)
}

// settingsOf are the settings of a subject's chat.
func (c *call) settingsOf(ctx context.Context, s subject) chat.Settings {
	if s.name == "" {
		return c.settings
	}
	settings, err := c.opts.Settings.Settings(ctx, s.home)
	if err != nil {
		c.opts.Log.Error("chat settings not read", slog.Any("err", err))
	}
	return settings
}

// changeSettings keeps a change of the settings of a subject's chat, whose administrator
// the member has to be. The reply is the refusal.
func (c *call) changeSettings(ctx context.Context, s subject, e chat.Entry, f func(*chat.Settings)) (bool, chat.Reply) {
	if ok, refusal := c.mayChangeIn(ctx, s); !ok {
		return false, refusal
	}
	switch {
	case s.name == "":
		return c.change(ctx, e, f)
	case s.home != s.target: // the settings of a channel there are those of all channels
		return false, c.fail("place.whole_server")
	}
	if err := c.opts.Settings.Change(ctx, s.home, e, f); err != nil {
		c.opts.Log.Error("chat settings not saved", slog.Any("err", err))
		return false, c.fail("error.not_saved")
	}
	return true, chat.Reply{}
}

// entry is a line for the chat's log: who changes what.
func (c *call) entry(change string, args ...string) chat.Entry {
	return chat.Entry{At: c.now, Member: c.Member, Name: c.MemberName, Change: change, Args: args}
}

// changeAlerts keeps a change of what a chat has asked for. The reply is the
// refusal.
func (c *call) changeAlerts(ctx context.Context, s subject, e chat.Entry, f func(*alert.Chat) error) (alert.Chat, chat.Reply, bool) {
	if ok, refusal := c.mayChangeIn(ctx, s); !ok {
		return alert.Chat{}, refusal, false
	}
	elsewhere := s.home.Chat != s.target.Chat // one home, with its log, for many channels
	if elsewhere {
		e.Args = append(e.Args, "in", s.target.Chat)
	}
	changed, err := c.opts.Alerts.ChangeAlerts(ctx, s.target, e, func(a *alert.Chat) error {
		a.Home, a.Kind = chat.Target{}, s.kind
		if elsewhere {
			a.Home = s.home
		}
		if a.Language == "" {
			a.Language = c.lang.Tag()
		}
		if !s.mute { // whoever speaks to the bot can be reached by it
			a.Retired = alert.Retirement{}
		}
		return f(a)
	})
	switch {
	case errors.Is(err, alert.ErrTooMany):
		return alert.Chat{}, c.fail("error.too_many_alerts", "subscriptions", strconv.Itoa(alert.MaxSubscriptions), "levels", strconv.Itoa(alert.MaxLevels)), false
	case errors.Is(err, errRaced):
		return alert.Chat{}, c.fail("proposal.changed"), false
	case errors.Is(err, alert.ErrTooManyCoins):
		return alert.Chat{}, c.fail("error.too_many_coins"), false
	case err != nil:
		c.opts.Log.Error("chat alerts not saved", slog.Any("err", err))
		return alert.Chat{}, c.fail("error.not_saved"), false
	}
	return changed, chat.Reply{}, true
}

// alerts reads what a chat has asked for. The reply is the refusal.
func (c *call) alerts(ctx context.Context, s subject) (alert.Chat, chat.Reply, bool) {
	a, err := c.opts.Alerts.Alerts(ctx, s.target)
	if err != nil {
		c.opts.Log.Error("chat alerts not read", slog.Any("err", err))
		return alert.Chat{}, c.fail("error.broken"), false
	}
	return a, chat.Reply{}, true
}

// told is a reply about a subject: one about another chat says so first.
func (c *call) told(s subject, reply chat.Reply) chat.Reply {
	if s.name != "" {
		reply.Text = slices.Concat(c.lang.Text("place.head", "place", s.name), chat.Plainly("\n"), reply.Text)
	}
	return reply
}

// cannotPost refuses to promise alerts where the bot may not post.
func (c *call) cannotPost(s subject) chat.Reply {
	if s.name == "" {
		return c.fail("error.cannot_post")
	}
	return c.fail("error.place_cannot_post")
}

// pressFor is press for a button about a subject; empty when that is too long for a
// button.
func (c *call) pressFor(s subject, name string, args ...string) string {
	if s.name != "" {
		last := len(args)
		if last > 0 && args[last-1] == "edit" { // which stays last
			last--
		}
		args = slices.Insert(args, last, s.name)
	}
	if data := press(name, args...); len(data) <= chat.MaxPress {
		return data
	}
	return ""
}

// coinArg reads a coin from some words, the chat's own when there is none. The reply is
// the refusal.
func (c *call) coinArg(words []string) (market.Coin, chat.Reply, bool) {
	switch len(words) {
	case 0:
		coin, _ := c.defaults()
		return coin, chat.Reply{}, true
	case 1:
		coin, listed := c.coin(words[0])
		if !listed {
			return "", c.unknownCoin(words[0]), false
		}
		return coin, chat.Reply{}, true
	default:
		for _, word := range words {
			if _, listed := c.coin(word); !listed {
				return "", c.fail("error.rules", "rules", ruleCodes()), false
			}
		}
		return "", c.fail("error.one_coin"), false
	}
}
