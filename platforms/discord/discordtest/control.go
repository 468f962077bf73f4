package discordtest

import (
	"fmt"
	"time"
)

// Identifies and Resumes count what clients tried on the gateway.
func (s *Server) Identifies() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gate.identifies
}

// Resumes counts the attempts to resume.
func (s *Server) Resumes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gate.resumes
}

// WaitConnected waits until a session is connected.
func (s *Server) WaitConnected() {
	s.t.Helper()
	s.wait("a connected session", s.connected)
}

func (s *Server) connected() bool { return s.gate.session != nil && s.gate.session.socket != nil }

// WaitResumes waits for the nth attempt to resume, and for the session to be
// connected after it.
func (s *Server) WaitResumes(n int) {
	s.t.Helper()
	s.wait(fmt.Sprintf("resume %d", n), func() bool { return s.gate.resumes >= n && s.connected() })
}

// WaitIdentifies waits for the nth attempt to identify.
func (s *Server) WaitIdentifies(n int) {
	s.t.Helper()
	s.wait(fmt.Sprintf("identify %d", n), func() bool { return s.gate.identifies >= n })
}

// open lists the open connections.
func (s *Server) open() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*socket
	for c := range s.gate.sockets {
		out = append(out, c)
	}
	return out
}

// Drop cuts every gateway connection without a word; sessions can be resumed.
func (s *Server) Drop() {
	for _, c := range s.open() {
		_ = c.conn.UnderlyingConn().Close()
	}
}

// CloseWith closes every gateway connection with a code.
func (s *Server) CloseWith(code int) {
	for _, c := range s.open() {
		c.close(code)
	}
}

// AskReconnect sends op 7 on every connection.
func (s *Server) AskReconnect() {
	for _, c := range s.open() {
		c.send(frame{Op: opReconnect})
	}
}

// EndSession makes the session one that cannot be resumed.
func (s *Server) EndSession() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate.session != nil {
		s.gate.session.over = true
	}
}

// Refuse meets every identify and resume with a close code; 0 ends that.
func (s *Server) Refuse(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.refusal = code
}

// Mute keeps new connections from hearing anything.
func (s *Server) Mute(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.mute = on
}

// Deaf leaves heartbeats without an answer.
func (s *Server) Deaf(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.answering = !on
}

// GreetWith sends an opcode, such as 7, in the place of the next READY or
// RESUMED.
func (s *Server) GreetWith(op int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.greeting = op
}

// StartLimit sets how many sessions may still be started, and when that number
// is renewed.
func (s *Server) StartLimit(remaining int, resetAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.remaining, s.gate.resetAfter = remaining, resetAfter
}

// Overwrites counts how often the commands were written.
func (s *Server) Overwrites() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overwrites
}

// FailChannel makes every message to a channel fail, such as with 403 and 50013.
// The zero Failure ends that.
func (s *Server) FailChannel(channel string, f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[channel] = f
	if f.Status == 0 {
		delete(s.broken, channel)
	}
}

// Event dispatches any event to the session, malformed ones included.
func (s *Server) Event(kind string, data any) {
	s.t.Helper()
	s.WaitConnected()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch(kind, data)
}
