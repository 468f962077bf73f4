package discordtest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Flags of messages.
const (
	suppressEmbeds = 1 << 2
	ephemeral      = 1 << 6
	silent         = 1 << 12
)

// Message is a message as people see it.
type Message struct {
	ID, Channel string
	Content     string
	Embeds      []Embed
	Buttons     [][]Button
	Menus       []Menu
	Files       []File
	// Ephemeral messages are seen only by To.
	Ephemeral bool
	To        string
	// Thinking is the placeholder of a deferred answer.
	Thinking bool
	Deleted  bool
	// ReplyTo is the message that a post answers, empty for none; Silent came without a
	// notification.
	ReplyTo string
	Silent  bool

	edits    int
	editedBy string
	nonce    string
}

// Embed is the parts of an embed that bots fill.
type Embed struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Color       int    `json:"color"`
	Image       *struct {
		URL string `json:"url"`
	} `json:"image"`
	Footer *struct {
		Text string `json:"text"`
	} `json:"footer"`
	Fields []struct{ Name, Value string } `json:"fields"`
}

// File is an attachment.
type File struct {
	ID, Name, Description string
	Data                  []byte
}

// Text is everything that can be read of a message.
func (m Message) Text() string {
	parts := []string{m.Content}
	for _, e := range m.Embeds {
		parts = append(parts, e.Title, e.Description)
	}
	return strings.TrimSpace(strings.Join(parts, "\n"))
}

// Press is the custom id of the first button whose label contains this text;
// empty for none.
func (m Message) Press(label string) string {
	for _, row := range m.Buttons {
		for _, b := range row {
			if strings.Contains(b.Label, label) {
				return b.CustomID
			}
		}
	}
	return ""
}

func (m *Message) copy() Message {
	out := *m
	out.Embeds, out.Buttons, out.Files = slices.Clone(m.Embeds), slices.Clone(m.Buttons), slices.Clone(m.Files)
	out.Menus = slices.Clone(m.Menus)
	return out
}

func (m *Message) wire() map[string]any {
	attachments := []any{}
	for n, f := range m.Files {
		attachments = append(attachments, map[string]any{
			"id": strconv.Itoa(n + 1), "filename": f.Name, "description": f.Description, "size": len(f.Data),
			"url": "https://cdn.invalid/" + f.Name,
		})
	}
	flags, embeds := 0, []any{}
	if m.Ephemeral {
		flags = ephemeral
	}
	for _, e := range m.Embeds {
		embeds = append(embeds, map[string]any{"type": "rich", "description": e.Description})
	}
	return map[string]any{
		"id": m.ID, "channel_id": m.Channel, "content": m.Content, "author": self(), "flags": flags,
		"attachments": attachments, "embeds": embeds, "components": []any{}, "timestamp": time.Now().UTC().Format(time.RFC3339),
	}
}

// Messages lists what can be seen in a channel, oldest first.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.messages {
		if m.Channel == channel && !m.Deleted {
			out = append(out, m.copy())
		}
	}
	return out
}

// WaitMessages waits until n messages that are not placeholders can be seen in a
// channel, and returns them.
func (s *Server) WaitMessages(channel string, n int) []Message {
	s.t.Helper()
	s.wait(strconv.Itoa(n)+" messages", func() bool {
		seen := 0
		for _, m := range s.messages {
			if m.Channel == channel && !m.Deleted && !m.Thinking {
				seen++
			}
		}
		return seen >= n
	})
	return s.Messages(channel)
}

func (s *Server) find(id string) *Message {
	for _, m := range s.messages {
		if m.ID == id && !m.Deleted {
			return m
		}
	}
	return nil
}

// upload is a file of a request.
type upload struct {
	field, name string
	data        []byte
}

// readBody decodes a JSON or multipart body; payload_json comes first.
func readBody(r *http.Request, into any) ([]upload, *Failure) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, invalid("_", "CONTENT_TYPE_INVALID")
	}
	if kind == "application/json" {
		if json.NewDecoder(r.Body).Decode(into) != nil {
			return nil, &Failure{Status: http.StatusBadRequest, Code: 50109, Message: "The request body contains invalid JSON."}
		}
		return nil, nil
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	var files []upload
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if err == io.EOF && n > 0 {
			return files, nil
		}
		if err != nil {
			return nil, invalid("_", "MULTIPART_INVALID")
		}
		data, _ := io.ReadAll(part)
		if (n == 0) != (part.FormName() == "payload_json") {
			return nil, invalid("payload_json", "BASE_TYPE_REQUIRED")
		}
		if n > 0 {
			files = append(files, upload{field: part.FormName(), name: part.FileName(), data: data})
		} else if json.NewDecoder(bytes.NewReader(data)).Decode(into) != nil {
			return nil, invalid("payload_json", "MODEL_TYPE_CONVERT")
		}
	}
}

// apply puts a payload into a message. The lock is held.
func (s *Server) apply(m *Message, p payload, files []upload, by string) {
	if p.Content != nil {
		m.Content = *p.Content
	}
	if p.Embeds != nil {
		m.Embeds = *p.Embeds
	}
	if p.Components != nil {
		m.put(*p.Components)
	}
	if p.Attachments != nil {
		m.Files = slices.DeleteFunc(m.Files, func(f File) bool { return !p.keeps(f.ID) })
	}
	for n, f := range files {
		m.Files = append(m.Files, File{ID: s.newID(), Name: f.name, Description: p.describes(n), Data: f.data})
	}
	m.Thinking = false
	m.edits++
	m.editedBy = by
}

func (s *Server) followUp(r *http.Request) (any, *Failure) {
	var p payload
	files, f := readBody(r, &p)
	if f != nil {
		return nil, s.refused(f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	i, f := s.live(r)
	if f != nil {
		return nil, f
	}
	if f := s.check(p, files, nil); f != nil {
		return nil, s.violated(f)
	}
	m := i.original
	if m == nil || !m.Thinking || m.Deleted { // the first one after a defer fills the placeholder
		m = &Message{ID: s.newID(), Channel: i.from.Channel, Ephemeral: p.Flags&ephemeral != 0, To: i.from.User}
		s.messages = append(s.messages, m)
	}
	s.apply(m, p, files, i.id)
	return m.wire(), nil
}

// target finds the message of a webhook call. The lock is held.
func (s *Server) target(r *http.Request) (*interaction, *Message, *Failure) {
	i, f := s.live(r)
	if f != nil {
		return nil, nil, f
	}
	m := i.original
	if id := r.PathValue("message"); id != "@original" {
		m = s.find(id)
	}
	if m == nil || m.Deleted {
		return nil, nil, &Failure{Status: http.StatusNotFound, Code: 10008, Message: "Unknown Message"}
	}
	return i, m, nil
}

func (s *Server) getOriginal(r *http.Request) (any, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, m, f := s.target(r)
	if f != nil {
		return nil, f
	}
	return m.wire(), nil
}

func (s *Server) editOriginal(r *http.Request) (any, *Failure) {
	var p payload
	files, f := readBody(r, &p)
	if f != nil {
		return nil, s.refused(f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	i, m, f := s.target(r)
	if f != nil {
		return nil, f
	}
	if len(files) > 0 && i.from.Context == InGuild && i.from.AppPermissions&AttachFiles == 0 {
		return nil, &Failure{Status: http.StatusForbidden, Code: 50013, Message: "Missing Permissions"}
	}
	if f := s.check(p, files, m); f != nil {
		return nil, s.violated(f)
	}
	s.apply(m, p, files, i.id)
	return m.wire(), nil
}

func (s *Server) deleteOriginal(r *http.Request) (any, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	_, m, f := s.target(r)
	if f != nil {
		return nil, f
	}
	m.Deleted = true
	return nil, nil
}
