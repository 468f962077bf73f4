package delivery_test

import (
	"context"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/delivery"
)

// The overhead of a delivery, without a platform or a disk.
func BenchmarkDelivery(b *testing.B) {
	o := newOutbox(b)
	o.queue(event("A", time.Hour), "c")
	l := &bench{d: o.items[0].d, left: b.N, end: make(chan struct{})}
	c := delivery.New(delivery.Options{Platform: chat.Telegram, Outbox: l, Sender: l, Renderer: words(nil)})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	b.ReportAllocs()
	b.ResetTimer()
	go func() { done <- c.Run(ctx) }()
	<-l.end
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}

// bench is an outbox that never waits and a platform that takes everything.
type bench struct {
	d    alert.Delivery
	left int
	sent int
	end  chan struct{}
}

func (l *bench) Advance(_ context.Context, _ chat.Platform, done []alert.Result, n int) (alert.Batch, error) {
	if l.sent += len(done); l.left == 0 && len(done) > 0 && n > 0 {
		defer func() { l.left = -1; close(l.end) }()
	}
	n = max(0, min(n, l.left))
	l.left -= n
	batch := alert.Batch{}
	for i := range n {
		d := l.d
		d.To.Target.Chat = string(rune('a' + i))
		batch.Deliveries = append(batch.Deliveries, d)
	}
	return batch, nil
}

func (*bench) Interrupted(context.Context, chat.Platform) ([]alert.Delivery, error) { return nil, nil }

func (*bench) Wanted(context.Context, alert.Delivery) (bool, error) { return true, nil }

func (*bench) Shape(chat.Target) chat.Shape { return chat.Wide }

func (*bench) Send(_ context.Context, p chat.Post) chat.Outcome {
	if !p.Wanted() {
		return chat.Outcome{Fate: chat.Dropped}
	}
	return chat.Outcome{Fate: chat.Posted}
}
