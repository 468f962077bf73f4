package exchanges

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// Times of a venue's upkeep.
const (
	listEvery  = time.Hour
	clockEvery = 5 * time.Minute
	// retryFirst and retryMost bound the wait after a failure.
	retryFirst = 2 * time.Second
	retryMost  = 2 * time.Minute
	// settle is how long a change of the coins asked for is left to grow before the
	// streams begin anew.
	settle = time.Second
	// queueSize bounds the updates that wait to be applied: some seconds of a busy venue.
	queueSize = 16384
)

// venue is one feed and its state. It implements feeds.Sink.
type venue struct {
	feed   feeds.Feed
	name   market.Venue
	engine *Source
	log    *slog.Logger
	queue  *queue

	drops [9]atomic.Uint64 // by reasonIndex
	// offset is how far the venue's clock is ahead of the host's, nanoseconds.
	offset atomic.Int64
	// noInterest says that the venue keeps no past open interest: its stream has to tell the
	// present one before history is of use.
	noInterest atomic.Bool
	// unknown says that the venue has not told yet what it lists.
	unknown atomic.Bool
	// clocked says that offset was measured.
	clocked atomic.Bool
	// newest is the event time of the newest update in the host's clock, Unix nanoseconds.
	newest atomic.Int64

	mu sync.Mutex
	// contracts are all that the venue lists, by coin.
	contracts map[market.Coin]market.Contract
	// bySymbol are the listings that are followed.
	bySymbol map[string]*followed
	streams  map[string]error // nil: up
	failure  error            // of the newest request that failed; nil once one works
	trouble  map[string]bool  // what was reported to the host
	resub    [2]chan struct{} // wakes the streams: always followed, asked for
	relist   chan struct{}
	fresh    chan struct{} // wakes those that fetch history, one by one
	due      map[market.Coin]*filling
	restTill time.Time
	// watched is from when on the streams have told without a long gap; zero before.
	watched time.Time
	// lost is when the last of them was lost; zero while all are up.
	lost time.Time
}

// followed is a coin's listing that updates of a symbol go to.
type followed struct {
	coin    *coin
	listing *listing
	// extra is followed because somebody asked for the coin.
	extra bool
}

var reasons = []feeds.Reason{
	feeds.Garbage, feeds.WrongType, feeds.Impossible, feeds.UnknownContract, feeds.OutOfOrder,
	feeds.Duplicate, feeds.Refused, feeds.Overflow,
}

func newVenue(f feeds.Feed, s *Source) *venue {
	v := &venue{
		feed: f, name: f.Venue(), engine: s, queue: newQueue(queueSize),
		log:      s.cfg.Log.With(slog.String("venue", string(f.Venue()))),
		bySymbol: make(map[string]*followed), streams: make(map[string]error), trouble: make(map[string]bool),
		resub:  [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)},
		relist: make(chan struct{}, 1), fresh: make(chan struct{}, fillers), due: make(map[market.Coin]*filling),
	}
	v.unknown.Store(true)
	return v
}

// Update implements feeds.Sink.
func (v *venue) Update(u feeds.Update) {
	if v.queue.push(u) {
		v.Dropped(feeds.Overflow)
	}
}

// Dropped implements feeds.Sink.
func (v *venue) Dropped(r feeds.Reason) {
	if i := slices.Index(reasons, r); i >= 0 {
		v.drops[i].Add(1)
		return
	}
	v.drops[len(reasons)].Add(1)
}

// Frame implements feeds.Sink.
func (v *venue) Frame(stream string, frame []byte) {
	if v.engine.cfg.Tape != nil {
		v.tapeFrame(stream, frame)
	}
}

// apply is the one goroutine that hands updates to the coins.
func (v *venue) apply(ctx context.Context) {
	batch := make([]feeds.Update, 0, 256)
	for {
		batch = v.queue.take(ctx, batch[:0])
		if batch == nil {
			return
		}
		for i := range batch {
			v.applyOne(&batch[i])
		}
	}
}

func (v *venue) applyOne(u *feeds.Update) {
	if u.Kind == feeds.ContractChanged {
		wake(v.relist)
		return
	}
	v.mu.Lock()
	f := v.bySymbol[u.Contract.Symbol]
	v.mu.Unlock()
	if f == nil {
		v.Dropped(feeds.UnknownContract)
		return
	}
	now := v.engine.cfg.Now()
	at := u.At.Round(0).Add(-time.Duration(v.offset.Load()))
	if at.After(now.Add(time.Minute)) {
		if v.clocked.Load() {
			v.Dropped(feeds.OutOfOrder)
			return
		}
		at = now // the venue's clock is not known yet
	}
	f.coin.mu.Lock()
	defer f.coin.mu.Unlock()
	switch u.Kind {
	case feeds.ContractChanged: // seen above
	case feeds.Ticker:
		if !f.listing.plausibleInterest(u.OpenInterestCoins) {
			u.OpenInterestCoins = 0
			v.Dropped(feeds.Impossible)
		}
		if !f.listing.ticker(*u, at, now) {
			v.Dropped(feeds.OutOfOrder)
			return
		}
		f.listing.tape.updated(f.listing, u, at, now)
		if newest := v.newest.Load(); at.UnixNano() > newest || newest > now.UnixNano() {
			v.newest.Store(at.UnixNano())
		}
	case feeds.Liquidation:
		if f.listing.disbelieved || !f.listing.plausiblePrint(u.Order) {
			v.Dropped(feeds.Impossible)
			return
		}
		f.listing.tape.updated(f.listing, u, at, now)
		if !f.coin.liquidated(v.name, u, at, now) {
			v.Dropped(feeds.Duplicate)
		}
	}
}

// wake makes the reader of a channel of one look.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run keeps the venue's list, clock, streams and history until the context ends.
func (v *venue) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { v.apply(ctx) })
	wg.Go(func() { v.keepClock(ctx) })
	wg.Go(func() { v.keepList(ctx) })
	wg.Go(func() { v.keepStream(ctx, false) })
	wg.Go(func() { v.keepStream(ctx, true) })
	for range fillers {
		wg.Go(func() { v.fill(ctx) })
	}
	wg.Wait()
}

// keepList reads the venue's contracts now, every hour and when one of them changed.
func (v *venue) keepList(ctx context.Context) {
	wait := retryFirst
	for ctx.Err() == nil {
		list, err := v.feed.Contracts(ctx)
		v.noteFailure("contracts", err)
		pause := listEvery
		if err != nil {
			pause, wait = retryAfter(err, wait, v.engine.cfg.Now()), min(2*wait, retryMost)
		} else {
			wait = retryFirst
			v.setContracts(list)
			v.engine.curate()
		}
		select {
		case <-ctx.Done():
		case <-v.relist:
			_ = feeds.Pause(ctx, settle)
		case <-time.After(pause):
		}
	}
}

// retryAfter is when a failed request may be made again.
func retryAfter(err error, wait time.Duration, now time.Time) time.Duration {
	if at := retryAt(err); at.After(now) {
		return min(at.Sub(now), time.Hour)
	}
	return wait
}

func (v *venue) setContracts(list []market.Contract) {
	contracts := make(map[market.Coin]market.Contract, len(list))
	for _, c := range list {
		if old, twice := contracts[c.Coin]; twice && old.Quote == "USDT" {
			continue
		}
		contracts[c.Coin] = c
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.contracts = contracts
	v.unknown.Store(false)
}

// keepClock measures how far the venue's clock is ahead.
func (v *venue) keepClock(ctx context.Context) {
	wait := retryFirst
	for ctx.Err() == nil {
		before := time.Now()
		at, err := v.feed.ServerTime(ctx)
		pause := clockEvery
		if err != nil {
			pause, wait = retryAfter(err, wait, v.engine.cfg.Now()), min(2*wait, retryMost)
		} else {
			wait = retryFirst
			took := time.Since(before)
			offset := at.Sub(v.engine.cfg.Now().Add(-took / 2))
			// Less than that is the way there and back.
			if offset.Abs() < 250*time.Millisecond+took/2 {
				offset = 0
			}
			v.offset.Store(int64(offset))
			v.clocked.Store(true)
		}
		_ = feeds.Pause(ctx, pause)
	}
}

// noteFailure remembers what failed and tells the host once, and once when it is over.
func (v *venue) noteFailure(what string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if p := feeds.ProblemOf(err); err != nil && (p == feeds.NotListed || p == feeds.BadData) {
		// Of one contract, while the venue answers.
		v.log.Debug("venue has no such figure", slog.String("what", what), slog.Any("err", err))
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failure = err
	switch {
	case err != nil && !v.trouble[what]:
		v.log.Warn("venue does not answer", slog.String("what", what), slog.Any("err", err))
	case err == nil && v.trouble[what]:
		v.log.Info("venue answers again", slog.String("what", what))
	}
	v.trouble[what] = err != nil
}
