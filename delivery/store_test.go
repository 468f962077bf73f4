package delivery_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/delivery"
	"liqbot/storage"
)

// process is the store as a process has it that can be killed.
type process struct {
	*storage.Store
	dead *atomic.Bool
}

func (p process) Advance(ctx context.Context, on chat.Platform, done []alert.Result, n int) (alert.Batch, error) {
	if p.dead.Load() {
		return alert.Batch{}, errKilled
	}
	return p.Store.Advance(ctx, on, done, n)
}

// The Courier with the real store: an alert for many chats, of which some are gone,
// closed or have changed their minds, and a process that is killed twice.
func TestWithTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, kills = 300, 2
		dir := t.TempDir()
		store := open(t, dir)
		all := chats(n)
		for _, c := range all {
			subscribe(t, store, c)
		}
		now := time.Now()
		news := *event("A", time.Hour)
		news.Strength, news.Notable = 1e6, true
		if queued, err := store.Record(t.Context(), alert.Step{Alerts: []alert.Alert{news}}); err != nil || queued != n {
			t.Fatalf("queued %d, %v", queued, err)
		}
		mute(t, store, all[n-1], now.Add(time.Hour))
		platform := newSender(func(c string, try int) answer {
			switch {
			case c == all[3] || c == all[150]:
				return answer{Outcome: chat.Outcome{Fate: chat.Gone, Reason: "bot was blocked by the user"}}
			case c == all[4]:
				return answer{Outcome: chat.Outcome{Fate: chat.Barred, Reason: "no right to write"}}
			case c == all[5] && try == 0:
				return answer{Outcome: chat.Outcome{Fate: chat.Later, Wait: 5 * time.Second}}
			}
			return posted(80 * time.Millisecond)
		})
		platform.every = time.Second / 30
		for range kills {
			deliver(t, store, platform, 2500*time.Millisecond, true)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			store = open(t, dir)
		}
		deliver(t, store, platform, 10*time.Minute, false)
		checkTotals(t, store, platform, n, kills)
		for _, c := range []string{all[3], all[150]} {
			if got := settings(t, store, c); got.Retired.Reason == "" {
				t.Errorf("chat %s is not retired: %+v", c, got)
			}
		}
		if got := settings(t, store, all[4]); !got.Subscriptions[0].Barred {
			t.Errorf("the chat that is closed to the bot: %+v", got)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// deliver runs a Courier for a while; a killed one records nothing at its end.
func deliver(t *testing.T, store *storage.Store, platform *sender, d time.Duration, kill bool) {
	t.Helper()
	box := &life{}
	p := process{store, &box.dead}
	c := delivery.New(delivery.Options{Platform: chat.Telegram, Outbox: p, Sender: &mouth{sender: platform, life: box}, Renderer: words(nil)})
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- c.Run(ctx) }()
	pass(d)
	box.dead.Store(kill)
	cancel()
	if err := <-end; err != nil && !kill {
		t.Errorf("Run: %v", err)
	}
}

func checkTotals(t *testing.T, store *storage.Store, platform *sender, n, kills int) {
	t.Helper()
	totals, err := store.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for _, m := range platform.messages() {
		count[m.chat]++
	}
	doubles := len(platform.messages()) - len(count)
	t.Logf("%v, %d doubles", totals.Deliveries, doubles)
	sum := uint64(0)
	for _, k := range totals.Deliveries {
		sum += k
	}
	if sum != uint64(n) {
		t.Errorf("%d final states, want %d: %v", sum, n, totals.Deliveries)
	}
	if got := totals.Deliveries[alert.Sent]; got > uint64(len(count)) {
		t.Errorf("%d sent, but only %d chats saw it", got, len(count))
	}
	if doubles > kills*28 {
		t.Errorf("%d doubles after %d kills", doubles, kills)
	}
	want := map[alert.State]uint64{alert.Retired: 2, alert.Barred: 1, alert.Unwanted: 1}
	got := map[alert.State]uint64{}
	for s := range want {
		got[s] = totals.Deliveries[s]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
}

func open(t *testing.T, dir string) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func target(id string) chat.Target { return chat.Target{Platform: chat.Telegram, Chat: id} }

func change(t *testing.T, store *storage.Store, id string, f func(*alert.Chat)) {
	t.Helper()
	_, err := store.ChangeAlerts(t.Context(), target(id), chat.Entry{}, func(c *alert.Chat) error { f(c); return nil })
	if err != nil {
		t.Fatal(fmt.Errorf("change chat %s: %w", id, err))
	}
}

func subscribe(t *testing.T, store *storage.Store, id string) {
	t.Helper()
	change(t, store, id, func(c *alert.Chat) {
		c.Kind = chat.Private
		c.Subscriptions = append(c.Subscriptions, alert.Subscription{Rule: alert.Breakout, Coin: "BTC", Since: time.Now()})
	})
}

func mute(t *testing.T, store *storage.Store, id string, until time.Time) {
	t.Helper()
	change(t, store, id, func(c *alert.Chat) { c.MutedUntil = until })
}

func settings(t *testing.T, store *storage.Store, id string) alert.Chat {
	t.Helper()
	c, err := store.Alerts(t.Context(), target(id))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
