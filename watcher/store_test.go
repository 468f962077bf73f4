package watcher_test

import (
	"testing"
	"testing/synctest"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/snapshot"
	"liqbot/storage"
	"liqbot/watcher"
)

// TestWithTheStore joins the watcher and the store that it is made for: what is
// found on the market ends in the outbox, once, over a restart of the watcher.
func TestWithTheStore(t *testing.T) {
	store, err := storage.Open(t.Context(), t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	home := chat.Target{Platform: chat.Telegram, Chat: "1"}
	_, err = store.ChangeAlerts(t.Context(), home, chat.Entry{Change: "subscribe"}, func(c *alert.Chat) error {
		c.Kind = chat.Private
		c.Subscriptions = append(c.Subscriptions, alert.Subscription{Rule: alert.Breakout, Coin: "BTC"})
		c.Levels = append(c.Levels, alert.Level{Coin: "BTC", USD: 105, Rising: true})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		wakes, wanted := 0, 0
		run := func() *bench {
			return startWith(t, watcher.Options{
				Journal: store, Hold: limits.Hold, Cooldown: limits.Cooldown,
				Wake: func() { wakes++ }, Want: func(snapshot.Key) { wanted++ },
			})
		}
		b := run()
		b.show("BTC", 100, 110)
		pass(10 * time.Second)
		b.show("BTC", 100, 110)
		pass(10 * time.Second)
		b.show("BTC", 111, 118)
		b.stop()
		b = run()
		for range 5 {
			pass(10 * time.Second)
			b.show("BTC", 111, 118)
		}
		b.stop()
		batch, err := store.Advance(t.Context(), chat.Telegram, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		levels := make(map[alert.Rule]float64)
		for _, d := range batch.Deliveries {
			levels[d.Alert.Rule] = d.Alert.LevelUSD
		}
		if len(batch.Deliveries) != 2 || levels[alert.Breakout] != 110 || levels[alert.Price] != 105 {
			t.Errorf("deliveries %+v, want the breakout of 110 and the level at 105", batch.Deliveries)
		}
		if wakes != 2 || wanted != 2 {
			t.Errorf("woke %d times, wanted %d times; want 2 and 2", wakes, wanted)
		}
	})
}
