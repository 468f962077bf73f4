package webchat

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"liqbot/chat"
)

// Timing of a stream of events.
const (
	// heartbeat keeps proxies from hanging up and finds out that a page is gone.
	heartbeat = 15 * time.Second
	// eventTimeout is how long the browser may take to accept one write.
	eventTimeout = 10 * time.Second
	// reconnect is how soon a browser is asked to come back, in milliseconds.
	reconnect = "2000"
	// backTimeout bounds what the bot does when a session is back.
	backTimeout = 5 * time.Second
)

// getEvents answers GET /api/events with the messages that the bot sends unasked
// to the session, as Server-Sent Events whose data is the JSON of a reply. A
// first event, "start", holds only an id. The wire is in https://html.spec.whatwg.org/multipage/server-sent-events.html.
//
// A page that comes back names the last event that it got: its browser does so
// in the header, its script in the query when it opens a stream anew.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) {
	session, ok := s.session(r)
	if !ok {
		s.refuse(w, r, http.StatusUnauthorized, "no_session")
		return
	}
	// A page on another port of this machine is sent with the cookie. It could read
	// nothing, but would take what waits for the member.
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		s.refuse(w, r, http.StatusForbidden, "wrong_origin")
		return
	}
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("after")
	}
	l := s.cfg.Feed.open(session, last, r.URL.Query().Get("narrow") == "1")
	if l == nil {
		w.Header().Set("Retry-After", "30")
		s.refuse(w, r, http.StatusTooManyRequests, "too_many_pages")
		return
	}
	defer l.close()
	s.cfg.Count("stream")
	s.stream(w, r, l)
}

// stream sends a page what it is handed until the page or the server ends.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, l *listener) {
	out := newEventWriter(w, s.timing.event)
	defer out.end()
	if !out.write("retry: " + reconnect + "\nevent: start\nid: " + l.start() + "\ndata: {}\n\n") {
		return
	}
	s.back(r.Context(), l)
	beat := time.NewTicker(s.timing.heartbeat)
	defer beat.Stop()
	for {
		for _, n := range l.next() {
			if !out.write(s.cfg.Feed.event(n)) {
				return
			}
			l.gave(n)
			s.cfg.Count("pushed")
		}
		select {
		case <-l.wake:
		case <-beat.C:
			if !out.write(":\n\n") {
				return
			}
		case <-s.stopping:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// back tells the bot that a session is there, once in this process and again
// after it was gone: what was not sent to it since may go there again.
func (s *Server) back(ctx context.Context, l *listener) {
	if s.cfg.Bot.Back == nil || !l.unmet() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, backTimeout)
	defer cancel()
	if err := s.cfg.Bot.Back(ctx, chat.Target{Platform: chat.Web, Chat: l.reader.id}); err != nil {
		s.cfg.Log.Warn("cannot record that a web session is back", slog.Any("err", err))
		return
	}
	l.meet()
}

// event is a message on the wire.
func (f *Feed) event(n *notice) string {
	shown := n.reply
	if shown.Picture != nil && f.pictures.get(shown.Picture.id) == nil {
		shown.Picture = nil
	}
	var data bytes.Buffer
	_ = json.NewEncoder(&data).Encode(shown) // strings and numbers: it cannot fail, and is one line
	return "id: " + f.eventID(n.number) + "\ndata: " + data.String() + "\n"
}

// eventWriter writes to a response that has no end, with a deadline for every
// write: the server's would end the response as a whole.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

// newEventWriter begins the response.
func newEventWriter(w http.ResponseWriter, timeout time.Duration) eventWriter {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	return eventWriter{w: w, control: http.NewResponseController(w), timeout: timeout}
}

// write reports whether the browser is still there.
func (e eventWriter) write(event string) bool {
	_ = e.control.SetWriteDeadline(time.Now().Add(e.timeout))
	if _, err := e.w.Write([]byte(event)); err != nil { //nolint:gosec // not markup: the content type says so
		return false
	}
	return e.control.Flush() == nil
}

// end leaves time to end the response properly.
func (e eventWriter) end() { _ = e.control.SetWriteDeadline(time.Now().Add(time.Second)) }
