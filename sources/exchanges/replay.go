package exchanges

import (
	"math"
	"slices"
	"time"

	"liqbot/feeds"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// How a heatmap is laid out.
const (
	// rowHeight is the height of a row, around is how far rows reach beyond the candles,
	// fractions of the price.
	rowHeight = 0.002
	around    = 0.08
	// maxRows bounds the rows: a market that moved farther has higher ones.
	maxRows = 360
	// leastAge is how much history a venue needs before its map is drawn.
	leastAge = 24 * time.Hour
)

// heatGrid is a heatmap being made.
type heatGrid struct {
	*snapshot.Heatmap
	model *liquidation.Model
	// wide is the height of a row in bins of the model, first the row of the fixed grid
	// that is the lowest here, fraction the height as a fraction.
	wide, first int
	fraction    float64
	// marks are the prices at the ends of the columns.
	marks []float64
	// until is the end of the newest bar.
	until  time.Time
	levels []liquidation.Level
}

// replay makes a heatmap. It takes some 30 ms a venue for a day, 80 ms for a week.
func (s *Source) replay(in heatInput, key snapshot.Key, step time.Duration) (*snapshot.Heatmap, error) {
	m, err := s.model(key.Coin)
	if err != nil {
		return nil, &snapshot.Error{Problem: snapshot.BadData, Err: err}
	}
	g := newHeatGrid(in, m, key, step)
	from := make([]int, len(in.venues))
	for i := range in.venues {
		from[i] = g.add(&in.venues[i])
	}
	// The candles are the first venue's, and so is the beginning.
	if g.Drawn = from[0]; g.Drawn == g.Columns {
		return nil, &snapshot.Error{Problem: snapshot.TooYoung, Hint: "less than a day of history"}
	}
	clear(g.Cells[:g.Drawn*g.Rows])
	for i, v := range in.venues {
		if from[i] > g.Drawn {
			g.Partly = append(g.Partly, v.name)
		}
	}
	return g.Heatmap, nil
}

func newHeatGrid(in heatInput, m *liquidation.Model, key snapshot.Key, step time.Duration) *heatGrid {
	largest := in.venues[0]
	g := &heatGrid{model: m, Heatmap: &snapshot.Heatmap{
		Coin: key.Coin, Window: key.Window, Price: in.price, Step: step, Columns: int(key.Window.Duration() / step),
		CandleVenue: largest.name, BarLength: feeds.CandleLength,
		Provenance: market.Provenance{Source: Name, Origin: market.Estimate, AsOf: largest.end().UTC(), Missing: in.missing},
	}}
	for _, v := range in.venues {
		g.Provenance.Venues = append(g.Provenance.Venues, v.name)
		if v.end().Before(g.Provenance.AsOf) {
			g.Provenance.AsOf = v.end().UTC()
		}
		if v.end().After(g.until) {
			g.until = v.end()
		}
	}
	end := g.until.Truncate(step)
	if end.Before(g.until) {
		end = end.Add(step)
	}
	g.Start = end.Add(-time.Duration(g.Columns) * step).UTC()
	g.takeCandles(largest.bars)
	g.layRows()
	g.Cells = make([]float32, g.Columns*g.Rows)
	return g
}

// takeCandles adds the bars of the columns up to candles, and finds the mark at the end
// of each: the close, where none is known the one before; in the last column the price
// of now.
func (g *heatGrid) takeCandles(bars []liquidation.Bar) {
	g.Candles, g.marks = make([]snapshot.HeatCandle, g.Columns), make([]float64, g.Columns)
	for _, b := range bars {
		if b.Start.Before(g.Start) || !b.Start.Before(g.End()) {
			continue
		}
		column := int(b.Start.Sub(g.Start) / g.Step)
		c := &g.Candles[column]
		if !c.Known() {
			c.OpenUSD, c.LowUSD = b.OpenUSD, b.LowUSD
		}
		c.LowUSD, c.HighUSD, c.CloseUSD = min(c.LowUSD, b.LowUSD), max(c.HighUSD, b.HighUSD), b.CloseUSD
		g.marks[column] = b.CloseUSD
	}
	for i := 1; i < g.Columns; i++ {
		if g.marks[i] == 0 {
			g.marks[i] = g.marks[i-1]
		}
	}
	g.marks[g.Columns-1] = g.Price.USD
}

// layRows chooses the rows around the candles.
func (g *heatGrid) layRows() {
	low, high := g.Price.USD, g.Price.USD
	for _, c := range g.Candles {
		if c.Known() {
			low, high = min(low, c.LowUSD), max(high, c.HighUSD)
		}
	}
	bin := g.model.Parameters().Bin
	for g.fraction = rowHeight; ; g.fraction *= 2 {
		g.wide = max(1, int(math.Round(math.Log1p(g.fraction)/bin)))
		g.first = g.gridRow(low * (1 - around))
		if g.Rows = g.gridRow(high*(1+around)) - g.first + 1; g.Rows <= maxRows || g.fraction > 0.5 {
			break
		}
	}
	g.Ratio = math.Exp(float64(g.wide) * bin)
	g.LowUSD = math.Exp(float64(g.first*g.wide) * bin)
}

// gridRow is the row of the fixed grid in which a price lies.
func (g *heatGrid) gridRow(priceUSD float64) int {
	return int(math.Floor(math.Log(priceUSD) / g.model.Parameters().Bin / float64(g.wide)))
}

func (g *heatGrid) columnEnd(column int) time.Time {
	end := g.Start.Add(time.Duration(column+1) * g.Step)
	if end.After(g.until) {
		return g.until
	}
	return end
}

// add replays a venue's bars into the cells. It returns the first column from which on
// the venue is in all of them.
func (g *heatGrid) add(v *heatVenue) (from int) {
	rest := slices.IndexFunc(v.bars, func(b liquidation.Bar) bool { return b.End().After(g.columnEnd(0)) })
	if rest < 0 {
		rest = len(v.bars)
	}
	e, _ := g.model.Rebuild(v.bars[:rest])
	from = g.Columns
	for column := range g.Columns {
		end := g.columnEnd(column)
		for ; rest < len(v.bars) && !v.bars[rest].End().After(end); rest++ {
			// A bar that the estimator refuses was refused when it came.
			_, _ = e.Step(v.bars[rest])
		}
		if e.Age() < leastAge || end.Sub(e.AsOf()) > behind {
			from = g.Columns
			continue
		}
		from = min(from, column)
		g.capture(e, v, column)
	}
	return from
}

// capture adds what stands in an estimator to a column, in the last one as a picture does
// it: without what the mark has reached since.
func (g *heatGrid) capture(e *liquidation.Estimator, v *heatVenue, column int) {
	mark := g.marks[column]
	if column == g.Columns-1 {
		g.levels = e.Sketch(liquidation.DisplayBin).AppendLevels(g.levels[:0], mark, v.lowUSD, v.highUSD)
	} else {
		g.levels = e.AppendLevels(g.levels[:0], mark, g.fraction)
	}
	cells := g.Column(column)
	for _, l := range g.levels {
		if row := g.gridRow(l.PriceUSD) - g.first; row >= 0 && row < g.Rows {
			cells[row] += float32(l.IntensityUSD)
		}
	}
}
