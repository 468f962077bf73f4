package snapshot

import (
	"math"
	"slices"
	"strconv"
	"time"

	"liqbot/market"
)

// Heatmap is the intensity that stood at each price over time: columns of time, oldest
// first, rows of price, lowest first. In each column longs stand below the mark of that
// time and shorts above it. Nothing in it may be changed once it is published.
type Heatmap struct {
	// ID identifies the content within this process, as Snapshot.ID does.
	ID     uint64
	Coin   market.Coin
	Window market.Window
	// Price is the mark price now.
	Price market.Price
	// Start is the beginning of the first column, Step the length of each. The cells of
	// a column are what stood at its end, those of the last one what stood at AsOf.
	Start time.Time
	Step  time.Duration
	// LowUSD is the lower edge of the first row; each row is Ratio times as high up as
	// the one before it. The grid is fixed: it does not move with the price.
	LowUSD, Ratio float64
	Rows, Columns int
	// Cells has the intensity of column c and row r at c*Rows+r, USD at the mark of that
	// time.
	Cells []float32
	// Drawn is the first column with enough history behind it; the ones before it are
	// empty.
	Drawn int
	// Candles are the prices at which CandleVenue, the venue with the largest open
	// interest, traded: one a column, without a HighUSD where none is known.
	Candles     []HeatCandle
	CandleVenue market.Venue
	// Partly are venues of the map whose history does not reach back to Drawn.
	Partly []market.Venue
	// BarLength is the length of the candles that the map is estimated from: a live
	// heatmap is as old as that, and no staler.
	BarLength time.Duration
	// Provenance is that of the cells; AsOf is the end of the last candle that all
	// venues have.
	Provenance market.Provenance
}

// HeatCandle is the candle of one column, USD.
type HeatCandle struct{ OpenUSD, HighUSD, LowUSD, CloseUSD float64 }

// Known reports whether anything was traded in the column.
func (c HeatCandle) Known() bool { return c.HighUSD > 0 }

// End is the end of the last column, which may lie ahead of AsOf.
func (h *Heatmap) End() time.Time { return h.Start.Add(time.Duration(h.Columns) * h.Step) }

// HighUSD is the upper edge of the last row.
func (h *Heatmap) HighUSD() float64 { return h.EdgeUSD(h.Rows) }

// EdgeUSD is the lower edge of a row.
func (h *Heatmap) EdgeUSD(row int) float64 { return h.LowUSD * math.Pow(h.Ratio, float64(row)) }

// Column is the cells of a column, lowest price first.
func (h *Heatmap) Column(column int) []float32 {
	return h.Cells[column*h.Rows : (column+1)*h.Rows]
}

// Band is the height of a row as a fraction of the price, as it is written: 0.002 for a
// row of 20 bins of 0.01 %.
func (h *Heatmap) Band() float64 { return twoDigits(h.Ratio - 1) }

// Bright is the intensity that only a few cells in a thousand of those that hold any
// exceed, to two digits: the top of a scale that one extreme cell does not darken. It is
// 0 for an empty map.
func (h *Heatmap) Bright() float64 {
	const few = 0.003
	var some []float32
	for _, v := range h.Cells[h.Drawn*h.Rows:] {
		if v > 0 {
			some = append(some, v)
		}
	}
	if len(some) == 0 {
		return 0
	}
	slices.Sort(some)
	return twoDigits(float64(some[len(some)-1-int(few*float64(len(some)))]))
}

// twoDigits rounds to two significant digits.
func twoDigits(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 2, 64), 64)
	if err != nil {
		return v
	}
	return rounded
}

// Demo reports whether the market is an invented one.
func (h *Heatmap) Demo() bool { return h.Provenance.Demo || h.Price.Provenance.Demo }

// Age is how old the cells are at a moment; never negative.
func (h *Heatmap) Age(now time.Time) time.Duration { return max(0, now.Sub(h.Provenance.AsOf)) }
