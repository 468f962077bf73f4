package exchanges

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges/tape"
)

// Replayed is a picture of a tape that was made anew.
type Replayed struct {
	// Line is where it is in the tape, At the time with which it was made.
	Line int
	At   time.Time
	Key  snapshot.Key
	// Snapshot is what the replay made; nil when it could make none.
	Snapshot *snapshot.Snapshot
	// Recorded is what came of it then, Now what came of it in the replay.
	Recorded, Now tape.PictureOutcome
}

// Agrees reports whether the replay made the same to the last bit.
func (r *Replayed) Agrees() bool {
	return r.Recorded.Fingerprint == r.Now.Fingerprint && r.Recorded.Problem == r.Now.Problem
}

// ReplayResult is what was found in a tape.
type ReplayResult struct {
	Header tape.Header
	// First and Last are the times of the first and the last entry.
	First, Last time.Time
	// Entries counts the lines after the header, Kinds the same by kind.
	Entries int
	Kinds   map[tape.Kind]int
	// Pictures counts the pictures that were recorded, Mismatches those among them that
	// the replay made otherwise.
	Pictures, Mismatches int
	// Differences say in which ways this bot is not the one that recorded, each of which
	// explains mismatches.
	Differences []string
}

// Replay applies the entries of a tape to a fresh source, in their order, and hands every
// picture to see. It needs no clock and no network and does the same for the same tape,
// always. After a *tape.DamageError the result is that of what lies before it.
func Replay(r io.Reader, see func(*Replayed)) (ReplayResult, error) {
	lines, header, err := tape.NewReader(r)
	if err != nil {
		return ReplayResult{}, fmt.Errorf("read tape: %w", err)
	}
	p := newPlayer(header, see)
	for {
		e, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return p.result, nil
		}
		if err != nil {
			return p.result, err
		}
		if err := p.apply(lines.Line(), e); err != nil {
			return p.result, &tape.DamageError{Line: lines.Line(), Err: err}
		}
		p.count(e)
	}
}

// player is a source that a tape is applied to.
type player struct {
	source   *Source
	now      time.Time
	coins    map[string]*coin
	listings map[string]played
	gone     []goneCoin
	see      func(*Replayed)
	result   ReplayResult
}

type played struct {
	coin    *coin
	listing *listing // nil once it was let go
}

// goneCoin is a coin that ended. What was on its way then may still come.
type goneCoin struct {
	name string
	at   time.Time
}

// straggling is how long a coin that is gone is remembered, in the tape's time.
const straggling = time.Hour

func newPlayer(h tape.Header, see func(*Replayed)) *player {
	p := &player{coins: make(map[string]*coin), listings: make(map[string]played), see: see}
	p.result = ReplayResult{Header: h, Kinds: make(map[tape.Kind]int)}
	if h.Arch != runtime.GOARCH {
		p.differs("recorded on " + h.Arch + ", replayed on " + runtime.GOARCH)
	}
	cfg := Config{
		Coins: h.Coins, Follow: h.Follow, Quiet: h.Quiet, Patience: h.Patience,
		KeyLevelBand: h.KeyLevelBand, SymmetricBand: h.SymmetricBand, Now: func() time.Time { return p.now },
	}
	for _, v := range h.Venues {
		cfg.Feeds = append(cfg.Feeds, &tapedVenue{name: v.Name, coverage: v.Coverage})
	}
	p.source = New(cfg)
	return p
}

func (p *player) differs(how string) {
	if !slices.Contains(p.result.Differences, how) {
		p.result.Differences = append(p.result.Differences, how)
	}
}

func (p *player) count(e *tape.Entry) {
	if p.result.Entries == 0 {
		p.result.First = e.At.Time
	}
	p.result.Last = e.At.Time
	p.result.Entries++
	p.result.Kinds[e.Kind]++
}

// apply does what an entry says. Figures that no source can have taken may break it.
func (p *player) apply(line int, e *tape.Entry) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%w: a %s that cannot be: %v", tape.ErrEntry, e.Kind, broken)
		}
	}()
	p.now = e.At.Time
	switch e.Kind {
	case tape.Frame, tape.Connected, tape.End:
		return nil
	case tape.CoinAdded:
		return p.add(e)
	case tape.CoinGone, tape.Forgot, tape.Picture:
		c := p.coins[e.Coin]
		if c == nil {
			return fmt.Errorf("%w: %s of %q, which is no coin here", tape.ErrEntry, e.Kind, e.Coin)
		}
		return p.coin(line, e, c)
	case tape.Listed:
		return p.list(e)
	default:
		l, known := p.listings[e.Listing]
		if !known {
			return fmt.Errorf("%w: %s of %q, which is not listed", tape.ErrEntry, e.Kind, e.Listing)
		}
		if l.listing == nil {
			return nil
		}
		return p.listing(e, l)
	}
}

func (p *player) add(e *tape.Entry) error {
	if p.coins[e.Coin] != nil {
		return fmt.Errorf("%w: coin %q begins twice", tape.ErrEntry, e.Coin)
	}
	if now := liquidation.Recommended(e.Added.Coin).Hash(); now != e.Added.Parameters {
		p.differs(fmt.Sprintf("%s recorded with model %s, replayed with %s", e.Added.Coin, e.Added.Parameters, now))
	}
	c := newCoin(e.Added.Coin, e.At.Time)
	var rows []market.Realised
	for _, r := range e.Added.Realised {
		rows = append(rows, r.Realised())
	}
	c.realised.restore(rows)
	p.coins[e.Coin] = c
	return nil
}

// coin applies what is of a coin as a whole.
func (p *player) coin(line int, e *tape.Entry, c *coin) error {
	switch e.Kind {
	case tape.Forgot:
		c.realised.forget(p.now)
	case tape.CoinGone:
		p.gone = append(p.gone, goneCoin{e.Coin, p.now})
		p.release()
	default:
		p.picture(line, e, c)
	}
	return nil
}

// release lets go what belongs to coins that are gone for long.
func (p *player) release() {
	for len(p.gone) > 0 && p.now.Sub(p.gone[0].at) > straggling {
		c := p.coins[p.gone[0].name]
		for name, l := range p.listings {
			if l.coin == c {
				p.listings[name] = played{}
			}
		}
		c.listings, c.realised = make(map[market.Venue]*listing), newLedger()
		p.gone = p.gone[1:]
	}
}

func (p *player) list(e *tape.Entry) error {
	c := p.coins[e.Coin]
	if _, twice := p.listings[e.Listing]; twice || c == nil {
		return fmt.Errorf("%w: %q is listed twice or for no coin", tape.ErrEntry, e.Listing)
	}
	p.listings[e.Listing] = played{c, c.list(e.Contract.Venue, market.Contract(*e.Contract), e.At.Time)}
	return nil
}

// listing applies what is of a contract, with the very functions that applied it first.
func (p *player) listing(e *tape.Entry, to played) error {
	c, l := to.coin, to.listing
	switch e.Kind {
	case tape.Delisted:
		c.delist(l.contract.Venue)
	case tape.Updated:
		u, at := e.Update.Update(&l.contract)
		if u.Kind == feeds.Liquidation {
			c.liquidated(l.contract.Venue, &u, at, p.now)
			return nil
		}
		l.ticker(u, at, p.now)
	case tape.Rebuilt:
		m, err := p.source.model(c.name)
		if err != nil {
			return err
		}
		l.take(rebuild(m, e.Bars.Bars()))
	case tape.Stepped:
		for _, b := range e.Bars.Bars() {
			l.step(b)
		}
	case tape.LongShort:
		l.longShort = &market.LongShort{At: e.Ratio.At.Time, Long: e.Ratio.Long, Short: e.Ratio.Short}
	case tape.UsualFunding:
		l.usualFunding = e.Rate
	case tape.Disbelieved:
		l.disbelieve(e.Is)
	default:
		return fmt.Errorf("%w: %s of a contract", tape.ErrEntry, e.Kind)
	}
	return nil
}

// picture makes a picture as it was made then and compares the two.
func (p *player) picture(line int, e *tape.Entry, c *coin) {
	for _, v := range p.source.venues {
		v.watched = e.Shown.Watched[v.name].Time
		v.unknown.Store(slices.Contains(e.Shown.Unknown, v.name))
	}
	key := snapshot.Key{Coin: c.name, Window: e.Shown.Window}
	snap, err := p.source.picture(c, key)
	out := &Replayed{Line: line, At: p.now, Key: key, Snapshot: snap, Recorded: *e.Shown, Now: *outcome(key.Window, snap, err)}
	p.result.Pictures++
	if !out.Agrees() {
		p.result.Mismatches++
	}
	p.see(out)
}

// tapedVenue stands for a venue of a tape. Nobody asks it anything.
type tapedVenue struct {
	name     market.Venue
	coverage market.LiquidationCoverage
}

var errTaped = errors.New("a tape has no venues to ask")

func (v *tapedVenue) Venue() market.Venue                             { return v.name }
func (v *tapedVenue) LiquidationCoverage() market.LiquidationCoverage { return v.coverage }

func (v *tapedVenue) Contracts(context.Context) ([]market.Contract, error) { return nil, errTaped }

func (v *tapedVenue) ServerTime(context.Context) (time.Time, error) { return time.Time{}, errTaped }

func (v *tapedVenue) Stream(context.Context, []market.Contract, feeds.Sink) error { return errTaped }

func (v *tapedVenue) Candles(context.Context, market.Contract, time.Time, time.Time) ([]market.Candle, error) {
	return nil, errTaped
}

func (v *tapedVenue) OpenInterest(context.Context, market.Contract, time.Time, time.Time) ([]market.OpenInterestPoint, error) {
	return nil, errTaped
}
