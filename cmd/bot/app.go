package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"liqbot/accuracy"
	"liqbot/charts"
	"liqbot/chat"
	"liqbot/delivery"
	"liqbot/handlers"
	"liqbot/snapshot"
	"liqbot/storage"
	"liqbot/telemetry"
	"liqbot/watcher"
)

// drainLimit is how long the bot takes to stop: containers are killed after 10 s.
const drainLimit = 9 * time.Second

// app is the running bot: every part, joined.
type app struct {
	cfg      *config
	log      *slog.Logger
	started  time.Time
	health   *telemetry.Health
	metrics  *telemetry.Metrics
	source   snapshot.Source
	store    *storage.Store
	cache    *snapshot.Cache
	bot      chat.Bot
	handlers *handlers.Handlers
	pictures *charts.Charts
	watcher  *watcher.Watcher
	// checker and agreements are nil when the source is not checked.
	checker    *accuracy.Checker
	agreements *accuracy.Agreements
	couriers   map[chat.Platform]*delivery.Courier
	platforms  []platform
	// announce is told the address of the web chat once it serves.
	announce func(url string)
}

// newApp makes all parts and starts none. close releases what it holds.
func (sh *shell) newApp(ctx context.Context, c *config, announce func(url string)) (*app, error) {
	a := &app{cfg: c, started: time.Now(), health: telemetry.NewHealth(), announce: announce}
	a.log = telemetry.NewLogger(sh.err, c.logLevel, c.allSecrets...)
	var err error
	if a.source, err = newSource(ctx, c, whileServing, a.log); err != nil {
		return nil, err
	}
	if a.store, err = sh.openStore(ctx, c.dataDir); err != nil {
		return nil, errors.Join(err, a.close())
	}
	if a.pictures, err = charts.New(); err != nil {
		return nil, errors.Join(err, a.close())
	}
	a.cache = newCache(c, a.source, a.log,
		func(err error) { a.metrics.Fetched(a.source.Name(), err) },
		a.publish)
	options := handlerOptions(c, a.cache, a.pictures, a.log)
	options.Settings, options.Alerts, options.Status = a.store, a.store, a.status
	options.Past, options.Keeper, options.Broadcast = a.store, a.store, a.broadcast
	options.All = a.everyCoin(ctx)
	a.checkEstimates(&options)
	h := handlers.New(options)
	a.handlers, a.bot = h, h.Bot()
	a.bot.Moved, a.bot.Left, a.bot.Back = a.store.Move, a.store.Left, a.store.Back
	a.watcher = a.newWatcher()
	var names []string
	for _, cmd := range a.bot.Commands {
		names = append(names, cmd.Name)
	}
	a.metrics = telemetry.NewMetrics(version(), names...)
	a.pictures.OnRender(a.metrics.Rendered)
	a.metrics.ObserveHealth(a.health)
	a.metrics.ObserveSnapshots(a.cache.All)
	a.observeVenues()
	a.bot.Handle = newFloodgate().guard(a.metrics.Handle(a.reviving(h.Handle)))
	if a.platforms, err = a.newPlatforms(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	if err := a.serveOnly(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *app) close() error {
	var errs []error
	if closer, ok := a.source.(io.Closer); ok {
		errs = append(errs, closer.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// run runs all parts until the context ends and stops within drainLimit.
func (a *app) run(ctx context.Context) error {
	a.log.Info("starting", slog.String("version", version()), slog.String("source", a.source.Name()),
		slog.String("data", a.store.Path()), slog.Any("platforms", platformNames(a.platforms)))
	var market *storage.Market
	if m, ok := a.source.(*marketSource); ok {
		market = m.file
	}
	control, err := newControl(ctx, a.cfg.dataDir, a.store, market)
	if err != nil {
		return err
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return a.cache.Run(running) })
	if r, ok := a.source.(runner); ok {
		group.Go(func() error { return r.Run(running) })
	}
	group.Go(func() error { return a.control(running, control) })
	group.Go(func() error { return a.guardStore(running) })
	group.Go(func() error { return a.watcher.Run(running) })
	if a.checker != nil {
		group.Go(func() error { return a.checker.Run(running) })
	}
	group.Go(func() error { return a.heartbeat(running) })
	group.Go(func() error { return a.tidy(running) })
	group.Go(func() error { return a.warmPictures(running) })
	for name, courier := range a.couriers {
		group.Go(func() error { return a.deliver(running, name, courier) })
	}
	for _, p := range a.platforms {
		group.Go(func() error { return a.supervise(running, p) })
	}
	ended := make(chan error, 1)
	go func() { ended <- group.Wait() }()
	select {
	case err = <-ended:
		return err
	case <-running.Done():
	}
	a.health.SetReady(false)
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	select {
	case err = <-ended:
		a.log.Info("stopped")
		return err
	case <-limit.C:
		return fmt.Errorf("some parts did not stop within %v", drainLimit)
	}
}

// control keeps the door for commands such as backup open. The bot serves without
// it.
func (a *app) control(ctx context.Context, c *control) error {
	if err := c.run(ctx); err != nil {
		a.log.Error("backups of the running bot do not work", slog.Any("err", err))
	}
	return nil
}

// guardStore ends the bot when the disk fails under its data: a restart reads anew what
// is there.
func (a *app) guardStore(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.store.Broken():
		return storage.ErrBroken
	}
}

// mounts are the handlers that share the web chat's server.
func (a *app) mounts() map[string]http.Handler {
	return map[string]http.Handler{
		"/healthz": a.health.Healthz(),
		"/readyz":  a.health.Readyz(),
		"/metrics": a.metrics.Handler(),
	}
}

// status is what /stats shows.
func (a *app) status(ctx context.Context) handlers.Status {
	status := handlers.Status{Version: version(), Started: a.started, Snapshots: len(a.cache.All())}
	chats, err := a.store.Chats()
	if err != nil {
		a.log.Error("chats not counted", slog.Any("err", err))
	}
	status.Chats = chats
	a.alertStatus(ctx, &status)
	for _, p := range a.health.Parts() {
		status.Platforms = append(status.Platforms, handlers.PlatformStatus{Name: p.Name, Up: p.Up, Detail: p.Reason})
	}
	return status
}

// webhookPath is the path at which Telegram's webhook is served.
func webhookPath(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}
