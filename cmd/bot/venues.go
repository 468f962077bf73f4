package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"liqbot/feeds"
	"liqbot/feeds/binance"
	"liqbot/feeds/bitget"
	"liqbot/feeds/bybit"
	"liqbot/feeds/gate"
	"liqbot/feeds/hyperliquid"
	"liqbot/feeds/okx"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
	"liqbot/sources/exchanges/tape"
	"liqbot/storage"
	"liqbot/telemetry"
)

// venueFeed is one venue that SOURCE=exchanges can read.
type venueFeed struct {
	name        market.Venue
	api, stream string
	make        func(exchangesConfig, addresses, *slog.Logger) feeds.Feed
}

// addresses are where a venue is asked.
type addresses struct{ api, stream string }

// venueFeeds lists the venues. To add one, add its folder under feeds/ and its line
// here; the line makes the settings NAME_API_URL and NAME_STREAM_URL.
var venueFeeds = []venueFeed{
	{binance.Venue, binance.DefaultAPIURL, binance.DefaultStreamURL, func(_ exchangesConfig, a addresses, log *slog.Logger) feeds.Feed {
		return binance.New(binance.Config{APIURL: a.api, StreamURL: a.stream, Log: log})
	}},
	{bybit.Venue, bybit.DefaultAPIURL, bybit.DefaultStreamURL, func(_ exchangesConfig, a addresses, log *slog.Logger) feeds.Feed {
		return bybit.New(bybit.Config{APIURL: a.api, StreamURL: a.stream, Log: log})
	}},
	{okx.Venue, okx.DefaultAPIURL, okx.DefaultStreamURL, func(_ exchangesConfig, a addresses, log *slog.Logger) feeds.Feed {
		return okx.New(okx.Config{APIURL: a.api, StreamURL: a.stream, Log: log})
	}},
	{hyperliquid.Venue, hyperliquid.DefaultAPIURL, hyperliquid.DefaultStreamURL, func(c exchangesConfig, a addresses, log *slog.Logger) feeds.Feed {
		return hyperliquid.New(hyperliquid.Config{APIURL: a.api, StreamURL: a.stream, Watch: c.watch, Log: log})
	}},
	{bitget.Venue, bitget.DefaultAPIURL, bitget.DefaultStreamURL, func(_ exchangesConfig, a addresses, log *slog.Logger) feeds.Feed {
		return bitget.New(bitget.Config{APIURL: a.api, StreamURL: a.stream, Log: log})
	}},
	{gate.Venue, gate.DefaultAPIURL, gate.DefaultStreamURL, func(_ exchangesConfig, a addresses, log *slog.Logger) feeds.Feed {
		return gate.New(gate.Config{APIURL: a.api, StreamURL: a.stream, Log: log})
	}},
}

// exchangesConfig is what SOURCE=exchanges needs.
type exchangesConfig struct {
	venues map[market.Venue]addresses
	// use are the venues to read, all if empty.
	use    []market.Venue
	follow int
	watch  []string
	// tape is what bot record writes to, nil otherwise.
	tape *tape.Writer
}

// venueKeys are the settings of all venues.
func venueKeys() []key {
	var keys []key
	for _, v := range venueFeeds {
		prefix := strings.ToUpper(string(v.name))
		set := func(field func(*addresses) *string) func(c *config, s string) error {
			return func(c *config, s string) error {
				if c.exchanges.venues == nil {
					c.exchanges.venues = make(map[market.Venue]addresses)
				}
				a := c.exchanges.venues[v.name]
				*field(&a) = s
				c.exchanges.venues[v.name] = a
				return nil
			}
		}
		api, stream := set(func(a *addresses) *string { return &a.api }), set(func(a *addresses) *string { return &a.stream })
		keys = append(keys,
			key{name: prefix + "_API_URL", unshown: true, fallback: v.api, set: checked(api, "https", "http")},
			key{name: prefix + "_STREAM_URL", unshown: true, fallback: v.stream, set: checked(stream, "wss", "ws")})
	}
	return keys
}

// checked sets an address that has one of the schemes, without a slash at its end.
func checked(set func(*config, string) error, schemes ...string) func(*config, string) error {
	return func(c *config, v string) error {
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) || u.RawQuery != "" || u.User != nil {
			return fmt.Errorf("not an address of this kind; want one such as %s://api.example.org", schemes[0])
		}
		return set(c, strings.TrimRight(v, "/"))
	}
}

// setVenues reads the list of EXCHANGES.
func setVenues(c *config, v string) error {
	for _, name := range list(v) {
		i := slices.IndexFunc(venueFeeds, func(f venueFeed) bool { return strings.EqualFold(string(f.name), name) })
		if i < 0 {
			return fmt.Errorf("no exchange %q; want some of %s", name, strings.Join(venueNames(), ", "))
		}
		if !slices.Contains(c.exchanges.use, venueFeeds[i].name) {
			c.exchanges.use = append(c.exchanges.use, venueFeeds[i].name)
		}
	}
	return nil
}

func venueNames() []string {
	var names []string
	for _, v := range venueFeeds {
		names = append(names, string(v.name))
	}
	return names
}

func setWatch(c *config, v string) error {
	c.exchanges.watch = list(v)
	return hyperliquid.CheckWatch(c.exchanges.watch)
}

// marketSource is the exchanges' source with the file that it keeps its bars in.
type marketSource struct {
	*exchanges.Source
	file *storage.Market
	// beside keeps what CoinGlass says of the same keys; nil without a key of it.
	beside      *snapshot.Cache
	refuseAfter time.Duration
}

// Run runs the source, and CoinGlass' cache beside it.
func (m *marketSource) Run(ctx context.Context) error {
	if m.beside == nil {
		return m.Source.Run(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return m.Source.Run(ctx) })
	group.Go(func() error { return m.beside.Run(ctx) })
	return group.Wait()
}

// Fetch adds what CoinGlass says, as far as it is there and not too old. It does not wait
// for it.
func (m *marketSource) Fetch(ctx context.Context, key snapshot.Key) (*snapshot.Snapshot, error) {
	s, err := m.Source.Fetch(ctx, key)
	if err != nil || m.beside == nil || !slices.Contains(m.beside.Coins(), key.Coin) {
		return s, err
	}
	m.beside.Want(key)
	if other := m.beside.Get(key); other != nil && other.Age(time.Now()) < m.refuseAfter {
		s.Beside = other
		s.ETF = other.ETF
	}
	return s, nil
}

// feeds is how the venues' feeds are doing, for the metrics.
func (m *marketSource) feeds() []telemetry.VenueFeed {
	var all []telemetry.VenueFeed
	for _, s := range m.Status() {
		f := telemetry.VenueFeed{
			Name: string(s.Venue), Up: s.Up, Newest: s.Newest, ClockOffset: s.ClockOffset,
			Followed: s.Followed, Mapped: s.Mapped, Dropped: make(map[string]uint64),
		}
		for reason, n := range s.Dropped {
			f.Dropped[string(reason)] = n
		}
		all = append(all, f)
	}
	return all
}

// Close closes the file; nothing may run any more.
func (m *marketSource) Close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}

// newFeeds makes the feeds of the venues that are to be read.
func newFeeds(c *config, log *slog.Logger) []feeds.Feed {
	var venues []feeds.Feed
	for _, v := range venueFeeds {
		if len(c.exchanges.use) == 0 || slices.Contains(c.exchanges.use, v.name) {
			venues = append(venues, v.make(c.exchanges, c.exchanges.venues[v.name], log.With(slog.String("venue", string(v.name)))))
		}
	}
	return venues
}

// newExchanges makes the source of the exchanges' own data. patience is how long a first
// map waits for slow venues. When the bot itself has the
// market file open, a command that asks once does without it.
func newExchanges(ctx context.Context, c *config, patience time.Duration, log *slog.Logger) (*marketSource, error) {
	var bars exchanges.Bars = exchanges.NewMemory()
	file, aside, err := storage.OpenMarket(ctx, c.dataDir, time.Now)
	switch {
	case err == nil:
		bars = file
	case !errors.Is(err, storage.ErrLocked):
		return nil, fmt.Errorf("market file: %w", err)
	}
	if aside != "" {
		log.Warn("damaged market file put aside, history is fetched anew", slog.String("file", aside))
	}
	m := &marketSource{file: file, refuseAfter: c.refuse, Source: exchanges.New(exchanges.Config{
		Feeds: newFeeds(c, log), Bars: bars, Coins: c.coins, Follow: c.exchanges.follow, Tape: c.exchanges.tape,
		Quiet: min(45*time.Second, c.stale/2), Patience: patience,
		KeyLevelBand: c.keyBand, SymmetricBand: c.evenBand, Log: log,
	})}
	if c.coinglass.key.Set() {
		vendor, err := newCoinGlass(c, log)
		if err != nil {
			return nil, errors.Join(err, m.Close())
		}
		m.beside = snapshot.NewCache(snapshot.CacheOptions{
			Source: vendor, Every: besideEvery, Idle: idle, MaxKeys: maxKeys, Parallel: 1, Log: log,
		})
	}
	return m, nil
}

// garbage is how much the heap may grow between two collections while it holds the maps of
// a hundred coins, in per cent: they live long, and a small machine should hold them.
const garbage = 33

// spareMemory makes the process smaller, unless the host has set GOGC.
func spareMemory(environ []string) {
	if !slices.ContainsFunc(environ, func(pair string) bool { return strings.HasPrefix(pair, "GOGC=") }) {
		debug.SetGCPercent(garbage)
	}
}

// besideEvery is how often CoinGlass is asked when it stands beside our own map.
const besideEvery = time.Minute
