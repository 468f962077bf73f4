package wire_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"liqbot/market"
	"liqbot/sources/coinglass/wire"
)

// seed adds all replies of testdata, whole and without their envelope.
func seed(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("testdata: %v, %v", files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
		f.Add(data(f, filepath.Base(file)))
	}
}

func FuzzDecodeReply(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		reply, err := wire.DecodeReply(body)
		if err != nil && !reflect.ValueOf(reply).IsZero() {
			t.Errorf("a value beside error %v: %+v", err, reply)
		}
		if err == nil && reply.Code == "" {
			t.Error("a reply without a code")
		}
	})
}

func FuzzDecodeMap(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := wire.DecodeMap(body)
		if err != nil && !reflect.ValueOf(m).IsZero() {
			t.Fatalf("a value beside error %v: %+v", err, m)
		}
		if m.LastPriceUSD < 0 || !market.Finite(m.LastPriceUSD) {
			t.Errorf("last price %v", m.LastPriceUSD)
		}
		for _, l := range m.Levels {
			if !market.Positive(l.PriceUSD) || l.IntensityUSD < 0 || !market.Finite(l.IntensityUSD) ||
				l.Leverage < 0 || !market.Finite(l.Leverage) {
				t.Errorf("level %+v", l)
			}
		}
	})
}

func FuzzDecodeCandles(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		candles, err := wire.DecodeCandles(body)
		if err != nil && candles != nil {
			t.Fatalf("a value beside error %v: %+v", err, candles)
		}
		for i, c := range candles {
			if !market.Positive(c.CloseUSD) || !market.Positive(c.LowUSD) || c.Open.IsZero() {
				t.Errorf("candle %+v", c)
			}
			if i > 0 && c.Open.Before(candles[i-1].Open) {
				t.Errorf("candle %d before its predecessor", i)
			}
		}
	})
}

func FuzzDecodeFigures(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		interest, err := wire.DecodeOpenInterest(body)
		oneOf(t, interest, err)
		liquidated, err := wire.DecodeLiquidated(body)
		oneOf(t, liquidated, err)
		fundings, err := wire.DecodeFundings(body)
		oneOf(t, fundings, err)
		coins, err := wire.DecodeCoins(body)
		oneOf(t, coins, err)
		instruments, err := wire.DecodeInstruments(body)
		oneOf(t, instruments, err)
		plan, err := wire.DecodeSubscription(body)
		oneOf(t, plan, err)
		flows, err := wire.DecodeFlows(body)
		oneOf(t, flows, err)
		for i, d := range flows {
			if math.IsNaN(d.NetUSD) || d.PriceUSD < 0 || i > 0 && !d.Day.After(flows[i-1].Day) {
				t.Errorf("day %d: %+v", i, d)
			}
		}
	})
}

// oneOf fails when there is a value beside an error.
func oneOf[T any](t *testing.T, value T, err error) {
	t.Helper()
	if err != nil && !reflect.ValueOf(value).IsZero() {
		t.Errorf("a value beside error %v: %+v", err, value)
	}
}
