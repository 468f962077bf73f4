package webchat_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/webchat"
)

func TestPushIsAReply(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	client := opened(t, s)
	page := listen(t, client, s, "")
	p := post(sessionOf(t, client, s), "POST1", "")
	p.Reply = liqReply("1d", chat.Wide)
	p.Reply.Edit = true
	if got := f.Send(t.Context(), p); got.Fate != chat.Posted {
		t.Fatalf("Send: %+v", got)
	}
	_, got := page.message(t)
	want := say(t, client, s, `{"text":"/liq btc"}`)
	want["id"] = "POST1"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pushed, against the reply to a command (-want +got):\n%s", diff)
	}
	picture := got["picture"].(map[string]any)["url"].(string)
	if got := do(t, client, request(t, http.MethodGet, at(t, s, picture), "")); got.code != http.StatusOK || got.body != string(drawn(chat.Wide)) {
		t.Errorf("its picture: status %d, %d bytes", got.code, len(got.body))
	}
	edited := say(t, client, s, `{"press":"liq:BTC:7d","message":"POST1"}`)
	if edited["id"] != "POST1" || edited["edit"] != true {
		t.Errorf("a press on it: id %v, edit %v, want it edited", edited["id"], edited["edit"])
	}
}

// A message answers an earlier one as long as that is kept.
func TestPushThatAnswers(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	client := opened(t, s)
	page, session := listen(t, client, s, ""), sessionOf(t, client, s)
	first := f.Send(t.Context(), post(session, "", strings.Repeat("й", 200)+"\nmore"))
	_, shown := page.message(t)
	if first.Fate != chat.Posted || first.Message != shown["id"] || shown["answers"] != nil || shown["silent"] != nil {
		t.Fatalf("Send: %+v, shown %v", first, shown)
	}
	p := post(session, "second", "again")
	p.ReplyTo, p.Silent = first.Message, true
	for range 2 {
		if got := f.Send(t.Context(), p); got != (chat.Outcome{Fate: chat.Posted, Message: "second"}) {
			t.Fatalf("Send: %+v", got)
		}
	}
	_, shown = page.message(t)
	want := map[string]any{"id": first.Message, "text": strings.Repeat("й", 160)}
	if diff := cmp.Diff(any(want), shown["answers"]); diff != "" || shown["silent"] != true {
		t.Errorf("silent %v, answers (-want +got):\n%s", shown["silent"], diff)
	}
	p = post(session, "third", "to what is gone")
	p.ReplyTo = "gone"
	f.Send(t.Context(), p)
	if _, shown = page.message(t); shown["answers"] != nil {
		t.Errorf("answers %v", shown["answers"])
	}
	// What was said to others is nobody's to quote.
	p = post("another", "fourth", "x")
	p.ReplyTo = first.Message
	if got := f.Send(t.Context(), p); got.Fate != chat.Posted {
		t.Errorf("Send: %+v", got)
	}
	other := opened(t, s)
	p.To.Chat, p.ID = sessionOf(t, other, s), "fifth"
	f.Send(t.Context(), p)
	if _, shown = listen(t, other, s, "").message(t); shown["answers"] != nil {
		t.Errorf("another session is shown %v", shown["answers"])
	}
}

// The id of a message comes back from the page, which may send only so much.
func TestPushWithAnIDThatNoPageMaySend(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	client := opened(t, s)
	page := listen(t, client, s, "")
	ids := make(map[string]bool)
	for _, id := range []string{strings.Repeat("i", 65), strings.Repeat("i", 66), "ä", "a\nb", ""} {
		if got := f.Send(t.Context(), post(sessionOf(t, client, s), id, "hi")); got.Fate != chat.Posted {
			t.Fatalf("Send: %+v", got)
		}
		_, reply := page.message(t)
		body, err := json.Marshal(map[string]any{"press": "liq:BTC:7d", "message": reply["id"]})
		if err != nil {
			t.Fatal(err)
		}
		if say(t, client, s, string(body)); ids[reply["id"].(string)] {
			t.Errorf("two messages have the id %s", reply["id"])
		}
		ids[reply["id"].(string)] = true
	}
}

func TestEveryPageOfASessionAndNoOther(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	one, other := opened(t, s), opened(t, s)
	first, second := listen(t, one, s, ""), listen(t, one, s, "narrow=1")
	foreign := listen(t, other, s, "")
	push(t, f, sessionOf(t, one, s), "for one", "for one", "again")
	push(t, f, sessionOf(t, other, s), "for the other")
	a, b := first.wantTexts(t, "for one", "again"), second.wantTexts(t, "for one", "again")
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("ids of one message in two pages:\n%s", diff)
	}
	foreign.wantTexts(t, "for the other")
}

func TestWhatIsKeptIsGivenToTheNextPage(t *testing.T) {
	f, seen := webchat.NewFeed(nil), new(events)
	s := serve(t, webchat.Config{Feed: f, Count: seen.count})
	client := opened(t, s)
	session := sessionOf(t, client, s)
	push(t, f, session, "a", "b", "a")
	first := listen(t, client, s, "")
	first.wantTexts(t, "a", "b")
	waitFor(t, "both to count as sent", func() bool { return seen.of("pushed") == 2 })
	second := listen(t, client, s, "")
	push(t, f, session, "b", "c")
	second.wantTexts(t, "c")
	first.wantTexts(t, "c")
}

func TestReconnect(t *testing.T) {
	tests := []struct {
		name string
		// last picks what the page names as its last event.
		last func(start string, ids []string) string
		want []string
	}{
		{"the first", func(_ string, ids []string) string { return ids[0] }, []string{"b", "c", "d"}},
		{"the last", func(_ string, ids []string) string { return ids[1] }, []string{"c", "d"}},
		{"the start", func(start string, _ []string) string { return start }, []string{"a", "b", "c", "d"}},
		{"of another run of the bot", func(string, []string) string { return "elsewhere-99" }, []string{"a", "b", "c", "d"}},
		{"none", func(string, []string) string { return "" }, []string{"c", "d"}},
		{"nonsense", func(string, []string) string { return "7" }, []string{"c", "d"}},
		{"too long", func(_ string, ids []string) string { return ids[0] + strings.Repeat("0", 99) }, []string{"c", "d"}},
		{"of the future", func(_ string, ids []string) string { return ids[0] + "99" }, nil},
	}
	ways := map[string]func(*testing.T, *http.Client, *webchat.Server, string) *stream{
		"header": resume,
		"query": func(t *testing.T, c *http.Client, s *webchat.Server, last string) *stream {
			t.Helper()
			return listen(t, c, s, "after="+last)
		},
	}
	for _, tt := range tests {
		for way, reopen := range ways {
			t.Run(tt.name+" in the "+way, func(t *testing.T) {
				f := webchat.NewFeed(key)
				first := start(t, webchat.Config{Feed: f})
				client := opened(t, first.Server)
				session := sessionOf(t, client, first.Server)
				page := listen(t, client, first.Server, "")
				push(t, f, session, "a", "b")
				ids := page.wantTexts(t, "a", "b")
				first.stop(t)
				push(t, f, session, "c", "d")
				second := serve(t, webchat.Config{Feed: f, Addr: addrOf(first.Server)})
				page = reopen(t, client, second, tt.last(page.first.id, ids))
				page.wantTexts(t, tt.want...)
				push(t, f, session, "e")
				page.wantTexts(t, "e")
			})
		}
	}
}

// A page that was cut off before it got anything still comes back for all of it,
// though another page was given it meanwhile.
func TestReconnectBeforeTheFirstMessage(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	client := opened(t, s)
	session := sessionOf(t, client, s)
	push(t, f, session, "before")
	early := listen(t, client, s, "")
	_ = early.body.Close()
	other := listen(t, client, s, "after="+early.first.id)
	push(t, f, session, "while away")
	other.wantTexts(t, "before", "while away")
	resume(t, client, s, early.first.id).wantTexts(t, "before", "while away")
	listen(t, client, s, "after="+early.first.id).wantTexts(t, "before", "while away")
}

func TestKeptPictureThatIsNoLongerThere(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	client := opened(t, s)
	picture := func(session, content string) {
		p := post(session, content, content)
		p.Reply.Picture = &chat.Picture{PNG: []byte(content)}
		if got := f.Send(t.Context(), p); got.Fate != chat.Posted {
			t.Fatalf("Send: %+v", got)
		}
	}
	picture(sessionOf(t, client, s), "first")
	for i := range 256 {
		picture("another", "picture "+string(rune('A'+i)))
	}
	picture(sessionOf(t, client, s), "last")
	page := listen(t, client, s, "")
	for _, there := range []bool{false, true} {
		if _, got := page.message(t); (got["picture"] != nil) != there {
			t.Errorf("message %v: picture there %v, want %v", got["id"], !there, there)
		}
	}
}

func TestStreamsAreRefused(t *testing.T) {
	tests := []struct {
		name, method string
		change       func(*http.Request)
		want         int
		code         string
	}{
		{"another site", http.MethodGet, func(r *http.Request) { r.Header.Set("Origin", "https://evil.com") }, http.StatusForbidden, "wrong_origin"},
		{"a sandboxed frame", http.MethodGet, func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden, "wrong_origin"},
		{"a picture's address on another site", http.MethodGet, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden, "wrong_origin"},
		{"a picture's address on another port", http.MethodGet, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, http.StatusForbidden, "wrong_origin"},
		{"rebound name", http.MethodGet, func(r *http.Request) { r.Host = "evil.com" }, http.StatusForbidden, "wrong_host"},
		{"no session", http.MethodGet, func(r *http.Request) { r.Header.Set("Cookie", "a=b") }, http.StatusUnauthorized, "no_session"},
		{"a post", http.MethodPost, func(*http.Request) {}, http.StatusMethodNotAllowed, "wrong_method"},
	}
	seen := new(events)
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f, Count: seen.count})
	client := opened(t, s)
	push(t, f, sessionOf(t, client, s), "kept")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, tt.method, at(t, s, "/api/events"), "")
			c := client
			if tt.change(r); r.Header.Get("Cookie") != "" {
				c = browser(t)
			}
			got := do(t, c, r)
			if code, text := refusalOf(t, got); got.code != tt.want || code != tt.code || text == "" {
				t.Errorf("status %d, code %q, message %q, want %d, %s", got.code, code, text, tt.want, tt.code)
			}
		})
	}
	if got := do(t, client, request(t, http.MethodHead, at(t, s, "/api/events"), "")); got.code != http.StatusMethodNotAllowed || got.header.Get("Allow") != http.MethodGet {
		t.Errorf("HEAD: status %d, want 405", got.code)
	}
	if got := seen.of("stream"); got != 0 {
		t.Errorf("%d streams were opened", got)
	}
	r := request(t, http.MethodGet, at(t, s, "/api/events"), "")
	r.Header.Set("Origin", strings.TrimSuffix(s.URL(), "/"))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	follow(t, client, r).wantTexts(t, "kept")
}

func TestStreamsOfASessionAreBounded(t *testing.T) {
	seen := new(events)
	s := serve(t, webchat.Config{Count: seen.count})
	client, other := opened(t, s), opened(t, s)
	var pages []*stream
	for range 6 {
		pages = append(pages, listen(t, client, s, ""))
	}
	got := do(t, client, request(t, http.MethodGet, at(t, s, "/api/events"), ""))
	if code, text := refusalOf(t, got); got.code != http.StatusTooManyRequests || code != "too_many_pages" || text == "" || got.header.Get("Retry-After") == "" {
		t.Errorf("the seventh: status %d, code %q, message %q", got.code, code, text)
	}
	listen(t, other, s, "")
	_ = pages[0].body.Close()
	waitFor(t, "a stream to be free again", func() bool { return opens(t, client, s) })
}

func TestStreamsOfAllAreBounded(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	leave := f.Crowd(999)
	client := opened(t, s)
	listen(t, client, s, "")
	if got := do(t, client, request(t, http.MethodGet, at(t, s, "/api/events"), "")); got.code != http.StatusTooManyRequests {
		t.Errorf("the 1,001st stream: status %d, want 429", got.code)
	}
	leave()
	if !opens(t, client, s) {
		t.Error("no stream is free after 999 pages left")
	}
}

// opens reports whether a stream can be opened, and closes it.
func opens(t *testing.T, c *http.Client, s *webchat.Server) bool {
	t.Helper()
	res, err := c.Do(request(t, http.MethodGet, at(t, s, "/api/events"), ""))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// A stream outlives the times that the server has for reading a request and for
// writing an answer.
func TestHeartbeat(t *testing.T) {
	f := webchat.NewFeed(nil)
	const short = 50 * time.Millisecond
	run := prepare(t, webchat.Config{Feed: f})
	run.Hurry(short, short, short, short/2)
	run.begin(t)
	client := opened(t, run.Server)
	page := listen(t, client, run.Server, "")
	late := time.AfterFunc(5*short, func() { f.Send(t.Context(), post(sessionOf(t, client, run.Server), "a", "late")) })
	defer late.Stop()
	page.wantTexts(t, "late")
	if page.beats < 3 {
		t.Errorf("%d heartbeats in %v, want at least 3", page.beats, 5*short)
	}
	run.stop(t)
}

// Streams end properly, also when their last event was long ago.
func TestStopEndsStreams(t *testing.T) {
	run := prepare(t, webchat.Config{})
	run.Hurry(time.Minute, time.Minute, time.Millisecond, time.Minute)
	run.begin(t)
	var pages []*stream
	for range 5 {
		client := opened(t, run.Server)
		pages = append(pages, listen(t, client, run.Server, ""), listen(t, client, run.Server, ""))
	}
	<-time.After(10 * time.Millisecond)
	began := time.Now()
	run.stop(t)
	if took := time.Since(began); took > time.Second {
		t.Errorf("stopping took %v", took)
	}
	for _, page := range pages {
		if e, err := page.next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the stop: %+v, %v, want a proper end", e, err)
		}
	}
}

// A page that does not read holds up neither the sender nor other pages.
func TestPageThatDoesNotRead(t *testing.T) {
	f := webchat.NewFeed(nil)
	s := serve(t, webchat.Config{Feed: f})
	client := opened(t, s)
	session := sessionOf(t, client, s)
	listen(t, client, s, "")
	page := listen(t, client, s, "")
	long := strings.Repeat("long ", 100_000)
	for i := range 26 {
		id := string(rune('A' + i))
		if got := f.Send(t.Context(), post(session, id, long)); got.Fate != chat.Posted {
			t.Fatalf("Send: %+v", got)
		}
		if e, err := page.next(); err != nil || !strings.HasPrefix(e.data, `{"id":"`+id+`"`) {
			t.Fatalf("message %.20s, %v, want %s", e.data, err, id)
		}
	}
}
