package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/delivery"
	"liqbot/handlers"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

// Figures of the watcher where none is set.
const (
	// restUsually is the least time between two alerts of one kind to everybody.
	restUsually = 4 * time.Hour
	// cooldownInDemo lets every breakout of the demo's short story be told.
	cooldownInDemo = 30 * time.Second
)

// pace scales a time of the market to the clock of a market that is played faster.
func (c *config) pace(d time.Duration) time.Duration {
	speed := 1.0
	switch c.source {
	case sourceDemo:
		speed = c.demoSpeed
	case sourceRecorded:
		speed = c.recorded.speed
	}
	return time.Duration(float64(d) / max(speed, 1))
}

// hold is how long a price has to stay beyond a level.
func (c *config) hold() time.Duration {
	if c.given["BREAKOUT_HOLD"] {
		return c.alerts.hold
	}
	return c.pace(watcher.UsualHold)
}

// cooldown is the least time between two breakouts of one side.
func (c *config) cooldown() time.Duration {
	switch {
	case c.given["BREAKOUT_COOLDOWN"]:
		return c.alerts.cooldown
	case c.source == sourceDemo:
		return c.pace(cooldownInDemo)
	default:
		return c.pace(watcher.UsualCooldown)
	}
}

// follow are the times after which it is told what became of a breakout. In the demo, whose
// story is short, hours are minutes.
func (c *config) follow() []time.Duration {
	unit := time.Hour
	if c.source == sourceDemo {
		unit = time.Minute
	}
	unit = max(time.Second, c.pace(unit))
	return []time.Duration{unit, 4 * unit, 24 * unit}
}

// notable says by which figures alerts are for everybody. In the demo all are.
func (c *config) notable() (share float64, rest time.Duration) {
	if c.source == sourceDemo {
		return -1, -1
	}
	return 0, c.pace(restUsually)
}

// restShown is the rest of notable, for texts.
func (c *config) restShown() time.Duration {
	if _, rest := c.notable(); rest > 0 {
		return rest
	}
	return c.cooldown()
}

// newWatcher makes the watcher, which wakes the couriers for what it finds.
func (a *app) newWatcher() *watcher.Watcher {
	share, rest := a.cfg.notable()
	return watcher.New(watcher.Options{
		Journal: a.store, Window: market.Week, NotableShare: share, Rest: rest,
		Hold: a.cfg.hold(), Cooldown: a.cfg.cooldown(), Hysteresis: a.cfg.alerts.hysteresis,
		StaleAfter: a.cfg.stale, TTL: a.cfg.alerts.ttl,
		Want:    func(key snapshot.Key) { a.cache.Want(key) },
		Follow:  a.cfg.follow(),
		Wake:    a.wakeCouriers,
		Observe: func(rule alert.Rule) { a.metrics.Alerted(string(rule)) },
		Log:     a.log,
	})
}

func (a *app) wakeCouriers() {
	for _, c := range a.couriers {
		c.Wake()
	}
}

// broadcastLasts is how long what an owner tells everybody is news.
const broadcastLasts = 12 * time.Hour

// broadcast queues what an owner tells everybody.
func (a *app) broadcast(ctx context.Context, id, words string) (int, error) {
	now := time.Now()
	n, err := a.store.Broadcast(ctx, alert.Alert{ID: id, Words: words, At: now, Expires: now.Add(broadcastLasts)})
	a.wakeCouriers()
	return n, err
}

// tidyEvery is the time between two tidyings of the data file.
const tidyEvery = time.Hour

// tidy forgets what only time ends, now and then, until the context ends.
func (a *app) tidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		if err := a.store.Tidy(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("data file not tidied", slog.Any("err", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// newCourier makes the courier that works off the alerts of a platform.
func (a *app) newCourier(p chat.Platform, sender delivery.Sender, parallel int) *delivery.Courier {
	return delivery.New(delivery.Options{
		Platform: p, Outbox: a.store, Sender: sender, Renderer: a.handlers, Parallel: parallel,
		Deduplicates: p == chat.Discord,
		Log:          a.log,
		Observe:      func(s alert.State) { a.metrics.Delivered(p, s.String()) },
	})
}

// serveOnly queues alerts for the platforms that have a courier only, and lets what is
// left for the others from an earlier configuration expire.
func (a *app) serveOnly(ctx context.Context) error {
	a.store.Serve(slices.Collect(maps.Keys(a.couriers))...)
	a.store.Notify(func(p chat.Platform) {
		if c := a.couriers[p]; c != nil {
			c.Wake()
		}
	})
	for _, p := range []chat.Platform{chat.Telegram, chat.Discord, chat.Web} {
		if a.couriers[p] != nil {
			continue
		}
		if _, err := a.store.Advance(ctx, p, nil, 0); err != nil {
			return err
		}
	}
	return nil
}

// warmPictures draws a picture of every kind once there is a map: the first one of a
// process takes ten times as long as the others, which must not hold up an alert.
func (a *app) warmPictures(ctx context.Context) error {
	s, err := a.cache.Wait(ctx, snapshot.Key{Coin: a.cfg.coins[0], Window: market.Week})
	if err != nil {
		return nil //nolint:nilerr // the cache logs it, and pictures are made when they are needed
	}
	for _, tag := range locales.Tags() {
		for _, shape := range []chat.Shape{chat.Portrait, chat.Wide} {
			if _, err := a.pictures.LiquidationMap(ctx, s, locales.For(tag), shape); err != nil {
				return nil //nolint:nilerr // the same goes for this
			}
		}
	}
	return nil
}

// heartbeat says in the health whether the watcher evaluates anything and whether
// alerts go out, until the context ends.
func (a *app) heartbeat(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		seen := a.watcher.Beat()
		if seen.IsZero() {
			seen = a.started
		}
		if time.Since(seen) > 2*a.cfg.stale {
			a.health.Set("watcher", false, "no fresh snapshot to evaluate")
		} else {
			a.health.Set("watcher", true, "")
		}
		a.couriersHealth()
		a.venuesHealth()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// couriersHealth says in the health which couriers rest, and why.
func (a *app) couriersHealth() {
	for name, c := range a.couriers {
		status := c.Status()
		a.health.Set("alerts ("+string(name)+")", status.Paused == "", status.Paused)
	}
}

// deliver runs a courier. One that ends with an error has lost nothing: what it has
// not recorded is taken up at the next start.
func (a *app) deliver(ctx context.Context, p chat.Platform, c *delivery.Courier) error {
	if err := c.Run(ctx); err != nil {
		a.log.Error("delivery ended", slog.String("platform", string(p)), slog.Any("err", err))
	}
	return nil
}

// reviving takes a chat that was given up back when somebody writes to the bot there.
func (a *app) reviving(next chat.Handler) chat.Handler {
	return func(ctx context.Context, r chat.Request) chat.Reply {
		if !r.Quick { // which may be written in another chat
			if err := a.store.Back(ctx, r.Target); err != nil {
				a.log.Error("chat not taken back", slog.String("platform", string(r.Target.Platform)), slog.Any("err", err))
			}
		}
		return next(ctx, r)
	}
}

// alertStatus is what /stats shows of alerts.
func (a *app) alertStatus(ctx context.Context, status *handlers.Status) {
	var err error
	if status.Census, err = a.store.Census(ctx); err != nil {
		a.log.Error("subscribers not counted", slog.Any("err", err))
	}
	if status.Totals, err = a.store.Totals(ctx); err != nil {
		a.log.Error("deliveries not counted", slog.Any("err", err))
	}
	for _, c := range a.couriers {
		status.Queued += c.Status().Left
	}
}
