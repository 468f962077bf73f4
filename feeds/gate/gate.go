// Package gate is the feed of Gate's USDT perpetuals: its API v4 and its futures
// WebSocket. Sizes on the wire are contracts; this package makes coins of them with the
// contract's quanto_multiplier, once. It asks for decimal sizes, without which Gate
// rounds fractions of a contract down. Stream owns its goroutines and waits for them.
//
// The formats are those of https://www.gate.com/docs/developers/apiv4/ and
// https://www.gate.com/docs/developers/futures/ws/en/.
package gate

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/clock"
	"liqbot/feeds/rest"
	"liqbot/market"
)

// Venue is the name that readers know.
const Venue market.Venue = "Gate"

// Where Gate is. Both are bases: the feed adds the paths.
const (
	DefaultAPIURL    = "https://api.gateio.ws"
	DefaultStreamURL = "wss://fx-ws.gateio.ws"
)

const (
	apiPath    = "/api/v4"
	streamPath = "/v4/ws/usdt" // without the currency Gate serves coin-settled contracts
	// defaultSilence allows for quiet contracts, which are silent for half a minute.
	defaultSilence = time.Minute
)

// Config says where Gate is and how patient the feed is. The zero value is right.
type Config struct {
	// APIURL and StreamURL are the defaults if empty. Paths that Gate's own addresses
	// have may be part of them.
	APIURL, StreamURL string
	// Silence is how long no data may come before a stream connects anew; a minute if 0.
	Silence time.Duration
	// MinBackoff is the least wait before a new connection; 500 ms if 0.
	MinBackoff time.Duration
	Client     *http.Client
	Log        *slog.Logger
}

// Feed is Gate. It is safe for concurrent use.
type Feed struct {
	cfg    Config
	rest   *rest.Client
	limits *limits
	clock  clock.Clock
	stats  statsCache
}

var (
	_ feeds.Feed             = (*Feed)(nil)
	_ feeds.LongShorts       = (*Feed)(nil)
	_ feeds.Fundings         = (*Feed)(nil)
	_ feeds.Tiers            = (*Feed)(nil)
	_ feeds.PastLiquidations = (*Feed)(nil)
	_ feeds.Coverage         = (*Feed)(nil)
)

// New makes the feed. It asks for nothing yet.
func New(cfg Config) *Feed {
	cfg.APIURL = base(cfg.APIURL, DefaultAPIURL, apiPath)
	cfg.StreamURL = base(cfg.StreamURL, DefaultStreamURL, streamPath)
	if cfg.Silence <= 0 {
		cfg.Silence = defaultSilence
	}
	if cfg.MinBackoff <= 0 {
		cfg.MinBackoff = 500 * time.Millisecond
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f := &Feed{cfg: cfg, limits: &limits{}}
	f.rest = rest.New(rest.Config{
		Venue: Venue, URL: cfg.APIURL + apiPath, Budgets: budgets(), Judge: f.limits.judge,
		Header: decimals(), Client: cfg.Client, Log: cfg.Log,
	})
	return f
}

// base is an address without the path that the feed adds itself.
func base(given, otherwise, path string) string {
	if given == "" {
		return otherwise
	}
	return strings.TrimSuffix(strings.TrimRight(given, "/"), path)
}

// decimals asks for sizes with fractions.
func decimals() http.Header { return http.Header{"X-Gate-Size-Decimal": {"1"}} }

// Venue implements feeds.Feed.
func (f *Feed) Venue() market.Venue { return Venue }

// LiquidationCoverage implements feeds.Coverage. Since 2026-08-20 Gate sends every order,
// collected for a second; before that it was one for a contract and second.
func (f *Feed) LiquidationCoverage() market.LiquidationCoverage { return market.EveryOrder }

// ServerTime implements feeds.Clock.
func (f *Feed) ServerTime(ctx context.Context) (time.Time, error) {
	before := time.Now()
	body, err := f.get(ctx, pathTime, nil)
	if err != nil {
		return time.Time{}, err
	}
	at, err := decodeTime(body)
	if err != nil {
		return time.Time{}, bad(pathTime, err)
	}
	f.clock.Measure(at, before, time.Now(), 0)
	return at, nil
}

// get asks for a path at the cost of one request to it.
func (f *Feed) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	if err := f.limits.wait(ctx); err != nil {
		return nil, err
	}
	return f.rest.Get(ctx, path, query, rest.Cost{Budget: path, Weight: 1})
}

// bad is an answer that cannot be.
func bad(path string, err error) error {
	return &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: fmt.Errorf("decode %s: %w", path, err)}
}

const (
	// clockAge is how long a measured difference of the clocks is believed.
	clockAge = 10 * time.Minute
	// clockRest is how long a clock that could not be measured is left alone.
	clockRest = 30 * time.Second
	// mostAhead is how far ahead Gate's clock is believed to be while nothing is known.
	mostAhead = time.Hour
)

// now is Gate's time, measured when that is due.
func (f *Feed) now(ctx context.Context) time.Time {
	return f.clock.Ask(ctx, clockAge, clockRest, f.ServerTime, f.cfg.Log)
}

// latest is what Gate's time can be at most.
func (f *Feed) latest() time.Time { return f.clock.Latest(0, mostAhead) }
