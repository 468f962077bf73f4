package gate

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
)

const (
	// pollEvery and staleMark together keep every contract's ticker younger than ten
	// seconds, however little happens on it.
	pollEvery = 4 * time.Second
	staleMark = 5 * time.Second
	// staleInterest is how old open interest gets: the stream's tickers do not tell it.
	staleInterest = 30 * time.Second
	// fewContracts are asked for one by one; the list of all is half a megabyte.
	fewContracts = 20
	// firstPoll is how long the stream may take to tell something before the first poll.
	firstPoll = 3 * time.Second
)

// signal is given once. It is safe for concurrent use.
type signal struct {
	once  sync.Once
	given chan struct{}
}

func newSignal() *signal { return &signal{given: make(chan struct{})} }

func (s *signal) give() { s.once.Do(func() { close(s.given) }) }

// wait returns when the signal is given, the time is over or the context ends.
func (s *signal) wait(ctx context.Context, most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-s.given:
	case <-t.C:
	case <-ctx.Done():
	}
}

// poll asks for the tickers of contracts of which the stream has told nothing lately.
func (f *Feed) poll(ctx context.Context, contracts map[string]*known, sink feeds.Sink) {
	failed, gone := false, missing{}
	for {
		f.now(ctx) // measures Gate's clock when that is due
		err := f.pollOnce(ctx, contracts, gone, sink)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failed {
			f.cfg.Log.Warn("tickers not polled", slog.Any("err", err))
		}
		failed = err != nil
		if feeds.Pause(ctx, pollEvery) != nil {
			return
		}
	}
}

// missing are the contracts that Gate did not tell when asked; true for those that it says
// it does not know.
type missing map[string]bool

// note tells the first time that a contract is missing.
func (m missing) note(k *known, unknown bool, at time.Time, sink feeds.Sink) {
	name := k.contract.Symbol
	if _, again := m[name]; !again {
		sink.Update(feeds.Update{Contract: k.contract, Kind: feeds.ContractChanged, At: at})
	}
	m[name] = unknown
}

// pollOnce asks for what is due. What Gate does not know goes to gone and is not asked for
// again.
func (f *Feed) pollOnce(ctx context.Context, contracts map[string]*known, gone missing, sink feeds.Sink) error {
	now := time.Now()
	stale := make(map[string]*known)
	for name, k := range contracts {
		if !gone[name] && (k.told.silent(now) || k.told.stale(now)) {
			stale[name] = k
		}
	}
	if len(stale) > fewContracts {
		found, err := f.pollTickers(ctx, nil, stale, sink)
		for name, k := range stale {
			if err == nil && found != nil && !found[name] {
				gone.note(k, false, f.clock.Now(), sink)
			}
		}
		return err
	}
	var failed error
	for name, k := range stale {
		found, err := f.pollTickers(ctx, url.Values{"contract": {name}}, stale, sink)
		switch {
		case err == nil && (found == nil || found[name]):
		case err == nil:
			gone.note(k, false, f.clock.Now(), sink)
		case feeds.ProblemOf(err) == feeds.NotListed:
			gone.note(k, true, f.clock.Now(), sink)
			failed = err
		default:
			return err
		}
	}
	return failed
}

// pollTickers tells the tickers of an answer, and which there were; nil when some of them
// could not be read. They are told as of when they were asked for.
func (f *Feed) pollTickers(ctx context.Context, query url.Values, stale map[string]*known, sink feeds.Sink) (map[string]bool, error) {
	at := f.clock.Now()
	body, err := f.get(ctx, pathTickers, query)
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	left, err := eachRow(body, func(d *jx.Decoder) error {
		var r row
		if err := r.read(d, stale); err != nil || r.known == nil {
			return err
		}
		found[r.known.contract.Symbol] = true
		u, ok := r.ticker.update(r.known.contract)
		if !ok {
			sink.Dropped(feeds.Impossible)
			return nil
		}
		now := time.Now()
		if !r.known.told.silent(now) { // the stream knows the rest better
			u = feeds.Update{Contract: u.Contract, Kind: u.Kind, OpenInterestCoins: u.OpenInterestCoins}
		}
		if u.MarkUSD == 0 && u.OpenInterestCoins == 0 {
			return nil
		}
		r.known.told.note(&u, now)
		sink.Update(dated(u, at))
		return nil
	})
	for range left {
		sink.Dropped(feeds.WrongType)
	}
	if err != nil {
		return nil, bad(pathTickers, err)
	}
	if left > 0 {
		return nil, nil //nolint:nilnil // read, but not all of it
	}
	return found, nil
}
