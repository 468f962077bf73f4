// Package recorded plays a recorded market as a snapshot.Source and records any
// source into a file. A recording is JSON Lines, plain or gzip, described in
// docs/recorded-market.md: a header, then figures in the order of market time.
// A file is streamed, so a day of recording needs no more memory than its
// busiest moment. The package trusts no file: every figure is checked and every
// list bounded. It starts no goroutine; Record blocks in its caller's.
package recorded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// MaxSpeed is the highest speed at which a recording can be played.
const MaxSpeed = 10_000

// Options say what to play and how.
type Options struct {
	// Path is the file to play, or Open opens it; exactly one is set. Open is
	// called again for every pass of a loop.
	Path string
	Open func() (io.ReadCloser, error)
	// Speed is how many seconds of the market pass in a second, above 0 and at
	// most MaxSpeed.
	Speed float64
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// KeyLevelBand and SymmetricBand are fractions of the mark for
	// liquidation.Map.Summarise; zero means that package's usual bands.
	KeyLevelBand, SymmetricBand float64
	// Log hears once of a recording that breaks off; nil for nobody.
	Log *slog.Logger
	// Name is the source's name, the header's source when empty.
	Name string
}

// Source plays a recording. It is safe for concurrent use.
type Source struct {
	options Options
	started time.Time

	mu       sync.Mutex
	tape     *tape
	header   Header
	state    state
	playhead int64
}

// New opens a recording and plays it from now on. It reads the header and the
// first figures, so that a file that is no recording is refused here: the error
// names the line and what was wanted.
func New(o Options) (*Source, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("recorded: %w", err)
	}
	t, err := newTape(o.Open)
	if err != nil {
		return nil, o.describe(err)
	}
	header := t.reader.header
	s := &Source{
		options:  o,
		started:  o.Now(),
		tape:     t,
		header:   header,
		playhead: header.StartMS,
		state:    state{coins: make(map[market.Coin]*coin), order: slices.Clone(header.Coins)},
	}
	if err := t.advance(context.Background(), header.StartMS, s.state.apply); err != nil {
		return nil, o.describe(errors.Join(err, t.close()))
	}
	return s, nil
}

func (o *Options) complete() error {
	if (o.Path == "") == (o.Open == nil) {
		return errors.New("want either a path or a way to open the recording")
	}
	if !(o.Speed > 0 && o.Speed <= MaxSpeed) {
		return fmt.Errorf("speed %v: want a number above 0 and at most %d", o.Speed, MaxSpeed)
	}
	if path := o.Path; path != "" {
		o.Open = func() (io.ReadCloser, error) { return os.Open(path) }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.KeyLevelBand == 0 {
		o.KeyLevelBand = liquidation.KeyLevelBand
	}
	if o.SymmetricBand == 0 {
		o.SymmetricBand = liquidation.SymmetricBand
	}
	return nil
}

// describe names the file in an error, unless the error does so already.
func (o *Options) describe(err error) error {
	if _, named := errors.AsType[*os.PathError](err); named || o.Path == "" {
		return fmt.Errorf("recorded: %w", err)
	}
	return fmt.Errorf("recorded: %s: %w", o.Path, err)
}

// Name is the name that readers know.
func (s *Source) Name() string {
	if s.options.Name != "" {
		return s.options.Name
	}
	return s.header.Source
}

// Coins lists the header's coins and then those that came up since.
func (s *Source) Coins(ctx context.Context) ([]market.Coin, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.advance(ctx); err != nil {
		return nil, err
	}
	return slices.Clone(s.state.order), nil
}

// Fetch returns what is in force at the playhead. Ages are in market time: a
// figure's AsOf lies as far back as the playhead is past it. When the recording
// has ended, or broke off, the playhead goes on and the figures grow old.
func (s *Source) Fetch(ctx context.Context, key snapshot.Key) (*snapshot.Snapshot, error) {
	m, p, err := s.look(ctx, key)
	if err != nil {
		return nil, err
	}
	price := m.price(p.coin.price)
	built, err := liquidation.New(liquidation.Input{
		Coin: key.Coin, Window: key.Window,
		MarkUSD: price.USD, LowUSD: p.m.low, HighUSD: p.m.high,
		Levels:     p.m.levels,
		Provenance: m.provenance(p.m.figure),
	})
	if err != nil {
		return nil, &snapshot.Error{Problem: snapshot.BadData, Err: fmt.Errorf("recorded: %s: %w", key, err)}
	}
	return &snapshot.Snapshot{
		Key:          key,
		Price:        price,
		Map:          built,
		Summary:      built.Summarise(s.options.KeyLevelBand, s.options.SymmetricBand),
		Range:        m.priceRange(p.coin.priceRange),
		ETF:          m.etf(p.coin.etf),
		Liquidations: m.liquidations(p.coin.liquidations),
		OpenInterest: m.openInterest(p.coin.openInterest),
		Funding:      m.funding(p.coin.funding),
	}, nil
}

// look advances the playhead and returns what is in force there.
func (s *Source) look(ctx context.Context, key snapshot.Key) (moment, present, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.advance(ctx)
	if err != nil {
		return moment{}, present{}, err
	}
	p, err := s.state.at(key)
	return m, p, err
}

// advance moves the playhead to now. Only a context that ended is an error; a
// recording that breaks off is logged and stays where it is.
func (s *Source) advance(ctx context.Context) (moment, error) {
	if err := ctx.Err(); err != nil {
		return moment{}, fmt.Errorf("recorded: %w", err)
	}
	now := s.options.Now().UTC()
	elapsed := float64(now.Sub(s.started)) / float64(time.Millisecond)
	playhead := max(s.playhead, s.header.StartMS+int64(elapsed*s.options.Speed))
	err := s.tape.advance(ctx, playhead, s.state.apply)
	if err != nil && ctx.Err() != nil {
		return moment{}, fmt.Errorf("recorded: %w", ctx.Err())
	}
	if err != nil {
		s.options.Log.Error("recording broke off, its figures grow old from here", slog.Any("err", s.options.describe(err)))
	}
	s.playhead = playhead
	return moment{now: now, playhead: playhead, header: &s.header}, nil
}

// Close closes the file. The source must not be used any more.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tape.close()
}
