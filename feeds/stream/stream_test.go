package stream_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"liqbot/feeds/feedtest"
	"liqbot/feeds/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a venue that counts seconds for whoever subscribes, and acknowledges.
type echo struct {
	mu   sync.Mutex
	said []string
}

func (e *echo) REST(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }

func (e *echo) Message(c *feedtest.Conn, message []byte) {
	e.mu.Lock()
	e.said = append(e.said, string(message))
	e.mu.Unlock()
	if string(message) == "subscribe" {
		c.Send([]byte("ack"))
		c.Subscribe("all")
	}
	if string(message) == "ping" {
		c.Send([]byte("pong"))
	}
}

func (e *echo) Tick(c *feedtest.Conn, _ time.Time) {
	if c.Subscribed("all") {
		c.Push([]byte("data"))
	}
}

func (e *echo) heard(message string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, m := range e.said {
		if m == message {
			n++
		}
	}
	return n
}

// run runs a stream against the venue. tell is called at each message and loss.
func run(t *testing.T, s *feedtest.Server, change func(*stream.Config)) (events <-chan string) {
	t.Helper()
	told := make(chan string, 1000)
	cfg := stream.Config{
		Name: "test", URL: s.WebSocket,
		Subscribe: func(ctx context.Context, c *stream.Conn) error { return c.Send(ctx, []byte("subscribe")) },
		Handle: func(frame []byte) bool {
			told <- string(frame)
			return string(frame) == "data"
		},
		Connected: func(err error) {
			switch {
			case err == nil:
				told <- "up"
			case errors.Is(err, stream.ErrSilent):
				told <- "silent"
			case errors.Is(err, stream.ErrOld):
				told <- "old"
			default:
				told <- "lost"
			}
		},
		MinBackoff: 10 * time.Millisecond, MaxBackoff: 50 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- stream.Run(ctx, cfg) }()
	t.Cleanup(func() {
		cancel()
		for {
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Run ended with %v", err)
				}
				return
			case <-told:
			}
		}
	})
	return told
}

// want waits for events in this order, with others between them.
func want(t *testing.T, events <-chan string, order ...string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	var seen []string
	for _, next := range order {
		for found := false; !found; {
			select {
			case e := <-events:
				seen = append(seen, e)
				found = e == next
			case <-limit:
				t.Fatalf("no %q; seen %v", next, slices.Compact(seen))
			}
		}
	}
}

func serve(t *testing.T, v feedtest.Venue) *feedtest.Server {
	t.Helper()
	s := feedtest.Serve(v)
	t.Cleanup(s.Close)
	return s
}

func TestSubscribesAgainAfterALoss(t *testing.T) {
	t.Parallel()
	e := &echo{}
	s := serve(t, e)
	events := run(t, s, nil)
	want(t, events, "up", "ack", "data")
	s.Drop()
	want(t, events, "lost", "up", "ack", "data")
	if n := e.heard("subscribe"); n != 2 {
		t.Errorf("subscribed %d times, want 2", n)
	}
}

// Pongs and acknowledgements are no data: a stream that brings nothing else is given up.
func TestSilenceIsALoss(t *testing.T) {
	t.Parallel()
	s := serve(t, &echo{})
	events := run(t, s, func(c *stream.Config) {
		c.Silence = 400 * time.Millisecond
		c.Ping, c.PingEvery = func() []byte { return []byte("ping") }, 50*time.Millisecond
	})
	want(t, events, "up", "data")
	s.Stall(true)
	want(t, events, "pong", "silent", "up", "ack", "pong", "silent", "up")
	s.Stall(false)
	want(t, events, "data")
}

func TestAConnectionIsReplacedAtItsAge(t *testing.T) {
	t.Parallel()
	s := serve(t, &echo{})
	events := run(t, s, func(c *stream.Config) { c.MaxAge = 300 * time.Millisecond })
	want(t, events, "up", "data", "old", "up", "data", "old")
}

// A venue that accepts and closes at once is not asked faster and faster.
func TestAcceptAndCloseBacksOff(t *testing.T) {
	t.Parallel()
	s := serve(t, closer{})
	events := run(t, s, func(c *stream.Config) { c.MinBackoff, c.MaxBackoff = 50*time.Millisecond, 400*time.Millisecond })
	want(t, events, "lost")
	start := time.Now()
	want(t, events, "lost", "lost", "lost", "lost")
	if took := time.Since(start); took < 350*time.Millisecond {
		t.Errorf("four more attempts within %v", took)
	}
}

type closer struct{}

func (closer) REST(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }
func (closer) Message(c *feedtest.Conn, _ []byte)          { c.Close(1000, "") }
func (closer) Tick(*feedtest.Conn, time.Time)              {}

func TestHugeMessageEndsTheConnection(t *testing.T) {
	t.Parallel()
	s := serve(t, &echo{})
	events := run(t, s, func(c *stream.Config) { c.ReadLimit = 1000 })
	want(t, events, "data")
	s.Broadcast([]byte(strings.Repeat("x", 5000)))
	want(t, events, "lost", "up", "data")
}

// A host's own address may hold a secret: no error names it.
func TestErrorsDoNotNameTheAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"ws://127.0.0.1:1/secret", "ws://127.0.0.1:1/secret\x7f"} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var lost error
		err := stream.Run(ctx, stream.Config{
			Name: "test", URL: func() string { return address },
			Subscribe: func(context.Context, *stream.Conn) error { return nil },
			Handle:    func([]byte) bool { return false },
			Connected: func(err error) { lost = err; cancel() },
		})
		if err != nil || lost == nil || strings.Contains(lost.Error(), "secret") {
			t.Errorf("lost with %v, ended with %v", lost, err)
		}
	}
}
