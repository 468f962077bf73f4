package exchanges

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// columnLengths are the windows that a heatmap knows, with the length of a column.
var columnLengths = map[market.Window]time.Duration{market.Day: 15 * time.Minute, market.Week: time.Hour}

// maxHeatmaps bounds the heatmaps that are kept; each takes some hundred kilobytes.
const maxHeatmaps = 24

// heatmaps are those made lately. The zero value is empty and ready.
type heatmaps struct {
	flights singleflight.Group
	// replaying is held while one is made: the rest of the bot needs the other cores.
	replaying sync.Mutex

	mu   sync.Mutex
	made uint64
	kept []keptHeatmap // the newest last
}

// keptHeatmap is a heatmap and what it was made of.
type keptHeatmap struct {
	key     snapshot.Key
	stamp   string
	heatmap *snapshot.Heatmap
}

func (h *heatmaps) get(key snapshot.Key, stamp string) *snapshot.Heatmap {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.kept {
		if k.key == key && k.stamp == stamp {
			return k.heatmap
		}
	}
	return nil
}

// keep gives a heatmap its ID and puts it in the place of an older one.
func (h *heatmaps) keep(key snapshot.Key, stamp string, m *snapshot.Heatmap) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.made++
	m.ID = h.made
	h.kept = slices.DeleteFunc(h.kept, func(k keptHeatmap) bool { return k.key == key })
	if len(h.kept) == maxHeatmaps {
		h.kept = slices.Delete(h.kept, 0, 1)
	}
	h.kept = append(h.kept, keptHeatmap{key, stamp, m})
}

// Heatmap is the intensity that stood at each price over a window of one or seven days:
// the bars of each venue that a picture shows are replayed through an estimator, which
// ends in the map of the present. It is made anew when there is a new bar, once for all
// who ask at the same time. The error is a *snapshot.Error.
func (s *Source) Heatmap(ctx context.Context, name market.Coin, window market.Window) (*snapshot.Heatmap, error) {
	step, ok := columnLengths[window]
	if !ok {
		return nil, &snapshot.Error{Problem: snapshot.BadData, Hint: "a heatmap spans 1d or 7d"}
	}
	if _, err := s.Coins(ctx); err != nil {
		return nil, err
	}
	c := s.ask(name)
	if c == nil {
		return nil, &snapshot.Error{Problem: snapshot.NotListed, Hint: "no two exchanges list it"}
	}
	key := snapshot.Key{Coin: name, Window: window}
	if err := s.awaitHeat(ctx, c); err != nil {
		return nil, err
	}
	flight := s.heat.flights.DoChan(key.String(), func() (any, error) { return s.freshHeatmap(c, key, step) })
	select {
	case <-ctx.Done():
		return nil, &snapshot.Error{Problem: snapshot.Unavailable, Hint: "its heatmap is still being made", Err: ctx.Err()}
	case result := <-flight:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*snapshot.Heatmap), nil
	}
}

// awaitHeat waits for the history of a coin that is new, as long as the context lives.
func (s *Source) awaitHeat(ctx context.Context, c *coin) error {
	for {
		_, err := s.heatStamp(c)
		if !errors.Is(err, errFilling) {
			return err
		}
		_ = feeds.Pause(ctx, look)
		if ctx.Err() != nil {
			return &snapshot.Error{Problem: snapshot.Unavailable, Hint: "its history is still being fetched", Err: errors.Join(append(s.failures(), err)...)}
		}
	}
}

// heatStamp names what a heatmap would be made of now.
func (s *Source) heatStamp(c *coin) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	parts, missing, err := s.parts(c, market.Month, s.cfg.Now())
	return stampOf(parts, missing), err
}

func stampOf(parts []part, missing []market.Venue) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%s %d;", p.venue, p.listing.bars.end().Unix())
	}
	fmt.Fprint(&b, missing)
	return b.String()
}

// freshHeatmap returns the heatmap of the newest bars, and makes it if need be.
func (s *Source) freshHeatmap(c *coin, key snapshot.Key, step time.Duration) (*snapshot.Heatmap, error) {
	s.heat.replaying.Lock()
	defer s.heat.replaying.Unlock()
	stamp, err := s.heatStamp(c)
	if m := s.heat.get(key, stamp); m != nil && err == nil {
		return m, nil
	}
	in, err := s.heatInput(c)
	if errors.Is(err, errFilling) {
		return nil, &snapshot.Error{Problem: snapshot.Unavailable, Hint: "its history is being fetched anew", Err: err}
	}
	if err != nil {
		return nil, err
	}
	m, err := s.replay(in, key, step)
	if err != nil {
		return nil, err
	}
	s.heat.keep(key, in.stamp, m)
	return m, nil
}

// heatInput is what a heatmap is made of.
type heatInput struct {
	stamp   string
	price   market.Price
	missing []market.Venue
	venues  []heatVenue // the largest open interest first
}

// heatVenue is one venue's share: its newest bars, oldest first.
type heatVenue struct {
	name   market.Venue
	symbol string
	bars   []liquidation.Bar
	// lowUSD and highUSD are the extremes of the mark since the newest bar, 0 if unknown.
	lowUSD, highUSD float64
}

func (v *heatVenue) end() time.Time { return v.bars[len(v.bars)-1].End() }

// heatInput copies what is in memory under the coin's lock, and takes what lies before
// it from disk.
func (s *Source) heatInput(c *coin) (heatInput, error) {
	now := s.cfg.Now()
	c.mu.Lock()
	parts, missing, err := s.parts(c, market.Month, now)
	if err != nil {
		c.mu.Unlock()
		return heatInput{}, err
	}
	in := heatInput{stamp: stampOf(parts, missing), missing: missing}
	live := parts[0].listing.live
	in.price = market.Price{USD: live.markUSD, Kind: market.MarkPrice, Provenance: market.Provenance{
		Source: Name, Origin: market.Measured, AsOf: live.at.UTC(), Venues: []market.Venue{parts[0].venue},
	}}
	for _, p := range parts {
		v := heatVenue{name: p.venue, symbol: p.listing.contract.Symbol, bars: p.listing.bars.estimatorBars(time.Time{})}
		v.lowUSD, v.highUSD = p.listing.extremes()
		in.venues = append(in.venues, v)
	}
	c.mu.Unlock()
	for i := range in.venues {
		v := &in.venues[i]
		first := v.bars[0].Start
		older, err := s.cfg.Bars.Bars(v.name, v.symbol, v.end().Add(-fullSpan))
		if err != nil {
			s.cfg.Log.Error("bars not read", slog.String("coin", string(c.name)), slog.Any("err", err))
		}
		var all []liquidation.Bar
		for _, b := range older {
			if b.Start.Before(first) {
				all = append(all, barOf(b))
			}
		}
		v.bars = append(all, v.bars...)
	}
	return in, nil
}
