package watcher

import (
	"time"

	"liqbot/snapshot"
)

// BreakRule makes a rule of a watcher panic until mend is called. It must not be
// running.
func BreakRule(w *Watcher, index int) (mend func()) {
	broken := true
	load := w.rules[index].load
	w.rules[index].load = func(saved []byte) (machine, error) {
		m, err := load(saved)
		return fragile{m, &broken}, err
	}
	return func() { broken = false }
}

type fragile struct {
	machine
	broken *bool
}

func (f fragile) step(l Limits, s *snapshot.Snapshot, now time.Time) Verdict {
	if *f.broken {
		panic("a rule that is broken")
	}
	return f.machine.step(l, s, now)
}
