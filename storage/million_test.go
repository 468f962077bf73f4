package storage_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
	"liqbot/storage"
)

// BenchmarkMillion is a store of 1,000,000 subscriptions to 100 coins, half of them with one
// of some thresholds, as a bot has it that writes its record: what is wanted of it and what
// was seen.
func BenchmarkMillion(b *testing.B) {
	const chats, coins = 1_000_000, 100
	r := newRoom(b)
	err := r.Fill(chats, func(i int) (chat.Target, alert.Chat) {
		coin := market.Coin(fmt.Sprintf("C%d", i%coins))
		c := alert.Chat{Kind: chat.Private, Language: "ru", Subscriptions: []alert.Subscription{{Rule: alert.Breakout, Coin: coin, Since: start}}}
		if i/coins%2 == 1 {
			c.SetThreshold(alert.Breakout, coin, float64(1+i/coins%7)*1e8)
		}
		return member(chat.Telegram, i), c
	})
	if err != nil {
		b.Fatal(err)
	}
	past := alert.Step{}
	for i := range 2000 { // a record of a year
		a := breakout("C0", -i*4*3600)
		past.Traces = append(past.Traces, a)
	}
	r.record(b, past)
	b.Run("Record", func(b *testing.B) {
		epoch := 0
		for b.Loop() {
			epoch++
			if n := r.record(b, breakouts("C0", epoch)); n != chats/coins {
				b.Fatal(n)
			}
		}
		wanted(b, 200*time.Millisecond, "an alert of which 10,000 of 1,000,000 hear is matched and on the disk")
	})
	b.Run("Watched", func(b *testing.B) {
		for b.Loop() {
			if found, err := r.Watched(b.Context()); err != nil || len(found) != coins {
				b.Fatal(len(found), err)
			}
		}
		wanted(b, 10*time.Millisecond, "a look at which coins are watched")
	})
	b.Run("Change", func(b *testing.B) {
		i := 0
		for b.Loop() {
			i++
			r.change(b, member(chat.Telegram, i%chats), func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "C1", float64(i)*1e7) })
		}
		wanted(b, 50*time.Millisecond, "a change of a chat is on the disk")
	})
	b.Run("Start", func(b *testing.B) {
		for b.Loop() {
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
			if err := storage.Verify(b.Context(), filepath.Join(r.dir, storage.FileName)); err != nil {
				b.Fatal(err)
			}
			r.open(b)
			r.ask(b)
		}
		wanted(b, 2*time.Second, "the file is verified and opened, and all is read that a start reads")
	})
}

// ask asks what a bot asks at its start.
func (r *room) ask(b *testing.B) {
	b.Helper()
	for name, f := range map[string]func() error{
		"states":      func() error { _, err := r.States(b.Context()); return err },
		"watched":     func() error { _, err := r.Watched(b.Context()); return err },
		"interrupted": func() error { _, err := r.Interrupted(b.Context(), chat.Telegram); return err },
		"advance":     func() error { _, err := r.Advance(b.Context(), chat.Telegram, nil, 0); return err },
		"census":      func() error { _, err := r.Census(b.Context()); return err },
		"chats":       func() error { _, err := r.Chats(); return err },
	} {
		if err := f(); err != nil {
			b.Fatal(name, err)
		}
	}
}

// wanted logs how long one round took, beside what is wanted.
func wanted(b *testing.B, most time.Duration, what string) {
	b.Helper()
	seen := b.Elapsed() / time.Duration(max(b.N, 1))
	b.Logf("wanted: %s in under %v, seen: %v", what, most, seen.Round(time.Microsecond))
}

// BenchmarkRecipientsInFlight is the heap while alerts are on their way to few and to very
// many: it is the same.
func BenchmarkRecipientsInFlight(b *testing.B) {
	heap := func(recipients int) (bytes uint64) {
		r := crowd(b, recipients, 1)
		defer r.Close()
		for epoch := range 3 {
			r.record(b, breakouts("C0", epoch))
		}
		var done []alert.Result
		var flying []alert.Delivery
		for range 50 { // in the middle of it
			batch, err := r.Advance(context.Background(), chat.Telegram, done, 14)
			if err != nil {
				b.Fatal(err)
			}
			done, flying = results(alert.Sent, flying...), batch.Deliveries
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		runtime.KeepAlive(flying)
		return m.HeapAlloc
	}
	for b.Loop() {
		few, many := heap(1000), heap(300_000)
		more := (float64(many) - float64(few)) / (1 << 20)
		b.ReportMetric(more, "MB/more")
		b.Logf("wanted: no more heap for 900,000 deliveries on their way than for 3,000, seen: %+.2f MB", more)
	}
}
