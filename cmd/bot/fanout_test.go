package main

import (
	"flag"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
)

// firstChat is the id of the first of the crowd's ordinary chats.
const firstChat = 10_000

// crowd is the chats of TestFanOutToFiveHundredChats.
type crowd struct {
	server *telegramtest.Server
	chats  []int64
	// fates are how sends to a chat end, once those that fail only once.
	fates, once map[int64]telegramtest.Fault
}

func newCrowd(server *telegramtest.Server) *crowd {
	c := &crowd{server: server, fates: make(map[int64]telegramtest.Fault), once: map[int64]telegramtest.Fault{
		firstChat + 10: telegramtest.TooMany(2), firstChat + 40: {Code: 500, Description: "Internal Server Error"}, firstChat + 70: {Status: 502},
		firstChat + 100: {Reset: true}, firstChat + 130: telegramtest.ActThenReset, firstChat + 160: telegramtest.ActThenHang, firstChat + 190: {Hang: true},
	}}
	c.add(firstChat, 430, telegramtest.Fault{})
	c.add(20_000, 15, telegramtest.Blocked)
	c.add(21_000, 5, telegramtest.Deactivated)
	c.add(-22_000, 5, telegramtest.Kicked)
	c.add(-23_000, 5, telegramtest.GroupDeleted)
	c.add(24_000, 15, telegramtest.Fault{}) // muted
	c.add(25_000, 10, telegramtest.Fault{}) // threshold above the breakout
	c.add(-26_000, 5, telegramtest.Fault{}) // groups
	for old := int64(-27_000); old > -27_005; old-- {
		server.Know(old - 1_000_000_000)
		c.add(old, 1, telegramtest.Migrated(old-1_000_000_000))
	}
	server.AddChat(-28_000, "channel", "news")
	server.AddChat(-29_000, "supergroup", "")
	server.GroupText(-29_000, 8, "hello", telegramtest.InTopic(5)) // makes the topic known
	c.chats = append(c.chats, -28_000, -29_000)
	for id, f := range c.once {
		server.FailChat(id, f)
	}
	return c
}

// add adds n chats, whose ids go away from 0.
func (c *crowd) add(id int64, n int, f telegramtest.Fault) {
	step := int64(1)
	if id < 0 {
		step = -1
	}
	for range n {
		c.server.Know(id)
		c.chats = append(c.chats, id)
		if f != (telegramtest.Fault{}) {
			c.fates[id] = f
			c.server.Shut(id, f)
		}
		id += step
	}
}

// wish is what a chat of the crowd asks for besides.
func (*crowd) wish(id int64, a *alert.Chat) {
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
}

// check looks at what the people in a chat have seen.
func (c *crowd) check(t *testing.T, id int64) {
	t.Helper()
	f := c.fates[id]
	seen, want, repeats := c.server.Messages(id), 1, 0
	switch {
	case f.MigrateTo != 0:
		seen = c.server.Messages(f.MigrateTo)
	case f.Code != 0, id >= 24_000 && id < 26_000:
		want = 0
	}
	for _, m := range seen {
		if strings.Contains(m.Text, "Repeat") {
			repeats++
		}
		if !strings.Contains(m.Text, "BTC broke above $94,681") || len(m.Photo) == 0 {
			t.Errorf("chat %d got %q", id, m.Text)
		}
	}
	_, faulty := c.once[id]
	switch {
	case faulty && len(seen) == 2 && repeats == 1: // it had arrived before the fault
	case len(seen) != want, repeats > 0 && !faulty:
		t.Errorf("chat %d has %d messages, %d of them repeats, want %d", id, len(seen), repeats, want)
	}
}

// TestFanOutToFiveHundredChats sends one breakout to five hundred chats of a server
// that enforces Telegram's limits. Among them are chats that blocked, removed or never
// knew the bot, muted ones, a topic, a channel, groups that became supergroups, high
// thresholds, and one for each way in which a send can fail.
func TestFanOutToFiveHundredChats(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()
	server := telegramtest.New(t)
	server.EnforceLimits()
	server.Latency(60 * time.Millisecond)
	c := newCrowd(server)
	dir := t.TempDir()
	subscribeAll(t, dir, c.chats, c.wish)
	environ := append(onRecording(recordBreakout(t, 3*time.Second)), "DATA_DIR="+dir,
		"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(), "OWNER_IDS=telegram:7")
	startBot(t, "run", environ...)
	times := sendsUntilQuiet(server)
	for _, id := range c.chats {
		c.check(t, id)
	}
	if m := server.Messages(-29_000); len(m) != 1 || m[0].Thread != 5 {
		t.Errorf("topic: %+v", m)
	}
	last := times[0]
	for _, at := range times { // until the retries, which come later by design
		if at.Sub(last) > time.Second {
			break
		}
		last = at
	}
	took, limit := last.Sub(times[0]), time.Duration(len(times))*time.Second/30
	uploads := 0
	for _, call := range server.Calls("sendPhoto") {
		id, _ := strconv.ParseInt(call.Params["chat_id"], 10, 64)
		if len(call.Files) > 0 && c.fates[id] == (telegramtest.Fault{}) { // one that is refused has to be made again
			uploads++
		}
	}
	t.Logf("%d sends in %v, the limit allows them in %v: %.2fx; refused for the limits: %d; uploads: %d",
		len(times), took, limit, float64(took)/float64(limit), server.Limited(), uploads)
	if took > limit*5/4 || server.Limited() > 0 || uploads != 1 {
		t.Error("want the limits kept, one upload, and no more than 1.1x in quiet (1.25x where other tests run)")
	}
	server.PrivateText(7, "/stats")
	server.WaitFor("the stats", func() bool { return len(server.Messages(7)) == 1 })
	if got := server.Messages(7)[0].Text; !strings.Contains(got, "sent 442, failed 0, uncertain 0") || !strings.Contains(got, "retired (blocked, removed or deleted): 30") {
		t.Error(got)
	}
}

// sendsUntilQuiet returns when photos were sent, in order, once none came for a while.
func sendsUntilQuiet(server *telegramtest.Server) []time.Time {
	var times []time.Time
	server.WaitFor("the first alert", func() bool { return len(server.Calls("sendPhoto")) > 0 })
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(500 * time.Millisecond) {
		times = nil
		for _, call := range server.Calls("sendPhoto") {
			times = append(times, call.At)
		}
		slices.SortFunc(times, time.Time.Compare)
		if time.Since(times[len(times)-1]) > 22*time.Second { // a send that hangs is given up after 20
			break
		}
	}
	return times
}

var measured = flag.Bool("measure", false, "run TestRepliesDuringAFanOut, which wants a quiet machine")

// TestRepliesDuringAFanOut measures how long /liq takes from the update to the call that
// sends the reply, before a fan-out and during it.
func TestRepliesDuringAFanOut(t *testing.T) {
	if !*measured {
		t.Skip("measures times: run it with -measure, as make bench does")
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
