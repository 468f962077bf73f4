package webchat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"liqbot/chat"
)

// Bounds of what a feed keeps and of who listens to it.
const (
	// maxKept and maxKeptTotal bound the messages kept for a session and for all of
	// them. Messages that a page was given are kept too, as it may not have got them.
	maxKept, maxKeptTotal = 20, 2000
	keptFor               = 24 * time.Hour
	maxListeners          = 6
	maxListenersTotal     = 1000
	// maxReaders is more than can have a page or something kept, so that there is
	// always one that can be forgotten.
	maxReaders = 4000
	// goneAfter is how long a session may be without a page.
	goneAfter = 7 * 24 * time.Hour
	// Pictures of kept messages. The newest are kept, and a message whose picture is
	// no longer there is shown without.
	maxFeedPictures, maxFeedBytes = 256, 32 << 20
)

// Feed brings the bot's unasked messages to the pages of a session. It outlives
// the servers, which come and go when the platform is run again. What it keeps
// is in memory only. It is safe for concurrent use and owns no goroutine.
type Feed struct {
	// key signs sessions of servers that have no key of their own.
	key []byte
	// epoch tells this feed's event ids from those of another run of the bot.
	epoch    string
	pictures *pictures

	mu      sync.Mutex
	readers map[string]*reader
	// kept are all kept messages, the oldest first, and newest the number of the last
	// one that was ever kept.
	kept   []*notice
	newest uint64
	// listening counts the open pages.
	listening int
	lost      uint64
	// unseen is the latest moment at which a session that is not in readers may have
	// had a page. It is not before the feed was made.
	unseen time.Time
}

// reader is a session that has or had a page, or that something is kept for.
type reader struct {
	id        string
	listeners map[*listener]struct{}
	kept      []*notice // the oldest first
	// seen is when the session's last page was there.
	seen   time.Time
	narrow bool
	// met is set once the bot was told, in this process, that the session is there.
	met bool
}

// notice is a message that is kept for a session. Only given changes.
type notice struct {
	number uint64
	at     time.Time
	to     *reader
	postID string
	reply  reply
	// given says that a page was sent it.
	given bool
}

// NewFeed makes a feed. Sessions are signed with the key, of at least 16 bytes,
// so that they outlive a restart of the bot; nil is a random key that lives as
// long as the feed.
func NewFeed(key []byte) *Feed {
	key = slices.Clone(key)
	if len(key) == 0 {
		key = make([]byte, sha256.Size)
		// Read never fails: https://pkg.go.dev/crypto/rand#Read.
		_, _ = rand.Read(key)
	}
	return &Feed{
		key: key, epoch: strings.ToLower(rand.Text()), unseen: time.Now(),
		pictures: newPictures(maxFeedPictures, maxFeedBytes), readers: make(map[string]*reader),
	}
}

// Send gives a message to every open page of a session. While there is none the
// message is kept for the next page: the newest 20 of a session and 2,000 of
// all, for a day. A message whose ID is kept already is not shown again, and one that
// is kept can be answered.
func (f *Feed) Send(ctx context.Context, p chat.Post) chat.Outcome {
	switch {
	case p.To.Platform != chat.Web || p.To.Chat == "" || len(p.To.Chat) > maxSessionID:
		return chat.Outcome{Fate: chat.Refused, Reason: "not a session of the page"}
	case p.Reply.Silent():
		return chat.Outcome{Fate: chat.Refused, Reason: "nothing to show"}
	case ctx.Err() != nil:
		return chat.Outcome{Fate: chat.Later, Reason: "stopped before it was sent"}
	}
	id := messageID(p.ID)
	if outcome, settled := f.settled(p); settled {
		if outcome.Fate == chat.Posted {
			outcome.Message = id
		}
		return outcome
	}
	if p.Wanted != nil && !p.Wanted() {
		return chat.Outcome{Fate: chat.Dropped}
	}
	r := wire(p.Reply)
	r.ID, r.Silent, r.Picture = id, p.Silent, f.pictures.publish(p.Reply.Picture)
	f.keep(p, r)
	return chat.Outcome{Fate: chat.Posted, Message: id}
}

// messageID is the id of a pushed message in the page: the post's, as far as a
// page may send it back. One that has none gets a new one.
func messageID(post string) string {
	if post == "" {
		return rand.Text()
	}
	if len(post) <= maxMessageID && printable(post) {
		return post
	}
	sum := sha256.Sum256([]byte(post))
	return hex.EncodeToString(sum[:16])
}

// settled returns the outcome of a post that is known without showing it.
func (f *Feed) settled(p chat.Post) (chat.Outcome, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.expire(now)
	r := f.readers[p.To.Chat]
	switch {
	case r.has(p.ID):
		return chat.Outcome{Fate: chat.Posted}, true
	case f.away(r, now) >= goneAfter:
		return chat.Outcome{Fate: chat.Gone, Reason: "no page for a week"}, true
	default:
		return chat.Outcome{}, false
	}
}

// away is how long a session has certainly had no page; nil is one that is not
// known.
func (f *Feed) away(r *reader, now time.Time) time.Duration {
	switch {
	case r == nil:
		return now.Sub(f.unseen)
	case len(r.listeners) > 0:
		return 0
	default:
		return now.Sub(r.seen)
	}
}

func (r *reader) has(postID string) bool {
	return r != nil && postID != "" && slices.ContainsFunc(r.kept, func(n *notice) bool { return n.postID == postID })
}

// Shape is the shape of pictures that suits the session's newest page.
func (f *Feed) Shape(t chat.Target) chat.Shape {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.readers[t.Chat]; r != nil && r.narrow {
		return chat.Portrait
	}
	return chat.Wide
}

// Lost counts the messages that were dropped before any page was sent them.
func (f *Feed) Lost() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

// keep keeps a message, unless it is kept already, and wakes the session's pages.
func (f *Feed) keep(p chat.Post, shown reply) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	r := f.reader(p.To.Chat)
	if r.has(p.ID) {
		return
	}
	shown.Answers = r.quote(p.ReplyTo)
	f.newest++
	n := &notice{number: f.newest, at: now, to: r, postID: p.ID, reply: shown}
	f.kept = append(f.kept, n)
	r.kept = append(r.kept, n)
	if len(r.kept) > maxKept {
		f.drop(r.kept[0])
	}
	if len(f.kept) > maxKeptTotal {
		f.drop(f.leastMissed())
	}
	for l := range r.listeners {
		l.poke()
	}
}

// maxQuote is how much is quoted of a message, in UTF-16 units.
const maxQuote = 160

// quote is the first line of a message that is kept, nil where it is not.
func (r *reader) quote(id string) *quote {
	for _, n := range r.kept {
		if n.reply.ID != id {
			continue
		}
		var all strings.Builder
		for _, s := range n.reply.Spans {
			all.WriteString(s.Text)
		}
		line, _, _ := strings.Cut(strings.TrimSpace(all.String()), "\n")
		return &quote{ID: id, Text: line[:chat.Prefix(line, maxQuote)]}
	}
	return nil
}

// leastMissed is the oldest message that a page was sent, else the oldest one.
func (f *Feed) leastMissed() *notice {
	for _, n := range f.kept {
		if n.given {
			return n
		}
	}
	return f.kept[0]
}

// drop forgets a message.
func (f *Feed) drop(n *notice) {
	same := func(other *notice) bool { return other == n }
	f.kept = slices.DeleteFunc(f.kept, same)
	n.to.kept = slices.DeleteFunc(n.to.kept, same)
	if !n.given {
		f.lost++
	}
}

// expire forgets what is too old to be shown.
func (f *Feed) expire(now time.Time) {
	for len(f.kept) > 0 && now.Sub(f.kept[0].at) >= keptFor {
		f.drop(f.kept[0])
	}
}

// reader finds or adds a session.
func (f *Feed) reader(id string) *reader {
	r := f.readers[id]
	if r != nil {
		return r
	}
	if len(f.readers) >= maxReaders {
		f.forgetOldest()
	}
	r = &reader{id: id, listeners: make(map[*listener]struct{}), seen: f.unseen}
	f.readers[id] = r
	return r
}

// forgetOldest forgets the session whose last page was there longest ago, and
// remembers how long ago that was.
func (f *Feed) forgetOldest() {
	var oldest *reader
	for _, r := range f.readers {
		if len(r.listeners)+len(r.kept) == 0 && (oldest == nil || r.seen.Before(oldest.seen)) {
			oldest = r
		}
	}
	if oldest == nil {
		return
	}
	delete(f.readers, oldest.id)
	if oldest.seen.After(f.unseen) {
		f.unseen = oldest.seen
	}
}
