package discordtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The limit of messages to one channel.
const (
	bucketSize   = 5
	bucketWindow = 5 * time.Second
)

// createMessage posts to a channel. A nonce that was used in the channel before
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
	if f := s.limit(channel); f != nil {
		return nil, f
	}
	if f := s.check(p, files, nil); f != nil {
		return nil, s.violated(f)
	}
	nonce := strings.Trim(string(p.Nonce), `"`)
	if length(nonce) > 25 {
		return nil, s.violated(invalid("nonce", "BASE_TYPE_MAX_LENGTH"))
	}
	for _, m := range s.messages {
		if p.EnforceNonce && nonce != "" && m.Channel == channel && m.nonce == nonce {
			return m.wire(), nil
		}
	}
	m := &Message{ID: s.newID(), Channel: channel, nonce: nonce}
	s.messages = append(s.messages, m)
	s.apply(m, p, files, "")
	return m.wire(), nil
}

// limit takes a place in a channel's bucket. The lock is held.
func (s *Server) limit(channel string) *Failure {
	now := time.Now()
	recent := s.buckets[channel]
	for len(recent) > 0 && now.Sub(recent[0]) >= bucketWindow {
		recent = recent[1:]
	}
	defer func() { s.buckets[channel] = recent }()
	if len(recent) < bucketSize {
		recent = append(recent, now)
		return nil
	}
	after := seconds(bucketWindow - now.Sub(recent[0]))
	header := http.Header{}
	for name, value := range map[string]string{
		"Retry-After": after, "X-RateLimit-Limit": strconv.Itoa(bucketSize), "X-RateLimit-Remaining": "0",
		"X-RateLimit-Reset-After": after, "X-RateLimit-Bucket": "messages", "X-RateLimit-Scope": "user",
	} {
		header.Set(name, value)
	}
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
