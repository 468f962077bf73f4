// Package exchanges makes snapshots from what exchanges tell everybody: each venue's
// feed brings candles, open interest, mark prices and forced orders, the estimator of
// package liquidation makes one map for each coin and venue of them, and a snapshot adds
// up those of the venues that can be believed now. A venue that is silent, late or far
// from the others is left out and named.
//
// Who owns what: one goroutine a venue applies what its streams tell, a few fetch its
// history; all of them change a coin only under that coin's lock. Fetch takes the same
// lock for as long as a picture takes to make.
package exchanges

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges/tape"
)

// Name is the name of the source that readers know.
const Name = "Exchanges"

// Bars keeps bars and reported liquidations over a restart. Implementations are safe for
// concurrent use.
type Bars interface {
	// Bars returns the bars of a contract that start at since or later, oldest first.
	Bars(venue market.Venue, symbol string, since time.Time) ([]market.Bar, error)
	// SaveBars adds bars; one that is there already is replaced.
	SaveBars(venue market.Venue, symbol string, bars []market.Bar) error
	// Realised returns what was liquidated of a coin from since on, oldest first.
	Realised(coin market.Coin, since time.Time) ([]market.Realised, error)
	// SaveRealised adds rows; one of the same venue and start is replaced.
	SaveRealised(coin market.Coin, rows []market.Realised) error
}

// Config says what a Source reads. Feeds and Bars are needed.
type Config struct {
	Feeds []feeds.Feed
	Bars  Bars
	// Coins are always followed, with the long history; they come first.
	Coins []market.Coin
	// Follow is how many coins are always followed, by open interest; 100 if 0. Coins
	// count towards it.
	Follow int
	// Idle is how long a coin that was asked for is followed afterwards; an hour if 0.
	Idle time.Duration
	// Quiet is the age of a mark price from which on its venue is silent and left out; 45 s
	// if 0.
	Quiet time.Duration
	// Patience is how long a coin that is new waits for the venues that are slower than the
	// first, before they are named as missing; 6 s if 0.
	Patience time.Duration
	// KeyLevelBand and SymmetricBand go to liquidation.Map.Summarise, fractions of the
	// mark.
	KeyLevelBand, SymmetricBand float64
	// Tape, if not nil, records all that changes what is shown, and every raw message, so
	// that Replay makes the same pictures. It belongs to this source alone; whoever made it
	// closes it after Run.
	Tape *tape.Writer
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	Log *slog.Logger
}

// Source yields snapshots while Run runs. It is safe for concurrent use.
type Source struct {
	cfg    Config
	venues []*venue
	// ranks is the place of each coin by open interest, replaced as a whole.
	ranks atomic.Pointer[map[market.Coin]int]

	// models are shared by the coins with the same parameters, by their hash.
	modelMu sync.Mutex
	models  map[string]*liquidation.Model

	mu    sync.Mutex
	coins map[market.Coin]*coin
	// asked is when a coin that is not always followed was last asked for.
	asked map[market.Coin]time.Time
	// always are the coins that are followed whoever asks.
	always map[market.Coin]bool
	// listed is the ranking: all coins of two venues or more.
	listed []market.Coin
	// interest is the open interest of coins, USD, as far as venues tell it for all.
	interest map[market.Venue]map[market.Coin]float64

	heat heatmaps
}

// New makes a source; Run fills it.
func New(cfg Config) *Source {
	if cfg.Follow <= 0 {
		cfg.Follow = 100
	}
	if cfg.Idle <= 0 {
		cfg.Idle = time.Hour
	}
	if cfg.Quiet <= 0 {
		cfg.Quiet = 45 * time.Second
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 6 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Tape != nil {
		cfg.Now = wallClock(cfg.Now)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{
		cfg: cfg, models: make(map[string]*liquidation.Model), coins: make(map[market.Coin]*coin), asked: make(map[market.Coin]time.Time),
		interest: make(map[market.Venue]map[market.Coin]float64),
	}
	ranks := make(map[market.Coin]int)
	for i, c := range cfg.Coins {
		ranks[c] = i
	}
	s.ranks.Store(&ranks)
	for _, f := range cfg.Feeds {
		s.venues = append(s.venues, newVenue(f, s))
	}
	if cfg.Tape != nil {
		s.beginTape()
	}
	return s
}

// Name implements snapshot.Source.
func (s *Source) Name() string { return Name }

// Run reads the venues until the context ends, then returns nil.
func (s *Source) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, v := range s.venues {
		wg.Go(func() { v.run(ctx) })
		wg.Go(func() { s.keepInterest(ctx, v) })
		wg.Go(func() { v.keepFigures(ctx) })
	}
	wg.Go(func() { s.upkeep(ctx) })
	if s.cfg.Tape != nil {
		wg.Go(func() { s.keepTape(ctx) })
	}
	wg.Wait()
	s.saveRealised()
	return nil
}

// Coins implements snapshot.Source: every coin listed on two venues or more, the ones
// with most open interest first.
func (s *Source) Coins(ctx context.Context) ([]market.Coin, error) {
	asked := time.Now()
	for {
		s.mu.Lock()
		listed := slices.Clone(s.listed)
		s.mu.Unlock()
		// Before the others have told theirs, no coin is listed on two.
		if len(listed) > 0 && (!s.telling() || time.Since(asked) > s.cfg.Patience) {
			return listed, nil
		}
		_ = feeds.Pause(ctx, 200*time.Millisecond)
		if ctx.Err() != nil {
			return nil, &snapshot.Error{Problem: snapshot.Unavailable, Hint: "no exchange has told its contracts yet", Err: errors.Join(s.failures()...)}
		}
	}
}

// telling reports whether a venue is about to tell its contracts for the first time.
func (s *Source) telling() bool {
	return slices.ContainsFunc(s.venues, func(v *venue) bool {
		if !v.unknown.Load() {
			return false
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.failure == nil
	})
}

// failures is what went wrong last at each venue that is in trouble.
func (s *Source) failures() []error {
	var errs []error
	for _, v := range s.venues {
		v.mu.Lock()
		if v.failure != nil {
			errs = append(errs, v.failure)
		}
		v.mu.Unlock()
	}
	return errs
}

// upkeep forgets what is old and saves what is new, every half minute.
func (s *Source) upkeep(ctx context.Context) {
	for ctx.Err() == nil {
		_ = feeds.Pause(ctx, 30*time.Second)
		now := s.cfg.Now()
		idle := false
		s.mu.Lock()
		for coin, at := range s.asked {
			if now.Sub(at) > s.cfg.Idle {
				delete(s.asked, coin)
				idle = true
			}
		}
		s.mu.Unlock()
		if idle {
			s.curate()
		}
		s.saveRealised()
	}
}

func (s *Source) saveRealised() {
	now := s.cfg.Now()
	for _, c := range s.all() {
		s.saveCoin(c, now)
	}
}

// saveCoin saves a coin's rows that are new. What cannot be saved is tried again; the host
// is told once, with the bars.
func (s *Source) saveCoin(c *coin, now time.Time) {
	c.mu.Lock()
	if c.realised.forget(now) {
		c.tape.forgot(now)
	}
	rows := c.realised.changed()
	c.mu.Unlock()
	if len(rows) == 0 {
		return
	}
	if err := s.cfg.Bars.SaveRealised(c.name, rows); err != nil {
		s.cfg.Log.Debug("liquidations not saved", slog.String("coin", string(c.name)), slog.Any("err", err))
		c.mu.Lock()
		c.realised.unsave(rows)
		c.mu.Unlock()
	}
}

func (s *Source) all() []*coin {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*coin, 0, len(s.coins))
	for _, c := range s.coins {
		list = append(list, c)
	}
	return list
}

// curate decides anew which coins there are and which are followed.
func (s *Source) curate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	venues := make(map[market.Coin]int)
	for _, v := range s.venues {
		v.mu.Lock()
		for coin := range v.contracts {
			venues[coin]++
		}
		v.mu.Unlock()
	}
	s.rank(venues)
	always, wanted := make(map[market.Coin]bool), make(map[market.Coin]bool)
	for rank, coin := range s.listed {
		// A coin that is followed stays so a little beyond the last place: streams begin anew
		// when the coins change, and two that swap places should not make them.
		stays := s.always[coin] && rank < s.cfg.Follow+s.cfg.Follow/6
		if rank < s.cfg.Follow || stays || slices.Contains(s.cfg.Coins, coin) {
			always[coin], wanted[coin] = true, true
		}
		if _, asked := s.asked[coin]; asked {
			wanted[coin] = true
		}
	}
	s.always = always
	for coin, c := range s.coins {
		if !wanted[coin] {
			s.saveCoin(c, s.cfg.Now())
			c.tape.gone()
			delete(s.coins, coin)
		}
	}
	for coin := range wanted {
		if s.coins[coin] == nil {
			s.coins[coin] = s.restored(coin)
		}
	}
	for _, v := range s.venues {
		v.follow(s.coins, always)
	}
}

// restored is a new coin with the liquidations that were kept.
func (s *Source) restored(name market.Coin) *coin {
	c := newCoin(name, s.cfg.Now())
	rows, err := s.cfg.Bars.Realised(name, s.cfg.Now().Add(-kept))
	if err != nil {
		s.cfg.Log.Error("liquidations not read", slog.String("coin", string(name)), slog.Any("err", err))
	}
	c.realised.restore(rows)
	s.tapeCoin(c, rows)
	return c
}

// rank orders the coins: those of the configuration as given there, then by open
// interest, then by the number of venues. A coin of one venue is only listed if the
// configuration names it.
func (s *Source) rank(venues map[market.Coin]int) {
	total := make(map[market.Coin]float64)
	for _, coins := range s.interest {
		for coin, usd := range coins {
			total[coin] += usd
		}
	}
	s.listed = s.listed[:0:0]
	for coin, n := range venues {
		if n >= 2 || slices.Contains(s.cfg.Coins, coin) {
			s.listed = append(s.listed, coin)
		}
	}
	place := func(c market.Coin) int {
		if i := slices.Index(s.cfg.Coins, c); i >= 0 {
			return i
		}
		return len(s.cfg.Coins)
	}
	slices.SortFunc(s.listed, func(a, b market.Coin) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(total[b], total[a]), cmp.Compare(venues[b], venues[a]), cmp.Compare(a, b))
	})
	ranks := make(map[market.Coin]int, len(s.listed))
	for i, c := range s.listed {
		ranks[c] = i
	}
	s.ranks.Store(&ranks)
}

// compareCoins orders coins by their rank.
func (s *Source) compareCoins(a, b market.Coin) int {
	ranks := *s.ranks.Load()
	x, known := ranks[a]
	if !known {
		x = len(ranks)
	}
	y, known := ranks[b]
	if !known {
		y = len(ranks)
	}
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
}

// byRank sorts listings by the rank of their coin.
func (s *Source) byRank(list []*followed) []*followed {
	slices.SortFunc(list, func(a, b *followed) int { return s.compareCoins(a.coin.name, b.coin.name) })
	return list
}

// turn is when in spread a coin's new candle is asked for.
func (s *Source) turn(coin market.Coin) time.Duration {
	rank := (*s.ranks.Load())[coin]
	return min(spread*time.Duration(rank)/time.Duration(s.cfg.Follow), spread)
}

// wantsFull reports whether a coin gets the long history.
func (s *Source) wantsFull(coin market.Coin) bool { return slices.Contains(s.cfg.Coins, coin) }

// ask notes that somebody wants a coin and returns it, nil when it is not listed.
func (s *Source) ask(name market.Coin) *coin {
	s.mu.Lock()
	c, known := s.coins[name]
	listed := slices.Contains(s.listed, name)
	if listed {
		s.asked[name] = s.cfg.Now()
	}
	s.mu.Unlock()
	if known || !listed {
		return c
	}
	s.curate()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.coins[name]
}
