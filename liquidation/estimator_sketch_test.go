package liquidation_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/liquidation"
	"liqbot/market"
)

// walked is an estimator after some days of a wandering price, and its last mark.
func walked(t *testing.T) (*liquidation.Estimator, float64) {
	t.Helper()
	e, err := liquidation.NewEstimator(liquidation.Recommended("BTC"))
	if err != nil {
		t.Fatal(err)
	}
	at, price := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0.0
	for i := range 2500 {
		open := 90_000 * math.Exp(0.05*math.Sin(float64(i)/300)+0.01*math.Sin(float64(i)/17))
		price = 90_000 * math.Exp(0.05*math.Sin(float64(i+1)/300)+0.01*math.Sin(float64(i+1)/17))
		bar := liquidation.Bar{
			Start: at, Length: 5 * time.Minute, OpenUSD: open, CloseUSD: price, HighUSD: max(open, price) * 1.0005, LowUSD: min(open, price) * 0.9995,
			VolumeCoins: 100, OpenInterestCoins: 10_000,
		}
		if _, err := e.Step(bar); err != nil {
			t.Fatal(err)
		}
		at = at.Add(bar.Length)
	}
	return e, price
}

// A sketch tells the levels of its estimator, but for the bin the mark lies in.
func TestSketchTellsTheLevels(t *testing.T) {
	t.Parallel()
	e, mark := walked(t)
	s := e.Sketch(liquidation.DisplayBin)
	for _, at := range []float64{mark, mark * 1.02, mark * 0.97} {
		want := make(map[market.Side]map[int]liquidation.Level)
		key := func(l liquidation.Level) int { return int(math.Round(math.Log(l.PriceUSD) / 0.0005)) }
		for _, l := range e.Levels(at, liquidation.DisplayBin) {
			if math.Abs(l.PriceUSD/at-1) < 0.0012 {
				continue
			}
			if want[l.Side] == nil {
				want[l.Side] = make(map[int]liquidation.Level)
			}
			want[l.Side][key(l)] = l
		}
		var last liquidation.Level
		for _, l := range s.AppendLevels(nil, at, 0, 0) {
			if l.Side == last.Side && math.Abs(l.PriceUSD-at) <= math.Abs(last.PriceUSD-at) {
				t.Fatalf("level %v comes after %v", l, last)
			}
			last = l
			w, ok := want[l.Side][key(l)]
			if math.Abs(l.PriceUSD/at-1) < 0.0012 || l.IntensityUSD < 1e-9 { // the least that single precision holds
				delete(want[l.Side], key(l))
				continue
			}
			if !ok || math.Abs(l.IntensityUSD/w.IntensityUSD-1) > 1e-5 || math.Abs(l.PriceUSD/w.PriceUSD-1) > 1e-9 {
				t.Fatalf("at %v: level %+v, want %+v", at, l, w)
			}
			delete(want[l.Side], key(l))
		}
		for side, left := range want {
			if len(left) > 0 {
				t.Errorf("at %v: %d levels of %s are not told", at, len(left), side)
			}
		}
	}
	for _, side := range []market.Side{market.Long, market.Short} {
		if got, want := s.Standing(side), e.Standing(side); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("%s: standing %v, want %v", side, got, want)
		}
	}
}

// What the mark has reached since is left out.
func TestSketchLeavesOutWhatWasReached(t *testing.T) {
	t.Parallel()
	e, mark := walked(t)
	low, high := mark*0.98, mark*1.015
	for _, l := range e.Sketch(liquidation.DisplayBin).AppendLevels(nil, mark, low, high) {
		if l.Side == market.Long && l.PriceUSD >= low || l.Side == market.Short && l.PriceUSD <= high {
			t.Fatalf("level %+v although the mark was from %v to %v", l, low, high)
		}
	}
}

func TestSketchOfNothing(t *testing.T) {
	t.Parallel()
	e, err := liquidation.NewEstimator(liquidation.Recommended("BTC"))
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Sketch(liquidation.DisplayBin).AppendLevels(nil, 90_000, 0, 0); len(got) != 0 {
		t.Errorf("levels %v", got)
	}
	for _, width := range []float64{0, -1, 2, math.NaN()} {
		if e.Sketch(width) != nil {
			t.Errorf("a sketch of width %v", width)
		}
	}
}

// A part of a sketch has the levels that lie in it, and nothing else.
func TestSketchWithin(t *testing.T) {
	t.Parallel()
	e, mark := walked(t)
	s := e.Sketch(liquidation.DisplayBin)
	low, high := mark*0.94, mark*1.03
	part := s.Within(low, high)
	var want, near []liquidation.Level
	for _, l := range s.AppendLevels(nil, mark, 0, 0) {
		if l.PriceUSD > low*1.001 && l.PriceUSD < high*0.999 { // the outermost bins are there whole
			want = append(want, l)
		}
	}
	for _, l := range part.AppendLevels(nil, mark, 0, 0) {
		switch {
		case l.PriceUSD < low*0.999 || l.PriceUSD > high*1.001:
			t.Errorf("level at %v, want none beyond %v and %v", l.PriceUSD, low, high)
		case l.PriceUSD > low*1.001 && l.PriceUSD < high*0.999:
			near = append(near, l)
		}
	}
	if diff := cmp.Diff(want, near); diff != "" || len(want) < 80 {
		t.Errorf("%d levels (-whole +part):\n%s", len(want), diff)
	}
	if got, all := part.Standing(market.Long), s.Standing(market.Long); got <= 0 || got >= all {
		t.Errorf("standing %v of %v", got, all)
	}
	if far := s.Within(mark*10, mark*11); far.Standing(market.Short) != 0 || len(far.AppendLevels(nil, mark, 0, 0)) > 0 {
		t.Error("levels where the sketch has none")
	}
	if s.Within(math.NaN(), high) != s || s.Within(low, 0) != s {
		t.Error("bounds that cannot be have to leave the sketch whole")
	}
}
