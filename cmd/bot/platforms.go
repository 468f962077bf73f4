package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"

	"liqbot/chat"
	"liqbot/delivery"
	"liqbot/platforms/discord"
	"liqbot/platforms/telegram"
	"liqbot/platforms/webchat"
)

// platform is a place where people chat, and how to run it.
type platform struct {
	name chat.Platform
	// run blocks until the context ends or the platform fails; it may be called
	// again.
	run func(context.Context) error
	// vital platforms end the bot when they cannot start at all.
	vital bool
}

// newPlatforms makes the platforms that the configuration asks for. To add one,
// add its folder under platforms/ and its lines here.
func (a *app) newPlatforms(ctx context.Context) ([]platform, error) {
	c, mounts := a.cfg, a.mounts()
	var all []platform
	a.couriers = make(map[chat.Platform]*delivery.Courier)
	if c.telegram.token.Set() {
		t, err := telegram.New(a.telegramConfig())
		if err != nil {
			return nil, fmt.Errorf("%w: settings: %w", errUsage, err)
		}
		if h := t.WebhookHandler(); h != nil {
			mounts[webhookPath(c.telegram.webhook)] = h
		}
		a.couriers[chat.Telegram] = a.newCourier(chat.Telegram, t, int(max(c.telegram.rate, 4)))
		all = append(all, platform{name: chat.Telegram, run: t.Run})
	}
	if c.discord.token.Set() {
		d, err := discord.New(a.discordConfig())
		if err != nil {
			return nil, fmt.Errorf("%w: settings: %w", errUsage, err)
		}
		a.couriers[chat.Discord] = a.newCourier(chat.Discord, d, discordAtOnce)
		all = append(all, platform{name: chat.Discord, run: d.Run})
	}
	if c.web.addr != "" {
		key, err := a.store.WebKey(ctx)
		if err != nil {
			return nil, err
		}
		feed := webchat.NewFeed(key)
		a.couriers[chat.Web] = a.newCourier(chat.Web, feed, webAtOnce)
		web := platform{name: chat.Web, vital: len(all) == 0}
		web.run = func(ctx context.Context) error {
			server, err := webchat.New(webchat.Config{
				Addr: c.web.addr, Hosts: c.web.hosts, Bot: a.bot, Log: a.log, Mount: mounts, Demo: c.source == sourceDemo,
				Count: a.metrics.Count(chat.Web), State: a.state(chat.Web), Language: a.webLanguage,
				Feed: feed,
			})
			if err != nil {
				return err
			}
			if err := server.Listen(ctx); err != nil {
				return err
			}
			a.health.SetReady(true)
			a.announce(server.URL())
			return server.Run(ctx)
		}
		all = append(all, web)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: WEB_ADDR is off and there is neither TELEGRAM_TOKEN nor DISCORD_TOKEN: nobody could reach the bot", errUsage)
	}
	return all, nil
}

func (a *app) telegramConfig() telegram.Config {
	cfg := telegram.Config{
		Token: a.cfg.telegram.token, APIURL: a.cfg.telegram.url, Bot: a.bot, Claims: a.store, Inbox: a.store, Log: a.log,
		Count: a.metrics.Count(chat.Telegram), State: a.state(chat.Telegram), Rate: a.cfg.telegram.rate,
		PaidBroadcast: a.cfg.telegram.paid,
	}
	if a.cfg.telegram.webhook != "" {
		cfg.Webhook = &telegram.Webhook{URL: a.cfg.telegram.webhook, Secret: a.cfg.telegram.webhookSecret}
	}
	return cfg
}

func (a *app) discordConfig() discord.Config {
	return discord.Config{
		Token: a.cfg.discord.token, APIURL: a.cfg.discord.url, Bot: a.bot, Claims: a.store, Log: a.log,
		Count: a.metrics.Count(chat.Discord), State: a.state(chat.Discord),
	}
}

// How many alerts are on their way at once, about as many as are sent in a second.
const (
	discordAtOnce = 40
	webAtOnce     = 64
)

func (a *app) state(name chat.Platform) func(bool, string) {
	a.health.Set(string(name), false, starting)
	return func(up bool, reason string) { a.health.Set(string(name), up, reason) }
}

// webLanguage is what a web chat has chosen by /lang.
func (a *app) webLanguage(ctx context.Context, session string) string {
	chosen, err := a.store.Settings(ctx, chat.Target{Platform: chat.Web, Chat: session})
	if err != nil {
		return ""
	}
	return chosen.Language
}

// Waits before a platform that died is run again.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
	// refusedRetry is for a platform that refused the bot: only the host can help.
	refusedRetry = 10 * time.Minute
	// settled is how long a platform runs before its next failure counts as the
	// first again.
	settled = 5 * time.Minute
)

// supervise runs a platform until the context ends, again and again if it dies: it
// does not stop the others.
func (a *app) supervise(ctx context.Context, p platform) error {
	log := a.log.With(slog.String("platform", string(p.name)))
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = firstRetry, lastRetry
	last := ""
	for first := true; ; first = false {
		began := time.Now()
		err := contained(ctx, p.run)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the bot stops: how the platform ended does not matter
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		a.down(p.name)
		if first && p.vital {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if time.Since(began) > settled {
			waits.Reset()
		}
		pause := waits.NextBackOff()
		if errors.Is(err, chat.ErrRefused) {
			pause = refusedRetry
		}
		if text := err.Error(); text != last {
			log.Error("platform is down, will be run again", slog.Any("err", err), slog.Duration("retry_in", pause.Round(time.Second)))
			last = text
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// down records that a platform is down, unless it has said why itself.
func (a *app) down(name chat.Platform) {
	for _, part := range a.health.Parts() {
		if part.Name == string(name) && !part.Up && part.Reason != "" && part.Reason != starting {
			return
		}
	}
	a.health.Set(string(name), false, "will be run again")
}

// starting is the reason of a platform that is not up yet.
const starting = "starting"

// contained turns a panic into an error.
func contained(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return run(ctx)
}

func platformNames(all []platform) []string {
	var names []string
	for _, p := range all {
		names = append(names, string(p.name))
	}
	return names
}
