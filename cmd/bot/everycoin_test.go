package main

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/telemetry"
)

// followed is a source that follows coins which nobody has asked for.
type followed struct {
	snapshot.Source
	calls  atomic.Int64
	takes  time.Duration
	broken bool
}

func (f *followed) All(ctx context.Context, window market.Window) []*snapshot.Snapshot {
	f.calls.Add(1)
	if f.broken {
		panic("broken")
	}
	select {
	case <-ctx.Done():
		return []*snapshot.Snapshot{told("PART", window)}
	case <-time.After(f.takes):
		return []*snapshot.Snapshot{told("BTC", window), told("DOGE", window)}
	}
}

func told(coin market.Coin, window market.Window) *snapshot.Snapshot {
	p := market.Provenance{Source: "test", AsOf: time.Now()}
	m, err := liquidation.New(liquidation.Input{
		Coin: coin, Window: window, MarkUSD: 100, Provenance: p,
		Levels: []liquidation.Level{{PriceUSD: 101, Side: market.Short, IntensityUSD: 1}},
	})
	if err != nil {
		panic(err)
	}
	return &snapshot.Snapshot{Key: snapshot.Key{Coin: coin, Window: window}, Price: market.Price{USD: 100, Provenance: p}, Map: m}
}

func coinsOf(all []*snapshot.Snapshot) (coins []market.Coin) {
	for _, s := range all {
		coins = append(coins, s.Key.Coin)
	}
	slices.Sort(coins)
	return coins
}

// cached is a source that the cache fetches from.
type cached struct{ snapshot.Source }

func (cached) Coins(context.Context) ([]market.Coin, error) { return []market.Coin{"BTC"}, nil }
func (cached) Fetch(_ context.Context, key snapshot.Key) (*snapshot.Snapshot, error) {
	return told(key.Coin, key.Window), nil
}

// TestTopSeesEveryFollowedCoin asks for all coins, of which the cache has one.
func TestTopSeesEveryFollowedCoin(t *testing.T) {
	for _, tt := range []struct {
		name        string
		source      *followed
		first, next []market.Coin
		calls       int64 // after asking three times within allKept, the last time after both
	}{
		{"all at once", &followed{takes: 150 * time.Millisecond}, []market.Coin{"BTC", "DOGE"}, []market.Coin{"BTC", "DOGE"}, 1},
		{"too slow for who asks first", &followed{takes: 3 * time.Second}, []market.Coin{"BTC"}, []market.Coin{"BTC", "DOGE"}, 1},
		{"never done", &followed{takes: time.Hour}, []market.Coin{"BTC"}, []market.Coin{"BTC"}, 1},
		{"broken", &followed{broken: true}, []market.Coin{"BTC"}, []market.Coin{"BTC"}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				cache := snapshot.NewCache(snapshot.CacheOptions{Source: cached{}, Warm: []snapshot.Key{{Coin: "BTC", Window: market.Week}, {Coin: "BTC", Window: market.Day}}})
				go func() { _ = cache.Run(ctx) }()
				synctest.Wait()
				a := &app{source: tt.source, cache: cache, log: telemetry.NewLogger(t.Output(), 0)}
				list := a.everyCoin(ctx)
				start := time.Now()
				if got := coinsOf(list(ctx, market.Week)); !slices.Equal(got, tt.first) || time.Since(start) > allWait {
					t.Errorf("at first %v after %v, want %v", got, time.Since(start), tt.first)
				}
				<-time.After(2 * time.Second)
				for range 2 {
					if got := coinsOf(list(ctx, market.Week)); !slices.Equal(got, tt.next) {
						t.Errorf("then %v, want %v", got, tt.next)
					}
				}
				if n := tt.source.calls.Load(); n != tt.calls {
					t.Errorf("the source was asked %d times, want %d", n, tt.calls)
				}
				<-time.After(allLimit)
				list(ctx, market.Week)
				if n := tt.source.calls.Load(); n != tt.calls+1 {
					t.Errorf("the source was asked %d times once the list was old", n)
				}
				stop()
				synctest.Wait()
			})
		})
	}
}
