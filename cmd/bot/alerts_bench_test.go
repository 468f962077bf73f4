package main

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/charts"
	"liqbot/chat"
	"liqbot/delivery"
	"liqbot/handlers"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/storage"
	"liqbot/watcher"
)

// oneMarket has one snapshot.
type oneMarket struct {
	newest atomic.Pointer[snapshot.Snapshot]
}

func (m *oneMarket) Get(snapshot.Key) *snapshot.Snapshot { return m.newest.Load() }
func (m *oneMarket) Coins() []market.Coin                { return []market.Coin{"BTC"} }
func (m *oneMarket) Source() string                      { return "bench" }
func (m *oneMarket) LastFailure() *snapshot.Failure      { return nil }

func (m *oneMarket) Wait(context.Context, snapshot.Key) (*snapshot.Snapshot, error) {
	return m.newest.Load(), nil
}

// firstSend tells when a post is to be sent.
type firstSend struct{ at chan time.Time }

func (s *firstSend) Send(_ context.Context, p chat.Post) chat.Outcome {
	if p.Reply.Picture == nil {
		return chat.Outcome{Fate: chat.Refused, Reason: "no picture"}
	}
	select {
	case s.at <- time.Now():
	default:
	}
	return chat.Outcome{Fate: chat.Posted}
}

func (s *firstSend) Shape(chat.Target) chat.Shape { return chat.Portrait }

// path is an alert's whole way, with a real store of a thousand subscribers and a real
// picture, but for the sending.
type path struct {
	*testing.B
	prices  *oneMarket
	sender  *firstSend
	courier *delivery.Courier
	watch   *watcher.Watcher
	began   time.Time
	step    int
	// minutes is how far the courier's clock is ahead: the members are told once in a
	// minute, and what came sooner would be gathered.
	minutes atomic.Int64
}

func newPath(b *testing.B) *path {
	b.Helper()
	store, err := storage.Open(b.Context(), b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for id := range 1000 {
		target := chat.Target{Platform: chat.Telegram, Chat: strconv.Itoa(id + 1)}
		_, err := store.ChangeAlerts(b.Context(), target, chat.Entry{}, func(a *alert.Chat) error {
			a.Kind, a.Language = chat.Private, "en"
			a.Subscriptions = []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC"}}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	pictures, err := charts.New()
	if err != nil {
		b.Fatal(err)
	}
	p := &path{B: b, prices: new(oneMarket), sender: &firstSend{at: make(chan time.Time, 1)}, began: time.Now().Add(-30 * time.Minute)}
	h := handlers.New(handlers.Options{
		Snapshots: p.prices, Settings: store, Alerts: store, Charts: pictures, StaleAfter: time.Hour, RefuseAfter: time.Hour,
		Status: func(context.Context) handlers.Status { return handlers.Status{} },
	})
	if _, err := pictures.LiquidationMap(b.Context(), benchSnapshot(b, 90000, p.began, 0), locales.For("en"), chat.Portrait); err != nil {
		b.Fatal(err) // as the bot does when it has started
	}
	p.courier = delivery.New(delivery.Options{
		Platform: chat.Telegram, Outbox: store, Sender: p.sender, Renderer: h, Parallel: 28,
		Now: func() time.Time { return time.Now().Add(time.Duration(p.minutes.Load()) * time.Minute) },
	})
	// Every breakout is for everybody.
	p.watch = watcher.New(watcher.Options{Journal: store, StaleAfter: time.Hour, TTL: 24 * time.Hour, NotableShare: -1, Rest: -1, Wake: p.courier.Wake})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 2)
	go func() { ended <- p.courier.Run(ctx) }()
	go func() { ended <- p.watch.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, <-ended, store.Close()); err != nil {
			b.Error(err)
		}
	})
	return p
}

// publish publishes a price as the cache does.
func (p *path) publish(usd float64) {
	p.step++
	s := benchSnapshot(p.B, usd, p.began.Add(time.Duration(p.step)*100*time.Millisecond), uint64(p.step))
	p.prices.newest.Store(s)
	p.watch.Publish(s)
}

// BenchmarkConfirmToFirstSend is the time from the snapshot that confirms a breakout to
// the first send.
func BenchmarkConfirmToFirstSend(b *testing.B) {
	p := newPath(b)
	var total time.Duration
	for b.Loop() {
		for _, usd := range []float64{90131.71, 90131.71, 94800} {
			p.publish(usd)
			<-time.After(50 * time.Millisecond) // let it be evaluated
		}
		for p.courier.Status().Left > 0 {
			<-time.After(time.Millisecond)
		}
		p.minutes.Add(2)
		select {
		case <-p.sender.at:
		default:
		}
		start := time.Now()
		p.publish(94801)
		select {
		case at := <-p.sender.at:
			total += at.Sub(start)
		case <-time.After(5 * time.Second):
			b.Fatal("nothing was sent")
		}
	}
	seen := float64(total.Microseconds()) / 1000 / float64(b.N)
	b.ReportMetric(seen, "ms/first-send")
	b.Logf("wanted: from the confirming snapshot to the first send in under 50 ms, seen: %.1f ms", seen)
}

func benchSnapshot(b *testing.B, usd float64, at time.Time, id uint64) *snapshot.Snapshot {
	b.Helper()
	provenance := market.Provenance{Source: "bench", Origin: market.Vendor, AsOf: at}
	m, err := liquidation.New(liquidation.Input{
		Coin: "BTC", Window: market.Week, MarkUSD: usd, Provenance: provenance,
		Levels: []liquidation.Level{
			{PriceUSD: 92000, Side: market.Short, IntensityUSD: 1e9},
			{PriceUSD: 94650, Side: market.Short, IntensityUSD: 0.8e9},
			{PriceUSD: 94681, Side: market.Short, IntensityUSD: 0.905e9},
			{PriceUSD: 88000, Side: market.Long, IntensityUSD: 0.5e9},
			{PriceUSD: 86137, Side: market.Long, IntensityUSD: 1.063e9},
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return &snapshot.Snapshot{
		ID: id, Key: snapshot.Key{Coin: "BTC", Window: market.Week}, Map: m, Summary: m.Summarise(0.06, 0.05),
		Price: market.Price{USD: usd, Kind: market.MarkPrice, Provenance: provenance},
	}
}
