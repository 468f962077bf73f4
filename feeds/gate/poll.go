package gate

import (
	"context"
	"net/url"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/quiet"
)

// askTickers tells the tickers of an answer, and which there were; nil when some of them
// could not be read. They are told as of when they were asked for.
func (f *Feed) askTickers(ctx context.Context, symbol string, wanted quiet.Contracts, sink feeds.Sink) (map[string]bool, error) {
	query := url.Values{}
	if symbol != "" {
		query.Set("contract", symbol)
	}
	at := f.clock.Now()
	body, err := f.get(ctx, pathTickers, query)
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	left, err := eachRow(body, func(d *jx.Decoder) error {
		var r row
		if err := r.read(d, wanted); err != nil || r.known == nil {
			return err
		}
		found[r.known.Symbol] = true
		u, ok := r.ticker.update(r.known.Contract)
		if !ok {
			sink.Dropped(feeds.Impossible)
			return nil
		}
		r.known.Polled(dated(u, at), sink)
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
