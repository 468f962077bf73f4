// Package okx is the feed of OKX: its linear USDT swaps over the public V5 API, which
// needs no key. It turns the venue's contracts (size x ctVal x ctMult) into coins at this
// edge and leaves out what is not a crypto swap settled in USDT, also on the stream of
// forced orders, which always tells those of all swaps. It estimates nothing and keeps
// nothing. Stream owns its goroutines and has ended them when it returns.
//
// Wire format: https://www.okx.com/docs-v5/en/
package okx

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"golang.org/x/time/rate"

	"liqbot/feeds"
	"liqbot/feeds/clock"
	"liqbot/feeds/rest"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// Venue is the name that readers know.
const Venue market.Venue = "OKX"

// Where the venue is by default.
const (
	DefaultAPIURL    = "https://openapi.okx.com"
	DefaultStreamURL = "wss://ws.okx.com:8443"
)

// DefaultSilence is three times the longest that the venue goes without telling a mark
// price that does not move.
const DefaultSilence = 30 * time.Second

// Config says where the venue is and how its stream behaves. All may be left out.
type Config struct {
	// APIURL and StreamURL are bases without a path; the feed adds /api/v5/… and
	// /ws/v5/public.
	APIURL, StreamURL string
	// Silence is how long no market data may come before a connection is replaced;
	// DefaultSilence if 0.
	Silence time.Duration
	// MinBackoff is the least wait before a new connection; 500 ms if 0.
	MinBackoff time.Duration
	// Client sends requests and makes handshakes; one with a timeout of 15 s if nil.
	Client *http.Client
	// Log is told of what is wrong; nothing is logged if nil.
	Log *slog.Logger
}

// Feed is the venue. It is safe for concurrent use.
type Feed struct {
	cfg    Config
	client *rest.Client
	limits *limits
	clock  clock.Clock
	// dials keeps handshakes below the three a second that the venue allows an address.
	dials *rate.Limiter
	log   *slog.Logger
}

var (
	_ feeds.Feed          = (*Feed)(nil)
	_ feeds.LongShorts    = (*Feed)(nil)
	_ feeds.Fundings      = (*Feed)(nil)
	_ feeds.Tiers         = (*Feed)(nil)
	_ feeds.OpenInterests = (*Feed)(nil)
	_ feeds.Coverage      = (*Feed)(nil)
)

// New makes a feed. It asks for nothing.
func New(cfg Config) *Feed {
	if cfg.APIURL == "" {
		cfg.APIURL = DefaultAPIURL
	}
	if cfg.StreamURL == "" {
		cfg.StreamURL = DefaultStreamURL
	}
	cfg.APIURL, cfg.StreamURL = strings.TrimRight(cfg.APIURL, "/"), strings.TrimRight(cfg.StreamURL, "/")
	if cfg.Silence <= 0 {
		cfg.Silence = DefaultSilence
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 15 * time.Second}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Feed{
		cfg: cfg, limits: newLimits(), dials: rate.NewLimiter(2, 1), log: cfg.Log,
		client: rest.New(rest.Config{
			Venue: Venue, URL: cfg.APIURL, Client: cfg.Client, Log: cfg.Log, Judge: judge,
			Budgets: []rest.Budget{overall},
		}),
	}
}

// Venue implements feeds.Feed.
func (f *Feed) Venue() market.Venue { return Venue }

// LiquidationCoverage implements feeds.Coverage: the venue says that the channel does not
// tell all, at most one order a second and contract.
//
// https://www.okx.com/docs-v5/en/#public-data-websocket-liquidation-orders-channel
func (f *Feed) LiquidationCoverage() market.LiquidationCoverage { return market.Sampled }

// ServerTime implements feeds.Clock.
//
// https://www.okx.com/docs-v5/en/#public-data-rest-api-get-system-time
func (f *Feed) ServerTime(ctx context.Context) (time.Time, error) {
	body, err := f.ask(ctx, timeNow, "", nil)
	if err != nil {
		return time.Time{}, err
	}
	var at time.Time
	_, err = rows(body, func(d *jx.Decoder) error {
		return d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
			if string(key) != "ts" {
				return d.Skip()
			}
			at, _, err = wire.Time(d)
			return err
		})
	})
	if err != nil || at.IsZero() {
		return time.Time{}, badData("time", err)
	}
	f.clock.Compare(at, maxSkew)
	return at, nil
}
