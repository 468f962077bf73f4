package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/go-telegram/bot"

	"liqbot/chat"
)

// kinds are the updates that are asked for.
var kinds = []string{"message", "channel_post", "callback_query", "inline_query", "my_chat_member"}

// quick is how fast an empty answer is suspicious: a server that does not hold
// requests must not be asked in a loop.
const quick = 100 * time.Millisecond

// poller asks for updates (https://core.telegram.org/bots/api#getupdates).
type poller struct {
	*session
	offset   int64
	unhooked bool // the webhook was deleted once; a second one is somebody's will
	failures int
	last     string
}

func (s *session) poll(ctx context.Context) error {
	p := &poller{session: s}
	for ctx.Err() == nil {
		begun := time.Now()
		batch, err := p.fetch(ctx)
		if errors.Is(err, chat.ErrRefused) {
			return err
		}
		if err != nil {
			p.mend(ctx, err)
			continue
		}
		p.failures, p.last = 0, ""
		p.report(true, "")
		if len(batch) == 0 {
			if time.Since(begun) < quick {
				_ = rest(ctx, quick)
			}
			continue
		}
		if !p.handle(ctx, batch) {
			_ = rest(ctx, p.delay(nil, 0))
		}
	}
	return nil
}

// fetch returns the updates from offset on, undecoded: one that cannot be decoded
// must not block the others.
func (p *poller) fetch(ctx context.Context) ([]json.RawMessage, error) {
	wait := p.cfg.Timing.Poll
	params := struct {
		Offset  int64    `json:"offset,omitempty"`
		Timeout int      `json:"timeout"`
		Limit   int      `json:"limit"`
		Kinds   []string `json:"allowed_updates"`
	}{p.offset, int(wait.Seconds()), 100, kinds}
	var batch []json.RawMessage
	err := p.limited(ctx, wait+p.api.limit, func(ctx context.Context) error {
		return p.api.call(ctx, "getUpdates", params, &batch)
	})
	return batch, err
}

// mend waits after a failed poll, and clears the way if it can.
func (p *poller) mend(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	p.report(false, plainReason(err))
	kind := classOf(err)
	if kind == hooked && !p.unhooked && p.unhook(ctx) {
		return
	}
	p.tell(kind, err.Error())
	wait := p.delay(err, p.failures)
	if kind == conflict || kind == hooked {
		wait = backoff(2*p.cfg.Timing.Conflict, 6*p.cfg.Timing.Conflict, p.failures)
	}
	p.failures++
	_ = rest(ctx, wait)
}

// tell logs a failure, not each repetition of it.
func (p *poller) tell(kind class, failure string) {
	if failure == p.last {
		return
	}
	p.last = failure
	if kind == conflict || kind == hooked {
		p.cfg.Log.Error("telegram updates go to another bot instance; run only one with this token",
			slog.String("err", failure))
		return
	}
	p.cfg.Log.Warn("telegram polling failed, retrying", slog.String("err", failure))
}

// unhook removes a webhook that was left from another way of running.
func (p *poller) unhook(ctx context.Context) bool {
	err := p.limited(ctx, p.api.limit, func(ctx context.Context) error {
		_, err := p.api.DeleteWebhook(ctx, &bot.DeleteWebhookParams{})
		return err
	})
	if err != nil {
		return false
	}
	p.unhooked = true
	p.cfg.Log.Info("telegram webhook deleted, polling from now on")
	return true
}

// handle queues a batch and waits until it may be confirmed. It reports false
// when the batch has no update id, so that the next request would get it again.
func (p *poller) handle(ctx context.Context, batch []json.RawMessage) bool {
	before := p.offset
	var queued []*task
	for _, raw := range batch {
		t, id := p.accept(raw)
		p.offset = max(p.offset, id+1)
		if t != nil {
			queued = append(queued, t)
		}
	}
	p.settle(ctx, queued)
	return p.offset > before
}

// settle waits until each task is claimed or done, or for Timing.Settle: one slow
// chat must not hold up the rest. What is left then is kept, since Telegram will
// not deliver it again.
func (p *poller) settle(ctx context.Context, queued []*task) {
	timer := time.NewTimer(p.cfg.Timing.Settle)
	defer timer.Stop()
	for i, t := range queued {
		select {
		case <-t.settled:
		case <-timer.C:
			for _, left := range queued[i:] {
				if !left.begun.Load() && !left.done() {
					p.keep(ctx, left)
				}
			}
			return
		case <-ctx.Done():
			return
		}
	}
}
