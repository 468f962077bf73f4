package gate

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/quiet"
	"liqbot/feeds/stream"
	"liqbot/market"
)

const (
	// perConnection is as many contracts as were seen to work on one connection.
	perConnection = 150
	perMessage    = 50
	// Gate closes a connection that says nothing after half a minute.
	pingEvery = 15 * time.Second

	tickersName      = "futures.tickers"
	liquidationsName = "futures.public_liquidates"
	everything       = "!all"
	// heart is the ticker that every connection listens to: others are silent for longer
	// than a dead connection may go unnoticed.
	heart = "BTC_USDT"
)

// Stream implements feeds.Feed. Tickers and liquidations come over WebSockets; open
// interest, and the tickers of contracts on which little happens, are polled.
func (f *Feed) Stream(ctx context.Context, contracts []market.Contract, sink feeds.Sink) error {
	known, alive := quiet.Of(contracts), quiet.NewSignal()
	var all sync.WaitGroup
	for i, names := range slices.Collect(slices.Chunk(symbols(contracts), perConnection)) {
		c := f.connection(i, names, known, sink)
		c.alive = alive
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
	feed    *Feed
	name    string
	first   bool // carries the liquidations of all contracts
	known   quiet.Contracts
	sink    feeds.Sink
	alive   *quiet.Signal
	sending sync.WaitGroup
	said    string // by Gate, of what it refused last; only the reader uses it

	mu      sync.Mutex
	names   []string
	conn    *stream.Conn
	ctx     context.Context //nolint:containedctx // of conn: it ends with it
	id      int64
	batches map[int64][]string
}

func (f *Feed) connection(i int, names []string, known quiet.Contracts, sink feeds.Sink) *connection {
	c := &connection{feed: f, name: "public", first: i == 0, names: names, known: known, sink: sink, batches: make(map[int64][]string)}
	if i > 0 {
		c.name = fmt.Sprintf("public-%d", i+1)
	}
	return c
}

func (c *connection) run(ctx context.Context) {
	d := newDecoder(c.known, c.sink, c.feed.latest, c.answered)
	_ = stream.Run(ctx, stream.Config{ // nil when the context ends, and only then it returns
		Name: "gate " + c.name, URL: func() string { return c.feed.cfg.StreamURL + streamPath },
		Header: decimals(), Client: c.feed.cfg.Client,
		Subscribe: c.subscribe,
		Handle: func(frame []byte) bool {
			c.sink.Frame(c.name, frame)
			data := d.Decode(frame)
			if data {
				c.alive.Give()
			}
			return data
		},
		Ping: ping, PingEvery: pingEvery,
		Silence: c.feed.cfg.Silence, MinBackoff: c.feed.cfg.MinBackoff,
		Connected: func(err error) { c.sink.Connected(c.name, err) },
		Log:       c.feed.cfg.Log,
	})
	c.sending.Wait()
}

func ping() []byte {
	return fmt.Appendf(nil, `{"time":%d,"channel":"futures.ping"}`, time.Now().Unix())
}

func (c *connection) subscribe(ctx context.Context, conn *stream.Conn) error {
	c.mu.Lock()
	c.conn, c.ctx = conn, ctx
	clear(c.batches)
	names := slices.Clone(c.names)
	c.mu.Unlock()
	if c.first {
		if err := c.send(ctx, conn, liquidationsName, []string{everything}); err != nil {
			return err
		}
	}
	if !slices.Contains(names, heart) {
		if err := c.send(ctx, conn, tickersName, []string{heart}); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(names, perMessage) {
		if err := c.send(ctx, conn, tickersName, batch); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) send(ctx context.Context, conn *stream.Conn, channel string, names []string) error {
	c.mu.Lock()
	c.id++
	id := c.id
	if channel == tickersName {
		c.batches[id] = names
	}
	c.mu.Unlock()
	return conn.Send(ctx, subscription(id, channel, names))
}

func subscription(id int64, channel string, names []string) []byte {
	var w jx.Writer
	w.ObjStart()
	w.FieldStart("time")
	w.Int64(time.Now().Unix())
	w.Comma()
	w.FieldStart("id")
	w.Int64(id)
	w.Comma()
	w.FieldStart("channel")
	w.Str(channel)
	w.Comma()
	w.RawStr(`"event":"subscribe","payload":[`)
	for i, name := range names {
		if i > 0 {
			w.Comma()
		}
		w.Str(name)
	}
	w.RawStr("]}")
	return w.Buf
}

const (
	// serviceError is Gate's own fault, which may pass.
	serviceError = 3
	// retries is how many times the least wait before a new connection is that before a
	// subscription is asked for again: ten seconds.
	retries = 20
)

// answered is told what Gate says of a subscription. One contract that it does not know
// spoils the others of the message, which are then asked for again without it.
func (c *connection) answered(a reply) {
	if !a.Refused || strings.HasPrefix(a.Message, "Alert sub") { // the latter: subscribed already
		return
	}
	c.sink.Dropped(feeds.Refused)
	if a.Message != c.said { // the same is not told again and again
		c.said = a.Message
		c.feed.cfg.Log.Warn("subscription refused", slog.String("channel", a.Channel), slog.String("message", a.Message))
	}
	if a.Channel == liquidationsName {
		c.later(liquidationsName, []string{everything})
		return
	}
	if a.Channel != tickersName {
		return
	}
	batch := c.refused(a)
	fault := c.atFault(a, batch)
	switch at := slices.Index(batch, fault); {
	case a.Code == serviceError && len(batch) > 0:
		c.later(tickersName, batch)
		return
	case at >= 0:
		c.drop(fault)
		c.again(slices.Concat(batch[:at], batch[at+1:]))
	default: // in halves, until it is found
		c.again(batch[:len(batch)/2])
		c.again(batch[len(batch)/2:])
	}
}

// refused takes the names of a message that was refused. Not every refusal repeats the
// message's id.
func (c *connection) refused(a reply) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := a.ID
	if _, ok := c.batches[id]; !ok {
		for other, batch := range c.batches {
			if named := lastWord(a.Message); named != "" && slices.Contains(batch, named) {
				id = other
			}
		}
	}
	batch := c.batches[id]
	delete(c.batches, id)
	return batch
}

// atFault is the contract that Gate names, or the only one there was.
func (c *connection) atFault(a reply, batch []string) string {
	if named := lastWord(a.Message); c.known[named] != nil {
		return named
	}
	if len(batch) == 1 {
		return batch[0]
	}
	return ""
}

func lastWord(message string) string {
	words := strings.Fields(message)
	if len(words) == 0 {
		return ""
	}
	return strings.Trim(words[len(words)-1], `"'.`)
}

// drop asks no more for a contract and tells of it.
func (c *connection) drop(name string) {
	c.mu.Lock()
	c.names = slices.DeleteFunc(slices.Clone(c.names), func(n string) bool { return n == name })
	c.mu.Unlock()
	if k := c.known[name]; k != nil {
		c.sink.Update(feeds.Update{Contract: k.Contract, Kind: feeds.ContractChanged, At: c.feed.clock.Now()})
	}
}

// again subscribes to tickers over the same connection.
func (c *connection) again(names []string) { c.resend(0, tickersName, names) }

// later subscribes over the same connection after a while.
func (c *connection) later(channel string, names []string) {
	c.resend(retries*c.feed.cfg.MinBackoff, channel, names)
}

func (c *connection) resend(wait time.Duration, channel string, names []string) {
	c.mu.Lock()
	ctx, conn := c.ctx, c.conn
	c.mu.Unlock()
	if len(names) == 0 || conn == nil {
		return
	}
	c.sending.Go(func() { // it fails only with the connection
		if feeds.Pause(ctx, wait) == nil {
			_ = c.send(ctx, conn, channel, names)
		}
	})
}
