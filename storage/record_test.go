package storage_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
	"liqbot/storage"
)

func TestRecordKeepsStates(t *testing.T) {
	r := newRoom(t)
	r.record(t, alert.Step{States: map[string][]byte{"breakout BTC": []byte("1"), "price BTC": []byte("2")}})
	r.record(t, alert.Step{States: map[string][]byte{"breakout BTC": []byte("3")}})
	before, _ := r.Txid()
	r.record(t, alert.Step{States: map[string][]byte{"breakout BTC": []byte("3")}, Reached: price("BTC", 5, 1).Reached})
	if after, _ := r.Txid(); after != before {
		t.Error("a step without news was written")
	}
	r.restart(t)
	got, err := r.States(t.Context())
	want := map[string][]byte{"breakout BTC": []byte("3"), "price BTC": []byte("2")}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("states (-want +got), %v:\n%s", err, diff)
	}
}

func TestBreakoutGoesToThoseWhoAskedForIt(t *testing.T) {
	r := newRoom(t)
	channel, topic, two := chat.Target{Platform: chat.Telegram, Chat: "-9"}, chat.Target{Platform: chat.Telegram, Chat: "-5", Thread: "7"}, member(chat.Telegram, 2)
	r.subscribe(t, chat.Private, "BTC", member(chat.Telegram, 1), two)
	r.subscribe(t, chat.Group, "BTC", topic)
	r.subscribe(t, chat.Channel, "BTC", channel, chat.Target{Platform: chat.Discord, Chat: "4"})
	r.subscribe(t, chat.Private, "BTCB", member(chat.Telegram, 3))
	r.subscribe(t, chat.Private, "ETH", member(chat.Telegram, 4))
	for i, change := range []func(*alert.Chat){
		func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 3e9) },
		func(c *alert.Chat) { c.MutedUntil = start.Add(time.Minute) },
		func(c *alert.Chat) { c.Subscriptions[0].Paused = true },
		func(c *alert.Chat) { c.Subscriptions[0].Rule = "else" },
	} {
		target := member(chat.Telegram, 10+i)
		r.subscribe(t, chat.Private, "BTC", target)
		r.change(t, target, change)
	}
	r.change(t, two, func(c *alert.Chat) {
		c.Home, c.Language = chat.Target{Platform: chat.Telegram, Chat: "-9"}, "ru"
		c.SetThreshold(alert.Breakout, "BTC", 2.705e9)
	})
	sameIndex(t, r)
	if n := r.record(t, breakouts("BTC", 1)); n != 5 {
		t.Errorf("%d deliveries are queued, want 5", n)
	}
	if n := r.record(t, breakouts("BTC", 1)); n != 0 {
		t.Errorf("the same event queued %d deliveries", n)
	}
	r.restart(t)
	b := r.advance(t, chat.Telegram, nil, 10)
	var got []alert.Recipient
	for _, d := range b.Deliveries {
		got = append(got, d.To)
		if diff := cmp.Diff(breakout("BTC", 1), *d.Alert); diff != "" {
			t.Errorf("alert (-want +got):\n%s", diff)
		}
	}
	want := []alert.Recipient{
		{Target: channel, Kind: chat.Channel},
		{Target: topic, Kind: chat.Group},
		{Target: member(chat.Telegram, 1), Kind: chat.Private},
		{Target: two, Kind: chat.Private, Home: channel, Language: "ru"},
	}
	if diff := cmp.Diff(want, got); diff != "" || b.Left != 4 {
		t.Errorf("recipients, %d left (-want +got):\n%s", b.Left, diff)
	}
	if other := r.deliver(t, chat.Discord); len(other) != 1 {
		t.Errorf("on Discord %v are told", other)
	}
	if totals := r.totals(t); totals.Alerts != 1 {
		t.Errorf("%d alerts are counted", totals.Alerts)
	}
}

func TestOldEventsAreForgottenLate(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", member(chat.Web, 1))
	var step alert.Step
	for i := range storage.EventsKept + 1 {
		step.Alerts = append(step.Alerts, breakout("BTC", i))
	}
	r.record(t, step)
	for _, epoch := range []int{1, storage.EventsKept} {
		if n := r.record(t, breakouts("BTC", epoch)); n != 0 {
			t.Errorf("event %d was recorded again", epoch)
		}
	}
	if n := r.record(t, breakouts("BTC", 0)); n != 1 {
		t.Error("the oldest event is still remembered")
	}
	if rows, _ := r.Dump(); rows["events"] != storage.EventsKept || rows["event_order"] != storage.EventsKept {
		t.Errorf("%d and %d rows of events", rows["events"], rows["event_order"])
	}
}

func TestLevelsAreReachedOnce(t *testing.T) {
	r := newRoom(t)
	one, two, muted := member(chat.Telegram, 1), member(chat.Discord, 2), member(chat.Telegram, 3)
	for _, l := range []struct {
		to     chat.Target
		usd    float64
		rising bool
	}{
		{one, 100, true},
		{two, 100, true},
		{muted, 100, true},
		{one, 110, true},
		{one, 100, false},
		{one, 120, false},
		{two, 99.5, false},
	} {
		r.level(t, l.to, "BTC", l.usd, l.rising)
	}
	r.change(t, muted, func(c *alert.Chat) { c.MutedUntil = start.Add(time.Minute) })
	type told struct {
		To     chat.Target
		USD    float64
		Rising bool
	}
	var epoch int
	reach := func(usd float64) (out []told) {
		epoch++
		reached, err := r.LevelReached(t.Context(), "BTC", usd)
		if err != nil {
			t.Fatal(err)
		}
		if n := r.record(t, price("BTC", usd, epoch)); (n > 0) != reached {
			t.Errorf("at %v: reached %v, queued %d", usd, reached, n)
		}
		for _, p := range []chat.Platform{chat.Discord, chat.Telegram} {
			b := r.advance(t, p, nil, 10)
			for _, d := range b.Deliveries {
				if d.Alert.Rule != alert.Price || d.Alert.PriceUSD != usd || d.Alert.ID != alert.EventID(alert.Price, "BTC", d.Alert.LevelUSD, d.Alert.Rising, d.Alert.At) {
					t.Errorf("alert %+v", d.Alert)
				}
				out = append(out, told{d.To.Target, d.Alert.LevelUSD, d.Alert.Rising})
			}
			r.advance(t, p, results(alert.Sent, b.Deliveries...), 0)
		}
		return out
	}
	for _, step := range []struct {
		usd  float64
		want []told
	}{
		{99.9, []told{{one, 120, false}, {one, 100, false}}},
		{99.9, nil},
		{math.NaN(), nil},
		{-1, nil},
		{105, []told{{two, 100, true}, {one, 100, true}}},
		{105, nil},
	} {
		got := reach(step.usd)
		less := func(a, b told) bool { return fmt.Sprint(a) < fmt.Sprint(b) }
		if diff := cmp.Diff(step.want, got, cmpopts.SortSlices(less)); diff != "" {
			t.Errorf("at %v (-want +got):\n%s", step.usd, diff)
		}
	}
	r.pass(time.Minute)
	if got := reach(99.6); got != nil {
		t.Errorf("after the mute, on the other side: %v", got)
	}
	if got := reach(101); !slices.Equal(got, []told{{muted, 100, true}}) {
		t.Errorf("after the mute: %v", got)
	}
	if left, err := r.Alerts(t.Context(), one); len(left.Levels) != 1 || left.Levels[0].USD != 110 || err != nil {
		t.Errorf("levels that are left: %+v, %v", left.Levels, err)
	}
	sameIndex(t, r)
	if totals := r.totals(t); totals.Alerts != 4 || totals.Deliveries[alert.Sent] != 5 {
		t.Errorf("totals %+v", totals)
	}
	census, _ := r.Census(t.Context())
	if diff := cmp.Diff(alert.Census{Chats: 2, Levels: 2, Coins: 1}, census); diff != "" {
		t.Errorf("census (-want +got):\n%s", diff)
	}
}

func TestLevelSetAnewAtTheSameMomentWaits(t *testing.T) {
	r := newRoom(t)
	one := member(chat.Telegram, 1)
	for epoch, want := range []int{1, 0, 1} {
		r.level(t, one, "BTC", 100, true)
		r.change(t, one, func(c *alert.Chat) { c.Levels = c.Levels[:1] })
		if n := r.record(t, price("BTC", 100, epoch/2)); n != want {
			t.Errorf("step %d queued %d, want %d", epoch, n, want)
		}
	}
}

func TestLevelNamedTwiceIsToldOnce(t *testing.T) {
	r := newRoom(t)
	topic := chat.Target{Platform: chat.Telegram, Chat: "-5", Thread: "7"}
	for _, target := range []chat.Target{topic, group, topic, {Platform: chat.Telegram, Chat: "-5", Thread: "8"}} {
		r.level(t, target, "BTC", 100, true)
	}
	if n := r.record(t, price("BTC", 100, 1)); n != 3 {
		t.Errorf("%d are told, want 3", n)
	}
	if census, _ := r.Census(t.Context()); census.Levels != 0 || census.Chats != 0 {
		t.Errorf("census %+v", census)
	}
}

func TestDamagedIndexIsRepairedFromTheRecords(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", members(chat.Telegram, 3)...)
	r.level(t, member(chat.Telegram, 1), "BTC", 100, true)
	for _, bucket := range []string{"subs", "levels"} {
		if _, err := r.Flip(bucket); err != nil {
			t.Fatal(err)
		}
	}
	r.subscribe(t, chat.Private, "BTC", member(chat.Telegram, 7))
	step := breakouts("BTC", 1)
	step.Reached = price("BTC", 100, 1).Reached
	if n := r.record(t, step); n != 1 {
		t.Errorf("%d are told, want the one whose row is good", n)
	}
	if n := r.record(t, breakouts("BTC", 2)); n != 4 {
		t.Errorf("after the repair %d are told, want 4", n)
	}
	if n := r.quarantined(t); n != 4 {
		t.Errorf("%d rows are set aside, want 4", n)
	}
}

func TestWatchedListsCoinsOfBothKinds(t *testing.T) {
	r := newRoom(t)
	for i, coin := range []market.Coin{"BTC", "BTCB", "ETH", "1INCH"} {
		r.subscribe(t, chat.Private, coin, member(chat.Web, i), member(chat.Web, i+1))
	}
	for i, coin := range []market.Coin{"ZEC", "BTC", "AAVE"} {
		r.level(t, member(chat.Web, i), coin, 1, i%2 == 0)
	}
	got, err := r.Watched(t.Context())
	want := []market.Coin{"1INCH", "AAVE", "BTC", "BTCB", "ETH", "ZEC"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("watched (-want +got), %v:\n%s", err, diff)
	}
}

// A platform that is not configured has nobody who works its outbox off.
func TestAlertsAreQueuedForServedPlatformsOnly(t *testing.T) {
	s := open(t, t.TempDir())
	for _, p := range []chat.Platform{chat.Telegram, chat.Discord} {
		_, err := s.ChangeAlerts(t.Context(), chat.Target{Platform: p, Chat: "7"}, chat.Entry{}, func(c *alert.Chat) error {
			c.Kind = chat.Private
			c.Subscriptions = []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC"}}
			c.Levels = []alert.Level{{Coin: "BTC", USD: 100, Rising: true}}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	step := alert.Step{
		Alerts:  []alert.Alert{{ID: "a", Rule: alert.Breakout, Coin: "BTC", Strength: 1e9, Notable: true}},
		Reached: []alert.Reached{{Coin: "BTC", USD: 101}},
	}
	s.Serve(chat.Discord)
	if n, err := s.Record(t.Context(), step); n != 2 || err != nil {
		t.Errorf("with Discord alone %d deliveries are queued, %v; want the alert and the level", n, err)
	}
	s.Serve(chat.Telegram, chat.Discord)
	if n, err := s.Record(t.Context(), alert.Step{Reached: []alert.Reached{{Coin: "BTC", USD: 101, Alert: alert.Alert{At: time.Unix(1, 0)}}}}); n != 1 || err != nil {
		t.Errorf("with Telegram again %d deliveries are queued, %v; want the level that waited", n, err)
	}
}
