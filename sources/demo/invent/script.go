package invent

import (
	"time"

	"liqbot/market"
)

// length is how long a pass of the demo takes at speed 1.
const length = 900 // seconds

// start is the market time of the first event, a Saturday: the five trading
// days before it are a whole week.
var start = time.Date(2026, time.January, 10, 12, 0, 0, 0, time.UTC)

// script is the story of one coin.
type script struct {
	coin market.Coin
	seed int
	// decimals are those of its price, places those of its levels' prices.
	decimals, places int
	// step is the distance between neighbouring levels, USD.
	step float64
	// every and phase say in which seconds its price is quoted.
	every, phase int
	path         []knot
	eras         []era
	figures      figures
}

// knot is a point that the price passes, at a second of the loop.
type knot struct{ second, usd float64 }

// era is a span of the story in which traders hold the same positions. Levels
// that the price sweeps stay away until the next one.
type era struct {
	from     int // second of the loop
	up, down target
}

// target is a key level that the story wants: its price, and the intensity that
// lies between it and the price at the start of the era, in millions of USD, on
// the map of seven days.
type target struct{ edge, million float64 }

// figures are what is known of a coin besides its price and maps.
type figures struct {
	yesterday           float64 // price a day ago, USD
	high, low           float64 // of seven days, USD
	interest, growth    float64 // open interest in coins, its change in a day
	rate                float64 // funding on Binance, for eight hours
	liqLong, liqShort   float64 // liquidated in a day, USD
	breakLong, breakUSD float64 // what the move adds to them, USD
	flowUSD, flowCoins  float64 // last week's ETF flow; zero for no ETF
}

// scripts tells the three stories. Bitcoin waits, breaks the level above half a
// minute in, holds there for a minute, falls back, tests a level below and comes
// home. The others follow it without breaking theirs.
func scripts() []script {
	return []script{bitcoin(), ether(), solana()}
}

func bitcoin() script {
	return script{
		coin: "BTC", seed: 1, decimals: 2, places: 0, step: 72, every: 1,
		path: []knot{
			{0, 90131.71},
			{8, 90131.71},
			{13, 90840},
			{18, 92010},
			{23, 93180},
			{27, 94120},
			{30, 94735},
			{33, 95230},
			{40, 95340},
			{55, 95210},
			{70, 95390},
			{85, 95260},
			{100, 95180},
			{115, 94890},
			{130, 94480},
			{148, 93990},
			{165, 93640},
			{200, 93880},
			{240, 93190},
			{280, 92640},
			{320, 92910},
			{370, 91980},
			{430, 91050},
			{470, 90310},
			{500, 89260},
			{530, 87820},
			{560, 86890},
			{585, 87240},
			{620, 88010},
			{660, 88260},
			{700, 88720},
			{750, 89130},
			{800, 89480},
			{850, 89990},
			{885, 90131.71},
			{900, 90131.71},
		},
		eras: []era{
			{0, target{94681, 2705}, target{86137, 1563}},
			{34, target{98460, 1980}, target{92140, 2610}},
			{165, target{96315, 1820}, target{89720, 1905}},
			{430, target{93870, 1940}, target{86420, 1705}},
			{660, target{91980, 2240}, target{84900, 1390}},
		},
		figures: figures{
			yesterday: 89242.5, high: 93012, low: 84466, interest: 658_400, growth: 0.0184, rate: 0.000087,
			liqLong: 61_240_000, liqShort: 84_730_000, breakLong: 38_600_000, breakUSD: 187_500_000,
			flowUSD: 459_000_000, flowCoins: 5891,
		},
	}
}

func ether() script {
	return script{
		coin: "ETH", seed: 2, decimals: 2, places: 1, step: 2.5, every: 2,
		path: []knot{
			{0, 3112.40},
			{8, 3112.40},
			{20, 3151.2},
			{32, 3189.5},
			{60, 3194.8},
			{100, 3188.1},
			{148, 3154.6},
			{165, 3147.3},
			{240, 3130.9},
			{320, 3121.4},
			{430, 3076.2},
			{500, 3031.7},
			{560, 2989.6},
			{620, 3021.5},
			{660, 3030.8},
			{750, 3071.3},
			{850, 3104.9},
			{885, 3112.40},
			{900, 3112.40},
		},
		eras: []era{
			{0, target{3247.5, 1284}, target{2984.2, 1171}},
			{34, target{3298.4, 1120}, target{3071.6, 1465}},
			{165, target{3259.8, 1236}, target{3018.3, 1092}},
			{430, target{3187.1, 1344}, target{2941.7, 987}},
			{660, target{3148.9, 1405}, target{2902.5, 1010}},
		},
		figures: figures{
			yesterday: 3088.15, high: 3204.6, low: 2918.4, interest: 11_930_000, growth: 0.0121, rate: 0.000064,
			liqLong: 38_910_000, liqShort: 41_350_000, breakLong: 22_400_000, breakUSD: 46_800_000,
			flowUSD: -72_400_000, flowCoins: -23_180,
		},
	}
}

func solana() script {
	return script{
		coin: "SOL", seed: 3, decimals: 2, places: 2, step: 0.11, every: 2, phase: 1,
		path: []knot{
			{0, 134.87},
			{8, 134.87},
			{20, 136.70},
			{32, 138.95},
			{60, 139.30},
			{100, 138.72},
			{148, 136.90},
			{165, 136.41},
			{240, 135.30},
			{320, 135.62},
			{430, 132.84},
			{500, 130.75},
			{560, 128.95},
			{620, 130.70},
			{660, 131.18},
			{750, 132.90},
			{850, 134.41},
			{885, 134.87},
			{900, 134.87},
		},
		eras: []era{
			{0, target{141.24, 412}, target{128.63, 641}},
			{34, target{144.15, 388}, target{133.28, 705}},
			{165, target{142.07, 431}, target{130.15, 596}},
			{430, target{138.02, 467}, target{126.71, 588}},
			{660, target{136.94, 402}, target{125.36, 613}},
		},
		figures: figures{
			yesterday: 136.02, high: 141.85, low: 124.73, interest: 55_240_000, growth: -0.0093, rate: -0.000021,
			liqLong: 17_460_000, liqShort: 8_920_000, breakLong: 9_300_000, breakUSD: 12_700_000,
		},
	}
}

// era returns the era of a second and the second at which it began.
func (s *script) era(second int) (int, era) {
	found := 0
	for i, e := range s.eras {
		if e.from <= second {
			found = i
		}
	}
	return found, s.eras[found]
}
