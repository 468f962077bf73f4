// Package discordtest is a Discord on loopback: REST and gateway, for tests. It
// is strict where Discord is strict (deadlines, lengths, second answers, resume)
// and it remembers what people would have seen, which is what tests compare. It
// speaks versions 9 and 10 of the API and knows the routes that a bot with slash
// commands and channel posts needs; everything else is a 404.
//
// A Server is safe for concurrent use and ends with its test. What a bot sends
// that Discord would refuse as malformed, or that could mention somebody, fails
// the test, unless Tolerant is given.
//
// Wire formats: https://discord.com/developers/docs/reference
package discordtest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Names of the world that a new server starts with.
const (
	// Token is the only bot token that the server accepts.
	Token         = "MTEwMDAwMDAwMDAwMDAwMDAwMQ.planted.discord-secret-for-tests" //nolint:gosec // opens nothing but this server
	ApplicationID = "1100000000000000001"
	GuildID       = "1100000000000000002"
	ChannelID     = "1100000000000000003"
	DirectID      = "1100000000000000004"
	UserID        = "1100000000000000005"
)

// patience is how long the waiting methods wait before they fail the test.
const patience = 10 * time.Second

// Server is a loopback Discord.
type Server struct {
	t    testing.TB
	http *httptest.Server
	opts options

	ending  chan struct{}
	sockets sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{}
	counter int64

	calls      []*Call
	faults     []*Fault
	violations []string

	gate         gate
	commands     []*command
	overwrites   int
	interactions map[string]*interaction // by token
	messages     []*Message
	buckets      map[string]bucket
	recent       []time.Time // calls with the bot token
	channels     map[string]Channel
	restricted   map[string]int64  // by channel: what the bot may not do
	directs      map[string]string // user -> DM channel
	broken       map[string]Failure
}

type options struct {
	answerWithin, tokenLife time.Duration
	heartbeat               time.Duration
	tolerant, mayMention    bool
}

// Option changes how a server behaves.
type Option func(*options)

// Tolerant keeps malformed calls from failing the test; they are refused still.
func Tolerant() Option { return func(o *options) { o.tolerant = true } }

// MayMention accepts messages whose allowed_mentions is not {"parse":[]}.
func MayMention() Option { return func(o *options) { o.mayMention = true } }

// Deadlines sets how long an interaction waits for its first answer (3 s), and
// how long its token lives (15 min).
func Deadlines(first, token time.Duration) Option {
	return func(o *options) { o.answerWithin, o.tokenLife = first, token }
}

// Heartbeat sets the interval that the gateway asks for (41.25 s).
func Heartbeat(every time.Duration) Option { return func(o *options) { o.heartbeat = every } }

// New starts a server that ends with the test.
func New(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s := &Server{
		t:       tb,
		opts:    options{answerWithin: 3 * time.Second, tokenLife: 15 * time.Minute, heartbeat: 41250 * time.Millisecond},
		ending:  make(chan struct{}),
		changed: make(chan struct{}),
		gate:    gate{remaining: 1000, resetAfter: time.Hour, answering: true},

		interactions: make(map[string]*interaction),
		buckets:      make(map[string]bucket),
		restricted:   make(map[string]int64),
		channels: map[string]Channel{
			ChannelID: {ID: ChannelID, Guild: GuildID},
			DirectID:  {ID: DirectID, Type: 1},
		},
		directs: make(map[string]string),
		broken:  make(map[string]Failure),
	}
	for _, o := range opts {
		o(&s.opts)
	}
	s.http = httptest.NewServer(s.handler())
	tb.Cleanup(s.end)
	return s
}

func (s *Server) end() {
	close(s.ending)
	s.Drop()
	s.http.CloseClientConnections()
	s.http.Close()
	s.sockets.Wait()
	if bad := s.Violations(); len(bad) > 0 && !s.opts.tolerant {
		s.t.Errorf("discordtest: Discord would have refused:\n%s", strings.Join(bad, "\n"))
	}
}

// URL is the base under which /api/v9 lives.
func (s *Server) URL() string { return s.http.URL }

// Violations lists what was refused as malformed so far.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// handler records every call, lets faults have their way, and routes the rest.
func (s *Server) handler() http.Handler {
	inner := s.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == socketPath {
			s.accept(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 25<<20))
		if err != nil {
			reply(w, &Failure{Status: http.StatusRequestEntityTooLarge, Code: 40005, Message: "Request entity too large"})
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		path, known := strings.CutPrefix(r.URL.Path, "/api/v9")
		if !known {
			path, known = strings.CutPrefix(r.URL.Path, "/api/v10")
		}
		noted := s.record(&Call{Method: r.Method, Path: path, At: time.Now(), Body: body})
		w = &noting{ResponseWriter: w, note: noted}
		if !known {
			reply(w, notFound)
			return
		}
		r.URL.Path = path
		s.answer(w, r, inner, s.fault(r.Method, path))
	})
}

// record keeps a call and returns how to note the status of its answer.
func (s *Server) record(c *Call) func(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	s.wake()
	return func(status int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c.Status = status
	}
}

// noting notes the status of an answer.
type noting struct {
	http.ResponseWriter

	note func(status int)
	once sync.Once
}

func (w *noting) WriteHeader(status int) {
	w.once.Do(func() { w.note(status) })
	w.ResponseWriter.WriteHeader(status)
}

func (w *noting) Write(p []byte) (int, error) {
	w.once.Do(func() { w.note(http.StatusOK) })
	return w.ResponseWriter.Write(p)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, inner http.Handler, f *Fault) {
	if f == nil {
		inner.ServeHTTP(w, r)
		return
	}
	if f.Act {
		inner.ServeHTTP(httptest.NewRecorder(), r)
	}
	if f.Hang {
		select {
		case <-r.Context().Done():
		case <-s.ending:
		}
		panic(http.ErrAbortHandler)
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, auth bool, h func(*http.Request) (any, *Failure)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			result, failure := s.guarded(r, auth, h)
			if failure != nil {
				reply(w, failure)
				return
			}
			send(w, result)
		})
	}
	handle("GET /gateway", false, func(*http.Request) (any, *Failure) { return map[string]string{"url": s.socketURL()}, nil })
	handle("GET /gateway/bot", true, s.gatewayBot)
	handle("GET /users/@me", true, func(*http.Request) (any, *Failure) { return self(), nil })
	handle("GET /oauth2/applications/@me", true, func(*http.Request) (any, *Failure) {
		return map[string]any{"id": ApplicationID, "name": "liqbot"}, nil
	})
	handle("POST /users/@me/channels", true, s.openDirect)
	handle("GET /applications/{app}/commands", true, s.listCommands)
	handle("PUT /applications/{app}/commands", true, s.overwriteCommands)
	handle("POST /interactions/{id}/{token}/callback", false, s.callback)
	handle("POST /webhooks/{app}/{token}", false, s.followUp)
	handle("GET /webhooks/{app}/{token}/messages/{message}", false, s.getOriginal)
	handle("PATCH /webhooks/{app}/{token}/messages/{message}", false, s.editOriginal)
	handle("DELETE /webhooks/{app}/{token}/messages/{message}", false, s.deleteOriginal)
	handle("GET /channels/{channel}", true, s.getChannel)
	handle("POST /channels/{channel}/messages", true, s.createMessage)
	handle("PATCH /channels/{channel}/messages/{message}", true, s.editMessage)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { reply(w, notFound) })
	return mux
}

// guarded checks what Discord checks of every call.
func (s *Server) guarded(r *http.Request, auth bool, h func(*http.Request) (any, *Failure)) (any, *Failure) {
	agent := r.Header.Get("User-Agent")
	if !strings.HasPrefix(agent, "DiscordBot (") || !strings.Contains(agent, ", ") {
		return nil, &Failure{Status: http.StatusForbidden, Code: 40333, Message: "internal network error"}
	}
	if auth && r.Header.Get("Authorization") != "Bot "+Token {
		return nil, &Failure{Status: http.StatusUnauthorized, Message: "401: Unauthorized"}
	}
	if auth {
		if f := s.limitAll(); f != nil {
			return nil, f
		}
	}
	return h(r)
}

// Failure is an error answer of the API.
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
type Failure struct {
	Status, Code int
	Message      string
	// Field and FieldCode name what was wrong in the body, such as
	// "embeds.0.description" and "BASE_TYPE_MAX_LENGTH".
	Field, FieldCode string
	header           http.Header
}

var notFound = &Failure{Status: http.StatusNotFound, Message: "404: Not Found"}

func invalid(field, code string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: 50035, Message: "Invalid Form Body", Field: field, FieldCode: code}
}

func reply(w http.ResponseWriter, f *Failure) {
	body := map[string]any{"code": f.Code, "message": f.Message}
	if f.Field != "" {
		var nested any = map[string]any{"_errors": []any{map[string]string{"code": f.FieldCode, "message": "This value is not accepted."}}}
		path := strings.Split(f.Field, ".")
		for _, part := range slices.Backward(path) {
			nested = map[string]any{part: nested}
		}
		body["errors"] = nested
	}
	if f.Status == http.StatusTooManyRequests {
		after, _ := strconv.ParseFloat(f.header.Get("Retry-After"), 64)
		body = map[string]any{"message": f.Message, "retry_after": after, "global": f.header.Get("X-RateLimit-Global") == "true"}
	}
	maps.Copy(w.Header(), f.header)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_ = json.NewEncoder(w).Encode(body)
}

func send(w http.ResponseWriter, result any) {
	if result == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if h, ok := result.(headed); ok {
		maps.Copy(w.Header(), h.header)
		result = h.body
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(result)
}

func self() map[string]any {
	return map[string]any{"id": ApplicationID, "username": "liqbot", "discriminator": "0000", "bot": true}
}

// newID makes a snowflake. Call it with the lock held.
func (s *Server) newID() string {
	const epoch = 1420070400000
	s.counter++
	return strconv.FormatInt((time.Now().UnixMilli()-epoch)<<22|s.counter&0xfff, 10)
}

// wake lets those who wait look again. Call it with the lock held.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait waits until ok, which is called with the lock held, reports true.
func (s *Server) wait(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		if ok() {
			s.mu.Unlock()
			return
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-deadline.C:
			s.t.Fatalf("discordtest: waited in vain for %s", what)
		}
	}
}
