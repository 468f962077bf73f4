// Package liquidation is the liquidation map of a coin and its arithmetic:
// levels around a mark price, cumulative curves, clusters, key levels and the
// imbalance between the sides; and the Estimator, which makes the levels of one
// from candles, volume and open interest. All of it is pure: no I/O, no clock, no
// goroutine, no logging. A Map never changes once made, so it may be shared.
//
// Intensity is a relative estimate in USD terms. It says how heavy a level is
// against its neighbours in the same map; it is not the amount of money that
// will be liquidated there.
package liquidation

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"liqbot/market"
)

// Level is the liquidation intensity of one side at one price on one venue.
type Level struct {
	// PriceUSD is the mark price at which the positions would be liquidated.
	PriceUSD float64
	Side     market.Side
	// IntensityUSD is the relative intensity in USD terms, not negative.
	IntensityUSD float64
	// Venue is empty when the source does not tell.
	Venue market.Venue
	// Leverage is the leverage tier (25 is 25x), 0 when the source does not tell.
	Leverage float64
}

// Input is what a Map is made of.
type Input struct {
	Coin    market.Coin
	Window  market.Window
	MarkUSD float64
	// LowUSD and HighUSD are the lowest and highest mark since the levels were
	// computed. Levels between them were swept and do not come back. Zero means
	// that the mark has not moved since.
	LowUSD, HighUSD float64
	Levels          []Level
	Provenance      market.Provenance
}

// The kinds of input that New refuses; InputError wraps one of them.
var (
	ErrEmpty     = errors.New("no liquidation levels")
	ErrTooMany   = errors.New("more levels than a map can have")
	ErrPrice     = errors.New("price is not between 1e-12 and 1e15 USD")
	ErrIntensity = errors.New("intensity is not between 0 and 1e18 USD")
	ErrSide      = errors.New("side is neither long nor short")
	ErrLeverage  = errors.New("leverage is not a finite number of zero or more")
	// ErrOneSided refuses a comparison of the sides, not the map: a map with one
	// side empty still has curves and a key level, but no imbalance.
	ErrOneSided = errors.New("one side of the map is empty")
)

// Bounds of what a figure of a market can be. They keep sums finite and searches
// short, whatever a source sends.
const (
	minPrice, maxPrice = 1e-12, 1e15
	maxIntensity       = 1e18
	maxLevels          = 200_000
)

// InputError says which part of an Input was refused and why.
type InputError struct {
	// Part names the part: "mark price", "level 12 (price 94681)".
	Part string
	// Err is one of the Err values of this package.
	Err error
}

func (e *InputError) Error() string { return fmt.Sprintf("liquidation map: %s: %v", e.Part, e.Err) }

// Unwrap returns the reason.
func (e *InputError) Unwrap() error { return e.Err }

// Map is the liquidation levels of a coin and window around a mark price. Short
// levels lie above the mark, long levels below; no level is on both sides.
type Map struct {
	coin       market.Coin
	window     market.Window
	mark       float64
	provenance market.Provenance
	swept      int
	venues     []market.Venue
	sides      [2]half // long, short
}

// half is one side of a map, ordered outward from the mark.
type half struct {
	levels []Level
	// sum[i] is the intensity of levels[0..i].
	sum []float64
}

// New checks the input and builds a map. Levels that the mark has reached or
// passed are swept: they are left out and counted. A level exactly at the mark
// is swept as well. Levels of zero intensity are left out.
//
// The error is an *InputError: ErrEmpty when nothing is left on either side,
// ErrTooMany, or ErrPrice, ErrIntensity, ErrSide or ErrLeverage for a figure that
// cannot be.
func New(in Input) (*Map, error) {
	if !possible(in.MarkUSD) {
		return nil, &InputError{Part: "mark price", Err: ErrPrice}
	}
	if len(in.Levels) > maxLevels {
		return nil, &InputError{Part: fmt.Sprintf("%d levels", len(in.Levels)), Err: ErrTooMany}
	}
	low, high, err := extremes(in)
	if err != nil {
		return nil, err
	}
	m := &Map{coin: in.Coin, window: in.Window, mark: in.MarkUSD, provenance: in.Provenance}
	shorts := 0
	for i := range in.Levels {
		if in.Levels[i].Side == market.Short {
			shorts++
		}
	}
	m.sides[0].levels, m.sides[1].levels = make([]Level, 0, len(in.Levels)-shorts), make([]Level, 0, shorts)
	for i, l := range in.Levels {
		if err := check(l); err != nil {
			return nil, &InputError{Part: fmt.Sprintf("level %d (price %v)", i, l.PriceUSD), Err: err}
		}
		switch {
		case l.IntensityUSD == 0:
		case l.Side == market.Short && l.PriceUSD > high:
			m.sides[1].levels = append(m.sides[1].levels, l)
		case l.Side == market.Long && l.PriceUSD < low:
			m.sides[0].levels = append(m.sides[0].levels, l)
		default:
			m.swept++
		}
	}
	if len(m.sides[0].levels)+len(m.sides[1].levels) == 0 {
		return nil, &InputError{Part: fmt.Sprintf("%d levels, %d swept", len(in.Levels), m.swept), Err: ErrEmpty}
	}
	m.order()
	m.rankVenues()
	return m, nil
}

func extremes(in Input) (low, high float64, err error) {
	low, high = in.MarkUSD, in.MarkUSD
	if in.LowUSD != 0 {
		if !possible(in.LowUSD) {
			return 0, 0, &InputError{Part: "lowest mark", Err: ErrPrice}
		}
		low = min(low, in.LowUSD)
	}
	if in.HighUSD != 0 {
		if !possible(in.HighUSD) {
			return 0, 0, &InputError{Part: "highest mark", Err: ErrPrice}
		}
		high = max(high, in.HighUSD)
	}
	return low, high, nil
}

// possible reports whether a price can be one; NaN cannot.
func possible(priceUSD float64) bool { return priceUSD >= minPrice && priceUSD <= maxPrice }

func check(l Level) error {
	switch {
	case !possible(l.PriceUSD):
		return ErrPrice
	case !(l.IntensityUSD >= 0 && l.IntensityUSD <= maxIntensity):
		return ErrIntensity
	case l.Side != market.Long && l.Side != market.Short:
		return ErrSide
	case !market.Finite(l.Leverage) || l.Leverage < 0:
		return ErrLeverage
	default:
		return nil
	}
}

// order sorts each side outward from the mark, the same input always to the
// same order, and adds up the running sums.
func (m *Map) order() {
	for i := range m.sides {
		h := &m.sides[i]
		slices.SortFunc(h.levels, func(a, b Level) int { return compareLevels(a, b, i == 0) })
		h.sum = make([]float64, len(h.levels))
		total := 0.0
		for j, l := range h.levels {
			total += l.IntensityUSD
			h.sum[j] = total
		}
	}
}

func (m *Map) rankVenues() {
	total := make(map[market.Venue]float64)
	for _, h := range m.sides {
		for _, l := range h.levels {
			total[l.Venue] += l.IntensityUSD
		}
	}
	for v := range total {
		m.venues = append(m.venues, v)
	}
	sort.Slice(m.venues, func(i, j int) bool {
		a, b := m.venues[i], m.venues[j]
		if total[a] != total[b] {
			return total[a] > total[b]
		}
		return a < b
	})
}

// Coin is the base asset of the map.
func (m *Map) Coin() market.Coin { return m.coin }

// Window is the look-back of the map.
func (m *Map) Window() market.Window { return m.window }

// MarkUSD is the price around which the map lies, USD.
func (m *Map) MarkUSD() float64 { return m.mark }

// Provenance says where the levels come from.
func (m *Map) Provenance() market.Provenance { return m.provenance }

// Swept counts the levels of the input that the mark had already passed.
func (m *Map) Swept() int { return m.swept }

// Venues lists the venues that have levels, the one with most intensity first.
// A source that does not tell venues yields one empty venue. Do not change it.
func (m *Map) Venues() []market.Venue { return m.venues }

// Levels returns one side ordered outward from the mark: long levels by falling,
// short levels by rising price. Do not change the slice.
func (m *Map) Levels(side market.Side) []Level { return m.half(side).levels }

// TotalUSD is the intensity of the whole side, however far from the mark.
func (m *Map) TotalUSD(side market.Side) float64 {
	h := m.half(side)
	if len(h.sum) == 0 {
		return 0
	}
	return h.sum[len(h.sum)-1]
}

func (m *Map) half(side market.Side) *half {
	if side == market.Short {
		return &m.sides[1]
	}
	return &m.sides[0]
}

// Point is one point of a cumulative curve.
type Point struct {
	PriceUSD float64
	// CumulativeUSD is the intensity between the mark and PriceUSD, both
	// included.
	CumulativeUSD float64
}

// Curve is the cumulative intensity outward from the mark: one point for each
// distinct price of the side, starting with the mark itself at zero. It never
// falls.
func (m *Map) Curve(side market.Side) []Point {
	h := m.half(side)
	curve := make([]Point, 1, len(h.levels)+1)
	curve[0] = Point{PriceUSD: m.mark}
	for i, l := range h.levels {
		if last := &curve[len(curve)-1]; last.PriceUSD == l.PriceUSD {
			last.CumulativeUSD = h.sum[i]
			continue
		}
		curve = append(curve, Point{PriceUSD: l.PriceUSD, CumulativeUSD: h.sum[i]})
	}
	return curve
}

// IntensityTo is the cumulative intensity from the mark to a price, USD, the
// levels at that price included: of the short side for a price above the mark,
// of the long side for one below, 0 at the mark. It returns ErrPrice for a price
// that is not positive and finite.
func (m *Map) IntensityTo(priceUSD float64) (float64, error) {
	if !market.Positive(priceUSD) {
		return 0, &InputError{Part: "price", Err: ErrPrice}
	}
	return m.intensityTo(priceUSD), nil
}

func (m *Map) intensityTo(priceUSD float64) float64 {
	var h *half
	var n int
	switch {
	case priceUSD > m.mark:
		h = &m.sides[1]
		n = sort.Search(len(h.levels), func(i int) bool { return h.levels[i].PriceUSD > priceUSD })
	case priceUSD < m.mark:
		h = &m.sides[0]
		n = sort.Search(len(h.levels), func(i int) bool { return h.levels[i].PriceUSD < priceUSD })
	}
	if n == 0 {
		return 0
	}
	return h.sum[n-1]
}
