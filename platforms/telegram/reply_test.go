package telegram_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
)

func TestReplyIsSent(t *testing.T) {
	reply := chat.Reply{
		Text: chat.Text{
			{Text: "a<b>&\"'\x00\xff "},
			{Text: "bold <i>", Style: chat.Bold},
			{Text: "\n"},
			{Text: "$1", Style: chat.Code},
			{Text: "it", Style: chat.Italic},
		},
		Picture: picture(t, "k"),
		Buttons: [][]chat.Button{{{Label: "1d", Data: "v1|1d"}, {Label: "7d", Data: "v1|7d", Active: true}}, {{Label: "too long", Data: strings.Repeat("x", 65)}}},
	}
	h := begin(t, always(reply))
	asked := h.GroupText(group, ann, "/liq", telegramtest.InTopic(7))
	got := h.messages(group, 1)[0]
	want := telegramtest.Message{
		ID: got.ID, Chat: group, Thread: 7, Text: "a<b>&\"' bold <i>\n$1it",
		Entities: []telegramtest.Entity{{Type: "bold", Offset: 8, Length: 8}, {Type: "code", Offset: 17, Length: 2}, {Type: "italic", Offset: 19, Length: 2}},
		Photo:    reply.Picture.PNG, FileID: got.FileID, ReplyTo: got.ReplyTo, At: got.At,
		Buttons: [][]telegramtest.Button{{{Text: "1d", Data: "v1|1d"}, {Text: "• 7d •", Data: "v1|7d"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if got.ReplyTo == 0 {
		t.Errorf("not a reply to the command of update %d", asked)
	}
	h.waitCount("reply", 1)
}

func TestNoReplyMarkInPrivate(t *testing.T) {
	h := begin(t, say("x"))
	h.PrivateText(ann, "/liq")
	if got := h.messages(ann, 1)[0]; got.ReplyTo != 0 {
		t.Errorf("ReplyTo = %d, want 0", got.ReplyTo)
	}
}

func TestUploadedOnce(t *testing.T) {
	t.Parallel()
	h := begin(t, always(chat.Reply{Text: chat.Plainly("x"), Picture: picture(t, "k")}))
	for user := range int64(8) {
		h.PrivateText(ann+user, "/liq")
	}
	for user := range int64(8) {
		h.messages(ann+user, 1)
	}
	if n := uploadsOf(h); n != 1 {
		t.Errorf("%d uploads, want 1", n)
	}
	h.ForgetFile(h.Messages(ann)[0].FileID)
	h.PrivateText(ann, "/liq")
	if got := h.messages(ann, 2); len(got[1].Photo) == 0 {
		t.Error("no photo after the file id was forgotten")
	}
	if n := uploadsOf(h); n != 2 {
		t.Errorf("%d uploads, want 2", n)
	}
}

func uploadsOf(h *harness) int {
	n := 0
	for _, c := range h.Calls("") {
		if len(c.Files) > 0 {
			n++
		}
	}
	return n
}

func TestLongTexts(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("🚀", 40) + "\n" // 81 units
	bold := chat.Text{{Text: strings.Repeat(line, 60), Style: chat.Bold}}
	h := begin(t, func() chat.Handler {
		return always(chat.Reply{Text: bold, Picture: picture(t, "k"), Buttons: [][]chat.Button{{{Label: "b", Data: "d"}}}})
	}())
	h.PrivateText(ann, "/liq")
	got := h.messages(ann, 2)
	all := ""
	for i, m := range got {
		all += m.Text + "\n"
		if (m.Photo != nil) != (i == 0) || (m.Buttons != nil) != (i == 0) {
			t.Errorf("message %d: photo %v, buttons %v", i, m.Photo != nil, m.Buttons)
		}
		if len(m.Entities) != 1 || m.Entities[0].Length < telegramtest.Units(m.Text) {
			t.Errorf("message %d: formatting lost: %v", i, m.Entities)
		}
	}
	if want := bold.String(); all != want {
		t.Errorf("text was not kept: %d of %d bytes", len(all), len(want))
	}
}

func TestVeryLongText(t *testing.T) {
	h := begin(t, always(chat.Reply{Text: chat.Plainly(strings.Repeat("word ", 2000)), Buttons: [][]chat.Button{{{Label: "b", Data: "d"}}}}))
	h.PrivateText(ann, "/help")
	got := h.messages(ann, 3)
	if got[0].Buttons != nil || got[2].Buttons == nil {
		t.Errorf("buttons belong under the last message: %v, %v", got[0].Buttons, got[2].Buttons)
	}
}

func TestRefusals(t *testing.T) {
	withPhoto := func(t *testing.T) chat.Reply {
		t.Helper()
		return chat.Reply{Text: chat.Text{{Text: "planted chat text", Style: chat.Bold}}, Picture: picture(t, "k"), Buttons: [][]chat.Button{{{Label: "b", Data: "d"}}}}
	}
	type outcome struct {
		Messages int
		Photo    bool
		Calls    int
		Failed   int
	}
	tests := map[string]struct {
		fault []telegramtest.Fault
		want  outcome
	}{
		"blocked":            {[]telegramtest.Fault{{Code: 403, Description: "Forbidden: bot was blocked by the user"}}, outcome{0, false, 1, 1}},
		"no rights at all":   {[]telegramtest.Fault{{Code: 400, Description: "Bad Request: have no write access to the chat"}}, outcome{0, false, 1, 1}},
		"no photos":          {[]telegramtest.Fault{{Code: 400, Description: "Bad Request: not enough rights to send photos to the chat"}}, outcome{1, false, 2, 0}},
		"bad dimensions":     {[]telegramtest.Fault{{Code: 400, Description: "Bad Request: PHOTO_INVALID_DIMENSIONS"}}, outcome{1, false, 2, 0}},
		"markup":             {[]telegramtest.Fault{{Code: 400, Description: `Bad Request: can't parse entities: Unsupported start tag "planted chat text"`}}, outcome{1, true, 2, 0}},
		"markup twice":       {[]telegramtest.Fault{{Code: 400, Description: "Bad Request: can't parse entities"}, {Code: 400, Description: "Bad Request: can't parse entities"}}, outcome{0, false, 2, 1}},
		"buttons":            {[]telegramtest.Fault{{Code: 400, Description: "Bad Request: BUTTON_DATA_INVALID"}}, outcome{1, true, 2, 0}},
		"unknown, quoting":   {[]telegramtest.Fault{{Code: 400, Description: "Bad Request: odd planted chat text"}}, outcome{0, false, 1, 1}},
		"wait":               {[]telegramtest.Fault{{Code: 429, Description: "Too Many Requests: retry after 1", RetryAfter: 1}}, outcome{1, true, 2, 0}},
		"wait, no time":      {[]telegramtest.Fault{{Code: 429, Description: "Too Many Requests"}}, outcome{1, true, 2, 0}},
		"wait for hours":     {[]telegramtest.Fault{{Code: 429, Description: "Too Many Requests: retry after 10072", RetryAfter: 10072}}, outcome{0, false, 1, 1}},
		"bad gateway":        {[]telegramtest.Fault{{Status: 502}}, outcome{0, false, 1, 1}},
		"server error":       {[]telegramtest.Fault{{Code: 500, Description: "Internal Server Error"}}, outcome{0, false, 1, 1}},
		"sent, answer lost":  {[]telegramtest.Fault{{Drop: true, Acted: true}}, outcome{1, true, 1, 1}},
		"closed":             {[]telegramtest.Fault{{Drop: true}}, outcome{0, false, 1, 1}},
		"hangs after send":   {[]telegramtest.Fault{{Hang: true, Acted: true}}, outcome{1, true, 1, 1}},
		"topic closed":       {[]telegramtest.Fault{{Code: 400, Description: "Bad Request: TOPIC_CLOSED"}}, outcome{0, false, 1, 1}},
		"page for a refusal": {[]telegramtest.Fault{{Status: 413}}, outcome{1, false, 2, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := begin(t, always(withPhoto(t)))
			h.Fail("sendPhoto", tt.fault...)
			h.PrivateText(ann, "/liq")
			h.WaitFor("outcome", func() bool { return h.count("reply")+h.count("reply_failed") == 1 })
			got := outcome{Messages: len(h.Messages(ann)), Calls: len(h.Calls("sendPhoto")) + len(h.Calls("sendMessage")), Failed: h.count("reply_failed")}
			if got.Messages > 0 {
				got.Photo = h.Messages(ann)[0].Photo != nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPauseHoldsForTheChatOnly(t *testing.T) {
	h := begin(t, say("x"))
	h.Fail("sendMessage", telegramtest.Fault{Code: 429, Description: "Too Many Requests: retry after 100", RetryAfter: 100})
	h.PrivateText(ann, "one")
	h.waitCount("reply_failed", 1)
	h.PrivateText(ann, "two")
	h.PrivateText(502, "other")
	h.messages(502, 1)
	h.waitCount("reply_failed", 2)
	if n := len(h.Calls("sendMessage")); n != 2 {
		t.Errorf("%d sends, want 2: a paused chat was asked again", n)
	}
}

func TestRateLimitIsObeyed(t *testing.T) {
	t.Parallel()
	h := begin(t, say("x"))
	h.Limit(2, 900_000_000)
	for range 3 {
		h.GroupText(group, ann, "/liq")
	}
	h.messages(group, 3)
	if n := len(h.Calls("sendMessage")); n != 4 {
		t.Errorf("%d sends, want 4", n)
	}
}

func TestGroupMoves(t *testing.T) {
	h := begin(t, say("x"))
	h.Know(-1009)
	h.Fail("sendMessage", telegramtest.Fault{Code: 400, Description: "Bad Request: group chat was upgraded to a supergroup chat", MigrateTo: -1009})
	h.GroupText(group, ann, "/liq")
	h.messages(-1009, 1)
	if n := len(h.Calls("sendMessage")); n != 2 {
		t.Errorf("%d sends, want 2", n)
	}
}

func TestSignOfLife(t *testing.T) {
	t.Parallel()
	h := begin(t, withWorking(say("x")))
	h.Fail("sendChatAction", telegramtest.Fault{Hang: true})
	h.GroupText(group, ann, "/liq", telegramtest.InTopic(7))
	h.messages(group, 1)
	h.ChannelText(channel, "/liq")
	h.messages(channel, 1)
	h.WaitFor("action", func() bool { return len(h.Calls("sendChatAction")) == 1 })
	got := h.Calls("sendChatAction")[0].Params
	if diff := cmp.Diff(map[string]string{"chat_id": "-1001", "message_thread_id": "7", "action": "upload_photo"}, got); diff != "" {
		t.Errorf("action (-want +got):\n%s", diff)
	}
}
