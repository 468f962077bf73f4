package watcher

import "liqbot/alert"

// traceStep is by how much a figure has to grow for another trace.
const traceStep = 1.25

// maxTraces bounds the traces that wait for a journal that does not come back.
const maxTraces = 1000

// traces turn what rises without being told into alerts for the record, in steps, so that
// it can be said later what any threshold would have done. It holds the figure up to which
// a rule has left its trace. Traces and alerts of a rule follow on each other without a gap
// and without an overlap.
type traces map[tracked]float64

// tracked is a rule, and the direction of one that measures both ways apart.
type tracked struct {
	rule   alert.Rule
	rising bool
}

func trackOf(a alert.Alert) tracked {
	apart := a.Rule == alert.Funding || a.Rule == alert.OpenInterest
	return tracked{rule: a.Rule, rising: apart && a.Rising}
}

// of are the traces of a rise, which somebody is told of or not.
func (t traces) of(a alert.Alert, told bool) []alert.Alert {
	if a.Rule == alert.Breakout {
		return nil // each stands for itself
	}
	track := trackOf(a)
	last, known := t[track]
	if !known || a.Before < last {
		last = a.Before
	}
	end := a.Strength
	if told {
		end = a.Before
	}
	var left []alert.Alert
	if told && last < end || !told && end >= traceStep*last {
		trace := a
		trace.ID, trace.Before, trace.Strength, trace.Notable = a.ID+"~", last, end, false
		left, last = []alert.Alert{trace}, end
	}
	if told {
		last = max(last, a.Strength) // a first notable rise may be below what was told
	}
	t[track] = last
	return left
}
