package discord_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"liqbot/chat"
	"liqbot/platforms/discord/discordtest"
)

func TestPostAnswersAnEarlierOne(t *testing.T) {
	t.Parallel()
	first := func(id string) string { return id }
	for name, tt := range map[string]struct {
		reply   chat.Reply
		replyTo func(first string) string
		lacks   int64
		answers bool
		// calls for the second post and for a third one.
		second, third int
	}{
		"text":                  {words, first, 0, true, 1, 1},
		"picture":               {picture("BTC"), first, 0, true, 1, 1},
		"none":                  {words, func(string) string { return "" }, 0, false, 1, 1},
		"gone":                  {words, func(string) string { return "1100000000000000999" }, 0, false, 1, 1},
		"of another network":    {words, func(string) string { return "12/../3" }, 0, false, 1, 1},
		"may not see it":        {words, first, discordtest.ReadHistory, false, 2, 1},
		"may do hardly a thing": {picture("BTC"), first, discordtest.ReadHistory | discordtest.AttachFiles, false, 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, w := idle(t, discordtest.New(t))
			out := a.Send(t.Context(), postTo("5", "first", words))
			seen := w.Messages("5")
			if len(seen) != 1 || out != (chat.Outcome{Fate: chat.Posted, Message: seen[0].ID}) || seen[0].Silent || seen[0].ReplyTo != "" {
				t.Fatalf("Send = %+v, messages %+v", out, seen)
			}
			w.Restrict("5", tt.lacks)
			for n, want := range []int{tt.second, tt.third} {
				before := len(w.Calls("POST", "/messages"))
				post := postTo("5", strings.Repeat("x", n+1), tt.reply)
				post.ReplyTo, post.Silent = tt.replyTo(out.Message), true
				wantOutcome(t, a.Send(t.Context(), post), posted)
				if calls := len(w.Calls("POST", "/messages")) - before; calls != want {
					t.Errorf("post %d: %d calls, want %d", n, calls, want)
				}
				seen = w.Messages("5")
				want := ""
				if tt.answers {
					want = out.Message
				}
				if last := seen[len(seen)-1]; last.ReplyTo != want || !last.Silent {
					t.Errorf("message %+v, want a silent one that answers %q", last, want)
				}
			}
		})
	}
}

// A post that Discord has already is named as the first one was.
func TestPostThatIsThereKeepsItsID(t *testing.T) {
	t.Parallel()
	a, w := idle(t, discordtest.New(t))
	first := a.Send(t.Context(), postTo("5", "event", picture("BTC")))
	again := a.Send(t.Context(), postTo("5", "event", picture("BTC")))
	if n := len(w.Messages("5")); n != 1 || first.Message == "" || again != first {
		t.Errorf("first %+v, again %+v, %d messages", first, again, n)
	}
	w.Fail(discordtest.Fault{Method: "POST", Status: 200, Body: "what?"})
	wantOutcome(t, a.Send(t.Context(), postTo("5", "unreadable", words)), posted)
}

// The server refuses as Discord does what the adapter never asks for.
func TestServerWantsTheMessageThatIsAnswered(t *testing.T) {
	t.Parallel()
	s := discordtest.New(t, discordtest.Tolerant())
	for body, want := range map[string]int{
		`"message_reference":{"message_id":"7"}`:                            http.StatusBadRequest,
		`"message_reference":{"message_id":"7","fail_if_not_exists":true}`:  http.StatusBadRequest,
		`"message_reference":{"message_id":"7","fail_if_not_exists":false}`: http.StatusOK,
		`"flags":64`:   http.StatusBadRequest,
		`"flags":4096`: http.StatusOK,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/api/v10/channels/5/messages",
			strings.NewReader(`{"content":"x","allowed_mentions":{"parse":[]},`+body+`}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"User-Agent": {"DiscordBot (x, 1)"}, "Authorization": {"Bot " + discordtest.Token}, "Content-Type": {"application/json"}}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var said struct{ Code int }
		_ = json.NewDecoder(resp.Body).Decode(&said)
		_ = resp.Body.Close()
		if resp.StatusCode != want || want == http.StatusBadRequest && said.Code != 50035 {
			t.Errorf("%s: status %d, code %d, want %d", body, resp.StatusCode, said.Code, want)
		}
	}
	if m := s.Messages("5"); len(m) != 2 {
		t.Errorf("%d messages, want 2", len(m))
	}
}
