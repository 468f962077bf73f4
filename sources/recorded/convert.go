package recorded

import (
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

// moment is one moment of playing: the wall time and the playhead that belongs
// to it. Times of figures are moved so that the playhead is now; distances stay
// those of the recording, whatever the speed.
type moment struct {
	now      time.Time
	playhead int64
	header   *Header
}

// maxAge keeps the age of a figure within what a time.Duration can hold.
const maxAge = 100 * 365 * 24 * time.Hour

// moved is the time, in the present, of a figure.
func (m moment) moved(f figure) time.Time {
	age := min(m.playhead-f.asOf-f.shift, maxAge.Milliseconds())
	return m.now.Add(-time.Duration(age) * time.Millisecond)
}

func (m moment) provenance(f figure) market.Provenance {
	p := market.Provenance{
		Source:  m.header.Source,
		Origin:  m.header.usualOrigin(f.Kind),
		AsOf:    m.moved(f),
		Venues:  f.Venues,
		Missing: f.Missing,
		Demo:    m.header.Demo,
	}
	if f.Source != "" {
		p.Source = f.Source
	}
	if f.Origin != "" {
		p.Origin = f.Origin
	}
	if !p.Demo {
		p.RecordedAt = time.UnixMilli(f.recorded).UTC()
	}
	return p
}

// usualOrigin is the origin of figures that do not name one.
func (h *Header) usualOrigin(k Kind) market.Origin {
	switch {
	case k != KindMap:
		return market.Measured
	case h.Origin == "":
		return market.Estimate
	default:
		return h.Origin
	}
}

func (m moment) price(f figure) market.Price {
	p := market.Price{USD: *f.USD, Kind: f.PriceKind, Provenance: m.provenance(f)}
	p.Change24h, p.HasChange24h = value(f.Change24h)
	return p
}

func (m moment) priceRange(f figure) *market.PriceRange {
	if f.Event == nil {
		return nil
	}
	return &market.PriceRange{HighUSD: *f.HighUSD, LowUSD: *f.LowUSD, Window: f.Window, Provenance: m.provenance(f)}
}

func (m moment) etf(f figure) *market.ETFFlow {
	if f.Event == nil {
		return nil
	}
	provenance := m.provenance(f)
	from, to := m.tradingDays(f)
	return &market.ETFFlow{NetUSD: *f.NetUSD, NetCoins: *f.NetCoins, From: from, To: to, Week: f.Week, Provenance: provenance}
}

// tradingDays moves the days of a flow to the present by whole weeks, so that a
// Monday stays a Monday, last week stays last week, and no day is in the future.
func (m moment) tradingDays(f figure) (from, to time.Time) {
	const week = 7 * 24 * time.Hour
	from, _ = time.Parse(time.DateOnly, f.From)
	to, _ = time.Parse(time.DateOnly, f.To)
	asOf := m.moved(f)
	shift := time.Duration(tradingWeek(asOf)-tradingWeek(time.UnixMilli(f.asOf))) * week
	if to.Add(shift).After(asOf) {
		shift -= week
	}
	return from.Add(shift), to.Add(shift)
}

// tradingWeek counts weeks that start on Saturday, when the five trading days
// of the week are over.
func tradingWeek(t time.Time) int64 {
	const day = 24 * 60 * 60
	// Unix time began on a Thursday, two days before a Saturday.
	return (t.Unix() - 2*day) / (7 * day)
}

func (m moment) liquidations(f figure) *market.Liquidations {
	if f.Event == nil {
		return nil
	}
	return &market.Liquidations{
		LongUSD: *f.LongUSD, ShortUSD: *f.ShortUSD,
		Over:       time.Duration(f.OverMS) * time.Millisecond,
		Provenance: m.provenance(f),
	}
}

func (m moment) openInterest(f figure) *market.OpenInterest {
	if f.Event == nil {
		return nil
	}
	o := &market.OpenInterest{USD: *f.USD, Coins: *f.Amount, Provenance: m.provenance(f)}
	o.Change24h, o.HasChange24h = value(f.Change24h)
	return o
}

func (m moment) funding(f figure) *market.Funding {
	if f.Event == nil {
		return nil
	}
	return &market.Funding{
		Venue: f.Venue, Rate: *f.Rate,
		Interval:   time.Duration(f.IntervalMS) * time.Millisecond,
		Provenance: m.provenance(f),
	}
}

func value(v *float64) (float64, bool) {
	if v == nil {
		return 0, false
	}
	return *v, true
}

// toLevels returns the levels of a map event.
func toLevels(e *Event) []liquidation.Level {
	out := make([]liquidation.Level, 0, len(e.Short)+len(e.Long))
	add := func(side market.Side, levels Levels) {
		for _, l := range levels {
			level := liquidation.Level{PriceUSD: l.PriceUSD, Side: side, IntensityUSD: l.IntensityUSD, Leverage: l.Leverage}
			if l.VenueIndex != NoVenue {
				level.Venue = e.Venues[l.VenueIndex]
			}
			out = append(out, level)
		}
	}
	add(market.Short, e.Short)
	add(market.Long, e.Long)
	return out
}
