package watcher_test

import (
	"context"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

// BenchmarkStep is one step of both rules: a price that moves, nothing that
// happens.
func BenchmarkStep(b *testing.B) {
	s, now := shot{usd: 100, above: 110, below: 90}.make(b)
	var breakout watcher.BreakoutState
	var price watcher.PriceState
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		s.Price.Provenance.AsOf = now
		l := limits
		l.StaleAfter = 1 << 60 // the map stays as it is
		breakout, _ = watcher.StepBreakout(l, breakout, s, now)
		price, _ = watcher.StepPrice(l, price, s, now)
	}
}

// told is a journal that tells of each step that it records.
type told chan alert.Step

func (told) States(context.Context) (map[string][]byte, error) { return map[string][]byte{}, nil }

func (c told) Record(_ context.Context, s alert.Step) (int, error) {
	c <- s
	return 1, nil
}

func (told) Watched(context.Context) ([]market.Coin, error) { return nil, nil }

func (told) LevelReached(context.Context, market.Coin, float64) (bool, error) { return true, nil }

func (told) Crossed(context.Context, alert.Rule, market.Coin, float64, float64) (bool, error) {
	return false, nil
}

// BenchmarkPublishToRecord is the way from Publish to Record of a price that
// reaches a level.
func BenchmarkPublishToRecord(b *testing.B) {
	steps := make(told)
	now := time.Now()
	w := watcher.New(watcher.Options{Journal: steps, StaleAfter: 1 << 60})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	first, _ := shot{usd: 100, above: 110}.make(b)
	first.Price.Provenance.AsOf = now.Add(-time.Hour)
	w.Publish(first)
	<-steps // it has armed
	i := 0
	for b.Loop() {
		i++
		s := &snapshot.Snapshot{Key: first.Key, Map: first.Map, Price: first.Price}
		s.Price.Provenance.AsOf = first.Price.Provenance.AsOf.Add(time.Duration(i) * time.Microsecond)
		w.Publish(s)
		<-steps
	}
	cancel()
	for {
		select {
		case <-steps: // what is kept at the end
		case err := <-ended:
			if err != nil {
				b.Error(err)
			}
			return
		}
	}
}
