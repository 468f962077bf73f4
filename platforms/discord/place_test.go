package discord_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/discord"
	"liqbot/platforms/discord/discordtest"
)

const elsewhere = "1100000000000000099"

// asking runs an adapter that hands on what it was asked. The answer waits until
// the test is done with the request.
func asking(t *testing.T, change ...func(*discord.Config)) (*world, <-chan chat.Request) {
	t.Helper()
	got := make(chan chat.Request, 1)
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		got <- r
		return chat.Reply{Text: chat.Plainly("ok")}
	}, change...)
	return w, got
}

func placeAt(id string, kind chat.Kind, admin, canPost bool) chat.Place {
	return chat.Place{
		Target: chat.Target{Platform: chat.Discord, Chat: id},
		Home:   chat.Target{Platform: chat.Discord, Chat: "server:" + discordtest.GuildID},
		Kind:   kind, Admin: admin, CanPost: canPost,
	}
}

// A channel that a member picks comes with what is needed of it.
func TestPickedPlace(t *testing.T) {
	t.Parallel()
	const view, send, threads = discordtest.ViewChannel, discordtest.SendMessages, discordtest.SendInThreads
	tests := []struct {
		name    string
		channel discordtest.Channel
		admin   bool
		carried bool
		want    chat.Place
		none    bool
	}{
		{name: "text", channel: discordtest.Channel{Guild: discordtest.GuildID, AppPermissions: view | send}, want: placeAt(elsewhere, chat.Group, false, true)},
		{name: "by an administrator", channel: discordtest.Channel{AppPermissions: view | send}, admin: true, want: placeAt(elsewhere, chat.Group, true, true)},
		{name: "the member's rights are not the bot's", channel: discordtest.Channel{Permissions: discordtest.Administrator, AppPermissions: view}, want: placeAt(elsewhere, chat.Group, false, false)},
		{name: "not seen by the bot", channel: discordtest.Channel{AppPermissions: send}, want: placeAt(elsewhere, chat.Group, false, false)},
		{name: "rights not told", channel: discordtest.Channel{}, want: placeAt(elsewhere, chat.Group, false, true)},
		{name: "bot is administrator", channel: discordtest.Channel{AppPermissions: discordtest.Administrator}, want: placeAt(elsewhere, chat.Group, false, true)},
		{name: "announcements", channel: discordtest.Channel{Type: 5, AppPermissions: view | send}, want: placeAt(elsewhere, chat.Channel, false, true)},
		{name: "thread", channel: discordtest.Channel{Type: 11, AppPermissions: view | threads}, want: placeAt(elsewhere, chat.Group, false, true)},
		{name: "thread, right for channels only", channel: discordtest.Channel{Type: 11, AppPermissions: view | send}, want: placeAt(elsewhere, chat.Group, false, false)},
		{name: "bot is no member", channel: discordtest.Channel{AppPermissions: view | send}, carried: true, want: placeAt(elsewhere, chat.Group, false, false)},
		{name: "another server", channel: discordtest.Channel{Guild: "7", AppPermissions: view | send}, none: true},
	}
	w, got := asking(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			from := discordtest.Guild()
			from.Carried = tt.carried
			if tt.admin {
				from.Permissions |= discordtest.ManageGuild
			}
			tt.channel.ID = elsewhere
			w.Slash(from, "alerts", discordtest.Value{Name: "place", Channel: &tt.channel}, discordtest.Value{Name: "amount", Value: " 5m "}).Reply()
			r := <-got
			if r.Text != "/alerts 5m <#"+elsewhere+">" {
				t.Errorf("text: got %q", r.Text)
			}
			for _, name := range []string{"<#" + elsewhere + ">", elsewhere} {
				place, err := r.Place(t.Context(), name)
				if errors.Is(err, chat.ErrNoPlace) != tt.none || (err != nil) != tt.none {
					t.Errorf("%s: got error %v, want none %t", name, err, tt.none)
				}
				if diff := cmp.Diff(tt.want, place); diff != "" {
					t.Errorf("%s: place (-want +got):\n%s", name, diff)
				}
			}
		})
	}
	if n := len(w.Calls("GET", "/channels/")); n != 0 {
		t.Errorf("got %d look-ups, want none", n)
	}
}

// pressed is the request of a press by an administrator.
func pressed(w *world, got <-chan chat.Request) chat.Request {
	from := discordtest.Guild()
	shown := w.Slash(from, "alerts").Reply()
	<-got
	from.Permissions |= discordtest.ManageGuild
	w.Press(from, shown, "0|v1|alerts").Reply()
	return <-got
}

// A channel that a button names is looked up, one that is typed is not.
func TestTypedPlace(t *testing.T) {
	t.Parallel()
	w, got := asking(t)
	w.AddChannel(discordtest.Channel{ID: elsewhere, Guild: discordtest.GuildID, Type: 5})
	w.AddChannel(discordtest.Channel{ID: "15", Guild: discordtest.GuildID, Type: 15})
	w.AddChannel(discordtest.Channel{ID: "16", Guild: "7"})
	w.AddChannel(discordtest.Channel{ID: "17", Guild: discordtest.GuildID, Hidden: true})
	r := pressed(w, got)
	tests := []struct {
		name, typed string
		want        chat.Place
		none        bool
	}{
		{"announcements", "<#" + elsewhere + ">", placeAt(elsewhere, chat.Channel, true, true), false},
		{"forum", "15", placeAt("15", chat.Group, true, false), false},
		{"another server", "16", chat.Place{}, true},
		{"private channel", discordtest.DirectID, chat.Place{}, true},
		{"hidden", "17", chat.Place{}, true},
		{"unknown", "18", chat.Place{}, true},
		{"no name of a channel", "@news", chat.Place{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			place, err := r.Place(t.Context(), tt.typed)
			if errors.Is(err, chat.ErrNoPlace) != tt.none || (err != nil) != tt.none {
				t.Errorf("got error %v, want none %t", err, tt.none)
			}
			if diff := cmp.Diff(tt.want, place); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
		})
	}
	faults := map[string]discordtest.Fault{
		"limited":      discordtest.Limited("GET", "/channels/", 1, false),
		"server error": {Method: "GET", Path: "/channels/", Status: 502},
		"unreadable":   {Method: "GET", Path: "/channels/", Status: 200, Body: "<html>planted"},
		"page":         {Method: "GET", Path: "/channels/", Status: 403, Body: "<html>planted"},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			w.Fail(fault)
			_, err := r.Place(t.Context(), elsewhere)
			if err == nil || errors.Is(err, chat.ErrNoPlace) || strings.Contains(err.Error(), "planted") {
				t.Errorf("got %v, want an error that says nothing of the place", err)
			}
		})
	}
}

// Looking channels up rests as posts do.
func TestLookUpsRest(t *testing.T) {
	t.Parallel()
	w, got := asking(t)
	r := pressed(w, got)
	w.adapter.Refuse(1000)
	if _, err := r.Place(t.Context(), discordtest.ChannelID); err == nil || errors.Is(err, chat.ErrNoPlace) {
		t.Errorf("got %v, want an error", err)
	}
	if n := len(w.Calls("GET", "/channels/")); n != 0 {
		t.Errorf("got %d look-ups, want none", n)
	}
}

// Numbers that a member types make no calls: refused ones would add up to a ban.
func TestTypedChannelsAreNotLookedUp(t *testing.T) {
	t.Parallel()
	w, got := asking(t)
	for _, admin := range []bool{false, true} {
		from := discordtest.Guild()
		if admin {
			from.Permissions |= discordtest.ManageGuild
		}
		w.Slash(from, "alerts").Reply()
		r := <-got
		place, err := r.Place(t.Context(), "<#"+elsewhere+">")
		if place.Admin || errors.Is(err, chat.ErrNoPlace) != admin {
			t.Errorf("administrator %v: %+v, %v", admin, place, err)
		}
	}
	if n := len(w.Calls("GET", "/channels/")); n != 0 {
		t.Errorf("got %d look-ups, want none", n)
	}
}

func TestNoPlacesOutsideServers(t *testing.T) {
	t.Parallel()
	w, got := asking(t)
	w.Slash(discordtest.Direct(), "alerts").Reply()
	if r := <-got; r.Place != nil {
		t.Error("got a Place in a private chat, want nil")
	}
}

func TestMemberName(t *testing.T) {
	t.Parallel()
	w, got := asking(t)
	tests := []struct {
		name string
		from func() discordtest.From
		want string
	}{
		{"nick", func() discordtest.From {
			f := discordtest.Guild()
			f.Nick, f.Name = "Nick", "Global"
			return f
		}, "Nick"},
		{"global name", func() discordtest.From {
			f := discordtest.Guild()
			f.Name = "Global"
			return f
		}, "Global"},
		{"user name", discordtest.Guild, "somebody"},
		{"private chat", discordtest.Direct, "somebody"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.Slash(tt.from(), "lang").Reply()
			if r := <-got; r.MemberName != tt.want {
				t.Errorf("got %q, want %q", r.MemberName, tt.want)
			}
		})
	}
}

// The bot hears of channels that are no more, once each, and of nothing else.
func TestLeft(t *testing.T) {
	t.Parallel()
	left := make(chan string, 8)
	w := start(t, discordtest.New(t), say("here"), func(c *discord.Config) {
		c.Bot.Left = func(_ context.Context, to chat.Target, reason string) error {
			left <- string(to.Platform) + " " + to.Chat + " " + to.Thread + reason
			return errors.New("disk is full")
		}
	})
	w.counted(discord.EventIdentified, 1)
	w.Event("CHANNEL_DELETE", nil)
	w.Event("CHANNEL_DELETE", map[string]any{"guild_id": discordtest.GuildID})
	w.Event("GUILD_DELETE", map[string]any{"id": discordtest.GuildID})
	w.Event("GUILD_DELETE", map[string]any{"id": discordtest.GuildID, "unavailable": true})
	w.Event("CHANNEL_DELETE", map[string]any{"id": "5", "guild_id": discordtest.GuildID, "type": 0})
	wantLeft := func(want string) {
		t.Helper()
		select {
		case got := <-left:
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("waited in vain for %q", want)
		}
	}
	wantLeft("discord 5 the channel was deleted")
	w.Event("THREAD_DELETE", map[string]any{"id": "6", "guild_id": discordtest.GuildID, "parent_id": "5", "type": 11})
	wantLeft("discord 6 the channel was deleted")
	w.eventually("a line in the log", func() bool { return strings.Contains(w.logs.String(), "disk is full") })
	if m := w.Slash(discordtest.Guild(), "liq").Reply(); m.Text() != "here" {
		t.Errorf("got %q", m.Text())
	}
	if len(left) != 0 {
		t.Errorf("got more: %q", <-left)
	}
}

func TestLeftIsOptional(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), say("here"))
	w.counted(discord.EventIdentified, 1)
	w.Event("CHANNEL_DELETE", map[string]any{"id": "5"})
	m := w.Slash(discordtest.Guild(), "liq").Reply()
	w.mu.Lock()
	defer w.mu.Unlock()
	if panics := w.counts[discord.EventPanic]; m.Text() != "here" || panics != 0 {
		t.Errorf("got %q and %d panics", m.Text(), panics)
	}
}

func TestOptionDefinitions(t *testing.T) {
	t.Parallel()
	many := chat.Command{Name: "many", Description: map[string]string{"en": "x"}}
	for n := range 30 {
		many.Options = append(many.Options, chat.Option{Name: "o" + strconv.Itoa(n), Kind: chat.TextOption, Description: map[string]string{"en": "x"}})
	}
	srv := discordtest.New(t)
	more := func(c *discord.Config) { c.Bot.Commands = append(slices.Clip(commands), many) }
	w := start(t, srv, say("x"), more)
	w.counted(discord.EventCommands, 1)
	type option struct {
		Name         string
		Type         int
		Autocomplete bool
		Choices      []any
		ChannelTypes []int `json:"channel_types"`
	}
	var alerts, cut struct{ Options []option }
	for name, into := range map[string]any{"alerts": &alerts, "many": &cut} {
		if err := json.Unmarshal(w.Command(name), into); err != nil {
			t.Fatal(err)
		}
	}
	want := []option{{Name: "amount", Type: 3}, {Name: "place", Type: 7, ChannelTypes: []int{0, 2, 5, 10, 11, 12, 13}}}
	if diff := cmp.Diff(want, alerts.Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if n := len(cut.Options); n != 25 {
		t.Errorf("got %d options, want 25", n)
	}
	w.stop()
	_ = w.end()
	again := start(t, srv, say("x"), more)
	again.WaitCalls("GET", "/commands", 2)
	again.Slash(discordtest.Guild(), "lang").Reply()
	if n := srv.Overwrites(); n != 1 {
		t.Errorf("the same commands were written %d times, want once", n)
	}
}

func FuzzRoomID(f *testing.F) {
	for _, seed := range []string{"", "5", "<#5>", "<#5", "5>", "<#>", "<#-1>", "<#" + elsewhere + ">", " 5 ", "<##5>", "<#5>>", "１"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		id, ok := discord.RoomID(name)
		if !ok {
			return
		}
		if n, err := strconv.ParseUint(id, 10, 64); err != nil && len(id) < 20 {
			t.Errorf("%q: got %q, %d, which is no id", name, id, n)
		}
		again, ok := discord.RoomID("<#" + id + ">")
		if !ok || again != id {
			t.Errorf("%q: got %q, and from that %q, %t", name, id, again, ok)
		}
	})
}

// An alert could not be sent where the bot may not post, so nothing must promise one.
func TestWhereTheBotCannotPost(t *testing.T) {
	t.Parallel()
	w, got := asking(t)
	for _, tt := range []struct {
		name    string
		rights  int64
		carried bool
		want    bool
	}{
		{"rights not told", 0, false, false},
		{"may post", discordtest.ViewChannel | discordtest.SendMessages, false, false},
		{"thread", discordtest.ViewChannel | discordtest.SendInThreads, false, false},
		{"administrator", discordtest.Administrator, false, false},
		{"may only look", discordtest.ViewChannel, false, true},
		{"carried in by a member", discordtest.ViewChannel | discordtest.SendMessages, true, true},
	} {
		from := discordtest.Guild()
		from.AppPermissions, from.Carried = tt.rights, tt.carried
		w.Slash(from, "alerts").Reply()
		if r := <-got; r.CannotPost != tt.want {
			t.Errorf("%s: cannot post %v, want %v", tt.name, r.CannotPost, tt.want)
		}
	}
}
