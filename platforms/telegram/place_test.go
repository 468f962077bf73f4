package telegram_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
)

// found asks for a place as a member does with a command.
func found(t *testing.T, h *harness, name string, ask func()) (chat.Place, error) {
	t.Helper()
	type answer struct {
		place chat.Place
		err   error
	}
	got := make(chan answer, 1)
	h.cfg.Bot.Handle = func(ctx context.Context, r chat.Request) chat.Reply {
		p, err := r.Place(ctx, name)
		got <- answer{p, err}
		return chat.Reply{}
	}
	h.start()
	ask()
	a := <-got
	h.stop()
	return a.place, a.err
}

func TestPlaces(t *testing.T) {
	const id, small = int64(-1001234567890), "-1001234567890"
	admin := func(h *harness) {
		h.AddChat(id, "channel", "alerts_here")
		h.SetMember(id, telegramtest.BotID, "administrator")
		h.SetRight(id, telegramtest.BotID, "can_post_messages", true)
		h.SetMember(id, ann, "administrator")
	}
	supergroup := func(status string) func(h *harness) {
		return func(h *harness) {
			h.AddChat(id, "supergroup", "alerts_here")
			h.SetMember(id, telegramtest.BotID, status)
			h.SetRight(id, telegramtest.BotID, "is_member", true)
			h.SetMember(id, ann, "creator")
		}
	}
	after := func(steps ...func(h *harness)) func(h *harness) {
		return func(h *harness) {
			for _, s := range steps {
				s(h)
			}
		}
	}
	place := func(kind chat.Kind, admin, canPost bool) chat.Place {
		return chat.Place{Target: to(id), Kind: kind, Admin: admin, CanPost: canPost}
	}
	tests := map[string]struct {
		name  string
		setup func(h *harness)
		want  chat.Place
		err   string // "none" or "other"
	}{
		"name":                 {"@alerts_here", admin, place(chat.Channel, true, true), ""},
		"name in other case":   {" @Alerts_HERE ", admin, place(chat.Channel, true, true), ""},
		"link":                 {"https://t.me/alerts_here", admin, place(chat.Channel, true, true), ""},
		"link without a dress": {"t.me/alerts_here/", admin, place(chat.Channel, true, true), ""},
		"id":                   {small, admin, place(chat.Channel, true, true), ""},
		"creator":              {"@alerts_here", after(admin, func(h *harness) { h.SetMember(id, ann, "creator") }), place(chat.Channel, true, true), ""},
		"reader":               {"@alerts_here", after(admin, func(h *harness) { h.SetMember(id, ann, "member") }), place(chat.Channel, false, true), ""},
		"stranger":             {"@alerts_here", after(admin, func(h *harness) { h.SetMember(id, ann, "left") }), place(chat.Channel, false, true), ""},
		"new status":           {"@alerts_here", after(admin, func(h *harness) { h.SetMember(id, ann, "emperor") }), place(chat.Channel, false, true), ""},
		"not known there":      {"@alerts_here", after(admin, func(h *harness) { h.ForgetMember(id, ann) }), place(chat.Channel, false, true), ""},
		"may not post":         {"@alerts_here", after(admin, func(h *harness) { h.SetRight(id, telegramtest.BotID, "can_post_messages", false) }), place(chat.Channel, true, false), ""},
		"bot only reads":       {"@alerts_here", after(admin, func(h *harness) { h.SetMember(id, telegramtest.BotID, "member") }), place(chat.Channel, false, false), ""},
		"bot is not there":     {"@alerts_here", after(admin, func(h *harness) { h.SetMember(id, telegramtest.BotID, "left") }), chat.Place{}, "none"},
		"bot was kicked":       {small, after(admin, func(h *harness) { h.SetMember(id, telegramtest.BotID, "kicked") }), chat.Place{}, "none"},
		"group":                {"@alerts_here", supergroup("member"), place(chat.Group, true, true), ""},
		"group as admin":       {"@alerts_here", supergroup("administrator"), place(chat.Group, true, true), ""},
		"group, muted":         {"@alerts_here", supergroup("restricted"), place(chat.Group, true, false), ""},
		"group, left":          {"@alerts_here", supergroup("left"), chat.Place{}, "none"},
		"group, restricted": {"@alerts_here", after(supergroup("restricted"), func(h *harness) {
			h.SetRight(id, telegramtest.BotID, "can_send_messages", true)
		}), place(chat.Group, true, true), ""},
		"unknown":      {"@alerts_here", func(*harness) {}, chat.Place{}, "none"},
		"unknown id":   {small, func(*harness) {}, chat.Place{}, "none"},
		"person":       {"@somebody", func(h *harness) { h.AddChat(77, "private", "somebody") }, chat.Place{}, "none"},
		"no name":      {"alerts_here", admin, chat.Place{}, "none"},
		"invitation":   {"https://t.me/+AbCdEf", admin, chat.Place{}, "none"},
		"own chat":     {"501", admin, chat.Place{}, "none"},
		"empty":        {"", admin, chat.Place{}, "none"},
		"limited":      {"@alerts_here", after(admin, func(h *harness) { h.Fail("getChat", telegramtest.TooMany(9)) }), chat.Place{}, "other"},
		"no answer":    {"@alerts_here", after(admin, func(h *harness) { h.Fail("getChat", telegramtest.Fault{Drop: true}) }), chat.Place{}, "other"},
		"page":         {"@alerts_here", after(admin, func(h *harness) { h.Fail("getChat", telegramtest.Fault{Status: 403}) }), chat.Place{}, "other"},
		"bot, limited": {"@alerts_here", after(admin, func(h *harness) { h.Fail("getChatMember", telegramtest.TooMany(9)) }), chat.Place{}, "other"},
		"limited late": {"@alerts_here", after(admin, func(h *harness) { h.Fail("getChatMember", telegramtest.Fault{}, telegramtest.TooMany(9)) }), chat.Place{}, "other"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := prepare(t, say("x"))
			tt.setup(h)
			got, err := found(t, h, tt.name, func() { h.PrivateText(ann, "/alerts") })
			if none := errors.Is(err, chat.ErrNoPlace); (err != nil) != (tt.err != "") || none != (tt.err == "none") {
				t.Fatalf("Place: %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
		})
	}
}

// Nobody is taken for an administrator whom Telegram does not name.
func TestPlacesOfTheAnonymous(t *testing.T) {
	for name, ask := range map[string]func(h *harness){
		"hidden administrator": func(h *harness) { anonymous(h, group) },
		"channel post":         func(h *harness) { h.ChannelText(channel, "/alerts") },
	} {
		t.Run(name, func(t *testing.T) {
			h := prepare(t, say("x"))
			h.AddChat(channel, "channel", "alerts_here")
			h.SetMember(channel, telegramtest.BotID, "creator")
			h.SetMember(channel, 1087968824, "administrator")
			got, err := found(t, h, "@alerts_here", func() { ask(h) })
			if err != nil || got.Admin || !got.CanPost {
				t.Errorf("Place = %+v, %v", got, err)
			}
			if r := h.requests(); len(r) > 0 && r[0].MemberName != "" {
				t.Errorf("name %q", r[0].MemberName)
			}
		})
	}
}

func TestMemberNames(t *testing.T) {
	from := func(first, last, user string) telegramtest.Option {
		return telegramtest.With("from", map[string]any{"id": ann, "first_name": first, "last_name": last, "username": user})
	}
	h := begin(t, say("x"))
	h.PrivateText(ann, "/a", from(" Ann ", "Lee", "ann"))
	h.PrivateText(ann, "/b", from("", "", "ann"))
	h.PrivateText(ann, "/c", from("A\u202en\nn", "", ""))
	h.PrivateText(ann, "/d", from("", "", ""))
	h.Press(502, h.messages(ann, 4)[0], "d")
	h.WaitFor("requests", func() bool { return len(h.requests()) == 5 })
	var got []string
	for _, r := range h.requests() {
		got = append(got, r.MemberName)
	}
	if diff := cmp.Diff([]string{"Ann Lee", "@ann", "A n n", "", "Ann"}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// lives keeps what the bot is told of chats.
type lives struct {
	mu   sync.Mutex
	told []string
}

func (l *lives) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, s)
}

func (l *lives) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.told)
}

func TestLifeOfChats(t *testing.T) {
	l := &lives{}
	h := prepare(t, echo)
	h.cfg.Bot.Left = func(_ context.Context, t chat.Target, reason string) error {
		l.add("left " + t.Chat + ": " + reason)
		return errors.New("noted all the same")
	}
	h.cfg.Bot.Back = func(_ context.Context, t chat.Target) error {
		l.add("back " + t.Chat)
		return errors.New("noted all the same")
	}
	h.start()
	h.AddChat(channel, "channel", "")
	group, channel := strconv.FormatInt(group, 10), strconv.FormatInt(channel, 10)
	steps := []struct {
		do   func()
		want string
	}{
		{func() { h.Membership(-1001, ann, "left", "member"); h.messages(-1001, 1) }, "back " + group},
		{func() { h.Membership(-1001, ann, "member", "administrator") }, "back " + group},
		{func() { h.Membership(-1001, ann, "administrator", "kicked") }, "left " + group + ": bot was kicked"},
		{func() { h.Membership(-1001, ann, "left", "member"); h.messages(-1001, 2) }, "back " + group},
		{func() { h.Membership(-1001, ann, "member", "left") }, "left " + group + ": bot is not a member"},
		{func() { h.Membership(-1002, ann, "left", "administrator") }, "back " + channel},
		{func() { h.Membership(-1002, ann, "administrator", "kicked") }, "left " + channel + ": bot was kicked"},
		{func() { h.Membership(ann, ann, "member", "kicked") }, "left 501: bot was blocked by the user"},
		{func() { h.Membership(ann, ann, "kicked", "member") }, "back 501"},
		{func() { h.PrivateText(ann, "/start x") }, "back 501"},
	}
	var want []string
	for _, s := range steps {
		want = append(want, s.want)
		s.do()
		h.WaitFor(s.want, func() bool { return len(l.all()) >= len(want) })
	}
	h.PrivateText(ann, "/liq")
	h.messages(ann, 2)
	if diff := cmp.Diff(want, l.all()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if n := len(h.Messages(-1001)); n != 2 {
		t.Errorf("%d greetings in the group, want 2", n)
	}
	if n := len(h.Messages(-1002)); n != 0 {
		t.Errorf("%d greetings in the channel", n)
	}
}

// A group that has become a supergroup is left by everyone; its subscriptions have
// gone with it.
func TestMovedGroupIsNotLeft(t *testing.T) {
	l := &lives{}
	h := prepare(t, echo)
	h.cfg.Bot.Moved = func(_ context.Context, from, to chat.Target) error {
		l.add("moved " + from.Chat + " to " + to.Chat)
		return nil
	}
	h.cfg.Bot.Left = func(_ context.Context, t chat.Target, _ string) error { l.add("left " + t.Chat); return nil }
	h.start()
	h.GroupText(-55, ann, "", telegramtest.With("migrate_to_chat_id", -1009))
	h.Membership(-55, ann, "member", "left")
	h.Membership(-56, ann, "member", "left")
	h.WaitFor("the other group", func() bool { return slices.Contains(l.all(), "left -56") })
	h.WaitFor("confirmation", func() bool { return h.Unconfirmed() == 0 })
	if got := l.all(); slices.Contains(got, "left -55") || !slices.Contains(got, "moved -55 to -1009") {
		t.Errorf("told %q", got)
	}
}
