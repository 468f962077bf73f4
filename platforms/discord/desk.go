package discord

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
	"liqbot/locales"
)

// maxAtOnce bounds the interactions that are answered at the same time; the
// others wait as long as Discord would.
const maxAtOnce = 256

// desk answers interactions. discordgo calls take in a goroutine of its own for
// each of them; the desk knows how many are under way and waits for them.
type desk struct {
	bot    chat.Bot
	claims chat.Claims
	log    *slog.Logger
	count  func(string)
	timing Timing
	mail   *courier
	room   chan struct{}
	// token and invalid are for the calls that need the bot token.
	token   string
	invalid *tally

	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup
}

func newDesk(a *Adapter, mail *courier) *desk {
	return &desk{
		bot: a.cfg.Bot, claims: a.cfg.Claims, log: a.cfg.Log, count: a.cfg.Count, timing: a.cfg.Timing, mail: mail,
		room: make(chan struct{}, maxAtOnce), token: a.token, invalid: a.invalid,
	}
}

// take answers one interaction; raw is how it came. ctx is the life of all
// answers under way.
func (d *desk) take(ctx context.Context, i *discordgo.Interaction, raw []byte) {
	if !d.enter() {
		return
	}
	defer d.busy.Done()
	defer d.recovered()
	d.count(EventInteraction)
	arrived := time.Now()
	if i == nil || i.ID == "" || i.Token == "" {
		d.count(EventMalformed)
		d.log.Warn("discord interaction cannot be read")
		return
	}
	deadline := time.NewTimer(d.timing.First)
	defer deadline.Stop()
	select {
	case d.room <- struct{}{}:
		defer func() { <-d.room }()
	case <-deadline.C:
		d.count(EventOverloaded)
		d.log.Warn("discord interaction dropped, too many at once")
		return
	case <-ctx.Done():
		return
	}
	d.dispatch(ctx, i, raw, arrived)
}

func (d *desk) dispatch(ctx context.Context, i *discordgo.Interaction, raw []byte, arrived time.Time) {
	switch i.Type {
	case discordgo.InteractionPing:
	case discordgo.InteractionApplicationCommandAutocomplete:
		d.complete(ctx, i)
	default:
		if d.fresh(ctx, i) {
			newAnswer(d, i, raw, arrived).give(ctx)
		}
	}
}

// enter counts an answer in, unless the desk is closed.
func (d *desk) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.busy.Add(1)
	return true
}

// drain closes the desk and waits for the answers under way. After the limit it
// cancels them and waits once more, shortly.
func (d *desk) drain(limit time.Duration, cancel context.CancelFunc) {
	defer cancel()
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.busy.Wait()
	}()
	for _, wait := range []time.Duration{limit, time.Second} {
		timer := time.NewTimer(wait)
		select {
		case <-done:
			timer.Stop()
			return
		case <-timer.C:
			cancel()
		}
	}
	d.log.Warn("discord answers were still under way at shutdown")
}

// recovered keeps a panic in one answer from ending the process.
func (d *desk) recovered() {
	if r := recover(); r != nil {
		d.count(EventPanic)
		d.log.Error("discord answer panicked", slog.String("stack", string(debug.Stack())))
	}
}

// fresh claims an interaction. When the claim cannot be stored the interaction is
// answered all the same: Discord itself refuses a second first answer.
func (d *desk) fresh(ctx context.Context, i *discordgo.Interaction) bool {
	ctx, cancel := context.WithTimeout(ctx, d.timing.First/3)
	defer cancel()
	first, err := d.claims.Claim(ctx, "discord:"+i.ID)
	if err != nil {
		d.log.Warn("discord interaction could not be claimed", slog.Any("err", err))
		return true
	}
	if !first {
		d.count(EventDuplicate)
	}
	return first
}

// complete answers an autocomplete. A late one is of no use, so it is not
// repeated.
func (d *desk) complete(ctx context.Context, i *discordgo.Interaction) {
	ctx, cancel := context.WithTimeout(ctx, d.timing.First)
	defer cancel()
	err := d.mail.once(ctx, callback(i, response{
		Type: discordgo.InteractionApplicationCommandAutocompleteResult,
		Data: choices{Choices: d.suggestions(i)},
	}, nil, 0))
	if err != nil && !settled(err) {
		d.failed("discord suggestions were not sent", err)
	}
}

// failed counts and logs what became of a send.
func (d *desk) failed(what string, err error) {
	switch codeOf(err) {
	case codeUnknownInteraction, codeInvalidToken:
		d.count(EventExpired)
	default:
		d.count(EventSendFailed)
	}
	d.log.Warn("discord send failed", slog.String("what", what), slog.Any("err", err))
}

// handle runs the handler in a goroutine that the desk waits for.
func (d *desk) handle(ctx context.Context, req chat.Request) <-chan chat.Reply {
	done := make(chan chat.Reply, 1)
	d.busy.Go(func() { // the caller is counted in, so the desk is not drained yet
		ctx, cancel := context.WithTimeout(ctx, d.timing.Handle)
		defer cancel()
		done <- d.handleSafely(ctx, req)
	})
	return done
}

func (d *desk) handleSafely(ctx context.Context, req chat.Request) (reply chat.Reply) {
	defer func() {
		if r := recover(); r != nil {
			d.count(EventPanic)
			d.log.Error("discord handler panicked", slog.String("stack", string(debug.Stack())))
			tag, _ := locales.Match(req.LanguageHint)
			language := locales.For(tag)
			reply = chat.Reply{Text: language.Text("error.broken"), Private: true, Language: language.Tag()}
		}
	}()
	return d.bot.Handle(ctx, req)
}
