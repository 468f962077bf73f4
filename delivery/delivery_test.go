package delivery_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
)

func TestAWakeLeadsToASendAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.start()
		pass(17 * time.Minute)
		began := time.Now()
		w.outbox.queue(event("A", time.Hour), "c")
		w.courier.Wake()
		synctest.Wait()
		if got := w.sender.called(); len(got) != 1 || !got[0].Equal(began) {
			t.Fatalf("sent at %v, want at %v", got, began)
		}
		if got := w.courier.Status(); got.Left != 1 || got.Flying != 1 {
			t.Errorf("status %+v while it is sent", got)
		}
		pass(200 * time.Millisecond)
		if got := w.courier.Status(); got.Left != 0 || got.Flying != 0 {
			t.Errorf("status %+v after it was sent", got)
		}
		pass(time.Second)
		if got := w.outbox.states(); got[alert.Sent] != 1 {
			t.Errorf("states %v", got)
		}
		if got := w.courier.Status(); got.Left != 0 || got.Flying != 0 || got.Paused != "" {
			t.Errorf("status %+v", got)
		}
	})
}

func TestNothingIsAskedOfTheOutboxWhileIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.start()
		pass(time.Hour)
		if n := len(w.outbox.advances); n != 1 {
			t.Errorf("%d calls of Advance in an idle hour, want 1", n)
		}
	})
}

func TestEachFateEndsInItsState(t *testing.T) {
	later := func(wait time.Duration) answer {
		return answer{Outcome: chat.Outcome{Fate: chat.Later, Wait: wait, Reason: "slow down"}}
	}
	always := func(f chat.Fate) func(int) answer {
		return func(int) answer { return answer{Outcome: chat.Outcome{Fate: f, Reason: "so"}} }
	}
	for name, c := range map[string]struct {
		script   func(n int) answer
		want     alert.State
		tries    int
		attempts int
	}{
		"posted":                {func(int) answer { return posted(0) }, alert.Sent, 1, 0},
		"refused":               {always(chat.Refused), alert.Failed, 1, 0},
		"gone":                  {always(chat.Gone), alert.Retired, 1, 0},
		"barred":                {always(chat.Barred), alert.Barred, 1, 0},
		"dropped":               {always(chat.Dropped), alert.Unwanted, 1, 0},
		"no fate":               {always(0), alert.Uncertain, 2, 1},
		"unclear for ever":      {always(chat.Unclear), alert.Uncertain, 2, 1},
		"later without a time":  {always(chat.Later), alert.Failed, 8, 8},
		"down, then up":         {func(n int) answer { return []answer{{Outcome: chat.Outcome{Fate: chat.Down}}, posted(0)}[min(n, 1)] }, alert.Sent, 2, 0},
		"later with a time":     {func(n int) answer { return []answer{later(3 * time.Second), posted(0)}[n/20] }, alert.Sent, 21, 0},
		"panics once":           {func(n int) answer { return []answer{{panics: "x", before: true}, posted(0)}[n] }, alert.Sent, 2, 1},
		"panics":                {func(int) answer { return answer{panics: "x", before: true} }, alert.Failed, 2, 2},
		"panics while it sends": {func(int) answer { return answer{panics: "x"} }, alert.Failed, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(_ string, n int) answer { return c.script(n) })
				var observed []alert.State
				w.opts.Observe = func(s alert.State) { observed = append(observed, s) }
				w.outbox.queue(event("A", time.Hour), "c")
				w.start()
				pass(50 * time.Minute)
				it := w.outbox.item(0)
				if it.state != c.want {
					t.Errorf("state %v, want %v; %v", it.state, c.want, it.history)
				}
				if n := len(w.sender.called()); n != c.tries {
					t.Errorf("%d tries, want %d", n, c.tries)
				}
				last := it.history[len(it.history)-1]
				if last.Delivery.Attempts != c.attempts {
					t.Errorf("%d attempts, want %d", last.Delivery.Attempts, c.attempts)
				}
				if len(observed) != c.tries || observed[len(observed)-1] != c.want {
					t.Errorf("observed %v", observed)
				}
			})
		})
	}
}

func TestAWaitThatThePlatformNamesIsKept(t *testing.T) {
	for _, wait := range []time.Duration{time.Second, 134 * time.Second, 10072 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(c string, n int) answer {
				if c == "slow" && n == 0 {
					return answer{Outcome: chat.Outcome{Fate: chat.Later, Wait: wait}}
				}
				return posted(10 * time.Millisecond)
			})
			w.outbox.queue(event("A", 5*time.Hour), append([]string{"slow"}, chats(20)...)...)
			// A second alert to the chat that has to wait is not tried in vain.
			w.outbox.queue(event("B", 5*time.Hour), "slow")
			w.start()
			pass(900 * time.Millisecond)
			if n := len(w.sender.messages()); n != 20 {
				t.Errorf("others got %d posts, want 20", n)
			}
			pass(5 * time.Hour)
			seen := w.sender.messages()[20:]
			if got := []string{seen[0].text, seen[1].text}; !slices.Equal(got, []string{"A", "B"}) {
				t.Errorf("order %v", got)
			}
			calls := w.sender.called()
			if got := calls[21].Sub(calls[0]); got < wait || got > wait+1500*time.Millisecond {
				t.Errorf("tried again after %v, want %v and a little more", got, wait)
			}
			if len(calls) != 23 {
				t.Errorf("%d tries, want 23", len(calls))
			}
		})
	}
}

// The policy for posts that may have arrived.
func TestUnclear(t *testing.T) {
	for name, c := range map[string]struct {
		dedup bool
		life  time.Duration
		wire  time.Duration
		// unclear tries before one is posted
		unclear int
		want    alert.State
		texts   []string
	}{
		"repeated once, marked":            {life: time.Hour, unclear: 1, want: alert.Sent, texts: []string{"A", "A (repeat)"}},
		"not repeated twice":               {life: time.Hour, unclear: 9, want: alert.Uncertain, texts: []string{"A", "A (repeat)"}},
		"not repeated when half is over":   {life: 50 * time.Second, wire: 29 * time.Second, unclear: 9, want: alert.Uncertain, texts: []string{"A"}},
		"recognised: again, unmarked":      {dedup: true, life: time.Hour, unclear: 3, want: alert.Sent, texts: []string{"A"}},
		"recognised no more: marked":       {dedup: true, life: time.Hour, wire: 28 * time.Second, unclear: 4, want: alert.Sent, texts: []string{"A", "A (repeat)"}},
		"recognised: unclear for ever":     {dedup: true, life: time.Hour, wire: 28 * time.Second, unclear: 99, want: alert.Uncertain, texts: []string{"A", "A (repeat)"}},
		"hangs for longer than the bounds": {life: time.Hour, wire: time.Hour, unclear: 9, want: alert.Uncertain, texts: []string{"A", "A (repeat)"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(_ string, n int) answer {
					if n < c.unclear {
						return answer{wire: c.wire, arrives: true, Outcome: chat.Outcome{Fate: chat.Unclear, Deduplicates: c.dedup}}
					}
					return posted(time.Millisecond)
				})
				w.sender.nonce, w.opts.Deduplicates = c.dedup, c.dedup
				w.outbox.queue(event("A", c.life), "c")
				w.start()
				pass(50 * time.Minute)
				if it := w.outbox.item(0); it.state != c.want {
					t.Errorf("state %v, want %v; %v", it.state, c.want, it.history)
				}
				var texts []string
				ids := map[string]bool{}
				for _, m := range w.sender.messages() {
					texts = append(texts, m.text)
					ids[m.id] = true
				}
				if diff := cmp.Diff(c.texts, texts); diff != "" {
					t.Errorf("members saw (-want +got):\n%s", diff)
				}
				if len(ids) != 1 {
					t.Errorf("ids %v, want one", ids)
				}
			})
		})
	}
}

// A post that may have arrived, then had to wait for longer than the platform
// recognises it, is marked.
func TestALateRepetitionIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ string, n int) answer {
			return []answer{
				{arrives: true, Outcome: chat.Outcome{Fate: chat.Unclear, Deduplicates: true}},
				{Outcome: chat.Outcome{Fate: chat.Later, Wait: 10 * time.Minute}},
				posted(0),
			}[n]
		})
		w.sender.nonce, w.opts.Deduplicates = true, true
		w.outbox.queue(event("A", time.Hour), "c")
		w.start()
		pass(30 * time.Minute)
		seen := w.sender.messages()
		if len(seen) != 2 || seen[1].text != "A (repeat)" {
			t.Errorf("members saw %v", seen)
		}
	})
}

func TestPostIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.outbox.queue(event("A", time.Hour), chats(50)...)
		w.outbox.queue(event("B", time.Hour), chats(50)...)
		w.start()
		pass(time.Minute)
		ids := map[string]bool{}
		for _, m := range w.sender.messages() {
			if len(m.id) != 25 {
				t.Fatalf("id %q has %d characters, want 25", m.id, len(m.id))
			}
			ids[m.id] = true
		}
		if len(ids) != 100 {
			t.Errorf("%d different ids, want 100", len(ids))
		}
	})
}

func TestWhatIsTooOldIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.sender.every = time.Second / 10
		w.outbox.queue(notice("A", 3*time.Second), chats(100)...)
		w.start()
		pass(time.Minute)
		got := w.outbox.states()
		if got[alert.Sent]+got[alert.Expired] != 100 || got[alert.Sent] != 30 {
			t.Errorf("states %v, want 30 sent and 70 expired", got)
		}
		for _, m := range w.sender.messages() {
			if !m.at.Before(w.outbox.item(0).d.Alert.Expires) {
				t.Errorf("sent at %v, expired at %v", m.at, w.outbox.item(0).d.Alert.Expires)
			}
		}
	})
}

func TestWhatIsTooOldIsNotEvenWorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.opts.Renderer = words(func(alert.Recipient, bool) (chat.Reply, error) {
			t.Error("an expired alert is worded")
			return chat.Reply{}, nil
		})
		w.outbox.queue(notice("A", 0), chats(100)...)
		w.start()
		pass(time.Second)
		if got := w.outbox.states(); got[alert.Expired] != 100 {
			t.Errorf("states %v", got)
		}
	})
}

func TestAPanicOnTheWireMayHaveSentThePost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ string, n int) answer {
			return []answer{{arrives: true, panics: "x"}, posted(0)}[n]
		})
		w.outbox.queue(event("A", time.Hour), "c")
		w.start()
		pass(time.Minute)
		if seen := w.sender.messages(); len(seen) != 2 || seen[1].text != "A (repeat)" {
			t.Errorf("members saw %v", seen)
		}
	})
}

func TestWishesAreReadRightBeforeTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.sender.every = 100 * time.Millisecond
		all := chats(28)
		w.outbox.queue(event("A", time.Hour), all...)
		w.start()
		pass(1050 * time.Millisecond) // 11 are out, all are launched
		w.outbox.set(func() {
			for _, c := range all {
				w.outbox.unwanted[c] = true
			}
		})
		pass(time.Minute)
		if got := w.outbox.states(); got[alert.Sent] != 11 || got[alert.Unwanted] != 17 {
			t.Errorf("states %v, want 11 sent and 17 unwanted", got)
		}
	})
}

func TestNothingIsSentWhileWishesCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.outbox.unread = errors.New("disk")
		w.outbox.queue(event("A", time.Hour), chats(5)...)
		w.start()
		pass(time.Minute)
		if n := len(w.sender.messages()); n != 0 {
			t.Fatalf("%d sent", n)
		}
		w.outbox.set(func() { w.outbox.unread = nil })
		pass(time.Minute)
		if got := w.outbox.states(); got[alert.Sent] != 5 {
			t.Errorf("states %v", got)
		}
	})
}

func TestAnAlertThatCannotBeWordedIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		words words
		want  map[alert.State]int
	}{
		"error":  {func(alert.Recipient, bool) (chat.Reply, error) { return chat.Reply{}, errors.New("no font") }, map[alert.State]int{alert.Failed: 3}},
		"silent": {func(alert.Recipient, bool) (chat.Reply, error) { return chat.Reply{}, nil }, map[alert.State]int{alert.Failed: 3}},
		"panic": {func(to alert.Recipient, _ bool) (chat.Reply, error) {
			if to.Target.Chat == "c0001" {
				panic("here")
			}
			return chat.Reply{Text: chat.Plainly("A")}, nil
		}, map[alert.State]int{alert.Failed: 1, alert.Sent: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				w.opts.Renderer = c.words
				w.outbox.queue(event("A", time.Hour), chats(3)...)
				w.start()
				pass(20 * time.Minute)
				if diff := cmp.Diff(c.want, w.outbox.states()); diff != "" {
					t.Errorf("states (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestOneChatGetsItsAlertsInOrderAndOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c string, _ int) answer {
			return posted(map[bool]time.Duration{true: time.Second, false: 50 * time.Millisecond}[c == "busy"])
		})
		var want []string
		for i := range 40 {
			id := strconv.Itoa(i)
			want = append(want, id)
			w.outbox.queue(notice(id, time.Hour), "busy")
		}
		w.outbox.queue(event("A", time.Hour), chats(100)...)
		w.start()
		pass(10 * time.Second)
		if n := len(w.sender.messages()); n < 105 {
			t.Errorf("%d posts after 10 s: the busy chat holds up the others", n)
		}
		pass(5 * time.Minute)
		var got []string
		for _, m := range w.sender.messages() {
			if m.chat == "busy" {
				got = append(got, m.text)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if w.sender.overlap > 0 {
			t.Errorf("%d times two posts to one chat were under way", w.sender.overlap)
		}
	})
}
