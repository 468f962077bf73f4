package telegramtest

import (
	"strconv"
	"time"
)

// Message is a message of the bot as the people in the chat see it.
type Message struct {
	ID, Thread int
	Chat       int64
	// Text is what is read, under the picture if there is one.
	Text     string
	Entities []Entity
	// Photo is the picture's file; nil for a text message.
	Photo   []byte
	FileID  string
	Buttons [][]Button
	// ReplyTo is the message that it answers, 0 for none; Silent came without a sound.
	ReplyTo int
	Silent  bool
	// Paid was sent with allow_paid_broadcast.
	Paid  bool
	Edits int
	// At is when it was sent.
	At time.Time
}

// Button is a button under a message.
type Button struct {
	Text string `json:"text"`
	Data string `json:"callback_data"`
}

// InlineResult is one result of an inline query.
type InlineResult struct {
	Type, ID, Title, FileID, Text string
}

// room is a chat.
type room struct {
	about  map[string]any
	sent   []*Message
	people map[int]bool // ids of messages that people wrote
	topics map[int64]bool
	times  []time.Time
}

// room returns a chat, which it makes known; mu is held.
func (s *Server) room(id int64, about map[string]any) *room {
	r, ok := s.chats[id]
	if !ok {
		r = &room{about: about, people: make(map[int]bool), topics: make(map[int64]bool)}
		s.chats[id] = r
	}
	return r
}

// Messages returns what the bot has put in a chat, in order.
func (s *Server) Messages(chat int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	if r, ok := s.chats[chat]; ok {
		for _, m := range r.sent {
			out = append(out, *m)
		}
	}
	return out
}

// Delete removes a message of the bot, as an administrator can.
func (s *Server) Delete(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.chats[m.Chat]
	for i, sent := range r.sent {
		if sent.ID == m.ID {
			r.sent = append(r.sent[:i:i], r.sent[i+1:]...)
			return
		}
	}
}

// Know makes a chat known, such as the one that a group migrates to.
func (s *Server) Know(chat int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room(chat, map[string]any{"id": chat, "type": "supergroup", "title": "Group"})
}

// Toasts returns the answers to a callback query.
func (s *Server) Toasts(query string) []Toast {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Toast(nil), s.toasts[query]...)
}

// InlineResults returns the answer to an inline query, nil for none yet.
func (s *Server) InlineResults(query string) []InlineResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inline[query]
}

// Menu returns the commands, as JSON, of a scope and language.
func (s *Server) Menu(scope, language string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.menus[scope+"/"+language]
}

// ForgetFile makes a file id invalid.
func (s *Server) ForgetFile(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, id)
}

func (r *room) find(id int) *Message {
	for _, m := range r.sent {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// wire is a message of the bot as the API shows it; mu is held.
func (r *room) wire(id int) map[string]any {
	m := r.find(id)
	if m == nil {
		return map[string]any{"message_id": id, "chat": r.about, "date": 0}
	}
	out := map[string]any{
		"message_id": m.ID, "chat": r.about, "date": time.Now().Unix(),
		"from": map[string]any{"id": BotID, "is_bot": true, "first_name": "Liq", "username": Username},
	}
	if m.Thread != 0 {
		out["message_thread_id"], out["is_topic_message"] = m.Thread, true
	}
	if m.Photo == nil {
		out["text"] = m.Text
		return out
	}
	out["caption"] = m.Text
	out["photo"] = []map[string]any{
		{"file_id": m.FileID + "-small", "file_unique_id": "s", "width": 90, "height": 90},
		{"file_id": m.FileID, "file_unique_id": "u", "width": 1080, "height": 1350},
	}
	return out
}

func itoa(n int) string { return strconv.Itoa(n) }
