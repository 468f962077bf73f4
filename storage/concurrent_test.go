package storage_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

// TestEverybodyAtOnce is for the race detector: members change their minds and the
// watcher records while two platforms deliver.
func TestEverybodyAtOnce(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", slices.Concat(members(chat.Telegram, 5), members(chat.Discord, 5))...)
	const rounds = 30
	var all sync.WaitGroup
	queued := 0
	recorded := make(chan struct{})
	all.Go(func() {
		defer close(recorded)
		for i := range rounds {
			n, err := r.Record(t.Context(), breakouts("BTC", i))
			if err != nil {
				t.Error(err)
			}
			queued += n
		}
	})
	all.Go(func() {
		for i := range rounds {
			target := member(chat.Telegram, i%5)
			_, err := r.ChangeAlerts(t.Context(), target, chat.Entry{Change: "muted"}, func(c *alert.Chat) error {
				c.MutedUntil = start.Add(time.Duration(i%2) * time.Hour)
				return nil
			})
			if err := errors.Join(err, r.Left(t.Context(), target, "gone"), r.Back(t.Context(), target)); err != nil {
				t.Error(err)
			}
			_, err = r.Watched(t.Context())
			_, err2 := r.LevelReached(t.Context(), "BTC", 1)
			if err := errors.Join(err, err2); err != nil {
				t.Error(err)
			}
		}
	})
	var told atomic.Int64
	for _, p := range []chat.Platform{chat.Telegram, chat.Discord} {
		all.Go(func() {
			var done []alert.Result
			for over := false; !over; {
				select {
				case <-recorded:
					over = true
				default:
				}
				for {
					b, err := r.Advance(t.Context(), p, done, 3)
					if err != nil {
						t.Error(err)
						return
					}
					if done = nil; len(b.Deliveries) == 0 {
						break
					}
					told.Add(int64(len(b.Deliveries)))
					for _, d := range b.Deliveries {
						if _, err := r.Wanted(t.Context(), d); err != nil {
							t.Error(err)
						}
					}
					done = results(alert.Sent, b.Deliveries...)
				}
			}
		})
	}
	all.Wait()
	if got := r.totals(t).Deliveries[alert.Sent]; int(told.Load()) != queued || int(got) != queued {
		t.Errorf("%d queued, %d told, %d counted", queued, told.Load(), got)
	}
	tidied(t, r)
	sameIndex(t, r)
}
