package storage_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
	"liqbot/storage"
)

// model is what a store should hold, in plain maps and found by looking at all of
// it.
type model struct {
	chats map[chat.Target]alert.Chat
	moved map[chat.Target]chat.Target
	now   time.Time
}

func (m *model) resolve(t chat.Target) chat.Target {
	thread := t.Thread
	t.Thread = ""
	for {
		next, ok := m.moved[t]
		if !ok {
			t.Thread = thread
			return t
		}
		t = next
	}
}

func (m *model) put(t chat.Target, c alert.Chat) {
	if c.Empty() {
		delete(m.chats, t)
		return
	}
	m.chats[t] = c
}

// listening are the chats that would be told now.
func (m *model) listening(yield func(chat.Target, *alert.Chat)) {
	for t, c := range m.chats {
		if c.Retired == (alert.Retirement{}) && !m.now.Before(c.MutedUntil) {
			yield(t, &c)
		}
	}
}

func (m *model) breakout(coin market.Coin, a *alert.Alert) (to []chat.Target) {
	m.listening(func(t chat.Target, c *alert.Chat) {
		for _, s := range c.Subscriptions {
			if s.Coin == coin && !s.Paused && !s.Barred && a.Meets(c.Threshold(s.Rule, coin)) {
				t.Thread = s.Thread
				to = append(to, t)
			}
		}
	})
	return to
}

func (m *model) price(coin market.Coin, usd float64) (to []chat.Target) {
	// Levels of one chat and topic at one price are told once.
	told := map[string]bool{}
	m.listening(func(t chat.Target, c *alert.Chat) {
		chatOnly := t
		out := c.Clone()
		out.Levels = nil
		for _, l := range c.Levels {
			if l.Coin != coin || l.Rising && l.USD > usd || !l.Rising && l.USD < usd {
				out.Levels = append(out.Levels, l)
				continue
			}
			t.Thread = l.Thread
			if key := fmt.Sprint(t, l.USD, l.Rising); !told[key] {
				told[key] = true
				to = append(to, t)
			}
		}
		m.put(chatOnly, out)
	})
	return to
}

func (m *model) watched() []market.Coin {
	coins := map[market.Coin]bool{}
	for _, c := range m.chats {
		if c.Retired != (alert.Retirement{}) {
			continue
		}
		for _, s := range c.Subscriptions {
			if !s.Paused && !s.Barred {
				coins[s.Coin] = true
			}
		}
		for _, l := range c.Levels {
			coins[l.Coin] = true
		}
	}
	return slices.Sorted(maps.Keys(coins))
}

func (m *model) census() (out alert.Census) {
	for _, c := range m.chats {
		if c.Retired != (alert.Retirement{}) {
			out.Retired++
			continue
		}
		if len(c.Subscriptions)+len(c.Levels) > 0 {
			out.Chats++
		}
		out.Levels += len(c.Levels)
		for _, s := range c.Subscriptions {
			if !s.Paused && !s.Barred {
				out.Subscriptions++
			}
		}
	}
	out.Coins = len(m.watched())
	return out
}

// world plays the same random operations on a store and on the model.
type world struct {
	*room
	model model
	rnd   *rand.Rand
	epoch int
}

func (w *world) chat() chat.Target {
	platforms := []chat.Platform{chat.Telegram, chat.Discord}
	return chat.Target{Platform: platforms[w.rnd.IntN(2)], Chat: fmt.Sprint(w.rnd.IntN(6))}
}

func (w *world) coin() market.Coin { return []market.Coin{"BTC", "BTCB", "ETH"}[w.rnd.IntN(3)] }

func (w *world) thread() string { return []string{"", "", "7"}[w.rnd.IntN(3)] }

func (w *world) change(c *alert.Chat) {
	c.Kind = chat.Kind(w.rnd.IntN(4))
	switch w.rnd.IntN(9) {
	case 0, 1, 2:
		s := alert.Subscription{Rule: alert.Breakout, Coin: w.coin(), Thread: w.thread(), Paused: w.rnd.IntN(5) == 0, Since: start}
		same := func(o alert.Subscription) bool { return o.Coin == s.Coin && o.Thread == s.Thread }
		c.Subscriptions = append(slices.DeleteFunc(c.Subscriptions, same), s)
	case 3, 4:
		c.Levels = append(c.Levels, alert.Level{Coin: w.coin(), USD: float64(1 + w.rnd.IntN(20)), Rising: w.rnd.IntN(2) == 0, Thread: w.thread(), Since: start})
		c.Levels = c.Levels[max(0, len(c.Levels)-alert.MaxLevels):]
	case 5:
		c.SetThreshold(alert.Breakout, w.coin(), float64(w.rnd.IntN(3)))
	case 6:
		c.MutedUntil = w.clock().Add(time.Duration(w.rnd.IntN(20)-5) * time.Second)
	case 7:
		c.Subscriptions = c.Subscriptions[:w.rnd.IntN(len(c.Subscriptions)+1)]
	default:
		*c = alert.Chat{}
	}
}

func (w *world) step(t *testing.T) {
	t.Helper()
	target := w.chat()
	here := w.model.resolve(target)
	switch w.rnd.IntN(12) {
	case 0:
		if err := w.Left(t.Context(), target, "gone"); err != nil {
			t.Fatal(err)
		}
		if c, ok := w.model.chats[target]; ok && c.Retired == (alert.Retirement{}) {
			c.Retired = alert.Retirement{At: w.clock(), Reason: "gone"}
			w.model.put(target, c)
		}
	case 1:
		if err := w.Back(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		if c, ok := w.model.chats[target]; ok {
			c.Retired = alert.Retirement{}
			w.model.put(target, c)
		}
	case 2:
		w.move(t)
	case 3, 4:
		w.record(t)
	case 5:
		w.pass(time.Duration(w.rnd.IntN(8)) * time.Second)
		w.model.now = w.clock()
	case 6:
		if w.rnd.IntN(10) == 0 {
			w.restart(t)
		}
	default:
		w.model.put(here, w.room.change(t, target, w.change))
	}
}

func (w *world) move(t *testing.T) {
	t.Helper()
	from, to := w.chat(), chat.Target{Platform: chat.Telegram, Chat: fmt.Sprint("new", w.epoch)}
	if w.rnd.IntN(10) > 0 || w.model.moved[from] != (chat.Target{}) {
		return
	}
	w.epoch++
	to.Platform = from.Platform
	if err := w.Move(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	w.model.moved[from] = to
	if c, ok := w.model.chats[from]; ok {
		delete(w.model.chats, from)
		c.Retired = alert.Retirement{}
		w.model.put(to, c)
	}
}

func (w *world) record(t *testing.T) {
	t.Helper()
	w.epoch++
	coin, usd := w.coin(), float64(1+w.rnd.IntN(20))
	a := breakout(coin, w.epoch)
	a.Strength, a.Notable, a.Expires = float64(w.rnd.IntN(3)), w.rnd.IntN(3) > 0, time.Time{}
	step := alert.Step{Alerts: []alert.Alert{a}}
	step.Reached = price(w.coin(), usd, w.epoch).Reached
	step.Reached[0].Alert.Expires = time.Time{}
	reached, err := w.LevelReached(t.Context(), step.Reached[0].Coin, usd)
	if err != nil {
		t.Fatal(err)
	}
	want := w.model.breakout(coin, &a)
	fired := w.model.price(step.Reached[0].Coin, usd)
	if (len(fired) > 0) != reached {
		t.Fatalf("level reached %v, want %d", reached, len(fired))
	}
	want = append(want, fired...)
	if n := w.room.record(t, step); n != len(want) {
		t.Fatalf("%d deliveries are queued, want %d", n, len(want))
	}
	got := append(w.deliver(t, chat.Telegram), w.deliver(t, chat.Discord)...)
	less := func(a, b chat.Target) int {
		return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Chat, b.Chat), cmp.Compare(a.Thread, b.Thread))
	}
	slices.SortFunc(got, less)
	slices.SortFunc(want, less)
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("recipients (-want +got):\n%s", diff)
	}
}

// TestRandomOperations compares the store with the model, however it came about.
func TestRandomOperations(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := &world{room: newRoom(t), rnd: rand.New(rand.NewPCG(seed, 1))}
			w.model = model{chats: map[chat.Target]alert.Chat{}, moved: map[chat.Target]chat.Target{}, now: start}
			for i := range 300 {
				w.step(t)
				if i%10 == 0 {
					w.compare(t)
				}
			}
			w.compare(t)
			path, err := w.CopyTo(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if err := storage.Verify(t.Context(), path); err != nil {
				t.Error(err)
			}
		})
	}
}

func (w *world) compare(t *testing.T) {
	t.Helper()
	for target, want := range w.model.chats {
		got, err := w.Alerts(t.Context(), target)
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Fatalf("%v (-want +got), %v:\n%s", target, err, diff)
		}
	}
	rows, err := w.Dump()
	if rows["alerts"] != len(w.model.chats) || err != nil {
		t.Fatalf("%d records, want %d, %v", rows["alerts"], len(w.model.chats), err)
	}
	coins, err := w.Watched(t.Context())
	if diff := gocmp.Diff(w.model.watched(), coins, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Fatalf("watched (-want +got), %v:\n%s", err, diff)
	}
	census, err := w.Census(t.Context())
	if diff := gocmp.Diff(w.model.census(), census); diff != "" || err != nil {
		t.Fatalf("census (-want +got), %v:\n%s", err, diff)
	}
	sameIndex(t, w.room)
	tidied(t, w.room)
	if w.quarantined(t) != 0 {
		t.Fatal("rows were set aside")
	}
}
