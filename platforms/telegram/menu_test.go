package telegram_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
)

func commands() []chat.Command {
	about := func(s string) map[string]string {
		return map[string]string{"en": s, "zh-Hans": s + " zh", "ru": s + " ru"}
	}
	return []chat.Command{
		{Name: "liq", Description: about("map")},
		{Name: "lang", Description: about("language"), Admin: true},
		{Name: "stats", Description: about("owner"), Owner: true},
	}
}

func TestMenusAndProfile(t *testing.T) {
	h := prepare(t, say("x"))
	h.cfg.Bot.Commands = commands()
	h.cfg.Bot.About = map[string]string{"en": "about", "zh-Hans": "about zh", "ru": "about ru"}
	h.cfg.Bot.Description = map[string]string{"en": "at length", "zh-Hans": "at length zh", "ru": "at length ru"}
	h.start()
	h.WaitFor("profile", func() bool { return len(h.Calls("setMyDescription")) == 3 })
	h.stop()
	const member, both = `[{"command":"liq","description":"map"}]`, `[{"command":"liq","description":"map"},{"command":"lang","description":"language"}]`
	for place, want := range map[string]string{
		"default": member, "all_private_chats": both, "all_group_chats": member, "all_chat_administrators": both,
	} {
		if diff := cmp.Diff(want, h.Menu(place, "")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", place, diff)
		}
		if got := h.Menu(place, "zh"); !strings.Contains(got, "map zh") {
			t.Errorf("%s zh = %s", place, got)
		}
		if got := h.Menu(place, "en"); got != "" {
			t.Errorf("%s en = %s, want none: English is the list for all", place, got)
		}
	}
	before := len(h.Calls("setMyCommands"))
	if before != 12 {
		t.Errorf("%d lists set, want 12", before)
	}
	h.start()
	h.WaitFor("second look", func() bool { return len(h.Calls("getMyDescription")) == 6 })
	h.stop()
	if got := len(h.Calls("setMyCommands")) + len(h.Calls("setMyDescription")); got != before+3 {
		t.Errorf("unchanged lists were set again: %d calls", got)
	}
}

// What a command takes and who may use it is for other platforms and for the
// handler: a menu has names and descriptions.
func TestMenuOfCommandsWithOptions(t *testing.T) {
	h := prepare(t, say("x"))
	about := map[string]string{"en": "alerts"}
	h.cfg.Bot.Commands = []chat.Command{
		{Name: "alerts", Description: about, Admin: true, Options: []chat.Option{
			{Name: "coin", Description: about, Kind: chat.CoinOption},
			{Name: "amount", Description: about, Kind: chat.TextOption},
			{Name: "where", Description: about, Kind: chat.PlaceOption},
		}},
		{Name: "my", Description: about},
	}
	h.start()
	h.WaitFor("menus", func() bool { return len(h.Calls("setMyCommands")) == 4 })
	h.stop()
	const own = `{"command":"my","description":"alerts"}`
	if got, want := h.Menu("all_private_chats", ""), `[{"command":"alerts","description":"alerts"},`+own+`]`; got != want {
		t.Errorf("private menu %s, want %s", got, want)
	}
	if got, want := h.Menu("all_group_chats", ""), `[`+own+`]`; got != want {
		t.Errorf("group menu %s, want %s", got, want)
	}
}

func TestInline(t *testing.T) {
	h := prepare(t, func(_ context.Context, r chat.Request) chat.Reply {
		if !strings.HasPrefix(strings.ToLower(r.Text), "/liq btc") {
			return chat.Reply{Text: chat.Plainly("unknown <coin>")}
		}
		return chat.Reply{Text: chat.Plainly("BTC map\nlevels"), Picture: picture(t, "btc"), Buttons: [][]chat.Button{{{Label: "7d", Data: "d"}}}}
	})
	h.cfg.Bot.Suggest = func(typed string, _ int) []chat.Choice {
		if typed == "zzz" {
			return nil
		}
		return []chat.Choice{{Label: "BTC", Value: "btc"}}
	}
	h.start()
	results := func(query string) []telegramtest.InlineResult {
		id := h.Inline(ann, query)
		h.WaitFor("inline answer", func() bool { return h.InlineResults(id) != nil })
		return h.InlineResults(id)
	}
	article := telegramtest.InlineResult{Type: "article", ID: "a0", Title: "BTC map", Text: "BTC map\nlevels"}
	if diff := cmp.Diff([]telegramtest.InlineResult{article}, results("btc 7d")); diff != "" {
		t.Errorf("not uploaded (-want +got):\n%s", diff)
	}
	h.PrivateText(ann, "/liq btc")
	file := h.messages(ann, 1)[0].FileID
	h.waitCount("reply", 1)
	article.ID = "a1"
	photo := telegramtest.InlineResult{Type: "photo", ID: "p0", Title: "BTC map", FileID: file, Text: "BTC map\nlevels"}
	if diff := cmp.Diff([]telegramtest.InlineResult{photo, article}, results("btc")); diff != "" {
		t.Errorf("uploaded (-want +got):\n%s", diff)
	}
	photo.Title, article.Title = "BTC", "BTC"
	for _, query := range []string{"", "bt", strings.Repeat("x", 300)} {
		if diff := cmp.Diff([]telegramtest.InlineResult{photo, article}, results(query)); diff != "" {
			t.Errorf("query %.5q (-want +got):\n%s", query, diff)
		}
	}
	refusal := telegramtest.InlineResult{Type: "article", ID: "a0", Title: "unknown <coin>", Text: "unknown <coin>"}
	if diff := cmp.Diff([]telegramtest.InlineResult{refusal}, results("zzz")); diff != "" {
		t.Errorf("nothing near (-want +got):\n%s", diff)
	}
	answer := h.Calls("answerInlineQuery")[0].Params
	if answer["cache_time"] != "1" || answer["is_personal"] != "true" {
		t.Errorf("answer = %v", answer)
	}
}

// A member who types does not wait: neither for a source nor for one coin after
// the other.
func TestInlineIsQuick(t *testing.T) {
	h := prepare(t, func(ctx context.Context, r chat.Request) chat.Reply {
		if !strings.HasSuffix(r.Text, " ready") {
			<-ctx.Done()
		}
		return chat.Reply{Text: chat.Plainly(r.Text)}
	})
	h.cfg.Bot.Suggest = func(string, int) []chat.Choice {
		return []chat.Choice{{Label: "R", Value: "ready"}, {Label: "A", Value: "slow"}, {Label: "B", Value: "later"}}
	}
	h.cfg.Timing.Inline = 50 * time.Millisecond
	h.start()
	id := h.Inline(ann, "")
	h.WaitFor("inline answer", func() bool { return h.InlineResults(id) != nil })
	if got := h.InlineResults(id); len(got) == 0 || got[0].Title != "R" {
		t.Errorf("results = %+v, want what was ready", got)
	}
	asked := h.requests()
	if len(asked) != 2 {
		t.Errorf("asked %d times, want none after the time is up", len(asked))
	}
	for _, r := range asked {
		if !r.Quick {
			t.Errorf("request %q is not quick", r.Text)
		}
	}
}
