// Package hyperliquid reads the public data of Hyperliquid's perpetuals: the contexts of
// all contracts over one WebSocket, and candles, funding and margin tables over POST
// /info. Hyperliquid reports no liquidations of everybody: what is told are those in the
// fills of some watched accounts. It keeps no past open interest and no mark candles, so
// neither is yielded. A Feed owns no goroutine outside its calls.
//
// The wire format is described at
// https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api.
package hyperliquid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
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
const Venue market.Venue = "Hyperliquid"

// Where the venue is.
const (
	DefaultAPIURL    = "https://api.hyperliquid.xyz"
	DefaultStreamURL = "wss://api.hyperliquid.xyz"
)

// MaxWatch is how many accounts the venue lets one address of the internet watch.
const MaxWatch = 10

// defaultSilence is long for a stream that tells each contract once a second, and short
// enough for the pings that follow it: the venue ends connections to which it has sent
// nothing for 60 s.
const defaultSilence = 20 * time.Second

// Config says how a feed behaves. The zero value reads the real venue.
type Config struct {
	// APIURL and StreamURL are the bases, without a path; the real ones if empty.
	APIURL, StreamURL string
	// Silence is how long no data may come before the stream connects anew; 20 s if 0.
	Silence time.Duration
	// MinBackoff is the least wait before a new connection; a second if 0.
	MinBackoff time.Duration
	// Watch are the accounts in whose fills liquidations are looked for: "0x" and 40
	// hexadecimal digits, at most MaxWatch. A liquidation shows in the fills of the account
	// that was liquidated and in those of whoever traded against it, so that accounts of
	// large market makers show other people's. None if empty, and then no liquidations.
	// What CheckWatch refuses is left out.
	Watch []string
	// Client makes requests and handshakes; one with a timeout of 15 s if nil.
	Client *http.Client
	Log    *slog.Logger
}

// The budgets. The venue allows 1200 a minute; all with their bursts stay below it. The
// stream and the clock have their own, so that a long pull of history does not hold them
// up, which would also make the time wrong.
const (
	historyBudget = "history"
	streamBudget  = "stream"
	clockBudget   = "clock"
)

// The venue allows 30 new connections a minute. A host that changes what it follows begins
// streams anew: those wait here, and what is left is for connections that were lost.
const (
	dialRate  = rate.Limit(12.0 / 60)
	dialBurst = 8
)

// Feed is Hyperliquid. It is safe for concurrent use.
type Feed struct {
	cfg   Config
	watch []string
	rest  *rest.Client

	listings *kept[*listing]
	// newest is the last listing, however old.
	newest atomic.Pointer[listing]
	fills  *kept[[]pastFill]
	clock  clock.Clock
	// dials spaces out the connections that callers begin.
	dials *rate.Limiter
}

var (
	_ feeds.Feed             = (*Feed)(nil)
	_ feeds.Fundings         = (*Feed)(nil)
	_ feeds.Tiers            = (*Feed)(nil)
	_ feeds.PastLiquidations = (*Feed)(nil)
	_ feeds.Coverage         = (*Feed)(nil)
)

// New makes a feed. It asks nothing yet.
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
	if cfg.MinBackoff <= 0 {
		cfg.MinBackoff = time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := CheckWatch(cfg.Watch); err != nil {
		cfg.Log.Warn("accounts left out", slog.Any("err", err))
	}
	return &Feed{
		cfg:   cfg,
		watch: watched(cfg.Watch),
		rest: rest.New(rest.Config{
			Venue: Venue, URL: strings.TrimRight(cfg.APIURL, "/"), Client: cfg.Client, Log: cfg.Log, Judge: judge,
			Budgets: []rest.Budget{
				{Name: historyBudget, Weight: 930, Per: time.Minute, Burst: 120},
				{Name: streamBudget, Weight: 40, Per: time.Minute, Burst: 40},
				{Name: clockBudget, Weight: 20, Per: time.Minute, Burst: 10},
			},
		}),
		listings: newKept[*listing](),
		fills:    newKept[[]pastFill](),
		dials:    rate.NewLimiter(dialRate, dialBurst),
	}
}

var address = regexp.MustCompile(`^0[xX][0-9a-fA-F]{40}$`)

// CheckWatch says what is wrong with a list of accounts to watch; nil if nothing is.
func CheckWatch(accounts []string) error {
	for i, a := range accounts {
		if !address.MatchString(a) {
			return fmt.Errorf("account %d: want 0x and 40 hexadecimal digits", i+1)
		}
	}
	if n := len(distinct(accounts)); n > MaxWatch {
		return fmt.Errorf("%d accounts: the venue allows %d", n, MaxWatch)
	}
	return nil
}

// watched is what of a list can be watched.
func watched(accounts []string) []string {
	good := distinct(slices.DeleteFunc(slices.Clone(accounts), func(a string) bool { return !address.MatchString(a) }))
	return good[:min(len(good), MaxWatch)]
}

func distinct(accounts []string) []string {
	var all []string
	for _, a := range accounts {
		if a = strings.ToLower(a); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// Venue implements feeds.Feed.
func (f *Feed) Venue() market.Venue { return Venue }

// LiquidationCoverage implements feeds.Coverage: none without accounts to watch.
func (f *Feed) LiquidationCoverage() market.LiquidationCoverage {
	if len(f.watch) == 0 {
		return ""
	}
	return market.Watched
}

// ServerTime implements feeds.Clock. The venue tells the time of its newest block, which is
// 0.1 to 0.3 s ago.
func (f *Feed) ServerTime(ctx context.Context) (time.Time, error) {
	before := time.Now()
	body, err := f.ask(ctx, cost{clockBudget, 2}, struct {
		Type string `json:"type"`
	}{"exchangeStatus"})
	if err != nil {
		return time.Time{}, err
	}
	var at time.Time
	j := jx.DecodeBytes(body)
	err = fields(j, func(key []byte) (err error) {
		if string(key) != "time" {
			return j.Skip()
		}
		at, _, err = wire.Time(j)
		return err
	})
	if err == nil && at.IsZero() {
		err = fmt.Errorf("%w: no time", wire.ErrType)
	}
	if err != nil {
		return time.Time{}, badData("exchangeStatus", err)
	}
	f.clock.Measure(at, before, time.Now(), clockLag)
	return at, nil
}

type cost struct {
	budget string
	weight int
}

// ask posts a request that is about no contract.
func (f *Feed) ask(ctx context.Context, c cost, request any) ([]byte, error) {
	body, err := f.askContract(ctx, c, request)
	if e, ok := errors.AsType[*feeds.Error](err); ok && e.Problem == feeds.NotListed {
		return nil, &feeds.Error{Venue: Venue, Problem: feeds.Unavailable, Err: e.Err}
	}
	return body, err
}

// askContract posts a request about a contract: "null" means that it does not exist.
func (f *Feed) askContract(ctx context.Context, c cost, request any) ([]byte, error) {
	content, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	return f.rest.Post(ctx, "/info", content, rest.Cost{Budget: c.budget, Weight: c.weight})
}

// judge knows the venue's own errors: it answers what it cannot find with "null", and with
// status 500 at that, and what it cannot read with a text.
func judge(status int, _ http.Header, body []byte) error {
	null := string(bytes.TrimSpace(body)) == "null"
	switch {
	case null && (status == http.StatusOK || status == http.StatusInternalServerError):
		return &feeds.Error{Venue: Venue, Problem: feeds.NotListed, Err: fmt.Errorf("HTTP %d: null", status)}
	case status == http.StatusUnprocessableEntity, status == http.StatusUnsupportedMediaType, status == http.StatusMethodNotAllowed:
		return &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: fmt.Errorf("HTTP %d: %.100q", status, body)}
	}
	return nil
}

func badData(what string, err error) error {
	return &feeds.Error{Venue: Venue, Problem: feeds.BadData, Err: fmt.Errorf("decode %s: %w", what, err)}
}

// paged is the weight of a request that costs 20 and one for each per rows.
func paged(rows, per int) int { return 20 + (max(rows, 0)+per-1)/per }
