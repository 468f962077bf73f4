package delivery_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

// logged collects what a Courier logs.
func logged(w *world) *bytes.Buffer {
	var out bytes.Buffer
	w.opts.Log = slog.New(slog.NewTextHandler(&out, nil))
	return &out
}

func TestAPlatformThatIsDownIsTriedWithOnePostAtATime(t *testing.T) {
	for _, every := range []time.Duration{0, 100 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) { testDown(t, every) })
	}
}

func testDown(t *testing.T, every time.Duration) {
	t.Helper()
	began := time.Now()
	w := newWorld(t, func(string, int) answer {
		if time.Since(began) < 25*time.Minute {
			return answer{wire: 500 * time.Millisecond, Outcome: chat.Outcome{Fate: chat.Down, Reason: "unauthorized"}}
		}
		return posted(0)
	})
	w.sender.every = every
	out := logged(w)
	w.outbox.queue(event("A", time.Hour), chats(300)...)
	w.start()
	pass(5 * time.Minute)
	if got := w.courier.Status(); got.Paused != "unauthorized" || got.Left != 300 {
		t.Errorf("status %+v", got)
	}
	pass(20*time.Minute - time.Second)
	if n := len(w.sender.called()) - 28; n < 30 || n > 120 {
		t.Errorf("%d calls in 25 minutes, want one in 15 to 30 s", n)
	}
	last := began.Add(time.Second) // what was on the wire has come back
	for _, at := range w.sender.called() {
		if at.Before(last) {
			continue
		}
		if at.Sub(last) < 400*time.Millisecond && !last.Equal(began.Add(time.Second)) {
			t.Fatalf("two posts at once after %v", at.Sub(began))
		}
		last = at
	}
	pass(2 * time.Minute)
	if got := w.outbox.states(); got[alert.Sent] != 300 {
		t.Errorf("states %v", got)
	}
	if n := strings.Count(out.String(), "deliveries rest"); n != 1 {
		t.Errorf("the host was told %d times:\n%s", n, out)
	}
	if !strings.Contains(out.String(), "deliveries go on") {
		t.Errorf("the host was not told of the end:\n%s", out)
	}
}

// A platform that answers everything with an error page for a while must not use up the
// second try of every delivery.
func TestAnOutageWithoutClearAnswersLosesNextToNothing(t *testing.T) {
	for _, outage := range []time.Duration{20 * time.Second, time.Minute, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			w := newWorld(t, func(string, int) answer {
				if time.Since(began) < outage {
					return answer{wire: 100 * time.Millisecond, Outcome: chat.Outcome{Fate: chat.Unclear, Reason: "status 502"}}
				}
				return posted(100 * time.Millisecond)
			})
			w.sender.every = time.Second / 28
			w.outbox.queue(event("A", 30*time.Minute), chats(500)...)
			w.start()
			pass(20 * time.Minute)
			got := w.outbox.states()
			if got[alert.Sent]+got[alert.Uncertain] != 500 || got[alert.Uncertain] > 20 {
				t.Errorf("after %v without an answer: %v, want 480 or more sent", outage, got)
			}
			t.Logf("%v without an answer: %v", outage, got)
		})
	}
}

// A rest that ends while a result is recorded leaves nothing behind: what came due
// meanwhile was not handed out, and the outbox does not name it as the next.
func TestARestThatEndsDuringACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ string, n int) answer {
			if n == 0 {
				return answer{wire: 5 * time.Second, Outcome: chat.Outcome{Fate: chat.Down, Wait: time.Second}}
			}
			return posted(0)
		})
		w.outbox.commit = 3 * time.Second
		w.outbox.queue(event("A", time.Hour), "c")
		w.start()
		pass(time.Minute)
		if got := w.outbox.states(); got[alert.Sent] != 1 {
			t.Errorf("states %v", got)
		}
	})
}

func TestAnOutageKeepsTheOrderOfAChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ string, n int) answer {
			if n == 0 {
				return answer{wire: time.Second, Outcome: chat.Outcome{Fate: chat.Down}}
			}
			return posted(time.Second)
		})
		for _, id := range []string{"A", "B", "C"} {
			w.outbox.queue(event(id, time.Hour), "c")
		}
		w.start()
		pass(time.Minute)
		got := ""
		for _, m := range w.sender.messages() {
			got += m.text
		}
		if got != "ABC" {
			t.Errorf("members saw %s, want ABC", got)
		}
	})
}

func TestTheWholeLaneRestsForAsLongAsThePlatformSays(t *testing.T) {
	for _, wait := range []time.Duration{3 * time.Second, 20 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(c string, n int) answer {
				if c == "c0005" && n == 0 {
					return answer{Outcome: chat.Outcome{Fate: chat.Down, Wait: wait, Reason: "flood"}}
				}
				return posted(200 * time.Millisecond) // some come back during the rest
			})
			out := logged(w)
			w.sender.every = time.Second / 30
			w.outbox.queue(event("A", time.Hour), chats(100)...)
			w.start()
			pass(50 * time.Minute)
			calls, resumed := w.sender.called(), time.Duration(0)
			for i := 1; i < len(calls); i++ {
				resumed = max(resumed, calls[i].Sub(calls[i-1]))
			}
			if resumed < wait || resumed > wait+1500*time.Millisecond {
				t.Errorf("rested for %v, want %v and a little more", resumed, wait)
			}
			if got := w.outbox.states(); got[alert.Sent] != 100 {
				t.Errorf("states %v", got)
			}
			if got, want := strings.Contains(out.String(), "level=ERROR"), wait > 10*time.Minute; got != want {
				t.Errorf("alarmed: %v, want %v", got, want)
			}
		})
	}
}

func TestNotAllChatsAreRetiredWhenThePlatformSaysSo(t *testing.T) {
	for _, fate := range []chat.Fate{chat.Gone, chat.Barred} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			w := newWorld(t, func(c string, _ int) answer {
				if time.Since(began) < 35*time.Minute || strings.HasSuffix(c, "77") {
					return answer{wire: 100 * time.Millisecond, Outcome: chat.Outcome{Fate: fate, Reason: "blocked"}}
				}
				return posted(20 * time.Millisecond)
			})
			out := logged(w)
			w.outbox.queue(event("A", 5*time.Hour), chats(500)...)
			w.start()
			pass(30 * time.Minute)
			lost := alert.Retired
			if fate == chat.Barred {
				lost = alert.Barred
			}
			if got := w.outbox.states(); got[lost] > 28 {
				t.Errorf("%d chats lost", got[lost])
			}
			if n := len(w.sender.called()); n > 2*28+5*3 {
				t.Errorf("%d calls in half an hour", n)
			}
			if got := w.courier.Status(); got.Paused == "" {
				t.Error("the status does not say that it rests")
			}
			pass(4 * time.Hour)
			got := w.outbox.states()
			if got[alert.Sent] < 465 || got[alert.Sent]+got[lost] != 500 {
				t.Errorf("states %v", got)
			}
			if n := strings.Count(out.String(), "level=ERROR"); n != 1 {
				t.Errorf("%d alarms:\n%s", n, out)
			}
		})
	}
}

func TestSomeDeadChatsAreRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c string, _ int) answer {
			if c[4] < '5' { // every second
				return answer{Outcome: chat.Outcome{Fate: chat.Gone}}
			}
			return posted(0)
		})
		w.outbox.queue(event("A", time.Hour), chats(500)...)
		w.start()
		pass(time.Minute)
		if got := w.outbox.states(); got[alert.Retired] != 250 || got[alert.Sent] != 250 {
			t.Errorf("states %v", got)
		}
	})
}

func TestNothingIsSentThatCannotBeRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		out := logged(w)
		w.sender.every = time.Second / 30
		w.outbox.queue(event("A", time.Hour), chats(200)...)
		w.start()
		pass(2 * time.Second)
		w.outbox.set(func() { w.outbox.fail = errors.New("no space left") })
		pass(600 * time.Millisecond)
		before := len(w.sender.messages())
		pass(25 * time.Minute)
		if n := len(w.sender.messages()) - before; n != 0 {
			t.Errorf("%d sent that could not be recorded", n)
		}
		if unrecorded := len(w.sender.messages()) - w.outbox.states()[alert.Sent]; unrecorded > 28 {
			t.Errorf("%d sent and not recorded, want at most 28", unrecorded)
		}
		if got := w.courier.Status(); got.Paused != "the outbox cannot be written" {
			t.Errorf("status %+v", got)
		}
		w.outbox.set(func() { w.outbox.fail = nil })
		pass(2 * time.Minute)
		if got := w.outbox.states(); got[alert.Sent] != 200 || len(w.sender.messages()) != 200 {
			t.Errorf("states %v, %d messages", got, len(w.sender.messages()))
		}
		if n := strings.Count(out.String(), "outbox does not work"); n != 1 {
			t.Errorf("the host was told %d times:\n%s", n, out)
		}
	})
}

func TestAnOutboxThatFailsAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.outbox.fail = errors.New("locked")
		w.outbox.queue(event("A", time.Hour), chats(3)...)
		w.start()
		pass(time.Minute)
		if w.courier.Status().Paused == "" {
			t.Error("the status does not say that it rests")
		}
		w.outbox.set(func() { w.outbox.fail = nil })
		pass(time.Minute)
		if got := w.outbox.states(); got[alert.Sent] != 3 {
			t.Errorf("states %v", got)
		}
	})
}

func TestAPanicIsLoggedWithoutItsValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(string, int) answer { return answer{panics: "planted text of a chat"} })
		out := logged(w)
		w.outbox.queue(event("A", time.Hour), "c")
		w.start()
		pass(time.Minute)
		if !strings.Contains(out.String(), "a delivery panicked") || strings.Contains(out.String(), "planted") {
			t.Errorf("log:\n%s", out)
		}
	})
}

func TestInterruptedDeliveries(t *testing.T) {
	for name, c := range map[string]struct {
		dedup   bool
		down    time.Duration
		repeat  bool
		want    alert.State
		message string
	}{
		"marked":                      {down: time.Minute, want: alert.Sent, message: "A (repeat)"},
		"marked already":              {down: time.Minute, repeat: true, want: alert.Sent, message: "A (repeat)"},
		"half of its life is over":    {down: 31 * time.Minute, want: alert.Uncertain},
		"recognised":                  {dedup: true, down: time.Minute, want: alert.Sent, message: "A"},
		"recognised no more":          {dedup: true, down: 3 * time.Minute, want: alert.Sent, message: "A (repeat)"},
		"recognised no more, and old": {dedup: true, down: 31 * time.Minute, want: alert.Uncertain},
		"expired meanwhile":           {down: 61 * time.Minute, want: alert.Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				w.opts.Deduplicates = c.dedup
				w.outbox.queue(event("A", time.Hour), "c")
				w.outbox.items[0].claimed = true
				w.outbox.items[0].d.Repeat = c.repeat
				pass(c.down)
				w.start()
				pass(2 * time.Hour)
				if it := w.outbox.item(0); it.state != c.want {
					t.Errorf("state %v, want %v", it.state, c.want)
				}
				got := ""
				for _, m := range w.sender.messages() {
					got += m.text
				}
				if got != c.message {
					t.Errorf("members saw %q, want %q", got, c.message)
				}
			})
		})
	}
}
