package telegram_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"liqbot/chat"
	"liqbot/platforms/telegram"
	"liqbot/platforms/telegram/telegramtest"
	"liqbot/secret"
)

func TestConfigIsChecked(t *testing.T) {
	good := telegramtest.Token
	tests := map[string]struct {
		token, api, hook, secret, want string
	}{
		"good":         {token: good},
		"newline":      {token: good + "\n"},
		"no token":     {want: "token"},
		"not a token":  {token: "SECRETish value", want: "token"},
		"inside":       {token: "12:SECRET\nish", want: "token"},
		"bad api":      {token: good, api: "ftp://SECRET", want: "address"},
		"bad hook":     {token: good, hook: "SECRET", want: "webhook address"},
		"bad secret":   {token: good, hook: "https://x/y", secret: "SECRET sauce", want: "webhook secret"},
		"good webhook": {token: good, hook: "https://x/y", secret: "SECRET-sauce_1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := telegram.Config{Token: secret.New(tt.token), APIURL: tt.api, Bot: chat.Bot{Handle: say("x")}}
			if tt.hook != "" {
				cfg.Webhook = &telegram.Webhook{URL: tt.hook, Secret: secret.New(tt.secret)}
			}
			a, err := telegram.New(cfg)
			switch {
			case tt.want == "" && err != nil:
				t.Fatalf("New: %v", err)
			case tt.want == "":
				if (a.WebhookHandler() != nil) != (tt.hook != "") {
					t.Error("handler must be there for a webhook only")
				}
			case err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET"):
				t.Errorf("New: %v, want it to name %q and to show no value", err, tt.want)
			}
		})
	}
}

func TestMalformedUpdateBlocksNothing(t *testing.T) {
	h := begin(t, echo)
	h.SendRaw(2001, `{"update_id":2001,"my_chat_member":{"chat":{"id":-1,"type":"group"},"old_chat_member":{"status":"emperor"},"new_chat_member":{"status":"member"}}}`)
	h.SendRaw(2002, `{"update_id":2002,"message":"text"}`)
	h.SendRaw(2003, `{"update_id":2003,"callback_query":{"id":"x","from":null,"data":"d"}}`)
	h.SendRaw(2004, `{"update_id":2004,"inline_query":{"id":"x"}}`)
	h.SendRaw(2005, `{"update_id":2005,"message":{"message_id":1,"date":0,"chat":{}}}`)
	h.PrivateText(ann, "fine")
	h.messages(ann, 1)
	h.WaitFor("confirmation", func() bool { return h.Unconfirmed() == 0 })
	if got := h.count("dropped_malformed"); got != 2 {
		t.Errorf("dropped_malformed = %d, want 2", got)
	}
}

func TestUpdateWithoutIDIsNoHotLoop(t *testing.T) {
	h := begin(t, echo)
	h.SendRaw(5000, `{"message":{}}`)
	h.waitCount("dropped_malformed", 3)
	h.SendRaw(5001, `{"update_id":5001}`)
	h.WaitFor("confirmation", func() bool { return h.Unconfirmed() == 0 })
}

func TestAnsweredOnceAcrossRestarts(t *testing.T) {
	h := prepare(t, echo)
	h.start()
	h.PrivateText(ann, "one")
	press := h.Press(ann, h.messages(ann, 1)[0], "d")
	h.messages(ann, 2)
	h.WaitFor("confirmation", func() bool { return h.Unconfirmed() == 0 })
	h.stop()
	first := h.requests()[0].ID
	if !h.claims.has(first) || !h.claims.has("telegram:press:"+press) {
		t.Fatalf("not claimed: %v", h.claims.seen)
	}
	h.start()
	id := strings.TrimPrefix(first, "telegram:")
	h.SendRaw(1001, `{"update_id":`+id+`,"message":{"message_id":1,"date":9,"chat":{"id":501,"type":"private"},"from":{"id":501},"text":"one"}}`)
	h.SendRaw(1002, `{"update_id":1002,"callback_query":{"id":"`+press+`","from":{"id":501},"data":"d","message":{"message_id":1,"date":9,"chat":{"id":501,"type":"private"}}}}`)
	h.waitCount("duplicate", 2)
	h.PrivateText(ann, "two")
	if got := h.messages(ann, 3); len(got) != 3 || got[2].Text != "two" {
		t.Errorf("messages = %+v", got)
	}
	// What a handler changes must not be changed again either.
	if asked := h.requests(); len(asked) != 3 || asked[2].Text != "two" {
		t.Errorf("handled %+v, want two requests and then the new one", asked)
	}
}

func TestBrokenStoreDoesNotSilence(t *testing.T) {
	h := prepare(t, echo)
	h.claims.err = errors.New("planted chat text")
	h.start()
	h.PrivateText(ann, "one")
	h.Press(ann, h.messages(ann, 1)[0], "d")
	h.messages(ann, 2)
	h.WaitFor("confirmation", func() bool { return h.Unconfirmed() == 0 })
	if n := h.count("duplicate"); n != 0 {
		t.Errorf("duplicate = %d, want 0", n)
	}
}

// An error is cut to a length; what is cut through is not recognised any more.
func TestTokenAtTheCutIsHidden(t *testing.T) {
	t.Parallel()
	h := prepare(t, say("x"))
	for at := 110; at <= 165; at++ {
		h.Fail("getUpdates", telegramtest.Fault{Code: 400, Description: strings.Repeat("x", at) + telegramtest.Token})
	}
	h.start()
	h.PrivateText(ann, "/liq")
	h.messages(ann, 1)
	h.stop()
	if logs := h.logs.String(); !strings.Contains(logs, "xxx***") || strings.Contains(logs, "x12") {
		t.Errorf("log shows a part of the token:\n%s", logs)
	}
}

func TestNotConfirmedBeforeItIsSafe(t *testing.T) {
	t.Parallel()
	release, begun := make(chan struct{}), make(chan struct{})
	h := prepare(t, func(context.Context, chat.Request) chat.Reply {
		close(begun)
		<-release
		return chat.Reply{Text: chat.Plainly("x")}
	})
	h.cfg.Timing.Settle = 5 * time.Second
	h.start()
	h.PrivateText(ann, "/liq")
	<-begun
	<-time.After(100 * time.Millisecond) // a poll that does not wait takes far less
	if n := h.Unconfirmed(); n != 1 {
		t.Fatalf("%d unconfirmed, want 1: the update would be lost in a crash", n)
	}
	close(release)
	h.WaitFor("confirmation", func() bool { return h.Unconfirmed() == 0 })
	h.messages(ann, 1)
}

func TestReplyInFlightSurvivesShutdown(t *testing.T) {
	t.Parallel()
	release, begun := make(chan struct{}), make(chan struct{})
	h := prepare(t, func(context.Context, chat.Request) chat.Reply {
		close(begun)
		<-release
		return chat.Reply{Text: chat.Plainly("x")}
	})
	h.cfg.Timing.Drain = 5 * time.Second
	h.start()
	h.PrivateText(ann, "/liq")
	<-begun
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	h.stop()
	if n := len(h.Messages(ann)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	h := prepare(t, say("x"))
	h.cfg.Timing.Drain = 50 * time.Millisecond
	h.cfg.Timing.Call = time.Minute
	h.start()
	h.Fail("sendMessage", telegramtest.Fault{Hang: true})
	h.PrivateText(ann, "/liq")
	h.WaitFor("send", func() bool { return len(h.Calls("sendMessage")) == 1 })
	begun := time.Now()
	h.stop()
	if d := time.Since(begun); d > 3*time.Second {
		t.Errorf("stopping took %v", d)
	}
}

func TestStartAndPollingFaults(t *testing.T) {
	page := telegramtest.Fault{Status: 502}
	other := telegramtest.Fault{Code: 409, Description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}
	tests := map[string]struct {
		method string
		faults []telegramtest.Fault
		state  string
	}{
		"gateway at start":   {"getMe", []telegramtest.Fault{page, {Drop: true}}, "Telegram answered with status 502"},
		"limited at start":   {"getMe", []telegramtest.Fault{{Code: 429, Description: "Too Many Requests: retry after 1", RetryAfter: 1}}, "Telegram asks for a pause"},
		"gateway":            {"getUpdates", []telegramtest.Fault{page, page}, "Telegram answered with status 502"},
		"closed":             {"getUpdates", []telegramtest.Fault{{Drop: true}}, "Telegram cannot be reached"},
		"limited":            {"getUpdates", []telegramtest.Fault{{Code: 429, Description: "Too Many Requests: retry after 1", RetryAfter: 1}}, "Telegram asks for a pause"},
		"another bot":        {"getUpdates", []telegramtest.Fault{other, other, other}, "another bot instance"},
		"refused":            {"getUpdates", []telegramtest.Fault{{Code: 400, Description: "Bad Request: from 10.1.2.3"}}, "Telegram answered with status 400"},
		"menus are refused":  {"setMyCommands", []telegramtest.Fault{{Code: 400, Description: "Bad Request: BOT_COMMAND_INVALID"}}, ""},
		"profile is refused": {"getMyDescription", []telegramtest.Fault{page, page, page}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := prepare(t, say("x"))
			h.cfg.Bot.Commands, h.cfg.Bot.About, h.cfg.Bot.Description = commands(), map[string]string{"en": "about"}, map[string]string{"en": "at length"}
			h.Fail(tt.method, tt.faults...)
			h.start()
			h.PrivateText(ann, "/liq")
			h.messages(ann, 1)
			h.mu.Lock()
			defer h.mu.Unlock()
			all := strings.Join(h.states, "\n")
			if !strings.Contains(all, tt.state) || h.states[len(h.states)-1] != "up" {
				t.Errorf("states = %q", h.states)
			}
			if strings.Contains(all, "127.0.0.1") || strings.Contains(all, "10.1.2.3") {
				t.Errorf("states show an address: %q", h.states)
			}
			if n := strings.Count(h.logs.String(), "go to another bot instance"); n > 1 {
				t.Errorf("said %d times, want once:\n%s", n, h.logs)
			}
		})
	}
}

func TestForgottenWebhookIsDeleted(t *testing.T) {
	h := prepare(t, say("x"))
	hookURL(t, h.URL())
	h.start()
	h.PrivateText(ann, "/liq")
	h.messages(ann, 1)
	if n := len(h.Calls("deleteWebhook")); n != 1 {
		t.Errorf("deleteWebhook called %d times, want 1", n)
	}
}

// hookURL sets a webhook as another program would.
func hookURL(t *testing.T, base string) {
	t.Helper()
	resp, err := http.Post(base+"/bot"+telegramtest.Token+"/setWebhook", "application/json", strings.NewReader(`{"url":"http://127.0.0.1:1/"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}

func TestRevokedToken(t *testing.T) {
	tests := map[string]func(h *harness){
		"at start": func(h *harness) { h.Revoke() },
		"unknown":  func(h *harness) { h.Fail("getMe", telegramtest.Fault{Code: 404, Description: "Not Found"}) },
		"later": func(h *harness) {
			h.Fail("getUpdates", telegramtest.Fault{}, telegramtest.Fault{Code: 401, Description: "Unauthorized"})
		},
		"in a reply": func(h *harness) {
			h.Fail("sendMessage", telegramtest.Fault{Code: 401, Description: "Unauthorized"})
			h.PrivateText(ann, "/liq")
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := prepare(t, say("x"))
			spoil(h)
			a, err := telegram.New(h.cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = a.Run(t.Context())
			if !errors.Is(err, chat.ErrRefused) {
				t.Errorf("Run = %v, want chat.ErrRefused", err)
			}
			if strings.Contains(err.Error(), "TEST-secret") {
				t.Errorf("error shows the token: %v", err)
			}
			h.clean()
		})
	}
}

func TestUnreachableServerShowsNoAddress(t *testing.T) {
	h := prepare(t, say("x"))
	dead := httptest.NewServer(http.NotFoundHandler())
	h.cfg.APIURL = dead.URL
	dead.Close()
	h.start()
	h.WaitFor("state", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.states) > 2
	})
	h.stop()
	for _, state := range h.states {
		if state != "Telegram cannot be reached" {
			t.Errorf("state = %q", state)
		}
	}
	if !strings.Contains(h.logs.String(), "connection refused") {
		t.Errorf("log does not name the cause:\n%s", h.logs)
	}
}

func TestCheck(t *testing.T) {
	h := prepare(t, say("x"))
	a, err := telegram.New(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := a.Check(t.Context()); err != nil || !strings.Contains(text, telegramtest.Username) {
		t.Errorf("Check = %q, %v", text, err)
	}
	h.Revoke()
	if _, err := a.Check(t.Context()); !errors.Is(err, chat.ErrRefused) || strings.Contains(err.Error(), "TEST-secret") {
		t.Errorf("Check = %v, want chat.ErrRefused without the token", err)
	}
}
