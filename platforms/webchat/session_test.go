package webchat_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/webchat"
)

// returns remembers who is back, and fails as often as it is told.
type returns struct {
	mu    sync.Mutex
	fails int
	calls []chat.Target
}

func (r *returns) back(_ context.Context, to chat.Target) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, to)
	if len(r.calls) <= r.fails {
		return errors.New("the disk is full")
	}
	return nil
}

// The bot is told that a session is there: once, again if that failed, and again
// when it was gone for a week.
func TestBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, told := webchat.NewFeed(key), &returns{fails: 1}
		run := start(t, webchat.Config{Feed: f, Bot: chat.Bot{Back: told.back}})
		client := opened(t, run.Server)
		to := chat.Target{Platform: chat.Web, Chat: sessionOf(t, client, run.Server)}
		var want []chat.Target
		visit := func(calls int) {
			t.Helper()
			page := listen(t, client, run.Server, "")
			push(t, f, to.Chat, time.Now().String())
			page.message(t) // comes after the bot was told
			run.stop(t)
			for range calls {
				want = append(want, to)
			}
			if diff := cmp.Diff(want, told.calls); diff != "" {
				t.Errorf("told of (-want +got):\n%s", diff)
			}
		}
		again := func() {
			run = start(t, webchat.Config{Feed: f, Addr: addrOf(run.Server), Bot: chat.Bot{Back: told.back}})
		}
		visit(1)
		after(time.Hour)
		again()
		visit(1)
		after(6 * 24 * time.Hour)
		again()
		visit(0)
		after(7 * 24 * time.Hour)
		if got := f.Send(t.Context(), post(to.Chat, "a", "a")); got.Fate != chat.Gone {
			t.Errorf("fate %d, want gone", got.Fate)
		}
		again()
		visit(1)
	})
}

func TestSessionKey(t *testing.T) {
	other := []byte("another key of the test, of 32 bytes")
	tests := []struct {
		name          string
		before, after webchat.Config
		want          int
	}{
		{"the same key", webchat.Config{SessionKey: key}, webchat.Config{SessionKey: key}, http.StatusOK},
		{"the same key of a feed", webchat.Config{Feed: webchat.NewFeed(key)}, webchat.Config{Feed: webchat.NewFeed(key)}, http.StatusOK},
		{"a key beats the feed's", webchat.Config{SessionKey: key, Feed: webchat.NewFeed(other)}, webchat.Config{SessionKey: key}, http.StatusOK},
		{"another key", webchat.Config{SessionKey: key}, webchat.Config{SessionKey: other}, http.StatusUnauthorized},
		{"no key", webchat.Config{}, webchat.Config{}, http.StatusUnauthorized},
		{"a feed without a key", webchat.Config{Feed: webchat.NewFeed(nil)}, webchat.Config{Feed: webchat.NewFeed(nil)}, http.StatusUnauthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := start(t, tt.before)
			client := opened(t, first.Server)
			first.stop(t)
			client.CloseIdleConnections()
			tt.after.Addr = addrOf(first.Server)
			second := serve(t, tt.after)
			if got := do(t, client, request(t, http.MethodPost, at(t, second, "/api/messages"), `{"text":"hi"}`)); got.code != tt.want {
				t.Errorf("a session from before the restart: status %d, want %d", got.code, tt.want)
			}
		})
	}
	_, err := webchat.New(webchat.Config{Addr: "127.0.0.1:0", Bot: chat.Bot{Handle: new(fakeBot).handle}, SessionKey: []byte("short")})
	if err == nil || !strings.Contains(err.Error(), "session key of 5 bytes") || strings.Contains(err.Error(), "short") {
		t.Errorf("New with a short key: %v", err)
	}
}

// A browser keeps its session for 90 days after the page was last opened.
func TestSessionLastsByUse(t *testing.T) {
	s := serve(t, webchat.Config{})
	first := cookieOf(t, s)
	r := request(t, http.MethodGet, s.URL(), "")
	r.AddCookie(first)
	again, err := http.ParseSetCookie(do(t, browser(t), r).header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	const days = 90
	if first.MaxAge != days*24*60*60 || again.MaxAge != first.MaxAge || again.Value != first.Value {
		t.Errorf("cookies %s, then %s, want the same session for %d more days", first, again, days)
	}
}
