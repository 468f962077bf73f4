package telegramtest

import (
	"maps"
	"net/http"
	"strings"
)

// AddChat makes a chat of a kind such as "channel" or "supergroup" known, with a
// public name unless that is "".
func (s *Server) AddChat(id int64, kind, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	about := map[string]any{"id": id, "type": kind, "title": "Chat"}
	if name != "" {
		about["username"] = name
		s.names[strings.ToLower(name)] = id
	}
	s.room(id, about).about = about
}

// SetMember sets what getChatMember tells: creator, administrator, member,
// restricted, left, kicked. For the bot itself, BotID, it decides what it may do; a
// bot whose status is not set is a member of groups, and may post everywhere.
func (s *Server) SetMember(chat, user int64, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[[2]int64{chat, user}] = status
}

// ForgetMember makes a user one whom the chat does not know.
func (s *Server) ForgetMember(chat, user int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.members, [2]int64{chat, user})
}

// SetRight sets a field of a member, such as can_post_messages.
func (s *Server) SetRight(chat, user int64, right string, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [2]int64{chat, user}
	if s.rights[key] == nil {
		s.rights[key] = make(map[string]any)
	}
	s.rights[key][right] = has
}

// self is the bot's own status in a chat; mu is held.
func (s *Server) self(chat int64) (status string, set bool) {
	if status, set = s.members[[2]int64{chat, BotID}]; set {
		return status, true
	}
	if r, ok := s.chats[chat]; ok && r.about["type"] == "channel" {
		return "left", false
	}
	return "member", false
}

// mayPost refuses where the bot's status was set to one that does not let it post;
// mu is held.
func (s *Server) mayPost(r *room, chat int64) *refusal {
	status, set := s.self(chat)
	rights := s.rights[[2]int64{chat, BotID}]
	kind, _ := r.about["type"].(string)
	switch {
	case !set || status == "creator":
		return nil
	case status == "kicked" && kind == "private":
		return &refusal{Code: http.StatusForbidden, Description: Blocked.Description}
	case status == "kicked":
		return &refusal{Code: http.StatusForbidden, Description: "Forbidden: bot was kicked from the " + kind + " chat"}
	case status == "left":
		return &refusal{Code: http.StatusForbidden, Description: "Forbidden: bot is not a member of the " + kind + " chat"}
	case kind == "channel" && rights["can_post_messages"] != true:
		return bad("need administrator rights in the channel chat")
	case status == "restricted" && rights["can_send_messages"] != true:
		return bad("not enough rights to send text messages to the chat")
	}
	return nil
}

// chatID reads chat_id, which may be a public name; mu is held.
func (s *Server) chatID(c Call) (int64, *refusal) {
	name, public := strings.CutPrefix(c.Params["chat_id"], "@")
	if !public {
		return c.number("chat_id")
	}
	id, ok := s.names[strings.ToLower(name)]
	if !ok {
		return 0, bad("chat not found")
	}
	return id, nil
}

// getChat shows public chats to everyone and others to those who are in them.
func (s *Server) getChat(c Call) (any, *refusal) {
	r, refused := s.known(c)
	if refused != nil {
		return nil, refused
	}
	id, _ := s.chatID(c)
	kind, _ := r.about["type"].(string)
	if status, set := s.self(id); set && r.about["username"] == nil && (status == "left" || status == "kicked") {
		return nil, &refusal{Code: http.StatusForbidden, Description: "Forbidden: bot is not a member of the " + kind + " chat"}
	}
	out := maps.Clone(r.about)
	out["accent_color_id"], out["max_reaction_count"] = 0, 11
	return out, nil
}

// getChatMember tells of others in a channel only to its administrators.
func (s *Server) getChatMember(c Call) (any, *refusal) {
	r, refused := s.known(c)
	if refused != nil {
		return nil, refused
	}
	chat, _ := s.chatID(c)
	user, refused := c.number("user_id")
	if refused != nil {
		return nil, refused
	}
	self, _ := s.self(chat)
	status, ok := s.members[[2]int64{chat, user}]
	switch {
	case user == BotID:
		status = self
	case r.about["type"] == "channel" && self != "administrator" && self != "creator":
		return nil, bad("member list is inaccessible")
	case !ok:
		return nil, bad("user not found")
	}
	out := map[string]any{"status": status, "user": User(user, "en")}
	maps.Copy(out, s.rights[[2]int64{chat, user}])
	return out, nil
}
