package backtest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hour = int64(3_600_000)

// start is a Monday at midnight UTC.
var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// table is a file in the making: lines by time.
type table struct {
	header string
	lines  map[int64]string
}

func newTable(header string) *table { return &table{header: header, lines: map[int64]string{}} }

func (t *table) set(at int64, values ...float64) {
	fields := make([]string, len(values))
	for i, v := range values {
		fields[i] = fmt.Sprint(v)
	}
	t.lines[at] = strings.Join(fields, ",")
}

// drop leaves n hours out.
func (t *table) drop(from int64, hours int) {
	for i := range hours {
		delete(t.lines, from+int64(i)*hour)
	}
}

// keep leaves out what is not in [from, to).
func (t *table) keep(from, to int64) {
	maps.DeleteFunc(t.lines, func(at int64, _ string) bool { return at < from || at >= to })
}

func (t *table) file(tb testing.TB) *fstest.MapFile {
	tb.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "t_ms,%s\n", t.header)
	for _, at := range slices.Sorted(maps.Keys(t.lines)) {
		fmt.Fprintf(&text, "%d,%s\n", at, t.lines[at])
	}
	return packed(tb, text.String())
}

func packed(tb testing.TB, text string) *fstest.MapFile {
	tb.Helper()
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	if _, err := zw.Write([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		tb.Fatal(err)
	}
	return &fstest.MapFile{Data: out.Bytes()}
}

// invented is a made-up market by the hour: a random walk in which a side loses
// more the farther the price goes against it.
type invented struct{ candles, oi, labels *table }

const (
	candleHeader = "open,high,low,close,volume_base"
	hourlyLabels = "long_qty_base,short_qty_base"
	labels4h     = "long_usd,short_usd,revision_spread"
)

func invent(hours int, seed uint64) invented {
	rng := rand.New(rand.NewPCG(seed, 1))
	m := invented{candles: newTable(candleHeader), oi: newTable("oi_base"), labels: newTable(hourlyLabels)}
	price, oi := 100.0, 5000.0
	for i := range hours {
		at := start + int64(i)*hour
		open := price
		price *= math.Exp(rng.NormFloat64() * .006)
		high := max(open, price) * (1 + .003*rng.Float64())
		low := min(open, price) * (1 - .003*rng.Float64())
		m.candles.set(at, open, high, low, price, 100+900*rng.Float64())
		m.oi.set(at, oi)
		oi *= math.Exp(rng.NormFloat64() * .01)
		m.labels.set(at, 3000*rng.Float64()*math.Log(open/low), 3000*rng.Float64()*math.Log(high/open))
	}
	return m
}

// hourly is the market as set A of a folder.
func (m invented) hourly(tb testing.TB, symbol string) fstest.MapFS {
	tb.Helper()
	return fstest.MapFS{
		"binance_1h/candles_1h_" + symbol + ".csv.gz":      m.candles.file(tb),
		"binance_1h/oi_1h_" + symbol + ".csv.gz":           m.oi.file(tb),
		"binance_1h/liquidations_1h_" + symbol + ".csv.gz": m.labels.file(tb),
	}
}

// fourHourly is a market of set B, with the path of the price from spot.
func fourHourly(tb testing.TB, m invented, coin string, corrected int) fstest.MapFS {
	tb.Helper()
	labels, oi := newTable(labels4h), newTable("oi_base")
	for i, at := range slices.Sorted(maps.Keys(m.candles.lines)) {
		if i%4 != 0 {
			continue
		}
		spread := 0.2
		if n := len(m.candles.lines); i >= n-4*corrected {
			spread = 0.21
		}
		labels.set(at, 1000+float64(i%7)*500, 1000+float64(i%5)*700, spread)
		oi.set(at, 5000+float64(i))
	}
	return fstest.MapFS{
		"candles_1h/spot_1h_" + coin + ".csv.gz":         m.candles.file(tb),
		"binance_4h/oi_4h_" + coin + ".csv.gz":           oi.file(tb),
		"binance_4h/liquidations_4h_" + coin + ".csv.gz": labels.file(tb),
	}
}

// joined lays folders over each other.
func joined(folders ...fstest.MapFS) fstest.MapFS {
	all := fstest.MapFS{}
	for _, f := range folders {
		maps.Copy(all, f)
	}
	return all
}
