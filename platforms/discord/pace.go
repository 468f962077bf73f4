package discord

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"liqbot/chat"
)

// The limits that posts keep to before Discord has to say so.
// https://discord.com/developers/docs/topics/rate-limits
const (
	// postsPerSecond leaves room below Discord's 50 for the other calls with the
	// bot token. Answers to interactions do not count there.
	postsPerSecond = 45
	// assumedPosts in assumedWindow is what a channel takes as long as Discord has
	// not told its limit.
	assumedPosts  = 5
	assumedWindow = 5 * time.Second
	// maxLimit bounds what is believed of a told limit.
	maxLimit = 100
	// patience is how long a post waits for its channel before it comes back as
	// chat.Later.
	patience = time.Second
	// maxChannels bounds the channels that are remembered. At full speed no more
	// than some 250 are within their window.
	maxChannels = 10_000
)

// pace decides when a post may go out. It is safe for concurrent use and owns no
// goroutine.
type pace struct {
	invalid *tally

	mu sync.Mutex
	// next is when the next post of all may go out.
	next time.Time
	// pausedUntil and reason hold all posts back.
	pausedUntil time.Time
	reason      string
	channels    map[string]*bucket
}

// bucket is what is known of a channel's limit: so many posts in a window.
type bucket struct {
	limit int
	// window counts the windows, reset is when this one ends; told says that no
	// answer may end it sooner.
	window int
	reset  time.Time
	told   bool
	// left is how many more posts may be let go in this window, by our own count;
	// low is the least that Discord said was left, maxLimit before it said anything.
	left, low int
	// flying counts posts that were let go and have no answer yet. They may count in
	// this window or in the next, and in low or not.
	flying int
	// can is what the bot may do there, believed until then.
	can      powers
	canUntil time.Time
}

// permit lets one post go.
type permit struct {
	channel string
	window  int
}

// usage is what became of a post that was let go; zero if it never left.
type usage struct {
	sent bool
	// header is that of the answer, nil for none.
	header http.Header
	// wait is what a 429 for the channel asked for.
	wait time.Duration
}

func newPace(invalid *tally) *pace {
	return &pace{invalid: invalid, channels: make(map[string]*bucket)}
}

// admit waits until a post may go to the channel. Without a permit it may not go
// now, and the outcome says why. A permit has to be settled in the end.
func (p *pace) admit(ctx context.Context, channel string) (*permit, chat.Outcome) {
	for {
		if out := p.held(); out.Fate != 0 {
			return nil, out
		}
		taken, wait := p.take(channel)
		if taken == nil && wait > patience {
			return nil, chat.Outcome{Fate: chat.Later, Wait: wait, Reason: reasonChannelLimit}
		}
		sleep(ctx, wait)
		out := p.held() // much may have happened meanwhile
		if ctx.Err() != nil {
			out = chat.Outcome{Fate: chat.Later, Reason: reasonStopped}
		}
		if taken != nil && out.Fate == 0 {
			return taken, out
		}
		if taken != nil {
			p.settle(taken, usage{})
		}
		if out.Fate != 0 {
			return nil, out
		}
	}
}

// take takes a place in the channel's bucket and in the queue of all posts, and
// tells how long to wait for the latter; without a place it tells when there may
// be one.
func (p *pace) take(channel string) (*permit, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	b := p.bucket(channel, now)
	if !now.Before(b.reset) {
		b.window, b.told = b.window+1, false
		b.left, b.low, b.reset = b.limit-b.flying, maxLimit, now.Add(assumedWindow)
	}
	if min(b.left, b.low-b.flying) <= 0 {
		return nil, b.reset.Sub(now)
	}
	b.left--
	b.flying++
	slot := p.next
	if slot.Before(now) {
		slot = now
	}
	p.next = slot.Add(time.Second / postsPerSecond)
	return &permit{channel: channel, window: b.window}, slot.Sub(now)
}

// held tells why no post at all may go out; its Fate is zero if they may.
func (p *pace) held() chat.Outcome {
	now := time.Now()
	if wait := p.invalid.wait(now); wait > 0 {
		return chat.Outcome{Fate: chat.Down, Wait: wait, Reason: reasonInvalid}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.pausedUntil.Sub(now); wait > 0 {
		return chat.Outcome{Fate: chat.Down, Wait: wait, Reason: p.reason}
	}
	return chat.Outcome{}
}

// pause holds all posts back.
func (p *pace) pause(wait time.Duration, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(wait); until.After(p.pausedUntil) {
		p.pausedUntil, p.reason = until, reason
	}
}

// settle notes what became of a post that was let go.
func (p *pace) settle(t *permit, u usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, now := p.channels[t.channel], time.Now() // kept while a post is flying
	b.flying--
	switch {
	case u.wait > 0:
		b.low, b.reset, b.told = 0, now.Add(u.wait), true
	case !u.sent:
		b.left = min(b.left+1, b.limit)
	case u.header == nil: // it may have arrived just now
		b.low--
		if end := now.Add(assumedWindow); end.After(b.reset) {
			b.reset, b.told = end, true
		}
	default:
		b.learn(u.header, now, t.window)
	}
}

// learn follows the headers of the answer to a post of a window. Answers overtake
// each other: the least of what they say is left counts, and the latest end. Only
// an assumed end may prove to be sooner.
func (b *bucket) learn(h http.Header, now time.Time, window int) {
	if limit, err := strconv.Atoi(h.Get("X-RateLimit-Limit")); err == nil && limit > 0 {
		b.limit = min(limit, maxLimit)
	}
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	after := secondsHeader(h, "X-RateLimit-Reset-After")
	if err != nil || left < 0 || after == 0 {
		return
	}
	b.low = min(b.low, left)
	end, own := now.Add(after), window == b.window
	if own && !b.told || end.After(b.reset) {
		b.reset = end
	}
	b.told = b.told || own
}

// powers is what the bot may do in a channel: all that it was not lately found
// to lack.
func (p *pace) powers(channel string) powers {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.channels[channel]; b != nil && time.Now().Before(b.canUntil) {
		return b.can
	}
	return powers{embed: true, attach: true}
}

// remember keeps what the bot may do in a channel, so that not each of its posts
// is counted as refused.
func (p *pace) remember(channel string, can powers) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	b := p.bucket(channel, now)
	b.can, b.canUntil = can, now.Add(invalidWindow)
}

// bucket finds or makes a channel's bucket. The lock is held.
func (p *pace) bucket(channel string, now time.Time) *bucket {
	if b := p.channels[channel]; b != nil {
		return b
	}
	if len(p.channels) >= maxChannels {
		p.forget(now)
	}
	b := &bucket{limit: assumedPosts}
	p.channels[channel] = b
	return b
}

// forget makes room: first by channels of which there is nothing to know, then,
// down to three quarters, by any that wait for no answer.
func (p *pace) forget(now time.Time) {
	for id, b := range p.channels {
		if b.flying == 0 && !now.Before(b.reset) && !now.Before(b.canUntil) {
			delete(p.channels, id)
		}
	}
	for id, b := range p.channels {
		if len(p.channels) <= maxChannels*3/4 {
			return
		}
		if b.flying == 0 {
			delete(p.channels, id)
		}
	}
}
