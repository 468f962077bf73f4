package telegramtest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Update is an update as it travels, without its update_id.
type Update map[string]any

// Option changes a message before it is sent.
type Option func(message map[string]any)

// With sets a field of the message.
func With(field string, value any) Option {
	return func(m map[string]any) { m[field] = value }
}

// InTopic puts a message in a forum topic.
func InTopic(id int) Option {
	return func(m map[string]any) { m["message_thread_id"], m["is_topic_message"] = id, true }
}

type pending struct {
	id   int64
	body []byte
}

type webhook struct {
	url, secret string
	running     bool
}

// User is a person as the server shows one.
func User(id int64, language string) map[string]any {
	return map[string]any{"id": id, "is_bot": false, "first_name": "Ann", "language_code": language}
}

// Send queues an update and returns its id.
func (s *Server) Send(u Update) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updateID++
	id := s.updateID
	u["update_id"] = id
	body, err := json.Marshal(u)
	if err != nil {
		s.tb.Errorf("encode update: %v", err)
	}
	s.queue(id, body)
	return id
}

// SendRaw queues bytes as an update, or queues an update again.
func (s *Server) SendRaw(id int64, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updateID = max(s.updateID, id)
	s.queue(id, []byte(body))
}

func (s *Server) queue(id int64, body []byte) {
	s.updates = append(s.updates, pending{id, body})
	s.change()
}

// PrivateText is a message to the bot in private.
func (s *Server) PrivateText(user int64, text string, options ...Option) int64 {
	return s.say("message", map[string]any{"id": user, "type": "private"}, User(user, "en"), text, options)
}

// GroupText is a message in a supergroup.
func (s *Server) GroupText(chat, user int64, text string, options ...Option) int64 {
	return s.say("message", map[string]any{"id": chat, "type": "supergroup", "title": "Group"}, User(user, "en"), text, options)
}

// ChannelText is a post in a channel.
func (s *Server) ChannelText(chat int64, text string, options ...Option) int64 {
	return s.say("channel_post", map[string]any{"id": chat, "type": "channel", "title": "Channel"}, nil, text, options)
}

func (s *Server) say(kind string, chat, from map[string]any, text string, options []Option) int64 {
	s.mu.Lock()
	s.serial++
	m := map[string]any{"message_id": s.serial, "date": time.Now().Unix(), "chat": chat, "text": text, "entities": entitiesOf(text)}
	if from != nil {
		m["from"] = from
	}
	for _, o := range options {
		o(m)
	}
	id, _ := chat["id"].(int64)
	r := s.room(id, chat)
	if chat["type"] == "private" {
		// Writing to a bot unblocks it.
		delete(s.members, [2]int64{id, BotID})
	}
	r.people[s.serial] = true
	if topic, ok := m["message_thread_id"].(int); ok && m["is_topic_message"] == true {
		r.topics[int64(topic)] = true
	}
	s.mu.Unlock()
	return s.Send(Update{kind: m})
}

// entitiesOf marks a command at the beginning, as the server does.
func entitiesOf(text string) []map[string]any {
	if !strings.HasPrefix(text, "/") || len(text) < 2 {
		return []map[string]any{}
	}
	name, _, _ := strings.Cut(text, " ")
	return []map[string]any{{"type": "bot_command", "offset": 0, "length": Units(name)}}
}

// Press presses a button under a message that the bot sent. It returns the id of
// the callback query.
func (s *Server) Press(user int64, m Message, data string) string {
	s.mu.Lock()
	s.serial++
	query := "query-" + itoa(s.serial)
	body := s.chats[m.Chat].wire(m.ID)
	s.mu.Unlock()
	s.Send(Update{"callback_query": map[string]any{"id": query, "from": User(user, "en"), "chat_instance": "x", "data": data, "message": body}})
	return query
}

// Inline types a query behind the bot's name. It returns the id of the query.
func (s *Server) Inline(user int64, text string) string {
	s.mu.Lock()
	s.serial++
	query := "inline-" + itoa(s.serial)
	s.mu.Unlock()
	s.Send(Update{"inline_query": map[string]any{"id": query, "from": User(user, "en"), "query": text, "offset": ""}})
	return query
}

// Membership tells that the bot's own status in a group, channel or private chat
// has changed: a chat that is not known yet is a supergroup. From then on the bot
// may do there what the status lets it.
func (s *Server) Membership(chat, by int64, before, after string) int64 {
	where := map[string]any{"id": chat, "type": "supergroup", "title": "Group"}
	if chat > 0 {
		where["type"] = "private"
	}
	s.mu.Lock()
	where = s.room(chat, where).about
	s.members[[2]int64{chat, BotID}] = after
	s.mu.Unlock()
	self := map[string]any{"id": BotID, "is_bot": true, "first_name": "Liq", "username": Username}
	return s.Send(Update{"my_chat_member": map[string]any{
		"chat": where, "from": User(by, "en"), "date": time.Now().Unix(),
		"old_chat_member": map[string]any{"status": before, "user": self},
		"new_chat_member": map[string]any{"status": after, "user": self},
	}})
}

// Unconfirmed is how many updates are not confirmed yet.
func (s *Server) Unconfirmed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.updates)
}

// getUpdates holds the request until there is an update, the time is over or
// another poll begins.
func (s *Server) getUpdates(r *http.Request, c Call) (any, *refusal) {
	offset, refused := c.number("offset")
	timeout, _ := c.number("timeout")
	if refused != nil {
		return nil, refused
	}
	s.mu.Lock()
	if s.hook.url != "" {
		s.mu.Unlock()
		return nil, &refusal{Code: http.StatusConflict, Description: "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"}
	}
	s.endPoll()
	mine := make(chan struct{})
	s.poll = mine
	s.updates = slices.DeleteFunc(s.updates, func(p pending) bool { return p.id < offset })
	s.mu.Unlock()
	timer := time.NewTimer(time.Duration(timeout) * time.Second)
	defer timer.Stop()
	for {
		batch, changed := s.batch()
		if len(batch) > 0 {
			return batch, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return batch, nil
		case <-mine:
			return nil, &refusal{Code: http.StatusConflict, Description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}
		case <-r.Context().Done():
			return batch, nil
		case <-s.stop:
			return batch, nil
		}
	}
}

func (s *Server) batch() ([]json.RawMessage, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []json.RawMessage{}
	for _, p := range s.updates[:min(len(s.updates), 100)] {
		out = append(out, p.body)
	}
	return out, s.changed
}

// endPoll ends a getUpdates that is waiting; mu is held.
func (s *Server) endPoll() {
	if s.poll != nil {
		close(s.poll)
		s.poll = nil
	}
}

func (s *Server) setWebhook(c Call) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook.url, s.hook.secret = c.Params["url"], c.Params["secret_token"]
	if s.hook.url != "" && !s.hook.running {
		s.hook.running = true
		s.wg.Go(s.push)
	}
	s.change()
	return true, nil
}

// push delivers updates in order to the webhook, each until it gets a 2xx.
func (s *Server) push() {
	for {
		s.mu.Lock()
		changed, hook := s.changed, s.hook
		var next *pending
		if len(s.updates) > 0 && hook.url != "" {
			next = &s.updates[0]
		}
		s.mu.Unlock()
		if next != nil && s.post(hook, next.body) {
			s.mu.Lock()
			s.updates = s.updates[1:]
			s.change()
			s.mu.Unlock()
			continue
		}
		select {
		case <-s.stop:
			return
		case <-changed:
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) post(hook webhook, body []byte) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Telegram-Bot-Api-Secret-Token", hook.secret)
	resp, err := s.http.Client().Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode/100 == 2
}
