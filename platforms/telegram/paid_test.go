package telegram_test

import (
	"sync"
	"testing"
	"time"

	"liqbot/chat"
	"liqbot/platforms/telegram"
	"liqbot/platforms/telegram/telegramtest"
)

// burst posts to n private chats of their own at once and returns how many were
// posted.
func burst(t *testing.T, h *harness, a *telegram.Adapter, n int) int {
	t.Helper()
	posted := 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range int64(n) {
		h.AddChat(40_000+i, "private", "")
		wg.Go(func() {
			got := a.Send(t.Context(), chat.Post{To: to(40_000 + i), Reply: chat.Reply{Text: chat.Plainly("x")}})
			mu.Lock()
			defer mu.Unlock()
			if got.Fate == chat.Posted {
				posted++
			}
		})
	}
	wg.Wait()
	return posted
}

func TestPaidPostsMayBeMore(t *testing.T) {
	t.Parallel()
	const n = 600
	h := prepare(t, say("hello"))
	h.EnforceLimits()
	h.cfg.Rate, h.cfg.PaidBroadcast = 500, true
	a := h.start()
	begun := time.Now()
	if got := burst(t, h, a, n); got != n || h.Limited() != 0 {
		t.Errorf("%d of %d posted, %d refused for the limits", got, n, h.Limited())
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("%d posts took %v", n, took)
	}
	if m := h.Messages(40_000); len(m) != 1 || !m[0].Paid {
		t.Errorf("messages %+v, want one to be paid for", m)
	}
	// A reply is never paid for, and an edit cannot be.
	h.PrivateText(ann, "/liq")
	h.Press(ann, h.messages(ann, 1)[0], "d")
	for _, m := range h.messages(ann, 2) {
		if m.Paid {
			t.Errorf("the reply %+v is to be paid for", m)
		}
	}
}

func TestUnpaidPostsMayNotBeMore(t *testing.T) {
	t.Parallel()
	h := prepare(t, say("x"))
	h.EnforceLimits()
	h.cfg.Rate = 500
	if got := burst(t, h, sender(h), 60); got >= 60 || h.Limited() == 0 {
		t.Errorf("%d posted, %d refused for the limits", got, h.Limited())
	}
	if h.Messages(40_000)[0].Paid {
		t.Error("a post is to be paid for though nobody asked for it")
	}
}

// A bot without Stars still sends its alerts.
func TestPostThatCannotBePaidFor(t *testing.T) {
	t.Parallel()
	h := prepare(t, say("x"))
	h.cfg.PaidBroadcast = true
	h.AddChat(ann, "private", "")
	h.AddChat(502, "private", "")
	h.FailChat(ann, telegramtest.Fault{Code: 400, Description: "Bad Request: BALANCE_TOO_LOW"})
	h.FailChat(502, telegramtest.Blocked)
	a := sender(h)
	if got := a.Send(t.Context(), alert(t, to(ann))); got.Fate != chat.Posted || h.Messages(ann)[0].Paid {
		t.Errorf("Send = %+v, messages %+v", got, h.Messages(ann))
	}
	if got := a.Send(t.Context(), alert(t, to(502))); got.Fate != chat.Gone || len(h.Calls("sendPhoto")) != 3 {
		t.Errorf("Send = %+v after %d calls in all, want Gone after one more", got, len(h.Calls("sendPhoto")))
	}
}
