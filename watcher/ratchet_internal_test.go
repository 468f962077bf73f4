package watcher

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"liqbot/alert"
)

var dawn = time.Date(2026, time.November, 25, 6, 0, 0, 0, time.UTC)

// turns are what a ratchet told: from what to what, and whether it was notable.
type turns []struct {
	before, strength float64
	notable          bool
}

func TestRatchet(t *testing.T) {
	g := gears{floor: 10, rest: 10 * time.Minute}
	for _, tt := range []struct {
		name    string
		figures []float64 // one a minute, notable from 100 on
		want    turns
	}{
		{"below the floor", []float64{1, 9, 5}, nil},
		{"each rise begins where the last one ended", []float64{20, 30, 25, 30, 31}, turns{{0, 20, false}, {20, 30, false}, {30, 31, false}}},
		{"notable once", []float64{50, 120, 130, 110, 140}, turns{{0, 50, false}, {50, 120, true}, {120, 130, false}, {130, 140, false}}},
		{"down and up again too soon", []float64{120, 5, 120}, turns{{0, 120, true}}},
		{"down for long", []float64{120, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 120}, turns{{0, 120, true}, {0, 120, true}}},
		{"down to more than half", []float64{120, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 119}, turns{{0, 120, true}}},
		{"down to less than half", []float64{120, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 119}, turns{{0, 120, true}, {80, 119, true}}},
		{"down, but still notable", []float64{500, 110, 110, 110, 110, 110, 110, 110, 110, 110, 110, 300}, turns{{0, 500, true}, {220, 300, false}}},
		{"no figure", []float64{math.NaN(), math.Inf(1), -5, 20, math.NaN(), 30}, turns{{0, 20, false}, {20, 30, false}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r ratchet
			var got turns
			for i, figure := range tt.figures {
				at := dawn.Add(time.Duration(i) * time.Minute)
				var told *rise
				r, told = r.step(g, reading{figure: figure, notable: figure >= 100, at: at, now: at})
				if told != nil {
					got = append(got, turns{{told.before, told.strength, told.notable}}...)
				}
				if err := r.check(); err != nil {
					t.Fatalf("figure %d: %+v: %v", i, r, err)
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("told %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("told %v, want %v", got, tt.want)
				}
			}
		})
	}
}

// TestRatchetBecomesNotable: what is usual has changed, the figure has not.
func TestRatchetBecomesNotable(t *testing.T) {
	var r ratchet
	in := reading{figure: 50, at: dawn, now: dawn}
	r, first := r.step(gears{}, in)
	in.notable = true
	r, second := r.step(gears{}, in)
	_, third := r.step(gears{}, in)
	if first == nil || second == nil || third != nil || !second.notable || second.before != 50 || second.strength != 50 {
		t.Fatalf("told %+v, then %+v, then %+v", first, second, third)
	}
	a, b := first.alert(alert.Alert{Rule: alert.Cascade}), second.alert(alert.Alert{Rule: alert.Cascade})
	if a.ID == b.ID {
		t.Error("both alerts have one ID")
	}
	if b.Meets(40) || b.Meets(50) || !b.Meets(0) {
		t.Error("it is for chats without a threshold only")
	}
}

// TestRatchetIsExact walks at random: whatever threshold a chat has, it hears when the
// figure passes it, once, and again only after the figure was below half of it.
func TestRatchetIsExact(t *testing.T) {
	g := gears{floor: 1.2, base: 1, rest: 5 * time.Minute}
	heard := 0
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		threshold := 1.3 + 3*rnd.Float64()
		var r ratchet
		figure, armed, lowest := 1.0, true, 1.0
		ids := map[string]bool{}
		for i := range 600 {
			at := dawn.Add(time.Duration(i) * time.Minute)
			figure = max(1, figure+0.3*rnd.NormFloat64())
			lowest = min(lowest, figure)
			var told *rise
			r, told = r.step(g, reading{figure: figure, notable: figure > 3, at: at, now: at})
			if told == nil {
				if armed && figure >= threshold {
					t.Fatalf("seed %d: nothing told of %v with a threshold of %v", seed, figure, threshold)
				}
				continue
			}
			a := told.alert(alert.Alert{Rule: alert.Imbalance, Coin: "BTC"})
			if ids[a.ID] {
				t.Fatalf("seed %d: two alerts with one ID", seed)
			}
			ids[a.ID] = true
			if !a.Meets(threshold) {
				continue
			}
			if figure < threshold || !armed && lowest-1 >= (threshold-1)/2 {
				t.Fatalf("seed %d: told of %v again, threshold %v, lowest since %v", seed, figure, threshold, lowest)
			}
			heard++
			armed, lowest = false, figure
		}
	}
	if heard < 300 {
		t.Errorf("told %d times: too few to tell anything", heard)
	}
}

func TestRatchetAndClocksThatAreSetBack(t *testing.T) {
	g := gears{floor: 10, rest: 10 * time.Minute}
	var r ratchet
	r, _ = r.step(g, reading{figure: 50, at: dawn, now: dawn})
	back := dawn.Add(-time.Hour)
	r, _ = r.step(g, reading{figure: 1, at: back, now: back})
	back = back.Add(11 * time.Minute)
	r, _ = r.step(g, reading{figure: 1, at: back, now: back})
	if r != (ratchet{}) {
		t.Errorf("%+v eleven minutes after the clock was set back, want it at rest", r)
	}
}

func TestAverage(t *testing.T) {
	var a average
	for i := range 500 {
		x := 10.0 + float64(i%2)*2 // 10 and 12 in turn
		a = a.add(dawn.Add(time.Duration(i)*time.Hour), x, 72)
	}
	if math.Abs(a.Mean-11) > 0.05 || math.Abs(a.Deviation-1) > 0.05 || a.Count != 72 || !a.known() {
		t.Errorf("%+v, want a mean of 11 and a deviation of 1", a)
	}
	if a.due(a.At.Add(59*time.Minute)) || !a.due(a.At.Add(time.Hour)) || !a.due(a.At.Add(-time.Minute)) {
		t.Error("a sample is due each hour, and when the clock was set back")
	}
	if b := a.add(dawn, math.Inf(1), 72); b != a {
		t.Errorf("%+v after a figure that is none", b)
	}
	if (average{Count: knownAfter - 1}).known() {
		t.Error("known too early")
	}
}

func TestTwice(t *testing.T) {
	var look twice
	for _, tt := range []struct {
		second       int
		figure, want float64
		ok           bool
	}{
		{0, 5, 0, false},
		{30, 9, 0, false}, // too early
		{60, 9, 5, true},
		{120, 7, 7, true},
		{180, -3, 0, true},
		{240, -4, -3, true},
		{241, 100, 0, false},
		{600, -9, 0, false}, // too late
		{660, -8, -8, true},
		{10, -8, 0, false}, // set back
		{80, -8, -8, true},
		{140, math.NaN(), 0, false},
	} {
		var got float64
		var ok bool
		look, got, ok = look.look(dawn.Add(time.Duration(tt.second)*time.Second), tt.figure)
		if got != tt.want || ok != tt.ok {
			t.Errorf("at %d s: %v, %t, want %v, %t", tt.second, got, ok, tt.want, tt.ok)
		}
	}
}
