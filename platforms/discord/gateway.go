package discord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"liqbot/chat"
)

// refusals are the close codes after which no retry helps, and why.
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
var refusals = map[int]string{
	4004: "the bot token is not valid",
	4010: "the shard number is not valid",
	4011: "the bot is in so many servers that it needs sharding",
	4012: "this version of the gateway is no longer served",
	4013: "the intents are not valid",
	4014: "the intents are not allowed for this bot",
}

// Errors with which a connection ends.
var (
	errNotReady   = errors.New("the gateway did not get ready in time")
	errStuck      = errors.New("the gateway handshake is stuck")
	errSilent     = errors.New("the gateway stopped answering heartbeats")
	errCutOff     = errors.New("the gateway connection was lost")
	errNoBudget   = errors.New("no session starts are left for now")
	errUnforeseen = errors.New("the gateway sent something that cannot be read")
)

// serve keeps a gateway connection until ctx ends or Discord refuses the bot. A
// session that was ready once is resumed after its connection ended.
func (r *run) serve(ctx context.Context) error {
	var l *line
	wait := backoff{low: r.timing.BackoffMin, high: r.timing.BackoffMax}
	for {
		began := time.Now()
		next, err := r.connect(ctx, l)
		l = next
		if ctx.Err() != nil {
			r.hangUp(l)
			r.state(false, "shutting down")
			return nil //nolint:nilerr // the end of ctx is the wish of the caller
		}
		if reason, refused := refusal(err); refused {
			r.hangUp(l)
			r.state(false, reason)
			return fmt.Errorf("%s: %w (%w)", reason, chat.ErrRefused, err)
		}
		r.lost(err)
		if l != nil && !l.resumable(err) {
			r.hangUp(l)
			l = nil
		}
		if time.Since(began) >= r.timing.Stable {
			wait.reset()
		}
		sleep(ctx, max(wait.next(), retryAfter(err)))
	}
}

// connect opens a connection, of a new session if l is nil, and stays with it
// until it ends. It returns the session and never a nil error.
func (r *run) connect(ctx context.Context, l *line) (*line, error) {
	if l == nil {
		var err error
		if l, err = r.newLine(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.open(ctx, r.timing.Open); err != nil {
		return l, err
	}
	return l, r.hold(ctx, l)
}

// newLine makes a session once Discord allows a session to be started: beyond
// a number of starts a day, it resets the bot's token.
// https://discord.com/developers/docs/topics/gateway#session-start-limit-object
func (r *run) newLine(ctx context.Context) (*line, error) {
	answer, err := r.rest.GatewayBot(discordgo.WithContext(ctx))
	if err != nil {
		return nil, restError("ask for the gateway", err)
	}
	limit := answer.SessionStartLimit
	if limit.Total > 0 && limit.Remaining <= 0 {
		after := time.Duration(limit.ResetAfter) * time.Millisecond
		return nil, &apiError{op: "start a session", retryAfter: after, err: errNoBudget}
	}
	return dialled(ctx, r)
}

// hold watches an open connection: it must get ready, and answer heartbeats.
func (r *run) hold(ctx context.Context, l *line) error {
	deadline := time.NewTimer(r.timing.Open)
	defer deadline.Stop()
	pulse := time.NewTicker(r.timing.Silence / 4)
	defer pulse.Stop()
	closed := l.closed()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-closed:
			return errCutOff
		case event := <-l.up:
			deadline.Stop()
			l.alive = true
			r.isUp(event)
		case <-deadline.C:
			l.cut()
			return errNotReady
		case <-pulse.C:
			if l.quiet(r.timing.Silence) {
				l.cut()
				return errSilent
			}
		}
	}
}

func (r *run) isUp(event string) {
	r.count(event)
	r.trouble = ""
	r.log.Info("discord gateway is up", slog.String("event", event))
	r.state(true, "")
}

// lost tells that the connection is gone. The same trouble over and over is
// worth one line in the log.
func (r *run) lost(err error) {
	r.count(EventDisconnected)
	if said := err.Error(); said != r.trouble {
		r.trouble = said
		r.log.Warn("discord gateway is down, will retry", slog.Any("err", err))
	}
	r.state(false, plainReason(err))
}

// hangUp ends a session for good, within a few seconds.
func (r *run) hangUp(l *line) {
	if l == nil || l.stuck {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.session.Close()
	}()
	limit := time.NewTimer(3 * time.Second)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		l.cut()
	}
}

// refusal tells, in words for the host, whether Discord refused the bot itself.
func refusal(err error) (string, bool) {
	if closing, ok := errors.AsType[*websocket.CloseError](err); ok {
		reason, fatal := refusals[closing.Code]
		return reason, fatal
	}
	if answer, ok := errors.AsType[*apiError](err); ok && answer.status == 401 {
		return refusals[4004], true
	}
	return "", false
}

// plainReason words an error for a health page.
func plainReason(err error) string {
	for _, known := range []error{errNotReady, errStuck, errSilent, errCutOff, errNoBudget, errUnforeseen} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if answer, ok := errors.AsType[*apiError](err); ok && answer.status > 0 {
		return fmt.Sprintf("Discord answered with HTTP status %d", answer.status)
	}
	if closing, ok := errors.AsType[*websocket.CloseError](err); ok {
		return fmt.Sprintf("Discord closed the connection with code %d", closing.Code)
	}
	return "Discord cannot be reached"
}

// backoff doubles a wait from low to high; each wait is half fixed, half random.
type backoff struct{ low, high, present time.Duration }

func (b *backoff) reset() { b.present = 0 }

func (b *backoff) next() time.Duration {
	b.present = min(b.high, max(b.low, 2*b.present))
	return b.present/2 + rand.N(b.present/2+1) //nolint:gosec // spreads retries, keeps no secret
}

// sleep waits for d or for ctx to end.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
