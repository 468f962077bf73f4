package telegram_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
)

// withWorking calls Working before it answers, as for a picture to be made.
func withWorking(next chat.Handler) chat.Handler {
	return func(ctx context.Context, r chat.Request) chat.Reply {
		if r.Working != nil {
			r.Working()
		}
		return next(ctx, r)
	}
}

// presses answers text with first and presses with second.
func presses(first, second chat.Reply) chat.Handler {
	return func(_ context.Context, r chat.Request) chat.Reply {
		if r.Press != "" {
			return second
		}
		return first
	}
}

func TestPressEdits(t *testing.T) {
	button := [][]chat.Button{{{Label: "b", Data: "d"}}}
	text := func(s string) chat.Reply { return chat.Reply{Text: chat.Plainly(s), Buttons: button, Edit: true} }
	photo := func(s, key string) chat.Reply {
		r := text(s)
		r.Picture = picture(t, key)
		return r
	}
	tests := map[string]struct {
		first, second chat.Reply
		method        string
		wantPhoto     bool
		fault         telegramtest.Fault
		edits         int
	}{
		"photo to photo":       {photo("1d", "a"), photo("7d", "b"), "editMessageMedia", true, telegramtest.Fault{}, 1},
		"text to photo":        {text("1d"), photo("7d", "b"), "editMessageMedia", true, telegramtest.Fault{}, 1},
		"photo to text":        {photo("1d", "a"), text("7d"), "editMessageCaption", true, telegramtest.Fault{}, 1},
		"text to text":         {text("1d"), text("7d"), "editMessageText", false, telegramtest.Fault{}, 1},
		"same again":           {photo("7d", "a"), photo("7d", "a"), "editMessageMedia", true, telegramtest.Fault{}, 0},
		"answer lost":          {text("1d"), text("7d"), "editMessageText", false, telegramtest.Fault{Drop: true, Acted: true}, 1},
		"gateway":              {text("1d"), text("7d"), "editMessageText", false, telegramtest.Fault{Status: 502}, 1},
		"photos are forbidden": {text("1d"), photo("7d", "b"), "editMessageMedia", false, telegramtest.Fault{Code: 400, Description: "Bad Request: not enough rights to send photos to the chat"}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := begin(t, presses(tt.first, tt.second))
			h.GroupText(group, ann, "/liq")
			m := h.messages(group, 1)[0]
			if tt.fault != (telegramtest.Fault{}) {
				h.Fail(tt.method, tt.fault)
			}
			query := h.Press(502, m, "d")
			h.waitCount("reply", 2)
			got := h.Messages(group)
			if len(got) != 1 || got[0].Text != "7d" || got[0].Edits != tt.edits || (got[0].Photo != nil) != tt.wantPhoto || len(got[0].Buttons) != 1 {
				t.Errorf("messages = %+v", got)
			}
			if len(h.Calls(tt.method)) == 0 {
				t.Errorf("%s was not called", tt.method)
			}
			if diff := cmp.Diff([]telegramtest.Toast{{}}, h.Toasts(query)); diff != "" {
				t.Errorf("toasts (-want +got):\n%s", diff)
			}
			if r := h.requests()[1]; r.Member.ID != "502" || r.Text != "" || r.Press != "d" || r.Kind != chat.Group {
				t.Errorf("request = %+v", r)
			}
		})
	}
}

func TestPressAnswersBeforeSlowWork(t *testing.T) {
	release := make(chan struct{})
	h := prepare(t, withWorking(func(_ context.Context, r chat.Request) chat.Reply {
		if r.Press != "" {
			<-release
		}
		return chat.Reply{Text: chat.Plainly("x" + r.Press), Edit: true}
	}))
	h.cfg.Timing.Toast = time.Minute
	h.start()
	h.PrivateText(ann, "/liq")
	query := h.Press(ann, h.messages(ann, 1)[0], "d")
	h.WaitFor("toast", func() bool { return len(h.Toasts(query)) == 1 })
	close(release)
	h.WaitFor("edit", func() bool { return h.Messages(ann)[0].Text == "xd" })
}

func TestPressSpinnerEndsThoughHandlerIsSlow(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	h := begin(t, func(_ context.Context, r chat.Request) chat.Reply {
		if r.Press != "" {
			<-release
		}
		return chat.Reply{Text: chat.Plainly("no"), Private: true}
	})
	h.GroupText(group, ann, "/lang")
	query := h.Press(ann, h.messages(group, 1)[0], "d")
	h.WaitFor("toast", func() bool { return len(h.Toasts(query)) == 1 })
	close(release)
	// The alert is spent, so the refusal is a message.
	h.messages(group, 2)
}

func TestPrivateRefusalIsAnAlert(t *testing.T) {
	h := begin(t, presses(chat.Reply{Text: chat.Plainly("x")}, chat.Reply{Text: chat.Plainly("Only admins"), Private: true}))
	h.GroupText(group, ann, "/lang")
	query := h.Press(502, h.messages(group, 1)[0], "d")
	h.waitCount("reply", 2)
	if diff := cmp.Diff([]telegramtest.Toast{{Text: "Only admins", Alert: true}}, h.Toasts(query)); diff != "" {
		t.Errorf("toasts (-want +got):\n%s", diff)
	}
	if n := len(h.Messages(group)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

func TestPressOnAMessageThatIsGone(t *testing.T) {
	reply := chat.Reply{Text: chat.Plainly("new"), Edit: true, Picture: picture(t, "k")}
	h := begin(t, always(reply))
	h.PrivateText(ann, "/liq")
	m := h.messages(ann, 1)[0]
	h.Fail("editMessageMedia", telegramtest.Fault{Code: 400, Description: "Bad Request: message to edit not found"})
	h.Press(ann, m, "d")
	h.messages(ann, 2)
	h.Delete(m)
	h.Press(ann, m, "d") // comes as an inaccessible message
	h.WaitFor("new message", func() bool { return h.count("reply") == 3 })
	if n := len(h.Messages(ann)); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

func TestLateOrForgedPress(t *testing.T) {
	h := begin(t, echo)
	h.PrivateText(ann, "/liq")
	m := h.messages(ann, 1)[0]
	h.Fail("answerCallbackQuery", telegramtest.Fault{Code: 400, Description: "Bad Request: query is too old and response timeout expired or query ID is invalid"})
	h.Press(ann, m, "<b>\x00forged")
	h.messages(ann, 2)
	h.Press(ann, m, "0123456789012345678901234567890123456789012345678901234567890123456789")
	h.waitCount("ignored", 1)
}

func TestPressInInlineMessage(t *testing.T) {
	for _, id := range []string{"text:1", "photo:"} {
		t.Run(id, func(t *testing.T) {
			h := begin(t, presses(chat.Reply{Text: chat.Plainly("x"), Picture: picture(t, "a")}, chat.Reply{Text: chat.Plainly("7d"), Edit: true, Picture: picture(t, "b")}))
			h.PrivateText(ann, "/liq")
			name := id
			if id == "photo:" {
				name += h.messages(ann, 1)[0].FileID
			}
			h.Send(telegramtest.Update{"callback_query": map[string]any{
				"id": "query-i", "from": telegramtest.User(ann, "ru"), "chat_instance": "x", "data": "d", "inline_message_id": name,
			}})
			h.WaitFor("edit", func() bool { return len(h.Messages(0)) == 1 })
			if got := h.Messages(0)[0]; got.Text != "7d" {
				t.Errorf("inline message = %+v", got)
			}
			h.waitCount("reply", 2)
			if r := h.requests()[1]; r.Kind != chat.Private || r.Target.Chat != "501" || r.LanguageHint != "ru" {
				t.Errorf("request = %+v", r)
			}
		})
	}
}

func TestRefusedEditIsNotRepeated(t *testing.T) {
	h := begin(t, always(chat.Reply{Text: chat.Plainly("x"), Edit: true}))
	h.PrivateText(ann, "/liq")
	m := h.messages(ann, 1)[0]
	h.Fail("editMessageText", telegramtest.Fault{Code: 403, Description: "Forbidden: bot was blocked by the user"})
	h.Press(ann, m, "d")
	h.waitCount("reply_failed", 1)
	if n := len(h.Calls("editMessageText")); n != 1 {
		t.Errorf("%d edits, want 1", n)
	}
}

// A client of one's own making presses what it likes, and again: the rights are those of
// the one who presses, and a press that comes twice is answered once.
func TestForgedAndReplayedPress(t *testing.T) {
	t.Parallel()
	rights := make(chan string, 4)
	h := begin(t, func(ctx context.Context, r chat.Request) chat.Reply {
		if r.Press != "" {
			admin, err := r.IsAdmin(ctx)
			rights <- fmt.Sprint(r.Member.ID, " ", r.Press, " ", admin, err != nil)
		}
		return chat.Reply{Text: chat.Plainly("x"), Menus: []chat.Menu{{Data: "w", Choices: choices("1d")}}}
	})
	h.SetMember(group, ann, "administrator")
	h.SetMember(group, 502, "member")
	h.GroupText(group, ann, "/settings")
	m := h.messages(group, 1)[0]
	for n, c := range []struct {
		user int64
		data string
		want string
	}{
		{ann, "w|1d", "501 w|1d true false"},
		{502, "w|1d", "502 w|1d false false"},
		{502, "w|of no choice", "502 w|of no choice false false"},
	} {
		h.Press(c.user, m, c.data)
		if got := <-rights; got != c.want {
			t.Errorf("press %d: %q, want %q", n, got, c.want)
		}
	}
	h.waitCount("reply", 4)
	id := h.Press(502, m, "again")
	<-rights
	h.waitCount("reply", 5)
	h.Send(telegramtest.Update{"callback_query": map[string]any{
		"id": id, "from": telegramtest.User(502, "en"), "chat_instance": "x", "data": "again",
		"message": map[string]any{"message_id": m.ID, "date": 1, "chat": map[string]any{"id": group, "type": "supergroup", "title": "Group"}},
	}})
	h.waitCount("duplicate", 1)
	if n := len(h.requests()); n != 5 {
		t.Errorf("the handler was asked %d times, want 5", n)
	}
}
