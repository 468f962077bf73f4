package charts_test

import (
	"runtime"
	"testing"

	"liqbot/chat"
	"liqbot/locales"
)

// What a render may take once texts are laid out and buffers are there.
const (
	maxAllocs      = 500
	maxRenderBytes = 150_000
)

func TestRenderStaysInBudget(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates and drops pooled memory")
	}
	c := newCharts(t)
	s, l := btc().build(t), locales.For("en")
	render := func(shape chat.Shape) {
		if _, err := c.Render(s, l, shape); err != nil {
			t.Fatal(err)
		}
	}
	for shape, name := range shapes {
		render(shape)
		if allocs := testing.AllocsPerRun(20, func() { render(shape) }); allocs > maxAllocs {
			t.Errorf("%s: %v allocations a render, want at most %d", name, allocs, maxAllocs)
		}
		const renders = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range renders {
			render(shape)
		}
		runtime.ReadMemStats(&after)
		if bytes := (after.TotalAlloc - before.TotalAlloc) / renders; bytes > maxRenderBytes {
			t.Errorf("%s: %d bytes a render, want at most %d", name, bytes, maxRenderBytes)
		}
	}
}

// TestMemoryStaysFlat renders prices that change, so that texts are new each time.
func TestMemoryStaysFlat(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector keeps memory of its own")
	}
	renders := 200
	if *long {
		renders = 10_000
	}
	c := newCharts(t)
	l := locales.For("zh-Hans")
	s := btc().build(t)
	draw := func(i int) {
		moved := *s
		moved.Price.USD += float64(i) / 100
		if _, err := c.Render(&moved, l, chat.Shape(i%2)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		draw(i)
	}
	heap, goroutines := heapInUse(), runtime.NumGoroutine()
	for i := range renders {
		draw(i)
	}
	const slack = 8 << 20
	if got := heapInUse(); got > heap+slack {
		t.Errorf("heap grew from %d to %d bytes over %d renders", heap, got, renders)
	}
	if got := runtime.NumGoroutine(); got > goroutines {
		t.Errorf("goroutines grew from %d to %d", goroutines, got)
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
