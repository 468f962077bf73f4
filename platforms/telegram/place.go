package telegram

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-telegram/bot/models"

	"liqbot/chat"
)

var (
	// usernameShape is that of a public channel's name, shortest ones were auctioned
	// (https://core.telegram.org/method/channels.checkUsername).
	usernameShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{3,31}$`)
	// channelIDShape is the id of a channel or supergroup as the Bot API shows it.
	channelIDShape = regexp.MustCompile(`^-100[0-9]{1,13}$`)
	linkShape      = regexp.MustCompile(`^(?i:(?:https?://)?(?:www\.)?(?:t|telegram)\.me/)([^/?#]+)/?$`)
)

// placeName returns what the Bot API takes as chat_id for a chat that a member has
// named: "@name", a link to it or an id. It returns nil for anything else, as for a
// link that invites.
func placeName(typed string) any {
	typed = strings.TrimSpace(typed)
	name, at := strings.CutPrefix(typed, "@")
	if link := linkShape.FindStringSubmatch(typed); link != nil {
		name, at = link[1], true
	}
	switch {
	case at && usernameShape.MatchString(name):
		return "@" + name
	case channelIDShape.MatchString(typed):
		if id, err := strconv.ParseInt(typed, 10, 64); err == nil {
			return id
		}
	}
	return nil
}

// standing is a member of a chat (https://core.telegram.org/bots/api#chatmember).
type standing struct {
	Status   models.ChatMemberType `json:"status"`
	IsMember bool                  `json:"is_member"`
	CanSend  bool                  `json:"can_send_messages"`
	CanPost  bool                  `json:"can_post_messages"`
}

func (m standing) administers() bool {
	return m.Status == models.ChatMemberTypeOwner || m.Status == models.ChatMemberTypeAdministrator
}

func (m standing) present() bool {
	return m.administers() || m.Status == models.ChatMemberTypeMember || m.Status == models.ChatMemberTypeRestricted && m.IsMember
}

// posts reports whether the bot with this standing may post there.
func (m standing) posts(k chat.Kind) bool {
	switch {
	case m.Status == models.ChatMemberTypeOwner:
		return true
	case k == chat.Channel:
		return m.Status == models.ChatMemberTypeAdministrator && m.CanPost
	case m.Status == models.ChatMemberTypeRestricted:
		return m.IsMember && m.CanSend
	default:
		return m.present()
	}
}

// finder is chat.Request.Place for a member; 0 is one whom Telegram does not name.
func (s *session) finder(member int64) func(context.Context, string) (chat.Place, error) {
	return func(ctx context.Context, typed string) (chat.Place, error) {
		name := placeName(typed)
		if name == nil {
			return chat.Place{}, fmt.Errorf("telegram: find chat: %w", chat.ErrNoPlace)
		}
		return s.find(ctx, name, member)
	}
}

// find asks Telegram afresh what the bot and the member may do in a chat.
func (s *session) find(ctx context.Context, name any, member int64) (chat.Place, error) {
	var found struct {
		ID   int64           `json:"id"`
		Type models.ChatType `json:"type"`
	}
	if err := s.ask(ctx, "getChat", map[string]any{"chat_id": name}, &found); err != nil {
		return chat.Place{}, unseen(err)
	}
	if found.Type != models.ChatTypeChannel && found.Type != models.ChatTypeSupergroup {
		return chat.Place{}, fmt.Errorf("telegram: find chat: %w", chat.ErrNoPlace)
	}
	self, err := s.standing(ctx, found.ID, s.me.ID)
	if err != nil {
		return chat.Place{}, unseen(err)
	}
	if !self.present() {
		return chat.Place{}, fmt.Errorf("telegram: find chat: the bot is not in it: %w", chat.ErrNoPlace)
	}
	place := chat.Place{Target: target(found.ID, 0), Kind: kindOf(found.Type)}
	place.CanPost = self.posts(place.Kind)
	if member == 0 {
		return place, nil
	}
	asking, err := s.standing(ctx, found.ID, member)
	// A member whom Telegram does not know there, or does not show to a bot without
	// rights, is refused like one who is no administrator.
	if err != nil && !denied(err) {
		return chat.Place{}, err
	}
	place.Admin = err == nil && asking.administers()
	return place, nil
}

func (s *session) standing(ctx context.Context, chatID, user int64) (standing, error) {
	var m standing
	err := s.ask(ctx, "getChatMember", map[string]any{"chat_id": chatID, "user_id": user}, &m)
	return m, err
}

// ask is a call with its own time limit.
func (s *session) ask(ctx context.Context, method string, params, result any) error {
	return s.limited(ctx, s.api.limit, func(ctx context.Context) error {
		return s.api.call(ctx, method, params, result)
	})
}

// denied reports whether Telegram has answered that it will not tell.
func denied(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && e.class == final && (e.code == http.StatusBadRequest || e.code == http.StatusForbidden)
}

// unseen is chat.ErrNoPlace where Telegram has answered that there is no such chat
// for the bot.
func unseen(err error) error {
	if denied(err) {
		return fmt.Errorf("telegram: find chat: %w: %w", chat.ErrNoPlace, err)
	}
	return err
}
