package delivery

import "time"

// setBack is by how much the clock of alerts was set back since the outbox was asked, if by
// more than a little: it does not come to next then, and the outbox has to notice.
func (l *lane) setBack(now time.Time) time.Duration {
	by := now.Sub(l.asked) - l.Now().Round(0).Sub(l.clock)
	if l.clock.IsZero() || by <= lookAgain {
		return 0
	}
	return by
}

// followClock sets the moments that were worked out by a clock that was set back since.
func (l *lane) followClock(now time.Time) {
	by := l.setBack(now)
	if by == 0 {
		return
	}
	for i := range l.results {
		l.results[i].NotBefore = l.results[i].NotBefore.Round(0).Add(-by)
	}
	for key, until := range l.rests {
		l.rests[key] = until.Round(0).Add(-by)
	}
}
