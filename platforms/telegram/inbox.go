package telegram

import (
	"context"
	"log/slog"
	"time"

	"liqbot/chat"
)

// Telegram forgets an update once a later one was asked for. What could not be
// answered until then, as in a chat that has to wait, is kept by Config.Inbox, so
// that a restart in between does not lose it.

// inboxLimit bounds a write that has to happen while everything stops.
const inboxLimit = 2 * time.Second

// keep makes an update safe that Telegram will not deliver again.
func (s *session) keep(ctx context.Context, t *task) {
	if s.cfg.Inbox == nil || !t.kept.CompareAndSwap(false, true) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), inboxLimit)
	defer cancel()
	if err := s.cfg.Inbox.Keep(ctx, chat.Event{ID: t.id, Body: t.raw}); err != nil {
		t.kept.Store(false)
		s.cfg.Log.Warn("telegram update not kept, a restart would lose it", slog.Any("err", err))
	}
}

// over ends a task. One that was stopped before its answer was tried is kept for
// the next start.
func (s *session) over(ctx context.Context, t *task) {
	if ctx.Err() != nil && !t.begun.Load() {
		s.keep(ctx, t)
		return
	}
	if t.kept.Load() {
		s.forget(ctx, t.id)
	}
}

func (s *session) forget(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), inboxLimit)
	defer cancel()
	if err := s.cfg.Inbox.Done(ctx, id); err != nil {
		s.cfg.Log.Warn("telegram update not forgotten", slog.Any("err", err))
	}
}

// putBack undoes the beginning of an answer that was certainly not sent.
func (s *session) putBack(ctx context.Context, t *task) {
	if s.cfg.Inbox == nil || s.cfg.Claims == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), inboxLimit)
	defer cancel()
	if err := s.cfg.Claims.Release(ctx, t.id); err != nil {
		s.cfg.Log.Warn("telegram claim not released", slog.Any("err", err))
		return
	}
	t.begun.Store(false)
}

// restore queues what was kept before this start.
func (s *session) restore(ctx context.Context) {
	if s.cfg.Inbox == nil {
		return
	}
	events, err := s.cfg.Inbox.Kept(ctx, chat.Telegram)
	if err != nil {
		s.cfg.Log.Warn("telegram updates that were kept cannot be read", slog.Any("err", err))
		return
	}
	for _, e := range events {
		if t, _ := s.acceptOr(e.Body, true, func() {}); t == nil {
			s.forget(ctx, e.ID)
		}
	}
}
