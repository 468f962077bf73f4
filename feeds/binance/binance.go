// Package binance is the feed of Binance's USD-margined futures: the contracts, the
// market streams, the polled open interest and the history that its public API serves
// without a key. It asks within the venue's weights, slows down by the venue's own count
// of them, and turns everything into coins and USD for one coin here and nowhere later.
// The leverage tiers, which the venue tells only with a key, come from a dated table
// until the stream brings newer ones.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info
package binance

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/clock"
	"liqbot/feeds/rest"
	"liqbot/market"
)

// Venue is the name that readers know.
const Venue market.Venue = "Binance"

// The addresses of the venue.
const (
	DefaultAPIURL    = "https://fapi.binance.com"
	DefaultStreamURL = "wss://fstream.binance.com"
)

// Config says where the venue is and how patient to be. The zero value is the real venue.
type Config struct {
	// APIURL and StreamURL are the bases, without a path; the Default ones if empty.
	APIURL, StreamURL string
	// Silence is how long no mark price may come before the stream connects anew; 30 s
	// if 0.
	Silence time.Duration
	// MinBackoff is the shortest wait before a new connection; half a second if 0.
	MinBackoff time.Duration
	// Client sends requests and makes handshakes; one with a timeout of 15 s if nil.
	Client *http.Client
	// Log may be nil.
	Log *slog.Logger
}

// Feed is the venue. It is safe for concurrent use.
type Feed struct {
	cfg  Config
	rest *rest.Client
	// fullAt is the used weight of a minute from which on requests wait for the next one.
	fullAt atomic.Int64
	clock  clock.Clock

	mu sync.Mutex
	// live are tiers that the stream told, by symbol.
	live map[string]market.LeverageTiers
	// intervals are the funding intervals that differ from the usual one, by symbol; nil
	// until they are known.
	intervals map[string]time.Duration
}

var (
	_ feeds.Feed       = (*Feed)(nil)
	_ feeds.LongShorts = (*Feed)(nil)
	_ feeds.Fundings   = (*Feed)(nil)
	_ feeds.Tiers      = (*Feed)(nil)
	_ feeds.Coverage   = (*Feed)(nil)
)

// The limits of the venue, all for an IP address: 2400 weight a minute, of which polling
// may not take what history needs; 1000 requests in five minutes below /futures/data; 500
// in five minutes for funding. What is spent in any such span is the weight and the burst.
const (
	weight  = "weight"
	polling = "polling"
	stats   = "statistics"
	funding = "funding"

	// minuteWeight is the venue's limit unless its list of contracts says otherwise.
	minuteWeight = 2400
	// pollsAMinute is the share of it that polling may take.
	pollsAMinute = 600
)

func budgets() []rest.Budget {
	return []rest.Budget{
		{Name: weight, Weight: 1400, Per: time.Minute, Burst: 200},
		{Name: polling, Weight: pollsAMinute, Per: time.Minute, Burst: 10},
		{Name: stats, Weight: 800, Per: 5 * time.Minute, Burst: 150},
		{Name: funding, Weight: 350, Per: 5 * time.Minute, Burst: 100},
	}
}

// New makes a feed. It asks nothing yet.
func New(cfg Config) *Feed {
	if cfg.APIURL == "" {
		cfg.APIURL = DefaultAPIURL
	}
	if cfg.StreamURL == "" {
		cfg.StreamURL = DefaultStreamURL
	}
	if cfg.Silence <= 0 {
		cfg.Silence = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f := &Feed{cfg: cfg, live: make(map[string]market.LeverageTiers)}
	f.limit(minuteWeight)
	f.rest = rest.New(rest.Config{
		Venue: Venue, URL: strings.TrimSuffix(cfg.APIURL, "/"), Budgets: budgets(), Judge: f.judge, Client: cfg.Client, Log: cfg.Log,
	})
	return f
}

// Venue implements feeds.Feed.
func (f *Feed) Venue() market.Venue { return Venue }

// LiquidationCoverage implements feeds.Coverage: at most one order, the largest, of each
// contract in a second.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/All-Market-Liquidation-Order-Streams
func (f *Feed) LiquidationCoverage() market.LiquidationCoverage { return market.Sampled }
