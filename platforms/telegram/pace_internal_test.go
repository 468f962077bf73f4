package telegram

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The pacing needs minutes of time, which only stand-in clocks have: through the
// server every call would take real ones.

// traffic sends messages that take no time and keeps when each went out.
type traffic struct {
	*pacer
	t  *testing.T
	wg sync.WaitGroup

	mu   sync.Mutex
	sent []sending
}

type sending struct {
	chat         int64
	kind         kind
	asked, given time.Duration // since the start
}

func (s sending) waited() time.Duration { return s.given - s.asked }

func simulate(t *testing.T, rate float64, play func(tr *traffic, start time.Time)) []sending {
	t.Helper()
	tr := &traffic{t: t, pacer: newPacer(rate, time.Time{})}
	synctest.Test(t, func(*testing.T) {
		play(tr, time.Now())
		tr.wg.Wait()
		if n := len(tr.first) + len(tr.posts); n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
	slices.SortFunc(tr.sent, func(a, b sending) int { return int(a.given - b.given) })
	return tr.sent
}

// send takes a turn for a call of some length.
func (tr *traffic) send(start time.Time, chat int64, k kind, call time.Duration) {
	tr.wg.Go(func() {
		asked := time.Since(start)
		t, err := tr.take(context.Background(), chat, k, time.Minute)
		if err != nil {
			tr.t.Errorf("chat %d: %v", chat, err)
			return
		}
		given := time.Since(start)
		<-time.After(call)
		t.end()
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.sent = append(tr.sent, sending{chat, k, asked, given})
	})
}

// fanOut keeps n posts in flight to chats of their own until total are sent.
func (tr *traffic) fanOut(start time.Time, total, n int, call time.Duration) {
	slots := make(chan struct{}, n)
	for i := range total {
		slots <- struct{}{}
		tr.wg.Go(func() {
			defer func() { <-slots }()
			asked := time.Since(start)
			t, err := tr.take(context.Background(), int64(1000+i), aPost, 0)
			if err != nil {
				tr.t.Errorf("post %d: %v", i, err)
				return
			}
			given := time.Since(start)
			<-time.After(call)
			t.end()
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.sent = append(tr.sent, sending{int64(1000 + i), aPost, asked, given})
		})
	}
}

// crowd is the most that went out within a time.
func crowd(sent []sending, within time.Duration) int {
	most := 0
	for i := range sent {
		n := i
		for n < len(sent) && sent[n].given-sent[i].given < within {
			n++
		}
		most = max(most, n-i)
	}
	return most
}

func of(sent []sending, k kind) []sending {
	return slices.DeleteFunc(slices.Clone(sent), func(s sending) bool { return s.kind != k })
}

func TestPostsAreSpacedEvenly(t *testing.T) {
	sent := simulate(t, defaultRate, func(tr *traffic, start time.Time) { tr.fanOut(start, 500, 28, 100*time.Millisecond) })
	if last, most := sent[499].given, 500*time.Second/30*11/10; last > most {
		t.Errorf("the last went out after %v, want %v at most", last, most)
	}
	for i := range sent[1:] {
		if gap := sent[i+1].given - sent[i].given; gap < 35*time.Millisecond || gap > 37*time.Millisecond {
			t.Fatalf("post %d came %v after the one before", i+1, gap)
		}
	}
}

// Messages that were slow on their way come in together with those behind them.
func TestSlowCallsKeepTheirPlaces(t *testing.T) {
	const wayBack = 50 * time.Millisecond
	var mu sync.Mutex
	var came []sending
	simulate(t, defaultRate, func(tr *traffic, start time.Time) {
		var chat int64
		for range 300 {
			chat++
			call := 100 * time.Millisecond
			if chat/28%2 == 1 {
				call = 600 * time.Millisecond
			}
			turn, err := tr.take(context.Background(), chat, aPost, 0)
			if err != nil {
				t.Fatal(err)
			}
			tr.wg.Go(func() {
				<-time.After(call - wayBack)
				mu.Lock()
				came = append(came, sending{given: time.Since(start)})
				mu.Unlock()
				<-time.After(wayBack)
				turn.end()
			})
		}
	})
	slices.SortFunc(came, func(a, b sending) int { return int(a.given - b.given) })
	if n := crowd(came, time.Second); n > 30 {
		t.Errorf("%d messages came in within a second, want 30 at most", n)
	}
}

func TestHangingCallsHoldNobodyUp(t *testing.T) {
	sent := simulate(t, defaultRate, func(tr *traffic, start time.Time) {
		for i := range int64(30) {
			tr.send(start, i+1, aReply, time.Minute)
		}
		<-time.After(time.Millisecond)
		tr.send(start, 100, aReply, 0)
	})
	if last := sent[30]; last.given > lost {
		t.Errorf("a reply waited %v for calls that hang", last.given)
	}
}

func TestRepliesGoFirst(t *testing.T) {
	sent := simulate(t, defaultRate, func(tr *traffic, start time.Time) {
		tr.wg.Go(func() { tr.fanOut(start, 900, 28, 50*time.Millisecond) })
		for i := range 200 {
			<-time.After(100 * time.Millisecond)
			tr.send(start, int64(i+1), aReply, 50*time.Millisecond)
		}
	})
	if n := crowd(sent, time.Second); n > 30 {
		t.Errorf("%d messages in a second, want 30 at most", n)
	}
	var waits []time.Duration
	for _, s := range of(sent, aReply) {
		waits = append(waits, s.waited())
	}
	slices.Sort(waits)
	if p99 := waits[len(waits)*99/100]; p99 > 40*time.Millisecond {
		t.Errorf("of the replies one in a hundred waits %v, want 40ms at most; all: %v", p99, waits)
	}
	// 10 a second of the rate are the replies', 18 are left.
	middle := slices.DeleteFunc(of(sent, aPost), func(s sending) bool { return s.given < 5*time.Second || s.given >= 15*time.Second })
	if n := len(middle); n < 175 || n > 190 {
		t.Errorf("%d posts in ten seconds beside replies, want about 180", n)
	}
}

func TestRepliesDoNotStarvePosts(t *testing.T) {
	sent := simulate(t, defaultRate, func(tr *traffic, start time.Time) {
		tr.wg.Go(func() { tr.fanOut(start, 100, 28, 0) })
		for i := range 600 {
			tr.send(start, int64(i+1), aReply, 0)
		}
	})
	if n := crowd(sent, window); n > 30 {
		t.Errorf("%d messages in a window, want 30 at most", n)
	}
	first := slices.DeleteFunc(slices.Clone(sent), func(s sending) bool { return s.given < 2*time.Second || s.given >= 12*time.Second })
	posts, replies := len(of(first, aPost)), len(of(first, aReply))
	if posts < 50 || replies < 4*posts-30 {
		t.Errorf("%d posts and %d replies in ten seconds, want a fifth to be posts", posts, replies)
	}
}

func TestRepliesAloneDoNotWait(t *testing.T) {
	sent := simulate(t, defaultRate, func(tr *traffic, start time.Time) {
		for i := range 30 {
			tr.send(start, int64(i+1), aReply, 0)
		}
	})
	if last := sent[29]; last.given != 0 {
		t.Errorf("the last of 30 waited %v", last.given)
	}
}

func TestReplyInAChat(t *testing.T) {
	seconds := func(of []sending) []time.Duration {
		var out []time.Duration
		for _, s := range of {
			out = append(out, s.given.Truncate(time.Second)/time.Second)
		}
		return out
	}
	private := simulate(t, defaultRate, func(tr *traffic, start time.Time) {
		for range 6 {
			tr.send(start, 7, aReply, 0)
		}
	})
	if got := seconds(private); !slices.Equal(got, []time.Duration{0, 0, 0, 1, 2, 3}) {
		t.Errorf("replies in a private chat in seconds %v", got)
	}
	group := simulate(t, defaultRate, func(tr *traffic, start time.Time) {
		for range 21 {
			tr.send(start, -7, aReply, 100*time.Millisecond)
		}
		<-time.After(30 * time.Second)
		for range 2 {
			tr.send(start, -7, anEdit, 100*time.Millisecond)
		}
	})
	// The first three were answered after 100 ms, so that their places are free then.
	if last := group[len(group)-3:]; last[0].given < time.Minute || last[2].given > 61*time.Second+200*time.Millisecond {
		t.Errorf("what is too much in a group went out %v", last)
	}
	if n := crowd(group, time.Minute); n > groupMost {
		t.Errorf("%d messages and edits in a minute in a group", n)
	}
}

func TestEditsInPrivateDoNotWait(t *testing.T) {
	sent := simulate(t, 1, func(tr *traffic, start time.Time) {
		for range 40 {
			tr.send(start, 7, anEdit, 0)
		}
	})
	if last := sent[39]; last.given != 0 {
		t.Errorf("an edit waited %v", last.given)
	}
}

// asked is what becomes of a post now.
func asked(p *pacer, chat int64) (*turn, time.Duration, bool) {
	t, err := p.take(context.Background(), chat, aPost, 0)
	if e, ok := errors.AsType[*heldError](err); ok {
		return nil, e.wait, e.all
	}
	return t, 0, false
}

func TestPostInAChatThatHasToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(defaultRate, time.Time{})
		first, _, _ := asked(p, -7)
		if _, wait, all := asked(p, -7); wait < time.Second || wait > 1001*time.Millisecond || all {
			t.Errorf("beside a message that is on its way: wait %v, all %v", wait, all)
		}
		first.end()
		begun := time.Now()
		second, wait, _ := asked(p, -7)
		if d := time.Since(begun); second == nil || d != time.Second {
			t.Fatalf("right after a message: given after %v, wait %v", d, wait)
		}
		second.end()
		for range groupMost - 2 {
			next, _, _ := asked(p, -7)
			next.end()
		}
		begun = time.Now()
		if _, wait, _ := asked(p, -7); wait < 40*time.Second || time.Since(begun) != 0 {
			t.Errorf("after 20 in a minute: wait %v, told after %v", wait, time.Since(begun))
		}
		if other, _, _ := asked(p, 8); other == nil {
			t.Error("another chat has to wait")
		}
	})
}

func TestUnusedTurnIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(defaultRate, time.Time{})
		begun := time.Now()
		for range 100 {
			unused, wait, _ := asked(p, 7)
			if unused == nil {
				t.Fatalf("wait %v", wait)
			}
			unused.giveBack()
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			if left, err := p.take(ctx, 7, aReply, time.Minute); err == nil {
				left.giveBack()
			}
		}
		if d := time.Since(begun); d != 0 || len(p.recent)+len(p.replied) != 0 || p.rooms[7].busy+p.rooms[7].waiting != 0 {
			t.Errorf("turns that were not used took %v: %d recent, %+v", d, len(p.recent), p.rooms[7])
		}
	})
}
