package delivery_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

// A commit makes no gap in the sending, and there is none for each message.
func TestThePlatformsRateIsUsedUp(t *testing.T) {
	for name, wire := range map[string]time.Duration{"quick": 60 * time.Millisecond, "slow": 500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n, rate = 1500, 30
				w := newWorld(t, func(string, int) answer { return posted(wire) })
				w.sender.every = time.Second / rate
				w.outbox.commit = 50 * time.Millisecond
				w.outbox.queue(event("A", time.Hour), chats(n)...)
				w.start()
				pass(2 * n / rate * time.Second)
				calls := w.sender.called()
				took := calls[n-1].Sub(calls[0])
				if best := time.Second * (n - 1) / rate; took > best*102/100 {
					t.Errorf("%d posts took %v, the platform allows %v", n, took, best)
				}
				if got := w.outbox.states(); got[alert.Sent] != n {
					t.Errorf("states %v", got)
				}
				perSecond := float64(len(w.outbox.advances)) / took.Seconds()
				t.Logf("%d posts in %v, %.2f commits a second", n, took, perSecond)
				if most := map[string]float64{"quick": 2.5, "slow": 4.5}[name]; perSecond > most {
					t.Errorf("%.1f commits a second, want at most %v", perSecond, most)
				}
				if w.outbox.maxOpen > 28 {
					t.Errorf("%d without a result at once, want at most 28", w.outbox.maxOpen)
				}
			})
		})
	}
}

func TestResultsAreRecordedWithinHalfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(string, int) answer { return posted(0) })
		w.outbox.queue(event("A", time.Hour), "c")
		w.start()
		pass(510 * time.Millisecond)
		if got := w.outbox.states(); got[alert.Sent] != 1 {
			t.Errorf("states %v", got)
		}
	})
}

func TestChatsThatHangDoNotSlowTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, hanging = 900, 30
		w := newWorld(t, func(c string, _ int) answer {
			if strings.HasPrefix(c, "hangs") {
				return answer{wire: time.Hour}
			}
			return posted(60 * time.Millisecond)
		})
		w.sender.every = time.Second / 30
		all := chats(n)
		for i := range hanging {
			all[i*15] = strings.Replace(all[i*15], "c", "hangs", 1)
		}
		w.outbox.queue(event("A", time.Hour), all...)
		w.start()
		pass(2 * time.Minute)
		calls := w.sender.called()
		if took := calls[n-1].Sub(calls[0]); took > 32*time.Second {
			t.Errorf("took %v, the platform allows 30 s", took)
		}
		pass(10 * time.Minute)
		if got := w.outbox.states(); got[alert.Sent] != n-hanging || got[alert.Uncertain] != hanging {
			t.Errorf("states %v", got)
		}
		if w.outbox.maxOpen > 28+64 {
			t.Errorf("%d without a result", w.outbox.maxOpen)
		}
	})
}

func TestAFullLaneOfHangsIsPassedAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c string, _ int) answer {
			if c < "c0028" {
				return answer{wire: time.Hour}
			}
			return posted(0)
		})
		w.outbox.queue(event("A", time.Hour), chats(56)...)
		w.start()
		pass(2*time.Second + time.Millisecond)
		if n := len(w.sender.messages()); n != 28 {
			t.Errorf("%d sent after 2 s, want 28", n)
		}
	})
}

func TestHangsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(string, int) answer { return answer{wire: time.Hour} })
		w.opts.Timeout = 20 * time.Minute
		w.outbox.queue(event("A", time.Hour), chats(500)...)
		w.start()
		pass(15 * time.Minute)
		if n := len(w.sender.called()); n != 28+64 {
			t.Errorf("%d under way, want %d", n, 28+64)
		}
		if w.outbox.maxOpen != 28+64 {
			t.Errorf("%d without a result, want %d", w.outbox.maxOpen, 28+64)
		}
	})
}

// Whatever the platform does and however often the process is killed, every
// recipient ends in exactly one state and the bounds of doubles and losses hold.
func TestKills(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			const n, kills = 400, 5
			rnd := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t, func(string, int) answer { return posted(time.Duration(50+n%7*30) * time.Millisecond) })
			w.sender.every = time.Second / 30
			w.outbox.commit = 20 * time.Millisecond
			w.outbox.queue(event("A", time.Hour), chats(n)...)
			for range kills {
				w.start()
				pass(time.Duration(200+rnd.IntN(2500)) * time.Millisecond)
				w.kill()
			}
			w.start()
			pass(20 * time.Minute)
			count := make(map[string]int)
			for _, m := range w.sender.messages() {
				count[m.chat]++
			}
			doubles := len(w.sender.messages()) - len(count)
			if doubles > kills*28 {
				t.Errorf("seed %d: %d doubles", seed, doubles)
			}
			for i := range w.outbox.items {
				it := w.outbox.item(i)
				if it.state == alert.Sent && count[it.d.To.Target.Chat] == 0 {
					t.Errorf("seed %d: delivery %d is sent and nobody saw it", seed, i)
				}
			}
			got := w.outbox.states()
			if got[alert.Sent]+got[alert.Uncertain] != n || got[alert.Uncertain] > kills*28 {
				t.Errorf("seed %d: states %v", seed, got)
			}
			if w.outbox.maxOpen > 28 {
				t.Errorf("seed %d: %d without a result at once", seed, w.outbox.maxOpen)
			}
		})
	}
}

// Everything at once: all fates at random, with kills.
func TestAnythingGoes(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			platform := rand.New(rand.NewPCG(seed, 3))
			w := newWorld(t, func(string, int) answer { return whatever(platform) })
			w.sender.every = time.Second / 30
			w.outbox.commit = 5 * time.Millisecond
			w.opts.Parallel = 1 + rnd.IntN(40)
			w.opts.Deduplicates = seed%2 == 0
			for id := range 3 {
				w.outbox.queue(event(strings.Repeat("A", id+1), time.Hour), chats(120)...)
			}
			for range 3 {
				w.start()
				pass(time.Duration(rnd.IntN(20_000)) * time.Millisecond)
				if rnd.IntN(2) == 0 {
					w.kill()
				} else if err := w.stop(); err != nil {
					t.Errorf("seed %d: Run: %v", seed, err)
				}
			}
			w.start()
			pass(3 * time.Hour)
			for i := range w.outbox.items {
				if it := w.outbox.item(i); it.state == 0 || it.claimed {
					t.Errorf("seed %d: delivery %d has no final state: %v", seed, i, it.history)
				}
			}
			if w.sender.overlap > 0 {
				t.Errorf("seed %d: %d times two posts to one chat were under way", seed, w.sender.overlap)
			}
			if s := w.courier.Status(); s.Left != 0 || s.Flying != 0 {
				t.Errorf("seed %d: status %+v", seed, s)
			}
		})
	}
}

// whatever is any answer; the sender's lock guards rnd.
func whatever(rnd *rand.Rand) answer {
	a := answer{wire: time.Duration(rnd.IntN(300)) * time.Millisecond}
	a.Fate = chat.Posted
	switch n := rnd.IntN(100); {
	case n < 60:
		a.arrives = true
	case n < 64:
		a.Fate, a.Wait = chat.Later, time.Duration(rnd.IntN(5))*time.Second
	case n < 66:
		a.Fate, a.Wait = chat.Down, time.Duration(rnd.IntN(3))*time.Second
	case n < 72:
		a.Fate, a.arrives, a.Deduplicates = chat.Unclear, rnd.IntN(2) == 0, rnd.IntN(2) == 0
	case n < 76:
		a.Fate = chat.Refused
	case n < 82:
		a.Fate = chat.Gone
	case n < 84:
		a.Fate = chat.Barred
	case n < 86:
		a.panics, a.before = "x", rnd.IntN(2) == 0
	case n < 90:
		a.wire = time.Duration(rnd.IntN(40)) * time.Second
	default:
		a.arrives = true
	}
	return a
}
