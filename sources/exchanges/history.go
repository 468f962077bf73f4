package exchanges

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/sources/exchanges/tape"
)

// How history is fetched.
const (
	// fillers is how many requests for history a venue is asked at a time.
	fillers = 3
	// firstSpan is fetched before a map is shown, fullSpan afterwards for the coins of
	// the configuration.
	firstSpan = 7 * 24 * time.Hour
	fullSpan  = 30 * 24 * time.Hour
	// farthestNext is more than any listing is left alone for.
	farthestNext = 11 * time.Minute
	// longestWait is how long a goroutine that fetches history does not look for work.
	longestWait = 5 * time.Second
	// grace is how long after its end a candle is asked for.
	grace = 4 * time.Second
	// spread is the time over which the new candles of all coins are asked for.
	spread = 40 * time.Second
)

// rebuildFrom is from how many new bars on it takes less time to make a map anew.
const rebuildFrom = 60

// filling is the history of one listing: what is there and when to ask for more.
type filling struct {
	coin    *coin
	listing *listing
	busy    bool
	// loaded says that what is on disk has been read.
	loaded bool
	// needsInterest says that the venue keeps no open interest, and that its stream has to
	// tell the present one first.
	needsInterest bool
	// full says that fullSpan was asked for.
	full     bool
	next     time.Time
	failures int
	// fruitless counts questions for a new candle that brought none.
	fruitless int
}

// fill is one of a venue's goroutines that fetch history.
func (v *venue) fill(ctx context.Context) {
	for ctx.Err() == nil {
		now := v.engine.cfg.Now()
		job, wait := v.nextFilling(now)
		if job == nil {
			v.await(ctx, wait)
			continue
		}
		next, err := v.bring(ctx, job, now)
		if ctx.Err() != nil {
			return
		}
		v.filled(job, next, err)
	}
}

// nextFilling is the listing whose history is due, the largest coin first, or how long to
// wait for one.
func (v *venue) nextFilling(now time.Time) (*filling, time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Before(v.restTill) {
		return nil, min(v.restTill.Sub(now), longestWait)
	}
	var best *filling
	wait := longestWait
	for _, f := range v.due {
		if f.busy {
			continue
		}
		// A time farther off was set before the host's clock was set back.
		if until := f.next.Sub(now); until > 0 && until <= farthestNext {
			wait = min(wait, until)
			continue
		}
		if best == nil || v.before(f, best) {
			best = f
		}
	}
	if best == nil {
		return nil, wait
	}
	best.busy = true
	return best, 0
}

// await waits until something may be due: for a while, or until there is a new listing.
func (v *venue) await(ctx context.Context, d time.Duration) {
	t := time.NewTimer(max(d, look))
	defer t.Stop()
	select {
	case <-t.C:
	case <-v.fresh:
	case <-ctx.Done():
	}
}

// before orders what is due: maps that can not be shown yet, then new candles, then the
// rest of the long history; the largest coin first.
func (v *venue) before(a, b *filling) bool {
	if x, y := a.stage(), b.stage(); x != y {
		return x < y
	}
	return v.engine.compareCoins(a.coin.name, b.coin.name) < 0
}

func (f *filling) stage() int {
	switch {
	case f.listing.estimator == nil:
		return 0
	case !f.full:
		return 2
	default:
		return 1
	}
}

// filled notes how a job ended.
func (v *venue) filled(f *filling, next time.Time, err error) {
	if errors.Is(err, errNoOpenInterest) {
		f.needsInterest = true
		v.noInterest.Store(true)
		next, err = v.engine.cfg.Now().Add(look), nil
	}
	v.noteFailure("history", err)
	v.mu.Lock()
	defer v.mu.Unlock()
	f.busy = false
	if err == nil {
		f.failures, f.next = 0, next
		return
	}
	f.failures++
	now := v.engine.cfg.Now()
	f.next = now.Add(min(retryFirst<<min(f.failures, 8), 10*time.Minute))
	if at := retryAt(err); at.After(now) {
		v.restTill = at
	}
}

// bring fetches what a listing lacks and says when to ask again.
func (v *venue) bring(ctx context.Context, f *filling, now time.Time) (time.Time, error) {
	if (f.needsInterest || v.noInterest.Load()) && f.coin.interestOf(f.listing) == 0 {
		return now.Add(look), nil
	}
	if !f.loaded {
		if err := v.load(f, now); err != nil {
			v.log.Error("bars not read", slog.String("coin", string(f.coin.name)), slog.Any("err", err))
		}
		f.loaded = true
	}
	last := now.Add(time.Duration(v.offset.Load()) - grace).Truncate(feeds.CandleLength)
	f.coin.mu.Lock()
	end, ready := f.listing.bars.end(), f.listing.estimator != nil
	f.coin.mu.Unlock()
	switch {
	case !ready || end.Before(last):
		from := last.Add(-firstSpan)
		if end.After(from) {
			from = end
		}
		got, err := v.extend(ctx, f, from, last)
		if err != nil {
			return time.Time{}, err
		}
		return v.whenNext(f, got, now), nil
	case !f.full && v.engine.wantsFull(f.coin.name):
		if err := v.deepen(ctx, f, last); err != nil {
			return time.Time{}, err
		}
		f.full = true
		return now, nil
	default:
		f.full = true
		return v.whenNext(f, true, now), nil
	}
}

// whenNext is when the next candle is due: spread over some seconds by the coin's rank,
// or soon when the last one did not come.
func (v *venue) whenNext(f *filling, got bool, now time.Time) time.Time {
	f.coin.mu.Lock()
	end := f.listing.bars.end()
	f.coin.mu.Unlock()
	if !got {
		f.fruitless++
		return now.Add(min(5*time.Second<<min(f.fruitless, 6), feeds.CandleLength))
	}
	f.fruitless = 0
	if !f.full && v.engine.wantsFull(f.coin.name) {
		return now.Add(look)
	}
	next := end.Add(feeds.CandleLength + grace + v.engine.turn(f.coin.name)).Add(-time.Duration(v.offset.Load()))
	if next.Before(now) {
		return now.Add(time.Second)
	}
	// Farther off it can only be when the host's clock was set back.
	if latest := now.Add(feeds.CandleLength + grace + spread); next.After(latest) {
		return latest
	}
	return next
}

// load makes the map from the bars that are on disk, when they reach far enough to be
// continued.
func (v *venue) load(f *filling, now time.Time) error {
	bars, err := v.engine.cfg.Bars.Bars(v.name, f.listing.contract.Symbol, now.Add(-fullSpan))
	if err != nil || len(bars) == 0 {
		return err
	}
	if now.Sub(bars[len(bars)-1].End()) > liquidation.Recommended(f.coin.name).MaxHole {
		return nil
	}
	f.full = now.Sub(bars[0].Start) > fullSpan-24*time.Hour
	return v.rebuild(f, bars)
}

// rebuild makes a listing's map anew.
func (v *venue) rebuild(f *filling, bars []market.Bar) error {
	m, err := v.engine.model(f.coin.name)
	if err != nil {
		return err
	}
	fresh, taped := rebuild(m, bars), f.coin.tape.barsFor(bars)
	for range fresh.refused {
		v.Dropped(feeds.Impossible)
	}
	f.coin.mu.Lock()
	defer f.coin.mu.Unlock()
	f.listing.take(fresh)
	f.listing.tape.took(tape.Rebuilt, f.listing, taped)
	return nil
}

// extend fetches the bars in [from, to) and adds them to the map. It reports whether
// there was one.
func (v *venue) extend(ctx context.Context, f *filling, from, to time.Time) (bool, error) {
	bars, err := v.fetch(ctx, f, from, to)
	if err != nil {
		return false, err
	}
	if len(bars) == 0 {
		return false, nil
	}
	v.saved(v.engine.cfg.Bars.SaveBars(v.name, f.listing.contract.Symbol, bars))
	if len(bars) > rebuildFrom || f.listing.estimator == nil {
		known, err := v.engine.cfg.Bars.Bars(v.name, f.listing.contract.Symbol, to.Add(-fullSpan))
		if err != nil {
			known = nil
		}
		// The disk may have refused the new ones.
		return true, v.rebuild(f, market.MergeBars(known, bars))
	}
	taped := f.coin.tape.barsFor(bars)
	f.coin.mu.Lock()
	defer f.coin.mu.Unlock()
	f.listing.tape.took(tape.Stepped, f.listing, taped)
	for _, b := range bars {
		if !f.listing.step(b) {
			v.Dropped(feeds.Impossible)
		}
	}
	return true, nil
}

// saved tells the host once that bars cannot be kept, and once that they can be again.
func (v *venue) saved(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if is := err != nil; is != v.trouble["saving"] {
		v.trouble["saving"] = is
		if is {
			v.log.Error("bars not saved", slog.Any("err", err))
		} else {
			v.log.Info("bars are saved again")
		}
	}
}

// deepen fetches what lies before the bars that are there, and makes the map anew.
func (v *venue) deepen(ctx context.Context, f *filling, last time.Time) error {
	f.coin.mu.Lock()
	first, opened := last, 0.0
	if len(f.listing.bars.bars) > 0 {
		first, opened = startOf(f.listing.bars.bars[0].slot), float64(f.listing.bars.bars[0].open)
	}
	f.coin.mu.Unlock()
	symbol := f.listing.contract.Symbol
	older, err := v.fetch(ctx, f, last.Add(-fullSpan), first)
	if err != nil || len(older) == 0 {
		return err
	}
	if newest := older[len(older)-1]; newest.End().Equal(first) && !near(newest.CloseUSD, opened) {
		return &feeds.Error{Venue: v.name, Problem: feeds.BadData, Err: errTorn}
	}
	if err := v.engine.cfg.Bars.SaveBars(v.name, symbol, older); err != nil {
		v.saved(err)
		return nil // without a place for it the long history is done without
	}
	all, err := v.engine.cfg.Bars.Bars(v.name, symbol, last.Add(-fullSpan))
	if err != nil {
		v.saved(err)
		return nil
	}
	return v.rebuild(f, all)
}

// errNoOpenInterest: the venue keeps no history of it and its stream has not told it yet.
var errNoOpenInterest = errors.New("open interest is not known yet")

// errTorn: older candles end far from where the newer ones begin.
var errTorn = errors.New("history does not join")

// fetch asks for the candles in [from, to) and the open interest at their starts.
func (v *venue) fetch(ctx context.Context, f *filling, from, to time.Time) ([]market.Bar, error) {
	contract := f.listing.contract
	candles, err := v.feed.Candles(ctx, contract, from, to)
	if err != nil || len(candles) == 0 {
		return nil, err
	}
	f.coin.mu.Lock()
	points, now := f.listing.points(), f.listing.live.coins
	f.coin.mu.Unlock()
	// The stream told the open interest of the newest bars.
	if len(points) == 0 || points[0].At.After(candles[0].Start) {
		told, err := v.feed.OpenInterest(ctx, contract, from.Add(-time.Hour), to)
		if err != nil && !feeds.Permanent(err) {
			return nil, err
		}
		points = merge(told, points)
	}
	if len(points) == 0 && now == 0 {
		return nil, &feeds.Error{Venue: v.name, Problem: feeds.Unavailable, Err: errNoOpenInterest}
	}
	bars, odd := f.coin.plausible(v.name, assemble(candles, points, now))
	for range odd {
		v.Dropped(feeds.Impossible)
	}
	return bars, nil
}

// merge puts what the stream told behind what history tells.
func merge(told, streamed []market.OpenInterestPoint) []market.OpenInterestPoint {
	for _, p := range streamed {
		if len(told) == 0 || p.At.After(told[len(told)-1].At) {
			told = append(told, p)
		}
	}
	return told
}

func retryAt(err error) time.Time {
	if e, ok := errors.AsType[*feeds.Error](err); ok {
		return e.RetryAt
	}
	return time.Time{}
}

// model is that of a coin's map.
func (s *Source) model(coin market.Coin) (*liquidation.Model, error) {
	p := liquidation.Recommended(coin)
	s.modelMu.Lock()
	defer s.modelMu.Unlock()
	if m := s.models[p.Hash()]; m != nil {
		return m, nil
	}
	m, err := liquidation.NewModel(p)
	if err != nil {
		return nil, err
	}
	s.models[p.Hash()] = m
	return m, nil
}
