package webchat_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/platforms/webchat"
)

// key signs sessions that outlive a server.
var key = []byte("a key of the test's own, 32 bytes")

// running is a server that a test stops itself.
type running struct {
	*webchat.Server

	over chan struct{}
	done chan error
}

func start(t *testing.T, cfg webchat.Config) running {
	t.Helper()
	r := prepare(t, cfg)
	r.begin(t)
	return r
}

// prepare makes a server that does not run yet.
func prepare(t *testing.T, cfg webchat.Config) running {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	cfg.Bot.Handle = new(fakeBot).handle
	s, err := webchat.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return running{s, make(chan struct{}), make(chan error, 1)}
}

func (r running) begin(t *testing.T) {
	t.Helper()
	if err := r.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		select {
		case <-r.over:
		case <-ctx.Done():
		}
		cancel()
	}()
	go func() { r.done <- r.Run(ctx) }()
}

func (r running) stop(t *testing.T) {
	t.Helper()
	close(r.over)
	if err := <-r.done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func addrOf(s *webchat.Server) string {
	return strings.Trim(strings.TrimPrefix(s.URL(), "http://"), "/")
}

// sessionOf is the id of a browser's session, as the bot sees it.
func sessionOf(t *testing.T, c *http.Client, s *webchat.Server) string {
	t.Helper()
	cookies := c.Jar.Cookies(request(t, http.MethodGet, s.URL(), "").URL)
	if len(cookies) != 1 {
		t.Fatalf("%d cookies, want the session's", len(cookies))
	}
	id, _, _ := strings.Cut(cookies[0].Value, ".")
	return id
}

// event is a Server-Sent Event.
type event struct{ name, id, data string }

// stream is an open stream of events.
type stream struct {
	body  io.Closer
	lines *bufio.Scanner
	// first is the event that every stream begins with.
	first event
	// beats counts the comments.
	beats int
}

// listen opens a stream and reads its first event: then the server knows it.
func listen(t *testing.T, c *http.Client, s *webchat.Server, query string) *stream {
	t.Helper()
	return follow(t, c, request(t, http.MethodGet, s.URL()+"api/events?"+query, ""))
}

// resume opens a stream as a browser does that has lost one.
func resume(t *testing.T, c *http.Client, s *webchat.Server, last string) *stream {
	t.Helper()
	r := request(t, http.MethodGet, s.URL()+"api/events", "")
	if last != "" {
		r.URL.RawQuery = "after=an-older-one-1"
		r.Header.Set("Last-Event-ID", last)
	}
	return follow(t, c, r)
}

func follow(t *testing.T, c *http.Client, r *http.Request) *stream {
	t.Helper()
	patient := *c
	patient.Timeout = time.Minute // of the whole stream
	res, err := patient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("open a stream: status %d, content type %q", res.StatusCode, kind)
	}
	out := &stream{body: res.Body, lines: bufio.NewScanner(res.Body)}
	out.lines.Buffer(nil, 1<<20)
	first, err := out.next()
	if err != nil || first.name != "start" || first.id == "" {
		t.Fatalf("the stream begins with %+v, %v", first, err)
	}
	out.first = first
	return out
}

// next reads an event as browsers do.
func (s *stream) next() (event, error) {
	var e event
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case s.lines.Text() == "" && e.data != "":
			return e, nil
		case s.lines.Text() == "":
		case field == "":
			s.beats++
		case field == "id":
			e.id = value
		case field == "event":
			e.name = value
		case field == "data":
			e.data += value
		}
	}
	if err := s.lines.Err(); err != nil {
		return e, err
	}
	return e, io.EOF
}

// message reads the next message.
func (s *stream) message(t *testing.T) (event, map[string]any) {
	t.Helper()
	e, err := s.next()
	if err != nil || e.name != "" || e.id == "" {
		t.Fatalf("next event %+v, %v, want a message", e, err)
	}
	var reply map[string]any
	if err := json.Unmarshal([]byte(e.data), &reply); err != nil {
		t.Fatal(err)
	}
	return e, reply
}

// wantTexts reads messages and returns the ids of their events.
func (s *stream) wantTexts(t *testing.T, want ...string) []string {
	t.Helper()
	var ids, got []string
	for range want {
		e, reply := s.message(t)
		ids = append(ids, e.id)
		got = append(got, reply["spans"].([]any)[0].(map[string]any)["text"].(string))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	return ids
}

// waitFor waits for what happens on the other side of a socket.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for !happened() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited for %s", what)
		}
	}
}
