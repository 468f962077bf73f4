package exchanges_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// fake is a venue without wire: it answers from an invented market and can be told to
// fail, to fall silent and to lie.
type fake struct {
	feedtest.Market
	name market.Venue

	mu        sync.Mutex
	down      bool
	silent    bool
	factor    float64 // of the prices its stream tells
	candles   float64 // of those of its candles
	without   market.Coin
	noHistory bool      // of open interest
	listed    time.Time // there are no candles from before
	asked     map[string]int
	failure   error
	sink      feeds.Sink
	followed  map[market.Coin]following
}

func newFake(name market.Venue, share float64) *fake {
	return &fake{Market: feedtest.Market{Share: share}, name: name, factor: 1, candles: 1, asked: make(map[string]int), followed: make(map[market.Coin]following)}
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) count(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[what]++
	if f.down {
		return &feeds.Error{Venue: f.name, Problem: feeds.Unavailable, Err: errors.New("connection refused")}
	}
	return f.failure
}

func (f *fake) requests(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[what]
}

func (f *fake) Venue() market.Venue                             { return f.name }
func (f *fake) ServerTime(context.Context) (time.Time, error)   { return time.Now(), f.count("time") }
func (f *fake) LiquidationCoverage() market.LiquidationCoverage { return market.EveryOrder }

func (f *fake) Contracts(context.Context) ([]market.Contract, error) {
	if err := f.count("contracts"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []market.Contract
	for _, c := range feedtest.Coins() {
		if c != f.without {
			list = append(list, market.Contract{Venue: f.name, Symbol: string(c) + "USDT", Coin: c, QuotedCoins: 1, ContractCoins: 1, Quote: "USDT", FundingInterval: 8 * time.Hour})
		}
	}
	return list, nil
}

func (f *fake) OpenInterests(context.Context) (map[market.Coin]float64, error) {
	if err := f.count("totals"); err != nil {
		return nil, err
	}
	totals := make(map[market.Coin]float64)
	for _, c := range feedtest.Coins() {
		totals[c] = f.OpenInterestCoins(c, time.Now()) * f.MarkUSD(c, time.Now())
	}
	return totals, nil
}

func (f *fake) LongShort(_ context.Context, c market.Contract) (market.LongShort, error) {
	share := f.LongShare(c.Coin, time.Now())
	return market.LongShort{At: time.Now(), Long: share, Short: 1 - share}, f.count("long/short")
}

func (f *fake) Fundings(_ context.Context, c market.Contract, from, to time.Time) ([]market.FundingPoint, error) {
	var list []market.FundingPoint
	for at := from.Truncate(8 * time.Hour).Add(8 * time.Hour); at.Before(to); at = at.Add(8 * time.Hour) {
		list = append(list, market.FundingPoint{At: at, Rate: f.FundingRate(c.Coin, at)})
	}
	return list, f.count("fundings")
}

func (f *fake) Candles(_ context.Context, c market.Contract, from, to time.Time) ([]market.Candle, error) {
	if err := f.count("candles " + string(c.Coin)); err != nil {
		return nil, err
	}
	f.mu.Lock()
	factor := f.candles
	f.mu.Unlock()
	var list []market.Candle
	for at := from.Truncate(feeds.CandleLength); at.Before(to); at = at.Add(feeds.CandleLength) {
		if !at.Before(from) && !at.Before(f.listed) && !at.Add(feeds.CandleLength).After(time.Now()) {
			bar := f.Candle(c.Coin, at)
			for _, usd := range []*float64{&bar.OpenUSD, &bar.HighUSD, &bar.LowUSD, &bar.CloseUSD, &bar.MarkHighUSD, &bar.MarkLowUSD} {
				*usd *= factor
			}
			list = append(list, bar)
		}
	}
	return list, nil
}

func (f *fake) OpenInterest(_ context.Context, c market.Contract, from, to time.Time) ([]market.OpenInterestPoint, error) {
	if err := f.count("open interest"); err != nil || f.noHistory {
		return nil, err
	}
	var list []market.OpenInterestPoint
	for at := from.Truncate(feeds.CandleLength); at.Before(to); at = at.Add(feeds.CandleLength) {
		if !at.Before(from) {
			list = append(list, market.OpenInterestPoint{At: at, Coins: f.OpenInterestCoins(c.Coin, at)})
		}
	}
	return list, nil
}

func (f *fake) Stream(ctx context.Context, contracts []market.Contract, sink feeds.Sink) error {
	f.set(func() {
		f.sink = sink
		for i := range contracts {
			f.followed[contracts[i].Coin] = following{sink, &contracts[i]}
		}
	})
	f.count("streams") //nolint:errcheck // counted only
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	up := false
	for {
		f.mu.Lock()
		down, silent, factor := f.down, f.silent, f.factor
		f.mu.Unlock()
		switch {
		case down && up:
			sink.Connected("public", errors.New("connection reset"))
			up = false
		case !down && !up:
			sink.Connected("public", nil)
			up = true
		}
		now := time.Now()
		sink.Frame("public", []byte("tick \xff"))
		for i := range contracts {
			if down || silent {
				break
			}
			coin := contracts[i].Coin
			sink.Update(feeds.Update{
				Contract: &contracts[i], Kind: feeds.Ticker, At: now, MarkUSD: f.MarkUSD(coin, now) * factor,
				OpenInterestCoins: f.OpenInterestCoins(coin, now),
				HasFunding:        true, FundingRate: f.FundingRate(coin, now), FundingInterval: 8 * time.Hour, FundingAt: now.Truncate(8 * time.Hour).Add(8 * time.Hour),
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// liquidate reports a forced order of a coin over the stream that follows it.
func (f *fake) liquidate(t *testing.T, coin market.Coin, id uint64, o market.Liquidation) {
	t.Helper()
	f.mu.Lock()
	to, ok := f.followed[coin]
	f.mu.Unlock()
	if !ok {
		t.Fatalf("%s is not followed on %s", coin, f.name)
	}
	to.sink.Update(feeds.Update{Contract: to.contract, Kind: feeds.Liquidation, At: o.At, Order: o, ID: id})
}

// following is the stream of a coin.
type following struct {
	sink     feeds.Sink
	contract *market.Contract
}
