package okx

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"liqbot/feeds"
	"liqbot/feeds/stream"
	"liqbot/market"
)

// publicPath is where all but candles is told.
const publicPath = "/ws/v5/public"

const (
	// perConnection is how many contracts share a connection: with three topics each they
	// stay below the 480 operations an hour of a connection even if each topic counts.
	perConnection = 100
	// perMessage is how many topics one message asks for; they have to stay below 64 KB.
	perMessage = 120
	// pingEvery is shorter than the 30 s after which the venue ends a quiet connection.
	pingEvery = 20 * time.Second
	// settle is how long acknowledgements may take after a refusal; a quarter of Silence if
	// that is less.
	settle = time.Second
)

// Stream implements feeds.Feed. The first connection also tells the forced orders and the
// changes of all swaps, which can only be had together.
//
// https://www.okx.com/docs-v5/en/#overview-websocket
func (f *Feed) Stream(ctx context.Context, contracts []market.Contract, sink feeds.Sink) error {
	if len(contracts) == 0 {
		<-ctx.Done()
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for first := 0; first < len(contracts); first += perConnection {
		name := "public"
		if n := first / perConnection; n > 0 {
			name = fmt.Sprintf("public-%d", n+1)
		}
		own := contracts[first:min(first+perConnection, len(contracts))]
		l := &line{feed: f, name: name, sink: sink, decoder: newDecoder(own, sink, f.clock.Now, f.latest), refused: make(chan struct{}, 1)}
		if first == 0 {
			// Forced orders of all contracts come here.
			l.decoder = newDecoder(contracts, sink, f.clock.Now, f.latest)
			l.topics = []topic{{channel: liquidationChannel}, {channel: instrumentChannel}}
		}
		for i := range own {
			for _, ch := range []channel{markChannel, interestChannel, fundingChannel} {
				l.topics = append(l.topics, topic{ch, own[i].Symbol})
			}
		}
		l.decoder.control = l.heard
		g.Go(func() error { return l.run(ctx) })
	}
	g.Go(func() error { f.keepClock(ctx); return nil })
	return g.Wait()
}

// topic is what one subscription is for; those of all swaps have no symbol.
type topic struct {
	channel channel
	symbol  string
}

func (t topic) append(to []byte) []byte {
	if t.symbol == "" {
		return fmt.Appendf(to, `{"channel":%q,"instType":"SWAP"}`, channelNames[t.channel])
	}
	return fmt.Appendf(to, `{"channel":%q,"instId":%q}`, channelNames[t.channel], t.symbol)
}

// notice is a message that is no market data: an acknowledgement, a refusal.
type notice struct {
	event, code, text string
	topic             topic
}

// line is one connection and those that follow it.
type line struct {
	feed    *Feed
	name    string
	sink    feeds.Sink
	decoder *Decoder
	topics  []topic
	// refused asks for another try of what was not acknowledged.
	refused chan struct{}

	mu   sync.Mutex
	conn *stream.Conn
	// waiting are the topics that were neither acknowledged nor refused.
	waiting map[topic]bool
	retried bool
}

func (l *line) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.retry(ctx) })
	client := *l.feed.cfg.Client
	client.Transport = &paced{to: client.Transport, limit: l.feed.dials}
	g.Go(func() error {
		return stream.Run(ctx, stream.Config{
			Name: l.name, URL: func() string { return l.feed.cfg.StreamURL + publicPath }, Client: &client,
			Subscribe: l.subscribe, Handle: l.handle,
			Ping: func() []byte { return []byte("ping") }, PingEvery: pingEvery,
			Silence: l.feed.cfg.Silence, MinBackoff: l.feed.cfg.MinBackoff,
			Connected: func(err error) { l.sink.Connected(l.name, err) }, Log: l.feed.log,
		})
	})
	return g.Wait()
}

func (l *line) handle(frame []byte) bool {
	l.sink.Frame(l.name, frame)
	return l.decoder.Decode(frame)
}

// subscribe asks for all topics on a new connection.
func (l *line) subscribe(ctx context.Context, conn *stream.Conn) error {
	l.mu.Lock()
	l.conn, l.retried, l.waiting = conn, false, make(map[topic]bool, len(l.topics))
	for _, t := range l.topics {
		l.waiting[t] = true
	}
	l.mu.Unlock()
	for rest := l.topics; len(rest) > 0; {
		n := min(perMessage, len(rest))
		if err := conn.Send(ctx, request(rest[:n])); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func request(topics []topic) []byte {
	b := []byte(`{"op":"subscribe","args":[`)
	for i, t := range topics {
		if i > 0 {
			b = append(b, ',')
		}
		b = t.append(b)
	}
	return append(b, `]}`...)
}

// heard takes what is no market data.
func (l *line) heard(n notice) {
	switch n.event {
	case "subscribe":
		l.mu.Lock()
		delete(l.waiting, n.topic)
		l.mu.Unlock()
	case "error":
		l.sink.Dropped(feeds.Refused)
		l.feed.log.Warn("subscription refused", slog.String("code", n.code), slog.String("message", n.text))
		gone := l.named(n)
		l.mu.Lock()
		delete(l.waiting, gone)
		l.mu.Unlock()
		if t := l.decoder.known[gone.symbol]; t != nil {
			l.sink.Update(feeds.Update{Contract: t.contract, Kind: feeds.ContractChanged, At: l.feed.clock.Now()})
		}
		select {
		case l.refused <- struct{}{}:
		default:
		}
	case "notice":
		l.feed.log.Info("venue gives notice", slog.String("code", n.code), slog.String("message", n.text))
	}
}

// named is the topic that a refusal is about: its text names the channel and the
// contract, "…channel:mark-price,instId:X-USDT-SWAP doesn't exist…".
func (l *line) named(n notice) topic {
	if n.code != "60018" {
		return topic{}
	}
	if n.topic.channel != otherChannel {
		return n.topic
	}
	word := func(after string) string {
		_, rest, _ := strings.Cut(n.text, after)
		if end := strings.IndexAny(rest, " ,"); end >= 0 {
			rest = rest[:end]
		}
		return rest
	}
	// "wrong URL or channel:" comes right before the name.
	return topic{channelOf([]byte(word("channel:"))), word("instId:")}
}

// retry asks once more on a connection for what a refused topic took with it, now by
// contract, so that what is wrong harms only itself.
func (l *line) retry(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.refused:
		}
		if err := until(ctx, time.Now().Add(min(settle, l.feed.cfg.Silence/4))); err != nil {
			return nil //nolint:nilerr // asked to stop
		}
		conn, messages := l.again()
		for _, m := range messages {
			if err := conn.Send(ctx, m); err != nil {
				break // the next connection asks for all
			}
		}
	}
}

// again is what to send for the topics that wait, on which connection.
func (l *line) again() (*stream.Conn, [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retried {
		return nil, nil
	}
	l.retried = true
	var messages [][]byte
	var same []topic
	for i, t := range l.topics {
		if l.waiting[t] {
			same = append(same, t)
		}
		last := i+1 == len(l.topics) || l.topics[i+1].symbol != t.symbol || t.symbol == ""
		if last && len(same) > 0 {
			messages, same = append(messages, request(same)), nil
		}
	}
	return l.conn, messages
}

// paced delays handshakes: the venue allows an address three a second.
type paced struct {
	to    http.RoundTripper
	limit *rate.Limiter
}

// RoundTrip implements http.RoundTripper.
func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := p.limit.Wait(r.Context()); err != nil {
		return nil, fmt.Errorf("wait to connect: %w", err)
	}
	if p.to == nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	return p.to.RoundTrip(r)
}
