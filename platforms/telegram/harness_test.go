package telegram_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"liqbot/chat"
	"liqbot/platforms/telegram"
	"liqbot/platforms/telegram/telegramtest"
	"liqbot/secret"
)

const (
	ann     = int64(501)
	group   = int64(-1001)
	channel = int64(-1002)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is a running adapter against a loopback server.
type harness struct {
	*telegramtest.Server
	t      *testing.T
	logs   *buffer
	claims *claims
	cfg    telegram.Config
	stop   func()
	done   chan error

	mu     sync.Mutex
	counts map[string]int
	asked  []chat.Request
	states []string
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// claims is a chat.Claims in memory that outlives adapters.
type claims struct {
	mu   sync.Mutex
	seen map[string]bool
	err  error // of a store that is broken
}

func (c *claims) Claimed(_ context.Context, id string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[id], c.err
}

func (c *claims) Claim(_ context.Context, id string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[id] || c.err != nil {
		return false, c.err
	}
	c.seen[id] = true
	return true, nil
}

func (c *claims) Release(_ context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.seen, id)
	return c.err
}

func (c *claims) has(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[id]
}

// prepare makes a harness that is not started; handle answers requests.
func prepare(t *testing.T, handle chat.Handler) *harness {
	t.Helper()
	h := &harness{
		Server: telegramtest.New(t), t: t, logs: new(buffer),
		claims: &claims{seen: make(map[string]bool)}, counts: make(map[string]int),
	}
	h.cfg = telegram.Config{
		Token: secret.New(" " + telegramtest.Token + "\n"), APIURL: h.URL(), Claims: h.claims,
		Log: slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Bot: chat.Bot{Handle: func(ctx context.Context, r chat.Request) chat.Reply {
			h.mu.Lock()
			h.asked = append(h.asked, r)
			h.mu.Unlock()
			return handle(ctx, r)
		}},
		Count: func(event string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.counts[event]++
		},
		State: func(up bool, reason string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if up {
				reason = "up"
			}
			h.states = append(h.states, reason)
		},
		Timing: telegram.Timing{
			Poll: time.Second, Call: 2 * time.Second, Retry: 5 * time.Millisecond, MaxRetry: 20 * time.Millisecond,
			Conflict: 10 * time.Millisecond, Settle: 200 * time.Millisecond, Pause: 3 * time.Second,
			Toast: 300 * time.Millisecond, Drain: time.Second, Lull: time.Millisecond,
		},
	}
	return h
}

// start runs an adapter until the test ends or stop is called.
func (h *harness) start() *telegram.Adapter {
	h.t.Helper()
	a, err := telegram.New(h.cfg)
	if err != nil {
		h.t.Fatalf("New: %v", err)
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stopped := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				h.t.Errorf("Run: %v", err)
			}
		case <-time.After(10 * time.Second):
			h.t.Error("Run did not end")
		}
		h.clean()
	})
	h.stop, h.done = stopped, done
	h.t.Cleanup(stopped)
	return a
}

// clean fails the test when a secret got into the log.
func (h *harness) clean() {
	h.t.Helper()
	hidden := []string{telegramtest.Token, "TEST-secret_token", "planted chat text"}
	if w := h.cfg.Webhook; w != nil && w.Secret.Set() {
		hidden = append(hidden, w.Secret.Reveal())
	}
	for _, s := range hidden {
		if strings.Contains(h.logs.String(), s) {
			h.t.Errorf("log shows %q:\n%s", s, h.logs)
		}
	}
}

func (h *harness) count(event string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[event]
}

func (h *harness) waitCount(event string, n int) {
	h.t.Helper()
	h.WaitFor(event, func() bool { return h.count(event) >= n })
}

func (h *harness) requests() []chat.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]chat.Request(nil), h.asked...)
}

// messages waits for n messages of the bot in a chat.
func (h *harness) messages(chatID int64, n int) []telegramtest.Message {
	h.t.Helper()
	h.WaitFor("messages", func() bool { return len(h.Messages(chatID)) >= n })
	return h.Messages(chatID)
}

// begin is prepare and start.
func begin(t *testing.T, handle chat.Handler) *harness {
	t.Helper()
	h := prepare(t, handle)
	h.start()
	return h
}

// say answers everything with a text.
func say(text string) chat.Handler { return always(chat.Reply{Text: chat.Plainly(text)}) }

func always(r chat.Reply) chat.Handler {
	return func(context.Context, chat.Request) chat.Reply { return r }
}

// echo answers with what was asked.
func echo(_ context.Context, r chat.Request) chat.Reply {
	return chat.Reply{Text: chat.Plainly(r.Text + r.Press)}
}

func picture(t *testing.T, key string) *chat.Picture {
	t.Helper()
	return sized(t, key, 108, 135)
}

func sized(t *testing.T, key string, w, h int) *chat.Picture {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return &chat.Picture{PNG: b.Bytes(), Name: "map.png", Key: key, Width: w, Height: h}
}
