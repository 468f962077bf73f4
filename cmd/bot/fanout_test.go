package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
)

// TestFanOutToFiveHundredChats sends one breakout to five hundred chats of a server
// that enforces Telegram's limits. Among them are chats that blocked, removed or never
// knew the bot, muted ones, a topic, a channel, a group that became a supergroup, high
// thresholds, and one for each way in which a send can fail.
func TestFanOutToFiveHundredChats(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	server := telegramtest.New(t)
	server.EnforceLimits()
	server.Latency(60 * time.Millisecond)
	const first, plain = 10_000, 430
	var chats []int64
	for id := int64(first); id < first+plain; id++ {
		server.Know(id)
		chats = append(chats, id)
	}
	special := map[int64]telegramtest.Fault{}
	add := func(id int64, n int, f telegramtest.Fault) {
		for i := range int64(n) {
			at := id + i
			if id < 0 {
				at = id - i
			}
			server.Know(at)
			special[at] = f
			chats = append(chats, at)
			if f != (telegramtest.Fault{}) {
				server.Shut(at, f)
			}
		}
	}
	add(20_000, 15, telegramtest.Blocked)
	add(21_000, 5, telegramtest.Deactivated)
	add(-22_000, 5, telegramtest.Kicked)
	add(-23_000, 5, telegramtest.GroupDeleted)
	add(24_000, 15, telegramtest.Fault{}) // muted
	add(25_000, 10, telegramtest.Fault{}) // threshold above the breakout
	add(-26_000, 5, telegramtest.Fault{}) // groups
	for i := range int64(5) {             // groups that become supergroups
		old, grown := -27_000-i, -1_000_027_000-i
		server.Know(grown)
		special[old] = telegramtest.Migrated(grown)
		chats = append(chats, old)
		server.Shut(old, telegramtest.Migrated(grown))
	}
	server.AddChat(-28_000, "channel", "news")
	server.AddChat(-29_000, "supergroup", "")
	server.GroupText(-29_000, 8, "hello", telegramtest.InTopic(5)) // makes the topic known
	chats = append(chats, -28_000, -29_000)
	once := map[int64]telegramtest.Fault{
		first + 10: telegramtest.TooMany(2), first + 40: {Code: 500, Description: "Internal Server Error"}, first + 70: {Status: 502},
		first + 100: {Reset: true}, first + 130: telegramtest.ActThenReset, first + 160: telegramtest.ActThenHang, first + 190: {Hang: true},
	}
	for id, f := range once {
		server.FailChat(id, f)
	}
	dir := t.TempDir()
	subscribeAll(t, dir, chats, func(id int64, a *alert.Chat) {
		switch {
		case id >= 24_000 && id < 24_100:
			a.MutedUntil = time.Now().Add(time.Hour)
		case id >= 25_000 && id < 25_100:
			a.SetThreshold(alert.Breakout, "BTC", 3e9)
		case id == -28_000:
			a.Kind = chat.Channel
		case id == -29_000:
			a.Subscriptions[0].Thread = "5"
		}
	})
	environ := append(onRecording(recordBreakout(t, 3*time.Second)), "DATA_DIR="+dir,
		"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(), "OWNER_IDS=telegram:7")
	startBot(t, "run", environ...)
	sends := func() []telegramtest.Call { return server.Calls("sendPhoto") }
	server.WaitFor("the first alert", func() bool { return len(sends()) > 0 })
	deadline := time.Now().Add(time.Minute)
	for quiet := time.Now(); time.Since(quiet) < 8*time.Second && time.Now().Before(deadline); <-time.After(200 * time.Millisecond) {
		if all := sends(); time.Since(all[len(all)-1].At) < 4*time.Second {
			quiet = time.Now()
		}
	}
	for _, id := range chats {
		all := server.Messages(id)
		f := special[id]
		if f.MigrateTo != 0 {
			all = server.Messages(f.MigrateTo)
		}
		want := 1
		if f.Code != 0 && f.MigrateTo == 0 || id >= 24_000 && id < 26_000 {
			want = 0
		}
		repeats := 0
		for _, m := range all {
			if strings.Contains(m.Text, "Repeat") {
				repeats++
			} else if !strings.Contains(m.Text, "BTC broke above $94,681") || len(m.Photo) == 0 {
				t.Errorf("chat %d got %q", id, m.Text)
			}
		}
		_, faulty := once[id]
		switch {
		case len(all) == 2 && repeats == 1 && faulty: // it had arrived before the fault
		case len(all) != want, repeats > 0 && !faulty:
			t.Errorf("chat %d has %d messages, %d of them repeats, want %d", id, len(all), repeats, want)
		}
	}
	if m := server.Messages(-29_000); len(m) != 1 || m[0].Thread != 5 {
		t.Errorf("topic: %+v", m)
	}
	times := sends()
	slices.SortFunc(times, func(a, b telegramtest.Call) int { return a.At.Compare(b.At) })
	last := times[0].At
	for _, c := range times { // until the retries, which come later by design
		if c.At.Sub(last) > time.Second {
			break
		}
		last = c.At
	}
	limit := time.Duration(len(times)) * time.Second / 30
	t.Logf("%d sends in %v, the limit allows them in %v: %.2fx; refused for the limits: %d; uploads: %d",
		len(times), last.Sub(times[0].At), limit, float64(last.Sub(times[0].At))/float64(limit), server.Limited(), server.Uploads())
	if last.Sub(times[0].At) > limit*5/4 || server.Limited() > 0 || server.Uploads() != 1 {
		t.Errorf("want the limits kept, one upload, and no more than 1.1x in quiet (1.25x where other tests run)")
	}
	server.PrivateText(7, "/stats")
	server.WaitFor("the stats", func() bool { return len(server.Messages(7)) == 1 })
	t.Log(server.Messages(7)[0].Text)
}

// TestRepliesDuringAFanOut measures how long /liq takes from the update to the call that
// sends the reply, before a fan-out and during it.
func TestRepliesDuringAFanOut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	const members, samples, audience = 50_000, 50, 450
	server := telegramtest.New(t)
	server.EnforceLimits()
	server.Latency(60 * time.Millisecond)
	dir := t.TempDir()
	prefill(t, dir, 10_000, audience)
	for id := int64(10_000); id < 10_000+audience; id++ {
		server.Know(id)
	}
	environ := append(onRecording(recordBreakout(t, 16*time.Second)), "DATA_DIR="+dir,
		"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL())
	startBot(t, "run", environ...)
	sentTo := func(id int64) (time.Time, bool) {
		for _, c := range server.Calls("sendPhoto") {
			if c.Params["chat_id"] == strconv.FormatInt(id, 10) {
				return c.At, true
			}
		}
		return time.Time{}, false
	}
	measure := func(from int64) []time.Duration {
		var took []time.Duration
		for id := from; id < from+samples; id++ {
			asked := time.Now()
			server.PrivateText(id, "/liq btc")
			var at time.Time
			server.WaitFor("a reply", func() (ok bool) { at, ok = sentTo(id); return ok })
			took = append(took, at.Sub(asked))
			<-time.After(150 * time.Millisecond)
		}
		slices.Sort(took)
		return took
	}
	measure(members) // warm
	idle := measure(members + 1000)
	for len(server.Calls("sendPhoto")) < 2*samples+10 {
		<-time.After(50 * time.Millisecond)
	}
	busy := measure(members + 2000)
	p := func(all []time.Duration, percent int) time.Duration { return all[len(all)*percent/100] }
	t.Logf("idle: p50 %v, p98 %v; during the fan-out: p50 %v, p98 %v; refused for the limits: %d",
		p(idle, 50), p(idle, 98), p(busy, 50), p(busy, 98), server.Limited())
	if sent := len(server.Calls("sendPhoto")); sent >= 3*samples+audience {
		t.Errorf("the fan-out was over before the measurement was")
	}
	if p(busy, 98) > 4*p(idle, 98)+20*time.Millisecond || server.Limited() > 0 {
		t.Errorf("replies are held up: want about twice the idle time at most (four times where other tests run)")
	}
}
