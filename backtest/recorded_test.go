package backtest_test

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liqbot/backtest"
)

// published are scores of the recommended model that were worked out by another
// program on the recordings of Binance that this test runs on where they are:
// hourly 2024-06-19 to 2024-07-31 (A), four-hourly 2024-11-13 to 2025-07-26 (B).
var published = map[backtest.Part]map[string]struct {
	n                                int
	control, delta, rho, hard, match float64
}{
	backtest.Tune: {
		"A BTC long": {505, .602, .068, .42, .39, 2.7}, "A BTC short": {505, .602, .064, .43, .45, 3.3},
		"A ETH long": {505, .636, .062, .43, .38, 2.6}, "A ETH short": {505, .608, .066, .44, .43, 3.5},
		"A SOL long": {504, .624, .088, .48, .47, 3.3}, "A SOL short": {504, .598, .074, .43, .38, 3.0},
		"B BTC long": {893, .717, .079, .50, .50, 2.7}, "B BTC short": {893, .700, .046, .40, .41, 2.0},
		"B ETH long": {893, .733, .057, .46, .45, 2.2}, "B ETH short": {893, .660, .054, .38, .37, 1.9},
		"B SOL long": {893, .755, .084, .57, .56, 2.6}, "B SOL short": {893, .701, .073, .47, .46, 2.2},
	},
	backtest.Confirm: {
		"A BTC long": {338, .666, .078, .51, .53, 3.5}, "A BTC short": {338, .530, .066, .37, .37, 3.4},
		"A ETH long": {338, .647, .047, .39, .36, 2.8}, "A ETH short": {338, .527, .083, .41, .41, 3.1},
		"A SOL long": {337, .640, .116, .54, .49, 3.8}, "A SOL short": {337, .553, .152, .57, .54, 4.8},
		"B BTC long": {596, .669, .105, .57, .54, 3.5}, "B BTC short": {596, .602, .078, .46, .45, 2.6},
		"B ETH long": {596, .758, .028, .34, .36, 1.8}, "B ETH short": {596, .772, .021, .27, .30, 1.5},
		"B SOL long": {596, .719, .087, .53, .51, 2.4}, "B SOL short": {596, .659, .084, .51, .46, 2.5},
	},
}

// publishedModels are rho and delta_r2 of the second table, tune and confirm.
var publishedModels = map[string][4]float64{
	"A uniform_sweep": {.361, .401, .051, .071}, "B uniform_sweep": {.407, .386, .044, .048},
	"A volume_profile": {-.071, -.058, .003, .004}, "B volume_profile": {-.086, -.070, .003, .003},
	"A fixed_leverage": {.116, .148, .020, .028}, "B fixed_leverage": {.271, .238, .020, .020},
	"A pilot_delta_oi": {.160, .163, .018, .026}, "B pilot_delta_oi": {.193, .162, .009, .011},
	"A usd_delta_oi": {.173, .168, .020, .026}, "B usd_delta_oi": {.280, .244, .021, .021},
	"A placebo_other_side": {-.218, -.308, .025, .045}, "B placebo_other_side": {-.256, -.270, .018, .027},
	"A placebo_2pct_farther": {-.045, -.015, .005, .007}, "B placebo_2pct_farther": {.107, .074, .005, .007},
	"A placebo_7d_stale": {.070, .002, .003, .001}, "B placebo_7d_stale": {.035, .069, .001, .002},
	"A placebo_placed_2pct_out": {.120, .167, .019, .031}, "B placebo_placed_2pct_out": {.309, .280, .028, .027},
	"A inflow_constant_share": {.441, .471, .072, .093}, "B inflow_constant_share": {.454, .441, .063, .066},
	"A inflow_volume": {.426, .453, .066, .085}, "B inflow_volume": {.443, .428, .061, .064},
	"A shares_pooled": {.429, .454, .067, .084}, "B shares_pooled": {.464, .444, .066, .068},
	"A kernel_uniform_15pct": {.354, .406, .050, .072}, "B kernel_uniform_15pct": {.423, .406, .048, .054},
	"A kernel_without_spread": {.380, .383, .054, .067}, "B kernel_without_spread": {.411, .388, .047, .049},
	"A entries_close_only": {.434, .440, .072, .088}, "B entries_close_only": {.406, .395, .051, .054},
	"A half_life_6h": {.436, .465, .068, .089}, "B half_life_6h": {.454, .445, .064, .066},
	"A half_life_168h": {.434, .460, .070, .088}, "B half_life_168h": {.463, .437, .064, .066},
	"A recommended": {.438, .465, .070, .090}, "B recommended": {.464, .445, .066, .067},
}

const marketData = "LIQBOT_MARKET_DATA"

// TestRecordedMarket needs recordings that may not be handed on; LIQBOT_MARKET_DATA
// names their folder.
func TestRecordedMarket(t *testing.T) {
	dir := os.Getenv(marketData)
	if dir == "" {
		t.Skip(marketData + " names no folder of recorded markets")
	}
	for k, part := range []backtest.Part{backtest.Tune, backtest.Confirm} {
		t.Run(string(part), func(t *testing.T) {
			r, err := backtest.Run(t.Context(), backtest.Options{Data: os.DirFS(dir), Part: part, Variants: backtest.PartsChanged()})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.WriteText(t.Output()); err != nil {
				t.Fatal(err)
			}
			compareScores(t, r)
			for _, m := range slices.Concat(r.Models, r.Variants) {
				want, ok := publishedModels[m.Set+" "+m.Model]
				if !ok {
					t.Errorf("no score to compare %s of set %s with", m.Model, m.Set)
				}
				agree(t, m.Set+" "+m.Model+" rho", m.Rho, want[k], .02)
				agree(t, m.Set+" "+m.Model+" delta_r2", m.DeltaR2, want[k+2], .01)
			}
		})
	}
}

// TestRecordedFinerBars needs the same recordings. The figures that it compares with were
// worked out by another program from the same buckets; the last digit is not the same.
func TestRecordedFinerBars(t *testing.T) {
	dir := os.Getenv(marketData)
	if dir == "" {
		t.Skip(marketData + " names no folder of recorded markets")
	}
	r, err := backtest.Run(t.Context(), backtest.Options{Data: os.DirFS(dir)})
	if err != nil {
		t.Fatal(err)
	}
	want := []backtest.FinerCoin{{Coin: "BTC", N: 369, Days: 64}, {Coin: "ETH", N: 440, Days: 76}, {Coin: "SOL", N: 322, Days: 56}}
	if diff := cmp.Diff(want, r.Finer.Coins); diff != "" {
		t.Error("-want +got:\n", diff)
	}
	rho := map[string]backtest.Figure{"60 recommended": .423, "15 recommended": .472, "5 recommended": .477}
	path := map[string]backtest.Figure{
		"60 recommended": .409, "15 recommended": .451, "5 recommended": .457,
		"60 uniform_sweep": .384, "15 uniform_sweep": .396, "5 uniform_sweep": .398,
	}
	for _, row := range r.Finer.Rows {
		name := fmt.Sprint(row.Minutes, " ", row.Model)
		if known, ok := rho[name]; ok {
			agree(t, name+" rho", row.Rho, float64(known), .015)
		}
		agree(t, name+" rho_path_5min", row.RhoPath, float64(path[name]), .015)
	}
	if len(r.Finer.Rows) != len(path) {
		t.Errorf("got %d rows, want %d", len(r.Finer.Rows), len(path))
	}
}

func compareScores(t *testing.T, r *backtest.Report) {
	t.Helper()
	want := published[r.Part]
	if len(r.Scores) != len(want) {
		t.Errorf("got %d rows, want %d", len(r.Scores), len(want))
	}
	for _, s := range r.Scores {
		name := fmt.Sprintf("%s %s %s", s.Set, s.Coin, s.Side)
		w := want[name]
		if s.N != w.n {
			t.Errorf("%s: n = %d, want %d", name, s.N, w.n)
		}
		agree(t, name+" r2_control", s.R2Control, w.control, .002)
		agree(t, name+" delta_r2", s.DeltaR2, w.delta, .005)
		agree(t, name+" rho", s.Rho, w.rho, .02)
		agree(t, name+" rho_hard", s.RhoHard, w.hard, .02)
		agree(t, name+" lift_matched", s.LiftMatched, w.match, .35)
	}
}

func agree(t *testing.T, what string, got backtest.Figure, want, within float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= within) {
		t.Errorf("%s = %.3f, want %.3f", what, float64(got), want)
	}
}
