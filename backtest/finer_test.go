package backtest_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"liqbot/backtest"
	"liqbot/liquidation"
)

const (
	fives5m = "candles_5m/candles_5m_ETHUSDT.csv.gz"
	fives1m = "candles_1m/candles_1m_ETHUSDT.csv.gz"
	minute  = hour / 60
)

// finely splits the hours from one on into candles of some minutes which make them
// again, but for ten times the volume, as of another venue: the low comes early, the
// high late, and volume grows from quarter to quarter.
func (m invented) finely(tb testing.TB, from int64, minutes int) *table {
	tb.Helper()
	out := newTable(candleHeader)
	n := 60 / minutes
	for at, line := range m.candles.lines {
		if at < from {
			continue
		}
		var open, high, low, closing, volume float64
		if _, err := fmt.Sscanf(strings.ReplaceAll(line, ",", " "), "%g %g %g %g %g", &open, &high, &low, &closing, &volume); err != nil {
			tb.Fatal(err)
		}
		price := func(k int) float64 { return open + (closing-open)*float64(k)/float64(n) }
		for k := range n {
			lo, hi := min(price(k), price(k+1)), max(price(k), price(k+1))
			if k == n/6 {
				lo = low
			}
			if k == n*3/4 {
				hi = high
			}
			weight := float64(1+k*4/n) * 4 / float64(n)
			out.set(at+int64(k*minutes)*minute, price(k), hi, lo, price(k+1), volume*weight)
		}
	}
	return out
}

// Which buckets count is told before there are enough to replay, which makes it quick.
func TestFinerBuckets(t *testing.T) {
	const hours = 16 * 24
	m := invent(hours, 2)
	late := start + 300*hour
	for name, test := range map[string]struct {
		cut  func(five, one *table)
		note string
		want int
	}{
		"all":                 {func(_, _ *table) {}, "", 9 * 24 / 4},
		"from the second day": {func(five, _ *table) { five.keep(start+24*hour, late*2) }, "", 9 * 24 / 4},
		"from the fourth day": {func(five, _ *table) { five.keep(start+72*hour, late*2) }, "", 7 * 24 / 4}, // a day before, and a week of map
		"one missing":         {func(five, _ *table) { delete(five.lines, late+55*minute) }, "", 9*24/4 - 1},
		"an impossible one":   {func(five, _ *table) { five.set(late, 100, 90, 95, 100, 1) }, "", 9*24/4 - 1},
		"of minutes":          {func(five, one *table) { drop5(five, late); *one = *minutesOf(t, m, late) }, "", 9 * 24 / 4},
		"a minute missing": {func(five, one *table) {
			drop5(five, late)
			*one = *minutesOf(t, m, late)
			delete(one.lines, late+7*minute)
		}, "", 9*24/4 - 1},
		"none": {func(five, _ *table) { clear(five.lines) }, "no 5-minute candles", 0},
	} {
		t.Run(name, func(t *testing.T) {
			folder := fourHourly(t, m, "ETH", 0)
			five, one := m.finely(t, start, 5), newTable(candleHeader)
			test.cut(five, one)
			maps.Copy(folder, fstest.MapFS{fives5m: five.file(t), fives1m: one.file(t)})
			r := run(t, backtest.Options{Data: folder})
			n := 0
			for _, c := range r.Finer.Coins {
				n += c.N
			}
			if n != test.want || len(r.Finer.Rows) != 0 || test.note != "" && r.Finer.Note != test.note {
				t.Errorf("got %d buckets, want %d; %+v", n, test.want, r.Finer)
			}
			var text strings.Builder
			if err := r.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if want := "\nset B where 5-minute candles cover the bucket: "; !strings.Contains(text.String(), want) || !strings.Contains(text.String(), test.note) {
				t.Errorf("nothing is said of it:\n%s", text.String())
			}
		})
	}
}

// drop5 leaves the candles of an hour out.
func drop5(five *table, from int64) { five.keepOut(from, from+hour) }

// keepOut leaves out what is in [from, to).
func (t *table) keepOut(from, to int64) {
	maps.DeleteFunc(t.lines, func(at int64, _ string) bool { return at >= from && at < to })
}

// minutesOf are the minutes of an hour.
func minutesOf(tb testing.TB, m invented, from int64) *table {
	tb.Helper()
	one := m.finely(tb, from, 1)
	one.keep(from, from+hour)
	return one
}

// When just what the map on bars of some length sweeps is liquidated, that row has to
// score all there is. The bars are made here once more; before the third day and on the
// twelfth there are hours only, and the replay starts a day before the others.
func TestFinerBarsFindWhatIsLiquidated(t *testing.T) {
	if testing.Short() {
		t.Skip("replays for seconds, a minute under the race detector")
	}
	const hours = 20 * 24
	m := invent(hours, 4)
	for _, minutes := range []int{60, 15, 5} {
		t.Run(fmt.Sprint(minutes), func(t *testing.T) {
			folder := fourHourly(t, m, "ETH", 0)
			five := m.finely(t, fine, 5)
			five.keepOut(coarse, coarse+24*hour)
			folder[fives5m] = five.file(t)
			labels := newTable(labels4h)
			for at, swept := range sweptBy(t, m, minutes) {
				labels.set(at, 1e4*swept.Long, 1e4*swept.Short, 0)
			}
			folder["binance_4h/liquidations_4h_ETH.csv.gz"] = labels.file(t)
			r := run(t, backtest.Options{Data: folder})
			if len(r.Finer.Rows) != 6 || r.Finer.Rows[0].N != (hours-24-168-24)/4 {
				t.Fatalf("%+v", r.Finer)
			}
			for _, row := range r.Finer.Rows {
				right := row.Minutes == minutes && row.Model == backtest.Recommended
				if right != (row.Rho > .995) || right != (row.RhoPath > .995) {
					t.Errorf("%d %s: rho %v, %v with the path", row.Minutes, row.Model, row.Rho, row.RhoPath)
				}
				if !right && row.Rho == row.RhoPath {
					t.Errorf("%d %s: the path does not count", row.Minutes, row.Model)
				}
				if first := row.Minutes == 60; first != (row.Gain == 0) || first != (row.GainHi == 0) {
					t.Errorf("%d %s: gain %v [%v, %v]", row.Minutes, row.Model, row.Gain, row.GainLo, row.GainHi)
				}
			}
		})
	}
}

// There are 5-minute candles from fine on, but for the day of coarse.
var fine, coarse = start + 48*hour, start + 11*24*hour

// sweptBy is what the map sweeps by bucket: bars of some minutes, and hours where there are none.
func sweptBy(t *testing.T, m invented, minutes int) map[int64]backtest.Swept {
	t.Helper()
	e, err := backtest.Estimated(liquidation.Recommended("ETH"))
	if err != nil {
		t.Fatal(err)
	}
	candles := newTable(candleHeader)
	maps.Copy(candles.lines, m.candles.lines)
	if minutes < 60 {
		candles.keepOut(fine, coarse)
		candles.keepOut(coarse+24*hour, math.MaxInt64)
		some := m.finely(t, fine, minutes)
		some.keepOut(coarse, coarse+24*hour)
		maps.Copy(candles.lines, some.lines)
	}
	candles.keep(fine-24*hour, start+1000*hour)
	swept := map[int64]backtest.Swept{}
	for at := start; at < start+int64(len(m.candles.lines))*hour; at += 4 * hour {
		swept[at] = backtest.Swept{}
	}
	for _, at := range slices.Sorted(maps.Keys(candles.lines)) {
		b := backtest.Bar{Start: time.UnixMilli(at).UTC(), Length: time.Hour}
		if at >= fine && (at < coarse || at >= coarse+24*hour) {
			b.Length = time.Duration(minutes) * time.Minute
		}
		line := strings.ReplaceAll(candles.lines[at], ",", " ")
		if _, err := fmt.Sscanf(line, "%g %g %g %g %g", &b.Open, &b.High, &b.Low, &b.Close, &b.Volume); err != nil {
			t.Fatal(err)
		}
		if b.Length < time.Hour { // the volume of the hour stays
			b.Volume /= 10
		}
		bucket := start + (at-start)/(4*hour)*4*hour
		b.OpenInterest = 5000 + math.Round(float64(bucket-start)/float64(hour))
		sw, err := e.Step(b)
		if err != nil {
			t.Fatal(err)
		}
		sum := swept[bucket]
		swept[bucket] = backtest.Swept{Long: sum.Long + sw.Long, Short: sum.Short + sw.Short}
	}
	return swept
}
