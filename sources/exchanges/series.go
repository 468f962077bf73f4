package exchanges

import (
	"slices"
	"time"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
)

// series is the newest bars of one contract, oldest first, in little memory.
type series struct {
	bars []packed
}

// packed is a market.Bar whose figures were rounded by single.
type packed struct {
	slot                  int32 // Unix time in CandleLengths
	open, high, low, last float32
	markHigh, markLow     float32
	volume, coins         float32
	assumed               bool // the open interest
}

func slotOf(t time.Time) int32 { return int32(t.Unix() / int64(feeds.CandleLength.Seconds())) } //nolint:gosec // until the year 22,000
func startOf(slot int32) time.Time {
	return time.Unix(int64(slot)*int64(feeds.CandleLength.Seconds()), 0).UTC()
}

func pack(b market.Bar) packed {
	return packed{
		slot: slotOf(b.Start), open: float32(b.OpenUSD), high: float32(b.HighUSD), low: float32(b.LowUSD), last: float32(b.CloseUSD),
		markHigh: float32(b.MarkHighUSD), markLow: float32(b.MarkLowUSD), volume: float32(b.VolumeCoins), coins: float32(b.OpenInterestCoins),
		assumed: b.Assumed,
	}
}

// bar is what the estimator takes.
func (p packed) bar() liquidation.Bar {
	return liquidation.Bar{
		Start: startOf(p.slot), Length: feeds.CandleLength,
		OpenUSD: float64(p.open), HighUSD: float64(p.high), LowUSD: float64(p.low), CloseUSD: float64(p.last),
		MarkHighUSD: float64(p.markHigh), MarkLowUSD: float64(p.markLow),
		VolumeCoins: float64(p.volume), OpenInterestCoins: float64(p.coins),
	}
}

func barOf(b market.Bar) liquidation.Bar { return pack(b).bar() }

// add appends a bar that is newer than all others and forgets those that start before
// since.
func (s *series) add(b market.Bar, since time.Time) {
	s.bars = append(s.bars, pack(b))
	if old := s.from(since); old > len(s.bars)/8 {
		s.bars = slices.Delete(s.bars, 0, old)
	}
}

// from is the index of the first bar that starts at a moment or later.
func (s *series) from(at time.Time) int {
	if at.IsZero() {
		return 0
	}
	i, _ := slices.BinarySearchFunc(s.bars, slotOf(at), func(p packed, slot int32) int { return int(p.slot - slot) })
	return i
}

// end is the end of the newest bar; zero if there is none.
func (s *series) end() time.Time {
	if len(s.bars) == 0 {
		return time.Time{}
	}
	return startOf(s.bars[len(s.bars)-1].slot + 1)
}

// estimatorBars are the bars that start in [from, ∞).
func (s *series) estimatorBars(from time.Time) []liquidation.Bar {
	some := s.bars[s.from(from):]
	out := make([]liquidation.Bar, len(some))
	for i, p := range some {
		out[i] = p.bar()
	}
	return out
}

// at is the bar that starts at a moment.
func (s *series) at(start time.Time) (packed, bool) {
	i := s.from(start)
	if i < len(s.bars) && s.bars[i].slot == slotOf(start) {
		return s.bars[i], true
	}
	return packed{}, false
}
