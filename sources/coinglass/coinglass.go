// Package coinglass yields snapshots from the CoinGlass API V4: its liquidation
// map, with the price, 7-day range, open interest, funding, realised
// liquidations and spot-ETF flows around it. Only the map and a price are
// essential; any other figure that cannot be had is left out of the snapshot.
//
// The price of a snapshot is the one that the map's reply names. Where the reply
// names none, it is the close of the newest one-minute candle of the coin's main
// pair. Either is a last traded price, not a mark price, and is marked so. The map tells no sides: a level above that same price is a
// short level, one below a long level.
//
// Reading bytes is left to package wire, the arithmetic to package liquidation,
// refreshing in time to snapshot.Cache. The package leaves no goroutine behind:
// Fetch waits for those it starts.
package coinglass

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/secret"
	"liqbot/snapshot"
	"liqbot/sources/coinglass/wire"
)

// DefaultURL is the address of the API.
const DefaultURL = "https://open-api-v4.coinglass.com"

// name is what readers know the vendor by.
const name = "CoinGlass"

// Config is what a Source needs. Only Key has no useful zero value.
type Config struct {
	// Key is sent in the header CG-API-KEY. A Source without one asks nothing and
	// answers snapshot.Unauthorized.
	Key secret.Secret
	// URL is the address of the API; empty means DefaultURL.
	URL string
	// Exchange picks the pair map of one exchange, which tells leverage tiers;
	// empty means the aggregated map of all exchanges.
	Exchange market.Venue
	// KeyLevelBand and SymmetricBand go to liquidation.Map.Summarise, fractions of
	// the price; zero means the defaults of package liquidation.
	KeyLevelBand, SymmetricBand float64
	// Client makes the requests; nil means one of our own. Its Timeout bounds one
	// try. Redirects are never followed, whatever the client says.
	Client *http.Client
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Log gets a line when an optional figure fails or comes back; nil means none.
	Log *slog.Logger
	// Retry says how requests are repeated that failed for a passing reason.
	Retry Retry
}

// Retry bounds the repeating of a request after a server or network error. The
// pause doubles each time and is spread by half of itself either way.
type Retry struct {
	// Tries is the greatest number of tries in all; zero means 3.
	Tries uint
	// First and Longest bound the pause; zero means 300 ms and 3 s.
	First, Longest time.Duration
}

// Source is CoinGlass. It is safe for concurrent use.
type Source struct {
	exchange                    market.Venue
	keyLevelBand, symmetricBand float64
	client                      *client
	now                         func() time.Time
	log                         *slog.Logger

	coins       *shelf[[]market.Coin]
	instruments *shelf[instruments]
	minutes     *shelf[candles]
	hours       *shelf[candles]
	liquidated  *shelf[wire.Liquidated]
	interest    *shelf[wire.OpenInterest]
	fundings    *shelf[wire.Fundings]
	flows       *shelf[[]wire.FlowDay]
	coverage    coverage
}

var _ snapshot.Source = (*Source)(nil)

// New checks the configuration and returns a Source. It asks nothing of the API.
func New(cfg Config) (*Source, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("coinglass: %w", err)
	}
	s := &Source{
		exchange:      cfg.Exchange,
		keyLevelBand:  cfg.KeyLevelBand,
		symmetricBand: cfg.SymmetricBand,
		client:        newClient(cfg),
		now:           cfg.Now,
		log:           cfg.Log,
	}
	s.stock()
	return s, nil
}

// complete puts defaults in the place of zeros and checks the rest.
func (cfg *Config) complete() error {
	if cfg.URL == "" {
		cfg.URL = DefaultURL
	}
	cfg.URL = strings.TrimRight(cfg.URL, "/")
	if err := checkURL(cfg.URL); err != nil {
		return err
	}
	if strings.ContainsFunc(cfg.Key.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the API key holds a space or a character that keys do not have: copy it again")
	}
	for _, band := range []float64{cfg.KeyLevelBand, cfg.SymmetricBand} {
		if band < 0 || band >= 1 || !market.Finite(band) {
			return fmt.Errorf("band %v: want a fraction between 0 and 1, such as 0.06", band)
		}
	}
	orDefault(&cfg.KeyLevelBand, liquidation.KeyLevelBand)
	orDefault(&cfg.SymmetricBand, liquidation.SymmetricBand)
	orDefault(&cfg.Retry.Tries, 3)
	orDefault(&cfg.Retry.First, 300*time.Millisecond)
	orDefault(&cfg.Retry.Longest, 3*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

func orDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// checkURL does not repeat the address in its errors: it may hold a password.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("the API's address is no web address: want one like %s", DefaultURL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("the API's address has more than host and path: want one like %s", DefaultURL)
	default:
		return nil
	}
}

// stock sets up the shelves: how long each figure is used without asking anew,
// and how long a failing one is shown. The vendor refreshes these figures every
// few seconds to a minute, ETF flows once a day.
func (s *Source) stock() {
	const day = 24 * time.Hour
	s.coins = newShelf[[]market.Coin](s, "supported coins", time.Hour, 7*day)
	s.instruments = newShelf[instruments](s, "instruments", time.Hour, 7*day)
	s.minutes = newShelf[candles](s, "price", 5*time.Second, 15*time.Minute)
	s.minutes.pause = 5 * time.Second
	s.hours = newShelf[candles](s, "price range", time.Minute, 6*time.Hour)
	s.liquidated = newShelf[wire.Liquidated](s, "liquidations", time.Minute, 30*time.Minute)
	s.interest = newShelf[wire.OpenInterest](s, "open interest", time.Minute, 30*time.Minute)
	s.fundings = newShelf[wire.Fundings](s, "funding", 2*time.Minute, time.Hour)
	s.flows = newShelf[[]wire.FlowDay](s, "ETF flows", 10*time.Minute, day)
}

// Name is "CoinGlass".
func (s *Source) Name() string { return name }

// mainCoins come first in any list.
func mainCoins() []market.Coin { return []market.Coin{"BTC", "ETH", "SOL"} }

// Coins lists the coins that the vendor supports, in its order but for the main
// ones, which come first. It is asked for once an hour. The error is a
// *snapshot.Error.
func (s *Source) Coins(ctx context.Context) ([]market.Coin, error) {
	listed, err := s.coins.get(ctx, "", s.fetchCoins)
	if err != nil {
		return nil, fmt.Errorf("coinglass: coins: %w", err)
	}
	return slices.Clone(listed.value), nil
}

func (s *Source) fetchCoins(ctx context.Context) ([]market.Coin, error) {
	names, err := read(ctx, s.client, supportedCoins, nil, wire.DecodeCoins)
	if err != nil {
		return nil, err
	}
	coins := make([]market.Coin, 0, len(names))
	for _, n := range names {
		if coin, err := market.ParseCoin(n); err == nil && !slices.Contains(mainCoins(), coin) {
			coins = append(coins, coin)
		}
	}
	first := slices.DeleteFunc(mainCoins(), func(c market.Coin) bool { return !slices.Contains(names, string(c)) })
	if len(first)+len(coins) == 0 {
		return nil, s.client.refuse(supportedCoins, snapshot.BadData, "", errors.New("no coin in the list"))
	}
	return append(first, coins...), nil
}
