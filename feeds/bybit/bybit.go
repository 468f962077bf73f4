// Package bybit is the feed of Bybit's linear USDT perpetuals, from its public v5 API
// without a key: https://bybit-exchange.github.io/docs/v5/intro. It turns the venue's
// words into those of package market once, here: open interest that counts both sides is
// halved, names such as 1000PEPEUSDT lose their multiplier, and the side of a reported
// liquidation, which at Bybit is that of the position, is kept. It estimates nothing.
// Goroutines live only within Stream, which waits for them.
package bybit

import (
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
const Venue market.Venue = "Bybit"

// Where Bybit is, https://bybit-exchange.github.io/docs/v5/ws/connect.
const (
	DefaultAPIURL    = "https://api.bybit.com"
	DefaultStreamURL = "wss://stream.bybit.com"
)

// defaultSilence suits tickers that come every 100 ms: nothing at all for this long is
// no quiet market.
const defaultSilence = 15 * time.Second

// Config says where Bybit is and how its streams behave. All may be left out.
type Config struct {
	// APIURL and StreamURL are bases without a path; the defaults if empty.
	APIURL, StreamURL string
	// Silence is how long a connection may bring no data before it is replaced; 15 s
	// if 0.
	Silence time.Duration
	// MinBackoff is the shortest wait before a new connection; 500 ms if 0.
	MinBackoff time.Duration
	// Client sends the requests; one with a timeout of 15 s if nil.
	Client *http.Client
	Log    *slog.Logger
}

// Feed is Bybit. It is safe for concurrent use.
type Feed struct {
	cfg   Config
	rest  *rest.Client
	clock clock.Clock
}

// What the public API of Bybit can serve.
var (
	_ feeds.Feed       = (*Feed)(nil)
	_ feeds.LongShorts = (*Feed)(nil)
	_ feeds.Fundings   = (*Feed)(nil)
	_ feeds.Tiers      = (*Feed)(nil)
	_ feeds.Coverage   = (*Feed)(nil)
)

// New makes a feed; it asks nothing yet.
func New(cfg Config) *Feed {
	if cfg.APIURL == "" {
		cfg.APIURL = DefaultAPIURL
	}
	if cfg.StreamURL == "" {
		cfg.StreamURL = DefaultStreamURL
	}
	if cfg.Silence <= 0 {
		cfg.Silence = defaultSilence
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f := &Feed{cfg: cfg}
	f.rest = rest.New(rest.Config{
		Venue: Venue, URL: strings.TrimSuffix(cfg.APIURL, "/"), Client: cfg.Client, Log: cfg.Log, Judge: f.judge,
		Budgets: []rest.Budget{{Name: requests, Weight: perSecond, Per: time.Second, Burst: burst}},
	})
	return f
}

// Venue implements feeds.Feed.
func (f *Feed) Venue() market.Venue { return Venue }

// LiquidationCoverage implements feeds.Coverage: the topic allLiquidation reports every
// liquidation, at its bankruptcy price.
func (f *Feed) LiquidationCoverage() market.LiquidationCoverage { return market.EveryOrder }

// streamURL is the address of the public stream of linear contracts. The error is for
// good.
func (f *Feed) streamURL() (string, error) {
	u, err := url.Parse(f.cfg.StreamURL)
	if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return "", &feeds.Error{Venue: Venue, Problem: feeds.Blocked, Err: fmt.Errorf("stream address: want ws://host or wss://host")}
	}
	return strings.TrimSuffix(f.cfg.StreamURL, "/") + "/v5/public/linear", nil
}
