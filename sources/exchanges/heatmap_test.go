package exchanges_test

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/feeds"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
)

func (r *room) heatmap(t *testing.T, coin market.Coin, window market.Window) *snapshot.Heatmap {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	m, err := r.Heatmap(ctx, coin, window)
	if err != nil {
		t.Fatalf("heatmap of %s over %s: %v", coin, window, err)
	}
	return m
}

// sum is the intensity of a column between two prices.
func sum(m *snapshot.Heatmap, column int, low, high float64) float64 {
	total := 0.0
	for row, v := range m.Column(column) {
		if middle := m.EdgeUSD(row) * math.Sqrt(m.Ratio); middle > low && middle < high {
			total += float64(v)
		}
	}
	return total
}

func TestAHeatmapEndsInThePresentMap(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Month)
		pass(7*time.Minute + 3*time.Second)
		// What the mark has reached since the last candle is on neither of the two.
		for _, factor := range []float64{1.008, 0.992, 1} {
			for _, v := range r.venues {
				v.set(func() { v.factor = factor })
			}
			pass(3 * time.Second)
		}
		windows := map[market.Window]int{market.Day: 96, market.Week: 168}
		if raceEnabled { // a week's replay takes a quarter of a minute then
			delete(windows, market.Week)
		}
		for window, columns := range windows {
			m := r.heatmap(t, "BTC", window)
			s := r.fetch(t, "BTC", market.Month)
			checkHeatmap(t, m, columns)
			want := 0.0
			for _, side := range []market.Side{market.Long, market.Short} {
				for _, l := range s.Map.Levels(side) {
					if l.PriceUSD > m.LowUSD && l.PriceUSD < m.HighUSD() {
						want += l.IntensityUSD
					}
				}
			}
			if got := sum(m, m.Columns-1, 0, math.Inf(1)); math.Abs(got/want-1) > 1e-4 {
				t.Errorf("%s: %v stands at the end, on the map %v", window, got, want)
			}
		}
	})
}

func checkHeatmap(t *testing.T, m *snapshot.Heatmap, columns int) {
	t.Helper()
	if m.Columns != columns || m.Drawn != 0 || len(m.Partly) != 0 || len(m.Cells) != m.Columns*m.Rows || len(m.Candles) != columns || m.ID == 0 {
		t.Errorf("%d columns of %d rows drawn from %d, %d cells, partly %v, ID %d", m.Columns, m.Rows, m.Drawn, len(m.Cells), m.Partly, m.ID)
	}
	p := m.Provenance
	if p.Source != exchanges.Name || p.Origin != market.Estimate || len(p.Venues) != 6 || p.Missing != nil || m.CandleVenue != "Binance" || p.Venues[0] != "Binance" {
		t.Errorf("provenance %+v, candles of %s", p, m.CandleVenue)
	}
	if age := m.Age(time.Now()); age > 6*time.Minute || m.End().Before(p.AsOf) || m.End().Sub(p.AsOf) >= m.Step {
		t.Errorf("%v old, as of %v, columns end %v", age, p.AsOf, m.End())
	}
	if m.Bright() <= 0 || m.Ratio < 1.0019 || m.Ratio > 1.0021 {
		t.Errorf("bright %v, ratio %v", m.Bright(), m.Ratio)
	}
	low, high := math.Inf(1), 0.0
	for i, c := range m.Candles {
		if !c.Known() || c.LowUSD > min(c.OpenUSD, c.CloseUSD) || c.HighUSD < max(c.OpenUSD, c.CloseUSD) {
			t.Fatalf("candle %d: %+v", i, c)
		}
		low, high = min(low, c.LowUSD), max(high, c.HighUSD)
	}
	if m.LowUSD > low*0.921 || m.LowUSD < low*0.915 || m.HighUSD() < high*1.079 || m.HighUSD() > high*1.085 {
		t.Errorf("rows from %v to %v around candles from %v to %v", m.LowUSD, m.HighUSD(), low, high)
	}
}

// What the price reached in a column is not there at its end, but for what was entered
// in its last bar.
func TestAHeatmapHasNothingWhereThePriceJustWas(t *testing.T) {
	long(t)
	bubble(t, func(r *room) {
		t := r.t
		m := r.heatmap(t, "BTC", market.Day)
		for c := range m.Columns - 1 {
			candle := m.Candles[c]
			inside := sum(m, c, candle.LowUSD*1.0025, candle.HighUSD*0.9975)
			if all := sum(m, c, 0, math.Inf(1)); inside > 0.01*all || all == 0 {
				t.Errorf("column %d: %v of %v stands within its candle %+v", c, inside, all, candle)
			}
		}
	})
}

func TestAHeatmapIsMadeOncePerBar(t *testing.T) {
	long(t)
	bubble(t, func(r *room) {
		t := r.t
		r.heatmap(t, "BTC", market.Day)
		pass(30 * time.Second) // until the long history is there as well
		first := r.heatmap(t, "BTC", market.Day)
		pass(3 * time.Second)
		var wg sync.WaitGroup
		got := make([]*snapshot.Heatmap, 8)
		for i := range got {
			wg.Go(func() { got[i] = r.heatmap(t, "BTC", market.Day) })
		}
		wg.Wait()
		if slices.ContainsFunc(got, func(m *snapshot.Heatmap) bool { return m != first }) {
			t.Error("made anew without a new bar")
		}
		pass(6 * time.Minute)
		if next := r.heatmap(t, "BTC", market.Day); next == first || next.ID == first.ID || !next.Provenance.AsOf.After(first.Provenance.AsOf) {
			t.Errorf("as of %v after %v", next.Provenance.AsOf, first.Provenance.AsOf)
		}
		r.venues["OKX"].set(func() { r.venues["OKX"].silent = true })
		pass(time.Minute)
		if m := r.heatmap(t, "BTC", market.Day); !slices.Equal(m.Provenance.Missing, []market.Venue{"OKX"}) || len(m.Provenance.Venues) != 5 {
			t.Errorf("venues %v, missing %v", m.Provenance.Venues, m.Provenance.Missing)
		}
	})
}

// A coin whose history is short is drawn from when it has a day behind it, and a venue
// that is younger than the others is named.
func TestAHeatmapBeginsWithADayOfHistory(t *testing.T) {
	if raceEnabled {
		t.Skip("a week's replay takes long under the race detector, and runs in one goroutine")
	}
	bubble(t, func(r *room) {
		t := r.t
		m := r.heatmap(t, "PEPE", market.Week)
		if hidden := time.Duration(m.Drawn) * m.Step; hidden < 23*time.Hour || hidden > 25*time.Hour {
			t.Errorf("the first %v are not drawn, want a day", hidden)
		}
		for _, v := range m.Cells[:m.Drawn*m.Rows] {
			if v != 0 {
				t.Fatal("something stands in a column that is not drawn")
			}
		}
		if sum(m, m.Drawn, 0, math.Inf(1)) == 0 {
			t.Error("nothing stands in the first column that is drawn")
		}
		if m := r.heatmap(t, "PEPE", market.Day); m.Drawn != 0 {
			t.Errorf("a day is drawn from column %d on", m.Drawn)
		}
	})
}

func TestAYoungVenueIsNamedInAHeatmap(t *testing.T) {
	if raceEnabled {
		t.Skip("a week's replay takes long under the race detector, and runs in one goroutine")
	}
	synctest.Test(t, func(t *testing.T) {
		r := open(t, nil)
		r.venues["Gate"].set(func() { r.venues["Gate"].listed = time.Now().Add(-40 * time.Hour) })
		m := r.heatmap(t, "BTC", market.Week)
		if m.Drawn != 0 || !slices.Equal(m.Partly, []market.Venue{"Gate"}) {
			t.Errorf("drawn from %d, partly %v", m.Drawn, m.Partly)
		}
		for name := range r.venues {
			r.venues[name].set(func() { r.venues[name].listed = time.Now().Add(-5 * time.Hour) })
		}
		if _, err := r.Heatmap(t.Context(), "PEPE", market.Week); snapshot.ProblemOf(err) != snapshot.TooYoung {
			t.Errorf("five hours of history: %v", err)
		}
		r.stop()
	})
}

func TestHeatmapsThatCannotBe(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		if m, err := r.Heatmap(t.Context(), "BTC", market.Month); err == nil {
			t.Errorf("a month: %v", m.Columns)
		}
		if _, err := r.Heatmap(t.Context(), "NONE", market.Day); snapshot.ProblemOf(err) != snapshot.NotListed {
			t.Errorf("a coin that is not there: %v", err)
		}
		for _, v := range r.venues {
			v.set(func() { v.silent = true })
		}
		pass(2 * time.Minute)
		if _, err := r.Heatmap(t.Context(), "BTC", market.Day); snapshot.ProblemOf(err) != snapshot.Unavailable {
			t.Errorf("all venues silent: %v", err)
		}
	})
}

func BenchmarkHeatmap(b *testing.B) {
	var list []feeds.Feed
	for i, name := range names {
		list = append(list, newFake(name, 0.4/float64(i+1)))
	}
	for _, window := range []market.Window{market.Day, market.Week} {
		b.Run(string(window), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := exchanges.New(exchanges.Config{Feeds: list, Bars: exchanges.NewMemory(), Coins: []market.Coin{"BTC"}, Follow: 1, KeyLevelBand: 0.06, SymmetricBand: 0.05})
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan error, 1)
				go func() { ended <- s.Run(ctx) }()
				if _, err := s.Fetch(ctx, snapshot.Key{Coin: "BTC", Window: window}); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if _, err := s.Heatmap(ctx, "BTC", window); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				cancel()
				if err := <-ended; err != nil {
					b.Error(err)
				}
				b.StartTimer()
			}
		})
	}
}
