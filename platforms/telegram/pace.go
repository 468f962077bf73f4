package telegram

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// defaultRate is how many messages a second go out in all. Telegram's limit for
	// posts is about 30.
	defaultRate = 28
	// margin is how many more than the rate may go out within a window, of which
	// posts leave the last one to a reply. A message keeps its place for a window
	// after it went out, and for a second after it came in, if that is later.
	margin  = 2
	window  = 1030 * time.Millisecond
	arrival = time.Second
	// lost is the age from which a message that is still on its way does not keep its
	// place any more: a chat that hangs must not hold up all others.
	lost = 2 * time.Second
	// lateBy is how late a timer may be for the slots of posts to be made up for: timers are
	// late by milliseconds, which are many slots at the rates that are paid for.
	lateBy = 100 * time.Millisecond
	// minShare is what posts that wait keep of the rate however many replies there
	// are, and maxDebt the longest that replies put the next post off.
	minShare = 0.2
	maxDebt  = time.Second
	// After a refusal posts go at half the rate, and at one a second more for each
	// quietTime.
	quietTime = 30 * time.Second
	minRate   = 1
	// together is how near the refusals of two chats are when they are not about the
	// chats.
	together = time.Second
	// maxRate is no rate of Telegram's, but one that is not meant as one.
	maxRate = 1000
	// keptRooms is how many chats are remembered before idle ones are forgotten.
	keptRooms = 1024
	never     = time.Duration(1<<63 - 1)
)

// botWide are the methods whose refusal is not about a chat and not about the method
// alone, as it is for those that register menus.
var botWide = map[string]bool{"getMe": true, "getUpdates": true, "answerCallbackQuery": true, "answerInlineQuery": true}

// refusedMethod is told of a call that Telegram wants repeated later.
func (a *Adapter) refusedMethod(method string, after time.Duration) {
	if botWide[method] {
		a.pacer.refuseAll(a.wait(after))
	}
}

// kind is what goes out: the three are paced differently.
type kind uint8

const (
	aReply kind = iota
	aPost
	anEdit // counts in groups only
)

// pacer keeps Telegram's limits before Telegram has to insist on them. Replies go
// first; posts are spaced evenly, leave room for replies and do not wait long for
// a single chat. golang.org/x/time/rate has one queue: a reply would wait behind
// all posts that have come before it, and a wait cannot depend on who else waits.
//
// It is safe for concurrent use. It owns no goroutine: a turn is given by whoever
// takes or ends one, or by a timer that is set while somebody waits.
type pacer struct {
	mu sync.Mutex
	// full is the rate that was asked for, rate that of posts now, in messages a
	// second; raise is when it is raised next.
	full, rate float64
	raise      time.Time
	// paused is the end of a pause of all posts.
	paused time.Time
	// slot is the next moment for a post, posted that of the last one. Each reply
	// puts it off, so that both together keep the rate.
	slot, posted time.Time
	// recent are the messages that keep their place, in the order of their going out;
	// replied is when the replies of the last window went out.
	recent  []*turn
	replied []time.Time
	// quick is about the shortest time of a call lately: what takes longer may have
	// come in later by as much.
	quick time.Duration
	// refused is the last chat that Telegram refused to take more for, and when.
	refused   int64
	refusedAt time.Time

	rooms   map[int64]*room
	sweepAt int
	// first are replies and edits that wait, posts come after them; both in the
	// order of their coming.
	first, posts []*turn
	timer        *time.Timer
}

// newPacer makes a pacer whose first post goes out at a moment.
func newPacer(rate float64, first time.Time) *pacer {
	return &pacer{full: rate, rate: rate, slot: first, rooms: make(map[int64]*room), sweepAt: keptRooms}
}

// turn is the right to make one call. It has to be ended or given back.
type turn struct {
	*pacer
	room  *room
	kind  kind
	since time.Time
	// most is how long a reply waits for its chat.
	most time.Duration
	// ready gets nil or a *heldError, once.
	ready chan error
	// at is when the turn was given and over when it was ended, step how far it has put
	// off the next post.
	at, over time.Time
	step     time.Duration
}

// heldError says that a turn would take too long, and how long.
type heldError struct {
	wait time.Duration
	// all is set when not the chat is held but all posts are.
	all bool
}

func (e *heldError) Error() string {
	if e.all {
		return "telegram: posts are paused by a rate limit"
	}
	return "telegram: chat is paused by a rate limit"
}

// take waits for a turn. It returns a *heldError at once when the chat, and for a
// post all posts, have to wait longer than most; a post waits for chatGap.
func (p *pacer) take(ctx context.Context, chat int64, k kind, most time.Duration) (*turn, error) {
	t := &turn{pacer: p, kind: k, most: most, since: time.Now(), ready: make(chan error, 1)}
	p.mu.Lock()
	t.room = p.room(chat)
	t.room.waiting++
	if k == aPost {
		p.posts = append(p.posts, t)
	} else {
		p.first = append(p.first, t)
	}
	p.dispatch()
	p.mu.Unlock()
	select {
	case err := <-t.ready:
		return t, err
	case <-ctx.Done():
		p.desert(t)
		return nil, context.Cause(ctx)
	}
}

// desert drops a turn that nobody waits for any more.
func (p *pacer) desert(t *turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !t.at.IsZero() {
		p.undo(t)
		return
	}
	if !slices.Contains(p.first, t) && !slices.Contains(p.posts, t) {
		return // it was sent away at the same moment
	}
	t.room.waiting--
	p.first, p.posts = without(p.first, t), without(p.posts, t)
	p.dispatch()
}

// end is told when the call has been answered, or will not be.
func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = time.Now()
	t.room.end(t.over, t.kind)
	switch d := t.over.Sub(t.at); {
	case t.kind == anEdit:
	case t.quick == 0 || d < t.quick:
		t.quick = d
	default:
		// The way may have become longer.
		t.quick += (d - t.quick) / 256
	}
	t.dispatch()
}

// giveBack is end for a turn that was not used.
func (t *turn) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.undo(t)
}

func (p *pacer) undo(t *turn) {
	t.room.undo(t.kind)
	p.slot = p.slot.Add(-t.step)
	p.recent = without(p.recent, t)
	if i := slices.Index(p.replied, t.at); i >= 0 && t.kind == aReply {
		p.replied = slices.Delete(p.replied, i, i+1)
	}
	p.dispatch()
}

// open waits until a chat may be sent to, without taking a turn. It returns a
// *heldError at once when that takes longer than most.
func (p *pacer) open(ctx context.Context, chat int64, k kind, most time.Duration) error {
	for {
		d := p.left(chat, k)
		switch {
		case d == 0:
			return nil
		case d > most:
			return &heldError{wait: d}
		}
		if err := rest(ctx, d); err != nil {
			return err
		}
	}
}

func (p *pacer) left(chat int64, k kind) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, ok := p.rooms[chat]; ok {
		return r.wait(time.Now(), k)
	}
	return 0
}

// refuse is told that Telegram wants no more for a chat for some time. It reports
// whether that is about all posts, as several chats were refused together.
func (p *pacer) refuse(chat int64, d time.Duration) (all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	r := p.room(chat)
	r.paused = latest(r.paused, now.Add(d))
	all = p.refused != chat && !p.refusedAt.IsZero() && now.Sub(p.refusedAt) <= together
	p.refused, p.refusedAt = chat, now
	if all {
		p.slow(now, d)
	}
	p.dispatch()
	return all
}

// refuseAll is told that Telegram wants no more of the bot for some time.
func (p *pacer) refuseAll(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow(time.Now(), d)
	p.dispatch()
}

// slow pauses posts. What was on its way then is refused too: that slows them down
// only once.
func (p *pacer) slow(now time.Time, d time.Duration) {
	if now.After(p.paused) {
		p.rate = max(p.rate/2, min(minRate, p.full))
	}
	jitter := 100*time.Millisecond + rand.N(900*time.Millisecond) //nolint:gosec // jitter is no secret
	p.paused = latest(p.paused, now.Add(d+jitter))
	p.raise = p.paused.Add(quietTime)
}

// rested is for how long all posts have to wait yet.
func (p *pacer) rested() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(time.Until(p.paused), 0)
}

// room returns what is known of a chat, from now on; mu is held.
func (p *pacer) room(chat int64) *room {
	if r, ok := p.rooms[chat]; ok {
		return r
	}
	if len(p.rooms) >= p.sweepAt {
		now := time.Now()
		for id, r := range p.rooms {
			if r.idle(now) {
				delete(p.rooms, id)
			}
		}
		p.sweepAt = max(keptRooms, 2*len(p.rooms))
	}
	r := &room{id: chat}
	p.rooms[chat] = r
	return r
}
