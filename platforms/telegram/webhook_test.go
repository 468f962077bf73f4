package telegram_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"liqbot/chat"
	"liqbot/platforms/telegram"
	"liqbot/secret"
)

// hooked starts an adapter that Telegram reaches by webhook.
func hooked(t *testing.T, handle chat.Handler, given string) (*harness, *httptest.Server) {
	t.Helper()
	h := prepare(t, handle)
	var handler http.Handler
	ready := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-ready
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	h.cfg.Webhook = &telegram.Webhook{URL: web.URL + "/hook", Secret: secret.New(given)}
	handler = h.start().WebhookHandler()
	close(ready)
	h.WaitFor("webhook", func() bool { return len(h.Calls("setWebhook")) > 0 })
	return h, web
}

func TestWebhook(t *testing.T) {
	for name, given := range map[string]string{"own secret": "HOOK-secret_1", "random secret": ""} {
		t.Run(name, func(t *testing.T) {
			h, _ := hooked(t, echo, given)
			h.PrivateText(ann, "/liq")
			h.PrivateText(ann, "/price")
			if got := h.messages(ann, 2); got[0].Text != "/liq" || got[1].Text != "/price" {
				t.Errorf("messages = %+v", got)
			}
			h.WaitFor("confirmation", func() bool { return h.Unconfirmed() == 0 })
			p := h.Calls("setWebhook")[0].Params
			if len(p["secret_token"]) < 10 || given != "" && p["secret_token"] != given || !strings.Contains(p["allowed_updates"], "inline_query") || p["max_connections"] == "" {
				t.Errorf("setWebhook = %v", p)
			}
			h.stop()
			if len(h.Calls("deleteWebhook"))+len(h.Calls("getUpdates")) > 0 {
				t.Error("webhook must stay set and nobody may poll")
			}
		})
	}
}

func TestWebhookRefusesWhatIsNotTelegram(t *testing.T) {
	t.Parallel()
	h, web := hooked(t, echo, "HOOK-secret_1")
	tests := map[string]struct {
		method, secret, body string
		want                 int
	}{
		"no secret":    {"POST", "", `{"update_id":1}`, 401},
		"wrong secret": {"POST", "HOOK-secret_2", `{"update_id":1}`, 401},
		"get":          {"GET", "HOOK-secret_1", "", 405},
		"too big":      {"POST", "HOOK-secret_1", strings.Repeat(" ", 1<<20+1), 413},
		"not json":     {"POST", "HOOK-secret_1", "planted chat text", 200},
		"unknown kind": {"POST", "HOOK-secret_1", `{"update_id":1,"new_thing":{}}`, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := deliver(t, web, tt.method, tt.secret, tt.body); got != tt.want {
				t.Errorf("status = %d, want %d", got, tt.want)
			}
		})
	}
	h.stop()
	if got := deliver(t, web, "POST", "HOOK-secret_1", `{"update_id":1}`); got != 503 {
		t.Errorf("status after the end = %d, want 503", got)
	}
	if len(h.requests()) != 0 {
		t.Errorf("handler was asked: %+v", h.requests())
	}
}

func deliver(t *testing.T, web *httptest.Server, method, given, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, web.URL+"/hook", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Telegram-Bot-Api-Secret-Token", given)
	resp, err := web.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	return resp.StatusCode
}

func TestWebhookIsBusy(t *testing.T) {
	release := make(chan struct{})
	h, web := hooked(t, func(context.Context, chat.Request) chat.Reply { <-release; return chat.Reply{} }, "HOOK-secret_1")
	statuses := make(chan int, 80)
	for i := range 80 {
		go func() {
			statuses <- deliver(t, web, "POST", "HOOK-secret_1",
				`{"update_id":`+strings.Repeat("1", i%9+1)+`,"message":{"message_id":1,"date":9,"chat":{"id":501,"type":"private"},"from":{"id":501},"text":"x"}}`)
		}()
	}
	h.waitCount("dropped_overload", 1)
	close(release)
	var got []int
	for range 80 {
		got = append(got, <-statuses)
	}
	if !slices.Contains(got, 503) || !slices.Contains(got, 200) {
		t.Errorf("statuses = %v", got)
	}
}
