// Package stream keeps a WebSocket to a venue alive: it connects, subscribes, reads, and
// begins anew when the connection ends, when it grows old, and when it goes on without
// bringing data. It knows no venue.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/feeds"

	"github.com/cenkalti/backoff/v5"
	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// Config says how a stream behaves. URL, Subscribe and Handle are needed.
type Config struct {
	// Name tells the stream from others of the same venue in logs: "market".
	Name string
	// URL is asked for before each connection, so that it may change. Only ws and wss.
	URL func() string
	// Header is sent with the handshake.
	Header http.Header
	// Client makes the handshake; http.DefaultClient if nil.
	Client *http.Client
	// Subscribe is called on each new connection, before anything is read, to send what
	// subscribes. It may keep conn for later writes, until the connection's context ends.
	Subscribe func(ctx context.Context, conn *Conn) error
	// Handle is given each message and reports whether it was market data: only that
	// proves that the stream lives. It must return soon. Frame is only valid during the
	// call.
	Handle func(frame []byte) (data bool)
	// Ping, if not nil, makes the message that is sent every PingEvery.
	Ping      func() []byte
	PingEvery time.Duration
	// SendRate is how many messages may be sent in a second, after a burst of eight; the
	// fewest that any venue allows, 4, if 0.
	SendRate float64
	// Silence is how long no data may come before the stream connects anew; a minute if 0.
	Silence time.Duration
	// MaxAge is the age at which a connection is replaced; 23 hours if 0.
	MaxAge time.Duration
	// ReadLimit bounds a message after inflation, bytes; 4 MB if 0.
	ReadLimit int64
	// MinBackoff and MaxBackoff bound the wait before a new attempt; 500 ms and a minute
	// if 0. The wait shrinks to the least only after Healthy (30 s if 0) of good data.
	MinBackoff, MaxBackoff, Healthy time.Duration
	// Connected is told of each connection (nil) and each loss; nil is allowed.
	Connected func(err error)
	Log       *slog.Logger
}

func (c Config) withDefaults() Config {
	set := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&c.Silence, time.Minute)
	set(&c.MaxAge, 23*time.Hour)
	set(&c.MinBackoff, 500*time.Millisecond)
	set(&c.MaxBackoff, time.Minute)
	set(&c.Healthy, 30*time.Second)
	set(&c.PingEvery, 20*time.Second)
	if c.SendRate <= 0 {
		c.SendRate = 4
	}
	if c.ReadLimit <= 0 {
		c.ReadLimit = 4 << 20
	}
	if c.Connected == nil {
		c.Connected = func(error) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Why a connection was given up by this side.
var (
	// ErrSilent: no data came for Config.Silence.
	ErrSilent = errors.New("no data came")
	// ErrOld: the connection reached Config.MaxAge.
	ErrOld = errors.New("connection replaced at its age")
)

// Conn is one connection. It is safe for concurrent use.
type Conn struct {
	ws *websocket.Conn
	// pace keeps below what the venue allows.
	pace *rate.Limiter
}

// Send writes one text message, at most Config.SendRate a second with a burst of eight, so
// that a long list of subscriptions does not end the connection.
func (c *Conn) Send(ctx context.Context, message []byte) error {
	if err := c.pace.Wait(ctx); err != nil {
		return fmt.Errorf("wait to send: %w", err)
	}
	if err := c.ws.Write(ctx, websocket.MessageText, message); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// Run keeps the stream up until the context ends; it then returns nil.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier = cfg.MinBackoff, cfg.MaxBackoff, 2
	wait.Reset()
	failed := false
	for {
		healthy, err := once(ctx, cfg, failed)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to stop
		}
		cfg.Connected(err)
		if healthy {
			wait.Reset()
			failed = false
		}
		switch {
		case errors.Is(err, ErrOld):
			cfg.Log.Info("stream begins anew", slog.String("stream", cfg.Name), slog.Any("reason", err))
		case !failed:
			cfg.Log.Warn("stream lost", slog.String("stream", cfg.Name), slog.Any("err", err))
		}
		failed = failed || !errors.Is(err, ErrOld)
		if err := feeds.Pause(ctx, wait.NextBackOff()); err != nil {
			return nil //nolint:nilerr // asked to stop
		}
	}
}

// once holds one connection and reports whether it brought data for long enough.
func once(ctx context.Context, cfg Config, failed bool) (healthy bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn, err := dial(ctx, cfg)
	if err != nil {
		return false, err
	}
	defer conn.ws.CloseNow() //nolint:errcheck // nothing can be done about it
	start := time.Now()
	var last atomic.Int64 // nanoseconds from start to the newest data
	done := make(chan struct{})
	go func() {
		defer close(done)
		keep(ctx, cancel, cfg, conn, start, &last)
	}()
	back := func() {}
	if failed {
		back = sync.OnceFunc(func() { cfg.Log.Info("stream is back", slog.String("stream", cfg.Name)) })
	}
	err = read(ctx, cfg, conn, func() {
		back()
		last.Store(int64(time.Since(start)))
	})
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		err = cause
	}
	cancel(nil)
	<-done
	return time.Duration(last.Load()) >= cfg.Healthy, err
}

func dial(ctx context.Context, cfg Config) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, cfg.URL(), &websocket.DialOptions{HTTPClient: cfg.Client, HTTPHeader: cfg.Header})
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("connect: %w", feeds.WithoutAddress(err))
	}
	ws.SetReadLimit(cfg.ReadLimit)
	return &Conn{ws: ws, pace: rate.NewLimiter(rate.Limit(cfg.SendRate), 8)}, nil
}

// read subscribes and hands on what comes until the connection ends.
func read(ctx context.Context, cfg Config, conn *Conn, data func()) error {
	subscribed := make(chan error, 1)
	go func() { subscribed <- cfg.Subscribe(ctx, conn) }()
	defer func() { <-subscribed }() //nolint:errcheck // the reason is the end of the connection
	cfg.Connected(nil)
	for {
		kind, frame, err := conn.ws.Read(ctx)
		if err != nil {
			_ = conn.ws.CloseNow() // ends a Subscribe that is still sending
			return fmt.Errorf("read: %w", err)
		}
		if kind != websocket.MessageText && kind != websocket.MessageBinary {
			continue
		}
		if cfg.Handle(frame) {
			data()
		}
	}
}

// keep sends pings and ends the connection when it is silent or old.
func keep(ctx context.Context, cancel context.CancelCauseFunc, cfg Config, conn *Conn, start time.Time, last *atomic.Int64) {
	look := time.NewTicker(max(min(cfg.Silence/4, cfg.MaxAge/4, time.Second), time.Millisecond))
	defer look.Stop()
	ping := time.NewTicker(cfg.PingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			switch age := time.Since(start); {
			case age-time.Duration(last.Load()) >= cfg.Silence:
				cancel(ErrSilent)
			case age >= cfg.MaxAge:
				cancel(ErrOld)
			}
		case <-ping.C:
			if cfg.Ping == nil {
				continue
			}
			if err := conn.Send(ctx, cfg.Ping()); err != nil {
				cancel(err)
			}
		}
	}
}
