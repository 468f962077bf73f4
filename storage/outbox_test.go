package storage_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/storage"
)

func TestOutboxOrder(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", members(chat.Telegram, 2)...)
	r.subscribe(t, chat.Private, "ETH", member(chat.Telegram, 2))
	r.level(t, member(chat.Telegram, 3), "BTC", 100, true)
	r.record(t, breakouts("BTC", 1))
	r.record(t, breakouts("ETH", 2))
	r.record(t, price("BTC", 100, 3))
	ids := func(b alert.Batch) (out []string) {
		for _, d := range b.Deliveries {
			out = append(out, fmt.Sprintf("%s %s %s", d.Alert.Rule, d.Alert.Coin, d.To.Target.Chat[9:]))
		}
		return out
	}
	first := r.advance(t, chat.Telegram, nil, 2)
	if diff := cmp.Diff([]string{"price BTC 3", "breakout BTC 0"}, ids(first)); diff != "" || first.Left != 4 || !first.Next.IsZero() {
		t.Errorf("first, %d left, next %v (-want +got):\n%s", first.Left, first.Next, diff)
	}
	later := results(alert.Waiting, first.Deliveries...)
	later[0].NotBefore, later[1].NotBefore = start.Add(time.Minute), start.Add(time.Second)
	second := r.advance(t, chat.Telegram, later, 1)
	if diff := cmp.Diff([]string{"breakout BTC 1"}, ids(second)); diff != "" || !second.Next.Equal(start.Add(time.Second)) {
		t.Errorf("second, next %v (-want +got):\n%s", second.Next, diff)
	}
	r.pass(time.Second)
	third := r.advance(t, chat.Telegram, nil, 5)
	if diff := cmp.Diff([]string{"breakout BTC 0", "breakout ETH 2"}, ids(third)); diff != "" || !third.Next.Equal(start.Add(time.Minute)) || third.Left != 4 {
		t.Errorf("third, next %v (-want +got):\n%s", third.Next, diff)
	}
	if b := r.advance(t, chat.Discord, nil, 5); len(b.Deliveries)+b.Left != 0 || !b.Next.IsZero() {
		t.Errorf("the other platform has %+v", b)
	}
}

func TestWaitingComesAgainAsItWasGiven(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", member(chat.Telegram, 1))
	r.record(t, breakouts("BTC", 1))
	d := r.advance(t, chat.Telegram, nil, 1).Deliveries[0]
	want := d
	for i := range 3 {
		d.Attempts, d.Since = i+1, start.Add(time.Duration(i)*time.Second)
		want.Attempts, want.Since, want.Repeat = d.Attempts, d.Since, i == 1
		back := []alert.Result{{Delivery: d, State: alert.Waiting, NotBefore: r.clock().Add(time.Second), Repeat: i == 1}}
		if b := r.advance(t, chat.Telegram, back, 1); len(b.Deliveries) != 0 || b.Left != 1 || !b.Next.Equal(back[0].NotBefore) {
			t.Fatalf("not due yet: %+v", b)
		}
		r.restart(t)
		if found, err := r.Interrupted(t.Context(), chat.Telegram); len(found) != 0 || err != nil {
			t.Fatalf("one that waits was interrupted: %+v, %v", found, err)
		}
		r.pass(time.Second)
		b := r.advance(t, chat.Telegram, nil, 1)
		if diff := cmp.Diff([]alert.Delivery{want}, b.Deliveries); diff != "" {
			t.Fatalf("try %d (-want +got):\n%s", i, diff)
		}
		d = b.Deliveries[0]
	}
	r.restart(t)
	if found, err := r.Interrupted(t.Context(), chat.Telegram); !cmp.Equal([]alert.Delivery{want}, found) || err != nil {
		t.Errorf("interrupted: %+v, %v", found, err)
	}
	if b := r.advance(t, chat.Telegram, results(alert.Sent, d, d), 1); b.Left != 0 || len(b.Deliveries) != 0 {
		t.Errorf("after the last: %+v", b)
	}
	if diff := cmp.Diff(map[alert.State]uint64{alert.Sent: 1}, r.totals(t).Deliveries); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	tidied(t, r)
}

// tidied checks that nothing is left of what was delivered.
func tidied(t *testing.T, r *room) {
	t.Helper()
	rows, err := r.Dump()
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []string{"outbox", "news", "recipients", "waiting", "flying"} {
		if rows[bucket] != 0 {
			t.Errorf("%d rows are left in %s", rows[bucket], bucket)
		}
	}
}

func TestInterruptedAreThoseWithoutResult(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", members(chat.Telegram, 60)...)
	r.record(t, breakouts("BTC", 1))
	first := r.advance(t, chat.Telegram, nil, 20).Deliveries
	r.pass(time.Second)
	second := r.advance(t, chat.Telegram, results(alert.Sent, slices.Concat(first[:3], first[5:9])...), 20).Deliveries
	r.pass(time.Second)
	third := r.advance(t, chat.Telegram, results(alert.Failed, second[1:]...), 0)
	if third.Left != 60-7-19 {
		t.Errorf("%d are left", third.Left)
	}
	want := slices.Concat(first[3:5], first[9:], second[:1])
	for i := range want {
		want[i].Since = start
	}
	want[len(want)-1].Since = start.Add(time.Second)
	for range 2 {
		r.restart(t)
		found, err := r.Interrupted(t.Context(), chat.Telegram)
		if diff := cmp.Diff(want, found); diff != "" || err != nil {
			t.Fatalf("interrupted (-want +got), %v:\n%s", err, diff)
		}
	}
	r.advance(t, chat.Telegram, results(alert.Uncertain, want...), 0)
	if found, err := r.Interrupted(t.Context(), chat.Telegram); len(found) != 0 || err != nil {
		t.Errorf("interrupted again: %+v, %v", found, err)
	}
	if got := r.deliver(t, chat.Telegram); len(got) != 20 {
		t.Errorf("%d are left to be told, want 20", len(got))
	}
	wantTotals := map[alert.State]uint64{alert.Sent: 27, alert.Failed: 19, alert.Uncertain: 14}
	if diff := cmp.Diff(wantTotals, r.totals(t).Deliveries); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	tidied(t, r)
}

func TestNothingSeemsYoungerThanItIs(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", members(chat.Telegram, 60)...)
	r.record(t, breakouts("BTC", 1))
	for range 30 {
		r.advance(t, chat.Telegram, nil, 2)
		r.pass(time.Second)
	}
	found, err := r.Interrupted(t.Context(), chat.Telegram)
	if err != nil || len(found) != 60 {
		t.Fatalf("%d are interrupted, %v", len(found), err)
	}
	for i, d := range found {
		claimed := start.Add(time.Duration(i/2) * time.Second)
		// Of many claims the newest 15 are told apart.
		if exact := i >= 30; d.Since.After(claimed) || exact && !d.Since.Equal(claimed) {
			t.Errorf("delivery %d was handed out at %v, since %v", i, claimed, d.Since)
		}
	}
}

func TestStragglerDoesNotHoldUpTheOthers(t *testing.T) {
	r := newRoom(t)
	n := 2*storage.ChunkSize + 10
	r.fill(t, n)
	r.record(t, breakouts("BTC", 1))
	slow := r.advance(t, chat.Telegram, nil, 5).Deliveries
	told := map[string]int{}
	var done []alert.Result
	for {
		b := r.advance(t, chat.Telegram, done, 14)
		if len(b.Deliveries) == 0 {
			break
		}
		for _, d := range b.Deliveries {
			told[d.To.Target.Chat]++
		}
		done = results(alert.Sent, b.Deliveries...)
	}
	if rows, _ := r.Dump(); rows["flying"] != 5 || rows["recipients"] != 1 || rows["outbox"] != 1 {
		t.Errorf("rows while five are slow: %v", rows)
	}
	r.restart(t)
	found, err := r.Interrupted(t.Context(), chat.Telegram)
	for i := range slow {
		slow[i].Since = start
	}
	if diff := cmp.Diff(slow, found); diff != "" || err != nil {
		t.Errorf("interrupted (-want +got), %v:\n%s", err, diff)
	}
	if b := r.advance(t, chat.Telegram, results(alert.Sent, slow...), 1); b.Left != 0 || len(told) != n-5 {
		t.Errorf("%d left, %d told", b.Left, len(told))
	}
	tidied(t, r)
}

// fill makes private chats subscribe to BTC at once.
func (r *room) fill(tb testing.TB, n int) {
	tb.Helper()
	err := r.Fill(n, func(i int) (chat.Target, alert.Chat) {
		return member(chat.Telegram, i), alert.Chat{Kind: chat.Private, Subscriptions: []alert.Subscription{{Rule: alert.Breakout, Coin: "BTC", Since: start}}}
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func TestExpiredBacklogIsPassedOver(t *testing.T) {
	r := newRoom(t)
	n := 20 * storage.ChunkSize
	r.fill(t, n)
	r.record(t, breakouts("BTC", 1))
	r.record(t, breakouts("BTC", 600))
	d := r.advance(t, chat.Telegram, nil, 1).Deliveries
	r.pass(16 * time.Minute)
	b := r.advance(t, chat.Telegram, nil, 1)
	if len(b.Deliveries) != 1 || b.Left != n+1 || b.Deliveries[0].Alert.ID != breakout("BTC", 600).ID {
		t.Errorf("%d left, %+v", b.Left, b.Deliveries)
	}
	r.advance(t, chat.Telegram, results(alert.Sent, append(d, b.Deliveries...)...), 0)
	r.pass(time.Hour)
	// The newest of a coin is told late; the older one has nothing to add.
	b = r.advance(t, chat.Telegram, nil, 1)
	if len(b.Deliveries) != 1 || !b.Deliveries[0].Late || b.Left != n-1 {
		t.Errorf("late: %d left, %+v", b.Left, b.Deliveries)
	}
	r.advance(t, chat.Telegram, results(alert.Sent, b.Deliveries...), 0)
	r.pass(alert.LateFor)
	if b := r.advance(t, chat.Telegram, nil, 1); b.Left != 0 {
		t.Errorf("at the end: %+v", b)
	}
	want := map[alert.State]uint64{alert.Sent: 3, alert.Expired: uint64(2*n - 3)}
	if diff := cmp.Diff(want, r.totals(t).Deliveries); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	tidied(t, r)
}

func TestWhatFollowsFromAResult(t *testing.T) {
	r := newRoom(t)
	topic, other := chat.Target{Platform: chat.Telegram, Chat: "-5", Thread: "7"}, chat.Target{Platform: chat.Telegram, Chat: "-5", Thread: "8"}
	blocked := member(chat.Telegram, 1)
	r.subscribe(t, chat.Group, "BTC", topic, other)
	r.subscribe(t, chat.Private, "BTC", blocked)
	r.record(t, breakouts("BTC", 1))
	done := results(alert.Sent, r.advance(t, chat.Telegram, nil, 9).Deliveries...)
	done[0].State, done[0].Reason = alert.Barred, "not enough rights"
	done[2].State, done[2].Reason = alert.Retired, "bot was blocked by the user"
	r.advance(t, chat.Telegram, done, 0)
	wanted := []alert.Subscription{
		{Rule: alert.Breakout, Coin: "BTC", Thread: "7", Paused: true, Barred: true, Since: start},
		{Rule: alert.Breakout, Coin: "BTC", Thread: "8", Since: start},
	}
	group, err := r.Alerts(t.Context(), topic)
	if diff := cmp.Diff(wanted, group.Subscriptions); diff != "" || err != nil {
		t.Errorf("subscriptions of the group (-want +got), %v:\n%s", err, diff)
	}
	if got, err := r.Alerts(t.Context(), blocked); got.Retired != (alert.Retirement{At: start, Reason: "bot was blocked by the user"}) || err != nil {
		t.Errorf("the member's chat: %+v, %v", got, err)
	}
	r.record(t, breakouts("BTC", 2))
	if got := r.deliver(t, chat.Telegram); !slices.Equal(got, []chat.Target{other}) {
		t.Errorf("the next alert goes to %v", got)
	}
	for _, target := range []chat.Target{topic, blocked} {
		if err := r.Back(t.Context(), target); err != nil {
			t.Fatal(err)
		}
	}
	r.record(t, breakouts("BTC", 3))
	if got := r.deliver(t, chat.Telegram); len(got) != 3 {
		t.Errorf("after they came back it goes to %v", got)
	}
	sameIndex(t, r)
}

func TestResultsThatCannotBe(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", members(chat.Telegram, 3)...)
	r.record(t, breakouts("BTC", 1))
	d := r.advance(t, chat.Telegram, nil, 1).Deliveries[0]
	unknown, ahead, strange := d, d, d
	unknown.Ref.Entry++
	ahead.Ref.Index = 2
	done := append(results(alert.Sent, unknown, ahead), alert.Result{Delivery: strange, State: 77})
	if b := r.advance(t, chat.Telegram, done, 0); b.Left != 2 {
		t.Errorf("%d are left, want 2", b.Left)
	}
	if diff := cmp.Diff(map[alert.State]uint64{alert.Failed: 1}, r.totals(t).Deliveries); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
}

func TestAdvanceWithoutNewsWritesNothing(t *testing.T) {
	r := newRoom(t)
	r.subscribe(t, chat.Private, "BTC", members(chat.Telegram, 2)...)
	r.record(t, breakouts("BTC", 1))
	d := r.advance(t, chat.Telegram, nil, 2).Deliveries
	before, _ := r.Txid()
	r.advance(t, chat.Telegram, nil, 10)
	r.advance(t, chat.Web, nil, 10)
	if _, err := r.Interrupted(t.Context(), chat.Telegram); err != nil {
		t.Error(err)
	}
	if after, _ := r.Txid(); after != before {
		t.Errorf("%d commits without news", after-before)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if _, err := r.Advance(gone, chat.Telegram, results(alert.Sent, d...), 0); err == nil {
		t.Error("a cancelled call succeeded")
	}
	if b := r.advance(t, chat.Telegram, nil, 0); b.Left != 2 {
		t.Error("a cancelled call kept results")
	}
}

func TestPoisonIsSetAside(t *testing.T) {
	for bucket, want := range map[string]struct {
		aside    uint64
		failed   uint64
		told     int
		finished bool
	}{
		// Of a lost header nobody knows how many recipients it had. The rows of three
		// deliveries are set aside with it.
		"outbox": {4, 0, 1, false},
		"news":   {4, 10, 1, true},
		// Those that wait or flew before have rows of their own.
		"recipients": {1, 7, 4, true},
		"waiting":    {2, 2, 9, true},
		"flying":     {1, 1, 10, true},
		"alerts":     {0, 0, 11, true},
		"figures":    {0, 0, 11, true},
	} {
		t.Run(bucket, func(t *testing.T) {
			r := newRoom(t)
			r.subscribe(t, chat.Private, "BTC", members(chat.Telegram, 10)...)
			r.subscribe(t, chat.Private, "ETH", member(chat.Telegram, 10))
			r.record(t, breakouts("BTC", 1))
			first := r.advance(t, chat.Telegram, nil, 5).Deliveries
			b := r.advance(t, chat.Telegram, results(alert.Waiting, first[:3]...), 1).Deliveries
			b = append(b, first[3:]...)
			if n, err := r.Flip(bucket); n == 0 || err != nil {
				t.Fatalf("flipped %d rows, %v", n, err)
			}
			r.restart(t)
			if _, err := r.Interrupted(t.Context(), chat.Telegram); err != nil {
				t.Fatal(err)
			}
			r.record(t, breakouts("ETH", 2))
			// What flies was sent; a result for what is set aside changes nothing.
			done := results(alert.Sent, b...)
			done[0].State = alert.Retired
			r.advance(t, chat.Telegram, done, 0)
			r.deliver(t, chat.Telegram)
			totals := r.totals(t)
			if bucket == "figures" {
				totals.Deliveries[alert.Failed] = 0
			}
			told := int(totals.Deliveries[alert.Sent] + totals.Deliveries[alert.Retired])
			if told != want.told || totals.Deliveries[alert.Failed] != want.failed || r.quarantined(t) != want.aside {
				t.Errorf("told %d, failed %d, set aside %d; want %+v", told, totals.Deliveries[alert.Failed], r.quarantined(t), want)
			}
			if want.finished {
				tidied(t, r)
			}
		})
	}
}
