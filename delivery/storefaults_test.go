package delivery_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/delivery"
	"liqbot/market"
	"liqbot/storage"
)

// flat is a store, a platform and a Courier with a clock that can be set.
type flat struct {
	*testing.T
	store    *storage.Store
	platform *sender
	courier  *delivery.Courier
	wrong    atomic.Int64
	stop     func()
	dir      string
}

func newFlat(t *testing.T, script func(string, int) answer) *flat {
	t.Helper()
	f := &flat{T: t, platform: newSender(script), dir: t.TempDir()}
	f.platform.every = time.Second / 30
	f.open()
	return f
}

func (f *flat) now() time.Time {
	if wrong := time.Duration(f.wrong.Load()); wrong != 0 {
		return time.Now().Add(wrong).Round(0) // a clock that was set has nothing to count from
	}
	return time.Now()
}

func (f *flat) open() {
	f.Helper()
	store, err := storage.Open(f.Context(), f.dir, f.now)
	if err != nil {
		f.Fatal(err)
	}
	f.store = store
}

// start runs a Courier that the host stops.
func (f *flat) start() {
	f.courier = delivery.New(delivery.Options{
		Platform: chat.Telegram, Outbox: f.store, Sender: &mouth{sender: f.platform, life: &life{outbox: newOutbox(f)}}, Renderer: spelled{}, Now: f.now,
	})
	ctx, cancel := context.WithCancel(f.Context())
	end := make(chan error, 1)
	go func() { end <- f.courier.Run(ctx) }()
	f.stop = func() {
		cancel()
		if err := <-end; err != nil {
			f.Errorf("Run: %v", err)
		}
	}
}

// end closes everything and checks that n deliveries came to an end, each in one state.
func (f *flat) end(n int) map[alert.State]uint64 {
	f.Helper()
	f.stop()
	totals, err := f.store.Totals(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	sum := uint64(0)
	for _, k := range totals.Deliveries {
		sum += k
	}
	if sum != uint64(n) {
		f.Errorf("%d final states, want %d: %v", sum, n, totals.Deliveries)
	}
	if err := f.store.Close(); err != nil {
		f.Error(err)
	}
	return totals.Deliveries
}

// record records a breakout of a coin, which is news for half an hour.
func (f *flat) record(id string, coin market.Coin) {
	f.Helper()
	now := f.now()
	a := alert.Alert{ID: id, Rule: alert.Breakout, At: now, Expires: now.Add(30 * time.Minute), Strength: 1e6, Notable: true, Coin: coin}
	if _, err := f.store.Record(f.Context(), alert.Step{Alerts: []alert.Alert{a}}); err != nil {
		f.Fatal(err)
	}
	f.courier.Wake()
}

// perChat are the texts of each chat, in order.
func (f *flat) perChat() map[string]string {
	all := map[string][]string{}
	for _, m := range f.platform.messages() {
		all[m.chat] = append(all[m.chat], m.text)
	}
	out := map[string]string{}
	for c, texts := range all {
		out[c] = strings.Join(texts, ", ")
	}
	return out
}

// A platform that is down for an hour: an alert comes late, as such and once, what is newer
// takes the place of what is older, and nothing is lost over a restart meanwhile.
func TestPlatformDownForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := time.Now().Add(time.Hour)
		f := newFlat(t, func(string, int) answer {
			if time.Now().Before(down) {
				return answer{Outcome: chat.Outcome{Fate: chat.Down, Reason: "unreachable"}}
			}
			return posted(50 * time.Millisecond)
		})
		all := chats(100)
		for _, c := range all {
			subscribe(t, f.store, c)
			change(t, f.store, c, func(a *alert.Chat) {
				a.Subscriptions = append(a.Subscriptions, alert.Subscription{Rule: alert.Breakout, Coin: "ETH"})
			})
		}
		f.start()
		f.record("old", "BTC")
		pass(5 * time.Minute)
		f.record("eth", "ETH")
		pass(5 * time.Minute)
		f.record("new", "BTC")
		pass(10 * time.Minute)
		f.stop()
		if err := f.store.Close(); err != nil {
			t.Fatal(err)
		}
		f.open()
		f.start()
		pass(38 * time.Minute)
		f.record("fresh", "ETH") // replaces the one of before, and is news when it comes
		pass(10 * time.Minute)
		got := f.perChat()
		for c, texts := range got {
			if texts != "new (late), fresh" && texts != "fresh, new (late)" {
				t.Errorf("chat %s was told %q", c, texts)
			}
		}
		totals := f.end(400)
		if want := map[alert.State]uint64{alert.Sent: 200, alert.Expired: 200}; cmp.Diff(want, totals) != "" || len(got) != 100 {
			t.Errorf("totals %v, %d chats told", totals, len(got))
		}
	})
}

// A clock that is set by a day in the middle of a fan-out sends nothing twice, loses nothing
// silently and holds up nobody.
func TestClockSetDuringAFanOut(t *testing.T) {
	for name, by := range map[string]time.Duration{"forward": 24 * time.Hour, "back": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFlat(t, func(c string, n int) answer {
					if n == 0 && strings.HasSuffix(c, "5") {
						return answer{Outcome: chat.Outcome{Fate: chat.Later, Wait: 7 * time.Second}}
					}
					return posted(200 * time.Millisecond)
				})
				f.wrong.Store(int64(48 * time.Hour)) // the store and the bot have the same clock
				all := chats(300)
				for _, c := range all {
					subscribe(t, f.store, c)
				}
				f.start()
				f.record("A", "BTC")
				pass(5 * time.Second)
				f.wrong.Add(int64(by))
				pass(3 * time.Minute)
				for c, texts := range f.perChat() {
					if texts != "A" {
						t.Errorf("chat %s was told %q", c, texts)
					}
				}
				told := len(f.platform.messages())
				totals := f.end(300)
				if int(totals[alert.Sent]) != told || told < 100 || by < 0 && told != 300 {
					t.Errorf("%d told, totals %v", told, totals)
				}
			})
		})
	}
}

// The same in quiet hours and before a digest: what is held is told once, when the right
// clock says so.
func TestClockSetWhileAlertsAreHeld(t *testing.T) {
	for name, by := range map[string]time.Duration{"forward": 24 * time.Hour, "back": -24 * time.Hour} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprint(name, restarted), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testClockWhileHeld(t, by, restarted) })
			})
		}
	}
}

func testClockWhileHeld(t *testing.T, by time.Duration, restarted bool) {
	t.Helper()
	f := newFlat(t, nil)
	f.wrong.Store(int64(48 * time.Hour)) // it is midnight
	for _, c := range []string{"quiet", "digest"} {
		subscribe(t, f.store, c)
	}
	change(t, f.store, "quiet", func(c *alert.Chat) { c.Terms.Quiet = alert.Quiet{On: true, From: 22 * 60, To: 7 * 60} })
	change(t, f.store, "digest", func(c *alert.Chat) { c.Terms.Digest = alert.Digest{On: true, At: 9 * 60, Only: true} })
	f.start()
	pass(time.Second)
	f.record("A", "BTC")
	pass(time.Hour)
	f.record("B", "BTC")
	pass(time.Minute)
	if restarted {
		f.stop()
		if err := f.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f.wrong.Add(int64(by))
	if restarted {
		f.open()
		f.start()
	}
	pass(5 * time.Hour) // it is six
	if got := f.perChat(); by < 0 && len(got) != 0 {
		t.Errorf("told before the time: %v", got)
	}
	pass(2 * time.Hour)
	if got := f.perChat()["quiet"]; got != "A+B" {
		t.Errorf("after the quiet hours told %q", got)
	}
	pass(2 * time.Hour)
	if got := f.perChat()["digest"]; by < 0 && got != "A+B" || by > 0 && got != "A+B" && !strings.HasPrefix(got, "A+B, ") {
		t.Errorf("the digest told %q", got)
	}
	f.stop()
	totals, err := f.store.Totals(t.Context())
	if err != nil || totals.Deliveries[alert.Held] != 4 {
		t.Errorf("totals %v, %v", totals, err)
	}
	if err := f.store.Close(); err != nil {
		t.Error(err)
	}
}
