package exchanges

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"time"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// When a venue is left out of a picture.
const (
	// overdue is how long after its end a candle may still be missing: the map is then
	// as old as its last one.
	overdue = 2 * time.Minute
	// behind is how old the last candle may be.
	behind = 20 * time.Minute
)

// look is how often Fetch looks whether a coin that is new has a map.
const look = 100 * time.Millisecond

// Fetch implements snapshot.Source. For a coin that was not followed it waits for its
// history as long as the context lives.
func (s *Source) Fetch(ctx context.Context, key snapshot.Key) (*snapshot.Snapshot, error) {
	if _, err := s.Coins(ctx); err != nil {
		return nil, err
	}
	c := s.ask(key.Coin)
	if c == nil {
		return nil, &snapshot.Error{Problem: snapshot.NotListed, Hint: "no two exchanges list it"}
	}
	for {
		snap, err := s.picture(c, key)
		if !errors.Is(err, errFilling) {
			return snap, err
		}
		_ = feeds.Pause(ctx, look)
		if ctx.Err() != nil {
			return nil, &snapshot.Error{Problem: snapshot.Unavailable, Hint: "its history is still being fetched", Err: errors.Join(append(s.failures(), err)...)}
		}
	}
}

// errFilling: no venue has history of the coin yet, but one may soon.
var errFilling = errors.New("no history yet")

// part is one venue's share of a picture.
type part struct {
	venue    market.Venue
	listing  *listing
	entries  *liquidation.Sketch // of the window
	interest float64             // USD
}

// picture makes the snapshot of what is known now.
func (s *Source) picture(c *coin, key snapshot.Key) (*snapshot.Snapshot, error) {
	now := s.cfg.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	snap, err := s.draw(c, key, now)
	c.tape.pictured(key, now, s.unknown(c.tape), snap, err)
	return snap, err
}

// draw makes the snapshot of a moment; the coin's lock is held.
func (s *Source) draw(c *coin, key snapshot.Key, now time.Time) (*snapshot.Snapshot, error) {
	parts, missing, err := s.parts(c, key.Window, now)
	if err != nil {
		return nil, err
	}
	first := lead(parts, now)
	leader := first.listing
	p := market.Provenance{Source: Name, Origin: market.Measured, AsOf: leader.live.at.UTC(), Venues: []market.Venue{first.venue}}
	price := market.Price{USD: leader.live.markUSD, Kind: market.MarkPrice, Provenance: p}
	price.Change24h, price.HasChange24h = change(leader, now.Add(-24*time.Hour-leader.live.shift), leader.live.markUSD)
	c.agreed(price.USD, len(parts), now)
	m, err := liquidation.New(liquidation.Input{
		Coin: key.Coin, Window: key.Window, MarkUSD: price.USD,
		Levels: levels(parts, price.USD), Provenance: mapProvenance(parts, missing, p.AsOf),
	})
	if err != nil {
		return nil, &snapshot.Error{Problem: snapshot.BadData, Hint: "the exchanges' figures make no map", Err: err}
	}
	snap := &snapshot.Snapshot{
		Key: key, Price: price, Map: m, Summary: m.Summarise(s.cfg.KeyLevelBand, s.cfg.SymmetricBand),
		Range: lastWeek(leader, price), Model: s.provenance(c.name, parts, key.Window), Venues: s.figures(c, now), Realised: s.realised(c, now),
	}
	addUp(snap, parts, now)
	return snap, nil
}

// parts are the venues that can be shown now, the largest open interest first, and those
// that should be and cannot.
func (s *Source) parts(c *coin, window market.Window, now time.Time) (parts []part, missing []market.Venue, err error) {
	filling := false
	judged := s.judge(c, now)
	for _, v := range s.venues {
		l := c.listings[v.name]
		if l == nil {
			if v.unknown.Load() { // it has not told yet what it lists
				missing = append(missing, v.name)
			}
			continue
		}
		if l.estimator == nil || l.live.markUSD == 0 {
			filling = true
		}
		if l.estimator == nil || now.Sub(l.live.at) > s.cfg.Quiet || now.Sub(l.until()) > behind || l.disbelieved {
			missing = append(missing, v.name)
			continue
		}
		parts = append(parts, part{venue: v.name, listing: l, interest: l.interest() * l.live.markUSD})
	}
	age := now.Sub(c.since)
	if filling && (age < s.cfg.Patience || judged == 0 && age < longPatience) {
		return nil, nil, errFilling
	}
	if len(parts) == 0 {
		return nil, nil, &snapshot.Error{Problem: snapshot.Unavailable, Hint: "no exchange can be believed now", Err: errors.Join(s.failures()...)}
	}
	parts, late := punctual(parts, now)
	missing = append(missing, late...)
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(b.interest, a.interest), cmp.Compare(a.venue, b.venue)) })
	slices.Sort(missing)
	m, err := s.model(c.name)
	if err != nil {
		return nil, nil, &snapshot.Error{Problem: snapshot.BadData, Err: err}
	}
	for i := range parts {
		parts[i].entries = parts[i].listing.windowMap(m, window)
	}
	return parts, missing, nil
}

// longPatience is how long a coin may be without any price before that is an error.
const longPatience = 2 * time.Minute

// judge looks which of the prices that are told now are near the others', of venues without
// a map too, and returns how many there are.
func (s *Source) judge(c *coin, now time.Time) int {
	var quotes []quote
	var of []part
	for _, v := range s.venues {
		if l := c.listings[v.name]; l != nil && l.live.markUSD > 0 && now.Sub(l.live.at) <= s.cfg.Quiet {
			quotes = append(quotes, quote{l.live.markUSD, l.disbelieved})
			of = append(of, part{venue: v.name, listing: l})
		}
	}
	for i, is := range believe(quotes, c.lastUSD) {
		s.disbelieve(of[i], !is)
	}
	return len(quotes)
}

// interest is the open interest, base coins: what the stream told last, or the last bar's.
func (l *listing) interest() float64 {
	if l.live.coins > 0 {
		return l.live.coins
	}
	return float64(l.bars.bars[len(l.bars.bars)-1].coins)
}

// punctual leaves out the venues whose next candle is overdue, as long as there are others:
// the map would be as old as theirs.
func punctual(parts []part, now time.Time) (on []part, late []market.Venue) {
	for _, p := range parts {
		if now.Sub(p.listing.until()) <= feeds.CandleLength+overdue {
			on = append(on, p)
		} else {
			late = append(late, p.venue)
		}
	}
	if len(on) == 0 {
		return parts, nil
	}
	return on, late
}

// lead is the venue whose mark is the price: the one with most open interest of those that
// have told it just now.
func lead(parts []part, now time.Time) part {
	const justNow = 10 * time.Second
	for _, p := range parts {
		if now.Sub(p.listing.live.at) <= justNow {
			return p
		}
	}
	return slices.MaxFunc(parts, func(a, b part) int { return a.listing.live.at.Compare(b.listing.live.at) })
}

// agreed notes the price of a picture as the one to compare with later. That of a single
// venue that is far from the last one has to last before it is.
func (c *coin) agreed(usd float64, venues int, now time.Time) {
	const lasting = 10 * time.Minute
	if venues > 1 || c.lastUSD == 0 || near(usd, c.lastUSD) {
		c.lastUSD, c.lone = usd, time.Time{}
		return
	}
	if c.lone.IsZero() {
		c.lone = now
	}
	if now.Sub(c.lone) > lasting {
		c.lastUSD, c.lone = usd, time.Time{}
	}
}

// windowMap is the map of the entries of a window. It is made when it is asked for the
// first time after a new bar.
func (l *listing) windowMap(m *liquidation.Model, window market.Window) *liquidation.Sketch {
	end := l.bars.end()
	if w, ok := l.windows[window]; ok && w.end.Equal(end) {
		return w.entries
	}
	e := l.estimator
	if window != market.Month {
		e, _ = m.Window(l.bars.estimatorBars(time.Time{}), nil, end.Add(-window.Duration()))
	}
	if l.windows == nil {
		l.windows = make(map[market.Window]windowed)
	}
	l.windows[window] = windowed{end, e.Sketch(liquidation.DisplayBin)}
	return l.windows[window].entries
}

// Beyond far from the mark, levels are added up to ones of width coarse: out there nobody
// reads single levels, and a map of six venues would be three times as large. Both are
// logarithms of price ratios.
const (
	far    = 0.13
	coarse = 0.01
)

// levels are the levels of all parts around a mark, without what each venue's own mark
// has reached since its last candle.
func levels(parts []part, markUSD float64) []liquidation.Level {
	near, beyond := markUSD*math.Exp(-far), markUSD*math.Exp(far)
	var out, fine []liquidation.Level
	least, most := commonExtremes(parts)
	for _, p := range parts {
		low, high := p.listing.extremes()
		if low > 0 {
			low, high = max(low, least), min(high, most)
		}
		step := 0
		fine = p.entries.AppendLevels(fine[:0], markUSD, low, high)
		for _, l := range fine {
			l.Venue = p.venue
			if l.PriceUSD >= near && l.PriceUSD <= beyond {
				step = 0
				out = append(out, l)
				continue
			}
			// The steps lie on a fixed grid. None is 0.
			if at := 2*int(math.Floor(math.Log(l.PriceUSD)/coarse)) + 1; at != step {
				step = at
				l.PriceUSD = math.Exp(float64(at) / 2 * coarse)
				out = append(out, l)
				continue
			}
			out[len(out)-1].IntensityUSD += l.IntensityUSD
		}
	}
	return out
}

// commonExtremes bound what the mark of one venue can have reached: a little beyond where
// the middle one of three or more has been. One wild tick must not sweep a venue's side.
func commonExtremes(parts []part) (least, most float64) {
	var lows, highs []quote
	for _, p := range parts {
		if low, high := p.listing.extremes(); low > 0 {
			lows, highs = append(lows, quote{usd: low}), append(highs, quote{usd: high})
		}
	}
	if len(lows) < 3 {
		return 0, math.Inf(1)
	}
	return median(lows) * (1 - loneTick), median(highs) * (1 + loneTick)
}

// mapProvenance says what is in the map. It is as old as the oldest of the marks that sweep
// it, as long as no venue's next candle is overdue.
func mapProvenance(parts []part, missing []market.Venue, priced time.Time) market.Provenance {
	p := market.Provenance{Source: Name, Origin: market.Estimate, AsOf: priced, Missing: missing}
	for _, part := range parts {
		p.Venues = append(p.Venues, part.venue)
		for _, at := range []time.Time{part.listing.live.at, part.listing.until().Add(feeds.CandleLength + overdue)} {
			if at.Before(p.AsOf) {
				p.AsOf = at.UTC()
			}
		}
	}
	return p
}

// change is how the price moved since a moment, a fraction.
func change(l *listing, since time.Time, usd float64) (float64, bool) {
	bar, ok := l.bars.at(since.Truncate(feeds.CandleLength))
	if !ok || bar.open <= 0 {
		return 0, false
	}
	return usd/float64(bar.open) - 1, true
}

// lastWeek is the highest and lowest price of seven days, nil while fewer are known.
func lastWeek(l *listing, price market.Price) *market.PriceRange {
	r := &market.PriceRange{HighUSD: price.USD, LowUSD: price.USD, Window: market.Week, Provenance: price.Provenance}
	from := l.bars.end().Add(-market.Week.Duration())
	bars := l.bars.bars[l.bars.from(from):]
	if len(bars) == 0 || startOf(bars[0].slot).Sub(from) > time.Hour {
		return nil
	}
	for _, b := range bars {
		r.HighUSD, r.LowUSD = max(r.HighUSD, float64(b.high)), min(r.LowUSD, float64(b.low))
	}
	return r
}

// provenance is how the map was made.
func (s *Source) provenance(name market.Coin, parts []part, window market.Window) *snapshot.Model {
	p := liquidation.Recommended(name)
	m := &snapshot.Model{Parameters: p.Hash(), BarLength: feeds.CandleLength, WarmUp: p.WarmUp}
	input := sha256.New()
	for _, part := range parts {
		e := part.listing.estimator
		first, last := e.AsOf().Add(-e.Age()), e.AsOf()
		if m.First.IsZero() || first.After(m.First) {
			m.First = first.UTC()
		}
		if m.Last.IsZero() || last.Before(m.Last) {
			m.Last = last.UTC()
		}
		lastOnly, assumed := part.listing.flags()
		if lastOnly {
			m.LastPrice = append(m.LastPrice, part.venue)
		}
		if assumed {
			m.Assumed = append(m.Assumed, part.venue)
		}
		if coins := part.interest / part.listing.live.markUSD; coins > 0 {
			m.Standing = append(m.Standing, snapshot.Standing{
				Venue: part.venue, Long: part.entries.Standing(market.Long) / coins, Short: part.entries.Standing(market.Short) / coins,
			})
		}
		_, _ = input.Write([]byte(string(part.venue) + part.listing.hash() + string(window)))
	}
	m.Input = hex.EncodeToString(input.Sum(nil)[:8])
	return m
}

// flags say whether a bar in memory has no mark candle, or an open interest that was
// assumed.
func (l *listing) flags() (lastOnly, assumed bool) {
	if len(l.bars.bars) == 0 {
		return false, false
	}
	without := 0
	for _, b := range l.bars.bars {
		if b.markHigh == 0 {
			without++
		}
		assumed = assumed || b.assumed
	}
	return without > len(l.bars.bars)/100, assumed
}

// hash names the venue's map as of its last bar.
func (l *listing) hash() string {
	if end := l.bars.end(); !l.hashed.Equal(end) {
		l.hashed, l.inputHash = end, l.estimator.Hash()
	}
	return l.inputHash
}

// All returns a snapshot of every followed coin that can be shown now, the largest first.
// It takes about two milliseconds a coin and ends with the context.
func (s *Source) All(ctx context.Context, window market.Window) []*snapshot.Snapshot {
	coins := s.all()
	slices.SortFunc(coins, func(a, b *coin) int { return s.compareCoins(a.name, b.name) })
	var list []*snapshot.Snapshot
	for _, c := range coins {
		if ctx.Err() != nil {
			break
		}
		if snap, err := s.picture(c, snapshot.Key{Coin: c.name, Window: window}); err == nil {
			list = append(list, snap)
		}
	}
	return list
}
