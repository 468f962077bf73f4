package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/coinglass"
	"liqbot/sources/demo"
	"liqbot/sources/recorded"
)

// How long the first map of a coin waits for exchanges that are slower than the first: a
// member is shown what there is, a command that ends should show all.
const (
	whileServing  = 6 * time.Second
	whenAskedOnce = 25 * time.Second
)

// newSource makes the source that the configuration names. To add a source, add
// its folder under sources/ and its case here.
// patience is how long the first map of a coin waits for slow exchanges.
func newSource(ctx context.Context, c *config, patience time.Duration, log *slog.Logger) (snapshot.Source, error) {
	switch c.source {
	case sourceExchanges:
		return newExchanges(ctx, c, patience, log)
	case sourceCoinGlass:
		return newCoinGlass(c, log)
	case sourceRecorded:
		s, err := recorded.New(recorded.Options{
			Path: c.recorded.file, Speed: c.recorded.speed, KeyLevelBand: c.keyBand, SymmetricBand: c.evenBand, Log: log,
		})
		if err != nil {
			return nil, fmt.Errorf("%w: RECORDED_FILE: %w", errUsage, err)
		}
		return s, nil
	default:
		return demo.New(recorded.Options{Speed: c.demoSpeed, KeyLevelBand: c.keyBand, SymmetricBand: c.evenBand, Log: log})
	}
}

func newCoinGlass(c *config, log *slog.Logger) (*coinglass.Source, error) {
	s, err := coinglass.New(coinglass.Config{
		Key:           c.coinglass.key,
		URL:           c.coinglass.url,
		Exchange:      c.coinglass.exchange,
		KeyLevelBand:  c.keyBand,
		SymmetricBand: c.evenBand,
		Log:           log,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: settings: %w", errUsage, err)
	}
	return s, nil
}

// Refresh periods where none is set: a replay costs nothing, a vendor counts
// requests.
const (
	replayEvery = time.Second
	vendorEvery = 30 * time.Second
	// liveEvery is how often what the exchanges' streams have told is made a picture.
	liveEvery = 2 * time.Second
)

// Bounds of the cache.
const (
	maxKeys  = 240
	parallel = 4
	// idle is how long a coin that is not in COINS is kept fresh after it was asked
	// for.
	idle = 5 * time.Minute
)

func newCache(c *config, source snapshot.Source, log *slog.Logger, observe func(error), publish func(*snapshot.Snapshot)) *snapshot.Cache {
	every := c.refresh
	if every == 0 {
		switch c.source {
		case sourceCoinGlass:
			every = vendorEvery
		case sourceExchanges:
			every = liveEvery
		default:
			every = replayEvery
		}
	}
	var warm []snapshot.Key
	for _, coin := range c.coins {
		for _, window := range market.Windows() {
			warm = append(warm, snapshot.Key{Coin: coin, Window: window})
		}
	}
	var coinsEvery time.Duration
	if c.source == sourceExchanges {
		coinsEvery = time.Minute // it costs nothing, and an exchange may come back
	}
	return snapshot.NewCache(snapshot.CacheOptions{
		Source:     source,
		CoinsEvery: coinsEvery,
		Warm:       warm,
		Every:      every,
		Idle:       idle,
		MaxKeys:    maxKeys,
		Parallel:   parallel,
		Log:        log,
		Observe:    func(_ snapshot.Key, _ *snapshot.Snapshot, err error) { observe(err) },
		Publish:    publish,
	})
}

// fetchOnce fetches one key, for commands that run and end.
type fetchOnce struct {
	source snapshot.Source
	coins  []market.Coin
	err    error
}

// runner is a source that has to run to know anything.
type runner interface {
	Run(ctx context.Context) error
}

// inBackground runs a source that has to run; stop ends it and closes what it holds.
func inBackground(ctx context.Context, source snapshot.Source) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if r, ok := source.(runner); ok {
			_ = r.Run(ctx) // it ends with the context only
		}
	}()
	return func() {
		cancel()
		<-ended
		if c, ok := source.(io.Closer); ok {
			_ = c.Close() // what is in the file can be fetched again
		}
	}
}

// newFetchOnce lists the source's coins. Without a list it is content with the
// usual ones: fetching then says what is wrong.
func newFetchOnce(ctx context.Context, source snapshot.Source, usual []market.Coin) *fetchOnce {
	f := &fetchOnce{source: source}
	if f.coins, f.err = source.Coins(ctx); f.err != nil {
		f.coins = usual
	}
	return f
}

func (f *fetchOnce) Get(snapshot.Key) *snapshot.Snapshot { return nil }
func (f *fetchOnce) Coins() []market.Coin                { return f.coins }
func (f *fetchOnce) Source() string                      { return f.source.Name() }

func (f *fetchOnce) Wait(ctx context.Context, key snapshot.Key) (*snapshot.Snapshot, error) {
	var s *snapshot.Snapshot
	s, f.err = f.source.Fetch(ctx, key)
	if errors.Is(f.err, context.DeadlineExceeded) {
		// Nothing goes on fetching, so there is nothing to wait for.
		f.err = &snapshot.Error{Problem: snapshot.Unavailable, Hint: "the source did not answer in time"}
	}
	return s, f.err
}

func (f *fetchOnce) LastFailure() *snapshot.Failure {
	if f.err == nil {
		return nil
	}
	return &snapshot.Failure{At: time.Now(), Err: f.err}
}
