// Package webchat is a chat in the browser: one page and the small HTTP server
// behind it, meant for the host's own machine. It translates between JSON and
// package chat, keeps strangers and other web sites out, and knows no command
// and no market word. The page is plain HTML, CSS and JavaScript from this
// folder; it loads nothing from elsewhere.
//
// The server owns the goroutines of its HTTP server; they are gone when Run
// returns. What the bot sends unasked goes through a Feed, which outlives the
// server. Nothing is kept on disk.
package webchat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"liqbot/chat"
)

// Config says how the page is served.
type Config struct {
	// Addr is the host and port to listen on, such as "127.0.0.1:8080". Port 0
	// takes any free port. An empty host or 0.0.0.0 listens on every interface;
	// the page is then also served under any IP address.
	Addr string
	// Hosts are further host names under which browsers may reach the page, as
	// behind a reverse proxy. Loopback names and Addr's own host always work.
	Hosts []string
	// Bot answers; only Handle and Back are used.
	Bot chat.Bot
	// Log gets what the host should know; it is never given chat text. Nil means
	// no log.
	Log *slog.Logger
	// Count is told of events by constant names; nil is allowed.
	Count func(event string)
	// State is told when the page comes up or goes down; nil is allowed.
	State func(up bool, reason string)
	// Mount holds further handlers by path, such as "/healthz". They are served
	// without the page's Host and Origin checks and without its headers.
	Mount map[string]http.Handler
	// Language is the tag of the language that a session has chosen, "" for none;
	// nil is allowed.
	Language func(ctx context.Context, session string) string
	// Feed brings the bot's unasked messages to the page; it may be handed to one
	// server after another. Nil means a feed that nothing is sent to.
	Feed *Feed
	// SessionKey signs the session cookies, at least 16 bytes: under the same key
	// sessions outlive a restart. Nil means the Feed's key.
	SessionKey []byte
	// Demo shows DEMO in the page's title bar.
	Demo bool
}

// Limits of the server. A page that is typed into needs far less.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	answerTimeout = 20 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 60 * time.Second
	drainTimeout  = 5 * time.Second
	maxHeader     = 16 << 10
)

// Server serves the page. Listen, URL and Run are called from one goroutine.
type Server struct {
	cfg      Config
	host     string
	port     int
	handler  http.Handler
	listener net.Listener
	// cookie is named after the port, since browsers share cookies between the
	// ports of a host: two bots on one machine do not end each other's session.
	cookie string

	sessions *sessions
	pictures *pictures
	page     *page
	timing   timing
	// stopping is closed when streams, which have no end of their own, have to end.
	stopping <-chan struct{}
}

// timing is what a test of streams shortens.
type timing struct{ read, write, event, heartbeat time.Duration }

// New checks the configuration and prepares the page. It starts nothing.
func New(cfg Config) (*Server, error) {
	host, port, err := splitAddr(cfg.Addr)
	if err != nil {
		return nil, err
	}
	if cfg.Bot.Handle == nil {
		return nil, errors.New("webchat: no handler to answer with")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Count == nil {
		cfg.Count = func(string) {}
	}
	if cfg.State == nil {
		cfg.State = func(bool, string) {}
	}
	if cfg.Feed == nil {
		cfg.Feed = NewFeed(nil)
	}
	if cfg.SessionKey == nil {
		cfg.SessionKey = cfg.Feed.key
	}
	if len(cfg.SessionKey) < minSessionKey {
		return nil, fmt.Errorf("webchat: session key of %d bytes: want at least %d", len(cfg.SessionKey), minSessionKey)
	}
	s := &Server{
		cfg: cfg, host: host, port: port, sessions: newSessions(slices.Clone(cfg.SessionKey)),
		pictures: newPictures(maxPictures, maxPictureBytes),
		timing:   timing{read: readTimeout, write: writeTimeout, event: eventTimeout, heartbeat: heartbeat},
	}
	if s.page, err = loadPage(cfg.Demo); err != nil {
		return nil, err
	}
	if s.handler, err = s.routes(); err != nil {
		return nil, err
	}
	return s, nil
}

// splitAddr takes an address apart and says what is wrong with it.
func splitAddr(addr string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("webchat: address %q: want host:port, such as 127.0.0.1:8080", addr)
	}
	port, err = strconv.Atoi(digits)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("webchat: address %q: want a port from 1 to 65535, such as 127.0.0.1:8080", addr)
	}
	return host, port, nil
}

// Listen takes the address, so that URL is right and a port that is taken is
// known before anything else starts. Run calls it when it was not called.
func (s *Server) Listen(ctx context.Context) error {
	if s.listener != nil {
		return nil
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		return s.explain(ctx, err)
	}
	s.listener = l
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		s.port = a.Port
	}
	s.cookie = "liqbot_session_" + strconv.Itoa(s.port)
	return nil
}

// explain says what the host can do about an address that cannot be taken.
func (s *Server) explain(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("webchat: %s is taken by another program: set WEB_ADDR to a free address, such as WEB_ADDR=%s: %w",
			s.cfg.Addr, s.freeAddr(ctx), err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("webchat: port %d is reserved for the system: set WEB_ADDR to a port above 1023, such as WEB_ADDR=%s: %w",
			s.port, net.JoinHostPort(s.host, "8080"), err)
	default:
		return fmt.Errorf("webchat: listen on WEB_ADDR=%s: %w", s.cfg.Addr, err)
	}
}

// freeAddr finds an address near the configured one that is free right now.
func (s *Server) freeAddr(ctx context.Context) string {
	var config net.ListenConfig
	for port := s.port + 1; port <= min(s.port+20, 65535); port++ {
		addr := net.JoinHostPort(s.host, strconv.Itoa(port))
		if l, err := config.Listen(ctx, "tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	return net.JoinHostPort(s.host, "0")
}

// URL is the page's address for a browser on this machine. It is right once
// Listen has returned.
func (s *Server) URL() string {
	host := s.host
	if wildcard(host) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(s.port)) + "/"
}

// wildcard reports whether listening on a host means every interface.
func wildcard(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || (err == nil && ip.IsUnspecified())
}

// Run serves the page until the context ends, then ends the streams of events and
// lets other requests under way finish for at most five seconds. It returns nil after an orderly end. A server
// runs once.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(ctx); err != nil {
		return err
	}
	// Requests outlive the context by the time that they have to finish.
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s.stopping = ctx.Done()
	var unused unusedConns
	srv := &http.Server{
		Handler:           s.handler,
		ConnState:         unused.track,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       s.timing.read,
		WriteTimeout:      s.timing.write,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return base },
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(s.listener) }()
	s.cfg.State(true, "")
	defer s.cfg.State(false, "stopped")
	select {
	case err := <-done:
		return fmt.Errorf("webchat: serve: %w", err)
	case <-ctx.Done():
	}
	return stop(base, srv, &unused, done)
}

// stop drains the server and waits for its goroutine.
func stop(base context.Context, srv *http.Server, unused *unusedConns, done <-chan error) error {
	drain, cancel := context.WithTimeout(base, drainTimeout)
	defer cancel()
	unused.close()
	err := srv.Shutdown(drain)
	if err != nil {
		_ = srv.Close()
	}
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		return fmt.Errorf("webchat: serve: %w", served)
	}
	if err != nil {
		return fmt.Errorf("webchat: requests were cut off at the end: %w", err)
	}
	return nil
}

// unusedConns are connections that a browser opened ahead of need: without a
// request on them, a Shutdown waits for seconds.
type unusedConns struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
	ended bool
}

// track is an http.Server's ConnState.
func (u *unusedConns) track(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.conns, c)
	case u.ended:
		_ = c.Close()
	default:
		if u.conns == nil {
			u.conns = make(map[net.Conn]bool)
		}
		u.conns[c] = true
	}
}

// close ends the connections without a request, and those that are still to come.
func (u *unusedConns) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = true
	for c := range u.conns {
		_ = c.Close()
	}
}

// isAPI reports whether a request speaks JSON rather than being a browser that
// opens a page.
func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }
