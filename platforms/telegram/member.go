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
