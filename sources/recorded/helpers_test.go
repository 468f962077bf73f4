package recorded_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/recorded"
)

// wall is when the tests start to play: a Wednesday.
var wall = time.Date(2026, time.November, 25, 10, 0, 0, 0, time.UTC)

// clock is a clock that stands until it is moved. It is safe for concurrent use.
type clock struct{ elapsed atomic.Int64 }

func (c *clock) Now() time.Time          { return wall.Add(time.Duration(c.elapsed.Load())) }
func (c *clock) forward(d time.Duration) { c.elapsed.Add(int64(d)) }

// header starts a recording of 2026-01-10 12:00:00 UTC, a Saturday.
const header = `{"kind":"market","v":1,"source":"CoinGlass","origin":"vendor","start_ms":1768046400000,"coins":["BTC"]}`

// firstFigures are a price and a map at the start.
const firstFigures = `
{"t":1768046400000,"kind":"price","coin":"BTC","usd":100,"price_kind":"mark","change_24h":0.02}
{"t":1768046400000,"kind":"map","coin":"BTC","window":"7d","ref_usd":100,"venues":["Binance","OKX"],"missing":["Bybit"],"short":[[102,10,0],[104,20,1],[106,5]],"long":[[98,7,0,25],[96,9,1]]}
`

// btc is the key of firstFigures.
var btc = snapshot.Key{Coin: "BTC", Window: market.Week}

func opener(data []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// play starts to play a text at a speed.
func play(t *testing.T, text string, speed float64) (*recorded.Source, *clock) {
	t.Helper()
	s, c, _ := playLogged(t, text, speed)
	return s, c
}

func playLogged(t *testing.T, text string, speed float64) (*recorded.Source, *clock, *bytes.Buffer) {
	t.Helper()
	c, log := &clock{}, &bytes.Buffer{}
	s, err := recorded.New(recorded.Options{
		Open: opener([]byte(text)), Speed: speed, Now: c.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, c, log
}

func fetch(t *testing.T, s *recorded.Source, key snapshot.Key) *snapshot.Snapshot {
	t.Helper()
	got, err := s.Fetch(t.Context(), key)
	if err != nil {
		t.Fatalf("Fetch(%s): %v", key, err)
	}
	return got
}

func problemOf(t *testing.T, s *recorded.Source, key snapshot.Key) snapshot.Problem {
	t.Helper()
	got, err := s.Fetch(t.Context(), key)
	if err == nil {
		t.Fatalf("Fetch(%s) = %+v, want an error", key, got)
	}
	if _, ok := errors.AsType[*snapshot.Error](err); !ok {
		t.Fatalf("Fetch(%s): %v is not a *snapshot.Error", key, err)
	}
	return snapshot.ProblemOf(err)
}

func zip(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
