package watcher_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

var (
	funding  = machine[watcher.FundingState]{watcher.StepFunding, watcher.DecodeFunding}
	interest = machine[watcher.OpenInterestState]{watcher.StepOpenInterest, watcher.DecodeOpenInterest}
)

// telling is what venues tell at a moment, in minutes after noon: their rates for 8 hours in
// hundredths of a percent, and their open interest in coins.
type telling struct {
	at    int
	rates map[market.Venue]float64
	coins map[market.Venue]float64
}

func (w telling) frame(tb testing.TB) frame {
	tb.Helper()
	s, now := shot{at: 60 * w.at, usd: 100, change: func(v *view) {
		v.edit = func(s *snapshot.Snapshot) {
			for _, name := range []market.Venue{"Binance", "OKX"} {
				coins, ok := w.coins[name]
				if !ok {
					continue
				}
				f := market.VenueFigures{Venue: name, AsOf: v.now, OpenInterest: &market.OpenInterest{
					Coins: coins, USD: coins * s.Price.USD, Provenance: market.Provenance{AsOf: v.now},
				}}
				if rate, ok := w.rates[name]; ok {
					f.Funding = &market.VenueFunding{Rate: rate / 1e4 / 8, Interval: time.Hour}
				}
				s.Venues = append(s.Venues, f)
			}
		}
	}}.make(tb)
	return frame{s, now}
}

type by = map[market.Venue]float64

// quiet are days in which nothing happens, up to noon: a frame a minute.
func quiet(tb testing.TB, hours int, w telling) []frame {
	tb.Helper()
	var out []frame
	for at := -60 * hours; at <= 0; at++ {
		w.at = at
		out = append(out, w.frame(tb))
	}
	return out
}

// change is what the tables tell of an alert, in ten thousandths.
type change struct {
	Minute           int
	Before, Strength float64
	Rising, Notable  bool
}

func changesOf(alerts []alert.Alert) []change {
	var out []change
	for _, a := range alerts {
		round := func(x float64) float64 { return math.Round(x * 1e4) }
		out = append(out, change{seconds(a.At) / 60, round(a.Before), round(a.Strength), a.Rising, a.Notable})
	}
	return out
}

// onward are frames one a minute from a minute after noon on.
func onward(tb testing.TB, tellings ...telling) []frame {
	tb.Helper()
	var out []frame
	for i, w := range tellings {
		w.at = i + 1
		out = append(out, w.frame(tb))
	}
	return out
}

func TestFunding(t *testing.T) {
	both := func(binance, okx float64) telling {
		return telling{rates: by{"Binance": binance, "OKX": okx}, coins: by{"Binance": 300, "OKX": 100}}
	}
	one := telling{rates: by{"OKX": 9}, coins: by{"OKX": 100}}
	for _, tt := range []struct {
		name  string
		hours int
		then  []telling
		want  []change
	}{
		{"nothing", 30, []telling{both(1, 1), both(1, 1)}, nil},
		{"it goes up", 30, []telling{both(9, 5), both(9, 5), both(9, 5)}, []change{{2, 0, 7, true, true}}},
		{"and down", 30, []telling{both(-9, -9), both(-9, -9)}, []change{{2, 0, 10, false, true}}},
		{"and farther", 30, []telling{both(5, 5), both(5, 5), both(7, 7), both(7, 7)}, []change{{2, 0, 4, true, true}, {4, 4, 6, true, false}}},
		{"a little", 30, []telling{both(2, 2), both(2, 2)}, []change{{2, 0, 1, true, false}}},
		{"for a moment", 30, []telling{both(900, 1), both(1, 1), both(-900, 1), both(1, 1)}, nil},
		{"not known for long", 10, []telling{both(9, 9), both(9, 9)}, []change{{2, 0, 8, true, false}}},
		{"a venue drops out", 30, []telling{one, one, one, one}, nil},
		{"and comes back", 30, []telling{one, one, both(1, 9), both(1, 9), both(1, 9)}, nil},
		{"a venue drops out meanwhile", 30, []telling{both(9, 9), one, one, one}, []change{{3, 0, 8, true, true}}},
		{"up, then down", 30, []telling{both(9, 9), both(9, 9), both(-9, -9), both(-9, -9), both(9, 9), both(9, 9)}, []change{{2, 0, 8, true, true}, {4, 0, 10, false, true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := both(1, 1)
			if len(tt.then) > 2 && len(tt.then[0].coins) == 1 {
				start = both(1, 9)
			}
			frames := append(quiet(t, tt.hours, start), onward(t, tt.then...)...)
			got := funding.play(t, limits, frames)
			if diff := cmp.Diff(tt.want, changesOf(got)); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
			n := len(frames) - 1
			if diff := cmp.Diff(got, funding.play(t, limits, frames, n-5, n-4, n-3, n-2, n-1)); diff != "" {
				t.Errorf("with restarts (-without +with):\n%s", diff)
			}
			if len(got) > 0 && tt.hours == 30 && (math.Abs(got[0].Usual-0.0001) > 1e-9 || got[0].Span != 8*time.Hour || got[0].Value == 0) {
				t.Errorf("alert %+v, want a usual of 0.0001", got[0])
			}
		})
	}
}

// TestFundingThatIsRestless: where rates swing widely every day, a wide swing is nothing.
func TestFundingThatIsRestless(t *testing.T) {
	var frames []frame
	for at := -60 * 72; at <= 0; at++ {
		rate := 10 * math.Sin(float64(at)/60)
		frames = append(frames, telling{at: at, rates: by{"OKX": rate}, coins: by{"OKX": 100}}.frame(t))
	}
	restless := telling{rates: by{"OKX": 25}, coins: by{"OKX": 100}}
	frames = append(frames, onward(t, restless, restless)...)
	got := funding.play(t, limits, frames)
	if last := got[len(got)-1]; last.Notable || seconds(last.At) != 120 {
		t.Errorf("alert %+v, want one after two minutes that is not notable", last)
	}
}

func TestFundingOfOneVenueOnly(t *testing.T) {
	alone := func(at int, rate float64) frame {
		s, now := shot{at: 60 * at, usd: 100, change: func(v *view) {
			v.edit = func(s *snapshot.Snapshot) {
				s.Funding = &market.Funding{Venue: "OKX", Rate: rate, Interval: 8 * time.Hour, Provenance: market.Provenance{AsOf: v.now}}
			}
		}}.make(t)
		return frame{s, now}
	}
	got := funding.play(t, limits, []frame{alone(0, 0.0001), alone(1, 0.0001), alone(2, 0.0005), alone(3, 0.0005)})
	if len(got) != 1 || math.Abs(got[0].Strength-0.0004) > 1e-9 || len(got[0].Provenance.Venues) != 1 {
		t.Errorf("alerts %+v, want one of 0.0004", got)
	}
}

func TestOpenInterest(t *testing.T) {
	both := func(binance, okx float64) telling { return telling{coins: by{"Binance": binance, "OKX": okx}} }
	one := telling{coins: by{"OKX": 100}}
	for _, tt := range []struct {
		name  string
		hours int
		then  []telling
		want  []change
	}{
		{"nothing", 30, []telling{both(300, 100), both(300, 100)}, nil},
		{"it falls", 30, []telling{both(270, 90), both(270, 90), both(270, 90)}, []change{{2, 0, 1000, false, true}}},
		{"it grows, and more", 30, []telling{both(320, 100), both(320, 100), both(340, 100), both(340, 100)}, []change{{2, 0, 500, true, true}, {4, 500, 1000, true, false}}},
		{"a little", 30, []telling{both(304, 100), both(304, 100)}, []change{{2, 0, 100, true, false}}},
		{"for a moment", 30, []telling{both(3000, 100), both(300, 100), both(300, 100)}, nil},
		{"not known for long", 10, []telling{both(270, 90), both(270, 90)}, []change{{2, 0, 1000, false, false}}},
		{"a venue drops out", 30, []telling{one, one, one}, nil},
		{"and comes back", 30, []telling{one, one, both(300, 100), both(300, 100)}, nil},
		{"and comes back with more", 30, []telling{one, one, both(600, 100), both(600, 100)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			frames := append(quiet(t, tt.hours, both(300, 100)), onward(t, tt.then...)...)
			got := interest.play(t, limits, frames)
			if diff := cmp.Diff(tt.want, changesOf(got)); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
			n := len(frames) - 1
			if diff := cmp.Diff(got, interest.play(t, limits, frames, n-4, n-3, n-2, n-1)); diff != "" {
				t.Errorf("with restarts (-without +with):\n%s", diff)
			}
			if len(got) > 0 && (got[0].Span != time.Hour || got[0].Value < 30_000 || got[0].Value > 50_000) {
				t.Errorf("alert %+v, want an hour and a value in USD", got[0])
			}
		})
	}
}

// TestOpenInterestWithinTheHour grows by a tenth in ten hours, and by a tenth in one.
func TestOpenInterestWithinTheHour(t *testing.T) {
	growing := func(minutes int) []alert.Alert {
		frames := quiet(t, 30, telling{coins: by{"OKX": 1000}})
		for at := 1; at <= minutes; at++ {
			frames = append(frames, telling{at: at, coins: by{"OKX": 1000 + 100*float64(at)/float64(minutes)}}.frame(t))
		}
		return interest.play(t, limits, frames)
	}
	if got := growing(600); len(got) == 0 || got[len(got)-1].Strength > 0.0111 {
		t.Errorf("slowly: alerts %+v, want no more than 1.1 %%", changesOf(got))
	}
	notable := 0
	got := growing(60)
	for _, a := range got {
		if a.Notable {
			notable++
		}
	}
	if last := got[len(got)-1]; notable != 1 || last.Strength < 0.095 || last.Strength > 0.1 {
		t.Errorf("quickly: %d notable alerts, the last one %+v", notable, last)
	}
}

// TestOpenInterestAfterAGap compares with nothing that is older than an hour.
func TestOpenInterestAfterAGap(t *testing.T) {
	frames := quiet(t, 30, telling{coins: by{"OKX": 1000}})
	for at := 70; at < 75; at++ {
		frames = append(frames, telling{at: at, coins: by{"OKX": 1500}}.frame(t))
	}
	if got := interest.play(t, limits, frames); got != nil {
		t.Errorf("alerts %+v, want none", got)
	}
}
