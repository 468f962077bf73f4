package watcher_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

// bench is a watcher that runs in the bubble of a test.
type bench struct {
	*watcher.Watcher
	t     *testing.T
	log   *strings.Builder
	mu    sync.Mutex
	wants []string
	wakes int
	seen  []alert.Rule
	stop  func()
}

// start runs a watcher on a journal until the test ends or it is stopped. What is
// to be prepared is done before.
func start(t *testing.T, j *journal, prepare ...func(*watcher.Watcher)) *bench {
	t.Helper()
	return startWith(t, watcher.Options{Journal: j, Hold: limits.Hold, Cooldown: limits.Cooldown, StaleAfter: limits.StaleAfter, TTL: limits.TTL}, prepare...)
}

func startWith(t *testing.T, o watcher.Options, prepare ...func(*watcher.Watcher)) *bench {
	t.Helper()
	b := &bench{t: t, log: new(strings.Builder)}
	began := time.Now()
	if o.Want == nil {
		o.Want = func(k snapshot.Key) {
			b.locked(func() { b.wants = append(b.wants, fmt.Sprint(k, " ", time.Since(began).Round(time.Second))) })
		}
	}
	if o.Wake == nil {
		o.Wake = func() { b.locked(func() { b.wakes++ }) }
	}
	o.Observe = func(r alert.Rule) { b.locked(func() { b.seen = append(b.seen, r) }) }
	o.Log = slog.New(slog.NewTextHandler(b.log, nil))
	b.Watcher = watcher.New(o)
	for _, f := range prepare {
		f(b.Watcher)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(b.stop)
	go func() { ended <- b.Run(ctx) }()
	synctest.Wait()
	return b
}

func (b *bench) locked(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// show publishes a snapshot of now and waits until it is evaluated.
func (b *bench) show(coin market.Coin, usd, above float64) {
	b.t.Helper()
	b.Publish(snap(b.t, coin, usd, above))
	synctest.Wait()
}

// snap is a snapshot of now.
func snap(tb testing.TB, coin market.Coin, usd, above float64) *snapshot.Snapshot {
	tb.Helper()
	s, _ := shot{usd: usd, above: above, change: func(v *view) {
		v.coin, v.priceAt, v.mapAt = coin, time.Now(), time.Now()
	}}.make(tb)
	return s
}

// breakThrough shows a breakout of 110 that is confirmed after half a minute.
func (b *bench) breakThrough(coin market.Coin) {
	b.t.Helper()
	b.show(coin, 100, 110)
	pass(10 * time.Second)
	b.show(coin, 100, 110)
	pass(10 * time.Second)
	b.show(coin, 111, 118)
	pass(20 * time.Second)
	b.show(coin, 111, 118)
}

// pass lets time go by, and what it sets off happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestBreakoutIsRecordedWithItsState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		b := start(t, j)
		b.breakThrough("BTC")
		if len(j.alerts) != 1 || j.alerts[0].LevelUSD != 110 || j.alerts[0].Coin != "BTC" {
			t.Fatalf("alerts %+v, want one at 110", j.alerts)
		}
		st, err := watcher.DecodeBreakout(j.states["breakout BTC"])
		if err != nil || st.Above.Phase != watcher.Broken {
			t.Errorf("kept state %s, %v; want it broken", j.states["breakout BTC"], err)
		}
		if b.wakes != 1 || !slices.Equal(b.seen, []alert.Rule{alert.Breakout}) {
			t.Errorf("woke %d times, observed %v", b.wakes, b.seen)
		}
		if got := b.Beat(); !got.Equal(time.Now()) {
			t.Errorf("beat %v, want now", got)
		}
	})
}

func TestLevelIsReachedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		b := start(t, j)
		b.show("ETH", 100, 0)
		pass(10 * time.Second)
		b.show("ETH", 100, 0)
		j.change(func(j *journal) { j.levels["ETH"] = 100 }) // works from the next price on
		for range 3 {
			pass(10 * time.Second)
			b.show("ETH", 101, 0)
		}
		if len(j.reached) != 1 || j.reached[0].USD != 100 || j.reached[0].Alert.Rule != alert.Price {
			t.Errorf("reached %+v, want once at 100", j.reached)
		}
		if b.wakes != 1 || !slices.Equal(b.seen, []alert.Rule{alert.Price}) {
			t.Errorf("woke %d times, observed %v", b.wakes, b.seen)
		}
	})
}

func TestStatesAreSavedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		b := start(t, j)
		coins := []market.Coin{"BTC", "ETH", "SOL"}
		for range 90 { // three minutes, six snapshots a second
			for _, coin := range coins {
				b.show(coin, 100, 110)
			}
			pass(2 * time.Second)
		}
		if j.records < 7 || j.records > 10 { // one to arm each coin, then one in 30 s for all
			t.Errorf("recorded %d times, want 3 and then 6", j.records)
		}
		pass(20 * time.Second)
		b.show("BTC", 101, 110)
		b.stop()
		for _, coin := range coins {
			st, err := watcher.DecodePrice(j.states["price "+string(coin)])
			if err != nil || coin == "BTC" && st.Seen.USD != 101 || st.USD != 100 {
				t.Errorf("%s: state %+v, %v after the end", coin, st, err)
			}
		}
		n := j.records
		start(t, j).stop()
		if j.records != n {
			t.Error("a watcher that has seen nothing records something")
		}
	})
}

func TestWatchedCoinsAreWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal("BTC")
		b := start(t, j)
		pass(30 * time.Second)
		j.change(func(j *journal) { j.watched = []market.Coin{"BTC", "ETH"} })
		pass(40 * time.Second)
		j.change(func(j *journal) { j.watched = []market.Coin{"ETH"} })
		pass(80 * time.Second)
		want := []string{"BTC 7d 0s", "ETH 7d 30s", "BTC 7d 1m0s", "ETH 7d 1m30s"}
		b.locked(func() {
			got := b.wants
			if len(got) == 4 { // the second is when the look falls
				got = []string{got[0], strings.Replace(got[1], "31s", "30s", 1), got[2], strings.Replace(got[3], "1m31s", "1m30s", 1)}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("wanted (-want +got):\n%s", diff)
			}
		})
	})
}

func TestPublishTakesTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		j.failRead = true // so that Run does not get to evaluate anything yet
		b := start(t, j)
		older := snap(t, "BTC", 90, 0)
		pass(10 * time.Second)
		b.Publish(snap(t, "BTC", 100, 0))
		pass(time.Second)
		other := snap(t, "BTC", 95, 0)
		other.Key.Window = market.Day
		b.Publish(older)
		b.Publish(other)
		b.Publish(nil)
		b.Publish(&snapshot.Snapshot{Key: snapshot.Key{Coin: "BTC", Window: market.Week}})
		if !b.Beat().IsZero() {
			t.Error("evaluated without the kept states")
		}
		j.change(func(j *journal) { j.failRead = false })
		pass(time.Minute)
		b.stop()
		st, err := watcher.DecodePrice(j.states["price BTC"])
		if err != nil || st.Seen.USD != 100 || st.USD != 0 {
			t.Errorf("state %+v, %v: want only 100 to be seen", st, err)
		}
		if n := strings.Count(b.log.String(), "rule states not read"); n != 1 {
			t.Errorf("the log tells %d times of it", n)
		}
	})
}

func TestPanicOfOneRuleIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		j.levels["BTC"] = 100
		var mend func()
		b := start(t, j, func(w *watcher.Watcher) { mend = watcher.BreakRule(w, 0) })
		b.breakThrough("BTC")
		if len(j.reached) != 1 {
			t.Error("the other rule does not work")
		}
		if n := strings.Count(b.log.String(), "rule panicked"); n != 1 || strings.Contains(b.log.String(), "a rule that is broken") {
			t.Errorf("the log tells %d times of it:\n%s", n, b.log)
		}
		mend()
		pass(time.Minute)
		b.breakThrough("BTC")
		if len(j.alerts) != 1 {
			t.Errorf("%d alerts once the rule works again, want 1", len(j.alerts))
		}
	})
}

func TestStaleSnapshotsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		b := start(t, j)
		b.show("BTC", 100, 110)
		beat := b.Beat()
		old := snap(t, "BTC", 120, 125)
		pass(3 * time.Minute)
		for range 5 {
			b.Publish(old)
			pass(time.Second)
		}
		if !b.Beat().Equal(beat) {
			t.Error("a stale snapshot counts as evaluated")
		}
		b.show("BTC", 120, 125)
		if n := strings.Count(b.log.String(), "rules rest"); n != 1 || !strings.Contains(b.log.String(), "fresh again") {
			t.Errorf("the log tells %d times of it:\n%s", n, b.log)
		}
		if len(j.alerts) > 0 {
			t.Errorf("alerts %+v", j.alerts)
		}
	})
}

func TestDamagedStateStartsAnew(t *testing.T) {
	for _, damaged := range []string{"", "{", "null", `{"v":9,"state":{}}`, `{"v":1,"state":{"above":{"phase":"armed"}}}`} {
		synctest.Test(t, func(t *testing.T) {
			j := newJournal()
			j.states["breakout BTC"], j.states["price BTC"] = []byte(damaged), []byte(damaged)
			b := start(t, j)
			b.breakThrough("BTC")
			if len(j.alerts) != 1 {
				t.Errorf("state %q: %d alerts, want 1", damaged, len(j.alerts))
			}
			if !strings.Contains(b.log.String(), "rule state not used") {
				t.Errorf("state %q: the log does not tell", damaged)
			}
		})
	}
}
