package exchanges

import (
	"sync"
	"time"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
)

// coin is everything known of one coin. Its lock is held for microseconds: by the
// goroutine that applies a venue's updates, by the one that brings new bars, and by
// whoever takes a picture.
type coin struct {
	name  market.Coin
	since time.Time

	mu       sync.Mutex
	listings map[market.Venue]*listing
	realised *ledger
	// lastUSD is the newest price that was believed, lone since when a single venue has told
	// one that is far from it; zero if none does.
	lastUSD float64
	lone    time.Time
	// tape is nil when nothing is recorded.
	tape *coinTape
}

func newCoin(name market.Coin, now time.Time) *coin {
	return &coin{name: name, since: now, listings: make(map[market.Venue]*listing), realised: newLedger()}
}

// listing is what is known of a coin's contract on one venue. The coin's lock guards it.
type listing struct {
	contract market.Contract
	// since is when it began to be followed, in the host's clock.
	since time.Time
	// live is what the stream told last; times are in the host's clock.
	live struct {
		markUSD, indexUSD, lastUSD float64
		at                         time.Time
		coins                      float64
		coinsAt                    time.Time
		funding                    market.VenueFunding
		fundingAt                  time.Time
		hasFunding                 bool
		// shift brings the venue's time to the host's.
		shift time.Duration
	}
	// running are the extremes of the mark in stretches for which there is no bar yet, and
	// the open interest at their start.
	running []stretch
	bars    series
	// estimator holds all positions, whatever their age; nil until history is there.
	estimator *liquidation.Estimator
	windows   map[market.Window]windowed
	// odd counts tellings in a row of an open interest that is far from the last one.
	odd       int
	longShort *market.LongShort
	// usualFunding is the mean of the rates paid in the last seven days.
	usualFunding *float64
	// inputHash names the map of all bars up to hashed.
	inputHash string
	hashed    time.Time
	// disbelieved says that the price was far from the others' when last looked at.
	disbelieved bool
	// tape and taped are where the listing is recorded, and its name there.
	tape  *coinTape
	taped string
}

// windowed is the map of a window, made when it was last asked for.
type windowed struct {
	end     time.Time
	entries *liquidation.Sketch
}

// stretch is the time of one bar.
type stretch struct {
	slot              int32
	lowUSD, highUSD   float64
	openInterestCoins float64
}

// ticker takes what a stream told; at is in the host's clock. It reports whether it was
// newer than what was known.
func (l *listing) ticker(u feeds.Update, at, now time.Time) bool {
	// A time that has not come yet is of before the host's clock was set back.
	older := func(known time.Time) bool { return at.Before(known) && !known.After(now.Add(time.Minute)) }
	if u.MarkUSD > 0 {
		if older(l.live.at) {
			return false
		}
		l.live.markUSD, l.live.at, l.live.shift = u.MarkUSD, at, at.Sub(u.At)
		s := l.stretch(slotOf(u.At))
		if s.lowUSD == 0 || u.MarkUSD < s.lowUSD {
			s.lowUSD = u.MarkUSD
		}
		s.highUSD = max(s.highUSD, u.MarkUSD)
	}
	if u.IndexUSD > 0 {
		l.live.indexUSD = u.IndexUSD
	}
	if u.LastUSD > 0 {
		l.live.lastUSD = u.LastUSD
	}
	if u.OpenInterestCoins > 0 && !older(l.live.coinsAt) {
		l.live.coins, l.live.coinsAt = u.OpenInterestCoins, at
		if s := l.stretch(slotOf(u.At)); s.openInterestCoins == 0 {
			s.openInterestCoins = u.OpenInterestCoins
		}
	}
	if u.HasFunding {
		f := market.VenueFunding{Rate: u.FundingRate, Interval: u.FundingInterval, NextAt: u.FundingAt}
		if f.Interval == 0 {
			f.Interval = l.contract.FundingInterval
		}
		l.live.funding, l.live.fundingAt, l.live.hasFunding = f, at, true
	}
	return true
}

// interestOf is a listing's open interest now, base coins.
func (c *coin) interestOf(l *listing) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return l.live.coins
}

// disbelieve notes whether the price is far from the others'. What it told while it was is
// forgotten when it is near them again: the mark was never there.
func (l *listing) disbelieve(is bool) {
	l.disbelieved = is
	if is {
		return
	}
	for i := range l.running {
		l.running[i].lowUSD, l.running[i].highUSD = 0, 0
	}
}

// maxRunning bounds the stretches that are kept without a bar: an hour.
const maxRunning = 12

func (l *listing) stretch(slot int32) *stretch {
	for i := len(l.running) - 1; i >= 0; i-- {
		if l.running[i].slot == slot {
			return &l.running[i]
		}
	}
	if len(l.running) == maxRunning {
		l.running = append(l.running[:0], l.running[1:]...)
	}
	l.running = append(l.running, stretch{slot: slot})
	return &l.running[len(l.running)-1]
}

// points are the open interests that the stream told at the start of stretches.
func (l *listing) points() []market.OpenInterestPoint {
	var out []market.OpenInterestPoint
	for _, s := range l.running {
		if s.openInterestCoins > 0 {
			out = append(out, market.OpenInterestPoint{At: startOf(s.slot), Coins: s.openInterestCoins})
		}
	}
	return out
}

// extremes are the lowest and highest mark since the newest bar; 0 if there was none.
func (l *listing) extremes() (lowUSD, highUSD float64) {
	since := slotOf(l.bars.end())
	for _, s := range l.running {
		if s.slot < since || s.highUSD == 0 {
			continue
		}
		if lowUSD == 0 || s.lowUSD < lowUSD {
			lowUSD = s.lowUSD
		}
		highUSD = max(highUSD, s.highUSD)
	}
	return lowUSD, highUSD
}

// inMemory is how far back bars stay in memory: the longest window that is not the whole
// map, and the memory of the volume's median.
const inMemory = 7*24*time.Hour + time.Hour

// rebuilt is a map made from bars, and the bars of it that stay in memory.
type rebuilt struct {
	estimator *liquidation.Estimator
	bars      series
	refused   int
}

// rebuild makes the map from all bars that are known, oldest first. It needs no lock.
func rebuild(m *liquidation.Model, bars []market.Bar) rebuilt {
	all := make([]liquidation.Bar, len(bars))
	for i, b := range bars {
		all[i] = barOf(b)
	}
	e, refused := m.Rebuild(all)
	out := rebuilt{estimator: e, refused: len(refused)}
	bad := make(map[int64]bool, len(refused))
	for _, r := range refused {
		bad[r.Start.UnixNano()] = true
	}
	since := e.AsOf().Add(-inMemory)
	for _, b := range bars {
		if !b.Start.Before(since) && !bad[b.Start.UnixNano()] {
			out.bars.bars = append(out.bars.bars, pack(b))
		}
	}
	return out
}

// take puts a rebuilt map in place.
func (l *listing) take(r rebuilt) {
	l.estimator, l.bars, l.windows, l.hashed = r.estimator, r.bars, nil, time.Time{}
}

// until is the end of the newest bar in the host's clock.
func (l *listing) until() time.Time { return l.bars.end().Add(l.live.shift) }

// step takes the next bar; it reports whether the estimator took it.
func (l *listing) step(b market.Bar) bool {
	if l.estimator == nil || b.Start.Before(l.bars.end()) {
		return false
	}
	if _, err := l.estimator.Step(barOf(b)); err != nil {
		return false
	}
	l.bars.add(b, b.End().Add(-inMemory))
	return true
}
