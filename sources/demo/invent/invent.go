// Package invent makes up the market of the demo: three coins, a quarter of an
// hour, told by the tables in script.go. Equal code gives equal bytes; nothing
// here is random, reads a clock or is used by the running bot.
package invent

import (
	"fmt"
	"io"
	"math"

	"liqbot/market"
	"liqbot/sources/recorded"
)

// Write writes the recording, uncompressed.
func Write(w io.Writer) error {
	t := &teller{header: recorded.Header{
		Source: "demo", Origin: market.Estimate, Demo: true, Loop: true, StartMS: start.UnixMilli(),
	}}
	for _, s := range scripts() {
		t.header.Coins = append(t.header.Coins, s.coin)
		t.coins = append(t.coins, newState(s))
	}
	out, err := recorded.AppendHeader(nil, t.header)
	if err != nil {
		return fmt.Errorf("invent: %w", err)
	}
	for second := 0; second <= length; second++ {
		for _, c := range t.coins {
			for _, e := range c.events(second) {
				e.TimeMS = start.UnixMilli() + int64(second)*1000
				e.Coin = c.script.coin
				if out, err = recorded.AppendEvent(out, e); err != nil {
					return fmt.Errorf("invent: second %d: %w", second, err)
				}
			}
		}
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("invent: %w", err)
	}
	return nil
}

type teller struct {
	header recorded.Header
	coins  []*state
}

// state is how far the story of a coin has come.
type state struct {
	script script
	era    int
	// from is the price at the start of the era; low and high are the extremes
	// since.
	from, low, high float64
	// weekLow and weekHigh are the extremes of seven days.
	weekLow, weekHigh float64
}

func newState(s script) *state {
	return &state{script: s, era: -1, weekLow: s.figures.low, weekHigh: s.figures.high}
}

// Beats of the story, in seconds.
const (
	// again is how often a figure that did not change is fetched again.
	again = 10
	// redraw is how often a map is made anew in quiet times.
	redraw = 90
)

// events are what happens to a coin in a second.
func (c *state) events(second int) []recorded.Event {
	usd := c.script.price(second)
	if index, _ := c.script.era(second); index != c.era {
		c.era, c.from, c.low, c.high = index, usd, usd, usd
	}
	c.low, c.high = min(c.low, usd), max(c.high, usd)
	var out []recorded.Event
	if second%c.script.every == c.script.phase || second == 0 || second == length {
		out = append(out, c.price(usd))
	}
	if second == length {
		return out
	}
	out = append(out, c.rangeEvents(second, usd)...)
	out = append(out, c.slowEvents(second, usd)...)
	return append(out, c.mapEvents(second, usd)...)
}

func (c *state) price(usd float64) recorded.Event {
	change := math.Round((usd/c.script.figures.yesterday-1)*1e5) / 1e5
	return recorded.Event{Kind: recorded.KindPrice, USD: &usd, PriceKind: market.MarkPrice, Change24h: &change}
}

func (c *state) rangeEvents(second int, usd float64) []recorded.Event {
	e := recorded.Event{Kind: recorded.KindRange, Window: market.Week}
	if second == 0 || usd > c.weekHigh || usd < c.weekLow {
		c.weekLow, c.weekHigh = min(c.weekLow, usd), max(c.weekHigh, usd)
		e.LowUSD, e.HighUSD = new(c.weekLow), new(c.weekHigh)
		return []recorded.Event{e}
	}
	if second%again != 0 {
		return nil
	}
	e.Same = true
	return []recorded.Event{e}
}

// mapEvents draws the maps where an era begins, in the first rise and now and
// then; in between they are fetched again unchanged.
func (c *state) mapEvents(second int, usd float64) []recorded.Event {
	_, era := c.script.era(second)
	fresh := second == era.from || second == 17 || second == 24 || (second-era.from)%redraw == 0
	if !fresh && second%again != 0 {
		return nil
	}
	var out []recorded.Event
	for _, w := range market.Windows() {
		e := recorded.Event{Kind: recorded.KindMap, Window: w, Same: true}
		if fresh {
			e.Same, e.RefUSD = false, &usd
			e.Short, e.Long = c.side(second, usd, w, 1), c.side(second, usd, w, -1)
			for _, v := range venues {
				e.Venues = append(e.Venues, v.name)
			}
		}
		out = append(out, e)
	}
	return out
}

func (c *state) side(second int, usd float64, w market.Window, sign float64) recorded.Levels {
	era := c.script.eras[c.era]
	s := &side{
		script: &c.script, index: c.era, target: era.up, from: c.from, sign: sign,
		window: w, second: second, mark: usd, swept: c.high,
	}
	if sign < 0 {
		s.target, s.swept = era.down, c.low
	}
	levels := s.levels()
	if second == 0 && w == market.Week {
		s.settle(levels)
	}
	return levels
}
