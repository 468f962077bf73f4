package discord_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"liqbot/chat"
	"liqbot/platforms/discord"
	"liqbot/platforms/discord/discordtest"
)

func TestResume(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		lose func(*discordtest.Server)
	}{
		{"connection cut", (*discordtest.Server).Drop},
		{"asked to reconnect", (*discordtest.Server).AskReconnect},
		{"closed with 4000", func(s *discordtest.Server) { s.CloseWith(4000) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, discordtest.New(t), say("here"))
			w.Slash(discordtest.Guild(), "liq").Reply()
			tt.lose(w.Server)
			i := w.Raw(discordtest.Guild(), 2, map[string]any{"id": "1", "name": "liq", "type": 1}) // while it is away
			if m := i.Reply(); m.Text() != "here" {
				t.Errorf("got %q", m.Text())
			}
			w.counted(discord.EventResumed, 1)
			if n, m := w.Identifies(), w.Resumes(); n != 1 || m != 1 {
				t.Errorf("got %d identifies and %d resumes, want 1 and 1", n, m)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			want := []string{"true ", "false the gateway connection was lost", "true "}
			if !slices.Equal(w.states, want) {
				t.Errorf("states: got %q, want %q", w.states, want)
			}
		})
	}
}

func TestSessionThatIsOverBeginsAnew(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), say("here"))
	w.WaitConnected()
	w.counted(discord.EventIdentified, 1)
	w.EndSession()
	w.Drop()
	w.WaitIdentifies(2)
	w.counted(discord.EventIdentified, 2)
	if m := w.Slash(discordtest.Guild(), "liq").Reply(); m.Text() != "here" {
		t.Errorf("got %q", m.Text())
	}
}

func TestRefusedCloseCodes(t *testing.T) {
	t.Parallel()
	for _, code := range []int{4004, 4013, 4014} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			srv := discordtest.New(t)
			srv.Refuse(code)
			w := start(t, srv, say("x"))
			if err := w.end(); !errors.Is(err, chat.ErrRefused) {
				t.Errorf("got %v, want ErrRefused", err)
			}
			if n := srv.Identifies(); n != 1 {
				t.Errorf("got %d identifies, want 1", n)
			}
		})
	}
}

// A token that is reset while the bot runs is found out at the next resume.
func TestRefusedAfterResume(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), say("x"))
	w.counted(discord.EventIdentified, 1)
	w.Refuse(4004)
	w.Drop()
	if err := w.end(); !errors.Is(err, chat.ErrRefused) {
		t.Errorf("got %v, want ErrRefused", err)
	}
}

func TestDeafGatewayIsLeft(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t, discordtest.Heartbeat(400*time.Millisecond)), say("x"),
		func(c *discord.Config) { c.Timing.Silence = time.Second })
	w.counted(discord.EventIdentified, 1)
	w.Deaf(true)
	w.counted(discord.EventDisconnected, 1)
	w.Deaf(false)
	w.counted(discord.EventResumed, 1)
	if n := w.Identifies(); n != 1 {
		t.Errorf("got %d identifies, want 1: the session was not ended", n)
	}
}

func TestMuteGatewayIsLeft(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	srv.Mute(true)
	w := start(t, srv, say("x"), func(c *discord.Config) { c.Timing.Open = 150 * time.Millisecond })
	w.counted(discord.EventDisconnected, 1)
	srv.Mute(false)
	w.counted(discord.EventIdentified, 1)
}

func TestStartLimit(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	srv.StartLimit(0, 300*time.Millisecond)
	w := start(t, srv, say("x"))
	w.counted(discord.EventDisconnected, 1)
	srv.StartLimit(10, time.Hour)
	w.counted(discord.EventIdentified, 1)
	if calls := srv.Calls("GET", "/gateway/bot"); len(calls) != 2 || calls[1].At.Sub(calls[0].At) < 300*time.Millisecond {
		t.Errorf("got %d questions for the gateway, want 2 with the demanded pause between", len(calls))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !strings.Contains(w.states[0], "no session starts are left") {
		t.Errorf("states: got %q", w.states)
	}
}

func TestCommandsAreWrittenOnce(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	w := start(t, srv, say("x"))
	w.counted(discord.EventCommands, 1)
	w.stop()
	_ = w.end()
	again := start(t, srv, say("x"))
	again.WaitCalls("GET", "/commands", 2)
	again.Slash(discordtest.Guild(), "liq").Reply()
	if n := srv.Overwrites(); n != 1 {
		t.Errorf("the same commands were written %d times, want once", n)
	}
	again.stop()
	_ = again.end()
	changed := start(t, srv, say("x"), func(c *discord.Config) { c.Bot.Commands = commands[:2] })
	changed.counted(discord.EventCommands, 1)
	if got := srv.Commands(); !slices.Equal(got, []string{"liq", "lang"}) {
		t.Errorf("commands: got %v", got)
	}
}

func TestCommandDefinitions(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), say("x"))
	w.counted(discord.EventCommands, 1)
	var liq, stats struct {
		Description   string
		Localizations map[string]string `json:"description_localizations"`
		Contexts      []int
		Types         []int `json:"integration_types"`
		Options       []struct {
			Name         string
			Autocomplete bool
			Choices      []struct{ Name, Value string }
		}
	}
	for name, into := range map[string]any{"liq": &liq, "stats": &stats} {
		if err := json.Unmarshal(w.Command(name), into); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(liq.Contexts, []int{0, 1, 2}) || !slices.Equal(liq.Types, []int{0, 1}) || !slices.Equal(stats.Contexts, []int{1}) {
		t.Errorf("contexts: got %v and %v, types %v", liq.Contexts, stats.Contexts, liq.Types)
	}
	want := map[string]string{"en-US": liq.Description, "en-GB": liq.Description, "ru": "Карта", "zh-CN": "清算地图"}
	for tag, text := range want {
		if liq.Localizations[tag] != text {
			t.Errorf("description in %s: got %q, want %q", tag, liq.Localizations[tag], text)
		}
	}
	if len(liq.Options) != 2 || !liq.Options[0].Autocomplete || len(liq.Options[1].Choices) != 2 {
		t.Errorf("options: got %+v", liq.Options)
	}
}

func TestCommandsAreTriedAgain(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	srv.Fail(discordtest.Limited("GET", "/commands", 20*time.Millisecond, false))
	srv.Fail(discordtest.Banned("PUT", "/commands"))
	srv.Fail(discordtest.Fault{Method: "PUT", Path: "/commands", Status: 503})
	w := start(t, srv, say("x"))
	w.counted(discord.EventCommands, 1)
}

// The library locks up when it is asked to reconnect during a handshake; the
// adapter goes on with another session.
func TestStuckHandshakeIsLeft(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	srv.GreetWith(7)
	w := start(t, srv, say("here"), func(c *discord.Config) { c.Timing.Open = 500 * time.Millisecond })
	w.counted(discord.EventIdentified, 1)
	if m := w.Slash(discordtest.Guild(), "liq").Reply(); m.Text() != "here" {
		t.Errorf("got %q", m.Text())
	}
}

func TestInvalidSessionInHandshake(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), say("here"))
	w.counted(discord.EventIdentified, 1)
	w.GreetWith(9)
	w.Drop()
	w.counted(discord.EventIdentified, 2)
}
