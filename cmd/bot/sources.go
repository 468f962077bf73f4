package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/coinglass"
	"liqbot/sources/demo"
	"liqbot/sources/recorded"
)

// newSource makes the source that the configuration names. To add a source, add
// its folder under sources/ and its case here.
func newSource(c *config, log *slog.Logger) (snapshot.Source, error) {
	switch c.source {
	case sourceCoinGlass:
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

// Refresh periods where none is set: a replay costs nothing, a vendor counts
// requests.
const (
	replayEvery = time.Second
	vendorEvery = 30 * time.Second
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
		every = replayEvery
		if c.source == sourceCoinGlass {
			every = vendorEvery
		}
	}
	var warm []snapshot.Key
	for _, coin := range c.coins {
		for _, window := range market.Windows() {
			warm = append(warm, snapshot.Key{Coin: coin, Window: window})
		}
	}
	return snapshot.NewCache(snapshot.CacheOptions{
		Source:   source,
		Warm:     warm,
		Every:    every,
		Idle:     idle,
		MaxKeys:  maxKeys,
		Parallel: parallel,
		Log:      log,
		Observe:  func(_ snapshot.Key, _ *snapshot.Snapshot, err error) { observe(err) },
		Publish:  publish,
	})
}

// fetchOnce fetches one key, for commands that run and end.
type fetchOnce struct {
	source snapshot.Source
	coins  []market.Coin
	err    error
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
