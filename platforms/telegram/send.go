package telegram

import (
	"context"
	"errors"
	"time"

	"liqbot/chat"
)

// outgoing is one message on its way.
type outgoing struct {
	chat    int64
	thread  int
	replyTo int
	// message or inline names the message to replace; none for a new one.
	message   int
	inline    string
	overPhoto bool // the message to replace is a photo

	text    chat.Text
	picture *chat.Picture
	buttons [][]chat.Button
	// plain leaves the styles out.
	plain bool
	// unasked is set for a post, wanted is chat.Post.Wanted.
	unasked bool
	wanted  func() bool
	// silent asks for no sound, paid for a place beyond the free limit.
	silent, paid bool
	// id is Telegram's id of the message once it is sent, 0 where it was not told.
	id int

	moved, reuploaded, repeated bool
	waited                      time.Duration
}

func (o *outgoing) editing() bool { return o.message != 0 || o.inline != "" }

func (o *outgoing) kind() kind {
	switch {
	case o.editing():
		return anEdit
	case o.unasked:
		return aPost
	default:
		return aReply
	}
}

// ready waits until an answer may be sent to its chat, and reports false when that
// is too far away. It is asked before an update is claimed: what waits is not lost
// in a crash.
func (s *session) ready(ctx context.Context, to outgoing) bool {
	if err := s.pacer.open(ctx, to.chat, to.kind(), s.cfg.Timing.Pause); err != nil {
		if _, held := errors.AsType[*heldError](err); held {
			s.cfg.Count("rate_limited")
		}
		s.failed(err)
		return false
	}
	return true
}

// answer sends a reply, in several messages where one is too short for it.
func (s *session) answer(ctx context.Context, t *task, to outgoing, r chat.Reply) {
	for i, part := range parts(to, r) {
		if i > 0 {
			part.chat = to.chat
		}
		if err := s.deliver(ctx, &part); err != nil {
			if c := classOf(err); ctx.Err() != nil && i == 0 && (c == rateLimited || c == unsent) {
				s.putBack(ctx, t)
			}
			s.failed(err)
			return
		}
		to.chat = part.chat
	}
	s.cfg.Count("reply")
}

// parts lays a reply out. A caption has less room than a message: what does not
// fit follows as text, and the buttons stay with the picture they change.
func parts(to outgoing, r chat.Reply) []outgoing {
	text, buttons := clean(r.Text), buttonsOf(r)
	first, next := to, outgoing{chat: to.chat, thread: to.thread, unasked: to.unasked, silent: to.silent, paid: to.paid}
	var out []outgoing
	if r.Picture != nil || to.editing() && to.overPhoto {
		first.picture, first.buttons = r.Picture, buttons
		first.text, text = cut(text, maxCaption)
		out = append(out, first)
	}
	for _, t := range split(text, maxText) {
		m := next
		if len(out) == 0 {
			m = first
		}
		m.text = t
		out = append(out, m)
	}
	if len(out) > 0 && out[0].picture == nil && !out[0].overPhoto {
		out[len(out)-1].buttons = buttons
	}
	return out
}
