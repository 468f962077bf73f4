package telegram

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/go-telegram/bot/models"
)

// accept decodes an update and puts it in its lane. It returns the update's id
// and, when there is something to wait for, its task.
func (s *session) accept(raw []byte) (*task, int64) {
	return s.acceptOr(raw, false, func() {})
}

// acceptOr is accept for an update that may be kept already, and that tells when it
// was dropped for want of room.
func (s *session) acceptOr(raw []byte, kept bool, full func()) (*task, int64) {
	var head struct {
		ID int64 `json:"update_id"`
	}
	// The id is wanted even when the rest cannot be decoded.
	if err := json.Unmarshal(raw, &head); err != nil || head.ID <= 0 {
		s.cfg.Count("dropped_malformed")
		return nil, head.ID
	}
	var u models.Update
	if err := json.Unmarshal(raw, &u); err != nil {
		s.cfg.Count("dropped_malformed")
		return nil, head.ID
	}
	s.cfg.Count("update")
	lane, t := s.route(&u)
	if t == nil {
		s.cfg.Count("ignored")
		return nil, head.ID
	}
	t.raw = raw
	t.kept.Store(kept)
	if !s.lanes.add(lane, t) {
		s.cfg.Count("dropped_overload")
		full()
		return nil, head.ID
	}
	return t, head.ID
}

// route decides who answers an update, and in which lane; nil for nobody.
func (s *session) route(u *models.Update) (lane string, t *task) {
	id := "telegram:" + strconv.FormatInt(u.ID, 10)
	switch {
	case u.Message != nil:
		return s.routeMessage(id, u.Message)
	case u.ChannelPost != nil:
		return s.routeMessage(id, u.ChannelPost)
	case u.CallbackQuery != nil:
		return s.routePress(u.CallbackQuery)
	case u.InlineQuery != nil && u.InlineQuery.From != nil:
		q := u.InlineQuery
		// Not the lane of the private chat: typing must not wait for a slow reply.
		return "inline:" + strconv.FormatInt(q.From.ID, 10), s.task(id, func(ctx context.Context, _ *task) { s.complete(ctx, id, q) })
	case u.MyChatMember != nil:
		return s.routeMembership(id, u.MyChatMember)
	}
	return "", nil
}

// task makes a task that survives a panic.
func (s *session) task(id string, answer func(context.Context, *task)) *task {
	return newTask(id, s.guarded(answer))
}

// claimable makes a task of an update that begin claims. It is left out where that
// was done already: Telegram delivers again what was not confirmed, and what the
// handler changes must change only once.
func (s *session) claimable(id string, answer func(context.Context, *task)) *task {
	return s.task(id, func(ctx context.Context, t *task) {
		if s.unanswered(ctx, id) {
			answer(ctx, t)
		}
	})
}

func laneOf(chat int64) string { return strconv.FormatInt(chat, 10) }
