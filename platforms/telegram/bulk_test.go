package telegram_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/telegram"
	"liqbot/platforms/telegram/telegramtest"
)

// sender is an adapter that is not run.
func sender(h *harness) *telegram.Adapter {
	h.t.Helper()
	a, err := telegram.New(h.cfg)
	if err != nil {
		h.t.Fatalf("New: %v", err)
	}
	h.t.Cleanup(h.clean)
	return a
}

func to(id int64) chat.Target {
	return chat.Target{Platform: chat.Telegram, Chat: strconv.FormatInt(id, 10)}
}

// alert is a post as an alert makes one.
func alert(t *testing.T, where chat.Target) chat.Post {
	t.Helper()
	return chat.Post{To: where, ID: "id", Reply: chat.Reply{
		Text:    chat.Text{{Text: "planted chat text", Style: chat.Bold}},
		Picture: picture(t, "k"),
		Buttons: [][]chat.Button{{{Label: "b", Data: "d"}}},
	}}
}

func TestPostArrives(t *testing.T) {
	h := prepare(t, say("x"))
	h.GroupText(group, ann, "/liq", telegramtest.InTopic(7))
	a := sender(h)
	p := alert(t, to(group))
	p.To.Thread = "7"
	sent := a.Send(t.Context(), p)
	got := h.Messages(group)[0]
	if want := (chat.Outcome{Fate: chat.Posted, Message: strconv.Itoa(got.ID)}); sent != want {
		t.Fatalf("Send = %+v, want %+v", sent, want)
	}
	want := telegramtest.Message{
		ID: got.ID, Chat: group, Thread: 7, Text: "planted chat text", At: got.At,
		Entities: []telegramtest.Entity{{Type: "bold", Length: 17}},
		Photo:    p.Reply.Picture.PNG, FileID: got.FileID,
		Buttons: [][]telegramtest.Button{{{Text: "b", Data: "d"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if a.Shape(p.To) != chat.Portrait {
		t.Error("pictures for Telegram are portraits")
	}
}

func TestFatesOfPosts(t *testing.T) {
	waits := func(o chat.Outcome) bool { return o.Wait > 0 }
	type want struct {
		Fate            chat.Fate
		Reason          string
		Messages, Calls int
		Photo           bool
	}
	only := func(fate chat.Fate, reason string) want { return want{fate, reason, 0, 1, false} }
	faults := func(f ...telegramtest.Fault) []telegramtest.Fault { return f }
	refusal := func(code int, text string) []telegramtest.Fault {
		return faults(telegramtest.Fault{Code: code, Description: text})
	}
	tests := map[string]struct {
		faults []telegramtest.Fault
		want   want
		waits  bool
	}{
		"blocked":           {faults(telegramtest.Blocked), only(chat.Gone, "bot was blocked by the user"), false},
		"deactivated":       {faults(telegramtest.Deactivated), only(chat.Gone, "user is deactivated"), false},
		"never started":     {faults(telegramtest.NeverStarted), only(chat.Gone, "bot can't initiate conversation"), false},
		"kicked":            {faults(telegramtest.Kicked), only(chat.Gone, "bot was kicked"), false},
		"not a member":      {faults(telegramtest.NotMember), only(chat.Gone, "bot is not a member"), false},
		"group deleted":     {faults(telegramtest.GroupDeleted), only(chat.Gone, "the group chat was deleted"), false},
		"chat not found":    {faults(telegramtest.ChatNotFound), only(chat.Gone, "chat not found"), false},
		"a bot":             {refusal(403, "Forbidden: the bot can't send messages to the bot"), only(chat.Gone, "bot can't send messages to the bot"), false},
		"no rights":         {faults(telegramtest.NoRights), only(chat.Barred, "not enough rights"), false},
		"no write":          {faults(telegramtest.NoWrite), only(chat.Barred, "chat_write_forbidden"), false},
		"not admin":         {faults(telegramtest.NotAdmin), only(chat.Barred, "need administrator rights"), false},
		"topic closed":      {faults(telegramtest.TopicClosed), only(chat.Barred, "topic_closed"), false},
		"topic gone":        {faults(telegramtest.TopicNotFound), only(chat.Barred, "message thread not found"), false},
		"wait":              {faults(telegramtest.TooMany(134)), only(chat.Later, "too many requests"), true},
		"wait, no time":     {faults(telegramtest.TooMany(0)), only(chat.Later, "too many requests"), true},
		"proxy is limited":  {faults(telegramtest.Fault{Status: 429}), only(chat.Later, "too many requests"), true},
		"gateway":           {faults(telegramtest.Fault{Status: 502}), only(chat.Unclear, "Telegram answered with status 502"), false},
		"page, 500":         {faults(telegramtest.Fault{Status: 500, Acted: true}), want{chat.Unclear, "Telegram answered with status 500", 1, 1, true}, false},
		"page, 403":         {faults(telegramtest.Fault{Status: 403}), only(chat.Unclear, "Telegram answered with status 403"), false},
		"page, 200":         {faults(telegramtest.Fault{Status: 200, Acted: true}), want{chat.Unclear, "Telegram answered with status 200", 1, 1, true}, false},
		"server error":      {refusal(500, "Internal Server Error"), only(chat.Unclear, "Telegram answered with status 500"), false},
		"closed":            {faults(telegramtest.Fault{Drop: true}), only(chat.Unclear, "Telegram gave no answer"), false},
		"reset":             {faults(telegramtest.Fault{Reset: true}), only(chat.Unclear, "Telegram gave no answer"), false},
		"sent, then reset":  {faults(telegramtest.ActThenReset), want{chat.Unclear, "Telegram gave no answer", 1, 1, true}, false},
		"sent, then hangs":  {faults(telegramtest.ActThenHang), want{chat.Unclear, "Telegram gave no answer", 1, 1, true}, false},
		"answer is cut":     {faults(telegramtest.Fault{Cut: true, Acted: true}), want{chat.Unclear, "Telegram gave no answer", 1, 1, true}, false},
		"unknown, quoting":  {refusal(400, "Bad Request: odd planted chat text"), only(chat.Refused, "bad request"), false},
		"wrong address":     {refusal(404, "Not Found"), only(chat.Down, "not found"), false},
		"markup":            {refusal(400, `Bad Request: can't parse entities: "planted chat text"`), want{chat.Posted, "", 1, 2, true}, false},
		"markup twice":      {append(refusal(400, "Bad Request: can't parse entities"), refusal(400, "Bad Request: can't parse entities")...), want{chat.Refused, "can't parse entities", 0, 2, false}, false},
		"buttons":           {refusal(400, "Bad Request: BUTTON_DATA_INVALID"), want{chat.Posted, "", 1, 2, true}, false},
		"no photos":         {faults(telegramtest.NoPhotos), want{chat.Posted, "", 1, 2, false}, false},
		"bad dimensions":    {refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"), want{chat.Posted, "", 1, 2, false}, false},
		"nothing, then not": {append(faults(telegramtest.NoPhotos), telegramtest.NoRights), want{chat.Barred, "not enough rights", 0, 2, false}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := prepare(t, say("x"))
			h.AddChat(ann, "private", "")
			h.FailChat(ann, tt.faults...)
			h.cfg.Timing.Call = 500 * time.Millisecond
			o := sender(h).Send(t.Context(), alert(t, to(ann)))
			got := want{Fate: o.Fate, Reason: o.Reason, Messages: len(h.Messages(ann)), Calls: len(h.Calls("sendPhoto")) + len(h.Calls("sendMessage"))}
			if got.Messages > 0 {
				got.Photo = h.Messages(ann)[0].Photo != nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if waits(o) != tt.waits || o.Deduplicates {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}

func TestPostThatIsNone(t *testing.T) {
	h := prepare(t, say("x"))
	a := sender(h)
	for name, p := range map[string]chat.Post{
		"elsewhere":   {To: chat.Target{Platform: chat.Discord, Chat: "5"}, Reply: chat.Reply{Text: chat.Plainly("x")}},
		"no chat":     {To: to(0), Reply: chat.Reply{Text: chat.Plainly("x")}},
		"not a chat":  {To: chat.Target{Platform: chat.Telegram, Chat: "@x"}, Reply: chat.Reply{Text: chat.Plainly("x")}},
		"no thread":   {To: chat.Target{Platform: chat.Telegram, Chat: "5", Thread: "-1"}, Reply: chat.Reply{Text: chat.Plainly("x")}},
		"no text":     {To: to(ann)},
		"blank texts": {To: to(ann), Reply: chat.Reply{Text: chat.Plainly(" \n\x00")}},
	} {
		if got := a.Send(t.Context(), p); got.Fate != chat.Refused || got.Reason == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if n := len(h.Calls("")); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestPostWithoutANetwork(t *testing.T) {
	h := prepare(t, say("x"))
	dead := httptest.NewServer(http.NotFoundHandler())
	h.cfg.APIURL = dead.URL
	dead.Close()
	h.cfg.Timing.Retry, h.cfg.Timing.MaxRetry = time.Hour, time.Hour // the caller tries again, not Send
	if got, want := sender(h).Send(t.Context(), alert(t, to(ann))), (chat.Outcome{Fate: chat.Down, Reason: "Telegram cannot be reached"}); got != want {
		t.Errorf("Send = %+v, want %+v", got, want)
	}
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	tls.StartTLS()
	defer tls.Close()
	h.cfg.APIURL = tls.URL // its certificate is nobody's
	if got := sender(h).Send(t.Context(), alert(t, to(ann))); got.Fate != chat.Down {
		t.Errorf("Send = %+v, want Down", got)
	}
}

func TestPostThatIsStopped(t *testing.T) {
	h := prepare(t, say("x"))
	h.AddChat(ann, "private", "")
	h.AddChat(502, "private", "")
	h.cfg.Rate = 1
	a := sender(h)
	if got := a.Send(t.Context(), alert(t, to(ann))); got.Fate != chat.Posted {
		t.Fatalf("Send = %+v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got := a.Send(ctx, alert(t, to(502))); got.Fate != chat.Down || len(h.Messages(502)) != 0 {
		t.Errorf("Send = %+v, want Down and nothing sent", got)
	}
}

func TestPostIsAskedForRightBefore(t *testing.T) {
	t.Parallel()
	h := prepare(t, say("x"))
	h.AddChat(ann, "private", "")
	h.AddChat(502, "private", "")
	h.cfg.Rate = 1
	a := sender(h)
	begun := time.Now()
	if got := a.Send(t.Context(), alert(t, to(ann))); got.Fate != chat.Posted {
		t.Fatalf("Send = %+v", got)
	}
	p := alert(t, to(502))
	p.Reply.Picture = picture(t, "another")
	p.Wanted = func() bool {
		if d := time.Since(begun); d < time.Second {
			t.Errorf("asked after %v, before the wait", d)
		}
		return false
	}
	if got := a.Send(t.Context(), p); got != (chat.Outcome{Fate: chat.Dropped}) || len(h.Messages(502)) != 0 {
		t.Errorf("Send = %+v, want Dropped and nothing sent", got)
	}
	// Neither the slot nor the upload is taken.
	begun = time.Now()
	p.Wanted = func() bool { return true }
	if got := a.Send(t.Context(), p); got.Fate != chat.Posted || time.Since(begun) > 900*time.Millisecond {
		t.Errorf("Send = %+v after %v", got, time.Since(begun))
	}
}

func TestPostToAGroupThatMoves(t *testing.T) {
	h := prepare(t, say("x"))
	h.Know(-1009)
	h.Know(group)
	h.Shut(group, telegramtest.Migrated(-1009))
	var from, to2 chat.Target
	h.cfg.Bot.Moved = func(_ context.Context, f, t chat.Target) error { from, to2 = f, t; return nil }
	p := alert(t, to(group))
	p.Reply.Text = chat.Plainly(strings.Repeat("word ", 300)) // goes on in a second message
	if got := sender(h).Send(t.Context(), p); got.Fate != chat.Posted || len(h.Messages(-1009)) != 2 {
		t.Errorf("Send = %+v, %d messages", got, len(h.Messages(-1009)))
	}
	if from != to(group) || to2 != to(-1009) {
		t.Errorf("moved from %v to %v", from, to2)
	}
}

func TestPostOfSeveralMessages(t *testing.T) {
	t.Parallel()
	h := prepare(t, say("x"))
	h.AddChat(ann, "private", "")
	h.EnforceLimits()
	h.Fail("sendMessage", telegramtest.ActThenReset)
	p := alert(t, to(ann))
	p.Reply.Text = chat.Plainly(strings.Repeat("word ", 300))
	asked := 0
	p.Wanted = func() bool { asked++; return true }
	p.Silent = true
	sent := sender(h).Send(t.Context(), p)
	got := h.Messages(ann)
	if len(got) != 2 || got[1].At.Sub(got[0].At) < time.Second || !got[0].Silent || !got[1].Silent {
		t.Fatalf("messages %+v", got)
	}
	if want := (chat.Outcome{Fate: chat.Posted, Message: strconv.Itoa(got[0].ID)}); sent != want || h.Limited() != 0 || asked != 1 {
		t.Errorf("Send = %+v, want %+v; %d refused for the limits, asked %d times", sent, want, h.Limited(), asked)
	}
}

func TestSeveralChatsRefusedTogetherPauseAllPosts(t *testing.T) {
	h := prepare(t, say("x"))
	for _, id := range []int64{ann, 502, 503} {
		h.AddChat(id, "private", "")
		h.FailChat(id, telegramtest.TooMany(7))
	}
	a := sender(h)
	if got := a.Send(t.Context(), alert(t, to(ann))); got.Fate != chat.Later || got.Wait != 7*time.Second {
		t.Errorf("first: %+v, want Later", got)
	}
	if got := a.Send(t.Context(), alert(t, to(502))); got.Fate != chat.Down || got.Wait < 7*time.Second || got.Wait > 9*time.Second {
		t.Errorf("second: %+v, want Down", got)
	}
	if got := a.Send(t.Context(), alert(t, to(503))); got.Fate != chat.Down || got.Wait < 6*time.Second {
		t.Errorf("third: %+v, want Down", got)
	}
	if n := len(h.Calls("sendPhoto")); n != 2 {
		t.Errorf("%d calls, want none while all posts are paused", n)
	}
}

func TestRefusedPollPausesPosts(t *testing.T) {
	h := prepare(t, say("x"))
	h.AddChat(ann, "private", "")
	h.Fail("getUpdates", telegramtest.TooMany(3))
	a := h.start()
	h.waitCount("rate_limited", 1)
	if got := a.Send(t.Context(), alert(t, to(ann))); got.Fate != chat.Down || got.Wait < time.Second || len(h.Messages(ann)) != 0 {
		t.Errorf("Send = %+v, want Down", got)
	}
}

func TestPausedChatIsNotAskedAgain(t *testing.T) {
	h := prepare(t, say("x"))
	h.AddChat(ann, "private", "")
	h.FailChat(ann, telegramtest.TooMany(10072))
	a := sender(h)
	for range 3 {
		if got := a.Send(t.Context(), alert(t, to(ann))); got.Fate != chat.Later || got.Wait < 10000*time.Second {
			t.Errorf("Send = %+v, want Later", got)
		}
	}
	if n := len(h.Calls("")); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestRevokedTokenInAPostEndsRun(t *testing.T) {
	h := prepare(t, say("x"))
	a, err := telegram.New(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(t.Context()) }()
	h.WaitFor("a poll", func() bool { return len(h.Calls("getUpdates")) == 1 })
	h.FailChat(ann, telegramtest.Unauthorized)
	if got, want := a.Send(t.Context(), alert(t, to(ann))), (chat.Outcome{Fate: chat.Down, Reason: "unauthorized"}); got != want {
		t.Errorf("Send = %+v, want %+v", got, want)
	}
	select {
	case err := <-done:
		if !errors.Is(err, chat.ErrRefused) {
			t.Errorf("Run = %v, want chat.ErrRefused", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Run goes on")
	}
	h.clean()
}

// A group has had 20 messages and edits in a minute: the next has to wait.
func TestEditsInAGroupCount(t *testing.T) {
	h := prepare(t, func(_ context.Context, r chat.Request) chat.Reply {
		return chat.Reply{Text: chat.Plainly("x" + r.Press), Edit: r.Press != "", Buttons: [][]chat.Button{{{Label: "b", Data: "d"}}}}
	})
	h.EnforceLimits()
	a := h.start()
	h.GroupText(group, ann, "/liq")
	m := h.messages(group, 1)[0]
	for i := range 19 {
		h.Press(ann, m, strconv.Itoa(i))
		h.waitCount("reply", i+2)
	}
	if got := a.Send(t.Context(), alert(t, to(group))); got.Fate != chat.Later || got.Wait < 30*time.Second || h.Limited() != 0 {
		t.Errorf("Send = %+v, %d refused for the limits", got, h.Limited())
	}
}

func TestRateIsChecked(t *testing.T) {
	h := prepare(t, say("x"))
	for _, rate := range []float64{-1, 1e9} {
		h.cfg.Rate = rate
		if _, err := telegram.New(h.cfg); err == nil || !strings.Contains(err.Error(), "rate") {
			t.Errorf("rate %v: %v", rate, err)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("501", "7")
	f.Add("-1001", "")
	f.Add("99999999999999999999", "1e3")
	f.Fuzz(func(t *testing.T, id, thread string) {
		h := prepare(t, say("x"))
		h.AddChat(501, "private", "")
		got := sender(h).Send(t.Context(), chat.Post{To: chat.Target{Platform: chat.Telegram, Chat: id, Thread: thread}, Reply: chat.Reply{Text: chat.Plainly("x")}})
		n, err := strconv.ParseInt(id, 10, 64)
		if calls := len(h.Calls("")); (err != nil || n == 0) && (calls != 0 || got.Fate != chat.Refused) {
			t.Errorf("%d calls, %s", calls, fmt.Sprint(got))
		}
	})
}
