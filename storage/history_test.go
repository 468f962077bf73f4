package storage_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// outcome is what became of a breakout after a while.
func outcome(of alert.Alert, after time.Duration, held bool) alert.Alert {
	return alert.Alert{
		ID: of.ID + after.String(), Rule: alert.Outcome, Coin: of.Coin, At: of.At.Add(after), Notable: true,
		Followed: &alert.Followed{ID: of.ID, After: after, FromUSD: of.PriceUSD, ToUSD: of.PriceUSD + 1, Held: held},
	}
}

// told sends everything on a platform, each message with a number as its id.
func (r *room) told(t *testing.T, p chat.Platform) []alert.Delivery {
	t.Helper()
	b := r.advance(t, p, nil, 100)
	done := results(alert.Sent, b.Deliveries...)
	for i := range done {
		done[i].Message = strconv.Itoa(100 + i)
	}
	r.advance(t, p, done, 0)
	return b.Deliveries
}

func TestAnOutcomeAnswersTheMessage(t *testing.T) {
	r := newRoom(t)
	stays, leaves, tired := member(chat.Telegram, 1), member(chat.Telegram, 2), member(chat.Telegram, 3)
	later, there := member(chat.Telegram, 4), member(chat.Discord, 5)
	r.subscribe(t, chat.Private, "BTC", stays, leaves, tired, there)
	a := breakout("BTC", 0)
	r.record(t, alert.Step{Alerts: []alert.Alert{a}})
	if n := len(r.told(t, chat.Telegram)) + len(r.told(t, chat.Discord)); n != 4 {
		t.Fatalf("%d told", n)
	}
	r.subscribe(t, chat.Private, "BTC", later)
	r.change(t, leaves, func(c *alert.Chat) { c.Subscriptions = nil })
	r.change(t, tired, func(c *alert.Chat) { c.Terms.NoOutcomes = true })
	r.restart(t)
	r.pass(time.Hour)
	follow := outcome(a, time.Hour, true)
	if n := r.record(t, alert.Step{Alerts: []alert.Alert{follow}}); n != 4 {
		t.Errorf("%d are to be told, want the four who were told before", n)
	}
	wanted := map[chat.Target]string{}
	for _, p := range []chat.Platform{chat.Telegram, chat.Discord} {
		for _, d := range r.told(t, p) {
			if ok, err := r.Wanted(t.Context(), d); err != nil {
				t.Error(err)
			} else if ok {
				wanted[d.To.Target] = d.To.ReplyTo
			}
			if !d.Silent {
				t.Error("a follow-up makes a sound")
			}
		}
	}
	if diff := cmp.Diff(map[chat.Target]string{stays: "100", there: "100"}, wanted); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if n := r.record(t, alert.Step{Alerts: []alert.Alert{follow}}); n != 0 {
		t.Error("the same outcome is told twice")
	}
	past, err := r.History(t.Context(), alert.Breakout, "BTC", start)
	if err != nil || len(past) != 1 || past[0].Recipients != 4 || len(past[0].Outcomes) != 1 || !past[0].Outcomes[0].Held {
		t.Errorf("history: %+v, %v", past, err)
	}
	r.pass(48 * time.Hour)
	if err := r.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.record(t, alert.Step{Alerts: []alert.Alert{outcome(a, 24*time.Hour, false)}}); n != 0 {
		t.Errorf("%d are told of a message that is forgotten", n)
	}
}

func TestBaseRates(t *testing.T) {
	r := newRoom(t)
	for n := range 5 {
		a := breakout("BTC", n)
		r.record(t, alert.Step{Alerts: []alert.Alert{a}})
		step := alert.Step{Alerts: []alert.Alert{outcome(a, time.Hour, n%2 == 0)}}
		r.record(t, step)
		want := alert.Followed{BaseCount: n, BaseHeld: (n + 1) / 2}
		if got := step.Alerts[0].Followed; got.BaseCount != want.BaseCount || got.BaseHeld != want.BaseHeld {
			t.Errorf("outcome %d: %d of %d held before, want %d of %d", n, got.BaseHeld, got.BaseCount, want.BaseHeld, want.BaseCount)
		}
	}
	for _, coin := range []market.Coin{"BTC", ""} {
		if past, err := r.History(t.Context(), alert.Breakout, coin, start.Add(2*time.Second)); len(past) != 3 || err != nil {
			t.Errorf("history of %q: %d, %v; want 3", coin, len(past), err)
		}
	}
}

func TestUndo(t *testing.T) {
	r := newRoom(t)
	who := chat.Member{Platform: chat.Telegram, ID: "7"}
	entry := func(change string) chat.Entry { return chat.Entry{Member: who, Name: "Ann", Change: change} }
	change := func(name string, f func(*alert.Chat)) {
		t.Helper()
		if _, err := r.ChangeAlerts(t.Context(), group, entry(name), func(c *alert.Chat) error { f(c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	undo := func() (string, error) {
		e, err := r.Undo(t.Context(), group, chat.Entry{}, entry("undo"))
		return e.Change, err
	}
	if _, err := undo(); !errors.Is(err, chat.ErrNoChange) {
		t.Errorf("with nothing to undo: %v", err)
	}
	change("subscribe", func(c *alert.Chat) {
		c.Subscriptions = append(c.Subscriptions, alert.Subscription{Rule: alert.Breakout, Coin: "BTC", Since: start})
	})
	change("threshold", func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 1e9) })
	if err := r.Change(t.Context(), group, entry("language"), func(s *chat.Settings) { s.Language = "ru" }); err != nil {
		t.Fatal(err)
	}
	r.restart(t)
	for _, want := range []string{"language", "threshold", "subscribe"} {
		if got, err := undo(); got != want || err != nil {
			t.Errorf("undid %q, %v; want %q", got, err, want)
		}
	}
	if s, err := r.Settings(t.Context(), group); s.Language != "" || err != nil {
		t.Errorf("settings %+v, %v", s, err)
	}
	if c, err := r.Alerts(t.Context(), group); !c.Empty() || err != nil {
		t.Errorf("alerts %+v, %v", c, err)
	}
	if n := r.record(t, breakouts("BTC", 1)); n != 0 {
		t.Error("the index still has the subscription")
	}
	if log, err := r.Log(t.Context(), group, 10); len(log) != 6 || err != nil || log[0].Change != "undo" || log[0].Arg("what") != "subscribe" {
		t.Errorf("log %+v, %v", log, err)
	}
	// What has changed since is not undone.
	change("threshold", func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 1e9) })
	r.change(t, group, func(c *alert.Chat) { c.SetThreshold(alert.Breakout, "BTC", 2e9) })
	if _, err := undo(); !errors.Is(err, chat.ErrChanged) {
		t.Errorf("a change that was changed: %v", err)
	}
	if c, _ := r.Alerts(t.Context(), group); c.Threshold(alert.Breakout, "BTC") != 2e9 {
		t.Errorf("threshold %v", c.Threshold(alert.Breakout, "BTC"))
	}
}

func TestErase(t *testing.T) {
	r := newRoom(t)
	who, other := member(chat.Telegram, 1), member(chat.Telegram, 2)
	ann := chat.Member{Platform: chat.Telegram, ID: who.Chat}
	r.asleep(t, alert.Terms{Digest: alert.Digest{On: true, At: 540}}, "Asia/Tokyo", who)
	r.asleep(t, hours(0, 23, false), "", other)
	r.level(t, who, "ETH", 3000, true)
	for _, c := range []chat.Target{who, group} {
		_, err := r.ChangeAlerts(t.Context(), c, chat.Entry{Member: ann, Name: "Ann", Change: "threshold"}, func(a *alert.Chat) error {
			a.SetThreshold(alert.Breakout, "BTC", 1e9)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.record(t, breakouts("BTC", 1))
	r.told(t, chat.Telegram)
	got, err := r.Erase(t.Context(), who, ann)
	want := chat.Erased{Settings: true, Subscriptions: 1, Levels: 1, Thresholds: 1, Changes: 1, Mentions: 1, Messages: 1}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("erased (-want +got), %v:\n%s", err, diff)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if found := bytesOf(t, r.dir, who.Chat); found != "" {
		t.Errorf("the data file still knows the chat: %s", found)
	}
	if found := bytesOf(t, r.dir, "Ann"); found != "" {
		t.Errorf("the data file still knows the member: %s", found)
	}
	r.open(t)
	if held, err := r.Held(t.Context(), other); len(held) != 1 || err != nil {
		t.Errorf("another chat lost what was held for it: %d, %v", len(held), err)
	}
	if got, err := r.Erase(t.Context(), who, ann); got != (chat.Erased{}) || err != nil {
		t.Errorf("the second time: %+v, %v", got, err)
	}
}

func TestBroadcast(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", member(chat.Telegram, 1), member(chat.Discord, 2))
	gone := member(chat.Telegram, 3)
	r.subscribe(t, chat.Private, "BTC", gone)
	if err := r.Left(t.Context(), gone, "blocked"); err != nil {
		t.Fatal(err)
	}
	news := alert.Alert{ID: "maintenance", Words: "Back at noon", At: start, Expires: start.Add(time.Hour)}
	if n, err := r.Broadcast(t.Context(), news); n != 2 || err != nil {
		t.Errorf("queued %d, %v; want 2", n, err)
	}
	if n, err := r.Broadcast(t.Context(), news); n != 0 || err != nil {
		t.Errorf("queued %d more, %v", n, err)
	}
	for _, p := range []chat.Platform{chat.Telegram, chat.Discord} {
		if told := r.told(t, p); len(told) != 1 || told[0].Alert.Words != "Back at noon" || told[0].Alert.Rule != alert.Notice {
			t.Errorf("%s: %+v", p, told)
		}
	}
}

func TestWatchingCountsFromTheLastBreak(t *testing.T) {
	r := newRoom(t)
	watching := func() time.Duration {
		t.Helper()
		since, err := r.Watching(t.Context(), "BTC")
		if err != nil {
			t.Fatal(err)
		}
		if since.IsZero() {
			return -1
		}
		return r.clock().Sub(since)
	}
	look := func(d time.Duration) {
		for end := r.clock().Add(d); r.clock().Before(end); r.pass(time.Minute) {
			r.record(t, alert.Step{Seen: []market.Coin{"BTC"}})
		}
	}
	if got := watching(); got != -1 {
		t.Errorf("before the first look: %v", got)
	}
	look(5 * time.Hour)
	r.restart(t)
	if got := watching(); got != 5*time.Hour {
		t.Errorf("after five hours: %v", got)
	}
	r.pass(30 * time.Minute)
	look(time.Hour)
	if got := watching(); got != 6*time.Hour+30*time.Minute {
		t.Errorf("a short break counts: %v", got)
	}
	r.pass(60 * 24 * time.Hour)
	if got := watching(); got != -1 {
		t.Errorf("while nobody looks: %v", got)
	}
	look(2 * time.Hour)
	if got := watching(); got != 2*time.Hour {
		t.Errorf("after a long break: %v", got)
	}
}
