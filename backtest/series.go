package backtest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
)

const (
	warmUp      = 168 // hours of map before a bucket counts
	longestHole = 24  // hours without data after which the map starts again
)

// Bar is what a model steps over: an hour, and less in the finer replay.
type Bar struct {
	Start                  time.Time
	Length                 time.Duration
	Open, High, Low, Close float64 // USD
	Volume                 float64 // base coins
	// OpenInterest is that at the open of the bar, base coins.
	OpenInterest float64
	// OpenInterestRise is its change from the open to the close of the bar, base
	// coins; where it is recorded less often, the change spread evenly. 0 is also "not known".
	OpenInterestRise float64
	// Hole marks an hour that was not recorded: the price stands where it was
	// and nothing may flow in.
	Hole bool
}

// End is the moment at which the bar is over.
func (b Bar) End() time.Time { return b.Start.Add(b.Length) }

// Estimator is the bar as the estimator takes it. A hole is none.
func (b Bar) Estimator() liquidation.Bar {
	return liquidation.Bar{
		Start: b.Start, Length: b.Length,
		OpenUSD: b.Open, HighUSD: b.High, LowUSD: b.Low, CloseUSD: b.Close,
		VolumeCoins: b.Volume, OpenInterestCoins: b.OpenInterest,
	}
}

// bucket is a stretch of bars with one label for each side.
type bucket struct {
	start     int64 // Unix milliseconds
	first     int   // index of its first bar
	usd       [2]float64
	spread    float64
	labelled  bool
	complete  bool // label, open interest and every bar were recorded
	warm      bool // the map is old enough
	fromScore bool // label of the folder that is scored, not of history
}

func (b bucket) day() int64 { return b.start / (24 * hourMS) }

// series is one coin of a set on a regular hourly grid.
type series struct {
	set       string
	coin      market.Coin
	perBucket int
	bars      []Bar
	restart   []bool // the map is emptied before this bar
	buckets   []bucket
	scored    []int // buckets that may be scored, by time
	earlier   []int // the same of history
	fives     Rows  // candles of five minutes, where the set has any
	minutes   Rows  // the same of one minute
}

// side indexes pairs of figures.
func sideIndex(s market.Side) int { return int(s - market.Long) }

var sides = [2]market.Side{market.Long, market.Short}

// assemble lays a recording on the grid. own has the times of the labels that may be scored.
func assemble(l layout, c market.Coin, rec recording, own Rows) (*series, error) {
	s := &series{set: l.set, coin: c, perBucket: l.bars, fives: rec.fives, minutes: rec.minutes}
	if len(rec.oi) == 0 || len(rec.candles) == 0 || len(rec.labels) == 0 && !l.unlabelled {
		return s, nil
	}
	step := int64(l.bars) * hourMS
	from, to, err := extent(step, rec.oi, rec.labels)
	if err != nil {
		return nil, fmt.Errorf("set %s, %s: %w", l.set, c, err)
	}
	for t := from; t <= to; t += step {
		s.addBucket(t, rec, own)
	}
	s.markAge()
	s.spreadRises()
	for i, b := range s.buckets {
		switch {
		case !b.complete || !b.warm:
		case b.fromScore:
			s.scored = append(s.scored, i)
		default:
			s.earlier = append(s.earlier, i)
		}
	}
	return s, nil
}

// extent finds the first and last bucket of the rows.
func extent(step int64, of ...Rows) (from, to int64, err error) {
	const most = 30 * 366 * 24 * hourMS // a wrong time must not become a replay of millennia
	from = math.MaxInt64
	for _, rows := range of {
		for t := range rows {
			if t%step != 0 {
				return 0, 0, fmt.Errorf("%s is not the start of a bucket", time.UnixMilli(t).UTC().Format(time.RFC3339))
			}
			from, to = min(from, t), max(to, t)
		}
	}
	if to-from > most {
		return 0, 0, fmt.Errorf("%s and %s are too far apart",
			time.UnixMilli(from).UTC().Format(time.RFC3339), time.UnixMilli(to).UTC().Format(time.RFC3339))
	}
	return from, to, nil
}

func (s *series) addBucket(start int64, rec recording, own Rows) {
	b := bucket{start: start, first: len(s.bars), complete: true}
	oi := math.NaN()
	if row, ok := rec.oi[start]; ok && row[0] > 0 {
		oi = row[0]
	}
	if label, ok := rec.labels[start]; ok && !math.IsNaN(label[labelLong]+label[labelShort]) {
		b.usd = [2]float64{label[labelLong], label[labelShort]}
		b.spread, b.labelled = label[labelSpread], true
		_, b.fromScore = own[start]
	} else {
		b.complete = false
	}
	for i := range s.perBucket {
		bar := s.barAt(start+int64(i)*hourMS, rec.candles, oi)
		b.complete = b.complete && !bar.Hole
		s.bars = append(s.bars, bar)
	}
	s.buckets = append(s.buckets, b)
}

// barAt is the recorded hour, or the last price held through a hole.
func (s *series) barAt(t int64, candles Rows, oi float64) Bar {
	bar := Bar{Start: time.UnixMilli(t).UTC(), Length: time.Hour, OpenInterest: oi}
	c, ok := candles[t]
	if ok && sound(c) {
		bar.Open, bar.High, bar.Low, bar.Close, bar.Volume = c[0], c[1], c[2], c[3], c[4]
		bar.Hole = math.IsNaN(oi)
		return bar
	}
	bar.Hole = true
	if n := len(s.bars); n > 0 {
		held := s.bars[n-1].Close
		bar.Open, bar.High, bar.Low, bar.Close = held, held, held, held
	}
	return bar
}

// sound says whether a candle can be replayed.
func sound(c []float64) bool {
	open, high, low, closing, volume := c[0], c[1], c[2], c[3], c[4]
	return low > 0 && low <= min(open, closing) && high >= max(open, closing) && !math.IsInf(high, 0) && volume >= 0
}

// markAge finds where the map starts, and which buckets it is old enough for.
func (s *series) markAge() {
	s.restart = make([]bool, len(s.bars))
	age, hole := 0, 0
	for i := range s.buckets {
		b := &s.buckets[i]
		b.warm = age >= warmUp
		for j := range s.perBucket {
			at := b.first + j
			if !s.bars[at].Hole {
				hole = 0
				age++
				continue
			}
			if hole++; hole == longestHole+1 {
				s.restart[at] = true
				age = 0
			}
			if age > 0 {
				age++ // a short hole ages the map as any hour does
			}
		}
	}
}

// spreadRises gives every bar its part of the change of open interest to the next bucket.
func (s *series) spreadRises() {
	for i := range len(s.buckets) - 1 {
		change := s.openInterest(i+1) - s.openInterest(i)
		if math.IsNaN(change) {
			continue
		}
		bars := s.barsOf(i)
		for k := range bars {
			bars[k].OpenInterestRise = change / float64(s.perBucket)
		}
	}
}

// part picks the buckets of a part by time: tune is the first 60 %.
func (s *series) part(p Part, clean bool) []int {
	cut := len(s.scored) * 6 / 10
	picked := s.scored
	switch p {
	case Tune:
		picked = picked[:cut]
	case Confirm:
		picked = picked[cut:]
	case All:
	}
	return s.trusted(picked, clean)
}

// trusted leaves out what the provider corrected by more than a fifth later on.
func (s *series) trusted(picked []int, clean bool) []int {
	if !clean {
		return picked
	}
	return slices.DeleteFunc(slices.Clone(picked), func(i int) bool { return s.buckets[i].spread > 0.2 })
}

// days counts the UTC days that the buckets lie in.
func (s *series) days(picked []int) int {
	seen := map[int64]bool{}
	for _, i := range picked {
		seen[s.buckets[i].day()] = true
	}
	return len(seen)
}
