package telegram_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
)

func TestPostAnswersAnEarlierOne(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		picture bool
		replyTo func(first string) string
		gone    bool
		answers bool
	}{
		"text":               {false, func(first string) string { return first }, false, true},
		"picture":            {true, func(first string) string { return first }, false, true},
		"deleted meanwhile":  {false, func(first string) string { return first }, true, false},
		"of another chat":    {false, func(string) string { return "999999" }, false, false},
		"of another network": {false, func(string) string { return "1100000000000000003" }, false, false},
		"no id":              {false, func(string) string { return "-5" }, false, false},
		"none":               {true, func(string) string { return "" }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := prepare(t, say("x"))
			h.AddChat(ann, "private", "")
			a := sender(h)
			p := chat.Post{To: to(ann), Reply: chat.Reply{Text: chat.Plainly("first")}}
			first := a.Send(t.Context(), p)
			seen := h.Messages(ann)
			if first.Message != strconv.Itoa(seen[0].ID) || seen[0].ReplyTo != 0 || seen[0].Silent {
				t.Fatalf("Send = %+v, message %+v", first, seen[0])
			}
			if tt.gone {
				h.Delete(seen[0])
			}
			p.ReplyTo, p.Silent = tt.replyTo(first.Message), true
			if tt.picture {
				p.Reply.Picture = picture(t, "k")
			}
			if got := a.Send(t.Context(), p); got.Fate != chat.Posted {
				t.Fatalf("Send = %+v", got)
			}
			seen = h.Messages(ann)
			want := 0
			if tt.answers {
				want, _ = strconv.Atoi(first.Message)
			}
			if last := seen[len(seen)-1]; last.ReplyTo != want || !last.Silent {
				t.Errorf("message %+v, want a silent one that answers %d", last, want)
			}
		})
	}
}

// What an answer is given to stays behind when the group gets a new id.
func TestAnswerInAGroupThatMoves(t *testing.T) {
	h := prepare(t, say("x"))
	h.Know(-1009)
	h.Know(group)
	h.Shut(group, telegramtest.Migrated(-1009))
	p := chat.Post{To: to(group), Reply: chat.Reply{Text: chat.Plainly("x")}, ReplyTo: "3"}
	if got := sender(h).Send(t.Context(), p); got.Fate != chat.Posted || len(h.Messages(-1009)) != 1 {
		t.Fatalf("Send = %+v", got)
	}
	calls := h.Calls("sendMessage")
	if raw := calls[len(calls)-1].Params["reply_parameters"]; raw != "" {
		t.Errorf("the new group was sent reply_parameters %s", raw)
	}
}

// A post whose answer cannot be read has no id, and is posted.
func TestIDThatWasNotTold(t *testing.T) {
	h := prepare(t, say("x"))
	h.AddChat(ann, "private", "")
	h.Fail("sendMessage", telegramtest.Fault{Odd: true, Acted: true})
	got := sender(h).Send(t.Context(), chat.Post{To: to(ann), Reply: chat.Reply{Text: chat.Plainly("x")}})
	if got != (chat.Outcome{Fate: chat.Posted}) || len(h.Messages(ann)) != 1 {
		t.Errorf("Send = %+v, %d messages", got, len(h.Messages(ann)))
	}
}

// The server refuses as the real one does what the adapter never asks for.
func TestServerWantsTheMessageThatIsAnswered(t *testing.T) {
	s := telegramtest.New(t)
	s.AddChat(ann, "private", "")
	for params, want := range map[string]int{
		`{"message_id":7}`: http.StatusBadRequest,
		`{"message_id":7,"allow_sending_without_reply":true}`:  http.StatusOK,
		`{"message_id":-7,"allow_sending_without_reply":true}`: http.StatusBadRequest,
	} {
		body := `{"chat_id":501,"text":"x","reply_parameters":` + params + `}`
		resp, err := http.Post(s.URL()+"/bot"+s.Token()+"/sendMessage", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", params, resp.StatusCode, want)
		}
	}
}
