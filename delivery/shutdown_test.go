package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		w := newWorld(t, func(string, int) answer {
			switch calls++; calls {
			case 1:
				return answer{wire: time.Hour, arrives: true}
			case 2:
				return posted(4 * time.Second)
			default:
				return posted(time.Second)
			}
		})
		w.sender.every = 100 * time.Millisecond
		w.outbox.queue(event("A", time.Hour), chats(100)...)
		w.outbox.queue(event("B", time.Hour), "c0000")
		w.start()
		pass(550 * time.Millisecond) // 6 are on the wire
		began := time.Now()
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 7*time.Second {
			t.Errorf("took %v, want 5 to 7 s", took)
		}
		if n := len(w.sender.messages()); n != 6 {
			t.Errorf("%d sent, want the 6 that were on the wire", n)
		}
		if got := w.outbox.states(); got[alert.Sent] != 5 {
			t.Errorf("states %v, want 5 sent", got)
		}
		for i, it := range w.outbox.items {
			if it.claimed {
				t.Errorf("delivery %d is still taken over", i)
			}
		}
		// What was handed back goes out unmarked, what was cut is marked.
		w.sender.script = nil
		w.start()
		pass(time.Minute)
		if got := w.outbox.states(); got[alert.Sent] != 101 {
			t.Errorf("states %v", got)
		}
		repeats := 0
		for _, m := range w.sender.messages() {
			if strings.HasSuffix(m.text, "(repeat)") {
				repeats++
			}
		}
		if repeats != 1 {
			t.Errorf("%d marked, want 1", repeats)
		}
	})
}

func TestShutdownIsQuickWhenNothingIsUnderWay(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"idle":  func(*world) {},
		"paced": func(w *world) { w.sender.next = time.Now().Add(time.Hour); w.opts.Timeout = time.Hour },
		"down": func(w *world) {
			w.sender.script = func(string, int) answer { return answer{Outcome: chat.Outcome{Fate: chat.Down}} }
		},
		"broken": func(w *world) { w.outbox.fail = errors.New("broken") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				w.outbox.queue(event("A", time.Hour), chats(100)...)
				prepare(w)
				w.start()
				pass(10 * time.Second)
				began := time.Now()
				if err := w.stop(); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 0 {
					t.Errorf("took %v", took)
				}
				for i, it := range w.outbox.items {
					if it.claimed {
						t.Errorf("delivery %d is still taken over", i)
					}
				}
			})
		})
	}
}

// A sender that does not listen to its context leaves its delivery open, and Run
// still ends.
func TestShutdownWithADeafSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(string, int) answer { return answer{wire: time.Minute, deaf: true} })
		w.outbox.queue(event("A", time.Hour), "c")
		w.start()
		pass(time.Second)
		began := time.Now()
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 7*time.Second {
			t.Errorf("took %v", took)
		}
		if !w.outbox.item(0).claimed {
			t.Error("the delivery has a result that nobody knows")
		}
		pass(time.Minute)
	})
}

func TestTheLastResultsThatCannotBeRecordedAreAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(string, int) answer { return posted(time.Second) })
		w.outbox.queue(event("A", time.Hour), "c")
		w.start()
		pass(500 * time.Millisecond)
		w.outbox.set(func() { w.outbox.fail = errKilled })
		if err := w.stop(); !errors.Is(err, errKilled) {
			t.Errorf("Run: %v, want %v", err, errKilled)
		}
	})
}

func TestShutdownWithAnOutboxThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(string, int) answer { return posted(time.Second) })
		w.outbox.queue(event("A", time.Hour), "c")
		w.start()
		pass(500 * time.Millisecond)
		w.outbox.set(func() { w.outbox.hangs = true })
		began := time.Now()
		if err := w.stop(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run: %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(began); took != 2500*time.Millisecond {
			t.Errorf("took %v, want half a second for the send and 2 s for the outbox", took)
		}
		w.outbox.set(func() { w.outbox.hangs = false })
	})
}
