package telegram

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/go-telegram/bot/models"

	"liqbot/chat"
)

const (
	// tooOld is the age from which a command is not answered any more: after an
	// outage, members have long gone on.
	tooOld = 10 * time.Minute
	// retention is how long Telegram keeps updates, with some slack. A message that
	// seems older tells of a wrong clock, not of its age.
	retention = 48 * time.Hour
)

// The ids of Telegram's own accounts that stand in for others in From.
const (
	serviceID   = 777000     // posts of the linked channel
	anonymousID = 1087968824 // an administrator who hides
	asChannelID = 136817688  // a member who writes as a channel
)

func (s *session) routeMessage(id string, m *models.Message) (string, *task) {
	if m.MigrateToChatID != 0 {
		return laneOf(m.Chat.ID), s.task(id, func(ctx context.Context, _ *task) { s.moved(ctx, m.Chat.ID, m.MigrateToChatID) })
	}
	if !typed(m) {
		return "", nil
	}
	text, addressed, ok := s.command(m)
	if !ok {
		return "", nil
	}
	if age := time.Since(time.Unix(int64(m.Date), 0)); age > tooOld && age < retention {
		s.cfg.Count("dropped_old")
		return "", nil
	}
	req := s.request(id, m)
	req.Text, req.Addressed = text, addressed
	to := answerTo(m)
	return laneOf(m.Chat.ID), s.claimable(id, func(ctx context.Context, t *task) {
		if req.Kind == chat.Private && isStart(text) {
			s.back(ctx, req.Target)
		}
		req.Working = s.signal(ctx, m.Chat, thread(m))
		if reply := s.cfg.Bot.Handle(ctx, req); !reply.Silent() && s.ready(ctx, to) && s.begin(ctx, t) {
			s.answer(ctx, t, to, reply)
		}
	})
}

// typed reports whether a person wrote this message now, here.
func typed(m *models.Message) bool {
	switch {
	case m.ForwardOrigin != nil, m.IsAutomaticForward, m.ViaBot != nil, m.SenderBusinessBot != nil:
		return false
	case m.From == nil:
		return m.Chat.Type == models.ChatTypeChannel || m.SenderChat != nil
	case m.From.ID == serviceID:
		return false
	case m.From.ID == anonymousID, m.From.ID == asChannelID:
		return m.SenderChat != nil
	}
	return !m.From.IsBot
}

// command returns the text for the handler: a command for this bot, or in a
// private chat anything.
func (s *session) command(m *models.Message) (text string, addressed, ok bool) {
	text, entities := m.Text, m.Entities
	if text == "" {
		text, entities = m.Caption, m.CaptionEntities
	}
	if strings.TrimSpace(text) == "" {
		return "", false, false
	}
	private := m.Chat.Type == models.ChatTypePrivate
	name, rest, found := cutCommand(text, entities)
	if !found {
		return text, private, private
	}
	name, at, named := strings.Cut(name, "@")
	if named && strings.ToLower(at) != s.me.Username {
		return "", false, false
	}
	return name + rest, named || private, true
}

// cutCommand splits a text behind the command it begins with. Offsets of entities
// count UTF-16 units (https://core.telegram.org/bots/api#messageentity).
func cutCommand(text string, entities []models.MessageEntity) (name, rest string, ok bool) {
	for _, e := range entities {
		if e.Type != models.MessageEntityTypeBotCommand || e.Offset != 0 || e.Length < 2 {
			continue
		}
		if n := chat.Prefix(text, e.Length); strings.HasPrefix(text, "/") {
			return text[:n], text[n:], true
		}
	}
	return "", "", false
}

// request fills in who asks and where.
func (s *session) request(id string, m *models.Message) chat.Request {
	r := chat.Request{
		ID:     id,
		Target: target(m.Chat.ID, thread(m)),
		Kind:   kindOf(m.Chat.Type),
		Member: chat.Member{Platform: chat.Telegram},
		Shape:  chat.Portrait,
	}
	personal := m.From != nil && m.SenderChat == nil
	if m.From != nil {
		r.LanguageHint = m.From.LanguageCode
	}
	asking := int64(0)
	if personal {
		asking = m.From.ID
		r.Member.ID, r.MemberName = strconv.FormatInt(asking, 10), nameOf(m.From)
	}
	r.Place = s.finder(asking)
	switch {
	case r.Kind == chat.Private:
	case r.Kind == chat.Channel:
		// Only administrators can post there.
		r.IsAdmin = fixed(true)
	case personal:
		r.IsAdmin = s.administers(m.Chat.ID, m.From.ID)
	default:
		// Written in the group's own name: an anonymous administrator. A channel's
		// name, the linked one's too, proves nothing about the group.
		r.IsAdmin = fixed(m.SenderChat != nil && m.SenderChat.ID == m.Chat.ID)
	}
	return r
}

func target(id int64, thread int) chat.Target {
	t := chat.Target{Platform: chat.Telegram, Chat: strconv.FormatInt(id, 10)}
	if thread != 0 {
		t.Thread = strconv.Itoa(thread)
	}
	return t
}

func kindOf(t models.ChatType) chat.Kind {
	switch t {
	case models.ChatTypePrivate:
		return chat.Private
	case models.ChatTypeChannel:
		return chat.Channel
	default:
		return chat.Group
	}
}

// thread returns the forum topic of a message, 0 for none. Outside topics, a
// thread id names a chain of replies, which cannot be sent to.
func thread(m *models.Message) int {
	if !m.IsTopicMessage {
		return 0
	}
	return m.MessageThreadID
}

// answerTo addresses an answer to a typed message.
func answerTo(m *models.Message) outgoing {
	out := outgoing{chat: m.Chat.ID, thread: thread(m)}
	if kindOf(m.Chat.Type) == chat.Group {
		out.replyTo = m.ID
	}
	return out
}
