package delivery

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

const (
	// recordWithin is how long a result may wait to be recorded.
	recordWithin = 500 * time.Millisecond
	// straggles is how long a send may be on the wire and count; maxStragglers bounds
	// those that do not.
	straggles     = 2 * time.Second
	maxStragglers = 64
	// lookAgain bounds every sleep, so that a clock that was set is noticed.
	lookAgain = time.Minute
	// lastRecord bounds the end of Run after Drain; cutShort is the part of it that
	// sends get to come back when they are cut.
	lastRecord = 2 * time.Second
	cutShort   = 500 * time.Millisecond
)

// lane is the state of one Run. Only that goroutine touches it, but for the
// channels and since.
type lane struct {
	*Options
	woken  <-chan struct{}
	status *atomic.Pointer[Status]

	// landed brings back flights. It has room for all of them, so that none blocks.
	landed chan landing
	// wired hears that a flight has gone on the wire.
	wired chan struct{}
	// base is cancelled to cut the flights short; since is what their times count from.
	since time.Time

	// ready are taken over and not launched, in order; held wait behind another of
	// their chat, heldCount in all.
	ready     []alert.Delivery
	held      map[chat.Target][]alert.Delivery
	heldCount int
	flights   map[*flight]struct{}
	busy      map[chat.Target]bool
	rests     rests
	recents   recents
	// launched counts the first of ready that launch has dealt with.
	launched int
	// results are not recorded yet; the first of them came at gathered.
	results  []alert.Result
	gathered time.Time
	// drained: the outbox had nothing that is due when it was asked, which was at asked and
	// by the clock of alerts at clock; next is when it has.
	drained bool
	asked   time.Time
	clock   time.Time
	next    time.Time
	left    int

	down   outage
	store  outage
	doubt  doubt
	spoken map[string]time.Time
	// unclearRun counts the outcomes in a row that say nothing, since clear, which is
	// when the platform last gave an answer that does.
	unclearRun int
	clear      time.Time
}

// Run delivers until ctx ends, and returns at most Drain and 2 s later. The error
// says that the last results could not be recorded: the next Run finds those
// deliveries interrupted.
func (c *Courier) Run(ctx context.Context) error {
	l := &lane{
		Options: &c.opts, woken: c.woken, status: &c.status,
		landed:  make(chan landing, c.opts.Parallel+maxStragglers),
		wired:   make(chan struct{}, 1),
		since:   time.Now(),
		held:    make(map[chat.Target][]alert.Delivery),
		flights: make(map[*flight]struct{}),
		busy:    make(map[chat.Target]bool),
		rests:   make(rests),
		recents: newRecents(),
		spoken:  make(map[string]time.Time),
	}
	flying, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	if !l.resume(ctx) {
		return nil
	}
	for ctx.Err() == nil {
		now := time.Now()
		l.launch(flying, now)
		if l.due(now) {
			l.advance(ctx, now)
			l.collect()
			continue
		}
		l.publish(now)
		l.sleep(ctx, l.alarm(now))
		l.collect()
	}
	return l.drain(context.WithoutCancel(ctx), cut)
}

// resume decides what becomes of deliveries that an earlier process left open. It
// reports false when ctx ended first.
func (l *lane) resume(ctx context.Context) bool {
	for ctx.Err() == nil {
		open, err := l.Outbox.Interrupted(ctx, l.Platform)
		if err == nil {
			l.storeWorks()
			chats := make(map[chat.Target]int)
			for _, d := range open {
				chats[chatOf(d)]++
			}
			for _, d := range open {
				l.add(l.interrupted(d, chats[chatOf(d)] == 1))
			}
			return true
		}
		now := time.Now()
		l.storeFails(now, err)
		l.publish(now)
		for wait := l.store.until.Sub(now); wait > 0 && ctx.Err() == nil; wait = time.Until(l.store.until) {
			l.sleep(ctx, wait)
		}
	}
	return false
}

// sleep waits for news, but not longer than d.
func (l *lane) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-l.woken:
		l.drained = false
	case <-l.wired:
	case x := <-l.landed:
		l.land(x)
	}
}

// collect takes all news that is there.
func (l *lane) collect() {
	for {
		select {
		case <-l.woken:
			l.drained = false
		case x := <-l.landed:
			l.land(x)
		default:
			return
		}
	}
}

// room is how many deliveries can be taken over beside those without a result.
func (l *lane) room(now time.Time) int {
	if l.blocked(now) {
		return 0
	}
	limit := l.Parallel
	if p := l.probes(); p > 0 {
		limit = min(limit, p)
	}
	hanging := 0
	for f := range l.flights {
		if f.onWire(l.since, now) >= straggles {
			hanging++
		}
	}
	taken := len(l.ready) + l.heldCount + len(l.flights) - min(hanging, maxStragglers)
	return max(0, limit-taken)
}

// due reports whether the outbox is to be asked now.
func (l *lane) due(now time.Time) bool {
	if l.store.rests > 0 {
		return !l.store.active(now)
	}
	if len(l.results) > 0 && now.Sub(l.gathered) >= recordWithin {
		return true
	}
	if l.drained && (!l.next.IsZero() && !l.Now().Before(l.next) || l.setBack(now) > 0) {
		l.drained = false
	}
	if l.drained {
		return false
	}
	// Asking while as many are left as are sent during a commit leaves no gap;
	// asking for a few at a time would be a commit for each of them.
	room := l.room(now)
	few := max(1, l.Parallel/4)
	if p := l.probes(); p > 0 {
		few = 1
	}
	return room >= few && l.toLaunch() < max(1, l.Parallel/2)
}

// toLaunch counts the deliveries that are taken over and not yet on the wire.
func (l *lane) toLaunch() int {
	n := len(l.ready) + l.heldCount
	for f := range l.flights {
		if f.phase.Load() != onWire {
			n++
		}
	}
	return n
}

// alarm is how long there is nothing to do unless there is news.
func (l *lane) alarm(now time.Time) time.Duration {
	wait := lookAgain
	at := func(t time.Time) {
		if t.After(now) {
			wait = min(wait, t.Sub(now))
		}
	}
	if l.store.rests > 0 {
		at(l.store.until)
		return wait
	}
	if len(l.results) > 0 {
		at(l.gathered.Add(recordWithin))
	}
	if l.blocked(now) {
		at(l.blockedUntil())
		return wait
	}
	if l.drained {
		if !l.next.IsZero() {
			wait = min(wait, max(0, l.next.Sub(l.Now())))
		}
		return wait
	}
	for f := range l.flights {
		if d := f.onWire(l.since, now); d > 0 {
			at(now.Add(straggles - d))
		}
	}
	return wait
}

// advance hands in the results and takes over as much as there is room for.
func (l *lane) advance(ctx context.Context, now time.Time) {
	l.followClock(now)
	n := l.room(now)
	batch, err := l.Outbox.Advance(ctx, l.Platform, l.results, n)
	if err != nil {
		if ctx.Err() == nil {
			l.storeFails(time.Now(), err)
		}
		return
	}
	l.storeWorks()
	l.recorded(batch)
	// Without room nothing was handed out that is due, and Next says nothing of it.
	l.drained, l.asked, l.clock = n > 0 && len(batch.Deliveries) == 0, now, l.Now().Round(0)
	l.ready = append(l.ready, batch.Deliveries...)
}

// recorded forgets the results, which the outbox has.
func (l *lane) recorded(batch alert.Batch) {
	for _, r := range l.results {
		l.Observe(r.State)
	}
	clear(l.results)
	l.results = l.results[:0]
	l.left, l.next = batch.Left, batch.Next
}

// add keeps a result until it is recorded.
func (l *lane) add(r alert.Result) {
	if len(l.results) == 0 {
		l.gathered = time.Now()
	}
	l.results = append(l.results, r)
	l.report(r)
}

// drain ends the run: nothing is launched any more, and what was taken over and
// not launched goes back. What does not end in time keeps no result.
func (l *lane) drain(ctx context.Context, cut context.CancelFunc) error {
	began := time.Now()
	l.recall()
	l.handBack()
	if len(l.flights) > 0 && len(l.results) > 0 {
		// Whoever ends the process before the drain is over finds these recorded.
		_ = l.finish(ctx, began.Add(l.Drain))
	}
	l.await(began.Add(l.Drain))
	cut()
	l.await(began.Add(l.Drain + cutShort))
	err := l.finish(ctx, earlier(began.Add(l.Drain+lastRecord), time.Now().Add(lastRecord)))
	l.publish(time.Now())
	return err
}

// await takes flights back until none is left or it is too late.
func (l *lane) await(deadline time.Time) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for len(l.flights) > 0 {
		select {
		case <-timer.C:
			return
		case x := <-l.landed:
			l.land(x)
			l.handBack()
		}
	}
}

// finish records the results without taking anything over.
func (l *lane) finish(ctx context.Context, deadline time.Time) error {
	if len(l.results) == 0 {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	batch, err := l.Outbox.Advance(ctx, l.Platform, l.results, 0)
	if err != nil {
		return fmt.Errorf("delivery: record the last results on %s: %w", l.Platform, err)
	}
	l.recorded(batch)
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// handBack returns everything that is taken over and not launched.
func (l *lane) handBack() {
	back := l.ready
	for _, waiting := range l.held {
		back = append(back, waiting...)
	}
	for _, d := range back {
		l.add(l.waiting(d, l.Now(), ""))
	}
	l.ready, l.heldCount = nil, 0
	clear(l.held)
}

// publish lets others see how it goes.
func (l *lane) publish(now time.Time) {
	s := Status{Left: l.left, Flying: len(l.flights)}
	for _, r := range l.results {
		if r.State != alert.Waiting {
			s.Left--
		}
	}
	s.Left = max(s.Left, 0)
	s.Paused, s.Until = l.pausedBy(now)
	l.status.Store(&s)
}
