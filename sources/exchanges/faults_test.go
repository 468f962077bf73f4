package exchanges_test

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/feeds"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
)

// full is a disk that is full.
type full struct{ *exchanges.Memory }

func (full) SaveBars(market.Venue, string, []market.Bar) error { return errors.New("no space left") }

func watchedOf(s *snapshot.Snapshot, v market.Venue) (time.Time, bool) {
	for _, w := range s.Realised.Watched {
		if w.Venue == v {
			return w.Since, true
		}
	}
	return time.Time{}, false
}

func ofVenue(s *snapshot.Snapshot, side market.Side, v market.Venue) float64 {
	sum := 0.0
	for _, l := range s.Map.Levels(side) {
		if l.Venue == v {
			sum += l.IntensityUSD
		}
	}
	return sum
}

func TestALostStreamOfCoinsThatWentIsForgotten(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		r.fetch(t, "PEPE", market.Week)
		pass(59*time.Minute + 55*time.Second)
		// the connection of the coins that were asked for is lost as they go
		r.venues["Gate"].sink.Connected("public", errors.New("reset"))
		pass(10 * time.Minute)
		s := r.fetch(t, "BTC", market.Week)
		if _, ok := watchedOf(s, "Gate"); !ok {
			t.Error("Gate is not watched any more though its only stream is up")
		}
		for _, st := range r.Status() {
			if st.Venue == "Gate" && !st.Up {
				t.Error("Gate is down for the host")
			}
		}
	})
}

func TestOneStreamDoesNotHideAnother(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		always := r.venues["Gate"].sink
		r.fetch(t, "PEPE", market.Week)
		pass(time.Minute)
		always.Connected("public", errors.New("reset")) // and stays away
		pass(time.Second)
		r.venues["Gate"].sink.Connected("public", nil) // that of the asked coins reconnects
		pass(10 * time.Minute)
		if _, ok := watchedOf(r.fetch(t, "BTC", market.Week), "Gate"); ok {
			t.Error("Gate counts as watched though the stream of BTC is away for 10 minutes")
		}
	})
}

func TestAColdCoinIsWatchedSinceItIsFollowed(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		pass(3 * time.Hour)
		asked := time.Now()
		s := r.fetch(t, "PEPE", market.Week)
		if since, ok := watchedOf(s, "Gate"); !ok || since.Before(asked) {
			t.Errorf("PEPE watched since %v, asked for at %v: a 'nothing in 3 h' that nobody saw", since, asked)
		}
	})
}

func TestOneBadTickSweepsNothing(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		before := r.fetch(t, "BTC", market.Week)
		pass(10 * time.Second)
		b := r.venues["Binance"]
		b.set(func() { b.factor = 10 })
		pass(1100 * time.Millisecond)
		b.set(func() { b.factor = 1 })
		pass(3 * time.Second)
		s := r.fetch(t, "BTC", market.Week)
		if ofVenue(s, market.Short, "Binance") < 0.9*ofVenue(before, market.Short, "Binance") {
			t.Error("one bad tick took Binance's shorts")
		}
	})
}

func TestAHostClockThatIsSetBack(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		r.t = t
		var shift atomic.Int64
		var list []feeds.Feed
		for _, name := range names {
			list = append(list, r.venues[name])
		}
		r.Source = exchanges.New(exchanges.Config{
			Feeds: list, Bars: r.bars, Coins: []market.Coin{"BTC"}, Follow: 2, KeyLevelBand: 0.06, SymmetricBand: 0.05,
			Now: func() time.Time { return time.Now().Add(time.Duration(shift.Load())) },
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		r.fetch(t, "BTC", market.Week)
		pass(time.Minute)
		synctest.Wait()
		shift.Store(int64(-time.Hour)) // the host's clock is set back
		pass(20 * time.Minute)
		s, err := r.Fetch(t.Context(), snapshot.Key{Coin: "BTC", Window: market.Week})
		if err != nil {
			t.Error(err)
		} else {
			want := r.venues["Binance"].MarkUSD("BTC", time.Now())
			if math.Abs(s.Price.USD/want-1) > 1e-4 {
				t.Error("20 minutes after the clock was set back the price is that of before, with age 0")
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestTheInputHashNamesTheHistory(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		before := r.fetch(t, "BTC", market.Month)
		pass(20 * time.Second)
		s := r.fetch(t, "BTC", market.Month)
		if s.Model.Input == before.Model.Input && !s.Model.First.Equal(before.Model.First) {
			t.Error("the same input hash for another history")
		}
	})
}

func TestALoneLiarIsNoReference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		for _, n := range names[2:] {
			r.venues[n].down = true
		}
		r = open(t, r)
		r.fetch(t, "BTC", market.Week)
		r.venues["Bybit"].set(func() { r.venues["Bybit"].silent = true })
		pass(time.Minute)
		r.venues["Binance"].set(func() { r.venues["Binance"].factor = 1.5 })
		pass(5 * time.Second)
		r.fetch(t, "BTC", market.Week)
		r.venues["Bybit"].set(func() { r.venues["Bybit"].silent = false })
		pass(10 * time.Minute)
		s := r.fetch(t, "BTC", market.Week)
		_, missing := venuesOf(s)
		if len(missing) > 0 && missing[0] == "Bybit" {
			t.Error("the liar is believed, the honest venue is left out")
		}
		r.stop()
	})
}

func TestAFullDiskDoesNotStopTheMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		r.t = t
		// what an earlier run kept: some hours of two days ago
		for _, name := range names {
			var kept []market.Bar
			for at := time.Now().Add(-48 * time.Hour).Truncate(5 * time.Minute); at.Before(time.Now().Add(-40 * time.Hour)); at = at.Add(5 * time.Minute) {
				kept = append(kept, market.Bar{Candle: r.venues[name].Candle("BTC", at), OpenInterestCoins: 1000})
			}
			_ = r.bars.SaveBars(name, "BTCUSDT", kept)
		}
		var list []feeds.Feed
		for _, name := range names {
			list = append(list, r.venues[name])
		}
		r.Source = exchanges.New(exchanges.Config{Feeds: list, Bars: full{r.bars}, Coins: []market.Coin{"BTC"}, Follow: 1, KeyLevelBand: 0.06, SymmetricBand: 0.05})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		pass(5 * time.Minute)
		short, stop := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := r.Fetch(short, snapshot.Key{Coin: "BTC", Window: market.Week})
		stop()
		if err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAHostClockThatIsWrong(t *testing.T) {
	for _, shift := range []time.Duration{-30 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			r := newRoom()
			r.t = t
			var list []feeds.Feed
			for _, name := range names {
				list = append(list, r.venues[name])
			}
			now := func() time.Time { return time.Now().Add(shift) }
			r.Source = exchanges.New(exchanges.Config{Feeds: list, Bars: r.bars, Coins: []market.Coin{"BTC"}, Follow: 1, KeyLevelBand: 0.06, SymmetricBand: 0.05, Now: now})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- r.Run(ctx) }()
			pass(time.Minute)
			r.venues["Bybit"].liquidate(t, "BTC", 9, market.Liquidation{At: time.Now(), Side: market.Long, Coins: 2, PriceUSD: 89_000})
			pass(time.Minute)
			short, stop := context.WithTimeout(t.Context(), 20*time.Second)
			s, err := r.Fetch(short, snapshot.Key{Coin: "BTC", Window: market.Week})
			stop()
			if err != nil {
				t.Errorf("%v: %v", shift, err)
			} else {
				if s.Realised.Sum(time.Hour).Orders != 1 {
					t.Errorf("%v: the order of a minute ago is not in the last hour", shift)
				}
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
