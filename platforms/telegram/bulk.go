package telegram

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"liqbot/chat"
)

// errUnwanted says that chat.Post.Wanted said no.
var errUnwanted = errors.New("telegram: post is not wanted any more")

// Shape is that of pictures for Telegram: mostly read on phones.
func (a *Adapter) Shape(chat.Target) chat.Shape { return chat.Portrait }

// Send posts a message unasked, after waiting for Telegram's limits; replies go
// first. It needs no Run and is safe for concurrent use. What it has sent without
// learning the outcome it does not send again, as Telegram cannot tell that it has
// a message already: the caller decides. A post of several messages counts as
// posted once the first of them is, and the outcome names that one.
func (a *Adapter) Send(ctx context.Context, p chat.Post) chat.Outcome {
	to, ok := addressOf(p.To)
	if !ok {
		return chat.Outcome{Fate: chat.Refused, Reason: "not an address on Telegram"}
	}
	to.silent, to.paid, to.replyTo = p.Silent, a.cfg.PaidBroadcast, messageID(p.ReplyTo)
	messages := parts(to, p.Reply)
	if len(messages) == 0 {
		return chat.Outcome{Fate: chat.Refused, Reason: "nothing to say"}
	}
	messages[0].wanted = p.Wanted
	if err := a.deliver(ctx, &messages[0]); err != nil {
		a.stopIfRefused(err)
		return a.outcome(err)
	}
	for _, m := range messages[1:] {
		m.chat = messages[0].chat
		if err := a.deliver(ctx, &m); err != nil {
			a.stopIfRefused(err)
			a.cfg.Log.Warn("telegram post is not complete", slog.String("err", err.Error()))
			break
		}
	}
	out := chat.Outcome{Fate: chat.Posted}
	if id := messages[0].id; id > 0 {
		out.Message = strconv.Itoa(id)
	}
	return out
}

// messageID reads what an earlier Outcome.Message says, 0 for what it never says.
func messageID(s string) int {
	id, err := strconv.ParseInt(s, 10, 32)
	if err != nil || id < 0 {
		return 0
	}
	return int(id)
}

// addressOf reads a target that this package has made.
func addressOf(t chat.Target) (outgoing, bool) {
	to := outgoing{unasked: true}
	var err error
	if to.chat, err = strconv.ParseInt(t.Chat, 10, 64); err != nil || to.chat == 0 || t.Platform != chat.Telegram {
		return outgoing{}, false
	}
	if t.Thread == "" {
		return to, true
	}
	to.thread, err = strconv.Atoi(t.Thread)
	return to, err == nil && to.thread > 0
}

// stopIfRefused ends a Run that has not noticed yet that the token is not valid.
func (a *Adapter) stopIfRefused(err error) {
	if s := a.current.Load(); s != nil && errors.Is(err, chat.ErrRefused) {
		s.stop(err)
	}
}

// outcome is what became of a post that failed.
func (a *Adapter) outcome(err error) chat.Outcome {
	if errors.Is(err, errUnwanted) {
		return chat.Outcome{Fate: chat.Dropped}
	}
	if e, held := errors.AsType[*heldError](err); held {
		if e.all {
			return chat.Outcome{Fate: chat.Down, Wait: e.wait, Reason: "posts are paused by a rate limit"}
		}
		return chat.Outcome{Fate: chat.Later, Wait: e.wait, Reason: "chat is paused by a rate limit"}
	}
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		// The library could not build the request.
		return chat.Outcome{Fate: chat.Refused, Reason: "message could not be built"}
	}
	a.cfg.Log.Debug("telegram post failed", slog.String("err", e.Error()))
	return e.outcome(a.pacer.rested)
}

// outcome is what the failure means for a post; rested tells for how long all posts
// are paused.
func (e *apiError) outcome(rested func() time.Duration) chat.Outcome {
	switch e.class {
	case unsent:
		return chat.Outcome{Fate: chat.Down, Reason: plainReason(e)}
	case uncertain:
		if e.code == 0 {
			return chat.Outcome{Fate: chat.Unclear, Reason: "Telegram gave no answer"}
		}
		return chat.Outcome{Fate: chat.Unclear, Reason: plainReason(e)}
	case refused:
		return chat.Outcome{Fate: chat.Down, Reason: e.reason}
	case rateLimited:
		if e.all {
			return chat.Outcome{Fate: chat.Down, Wait: rested(), Reason: e.reason}
		}
		return chat.Outcome{Fate: chat.Later, Wait: e.wait, Reason: e.reason}
	default:
		return chat.Outcome{Fate: e.fate, Reason: e.reason}
	}
}
