package telegram

import (
	"context"
	"strconv"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"liqbot/chat"
)

// administers asks Telegram afresh (https://core.telegram.org/bots/api#getchatmember).
// An error is not an answer: the caller has to refuse.
func (s *session) administers(chatID, user int64) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		var m *models.ChatMember
		err := s.limited(ctx, s.api.limit, func(ctx context.Context) (err error) {
			m, err = s.api.GetChatMember(ctx, &bot.GetChatMemberParams{ChatID: chatID, UserID: user})
			return err
		})
		if err != nil {
			return false, s.safe("getChatMember", err)
		}
		return m.Type == models.ChatMemberTypeOwner || m.Type == models.ChatMemberTypeAdministrator, nil
	}
}

func fixed(is bool) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) { return is, nil }
}

// routeMembership greets a group that the bot was added to. Changes of the bot's
// rights come by the same update.
func (s *session) routeMembership(id string, c *models.ChatMemberUpdated) (string, *task) {
	if kindOf(c.Chat.Type) != chat.Group || present(c.OldChatMember) || !present(c.NewChatMember) {
		return "", nil
	}
	req := s.request(id, &models.Message{Chat: c.Chat, From: &c.From})
	req.Text, req.Addressed = "/start", true
	return laneOf(c.Chat.ID), s.claimable(id, func(ctx context.Context, t *task) {
		if reply := s.cfg.Bot.Handle(ctx, req); !reply.Silent() && s.ready(ctx, c.Chat.ID) && s.begin(ctx, t) {
			s.answer(ctx, t, outgoing{chat: c.Chat.ID}, reply)
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

// signal shows "sending a photo" while a picture is made, without waiting for it
// (https://core.telegram.org/bots/api#sendchataction). Channels do not have it.
func (s *session) signal(ctx context.Context, c models.Chat, thread int) func() {
	if kindOf(c.Type) == chat.Channel {
		return nil
	}
	return func() {
		s.aside.Go(func() {
			_ = s.limited(ctx, s.cfg.Timing.Call, func(ctx context.Context) error {
				_, err := s.api.SendChatAction(ctx, &bot.SendChatActionParams{
					ChatID: c.ID, MessageThreadID: thread, Action: models.ChatActionUploadPhoto,
				})
				return err
			})
		})
	}
}

func memberOf(u models.User) chat.Member {
	return chat.Member{Platform: chat.Telegram, ID: strconv.FormatInt(u.ID, 10)}
}
