// Package bitget is the feed of Bitget's USDT perpetuals. Bitget has two generations of
// its public API: history and contracts are read from the classic one (v2), tickers and
// liquidations from the unified one (v3), which alone has liquidations. Sizes on the wire
// are base coins, in thousands for names such as 1000BONKUSDT. Bitget keeps no history of
// open interest. Stream owns its goroutines and waits for them.
//
// The formats are those of https://www.bitget.com/docs/classic/ and
// https://www.bitget.com/docs/uta/.
package bitget

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"liqbot/feeds"
	"liqbot/feeds/clock"
	"liqbot/feeds/rest"
	"liqbot/market"
)

// Venue is the name that readers know.
const Venue market.Venue = "Bitget"

// Where Bitget is. Both are bases: the feed adds the paths.
const (
	DefaultAPIURL    = "https://api.bitget.com"
	DefaultStreamURL = "wss://ws.bitget.com"
)

const (
	streamPath = "/v3/ws/public"
	// defaultSilence is long for tickers that come several times a second.
	defaultSilence = 30 * time.Second
)

// Config says where Bitget is and how patient the feed is. The zero value is right.
type Config struct {
	// APIURL and StreamURL are the defaults if empty. The path of Bitget's own socket may
	// be part of StreamURL.
	APIURL, StreamURL string
	// Silence is how long no data may come before a stream connects anew; 30 s if 0.
	Silence time.Duration
	// MinBackoff is the least wait before a new connection; 500 ms if 0.
	MinBackoff time.Duration
	// Amount is the unit of a liquidation's amount, over which Bitget's pages and its
	// observers disagree. Measured if empty: USD, unless the prints say clearly coins. What
	// the prints say against a unit that is given is logged.
	Amount Unit
	Client *http.Client
	Log    *slog.Logger
}

// Feed is Bitget. It is safe for concurrent use.
type Feed struct {
	cfg     Config
	rest    *rest.Client
	limits  *limits
	clock   clock.Clock
	amounts *Amounts
	// dials spaces out the connections that callers begin.
	dials *rate.Limiter
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
	if cfg.APIURL == "" {
		cfg.APIURL = DefaultAPIURL
	}
	if cfg.StreamURL == "" {
		cfg.StreamURL = DefaultStreamURL
	}
	cfg.APIURL = strings.TrimRight(cfg.APIURL, "/")
	cfg.StreamURL = strings.TrimSuffix(strings.TrimRight(cfg.StreamURL, "/"), streamPath)
	if cfg.Silence <= 0 {
		cfg.Silence = defaultSilence
	}
	if cfg.MinBackoff <= 0 {
		cfg.MinBackoff = 500 * time.Millisecond
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f := &Feed{cfg: cfg, limits: &limits{until: make(map[string]time.Time)}, amounts: NewAmounts(cfg.Amount), dials: rate.NewLimiter(dialRate, dialBurst)}
	f.amounts.differs = func(seem Unit) {
		cfg.Log.Warn("liquidations seem to be in another unit", slog.String("unit", string(seem)), slog.Bool("believed", cfg.Amount == Measured))
	}
	f.rest = rest.New(rest.Config{
		Venue: Venue, URL: cfg.APIURL, Budgets: budgets(), Judge: judge, Client: f.limits.watched(cfg.Client), Log: cfg.Log,
	})
	return f
}

// Venue implements feeds.Feed.
func (f *Feed) Venue() market.Venue { return Venue }

// LiquidationCoverage implements feeds.Coverage: Bitget sends the largest order of each
// side and contract, once a second.
func (f *Feed) LiquidationCoverage() market.LiquidationCoverage { return market.Sampled }

// OpenInterest implements feeds.History. Bitget has no such history: it returns nil.
func (f *Feed) OpenInterest(context.Context, market.Contract, time.Time, time.Time) ([]market.OpenInterestPoint, error) {
	return nil, nil
}

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
	if err := f.limits.wait(ctx, path); err != nil {
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
	// mostAhead is how far ahead Bitget's clock is believed to be while nothing is known.
	mostAhead = time.Hour
)

// now is Bitget's time, measured when that is due.
func (f *Feed) now(ctx context.Context) time.Time {
	return f.clock.Ask(ctx, clockAge, clockRest, f.ServerTime, f.cfg.Log)
}

// latest is what Bitget's time can be at most.
func (f *Feed) latest() time.Time { return f.clock.Latest(0, mostAhead) }
