package handlers_test

import (
	"slices"
	"testing"
	"time"

	"liqbot/charts"
	"liqbot/chat"
	"liqbot/handlers"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/storage"
)

// realRoom is a bot with real charts and a real store.
func realRoom(tb testing.TB) *handlers.Handlers {
	tb.Helper()
	pictures, err := charts.New()
	if err != nil {
		tb.Fatal(err)
	}
	store, err := storage.Open(tb.Context(), tb.TempDir(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	return handlers.New(handlers.Options{
		Snapshots: &fakeMarket{
			coins: []market.Coin{"BTC"},
			all:   map[snapshot.Key]*snapshot.Snapshot{key: figures(tb, key, nil)},
		},
		Settings: store, Alerts: store, Charts: pictures,
		StaleAfter: 2 * time.Minute, RefuseAfter: 15 * time.Minute, ColdWait: time.Second,
		Now: func() time.Time { return now },
	})
}

// TestCachedLiqIsCheap keeps the budget of allocations; BenchmarkCachedLiq tells
// the time.
func TestCachedLiqIsCheap(t *testing.T) {
	h := realRoom(t)
	request := typed("/liq btc")
	if h.Handle(t.Context(), request).Picture == nil {
		t.Fatal("no picture")
	}
	n := testing.AllocsPerRun(200, func() { h.Handle(t.Context(), request) })
	if n >= 100 {
		t.Errorf("a cached /liq btc allocates %.0f times, want under 100", n)
	}
	t.Logf("%.0f allocations", n)
}

// BenchmarkCachedLiq answers /liq btc from memory: handler call to finished reply.
// p99-us is in microseconds.
func BenchmarkCachedLiq(b *testing.B) {
	for _, tag := range locales.Tags() {
		b.Run(tag, func(b *testing.B) {
			h := realRoom(b)
			request := typed("/liq btc")
			request.LanguageHint = tag
			request.Shape = chat.Portrait
			h.Handle(b.Context(), request)
			b.ReportAllocs()
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				began := time.Now()
				h.Handle(b.Context(), request)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-us")
		})
	}
}

// BenchmarkCachedLiqParallel shows that readers do not wait for each other.
func BenchmarkCachedLiqParallel(b *testing.B) {
	h := realRoom(b)
	request := typed("/liq btc")
	h.Handle(b.Context(), request)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			h.Handle(b.Context(), request)
		}
	})
}
