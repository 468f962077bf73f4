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
	failed, gone := false, make(map[string]bool)
	for {
		f.now(ctx) // measures Gate's clock when that is due
		err := f.pollOnce(ctx, contracts, gone, sink)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failed {
			f.cfg.Log.Warn("tickers not polled", slog.String("venue", string(Venue)), slog.Any("err", err))
		}
		failed = err != nil
		if pause(ctx, pollEvery) != nil {
			return
		}
	}
}

// pollOnce asks for what is due. What Gate does not know goes to gone and is not asked for
// again.
func (f *Feed) pollOnce(ctx context.Context, contracts map[string]*known, gone map[string]bool, sink feeds.Sink) error {
	now := time.Now()
	stale := make(map[string]*known)
	for name, k := range contracts {
		if !gone[name] && (k.told.silent(now) || k.told.stale(now)) {
			stale[name] = k
		}
	}
	if len(stale) > fewContracts {
		return f.pollTickers(ctx, nil, stale, sink)
	}
	var failed error
	for name := range stale {
		err := f.pollTickers(ctx, url.Values{"contract": {name}}, stale, sink)
		switch {
		case err == nil:
		case feeds.ProblemOf(err) == feeds.NotListed:
			sink.Update(feeds.Update{Contract: stale[name].contract, Kind: feeds.ContractChanged, At: f.guess()})
			failed, gone[name] = err, true
		default:
			return err
		}
	}
	return failed
}

// pollTickers tells the tickers of an answer, as they were when it was asked for.
func (f *Feed) pollTickers(ctx context.Context, query url.Values, stale map[string]*known, sink feeds.Sink) error {
	at := f.guess()
	body, err := f.get(ctx, pathTickers, query)
	if err != nil {
		return err
	}
	left, err := eachRow(body, func(d *jx.Decoder) error {
		if d.Next() != jx.Object {
			return eachField(d, nil)
		}
		var r row
		if err := r.read(d, stale); err != nil || r.known == nil {
			return err
		}
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
		return bad(pathTickers, err)
	}
	return nil
}
