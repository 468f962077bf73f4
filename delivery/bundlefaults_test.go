package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
)

// suffixed is spelled with the mark of a repetition at the end.
type suffixed struct{}

func (suffixed) AlertReply(ctx context.Context, d alert.Delivery, shape chat.Shape) (chat.Reply, error) {
	reply, err := spelled{}.AlertReply(ctx, d, shape)
	if d.Repeat {
		reply.Text = chat.Plainly(reply.Text.String() + " (repeat)")
	}
	return reply, err
}

// queueAll queues n alerts to a chat at once.
func (w *world) queueAll(n int, c string) {
	for i := range n {
		w.outbox.queue(event(fmt.Sprint(i), time.Hour), c)
	}
}

// seen counts how often each alert was shown, apart those that were marked.
func (w *world) seen() (plain, marked map[string]int) {
	plain, marked = map[string]int{}, map[string]int{}
	for _, m := range w.sender.messages() {
		text, repeat := strings.CutSuffix(m.text, " (repeat)")
		for id := range strings.SplitSeq(text, "+") {
			if repeat {
				marked[id]++
			} else {
				plain[id]++
			}
		}
	}
	return plain, marked
}

// A platform that recognises a message by its ID does so for one that is made of the same
// alerts again, and not for another one: no alert is seen twice without a mark.
func TestNoneOfAMessageForSeveralIsSeenTwiceUnmarked(t *testing.T) {
	for name, interrupt := range map[string]func(*world){
		"unclear": func(*world) {},
		"killed":  func(w *world) { pass(200 * time.Millisecond); w.kill(); w.start() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(_ string, n int) answer {
					if n == 0 {
						return answer{wire: time.Second, arrives: true, Outcome: chat.Outcome{Fate: chat.Unclear, Reason: "reset", Deduplicates: true}}
					}
					return posted(0)
				})
				w.sender.nonce, w.opts.Deduplicates, w.opts.Renderer = true, true, suffixed{}
				w.queueAll(5, "c")
				w.start()
				interrupt(w)
				pass(10 * time.Minute)
				plain, marked := w.seen()
				for i := range 5 {
					id := fmt.Sprint(i)
					if plain[id] != 1 || marked[id] > 1 {
						t.Errorf("alert %s was seen %d times and %d times marked, want once, and at most once more: %v", id, plain[id], marked[id], w.texts())
					}
				}
				if got := w.outbox.states(); got[alert.Sent] != 5 {
					t.Errorf("states %v", got)
				}
			})
		})
	}
}

// One that is tried again on such a platform keeps a message, and an ID, of its own.
func TestARecognisedRetrySharesNoMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ string, n int) answer {
			if n == 0 {
				return answer{wire: time.Second, arrives: true, Outcome: chat.Outcome{Fate: chat.Unclear, Reason: "reset", Deduplicates: true}}
			}
			return posted(0)
		})
		w.sender.nonce, w.opts.Deduplicates, w.opts.Renderer = true, true, suffixed{}
		w.start()
		w.queueTo("c", "first")
		pass(500 * time.Millisecond)
		w.queueTo("c", "0", "1", "2", "3", "4")
		pass(10 * time.Minute)
		plain, marked := w.seen()
		want := map[string]int{"first": 1, "0": 1, "1": 1, "2": 1, "3": 1, "4": 1}
		if diff := cmp.Diff(want, plain); diff != "" || len(marked) != 0 {
			t.Errorf("seen (-want +got):\n%s\nmarked %v", diff, marked)
		}
	})
}

// What a chat has dropped while its message waited is not in it.
func TestAPartOfAMessageThatIsNotWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.opts.Renderer = suffixed{}
		w.sender.next = time.Now().Add(10 * time.Second) // the platform has it wait
		w.opts.Timeout = time.Minute
		w.queueAll(5, "c")
		w.start()
		pass(5 * time.Second)
		w.outbox.set(func() { w.outbox.refused = []string{"1", "3"} })
		pass(5 * time.Minute)
		if diff := cmp.Diff([]string{"0+2+4"}, w.texts()); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if got := w.outbox.states(); got[alert.Sent] != 3 || got[alert.Unwanted] != 2 {
			t.Errorf("states %v", got)
		}
	})
}

// Whatever becomes of the first try of a message for several, and of the process, each is
// told once and in order.
func TestAMessageForSeveralThatDoesNotGoOut(t *testing.T) {
	for name, out := range map[string]chat.Outcome{
		"later":            {Fate: chat.Later, Reason: "busy"},
		"later, with wait": {Fate: chat.Later, Wait: 5 * time.Second},
		"down":             {Fate: chat.Down, Reason: "unreachable"},
		"down, with wait":  {Fate: chat.Down, Wait: 5 * time.Second},
	} {
		for _, end := range []string{"", "stop", "kill"} {
			t.Run(name+" "+end, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testNotOut(t, out, end) })
			})
		}
	}
}

func testNotOut(t *testing.T, out chat.Outcome, end string) {
	t.Helper()
	w := newWorld(t, func(_ string, n int) answer {
		if n < 3 {
			return answer{wire: 300 * time.Millisecond, Outcome: out}
		}
		return posted(time.Second)
	})
	w.opts.Renderer = suffixed{}
	w.queueAll(20, "c")
	w.start()
	pass(100 * time.Millisecond)
	switch end {
	case "stop":
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		w.start()
	case "kill":
		w.kill()
		w.start()
	}
	pass(20 * time.Minute)
	var told []string
	for _, text := range w.texts() {
		text, _ = strings.CutSuffix(text, " (repeat)")
		told = append(told, strings.Split(text, "+")...)
	}
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
	}
	if end == "kill" { // what was open is tried again and does not wait for the others
		slices.Sort(told)
		slices.Sort(want)
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := w.outbox.states(); got[alert.Sent] != 20 {
		t.Errorf("states %v", got)
	}
}

// A recalled message for several goes back as it was when the bot is stopped.
func TestAMessageForSeveralIsRecalledAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.opts.Renderer = suffixed{}
		w.sender.next, w.opts.Timeout = time.Now().Add(time.Hour), 2*time.Hour
		w.queueAll(9, "c")
		w.start()
		pass(time.Second)
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		for i, it := range w.outbox.items {
			if it.claimed || len(it.history) == 0 || it.history[0].State != alert.Waiting || it.d.Repeat || it.d.Attempts != 0 {
				t.Errorf("delivery %d: %+v", i, it)
			}
		}
		w.sender.next = time.Time{}
		w.start()
		pass(time.Minute)
		if diff := cmp.Diff([]string{"0+1+2+3+4+5+6+7+8"}, w.texts()); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

// A chat with more alerts than it is told keeps nobody else waiting, and is told all.
func TestAFloodOfAlertsToOneChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.opts.Renderer = suffixed{}
		w.sender.every = time.Second / 30
		for i := range 200 {
			w.outbox.queue(event(fmt.Sprint("a", i), 3*time.Hour), "flooded")
		}
		w.outbox.queue(event("b", time.Hour), chats(300)...)
		w.start()
		began := time.Now()
		pass(time.Minute)
		others := 0
		for _, m := range w.sender.messages() {
			if m.text == "b" && m.at.Sub(began) < 14*time.Second {
				others++
			}
		}
		if others != 300 {
			t.Errorf("%d of 300 others were told within 14 s, want all", others)
		}
		pass(30 * time.Minute)
		plain, marked := w.seen()
		if len(plain) != 201 || len(marked) != 0 || w.outbox.states()[alert.Sent] != 500 {
			t.Errorf("%d alerts seen, %d marked, states %v", len(plain), len(marked), w.outbox.states())
		}
		if n := len(w.sender.messages()) - 300; n > 40 {
			t.Errorf("the flooded chat got %d messages", n)
		}
	})
}

// A clock that is set back by a day puts nothing off by a day: the outbox is asked again.
func TestTheOutboxIsAskedWhenTheClockWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		ahead.Store(int64(24 * time.Hour))
		w := newWorld(t, nil)
		w.opts.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())).Round(0) }
		w.outbox.queue(event("A", 72*time.Hour), "c")
		w.outbox.items[0].notBefore = time.Now().Add(25 * time.Hour)
		w.start()
		pass(time.Minute)
		w.outbox.set(func() { ahead.Store(0); w.outbox.items[0].notBefore = time.Now() }) // as storage does
		pass(3 * time.Minute)
		if got := w.outbox.states(); got[alert.Sent] != 1 {
			t.Errorf("states %v", got)
		}
		if err := w.stop(); err != nil && !errors.Is(err, errKilled) {
			t.Error(err)
		}
	})
}

// However often processes end in the middle, nobody is missed, and each end makes no more
// repetitions than were on their way.
func TestManyKillsInARow(t *testing.T) {
	for _, every := range []time.Duration{100 * time.Millisecond, 700 * time.Millisecond, 1700 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(string, int) answer { return posted(150 * time.Millisecond) })
			w.opts.Renderer = suffixed{}
			w.sender.every = time.Second / 28
			w.outbox.queue(event("A", time.Hour), chats(300)...)
			w.start()
			const kills = 12
			for range kills {
				pass(every)
				w.kill()
				w.start()
			}
			pass(5 * time.Minute)
			plain, marked := map[string]int{}, 0
			for _, m := range w.sender.messages() {
				if strings.HasSuffix(m.text, " (repeat)") {
					marked++
				}
				plain[m.chat]++
			}
			if len(plain) != 300 {
				t.Errorf("killed every %v: %d of 300 chats have a message; %v", every, len(plain), w.outbox.states())
			}
			if marked > kills*28+28 {
				t.Errorf("killed every %v: %d repetitions", every, marked)
			}
		})
	}
}
