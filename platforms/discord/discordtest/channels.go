package discordtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Channel is a channel as Discord describes it.
type Channel struct {
	ID string
	// Guild is its server, empty for a private channel.
	Guild string
	// Type is 0 for text, 1 for a private channel, 5 for announcements, 11 for a
	// thread, 15 for a forum.
	Type int
	// Permissions are the member's and AppPermissions the bot's there; 0 for the bot
	// means that Discord does not tell. Only interactions have them.
	Permissions, AppPermissions int64
	// Hidden is a channel that the bot cannot see.
	Hidden bool
}

func (c Channel) wire() map[string]any {
	body := map[string]any{"id": c.ID, "type": c.Type, "name": "somewhere"}
	if c.Guild != "" {
		body["guild_id"] = c.Guild
	}
	return body
}

// AddChannel makes a channel known to those who look it up. ChannelID and
// DirectID are known from the start.
func (s *Server) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[c.ID] = c
}

// Restrict takes rights from the bot in a channel: with EmbedLinks embeds vanish
// from its posts, with AttachFiles those with files are refused, with ReadHistory
// answers are.
func (s *Server) Restrict(channel string, permissions int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restricted[channel] = permissions
}

func (s *Server) getChannel(r *http.Request) (any, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, known := s.channels[r.PathValue("channel")]
	switch {
	case !known:
		return nil, &Failure{Status: http.StatusNotFound, Code: 10003, Message: "Unknown Channel"}
	case c.Hidden:
		return nil, &Failure{Status: http.StatusForbidden, Code: 50001, Message: "Missing Access"}
	}
	return c.wire(), nil
}

// The limits of messages to one channel and of calls with the bot token.
const (
	bucketSize   = 5
	bucketWindow = 5 * time.Second
	globalSize   = 50
	globalWindow = time.Second
)

// bucket is a channel's window, which begins with its first message.
type bucket struct {
	began time.Time
	taken int
}

// headed is a good answer with headers.
type headed struct {
	body   any
	header http.Header
}

// createMessage posts to a channel. A nonce that was used before, in any channel,
// returns the first message, if the call enforces it.
func (s *Server) createMessage(r *http.Request) (any, *Failure) {
	var p payload
	files, f := readBody(r, &p)
	if f != nil {
		return nil, s.refused(f)
	}
	channel := r.PathValue("channel")
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	if f, broken := s.broken[channel]; broken {
		return nil, &f
	}
	header, f := s.limit(channel)
	if f != nil {
		return nil, f
	}
	if f := s.check(p, files, nil); f != nil {
		return nil, s.violated(f)
	}
	nonce := strings.Trim(string(p.Nonce), `"`)
	if length(nonce) > 25 {
		return nil, s.violated(invalid("nonce", "BASE_TYPE_MAX_LENGTH"))
	}
	if p.Flags&^(suppressEmbeds|silent) != 0 {
		return nil, s.violated(invalid("flags", "BASE_TYPE_CHOICES"))
	}
	if len(files) > 0 && s.restricted[channel]&AttachFiles != 0 {
		return nil, &Failure{Status: http.StatusForbidden, Code: 50013, Message: "Missing Permissions", header: header}
	}
	if s.restricted[channel]&EmbedLinks != 0 {
		p.Embeds = nil
	}
	for _, m := range s.messages {
		if p.EnforceNonce && nonce != "" && m.nonce == nonce {
			return headed{m.wire(), header}, nil
		}
	}
	m := &Message{ID: s.newID(), Channel: channel, nonce: nonce, Silent: p.Flags&silent != 0}
	if m.ReplyTo, f = s.answered(channel, p); f != nil {
		return nil, s.violated(f)
	}
	s.messages = append(s.messages, m)
	s.apply(m, p, files, "")
	return headed{m.wire(), header}, nil
}

// answered is the message that a post answers, empty for none. The lock is held.
// https://discord.com/developers/docs/resources/message#message-reference-structure
func (s *Server) answered(channel string, p payload) (string, *Failure) {
	if p.Reference == nil {
		return "", nil
	}
	if s.restricted[channel]&ReadHistory != 0 {
		return "", &Failure{Status: http.StatusForbidden, Code: 160002, Message: "Cannot reply without permission to read message history"}
	}
	id := strings.Trim(string(p.Reference.MessageID), `"`)
	m := s.find(id)
	switch {
	case m != nil && m.Channel == channel && !m.Ephemeral:
		return id, nil
	case p.Reference.Fail == nil || *p.Reference.Fail:
		return "", invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE")
	default:
		return "", nil
	}
}

// limit takes a place in a channel's bucket and words what is left of it. The
// lock is held.
func (s *Server) limit(channel string) (http.Header, *Failure) {
	now := time.Now()
	b := s.buckets[channel]
	if now.Sub(b.began) >= bucketWindow {
		b = bucket{began: now}
	}
	over := b.taken == bucketSize
	b.taken = min(b.taken+1, bucketSize)
	s.buckets[channel] = b
	after := seconds(bucketWindow - now.Sub(b.began))
	header := http.Header{}
	for name, value := range map[string]string{
		"X-RateLimit-Limit": strconv.Itoa(bucketSize), "X-RateLimit-Remaining": strconv.Itoa(bucketSize - b.taken),
		"X-RateLimit-Reset-After": after, "X-RateLimit-Bucket": "messages",
	} {
		header.Set(name, value)
	}
	if !over {
		return header, nil
	}
	header.Set("Retry-After", after)
	header.Set("X-RateLimit-Scope", "user")
	return nil, &Failure{Status: http.StatusTooManyRequests, Message: "You are being rate limited.", header: header}
}

// limitAll counts a call with the bot token.
func (s *Server) limitAll() *Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.recent) > 0 && now.Sub(s.recent[0]) >= globalWindow {
		s.recent = s.recent[1:]
	}
	if len(s.recent) < globalSize {
		s.recent = append(s.recent, now)
		return nil
	}
	header := http.Header{}
	header.Set("Retry-After", seconds(globalWindow-now.Sub(s.recent[0])))
	header.Set("X-RateLimit-Global", "true")
	header.Set("X-RateLimit-Scope", "global")
	return &Failure{Status: http.StatusTooManyRequests, Message: "You are being rate limited.", header: header}
}

func (s *Server) editMessage(r *http.Request) (any, *Failure) {
	var p payload
	files, f := readBody(r, &p)
	if f != nil {
		return nil, s.refused(f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	m := s.find(r.PathValue("message"))
	if m == nil || m.Channel != r.PathValue("channel") || m.Ephemeral {
		return nil, &Failure{Status: http.StatusNotFound, Code: 10008, Message: "Unknown Message"}
	}
	if f := s.check(p, files, m); f != nil {
		return nil, s.violated(f)
	}
	s.apply(m, p, files, "")
	return m.wire(), nil
}

// openDirect opens the private channel with a member, the same one every time.
func (s *Server) openDirect(r *http.Request) (any, *Failure) {
	var in struct {
		Recipient string `json:"recipient_id"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Recipient == "" {
		return nil, s.refused(invalid("recipient_id", "BASE_TYPE_REQUIRED"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.directs[in.Recipient] == "" {
		s.directs[in.Recipient] = s.newID()
	}
	return map[string]any{"id": s.directs[in.Recipient], "type": 1}, nil
}
