package exchanges_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
	"liqbot/sources/exchanges/tape"
)

var names = []market.Venue{"Binance", "Bybit", "OKX", "Hyperliquid", "Bitget", "Gate"}

// room is a source and its six venues, in a bubble of time.
type room struct {
	*exchanges.Source
	t      *testing.T
	venues map[market.Venue]*fake
	bars   *exchanges.Memory
	stop   func()
	// tape records the room, and seen is told of what Fetch returned; both may be nil.
	tape *tape.Writer
	seen func(*snapshot.Snapshot)
}

func newRoom() *room {
	r := &room{venues: make(map[market.Venue]*fake), bars: exchanges.NewMemory()}
	for i, name := range names {
		r.venues[name] = newFake(name, 0.4/float64(i+1))
	}
	return r
}

// open starts a source over the venues' and the memory's state.
func open(t *testing.T, r *room, coins ...market.Coin) *room {
	t.Helper()
	if r == nil {
		r = newRoom()
	}
	r.t = t
	var list []feeds.Feed
	for _, name := range names {
		list = append(list, r.venues[name])
	}
	if coins == nil {
		coins = []market.Coin{"BTC"}
	}
	r.Source = exchanges.New(exchanges.Config{Feeds: list, Bars: r.bars, Coins: coins, Follow: 1, KeyLevelBand: 0.06, SymmetricBand: 0.05, Tape: r.tape})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	return r
}

func (r *room) fetch(t *testing.T, coin market.Coin, window market.Window) *snapshot.Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	snap, err := r.Fetch(ctx, snapshot.Key{Coin: coin, Window: window})
	if err != nil {
		t.Fatalf("%s %s: %v", coin, window, err)
	}
	if r.seen != nil {
		r.seen(snap)
	}
	return snap
}

// bubble runs a test of a room.
func bubble(t *testing.T, test func(r *room)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, nil)
		test(r)
		r.stop()
	})
}

// long skips a test where the race detector would make it slow: others race the same code.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long under the race detector")
	}
}

// pass lets time go by.
func pass(d time.Duration) { <-time.After(d) }

func venuesOf(s *snapshot.Snapshot) (in, missing []market.Venue) {
	p := s.Map.Provenance()
	in = slices.Clone(p.Venues)
	slices.Sort(in)
	return in, p.Missing
}

func TestAFreshStartShowsSixVenues(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		start := time.Now()
		for _, window := range market.Windows() {
			s := r.fetch(t, "BTC", window)
			if in, missing := venuesOf(s); len(in) != 6 || len(missing) != 0 {
				t.Errorf("%s: venues %v, missing %v", window, in, missing)
			}
			if want := r.venues["Binance"].MarkUSD("BTC", time.Now()); math.Abs(s.Price.USD/want-1) > 1e-3 || s.Price.Kind != market.MarkPrice {
				t.Errorf("%s: price %v, want %v", window, s.Price, want)
			}
			if s.Age(time.Now()) > 5*time.Second {
				t.Errorf("%s: %v old", window, s.Age(time.Now()))
			}
			if s.Summary.Above == nil || s.Summary.Below == nil || s.Model == nil || s.Model.Warming() || s.Model.Parameters != liquidation.Recommended("BTC").Hash() {
				t.Errorf("%s: summary %+v, model %+v", window, s.Summary, s.Model)
			}
			if p := s.Map.Provenance(); p.Origin != market.Estimate || p.Source != exchanges.Name || p.Demo {
				t.Errorf("%s: provenance %+v", window, p)
			}
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("took %v of market time", took)
		}
		s := r.fetch(t, "BTC", market.Week)
		if s.OpenInterest == nil || !s.OpenInterest.HasChange24h || s.Funding == nil || s.Range == nil || !s.Price.HasChange24h || len(s.Venues) != 6 {
			t.Errorf("figures are missing: %+v", s)
		}
	})
}

// What the six maps hold adds up to the sum of their open interests, less what was swept.
func TestIntensityIsOfTheOrderOfOpenInterest(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		s := r.fetch(t, "BTC", market.Month)
		for side, usd := range map[string]float64{"long": s.Map.TotalUSD(market.Long), "short": s.Map.TotalUSD(market.Short)} {
			if share := usd / s.OpenInterest.USD; share < 0.2 || share > 1.05 {
				t.Errorf("%s intensity is %.2f of open interest", side, share)
			}
		}
	})
}

func TestAVenueThatGoesSilentIsNamed(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		r.venues["OKX"].set(func() { r.venues["OKX"].silent = true })
		pass(time.Minute)
		s := r.fetch(t, "BTC", market.Week)
		if in, missing := venuesOf(s); len(in) != 5 || !slices.Equal(missing, []market.Venue{"OKX"}) {
			t.Errorf("venues %v, missing %v", in, missing)
		}
		if s.Age(time.Now()) > 5*time.Second {
			t.Errorf("the silent venue makes all %v old", s.Age(time.Now()))
		}
		r.venues["OKX"].set(func() { r.venues["OKX"].silent = false })
		pass(10 * time.Second)
		if in, missing := venuesOf(r.fetch(t, "BTC", market.Week)); len(in) != 6 || missing != nil {
			t.Errorf("after it is back: venues %v, missing %v", in, missing)
		}
	})
}

func TestAVenueThatIsDownAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, nil)
		r.venues["Gate"].set(func() { r.venues["Gate"].down = true })
		s := r.fetch(t, "BTC", market.Week)
		if in, _ := venuesOf(s); len(in) != 5 {
			t.Errorf("venues %v, want five", in)
		}
		r.venues["Gate"].set(func() { r.venues["Gate"].down = false })
		pass(5 * time.Minute)
		if in, _ := venuesOf(r.fetch(t, "BTC", market.Week)); len(in) != 6 {
			t.Errorf("venues %v, want six once it is up", in)
		}
		r.stop()
	})
}

// A price far from all others' is not believed, be it of the largest venue.
func TestAVenueThatLies(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		honest := r.fetch(t, "BTC", market.Week)
		for _, factor := range []float64{10, 0.1, 1.2, 0.001} {
			r.venues["Binance"].set(func() { r.venues["Binance"].factor = factor })
			pass(5 * time.Second)
			s := r.fetch(t, "BTC", market.Week)
			if _, missing := venuesOf(s); !slices.Equal(missing, []market.Venue{"Binance"}) {
				t.Errorf("x%v: missing %v", factor, missing)
			}
			if math.Abs(s.Price.USD/honest.Price.USD-1) > 0.01 {
				t.Errorf("x%v: price %v, was %v", factor, s.Price.USD, honest.Price.USD)
			}
		}
		r.venues["Binance"].set(func() { r.venues["Binance"].factor = 1 })
		pass(15 * time.Minute)
		s := r.fetch(t, "BTC", market.Week)
		if in, missing := venuesOf(s); len(in) != 6 || missing != nil {
			t.Errorf("after it tells the truth: venues %v, missing %v", in, missing)
		}
		if above := s.Map.Levels(market.Short); len(above) == 0 || above[0].PriceUSD > s.Price.USD*1.05 {
			t.Error("the lie has swept the map")
		}
	})
}

func TestNoVenueNoPicture(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		for _, v := range r.venues {
			v.set(func() { v.down = true })
		}
		pass(2 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		s, err := r.Fetch(ctx, snapshot.Key{Coin: "BTC", Window: market.Week})
		if err == nil || snapshot.ProblemOf(err) != snapshot.Unavailable {
			t.Errorf("got %v, %v", s, err)
		}
	})
}

// A restart needs only what is missing since, and shows the same map.
func TestARestartFetchesOnlyTheGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, nil)
		r.fetch(t, "BTC", market.Month)
		pass(30 * time.Minute)
		before := r.fetch(t, "BTC", market.Month)
		r.stop()
		asked := r.venues["Binance"].requests("candles BTC")
		r = open(t, r)
		after := r.fetch(t, "BTC", market.Month)
		if in, missing := venuesOf(after); len(in) != 6 || missing != nil {
			t.Errorf("venues %v, missing %v", in, missing)
		}
		if n := r.venues["Binance"].requests("candles BTC") - asked; n > 1 {
			t.Errorf("%d requests for candles after the restart, want at most one", n)
		}
		if after.Model.First.Sub(before.Model.First).Abs() > time.Hour || after.Model.Last.Before(before.Model.Last) {
			t.Errorf("history was %v to %v, is %v to %v", before.Model.First, before.Model.Last, after.Model.First, after.Model.Last)
		}
		r.stop()
	})
}

// Bars that came one by one make the map that the same bars make at once.
func TestLiveAndRebuiltMapsAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, nil)
		r.fetch(t, "BTC", market.Month)
		pass(3*time.Hour + 2*time.Minute)
		live := r.fetch(t, "BTC", market.Month)
		r.stop()
		r = open(t, r)
		rebuilt := r.fetch(t, "BTC", market.Month)
		r.stop()
		if live.Model.Last != rebuilt.Model.Last {
			t.Fatalf("last bars %v and %v", live.Model.Last, rebuilt.Model.Last)
		}
		a, b := live.Summary, rebuilt.Summary
		if math.Abs(a.Above.Cluster.IntensityUSD/b.Above.Cluster.IntensityUSD-1) > 0.001 || math.Abs(a.Below.Cluster.IntensityUSD/b.Below.Cluster.IntensityUSD-1) > 0.001 {
			t.Errorf("live %+v %+v, rebuilt %+v %+v", a.Above, a.Below, b.Above, b.Below)
		}
	})
}

// A coin that is not followed is fetched when somebody asks, and let go afterwards.
func TestAColdCoin(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		coins, err := r.Coins(t.Context())
		if err != nil || len(coins) != 4 || coins[0] != "BTC" {
			t.Fatalf("coins %v, %v", coins, err)
		}
		r.fetch(t, "BTC", market.Week)
		if n := r.venues["Binance"].requests("candles PEPE"); n != 0 {
			t.Errorf("%d requests for a coin that nobody asked for", n)
		}
		s := r.fetch(t, "PEPE", market.Week)
		if in, _ := venuesOf(s); len(in) == 0 || s.Price.USD > 0.001 {
			t.Errorf("venues %v at %v", in, s.Price.USD)
		}
		pass(20 * time.Minute)
		live := r.fetch(t, "PEPE", market.Week)
		if live.Age(time.Now()) > 10*time.Second {
			t.Errorf("it is %v old", live.Age(time.Now()))
		}
		pass(2 * time.Hour)
		asked := r.venues["Binance"].requests("candles PEPE")
		pass(time.Hour)
		if n := r.venues["Binance"].requests("candles PEPE") - asked; n != 0 {
			t.Errorf("%d requests long after anybody asked", n)
		}
	})
}

func TestACoinOfOneVenueIsNotListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, nil)
		for _, name := range names[1:] {
			r.venues[name].set(func() { r.venues[name].without = "PEPE" })
		}
		r.fetch(t, "BTC", market.Week)
		if coins, _ := r.Coins(t.Context()); slices.Contains(coins, "PEPE") {
			t.Errorf("coins %v", coins)
		}
		_, err := r.Fetch(t.Context(), snapshot.Key{Coin: "PEPE", Window: market.Week})
		if snapshot.ProblemOf(err) != snapshot.NotListed {
			t.Errorf("got %v", err)
		}
		r.stop()
	})
}

func TestLiquidationsAreCountedOnce(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		at := time.Now().UTC()
		long := market.Liquidation{At: at, Side: market.Long, Coins: 2, PriceUSD: 90_000}
		short := market.Liquidation{At: at.Add(-time.Minute), Side: market.Short, Coins: 1, PriceUSD: 91_000}
		for range 3 {
			r.venues["Bybit"].liquidate(t, "BTC", 0, long)
			r.venues["OKX"].liquidate(t, "BTC", 7, short)
		}
		r.venues["Bybit"].liquidate(t, "BTC", 0, market.Liquidation{At: at, Side: market.Long, Coins: 3, PriceUSD: 90_000})
		synctest.Wait()
		s := r.fetch(t, "BTC", market.Week)
		sums := map[market.Venue][2]float64{}
		for _, row := range s.Realised.Rows {
			sums[row.Venue] = [2]float64{sums[row.Venue][0] + row.LongUSD, sums[row.Venue][1] + row.ShortUSD}
		}
		if sums["Bybit"] != [2]float64{450_000, 0} || sums["OKX"] != [2]float64{0, 91_000} {
			t.Errorf("sums %v", sums)
		}
		if len(s.Realised.Watched) != 6 {
			t.Errorf("watched %v", s.Realised.Watched)
		}
		pass(time.Minute)
		r.stop()
		r = open(t, r)
		s = r.fetch(t, "BTC", market.Week)
		total := 0.0
		for _, row := range s.Realised.Rows {
			total += row.LongUSD + row.ShortUSD
		}
		if total != 541_000 {
			t.Errorf("%v after a restart, want 541,000", total)
		}
		r.stop()
	})
}

// A venue that names a time is not asked before.
func TestARefusalIsObeyed(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		okx := r.venues["OKX"]
		okx.set(func() {
			okx.failure = &feeds.Error{Venue: "OKX", Problem: feeds.RateLimited, RetryAt: time.Now().Add(20 * time.Minute), Err: context.DeadlineExceeded}
		})
		pass(6 * time.Minute)
		asked := okx.requests("candles BTC") + okx.requests("candles ETH")
		pass(10 * time.Minute)
		if n := okx.requests("candles BTC") + okx.requests("candles ETH") - asked; n != 0 {
			t.Errorf("%d requests before its time", n)
		}
		okx.set(func() { okx.failure = nil })
		pass(10 * time.Minute)
		if in, missing := venuesOf(r.fetch(t, "BTC", market.Week)); len(in) != 6 {
			t.Errorf("venues %v, missing %v", in, missing)
		}
	})
}

// Without history of open interest the present one is assumed, and the snapshot says so.
func TestAssumedOpenInterest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, nil)
		r.venues["Hyperliquid"].set(func() { r.venues["Hyperliquid"].noHistory = true })
		s := r.fetch(t, "BTC", market.Week)
		if in, missing := venuesOf(s); len(in) != 6 {
			t.Fatalf("venues %v, missing %v", in, missing)
		}
		if !slices.Equal(s.Model.Assumed, []market.Venue{"Hyperliquid"}) {
			t.Errorf("assumed %v", s.Model.Assumed)
		}
		r.stop()
	})
}

// A venue whose candles lie as well does not bend its map: it is whole again once it tells
// the truth.
func TestCandlesThatLieAreLeftOut(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		before := r.fetch(t, "BTC", market.Week)
		bybit := r.venues["Bybit"]
		bybit.set(func() { bybit.factor, bybit.candles = 1.5, 1.5 })
		pass(30 * time.Minute)
		if _, missing := venuesOf(r.fetch(t, "BTC", market.Week)); !slices.Equal(missing, []market.Venue{"Bybit"}) {
			t.Errorf("missing %v", missing)
		}
		bybit.set(func() { bybit.factor, bybit.candles = 1, 1 })
		pass(15 * time.Minute)
		after := r.fetch(t, "BTC", market.Week)
		share := func(s *snapshot.Snapshot) float64 {
			sum := 0.0
			for _, l := range s.Map.Levels(market.Short) {
				if l.Venue == "Bybit" {
					sum += l.IntensityUSD
				}
			}
			return sum / s.Map.TotalUSD(market.Short)
		}
		if a, b := share(before), share(after); b < 0.7*a {
			t.Errorf("Bybit's share of the shorts was %.3f, is %.3f: the lie has swept them", a, b)
		}
		if n := r.dropped("Bybit", feeds.Impossible); n == 0 {
			t.Error("no candle of the liar was counted as left out")
		}
	})
}

// Prints and open interests that cannot be are counted and change nothing.
func TestFiguresThatCannotBe(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		okx := r.venues["OKX"]
		now := time.Now()
		mark := okx.MarkUSD("BTC", now)
		for i, o := range []market.Liquidation{
			{At: now, Side: market.Long, Coins: 1, PriceUSD: mark * 2},
			{At: now, Side: market.Long, Coins: 1, PriceUSD: mark / 2},
			{At: now, Side: market.Short, Coins: 1e9, PriceUSD: mark},
			{At: now, Side: market.Short, Coins: -1, PriceUSD: mark},
			{At: now, Side: market.Short, Coins: 1, PriceUSD: math.Inf(1)},
		} {
			okx.liquidate(t, "BTC", uint64(i+1), o)
		}
		okx.liquidate(t, "BTC", 99, market.Liquidation{At: now, Side: market.Long, Coins: 1, PriceUSD: mark * 0.95})
		synctest.Wait()
		s := r.fetch(t, "BTC", market.Week)
		if len(s.Realised.Rows) != 1 || math.Abs(s.Realised.Rows[0].LongUSD-mark*0.95) > 1 {
			t.Errorf("rows %+v", s.Realised.Rows)
		}
		if n := r.dropped("OKX", feeds.Impossible); n != 5 {
			t.Errorf("%d left out, want 5", n)
		}
	})
}

// dropped is how often a venue's figures were left out for a reason.
func (r *room) dropped(venue market.Venue, reason feeds.Reason) uint64 {
	for _, st := range r.Status() {
		if st.Venue == venue {
			return st.Dropped[reason]
		}
	}
	return 0
}
