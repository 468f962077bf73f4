package liquidation_test

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

// decodeBars makes bars of any bytes: mostly such as can be, now and then not.
func decodeBars(data []byte) []liquidation.Bar {
	const size = 10
	var out []liquidation.Bar
	start, price := begin, 100.0
	for ; len(data) >= size && len(out) < 200; data = data[size:] {
		lengths := [...]time.Duration{time.Minute, 5 * time.Minute, time.Hour, 24 * time.Hour}
		holes := [...]time.Duration{0, 0, 0, 0, time.Hour, 25 * time.Hour, -time.Minute, 30 * 24 * time.Hour}
		move := func(b byte) float64 { return math.Exp(float64(int8(b)) / 300) }
		b := flat(start.Add(holes[data[0]%8]), lengths[data[1]%4], price)
		b.CloseUSD *= move(data[2])
		b.HighUSD = max(price, b.CloseUSD) * max(move(data[3]), 1)
		b.LowUSD = min(price, b.CloseUSD) * min(move(data[4]), 1)
		b.VolumeCoins = math.Exp2(float64(int8(data[5]))) - 1
		b.OpenInterestCoins = math.Exp2(float64(int8(data[6])) / 2)
		if data[7]%4 == 1 {
			b.MarkLowUSD, b.MarkHighUSD = b.LowUSD*move(data[8]), b.HighUSD*move(data[9])
		}
		if data[7] > 250 { // any float at all
			b.HighUSD = math.Float64frombits(binary.LittleEndian.Uint64(data[2:]))
		}
		out = append(out, b)
		start, price = b.End(), b.CloseUSD
	}
	return out
}

func FuzzEstimator(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("the price goes up and down and up again, and nobody knows why, least of all the map"))
	f.Add([]byte("\x00\x02\x05\x03\xfd\x08\x10\x00\x00\x00\x05\x02\x7f\x7f\x80\x00\x10\x00\x00\x00\x00\x02\x80\x00\x80\x00\x10\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := liquidation.NewEstimator(liquidation.Recommended("BTC"))
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range decodeBars(data) {
			long, short, hash := e.Standing(market.Long), e.Standing(market.Short), e.AsOf()
			s, err := e.Step(b)
			if err != nil {
				if s != (liquidation.Swept{}) || !e.AsOf().Equal(hash) || e.Standing(market.Long) != long {
					t.Fatalf("bar %d: refused with %v, but it did something", i, err)
				}
				continue
			}
			if s.LongCoins > long || s.ShortCoins > short {
				t.Fatalf("bar %d: swept %+v of %v and %v", i, s, long, short)
			}
			for _, v := range []float64{s.LongCoins, s.ShortCoins, s.SeededCoins, e.Standing(market.Long), e.Standing(market.Short)} {
				if !market.Finite(v) || v < 0 {
					t.Fatalf("bar %d: a mass of %v", i, v)
				}
			}
			checkShown(t, e, b)
		}
	})
}

// checkShown checks what can be seen of a map after a bar.
func checkShown(t *testing.T, e *liquidation.Estimator, b liquidation.Bar) {
	t.Helper()
	for _, l := range e.Levels(b.CloseUSD, liquidation.DisplayBin) {
		if !market.Positive(l.IntensityUSD) || (l.Side == market.Long) != (l.PriceUSD < b.CloseUSD) {
			t.Fatalf("mark %v: level %+v", b.CloseUSD, l)
		}
	}
}

func FuzzRebuild(f *testing.F) {
	f.Add([]byte("the price goes up and down and up again, and nobody knows why, least of all the map"))
	f.Add([]byte("\x00\x02\x05\x03\xfd\x08\x10\x00\x00\x00\x05\x02\x7f\x7f\x80\x00\x10\x00\x00\x00\x00\x02\x80\x00\x80\x00\x10\x00\x00\x00"))
	m := model(f, liquidation.Recommended("BTC"))
	f.Fuzz(func(t *testing.T, data []byte) {
		bars := decodeBars(data)
		want, wantRefused, most := stepped(t, m, bars)
		got, refused := m.Rebuild(bars)
		if len(refused) != wantRefused {
			t.Fatalf("%d bars refused, want %d", len(refused), wantRefused)
		}
		sameMap(t, got, want, most)
	})
}
