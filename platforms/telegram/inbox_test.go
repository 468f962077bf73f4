package telegram_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
	"liqbot/storage"
)

// What had to wait in a slow chat survives a restart, is answered once, and is not
// kept any longer than that.
func TestWhatWaitsSurvivesARestart(t *testing.T) {
	h := prepare(t, func(_ context.Context, r chat.Request) chat.Reply {
		return chat.Reply{Text: chat.Plainly("re " + r.Text)}
	})
	store, err := storage.Open(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	h.cfg.Claims, h.cfg.Inbox = store, store
	h.cfg.Timing.Pause = time.Minute
	h.cfg.Timing.Settle = 50 * time.Millisecond
	h.Fail("sendMessage", telegramtest.Fault{Code: 429, Description: "Too Many Requests: retry after 30", RetryAfter: 30})
	h.start()
	h.PrivateText(ann, "/one")
	h.waitCount("rate_limited", 1)
	h.PrivateText(ann, "/two planted chat text")
	h.PrivateText(ann+1, "/elsewhere")
	h.WaitFor("another chat's answer", func() bool { return len(h.Messages(ann+1)) == 1 })
	h.WaitFor("the updates to be confirmed", func() bool { return h.Unconfirmed() == 0 })
	h.stop()
	if n := len(h.Messages(ann)); n != 0 {
		t.Fatalf("%d messages before the restart", n)
	}
	kept, err := store.Kept(t.Context(), chat.Telegram)
	if err != nil || len(kept) != 2 {
		t.Fatalf("%d updates kept, %v; want 2", len(kept), err)
	}
	h.start()
	h.WaitFor("both answers", func() bool { return len(h.Messages(ann)) == 2 })
	for i, want := range []string{"re /one", "re /two"} {
		if got := h.Messages(ann)[i].Text; !strings.HasPrefix(got, want) {
			t.Errorf("answer %d is %q, want %q", i, got, want)
		}
	}
	h.stop()
	if kept, err := store.Kept(t.Context(), chat.Telegram); err != nil || len(kept) != 0 {
		t.Errorf("%d updates are still kept, %v", len(kept), err)
	}
	h.start()
	h.PrivateText(ann, "/three")
	h.WaitFor("the next answer", func() bool { return len(h.Messages(ann)) == 3 })
	if n := len(h.Messages(ann + 1)); n != 1 {
		t.Errorf("the other chat has %d answers, want 1", n)
	}
}
