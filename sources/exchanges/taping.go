package exchanges

import (
	"context"
	"errors"
	"strings"
	"time"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges/tape"
)

// coinTape writes what changes one coin to the tape. Its methods are called under the
// coin's lock, which makes the order of entries that of the changes; those of nil, when
// there is no tape, do nothing.
type coinTape struct {
	to   *tape.Writer
	name string // of the coin on the tape
	now  func() time.Time
}

// beginTape writes how the source is set up.
func (s *Source) beginTape() {
	h := tape.Header{
		Start: tape.At(s.cfg.Now()), KeyLevelBand: s.cfg.KeyLevelBand, SymmetricBand: s.cfg.SymmetricBand,
		Quiet: s.cfg.Quiet, Patience: s.cfg.Patience, Follow: s.cfg.Follow, Coins: s.cfg.Coins,
	}
	for _, f := range s.cfg.Feeds {
		h.Venues = append(h.Venues, tape.Venue{Name: f.Venue(), Coverage: coverage(f)})
	}
	s.cfg.Tape.Begin(h)
}

// keepTape makes what is on the tape readable each second.
func (s *Source) keepTape(ctx context.Context) {
	for ctx.Err() == nil {
		_ = feeds.Pause(ctx, time.Second)
		s.cfg.Tape.Flush()
	}
}

// tapeCoin begins a coin, before anybody else sees it.
func (s *Source) tapeCoin(c *coin, kept []market.Realised) {
	if s.cfg.Tape == nil {
		return
	}
	c.tape = &coinTape{to: s.cfg.Tape, name: s.cfg.Tape.Name(string(c.name)), now: s.cfg.Now}
	added := &tape.Added{Coin: c.name, Parameters: liquidation.Recommended(c.name).Hash(), Realised: tape.NewRealised(kept)}
	c.tape.to.Write(&tape.Entry{At: tape.At(c.since), Kind: tape.CoinAdded, Coin: c.tape.name, Added: added})
}

func (t *coinTape) gone() {
	if t != nil {
		t.to.Write(&tape.Entry{At: tape.At(t.now()), Kind: tape.CoinGone, Coin: t.name})
	}
}

// listed gives a new listing its name.
func (t *coinTape) listed(l *listing) {
	if t == nil {
		return
	}
	contract := tape.Contract(l.contract)
	l.tape, l.taped = t, t.to.Name(string(contract.Venue)+" "+contract.Symbol)
	t.to.Write(&tape.Entry{At: tape.At(t.now()), Kind: tape.Listed, Coin: t.name, Listing: l.taped, Contract: &contract})
}

func (t *coinTape) delisted(l *listing) {
	if t != nil && l != nil {
		t.to.Write(&tape.Entry{At: tape.At(t.now()), Kind: tape.Delisted, Listing: l.taped})
	}
}

// updated is an update that is being applied now, at its time in the host's clock.
func (t *coinTape) updated(l *listing, u *feeds.Update, at, now time.Time) {
	if t != nil {
		t.to.Write(&tape.Entry{At: tape.At(now), Kind: tape.Updated, Listing: l.taped, Update: tape.NewUpdate(u, at)})
	}
}

// barsFor copies bars for the tape, which takes a while: it needs no lock.
func (t *coinTape) barsFor(bars []market.Bar) *tape.Bars {
	if t == nil {
		return nil
	}
	return tape.NewBars(bars)
}

// took is a listing that took bars: one after the other, or all anew.
func (t *coinTape) took(kind tape.Kind, l *listing, bars *tape.Bars) {
	if t != nil {
		t.to.Write(&tape.Entry{At: tape.At(t.now()), Kind: kind, Listing: l.taped, Bars: bars})
	}
}

func (t *coinTape) longShort(l *listing) {
	if t != nil {
		r := &tape.Ratio{At: tape.At(l.longShort.At), Long: l.longShort.Long, Short: l.longShort.Short}
		t.to.Write(&tape.Entry{At: tape.At(t.now()), Kind: tape.LongShort, Listing: l.taped, Ratio: r})
	}
}

func (t *coinTape) usualFunding(l *listing) {
	if t != nil {
		t.to.Write(&tape.Entry{At: tape.At(t.now()), Kind: tape.UsualFunding, Listing: l.taped, Rate: l.usualFunding})
	}
}

func (t *coinTape) forgot(now time.Time) {
	if t != nil {
		t.to.Write(&tape.Entry{At: tape.At(now), Kind: tape.Forgot, Coin: t.name})
	}
}

// disbelieved is told of every change, as not only pictures look at prices.
func (t *coinTape) disbelieved(l *listing) {
	if t != nil {
		t.to.Write(&tape.Entry{At: tape.At(t.now()), Kind: tape.Disbelieved, Listing: l.taped, Is: l.disbelieved})
	}
}

// pictured is a picture that was made with the time now, or why none could be. Looks at a
// coin that has no history yet are no pictures.
func (t *coinTape) pictured(key snapshot.Key, now time.Time, unknown []market.Venue, snap *snapshot.Snapshot, err error) {
	if t == nil || errors.Is(err, errFilling) {
		return
	}
	shown := outcome(key.Window, snap, err)
	shown.Unknown = unknown
	if snap != nil && snap.Realised != nil {
		shown.Watched = make(map[market.Venue]tape.Stamp)
		for _, w := range snap.Realised.Watched {
			shown.Watched[w.Venue] = tape.At(w.Since)
		}
	}
	t.to.Write(&tape.Entry{At: tape.At(now), Kind: tape.Picture, Coin: t.name, Shown: shown})
}

// outcome is what a tape tells of a picture.
func outcome(window market.Window, snap *snapshot.Snapshot, err error) *tape.PictureOutcome {
	if err != nil {
		return &tape.PictureOutcome{Window: window, Problem: string(snapshot.ProblemOf(err))}
	}
	return &tape.PictureOutcome{Window: window, Fingerprint: Fingerprint(snap), PriceUSD: snap.Price.USD}
}

// wallClock is a clock without what Go measures apart from it, which no tape can hold.
func wallClock(now func() time.Time) func() time.Time {
	return func() time.Time { return now().Round(0) }
}

// tapeFrame writes a raw message.
func (v *venue) tapeFrame(stream string, frame []byte) {
	v.engine.cfg.Tape.Frame(v.engine.cfg.Now(), v.name, strings.ToValidUTF8(stream, "?"), frame)
}

func (v *venue) tapeConnected(stream string, up bool) {
	state := &tape.StreamState{Venue: v.name, Stream: strings.ToValidUTF8(stream, "?"), Up: up}
	v.engine.cfg.Tape.Write(&tape.Entry{At: tape.At(v.engine.cfg.Now()), Kind: tape.Connected, Stream: state})
}

// unknown are the venues that have not told yet what they list, for a tape.
func (s *Source) unknown(t *coinTape) []market.Venue {
	if t == nil {
		return nil
	}
	var list []market.Venue
	for _, v := range s.venues {
		if v.unknown.Load() {
			list = append(list, v.name)
		}
	}
	return list
}
