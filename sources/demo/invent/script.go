package invent

import (
	"math"
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
// minute in, and then swings between levels below and above: one breaks every three
// quarters of a minute, so that whoever asks for alerts sees one soon. The others do
// as it does, a little later.
func scripts() []script {
	return []script{bitcoin(), ether(), solana()}
}

// turn is a break of a key level: the price goes beyond it at a second of the loop.
// million is the intensity that lies up to it on the map of seven days, in millions of
// USD.
type turn struct {
	second  int
	level   float64
	million float64
}

// turns are bitcoin's, up and down in turn. The last one ends where the first began.
var turns = []turn{
	{30, 94681, 2705},
	{75, 92140, 2610},
	{120, 94315, 1905},
	{165, 91635, 1340},
	{210, 93870, 1940},
	{255, 91280, 2230},
	{300, 94020, 1460},
	{345, 91980, 1705},
	{390, 94410, 2180},
	{435, 92210, 1280},
	{480, 94440, 2240},
	{525, 91850, 1905},
	{570, 93680, 1390},
	{615, 90930, 2010},
	{660, 93120, 1820},
	{705, 90540, 1620},
	{750, 93390, 2410},
	{795, 91210, 1470},
	{840, 93960, 1750},
	{875, 90870, 1980},
}

// tell makes a story of the turns: first are the levels at its beginning, the upper of
// which is that of the first turn, and share is what of bitcoin's moves and intensities
// the coin makes. All but the first and the last two turns come so much later.
func (s *script) tell(usd float64, first era, share, size float64, later int) {
	const home = 90131.71
	last := len(turns) - 1
	s.path = []knot{{0, usd}, {8, usd}}
	s.eras = []era{first}
	level := func(i int) target {
		if i%len(turns) == 0 {
			return first.up
		}
		t := turns[i]
		return target{round(usd*(1+share*(t.level/home-1)), s.places), math.Round(size * t.million)}
	}
	for i, t := range turns {
		if i > 0 && i < last-1 {
			t.second += later
		}
		here, sign := level(i).edge, 1.0
		if i%2 == 1 {
			sign = -1
		}
		beyond := func(second int, part float64) {
			s.path = append(s.path, knot{float64(second), here * (1 + sign*part)})
		}
		beyond(t.second-3, -0.0025)
		beyond(t.second, 0.0006)
		far := target{round(here*(1+sign*0.043), s.places), math.Round(size * 1980)}
		next := era{t.second + 4, far, level(i + 1)}
		if sign < 0 {
			next.up, next.down = next.down, next.up
		}
		s.eras = append(s.eras, next)
		if i < last {
			beyond(t.second+4, 0.0055)
			beyond(t.second+12, 0.0071)
		}
		if i < last-1 {
			beyond(t.second+24, 0.0058)
		}
	}
	s.path = append(s.path, knot{885, usd}, knot{length, usd})
}

func bitcoin() script {
	s := script{
		coin: "BTC", seed: 1, decimals: 2, places: 0, step: 72, every: 1,
		figures: figures{
			yesterday: 89242.5, high: 93012, low: 84466, interest: 658_400, growth: 0.0184, rate: 0.000087,
			liqLong: 61_240_000, liqShort: 84_730_000, breakLong: 38_600_000, breakUSD: 187_500_000,
			flowUSD: 459_000_000, flowCoins: 5891,
		},
	}
	s.tell(90131.71, era{0, target{94681, 2705}, target{86137, 1563}}, 1, 1, 0)
	return s
}

func ether() script {
	s := script{
		coin: "ETH", seed: 2, decimals: 2, places: 1, step: 2.5, every: 2,
		figures: figures{
			yesterday: 3088.15, high: 3204.6, low: 2918.4, interest: 11_930_000, growth: 0.0121, rate: 0.000064,
			liqLong: 38_910_000, liqShort: 41_350_000, breakLong: 22_400_000, breakUSD: 46_800_000,
			flowUSD: -72_400_000, flowCoins: -23_180,
		},
	}
	s.tell(3112.40, era{0, target{3247.5, 1284}, target{2984.2, 1171}}, 0.86, 0.6, 6)
	return s
}

func solana() script {
	s := script{
		coin: "SOL", seed: 3, decimals: 2, places: 2, step: 0.11, every: 2, phase: 1,
		figures: figures{
			yesterday: 136.02, high: 141.85, low: 124.73, interest: 55_240_000, growth: -0.0093, rate: -0.000021,
			liqLong: 17_460_000, liqShort: 8_920_000, breakLong: 9_300_000, breakUSD: 12_700_000,
		},
	}
	s.tell(134.87, era{0, target{141.24, 412}, target{128.63, 641}}, 0.935, 0.25, 12)
	return s
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
