package telegram_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/telegram"
	"liqbot/platforms/telegram/telegramtest"
)

func TestPostsShareOneUpload(t *testing.T) {
	t.Parallel()
	h := prepare(t, say("x"))
	h.cfg.Rate = 200
	h.Latency(50 * time.Millisecond)
	a := sender(h)
	fan := func(base int64) {
		var wg sync.WaitGroup
		for i := range int64(20) {
			h.AddChat(base+i, "private", "")
			wg.Go(func() {
				if got := a.Send(t.Context(), alert(t, to(base+i))); got.Fate != chat.Posted {
					t.Errorf("Send = %+v", got)
				}
			})
		}
		wg.Wait()
	}
	fan(1000)
	if n := h.Uploads(); n != 1 {
		t.Errorf("%d uploads, want 1", n)
	}
	h.ForgetFile(h.Messages(1000)[0].FileID)
	fan(2000)
	if n := h.Uploads(); n != 2 {
		t.Errorf("%d uploads after the file was forgotten, want 2", n)
	}
}

// A failed upload must not hold up those who wait for it.
func TestUploadIsTakenOver(t *testing.T) {
	t.Parallel()
	h := prepare(t, say("x"))
	h.Fail("sendPhoto", telegramtest.Fault{Drop: true})
	a := sender(h)
	var mu sync.Mutex
	fates := map[chat.Fate]int{}
	var wg sync.WaitGroup
	for i := range int64(5) {
		h.AddChat(1000+i, "private", "")
		wg.Go(func() {
			got := a.Send(t.Context(), alert(t, to(1000+i)))
			mu.Lock()
			defer mu.Unlock()
			fates[got.Fate]++
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[chat.Fate]int{chat.Unclear: 1, chat.Posted: 4}, fates); diff != "" {
		t.Errorf("fates (-want +got):\n%s", diff)
	}
}

// audience makes private chats and a group for every tenth.
func audience(h *harness, n int) []int64 {
	var chats []int64
	for i := range int64(n) {
		id, kind := 10_000+i, "private"
		if i%10 == 0 {
			id, kind = -10_000-i, "supergroup"
		}
		h.AddChat(id, kind, "")
		chats = append(chats, id)
	}
	return chats
}

// fanOut posts to chats, 28 at a time, and returns how long it took.
func fanOut(t *testing.T, a *telegram.Adapter, chats []int64) time.Duration {
	t.Helper()
	p := alert(t, chat.Target{})
	begun := time.Now()
	slots := make(chan struct{}, 28)
	var wg sync.WaitGroup
	for _, id := range chats {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			p := p
			p.To = to(id)
			if got := a.Send(t.Context(), p); got.Fate != chat.Posted {
				t.Errorf("Send = %+v", got)
			}
		})
	}
	wg.Wait()
	return time.Since(begun)
}

func TestFanOutKeepsTheLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 18 seconds")
	}
	t.Parallel()
	h := prepare(t, say("x"))
	h.EnforceLimits()
	h.Latency(80 * time.Millisecond)
	h.cfg.Timing.Call = 20 * time.Second
	chats := audience(h, 500)
	a := h.start()
	took := fanOut(t, a, chats)
	var first, last time.Time
	for i, id := range chats {
		got := h.Messages(id)
		if len(got) != 1 {
			t.Fatalf("chat %d has %d messages", i, len(got))
		}
		if first.IsZero() || got[0].At.Before(first) {
			first = got[0].At
		}
		if got[0].At.After(last) {
			last = got[0].At
		}
	}
	t.Logf("500 posts took %v, from the first to the last %v", took, last.Sub(first))
	// TestPostsAreSpacedEvenly measures it exactly; here other tests take their time.
	if most := 500 * time.Second / 30 * 5 / 4; last.Sub(first) > most {
		t.Errorf("the last came %v after the first, want %v at most", last.Sub(first), most)
	}
	if n := h.Limited(); n != 0 || h.Uploads() != 1 {
		t.Errorf("%d refused for the limits, %d uploads", n, h.Uploads())
	}
}

// Members who ask while posts go out are answered as quickly as otherwise.
func TestRepliesDuringAFanOut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 seconds")
	}
	t.Parallel()
	const latency, each = 100 * time.Millisecond, 40
	h := prepare(t, say("x"))
	h.EnforceLimits()
	h.Latency(latency)
	h.cfg.Timing.Call = 20 * time.Second
	chats := audience(h, 250)
	a := h.start()
	// ask lets members ask, one every 100 ms, and returns the slow end of the times
	// until their answers came to Telegram.
	ask := func(base int64) time.Duration {
		var times []time.Duration
		for i := range int64(each) {
			begun := time.Now()
			h.PrivateText(base+i, "/liq")
			h.messages(base+i, 1)
			times = append(times, h.Messages(base + i)[0].At.Sub(begun)+latency)
			<-time.After(50 * time.Millisecond)
		}
		slices.Sort(times)
		return times[len(times)-1]
	}
	idle := ask(20_000)
	done := make(chan struct{})
	go func() { defer close(done); fanOut(t, a, chats) }()
	h.WaitFor("the fan-out", func() bool { return len(h.Calls("sendPhoto")) > 30 })
	busy := ask(30_000)
	<-done
	t.Logf("slowest reply: %v idle, %v beside posts", idle, busy)
	if busy > 2*idle+50*time.Millisecond {
		t.Errorf("slowest reply takes %v beside posts, %v without", busy, idle)
	}
	if n := h.Limited(); n != 0 {
		t.Errorf("%d refused for the limits", n)
	}
}
