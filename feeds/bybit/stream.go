package bybit

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/go-faster/jx"
	"golang.org/x/sync/errgroup"

	"liqbot/feeds"
	"liqbot/feeds/stream"
	"liqbot/market"
)

const (
	// maxArgs bounds the characters of a connection's topics. Bybit allows 21000; less
	// leaves room to send topics again. https://bybit-exchange.github.io/docs/v5/ws/connect
	maxArgs = 10_000
	// batch is how many topics a subscription has: one that is unknown may spoil all.
	batch = 20
	// pingEvery is what Bybit recommends.
	pingEvery = 20 * time.Second
)

// Stream implements feeds.Feed: tickers and liquidations over as many connections as the
// topics need. A contract that is quiet for some seconds is asked for over HTTP.
func (f *Feed) Stream(ctx context.Context, contracts []market.Contract, sink feeds.Sink) error {
	address, err := f.streamURL()
	if err != nil {
		return err
	}
	shared := newBook(contracts)
	group, ctx := errgroup.WithContext(ctx)
	for i, topics := range split(contracts) {
		c := newConnection(f, "linear-"+strconv.Itoa(i+1), topics, shared, sink)
		group.Go(func() error { return c.run(ctx, address) })
		group.Go(func() error { c.work(ctx); return nil })
	}
	group.Go(func() error { f.poll(ctx, shared, sink); return nil })
	group.Go(func() error { f.keepClock(ctx); return nil })
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// split shares the topics out to connections.
func split(contracts []market.Contract) [][]string {
	var all [][]string
	room := 0
	for i := range contracts {
		pair := []string{"tickers." + contracts[i].Symbol, "allLiquidation." + contracts[i].Symbol}
		need := len(pair[0]) + len(pair[1]) + len(`"",""`) + 1
		if room < need {
			all = append(all, nil)
			room = maxArgs
		}
		room -= need
		all[len(all)-1] = append(all[len(all)-1], pair...)
	}
	return all
}

// connection is one connection and those that follow it.
type connection struct {
	feed    *Feed
	name    string
	topics  []string
	sink    feeds.Sink
	decoder *Decoder
	// jobs are requests that answers made necessary; they may have to wait.
	jobs chan func()
	// retry is when topics are asked for again that were refused for no known reason.
	retry time.Duration

	mu   sync.Mutex
	id   int
	sent map[string][]string // topics by the id of a request without an answer
	send func(topics []string) error
	// later are topics that were refused and may be taken another time.
	later  []string
	warned map[string]bool // by topic
}

func newConnection(f *Feed, name string, topics []string, b *book, sink feeds.Sink) *connection {
	// Each job is about topics of its own, so there are never more jobs than topics.
	c := &connection{feed: f, name: name, topics: topics, sink: sink, jobs: make(chan func(), len(topics)), retry: 4 * f.cfg.Silence, warned: make(map[string]bool)}
	c.decoder = newDecoder(b, sink, f.latest, c.answered)
	return c
}

func (c *connection) run(ctx context.Context, address string) error {
	return stream.Run(ctx, stream.Config{
		Name: c.name, URL: func() string { return address }, Client: c.feed.cfg.Client, Log: c.feed.cfg.Log,
		Subscribe: c.subscribe, Handle: c.handle, Ping: c.ping, PingEvery: pingEvery,
		Silence: c.feed.cfg.Silence, MinBackoff: c.feed.cfg.MinBackoff, Connected: c.connected,
	})
}

// work does jobs until the context ends.
func (c *connection) work(ctx context.Context) {
	retry := time.NewTicker(c.retry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-c.jobs:
			job()
		case <-retry.C:
			c.mu.Lock()
			topics, send := c.later, c.send
			c.later = nil
			c.mu.Unlock()
			for _, t := range topics {
				if send([]string{t}) != nil {
					break // the next connection begins with all topics
				}
			}
		}
	}
}

// connected is called before the first message of a connection is read.
func (c *connection) connected(err error) {
	c.decoder.Reset()
	c.sink.Connected(c.name, err)
}

func (c *connection) handle(frame []byte) bool {
	c.sink.Frame(c.name, frame)
	return c.decoder.Decode(frame)
}

func (c *connection) subscribe(ctx context.Context, conn *stream.Conn) error {
	send := func(topics []string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return conn.Send(ctx, c.request("subscribe", topics))
	}
	c.mu.Lock()
	c.sent, c.send, c.later = make(map[string][]string), send, nil
	c.mu.Unlock()
	for topics := range slices.Chunk(c.topics, batch) {
		if err := send(topics); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	return nil
}

func (c *connection) ping() []byte { return c.request("ping", nil) }

// request makes a message and remembers the topics until its answer comes.
func (c *connection) request(op string, topics []string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id++
	id := strconv.Itoa(c.id)
	var e jx.Encoder
	e.ObjStart()
	e.FieldStart("req_id")
	e.Str(id)
	e.FieldStart("op")
	e.Str(op)
	if topics != nil {
		c.sent[id] = topics
		e.FieldStart("args")
		e.ArrStart()
		for _, t := range topics {
			e.Str(t)
		}
		e.ArrEnd()
	}
	e.ObjEnd()
	return e.Bytes()
}

// answered sends what a refusal spoilt once more, without what was refused.
func (c *connection) answered(a answer) {
	c.mu.Lock()
	topics := c.sent[string(a.id)]
	delete(c.sent, string(a.id))
	send := c.send
	c.mu.Unlock()
	if a.success || string(a.op) == "ping" || string(a.op) == "pong" {
		return
	}
	text := string(a.text)
	already := strings.Contains(text, "already subscribed")
	if len(topics) == 1 && already {
		return
	}
	named, others := name(topics, text)
	switch {
	case len(topics) <= 1: // also an answer to nothing that is known
		c.refuse(topics, text)
	case already: // what of the others was taken is not told
		c.again(send, slices.Chunk(others, 1))
	case len(named) > 0:
		c.refuse(named, text)
		c.again(send, slices.Chunk(others, batch))
	default:
		c.again(send, slices.Chunk(topics, 1))
	}
}

// refuse gives topics up: for good when Bybit does not know them, else for a while.
func (c *connection) refuse(topics []string, text string) {
	c.sink.Dropped(feeds.Refused)
	c.mu.Lock()
	defer c.mu.Unlock()
	lower := strings.ToLower(text)
	if !strings.Contains(lower, "not found") && !strings.Contains(lower, "invalid symbol") {
		c.later = append(c.later, topics...)
	}
	if len(topics) > 0 && c.warned[topics[0]] {
		return
	}
	for _, t := range topics {
		c.warned[t] = true
	}
	c.feed.cfg.Log.Warn("subscription refused", slog.Any("topics", topics), slog.String("answer", text[:min(len(text), 200)]))
}

func (c *connection) again(send func([]string) error, parts func(func([]string) bool)) {
	job := func() {
		for part := range parts {
			if send(part) != nil {
				return // the next connection begins with all topics
			}
		}
	}
	select {
	case c.jobs <- job:
	default:
		c.sink.Dropped(feeds.Overflow)
	}
}

// name divides topics into those that a refusal names, by their whole name or by their
// symbol, and the others.
func name(topics []string, text string) (named, others []string) {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-'
	})
	for _, t := range topics {
		_, symbol, _ := strings.Cut(t, ".")
		if slices.Contains(words, t) || slices.Contains(words, symbol) {
			named = append(named, t)
		} else {
			others = append(others, t)
		}
	}
	return named, others
}
