package backtest

import (
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"liqbot/market"
)

const hourMS = int64(3_600_000)

// recording is what a folder holds of one set and coin, by start of bar or bucket.
type recording struct {
	labels  Rows // long and short liquidations in USD, revision spread
	oi      Rows // open interest in base coins at the start
	candles Rows // open, high, low, close, volume in base coins; one an hour
	fives   Rows // the same by five minutes, for the finer replay
	minutes Rows // the same by one minute
}

// label columns of a recording
const (
	labelLong = iota
	labelShort
	labelSpread
)

const suffix = ".csv.gz"

// layout names the files of a set.
type layout struct {
	set       string
	bars      int // hourly bars in a bucket
	labelFile string
	read      func(f folders, symbol string) (recording, error)
	// unlabelled says that the set has no liquidations by the bucket: it can be replayed
	// and not scored. Its labelFile is that of the open interest.
	unlabelled bool
	// funding is the venue whose funding rates belong to it, paid every so often.
	funding string
	every   time.Duration
}

func layouts() []layout {
	return []layout{
		{set: "A", bars: 1, labelFile: "binance_1h/liquidations_1h_", read: readHourly, funding: "binance", every: 8 * time.Hour},
		{set: "B", bars: 4, labelFile: "binance_4h/liquidations_4h_", read: readFourHourly, funding: "binance", every: 8 * time.Hour},
	}
}

// unscored is the set that has no liquidations by the bucket.
func unscored() layout {
	return layout{
		set: "D", bars: 1, labelFile: "hyperliquid/oi_1h_hyperliquid_", read: readHyperliquid,
		unlabelled: true, funding: "hyperliquid", every: time.Hour,
	}
}

// symbols lists the contracts or coins that the folder has labels of, sorted.
func (l layout) symbols(dir fs.FS) ([]string, error) {
	files, err := fs.Glob(dir, l.labelFile+"*"+suffix)
	if err != nil {
		return nil, fmt.Errorf("list labels of set %s: %w", l.set, err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, l.labelFile), suffix))
	}
	slices.Sort(names)
	return names, nil
}

// coin is the base asset of a symbol in a file name: BTCUSDT and BTC are BTC.
func coin(symbol string) (market.Coin, error) {
	c, err := market.ParseCoin(strings.TrimSuffix(symbol, "USDT"))
	if err != nil {
		return "", fmt.Errorf("file of symbol %q: %w", symbol, err)
	}
	return c, nil
}

var candleColumns = []string{"open", "high", "low", "close", "volume_base"}

// readHourly reads set A: everything by the hour and from one venue. Its labels
// are base coins and become USD at the close of their hour.
func readHourly(f folders, symbol string) (recording, error) {
	var rec recording
	quantities, err := f.rows("binance_1h/liquidations_1h_"+symbol+suffix, "long_qty_base", "short_qty_base")
	if err != nil {
		return rec, err
	}
	if rec.oi, err = f.rows("binance_1h/oi_1h_"+symbol+suffix, "oi_base"); err != nil {
		return rec, err
	}
	if rec.candles, err = f.rows("binance_1h/candles_1h_"+symbol+suffix, candleColumns...); err != nil {
		return rec, err
	}
	rec.labels = Rows{}
	for t, q := range quantities {
		if c, ok := rec.candles[t]; ok {
			rec.labels[t] = []float64{q[0] * c[3], q[1] * c[3], 0}
		}
	}
	return rec, nil
}

// readFourHourly reads set B: labels and open interest by four hours, the path
// of the price by the hour.
func readFourHourly(f folders, symbol string) (recording, error) {
	var rec recording
	var err error
	labels := []string{"long_usd", "short_usd", "revision_spread"}
	if rec.labels, err = f.rows("binance_4h/liquidations_4h_"+symbol+suffix, labels...); err != nil {
		return rec, err
	}
	if rec.oi, err = f.rows("binance_4h/oi_4h_"+symbol+suffix, "oi_base"); err != nil {
		return rec, err
	}
	return rec, rec.readPath(f, symbol)
}

// readHyperliquid reads set D: open interest of Hyperliquid by the hour, and the path of
// the price on Binance.
func readHyperliquid(f folders, symbol string) (recording, error) {
	var rec recording
	var err error
	if rec.oi, err = f.rows("hyperliquid/oi_1h_hyperliquid_"+symbol+suffix, "oi_base"); err != nil {
		return rec, err
	}
	return rec, rec.readPath(f, symbol)
}

// readPath reads the path of a coin's price by the hour, and finer where there is more.
func (rec *recording) readPath(f folders, symbol string) error {
	spot, err := f.rows("candles_1h/spot_1h_"+symbol+suffix, candleColumns...)
	if err != nil {
		return err
	}
	perpetual, err := f.rows("candles_1h/candles_1h_binance_"+symbol+suffix, candleColumns...)
	if err != nil {
		return err
	}
	rec.candles = path(perpetual, spot)
	rec.fives, rec.minutes, err = readFives(f, symbol)
	return err
}

// path joins the candles of the perpetual with those of spot where the first
// have no bar. Volume is spot's throughout, so that the series has no break; an
// hour without spot has the perpetual's, brought to spot's scale.
func path(perpetual, spot Rows) Rows {
	const volume = 4
	ratio := 1.0
	var ratios []float64
	for t, p := range perpetual {
		if s, ok := spot[t]; ok && p[volume] > 0 && s[volume] > 0 {
			ratios = append(ratios, s[volume]/p[volume])
		}
	}
	if len(ratios) > 0 {
		ratio = Median(ratios)
	}
	joined := maps.Clone(spot)
	for t, p := range perpetual {
		p = slices.Clone(p)
		if s, ok := spot[t]; ok {
			p[volume] = s[volume]
		} else {
			p[volume] *= ratio
		}
		joined[t] = p
	}
	return joined
}

// folders are the recorded market and, if there is one, its history.
type folders struct{ data, history fs.FS }

// rows reads a file of the recorded market, and of its history what the first has not.
func (f folders) rows(file string, columns ...string) (Rows, error) {
	rows, err := readIfThere(f.data, file, columns...)
	if err != nil || f.history == nil {
		return rows, err
	}
	before, err := readIfThere(f.history, file, columns...)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	maps.Copy(before, rows)
	return before, nil
}

// Median of values, which it sorts; NaN when there are none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}
