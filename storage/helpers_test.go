package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
	"liqbot/storage"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// room is a store with a clock that a test moves.
type room struct {
	*storage.Store
	dir string
	mu  sync.Mutex
	now time.Time
}

func newRoom(tb testing.TB) *room {
	tb.Helper()
	r := &room{dir: tb.TempDir(), now: start}
	r.open(tb)
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func (r *room) open(tb testing.TB) {
	tb.Helper()
	s, err := storage.Open(context.Background(), r.dir, r.clock)
	if err != nil {
		tb.Fatal(err)
	}
	r.Store = s
}

// restart does what a new process would.
func (r *room) restart(tb testing.TB) {
	tb.Helper()
	if err := r.Close(); err != nil {
		tb.Fatal(err)
	}
	r.open(tb)
}

func (r *room) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *room) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *room) change(tb testing.TB, t chat.Target, change func(*alert.Chat)) alert.Chat {
	tb.Helper()
	c, err := r.ChangeAlerts(tb.Context(), t, chat.Entry{}, func(c *alert.Chat) error {
		change(c)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// subscribe makes chats of a kind subscribe to breakouts of a coin.
func (r *room) subscribe(tb testing.TB, kind chat.Kind, coin market.Coin, chats ...chat.Target) {
	tb.Helper()
	for _, t := range chats {
		r.change(tb, t, func(c *alert.Chat) {
			c.Kind = kind
			c.Subscriptions = append(c.Subscriptions, alert.Subscription{Rule: alert.Breakout, Coin: coin, Thread: t.Thread, Since: start})
		})
	}
}

func (r *room) level(tb testing.TB, t chat.Target, coin market.Coin, usd float64, rising bool) {
	tb.Helper()
	r.change(tb, t, func(c *alert.Chat) {
		c.Levels = append(c.Levels, alert.Level{Coin: coin, USD: usd, Rising: rising, Thread: t.Thread, Since: start})
	})
}

func (r *room) record(tb testing.TB, step alert.Step) int {
	tb.Helper()
	n, err := r.Record(tb.Context(), step)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func (r *room) advance(tb testing.TB, p chat.Platform, done []alert.Result, n int) alert.Batch {
	tb.Helper()
	b, err := r.Advance(tb.Context(), p, done, n)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// deliver sends everything and returns the targets in order.
func (r *room) deliver(tb testing.TB, p chat.Platform) []chat.Target {
	tb.Helper()
	var to []chat.Target
	var done []alert.Result
	for {
		b := r.advance(tb, p, done, 14)
		if done = nil; len(b.Deliveries) == 0 {
			return to
		}
		for _, d := range b.Deliveries {
			to = append(to, d.To.Target)
			done = append(done, alert.Result{Delivery: d, State: alert.Sent})
		}
	}
}

func (r *room) totals(tb testing.TB) alert.Totals {
	tb.Helper()
	totals, err := r.Totals(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return totals
}

func (r *room) quarantined(tb testing.TB) uint64 {
	tb.Helper()
	n, err := r.Quarantined(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func member(p chat.Platform, n int) chat.Target {
	return chat.Target{Platform: p, Chat: fmt.Sprint(1_000_000_000 + n)}
}

func members(p chat.Platform, n int) []chat.Target {
	var out []chat.Target
	for i := range n {
		out = append(out, member(p, i))
	}
	return out
}

// breakout is an alert that nobody has seen before for another epoch.
func breakout(coin market.Coin, epoch int) alert.Alert {
	at := start.Add(time.Duration(epoch) * time.Second)
	return alert.Alert{
		ID:   alert.EventID(alert.Breakout, coin, 94_681, true, at),
		Rule: alert.Breakout, Coin: coin, Window: market.Week, Rising: true,
		LevelUSD: 94_681, PriceUSD: 94_702.5, Kind: market.MarkPrice, IntensityUSD: 2.705e9, IntensityAt: at,
		Strength: 2.705e9, Notable: true,
		At: at, Crossed: at, Expires: at.Add(15 * time.Minute),
		Provenance: market.Provenance{Source: "CoinGlass", Origin: market.Vendor, AsOf: at, Venues: []market.Venue{"Binance", "OKX"}},
	}
}

func breakouts(coin market.Coin, epoch int) alert.Step {
	return alert.Step{Alerts: []alert.Alert{breakout(coin, epoch)}}
}

// price is a confirmed price at a second after the start.
func price(coin market.Coin, usd float64, epoch int) alert.Step {
	at := start.Add(time.Duration(epoch) * time.Second)
	return alert.Step{Reached: []alert.Reached{{Coin: coin, USD: usd, Alert: alert.Alert{
		Rule: alert.Price, Coin: coin, PriceUSD: usd, Kind: market.MarkPrice, At: at, Crossed: at, Expires: at.Add(15 * time.Minute),
		Provenance: market.Provenance{Source: "CoinGlass", Origin: market.Measured, AsOf: at},
	}}}}
}

func results(state alert.State, of ...alert.Delivery) []alert.Result {
	var out []alert.Result
	for _, d := range of {
		out = append(out, alert.Result{Delivery: d, State: state})
	}
	return out
}

var errNo = errors.New("no")

// bytesOf looks for a text in every row of a store that is closed, and returns the bucket
// and key of one that has it.
func bytesOf(t *testing.T, dir, text string) string {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, storage.FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found := ""
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(key, value []byte) error {
				if bytes.Contains(key, []byte(text)) || bytes.Contains(value, []byte(text)) {
					found = fmt.Sprintf("%s: %q", name, key)
				}
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
