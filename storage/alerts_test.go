package storage_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
	"liqbot/storage"
)

func TestAlertsSurviveARestart(t *testing.T) {
	r := newRoom(t)
	want := r.change(t, group, func(c *alert.Chat) {
		c.Kind, c.Language, c.MutedUntil = chat.Group, "ru", start.Add(time.Hour)
		c.Home = chat.Target{Platform: chat.Telegram, Chat: "-200"}
		c.Subscriptions = []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC", Thread: "7", Since: start}, {Rule: alert.Breakout, Coin: "ETH", Paused: true, Since: start}}
		c.Levels = []alert.Level{{Coin: "BTC", USD: 95_000, Rising: true, Since: start}, {Coin: "BTC", USD: 90_000.5, Since: start}}
		c.SetThreshold(alert.Breakout, "BTC", 1e9)
	})
	if want.Levels[0].ID == 0 || want.Levels[0].ID == want.Levels[1].ID {
		t.Errorf("levels have the ids %d and %d", want.Levels[0].ID, want.Levels[1].ID)
	}
	r.restart(t)
	for name, target := range map[string]chat.Target{"the chat": group, "a topic in it": {Platform: chat.Telegram, Chat: "-100", Thread: "9"}} {
		got, err := r.Alerts(t.Context(), target)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s after the restart (-want +got), %v:\n%s", name, err, diff)
		}
	}
	if got, err := r.Alerts(t.Context(), member(chat.Telegram, 1)); !got.Empty() || err != nil {
		t.Errorf("a chat that asked for nothing: %+v, %v", got, err)
	}
}

func TestChangeIsRefused(t *testing.T) {
	subs := func(n int) (out []alert.Subscription) {
		for i := range n {
			out = append(out, alert.Subscription{Rule: alert.Breakout, Coin: market.Coin(fmt.Sprintf("C%d", i))})
		}
		return out
	}
	long := strings.Repeat("x", 500)
	for name, c := range map[string]struct {
		target chat.Target
		change func(*alert.Chat) error
		want   error
	}{
		"by the caller":          {group, func(*alert.Chat) error { return errNo }, errNo},
		"too many subscriptions": {group, func(c *alert.Chat) error { c.Subscriptions = subs(alert.MaxSubscriptions + 1); return nil }, alert.ErrTooMany},
		"too many levels": {group, func(c *alert.Chat) error {
			c.Levels = slices.Repeat([]alert.Level{{Coin: "BTC", USD: 1}}, 21)
			return nil
		}, alert.ErrTooMany},
		"a level of no price":   {group, func(c *alert.Chat) error { c.Levels = []alert.Level{{Coin: "BTC", USD: math.NaN()}}; return nil }, nil},
		"a negative level":      {group, func(c *alert.Chat) error { c.Levels = []alert.Level{{Coin: "BTC", USD: -1}}; return nil }, nil},
		"an infinite threshold": {group, func(c *alert.Chat) error { c.SetThreshold(alert.Breakout, "BTC", math.Inf(1)); return nil }, nil},
		"a coin with a NUL":     {group, func(c *alert.Chat) error { c.Levels = []alert.Level{{Coin: "B\x00C", USD: 1}}; return nil }, nil},
		"a rule with a NUL": {group, func(c *alert.Chat) error {
			c.Subscriptions = []alert.Subscription{{Rule: "a\x00", Coin: "BTC"}}
			return nil
		}, nil},
		"a topic without end": {group, func(c *alert.Chat) error { c.Subscriptions = subs(1); c.Subscriptions[0].Thread = long; return nil }, nil},
		"a home without end": {group, func(c *alert.Chat) error {
			c.Levels = []alert.Level{{Coin: "BTC", USD: 1}}
			c.Home.Chat = long
			return nil
		}, nil},
		"a chat without an id":    {chat.Target{Platform: chat.Web}, func(*alert.Chat) error { return nil }, nil},
		"a chat with a long id":   {chat.Target{Platform: chat.Web, Chat: long}, func(*alert.Chat) error { return nil }, nil},
		"a chat with NUL in it":   {chat.Target{Platform: chat.Web, Chat: "a\x00b"}, func(*alert.Chat) error { return nil }, nil},
		"a platform with NUL too": {chat.Target{Platform: "a\x00", Chat: "b"}, func(*alert.Chat) error { return nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			_, err := r.ChangeAlerts(t.Context(), c.target, chat.Entry{Change: "subscribed"}, c.change)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error = %v, want %v", err, c.want)
			}
			if rows, err := r.Dump(); rows["alerts"]+rows["subs"]+rows["levels"]+rows["audit"] != 0 || err != nil {
				t.Errorf("something was kept: %v, %v", rows, err)
			}
		})
	}
}

func TestTooManyCoinsAreRefusedOnlyForGrowth(t *testing.T) {
	r := newRoom(t)
	for i := range storage.MaxCoins {
		coin := market.Coin(fmt.Sprintf("C%d", i))
		if i%2 == 0 {
			r.subscribe(t, chat.Private, coin, member(chat.Web, i/10))
		} else {
			r.level(t, member(chat.Web, i/10), coin, 1, true)
		}
	}
	more := func(target chat.Target, coin market.Coin) error {
		_, err := r.ChangeAlerts(t.Context(), target, chat.Entry{}, func(c *alert.Chat) error {
			c.Subscriptions = append(c.Subscriptions, alert.Subscription{Rule: alert.Breakout, Coin: coin})
			return nil
		})
		return err
	}
	if err := more(group, "NEW"); !errors.Is(err, alert.ErrTooManyCoins) {
		t.Errorf("one coin more: %v, want ErrTooManyCoins", err)
	}
	if err := more(group, "C3"); err != nil {
		t.Errorf("a coin that is watched already: %v", err)
	}
	r.change(t, member(chat.Web, 0), func(c *alert.Chat) { c.Subscriptions = c.Subscriptions[1:] })
	if err := more(group, "NEW"); err != nil {
		t.Errorf("after another was dropped: %v", err)
	}
	if coins, err := r.Watched(t.Context()); len(coins) != storage.MaxCoins || !slices.IsSorted(coins) || err != nil {
		t.Errorf("%d coins are watched, %v: %v", len(coins), err, coins)
	}
}

func TestLogTellsWhatHasChanged(t *testing.T) {
	r := newRoom(t)
	home := chat.Target{Platform: chat.Discord, Chat: "server"}
	channel := chat.Target{Platform: chat.Discord, Chat: "channel"}
	entry := chat.Entry{Member: chat.Member{Platform: chat.Discord, ID: "5"}, Name: "Ann\n\u202eевил\x00" + strings.Repeat("я", 60), Change: "subscribed", Args: []string{"coin", "BTC"}}
	subscribe := func(c *alert.Chat) error {
		c.Home = home
		c.Subscriptions = []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC", Since: start}}
		return nil
	}
	for range 2 { // the second changes nothing
		if _, err := r.ChangeAlerts(t.Context(), channel, entry, subscribe); err != nil {
			t.Fatal(err)
		}
	}
	r.pass(time.Minute)
	r.change(t, channel, func(c *alert.Chat) { c.Language = "ru" }) // not to be told
	for range 2 {
		if err := r.Change(t.Context(), home, chat.Entry{Change: "language"}, func(c *chat.Settings) { c.Language = "ru" }); err != nil {
			t.Fatal(err)
		}
	}
	r.pass(time.Minute)
	stop := func(c *alert.Chat) error { *c = alert.Chat{}; return nil }
	if _, err := r.ChangeAlerts(t.Context(), channel, chat.Entry{Change: "stopped"}, stop); err != nil {
		t.Fatal(err)
	}
	got, err := r.Log(t.Context(), home, 10)
	if err != nil {
		t.Fatal(err)
	}
	var name string
	if len(got) == 3 {
		name, got[2].Name = got[2].Name, ""
	}
	want := []chat.Entry{
		{At: start.Add(2 * time.Minute), Change: "stopped"},
		{At: start.Add(time.Minute), Change: "language"},
		{At: start, Member: entry.Member, Change: "subscribed", Args: entry.Args},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if len(name) > 64 || !utf8.ValidString(name) || !strings.HasPrefix(name, "Annевиля") {
		t.Errorf("name in the log is %q", name)
	}
	if got, err := r.Log(t.Context(), channel, 10); len(got) != 0 || err != nil {
		t.Errorf("the channel has a log of its own: %v, %v", got, err)
	}
	if rows, err := r.Dump(); rows["alerts"] != 0 || err != nil {
		t.Errorf("an empty record was kept: %v, %v", rows, err)
	}
}

func TestLogIsSilentWhenNothingHasChanged(t *testing.T) {
	r := newRoom(t)
	// The first sight of a chat is kept, and is no change of it.
	if err := r.Change(t.Context(), group, chat.Entry{Change: "language"}, func(*chat.Settings) {}); err != nil {
		t.Fatal(err)
	}
	got, err := r.ChangeAlerts(t.Context(), group, chat.Entry{Change: "stopped"}, func(c *alert.Chat) error {
		c.Kind, c.Language = chat.Group, "ru"
		return nil
	})
	if diff := cmp.Diff(alert.Chat{}, got); diff != "" || err != nil {
		t.Errorf("a chat that asks for nothing (-want +got), %v:\n%s", err, diff)
	}
	if lines, err := r.Log(t.Context(), group, 10); len(lines) != 0 || err != nil {
		t.Errorf("log %v, %v", lines, err)
	}
	if settings, err := r.Settings(t.Context(), group); !settings.Since.Equal(start) || err != nil {
		t.Errorf("settings %+v, %v", settings, err)
	}
}

func TestLogKeepsTheNewest(t *testing.T) {
	r := newRoom(t)
	for i := range storage.EntriesKept + 5 {
		err := r.Change(t.Context(), group, chat.Entry{Change: "coin", Args: []string{fmt.Sprint(i)}}, func(c *chat.Settings) { c.Coin = fmt.Sprint(i) })
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := r.Log(t.Context(), group, 1000)
	if err != nil || len(all) != storage.EntriesKept || all[0].Args[0] != "104" || all[99].Args[0] != "5" {
		t.Errorf("%d lines, from %v to %v, %v", len(all), all[0], all[len(all)-1], err)
	}
	if two, err := r.Log(t.Context(), group, 2); len(two) != 2 || two[1].Args[0] != "103" || err != nil {
		t.Errorf("two lines: %v, %v", two, err)
	}
}

func TestChatThatCannotBeReachedIsLeftAlone(t *testing.T) {
	r := newRoom(t)
	a, b := member(chat.Telegram, 1), member(chat.Telegram, 2)
	r.subscribe(t, chat.Private, "BTC", a, b)
	r.level(t, a, "ETH", 4000, true)
	for range 2 {
		if err := r.Left(t.Context(), a, "bot was blocked by the user"); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Left(t.Context(), member(chat.Telegram, 3), "unknown"); err != nil {
		t.Error(err)
	}
	got, err := r.Alerts(t.Context(), a)
	want := alert.Retirement{At: start, Reason: "bot was blocked by the user"}
	if got.Retired != want || len(got.Subscriptions) != 1 || err != nil {
		t.Errorf("the chat is %+v, %v", got, err)
	}
	if n := r.record(t, breakouts("BTC", 1)); n != 1 {
		t.Errorf("%d are told, want 1", n)
	}
	if coins, _ := r.Watched(t.Context()); !slices.Equal(coins, []market.Coin{"BTC"}) {
		t.Errorf("watched are %v", coins)
	}
	census, err := r.Census(t.Context())
	if diff := cmp.Diff(alert.Census{Chats: 1, Retired: 1, Subscriptions: 1, Coins: 1}, census); diff != "" || err != nil {
		t.Errorf("census (-want +got), %v:\n%s", err, diff)
	}
	if err := r.Back(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if n := r.record(t, breakouts("BTC", 2)); n != 2 {
		t.Errorf("after it came back %d are told, want 2", n)
	}
	before, _ := r.Txid()
	for _, target := range []chat.Target{a, b, member(chat.Telegram, 3)} {
		if err := r.Back(t.Context(), target); err != nil {
			t.Error(err)
		}
	}
	if after, _ := r.Txid(); after != before {
		t.Errorf("a Back that is no news made %d commits", after-before)
	}
}

func TestWantedReadsAnew(t *testing.T) {
	none := func(*alert.Chat) {}
	for name, c := range map[string]struct {
		change func(*alert.Chat)
		level  bool
		want   bool
	}{
		"as it was":              {none, false, true},
		"unsubscribed":           {func(c *alert.Chat) { c.Subscriptions = nil }, false, false},
		"paused":                 {func(c *alert.Chat) { c.Subscriptions[0].Paused = true }, false, false},
		"barred":                 {func(c *alert.Chat) { c.Subscriptions[0].Barred = true }, false, false},
		"muted":                  {func(c *alert.Chat) { c.MutedUntil = start.Add(time.Second) }, false, false},
		"muted for ever":         {func(c *alert.Chat) { c.MutedUntil = start.AddDate(9000-2026, 0, 0) }, false, false},
		"muted before":           {func(c *alert.Chat) { c.MutedUntil = start }, false, true},
		"retired":                {func(c *alert.Chat) { c.Retired.At = start }, false, false},
		"higher threshold":       {func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 2.8e9) }, false, false},
		"threshold that is met":  {func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 2.705e9) }, false, true},
		"the chat became public": {func(c *alert.Chat) { c.Kind = chat.Channel }, false, true},
		"another topic":          {func(c *alert.Chat) { c.Subscriptions[0].Thread = "8" }, false, false},
		"level":                  {none, true, true},
		"level, muted":           {func(c *alert.Chat) { c.MutedUntil = start.Add(time.Second) }, true, false},
		"level, retired":         {func(c *alert.Chat) { c.Retired.At = start }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			topic := chat.Target{Platform: chat.Telegram, Chat: "-100", Thread: "7"}
			r.subscribe(t, chat.Group, "BTC", topic)
			r.level(t, topic, "BTC", 100, true)
			step := breakouts("BTC", 1)
			if c.level {
				step = price("BTC", 100, 1)
			}
			r.record(t, step)
			b := r.advance(t, chat.Telegram, nil, 2)
			if len(b.Deliveries) != 1 {
				t.Fatalf("deliveries %+v", b.Deliveries)
			}
			r.change(t, group, c.change)
			if got, err := r.Wanted(t.Context(), b.Deliveries[0]); got != c.want || err != nil {
				t.Errorf("wanted = %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestWebKeyIsMadeOnce(t *testing.T) {
	r := newRoom(t)
	first, err := r.WebKey(t.Context())
	if err != nil || len(first) != 32 || slices.Equal(first, make([]byte, 32)) {
		t.Fatalf("key of %d bytes, %v", len(first), err)
	}
	r.restart(t)
	if again, err := r.WebKey(t.Context()); !slices.Equal(first, again) || err != nil {
		t.Errorf("another key after the restart, %v", err)
	}
	if other, err := newRoom(t).WebKey(t.Context()); slices.Equal(first, other) || err != nil {
		t.Errorf("two stores have the same key, %v", err)
	}
}
