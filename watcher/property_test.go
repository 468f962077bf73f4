package watcher_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/watcher"
)

// walk is a random market: a price that wanders, key levels around it that move now
// and then, gaps, stale figures, bad prices, venues that come and go.
func walk(seed uint64) []shot {
	r := rand.New(rand.NewPCG(seed, 1))
	usd, above, below, at := 100.0, 103.0, 97.0, 0
	var shots []shot
	bad := 0 // shots until a bad price may come again: it is always alone
	for range 400 {
		at += 1 + r.IntN(20)
		if r.IntN(60) == 0 {
			at += 100 + r.IntN(400)
		}
		usd *= 1 + 0.01*r.NormFloat64()
		if r.IntN(25) == 0 || above <= usd {
			above = usd * (1 + 0.05*r.Float64() + 1e-6)
		}
		if r.IntN(25) == 0 || below >= usd {
			below = usd * (1 - 0.05*r.Float64() - 1e-6)
		}
		s := shot{at: at, usd: usd, above: above, below: below}
		missing, stale := r.IntN(80) == 0, r.IntN(20) == 0
		if bad--; bad < 0 && r.IntN(20) == 0 {
			bad = 8
			s.usd *= []float64{10, 0.1, 0, -1}[r.IntN(4)]
			s.above, s.below = s.usd*1.02, s.usd*0.98
		}
		s.change = func(v *view) {
			v.aboveFromUSD, v.belowFromUSD = (v.aboveFromUSD+usd)/2, (v.belowFromUSD+usd)/2
			if missing {
				v.levels.Missing = []market.Venue{"Bybit"}
			}
			if stale {
				v.now = v.now.Add(3 * time.Minute)
			}
		}
		shots = append(shots, s)
	}
	return shots
}

// TestRandomWalks checks what holds on any market.
func TestRandomWalks(t *testing.T) {
	t.Parallel()
	total := 0
	for seed := range uint64(30) {
		frames := film(t, walk(seed))
		alerts := runBreakout(t, limits, frames)
		total += len(alerts)
		checkAlerts(t, seed, alerts)
		for _, a := range alerts {
			held(t, seed, frames, a)
		}
		if diff := cmp.Diff(alerts, runBreakout(t, limits, frames)); diff != "" {
			t.Errorf("seed %d: the same market gives other alerts:\n%s", seed, diff)
		}
		r := rand.New(rand.NewPCG(seed, 2))
		checkAlerts(t, seed, runBreakout(t, limits, frames, r.IntN(400), r.IntN(400), r.IntN(400)))
	}
	if total < 60 {
		t.Errorf("%d alerts in 30 walks: too few to tell anything", total)
	}
}

// checkAlerts checks the alerts of one market.
func checkAlerts(t *testing.T, seed uint64, alerts []alert.Alert) {
	t.Helper()
	ids := make(map[string]bool)
	last := make(map[bool]time.Time)
	for _, a := range alerts {
		if ids[a.ID] {
			t.Errorf("seed %d: two alerts with one ID", seed)
		}
		ids[a.ID] = true
		if before, ok := last[a.Rising]; ok && a.At.Sub(before) < limits.Cooldown {
			t.Errorf("seed %d: %v after the last alert of its side", seed, a.At.Sub(before))
		}
		last[a.Rising] = a.At
		if a.At.Sub(a.Crossed) < limits.Hold || a.Crossed.Before(a.IntensityAt) {
			t.Errorf("seed %d: crossed at %v, alert at %v, read at %v", seed, a.Crossed, a.At, a.IntensityAt)
		}
		if (a.PriceUSD > a.LevelUSD) != a.Rising || a.PriceUSD < 20 || a.PriceUSD > 500 {
			t.Errorf("seed %d: price %v at level %v", seed, a.PriceUSD, a.LevelUSD)
		}
	}
}

// held checks that every price that counts was beyond the level from the crossing
// to the alert, that the one before was not, and that the level was shown by then.
func held(t *testing.T, seed uint64, frames []frame, a alert.Alert) {
	t.Helper()
	shown, inside := false, false
	for _, f := range frames {
		at, usd := f.Price.Provenance.AsOf, f.Price.USD
		if !market.Positive(usd) || f.now.Sub(at) > limits.StaleAfter {
			if at.Equal(a.At) {
				t.Errorf("seed %d: alert on a snapshot that is stale or has no price", seed)
			}
			continue
		}
		beyond := usd != a.LevelUSD && (usd > a.LevelUSD) == a.Rising
		switch {
		case at.Before(a.Crossed):
			inside = !beyond
			shown = shown || f.Summary.Above.PriceUSD == a.LevelUSD || f.Summary.Below.PriceUSD == a.LevelUSD
		case !at.After(a.At) && !beyond:
			t.Errorf("seed %d: the price was back inside at %v", seed, at)
		}
	}
	if !a.BlindSince.IsZero() {
		if a.Crossed.Sub(a.BlindSince) <= limits.StaleAfter {
			t.Errorf("seed %d: crossed at %v and not seen since %v: no gap", seed, a.Crossed, a.BlindSince)
		}
		inside = true // or it was beyond, and had not held
	}
	if !shown || !inside {
		t.Errorf("seed %d: level %v was shown before: %t; the price was inside before: %t", seed, a.LevelUSD, shown, inside)
	}
}

// TestRandomPrices checks that a confirmed price is one that two prices in turn
// have reached.
func TestRandomPrices(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		shots := walk(seed)
		for _, r := range playPrice(t, shots) {
			if r.USD < 20 || r.USD > 500 {
				t.Errorf("seed %d: confirmed %v", seed, r.USD)
			}
			if !r.Alert.Crossed.Before(r.Alert.At) {
				t.Errorf("seed %d: crossed at %v, confirmed at %v", seed, r.Alert.Crossed, r.Alert.At)
			}
		}
	}
}

func FuzzDecodeBreakout(f *testing.F) {
	var st watcher.BreakoutState
	for _, shot := range armed(shot{at: 20, usd: 111, above: 118}, shot{at: 40, usd: 111, above: 118}) {
		s, now := shot.make(f)
		st, _ = watcher.StepBreakout(limits, st, s, now)
		kept, err := st.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kept)
	}
	f.Add([]byte(`{"v":2,"state":{}}`))
	f.Add([]byte(`{"v":1,"state":{"above":{"phase":"armed","level":-1}}}`))
	f.Fuzz(func(t *testing.T, kept []byte) {
		st, err := watcher.DecodeBreakout(kept)
		if err != nil {
			if diff := cmp.Diff(watcher.BreakoutState{}, st, cmp.AllowUnexported(watcher.BreakoutState{})); diff != "" {
				t.Fatalf("an error and a state: %v\n%s", err, diff)
			}
			return
		}
		again := keptBreakout(t, st)
		if diff := cmp.Diff(st, again, cmp.AllowUnexported(watcher.BreakoutState{})); diff != "" {
			t.Fatalf("kept and read again (-want +got):\n%s", diff)
		}
		// Whatever was kept, the rule goes on and its next state can be kept.
		for _, shot := range armed(shot{at: 20, usd: 111, above: 118}, shot{at: 40, usd: 111, above: 118}) {
			s, now := shot.make(t)
			again, _ = watcher.StepBreakout(limits, again, s, now)
		}
		keptBreakout(t, again)
	})
}

func FuzzDecodePrice(f *testing.F) {
	var st watcher.PriceState
	for _, shot := range []shot{{at: 0, usd: 100}, {at: 10, usd: 101}, {at: 500, usd: 120}} {
		s, now := shot.make(f)
		st, _ = watcher.StepPrice(limits, st, s, now)
		kept, err := st.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kept)
	}
	f.Add(bytes.Repeat([]byte("["), 100))
	f.Fuzz(func(t *testing.T, kept []byte) {
		st, err := watcher.DecodePrice(kept)
		if err != nil {
			if st != (watcher.PriceState{}) {
				t.Fatalf("an error and a state: %v %+v", err, st)
			}
			return
		}
		if diff := cmp.Diff(st, keptPrice(t, st)); diff != "" {
			t.Fatalf("kept and read again (-want +got):\n%s", diff)
		}
		for _, shot := range []shot{{at: 0, usd: 100}, {at: 10, usd: 101}} {
			s, now := shot.make(t)
			st, _ = watcher.StepPrice(limits, st, s, now)
		}
		keptPrice(t, st)
	})
}
