package telegram

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"liqbot/chat"
)

// maxAttempts bounds the calls for one message; each remedy is used once.
const maxAttempts = 8

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

	moved, reuploaded, repeated bool
	waited                      time.Duration
}

func (o *outgoing) editing() bool { return o.message != 0 || o.inline != "" }

// ready waits for the end of a chat's pause, and reports false when that is too
// far away.
func (s *session) ready(ctx context.Context, chatID int64) bool {
	if err := s.pauses.wait(ctx, chatID, s.cfg.Timing.Pause); err != nil {
		if errors.Is(err, errPaused) {
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
	text := clean(r.Text)
	first, next := to, outgoing{chat: to.chat, thread: to.thread}
	var out []outgoing
	if r.Picture != nil || to.editing() && to.overPhoto {
		first.picture, first.buttons = r.Picture, r.Buttons
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
		out[len(out)-1].buttons = r.Buttons
	}
	return out
}

// deliver sends one message and mends what can be mended.
func (s *session) deliver(ctx context.Context, m *outgoing) error {
	var err error
	for n := range maxAttempts {
		if err = s.post(ctx, m); err == nil {
			return nil
		}
		e, ok := errors.AsType[*apiError](err)
		if !ok || ctx.Err() != nil || !s.remedy(ctx, m, e, n) {
			return err
		}
	}
	return err
}

// remedy changes the message so that it is worth another try, or waits. It
// reports false when there is none: what may have been sent is not sent again.
func (s *session) remedy(ctx context.Context, m *outgoing, e *apiError, n int) bool {
	switch e.class {
	case rateLimited:
		return s.pause(ctx, m, e.retryAfter)
	case unsent:
		return n < 3 && rest(ctx, backoff(s.cfg.Timing.Retry, s.cfg.Timing.MaxRetry, n)) == nil
	case uncertain:
		// The same edit twice is one edit.
		return m.editing() && once(&m.repeated) && rest(ctx, backoff(s.cfg.Timing.Retry, s.cfg.Timing.MaxRetry, n)) == nil
	case migrated:
		s.moved(ctx, m.chat, e.migrateTo)
		m.chat, m.replyTo = e.migrateTo, 0
		return once(&m.moved)
	case badFile:
		return m.picture != nil && once(&m.reuploaded)
	default:
		return s.reshape(m, e.class)
	}
}

// reshape makes less of a message that is not taken as it is.
func (s *session) reshape(m *outgoing, c class) bool {
	switch {
	case c == badMarkup && !m.plain:
		s.cfg.Log.Error("telegram did not take the formatting, sent plain text", slog.Bool("edit", m.editing()))
		m.plain = true
	case c == badButtons && m.buttons != nil:
		s.cfg.Log.Error("telegram did not take the buttons, sent without", slog.Int("rows", len(m.buttons)))
		m.buttons = nil
	case c == noPhoto && m.picture != nil && !blank(m.text):
		m.picture = nil
	case c == noText && m.editing() && !m.overPhoto && m.picture == nil:
		m.text, _ = cut(m.text, maxCaption)
		m.overPhoto = true
	case c == noCaption && m.overPhoto && m.picture == nil:
		m.overPhoto = false
	case c == gone && m.message != 0:
		m.message, m.overPhoto = 0, false
	default:
		return false
	}
	return true
}

// pause keeps everybody from sending to the chat until Telegram allows it again.
func (s *session) pause(ctx context.Context, m *outgoing, d time.Duration) bool {
	s.cfg.Count("rate_limited")
	if d <= 0 {
		d = backoff(2*s.cfg.Timing.Retry, s.cfg.Timing.MaxRetry, 1)
	}
	s.pauses.set(m.chat, d)
	if m.waited += d; m.waited > s.cfg.Timing.Pause {
		return false
	}
	return s.pauses.wait(ctx, m.chat, s.cfg.Timing.Pause) == nil
}

// once reports true the first time.
func once(done *bool) bool {
	before := *done
	*done = true
	return !before
}
