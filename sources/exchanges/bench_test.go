package exchanges_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
)

// crowd is a fake venue of many coins, all of which move like BTC.
type crowd struct {
	*fake
	coins int
}

func (c crowd) Contracts(context.Context) ([]market.Contract, error) {
	var list []market.Contract
	for i := range c.coins {
		coin := market.Coin(fmt.Sprintf("C%03d", i))
		list = append(list, market.Contract{Venue: c.name, Symbol: string(coin), Coin: coin, QuotedCoins: 1, ContractCoins: 1, Quote: "USDT", FundingInterval: 8 * time.Hour})
	}
	return list, nil
}

func (c crowd) OpenInterests(context.Context) (map[market.Coin]float64, error) { return nil, nil }

func (c crowd) Candles(ctx context.Context, k market.Contract, from, to time.Time) ([]market.Candle, error) {
	k.Coin = "BTC"
	return c.fake.Candles(ctx, k, from, to)
}

func (c crowd) OpenInterest(ctx context.Context, k market.Contract, from, to time.Time) ([]market.OpenInterestPoint, error) {
	k.Coin = "BTC"
	return c.fake.OpenInterest(ctx, k, from, to)
}

func (c crowd) Stream(ctx context.Context, contracts []market.Contract, sink feeds.Sink) error {
	sink.Connected("public", nil)
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		now := time.Now()
		for i := range contracts {
			sink.Update(feeds.Update{
				Contract: &contracts[i], Kind: feeds.Ticker, At: now, MarkUSD: c.MarkUSD("BTC", now), OpenInterestCoins: c.OpenInterestCoins("BTC", now),
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// hundred is a running source of a hundred coins on six venues, all mapped.
func hundred(b *testing.B) (*exchanges.Source, []market.Coin) {
	b.Helper()
	var list []feeds.Feed
	for i, name := range names {
		list = append(list, crowd{newFake(name, 0.4/float64(i+1)), 100})
	}
	s := exchanges.New(exchanges.Config{Feeds: list, Bars: nothing{}, Coins: []market.Coin{"C000"}, KeyLevelBand: 0.06, SymmetricBand: 0.05, Patience: 10 * time.Minute})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	coins, err := s.Coins(ctx)
	for err == nil && len(coins) < 100 {
		coins, err = s.Coins(ctx)
	}
	if err != nil {
		b.Fatal(err)
	}
	for _, coin := range coins {
		for {
			snap, err := s.Fetch(ctx, snapshot.Key{Coin: coin, Window: market.Week})
			if err == nil && len(snap.Map.Provenance().Venues) == 6 {
				break
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	return s, coins
}

// nothing keeps no bars, so that only what a source holds itself is measured.
type nothing struct{}

func (nothing) Bars(market.Venue, string, time.Time) ([]market.Bar, error) { return nil, nil }
func (nothing) SaveBars(market.Venue, string, []market.Bar) error          { return nil }
func (nothing) Realised(market.Coin, time.Time) ([]market.Realised, error) { return nil, nil }
func (nothing) SaveRealised(market.Coin, []market.Realised) error          { return nil }

// BenchmarkHundredCoins makes every picture of a hundred coins on six venues in three
// windows, and tells what all of it takes in memory.
func BenchmarkHundredCoins(b *testing.B) {
	s, coins := hundred(b)
	all := func() []*snapshot.Snapshot {
		var kept []*snapshot.Snapshot
		for _, coin := range coins {
			for _, window := range market.Windows() {
				snap, err := s.Fetch(b.Context(), snapshot.Key{Coin: coin, Window: window})
				if err != nil {
					b.Fatal(err)
				}
				kept = append(kept, snap)
			}
		}
		return kept
	}
	kept := all()
	b.ResetTimer()
	for range b.N {
		kept = all()
	}
	b.StopTimer()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/1e6, "heap-MB")
	b.ReportMetric(resident(b), "resident-MB")
	levels := 0
	for _, snap := range kept {
		levels += len(snap.Map.Levels(market.Long)) + len(snap.Map.Levels(market.Short))
	}
	b.ReportMetric(float64(levels)/float64(len(kept)), "levels/picture")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(kept)), "us/picture")
	runtime.KeepAlive(kept)
}

// resident is the memory of this process that is in use, MB; 0 where the system does not
// tell.
func resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1000
		}
	}
	return 0
}
