package recorded

import (
	"fmt"
	"slices"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// figure is the newest event of its kind and the times of what it says. The
// event is never changed, so figures are shared.
type figure struct {
	*Event
	// asOf is the market time in the file; with shift added it is the play time.
	asOf, shift int64
	// recorded is the first market time, for a recording of a replay.
	recorded int64
}

// levels is a map in force and how far the mark has been since it was computed.
type levels struct {
	figure
	levels    []liquidation.Level
	low, high float64
}

// reach widens what the mark has swept.
func (l *levels) reach(usd float64) {
	l.low, l.high = min(l.low, usd), max(l.high, usd)
}

// coin is what is in force for one coin. Figures without an event are not known.
type coin struct {
	price, priceRange, etf, liquidations, openInterest, funding figure
	maps                                                        map[market.Window]*levels
}

// figure returns the place of a kind's figure, nil for the maps.
func (c *coin) figure(k Kind) *figure {
	switch k {
	case KindPrice:
		return &c.price
	case KindRange:
		return &c.priceRange
	case KindETF:
		return &c.etf
	case KindLiquidations:
		return &c.liquidations
	case KindOpenInterest:
		return &c.openInterest
	case KindFunding:
		return &c.funding
	default:
		return nil
	}
}

// state is what is in force at the playhead.
type state struct {
	coins map[market.Coin]*coin
	order []market.Coin
	// held is how many levels all maps have.
	held int
}

func (s *state) apply(e *Event, shift int64) error {
	c, err := s.coin(e.Coin)
	if err != nil {
		return err
	}
	f := figure{Event: e, asOf: e.asOf(), shift: shift, recorded: e.asOf()}
	if e.RecordedMS != 0 {
		f.recorded = e.RecordedMS
	}
	if e.Kind == KindMap {
		return s.applyMap(c, f)
	}
	if err := replace(c.figure(e.Kind), f); err != nil {
		return err
	}
	if e.Kind == KindPrice && !e.Gone {
		for _, m := range c.maps {
			m.reach(*c.price.USD)
		}
	}
	return nil
}

// replace puts a figure into its place; an event without one keeps the old.
func replace(place *figure, f figure) error {
	switch {
	case f.Gone:
		*place = figure{}
	case !f.Same:
		*place = f
	case place.Event == nil:
		return fmt.Errorf("%s of %s: same as before, but nothing was before", f.Kind, f.Coin)
	default:
		place.asOf, place.shift, place.recorded = f.asOf, f.shift, f.recorded
	}
	return nil
}

func (s *state) applyMap(c *coin, f figure) error {
	old := c.maps[f.Window]
	if f.Same {
		if old == nil {
			return fmt.Errorf("%s of %s %s: same as before, but nothing was before", f.Kind, f.Coin, f.Window)
		}
		return replace(&old.figure, f)
	}
	if old != nil {
		s.held -= len(old.levels)
		delete(c.maps, f.Window)
	}
	if f.Gone {
		return nil
	}
	if s.held += len(f.Short) + len(f.Long); s.held > MaxHeld {
		return fmt.Errorf("%d levels in all maps together, want at most %d", s.held, MaxHeld)
	}
	m := &levels{figure: f, levels: toLevels(f.Event), low: *f.RefUSD, high: *f.RefUSD}
	if c.price.Event != nil {
		m.reach(*c.price.USD)
	}
	c.maps[f.Window] = m
	return nil
}

func (s *state) coin(name market.Coin) (*coin, error) {
	if c, ok := s.coins[name]; ok {
		return c, nil
	}
	if len(s.coins) == MaxCoins {
		return nil, fmt.Errorf("%s: more than %d coins", name, MaxCoins)
	}
	c := &coin{maps: make(map[market.Window]*levels)}
	s.coins[name] = c
	if !slices.Contains(s.order, name) {
		s.order = append(s.order, name)
	}
	return c, nil
}

// present is what is in force for a key at one moment.
type present struct {
	coin coin
	m    levels
}

// at returns what is in force for a key. The error is a *snapshot.Error.
func (s *state) at(key snapshot.Key) (present, error) {
	c, ok := s.coins[key.Coin]
	if !ok && !slices.Contains(s.order, key.Coin) {
		return present{}, problem(snapshot.NotListed, "%s is not in the recording", key.Coin)
	}
	if !ok || c.price.Event == nil {
		return present{}, problem(snapshot.Unavailable, "no price of %s at this moment of the recording", key.Coin)
	}
	m, ok := c.maps[key.Window]
	if !ok {
		return present{}, problem(snapshot.Unavailable, "no map of %s at this moment of the recording", key)
	}
	return present{coin: *c, m: *m}, nil
}

func problem(p snapshot.Problem, format string, args ...any) error {
	return &snapshot.Error{Problem: p, Err: fmt.Errorf("recorded: "+format, args...)}
}
