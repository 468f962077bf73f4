package webchat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/chat"
	"liqbot/platforms/webchat"
)

func TestRequestOfTheBot(t *testing.T) {
	tests := []struct {
		name, body, language string
		want                 chat.Request
	}{
		{"typed", `{"text":"/liq btc"}`, "", chat.Request{Text: "/liq btc"}},
		{"pressed", `{"press":"liq:BTC:7d","message":"M1"}`, "", chat.Request{Press: "liq:BTC:7d"}},
		{"on a phone", `{"text":"/liq btc","narrow":true}`, "", chat.Request{Text: "/liq btc", Shape: chat.Portrait}},
		{"unknown fields", `{"text":"hi","later":{"a":[1]}}`, "", chat.Request{Text: "hi"}},
		{"language spoken", `{"text":"hi"}`, "ru-RU,en;q=0.5", chat.Request{Text: "hi", LanguageHint: "ru"}},
		{"best language spoken", `{"text":"hi"}`, "tlh, zh-CN;q=0.8, en;q=0.1", chat.Request{Text: "hi", LanguageHint: "zh-Hans"}},
		{"language not spoken", `{"text":"hi"}`, "tlh", chat.Request{Text: "hi", LanguageHint: "tlh"}},
		{"language is nonsense", `{"text":"hi"}`, "<script>", chat.Request{Text: "hi"}},
	}
	bot := new(fakeBot)
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: bot.handle}})
	client := opened(t, s)
	ids := make(map[string]bool)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, http.MethodPost, at(t, s, "/api/messages"), tt.body)
			r.Header.Set("Accept-Language", tt.language)
			if got := do(t, client, r); got.code != http.StatusOK {
				t.Fatalf("status %d: %s", got.code, got.body)
			}
			got := bot.last()
			tt.want.Kind, tt.want.Addressed = chat.Private, true
			tt.want.Target.Platform, tt.want.Member.Platform = chat.Web, chat.Web
			tt.want.Target.Chat, tt.want.Member.ID = got.Target.Chat, got.Target.Chat
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(chat.Request{}, "ID", "IsAdmin", "Working")); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if len(got.Target.Chat) < 26 || len(got.ID) < 26 || ids[got.ID] {
				t.Errorf("ids are not random: chat %q, request %q", got.Target.Chat, got.ID)
			}
			ids[got.ID] = true
		})
	}
}

func TestSessionsAreSeparate(t *testing.T) {
	bot := new(fakeBot)
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: bot.handle}})
	one, other := opened(t, s), opened(t, s)
	say(t, one, s, `{"text":"a"}`)
	first := bot.last().Target.Chat
	say(t, other, s, `{"text":"a"}`)
	if got := bot.last().Target.Chat; got == first {
		t.Errorf("two browsers share the session %q", got)
	}
	do(t, one, request(t, http.MethodGet, s.URL(), ""))
	say(t, one, s, `{"text":"a"}`)
	if got := bot.last().Target.Chat; got != first {
		t.Errorf("opening the page again changed the session from %q to %q", first, got)
	}
}

func TestReply(t *testing.T) {
	s := serve(t, webchat.Config{})
	client := opened(t, s)
	got := say(t, client, s, `{"text":"/help"}`)
	want := map[string]any{
		"id": got["id"], "edit": false, "lang": "en",
		"spans": []any{
			map[string]any{"text": "Commands", "style": "bold"},
			map[string]any{"text": "\n"},
			map[string]any{"text": "/liq btc 7d", "style": "code"},
			map[string]any{"text": " – liquidation map: coin, then 1d, 7d or 30d"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	got = say(t, client, s, `{"press":"liq:BTC:7d","message":"M1"}`)
	if got["id"] != "M1" || got["edit"] != true {
		t.Errorf("a press that edits: id %v, edit %v, want M1, true", got["id"], got["edit"])
	}
	row, want1 := got["buttons"].([]any)[0], []any{
		map[string]any{"label": "1d", "press": "liq:BTC:1d"},
		map[string]any{"label": "7d", "press": "liq:BTC:7d", "active": true},
		map[string]any{"label": "30d", "press": "liq:BTC:30d"},
	}
	if diff := cmp.Diff(any(want1), row); diff != "" {
		t.Errorf("buttons (-want +got):\n%s", diff)
	}
	last := got["spans"].([]any)
	if diff := cmp.Diff(any(map[string]any{"text": "3 seconds ago", "style": "italic", "at": "2026-01-10T12:00:00Z"}), last[len(last)-1]); diff != "" {
		t.Errorf("age (-want +got):\n%s", diff)
	}
}

func TestMenus(t *testing.T) {
	bot := new(fakeBot)
	long := strings.Repeat("v", 60)
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: func(ctx context.Context, r chat.Request) chat.Reply {
		reply := bot.handle(ctx, r)
		reply.Menus = append(reply.Menus, chat.Menu{Data: "none", Label: "None", Choices: []chat.MenuChoice{
			{Label: "no page may send this", Value: long}, {Label: "", Value: "x"}, {Label: "x"}, {Label: "x", Value: "ж"},
		}})
		reply.Form = &chat.Form{Title: "left out", Command: "/x"}
		return reply
	}}})
	client := opened(t, s)
	got := say(t, client, s, `{"text":"/settings"}`)
	choice := func(value string) map[string]any { return map[string]any{"label": value + " (label)", "value": value} }
	utc := choice("UTC")
	utc["active"] = true
	want := []any{
		map[string]any{"label": "Time zone", "press": "zone", "choices": []any{utc, choice("Berlin"), choice("Tokyo")}},
		map[string]any{"label": "Coin", "press": "coin", "choices": []any{choice("BTC"), choice("ETH")}},
	}
	if diff := cmp.Diff(any(want), got["menus"]); diff != "" {
		t.Errorf("menus (-want +got):\n%s", diff)
	}
	got = say(t, client, s, `{"press":"zone|Tokyo","message":"M1"}`)
	if r := bot.last(); r.Press != "zone|Tokyo" || got["id"] != "M1" || got["edit"] != true {
		t.Errorf("pressed %q, answered %v", r.Press, got)
	}
}

func TestSilence(t *testing.T) {
	s := serve(t, webchat.Config{})
	got := do(t, opened(t, s), request(t, http.MethodPost, at(t, s, "/api/messages"), `{"text":"/silent"}`))
	if got.code != http.StatusNoContent || got.body != "" {
		t.Errorf("status %d, body %q, want 204 and nothing", got.code, got.body)
	}
}

func TestPictures(t *testing.T) {
	s := serve(t, webchat.Config{})
	client := opened(t, s)
	first := say(t, client, s, `{"text":"/liq btc"}`)["picture"].(map[string]any)
	again := say(t, client, s, `{"text":"/liq btc"}`)["picture"].(map[string]any)
	if first["url"] != again["url"] {
		t.Errorf("equal pictures have the addresses %v and %v", first["url"], again["url"])
	}
	if first["alt"] != "BTC liquidation map, 1d" || first["width"] != 1280.0 || first["height"] != 720.0 {
		t.Errorf("picture %v lacks its description or size", first)
	}
	got := do(t, client, request(t, http.MethodGet, at(t, s, first["url"].(string)), ""))
	if got.code != http.StatusOK || got.header.Get("Content-Type") != "image/png" || !strings.Contains(got.header.Get("Cache-Control"), "immutable") {
		t.Errorf("status %d, header %v", got.code, got.header)
	}
	if _, err := png.Decode(strings.NewReader(got.body)); err != nil {
		t.Errorf("the picture cannot be read: %v", err)
	}
	for _, name := range []string{"nothing.png", ".png", "..%2f..%2fetc%2fpasswd", strings.TrimSuffix(first["url"].(string)[len("/pictures/"):], ".png")} {
		if got := do(t, client, request(t, http.MethodGet, s.URL()+"pictures/"+name, "")); got.code != http.StatusNotFound {
			t.Errorf("picture %s: status %d, want 404", name, got.code)
		}
	}
}

func TestPicturesAreBounded(t *testing.T) {
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: numbered()}})
	var urls []string
	for range 70 {
		urls = append(urls, patiently(t, s, "another"))
	}
	client := browser(t)
	status := func(i int) int { return do(t, client, request(t, http.MethodGet, at(t, s, urls[i]), "")).code }
	for i, want := range map[int]int{0: http.StatusNotFound, 5: http.StatusNotFound, 6: http.StatusOK, 69: http.StatusOK} {
		if got := status(i); got != want {
			t.Errorf("picture %d of 70: status %d, want %d", i, got, want)
		}
	}
	for range 70 {
		patiently(t, s, "same")
	}
	if got := status(69); got != http.StatusOK {
		t.Errorf("one picture sent 70 times pushed out the one before it: status %d", got)
	}
	same := patiently(t, s, "same")
	for range 63 {
		patiently(t, s, "another")
	}
	patiently(t, s, "same")
	patiently(t, s, "another")
	if got := do(t, client, request(t, http.MethodGet, at(t, s, same), "")).code; got != http.StatusOK {
		t.Errorf("a picture that was sent again made room as if it was old: status %d", got)
	}
}

// patiently asks in a new session, which may ask at once, and returns the address
// of the picture in the reply.
func patiently(t *testing.T, s *webchat.Server, text string) string {
	t.Helper()
	reply := say(t, opened(t, s), s, `{"text":"`+text+`"}`)
	return reply["picture"].(map[string]any)["url"].(string)
}

func TestBadMessages(t *testing.T) {
	long := strings.Repeat("a", 17<<10)
	tests := []struct {
		name, kind, body string
		status           int
		code             string
	}{
		{"a form", "application/x-www-form-urlencoded", "text=%2Fliq+btc", http.StatusUnsupportedMediaType, "not_json"},
		{"plain text", "text/plain", `{"text":"/liq btc"}`, http.StatusUnsupportedMediaType, "not_json"},
		{"no content type", "", `{"text":"/liq btc"}`, http.StatusUnsupportedMediaType, "not_json"},
		{"JSON with a parameter", "application/json; charset=utf-8", `{"text":"hi"}`, http.StatusOK, ""},
		{"too long", "application/json", `{"text":"` + long + `"}`, http.StatusRequestEntityTooLarge, "too_long"},
		{"not JSON", "application/json", `{"text":`, http.StatusBadRequest, "bad_request"},
		{"two values", "application/json", `{"text":"a"}{"text":"b"}`, http.StatusBadRequest, "bad_request"},
		{"an array", "application/json", `["/liq"]`, http.StatusBadRequest, "bad_request"},
		{"wrong type", "application/json", `{"text":5}`, http.StatusBadRequest, "bad_request"},
		{"null", "application/json", `null`, http.StatusBadRequest, "bad_request"},
		{"nothing", "application/json", `{}`, http.StatusBadRequest, "bad_request"},
		{"only blanks", "application/json", `{"text":" \n\t"}`, http.StatusBadRequest, "bad_request"},
		{"text and press", "application/json", `{"text":"a","press":"b"}`, http.StatusBadRequest, "bad_request"},
		{"press too long", "application/json", `{"press":"` + strings.Repeat("p", 65) + `"}`, http.StatusBadRequest, "bad_request"},
		{"press not printable", "application/json", `{"press":"a\u0000b"}`, http.StatusBadRequest, "bad_request"},
		{"message id not printable", "application/json", `{"press":"a","message":"<\u00e9>"}`, http.StatusBadRequest, "bad_request"},
		{"deep nesting", "application/json", strings.Repeat("[", 9000), http.StatusBadRequest, "bad_request"},
		{"invalid UTF-8", "application/json", "{\"text\":\"\xff\"}", http.StatusOK, ""},
	}
	bot, seen := new(fakeBot), new(events)
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: bot.handle}, Count: seen.count})
	client := opened(t, s)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := seen.of(tt.code)
			r := request(t, http.MethodPost, at(t, s, "/api/messages"), tt.body)
			r.Header.Set("Content-Type", tt.kind)
			got := do(t, client, r)
			if got.code != tt.status {
				t.Errorf("status %d, want %d: %s", got.code, tt.status, got.body)
			}
			if tt.code == "" {
				return
			}
			if code, text := refusalOf(t, got); code != tt.code || text == "" || strings.Contains(text, "web.") {
				t.Errorf("code %q, message %q, want %q and a sentence", code, text, tt.code)
			}
			if seen.of(tt.code) != before+1 {
				t.Errorf("the refusal was not counted as %s", tt.code)
			}
		})
	}
}

// refusalOf reads the JSON of a refused request.
func refusalOf(t *testing.T, r response) (code, message string) {
	t.Helper()
	if kind := r.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		t.Fatalf("content type %q, want JSON: %s", kind, r.body)
	}
	var body struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return body.Error.Code, body.Error.Message
}

func TestSlowDown(t *testing.T) {
	s := serve(t, webchat.Config{})
	client, other := opened(t, s), opened(t, s)
	var refused *response
	for range 60 {
		r := request(t, http.MethodPost, at(t, s, "/api/messages"), `{"text":"hi"}`)
		r.Header.Set("Accept-Language", "ru")
		if got := do(t, client, r); got.code == http.StatusTooManyRequests {
			refused = &got
			break
		}
	}
	if refused == nil {
		t.Fatal("60 messages at once were all answered")
	}
	if code, text := refusalOf(t, *refused); code != "slow_down" || !strings.Contains(text, "Подождите") || refused.header.Get("Retry-After") == "" {
		t.Errorf("refusal %q, %q, header %v", code, text, refused.header)
	}
	say(t, other, s, `{"text":"hi"}`)
}

// A panic of the bot costs one answer, and its text stays out of the log.
func TestPanic(t *testing.T) {
	var out bytes.Buffer
	seen := new(events)
	s := serve(t, webchat.Config{Log: slog.New(slog.NewTextHandler(&out, nil)), Count: seen.count})
	client := opened(t, s)
	got := do(t, client, request(t, http.MethodPost, at(t, s, "/api/messages"), `{"text":"/panic"}`))
	if code, text := refusalOf(t, got); got.code != http.StatusInternalServerError || code != "panic" || text == "" {
		t.Errorf("status %d, code %q, message %q", got.code, code, text)
	}
	if seen.of("panic") != 1 {
		t.Error("the panic was not counted")
	}
	say(t, client, s, `{"text":"still there?"}`)
	if log := out.String(); !strings.Contains(log, "fakeBot") || strings.Contains(log, "planted") {
		t.Errorf("want where it panicked and no chat text in the log:\n%s", log)
	}
}
