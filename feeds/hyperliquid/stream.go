package hyperliquid

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/stream"
	"liqbot/market"
)

const (
	// streamName is the only connection: one carries all contracts.
	streamName = "public"
	// maxSubscriptions is what the venue lets one address of the internet have.
	maxSubscriptions = 1000
	// sendRate is messages a second; the venue allows 2000 a minute.
	sendRate = 20
	// listAge is how old the list may be by which names are checked at first. After a
	// connection was lost it is asked for anew: perhaps a name was the reason.
	listAge = time.Minute
	// listWait is how long a new connection waits for that list.
	listWait = 5 * time.Second
)

// session is one call of Stream.
type session struct {
	feed      *Feed
	contracts []market.Contract
	sink      feeds.Sink
	changed   map[string]bool
	lost      bool
}

// Stream implements feeds.Feed: the context of each contract once a second, and the
// liquidations among the fills of the watched accounts.
func (f *Feed) Stream(ctx context.Context, contracts []market.Contract, sink feeds.Sink) error {
	if len(contracts) == 0 {
		<-ctx.Done()
		return nil
	}
	s := &session{feed: f, contracts: contracts, sink: sink, changed: make(map[string]bool)}
	if room := maxSubscriptions - len(f.watch); len(contracts) > room {
		for range contracts[room:] {
			sink.Dropped(feeds.Refused)
		}
		s.contracts = contracts[:room]
	}
	if err := f.dials.Wait(ctx); err != nil { // the context ends, or would before its turn
		<-ctx.Done()
		return nil //nolint:nilerr // asked to stop
	}
	since := time.Now()
	if len(f.watch) > 0 { // fills have times of the venue
		since = f.now(ctx)
	}
	decoder := NewDecoder(s.contracts, since, sink)
	return stream.Run(ctx, stream.Config{
		Name:      streamName,
		URL:       func() string { return strings.TrimRight(f.cfg.StreamURL, "/") + "/ws" },
		Client:    f.cfg.Client,
		Subscribe: s.subscribe,
		Handle: func(frame []byte) bool {
			sink.Frame(streamName, frame)
			return decoder.Frame(frame, f.clock.Now())
		},
		Ping:       func() []byte { return []byte(`{"method":"ping"}`) },
		PingEvery:  min(f.cfg.Silence, 30*time.Second),
		SendRate:   sendRate,
		Silence:    f.cfg.Silence,
		MinBackoff: f.cfg.MinBackoff,
		Connected:  func(err error) { sink.Connected(streamName, err) },
		Log:        f.cfg.Log,
	})
}

// subscribe asks for each contract and account in a message of its own, as the venue takes
// no lists.
func (s *session) subscribe(ctx context.Context, conn *stream.Conn) error {
	for _, c := range s.live(ctx) {
		if err := conn.Send(ctx, subscription("activeAssetCtx", "coin", c.Symbol)); err != nil {
			return err
		}
	}
	for _, user := range s.feed.watch {
		if err := conn.Send(ctx, subscription("userFills", "user", user)); err != nil {
			return err
		}
	}
	return nil
}

func subscription(kind, key, value string) []byte {
	return []byte(`{"method":"subscribe","subscription":{"type":"` + kind + `","` + key + `":"` + value + `"}}`)
}

// live are the contracts that the venue lists at this moment. A name that it does not know
// would end the connection without a word, and with it all other subscriptions.
func (s *session) live(ctx context.Context) []*market.Contract {
	known, asked := s.known(ctx)
	var all []*market.Contract
	for i := range s.contracts {
		c := &s.contracts[i]
		switch {
		case !plain(c.Symbol):
			s.sink.Dropped(feeds.Refused)
		case !asked || known[c.Symbol]:
			all = append(all, c)
		default:
			s.sink.Dropped(feeds.Refused)
			if !s.changed[c.Symbol] {
				s.changed[c.Symbol] = true
				s.sink.Update(feeds.Update{Contract: c, Kind: feeds.ContractChanged, At: s.feed.clock.Now()})
			}
		}
	}
	return all
}

// known are the names that can be subscribed to, by the newest list that could be had;
// asked is false when there was none ever, which is no reason to hear nothing.
func (s *session) known(ctx context.Context) (names map[string]bool, asked bool) {
	ctx, cancel := context.WithTimeout(ctx, listWait)
	defer cancel()
	age := listAge
	if s.lost {
		age = 0
	}
	s.lost = true
	l, err := s.feed.list(ctx, streamBudget, age)
	if err != nil {
		s.feed.cfg.Log.Debug("contracts not checked", slog.Any("err", err))
		if l = s.feed.newest.Load(); l == nil {
			return nil, false
		}
	}
	names = make(map[string]bool, len(l.assets))
	for _, a := range l.assets {
		if a.ok && !a.delisted {
			names[a.name] = true
		}
	}
	return names, true
}

// plain reports whether a name can stand in JSON as it is.
func plain(name string) bool {
	for _, r := range name {
		if (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
