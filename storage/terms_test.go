package storage_test

import (
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

// asleep makes private chats subscribe to BTC with terms, in a time zone.
func (r *room) asleep(t *testing.T, terms alert.Terms, zone string, chats ...chat.Target) {
	t.Helper()
	for _, c := range chats {
		if err := r.Change(t.Context(), c, chat.Entry{}, func(s *chat.Settings) { s.TimeZone = zone }); err != nil {
			t.Fatal(err)
		}
		r.subscribe(t, chat.Private, "BTC", c)
		r.change(t, c, func(a *alert.Chat) { a.Terms = terms })
	}
}

// hours are quiet hours from one full hour to another.
func hours(from, to int, silent bool) alert.Terms {
	return alert.Terms{Quiet: alert.Quiet{On: true, From: alert.Clock(from * 60), To: alert.Clock(to * 60), Silent: silent}}
}

func TestQuietHoursHoldAlertsAndTellThemTogether(t *testing.T) {
	r := newRoom(t) // it is 12:00 UTC
	berlin, awake := member(chat.Telegram, 1), member(chat.Telegram, 2)
	r.asleep(t, hours(12, 14, false), "Europe/Berlin", berlin) // 11:00 to 13:00 UTC
	r.subscribe(t, chat.Private, "BTC", awake)
	for epoch := range 3 {
		r.record(t, breakouts("BTC", epoch))
	}
	r.restart(t)
	if got := r.deliver(t, chat.Telegram); len(got) != 3 || got[0] != awake {
		t.Fatalf("told %v, want three alerts for the one who is awake", got)
	}
	if n := r.totals(t).Deliveries[alert.Held]; n != 3 {
		t.Errorf("%d held, want 3", n)
	}
	b := r.advance(t, chat.Telegram, nil, 10)
	if want := start.Add(time.Hour); !b.Next.Equal(want) || len(b.Deliveries) != 0 {
		t.Errorf("next at %v with %d deliveries, want at %v", b.Next, len(b.Deliveries), want)
	}
	r.restart(t)
	r.pass(time.Hour)
	b = r.advance(t, chat.Telegram, nil, 10)
	if len(b.Deliveries) != 1 || b.Deliveries[0].To.Target != berlin {
		t.Fatalf("after the quiet hours: %+v", b.Deliveries)
	}
	a := b.Deliveries[0].Alert
	if a.Rule != alert.Summary || a.Digest || len(a.Items) != 3 || a.Items[0].ID != breakout("BTC", 0).ID {
		t.Errorf("the summary is %+v", a)
	}
	r.advance(t, chat.Telegram, results(alert.Sent, b.Deliveries...), 0)
	if held, err := r.Held(t.Context(), berlin); len(held) != 0 || err != nil {
		t.Errorf("still held: %d, %v", len(held), err)
	}
	tidied(t, r)
}

func TestQuietHoursCanBeSilent(t *testing.T) {
	r := newRoom(t)
	r.asleep(t, hours(23, 13, true), "", member(chat.Telegram, 1))
	r.record(t, breakouts("BTC", 1))
	b := r.advance(t, chat.Telegram, nil, 10)
	if len(b.Deliveries) != 1 || !b.Deliveries[0].Silent {
		t.Fatalf("%+v, want one that makes no sound", b.Deliveries)
	}
	r.advance(t, chat.Telegram, results(alert.Sent, b.Deliveries...), 0)
	r.pass(time.Hour)
	r.record(t, breakouts("BTC", 3600))
	if b = r.advance(t, chat.Telegram, nil, 10); len(b.Deliveries) != 1 || b.Deliveries[0].Silent {
		t.Errorf("%+v, want one with a sound", b.Deliveries)
	}
}

// Thousands that are asleep are passed over without a pause for those who are not.
func TestManySleepersDoNotHoldUpTheOthers(t *testing.T) {
	r := newRoom(t)
	for n := range 1300 {
		r.asleep(t, hours(0, 23, false), "", member(chat.Telegram, n))
	}
	awake := member(chat.Telegram, 5000)
	r.subscribe(t, chat.Private, "BTC", awake)
	r.record(t, breakouts("BTC", 1))
	var got []alert.Delivery
	for range 5 {
		b := r.advance(t, chat.Telegram, nil, 10)
		got = append(got, b.Deliveries...)
		if len(got) == 0 && !b.Next.Equal(start) {
			t.Fatalf("nothing handed out, and the next look is at %v", b.Next)
		}
	}
	if len(got) != 1 || got[0].To.Target != awake {
		t.Fatalf("told %+v", got)
	}
}

func TestCapAndCooldown(t *testing.T) {
	r := newRoom(t)
	capped, cooled := member(chat.Telegram, 1), member(chat.Telegram, 2)
	r.asleep(t, alert.Terms{Cap: 2}, "", capped)
	r.asleep(t, alert.Terms{Cooldown: time.Hour}, "", cooled)
	count := func(want1, want2 int) {
		t.Helper()
		got := map[chat.Target]int{}
		for _, to := range r.deliver(t, chat.Telegram) {
			got[to]++
		}
		if got[capped] != want1 || got[cooled] != want2 {
			t.Errorf("capped heard %d times, cooled %d times; want %d and %d", got[capped], got[cooled], want1, want2)
		}
	}
	for minute := range 4 {
		a := breakout("BTC", 60*minute)
		a.Expires = time.Time{}
		r.record(t, alert.Step{Alerts: []alert.Alert{a}})
		r.pass(time.Minute)
	}
	count(2, 1)
	r.restart(t)
	r.pass(time.Hour)
	a := breakout("BTC", 7200)
	a.Expires = time.Time{}
	r.record(t, alert.Step{Alerts: []alert.Alert{a}})
	count(0, 1)
	r.pass(11 * time.Hour) // past midnight: nobody is woken for what was too much
	count(0, 0)
	r.pass(9 * time.Hour) // in the morning what the cap has held is told, and counting has begun anew
	count(1, 0)
	a = breakout("BTC", 50000)
	a.Expires = time.Time{}
	r.record(t, alert.Step{Alerts: []alert.Alert{a}})
	count(1, 1)
}

func TestDigest(t *testing.T) {
	r := newRoom(t)
	told := make(chan chat.Platform, 10)
	r.Notify(func(p chat.Platform) { told <- p })
	who := member(chat.Telegram, 1)
	r.asleep(t, alert.Terms{Digest: alert.Digest{On: true, At: 9 * 60, Only: true}}, "Asia/Tokyo", who) // 00:00 UTC
	if len(told) == 0 {
		t.Error("nobody is told that something is due")
	}
	b := r.advance(t, chat.Telegram, nil, 10)
	if want := start.Add(12 * time.Hour); !b.Next.Equal(want) {
		t.Errorf("the digest is due at %v, want %v", b.Next, want)
	}
	r.record(t, breakouts("BTC", 1))
	r.advance(t, chat.Telegram, nil, 10)
	for day, want := range []int{1, 0, 0} {
		r.pass(12 * time.Hour)
		b = r.advance(t, chat.Telegram, nil, 10)
		if len(b.Deliveries) != 1 || !b.Deliveries[0].Alert.Digest || len(b.Deliveries[0].Alert.Items) != want {
			t.Fatalf("day %d: %+v", day, b.Deliveries)
		}
		r.advance(t, chat.Telegram, results(alert.Sent, b.Deliveries...), 0)
		r.pass(12 * time.Hour)
	}
	r.change(t, who, func(c *alert.Chat) { c.Terms = alert.Terms{} })
	if b = r.advance(t, chat.Telegram, nil, 10); !b.Next.IsZero() || len(b.Deliveries) != 0 {
		t.Errorf("without a digest: %+v", b)
	}
}

func TestALevelThatRepeats(t *testing.T) {
	r := newRoom(t)
	who := member(chat.Telegram, 1)
	r.change(t, who, func(c *alert.Chat) {
		c.Kind = chat.Private
		c.Levels = []alert.Level{{Coin: "BTC", USD: 100, Rising: true, Repeat: true, Until: start.Add(time.Hour)}}
	})
	for i, step := range []struct {
		usd   float64
		fires int
	}{{99, 0}, {101, 1}, {102, 0}, {99.9, 0}, {101, 0}, {99.6, 0}, {100.5, 1}, {99, 0}} {
		if got := r.record(t, price("BTC", step.usd, i)); got != step.fires {
			t.Errorf("price %v: %d alerts, want %d", step.usd, got, step.fires)
		}
	}
	r.pass(time.Hour)
	if got := r.record(t, price("BTC", 105, 3600)); got != 0 {
		t.Error("told of a level that nobody waits for any more")
	}
	if err := r.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := r.Alerts(t.Context(), who); err != nil || len(c.Levels) != 0 {
		t.Errorf("after its time: %+v, %v", c.Levels, err)
	}
	if coins, err := r.Watched(t.Context()); err != nil || len(coins) != 0 {
		t.Errorf("watched for nobody: %v, %v", coins, err)
	}
}

func TestCrossed(t *testing.T) {
	r := newRoom(t)
	set := func(n int, least float64) {
		who := member(chat.Telegram, n)
		r.change(t, who, func(c *alert.Chat) {
			c.Kind = chat.Private
			c.Subscriptions = []alert.Subscription{{Rule: alert.Cascade, Coin: "BTC"}}
			c.SetThreshold(alert.Cascade, "BTC", least)
		})
	}
	set(1, 20e6)
	set(2, 20e6)
	set(3, 50e6)
	check := func(before, strength float64, want bool) {
		t.Helper()
		got, err := r.Crossed(t.Context(), alert.Cascade, "BTC", before, strength)
		if err != nil || got != want {
			t.Errorf("from %v to %v: %v, %v; want %v", before, strength, got, err, want)
		}
	}
	check(0, 19e6, false)
	check(0, 20e6, true)
	check(20e6, 49e6, false)
	check(20e6, 60e6, true)
	set(1, 30e6)
	check(0, 20e6, true)
	set(2, 30e6)
	check(0, 25e6, false)
	r.restart(t)
	check(25e6, 30e6, true)
	r.change(t, member(chat.Telegram, 3), func(c *alert.Chat) { c.Subscriptions[0].Paused = true })
	check(30e6, 60e6, false)
}
