package quiet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"liqbot/feeds"
)

const (
	// pollEvery and staleMark together keep every contract's ticker younger than ten
	// seconds, however little happens on it.
	pollEvery = 4 * time.Second
	staleMark = 5 * time.Second
	// staleInterest is how old open interest gets: a stream's tickers may not tell it.
	staleInterest = 30 * time.Second
	// fewContracts are asked for one by one; the list of all is half a megabyte.
	fewContracts = 20
	// firstPoll is how long the stream may take to tell something before the first poll.
	firstPoll = 3 * time.Second
)

// Signal is given once. It is safe for concurrent use.
type Signal struct {
	once  sync.Once
	given chan struct{}
}

// NewSignal makes one that is not given yet.
func NewSignal() *Signal { return &Signal{given: make(chan struct{})} }

// Give gives it.
func (s *Signal) Give() { s.once.Do(func() { close(s.given) }) }

// wait returns when the signal is given, the time is over or the context ends.
func (s *Signal) wait(ctx context.Context, most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-s.given:
	case <-t.C:
	case <-ctx.Done():
	}
}

// Poller asks for the tickers of contracts of which the stream has told nothing lately. All
// fields are needed.
type Poller struct {
	Contracts Contracts
	Sink      feeds.Sink
	// Alive is given when the stream has told something.
	Alive *Signal
	// Silence is when a stream counts as silent.
	Silence time.Duration
	// Now is the venue's time; it may ask for it.
	Now func(context.Context) time.Time
	// Ask tells the sink the tickers of one symbol, or of all if it is empty, that are among
	// wanted, and returns which the venue told; nil when some could not be read.
	Ask func(ctx context.Context, symbol string, wanted Contracts, sink feeds.Sink) (found map[string]bool, err error)
	Log *slog.Logger
}

// Run polls until the context ends.
func (p *Poller) Run(ctx context.Context) {
	p.Now(ctx) // by the venue's clock tickers of the future are told
	p.Alive.wait(ctx, min(firstPoll, p.Silence))
	failed, gone := false, missing{}
	for {
		p.Now(ctx)
		err := p.once(ctx, gone)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failed {
			p.Log.Warn("tickers not polled", slog.Any("err", err))
		}
		failed = err != nil
		if feeds.Pause(ctx, pollEvery) != nil {
			return
		}
	}
}

// missing are the contracts that the venue did not tell when asked; true for those that it
// says it does not know.
type missing map[string]bool

// missed tells the first time that a contract is missing.
func (p *Poller) missed(ctx context.Context, gone missing, c *Contract, unknown bool) {
	if _, again := gone[c.Symbol]; !again {
		p.Sink.Update(feeds.Update{Contract: c.Contract, Kind: feeds.ContractChanged, At: p.Now(ctx)})
	}
	gone[c.Symbol] = unknown
}

// once asks for what is due. What the venue does not know is not asked for again.
func (p *Poller) once(ctx context.Context, gone missing) error {
	now := time.Now()
	due := make(Contracts)
	for name, c := range p.Contracts {
		if !gone[name] && (c.silent(now) || c.stale(now)) {
			due[name] = c
		}
	}
	if len(due) > fewContracts {
		found, err := p.Ask(ctx, "", due, p.Sink)
		for name, c := range due {
			if err == nil && found != nil && !found[name] {
				p.missed(ctx, gone, c, false)
			}
		}
		return err
	}
	var failed error
	for name, c := range due {
		found, err := p.Ask(ctx, name, due, p.Sink)
		switch {
		case err == nil && (found == nil || found[name]):
		case err == nil:
			p.missed(ctx, gone, c, false)
		case feeds.ProblemOf(err) == feeds.NotListed:
			p.missed(ctx, gone, c, true)
			failed = err
		default:
			return err
		}
	}
	return failed
}
