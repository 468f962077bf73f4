package discord

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/chat"
)

// headers are those of an answer that tells the limit.
func headers(limit, left int, after time.Duration) http.Header {
	h := http.Header{}
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	h.Set("X-RateLimit-Reset-After", strconv.FormatFloat(after.Seconds(), 'f', 3, 64))
	return h
}

// mustGo lets a post go at once and fails the test if it may not.
func mustGo(t *testing.T, p *pace, channel string) *permit {
	t.Helper()
	pass, out := p.admit(t.Context(), channel)
	if pass == nil {
		t.Fatalf("channel %s: got %+v, want the post to go", channel, out)
	}
	return pass
}

// wantLater fails the test if a post may go.
func wantLater(t *testing.T, p *pace, channel string, wait time.Duration) {
	t.Helper()
	pass, out := p.admit(t.Context(), channel)
	if pass != nil || out.Fate != chat.Later || out.Wait != wait {
		t.Fatalf("channel %s: got %+v, %+v, want Later in %v", channel, pass, out, wait)
	}
}

func TestPaceOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(new(tally))
		begin := time.Now()
		const posts = 46
		for n := range posts {
			mustGo(t, p, strconv.Itoa(n))
		}
		if took, want := time.Since(begin), (posts-1)*(time.Second/postsPerSecond); took != want {
			t.Errorf("%d posts took %v, want %v", posts, took, want)
		}
	})
}

// paces are the rules of one channel, each on its own.
var paces = []struct {
	name string
	do   func(t *testing.T, p *pace)
}{
	{"unknown is five in five seconds", func(t *testing.T, p *pace) {
		t.Helper()
		begin := time.Now()
		for range 5 {
			mustGo(t, p, "5")
		}
		wantLater(t, p, "5", 5*time.Second-time.Since(begin))
		mustGo(t, p, "6")
	}},
	{"what never left does not count", func(t *testing.T, p *pace) {
		t.Helper()
		for range 20 {
			p.settle(mustGo(t, p, "5"), usage{})
		}
	}},
	{"headers are followed", func(t *testing.T, p *pace) {
		t.Helper()
		p.settle(mustGo(t, p, "5"), usage{sent: true, header: headers(2, 1, 9*time.Second)})
		begin := time.Now()
		p.settle(mustGo(t, p, "5"), usage{sent: true, header: headers(2, 0, 9*time.Second-time.Since(begin))})
		wantLater(t, p, "5", 9*time.Second-time.Since(begin).Truncate(time.Millisecond))
	}},
	{"a told limit holds for the next window", func(t *testing.T, p *pace) {
		t.Helper()
		p.settle(mustGo(t, p, "5"), usage{sent: true, header: headers(2, 1, 100*time.Millisecond)})
		sleep(t.Context(), 100*time.Millisecond)
		begin := time.Now()
		mustGo(t, p, "5")
		mustGo(t, p, "5")
		wantLater(t, p, "5", 5*time.Second-time.Since(begin))
	}},
	{"answers overtake each other", func(t *testing.T, p *pace) {
		t.Helper()
		passes := []*permit{mustGo(t, p, "5"), mustGo(t, p, "5"), mustGo(t, p, "5"), mustGo(t, p, "5")}
		for n, left := range []int{1, 4, 3, 2} {
			p.settle(passes[n], usage{sent: true, header: headers(5, left, 5*time.Second)})
		}
		begin := time.Now()
		mustGo(t, p, "5")
		wantLater(t, p, "5", 5*time.Second-time.Since(begin))
	}},
	{"posts under way may fall into the next window", func(t *testing.T, p *pace) {
		t.Helper()
		for range 3 {
			mustGo(t, p, "5")
		}
		sleep(t.Context(), 6*time.Second)
		begin := time.Now()
		mustGo(t, p, "5")
		mustGo(t, p, "5")
		wantLater(t, p, "5", 5*time.Second-time.Since(begin))
	}},
	{"an answer that was lost may have begun a window", func(t *testing.T, p *pace) {
		t.Helper()
		var pass *permit
		for range 5 {
			pass = mustGo(t, p, "5")
		}
		sleep(t.Context(), 4*time.Second)
		p.settle(pass, usage{sent: true})
		wantLater(t, p, "5", 5*time.Second)
	}},
	{"a 429 is waited out", func(t *testing.T, p *pace) {
		t.Helper()
		p.settle(mustGo(t, p, "5"), usage{sent: true, header: headers(5, 4, time.Second), wait: time.Minute})
		wantLater(t, p, "5", time.Minute)
		sleep(t.Context(), time.Minute)
		mustGo(t, p, "5")
	}},
	{"nonsense is not followed", func(t *testing.T, p *pace) {
		t.Helper()
		for _, h := range []http.Header{headers(-1, -7, time.Hour), headers(1e9, 1e9, 5*time.Second), {"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset-After": {"NaN"}}, {}} {
			p.settle(mustGo(t, p, "5"), usage{sent: true, header: h})
		}
		mustGo(t, p, "5")
		if pass, _ := p.admit(t.Context(), "5"); pass != nil {
			t.Error("want five posts and no more")
		}
	}},
}

func TestPaceOfOneChannel(t *testing.T) {
	for _, tt := range paces {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tt.do(t, newPace(new(tally))) })
		})
	}
}

// A pause that begins while a post waits for its turn holds it back, and what it
// had taken is given back.
func TestPauseWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(new(tally))
		for n := range 10 {
			mustGo(t, p, strconv.Itoa(n))
		}
		got := make(chan chat.Outcome)
		go func() {
			_, out := p.admit(t.Context(), "50")
			got <- out
		}()
		synctest.Wait()
		p.pause(time.Minute, reasonGlobalLimit)
		p.pause(time.Second, reasonBanned) // a shorter one changes nothing
		if out := <-got; out.Fate != chat.Down || out.Reason != reasonGlobalLimit {
			t.Errorf("got %+v, want Down", out)
		}
		sleep(t.Context(), time.Minute)
		for range 5 {
			mustGo(t, p, "50")
		}
	})
}

func TestTally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(tally)
		for range maxInvalid - 1 {
			c.add(time.Now())
			sleep(t.Context(), time.Millisecond)
		}
		if wait := c.wait(time.Now()); wait != 0 {
			t.Errorf("before the last: got %v, want 0", wait)
		}
		c.add(time.Now())
		want := invalidWindow - (maxInvalid-1)*time.Millisecond
		if wait := c.wait(time.Now()); wait != want {
			t.Errorf("after the last: got %v, want %v", wait, want)
		}
		sleep(t.Context(), want)
		if wait := c.wait(time.Now()); wait != 0 {
			t.Errorf("when the first is old: got %v, want 0", wait)
		}
	})
}

// However many channels there are, few are remembered, and first those that matter.
func TestRememberedChannelsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(new(tally))
		p.settle(mustGo(t, p, "limited"), usage{sent: true, wait: time.Hour})
		p.remember("plain", powers{})
		for n := range maxChannels + 100 {
			p.settle(mustGo(t, p, strconv.Itoa(n)), usage{sent: true, header: headers(5, 4, time.Second)})
			if n%1000 == 0 {
				p.remember("plain", powers{})
			}
		}
		if n := len(p.channels); n > maxChannels/2 {
			t.Errorf("got %d channels, want those of the last seconds", n)
		}
		if p.powers("plain") != (powers{}) {
			t.Error("what a channel lacks was forgotten")
		}
		if pass, out := p.admit(t.Context(), "limited"); pass != nil || out.Fate != chat.Later {
			t.Errorf("limited channel: got %+v, want Later", out)
		}
		for n := range 3 * maxChannels {
			p.remember(strconv.Itoa(n), powers{})
		}
		if n := len(p.channels); n > maxChannels {
			t.Errorf("got %d channels, want at most %d", n, maxChannels)
		}
	})
}

// window is a channel of Discord's: its limit begins with the first post.
type window struct {
	began time.Time
	taken int
}

// Whatever the delays and losses, a channel never gets more than it takes, and all
// its posts arrive.
func TestPaceAgainstAModel(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { modelRun(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func modelRun(t *testing.T, r *rand.Rand) {
	t.Helper()
	const limit, span, posts = 5, 5 * time.Second, 60
	p := newPace(new(tally))
	var mu sync.Mutex
	channels := map[string]*window{"1": {}, "2": {}, "3": {}}
	random := func(n time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(r.Int64N(int64(n)))
	}
	arrive := func(channel string) http.Header {
		mu.Lock()
		defer mu.Unlock()
		w, now := channels[channel], time.Now()
		if now.Sub(w.began) >= span {
			*w = window{began: now}
		}
		if w.taken++; w.taken > limit {
			t.Errorf("channel %s: post %d of a window", channel, w.taken)
		}
		return headers(limit, limit-w.taken, span-now.Sub(w.began)+time.Millisecond)
	}
	var all sync.WaitGroup
	for n := range posts {
		all.Go(func() {
			channel := strconv.Itoa(n%3 + 1)
			sleep(t.Context(), random(20*time.Second))
			for {
				pass, out := p.admit(t.Context(), channel)
				if pass == nil {
					sleep(t.Context(), out.Wait)
					continue
				}
				sleep(t.Context(), random(3*time.Second))
				u := usage{sent: true, header: arrive(channel)}
				sleep(t.Context(), random(3*time.Second))
				if n%10 == 0 {
					u.header = nil // the answer is lost
				}
				p.settle(pass, u)
				return
			}
		})
	}
	all.Wait()
}

func TestAdmitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(new(tally))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			if pass, out := p.admit(ctx, "5"); pass != nil || out.Fate != chat.Later {
				t.Fatalf("got %+v, %+v, want Later", pass, out)
			}
		}
		mustGo(t, p, "5")
	})
}

// FuzzAnswer: whatever Discord or somebody in between answers, the outcome is one
// that the bot knows, waits are bounded, and words of others do not get through.
func FuzzAnswer(f *testing.F) {
	f.Add(429, []byte(`{"message":"x","retry_after":1.5,"global":true}`), "2", "user", "0", "1.5")
	f.Add(429, []byte(`<html>1015`), "", "", "", "")
	f.Add(429, []byte(`{"retry_after":-1,"code":20028}`), "-5", "shared", "-1", "Inf")
	f.Add(403, []byte(`{"code":50013,"message":"Missing Permissions"}`), "", "", "3", "0.2")
	f.Add(403, []byte(`{"code":"50013"}`), "", "", "", "")
	f.Add(500, []byte(``), "", "", "", "")
	f.Add(302, []byte(`null`), "1e999", "global", "1e3", "NaN")
	known := []string{
		reasonChannelLimit, reasonGlobalLimit, reasonBanned, reasonUnauthorised, reasonUnreachable, reasonAnswerLost,
		reasonServerError, reasonTooLarge, reasonRefused, reasonEmpty,
	}
	for _, m := range meanings {
		known = append(known, m.Reason)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, retry, scope, left, after string) {
		h := http.Header{}
		for name, value := range map[string]string{
			"Retry-After": retry, "X-RateLimit-Scope": scope, "X-RateLimit-Remaining": left, "X-RateLimit-Reset-After": after,
		} {
			h.Set(name, value)
		}
		out := outcomeOf(refused("post", &http.Response{StatusCode: status, Header: h}, body), true)
		if out.Fate < chat.Later || out.Fate > chat.Barred || !slices.Contains(known, out.Reason) {
			t.Errorf("got %+v", out)
		}
		if out.Wait < 0 || out.Wait > 24*time.Hour || status == 429 && (out.Wait == 0 || out.Fate != chat.Later && out.Fate != chat.Down) {
			t.Errorf("got %+v, want a bounded wait", out)
		}
		if (out.Fate == chat.Unclear) != out.Deduplicates {
			t.Errorf("got %+v: what is unclear can be posted again", out)
		}
		now := time.Now()
		b := &bucket{limit: assumedPosts, low: 3, reset: now.Add(time.Second)}
		b.learn(h, now, 0)
		if b.low < 0 || b.low > 3 || b.limit < 1 || b.limit > maxLimit || b.reset.Before(now) || b.reset.After(now.Add(24*time.Hour)) {
			t.Errorf("learned %+v", b)
		}
	})
}

// FuzzRooms: what cannot be read names no channel, and nothing is fatal.
func FuzzRooms(f *testing.F) {
	f.Add([]byte(`{"guild_id":"1","data":{"resolved":{"channels":{"5":{"id":"5","type":0,"permissions":"8","app_permissions":"3072"}}}}}`))
	f.Add([]byte(`{"data":null}`))
	f.Add([]byte(`{"data":{"resolved":{"channels":{"5":null}}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for id, r := range roomsOf(raw) {
			if r.canPost() && !slices.Contains(postable, r.Type) {
				t.Errorf("channel %q: may be posted in although of type %d", id, r.Type)
			}
			if k := r.kind(); k != chat.Group && k != chat.Channel {
				t.Errorf("channel %q: kind %d", id, k)
			}
		}
	})
}
