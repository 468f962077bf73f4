package telegram

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"liqbot/chat"
)

// maxAttempts bounds the calls for one message; each remedy is used once.
const maxAttempts = 8

// limited gives a call its own deadline.
func (a *Adapter) limited(ctx context.Context, d time.Duration, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return call(ctx)
}

// deliver sends one message and mends what can be mended.
func (a *Adapter) deliver(ctx context.Context, m *outgoing) error {
	var err error
	for n := range maxAttempts {
		if err = a.put(ctx, m); err == nil {
			return nil
		}
		e, ok := errors.AsType[*apiError](err)
		if !ok || ctx.Err() != nil || !a.remedy(ctx, m, e, n) {
			return err
		}
	}
	return err
}

// remedy changes the message so that it is worth another try, or waits. It
// reports false when there is none: what may have been sent is not sent again.
func (a *Adapter) remedy(ctx context.Context, m *outgoing, e *apiError, n int) bool {
	switch e.class {
	case rateLimited:
		return a.pause(m, e) && !m.unasked && a.pacer.open(ctx, m.chat, m.kind(), a.cfg.Timing.Pause) == nil
	case unsent:
		return !m.unasked && n < 3 && rest(ctx, backoff(a.cfg.Timing.Retry, a.cfg.Timing.MaxRetry, n)) == nil
	case uncertain:
		// The same edit twice is one edit.
		return m.editing() && once(&m.repeated) && rest(ctx, backoff(a.cfg.Timing.Retry, a.cfg.Timing.MaxRetry, n)) == nil
	case migrated:
		a.moved(ctx, m.chat, e.migrateTo)
		m.chat, m.replyTo = e.migrateTo, 0
		return once(&m.moved)
	case badFile:
		return m.picture != nil && once(&m.reuploaded)
	default:
		return a.reshape(m, e.class) || a.unpay(m, e)
	}
}

// unpay takes back the offer to pay for a post that is not taken for no other reason
// that is known, such as too few Stars: better late than not at all.
func (a *Adapter) unpay(m *outgoing, e *apiError) bool {
	if !m.paid || e.class != final || e.code != http.StatusBadRequest || e.fate != chat.Refused {
		return false
	}
	if a.unpaid.CompareAndSwap(false, true) {
		a.cfg.Log.Error("telegram did not take a post to be paid for, sent without paying")
	}
	m.paid = false
	return true
}

// reshape makes less of a message that is not taken as it is.
func (a *Adapter) reshape(m *outgoing, c class) bool {
	switch {
	case c == badMarkup && !m.plain:
		a.cfg.Log.Error("telegram did not take the formatting, sent plain text", slog.Bool("edit", m.editing()))
		m.plain = true
	case c == badButtons && m.buttons != nil:
		a.cfg.Log.Error("telegram did not take the buttons, sent without", slog.Int("rows", len(m.buttons)))
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

// pause keeps everybody from sending to the chat until Telegram allows it again. It
// reports false when a reply has waited for too long.
func (a *Adapter) pause(m *outgoing, e *apiError) bool {
	a.cfg.Count("rate_limited")
	e.wait = a.wait(e.retryAfter)
	e.all = a.pacer.refuse(m.chat, e.wait)
	m.waited += e.wait
	return m.waited <= a.cfg.Timing.Pause
}

// wait is how long Telegram asks to wait, or a guess where it does not tell.
func (a *Adapter) wait(told time.Duration) time.Duration {
	if told > 0 {
		return told
	}
	return backoff(2*a.cfg.Timing.Retry, a.cfg.Timing.MaxRetry, 1)
}

// once reports true the first time.
func once(done *bool) bool {
	before := *done
	*done = true
	return !before
}
