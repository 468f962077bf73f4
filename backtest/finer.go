package backtest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"liqbot/market"
)

// FinerBars is the fourth table: what the map scores on set B where 5-minute
// candles cover a bucket completely, with the same parameters on bars of an hour,
// of 15 and of 5 minutes. All are made of the same candles, so the buckets are the same.
type FinerBars struct {
	Note  string       `json:"note,omitempty"` // why there are no rows
	Coins []FinerCoin  `json:"coins,omitempty"`
	Rows  []FinerScore `json:"rows,omitempty"`
}

// FinerCoin is how much of a coin could be compared.
type FinerCoin struct {
	Coin market.Coin `json:"coin"`
	N    int         `json:"n"` // buckets
	Days int         `json:"days"`
	Note string      `json:"note,omitempty"` // set when that is too little to count
}

// FinerScore is a row: a model on bars of some length, the mean over coins and sides.
type FinerScore struct {
	Minutes int    `json:"bars"`
	Model   string `json:"model"`
	N       int    `json:"n"` // buckets of all coins
	Rho     Figure `json:"rho"`
	RhoLo   Figure `json:"rho_lo"`
	RhoHi   Figure `json:"rho_hi"`
	DeltaR2 Figure `json:"delta_r2"`
	// Gain is rho less that of the same model on bars of an hour.
	Gain   Figure `json:"minus_60min"`
	GainLo Figure `json:"minus_60min_lo"`
	GainHi Figure `json:"minus_60min_hi"`
	// RhoPath is rho with the path of the price by 5 minutes in the control as well.
	RhoPath Figure `json:"rho_path_5min"`
}

const (
	noFiveMinutes = "no 5-minute candles"
	fiveMS        = hourMS / fivesInHour
	fivesInHour   = 12
)

var (
	finerMinutes = []int{60, 15, 5}
	finerModels  = []string{Recommended, UniformSweep}
)

// readFives reads candles of five minutes and of one. Where there is none of five minutes,
// five of one make it.
func readFives(f folders, symbol string) (fives, minutes Rows, err error) {
	if fives, err = f.rows("candles_5m/candles_5m_"+symbol+"USDT"+suffix, candleColumns...); err != nil {
		return nil, nil, err
	}
	if minutes, err = f.rows("candles_1m/candles_1m_"+symbol+"USDT"+suffix, candleColumns...); err != nil {
		return nil, nil, err
	}
	for t := range minutes {
		if _, ok := fives[t]; ok || t%fiveMS != 0 {
			continue
		}
		if five := consecutive(minutes, t, fiveMS/5, 5); five != nil {
			fives[t] = merged(five)
		}
	}
	return fives, minutes, nil
}

// consecutive are n candles from t on, or nil when one is missing or makes no sense.
func consecutive(candles Rows, t, step int64, n int) [][]float64 {
	all := make([][]float64, n)
	for i := range all {
		c, ok := candles[t+int64(i)*step]
		if !ok || !sound(c) {
			return nil
		}
		all[i] = c
	}
	return all
}

// merged is the one candle that some make.
func merged(candles [][]float64) []float64 {
	m := slices.Clone(candles[0])
	for _, c := range candles[1:] {
		m[1], m[2], m[3] = max(m[1], c[1]), min(m[2], c[2]), c[3]
		m[4] += c[4]
	}
	return m
}

// finer is a series with the 5-minute candles that lie in it.
type finer struct {
	s           *series
	hours       map[int][][]float64 // the twelve candles of a bar of the series
	first, last int                 // bars that the replay starts and ends with
	picked      []int               // buckets to score
}

// newFiner picks of the buckets those that are covered. The replay starts a day
// before the first covered bucket, as the control looks back that far, and counts
// once its map is as old as any map has to be.
func newFiner(s *series, picked []int) *finer {
	f := &finer{s: s, hours: map[int][][]float64{}, first: -1}
	if len(s.fives) == 0 {
		return f
	}
	for i, b := range s.bars {
		if fives := consecutive(s.fives, b.Start.UnixMilli(), fiveMS, fivesInHour); fives != nil && !b.Hole {
			f.hours[i] = fives
		}
	}
	for i, b := range s.buckets {
		if f.covered(i) {
			f.first = max(b.first-24, 0)
			break
		}
	}
	for _, i := range picked {
		if b := s.buckets[i]; f.covered(i) && b.first-f.first >= warmUp {
			f.picked = append(f.picked, i)
			f.last = b.first + s.perBucket - 1
		}
	}
	return f
}

func (f *finer) covered(bucket int) bool {
	for k := range f.s.perBucket {
		if f.hours[f.s.buckets[bucket].first+k] == nil {
			return false
		}
	}
	return true
}

func (f *finer) coin() FinerCoin {
	c := FinerCoin{Coin: f.s.coin, N: len(f.picked), Days: f.s.days(f.picked)}
	if c.N < fewestBuckets || c.Days < fewestDays {
		c.Note = fmt.Sprintf("not enough data: n=%d, days=%d", c.N, c.Days)
	}
	return c
}

// bars are an hour of the series in bars of some minutes, or itself where it has no
// finer candles. The volume of the hour stays what it is, and is spread as the
// candles have it, so that the series has no break where they start and end.
func (f *finer) bars(hour, minutes int) []Bar {
	whole := f.s.bars[hour]
	fives := f.hours[hour]
	if fives == nil {
		return []Bar{whole}
	}
	traded := merged(fives)[4]
	var bars []Bar
	for some := range slices.Chunk(fives, minutes/5) {
		c, length := merged(some), time.Duration(minutes)*time.Minute
		b := whole
		b.Start, b.Length = whole.Start.Add(time.Duration(len(bars))*length), length
		b.Open, b.High, b.Low, b.Close = c[0], c[1], c[2], c[3]
		b.Volume = whole.Volume * length.Hours()
		if traded > 0 {
			b.Volume = whole.Volume * c[4] / traded
		}
		b.OpenInterestRise = whole.OpenInterestRise * length.Hours()
		bars = append(bars, b)
	}
	return bars
}

// replay steps a model through the bars and sums by bucket what they swept.
func (f *finer) replay(ctx context.Context, build func() (Model, error), minutes int) ([]Swept, error) {
	swept := make([]Swept, len(f.s.buckets))
	var m Model
	for i := f.first; i <= f.last; i++ {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("replay %s by %d minutes: %w", f.s.coin, minutes, err)
		}
		if m == nil || f.s.restart[i] {
			var err error
			if m, err = build(); err != nil {
				return nil, fmt.Errorf("model of %s: %w", f.s.coin, err)
			}
		}
		for _, b := range f.bars(i, minutes) {
			sw, err := m.Step(b)
			if err != nil {
				return nil, fmt.Errorf("replay %s by %d minutes: %w", f.s.coin, minutes, err)
			}
			sum := &swept[i/f.s.perBucket]
			sum.Long += sw.Long
			sum.Short += sw.Short
		}
	}
	return swept, nil
}

// pathColumns are what the control has besides when it knows the path by 5 minutes.
func (f *finer) pathColumns(side market.Side) [][]float64 {
	way := make([]float64, len(f.picked))
	for k, i := range f.picked {
		for hour := range f.s.perBucket {
			for _, b := range f.bars(f.s.buckets[i].first+hour, 5) {
				way[k] += 100 * reach(side, b)
			}
		}
	}
	return [][]float64{way, mapped(way, math.Sqrt), mapped(way, square)}
}

// finerRun is a replay of the fourth table.
type finerRun struct {
	minutes int
	model   string
}

func finerRuns() []finerRun {
	var runs []finerRun
	for _, model := range finerModels {
		for _, minutes := range finerMinutes {
			runs = append(runs, finerRun{minutes, model})
		}
	}
	return runs
}

// finerContender is a run on one coin and side.
type finerContender struct {
	contender
	path float64 // rho with the path in the control
}

// finerBars replays and scores the fourth table.
func finerBars(ctx context.Context, o Options, entries []*entry) (FinerBars, error) {
	table := FinerBars{Note: noFiveMinutes}
	var enough []*finer
	for _, e := range entries {
		if len(e.s.fives) == 0 {
			continue
		}
		f := newFiner(e.s, e.picked)
		c := f.coin()
		table.Note, table.Coins = "", append(table.Coins, c)
		if c.Note == "" {
			enough = append(enough, f)
		}
	}
	if len(enough) == 0 {
		table.Note = cmp.Or(table.Note, "not enough 5-minute candles")
		return table, nil
	}
	rows, err := contendFiner(ctx, enough, max(o.Boot/5, 1))
	if err != nil {
		return FinerBars{}, err
	}
	n := 0
	for _, f := range enough {
		n += len(f.picked)
	}
	table.Rows = finerRows(rows, n)
	return table, nil
}

// contendFiner judges every run on every coin and side.
func contendFiner(ctx context.Context, enough []*finer, draws int) ([]map[finerRun]finerContender, error) {
	swept, err := replayFiner(ctx, enough)
	if err != nil {
		return nil, err
	}
	var days []int64
	for _, f := range enough {
		for _, i := range f.picked {
			days = append(days, f.s.buckets[i].day())
		}
	}
	resampled := Draws(days, draws)
	rows := make([]map[finerRun]finerContender, len(enough)*len(sides))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range enough {
		for k, side := range sides {
			g.Go(func() error {
				rows[i*len(sides)+k] = f.contend(side, swept[i], resampled)
				return nil
			})
		}
	}
	return rows, g.Wait()
}

// replayFiner runs every run on every coin, as many at once as there are
// processors; the answers are in the order of the runs.
func replayFiner(ctx context.Context, enough []*finer) ([][][]Swept, error) {
	runs := finerRuns()
	swept := make([][][]Swept, len(enough))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range enough {
		swept[i] = make([][]Swept, len(runs))
		build := models(f.s.coin, nil)
		for k, r := range runs {
			g.Go(func() (err error) {
				swept[i][k], err = f.replay(ctx, build[r.model], r.minutes)
				return err
			})
		}
	}
	return swept, g.Wait()
}

func (f *finer) contend(side market.Side, swept [][]Swept, resampled []map[int64]float64) map[finerRun]finerContender {
	p := f.s.sample(side, f.picked)
	plain := control(p.y, p.control)
	path := control(p.y, slices.Concat(p.control, f.pathColumns(side)))
	all := map[finerRun]finerContender{}
	for i, r := range finerRuns() {
		z := p.z(swept[i])
		rz, rho, delta := plain.gain(z)
		one := finerContender{contender: contender{rho: rho, deltaR2: delta, drawn: make([]float64, len(resampled))}}
		_, one.path, _ = path.gain(z)
		pair := newRankPair(plain.ry, rz, p.days)
		for k, drawn := range resampled {
			one.drawn[k] = pair.rho(drawn)
		}
		all[r] = one
	}
	return all
}

// finerRows averages the runs over coins and sides.
func finerRows(rows []map[finerRun]finerContender, n int) []FinerScore {
	means := map[finerRun]finerContender{}
	for _, r := range finerRuns() {
		means[r] = averageFiner(rows, r)
	}
	var table []FinerScore
	for _, r := range finerRuns() {
		one, hourly := means[r], means[finerRun{60, r.model}]
		gain := make([]float64, len(one.drawn))
		for k := range gain {
			gain[k] = one.drawn[k] - hourly.drawn[k]
		}
		row := FinerScore{
			Minutes: r.minutes, Model: r.model, N: n, Rho: Figure(one.rho), DeltaR2: Figure(one.deltaR2),
			Gain: Figure(one.rho - hourly.rho), RhoPath: Figure(one.path),
		}
		row.RhoLo, row.RhoHi = figures(Interval(one.drawn))
		row.GainLo, row.GainHi = figures(Interval(gain))
		table = append(table, row)
	}
	return table
}

func averageFiner(rows []map[finerRun]finerContender, r finerRun) finerContender {
	plain := make([]map[string]contender, len(rows))
	path := 0.0
	for i, row := range rows {
		plain[i] = map[string]contender{r.model: row[r].contender}
		path += row[r].path / float64(len(rows))
	}
	return finerContender{contender: average(plain, r.model), path: path}
}
