package liquidation_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"liqbot/liquidation"
)

// month is 30 days of five-minute bars in which a coin wanders some ten percent.
func month(seed uint64) []liquidation.Bar { return walk(seed, 30*288, 5*time.Minute, 90_000) }

// BenchmarkStep takes bars as they come: the last week of a month, again and again.
func BenchmarkStep(b *testing.B) {
	bars := month(1)
	m := model(b, liquidation.Recommended("BTC"))
	week := bars[len(bars)-7*288:]
	before, _ := m.Rebuild(bars[:len(bars)-len(week)])
	e, i := before.Clone(), 0
	b.ReportAllocs()
	for b.Loop() {
		if i == len(week) {
			e, i = before.Clone(), 0
		}
		step(b, e, week[i])
		i++
	}
}

func BenchmarkStepping30Days(b *testing.B) {
	bars, m := month(1), model(b, liquidation.Recommended("BTC"))
	for b.Loop() {
		e := m.NewEstimator()
		for _, bar := range bars {
			step(b, e, bar)
		}
	}
}

func BenchmarkRebuild30Days(b *testing.B) {
	bars, m := month(1), model(b, liquidation.Recommended("BTC"))
	m.Rebuild(bars)
	b.ReportAllocs()
	for b.Loop() {
		m.Rebuild(bars)
	}
}

func BenchmarkRebuildSixVenues(b *testing.B) {
	m := model(b, liquidation.Recommended("BTC"))
	var venues [6][]liquidation.Bar
	for i := range venues {
		venues[i] = month(uint64(i))
	}
	m.Rebuild(venues[0])
	for b.Loop() {
		var both sync.WaitGroup
		for half := range 2 {
			both.Go(func() {
				for i := half; i < len(venues); i += 2 {
					m.Rebuild(venues[i])
				}
			})
		}
		both.Wait()
	}
}

func BenchmarkWindow(b *testing.B) {
	bars, m := walk(1, 7*288, 5*time.Minute, 90_000), model(b, liquidation.Recommended("BTC"))
	end := bars[len(bars)-1].End()
	_, opened := openings(b, m, bars)
	for _, c := range []struct {
		name   string
		days   int
		opened []float64
	}{{"1d", 1, nil}, {"7d", 7, nil}, {"1d,opened", 1, opened}, {"7d,opened", 7, opened}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Window(bars, c.opened, end.AddDate(0, 0, -c.days))
			}
		})
	}
}

func BenchmarkModel(b *testing.B) {
	for b.Loop() {
		model(b, liquidation.Recommended("BTC"))
	}
}

func BenchmarkLevels(b *testing.B) {
	bars := month(1)
	e, _ := model(b, liquidation.Recommended("BTC")).Rebuild(bars)
	var levels []liquidation.Level
	b.ReportAllocs()
	for b.Loop() {
		levels = e.AppendLevels(levels[:0], bars[len(bars)-1].CloseUSD, liquidation.DisplayBin)
		if len(levels) == 0 {
			b.Fatal("no levels")
		}
	}
}

// BenchmarkMemory reports what one estimator of a month holds, its model aside.
func BenchmarkMemory(b *testing.B) {
	bars, m := month(1), model(b, liquidation.Recommended("BTC"))
	m.Rebuild(bars)
	kept := make([]*liquidation.Estimator, 20)
	for b.Loop() {
		clear(kept)
		before := heap()
		for i := range kept {
			kept[i], _ = m.Rebuild(bars)
		}
		b.ReportMetric(float64(heap()-before)/float64(len(kept)), "B/estimator")
	}
	runtime.KeepAlive(kept)
}

func heap() uint64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
