package telegram

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/chat"
)

// session is one Run of an adapter.
type session struct {
	*Adapter
	me    identity
	lanes *lanes
	// aside are the short-lived goroutines for signs of life.
	aside sync.WaitGroup
	// stop ends the session; a cause that is chat.ErrRefused is Run's error.
	stop context.CancelCauseFunc
	up   atomic.Bool
}

// identity is what getMe tells (https://core.telegram.org/bots/api#getme).
type identity struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Inline   bool   `json:"supports_inline_queries"`
	Groups   bool   `json:"can_join_groups"`
}

// Run connects, answers until ctx ends and then lets replies in flight finish. It
// returns nil after ctx has ended, and an error with chat.ErrRefused when Telegram
// does not know the token.
func (a *Adapter) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &session{Adapter: a, lanes: newLanes(), stop: stop}
	err := s.serve(ctx)
	if cause := context.Cause(ctx); err == nil && errors.Is(cause, chat.ErrRefused) {
		err = cause
	}
	a.api.wire.client.CloseIdleConnections()
	if errors.Is(err, chat.ErrRefused) {
		a.cfg.State(false, "the token was refused; get a valid one from BotFather")
		return fmt.Errorf("telegram: token: %w", err)
	}
	if s.up.Load() {
		a.cfg.State(false, "stopped")
	}
	return err
}

// serve is a Run from the first call to the last goroutine.
func (s *session) serve(ctx context.Context) error {
	if err := s.identify(ctx); err != nil {
		return ended(ctx, err)
	}
	// Replies in flight outlive ctx, for at most Timing.Drain.
	work, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	var wg sync.WaitGroup
	wg.Go(func() { s.lanes.run(work) })
	wg.Go(func() { s.introduce(ctx) })
	s.restore(ctx)
	err := s.receive(ctx)
	s.stop(err)
	s.lanes.close()
	timer := time.AfterFunc(s.cfg.Timing.Drain, abort)
	defer timer.Stop()
	wg.Wait()
	s.aside.Wait()
	return ended(ctx, err)
}

// receive takes updates until ctx ends.
func (s *session) receive(ctx context.Context) error {
	s.current.Store(s)
	defer s.current.Store(nil)
	if s.cfg.Webhook != nil {
		return s.hook(ctx)
	}
	return s.poll(ctx)
}

// ended turns the end of ctx into nil, unless the token was refused.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, chat.ErrRefused) {
		return nil
	}
	return err
}

// identify asks who the bot is until Telegram answers.
func (s *session) identify(ctx context.Context) error {
	err := s.insist(ctx, func(ctx context.Context) error {
		err := s.api.call(ctx, "getMe", struct{}{}, &s.me)
		// An unknown token is "Not Found" where its shape is wrong for the server.
		if e, ok := errors.AsType[*apiError](err); ok && e.code == http.StatusNotFound {
			return fmt.Errorf("%w: %w", chat.ErrRefused, err)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.me.Username = strings.ToLower(s.me.Username)
	s.report(true, "")
	s.cfg.Log.Info("telegram connected", slog.String("bot", s.me.Username),
		slog.Bool("inline", s.me.Inline), slog.Bool("groups", s.me.Groups))
	return nil
}

// insist repeats a call until it succeeds, ctx ends or the token is refused.
func (s *session) insist(ctx context.Context, call func(context.Context) error) error {
	last := ""
	for n := 0; ; n++ {
		err := s.limited(ctx, s.api.limit, call)
		if err == nil || errors.Is(err, chat.ErrRefused) || ctx.Err() != nil {
			return err
		}
		s.report(false, plainReason(err))
		if err.Error() != last {
			s.cfg.Log.Warn("telegram call failed, retrying", slog.String("err", err.Error()))
			last = err.Error()
		}
		if err := rest(ctx, s.delay(err, n)); err != nil {
			return err
		}
	}
}

// delay is how long to wait after a failure that may pass.
func (s *session) delay(err error, n int) time.Duration {
	if e, ok := errors.AsType[*apiError](err); ok && e.class == rateLimited {
		s.cfg.Count("rate_limited")
		if e.retryAfter > 0 {
			return e.retryAfter
		}
	}
	return backoff(s.cfg.Timing.Retry, s.cfg.Timing.MaxRetry, n)
}

// report tells a change of state once.
func (s *session) report(up bool, reason string) {
	if s.up.Swap(up) != up || !up {
		s.cfg.State(up, reason)
	}
}

// guarded runs the answer to an update; a panic in it costs only this update.
func (s *session) guarded(answer func(context.Context, *task)) func(context.Context, *task) {
	return func(ctx context.Context, t *task) {
		defer s.over(ctx, t)
		defer func() {
			if p := recover(); p != nil {
				s.cfg.Count("panic")
				// The value may quote a message; its type and the stack do not.
				s.cfg.Log.Error("telegram update panicked",
					slog.String("kind", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
			}
		}()
		answer(ctx, t)
	}
}

// unanswered reports whether an update was not claimed yet.
func (s *session) unanswered(ctx context.Context, id string) bool {
	if s.cfg.Claims == nil {
		return true
	}
	known, err := s.cfg.Claims.Claimed(ctx, id)
	return s.claimed(!known, err)
}

// begin reports whether the answer to a task may be sent, and lets its update be
// confirmed: from here on it would not be answered again.
func (s *session) begin(ctx context.Context, t *task) bool {
	defer t.settle()
	t.begun.Store(true)
	if s.cfg.Claims == nil {
		return true
	}
	return s.claimed(s.cfg.Claims.Claim(ctx, t.id))
}

// failed counts and logs an answer that did not arrive.
func (s *session) failed(err error) {
	s.cfg.Count("reply_failed")
	s.cfg.Log.Warn("telegram reply failed", slog.String("err", err.Error()))
	if errors.Is(err, chat.ErrRefused) {
		s.stop(err)
	}
}
