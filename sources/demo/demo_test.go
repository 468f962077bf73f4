package demo_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/demo"
	"liqbot/sources/demo/invent"
	"liqbot/sources/recorded"
)

// wall is when the tests start to play: a Wednesday.
var wall = time.Date(2026, time.November, 25, 10, 0, 0, 0, time.UTC)

// pass is how long the demo takes at speed 1 before it begins anew.
const pass = 15 * time.Minute

var btc = snapshot.Key{Coin: "BTC", Window: market.Week}

// stage plays the demo on a clock that stands until it is moved.
type stage struct {
	*recorded.Source
	t   *testing.T
	now time.Time
}

func play(t *testing.T, speed float64) *stage {
	t.Helper()
	s := &stage{t: t, now: wall}
	var err error
	s.Source, err = demo.New(recorded.Options{Speed: speed, Now: func() time.Time { return s.now }})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}

// at returns the snapshot of a key so long after the start.
func (s *stage) at(after time.Duration, key snapshot.Key) *snapshot.Snapshot {
	s.t.Helper()
	s.now = wall.Add(after)
	got, err := s.Fetch(s.t.Context(), key)
	if err != nil {
		s.t.Fatalf("%s at %v: %v", key, after, err)
	}
	return got
}

func keys() []snapshot.Key {
	var all []snapshot.Key
	for _, c := range []market.Coin{"BTC", "ETH", "SOL"} {
		for _, w := range market.Windows() {
			all = append(all, snapshot.Key{Coin: c, Window: w})
		}
	}
	return all
}

// TestFirstFigures checks the figures that the README shows.
func TestFirstFigures(t *testing.T) {
	for _, tt := range []struct {
		speed float64
		after time.Duration
	}{{1, 0}, {1, 8 * time.Second}, {0.01, 10 * time.Minute}, {1, pass}, {1, 7 * pass}} {
		t.Run(fmt.Sprintf("speed %v after %v", tt.speed, tt.after), func(t *testing.T) {
			s := play(t, tt.speed)
			got := s.at(tt.after, btc)
			if got.Price.USD != 90131.71 || got.Price.Kind != market.MarkPrice || got.Map.MarkUSD() != 90131.71 {
				t.Errorf("price %+v, want the mark price 90131.71", got.Price)
			}
			above, below := got.Summary.Above, got.Summary.Below
			if above == nil || above.PriceUSD != 94681 || above.IntensityUSD != 2_705_000_000 {
				t.Errorf("level above %+v, want 94681 and $2.705B", above)
			}
			if below == nil || below.PriceUSD != 86137 || below.IntensityUSD != 1_563_000_000 {
				t.Errorf("level below %+v, want 86137 and $1.563B", below)
			}
			if i := got.Summary.Imbalance; math.Round(i.Ratio*100) != 173 || i.Reading != liquidation.ShortHeavy {
				t.Errorf("imbalance %+v, want 1.73, short-heavy", i)
			}
			if got.Range.HighUSD != 93012 || got.Range.LowUSD != 84466 || got.Range.Window != market.Week {
				t.Errorf("range %+v, want 93012 and 84466", got.Range)
			}
			if got.ETF.NetUSD != 459e6 || got.ETF.NetCoins != 5891 || got.ETF.Week != market.LastWeek {
				t.Errorf("flow %+v, want $459M, 5891 BTC", got.ETF)
			}
			if got.Map.Swept() > 0 {
				t.Errorf("%d levels are swept", got.Map.Swept())
			}
		})
	}
}

// TestTheOthersDiffer checks that the three coins read differently at the start,
// and that the windows of a coin agree on the levels.
func TestTheOthersDiffer(t *testing.T) {
	s := play(t, 1)
	want := map[market.Coin]liquidation.Reading{"BTC": liquidation.ShortHeavy, "ETH": liquidation.Balanced, "SOL": liquidation.LongHeavy}
	for _, key := range keys() {
		got := s.at(0, key)
		if r := got.Summary.Imbalance.Reading; r != want[key.Coin] {
			t.Errorf("%s: reading %v, want %v", key, r, want[key.Coin])
		}
		week := s.at(0, snapshot.Key{Coin: key.Coin, Window: market.Week})
		if got.Summary.Above.PriceUSD != week.Summary.Above.PriceUSD || got.Summary.Below.PriceUSD != week.Summary.Below.PriceUSD {
			t.Errorf("%s: levels %v and %v, in a week %v and %v", key, got.Summary.Below.PriceUSD,
				got.Summary.Above.PriceUSD, week.Summary.Below.PriceUSD, week.Summary.Above.PriceUSD)
		}
		if venues := got.Map.Venues(); len(venues) != 6 || venues[0] != "Binance" {
			t.Errorf("%s: venues %v", key, venues)
		}
	}
	if coins, err := s.Coins(t.Context()); err != nil || !slices.Equal(coins, []market.Coin{"BTC", "ETH", "SOL"}) {
		t.Errorf("Coins = %v, %v", coins, err)
	}
	if s.Name() != "demo" {
		t.Errorf("Name = %q", s.Name())
	}
}

// TestTheBreak follows the price over the level above and back.
func TestTheBreak(t *testing.T) {
	const level = 94681
	s := play(t, 1)
	for after := time.Duration(0); after < 28*time.Second; after += time.Second {
		got := s.at(after, btc)
		if got.Price.USD >= level || got.Summary.Above.PriceUSD != level {
			t.Errorf("at %v: price %v, level above %v; want to be below %d", after, got.Price.USD, got.Summary.Above.PriceUSD, level)
		}
	}
	for after := 34 * time.Second; after <= 54*time.Second; after += time.Second {
		got := s.at(after, btc)
		if got.Price.USD < 95100 || got.Price.USD > 95500 {
			t.Errorf("at %v: price %v, want it to hold clearly above %d", after, got.Price.USD, level)
		}
		if got.Range.HighUSD < got.Price.USD {
			t.Errorf("at %v: 7-day high %v below the price %v", after, got.Range.HighUSD, got.Price.USD)
		}
		if got.Summary.Below == nil || got.Summary.Below.PriceUSD != 92140 {
			t.Errorf("at %v: next level below %+v, want 92140", after, got.Summary.Below)
		}
	}
}

// TestTheWholeLoop takes every second of a pass and the seam to the next: of
// bitcoin's week, and of all keys in turn.
func TestTheWholeLoop(t *testing.T) {
	t.Parallel()
	s := play(t, 1)
	last, bothLevels, shots := 90131.71, 0, 0
	all := keys()
	for second := range int(pass/time.Second) + 20 {
		after := time.Duration(second) * time.Second
		for _, key := range []snapshot.Key{btc, all[second%len(all)]} {
			got := s.at(after, key)
			shots++
			if got.Summary.Above != nil && got.Summary.Below != nil {
				bothLevels++
			}
			checkShot(t, got, s.now, after)
			if key != btc {
				continue
			}
			if move := math.Abs(got.Price.USD/last - 1); move > 0.004 {
				t.Errorf("at %v: the price jumps by %.2f %%", after, 100*move)
			}
			last = got.Price.USD
		}
	}
	if bothLevels < shots*98/100 {
		t.Errorf("%d of %d snapshots have both key levels", bothLevels, shots)
	}
}

// checkShot checks what holds at any moment.
func checkShot(t *testing.T, got *snapshot.Snapshot, now time.Time, after time.Duration) {
	t.Helper()
	if age := got.Age(now); age > 15*time.Second {
		t.Errorf("%s at %v: %v old", got.Key, after, age)
	}
	if len(got.Map.Levels(market.Long)) < 100 || len(got.Map.Levels(market.Short)) < 100 {
		t.Errorf("%s at %v: only %d long and %d short levels", got.Key, after,
			len(got.Map.Levels(market.Long)), len(got.Map.Levels(market.Short)))
	}
	if got.Range.HighUSD < got.Price.USD || got.Range.LowUSD > got.Price.USD {
		// The range follows the price, which is not quoted at every moment.
		t.Errorf("%s at %v: price %v outside of its range %v to %v", got.Key, after, got.Price.USD, got.Range.LowUSD, got.Range.HighUSD)
	}
	provenances := []market.Provenance{
		got.Price.Provenance, got.Map.Provenance(), got.Range.Provenance,
		got.Liquidations.Provenance, got.OpenInterest.Provenance, got.Funding.Provenance,
	}
	if got.ETF != nil {
		provenances = append(provenances, got.ETF.Provenance)
	}
	for _, p := range provenances {
		if !p.Demo || p.Source != "demo" || !p.RecordedAt.IsZero() || now.Sub(p.AsOf) > 15*time.Second || p.AsOf.After(now) {
			t.Errorf("%s at %v: provenance %+v", got.Key, after, p)
		}
	}
}

func TestTheSeam(t *testing.T) {
	t.Parallel()
	s, begin := play(t, 1), play(t, 1)
	for _, key := range keys() {
		last := s.at(pass-time.Second, key).Price.USD
		first := begin.at(0, key)
		if move := math.Abs(first.Price.USD/last - 1); move > 0.002 {
			t.Errorf("%s: the price jumps by %.2f %% at the seam", key, 100*move)
		}
	}
	for _, key := range keys() {
		first, again := begin.at(0, key), s.at(pass, key)
		if diff := cmp.Diff(first.Summary, again.Summary); diff != "" || again.Map.Swept() != 0 {
			t.Errorf("%s: the second pass starts with %d levels swept and\n%s", key, again.Map.Swept(), diff)
		}
	}
}

func TestAgesAreSmallAtAnySpeed(t *testing.T) {
	t.Parallel()
	for _, speed := range []float64{0.01, 1, 20} {
		s := play(t, speed)
		for minute := range 4 {
			for _, key := range keys() {
				checkShot(t, s.at(time.Duration(minute)*time.Minute, key), s.now, time.Duration(minute)*time.Minute)
			}
		}
	}
}

func TestFlowsAreLastWeeks(t *testing.T) {
	for day := range 21 {
		s := &stage{t: t, now: wall.AddDate(0, 0, day)}
		var err error
		if s.Source, err = demo.New(recorded.Options{Speed: 1, Now: func() time.Time { return s.now }}); err != nil {
			t.Fatal(err)
		}
		got := s.at(time.Duration(day)*24*time.Hour, btc).ETF
		if got.From.Weekday() != time.Monday || got.To.Weekday() != time.Friday || got.To.Sub(got.From) != 4*24*time.Hour {
			t.Errorf("on %v: from %v to %v", s.now, got.From, got.To)
		}
		over := got.To.AddDate(0, 0, 1)
		if s.now.Before(over) || s.now.Sub(over) >= 7*24*time.Hour {
			t.Errorf("on %v: the week that ended at %v is not the last", s.now, over)
		}
	}
	if flow := play(t, 1).at(0, snapshot.Key{Coin: "SOL", Window: market.Week}).ETF; flow != nil {
		t.Errorf("SOL has a flow: %+v", flow)
	}
}

// TestTheFileIsUpToDate fails when the story changed and go generate was not run.
func TestTheFileIsUpToDate(t *testing.T) {
	packed, err := os.ReadFile("demo.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > 850_000 {
		t.Errorf("the file has %d bytes, want at most 850,000", len(packed))
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := invent.Write(&want); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("demo.jsonl.gz is not what package invent writes: run go generate ./sources/demo")
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		s, err := demo.New(recorded.Options{Speed: 1})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Fetch(b.Context(), btc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	s, err := demo.New(recorded.Options{Speed: 1})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Fetch(b.Context(), btc); err != nil {
			b.Fatal(err)
		}
	}
}

// TestRecordingTheDemo records the demo and plays the recording.
func TestRecordingTheDemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, err := demo.New(recorded.Options{Speed: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var file bytes.Buffer
		done := make(chan error, 1)
		go func() { done <- recorded.Record(ctx, src, &file, recorded.RecordOptions{Every: time.Second}) }()
		<-time.After(40 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		original, err := demo.New(recorded.Options{Speed: 1})
		if err != nil {
			t.Fatal(err)
		}
		copied, err := recorded.New(recorded.Options{Speed: 1, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(file.Bytes())), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			for _, key := range []snapshot.Key{btc, {Coin: "ETH", Window: market.Day}} {
				want, err := original.Fetch(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				got, err := copied.Fetch(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(snapshot.Snapshot{}, "Map")); diff != "" {
					t.Fatalf("%s (-original +copied):\n%s", key, diff)
				}
			}
			<-time.After(time.Second)
		}
	})
}
