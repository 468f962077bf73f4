package webchat_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"liqbot/chat"
	"liqbot/platforms/webchat"
)

func TestNewRefuses(t *testing.T) {
	handle := new(fakeBot).handle
	ok := http.NotFoundHandler()
	tests := []struct {
		name string
		cfg  webchat.Config
		want string
	}{
		{"no port", webchat.Config{Addr: "127.0.0.1", Bot: chat.Bot{Handle: handle}}, "want host:port"},
		{"port by name", webchat.Config{Addr: "127.0.0.1:http", Bot: chat.Bot{Handle: handle}}, "want a port from 1 to 65535"},
		{"port too high", webchat.Config{Addr: "127.0.0.1:65536", Bot: chat.Bot{Handle: handle}}, "want a port from 1 to 65535"},
		{"no handler", webchat.Config{Addr: "127.0.0.1:0"}, "no handler"},
		{"mount on the page", webchat.Config{Addr: "127.0.0.1:0", Bot: chat.Bot{Handle: handle}, Mount: map[string]http.Handler{"/": ok}}, "cannot mount"},
		{"mount a pattern", webchat.Config{Addr: "127.0.0.1:0", Bot: chat.Bot{Handle: handle}, Mount: map[string]http.Handler{"/{x}": ok}}, "cannot mount"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := webchat.New(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New: %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestListenOnTakenPort(t *testing.T) {
	s := serve(t, webchat.Config{})
	taken := strings.Trim(strings.TrimPrefix(s.URL(), "http://"), "/")
	second, err := webchat.New(webchat.Config{Addr: taken, Bot: chat.Bot{Handle: new(fakeBot).handle}})
	if err != nil {
		t.Fatal(err)
	}
	err = second.Listen(t.Context())
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("Listen: %v, want address in use", err)
	}
	free := regexp.MustCompile(`taken by another program: set WEB_ADDR to .* WEB_ADDR=(127\.0\.0\.1:\d+)`).FindStringSubmatch(err.Error())
	if free == nil || free[1] == taken {
		t.Errorf("error %q names no free address", err)
	}
}

func TestURL(t *testing.T) {
	tests := map[string]string{
		"127.0.0.1:8123": "http://127.0.0.1:8123/",
		"localhost:8123": "http://localhost:8123/",
		"0.0.0.0:8123":   "http://127.0.0.1:8123/",
		":8123":          "http://127.0.0.1:8123/",
		"[::1]:8123":     "http://[::1]:8123/",
	}
	for addr, want := range tests {
		t.Run(addr, func(t *testing.T) {
			s, err := webchat.New(webchat.Config{Addr: addr, Bot: chat.Bot{Handle: new(fakeBot).handle}})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.URL(); got != want {
				t.Errorf("URL of %s = %s, want %s", addr, got, want)
			}
		})
	}
}

// An answer that is under way when the bot is told to stop still arrives.
func TestRunDrains(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	up := make(chan bool, 2)
	s, err := webchat.New(webchat.Config{
		Addr: "127.0.0.1:0",
		Bot: chat.Bot{Handle: func(ctx context.Context, _ chat.Request) chat.Reply {
			close(started)
			<-release
			if ctx.Err() != nil {
				return chat.Reply{}
			}
			return chat.Reply{Text: chat.Plainly("late")}
		}},
		State: func(isUp bool, _ string) { up <- isUp },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	client := opened(t, s)
	answer := make(chan response, 1)
	r := request(t, http.MethodPost, at(t, s, "/api/messages"), `{"text":"hello"}`)
	go func() { answer <- do(t, client, r) }()
	<-started
	cancel()
	close(release)
	if got := <-answer; got.code != http.StatusOK || !strings.Contains(got.body, "late") {
		t.Errorf("the answer under way: status %d, %s", got.code, got.body)
	}
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
	if first, second := <-up, <-up; !first || second {
		t.Errorf("states %v, %v, want up, then down", first, second)
	}
}

// A client that never finishes its header is hung up on.
func TestSlowHeader(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the five seconds that a header may take")
	}
	t.Parallel()
	s := serve(t, webchat.Config{})
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.Trim(strings.TrimPrefix(s.URL(), "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: local")); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(8 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Read(make([]byte, 1))
	if timeout, ok := errors.AsType[net.Error](err); err == nil || (ok && timeout.Timeout()) {
		t.Errorf("read after a slow header: %v, want the connection closed", err)
	}
}
