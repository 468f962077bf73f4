package discordtest

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const socketPath = "/socket/"

// Opcodes of the gateway.
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway
const (
	opDispatch = iota
	opHeartbeat
	opIdentify
	_
	_
	_
	opResume
	opReconnect
	_
	opInvalid
	opHello
	opAck
)

// gate is the gateway's state, guarded by Server.mu.
type gate struct {
	remaining  int
	resetAfter time.Duration
	// refusal is the close code that meets identify and resume.
	refusal int
	// mute: connections get no hello. answering: heartbeats are acknowledged.
	mute, answering bool
	// greeting is an opcode that is sent in the place of READY or RESUMED.
	greeting int

	identifies, resumes int
	session             *session
	sockets             map[*socket]bool
}

// session outlives connections.
type session struct {
	id     string
	events []frame
	socket *socket
	// over: it cannot be resumed.
	over bool
}

type frame struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  int             `json:"s,omitempty"`
	Type string          `json:"t,omitempty"`
}

// socket is one connection.
type socket struct {
	conn     *websocket.Conn
	write    sync.Mutex
	session  *session
	compress bool
	frames   []time.Time
}

func (c *socket) send(f frame) {
	if f.Data == nil {
		f.Data = json.RawMessage("null")
	}
	text, err := json.Marshal(f)
	if err != nil {
		return
	}
	c.write.Lock()
	defer c.write.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
	if !c.compress || len(text) < 256 {
		_ = c.conn.WriteMessage(websocket.TextMessage, text)
		return
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write(text)
	_ = z.Close()
	_ = c.conn.WriteMessage(websocket.BinaryMessage, packed.Bytes())
}

func (c *socket) close(code int) {
	c.write.Lock()
	defer c.write.Unlock()
	_ = c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	_ = c.conn.Close()
}

func (s *Server) socketURL() string {
	return "ws" + strings.TrimPrefix(s.http.URL, "http") + socketPath
}

func (s *Server) gatewayBot(*http.Request) (any, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{
		"url": s.socketURL(), "shards": 1,
		"session_start_limit": map[string]any{
			"total": 1000, "remaining": s.gate.remaining, "reset_after": s.gate.resetAfter.Milliseconds(), "max_concurrency": 1,
		},
	}, nil
}

// accept serves one gateway connection.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) {
	s.sockets.Add(1)
	defer s.sockets.Done()
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetReadLimit(4096)
	c := &socket{conn: conn}
	if !s.enter(c) {
		return
	}
	defer s.leave(c)
	if v := r.URL.Query().Get("v"); (v != "9" && v != "10") || r.URL.Query().Get("encoding") != "json" {
		c.close(4012)
		return
	}
	s.mu.Lock()
	mute := s.gate.mute
	s.mu.Unlock()
	if !mute {
		hello, _ := json.Marshal(map[string]int64{"heartbeat_interval": s.opts.heartbeat.Milliseconds()})
		c.send(frame{Op: opHello, Data: hello})
	}
	s.read(c)
}

func (s *Server) enter(c *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ending:
		return false
	default:
	}
	if s.gate.sockets == nil {
		s.gate.sockets = make(map[*socket]bool)
	}
	s.gate.sockets[c] = true
	return true
}

func (s *Server) leave(c *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.gate.sockets, c)
	if c.session != nil && c.session.socket == c {
		c.session.socket = nil
	}
	s.wake()
}

// read takes frames until the connection ends. A client that says goodbye with
// 1000 or 1001 ends its session.
func (s *Server) read(c *socket) {
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(2*s.opts.heartbeat + time.Second))
		_, text, err := c.conn.ReadMessage()
		if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway) {
			s.mu.Lock()
			if c.session != nil {
				c.session.over = true
			}
			s.mu.Unlock()
		}
		if err != nil {
			return
		}
		var f frame
		if json.Unmarshal(text, &f) != nil {
			c.close(4002)
			return
		}
		if code := s.receive(c, f); code != 0 {
			c.close(code)
			return
		}
	}
}

// receive acts on a frame and returns a close code, 0 to go on.
func (s *Server) receive(c *socket, f frame) int {
	if c.tooFast() {
		return 4008
	}
	switch f.Op {
	case opHeartbeat:
		s.mu.Lock()
		answering := s.gate.answering
		s.mu.Unlock()
		if answering {
			c.send(frame{Op: opAck})
		}
		return 0
	case opIdentify:
		return s.identify(c, f.Data)
	case opResume:
		return s.resume(c, f.Data)
	default:
		if c.session == nil {
			return 4003
		}
		return 4001
	}
}

// tooFast keeps to 120 frames a minute.
func (c *socket) tooFast() bool {
	now := time.Now()
	c.frames = append(c.frames, now)
	for now.Sub(c.frames[0]) > time.Minute {
		c.frames = c.frames[1:]
	}
	return len(c.frames) > 120
}

const (
	privileged = 1<<1 | 1<<8 | 1<<15
	allIntents = 1<<26 - 1
)

func (s *Server) identify(c *socket, data json.RawMessage) int {
	var in struct {
		Token      string            `json:"token"`
		Intents    *int              `json:"intents"`
		Compress   bool              `json:"compress"`
		Properties map[string]string `json:"properties"`
	}
	if json.Unmarshal(data, &in) != nil || in.Properties == nil {
		return 4002
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.identifies++
	s.gate.remaining--
	defer s.wake()
	switch {
	case s.gate.refusal != 0:
		return s.gate.refusal
	case strings.TrimPrefix(in.Token, "Bot ") != Token:
		return 4004
	case c.session != nil:
		return 4005
	case in.Intents == nil || *in.Intents&^allIntents != 0:
		return 4013
	case *in.Intents&privileged != 0:
		return 4014
	}
	c.compress = in.Compress
	c.session = &session{id: "session-" + s.newID(), socket: c}
	s.gate.session = c.session
	if s.greet(c) {
		return 0
	}
	s.dispatch("READY", map[string]any{
		"v": 9, "session_id": c.session.id, "resume_gateway_url": s.socketURL(), "user": self(),
		"application": map[string]any{"id": ApplicationID, "flags": 0},
		"guilds":      []any{map[string]any{"id": GuildID, "unavailable": true}},
	})
	return 0
}

func (s *Server) resume(c *socket, data json.RawMessage) int {
	var in struct {
		Token   string `json:"token"`
		Session string `json:"session_id"`
		Seq     int    `json:"seq"`
	}
	if json.Unmarshal(data, &in) != nil {
		return 4002
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.resumes++
	defer s.wake()
	known := s.gate.session
	switch {
	case s.gate.refusal != 0:
		return s.gate.refusal
	case strings.TrimPrefix(in.Token, "Bot ") != Token:
		return 4004
	case s.greet(c):
		return 0
	case known == nil || known.over || in.Session != known.id:
		c.send(frame{Op: opInvalid, Data: json.RawMessage("false")})
		return 0
	case in.Seq > len(known.events):
		return 4007
	}
	c.session, known.socket = known, c
	for _, missed := range known.events[in.Seq:] {
		c.send(missed)
	}
	s.dispatch("RESUMED", map[string]any{"_trace": []string{"discordtest"}})
	return 0
}

// greet sends the armed opcode in the place of the first event. Call it with the
// lock held.
func (s *Server) greet(c *socket) bool {
	if s.gate.greeting == 0 {
		return false
	}
	c.send(frame{Op: s.gate.greeting})
	s.gate.greeting = 0
	return true
}

// dispatch records an event in the session and sends it if somebody listens.
// Call it with the lock held.
func (s *Server) dispatch(kind string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		s.t.Errorf("discordtest: encode %s: %v", kind, err)
		return
	}
	n := s.gate.session
	f := frame{Op: opDispatch, Data: text, Seq: len(n.events) + 1, Type: kind}
	n.events = append(n.events, f)
	if n.socket != nil {
		n.socket.send(f)
	}
}
