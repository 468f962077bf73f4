package watcher

import (
	"math/rand/v2"
	"testing"

	"liqbot/alert"
)

// Whatever a figure does, each threshold counts as often in the traces and alerts of the
// record as it would have been told.
func TestTracesLeaveNoGap(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		tr := make(traces)
		var rises, kept []alert.Alert
		marks := [2]float64{}
		for range 60 {
			rule := []alert.Rule{alert.Cascade, alert.OpenInterest}[seed%2]
			up := rule == alert.OpenInterest && rnd.IntN(2) == 0
			mark := &marks[map[bool]int{true: 1}[up]]
			if rnd.IntN(8) == 0 {
				*mark = 0 // the rule came to rest
			}
			a := alert.Alert{ID: "a", Rule: rule, Rising: up, Before: *mark, Strength: *mark + float64(1+rnd.IntN(40))}
			told := rnd.IntN(5) == 0
			if *mark > 0 && rnd.IntN(9) == 0 {
				a.Strength, told = *mark-0.5, true // the first notable one, below what was told
			}
			*mark = max(*mark, a.Strength)
			rises = append(rises, a)
			kept = append(kept, tr.of(a, told)...)
			if told {
				kept = append(kept, a)
			}
		}
		for _, a := range kept {
			if a.ID == "a~" && a.Strength <= a.Before {
				t.Fatalf("seed %d: an empty trace %+v", seed, a)
			}
		}
		for _, threshold := range []float64{1, 7, 20, 33, 80, 150} {
			want, got := 0, 0
			for _, a := range rises {
				if a.Meets(threshold) {
					want++
				}
			}
			for _, a := range kept {
				if a.Meets(threshold) {
					got++
				}
			}
			// What has not grown by a step since the last trace is not there yet, once a rest.
			if got > want {
				t.Fatalf("seed %d: a threshold of %v would have been told %d times, the record says %d", seed, threshold, want, got)
			}
			if threshold <= 1 && got != want {
				t.Fatalf("seed %d: the record has %d of %d", seed, got, want)
			}
		}
	}
}
