package main

import (
	"bytes"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"liqbot/platforms/discord/discordtest"
)

func TestDiscordFromEndToEnd(t *testing.T) {
	server := discordtest.New(t)
	var log logged
	page := startBotLogging(t, &log, "run", "DEMO_SPEED=0.01", "DISCORD_TOKEN="+discordtest.Token, "DISCORD_API_URL="+server.URL())
	server.WaitConnected()
	waitUntil(t, func() bool { return server.Command("liq") != nil })
	here := discordtest.Guild()
	m := server.Slash(here, "liq", discordtest.Value{Name: "coin", Value: "btc"}, discordtest.Value{Name: "window", Value: "7d"}).Reply()
	for _, want := range []string{"DEMO", "$90,131.71", "$2.705B", "$1.563B", "1.73x"} {
		if !strings.Contains(m.Text(), want) {
			t.Errorf("reply lacks %q:\n%s", want, m.Text())
		}
	}
	if len(m.Files) != 1 {
		t.Fatalf("%d files, want the picture", len(m.Files))
	}
	if picture, err := png.Decode(bytes.NewReader(m.Files[0].Data)); err != nil || picture.Bounds().Dx() != 1280 {
		t.Errorf("picture: %v", err)
	}
	edited := server.Press(here, m, m.Press("30d")).Reply()
	if !strings.Contains(edited.Text(), "30d") || len(edited.Files) != 1 {
		t.Errorf("after the press: %d files, %s", len(edited.Files), edited.Text())
	}
	again := server.Press(here, edited, edited.Press("Refresh")).Reply()
	if again.ID != m.ID {
		t.Error("refresh made a new message")
	}
	if got := server.Slash(here, "lang", discordtest.Value{Name: "language", Value: "ru"}).Reply(); !strings.Contains(got.Text(), "Only admins") || !got.Ephemeral {
		t.Errorf("a member's /lang: %+v", got)
	}
	admin := here
	admin.Permissions = discordtest.ManageGuild
	if got := server.Slash(admin, "lang", discordtest.Value{Name: "language", Value: "ru"}).Reply(); !strings.Contains(got.Text(), "Русский") {
		t.Errorf("an administrator's /lang: %s", got.Text())
	}
	elsewhere := here
	elsewhere.Channel = "1100000000000000099"
	if got := server.Slash(elsewhere, "help").Reply(); !strings.Contains(got.Text(), "Команды") {
		t.Errorf("another channel of the server: %s", got.Text())
	}
	server.Drop()
	server.WaitResumes(1)
	if got := server.Slash(here, "help").Reply(); !strings.Contains(got.Text(), "Команды") {
		t.Errorf("after a dropped gateway: %s", got.Text())
	}
	if choices := server.Autocomplete(here, "liq", "coin", "et"); len(choices) == 0 || choices[0].Value != "ETH" {
		t.Errorf("completion: %+v", choices)
	}
	if code, body := fetch(t, page+"readyz"); code != http.StatusOK || !strings.Contains(body, `"discord","up":true`) {
		t.Errorf("readyz: %d %s", code, body)
	}
	_, metrics := fetch(t, page+"metrics")
	if out := log.String() + metrics; strings.Contains(out, discordtest.Token) || strings.Contains(out, "planted.discord") {
		t.Error("the output holds the token")
	}
}

// waitUntil polls a condition that a server keeps.
func waitUntil(t *testing.T, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		<-time.After(10 * time.Millisecond)
	}
}
