package liquidation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/liquidation"
	"liqbot/market"
)

func TestWindowsHoldOnlyTheirEntries(t *testing.T) {
	p := liquidation.Recommended("ETH")
	p.VolumeExponent = 0 // so that an estimator that begins later seeds the same
	day, week := market.Day.Duration(), market.Week.Duration()
	w, err := liquidation.NewWindowed(p, day, week, market.Month.Duration())
	if err != nil {
		t.Fatal(err)
	}
	bars := walk(13, 400, time.Hour, 3_000)
	for i, b := range bars {
		if i == 250 { // the hole moves the rest by an hour
			for j := range bars[i:] {
				bars[i+j].Start = bars[i+j].Start.Add(time.Hour)
			}
			b = bars[i]
		}
		if _, err := w.Step(b); err != nil {
			t.Fatal(err)
		}
	}
	mark := bars[len(bars)-1].CloseUSD
	for _, window := range []time.Duration{day, week} {
		want := estimator(t, p)
		for _, b := range bars {
			if bars[len(bars)-1].End().Sub(b.End()) < window {
				step(t, want, b)
			}
		}
		got := w.Clone().Levels(window, mark, liquidation.DisplayBin)
		if diff := cmp.Diff(want.Levels(mark, liquidation.DisplayBin), got, cmpopts.EquateApprox(1e-9, 1e-3)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", window, diff)
		}
		for _, side := range bothSides {
			if got, want := w.Standing(window, side), want.Standing(side); !within(got, want, 1e-9) {
				t.Errorf("%s %s: %v coins, want %v", window, side, got, want)
			}
		}
	}
	whole := w.Estimator().Levels(mark, liquidation.DisplayBin)
	if diff := cmp.Diff(whole, w.Levels(market.Month.Duration(), mark, liquidation.DisplayBin)); diff != "" {
		t.Errorf("a month (-want +got):\n%s", diff)
	}
}

func TestWindowsAfterALongHole(t *testing.T) {
	day := market.Day.Duration()
	w, err := liquidation.NewWindowed(liquidation.Recommended("ETH"), day)
	if err != nil {
		t.Fatal(err)
	}
	bars := walk(14, 200, time.Hour, 3_000)
	for _, b := range slices.Concat(bars[:100], bars[130:]) {
		if _, err := w.Step(b); err != nil {
			t.Fatal(err)
		}
		age := w.Estimator().Age()
		if age == day+time.Hour { // old is only the first bar, which adds nothing after a hole
			continue
		}
		for _, side := range bothSides {
			got, all := w.Standing(day, side), w.Estimator().Standing(side)
			if got < 0 || within(got, all, 1e-9) != (age <= day) || got > all*(1+1e-9) {
				t.Fatalf("%s, age %v: %v of %v %s coins", b.Start, age, got, all, side)
			}
		}
	}
	if _, err := w.Step(bars[0]); err == nil {
		t.Error("an old bar was taken")
	}
}

func TestAWindowWithoutEntriesIsEmpty(t *testing.T) {
	day := market.Day.Duration()
	w, err := liquidation.NewWindowed(liquidation.Recommended("BTC"), day)
	if err != nil {
		t.Fatal(err)
	}
	bars := walk(16, 100, time.Hour, 100)
	last := bars[len(bars)-1]
	for i := range 20 { // every bar follows a hole and adds nothing
		bars = append(bars, flat(last.End().Add(time.Duration(1+2*i)*time.Hour), time.Hour, last.CloseUSD))
	}
	for _, b := range bars {
		if _, err := w.Step(b); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.Levels(day, last.CloseUSD, liquidation.DisplayBin); len(got) != 0 {
		t.Errorf("%d levels, such as %+v", len(got), got[0])
	}
	if got := w.Standing(day, market.Long) + w.Standing(day, market.Short); got != 0 {
		t.Errorf("%v coins", got)
	}
	if len(w.Estimator().Levels(last.CloseUSD, liquidation.DisplayBin)) == 0 {
		t.Error("older entries are gone as well")
	}
}

func TestClonesOfWindowsGoTheirOwnWays(t *testing.T) {
	day := market.Day.Duration()
	run := func(w *liquidation.Windowed, bars ...liquidation.Bar) {
		t.Helper()
		for _, b := range bars {
			if _, err := w.Step(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	bars := walk(17, 50, time.Hour, 100)
	last := bars[len(bars)-1]
	calm, wild := flat(last.End(), time.Hour, last.CloseUSD), flat(last.End(), time.Hour, last.CloseUSD)
	wild.HighUSD, wild.LowUSD = wild.HighUSD*1.3, wild.LowUSD*0.7
	// Many lengths, as an append can only damage a neighbour where room is left.
	base, err := liquidation.NewWindowed(liquidation.Recommended("BTC"), day)
	if err != nil {
		t.Fatal(err)
	}
	for n, b := range bars {
		calm.Start, wild.Start = b.End(), b.End()
		run(base, b)
		if n < 30 {
			continue
		}
		original := base.Clone()
		clone, want := original.Clone(), original.Clone()
		run(want, calm)
		wanted := want.Levels(day, last.CloseUSD, liquidation.DisplayBin)
		run(clone, calm)
		run(original, wild)
		if diff := cmp.Diff(wanted, clone.Levels(day, last.CloseUSD, liquidation.DisplayBin)); diff != "" {
			t.Fatalf("after %d bars (-want +got):\n%s", n, diff)
		}
	}
}
