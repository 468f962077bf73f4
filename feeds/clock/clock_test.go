package clock_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/feeds/clock"
)

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock.Clock
		ahead := time.Until
		if c.Known() || ahead(c.Now()) != 0 || ahead(c.Latest(time.Minute, time.Hour)) != time.Hour || !c.Due(time.Hour, time.Minute) {
			t.Errorf("a clock that knows nothing: %v, %v", c.Now(), c.Latest(time.Minute, time.Hour))
		}
		c.Compare(time.Now().Add(48*time.Hour), 24*time.Hour)
		if c.Known() {
			t.Error("a difference of two days is believed")
		}
		c.Compare(time.Now().Add(-10*time.Minute), 24*time.Hour)
		if ahead(c.Now()) != -10*time.Minute || ahead(c.Latest(time.Minute, time.Hour)) != -9*time.Minute || c.Due(time.Hour, time.Minute) {
			t.Errorf("ten minutes behind: %v, %v", c.Now(), c.Latest(time.Minute, time.Hour))
		}
		<-time.After(time.Hour)
		if c.Fresh(time.Hour) || !c.Due(time.Hour, time.Minute) {
			t.Error("a comparison an hour ago is fresh")
		}
		now := time.Now()
		for _, m := range []struct{ told, lag, want time.Duration }{
			{5 * time.Second, 0, 4 * time.Second}, {time.Second + time.Second/2, 0, 0}, {-3 * time.Second, time.Second, -4 * time.Second}, {2 * time.Second, time.Second, 0},
		} {
			c.Measure(now.Add(m.told), now, now.Add(2*time.Second), m.lag)
			if got := ahead(c.Now()); got != m.want {
				t.Errorf("told %v, lag %v: %v ahead, want %v", m.told, m.lag, got, m.want)
			}
		}
	})
}

func TestAskLeavesAVenueAloneThatCannotTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock.Clock
		asked := 0
		for range 61 {
			c.Ask(t.Context(), 10*time.Minute, 30*time.Second, func(context.Context) (time.Time, error) {
				asked++
				return time.Time{}, errors.New("down")
			}, slog.New(slog.DiscardHandler))
			<-time.After(time.Second)
		}
		if asked != 3 {
			t.Errorf("asked %d times in a minute, want 3", asked)
		}
	})
}
