package liquidation_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/liquidation"
	"liqbot/market"
)

func TestAnchors(t *testing.T) {
	b := flat(begin, time.Hour, 100)
	b.HighUSD, b.LowUSD, b.CloseUSD = 103, 98, 101
	for name, c := range map[string]struct {
		anchors liquidation.Anchors
		price   float64
	}{
		"close":          {liquidation.Anchors{Close: 1}, 101},
		"high and low":   {liquidation.Anchors{HighLow: 1}, 100.5},
		"high and close": {liquidation.Anchors{HighClose: 1}, 102},
		"low and close":  {liquidation.Anchors{LowClose: 1}, 99.5},
	} {
		p, at := liquidation.Recommended("BTC"), liquidation.Recommended("BTC")
		p.Anchors, at.Anchors = c.anchors, liquidation.Anchors{Close: 1}
		got, want := estimator(t, p), estimator(t, at)
		step(t, got, b)
		step(t, want, flat(begin, time.Hour, c.price))
		levels, same := got.Levels(100, 0.001), want.Levels(100, 0.001)
		if diff := cmp.Diff(same, levels, cmpopts.EquateApprox(1e-9, 1e-6)); diff != "" || len(levels) < 500 {
			t.Errorf("%s: %d levels (-want +got):\n%s", name, len(levels), diff)
		}
	}
}

func TestVolume(t *testing.T) {
	turned := 10_000 * (1 - math.Exp2(-1.0/24))
	for _, c := range []struct {
		name     string
		exponent float64
		bars     int // with the usual volume before
		usual    float64
		volume   float64
		want     float64
	}{
		{"usual", 0.5, 20, 500, 500, 1},
		{"four times", 0.5, 20, 500, 2000, 2},
		{"none: the floor", 0.5, 20, 500, 0, math.Sqrt(0.02)},
		{"none at all", 0.5, 0, 500, 0, math.Sqrt(0.02)},
		{"huge: the ceiling", 0.5, 20, 500, 1e9, math.Sqrt(50)},
		{"after silence: the ceiling", 0.5, 20, 0, 1, math.Sqrt(50)},
		{"four times, too early to tell", 0.5, 4, 500, 2000, 1},
		{"four times, just enough bars", 0.5, 5, 500, 2000, 2},
		{"four times, volume not used", 0, 20, 500, 2000, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := liquidation.Recommended("BTC")
			p.VolumeExponent = c.exponent
			e := estimator(t, p)
			for i := range c.bars {
				b := flat(begin.Add(time.Duration(i)*time.Hour), time.Hour, 100)
				b.VolumeCoins = c.usual
				step(t, e, b)
			}
			b := flat(begin.Add(time.Duration(c.bars)*time.Hour), time.Hour, 100)
			b.VolumeCoins = c.volume
			if got := step(t, e, b).SeededCoins; !within(got, c.want*turned, 1e-12) {
				t.Errorf("seeded %v, want %v", got, c.want*turned)
			}
		})
	}
}

func TestVolumeOfBarsOfOtherLength(t *testing.T) {
	bars := make([]liquidation.Bar, 10)
	for i := range bars {
		bars[i] = flat(begin.Add(time.Duration(i)*time.Hour), time.Hour, 100)
	}
	s := step(t, after(t, bars), flat(bars[9].End(), 5*time.Minute, 100))
	if want := 10_000 * (1 - math.Exp2(-1.0/288)); !within(s.SeededCoins, want, 1e-12) {
		t.Errorf("five minutes at the usual pace seed %v, want %v", s.SeededCoins, want)
	}
}

func TestTheMedianForgets(t *testing.T) {
	e := estimator(t, liquidation.Recommended("BTC"))
	var last liquidation.Swept
	for i := range 168 + 85 {
		b := flat(begin.Add(time.Duration(i)*time.Hour), time.Hour, 100)
		if i >= 168 {
			b.VolumeCoins *= 4
		}
		last = step(t, e, b)
		if i == 168 && !within(last.SeededCoins, 2*10_000*(1-math.Exp2(-1.0/24)), 1e-12) {
			t.Fatalf("the first busy bar seeded %v", last.SeededCoins)
		}
	}
	if want := 10_000 * (1 - math.Exp2(-1.0/24)); !within(last.SeededCoins, want, 1e-12) {
		t.Errorf("once most of the week is busy: %v, want %v", last.SeededCoins, want)
	}
}

func TestAVolumeOfMinusZeroIsNone(t *testing.T) {
	var bars []liquidation.Bar
	for i := range 21 {
		b := flat(begin.Add(time.Duration(i)*time.Hour), time.Hour, 100)
		switch {
		case i < 5:
			b.VolumeCoins = math.Copysign(0, -1)
		case i < 13:
			b.VolumeCoins = 900
		default:
			b.VolumeCoins = 100 // the median of all
		}
		bars = append(bars, b)
	}
	e := after(t, bars[:20])
	want := 10_000 * (1 - math.Exp2(-1.0/24))
	if got := step(t, e, bars[20]).SeededCoins; !within(got, want, 1e-12) {
		t.Errorf("seeded %v, want %v", got, want)
	}
	rebuilt, _ := e.Model().Rebuild(bars)
	if got, want := rebuilt.Standing(market.Long), e.Standing(market.Long); !within(got, want, 1e-12) {
		t.Errorf("rebuilt: %v, want %v", got, want)
	}
}
