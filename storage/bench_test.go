package storage_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
	"liqbot/storage"
)

// crowd fills a store with private chats that subscribe to one of some coins each.
func crowd(b *testing.B, chats, coins int) *room {
	b.Helper()
	r := newRoom(b)
	err := r.Fill(chats, func(i int) (chat.Target, alert.Chat) {
		return member(chat.Telegram, i), alert.Chat{Kind: chat.Private, Language: "ru", Subscriptions: []alert.Subscription{
			{Rule: alert.Breakout, Coin: market.Coin(fmt.Sprintf("C%d", i%coins)), Since: start},
		}}
	})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// BenchmarkRecord is one breakout that 10,000 chats hear of, on the disk.
func BenchmarkRecord(b *testing.B) {
	const chats = 10_000
	r := crowd(b, chats, 1)
	epoch := 0
	for b.Loop() {
		epoch++
		if n := r.record(b, breakouts("C0", epoch)); n != chats {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/alert")
}

// BenchmarkLevels is one price that reaches 10,000 members' levels.
func BenchmarkLevels(b *testing.B) {
	r := newRoom(b)
	epoch := 0
	for b.Loop() {
		b.StopTimer()
		err := r.Fill(10_000, func(i int) (chat.Target, alert.Chat) {
			return member(chat.Telegram, i), alert.Chat{Kind: chat.Private, Levels: []alert.Level{{Coin: "BTC", USD: 100_000, Rising: true, Since: start}}}
		})
		if err != nil {
			b.Fatal(err)
		}
		epoch++
		b.StartTimer()
		if n := r.record(b, price("BTC", 100_001, epoch)); n != 10_000 {
			b.Fatal(n)
		}
	}
}

// BenchmarkFanOut delivers one breakout, whose messages are kept for follow-ups, to 20,000
// chats with 14 results and 14 claims a commit. page-B/delivery is what the store handed to the kernel to write,
// disk-B/delivery what the kernel says that this process wrote: it rounds up to the
// folios of its cache, which are larger than a page on newer ones.
func BenchmarkFanOut(b *testing.B) {
	const chats, window = 20_000, 14
	for b.Loop() {
		b.StopTimer()
		r := crowd(b, chats, 1)
		news := breakouts("C0", 1)
		for i := range 100 { // as many coins as a bot watches
			news.Seen = append(news.Seen, market.Coin(fmt.Sprintf("C%d", i)))
		}
		r.record(b, news)
		written, pages := diskWrites(b), pageWrites(b, r)
		b.StartTimer()
		began := time.Now()
		var done []alert.Result
		told := 0
		for {
			batch := r.advance(b, chat.Telegram, done, window)
			if len(batch.Deliveries) == 0 {
				break
			}
			told += len(batch.Deliveries)
			done = results(alert.Sent, batch.Deliveries...)
			for i := range done {
				done[i].Message = strconv.Itoa(5_000_000 + told + i)
			}
		}
		if told != chats {
			b.Fatal(told)
		}
		disk, page := float64(diskWrites(b)-written)/chats, float64(pageWrites(b, r)-pages)/chats
		b.ReportMetric(disk, "disk-B/delivery")
		b.ReportMetric(page, "page-B/delivery")
		b.Logf("wanted: at most 3072 bytes written for a delivery of a breakout, seen: %.0f (%.0f by the kernel's count of its cache)", page, disk)
		b.ReportMetric(chats/time.Since(began).Seconds(), "deliveries/s")
	}
}

func pageWrites(b *testing.B, r *room) int64 {
	b.Helper()
	n, err := r.Written()
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// diskWrites is what this process has written to disks, in bytes; Linux only.
func diskWrites(b *testing.B) int64 {
	b.Helper()
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip("the system does not tell what was written")
	}
	_, rest, _ := bytes.Cut(data, []byte("\nwrite_bytes: "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.ParseInt(string(line), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkLookups are what happens without a commit, in a store of 100,000 chats.
func BenchmarkLookups(b *testing.B) {
	r := crowd(b, 100_000, 100)
	for i := range 1000 {
		r.level(b, member(chat.Telegram, i%100), market.Coin(fmt.Sprintf("C%d", i%100)), 100+float64(i), true)
	}
	r.record(b, breakouts("C0", 1))
	d := r.advance(b, chat.Telegram, nil, 1).Deliveries[0]
	for name, f := range map[string]func() error{
		"Wanted":       func() error { _, err := r.Wanted(b.Context(), d); return err },
		"LevelReached": func() error { _, err := r.LevelReached(b.Context(), "C7", 50); return err },
		"Watched":      func() error { _, err := r.Watched(b.Context()); return err },
		"Back":         func() error { return r.Back(b.Context(), d.To.Target) },
		"Alerts":       func() error { _, err := r.Alerts(b.Context(), d.To.Target); return err },
		"Census":       func() error { _, err := r.Census(b.Context()); return err },
		"IdleAdvance":  func() error { _, err := r.Advance(b.Context(), chat.Discord, nil, 14); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTransfer exports 100,000 chats and imports them into an empty store.
func BenchmarkTransfer(b *testing.B) {
	r := crowd(b, 100_000, 50)
	for b.Loop() {
		var text bytes.Buffer
		if _, err := r.Export(b.Context(), &text, "bench"); err != nil {
			b.Fatal(err)
		}
		if _, err := storage.Import(b.Context(), b.TempDir(), &text, storage.ImportOptions{Check: sound}); err != nil {
			b.Fatal(err)
		}
	}
}
