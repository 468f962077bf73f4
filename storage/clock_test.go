package storage_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
)

// jump lets a minute pass and sets the clock up to two hours wrong, ahead or behind.
func jump(r *room, rnd *rand.Rand, wrong *time.Duration) {
	r.pass(time.Minute - *wrong)
	*wrong = time.Duration(rnd.IntN(240)-120) * time.Minute
	r.pass(*wrong)
}

// TestClockThatJumpsSendsNothingTwiceAndLosesNothing: whatever the clock does while an alert
// is delivered, and over restarts, every chat is handed out once at a time and comes to one
// end.
func TestClockThatJumpsSendsNothingTwiceAndLosesNothing(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 7))
			r, wrong := newRoom(t), time.Duration(0)
			const chats = 400
			r.fill(t, chats)
			step := breakouts("BTC", 1)
			step.Alerts[0].Expires = start.AddDate(50, 0, 0)
			r.record(t, step)
			sent := map[alert.Ref]int{}
			open := map[alert.Ref]alert.Delivery{}
			for len(sent) < chats {
				jump(r, rnd, &wrong)
				if rnd.IntN(10) == 0 {
					r.restart(t)
					jump(r, rnd, &wrong)
					checkInterrupted(t, r, open)
				}
				var done []alert.Result
				for ref, d := range open {
					if rnd.IntN(3) == 0 {
						continue
					}
					delete(open, ref)
					if rnd.IntN(4) == 0 {
						done = append(done, alert.Result{Delivery: d, State: alert.Waiting, NotBefore: r.clock().Add(time.Duration(rnd.IntN(90)) * time.Second)})
						continue
					}
					sent[ref]++
					done = append(done, alert.Result{Delivery: d, State: alert.Sent})
				}
				for _, d := range r.advance(t, chat.Telegram, done, 30).Deliveries {
					if _, twice := open[d.Ref]; twice || sent[d.Ref] > 0 {
						t.Fatalf("%v is handed out again", d.Ref)
					}
					open[d.Ref] = d
				}
			}
			if diff := cmp.Diff(map[alert.State]uint64{alert.Sent: chats}, r.totals(t).Deliveries); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
			tidied(t, r)
		})
	}
}

func checkInterrupted(t *testing.T, r *room, open map[alert.Ref]alert.Delivery) {
	t.Helper()
	found, err := r.Interrupted(t.Context(), chat.Telegram)
	if err != nil || len(found) != len(open) {
		t.Fatalf("%d interrupted, want %d, %v", len(found), len(open), err)
	}
	for _, d := range found {
		if _, ok := open[d.Ref]; !ok {
			t.Fatalf("%v was not handed out", d.Ref)
		}
	}
}

// A clock that was wrong for a while neither gives a claim again nor keeps it for ever, as
// long as it was wrong by less than claims are kept.
func TestClaimsWhileTheClockJumps(t *testing.T) {
	for name, wrong := range map[string]time.Duration{"a day ahead": 24 * time.Hour, "a year behind": -365 * 24 * time.Hour, "before 1970": start.Sub(start.AddDate(80, 0, 0))} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			claim := func(id string) bool {
				first, err := r.Claim(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				return first
			}
			claim("before")
			r.pass(wrong)
			for i := range 20 {
				claim(fmt.Sprint("meanwhile", i))
			}
			r.pass(-wrong)
			for i := range 20 {
				claim(fmt.Sprint("after", i))
			}
			// A year behind, a claim looks a year old: it is forgotten early, and only then.
			ids := []string{"before", "after0", "after19"}
			if wrong > 0 {
				ids = append(ids, "meanwhile0", "meanwhile19")
			}
			for _, id := range ids {
				if claim(id) {
					t.Errorf("%s is given again", id)
				}
			}
			r.pass(5 * 24 * time.Hour)
			for i := range 100 {
				claim(fmt.Sprint("later", i))
			}
			rows, err := r.Dump()
			if err != nil || rows["claims"] > 101 || rows["claims"] != rows["claim_times"] {
				t.Errorf("%d claims and %d times are kept, %v", rows["claims"], rows["claim_times"], err)
			}
		})
	}
}

// A mute ends when the clock says so, and a level waits for it, also when the clock goes
// back meanwhile: it is told once.
func TestMutedLevelIsToldOnceWhenTheClockGoesBack(t *testing.T) {
	r := newRoom(t)
	who := member(chat.Telegram, 1)
	r.level(t, who, "BTC", 100, true)
	r.change(t, who, func(c *alert.Chat) { c.MutedUntil = start.Add(time.Hour) })
	told := 0
	for i, d := range []time.Duration{0, 59 * time.Minute, -2 * time.Hour, 2*time.Hour + 2*time.Minute, -time.Hour, 3 * time.Hour} {
		r.pass(d)
		r.record(t, price("BTC", 101, i))
		b := r.advance(t, chat.Telegram, nil, 10)
		told += len(b.Deliveries)
		r.advance(t, chat.Telegram, results(alert.Sent, b.Deliveries...), 0)
	}
	if told != 1 {
		t.Errorf("the level was told %d times", told)
	}
	tidied(t, r)
}

// An alert that has expired by a clock that was ahead is counted as expired and not sent
// when the clock is right again.
func TestExpiryWhileTheClockJumps(t *testing.T) {
	r := newRoom(t)
	r.fill(t, 30)
	r.record(t, breakouts("BTC", 1))
	first := r.advance(t, chat.Telegram, nil, 10).Deliveries
	r.pass(30 * 24 * time.Hour)
	if b := r.advance(t, chat.Telegram, results(alert.Sent, first...), 10); len(b.Deliveries) != 0 || b.Left != 0 {
		t.Errorf("after the end %d are handed out, %d left", len(b.Deliveries), b.Left)
	}
	r.pass(-30 * 24 * time.Hour)
	if b := r.advance(t, chat.Telegram, nil, 100); len(b.Deliveries) != 0 {
		t.Errorf("%d are handed out again", len(b.Deliveries))
	}
	if diff := cmp.Diff(map[alert.State]uint64{alert.Sent: 10, alert.Expired: 20}, r.totals(t).Deliveries); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	tidied(t, r)
}
