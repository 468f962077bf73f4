package storage_test

import (
	"errors"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

// A group that becomes a supergroup keeps what is held for it, and can take back what it
// changed; and nothing of its old id is left once it is erased.
func TestAMoveTakesEverythingAlong(t *testing.T) {
	r := newRoom(t)
	old, fresh := chat.Target{Platform: chat.Telegram, Chat: "-777001"}, chat.Target{Platform: chat.Telegram, Chat: "-100777002"}
	r.asleep(t, hours(11, 13, false), "", old)
	ann := chat.Member{Platform: chat.Telegram, ID: "31337"}
	_, err := r.ChangeAlerts(t.Context(), old, chat.Entry{Member: ann, Name: "Ann", Change: "threshold"}, func(c *alert.Chat) error {
		c.Terms.Cap = 5
		c.SetThreshold(alert.Breakout, "BTC", 1e9)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.record(t, breakouts("BTC", 1))
	r.deliver(t, chat.Telegram)
	if err := r.Move(t.Context(), old, fresh); err != nil {
		t.Fatal(err)
	}
	r.restart(t)
	if held, err := r.Held(t.Context(), fresh); len(held) != 1 || err != nil {
		t.Fatalf("held after the move: %d, %v", len(held), err)
	}
	r.pass(time.Hour)
	b := r.advance(t, chat.Telegram, nil, 10)
	if len(b.Deliveries) != 1 || b.Deliveries[0].To.Target != fresh || len(b.Deliveries[0].Alert.Items) != 1 {
		t.Fatalf("after the quiet hours: %+v", b.Deliveries)
	}
	r.advance(t, chat.Telegram, results(alert.Sent, b.Deliveries...), 0)
	if e, err := r.Undo(t.Context(), fresh, chat.Entry{}, chat.Entry{Change: "undo", Member: ann, Name: "Ann"}); e.Change != "threshold" || err != nil {
		t.Errorf("undid %q, %v", e.Change, err)
	}
	if _, err := r.Erase(t.Context(), fresh, ann); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{old.Chat, fresh.Chat, "Ann"} {
		if found := bytesOf(t, r.dir, text); found != "" {
			t.Errorf("the data file still knows %q: %s", text, found)
		}
	}
	r.open(t)
}

// A server on Discord is erased with all its channels.
func TestEraseTakesTheChannelsOfAServer(t *testing.T) {
	r := newRoom(t)
	server, channel := chat.Target{Platform: chat.Discord, Chat: "9001"}, chat.Target{Platform: chat.Discord, Chat: "9002"}
	r.change(t, channel, func(c *alert.Chat) {
		c.Home, c.Kind = server, chat.Group
		c.Subscriptions = []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC"}}
	})
	if err := r.Change(t.Context(), server, chat.Entry{}, func(s *chat.Settings) { s.Language = "ru" }); err != nil {
		t.Fatal(err)
	}
	got, err := r.Erase(t.Context(), server, chat.Member{})
	if err != nil || !got.Settings || got.Subscriptions != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if n := r.record(t, breakouts("BTC", 1)); n != 0 {
		t.Error("the channel is still told")
	}
}

// A late alert is told to those who do not get the newer one.
func TestANewerAlertReplacesOnlyForThoseWhoGetIt(t *testing.T) {
	r := newRoom(t)
	plain, low := member(chat.Telegram, 1), member(chat.Telegram, 2)
	for _, who := range []chat.Target{plain, low} {
		r.change(t, who, func(c *alert.Chat) {
			c.Kind = chat.Private
			c.Subscriptions = []alert.Subscription{{Rule: alert.Cascade, Coin: "BTC"}}
		})
	}
	r.change(t, low, func(c *alert.Chat) { c.SetThreshold(alert.Cascade, "BTC", 15e6) })
	at := func(id string, before, strength float64, notable bool) alert.Step {
		return alert.Step{Alerts: []alert.Alert{{
			ID: id, Rule: alert.Cascade, Coin: "BTC", Before: before, Strength: strength, Notable: notable, At: start, Expires: start.Add(10 * time.Minute),
		}}}
	}
	r.record(t, at("first", 0, 10e6, true)) // for the one without a threshold
	r.record(t, at("more", 10e6, 20e6, false))
	r.pass(time.Hour)
	got := map[chat.Target]string{}
	for _, d := range r.advance(t, chat.Telegram, nil, 10).Deliveries {
		if !d.Late {
			t.Error("not told as late")
		}
		got[d.To.Target] += d.Alert.ID
	}
	if got[plain] != "first" || got[low] != "more" {
		t.Errorf("told %v", got)
	}
}

func TestWhatIsHeldEndsWithTheWish(t *testing.T) {
	for name, change := range map[string]func(*alert.Chat){
		"unsubscribed":   func(c *alert.Chat) { c.Subscriptions = nil },
		"paused":         func(c *alert.Chat) { c.Subscriptions[0].Paused = true },
		"higher":         func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 9e9) },
		"and another on": func(c *alert.Chat) { c.Subscriptions[0].Coin = "ETH" },
	} {
		r := newRoom(t)
		who := member(chat.Telegram, 1)
		r.asleep(t, hours(11, 13, false), "", who)
		r.record(t, breakouts("BTC", 1))
		r.deliver(t, chat.Telegram)
		r.change(t, who, change)
		r.pass(time.Hour)
		if got := r.deliver(t, chat.Telegram); len(got) != 0 {
			t.Errorf("%s: told %v", name, got)
		}
	}
}

// What is held is told as soon as nothing holds it any more.
func TestWhatIsHeldIsToldWhenTheReasonEnds(t *testing.T) {
	r := newRoom(t)
	woken := 0
	r.Notify(func(chat.Platform) { woken++ })
	who := member(chat.Telegram, 1)
	r.asleep(t, hours(11, 20, false), "", who)
	r.record(t, breakouts("BTC", 1))
	r.deliver(t, chat.Telegram)
	woken = 0
	r.change(t, who, func(c *alert.Chat) { c.Terms = alert.Terms{} })
	if got := r.deliver(t, chat.Telegram); len(got) != 1 || woken == 0 {
		t.Errorf("after the quiet hours are off: %v, woken %d times", got, woken)
	}
	r.change(t, who, func(c *alert.Chat) { c.Terms = hours(11, 13, false) })
	r.record(t, breakouts("BTC", 2))
	r.deliver(t, chat.Telegram)
	r.change(t, who, func(c *alert.Chat) { c.MutedUntil = start.Add(30 * 24 * time.Hour) })
	r.pass(2 * time.Hour)
	if got := r.deliver(t, chat.Telegram); len(got) != 0 {
		t.Errorf("muted and told %v", got)
	}
	r.change(t, who, func(c *alert.Chat) { c.MutedUntil = time.Time{} })
	if got := r.deliver(t, chat.Telegram); len(got) != 1 {
		t.Errorf("after the mute: %v", got)
	}
}

func TestARetiredChatKeepsNothingHeld(t *testing.T) {
	r := newRoom(t)
	who := member(chat.Telegram, 1)
	r.asleep(t, hours(11, 13, false), "", who)
	r.record(t, breakouts("BTC", 1))
	r.deliver(t, chat.Telegram)
	if err := r.Left(t.Context(), who, "blocked"); err != nil {
		t.Fatal(err)
	}
	if held, err := r.Held(t.Context(), who); len(held) != 0 || err != nil {
		t.Errorf("held for nobody: %d, %v", len(held), err)
	}
}

func TestTopicsHaveACooldownEachAndShareACap(t *testing.T) {
	r := newRoom(t)
	group := chat.Target{Platform: chat.Telegram, Chat: "-5"}
	r.change(t, group, func(c *alert.Chat) {
		c.Kind = chat.Group
		for _, thread := range []string{"1", "2"} {
			c.Subscriptions = append(c.Subscriptions, alert.Subscription{Rule: alert.Breakout, Coin: "BTC", Thread: thread})
		}
		c.Terms = alert.Terms{Cooldown: time.Hour, Cap: 1}
	})
	r.record(t, breakouts("BTC", 1))
	if got := r.deliver(t, chat.Telegram); len(got) != 2 {
		t.Errorf("told %v, want both topics", got)
	}
}

// Everybody's digest at one time is worked off without holding up the rest.
func TestManyDigestsAtOneTime(t *testing.T) {
	r := newRoom(t)
	const n = 1500
	for i := range n {
		r.asleep(t, alert.Terms{Digest: alert.Digest{On: true, At: 13 * 60}}, "", member(chat.Telegram, i))
	}
	for b := r.advance(t, chat.Telegram, nil, 28); b.Next.Before(start.Add(time.Hour)); {
		b = r.advance(t, chat.Telegram, nil, 28)
	}
	r.pass(time.Hour)
	told := map[chat.Target]int{}
	var done []alert.Result
	slowest := time.Duration(0)
	for {
		began := time.Now()
		b := r.advance(t, chat.Telegram, done, 28)
		slowest = max(slowest, time.Since(began))
		if done = nil; len(b.Deliveries) == 0 {
			break
		}
		for _, d := range b.Deliveries {
			told[d.To.Target]++
			done = append(done, alert.Result{Delivery: d, State: alert.Sent})
		}
	}
	for who, times := range told {
		if times != 1 {
			t.Errorf("%v was told %d times", who, times)
		}
	}
	if len(told) != n {
		t.Errorf("%d were told, want %d", len(told), n)
	}
	t.Logf("the slowest step took %v", slowest)
	tidied(t, r)
}

func TestUndoMeansWhatWasSeen(t *testing.T) {
	r := newRoom(t)
	change := func(name string, least float64) chat.Entry {
		r.pass(time.Second)
		e := chat.Entry{At: r.clock(), Change: name}
		if _, err := r.ChangeAlerts(t.Context(), group, e, func(c *alert.Chat) error {
			c.SetThreshold(alert.Breakout, "BTC", least)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return e
	}
	woken := 0
	r.Notify(func(chat.Platform) { woken++ })
	first := change("first", 1e9)
	second := change("second", 2e9)
	if _, err := r.Undo(t.Context(), group, first, chat.Entry{Change: "undo"}); !errors.Is(err, chat.ErrChanged) {
		t.Errorf("the wrong one: %v", err)
	}
	for i := range 2 { // two admins press one button
		_, err := r.Undo(t.Context(), group, second, chat.Entry{Change: "undo"})
		if (i == 0) != (err == nil) {
			t.Errorf("press %d: %v", i, err)
		}
	}
	if c, _ := r.Alerts(t.Context(), group); c.Threshold(alert.Breakout, "BTC") != 1e9 || woken == 0 {
		t.Errorf("threshold %v, woken %d times", c.Threshold(alert.Breakout, "BTC"), woken)
	}
	// What is something else by now is not offered again, and what is older can be undone.
	change("third", 3e9)
	r.change(t, group, func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 4e9) })
	if e, err := r.Undo(t.Context(), group, chat.Entry{}, chat.Entry{Change: "undo"}); !errors.Is(err, chat.ErrChanged) || e.Change != "third" {
		t.Errorf("%q, %v", e.Change, err)
	}
	r.change(t, group, func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 1e9) })
	if e, err := r.Undo(t.Context(), group, chat.Entry{}, chat.Entry{Change: "undo"}); err != nil || e.Change != "first" {
		t.Errorf("%q, %v", e.Change, err)
	}
}

// A time zone that is chosen after the digest counts for the first one already.
func TestADigestFollowsTheTimeZone(t *testing.T) {
	r := newRoom(t)
	woken := 0
	r.Notify(func(chat.Platform) { woken++ })
	who := member(chat.Telegram, 1)
	r.asleep(t, alert.Terms{Digest: alert.Digest{On: true, At: 9 * 60}}, "", who)
	if b := r.advance(t, chat.Telegram, nil, 1); !b.Next.Equal(start.Add(21 * time.Hour)) {
		t.Fatalf("due at %v", b.Next)
	}
	woken = 0
	zone := func(name string) {
		t.Helper()
		err := r.Change(t.Context(), who, chat.Entry{Change: "timezone", At: r.clock()}, func(s *chat.Settings) { s.TimeZone = name })
		if err != nil {
			t.Fatal(err)
		}
	}
	zone("Asia/Tokyo")
	if b := r.advance(t, chat.Telegram, nil, 1); !b.Next.Equal(start.Add(12*time.Hour)) || woken == 0 {
		t.Errorf("in Tokyo due at %v, woken %d times", b.Next, woken)
	}
	if _, err := r.Undo(t.Context(), who, chat.Entry{}, chat.Entry{Change: "undo"}); err != nil {
		t.Fatal(err)
	}
	if b := r.advance(t, chat.Telegram, nil, 1); !b.Next.Equal(start.Add(21 * time.Hour)) {
		t.Errorf("after the undo due at %v", b.Next)
	}
}
