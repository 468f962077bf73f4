package recorded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/recorded"
)

// buffer is a file in memory that is safe for concurrent use.
type buffer struct {
	mu   sync.Mutex
	data []byte
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	return len(p), nil
}

func (b *buffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.data)
}

func (b *buffer) String() string { return string(b.Bytes()) }

// take returns what was written since the last time.
func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := string(b.data)
	b.data = nil
	return out
}

// live is a source whose figures a test sets.
type live struct {
	mu    sync.Mutex
	shots map[snapshot.Key]*snapshot.Snapshot
	err   error
}

func (l *live) Name() string { return "Live" }

func (l *live) Coins(context.Context) ([]market.Coin, error) {
	return []market.Coin{"BTC", "ETH"}, nil
}

func (l *live) Fetch(_ context.Context, key snapshot.Key) (*snapshot.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.shots[key]; ok && l.err == nil {
		return s, nil
	}
	return nil, errors.Join(&snapshot.Error{Problem: snapshot.Unavailable, Err: errors.New("no such thing")}, l.err)
}

func (l *live) set(shots ...*snapshot.Snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shots = make(map[snapshot.Key]*snapshot.Snapshot)
	for _, s := range shots {
		l.shots[s.Key] = s
	}
}

// shot is a snapshot with every figure, as of a time.
func shot(t *testing.T, coin market.Coin, usd float64, asOf time.Time, change ...func(*liquidation.Input)) *snapshot.Snapshot {
	t.Helper()
	p := market.Provenance{Source: "Live", Origin: market.Measured, AsOf: asOf.UTC()}
	mp := p
	mp.Origin, mp.Venues, mp.Missing = market.Vendor, []market.Venue{"OKX"}, []market.Venue{"HTX"}
	in := liquidation.Input{
		Coin: coin, Window: market.Week, MarkUSD: usd, Provenance: mp,
		Levels: []liquidation.Level{
			{PriceUSD: 102.5, Side: market.Short, IntensityUSD: 1.25, Venue: "OKX", Leverage: 12.5},
			{PriceUSD: 104, Side: market.Short, IntensityUSD: 3, Venue: "OKX"},
			{PriceUSD: 105, Side: market.Short, IntensityUSD: 7, Leverage: 100},
			{PriceUSD: 98, Side: market.Long, IntensityUSD: 2},
			{PriceUSD: 97.5, Side: market.Long, IntensityUSD: 4, Venue: "OKX"},
		},
	}
	for _, c := range change {
		c(&in)
	}
	m, err := liquidation.New(in)
	if err != nil {
		t.Fatal(err)
	}
	other := p
	other.Source, other.Origin, other.AsOf = "Farside", market.Vendor, asOf.Add(-time.Hour).UTC()
	monday := time.Date(1999, time.December, 27, 0, 0, 0, 0, time.UTC)
	return &snapshot.Snapshot{
		Key:          snapshot.Key{Coin: coin, Window: market.Week},
		Price:        market.Price{USD: usd, Kind: market.LastPrice, Change24h: 0.01, HasChange24h: true, Provenance: p},
		Map:          m,
		Summary:      m.Summarise(liquidation.KeyLevelBand, liquidation.SymmetricBand),
		Range:        &market.PriceRange{HighUSD: 110, LowUSD: 91.5, Window: market.Week, Provenance: p},
		ETF:          &market.ETFFlow{NetUSD: -4e8, NetCoins: 5891.25, From: monday, To: monday.AddDate(0, 0, 4), Week: market.LastWeek, Provenance: other},
		Liquidations: &market.Liquidations{LongUSD: 3, ShortUSD: 0, Over: 24 * time.Hour, Provenance: p},
		OpenInterest: &market.OpenInterest{USD: 100, Coins: 1, Provenance: p},
		Funding:      &market.Funding{Venue: "Binance", Rate: -1e-5, Interval: 4 * time.Hour, Provenance: p},
	}
}

// equalBut compares snapshots without what a replay changes: the time at which
// something was recorded.
func equalBut(t *testing.T, want, got *snapshot.Snapshot) {
	t.Helper()
	replay := cmpopts.IgnoreFields(market.Provenance{}, "RecordedAt")
	if diff := cmp.Diff(want, got, replay, cmpopts.IgnoreFields(snapshot.Snapshot{}, "Map")); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Map.Provenance(), got.Map.Provenance(), replay); diff != "" {
		t.Errorf("map's provenance (-want +got):\n%s", diff)
	}
	for _, side := range []market.Side{market.Long, market.Short} {
		if diff := cmp.Diff(want.Map.Levels(side), got.Map.Levels(side)); diff != "" {
			t.Errorf("%s levels (-want +got):\n%s", side, diff)
		}
	}
}

// recording runs Record in the background of a synctest bubble.
func recording(t *testing.T, src snapshot.Source, w io.Writer, o recorded.RecordOptions) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- recorded.Record(ctx, src, w, o) }()
	return func() error { cancel(); return <-done }
}

// pause lets time pass in a synctest bubble.
func pause(d time.Duration) { <-time.After(d) }

func TestRecordAndPlayBack(t *testing.T) {
	for _, gzip := range []bool{false, true} {
		t.Run(fmt.Sprintf("gzip %v", gzip), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { recordAndPlayBack(t, gzip) })
		})
	}
}

func recordAndPlayBack(t *testing.T, gzip bool) {
	t.Helper()
	var file buffer
	src := &live{}
	began := time.Now()
	var want []*snapshot.Snapshot
	next := func(usd float64, asOf time.Time) {
		s := shot(t, "BTC", usd, asOf)
		want = append(want, s)
		src.set(s)
	}
	next(100, began)
	stop := recording(t, src, &file, recorded.RecordOptions{Every: 5 * time.Second, Gzip: gzip})
	for _, usd := range []float64{100, 103, 99, 97.75, 97.75} {
		synctest.Wait()
		pause(time.Second)
		next(usd, time.Now())
		pause(4 * time.Second)
	}
	synctest.Wait()
	if err := stop(); err != nil {
		t.Fatalf("Record: %v", err)
	}

	playing := time.Now()
	s, err := recorded.New(recorded.Options{Open: opener(file.Bytes()), Speed: 1})
	if err != nil {
		t.Fatalf("New: %v\n%s", err, file.String())
	}
	shift := playing.Sub(began)
	for i, w := range want {
		got := fetch(t, s, w.Key)
		if at := got.Price.Provenance.RecordedAt; !at.Equal(w.Price.Provenance.AsOf) {
			t.Errorf("pass %d: recorded at %v, want %v", i, at, w.Price.Provenance.AsOf)
		}
		equalBut(t, shot(t, "BTC", w.Price.USD, w.Price.Provenance.AsOf.Add(shift)), got)
		pause(5 * time.Second)
	}
}

// TestRecordWritesOnlyWhatChanged counts the lines of each pass.
func TestRecordWritesOnlyWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file buffer
		src := &live{}
		first := time.Now()
		src.set(shot(t, "BTC", 100, first))
		stop := recording(t, src, &file, recorded.RecordOptions{Coins: []market.Coin{"BTC"}, Every: time.Second})
		written := func() string {
			synctest.Wait()
			return file.take()
		}
		pass := func() string {
			pause(time.Second)
			return written()
		}
		if out := written(); strings.Count(out, "\n") != 8 || !strings.HasPrefix(out, `{"kind":"market","v":1,"source":"Live","origin":"vendor"`) {
			t.Errorf("first pass:\n%swant a header and seven figures", out)
		}
		if out := pass(); out != "" {
			t.Errorf("nothing was fetched anew, yet it wrote\n%s", out)
		}
		src.set(shot(t, "BTC", 100, first.Add(time.Second)))
		if out := pass(); strings.Count(out, `"same":true`) != 7 || strings.Count(out, "\n") != 7 {
			t.Errorf("nothing changed but the times, yet it wrote\n%s", out)
		}
		src.set(shot(t, "BTC", 103, first.Add(2*time.Second)))
		if out := pass(); strings.Contains(out, `"ref_usd"`) || !strings.Contains(out, `"usd":103`) {
			t.Errorf("the price swept a level, which a player knows, yet it wrote\n%s", out)
		}
		src.set(shot(t, "BTC", 100, first.Add(3*time.Second)))
		if out := pass(); !strings.Contains(out, `"ref_usd":100`) {
			t.Errorf("a swept level came back, which a player cannot know, yet it wrote\n%s", out)
		}
		src.set(shot(t, "BTC", 100, first.Add(3*time.Second), func(in *liquidation.Input) { in.Levels[1].IntensityUSD++ }))
		if out := pass(); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"ref_usd":100`) {
			t.Errorf("one level changed, yet it wrote\n%s", out)
		}
		src.set(shot(t, "BTC", 100, first.Add(3*time.Second), func(in *liquidation.Input) { in.Provenance.Missing = nil }))
		if out := pass(); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"ref_usd":100`) {
			t.Errorf("a venue is no longer missing and a level is as it was, yet it wrote\n%s", out)
		}
		src.set(shot(t, "BTC", 100, first.Add(3*time.Second)))
		if out := pass(); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"missing":["HTX"]`) {
			t.Errorf("a venue is missing again, yet it wrote\n%s", out)
		}
		bare := *shot(t, "BTC", 100, first.Add(3*time.Second))
		bare.ETF, bare.Funding = nil, nil
		src.set(&bare)
		if out := pass(); strings.Count(out, `"gone":true`) != 2 || strings.Count(out, "\n") != 2 {
			t.Errorf("two figures are gone, yet it wrote\n%s", out)
		}
		if out := pass(); out != "" {
			t.Errorf("they are still gone, yet it wrote\n%s", out)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestRecordSurvivesTrouble has a source that fails for a while and a figure
// that cannot be.
func TestRecordSurvivesTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file, log buffer
		src := &live{}
		stop := recording(t, src, &file, recorded.RecordOptions{
			Every: time.Second, Windows: []market.Window{market.Week}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		pause(5500 * time.Millisecond)
		if out := file.String(); out != "" {
			t.Errorf("nothing could be fetched, yet it wrote\n%s", out)
		}
		odd := *shot(t, "ETH", 100, time.Now())
		odd.Range = &market.PriceRange{HighUSD: 1, LowUSD: 2, Window: market.Week}
		src.set(shot(t, "BTC", 100, time.Now()), &odd)
		pause(5 * time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "not recorded for now"); n != 2 {
			t.Errorf("%d lines about two keys that fail five times:\n%s", n, log.String())
		}
		if n := strings.Count(log.String(), "left out"); n != 1 {
			t.Errorf("%d lines about one figure that cannot be:\n%s", n, log.String())
		}
		s, err := recorded.New(recorded.Options{Open: opener(file.Bytes()), Speed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := fetch(t, s, snapshot.Key{Coin: "ETH", Window: market.Week}); got.Range != nil || got.Price.USD != 100 {
			t.Errorf("range %+v, price %+v", got.Range, got.Price)
		}
	})
}

// TestAKilledRecordingCanBePlayed cuts a gzip recording after its last pass and
// in the middle of one.
func TestAKilledRecordingCanBePlayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file buffer
		src := &live{}
		src.set(shot(t, "BTC", 100, time.Now()))
		stop := recording(t, src, &file, recorded.RecordOptions{Every: time.Second, Gzip: true})
		pause(500 * time.Millisecond)
		src.set(shot(t, "BTC", 101, time.Now()))
		pause(time.Second)
		synctest.Wait()
		killed := file.Bytes()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for _, cut := range []int{0, 10} {
			s, err := recorded.New(recorded.Options{Open: opener(killed[:len(killed)-cut]), Speed: 1})
			if err != nil {
				t.Fatalf("cut by %d: %v", cut, err)
			}
			pause(2 * time.Second)
			want := 101.0
			if got := fetch(t, s, btc).Price.USD; got != want {
				t.Errorf("cut by %d: price %v, want %v", cut, got, want)
			}
		}
	})
}

// TestRecordAReplay keeps the first market time through a second recording.
func TestRecordAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, err := recorded.New(recorded.Options{Open: opener([]byte(header + firstFigures)), Speed: 1})
		if err != nil {
			t.Fatal(err)
		}
		var file buffer
		stop := recording(t, src, &file, recorded.RecordOptions{})
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		again, err := recorded.New(recorded.Options{Open: opener(file.Bytes()), Speed: 1})
		if err != nil {
			t.Fatal(err)
		}
		want, got := fetch(t, src, btc), fetch(t, again, btc)
		equalBut(t, want, got)
		if at := got.Map.Provenance().RecordedAt; !at.Equal(want.Map.Provenance().RecordedAt) {
			t.Errorf("recorded at %v, want %v", at, want.Map.Provenance().RecordedAt)
		}
	})
}

// TestRecordTakesTheNewestPrice has windows that were fetched at different times.
func TestRecordTakesTheNewestPrice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file buffer
		day, week := *shot(t, "BTC", 101, time.Now()), shot(t, "BTC", 100, time.Now().Add(-time.Second))
		day.Key.Window = market.Day
		month := *shot(t, "BTC", 102, time.Now().Add(-2*time.Second))
		month.Key.Window = market.Month
		src := &live{}
		src.set(week, &day, &month)
		stop := recording(t, src, &file, recorded.RecordOptions{})
		synctest.Wait()
		if out := file.take(); strings.Count(out, `"kind":"price"`) != 1 || !strings.Contains(out, `"usd":101,`) {
			t.Errorf("wrote\n%swant one price, 101", out)
		}
		day2, week2 := *shot(t, "BTC", 103, time.Now()), shot(t, "BTC", 104, time.Now().Add(time.Second))
		day2.Key.Window = market.Day
		src.set(week2, &day2)
		pause(10 * time.Second)
		synctest.Wait()
		if out := file.take(); strings.Count(out, `"kind":"price"`) != 1 || !strings.Contains(out, `"usd":104,`) {
			t.Errorf("wrote\n%swant one price, 104", out)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestRecordSaysWhyItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &live{}
		src.set(shot(t, "BTC", 100, time.Now()))
		for _, gzip := range []bool{false, true} {
			err := recorded.Record(t.Context(), src, brokenWriter{}, recorded.RecordOptions{Gzip: gzip})
			if !errors.Is(err, io.ErrShortWrite) {
				t.Errorf("gzip %v: %v, want the writer's error", gzip, err)
			}
		}
		if err := recorded.Record(t.Context(), src, io.Discard, recorded.RecordOptions{Every: -1}); err == nil {
			t.Error("a negative period was accepted")
		}
		stop := recording(t, &live{}, io.Discard, recorded.RecordOptions{})
		synctest.Wait()
		if err := stop(); err == nil || !strings.Contains(err.Error(), "nothing was recorded") || !strings.Contains(err.Error(), "no such thing") {
			t.Errorf("a source that has nothing: %v", err)
		}
	})
}
