package telegram

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/go-telegram/bot/models"

	"liqbot/chat"
)

// The reasons why the bot has left a chat, as Bot.Left is told.
const (
	reasonBlocked = "bot was blocked by the user"
	reasonKicked  = "bot was kicked"
	reasonLeft    = "bot is not a member"
)

// keptMoves is how many groups that have moved are remembered.
const keptMoves = 256

// moves remembers groups that have become supergroups: that the bot is not in the
// old one any more means nothing. It is safe for concurrent use.
type moves struct {
	mu   sync.Mutex
	from []int64
}

func (m *moves) add(chatID int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.from = append(m.from, chatID)
	if len(m.from) > keptMoves {
		m.from = m.from[1:]
	}
}

func (m *moves) has(chatID int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.from, chatID)
}

// moved lets a group's choices follow it when it becomes a supergroup, which has
// another id (https://core.telegram.org/bots/api#message, migrate_to_chat_id).
// Doing it twice changes nothing.
func (a *Adapter) moved(ctx context.Context, from, to int64) {
	a.moves.add(from)
	if a.cfg.Bot.Moved == nil {
		return
	}
	if err := a.cfg.Bot.Moved(ctx, target(from, 0), target(to, 0)); err != nil {
		a.cfg.Log.Error("telegram group has a new id, its settings did not follow", slog.Any("err", err))
	}
}

// routeMembership notes where the bot can be reached, and greets a group that it
// was added to. Changes of the bot's rights come by the same update
// (https://core.telegram.org/bots/api#chatmemberupdated).
func (s *session) routeMembership(id string, c *models.ChatMemberUpdated) (string, *task) {
	where := target(c.Chat.ID, 0)
	if !present(c.NewChatMember) {
		return laneOf(c.Chat.ID), s.task(id, func(ctx context.Context, _ *task) {
			if !s.moves.has(c.Chat.ID) {
				s.left(ctx, where, parting(c))
			}
		})
	}
	if kindOf(c.Chat.Type) != chat.Group || present(c.OldChatMember) {
		return laneOf(c.Chat.ID), s.task(id, func(ctx context.Context, _ *task) { s.back(ctx, where) })
	}
	req := s.request(id, &models.Message{Chat: c.Chat, From: &c.From})
	req.Text, req.Addressed = "/start", true
	to := outgoing{chat: c.Chat.ID}
	return laneOf(c.Chat.ID), s.claimable(id, func(ctx context.Context, t *task) {
		s.back(ctx, where)
		if reply := s.cfg.Bot.Handle(ctx, req); !reply.Silent() && s.ready(ctx, to) && s.begin(ctx, t) {
			s.answer(ctx, t, to, reply)
		}
	})
}

func present(m models.ChatMember) bool {
	switch m.Type {
	case models.ChatMemberTypeLeft, models.ChatMemberTypeBanned:
		return false
	case models.ChatMemberTypeRestricted:
		return m.Restricted.IsMember
	default:
		return true
	}
}

// parting is the reason why the bot is not in a chat any more.
func parting(c *models.ChatMemberUpdated) string {
	switch {
	case kindOf(c.Chat.Type) == chat.Private:
		return reasonBlocked
	case c.NewChatMember.Type == models.ChatMemberTypeBanned:
		return reasonKicked
	default:
		return reasonLeft
	}
}

func (s *session) left(ctx context.Context, t chat.Target, reason string) {
	if s.cfg.Bot.Left == nil {
		return
	}
	if err := s.cfg.Bot.Left(ctx, t, reason); err != nil {
		s.cfg.Log.Error("telegram chat was left, that is not noted", slog.Any("err", err))
	}
}

func (s *session) back(ctx context.Context, t chat.Target) {
	if s.cfg.Bot.Back == nil {
		return
	}
	if err := s.cfg.Bot.Back(ctx, t); err != nil {
		s.cfg.Log.Error("telegram chat is back, that is not noted", slog.Any("err", err))
	}
}

// isStart reports whether a text is the command that a member begins with.
func isStart(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	name, _, _ := strings.Cut(word, "@")
	return strings.EqualFold(name, "/start")
}

// nameOf is how a member is called: without what would hide or turn the text
// around it.
func nameOf(u *models.User) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(u.FirstName+" "+u.LastName, ""))
	name = strings.Join(strings.Fields(name), " ")
	if name == "" && u.Username != "" {
		name = "@" + u.Username
	}
	return name
}
