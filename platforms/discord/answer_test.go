package discord_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/discord"
	"liqbot/platforms/discord/discordtest"
)

func TestSlashCommandWithPicture(t *testing.T) {
	t.Parallel()
	got := make(chan chat.Request, 1)
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		got <- r
		return picture("BTC")
	})
	from := discordtest.Guild()
	from.Locale, from.GuildLocale = "ru", "zh-CN"
	i := w.Slash(from, "liq", discordtest.Value{Name: "window", Value: "7d"}, discordtest.Value{Name: "coin", Value: " $btc "})
	m := i.Reply()

	r := <-got
	if r.IsAdmin == nil {
		t.Fatal("a server has administrators, got no IsAdmin")
	}
	admin, err := r.IsAdmin(t.Context())
	if admin || err != nil {
		t.Errorf("IsAdmin: got %t, %v, want false", admin, err)
	}
	if r.Place == nil {
		t.Error("a server has channels, got no Place")
	}
	r.IsAdmin, r.Working, r.Place = nil, nil, nil
	want := chat.Request{
		ID: "discord:" + i.ID, Target: chat.Target{Platform: chat.Discord, Chat: discordtest.ChannelID}, Home: chat.Target{Platform: chat.Discord, Chat: "server:" + discordtest.GuildID}, Kind: chat.Group,
		Member: chat.Member{Platform: chat.Discord, ID: discordtest.UserID}, MemberName: "somebody", Text: "/liq $btc 7d", Addressed: true,
		LanguageHint: "ru", ChatLanguageHint: "zh-CN",
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{5}, i.Acks()); diff != "" {
		t.Errorf("first answers (-want +got):\n%s", diff)
	}
	if m.Text() != "**BTC**\nbody" || m.Ephemeral {
		t.Errorf("message: got %q, private %t", m.Text(), m.Ephemeral)
	}
	if len(m.Files) != 1 || !bytes.Equal(m.Files[0].Data, png) || m.Files[0].Description != "a map of BTC" {
		t.Errorf("files: got %+v", m.Files)
	}
	if len(m.Embeds) != 1 || m.Embeds[0].Image == nil || m.Embeds[0].Image.URL != "attachment://btc-7d.png" {
		t.Errorf("embeds: got %+v", m.Embeds)
	}
	styles := []int{m.Buttons[0][0].Style, m.Buttons[0][1].Style, m.Buttons[1][0].Style}
	if diff := cmp.Diff([]int{2, 1, 2}, styles); diff != "" {
		t.Errorf("button styles (-want +got):\n%s", diff)
	}
}

func TestPressEditsTheMessage(t *testing.T) {
	t.Parallel()
	presses := make(chan string, 1)
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		if r.Press == "" {
			return picture("first")
		}
		presses <- r.Press
		reply := picture("second")
		reply.Edit = true
		return reply
	})
	m := w.Slash(discordtest.Guild(), "liq").Reply()
	i := w.Press(discordtest.Guild(), m, m.Press("Refresh"))
	edited := i.Reply()
	if p := <-presses; p != "liq:BTC:7d" {
		t.Errorf("press: got %q, want the button's data", p)
	}
	if diff := cmp.Diff([]int{6}, i.Acks()); diff != "" {
		t.Errorf("first answers (-want +got):\n%s", diff)
	}
	if edited.ID != m.ID || edited.Text() != "**second**\nbody" || len(edited.Files) != 1 {
		t.Errorf("edited: got message %s %q with %d files, want %s with one", edited.ID, edited.Text(), len(edited.Files), m.ID)
	}
	if n := len(w.Messages(discordtest.ChannelID)); n != 1 {
		t.Errorf("got %d messages, want 1", n)
	}
}

func TestReplyForms(t *testing.T) {
	t.Parallel()
	private := chat.Reply{Text: chat.Plainly("only you"), Private: true}
	tests := []struct {
		name    string
		reply   chat.Reply
		slow    bool
		press   bool
		ack     int
		text    string
		private bool
		// messages that are left in the channel; a press starts with one.
		messages int
	}{
		{name: "text at once", reply: chat.Reply{Text: chat.Plainly("hello")}, ack: 4, text: "hello", messages: 1},
		{name: "private at once", reply: private, ack: 4, text: "only you", private: true, messages: 1},
		{name: "text late", reply: chat.Reply{Text: chat.Plainly("hello")}, slow: true, ack: 5, text: "hello", messages: 1},
		{name: "private late", reply: private, slow: true, ack: 5, text: "only you", private: true, messages: 1},
		{name: "nothing to say", reply: chat.Reply{}, ack: 5, messages: 0},
		{name: "press, new text", reply: chat.Reply{Text: chat.Plainly("more")}, press: true, ack: 4, text: "more", messages: 2},
		{name: "press, private", reply: private, press: true, ack: 4, text: "only you", private: true, messages: 2},
		{name: "press, private although edit", reply: chat.Reply{Text: private.Text, Private: true, Edit: true}, press: true, ack: 4, text: "only you", private: true, messages: 2},
		{name: "press, private late", reply: private, press: true, slow: true, ack: 6, text: "only you", private: true, messages: 2},
		{name: "press, new picture", reply: picture("new"), press: true, ack: 5, text: "**new**\nbody", messages: 2},
		{name: "press, edit to text", reply: chat.Reply{Text: chat.Plainly("gone"), Edit: true}, press: true, ack: 6, text: "gone", messages: 1},
		{name: "press, nothing to say", reply: chat.Reply{}, press: true, ack: 6, text: "**start**\nbody", messages: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
				if tt.press && r.Press == "" {
					return picture("start")
				}
				if tt.slow {
					r.Working()
					<-release
				}
				return tt.reply
			})
			i := w.Slash(discordtest.Guild(), "liq")
			if tt.press {
				m := i.Reply()
				i = w.Press(discordtest.Guild(), m, m.Press("1d"))
			}
			if ack := i.WaitAck(); ack != tt.ack {
				t.Errorf("first answer: got type %d, want %d", ack, tt.ack)
			}
			close(release)
			w.eventually("the messages", func() bool {
				left := w.Messages(discordtest.ChannelID)
				if len(left) != tt.messages {
					return false
				}
				if tt.messages == 0 {
					return true
				}
				last := left[len(left)-1]
				return last.Text() == tt.text && last.Ephemeral == tt.private && !last.Thinking
			})
		})
	}
}

func TestWhoAndWhere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		from        func() discordtest.From
		kind        chat.Kind
		asks, admin bool
	}{
		{"member", discordtest.Guild, chat.Group, true, false},
		{"administrator", func() discordtest.From {
			f := discordtest.Guild()
			f.Permissions |= discordtest.Administrator
			return f
		}, chat.Group, true, true},
		{"may manage the server", func() discordtest.From {
			f := discordtest.Guild()
			f.Permissions |= discordtest.ManageGuild
			return f
		}, chat.Group, true, true},
		{"private chat", discordtest.Direct, chat.Private, false, false},
		{"group DM by user install", func() discordtest.From {
			f := discordtest.Direct()
			f.Context = discordtest.InPrivateChannel
			return f
		}, chat.Group, true, false},
	}
	got := make(chan chat.Request, 1)
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		got <- r
		return chat.Reply{Text: chat.Plainly("ok")}
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.Slash(tt.from(), "lang").Reply()
			r := <-got
			if r.Kind != tt.kind || (r.IsAdmin != nil) != tt.asks || r.Member.ID != discordtest.UserID {
				t.Fatalf("got kind %d, IsAdmin there %t, member %q", r.Kind, r.IsAdmin != nil, r.Member.ID)
			}
			if !tt.asks {
				return
			}
			if admin, err := r.IsAdmin(t.Context()); admin != tt.admin || err != nil {
				t.Errorf("IsAdmin: got %t, %v, want %t", admin, err, tt.admin)
			}
		})
	}
}

func TestOddInteractions(t *testing.T) {
	t.Parallel()
	presses := make(chan string, 8)
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		presses <- r.Press + r.Text
		return chat.Reply{Text: chat.Plainly("that button is old"), Private: true}
	})
	label := map[string]any{"custom_id": "form", "components": []any{map[string]any{"type": 18, "component": map[string]any{"type": 4}}}}
	menu := map[string]any{"id": "1", "name": "Report", "type": 3, "target_id": "5"}
	tests := []struct {
		name string
		kind int
		data any
		want string
	}{
		{"modal that the library cannot read", 5, label, "unknown"},
		{"modal", 5, map[string]any{"custom_id": "form", "components": []any{}}, "form"},
		{"type of tomorrow", 9, map[string]any{"x": 1}, "unknown"},
		{"context menu", 2, menu, "/Report"},
		{"forged button", 3, map[string]any{"custom_id": "liq:BTC:'; DROP", "component_type": 2}, "liq:BTC:'; DROP"},
		{"forged number", 3, map[string]any{"custom_id": "999|x", "component_type": 2}, "999|x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := w.Raw(discordtest.Guild(), tt.kind, tt.data).Reply()
			if got := <-presses; got != tt.want {
				t.Errorf("request: got %q, want %q", got, tt.want)
			}
			if !m.Ephemeral || m.Text() != "that button is old" {
				t.Errorf("reply: got %q, private %t", m.Text(), m.Ephemeral)
			}
		})
	}
}

func TestAutocomplete(t *testing.T) {
	t.Parallel()
	many := func(typed string, limit int) []chat.Choice {
		out := []chat.Choice{{Label: "", Value: "x"}, {Label: "too long", Value: strings.Repeat("v", 101)}}
		for range 2 * limit {
			out = append(out, chat.Choice{Label: typed + strings.Repeat("n", 200), Value: "BTC"})
		}
		return out
	}
	w := start(t, discordtest.New(t), say("x"), func(c *discord.Config) { c.Bot.Suggest = many })
	got := w.Autocomplete(discordtest.Guild(), "liq", "coin", "b")
	if len(got) != 25 || got[0].Value != "BTC" || len([]rune(got[0].Name)) != 100 {
		t.Errorf("got %d choices, first %+v", len(got), got)
	}
	if got := w.Autocomplete(discordtest.Guild(), "liq", "window", "b"); len(got) != 0 {
		t.Errorf("an option that is no coin: got %v", got)
	}
}

func TestSeenTwiceIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), say("once"))
	i := w.Slash(discordtest.Guild(), "liq")
	i.Reply()
	i.Again()
	w.counted(discord.EventDuplicate, 1)
	if n := len(w.Calls("POST", "/callback")); n != 1 {
		t.Errorf("got %d first answers, want 1", n)
	}
}

func TestUnclaimedIsAnswered(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), say("still here"), func(c *discord.Config) {
		c.Claims = &memoryClaims{err: errors.New("disk is full")}
	})
	if m := w.Slash(discordtest.Guild(), "liq").Reply(); m.Text() != "still here" {
		t.Errorf("got %q", m.Text())
	}
}

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), func(context.Context, chat.Request) chat.Reply { panic("chat-text") })
	m := w.Slash(discordtest.Guild(), "liq").Reply()
	if !m.Ephemeral || m.Text() == "" {
		t.Errorf("got %q, private %t", m.Text(), m.Ephemeral)
	}
	w.counted(discord.EventPanic, 1)
}

func TestMissingPermissions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		allowed       int64
		files, embeds int
		note          bool
	}{
		{"all", discordtest.SendMessages | discordtest.EmbedLinks | discordtest.AttachFiles, 1, 1, false},
		{"no embeds", discordtest.SendMessages | discordtest.AttachFiles, 1, 0, false},
		{"no files", discordtest.SendMessages | discordtest.EmbedLinks, 0, 0, true},
		{"neither", discordtest.SendMessages, 0, 0, true},
		{"not told", 0, 0, 0, true}, // Discord refuses the first try
	}
	w := start(t, discordtest.New(t), func(context.Context, chat.Request) chat.Reply { return picture("BTC") })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			from := discordtest.Guild()
			from.AppPermissions = tt.allowed
			m := w.Slash(from, "liq").Reply()
			if len(m.Files) != tt.files || len(m.Embeds) != tt.embeds {
				t.Errorf("got %d files and %d embeds, want %d and %d", len(m.Files), len(m.Embeds), tt.files, tt.embeds)
			}
			if !strings.Contains(m.Text(), "body") || strings.Contains(m.Text(), "Attach Files") != tt.note {
				t.Errorf("text: got %q", m.Text())
			}
		})
	}
}

func TestMalformedEvents(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), say("alive"))
	w.counted(discord.EventIdentified, 1)
	events := []any{
		"a string",
		map[string]any{},
		map[string]any{"id": 5, "token": []int{1}},
		map[string]any{"id": "1", "token": "interaction-token-x", "type": 2, "app_permissions": "many"},
		map[string]any{"id": "2", "token": "", "type": 2, "data": nil},
	}
	for _, e := range events {
		w.Event("INTERACTION_CREATE", e)
	}
	w.Event("EVENT_OF_TOMORROW", map[string]any{"x": 1})
	w.counted(discord.EventMalformed, len(events))
	if m := w.Slash(discordtest.Guild(), "liq").Reply(); m.Text() != "alive" {
		t.Errorf("got %q", m.Text())
	}
}
