package invent

import (
	"math"

	"liqbot/market"
	"liqbot/sources/recorded"
)

// venues are the places of the invented market with their usual share.
var venues = []struct {
	name  market.Venue
	share float64
}{
	{"Binance", 0.34}, {"OKX", 0.19}, {"Bybit", 0.2}, {"Bitget", 0.12}, {"Gate", 0.09}, {"HTX", 0.06},
}

// reach is how far from the mark the levels of a window go, as a fraction.
var reach = map[market.Window]float64{market.Day: 0.068, market.Week: 0.092, market.Month: 0.104}

// keyProfile is the shape of the cluster before a key level, from the level
// inward; gap is how many steps beyond it are empty, so that its edge stays the
// edge however the search for clusters bins the prices.
var keyProfile = []float64{3.3, 2.9, 2.1, 1.9, 2.6, 1.9, 1.1}

const (
	gap = 3
	// keyShare is the part of the intensity up to a key level in its cluster.
	keyShare = 0.3
	// least is the smallest intensity that is worth a level, USD.
	least = 20_000
)

// hill is a dense zone between the price and a key level (at 1) or beyond.
type hill struct{ at, width, height float64 }

// hills are chosen by seed, so that neighbouring maps are not alike. All lie
// well inside the cluster of the key level: none may merge with it.
var hills = [][]hill{
	{{0.27, 0.028, 1}, {0.46, 0.03, 0.5}, {0.64, 0.02, 1.1}},
	{{0.2, 0.025, 0.9}, {0.4, 0.02, 1}, {0.6, 0.025, 0.9}},
	{{0.3, 0.03, 0.6}, {0.48, 0.018, 0.9}, {0.66, 0.022, 1.1}},
	{{0.24, 0.022, 1.1}, {0.43, 0.03, 0.6}, {0.61, 0.022, 1}},
}

var outerHills = []hill{{1.24, 0.03, 0.5}, {1.46, 0.025, 0.5}, {1.71, 0.035, 0.4}, {2.1, 0.035, 0.4}, {2.6, 0.04, 0.35}}

// side draws the levels of one side of one map.
type side struct {
	script *script
	index  int // of the era
	target target
	from   float64 // price at the start of the era
	sign   float64 // 1 above the price, -1 below
	window market.Window
	second int
	// mark is the present price, swept the farthest it has been on this side
	// since the era began.
	mark, swept float64
}

// seed tells sides, eras and coins apart.
func (s *side) seed() int {
	return s.script.seed*1000 + s.index*10 + int(s.sign+1)
}

// noise is the side's noise of a kind at a step.
func (s *side) noise(kind, step int, more ...int) float64 {
	return noise(append([]int{s.seed(), kind, step + 1<<20}, more...)...)
}

// distance is where a price lies between the start of the era (0) and the key
// level (1).
func (s *side) distance(usd float64) float64 {
	return (usd - s.from) / (s.target.edge - s.from)
}

// shape is how dense the untouched side is at a step, the key level being step
// 0 and steps outward positive.
func (s *side) shape(step int) (density float64, key bool) {
	if inward := -step; inward >= 0 && inward < len(keyProfile) {
		return keyProfile[inward], true
	}
	if step > 0 && step <= gap {
		return 0, false
	}
	u := s.distance(s.usd(step))
	texture := 0.35 + 1.1*math.Pow(s.noise(1, step), 1.6)
	density = 0.34*ramp(u, 0.05, 0.22) + 0.05
	zones := hills[s.seed()%len(hills)]
	if u > 1 {
		density, zones = 0.3*math.Exp(-(u-1)/1.4), outerHills
	}
	for _, h := range zones {
		density += h.height * math.Exp(-(u-h.at)*(u-h.at)/(2*h.width*h.width))
	}
	return density * texture, false
}

func (s *side) usd(step int) float64 {
	return round(s.target.edge+s.sign*float64(step)*s.script.step, s.script.places)
}

// units are what a density of 1 is worth in USD, within the cluster of the key
// level and elsewhere.
func (s *side) units() (key, rest float64) {
	var keySum, restSum float64
	for step := 0; s.distance(s.usd(step)) > 0; step-- {
		if density, isKey := s.shape(step); isKey {
			keySum += density
		} else {
			restSum += density
		}
	}
	total := s.target.million * 1e6
	return keyShare * total / keySum, (1 - keyShare) * total / restSum
}

// levels returns the side's levels, outward from the mark.
func (s *side) levels() recorded.Levels {
	keyUnit, unit := s.units()
	first := int(math.Ceil(s.sign * (s.mark - s.target.edge) / s.script.step))
	var out recorded.Levels
	for step := first; math.Abs(s.usd(step)-s.mark) <= reach[s.window]*s.mark; step++ {
		usd := s.usd(step)
		if s.sign*(usd-s.mark) <= 0 {
			continue
		}
		density, key := s.shape(step)
		value := density * unit
		switch {
		case s.distance(usd) <= 0 || s.sign*(usd-s.swept) <= 0:
			value = s.fresh(step, usd) * unit
		case key:
			value = density * keyUnit
		}
		out = s.split(out, step, usd, value*s.share(step, key)*s.drift(step))
	}
	return out
}

// fresh is the density of positions opened since the price was there.
func (s *side) fresh(step int, usd float64) float64 {
	away := math.Abs(usd-s.mark) / s.mark
	off := (away - 0.013) / 0.0025
	zone := 1.1 * math.Exp(-off*off/2)
	texture := 0.3 + s.noise(2, step)
	return (0.3 + zone) * texture * ramp(away, 0.002, 0.008)
}

// share is how much of the map of seven days another window holds at a step.
func (s *side) share(step int, key bool) float64 {
	n := s.noise(3, step)
	switch {
	case s.window == market.Day && key:
		return 0.5
	case s.window == market.Day:
		return 0.24 + 0.28*n
	case s.window == market.Month && key:
		return 1.62
	case s.window == market.Month:
		return 1.18 + 0.5*n
	default:
		return 1
	}
}

// drift changes a map a little every time it is made again within an era.
func (s *side) drift(step int) float64 {
	if s.second == s.script.eras[s.index].from {
		return 1
	}
	return 0.95 + 0.1*s.noise(4, step, s.second)
}

// split shares a level among the venues; the small ones are not everywhere.
func (s *side) split(out recorded.Levels, step int, usd, value float64) recorded.Levels {
	var weights [6]float64
	total := 0.0
	for i, v := range venues {
		n := s.noise(5, step, i)
		if i > 2 && n < 0.5 {
			continue
		}
		weights[i] = v.share * (0.45 + n)
		total += weights[i]
	}
	for i, w := range weights {
		if usdHere := significant(value * w / total); usdHere >= least {
			out = append(out, recorded.Level{PriceUSD: usd, IntensityUSD: usdHere, VenueIndex: i})
		}
	}
	return out
}

// settle makes the sum up to the key level exact, which rounding had moved, by
// changing the greatest level a little.
func (s *side) settle(levels recorded.Levels) {
	sum, greatest := 0.0, 0
	for i, l := range levels {
		if s.sign*(l.PriceUSD-s.target.edge) > 0 {
			break
		}
		sum += l.IntensityUSD
		if l.IntensityUSD > levels[greatest].IntensityUSD {
			greatest = i
		}
	}
	levels[greatest].IntensityUSD += math.Round(s.target.million*1e6 - sum)
}
