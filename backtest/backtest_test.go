package backtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/backtest"
	"liqbot/liquidation"
	"liqbot/market"
)

const days30 = 30 * 24

// alike takes figures as equal that are so in the six digits of the JSON.
var alike = cmp.Comparer(func(a, b backtest.Figure) bool {
	return a == b || math.Abs(float64(a-b)) < 1e-6 || math.IsNaN(float64(a)) && math.IsNaN(float64(b))
})

func run(t *testing.T, o backtest.Options) *backtest.Report {
	t.Helper()
	if o.Boot == 0 {
		o.Boot = 50
	}
	r, err := backtest.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParts(t *testing.T) {
	if testing.Short() {
		t.Skip("replays for seconds, a minute under the race detector")
	}
	folder := joined(invent(days30, 1).hourly(t, "BTCUSDT"), fourHourly(t, invent(days30, 2), "ETH", 10))
	for _, test := range []struct {
		part     backtest.Part
		clean    bool
		n        [2]int // of A and B
		hasOOS   bool
		daysOfA  int
		forecast int // rows of A for 24 h: the last ones have no next day
	}{
		{"", false, [2]int{552, 138}, true, 23, 552 - 23},
		{backtest.Tune, false, [2]int{331, 82}, false, 14, 331},
		{backtest.Confirm, true, [2]int{221, 46}, true, 10, 221 - 23},
	} {
		t.Run(fmt.Sprintf("%s clean=%t", test.part, test.clean), func(t *testing.T) {
			r := run(t, backtest.Options{Data: folder, Part: test.part, Clean: test.clean})
			n := [2]int{r.Scores[0].N, r.Scores[2].N}
			if n != test.n || len(r.Scores) != 4 {
				t.Errorf("got %d rows with %v buckets, want %v", len(r.Scores), n, test.n)
			}
			if got := r.Scores[0].Days; got != test.daysOfA {
				t.Errorf("got %d days, want %d", got, test.daysOfA)
			}
			if has := !math.IsNaN(float64(r.Scores[0].OOSDeltaR2)); has != test.hasOOS {
				t.Errorf("out of sample: %v", r.Scores[0].OOSDeltaR2)
			}
			if got := r.ExAnte[1]; got.N != test.forecast || got.Hours != 24 {
				t.Errorf("forecast of %d h over %d rows, want %d", got.Hours, got.N, test.forecast)
			}
		})
	}
}

// The liquidations that were made up depend on how far the price went, which the
// control has to see.
func TestControlExplainsInventedLiquidations(t *testing.T) {
	r := run(t, backtest.Options{Data: invent(days30, 1).hourly(t, "BTCUSDT")})
	for _, s := range r.Scores {
		if s.R2Control < 0.3 || s.R2Control >= 1 {
			t.Errorf("%s: r2_control %v", s.Side, s.R2Control)
		}
		if s.DeltaR2 < 0 || s.DeltaR2 > 0.05 || s.RhoLo > s.Rho || s.RhoHi < s.Rho {
			t.Errorf("%s: the map gains %v, rho %v in [%v, %v]", s.Side, s.DeltaR2, s.Rho, s.RhoLo, s.RhoHi)
		}
	}
}

// The coin has too few days to be replayed, which makes counting its buckets quick.
func TestHoles(t *testing.T) {
	const hours, warm = 16 * 24, 9 * 24
	late := start + 300*hour
	for name, test := range map[string]struct {
		cut  func(m invented)
		want int
	}{
		"none":              {func(invented) {}, warm},
		"three candles":     {func(m invented) { m.candles.drop(late, 3) }, warm - 3},
		"three of interest": {func(m invented) { m.oi.drop(late, 3) }, warm - 3},
		"three labels":      {func(m invented) { m.labels.drop(late, 3) }, warm - 3},
		"labels of a day":   {func(m invented) { m.labels.drop(late, 30) }, warm - 30}, // the map lives on
		"just a day":        {func(m invented) { m.candles.drop(start+180*hour, 24) }, warm - 24},
		"more than a day":   {func(m invented) { m.candles.drop(start+180*hour, 25) }, warm - 25 - 168},
		"at the start":      {func(m invented) { m.candles.drop(start, 10) }, warm - 10},
		"impossible candle": {func(m invented) { m.candles.set(late, 100, 90, 95, 100, 1) }, warm - 1},
		"no open interest":  {func(m invented) { m.oi.set(late, 0) }, warm - 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := invent(hours, 1)
			test.cut(m)
			if got := run(t, backtest.Options{Data: m.hourly(t, "BTCUSDT")}).Scores[0]; got.N != test.want || got.Note == "" {
				t.Errorf("got %d buckets, want %d; note %q", got.N, test.want, got.Note)
			}
		})
	}
}

func TestHistoryWarmsUpAndIsNotScored(t *testing.T) {
	cut := start + 15*24*hour
	before, after := invent(days30, 1), invent(days30, 1)
	for _, part := range []*table{before.candles, before.oi, before.labels} {
		part.keep(start, cut)
	}
	for _, part := range []*table{after.candles, after.oi, after.labels} {
		part.keep(cut, start+days30*hour)
	}
	data, history := after.hourly(t, "BTCUSDT"), before.hourly(t, "BTCUSDT")
	alone := run(t, backtest.Options{Data: data})
	with := run(t, backtest.Options{Data: data, History: history})
	if n := alone.Scores[0].N; n != 15*24-168 {
		t.Errorf("alone: %d buckets, want %d", n, 15*24-168)
	}
	if n := with.Scores[0].N; n != 15*24 {
		t.Errorf("with history: %d buckets, want %d", n, 15*24)
	}
	if math.IsNaN(float64(with.Scores[0].OOSDeltaR2)) {
		t.Error("history gave no coefficients")
	}
}

// What comes later must not reach what is scored.
func TestNothingLooksAhead(t *testing.T) {
	if testing.Short() {
		t.Skip("replays for seconds, a minute under the race detector")
	}
	m, other := invent(days30, 1), invent(days30, 9)
	r := run(t, backtest.Options{Data: m.hourly(t, "BTCUSDT"), Part: backtest.Tune})
	for i := 168 + 331 + 24; i < days30; i++ { // forecasts look a day ahead on purpose
		at := start + int64(i)*hour
		m.candles.lines[at], m.oi.lines[at], m.labels.lines[at] = other.candles.lines[at], other.oi.lines[at], other.labels.lines[at]
	}
	changed := run(t, backtest.Options{Data: m.hourly(t, "BTCUSDT"), Part: backtest.Tune})
	if diff := cmp.Diff(r, changed, alike); diff != "" {
		t.Error(diff)
	}
}

func TestSameFolderSameReport(t *testing.T) {
	if testing.Short() {
		t.Skip("replays for seconds, a minute under the race detector")
	}
	folder := joined(invent(days30, 1).hourly(t, "BTCUSDT"), fourHourly(t, invent(days30, 2), "ETH", 0))
	var got [2]bytes.Buffer
	for i := range got {
		if err := json.NewEncoder(&got[i]).Encode(run(t, backtest.Options{Data: folder})); err != nil {
			t.Fatal(err)
		}
	}
	if got[0].String() != got[1].String() {
		t.Error("two runs differ")
	}
}

func TestNotEnoughData(t *testing.T) {
	short := invent(9*24, 1).hourly(t, "BTCUSDT")     // 48 buckets, but on two days
	without := invent(days30, 1).hourly(t, "ETHUSDT") // labels only
	delete(without, "binance_1h/oi_1h_ETHUSDT.csv.gz")
	r := run(t, backtest.Options{Data: joined(short, without, invent(days30, 3).hourly(t, "SOLUSDT"))})
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"not enough data: n=48, days=2", "not enough data: n=0, days=0", "range given"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
	if r.Scores[4].Coin != "SOL" || r.Scores[4].Note != "" || len(r.ExAnte) != 2 || len(r.Models) != 10 {
		t.Errorf("the coin with enough data is not scored: %+v", r.Scores[4])
	}
	encoded, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"r2_control":null`, `"imb_rho_given_returns":`, `"lift_cluster":`, `"oos_delta_r2":`, `"rho_lo":`} {
		if !bytes.Contains(encoded, []byte(want)) {
			t.Errorf("%s is not in the JSON", want)
		}
	}
	var back backtest.Report
	if err := json.Unmarshal(encoded, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, &back, alike); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	whole := invent(days30, 1).hourly(t, "BTCUSDT")
	const oi = "binance_1h/oi_1h_BTCUSDT.csv.gz"
	for name, test := range map[string]struct {
		options backtest.Options
		want    string
	}{
		"no folder": {backtest.Options{}, "no folder"},
		"empty":     {backtest.Options{Data: fstest.MapFS{}}, backtest.ErrNoLabels.Error()},
		"part":      {backtest.Options{Data: whole, Part: "most"}, `"most"`},
		"a word": {
			backtest.Options{Data: joined(whole, fstest.MapFS{oi: packed(t, "t_ms,oi_base\n0,x\n")})},
			oi + ": line 2: column oi_base: not a number",
		},
		"history": {
			backtest.Options{Data: whole, History: fstest.MapFS{oi: packed(t, "t_ms\n")}},
			"history: " + oi + ": line 1: column oi_base",
		},
		"not compressed": {backtest.Options{Data: joined(whole, fstest.MapFS{oi: {Data: []byte("t_ms,oi_base\n")}})}, oi},
		"cut short": {
			backtest.Options{Data: joined(whole, fstest.MapFS{oi: {Data: whole[oi].Data[:len(whole[oi].Data)/2]}})},
			oi + ": line ",
		},
		"off the grid": {
			backtest.Options{Data: joined(whole, fstest.MapFS{oi: packed(t, fmt.Sprintf("t_ms,oi_base\n%d,1\n", start+hour/2))})},
			"set A, BTC: 2024-01-01T00:30:00Z is not the start of a bucket",
		},
		"another age": {
			backtest.Options{Data: joined(whole, fstest.MapFS{oi: packed(t, "t_ms,oi_base\n0,1\n")})},
			"too far apart",
		},
		"symbol": {
			backtest.Options{Data: fstest.MapFS{"binance_1h/liquidations_1h_a b.csv.gz": packed(t, "t_ms\n")}},
			`"a b"`,
		},
		"variant": {backtest.Options{Data: whole, Variants: []backtest.Variant{{Name: backtest.UniformSweep}}}, "uniform_sweep"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := backtest.Run(t.Context(), test.options)
			if err == nil || r != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := backtest.Run(ctx, backtest.Options{Data: invent(days30, 1).hourly(t, "BTCUSDT")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// probe is a model that notes the bars it is given.
type probe struct {
	mu   sync.Mutex
	bars []backtest.Bar
	err  error
}

func (p *probe) Step(b backtest.Bar) (backtest.Swept, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bars = append(p.bars, b)
	return backtest.Swept{Long: b.Volume, Short: b.Volume}, p.err
}

func (p *probe) Mass(market.Side, float64, float64) float64 { return 0 }

func (p *probe) variant() backtest.Variant {
	return backtest.Variant{Name: "probe", Build: func(market.Coin) (backtest.Model, error) { return p, nil }}
}

func TestPathOfFourHours(t *testing.T) {
	spot := invent(days30, 2)
	folder := fourHourly(t, spot, "ETH", 0)
	perpetual := newTable(candleHeader)
	at := func(i int) int64 { return start + int64(i)*hour }
	perpetual.set(at(5), 200, 210, 190, 205, 7)
	perpetual.set(at(6), 205, 205, 195, 200, 8)
	spot.candles.set(at(5), 201, 211, 191, 206, 70)
	spot.candles.drop(at(6), 2) // hour 6 has the perpetual only, hour 7 nothing
	folder["candles_1h/spot_1h_ETH.csv.gz"] = spot.candles.file(t)
	folder["candles_1h/candles_1h_binance_ETH.csv.gz"] = perpetual.file(t)

	p := &probe{}
	run(t, backtest.Options{Data: folder, Variants: []backtest.Variant{p.variant()}, Boot: 5})
	if len(p.bars) != days30 {
		t.Fatalf("got %d bars, want %d", len(p.bars), days30)
	}
	want := []backtest.Bar{
		{Open: 200, High: 210, Low: 190, Close: 205, Volume: 70, OpenInterest: 5004, OpenInterestRise: 1},
		{Open: 205, High: 205, Low: 195, Close: 200, Volume: 80, OpenInterest: 5004, OpenInterestRise: 1}, // at spot's scale
		{Open: 200, High: 200, Low: 200, Close: 200, OpenInterest: 5004, OpenInterestRise: 1, Hole: true},
	}
	if diff := cmp.Diff(want, p.bars[5:8], cmpopts.IgnoreFields(backtest.Bar{}, "Start", "Length")); diff != "" {
		t.Error("-want +got:\n", diff)
	}
	if got := p.bars[7].Start.UnixMilli(); got != at(7) {
		t.Errorf("bar 7 starts at %d, want %d", got, at(7))
	}
}

func TestVariants(t *testing.T) {
	build := func(c market.Coin) (backtest.Model, error) { return backtest.Estimated(liquidation.Recommended(c)) }
	p := &probe{}
	r := run(t, backtest.Options{
		Data:     invent(days30, 1).hourly(t, "BTCUSDT"),
		Variants: []backtest.Variant{{Name: "twin", Build: build}, p.variant()},
	})
	rows := map[string]backtest.Comparison{}
	for _, row := range slices.Concat(r.Models, r.Variants) {
		rows[row.Model] = row
	}
	best, twin := rows[backtest.Recommended], rows["twin"]
	if twin.Rho != best.Rho || twin.Behind != 0 || twin.BehindLo != 0 || twin.BehindHi != 0 || len(r.Models) != 10 || len(r.Variants) != 2 {
		t.Errorf("a model is behind itself: %+v, %+v", best, twin)
	}
	if rows[backtest.OtherSide].Rho == best.Rho || rows[backtest.SevenDaysStale].Rho == best.Rho {
		t.Error("a placebo is the model itself")
	}
	p.err = errors.New("out of order")
	_, err := backtest.Run(t.Context(), backtest.Options{
		Data: invent(days30, 1).hourly(t, "BTCUSDT"), Variants: []backtest.Variant{p.variant()},
	})
	if !errors.Is(err, p.err) || !strings.Contains(err.Error(), "BTC") {
		t.Errorf("got %v, want the model's error with the coin", err)
	}
}
