package discord_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"liqbot/chat"
	"liqbot/platforms/discord"
	"liqbot/platforms/discord/discordtest"
)

// A limit of one channel is none of another's; a limit of all is, but not of the
// answers to interactions.
func TestLimitsOfOthers(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	var a *discord.Adapter
	w := start(t, srv, say("answered"), func(c *discord.Config) { a, _ = idle(t, srv) })
	w.WaitConnected()
	w.Fail(discordtest.Limited("POST", "/messages", time.Minute, false))
	if out := a.Send(t.Context(), postTo("7", "a", words)); out.Fate != chat.Later {
		t.Errorf("limited channel: got %+v", out)
	}
	wantOutcome(t, a.Send(t.Context(), postTo("8", "a", words)), posted)
	w.Fail(discordtest.Limited("POST", "/messages", time.Minute, true))
	for _, channel := range []string{"8", "9"} {
		if out := a.Send(t.Context(), postTo(channel, "b", words)); out.Fate != chat.Down || out.Wait < 50*time.Second {
			t.Errorf("limited bot: got %+v", out)
		}
	}
	if n := len(w.Calls("POST", "/messages")); n != 3 {
		t.Errorf("got %d posts, want 3", n)
	}
	if m := w.Slash(discordtest.Guild(), "liq").Reply(); m.Text() != "answered" {
		t.Errorf("interaction: got %q", m.Text())
	}
}

// After a thousand refused calls, of whatever kind, posts rest.
func TestManyRefusalsRest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault discordtest.Fault
		rests bool
	}{
		{"403", discordtest.Fault{Status: 403, Body: `{"code":50001}`}, true},
		{"401", discordtest.Fault{Status: 401, Body: `{}`}, true},
		{"429", discordtest.Limited("", "", time.Second, false), true},
		{"429, shared", discordtest.LimitedShared("", "", time.Second), false},
		{"404", discordtest.Fault{Status: 404, Body: `{"code":10003}`}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, w := idle(t, discordtest.New(t))
			a.Refuse(999)
			w.Fail(tt.fault)
			a.Send(t.Context(), postTo("5", "a", words))
			out := a.Send(t.Context(), postTo("6", "b", words))
			rests := out.Fate == chat.Down && out.Reason == "too many calls were refused, resting" && out.Wait > 9*time.Minute
			if rests != tt.rests {
				t.Errorf("got %+v, want rest %t", out, tt.rests)
			}
		})
	}
}

func TestWanted(t *testing.T) {
	t.Parallel()
	a, w := idle(t, discordtest.New(t))
	p := postTo("5", "a", words)
	p.Wanted = func() bool { return false }
	for range 20 { // more than the limit: what does not go out does not count
		wantOutcome(t, a.Send(t.Context(), p), chat.Outcome{Fate: chat.Dropped, Reason: "not wanted any more"})
	}
	if n := len(w.Calls("", "")); n != 0 {
		t.Errorf("got %d calls, want none", n)
	}
	p.Wanted = func() bool { panic("chat-text") }
	for range 10 {
		func() {
			defer func() { _ = recover() }()
			a.Send(t.Context(), p)
		}()
	}
	p.Wanted = func() bool { return true }
	wantOutcome(t, a.Send(t.Context(), p), posted)
}

// roomLeft answers a post as Discord does when the channel's limit is used up.
func roomLeft(after time.Duration) discordtest.Fault {
	return discordtest.Fault{Method: "POST", Path: "/messages", Act: true, Status: http.StatusOK, Body: "{}", Header: map[string]string{
		"X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": strconv.FormatFloat(after.Seconds(), 'f', 3, 64),
	}}
}

// A short wait is waited, and the chat may change its mind meanwhile; a long one is
// left to the caller. Both follow what Discord told.
func TestWaitsForTheChannel(t *testing.T) {
	t.Parallel()
	a, w := idle(t, discordtest.New(t))
	const pause = 400 * time.Millisecond
	w.Fail(roomLeft(pause))
	var asked atomic.Int64
	begin := time.Now()
	for _, id := range []string{"a", "b"} {
		p := postTo("5", id, words)
		p.Wanted = func() bool { asked.Store(int64(time.Since(begin))); return true }
		wantOutcome(t, a.Send(t.Context(), p), posted)
	}
	if got := time.Duration(asked.Load()); got < pause {
		t.Errorf("Wanted was asked after %v, want it after the wait of %v", got, pause)
	}
	w.Fail(roomLeft(3 * time.Second))
	wantOutcome(t, a.Send(t.Context(), postTo("6", "a", words)), posted)
	before := len(w.Calls("", ""))
	out := a.Send(t.Context(), postTo("6", "b", words))
	if out.Fate != chat.Later || out.Wait < 2*time.Second || out.Wait > 3*time.Second {
		t.Errorf("long wait: got %+v, want Later within 3 s", out)
	}
	if n := len(w.Calls("", "")); n != before {
		t.Errorf("long wait: got %d calls, want none", n-before)
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	a, w := idle(t, discordtest.New(t))
	w.Fail(roomLeft(900 * time.Millisecond))
	wantOutcome(t, a.Send(t.Context(), postTo("5", "a", words)), posted)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantOutcome(t, a.Send(ctx, postTo("5", "b", words)), chat.Outcome{Fate: chat.Later, Reason: "stopped before it was sent"})
	if n := len(w.Calls("", "")); n != 1 {
		t.Errorf("got %d calls, want 1", n)
	}
}

// Sixty posts to ten channels, all at once, arrive without one refusal. They take
// two windows of a channel.
func TestManyPostsKeepTheLimits(t *testing.T) {
	t.Parallel()
	a, w := idle(t, discordtest.New(t))
	const channels, each = 10, 6
	var all sync.WaitGroup
	for n := range channels * each {
		all.Go(func() {
			p := postTo(strconv.Itoa(100+n%channels), strconv.Itoa(n), words)
			for {
				out := a.Send(t.Context(), p)
				if out.Fate == chat.Posted {
					return
				}
				if out.Fate != chat.Later || out.Wait <= 0 {
					t.Errorf("post %d: got %+v, want Later", n, out)
					return
				}
				select {
				case <-time.After(out.Wait):
				case <-t.Context().Done():
					return
				}
			}
		})
	}
	all.Wait()
	for n := range channels {
		if got := len(w.Messages(strconv.Itoa(100 + n))); got != each {
			t.Errorf("channel %d: got %d messages, want %d", n, got, each)
		}
	}
	for _, c := range w.Calls("", "") {
		if c.Status != http.StatusOK {
			t.Errorf("got status %d, want every call taken", c.Status)
		}
	}
}
