package bitget

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-faster/jx"
	"golang.org/x/time/rate"

	"liqbot/feeds"
	"liqbot/feeds/quiet"
	"liqbot/feeds/stream"
	"liqbot/market"
)

const (
	// perConnection keeps below the fifty topics that Bitget recommends.
	perConnection = 48
	// perMessage keeps far below the 25 topics at which Bitget was seen to hang up.
	perMessage = 10
	// Bitget takes 300 new connections in five minutes. A host that changes what it follows
	// begins streams anew: those wait here, and half is left for connections that were lost.
	dialRate  = rate.Limit(30.0 / 60)
	dialBurst = 20
	// retries is how many times the least wait before a new connection is that before the
	// liquidations are asked for again: half a minute, well below the 240 subscriptions an
	// hour that a connection may make.
	retries = 60
	// pingEvery keeps a connection open that Bitget ends after two minutes without pings,
	// though data flow.
	pingEvery = 25 * time.Second
)

// Stream implements feeds.Feed. Tickers and liquidations come over WebSockets; tickers of
// contracts on which little happens are polled.
func (f *Feed) Stream(ctx context.Context, contracts []market.Contract, sink feeds.Sink) error {
	known, alive := quiet.Of(contracts), quiet.NewSignal()
	var all sync.WaitGroup
	for i, names := range slices.Collect(slices.Chunk(symbols(contracts), perConnection)) {
		c := &connection{feed: f, name: "public", first: i == 0, known: known, names: names, sink: sink, alive: alive}
		if i > 0 {
			c.name = fmt.Sprintf("public-%d", i+1)
		}
		all.Go(func() { c.run(ctx) })
	}
	poller := quiet.Poller{Contracts: known, Sink: sink, Alive: alive, Silence: f.cfg.Silence, Now: f.now, Ask: f.askTickers, Log: f.cfg.Log}
	all.Go(func() { poller.Run(ctx) })
	all.Wait()
	return nil
}

func symbols(contracts []market.Contract) []string {
	var all []string
	for _, c := range contracts {
		all = append(all, c.Symbol)
	}
	return all
}

// connection is one of the connections of a Stream, through all its reconnects.
type connection struct {
	feed  *Feed
	name  string
	first bool // carries the liquidations of all contracts
	known quiet.Contracts
	sink  feeds.Sink
	alive *quiet.Signal

	sending sync.WaitGroup
	said    string // by Bitget, of what it refused last; only the reader uses it

	mu    sync.Mutex
	names []string
	conn  *stream.Conn
	ctx   context.Context //nolint:containedctx // of conn: it ends with it
}

func (c *connection) run(ctx context.Context) {
	if err := c.feed.dials.Wait(ctx); err != nil { // the context ends, or would before its turn
		return
	}
	d := newDecoder(c.known, c.sink, c.feed.latest, c.feed.amounts, c.answered)
	_ = stream.Run(ctx, stream.Config{ // nil when the context ends, and only then it returns
		Name: "bitget " + c.name, URL: func() string { return c.feed.cfg.StreamURL + streamPath },
		Client: c.feed.cfg.Client, Subscribe: c.subscribe,
		Handle: func(frame []byte) bool {
			c.sink.Frame(c.name, frame)
			data := d.Decode(frame)
			if data {
				c.alive.Give()
			}
			return data
		},
		Ping: func() []byte { return []byte("ping") }, PingEvery: pingEvery,
		Silence: c.feed.cfg.Silence, MinBackoff: c.feed.cfg.MinBackoff,
		Connected: func(err error) { c.sink.Connected(c.name, err) },
		Log:       c.feed.cfg.Log,
	})
	c.sending.Wait()
}

// toLiquidations subscribes to those of all contracts.
const toLiquidations = `{"op":"subscribe","args":[{"instType":"usdt-futures","topic":"liquidation"}]}`

func (c *connection) subscribe(ctx context.Context, conn *stream.Conn) error {
	c.mu.Lock()
	c.conn, c.ctx = conn, ctx
	names := slices.Clone(c.names)
	c.mu.Unlock()
	if c.first {
		if err := conn.Send(ctx, []byte(toLiquidations)); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(names, perMessage) {
		if err := conn.Send(ctx, subscription(batch)); err != nil {
			return err
		}
	}
	return nil
}

func subscription(names []string) []byte {
	var w jx.Writer
	w.RawStr(`{"op":"subscribe","args":[`)
	for i, name := range names {
		if i > 0 {
			w.Comma()
		}
		w.RawStr(`{"instType":"usdt-futures","topic":"ticker","symbol":`)
		w.Str(name)
		w.RawStr("}")
	}
	w.RawStr("]}")
	return w.Buf
}

// answered is told what Bitget says of each topic. A contract that is refused does not harm
// the others; it is not asked for again.
func (c *connection) answered(a reply) {
	if !a.Refused {
		return
	}
	c.sink.Dropped(feeds.Refused)
	if a.Message != c.said { // the same is not told again and again
		c.said = a.Message
		c.feed.cfg.Log.Warn("subscription refused", slog.String("symbol", a.Symbol), slog.String("message", a.Message))
	}
	k := c.known[a.Symbol]
	if k == nil {
		if c.first && strings.Contains(a.Message, "liquidation") && !strings.Contains(a.Message, "uplicate") && !strings.Contains(a.Message, "lready") {
			c.liquidationsAgain()
		}
		return
	}
	c.mu.Lock()
	c.names = slices.DeleteFunc(slices.Clone(c.names), func(n string) bool { return n == a.Symbol })
	c.mu.Unlock()
	c.sink.Update(feeds.Update{Contract: k.Contract, Kind: feeds.ContractChanged, At: c.feed.clock.Now()})
}

// liquidationsAgain asks for them once more after a while: without them all else would go
// on as if nothing were missing.
func (c *connection) liquidationsAgain() {
	c.mu.Lock()
	ctx, conn := c.ctx, c.conn
	c.mu.Unlock()
	if conn == nil {
		return
	}
	c.sending.Go(func() { // it fails only with the connection
		if feeds.Pause(ctx, retries*c.feed.cfg.MinBackoff) == nil {
			_ = conn.Send(ctx, []byte(toLiquidations))
		}
	})
}
