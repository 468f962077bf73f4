package telegramtest

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Fault makes one call fail. The zero Fault is a success.
type Fault struct {
	// Code and Description are a refusal by the API, such as 403 and "Forbidden: bot
	// was blocked by the user".
	Code        int
	Description string
	RetryAfter  int
	MigrateTo   int64
	// Status answers with a page of HTML, as a proxy does.
	Status int
	// Hang does not answer at all; Drop closes the connection, Reset resets it; Cut
	// closes it in the middle of the answer.
	Hang, Drop, Reset, Cut bool
	// Odd answers that all went well, in a form of tomorrow.
	Odd bool
	// Acted carries the call out first.
	Acted bool
}

// Faults of a chat, as the Bot API words them, and those of the way to it.
var (
	Blocked       = Fault{Code: 403, Description: "Forbidden: bot was blocked by the user"}
	Deactivated   = Fault{Code: 403, Description: "Forbidden: user is deactivated"}
	NeverStarted  = Fault{Code: 403, Description: "Forbidden: bot can't initiate conversation with a user"}
	Kicked        = Fault{Code: 403, Description: "Forbidden: bot was kicked from the supergroup chat"}
	NotMember     = Fault{Code: 403, Description: "Forbidden: bot is not a member of the channel chat"}
	GroupDeleted  = Fault{Code: 403, Description: "Forbidden: the group chat was deleted"}
	ChatNotFound  = Fault{Code: 400, Description: "Bad Request: chat not found"}
	NoRights      = Fault{Code: 400, Description: "Bad Request: not enough rights to send text messages to the chat"}
	NoPhotos      = Fault{Code: 400, Description: "Bad Request: not enough rights to send photos to the chat"}
	NoWrite       = Fault{Code: 400, Description: "Bad Request: CHAT_WRITE_FORBIDDEN"}
	NotAdmin      = Fault{Code: 400, Description: "Bad Request: need administrator rights in the channel chat"}
	TopicClosed   = Fault{Code: 400, Description: "Bad Request: TOPIC_CLOSED"}
	TopicNotFound = Fault{Code: 400, Description: "Bad Request: message thread not found"}
	Unauthorized  = Fault{Code: 401, Description: "Unauthorized"}
	ActThenHang   = Fault{Hang: true, Acted: true}
	ActThenReset  = Fault{Reset: true, Acted: true}
)

// TooMany asks to wait; 0 does not say for how long.
func TooMany(seconds int) Fault {
	return Fault{Code: 429, Description: fmt.Sprintf("Too Many Requests: retry after %d", seconds), RetryAfter: seconds}
}

// Migrated says that a group has become the supergroup with this id.
func Migrated(to int64) Fault {
	return Fault{Code: 400, Description: "Bad Request: group chat was upgraded to a supergroup chat", MigrateTo: to}
}

// Fail makes the next calls of a method fail, one fault each.
func (s *Server) Fail(method string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[method] = append(s.faults[method], faults...)
}

// FailChat makes the next messages and edits to a chat fail, one fault each. They
// come after those of Fail.
func (s *Server) FailChat(chat int64, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chatFaults[chat] = append(s.chatFaults[chat], faults...)
}

// Shut makes all further messages and edits to a chat fail; the zero Fault opens
// it again.
func (s *Server) Shut(chat int64, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut[chat] = f
}

// Latency is how long answers to messages and edits take from now on.
func (s *Server) Latency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = d
}

// note keeps a call and returns how it is to fail.
func (s *Server) note(c Call) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	s.called[c.Method]++
	s.uploads += len(c.Files)
	s.change()
	if queue := s.faults[c.Method]; len(queue) > 0 {
		s.faults[c.Method] = queue[1:]
		return queue[0]
	}
	if !c.puts() {
		return Fault{}
	}
	chat, _ := c.number("chat_id")
	if queue := s.chatFaults[chat]; len(queue) > 0 {
		s.chatFaults[chat] = queue[1:]
		return queue[0]
	}
	return s.shut[chat]
}

// puts reports whether a call puts something in a chat.
func (c Call) puts() bool { return c.sends() || strings.HasPrefix(c.Method, "edit") }

func (c Call) sends() bool { return c.Method == "sendMessage" || c.Method == "sendPhoto" }

func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, f Fault) {
	switch {
	case f.Hang:
		select {
		case <-r.Context().Done():
		case <-s.stop:
		}
		panic(http.ErrAbortHandler)
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Reset:
		reset(w)
	case f.Cut:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"ok":true,"resu`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case f.Odd:
		reply(w, "done", nil)
	case f.Status != 0:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.Status)
		// As some proxies do, it shows the address and with it the token.
		_, _ = fmt.Fprintf(w, "<html><body>bad gateway %q</body></html>", r.URL.Path) //nolint:gosec // no browser reads this
	default:
		reply(w, nil, &refusal{Code: f.Code, Description: f.Description, RetryAfter: f.RetryAfter, MigrateTo: f.MigrateTo})
	}
}

// reset ends a connection so that the client gets "connection reset by peer".
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
