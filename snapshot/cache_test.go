package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	btc = snapshot.Key{Coin: "BTC", Window: market.Week}
	eth = snapshot.Key{Coin: "ETH", Window: market.Day}
)

// fakeSource answers as it is told and counts what it is asked.
type fakeSource struct {
	mu      sync.Mutex
	asked   map[snapshot.Key]int
	flying  map[snapshot.Key]int
	most    int // most fetches of one key at once
	took    time.Duration
	err     error
	panics  bool
	listErr error
}

func newFake() *fakeSource {
	return &fakeSource{asked: make(map[snapshot.Key]int), flying: make(map[snapshot.Key]int)}
}

func (f *fakeSource) Name() string { return "fake" }

func (f *fakeSource) Coins(context.Context) ([]market.Coin, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listErr != nil {
		return nil, f.listErr
	}
	return []market.Coin{"BTC", "ETH"}, nil
}

func (f *fakeSource) Fetch(ctx context.Context, key snapshot.Key) (*snapshot.Snapshot, error) {
	f.mu.Lock()
	f.asked[key]++
	f.flying[key]++
	f.most = max(f.most, f.flying[key])
	took, err, panics := f.took, f.err, f.panics
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.flying[key]--
		f.mu.Unlock()
	}()
	if panics {
		panic("boom")
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	price := 100 + float64(f.count(key))
	m, err := liquidation.New(liquidation.Input{
		Coin: key.Coin, Window: key.Window, MarkUSD: price, Provenance: market.Provenance{AsOf: time.Now()},
		Levels: []liquidation.Level{{PriceUSD: 1e6, Side: market.Short, IntensityUSD: price}},
	})
	if err != nil {
		return nil, err
	}
	return &snapshot.Snapshot{Key: key, Map: m, Price: market.Price{USD: price, Provenance: market.Provenance{AsOf: time.Now()}}}, nil
}

func (f *fakeSource) set(change func(*fakeSource)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeSource) count(key snapshot.Key) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[key]
}

// running is a cache that runs in the bubble of a test until it ends.
func running(t *testing.T, f *fakeSource, change func(*snapshot.CacheOptions)) *snapshot.Cache {
	t.Helper()
	opts := snapshot.CacheOptions{Source: f, Warm: []snapshot.Key{btc}, Every: 10 * time.Second, FetchTimeout: 5 * time.Second, MaxKeys: 4, Parallel: 2}
	if change != nil {
		change(&opts)
	}
	c := snapshot.NewCache(opts)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	synctest.Wait()
	return c
}

func TestWarmKeysAreRefreshedInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := running(t, f, nil)
		first := c.Get(btc)
		if first == nil || first.ID == 0 {
			t.Fatalf("first snapshot: %+v", first)
		}
		pass(25 * time.Second)
		second := c.Get(btc)
		if second.ID == first.ID || second.Age(time.Now()) > 11*time.Second {
			t.Errorf("after 25 s the snapshot is %v old with id %d", second.Age(time.Now()), second.ID)
		}
		if n := f.count(btc); n < 3 || n > 4 {
			t.Errorf("the source was asked %d times in 25 s, want 3", n)
		}
		if got := c.Coins(); len(got) != 2 {
			t.Errorf("coins = %v", got)
		}
	})
}

func TestSnapshotStaysAndAgesWhileTheSourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := running(t, f, nil)
		first := c.Get(btc)
		f.set(func(f *fakeSource) { f.err = errors.New("down") })
		pass(10 * time.Minute)
		kept := c.Get(btc)
		if kept != first || kept.Age(time.Now()) < 9*time.Minute {
			t.Errorf("kept %+v, %v old", kept, kept.Age(time.Now()))
		}
		if c.LastFailure() == nil {
			t.Error("the failure is not told")
		}
		f.set(func(f *fakeSource) { f.err = nil })
		pass(2 * time.Minute)
		if age := c.Get(btc).Age(time.Now()); age > 11*time.Second {
			t.Errorf("after the source came back the snapshot is %v old", age)
		}
	})
}

func TestOneRefreshAtATimeHoweverManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.took = time.Second
		c := running(t, f, func(o *snapshot.CacheOptions) { o.Warm = nil; o.MaxKeys = 4 })
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if s, err := c.Wait(t.Context(), eth); err != nil || s == nil {
					t.Errorf("wait: %v, %v", s, err)
				}
			})
		}
		wg.Wait()
		if n := f.count(eth); n != 1 || f.most != 1 {
			t.Errorf("the source was asked %d times, %d at once; want once", n, f.most)
		}
	})
}

func TestWaitReturnsTheReasonAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.err = &snapshot.Error{Problem: snapshot.PlanTooLow, Hint: "buy more"}
		c := running(t, f, nil)
		began := time.Now()
		for range 3 {
			if _, err := c.Wait(t.Context(), eth); snapshot.ProblemOf(err) != snapshot.PlanTooLow {
				t.Errorf("error = %v", err)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v", took)
		}
		if n := f.count(eth); n != 1 {
			t.Errorf("a source that only the host can mend was asked %d times", n)
		}
	})
}

func TestRetryAtIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.err = &snapshot.Error{Problem: snapshot.RateLimited, RetryAt: time.Now().Add(3 * time.Minute)}
		running(t, f, nil)
		pass(170 * time.Second)
		if n := f.count(btc); n != 1 {
			t.Errorf("asked %d times before the time it named", n)
		}
		pass(20 * time.Second)
		if n := f.count(btc); n < 2 {
			t.Error("not asked again after the time it named")
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.took = 4 * time.Second
		c := running(t, f, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Wait(ctx, eth); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
	})
}

func TestIdleKeysAreForgottenAndTheirNumberIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := running(t, f, func(o *snapshot.CacheOptions) { o.Idle = time.Minute; o.MaxKeys = 4 })
		for _, coin := range []market.Coin{"A", "B", "C", "D", "E", "F"} {
			if _, err := c.Wait(t.Context(), snapshot.Key{Coin: coin, Window: market.Day}); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
		}
		if n := len(c.All()); n != 4 {
			t.Errorf("%d snapshots are kept, want 4", n)
		}
		if c.Get(btc) == nil {
			t.Error("the warm key had to make room")
		}
		pass(3 * time.Minute)
		if all := c.All(); len(all) != 1 || all[0].Key != btc {
			t.Errorf("after a while without questions %d snapshots are kept", len(all))
		}
	})
}

func TestPanickingSourceIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.panics = true
		c := running(t, f, nil)
		if _, err := c.Wait(t.Context(), eth); err == nil {
			t.Error("no error")
		}
	})
}

func TestWithoutAListTheWarmCoinsAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.listErr = errors.New("no list")
		c := running(t, f, nil)
		if got := c.Coins(); len(got) != 1 || got[0] != "BTC" {
			t.Errorf("coins = %v, want BTC", got)
		}
		f.set(func(f *fakeSource) { f.listErr = nil })
		pass(2 * time.Minute)
		if got := c.Coins(); len(got) != 2 {
			t.Errorf("coins = %v after the list came", got)
		}
	})
}

func TestKeyThatMadeRoomIsFetchedAnewWhenAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := running(t, newFake(), func(o *snapshot.CacheOptions) { o.MaxKeys = 2 })
		for _, coin := range []market.Coin{"A", "B", "C", "A", "B"} {
			if _, err := c.Wait(t.Context(), snapshot.Key{Coin: coin, Window: market.Day}); err != nil {
				t.Fatalf("%s: %v", coin, err)
			}
		}
	})
}

// However many warm keys are due, somebody who waits comes first.
func TestWhoWaitsComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.took = time.Second
		c := running(t, f, func(o *snapshot.CacheOptions) {
			o.Warm = nil
			for i := range 100 {
				o.Warm = append(o.Warm, snapshot.Key{Coin: market.Coin(fmt.Sprintf("W%d", i)), Window: market.Day})
			}
			o.MaxKeys, o.Parallel = 200, 2
		})
		began := time.Now()
		for i := range 5 {
			if _, err := c.Wait(t.Context(), snapshot.Key{Coin: market.Coin(fmt.Sprintf("X%d", i)), Window: market.Day}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 12*time.Second {
			t.Errorf("five cold keys took %v with 100 warm ones due", took)
		}
		for range 100 {
			pass(time.Second)
		}
		if n := len(c.All()); n < 100 {
			t.Errorf("%d keys have a snapshot: some warm ones starve", n)
		}
	})
}

// Readers never see a snapshot that does not fit together while a writer
// publishes; run with the race detector.
func TestReadersSeeWholeSnapshots(t *testing.T) {
	f := newFake()
	c := snapshot.NewCache(snapshot.CacheOptions{Source: f, Warm: []snapshot.Key{btc, eth}, Every: 200 * time.Millisecond, Parallel: 2})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if s := c.Get(btc); s != nil && (s.Map.TotalUSD(market.Short) != s.Price.USD || s.Key != btc) {
					t.Error("torn snapshot")
					return
				}
			}
		})
	}
	if err := c.Run(ctx); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// pass lets the fake time of a bubble pass.
func pass(d time.Duration) { <-time.After(d) }

func TestWantedKeysAreFetchedAndPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		published := make(chan *snapshot.Snapshot, 1000)
		c := running(t, newFake(), func(o *snapshot.CacheOptions) {
			o.Warm, o.Every, o.Idle = nil, time.Second, 10*time.Second
			o.Publish = func(s *snapshot.Snapshot) { published <- s }
		})
		c.Want(eth)
		pass(30 * time.Second)
		close(published)
		n, last := 0, uint64(0)
		for s := range published {
			if n++; s.Key != eth || s.ID <= last {
				t.Fatalf("published %v with id %d after %d", s.Key, s.ID, last)
			}
			last = s.ID
		}
		if n < 9 || n > 12 {
			t.Errorf("published %d snapshots, want one a second for the ten seconds that the key was wanted", n)
		}
	})
}
