package backtest_test

import (
	"math"
	"testing"

	"liqbot/backtest"
	"liqbot/liquidation"
	"liqbot/market"
)

// replayedBars are the bars that models see of a market.
func replayedBars(t *testing.T, m invented) []backtest.Bar {
	t.Helper()
	p := &probe{}
	run(t, backtest.Options{Data: m.hourly(t, "BTCUSDT"), Variants: []backtest.Variant{p.variant()}, Boot: 5})
	return p.bars
}

// When just what a model says is liquidated, that model has to score all there is
// and the others have to be behind: each reading is worked out here once more.
func TestWhatIsLiquidatedIsFound(t *testing.T) {
	const hours = 22 * 24
	m := invent(hours, 4)
	bars := replayedBars(t, m)
	for model, read := range map[string]func(m backtest.Model, b backtest.Bar) backtest.Swept{
		backtest.Recommended: func(m backtest.Model, b backtest.Bar) backtest.Swept {
			return backtest.Swept{
				Long:  m.Mass(market.Long, b.Low, math.Inf(1)),
				Short: m.Mass(market.Short, math.SmallestNonzeroFloat64, b.High),
			}
		},
		backtest.OtherSide: func(m backtest.Model, b backtest.Bar) backtest.Swept {
			return backtest.Swept{
				Long:  m.Mass(market.Short, math.SmallestNonzeroFloat64, b.Open*(b.Open/b.Low)),
				Short: m.Mass(market.Long, b.Open*(b.Open/b.High), math.Inf(1)),
			}
		},
		backtest.TwoPctFarther: func(m backtest.Model, b backtest.Bar) backtest.Swept {
			nearer, farther := math.Exp(-.02), math.Exp(.02)
			return backtest.Swept{
				Long:  m.Mass(market.Long, b.Low*nearer, b.Open*nearer),
				Short: m.Mass(market.Short, b.Open*farther, b.High*farther),
			}
		},
	} {
		t.Run(model, func(t *testing.T) {
			estimator, err := backtest.Estimated(liquidation.Recommended("BTC"))
			if err != nil {
				t.Fatal(err)
			}
			labels := newTable(hourlyLabels)
			for _, b := range bars {
				lost := read(estimator, b)
				labels.set(b.Start.UnixMilli(), lost.Long*1e4/b.Close, lost.Short*1e4/b.Close)
				if _, err := estimator.Step(b); err != nil {
					t.Fatal(err)
				}
			}
			r := run(t, backtest.Options{Data: invented{candles: m.candles, oi: m.oi, labels: labels}.hourly(t, "BTCUSDT")})
			for _, row := range r.Models {
				if right := row.Model == model; right != (row.Rho > .97) {
					t.Errorf("%s: rho %v", row.Model, row.Rho)
				}
			}
			if model != backtest.Recommended {
				return
			}
			for _, s := range r.Scores {
				if s.RhoHard < .95 || s.RhoFrozen < .97 || s.LiftMatched < 3 || s.OOSDeltaR2 < .1 {
					t.Errorf("%s: %+v", s.Side, s)
				}
			}
		})
	}
}

// Where the liquidations of a bucket follow its return, both forecasts of four
// hours are the same figure, and that of the past is another.
func TestForecastOfReturns(t *testing.T) {
	if testing.Short() {
		t.Skip("replays for seconds, a minute under the race detector")
	}
	const hours = 22 * 24
	m := invent(hours, 5)
	folder := fourHourly(t, m, "ETH", 0)
	p := &probe{}
	run(t, backtest.Options{Data: folder, Variants: []backtest.Variant{p.variant()}, Boot: 5})
	labels := newTable(labels4h)
	for i := 0; i < len(p.bars); i += 4 {
		gain := math.Log(p.bars[i+3].Close / p.bars[i].Open)
		labels.set(p.bars[i].Start.UnixMilli(), 1e6, 1e6*math.Exp(20*gain), 0)
	}
	folder["binance_4h/liquidations_4h_ETH.csv.gz"] = labels.file(t)
	r := run(t, backtest.Options{Data: folder})
	if f := r.ExAnte[0]; f.Hours != 4 || f.ImbRho != f.ImbRhoReturn || f.ImbRho == 0 || f.ImbRho == f.ImbRhoGivenReturns {
		t.Errorf("%+v", f)
	}
	if f := r.ExAnte[1]; f.Hours != 24 || f.ImbRho == f.ImbRhoReturn || f.ImbRho == r.ExAnte[0].ImbRho {
		t.Errorf("%+v", f)
	}
}
