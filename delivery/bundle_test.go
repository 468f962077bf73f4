package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
)

// spelled is a Renderer that names the alerts of a message.
type spelled struct{}

func (spelled) AlertReply(_ context.Context, d alert.Delivery, _ chat.Shape) (chat.Reply, error) {
	ids := []string{d.Alert.ID}
	if d.Alert.Rule == alert.Summary {
		ids = nil
		for _, a := range d.Alert.Items {
			ids = append(ids, a.ID)
		}
	}
	text := strings.Join(ids, "+")
	if d.Late {
		text += " (late)"
	}
	return chat.Reply{Text: chat.Plainly(text)}, nil
}

func (w *world) texts() []string {
	var out []string
	for _, m := range w.sender.messages() {
		out = append(out, m.text)
	}
	return out
}

// queue queues an alert with a market time of its own, to one chat.
func (w *world) queueTo(c string, ids ...string) {
	for _, id := range ids {
		w.outbox.queue(event(id, time.Hour), c)
		pass(time.Millisecond)
	}
	w.courier.Wake()
}

func TestFourAlertsAtOnceAreOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.opts.Renderer = spelled{}
		for i := range 5 {
			w.outbox.queue(event(fmt.Sprint(i), time.Hour), "c")
		}
		w.outbox.queue(event("x", time.Hour), "d")
		w.start()
		pass(10 * time.Second)
		got := w.texts()
		slices.Sort(got)
		if diff := cmp.Diff([]string{"0+1+2+3+4", "x"}, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if got := w.outbox.states(); got[alert.Sent] != 6 {
			t.Errorf("states %v", got)
		}
	})
}

func TestThreeAlertsAreThreeMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.opts.Renderer = spelled{}
		w.start()
		w.queueTo("c", "0", "1", "2")
		pass(10 * time.Second)
		if diff := cmp.Diff([]string{"0", "1", "2"}, w.texts()); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

// The first three of a minute go at once; what comes then is told when it is over.
func TestAlertsInQuickSuccessionAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.opts.Renderer = spelled{}
		w.start()
		began := time.Now()
		for i := range 8 {
			w.queueTo("c", fmt.Sprint(i))
			pass(5 * time.Second)
		}
		if diff := cmp.Diff([]string{"0", "1", "2"}, w.texts()); diff != "" {
			t.Errorf("within the minute (-want +got):\n%s", diff)
		}
		pass(time.Minute)
		if diff := cmp.Diff([]string{"0", "1", "2", "3+4+5+6+7"}, w.texts()); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if at := w.sender.messages()[3].at.Sub(began); at < time.Minute || at > 62*time.Second {
			t.Errorf("told after %v, want about a minute", at)
		}
		pass(2 * time.Minute)
		w.queueTo("c", "9")
		pass(time.Second)
		if got := w.texts(); got[len(got)-1] != "9" {
			t.Errorf("the next one is not told at once: %v", got)
		}
		if got := w.outbox.states(); got[alert.Sent] != 9 {
			t.Errorf("states %v", got)
		}
	})
}

// A message for several counts for each of them when it fails.
func TestAMessageForSeveralThatIsNotClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ string, n int) answer {
			if n == 0 {
				return answer{Outcome: chat.Outcome{Fate: chat.Unclear, Reason: "reset"}, arrives: true}
			}
			return posted(0)
		})
		w.opts.Renderer = spelled{}
		for i := range 4 {
			w.outbox.queue(event(fmt.Sprint(i), time.Hour), "c")
		}
		w.start()
		pass(5 * time.Minute)
		if got := w.outbox.states(); got[alert.Sent] != 4 {
			t.Errorf("states %v", got)
		}
		if diff := cmp.Diff([]string{"0+1+2+3", "0+1+2+3"}, w.texts()); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

// A platform that was down for long: what is late is told together. The first one finds
// out that the platform works again.
func TestLateAlertsOfAChatAreToldTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := newWorld(t, func(string, int) answer {
			if time.Since(began) < 70*time.Minute {
				return answer{Outcome: chat.Outcome{Fate: chat.Down, Reason: "unreachable"}}
			}
			return posted(0)
		})
		w.opts.Renderer = spelled{}
		w.start()
		for i := range 3 {
			w.outbox.queue(event(fmt.Sprint(i), 30*time.Minute), "c")
		}
		w.courier.Wake()
		pass(2 * time.Hour)
		if diff := cmp.Diff([]string{"0 (late)", "1+2 (late)"}, w.texts()); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if got := w.outbox.states(); got[alert.Sent] != 3 {
			t.Errorf("states %v", got)
		}
	})
}

// What nobody wants any more is not in the message, and the others are.
func TestPartOfAMessageThatIsNotWanted(t *testing.T) {
	for name, c := range map[string]struct {
		unwanted []string
		texts    []string
		sent     int
	}{
		"one": {[]string{"1"}, []string{"0+2+3"}, 3},
		"all": {[]string{"0", "1", "2", "3"}, nil, 0},
		"but": {[]string{"0", "1", "2"}, []string{"3"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				w.opts.Renderer = spelled{}
				w.outbox.refused = c.unwanted
				for i := range 4 {
					w.outbox.queue(event(fmt.Sprint(i), time.Hour), "c")
				}
				w.start()
				pass(10 * time.Second)
				if diff := cmp.Diff(c.texts, w.texts()); diff != "" {
					t.Errorf("messages (-want +got):\n%s", diff)
				}
				if got := w.outbox.states(); got[alert.Sent] != c.sent || got[alert.Unwanted] != 4-c.sent {
					t.Errorf("states %v", got)
				}
			})
		})
	}
}

// A platform that knows posts by their ID does not know a message for several again, which
// is put together otherwise the next time: what may be there already is marked.
func TestAMessageForSeveralIsNotRecognised(t *testing.T) {
	for name, kill := range map[string]bool{"unclear": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(_ string, n int) answer {
					if n == 0 {
						return answer{Outcome: chat.Outcome{Fate: chat.Unclear, Deduplicates: true}, arrives: true, wire: time.Second}
					}
					return posted(0)
				})
				w.opts.Deduplicates = true
				w.opts.Renderer = spelledMarked{}
				for i := range 4 {
					w.outbox.queue(event(fmt.Sprint(i), time.Hour), "c")
				}
				w.start()
				if kill {
					pass(500 * time.Millisecond)
					w.kill()
					w.start()
				}
				pass(5 * time.Minute)
				seen := map[string]int{}
				for _, text := range w.texts() {
					if strings.HasPrefix(text, "repeat ") {
						continue
					}
					for id := range strings.SplitSeq(text, "+") {
						seen[id]++
					}
				}
				for id, n := range seen {
					if n > 1 {
						t.Errorf("alert %s came %d times unmarked: %q", id, n, w.texts())
					}
				}
				if got := w.outbox.states(); got[alert.Sent] != 4 {
					t.Errorf("states %v", got)
				}
			})
		})
	}
}

// spelledMarked is spelled with the mark of a repetition.
type spelledMarked struct{}

func (spelledMarked) AlertReply(ctx context.Context, d alert.Delivery, shape chat.Shape) (chat.Reply, error) {
	reply, err := spelled{}.AlertReply(ctx, d, shape)
	if d.Repeat {
		reply.Text = chat.Plainly("repeat " + reply.Text.String())
	}
	return reply, err
}
