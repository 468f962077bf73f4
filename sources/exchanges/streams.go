package exchanges

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// told is the sink of one of a venue's two sets of streams: the names of their connections
// are the same, and the state of one must not hide that of the other.
type told struct {
	*venue
	prefix string
}

// Connected implements feeds.Sink.
func (t told) Connected(stream string, err error) {
	if t.engine.cfg.Tape != nil {
		t.tapeConnected(stream, err == nil)
	}
	t.connected(t.prefix+stream, err)
}

func (v *venue) connected(stream string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.streams[stream] = err
	v.noteWatch()
}

// streamsEnded forgets the connections of streams that were ended here.
func (v *venue) streamsEnded(prefix string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.DeleteFunc(v.streams, func(name string, _ error) bool {
		return prefix == "" && !strings.HasPrefix(name, "asked for: ") || prefix != "" && strings.HasPrefix(name, prefix)
	})
	v.noteWatch()
}

// noteWatch works out from when on forced orders are seen; the venue's lock is held.
func (v *venue) noteWatch() {
	now := v.engine.cfg.Now()
	down := len(v.streams) == 0
	for _, err := range v.streams {
		down = down || err != nil
	}
	switch {
	case down && v.lost.IsZero():
		v.lost = now
	case !down:
		if v.watched.IsZero() || !v.lost.IsZero() && now.Sub(v.lost) > gap {
			v.watched = now
		}
		v.lost = time.Time{}
	}
}

// gap is how long the streams may be away before what was liquidated meanwhile counts as
// not seen.
const gap = 2 * time.Minute

// away is how long the streams may be away before the venue counts as not watched now.
const away = 10 * time.Second

// watchedSince is from when on forced orders have been seen; zero while they are not.
func (v *venue) watchedSince() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.lost.IsZero() && v.engine.cfg.Now().Sub(v.lost) > away {
		return time.Time{}
	}
	return v.watched
}

// keepStream keeps the streams of the coins that are always followed, or of those that
// were asked for. When the coins change it begins them anew.
func (v *venue) keepStream(ctx context.Context, extra bool) {
	changed, prefix := v.resub[0], ""
	if extra {
		changed, prefix = v.resub[1], "asked for: "
	}
	for ctx.Err() == nil {
		contracts := v.following(extra)
		streaming, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() {
			if len(contracts) == 0 {
				<-streaming.Done()
				ended <- nil
				return
			}
			ended <- v.feed.Stream(streaming, contracts, told{v, prefix})
		}()
		select {
		case <-ctx.Done():
		case <-changed:
			_ = feeds.Pause(ctx, settle)
			select {
			case <-changed:
			default:
			}
		case err := <-ended:
			v.noteFailure("streams", err)
			ended <- nil
			_ = feeds.Pause(ctx, retryAfter(err, retryMost, v.engine.cfg.Now()))
		}
		stop()
		if err := <-ended; err != nil {
			v.noteFailure("streams", err)
		}
		v.streamsEnded(prefix)
	}
}

// following are the contracts of one of the two kinds of stream.
func (v *venue) following(extra bool) []market.Contract {
	v.mu.Lock()
	defer v.mu.Unlock()
	var list []market.Contract
	for _, f := range v.bySymbol {
		if f.extra == extra {
			list = append(list, f.listing.contract)
		}
	}
	slices.SortFunc(list, func(a, b market.Contract) int { return v.engine.compareCoins(a.Coin, b.Coin) })
	return list
}

// follow sets the coins that are followed: always, and because they were asked for. The
// source's lock keeps two calls apart; a coin's lock is never taken under the venue's.
func (v *venue) follow(coins map[market.Coin]*coin, always map[market.Coin]bool) {
	v.mu.Lock()
	contracts := v.contracts
	v.mu.Unlock()
	fresh := make(map[string]*followed)
	for name, c := range coins {
		contract, ok := contracts[name]
		if !ok {
			c.delist(v.name)
			continue
		}
		fresh[contract.Symbol] = &followed{coin: c, listing: c.list(v.name, contract, v.engine.cfg.Now()), extra: !always[name]}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for symbol, f := range fresh {
		old := v.bySymbol[symbol]
		if old != nil && old.listing == f.listing && old.extra == f.extra {
			continue
		}
		wake(v.resub[index(f.extra)])
		if old != nil {
			wake(v.resub[index(old.extra)])
		}
		if old == nil || old.listing != f.listing {
			for range fillers {
				wake(v.fresh)
			}
			v.due[f.coin.name] = &filling{coin: f.coin, listing: f.listing}
		}
	}
	for symbol, f := range v.bySymbol {
		if fresh[symbol] == nil {
			wake(v.resub[index(f.extra)])
		}
	}
	maps.DeleteFunc(v.due, func(_ market.Coin, f *filling) bool {
		now := fresh[f.listing.contract.Symbol]
		return now == nil || now.listing != f.listing
	})
	v.bySymbol = fresh
}

func index(extra bool) int {
	if extra {
		return 1
	}
	return 0
}
