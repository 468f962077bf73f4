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

// typedCase is an update and what the handler is asked.
type typedCase struct {
	send func(h *harness)
	text string // as handed on; "" for nothing
	// addressed, thread, kind and member are compared when text is not "".
	addressed bool
	thread    string
	kind      chat.Kind
	member    string
}

func typedCases() map[string]typedCase {
	ago := func(d time.Duration) telegramtest.Option {
		return telegramtest.With("date", time.Now().Add(-d).Unix())
	}
	bot := func(id int64) map[string]any {
		return map[string]any{"id": id, "is_bot": true, "first_name": "Bot"}
	}
	command := []map[string]any{{"type": "bot_command", "offset": 0, "length": 4}}
	return map[string]typedCase{
		"private command":    {func(h *harness) { h.PrivateText(ann, "/liq BTC 7d") }, "/liq BTC 7d", true, "", chat.Private, "501"},
		"private plain text": {func(h *harness) { h.PrivateText(ann, "btc?") }, "btc?", true, "", chat.Private, "501"},
		"private caption": {func(h *harness) {
			h.PrivateText(ann, "", telegramtest.With("caption", "/liq eth"), telegramtest.With("caption_entities", command))
		}, "/liq eth", true, "", chat.Private, "501"},
		"private other bot": {func(h *harness) { h.PrivateText(ann, "/liq@other_bot btc") }, "", false, "", 0, ""},
		"group command":     {func(h *harness) { h.GroupText(group, ann, "/liq btc") }, "/liq btc", false, "", chat.Group, "501"},
		"group own name":    {func(h *harness) { h.GroupText(group, ann, "/liq@LIQ_test_bot $btc 7D") }, "/liq $btc 7D", true, "", chat.Group, "501"},
		"group other bot":   {func(h *harness) { h.GroupText(group, ann, "/liq@other_bot btc") }, "", false, "", 0, ""},
		"group plain text":  {func(h *harness) { h.GroupText(group, ann, "btc") }, "", false, "", 0, ""},
		"command not first": {func(h *harness) {
			h.GroupText(group, ann, "see /liq", telegramtest.With("entities", []map[string]any{{"type": "bot_command", "offset": 4, "length": 4}}))
		}, "", false, "", 0, ""},
		"offset beyond the text": {func(h *harness) {
			h.GroupText(group, ann, "/liq", telegramtest.With("entities", []map[string]any{{"type": "bot_command", "offset": 0, "length": 900}}))
		}, "/liq", false, "", chat.Group, "501"},
		"negative length": {func(h *harness) {
			h.GroupText(group, ann, "/liq", telegramtest.With("entities", []map[string]any{{"type": "bot_command", "offset": 0, "length": -3}}))
		}, "", false, "", 0, ""},
		"topic":          {func(h *harness) { h.GroupText(group, ann, "/liq", telegramtest.InTopic(77)) }, "/liq", false, "77", chat.Group, "501"},
		"reply chain":    {func(h *harness) { h.GroupText(group, ann, "/liq", telegramtest.With("message_thread_id", 5)) }, "/liq", false, "", chat.Group, "501"},
		"channel":        {func(h *harness) { h.ChannelText(channel, "/liq") }, "/liq", false, "", chat.Channel, ""},
		"other bot":      {func(h *harness) { h.GroupText(group, 9, "/liq", telegramtest.With("from", bot(9))) }, "", false, "", 0, ""},
		"linked channel": {func(h *harness) { h.GroupText(group, 777000, "/liq", telegramtest.With("is_automatic_forward", true)) }, "", false, "", 0, ""},
		"forward": {func(h *harness) {
			h.GroupText(group, ann, "/liq", telegramtest.With("forward_origin", map[string]any{"type": "hidden_user", "date": 1, "sender_user_name": "x"}))
		}, "", false, "", 0, ""},
		"via inline":      {func(h *harness) { h.PrivateText(ann, "/liq", telegramtest.With("via_bot", bot(9))) }, "", false, "", 0, ""},
		"edit":            {func(h *harness) { h.Send(telegramtest.Update{"edited_message": map[string]any{"message_id": 1}}) }, "", false, "", 0, ""},
		"unknown kind":    {func(h *harness) { h.Send(telegramtest.Update{"guest_message": map[string]any{}}) }, "", false, "", 0, ""},
		"sticker":         {func(h *harness) { h.PrivateText(ann, "") }, "", false, "", 0, ""},
		"backlog":         {func(h *harness) { h.PrivateText(ann, "/liq", ago(time.Hour)) }, "", false, "", 0, ""},
		"five minutes":    {func(h *harness) { h.PrivateText(ann, "/liq", ago(5*time.Minute)) }, "/liq", true, "", chat.Private, "501"},
		"clock is wrong":  {func(h *harness) { h.PrivateText(ann, "/liq", ago(9000*time.Hour)) }, "/liq", true, "", chat.Private, "501"},
		"anonymous admin": {func(h *harness) { anonymous(h, group) }, "/lang ru", false, "", chat.Group, ""},
		"emoji before the command's end": {func(h *harness) {
			h.GroupText(group, ann, "/liq 🚀 btc")
		}, "/liq 🚀 btc", false, "", chat.Group, "501"},
	}
}

func TestWhatIsAnswered(t *testing.T) {
	for name, tt := range typedCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := begin(t, say("ok"))
			tt.send(h)
			// The second message comes after the first one in the same batch order.
			h.PrivateText(999, "end")
			h.messages(999, 1)
			if tt.text == "" {
				h.WaitFor("end", func() bool { return h.Unconfirmed() == 0 })
				if got := h.requests(); len(got) != 1 {
					t.Fatalf("handler was asked %d times, want 1: %+v", len(got), got)
				}
				return
			}
			h.WaitFor("request", func() bool { return len(h.requests()) == 2 })
			got := h.requests()[0]
			if got.Text == "end" {
				got = h.requests()[1]
			}
			type seen struct {
				Text, Thread, Member string
				Addressed            bool
				Kind                 chat.Kind
			}
			want := seen{tt.text, tt.thread, tt.member, tt.addressed, tt.kind}
			if diff := cmp.Diff(want, seen{got.Text, got.Target.Thread, got.Member.ID, got.Addressed, got.Kind}); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if got.Shape != chat.Portrait || got.Target.Platform != chat.Telegram {
				t.Errorf("shape %v, platform %v", got.Shape, got.Target.Platform)
			}
		})
	}
}

func anonymous(h *harness, sender int64) {
	h.GroupText(group, 1087968824, "/lang ru",
		telegramtest.With("from", map[string]any{"id": 1087968824, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot"}),
		telegramtest.With("sender_chat", map[string]any{"id": sender, "type": "supergroup"}))
}

func TestWhoIsAdmin(t *testing.T) {
	tests := map[string]struct {
		send func(h *harness)
		want string
	}{
		"creator":       {func(h *harness) { h.SetMember(group, ann, "creator"); h.GroupText(group, ann, "/lang") }, "true"},
		"administrator": {func(h *harness) { h.SetMember(group, ann, "administrator"); h.GroupText(group, ann, "/lang") }, "true"},
		"member":        {func(h *harness) { h.SetMember(group, ann, "member"); h.GroupText(group, ann, "/lang") }, "false"},
		"not known":     {func(h *harness) { h.GroupText(group, ann, "/lang") }, "error"},
		"new status":    {func(h *harness) { h.SetMember(group, ann, "emperor"); h.GroupText(group, ann, "/lang") }, "error"},
		"refused": {func(h *harness) {
			h.SetMember(group, ann, "creator")
			h.Fail("getChatMember", telegramtest.Fault{Code: 429, Description: "Too Many Requests: retry after 9", RetryAfter: 9})
			h.GroupText(group, ann, "/lang")
		}, "error"},
		"anonymous":         {func(h *harness) { anonymous(h, group) }, "true"},
		"another channel":   {func(h *harness) { anonymous(h, channel) }, "false"},
		"channel post":      {func(h *harness) { h.ChannelText(channel, "/lang") }, "true"},
		"private has no id": {func(h *harness) { h.PrivateText(ann, "/lang") }, "nil"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := make(chan string, 1)
			h := begin(t, func(ctx context.Context, r chat.Request) chat.Reply {
				if r.IsAdmin == nil {
					result <- "nil"
					return chat.Reply{}
				}
				switch is, err := r.IsAdmin(ctx); {
				case err != nil:
					result <- "error"
				case is:
					result <- "true"
				default:
					result <- "false"
				}
				return chat.Reply{}
			})
			tt.send(h)
			select {
			case got := <-result:
				if got != tt.want {
					t.Errorf("IsAdmin = %s, want %s", got, tt.want)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("handler was not asked")
			}
		})
	}
}

func TestGreetsOnceWhenAdded(t *testing.T) {
	h := begin(t, echo)
	h.Membership(group, ann, "member", "administrator") // a promotion
	h.Membership(group, ann, "administrator", "kicked")
	h.Membership(group, ann, "left", "member")
	h.messages(group, 1)
	h.WaitFor("confirmation", func() bool { return h.Unconfirmed() == 0 })
	if got := h.Messages(group); len(got) != 1 || got[0].Text != "/start" {
		t.Fatalf("messages = %+v, want one greeting", got)
	}
	if r := h.requests()[0]; !r.Addressed || r.Member.ID != "501" || r.Kind != chat.Group {
		t.Errorf("request = %+v", r)
	}
}

func TestOrderAndParallelChats(t *testing.T) {
	release := make(chan struct{})
	h := begin(t, func(_ context.Context, r chat.Request) chat.Reply {
		if r.Text == "slow" {
			<-release
		}
		return chat.Reply{Text: chat.Plainly(r.Text)}
	})
	h.PrivateText(ann, "slow")
	for i := range 5 {
		h.PrivateText(ann, strings.Repeat("x", i+1))
	}
	h.PrivateText(502, "other")
	h.messages(502, 1)
	if got := h.Messages(ann); len(got) != 0 {
		t.Fatalf("overtaken: %+v", got)
	}
	close(release)
	var got []string
	for _, m := range h.messages(ann, 6) {
		got = append(got, m.Text)
	}
	if diff := cmp.Diff([]string{"slow", "x", "xx", "xxx", "xxxx", "xxxxx"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestPanicCostsOneUpdate(t *testing.T) {
	h := begin(t, func(_ context.Context, r chat.Request) chat.Reply {
		if r.Text == "boom" {
			panic("planted chat text")
		}
		return chat.Reply{Text: chat.Plainly("alive")}
	})
	h.PrivateText(ann, "boom")
	h.PrivateText(ann, "again")
	h.messages(ann, 1)
	if h.count("panic") != 1 {
		t.Errorf("panic counted %d times, want 1", h.count("panic"))
	}
}

func TestFlooderIsCutOff(t *testing.T) {
	release := make(chan struct{})
	h := begin(t, func(context.Context, chat.Request) chat.Reply { <-release; return chat.Reply{} })
	for range 80 {
		h.PrivateText(ann, "/liq")
	}
	h.waitCount("dropped_overload", 20)
	close(release)
}
