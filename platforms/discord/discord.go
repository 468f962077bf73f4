// Package discord lets people use the bot on Discord: slash commands and
// buttons come in over the gateway, answers go out over REST. It turns
// interactions into chat.Request and chat.Reply into messages, and decides
// nothing else: no command logic, no sentence of its own but two from locales.
//
// An interaction is answered like this. The handler starts at once. If its
// reply is there within Timing.Patience, or Timing.Grace for a press, and is private,
// has no picture or asks for values in a form, it is the first answer. Everything else
// is acknowledged first and then edited in: commands show "thinking", buttons nothing,
// and a form is too late. Whether a message is private is
// fixed by the first answer, so a private reply that comes too late replaces
// the public placeholder by a private follow-up.
//
// What nobody has asked for at that moment goes out through Adapter.Send, by the
// bot token and within Discord's limits. It shares no connection and no wait with
// the answers to interactions.
//
// Adapter.Run owns every goroutine. It leaves none behind, with one exception
// that lies in discordgo: when the gateway asks for a reconnect in the middle of
// a handshake, the library waits for its own lock for ever. Such a session is
// given up after Timing.Open, with the one goroutine that waits in it.
package discord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"liqbot/chat"
	"liqbot/secret"
)

// DefaultURL is where Discord lives.
const DefaultURL = "https://discord.com"

// Config is what New needs. Token, Bot.Handle and Claims are required.
type Config struct {
	// Token is the bot token from the developer portal, with or without "Bot ".
	Token secret.Secret
	// APIURL is the base under which /api/vN lives; empty for DefaultURL. The
	// gateway's address is asked there.
	APIURL string
	Bot    chat.Bot
	// Claims remembers the interactions that were answered.
	Claims chat.Claims
	Log    *slog.Logger
	// Count is told of every Event by name; nil is allowed.
	Count func(event string)
	// State is told when the gateway comes up and, with a reason in plain words,
	// when it goes down. It must return at once; nil is allowed.
	State func(up bool, reason string)
	// Timing may be zero: every zero field has a default.
	Timing Timing
}

// Timing holds the waits. Zero fields take the defaults named here.
type Timing struct {
	// Call bounds one HTTP request (10 s).
	Call time.Duration
	// First bounds the first answer with all its retries (2.7 s): Discord
	// forgets the interaction after 3 s.
	First time.Duration
	// Patience is how long a handler may take before its answer is deferred
	// (500 ms).
	Patience time.Duration
	// Grace is how long after a press its answer is deferred at the earliest: nobody
	// sees that it is not, and a form cannot come after (1.5 s).
	Grace time.Duration
	// Handle bounds a handler (60 s), Finish the delivery of its reply (2 min).
	Handle, Finish time.Duration
	// Open bounds a gateway handshake (60 s).
	Open time.Duration
	// Silence is how long the gateway may leave heartbeats unanswered (90 s).
	Silence time.Duration
	// BackoffMin and BackoffMax bound the wait before the next try (1 s, 2 min).
	BackoffMin, BackoffMax time.Duration
	// Stable is how long a connection must have held for the wait to begin anew
	// at BackoffMin (1 min).
	Stable time.Duration
	// Drain bounds how long a shutdown waits for answers under way (5 s).
	Drain time.Duration
}

// The events that Config.Count hears of.
const (
	EventInteraction  = "interaction"
	EventDuplicate    = "duplicate"
	EventMalformed    = "malformed"
	EventOverloaded   = "overloaded"
	EventExpired      = "interaction_expired"
	EventAnswered     = "already_answered"
	EventRateLimited  = "rate_limited"
	EventRetry        = "retry"
	EventSendFailed   = "send_failed"
	EventDowngraded   = "sent_without_picture"
	EventPanic        = "panic"
	EventIdentified   = "gateway_identified"
	EventResumed      = "gateway_resumed"
	EventDisconnected = "gateway_disconnected"
	EventCommands     = "commands_written"
	EventPosted       = "posted"
)

// Adapter joins a chat.Bot to Discord.
type Adapter struct {
	cfg    Config
	token  string
	base   *url.URL
	sender *sender
	// invalid is shared by all that talks to Discord: it counts by address.
	invalid *tally
}

// New checks the configuration and starts nothing. Its errors never hold the
// token.
func New(cfg Config) (*Adapter, error) {
	token, err := cleanToken(cfg.Token)
	if err != nil {
		return nil, err
	}
	if cfg.APIURL == "" {
		cfg.APIURL = DefaultURL
	}
	base, err := parseBase(cfg.APIURL)
	if err != nil {
		return nil, err
	}
	if cfg.Bot.Handle == nil || cfg.Claims == nil {
		return nil, errors.New("discord: a handler and claims are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Count == nil {
		cfg.Count = func(string) {}
	}
	if cfg.State == nil {
		cfg.State = func(bool, string) {}
	}
	cfg.Timing = cfg.Timing.withDefaults()
	a := &Adapter{cfg: cfg, token: token, base: base, invalid: new(tally)}
	a.sender = &sender{token: token, client: a.newClient(), pace: newPace(a.invalid), log: cfg.Log, count: cfg.Count}
	return a, nil
}

func cleanToken(s secret.Secret) (string, error) {
	token := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s.Reveal())+" ", "Bot "))
	if token == "" {
		return "", errors.New("discord: the token is empty")
	}
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return "", errors.New("discord: the token has a space or a character that no token has")
		}
	}
	return token, nil
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("discord: the API address is not a URL")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("discord: API address %q: want http(s)://host[:port]", u.Redacted())
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

func (t Timing) withDefaults() Timing {
	set := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	set(&t.Call, 10*time.Second)
	set(&t.First, 2700*time.Millisecond)
	set(&t.Patience, 500*time.Millisecond)
	set(&t.Grace, 1500*time.Millisecond)
	set(&t.Handle, time.Minute)
	set(&t.Finish, 2*time.Minute)
	set(&t.Open, time.Minute)
	set(&t.Silence, 90*time.Second)
	set(&t.BackoffMin, time.Second)
	set(&t.BackoffMax, 2*time.Minute)
	set(&t.Stable, time.Minute)
	set(&t.Drain, 5*time.Second)
	return t
}

// Run serves Discord until ctx ends, which is no error. It may be called again
// once it has returned, but not twice at once. The error wraps chat.ErrRefused
// when Discord does not want the bot as it is configured: a wrong token or
// intents.
func (a *Adapter) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r, err := newRun(work, a)
	if err != nil {
		return fmt.Errorf("discord: %w", err)
	}
	defer r.client.CloseIdleConnections()
	defer a.sender.client.CloseIdleConnections()
	syncing := make(chan struct{})
	syncCtx, stopSync := context.WithCancel(ctx)
	go func() {
		defer close(syncing)
		r.syncCommands(syncCtx)
	}()
	err = r.serve(ctx)
	stopSync()
	<-syncing
	r.desk.drain(a.cfg.Timing.Drain, cancel)
	if err != nil {
		return fmt.Errorf("discord: %w", err)
	}
	return nil
}
