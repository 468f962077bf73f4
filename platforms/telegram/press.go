package telegram

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"liqbot/chat"
)

// routePress answers a pressed button
// (https://core.telegram.org/bots/api#callbackquery).
func (s *session) routePress(q *models.CallbackQuery) (string, *task) {
	if q.ID == "" || q.Data == "" || len(q.Data) > chat.MaxPress {
		return "", nil
	}
	// The query's id, unlike the update's, is the same in every delivery for ever.
	id := "telegram:press:" + q.ID
	req, out := s.pressed(id, q)
	return laneOf(out.chat), s.claimable(id, func(ctx context.Context, t *task) {
		s.press(ctx, t, q, req, out)
	})
}

// pressed makes the request, and the address of an answer that replaces the
// message with the button.
func (s *session) pressed(id string, q *models.CallbackQuery) (chat.Request, outgoing) {
	var req chat.Request
	var out outgoing
	switch m := q.Message; {
	case m.Message != nil:
		// The message is the bot's own; the one who asks is the one who pressed.
		asked := *m.Message
		asked.From, asked.SenderChat = &q.From, nil
		req = s.request(id, &asked)
		out = outgoing{chat: asked.Chat.ID, thread: thread(&asked), message: asked.ID, overPhoto: len(asked.Photo) > 0}
	case m.InaccessibleMessage != nil:
		req = s.request(id, &models.Message{Chat: m.InaccessibleMessage.Chat, From: &q.From})
		out = outgoing{chat: m.InaccessibleMessage.Chat.ID}
	default:
		// A message sent by inline mode is in a chat that the bot does not see: the
		// settings of the one who pressed hold.
		req = s.request(id, &models.Message{Chat: models.Chat{ID: q.From.ID, Type: models.ChatTypePrivate}, From: &q.From})
		out = outgoing{chat: q.From.ID, inline: q.InlineMessageID}
	}
	if req.Kind == chat.Channel {
		// Readers can press too.
		req.IsAdmin = s.administers(out.chat, q.From.ID)
	}
	req.Press, req.Addressed, req.Member = q.Data, true, memberOf(q.From)
	return req, out
}

func (s *session) press(ctx context.Context, t *task, q *models.CallbackQuery, req chat.Request, out outgoing) {
	b := &toast{session: s, query: q.ID, done: make(chan struct{})}
	timer := time.AfterFunc(s.cfg.Timing.Toast, func() { b.start(ctx) })
	defer timer.Stop()
	// Also after a panic of the handler.
	defer b.start(ctx)
	var show func()
	if out.inline == "" && req.Kind != chat.Channel {
		show = s.signal(ctx, models.Chat{ID: out.chat}, out.thread)
	}
	req.Working = func() {
		b.start(ctx)
		if show != nil {
			show()
		}
	}
	reply := s.cfg.Bot.Handle(ctx, req)
	if reply.Private && b.alert(ctx, t, reply) {
		return
	}
	// The spinner ends before the edit begins, but a hanging answer must not hold
	// the edit up for long.
	b.start(ctx)
	b.wait(ctx, s.cfg.Timing.Toast)
	if !reply.Edit {
		out.message, out.inline = 0, ""
	}
	if reply.Silent() || !s.ready(ctx, out) || !s.begin(ctx, t) {
		return
	}
	s.answer(ctx, t, out, reply)
}

// toast answers a callback query, once
// (https://core.telegram.org/bots/api#answercallbackquery).
type toast struct {
	*session
	query string
	once  sync.Once
	done  chan struct{}
}

// start answers with nothing, beside, unless there was an answer.
func (b *toast) start(ctx context.Context) {
	b.once.Do(func() {
		b.aside.Go(func() {
			defer close(b.done)
			b.send(ctx, "")
		})
	})
}

// send answers with an alert, or with nothing. A query that is too old is one
// whose member has gone on: no harm.
func (b *toast) send(ctx context.Context, text string) {
	ask := func() error {
		return b.limited(ctx, b.cfg.Timing.Call, func(ctx context.Context) error {
			_, err := b.api.AnswerCallbackQuery(ctx, &bot.AnswerCallbackQueryParams{
				CallbackQueryID: b.query, Text: text, ShowAlert: text != "",
			})
			return err
		})
	}
	err := ask()
	if c := classOf(err); err != nil && (c == unsent || c == uncertain) {
		// Answering twice does no harm.
		err = ask()
	}
	switch {
	case text == "":
	case err != nil:
		b.failed(b.safe("answerCallbackQuery", err))
	default:
		b.cfg.Count("reply")
	}
}

// alert shows a private reply to the one who pressed, if it is short and nothing
// was answered yet.
func (b *toast) alert(ctx context.Context, t *task, r chat.Reply) bool {
	text := strings.TrimSpace(clean(r.Text).String())
	if text == "" || r.Picture != nil || chat.Units(text) > maxToast {
		return false
	}
	begun := false
	b.once.Do(func() {
		begun = true
		defer close(b.done)
		if b.begin(ctx, t) {
			b.send(ctx, text)
		}
	})
	return begun
}

func (b *toast) wait(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-b.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}
