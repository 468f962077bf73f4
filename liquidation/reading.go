package liquidation

import (
	"math"

	"liqbot/market"
)

// Bands that are used where nothing else is set, as fractions of the mark.
const (
	// KeyLevelBand is how far from the mark a key level may lie.
	KeyLevelBand = 0.06
	// SymmetricBand is the distance for which both sides are compared alike.
	SymmetricBand = 0.05
)

// KeyLevel is the outer edge of the strongest cluster of a side: once the mark
// is beyond it, that cluster is swept.
type KeyLevel struct {
	Side market.Side
	// PriceUSD is the edge, rounded outward to the step of market.LevelExponent.
	PriceUSD float64
	// IntensityUSD is the cumulative intensity from the mark to PriceUSD.
	IntensityUSD float64
	// Distance is a signed fraction of the mark, DistanceUSD the same in USD.
	Distance, DistanceUSD float64
	// Cluster is the zone whose edge this is.
	Cluster Cluster
}

// KeyLevel returns the key level of a side within a band (a fraction of the
// mark), and false when the side has no levels there.
func (m *Map) KeyLevel(side market.Side, band float64) (KeyLevel, bool) {
	clusters := m.Clusters(side, band)
	if len(clusters) == 0 {
		return KeyLevel{}, false
	}
	return m.keyLevel(clusters[0]), true
}

func (m *Map) keyLevel(c Cluster) KeyLevel {
	price := roundOutward(c.ToUSD, c.Side)
	return KeyLevel{
		Side:         c.Side,
		PriceUSD:     price,
		IntensityUSD: m.intensityTo(price),
		Distance:     (price - m.mark) / m.mark,
		DistanceUSD:  price - m.mark,
		Cluster:      c,
	}
}

// roundOutward rounds a price away from the mark to the step that is shown, so
// that the figure quoted with it is the sum up to the price that people read.
func roundOutward(priceUSD float64, side market.Side) float64 {
	scale := math.Pow10(-market.LevelExponent(priceUSD))
	steps := priceUSD * scale
	rounded := math.Round(steps) / scale
	switch {
	case rounded == priceUSD: // already a whole step, however the product came out
	case side == market.Short:
		rounded = max(math.Ceil(steps)/scale, priceUSD)
	default:
		rounded = min(math.Floor(steps)/scale, priceUSD)
	}
	if !market.Positive(rounded) {
		return priceUSD
	}
	return rounded
}

// Totals is the intensity of both sides within a symmetric band.
type Totals struct {
	// Band is the half width as a fraction of the mark; LowUSD and HighUSD are
	// its ends.
	Band              float64
	LowUSD, HighUSD   float64
	LongUSD, ShortUSD float64
}

// Totals adds up both sides within a band (a fraction of the mark).
func (m *Map) Totals(band float64) Totals {
	sum := func(side market.Side) float64 {
		n := len(m.within(side, band))
		if n == 0 {
			return 0
		}
		return m.half(side).sum[n-1]
	}
	return Totals{
		Band:     band,
		LowUSD:   m.mark * (1 - band),
		HighUSD:  m.mark * (1 + band),
		LongUSD:  sum(market.Long),
		ShortUSD: sum(market.Short),
	}
}

// Reading says in one word how the sides compare.
type Reading uint8

// The readings of an imbalance.
const (
	// NotMeaningful: one side is almost or fully empty, a ratio says nothing.
	NotMeaningful Reading = iota
	Balanced
	ShortHeavy
	LongHeavy
)

// Thresholds of a reading.
const (
	// BalancedBelow is the ratio under which the sides count as balanced.
	BalancedBelow = 1.2
	// MeaningfulShare is the share of the sum that the lighter side must have.
	MeaningfulShare = 0.02
)

// Imbalance compares the two sides.
type Imbalance struct {
	// Ratio is the heavier side over the lighter, 1 or more; 0 when the reading
	// is NotMeaningful.
	Ratio float64
	// Heavier is the heavier side; zero when NotMeaningful.
	Heavier market.Side
	Reading Reading
}

// Compare reads the imbalance of two intensities in USD. With one of them zero
// it returns ErrOneSided and NotMeaningful; a lighter side of less than
// MeaningfulShare is NotMeaningful without an error.
func Compare(longUSD, shortUSD float64) (Imbalance, error) {
	for _, v := range []float64{longUSD, shortUSD} {
		if !market.Finite(v) || v < 0 {
			return Imbalance{}, &InputError{Part: "imbalance", Err: ErrIntensity}
		}
	}
	light, heavy, side := longUSD, shortUSD, market.Short
	if longUSD > shortUSD {
		light, heavy, side = shortUSD, longUSD, market.Long
	}
	if light == 0 {
		return Imbalance{}, &InputError{Part: "imbalance", Err: ErrOneSided}
	}
	if light < MeaningfulShare*(light+heavy) {
		return Imbalance{}, nil
	}
	out := Imbalance{Ratio: heavy / light, Heavier: side, Reading: Balanced}
	if out.Ratio >= BalancedBelow {
		out.Reading = ShortHeavy
		if side == market.Long {
			out.Reading = LongHeavy
		}
	}
	return out, nil
}

// Summary is everything that a reply or a picture says of a map, worked out
// once.
type Summary struct {
	// KeyLevelBand is how far from the mark a key level could lie, as a fraction.
	KeyLevelBand float64
	// Above and Below are the key levels; nil when that side has no levels
	// within the band.
	Above, Below *KeyLevel
	// Imbalance compares the totals at the key levels; Even compares Totals, the
	// same band on both sides.
	Imbalance, Even Imbalance
	Totals          Totals
	// ClustersAbove and ClustersBelow are the dense zones within the key level
	// band, the strongest first.
	ClustersAbove, ClustersBelow []Cluster
}

// Reversed reports whether the sides compare the other way round at the same distance: the
// imbalance of the key levels is then a matter of how far away they are.
func (s Summary) Reversed() bool {
	a, b := s.Imbalance.Reading, s.Even.Reading
	return a == ShortHeavy && b == LongHeavy || a == LongHeavy && b == ShortHeavy
}

// Summarise works out the summary of a map with the given bands (fractions of
// the mark).
func (m *Map) Summarise(keyLevelBand, symmetricBand float64) Summary {
	s := Summary{
		KeyLevelBand:  keyLevelBand,
		ClustersAbove: m.Clusters(market.Short, keyLevelBand),
		ClustersBelow: m.Clusters(market.Long, keyLevelBand),
		Totals:        m.Totals(symmetricBand),
	}
	var long, short float64
	if len(s.ClustersAbove) > 0 {
		above := m.keyLevel(s.ClustersAbove[0])
		s.Above, short = &above, above.IntensityUSD
	}
	if len(s.ClustersBelow) > 0 {
		below := m.keyLevel(s.ClustersBelow[0])
		s.Below, long = &below, below.IntensityUSD
	}
	// An error means that a side is empty, which NotMeaningful already says.
	s.Imbalance, _ = Compare(long, short)
	s.Even, _ = Compare(s.Totals.LongUSD, s.Totals.ShortUSD)
	return s
}
