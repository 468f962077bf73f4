package telegram

import (
	"slices"
	"time"
)

// dispatch gives the turns that are due, and sets the timer for the next; mu is
// held.
func (p *pacer) dispatch() {
	now := time.Now()
	p.recent = slices.DeleteFunc(p.recent, func(t *turn) bool { return !p.until(t, now).After(now) })
	p.replied = since(p.replied, now.Add(-window))
	for p.rate < p.full && !now.Before(p.raise) {
		p.rate, p.raise = min(p.rate+1, p.full), p.raise.Add(quietTime)
	}
	first := p.serveFirst(now)
	p.arm(min(first, p.servePosts(now)))
}

func (p *pacer) arm(next time.Duration) {
	switch {
	case next == never && p.timer == nil:
	case next == never:
		p.timer.Stop()
	case p.timer == nil:
		p.timer = time.AfterFunc(next, p.wake)
	default:
		p.timer.Reset(next)
	}
}

func (p *pacer) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dispatch()
}

// serveFirst gives turns to replies and edits. It returns when to look again.
func (p *pacer) serveFirst(now time.Time) time.Duration {
	next, blocked := never, time.Duration(0)
	sharing := len(p.first) > 0 && p.postsDue(now)
	p.first = slices.DeleteFunc(p.first, func(t *turn) bool {
		d := t.room.wait(now, t.kind)
		if d > t.most {
			t.hold(&heldError{wait: d})
			return true
		}
		if d == 0 && t.kind == aReply && blocked == 0 {
			blocked = p.replyWait(now, sharing)
		}
		if d == 0 && t.kind == aReply {
			d = blocked
		}
		if d == 0 {
			p.give(t, now)
			return true
		}
		next = min(next, d)
		return false
	})
	return next
}

// servePosts gives turns to posts. It returns when to look again. A reply that waits
// takes the next place, as posts may not have the last one.
func (p *pacer) servePosts(now time.Time) time.Duration {
	next, blocked := never, time.Duration(0)
	pause := p.paused.Sub(now)
	p.posts = slices.DeleteFunc(p.posts, func(t *turn) bool {
		d := t.room.wait(now, aPost)
		switch {
		case pause > chatGap:
			t.hold(&heldError{wait: pause, all: true})
			return true
		case d > chatGap:
			t.hold(&heldError{wait: d})
			return true
		}
		if d = max(d, pause); d == 0 && blocked == 0 {
			blocked = p.postWait(t, now)
		}
		if d == 0 {
			d = blocked
		}
		if d == 0 {
			p.give(t, now)
			return true
		}
		next = min(next, d)
		return false
	})
	return next
}

// postsDue reports whether a post waits for nothing but its turn.
func (p *pacer) postsDue(now time.Time) bool {
	return !p.paused.After(now) && slices.ContainsFunc(p.posts, func(t *turn) bool { return t.room.wait(now, aPost) == 0 })
}

// most is how many messages fit in a window.
func (p *pacer) most() int { return int(p.full) + margin }

// replyWait is how long a reply has to wait for a place, of which some are kept for
// posts when there are any.
func (p *pacer) replyWait(now time.Time, sharing bool) time.Duration {
	if d := p.placeWait(now, p.most()); d > 0 || !sharing {
		return d
	}
	if over := len(p.replied) - max(int((1-minShare)*float64(p.most()-1)), 1); over >= 0 {
		return p.replied[over].Add(window).Sub(now)
	}
	return 0
}

// postWait is how long a post has to wait for its slot and a place.
func (p *pacer) postWait(t *turn, now time.Time) time.Duration {
	longest := time.Duration(float64(p.step()) / minShare)
	d := min(p.slot.Sub(now), latest(p.posted, t.since).Add(longest).Sub(now))
	return max(d, p.placeWait(now, p.most()-1))
}

// placeWait is how long it takes until there is a place when there are so many.
func (p *pacer) placeWait(now time.Time, places int) time.Duration {
	over := len(p.recent) - places
	if over < 0 {
		return 0
	}
	var left []time.Duration
	for _, t := range p.recent {
		left = append(left, p.until(t, now).Sub(now))
	}
	slices.Sort(left)
	return max(left[over], 0)
}

// until is when a message gives its place up, as far as that is known.
func (p *pacer) until(t *turn, now time.Time) time.Time {
	if !t.over.IsZero() {
		return latest(t.at.Add(window), t.over.Add(arrival-p.quick))
	}
	d := min(now.Add(arrival-p.quick).Sub(t.at), lost)
	return t.at.Add(max(window, d))
}

// give lets a turn begin.
func (p *pacer) give(t *turn, now time.Time) {
	t.at = now
	t.room.waiting--
	t.room.begin(now, t.kind)
	if t.kind != anEdit {
		p.recent = append(p.recent, t)
		t.step = p.step()
		// A timer that was late does not slow posts down, but a slot that nobody
		// waited for is lost.
		p.slot = latest(p.slot, latest(now.Add(-lateBy), t.since)).Add(t.step)
		if debt := now.Add(maxDebt + t.step); p.slot.After(debt) {
			p.slot = debt
		}
	}
	switch t.kind {
	case aReply:
		p.replied = append(p.replied, now)
	case aPost:
		p.posted = now
	default:
	}
	t.ready <- nil
}

// step is the time from one post to the next.
func (p *pacer) step() time.Duration { return time.Duration(float64(time.Second) / p.rate) }

// hold tells a turn that it would take too long.
func (t *turn) hold(err *heldError) {
	t.room.waiting--
	t.ready <- err
}

func without(turns []*turn, t *turn) []*turn {
	if i := slices.Index(turns, t); i >= 0 {
		return slices.Delete(turns, i, i+1)
	}
	return turns
}
