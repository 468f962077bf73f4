package recorded

import (
	"reflect"
	"slices"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// event starts an event of a figure: all but the figure itself.
func (r *recorder) event(k Kind, c market.Coin, p market.Provenance) Event {
	e := Event{TimeMS: r.timeMS, Kind: k, Coin: c, Venues: p.Venues, Missing: p.Missing}
	if asOf := p.AsOf.UnixMilli(); !p.AsOf.IsZero() && asOf > 0 && asOf < r.timeMS {
		e.AsOfMS = asOf
	}
	if !p.RecordedAt.IsZero() && !p.Demo {
		e.RecordedMS = p.RecordedAt.UnixMilli()
	}
	if p.Source != r.header.Source {
		e.Source = p.Source
	}
	if p.Origin != r.header.usualOrigin(k) {
		e.Origin = p.Origin
	}
	return e
}

// figures are the events of everything in a snapshot but its map. What the
// source does not know is gone.
func (r *recorder) figures(s *snapshot.Snapshot) []Event {
	price := r.event(KindPrice, s.Key.Coin, s.Price.Provenance)
	price.USD, price.PriceKind = &s.Price.USD, s.Price.Kind
	price.Change24h = known(s.Price.Change24h, s.Price.HasChange24h)
	return []Event{price, r.rangeEvent(s), r.etfEvent(s), r.liquidationsEvent(s), r.openInterestEvent(s), r.fundingEvent(s)}
}

func (r *recorder) gone(k Kind, c market.Coin, w market.Window) Event {
	return Event{TimeMS: r.timeMS, Kind: k, Coin: c, Window: w, Gone: true}
}

func (r *recorder) rangeEvent(s *snapshot.Snapshot) Event {
	f := s.Range
	if f == nil {
		return r.gone(KindRange, s.Key.Coin, market.Week)
	}
	e := r.event(KindRange, s.Key.Coin, f.Provenance)
	e.Window, e.HighUSD, e.LowUSD = f.Window, &f.HighUSD, &f.LowUSD
	return e
}

func (r *recorder) etfEvent(s *snapshot.Snapshot) Event {
	f := s.ETF
	if f == nil {
		return r.gone(KindETF, s.Key.Coin, "")
	}
	e := r.event(KindETF, s.Key.Coin, f.Provenance)
	e.NetUSD, e.NetCoins, e.Week = &f.NetUSD, &f.NetCoins, f.Week
	e.From, e.To = f.From.Format(time.DateOnly), f.To.Format(time.DateOnly)
	return e
}

func (r *recorder) liquidationsEvent(s *snapshot.Snapshot) Event {
	f := s.Liquidations
	if f == nil {
		return r.gone(KindLiquidations, s.Key.Coin, "")
	}
	e := r.event(KindLiquidations, s.Key.Coin, f.Provenance)
	e.LongUSD, e.ShortUSD, e.OverMS = &f.LongUSD, &f.ShortUSD, f.Over.Milliseconds()
	return e
}

func (r *recorder) openInterestEvent(s *snapshot.Snapshot) Event {
	f := s.OpenInterest
	if f == nil {
		return r.gone(KindOpenInterest, s.Key.Coin, "")
	}
	e := r.event(KindOpenInterest, s.Key.Coin, f.Provenance)
	e.USD, e.Amount, e.Change24h = &f.USD, &f.Coins, known(f.Change24h, f.HasChange24h)
	return e
}

func (r *recorder) fundingEvent(s *snapshot.Snapshot) Event {
	f := s.Funding
	if f == nil {
		return r.gone(KindFunding, s.Key.Coin, "")
	}
	e := r.event(KindFunding, s.Key.Coin, f.Provenance)
	e.Venue, e.Rate, e.IntervalMS = f.Venue, &f.Rate, f.Interval.Milliseconds()
	return e
}

func (r *recorder) mapEvent(s *snapshot.Snapshot) Event {
	e := r.event(KindMap, s.Key.Coin, s.Map.Provenance())
	e.Window, e.RefUSD = s.Key.Window, new(s.Map.MarkUSD())
	e.Venues = slices.Clone(e.Venues)
	index := map[market.Venue]int{"": NoVenue}
	for i, v := range e.Venues {
		index[v] = i
	}
	for _, v := range s.Map.Venues() {
		if _, ok := index[v]; !ok {
			index[v] = len(e.Venues)
			e.Venues = append(e.Venues, v)
		}
	}
	rows := func(side market.Side) Levels {
		var out Levels
		for _, l := range s.Map.Levels(side) {
			out = append(out, Level{PriceUSD: l.PriceUSD, IntensityUSD: l.IntensityUSD, VenueIndex: index[l.Venue], Leverage: l.Leverage})
		}
		return out
	}
	e.Short, e.Long = rows(market.Short), rows(market.Long)
	return e
}

// shows reports whether a player that has these levels would show those of a
// map.
func (l *levels) shows(m *liquidation.Map) bool {
	short, long := m.Levels(market.Short), m.Levels(market.Long)
	for _, level := range l.levels {
		rest := &short
		switch {
		case level.Side == market.Long && level.PriceUSD < l.low:
			rest = &long
		case level.Side == market.Short && level.PriceUSD > l.high:
		default:
			continue
		}
		if len(*rest) == 0 || (*rest)[0] != level {
			return false
		}
		*rest = (*rest)[1:]
	}
	return len(short)+len(long) == 0
}

// sameFigure reports whether two events say the same but for their times.
func sameFigure(a, b *Event) bool {
	x, y := *a, *b
	x.TimeMS, x.AsOfMS, x.RecordedMS = 0, 0, 0
	y.TimeMS, y.AsOfMS, y.RecordedMS = 0, 0, 0
	return reflect.DeepEqual(x, y)
}

func sameOrigin(a, b *Event) bool {
	return a.Source == b.Source && a.Origin == b.Origin && slices.Equal(a.Missing, b.Missing) && slices.Equal(a.Venues, b.Venues)
}

func known(v float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	return &v
}
