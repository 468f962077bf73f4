package bybit

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
)

const (
	// maxQuiet is how long a contract may be silent before it is asked for, at most: a
	// ticker is due every ten seconds, and Bybit only sends what changed.
	maxQuiet = 7 * time.Second
	lookEach = time.Second
	// few is how many contracts are asked for one by one; the answer about all is large.
	few = 4
	// gone is how long a contract is left alone that Bybit does not know.
	gone = 10 * time.Minute
)

// poll asks for contracts that the streams are silent about until the context ends.
func (f *Feed) poll(ctx context.Context, b *book, sink feeds.Sink) {
	start := time.Now().UnixMilli()
	for i := range b.heard {
		b.heard[i].CompareAndSwap(0, start)
	}
	look := time.NewTicker(lookEach)
	defer look.Stop()
	quiet := min(maxQuiet, f.cfg.Silence)
	var asked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := time.Now()
		silent := b.silent(now, quiet)
		if len(silent) == 0 || now.Sub(asked) < quiet {
			continue
		}
		asked = now
		if err := f.askSilent(ctx, b, silent, sink); err != nil && ctx.Err() == nil {
			f.cfg.Log.Debug("poll of quiet contracts", slog.Any("err", err))
		}
	}
}

// silent are the contracts that nothing was heard of for a while.
func (b *book) silent(now time.Time, quiet time.Duration) []int {
	var all []int
	for i := range b.heard {
		if now.UnixMilli()-b.heard[i].Load() >= quiet.Milliseconds() {
			all = append(all, i)
		}
	}
	return all
}

func (f *Feed) askSilent(ctx context.Context, b *book, silent []int, sink feeds.Sink) error {
	if len(silent) > few {
		return f.tickers(ctx, b, silent, "", sink)
	}
	for _, i := range silent {
		err := f.tickers(ctx, b, []int{i}, b.contracts[i].Symbol, sink)
		if err != nil && feeds.ProblemOf(err) != feeds.NotListed {
			return err
		}
		if err != nil {
			f.leave(b, i, sink)
		}
	}
	return nil
}

// leave tells that a contract is gone and makes it look as if it had been heard of.
func (f *Feed) leave(b *book, contract int, sink feeds.Sink) {
	b.heard[contract].Store(time.Now().Add(gone).UnixMilli())
	sink.Dropped(feeds.UnknownContract)
	sink.Update(feeds.Update{Contract: &b.contracts[contract], Kind: feeds.ContractChanged, At: f.clock.Now()})
}

// tickers asks for one symbol, or for all in one request if it is empty, and tells of
// the contracts that are wanted: https://bybit-exchange.github.io/docs/v5/market/tickers.
func (f *Feed) tickers(ctx context.Context, b *book, wanted []int, symbol string, sink feeds.Sink) error {
	rows := make(map[int]fields)
	query := url.Values{"category": {"linear"}}
	if symbol != "" {
		query.Set("symbol", symbol)
	}
	p, err := f.list(ctx, "/v5/market/tickers", query, func(d *jx.Decoder) error {
		row := fields{contract: -1}
		err := row.read(d, b)
		if err == nil && row.contract >= 0 {
			rows[row.contract] = row
		}
		return err
	})
	if err != nil {
		return err
	}
	if symbol == "" && len(rows) == 0 {
		return badData("/v5/market/tickers", errors.New("no contract that is known"))
	}
	latest := f.latest()
	for _, i := range wanted {
		row, ok := rows[i]
		c := &b.contracts[i]
		s := state{at: p.at}
		switch {
		case !ok:
			f.leave(b, i, sink)
		case row.wrong:
			sink.Dropped(feeds.WrongType)
		case !row.possible(c):
			sink.Dropped(feeds.Impossible)
		case p.at.After(latest) || !b.newer(i, p.at, latest):
			sink.Dropped(feeds.OutOfOrder)
		default:
			if s.merge(&row, c); s.mark > 0 || s.coins > 0 {
				sink.Update(s.update(c))
			}
		}
	}
	return nil
}
