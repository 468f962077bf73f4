package storage_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/alert"
	"liqbot/chat"
)

func TestMoveTakesEverythingAlong(t *testing.T) {
	r := newRoom(t)
	super := chat.Target{Platform: chat.Telegram, Chat: "-1001"}
	old := chat.Entry{Change: "subscribed", Args: []string{"old"}}
	_, err := r.ChangeAlerts(t.Context(), group, old, func(c *alert.Chat) error {
		c.Kind = chat.Group
		c.Subscriptions = []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC", Paused: true}, {Rule: alert.Breakout, Coin: "ETH"}}
		c.Levels = []alert.Level{{Coin: "BTC", USD: 1, Rising: true}, {Coin: "BTC", USD: 2, Rising: true}}
		c.SetThreshold(alert.Breakout, "BTC", 1e9)
		c.SetThreshold(alert.Breakout, "ETH", 2e9)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.record(t, breakouts("ETH", 1))
	r.pass(time.Minute)
	_, err = r.ChangeAlerts(t.Context(), super, chat.Entry{Change: "subscribed", Args: []string{"new"}}, func(c *alert.Chat) error {
		c.Subscriptions = []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC"}}
		c.Levels = []alert.Level{{Coin: "BTC", USD: 2, Rising: true}}
		c.SetThreshold(alert.Breakout, "BTC", 3e9)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	channel := chat.Target{Platform: chat.Telegram, Chat: "-7"}
	r.subscribe(t, chat.Channel, "SOL", channel)
	r.change(t, channel, func(c *alert.Chat) { c.Home = group })
	for range 2 {
		if err := r.Move(t.Context(), group, super); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := r.Txid()
	if err := r.Move(t.Context(), group, super); err != nil {
		t.Fatal(err)
	}
	if after, _ := r.Txid(); after != before {
		t.Error("a move that is no news was written")
	}
	want := alert.Chat{
		Kind:          chat.Group,
		Subscriptions: []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC"}, {Rule: alert.Breakout, Coin: "ETH"}},
		Levels:        []alert.Level{{ID: 3, Coin: "BTC", USD: 2, Rising: true}, {ID: 1, Coin: "BTC", USD: 1, Rising: true}},
		Thresholds:    []alert.Threshold{{Rule: alert.Breakout, Coin: "BTC", Least: 3e9}, {Rule: alert.Breakout, Coin: "ETH", Least: 2e9}},
	}
	for _, target := range []chat.Target{super, group} { // the old id leads to the new one
		got, err := r.Alerts(t.Context(), target)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("alerts of %s (-want +got), %v:\n%s", target.Chat, err, diff)
		}
	}
	log, err := r.Log(t.Context(), super, 10)
	if err != nil || len(log) != 2 || log[0].Args[0] != "new" || log[1].Args[0] != "old" {
		t.Errorf("log %v, %v", log, err)
	}
	if census, _ := r.Census(t.Context()); census.Chats != 2 || census.Levels != 2 || census.Subscriptions != 3 {
		t.Errorf("census %+v", census)
	}
	sameIndex(t, r)
	// What was on its way to the old id goes to the new one.
	b := r.advance(t, chat.Telegram, nil, 10)
	if len(b.Deliveries) != 1 || b.Deliveries[0].To.Target != super {
		t.Fatalf("deliveries %+v", b.Deliveries)
	}
	if wanted, err := r.Wanted(t.Context(), b.Deliveries[0]); !wanted || err != nil {
		t.Errorf("wanted: %v, %v", wanted, err)
	}
	if wanted, err := r.Wanted(t.Context(), alert.Delivery{Alert: b.Deliveries[0].Alert, To: alert.Recipient{Target: group, Kind: chat.Group}}); !wanted || err != nil {
		t.Errorf("wanted at the old id: %v, %v", wanted, err)
	}
	homeFollows(t, r, channel, super)
	r.restart(t)
	if found, err := r.Interrupted(t.Context(), chat.Telegram); len(found) != 2 || found[0].To.Target != super || err != nil {
		t.Errorf("interrupted: %+v, %v", found, err)
	}
}

// homeFollows checks that the home of a channel is the chat's new id wherever it is
// shown, and that this is no change of the channel's.
func homeFollows(t *testing.T, r *room, channel, home chat.Target) {
	t.Helper()
	if got, err := r.Alerts(t.Context(), channel); got.Home != home || err != nil {
		t.Errorf("the channel's home is %v, %v", got.Home, err)
	}
	lines, _ := r.Log(t.Context(), home, 10)
	got, err := r.ChangeAlerts(t.Context(), channel, chat.Entry{Change: "none"}, func(c *alert.Chat) error {
		if c.Home != home {
			t.Errorf("a change sees the home %v", c.Home)
		}
		return nil
	})
	if after, _ := r.Log(t.Context(), home, 10); got.Home != home || err != nil || len(after) != len(lines) {
		t.Errorf("no change: home %v, %v, %d lines after %d", got.Home, err, len(after), len(lines))
	}
	sameIndex(t, r)
	r.record(t, breakouts("SOL", 2))
	if b := r.advance(t, chat.Telegram, nil, 1); len(b.Deliveries) != 1 || b.Deliveries[0].To.Home != home {
		t.Errorf("to the channel: %+v", b.Deliveries)
	}
}

func sameIndex(t *testing.T, r *room) {
	t.Helper()
	have, want, err := r.Index()
	slices.Sort(have)
	slices.Sort(want)
	if diff := cmp.Diff(want, have, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("index against the records (-want +got), %v:\n%s", err, diff)
	}
}
