// Package telegramtest is a Bot API server on loopback for tests. It is as strict
// as the real one about markup, lengths, buttons, pictures, topics and offsets,
// keeps what the people in each chat would see, and fails on demand. Facts are
// those of https://core.telegram.org/bots/api.
//
// A Server is safe for concurrent use. Its goroutines end with the test.
package telegramtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// Token is valid on every Server.
	Token = "123456:TEST-secret_token-abcdefghijklmnop"
	// Username is the bot's.
	Username = "liq_test_bot"
	// BotID is the bot's.
	BotID = 123456
)

// patience is how long WaitFor waits.
const patience = 10 * time.Second

// Server is a loopback Bot API.
type Server struct {
	tb   testing.TB
	http *httptest.Server
	stop chan struct{}
	wg   sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{} // closed at each change, then replaced
	calls    []Call
	called   map[string]int
	faults   map[string][]Fault
	revoked  bool
	chats    map[int64]*room
	files    map[string][]byte
	toasts   map[string][]Toast
	inline   map[string][]InlineResult
	members  map[[2]int64]string
	menus    map[string]string
	profile  map[string]string
	updates  []pending
	updateID int64
	serial   int
	poll     chan struct{} // closed to end the running getUpdates
	hook     webhook
	limit    int
	window   time.Duration

	chatFaults map[int64][]Fault
	shut       map[int64]Fault
	latency    time.Duration
	names      map[string]int64 // of public chats, in lower case
	rights     map[[2]int64]map[string]any
	uploads    int
	// The rest is EnforceLimits.
	strict            bool
	limited           int
	all, paid         meter
	perChat, perGroup map[int64]*meter
}

// Call is a request that the server got.
type Call struct {
	Method string
	Params map[string]string
	// Files are uploads by the name of their part.
	Files map[string][]byte
	At    time.Time
}

// Toast is an answer to a callback query.
type Toast struct {
	Text  string
	Alert bool
}

// New starts a server that ends with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{
		tb: tb, stop: make(chan struct{}), changed: make(chan struct{}),
		called: make(map[string]int), faults: make(map[string][]Fault), chats: make(map[int64]*room), files: make(map[string][]byte),
		toasts: make(map[string][]Toast), inline: make(map[string][]InlineResult),
		members: make(map[[2]int64]string), menus: make(map[string]string), profile: make(map[string]string),
		updateID: 1000, chatFaults: make(map[int64][]Fault), shut: make(map[int64]Fault),
		names: make(map[string]int64), rights: make(map[[2]int64]map[string]any),
		perChat: make(map[int64]*meter), perGroup: make(map[int64]*meter),
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(s.Close)
	return s
}

// Close ends the server; New has registered it with the test.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.mu.Unlock()
	s.http.CloseClientConnections()
	s.http.Close()
	s.wg.Wait()
}

// URL is the base address for the client.
func (s *Server) URL() string { return s.http.URL }

// Token is the token that the server knows.
func (s *Server) Token() string { return Token }

// Revoke makes the token invalid.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = true
	s.endPoll()
	s.change()
}

// Calls returns the calls of a method so far, of all methods for "".
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

// Called is how many calls of a method there were so far.
func (s *Server) Called(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.called[method]
}

// Uploads is how many files were uploaded.
func (s *Server) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uploads
}

// WaitFor returns once cond holds, which is asked at each change. It fails the
// test after ten seconds.
func (s *Server) WaitFor(what string, cond func() bool) {
	s.tb.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-deadline.C:
			s.tb.Fatalf("waited in vain for %s", what)
		}
	}
}

// change wakes WaitFor; mu is held.
func (s *Server) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	token, method, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/bot"), "/")
	s.mu.Lock()
	known := ok && token == Token && !s.revoked
	s.mu.Unlock()
	if !known {
		reply(w, nil, &refusal{Code: http.StatusUnauthorized, Description: "Unauthorized"})
		return
	}
	call, err := parse(r, method)
	if err != nil {
		reply(w, nil, &refusal{Code: http.StatusBadRequest, Description: "Bad Request: " + err.Error()})
		return
	}
	fault := s.note(call)
	if refused := s.strictly(call); refused != nil {
		reply(w, nil, refused)
		return
	}
	if fault != (Fault{}) && !fault.Acted {
		s.misbehave(w, r, fault)
		return
	}
	result, refused := s.act(r, call)
	s.linger(r, call)
	if fault.Acted {
		s.misbehave(w, r, fault)
		return
	}
	reply(w, result, refused)
}

// linger takes the time of Latency.
func (s *Server) linger(r *http.Request, c Call) {
	s.mu.Lock()
	d := s.latency
	s.mu.Unlock()
	if d == 0 || !c.puts() {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-s.stop:
	}
}

// refusal is a call that the API does not carry out.
type refusal struct {
	Code        int
	Description string
	RetryAfter  int
	MigrateTo   int64
}

func bad(description string) *refusal {
	return &refusal{Code: http.StatusBadRequest, Description: "Bad Request: " + description}
}

func reply(w http.ResponseWriter, result any, f *refusal) {
	w.Header().Set("Content-Type", "application/json")
	if f == nil {
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result})
		return
	}
	body := map[string]any{"ok": false, "error_code": f.Code, "description": f.Description}
	parameters := map[string]any{}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		parameters["retry_after"] = f.RetryAfter
	}
	if f.MigrateTo != 0 {
		parameters["migrate_to_chat_id"] = f.MigrateTo
	}
	if len(parameters) > 0 {
		body["parameters"] = parameters
	}
	w.WriteHeader(f.Code)
	_ = json.NewEncoder(w).Encode(body)
}
