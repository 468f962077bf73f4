package feedtest

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"liqbot/market"
)

// Venue is what a venue's double adds to a Server. Its methods may be called from
// several goroutines.
type Venue interface {
	// REST answers a request over HTTP, strictly: what the venue would refuse is refused.
	REST(w http.ResponseWriter, r *http.Request)
	// Message takes what a client sent over a connection.
	Message(c *Conn, message []byte)
	// Tick sends a connection the present state of all that it has subscribed to.
	Tick(c *Conn, now time.Time)
}

// Double is a running double of a venue, as the suite and the whole bot's tests use it.
type Double interface {
	// API and StreamURL are what the venue's API_URL and STREAM_URL settings take.
	API() string
	StreamURL() string
	// Liquidate reports a forced order to everyone who has subscribed.
	Liquidate(coin market.Coin, l market.Liquidation)
	// Base is the server underneath, with its faults.
	Base() *Server
	Close()
}

// Server serves one double: requests to /ws… (or with an upgrade header) are
// connections, all others go to REST. It is safe for concurrent use.
type Server struct {
	http  *httptest.Server
	venue Venue

	mu       sync.Mutex
	conns    map[*Conn]bool
	accepted int
	requests int
	stalled  bool
	down     bool
	skew     time.Duration
	refusals []refusal
	stop     context.CancelFunc
	ended    chan struct{}
}

type refusal struct {
	status int
	header http.Header
	body   string
}

// Serve starts a double that ticks every 100 ms.
func Serve(v Venue) *Server {
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{venue: v, conns: make(map[*Conn]bool), stop: stop, ended: make(chan struct{})}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	go s.tick(ctx)
	return s
}

// URL is the base for requests, WebSocket that for connections.
func (s *Server) URL() string { return s.http.URL }

// WebSocket is the base for connections.
func (s *Server) WebSocket() string { return "ws" + strings.TrimPrefix(s.http.URL, "http") }

// Now is the venue's clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.skew)
}

// Skew sets how far the venue's clock is ahead.
func (s *Server) Skew(d time.Duration) { s.set(func() { s.skew = d }) }

// Stall makes the connections go silent, though they stay open and answer pings.
func (s *Server) Stall(on bool) { s.set(func() { s.stalled = on }) }

// Down makes the venue refuse everything and ends all connections.
func (s *Server) Down(on bool) {
	s.set(func() { s.down = on })
	if on {
		s.Drop()
	}
}

// Refuse answers the next n requests with a status, headers and a body.
func (s *Server) Refuse(n, status int, header http.Header, body string) {
	s.set(func() {
		for range n {
			s.refusals = append(s.refusals, refusal{status, header, body})
		}
	})
}

// Drop ends all connections without a word.
func (s *Server) Drop() {
	for _, c := range s.Conns() {
		_ = c.ws.CloseNow()
	}
}

// Conns are the open connections.
func (s *Server) Conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Conn
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// Accepted is how many connections were ever made, Requests how many requests.
func (s *Server) Accepted() int { return s.count(&s.accepted) }

// Requests is how many requests over HTTP came.
func (s *Server) Requests() int { return s.count(&s.requests) }

func (s *Server) count(n *int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *n
}

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Broadcast sends a raw frame, garbage for instance, over all connections.
func (s *Server) Broadcast(frame []byte) {
	for _, c := range s.Conns() {
		c.Send(frame)
	}
}

// Close ends the double.
func (s *Server) Close() {
	s.stop()
	s.Drop()
	<-s.ended
	s.http.Close()
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	down := s.down
	s.requests++
	var no *refusal
	if len(s.refusals) > 0 && r.Header.Get("Upgrade") == "" {
		no, s.refusals = &s.refusals[0], s.refusals[1:]
	}
	s.mu.Unlock()
	switch {
	case down:
		http.Error(w, "<html>Bad Gateway</html>", http.StatusBadGateway)
	case no != nil:
		maps.Copy(w.Header(), no.header)
		w.WriteHeader(no.status)
		_, _ = w.Write([]byte(no.body))
	case r.Header.Get("Upgrade") != "":
		s.connect(w, r)
	default:
		s.venue.REST(w, r)
	}
}

func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer ws.CloseNow() //nolint:errcheck // nothing can be done about it
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &Conn{Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header, server: s, ws: ws, ctx: ctx, topics: make(map[string]bool)}
	s.set(func() { s.conns[c] = true; s.accepted++ })
	defer s.set(func() { delete(s.conns, c) })
	for {
		_, message, err := ws.Read(ctx)
		if err != nil {
			return
		}
		s.venue.Message(c, message)
	}
}

func (s *Server) tick(ctx context.Context) {
	defer close(s.ended)
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			now := s.Now()
			for _, c := range s.Conns() {
				s.venue.Tick(c, now)
			}
		}
	}
}

// Conn is one connection of a client.
type Conn struct {
	// Path, Query and Header are those of the handshake.
	Path, Query string
	Header      http.Header

	server *Server
	ws     *websocket.Conn
	ctx    context.Context //nolint:containedctx // lives as long as the connection

	mu     sync.Mutex
	topics map[string]bool
}

// Subscribe notes a topic; it reports whether it is new.
func (c *Conn) Subscribe(topic string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := !c.topics[topic]
	c.topics[topic] = true
	return fresh
}

// Subscribed reports whether a topic was noted.
func (c *Conn) Subscribed(topic string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.topics[topic]
}

// Topics are the topics noted, in no order.
func (c *Conn) Topics() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for t := range c.topics {
		all = append(all, t)
	}
	return all
}

// Push sends market data, unless the server is stalled.
func (c *Conn) Push(frame []byte) {
	c.server.mu.Lock()
	stalled := c.server.stalled
	c.server.mu.Unlock()
	if !stalled {
		c.Send(frame)
	}
}

// Send sends a frame: an answer, a pong, garbage.
func (c *Conn) Send(frame []byte) {
	ctx, cancel := context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	_ = c.ws.Write(ctx, websocket.MessageText, frame)
}

// Close ends the connection with a code, as a venue does.
func (c *Conn) Close(code int, reason string) { _ = c.ws.Close(websocket.StatusCode(code), reason) }
