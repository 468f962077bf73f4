package accuracy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"liqbot/market"
)

// Hour is what is kept of a coin and a full hour: the map at its beginning, and what came
// of it.
type Hour struct {
	Start time.Time
	// Parameters is the hash of the model's constants.
	Parameters string
	// Full is of the venues that report every order, All of those as well that report a
	// sample. Either is nil when no venue is of that kind, All also when it would be the same.
	Full, All *Part
}

// Part is the map of some venues at the beginning of an hour.
type Part struct {
	// Venues are in it, the one with the largest open interest first: the prices here are
	// that one's. Symbols are the names of their contracts; Sampled are those that report
	// only part of what they liquidate.
	Venues  []market.Venue
	Symbols []string
	Sampled []market.Venue `json:",omitempty"`
	MarkUSD float64
	// Coins is the open interest, base coins.
	Coins       float64
	Long, Short Band
	// Outcome is nil until the hour is over, and for good if it does not count.
	Outcome *Outcome `json:",omitempty"`
}

// Outcome is what came in the hour.
type Outcome struct {
	LongUSD, ShortUSD float64
	Orders            int
	// LowUSD and HighUSD are the extremes of the mark, no narrower than the mark at the
	// beginning.
	LowUSD, HighUSD float64
	// Candles says that the extremes are also those of the candles, and that the next two
	// are known: base coins traded, and the mean absolute hourly log return of the day
	// before.
	Candles                 bool
	VolumeCoins, Volatility float64
	// Seen says that no single order was missed; Hits are then the levels with orders.
	Seen bool
	Hits []Hit `json:",omitempty"`
}

// Hit is the forced orders of one side at one level.
type Hit struct {
	Level  int32
	Side   market.Side
	Orders int
	USD    float64
}

// counts reports whether a part can be scored.
func (p *Part) counts() bool { return p != nil && p.Outcome != nil && p.Outcome.Candles }

// band is one side of the map.
func (p *Part) band(side market.Side) *Band {
	if side == market.Long {
		return &p.Long
	}
	return &p.Short
}

// extreme is how far the mark went against a side.
func (o *Outcome) extreme(side market.Side) float64 {
	if side == market.Long {
		return o.LowUSD
	}
	return o.HighUSD
}

func (o *Outcome) usd(side market.Side) float64 {
	if side == market.Long {
		return o.LongUSD
	}
	return o.ShortUSD
}

// version begins a row.
const version = 1

// Encode packs an hour into a row for a Store.
func (h *Hour) Encode() ([]byte, error) {
	row, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode hour of the self-check: %w", err)
	}
	return append([]byte{version}, row...), nil
}

// ErrRow is the error for a row that Decode cannot read.
var ErrRow = errors.New("not a row of the self-check")

// Decode unpacks a row; what it returns can be scored. It wraps ErrRow.
func Decode(row []byte) (*Hour, error) {
	if len(row) == 0 || row[0] != version {
		return nil, fmt.Errorf("%w: unknown version", ErrRow)
	}
	h := new(Hour)
	if err := json.Unmarshal(row[1:], h); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRow, err)
	}
	if h.Start.IsZero() || !h.Start.Equal(h.Start.Truncate(time.Hour)) {
		return nil, fmt.Errorf("%w: not a full hour", ErrRow)
	}
	h.Start = h.Start.UTC()
	for _, p := range []*Part{h.Full, h.All} {
		if p != nil && !p.possible() {
			return nil, fmt.Errorf("%w: figures that cannot be", ErrRow)
		}
	}
	return h, nil
}

// possible reports whether the figures can be scored without a surprise.
func (p *Part) possible() bool {
	ok := len(p.Venues) > 0 && len(p.Symbols) == len(p.Venues) && market.Positive(p.MarkUSD) && market.Positive(p.Coins)
	for _, b := range []*Band{&p.Long, &p.Short} {
		ok = ok && len(b.Intensity) <= 4*reach && b.First > -1e6 && b.First < 1e6
		for _, usd := range b.Intensity {
			ok = ok && usd >= 0 && usd <= math.MaxFloat32
		}
	}
	return ok && (p.Outcome == nil || p.Outcome.possible(p.MarkUSD))
}

func (o *Outcome) possible(markUSD float64) bool {
	ok := o.Orders >= 0
	for _, v := range []float64{o.LongUSD, o.ShortUSD, o.VolumeCoins, o.Volatility} {
		ok = ok && v >= 0 && market.Finite(v)
	}
	ok = ok && market.Positive(o.LowUSD) && market.Positive(o.HighUSD) && o.LowUSD <= markUSD && o.HighUSD >= markUSD
	for _, h := range o.Hits {
		ok = ok && (h.Side == market.Long || h.Side == market.Short) && h.Orders > 0
	}
	return ok
}
