package bitget

import (
	"context"
	"net/url"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/quiet"
)

// askTickers tells the tickers of an answer, and which there were; nil when some of them
// could not be read.
func (f *Feed) askTickers(ctx context.Context, symbol string, wanted quiet.Contracts, sink feeds.Sink) (map[string]bool, error) {
	path, query := pathTickers, url.Values{"productType": {usdt}}
	if symbol != "" {
		path = pathTicker
		query.Set("symbol", symbol)
	}
	asked := f.clock.Now()
	body, err := f.get(ctx, path, query)
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	left, err := rows(body, func(d *jx.Decoder) error {
		var r row
		if err := r.read(d, wanted); err != nil || r.known == nil {
			return err
		}
		found[r.known.Symbol] = true
		if r.at.IsZero() || r.at.Sub(f.clock.Now()) > maxAhead {
			r.at = asked
		}
		u, ok := r.update(r.known.Contract, r.at)
		if !ok {
			sink.Dropped(feeds.Impossible)
			return nil
		}
		r.known.Polled(u, sink)
		return nil
	})
	for range left {
		sink.Dropped(feeds.WrongType)
	}
	if err != nil {
		return nil, bad(path, err)
	}
	if left > 0 {
		return nil, nil //nolint:nilnil // read, but not all of it
	}
	return found, nil
}
