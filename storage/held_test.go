package storage_test

import (
	"fmt"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

// lasting is a breakout that is news for long.
func lasting(epoch int) alert.Alert {
	a := breakout("BTC", epoch)
	a.Expires = a.At.Add(48 * time.Hour)
	return a
}

// hold lets chats hold some alerts.
func (r *room) hold(t *testing.T, n int) {
	t.Helper()
	for epoch := range n {
		r.record(t, alert.Step{Alerts: []alert.Alert{lasting(epoch)}})
	}
	r.deliver(t, chat.Telegram)
}

// summaries hands out what there is and returns how many alerts each message tells.
func (r *room) summaries(t *testing.T, p chat.Platform) map[chat.Target][]int {
	t.Helper()
	told := map[chat.Target][]int{}
	for {
		b := r.advance(t, p, nil, 20)
		if len(b.Deliveries) == 0 && !b.Next.Equal(r.clock()) {
			return told
		}
		for _, d := range b.Deliveries {
			told[d.To.Target] = append(told[d.To.Target], len(d.Alert.Items))
		}
		r.advance(t, p, results(alert.Sent, b.Deliveries...), 0)
	}
}

func same(got map[chat.Target][]int, want map[chat.Target]int) bool {
	if len(got) != len(want) {
		return false
	}
	for t, n := range want {
		if len(got[t]) != 1 || got[t][0] != n {
			return false
		}
	}
	return true
}

// TestHeldAlertsFollowAGroup: what is held for a group that becomes a supergroup is told
// there.
func TestHeldAlertsFollowAGroup(t *testing.T) {
	r := newRoom(t)
	old, fresh := member(chat.Telegram, 1), member(chat.Telegram, 2)
	r.asleep(t, hours(12, 14, false), "", old)
	r.hold(t, 2)
	for range 2 {
		if err := r.Move(t.Context(), old, fresh); err != nil {
			t.Fatal(err)
		}
	}
	if held, err := r.Held(t.Context(), fresh); err != nil || len(held) != 2 {
		t.Errorf("%d are held, %v", len(held), err)
	}
	r.restart(t)
	r.pass(2 * time.Hour)
	if got := r.summaries(t, chat.Telegram); !same(got, map[chat.Target]int{fresh: 2}) {
		t.Errorf("told %v", got)
	}
	tidied(t, r)
}

// TestHeldAlertsThatNobodyWantsAnyMore are not told.
func TestHeldAlertsThatNobodyWantsAnyMore(t *testing.T) {
	r := newRoom(t)
	stays, stops, pauses, raises := member(chat.Telegram, 1), member(chat.Telegram, 2), member(chat.Telegram, 3), member(chat.Telegram, 4)
	gone, level := member(chat.Telegram, 5), member(chat.Telegram, 6)
	r.asleep(t, hours(12, 14, false), "", stays, stops, pauses, raises, gone, level)
	r.level(t, level, "BTC", 100, true)
	r.level(t, level, "ETH", 100, true) // and still wants to hear of something
	r.record(t, price("BTC", 101, 0))
	r.hold(t, 2)
	r.change(t, stops, func(c *alert.Chat) { c.Subscriptions = nil })
	r.change(t, pauses, func(c *alert.Chat) { c.Subscriptions[0].Paused = true })
	r.change(t, raises, func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 5e9) })
	r.change(t, level, func(c *alert.Chat) { c.Subscriptions = nil })
	if err := r.Left(t.Context(), gone, "bot was blocked by the user"); err != nil {
		t.Fatal(err)
	}
	r.pass(2 * time.Hour)
	if got := r.summaries(t, chat.Telegram); !same(got, map[chat.Target]int{stays: 2, level: 1}) {
		t.Errorf("told %v", got)
	}
	// What was held for the chat that was gone is no news when it is back.
	if err := r.Back(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	r.pass(22*time.Hour + 30*time.Minute)
	r.record(t, alert.Step{Alerts: []alert.Alert{lasting(90_000)}})
	r.deliver(t, chat.Telegram)
	r.pass(2 * time.Hour)
	if got := r.summaries(t, chat.Telegram)[gone]; len(got) != 1 || got[0] != 1 {
		t.Errorf("the chat that is back is told %v", got)
	}
}

// TestManyQuietHoursThatEndAtOnce: the outbox has a few of the summaries at a time, and
// everybody is told.
func TestManyQuietHoursThatEndAtOnce(t *testing.T) {
	const chats = 700
	r := newRoom(t)
	want := map[chat.Target]int{}
	err := r.Fill(chats, func(i int) (chat.Target, alert.Chat) {
		want[member(chat.Telegram, i)] = 1
		return member(chat.Telegram, i), alert.Chat{
			Kind: chat.Private, Terms: hours(12, 14, false),
			Subscriptions: []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC", Since: start}},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r.record(t, alert.Step{Alerts: []alert.Alert{lasting(0)}})
	for b := r.advance(t, chat.Telegram, nil, 10); b.Next.Equal(r.clock()); b = r.advance(t, chat.Telegram, nil, 10) {
	}
	r.pass(2 * time.Hour)
	for range 20 {
		r.advance(t, chat.Telegram, nil, 0)
	}
	if rows, err := r.Dump(); err != nil || rows["outbox"] > 100 || rows["held"] < chats-100 {
		t.Errorf("%d entries and %d held, %v", rows["outbox"], rows["held"], err)
	}
	r.restart(t)
	if got := r.summaries(t, chat.Telegram); !same(got, want) {
		t.Errorf("%d chats told, want %d once each", len(got), chats)
	}
	tidied(t, r)
}

// TestWhatMayHaveArrivedIsNotHeld: a summary would not say that it is a repetition.
func TestWhatMayHaveArrivedIsNotHeld(t *testing.T) {
	r := newRoom(t)
	who := member(chat.Telegram, 1)
	r.asleep(t, hours(13, 14, false), "", who)
	r.record(t, alert.Step{Alerts: []alert.Alert{lasting(0)}})
	done := results(alert.Waiting, r.advance(t, chat.Telegram, nil, 1).Deliveries...)
	done[0].Repeat, done[0].NotBefore = true, start.Add(time.Hour)
	r.advance(t, chat.Telegram, done, 0)
	r.pass(time.Hour)
	b := r.advance(t, chat.Telegram, nil, 1)
	if len(b.Deliveries) != 1 || !b.Deliveries[0].Repeat || !b.Deliveries[0].Silent {
		t.Errorf("%+v, want the repetition, without a sound", b.Deliveries)
	}
}

// TestALateAlertIsReplacedOnlyWhereTheNewerOneGoes.
func TestALateAlertIsReplacedOnlyWhereTheNewerOneGoes(t *testing.T) {
	r := newRoom(t)
	both, high, cooled := member(chat.Telegram, 1), member(chat.Telegram, 2), member(chat.Telegram, 3)
	r.subscribe(t, chat.Private, "BTC", both, high)
	r.asleep(t, alert.Terms{Cooldown: 3 * time.Hour}, "", cooled)
	r.change(t, high, func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 2e9) })
	older, newer := breakout("BTC", 0), breakout("BTC", 600)
	newer.Strength = 1e9
	r.record(t, alert.Step{Alerts: []alert.Alert{older}})
	// The platform is down: the first tries come back.
	down := results(alert.Waiting, r.advance(t, chat.Telegram, nil, 10).Deliveries...)
	for i := range down {
		down[i].NotBefore = start.Add(time.Hour)
	}
	r.advance(t, chat.Telegram, down, 0)
	r.record(t, alert.Step{Alerts: []alert.Alert{newer}})
	r.pass(time.Hour)
	got := map[string]string{}
	for _, d := range r.advance(t, chat.Telegram, nil, 10).Deliveries {
		if !d.Late {
			t.Errorf("%+v is not late", d)
		}
		got[d.To.Target.Chat] += map[string]string{older.ID: "older", newer.ID: "newer"}[d.Alert.ID]
	}
	want := map[string]string{both.Chat: "newer", high.Chat: "older", cooled.Chat: "older"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("told %v, want %v", got, want)
	}
	if totals := r.totals(t).Deliveries; totals[alert.Expired] != 1 || totals[alert.Unwanted] != 1 {
		t.Errorf("totals %v", totals)
	}
}

// TestClockThatIsPutBackByADay: what was put off while it was ahead is not put off by a day.
func TestClockThatIsPutBackByADay(t *testing.T) {
	for name, restart := range map[string]bool{"running": false, "restarted": true} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			tried, asleep, digest := member(chat.Telegram, 1), member(chat.Telegram, 2), member(chat.Telegram, 3)
			r.pass(24 * time.Hour) // the clock is ahead
			r.subscribe(t, chat.Private, "BTC", tried)
			r.asleep(t, hours(11, 14, false), "", asleep)
			r.asleep(t, alert.Terms{Digest: alert.Digest{On: true, At: 15 * 60, Only: true}}, "", digest)
			a := lasting(0)
			r.record(t, alert.Step{Alerts: []alert.Alert{a}})
			done := results(alert.Waiting, r.advance(t, chat.Telegram, nil, 9).Deliveries...)
			if len(done) != 1 {
				t.Fatalf("%d handed out", len(done))
			}
			done[0].NotBefore = r.clock().Add(2 * time.Second)
			r.advance(t, chat.Telegram, done, 0)
			r.pass(-24 * time.Hour)
			if restart {
				r.restart(t)
				if open, err := r.Interrupted(t.Context(), chat.Telegram); err != nil || len(open) != 0 {
					t.Fatalf("%d open, %v", len(open), err)
				}
			}
			b := r.advance(t, chat.Telegram, nil, 9)
			if len(b.Deliveries) != 1 || b.Deliveries[0].To.Target != tried {
				t.Errorf("after the clock was put right %+v", b.Deliveries)
			}
			r.advance(t, chat.Telegram, results(alert.Sent, b.Deliveries...), 0)
			if b = r.advance(t, chat.Telegram, nil, 9); !b.Next.Equal(start.Add(2*time.Hour)) || len(b.Deliveries) != 0 {
				t.Errorf("next at %v, %+v; want the end of the quiet hours", b.Next, b.Deliveries)
			}
			r.pass(2 * time.Hour)
			if got := r.summaries(t, chat.Telegram); !same(got, map[chat.Target]int{asleep: 1}) {
				t.Errorf("after the quiet hours told %v", got)
			}
			r.pass(time.Hour)
			if got := r.summaries(t, chat.Telegram)[digest]; len(got) != 1 {
				t.Errorf("the digest told %v", got)
			}
			tidied(t, r)
		})
	}
}
