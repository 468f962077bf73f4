package webchat_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/webchat"
)

// post is a message to a session.
func post(session, id, text string) chat.Post {
	return chat.Post{
		To:    chat.Target{Platform: chat.Web, Chat: session},
		Kind:  chat.Private,
		ID:    id,
		Reply: chat.Reply{Text: chat.Plainly(text), Language: "en"},
	}
}

// push sends messages, each with its text as its id, and wants them posted.
func push(t *testing.T, f *webchat.Feed, session string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if got := f.Send(t.Context(), post(session, text, text)); got.Fate != chat.Posted {
			t.Errorf("Send %q: %+v, want it posted", text, got)
		}
	}
}

func TestSendOutcomes(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name   string
		over   bool
		change func(*chat.Post)
		want   chat.Outcome
	}{
		{"no page yet", false, func(*chat.Post) {}, chat.Outcome{Fate: chat.Posted, Message: "id"}},
		{"wanted", false, func(p *chat.Post) { p.Wanted = func() bool { return true } }, chat.Outcome{Fate: chat.Posted, Message: "id"}},
		{"not wanted", false, func(p *chat.Post) { p.Wanted = func() bool { return false } }, chat.Outcome{Fate: chat.Dropped}},
		{"stopped", true, func(*chat.Post) {}, chat.Outcome{Fate: chat.Later, Reason: "stopped before it was sent"}},
		{"nothing to say", false, func(p *chat.Post) { p.Reply = chat.Reply{} }, chat.Outcome{Fate: chat.Refused, Reason: "nothing to show"}},
		{"another platform", false, func(p *chat.Post) { p.To.Platform = chat.Telegram }, chat.Outcome{Fate: chat.Refused, Reason: "not a session of the page"}},
		{"no session", false, func(p *chat.Post) { p.To.Chat = "" }, chat.Outcome{Fate: chat.Refused, Reason: "not a session of the page"}},
		{"no session can be so long", false, func(p *chat.Post) { p.To.Chat = strings.Repeat("s", 65) }, chat.Outcome{Fate: chat.Refused, Reason: "not a session of the page"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := post("session", "id", "hello")
			tt.change(&p)
			ctx := t.Context()
			if tt.over {
				ctx = over
			}
			if diff := cmp.Diff(tt.want, webchat.NewFeed(nil).Send(ctx, p)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWantedIsNotAskedForWhatIsThere(t *testing.T) {
	f := webchat.NewFeed(nil)
	push(t, f, "session", "one")
	p := post("session", "one", "one")
	p.Wanted = func() bool { t.Error("asked again"); return false }
	if got := f.Send(t.Context(), p); got.Fate != chat.Posted {
		t.Errorf("a second try: fate %d, want it posted", got.Fate)
	}
	p = post("another session", "one", "one")
	asked := false
	p.Wanted = func() bool { asked = true; return true }
	if f.Send(t.Context(), p); !asked {
		t.Error("another session's post with the same id was taken for the same")
	}
}

// A session that no page was seen of for a week is gone: at the earliest a week
// after the start, since nobody knows what was before.
func TestGoneAfterAWeekSinceTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := webchat.NewFeed(nil)
		after(7*24*time.Hour - time.Second)
		push(t, f, "session", "in time")
		after(time.Second)
		want := chat.Outcome{Fate: chat.Gone, Reason: "no page for a week"}
		for _, session := range []string{"session", "another"} {
			if diff := cmp.Diff(want, f.Send(t.Context(), post(session, "late", "late"))); diff != "" {
				t.Errorf("outcome for %s (-want +got):\n%s", session, diff)
			}
		}
	})
}

// after lets time pass in a synctest bubble.
func after(d time.Duration) { <-time.After(d) }

func TestPageKeepsASessionFromBeingGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := webchat.NewFeed(nil)
		after(6 * 24 * time.Hour)
		run := start(t, webchat.Config{Feed: f})
		client := opened(t, run.Server)
		session := sessionOf(t, client, run.Server)
		listen(t, client, run.Server, "")
		run.stop(t)
		after(7*24*time.Hour - time.Second)
		push(t, f, session, "in time")
		if got := f.Send(t.Context(), post("another", "a", "a")); got.Fate != chat.Gone {
			t.Errorf("a session without a page: fate %d, want gone", got.Fate)
		}
		after(time.Second)
		if got := f.Send(t.Context(), post(session, "late", "late")); got.Fate != chat.Gone {
			t.Errorf("a week after its page: fate %d, want gone", got.Fate)
		}
	})
}

func TestKeptForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := webchat.NewFeed(key)
		run := start(t, webchat.Config{Feed: f})
		client := opened(t, run.Server)
		session := sessionOf(t, client, run.Server)
		run.stop(t)
		push(t, f, session, "old")
		after(time.Second)
		push(t, f, session, "day old")
		after(24*time.Hour - time.Second)
		again := start(t, webchat.Config{Feed: f, Addr: addrOf(run.Server)})
		page := listen(t, client, again.Server, "")
		page.wantTexts(t, "day old")
		push(t, f, session, "new")
		page.wantTexts(t, "new")
		if got := f.Lost(); got != 1 {
			t.Errorf("%d messages lost, want the old one", got)
		}
		again.stop(t)
	})
}

func TestKeptOfASessionAreBounded(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	client := opened(t, s)
	texts := numbers(25)
	push(t, f, sessionOf(t, client, s), texts...)
	if got := f.Lost(); got != 5 {
		t.Errorf("%d of 25 messages lost, want 5", got)
	}
	listen(t, client, s, "").wantTexts(t, texts[5:]...)
}

func numbers(n int) []string {
	var texts []string
	for i := range n {
		texts = append(texts, fmt.Sprint("message ", i))
	}
	return texts
}

// What a page was sent makes room before what none was, though that is older.
func TestKeptOfAllAreBounded(t *testing.T) {
	f, seen := webchat.NewFeed(nil), new(events)
	s := serve(t, webchat.Config{Feed: f, Count: seen.count})
	client := opened(t, s)
	texts := numbers(20)
	push(t, f, "older", texts...)
	listen(t, client, s, "")
	push(t, f, sessionOf(t, client, s), texts...)
	waitFor(t, "all to be sent", func() bool { return seen.of("pushed") == len(texts) })
	for i := range 99 {
		push(t, f, fmt.Sprint("session ", i), texts...)
	}
	if got := f.Lost(); got != 0 {
		t.Errorf("%d messages lost, want none while there are some that a page was sent", got)
	}
	push(t, f, "one more", "a")
	if got := f.Lost(); got != 1 {
		t.Errorf("%d messages lost, want one: there are 2,000 others", got)
	}
}

// Two tries of one post at the same time make one message.
func TestSendTwiceAtOnce(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	client := opened(t, s)
	session := sessionOf(t, client, s)
	p := post(session, "one", "one")
	p.Wanted = func() bool { push(t, f, session, "one"); return true }
	if got := f.Send(t.Context(), p); got.Fate != chat.Posted {
		t.Errorf("fate %d, want it posted", got.Fate)
	}
	push(t, f, session, "two")
	listen(t, client, s, "").wantTexts(t, "one", "two")
}

func TestShape(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	client := opened(t, s)
	to := chat.Target{Platform: chat.Web, Chat: sessionOf(t, client, s)}
	if got := f.Shape(to); got != chat.Wide {
		t.Errorf("shape %d before the first page, want wide", got)
	}
	for _, tt := range []struct {
		query string
		want  chat.Shape
	}{{"narrow=1", chat.Portrait}, {"narrow=", chat.Wide}, {"narrow=1&after=", chat.Portrait}, {"narrow=2", chat.Wide}} {
		listen(t, client, s, tt.query)
		if got := f.Shape(to); got != tt.want {
			t.Errorf("shape %d after a page with %s, want %d", got, tt.query, tt.want)
		}
	}
}
