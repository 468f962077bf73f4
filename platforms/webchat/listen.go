package webchat

import (
	"strconv"
	"strings"
	"time"
)

// listener is an open page that listens to a feed. Its methods are called from
// one goroutine, except poke.
type listener struct {
	feed   *Feed
	reader *reader
	// wake has room for one poke: there is something new.
	wake chan struct{}
	// waiting was kept before the page opened; after is the number of the newest
	// message that the page was handed.
	waiting []*notice
	after   uint64
}

// open adds a page to a session, nil when it or the feed has as many as it can
// have. The page is handed what it has missed: all after the id of the last event
// that it got, or without an id what no page was sent. It must be closed.
func (f *Feed) open(session, lastEvent string, narrow bool) *listener {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.expire(now)
	if r := f.readers[session]; f.listening >= maxListenersTotal || (r != nil && len(r.listeners) >= maxListeners) {
		return nil
	}
	r := f.reader(session)
	if f.away(r, now) >= goneAfter {
		r.met = false
	}
	l := &listener{feed: f, reader: r, wake: make(chan struct{}, 1), after: f.newest}
	missed := f.missed(lastEvent)
	for _, n := range r.kept {
		if missed(n) {
			l.waiting = append(l.waiting, n)
		}
	}
	r.listeners[l], r.seen, r.narrow = struct{}{}, now, narrow
	f.listening++
	return l
}

// missed tells what a page that got this event last has not got. An id of
// another run of the bot means that it has got nothing of this one.
func (f *Feed) missed(lastEvent string) func(*notice) bool {
	epoch, number, ok := parseEventID(lastEvent)
	switch {
	case !ok:
		return func(n *notice) bool { return !n.given }
	case epoch != f.epoch:
		return func(*notice) bool { return true }
	default:
		return func(n *notice) bool { return n.number > number }
	}
}

// maxEventID bounds the id of an event, which comes back from the page.
const maxEventID = 64

// eventID is the id of the event of a message.
func (f *Feed) eventID(number uint64) string {
	return f.epoch + "-" + strconv.FormatUint(number, 10)
}

// start is the id of the event after which the page is handed something: a page
// that is cut off before its first message comes back with it.
func (l *listener) start() string {
	if len(l.waiting) > 0 {
		return l.feed.eventID(l.waiting[0].number - 1)
	}
	return l.feed.eventID(l.after)
}

// parseEventID takes an event id apart.
func parseEventID(s string) (epoch string, number uint64, ok bool) {
	if len(s) > maxEventID {
		return "", 0, false
	}
	epoch, digits, found := strings.Cut(s, "-")
	number, err := strconv.ParseUint(digits, 10, 64)
	if !found || epoch == "" || err != nil {
		return "", 0, false
	}
	return epoch, number, true
}

// poke says that there is something new. It never blocks.
func (l *listener) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// next returns what the page was not handed yet, the oldest first.
func (l *listener) next() []*notice {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	out := l.waiting
	l.waiting = nil
	for _, n := range l.reader.kept {
		if n.number > l.after {
			out = append(out, n)
		}
	}
	l.after = l.feed.newest
	return out
}

// gave records that a message was sent to the page.
func (l *listener) gave(n *notice) {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	n.given = true
}

// unmet reports whether the bot has yet to be told that the session is there, and
// meet that it was told.
func (l *listener) unmet() bool {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	return !l.reader.met
}

func (l *listener) meet() {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	l.reader.met = true
}

// close takes the page away from its session.
func (l *listener) close() {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	delete(l.reader.listeners, l)
	l.reader.seen = time.Now()
	l.feed.listening--
}
