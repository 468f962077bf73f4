package discord_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"liqbot/chat"
	"liqbot/platforms/discord"
	"liqbot/platforms/discord/discordtest"
)

func TestDeliveryFaults(t *testing.T) {
	t.Parallel()
	const edit, first = "@original", "/callback"
	status := func(method, path string, code int, act bool, times int) discordtest.Fault {
		return discordtest.Fault{Method: method, Path: path, Status: code, Act: act, Times: times, Body: "<html>bad gateway</html>"}
	}
	tests := []struct {
		name  string
		fault discordtest.Fault
		event string
	}{
		{"edit limited", discordtest.Limited("PATCH", edit, 50*time.Millisecond, false), discord.EventRateLimited},
		{"edit limited globally", discordtest.Limited("PATCH", edit, 50*time.Millisecond, true), discord.EventRateLimited},
		{"edit banned by Cloudflare", discordtest.Banned("PATCH", edit), discord.EventRateLimited},
		{"edit fails twice", status("PATCH", edit, http.StatusServiceUnavailable, false, 2), discord.EventRetry},
		{"edit done, then 502", status("PATCH", edit, http.StatusBadGateway, true, 1), discord.EventRetry},
		{"edit done, answer lost", discordtest.Fault{Method: "PATCH", Path: edit, Act: true, Hang: true}, discord.EventRetry},
		{"first answer limited", discordtest.Limited("POST", first, 50*time.Millisecond, false), discord.EventRateLimited},
		{"first answer done, then 502", status("POST", first, http.StatusBadGateway, true, 1), discord.EventAnswered},
		{"first answer done, then lost", discordtest.Fault{Method: "POST", Path: first, Act: true, Hang: true}, discord.EventAnswered},
		{"first answer lost", discordtest.Fault{Method: "POST", Path: first, Hang: true}, discord.EventRetry},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, discordtest.New(t), func(context.Context, chat.Request) chat.Reply { return picture("BTC") },
				func(c *discord.Config) { c.Timing.Call = 500 * time.Millisecond })
			w.WaitConnected()
			w.Fail(tt.fault)
			m := w.Slash(discordtest.Guild(), "liq").Reply()
			w.counted(tt.event, 1)
			if seen := w.Messages(discordtest.ChannelID); len(seen) != 1 || len(m.Files) != 1 || m.Text() != "**BTC**\nbody" {
				t.Errorf("got %d messages, %d files, %q", len(seen), len(m.Files), m.Text())
			}
		})
	}
}

func TestExpiredIsGivenUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		first, token time.Duration
		edits        int
	}{
		{"too late for the first answer", time.Nanosecond, time.Hour, 0},
		{"token is dead", time.Hour, time.Nanosecond, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, discordtest.New(t, discordtest.Deadlines(tt.first, tt.token)),
				func(context.Context, chat.Request) chat.Reply { return picture("BTC") })
			w.Slash(discordtest.Guild(), "liq")
			w.counted(discord.EventExpired, 1)
			if posts, edits := len(w.Calls("POST", "/callback")), len(w.Calls("PATCH", "")); posts != 1 || edits != tt.edits {
				t.Errorf("got %d first answers and %d edits, want 1 and %d", posts, edits, tt.edits)
			}
		})
	}
}

// A follow-up is a new message: after an unclear outcome it is not sent again.
func TestFollowUpIsNotRepeated(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		if r.Press == "" {
			return picture("start")
		}
		r.Working()
		<-release
		return chat.Reply{Text: chat.Plainly("news")}
	})
	m := w.Slash(discordtest.Guild(), "liq").Reply()
	w.Fail(discordtest.Fault{Method: "POST", Path: "/webhooks/", Act: true, Status: http.StatusBadGateway})
	i := w.Press(discordtest.Guild(), m, m.Press("1d"))
	i.WaitAck()
	close(release)
	w.counted(discord.EventSendFailed, 1)
	if n := len(w.Messages(discordtest.ChannelID)); n != 2 {
		t.Errorf("got %d messages, want 2", n)
	}
}

// Answers that are under way when the bot is stopped still arrive.
func TestShutdownFinishesAnswers(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		r.Working()
		close(started)
		<-release
		return picture("BTC")
	})
	i := w.Slash(discordtest.Guild(), "liq")
	<-started
	i.WaitAck()
	w.stop()
	close(release)
	if m := i.Reply(); len(m.Files) != 1 {
		t.Errorf("got %d files, want 1", len(m.Files))
	}
	if err := w.end(); err != nil {
		t.Errorf("Run: got %v, want nil", err)
	}
}

// A handler that takes for ever is cancelled in time.
func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	w := start(t, discordtest.New(t), func(ctx context.Context, r chat.Request) chat.Reply {
		close(started)
		<-ctx.Done()
		return chat.Reply{}
	}, func(c *discord.Config) { c.Timing.Drain = 50 * time.Millisecond })
	w.Slash(discordtest.Guild(), "liq")
	<-started
	w.stop()
	if err := w.end(); err != nil {
		t.Errorf("Run: got %v, want nil", err)
	}
}

// When Discord stays away the reply is given up, and the log says so without the
// address, which holds the interaction's token.
func TestLostForGoodIsLoggedWithoutToken(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), func(context.Context, chat.Request) chat.Reply { return picture("BTC") },
		func(c *discord.Config) { c.Timing.Call, c.Timing.Finish = 250*time.Millisecond, time.Second })
	w.WaitCalls("PUT", "/commands", 1)
	w.Fail(discordtest.Fault{Method: "PATCH", Path: "@original", Hang: true, Times: 100})
	w.Slash(discordtest.Guild(), "liq")
	w.counted(discord.EventSendFailed, 1)
	w.eventually("a line in the log", func() bool { return strings.Contains(w.logs.String(), "edit an answer") })
	w.noSecrets()
}

// What a refusal says is put into the log only where it is Discord that speaks, and
// in short.
func TestRefusalIsLoggedInShort(t *testing.T) {
	t.Parallel()
	const edit, menu = "@original", "/commands"
	long := strings.Repeat("я", 300)
	tests := []struct {
		name, method, path, body, want string
	}{
		{"known code", "PATCH", edit, `{"code":10008,"message":"Unknown Message"}`, `HTTP status 400, code 10008: Unknown Message"`},
		{"long and unprintable", "PATCH", edit, `{"code":50035,"message":"a\n\u202eb` + long + `"}`, "code 50035: ab" + long[:2*98] + `"`},
		{"unknown code", "PATCH", edit, `{"code":777,"message":"planted"}`, `HTTP status 400"`},
		{"no code", "PATCH", edit, `{"message":"planted"}`, `HTTP status 400"`},
		{"page", "PATCH", edit, `<html>planted`, `HTTP status 400"`},
		{"known code to the library", "PUT", menu, `{"code":50035,"message":"Invalid\nForm Body` + long + `"}`, "code 50035: InvalidForm Body" + long[:2*84] + `"`},
		{"unknown code to the library", "PUT", menu, `{"code":777,"message":"planted"}`, `HTTP status 400"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := discordtest.New(t)
			srv.Fail(discordtest.Fault{Method: tt.method, Path: tt.path, Status: http.StatusBadRequest, Body: tt.body})
			w := start(t, srv, func(context.Context, chat.Request) chat.Reply { return picture("BTC") })
			if tt.path == edit {
				w.Slash(discordtest.Guild(), "liq")
			}
			w.eventually("a line in the log", func() bool { return strings.Contains(w.logs.String(), tt.want) })
		})
	}
}
