package webchat

import (
	"strconv"
	"time"
)

// Hurry shortens a server's time for a request, for an answer and for each event
// of a stream, and the pause between heartbeats. It is called before Run.
func (s *Server) Hurry(request, answer, event, heartbeat time.Duration) {
	s.timing = timing{read: request, write: answer, event: event, heartbeat: heartbeat}
}

// Crowd opens pages, each of a session of its own, without sockets, and returns
// what closes them.
func (f *Feed) Crowd(pages int) (leave func()) {
	all := make([]*listener, pages)
	for i := range all {
		all[i] = f.open("crowd-"+strconv.Itoa(i), "", false)
	}
	return func() {
		for _, l := range all {
			l.close()
		}
	}
}
