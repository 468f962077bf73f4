package telegramtest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"liqbot/platforms/telegram/telegramtest"
)

// call makes a call and returns its code and, where it has to wait, for how long.
func call(t *testing.T, s *telegramtest.Server, method string, params map[string]any) (code, wait int) {
	t.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(s.URL()+"/bot"+s.Token()+"/"+method, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Parameters struct {
			RetryAfter int `json:"retry_after"`
		} `json:"parameters"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer.Parameters.RetryAfter
}

func TestLimitsAreEnforced(t *testing.T) {
	t.Run("in all", func(t *testing.T) {
		s := telegramtest.New(t)
		s.EnforceLimits()
		refused := 0
		for i := range int64(40) {
			s.AddChat(i+1, "private", "")
			if code, wait := call(t, s, "sendMessage", map[string]any{"chat_id": i + 1, "text": "x"}); code == http.StatusTooManyRequests {
				refused++
				if wait != 1 {
					t.Errorf("retry after %d", wait)
				}
			}
		}
		if refused == 0 || s.Limited() != refused {
			t.Errorf("%d refused, %d counted", refused, s.Limited())
		}
	})
	t.Run("in a chat", func(t *testing.T) {
		s := telegramtest.New(t)
		s.EnforceLimits()
		s.AddChat(1, "private", "")
		for i, want := range []int{http.StatusOK, http.StatusTooManyRequests, http.StatusTooManyRequests} {
			if code, _ := call(t, s, "sendMessage", map[string]any{"chat_id": 1, "text": "x"}); code != want {
				t.Errorf("message %d: %d, want %d", i, code, want)
			}
		}
	})
	t.Run("in a group", func(t *testing.T) {
		s := telegramtest.New(t)
		s.EnforceLimits()
		s.Know(-1)
		for i := range 21 {
			// What does not exist counts too.
			code, wait := call(t, s, "editMessageText", map[string]any{"chat_id": -1, "message_id": 9, "text": "x"})
			if limited := code == http.StatusTooManyRequests; limited != (i == 20) || limited && wait < 50 {
				t.Errorf("edit %d: %d, retry after %d", i, code, wait)
			}
		}
	})
}

func TestFaultsOfAChat(t *testing.T) {
	s := telegramtest.New(t)
	s.AddChat(1, "private", "")
	s.AddChat(2, "private", "")
	s.FailChat(1, telegramtest.NoRights)
	s.Shut(2, telegramtest.Blocked)
	send := func(chat int64) int {
		code, _ := call(t, s, "sendMessage", map[string]any{"chat_id": chat, "text": "x"})
		return code
	}
	for i, c := range []struct {
		chat int64
		want int
	}{{1, 400}, {1, 200}, {2, 403}, {2, 403}} {
		if got := send(c.chat); got != c.want {
			t.Errorf("call %d: %d, want %d", i, got, c.want)
		}
	}
	s.Shut(2, telegramtest.Fault{})
	if got := send(2); got != 200 {
		t.Errorf("opened again: %d", got)
	}
	s.Membership(2, 2, "member", "kicked")
	if got := send(2); got != 403 {
		t.Errorf("blocked: %d", got)
	}
	s.PrivateText(2, "/start")
	if got := send(2); got != 200 {
		t.Errorf("unblocked: %d", got)
	}
}
