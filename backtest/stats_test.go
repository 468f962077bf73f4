package backtest_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/backtest"
)

var near = cmpopts.EquateApprox(0, 1e-9)

func TestOLS(t *testing.T) {
	one := []float64{1, 1, 1, 1}
	x := []float64{1, 2, 3, 4}
	for name, test := range map[string]struct {
		y            []float64
		columns      [][]float64
		coefficients []float64
		residuals    []float64
		r2           float64
	}{
		// By hand: Sxy/Sxx = 9/5, 6.5 - 1.8*2.5 = 2, SSE = 2.8, SST = 19.
		"a line": {
			y: []float64{4, 6, 6, 10}, columns: [][]float64{one, x},
			coefficients: []float64{2, 1.8}, residuals: []float64{.2, .4, -1.4, .8}, r2: 1 - 2.8/19,
		},
		"only a constant": {
			y: []float64{1, 2, 3, 6}, columns: [][]float64{one},
			coefficients: []float64{3}, residuals: []float64{-2, -1, 0, 3}, r2: 0,
		},
		"a column twice": {
			y: []float64{4, 6, 6, 10}, columns: [][]float64{one, x, {2, 4, 6, 8}, {2, 3, 4, 5}},
			coefficients: []float64{2, 1.8, 0, 0}, residuals: []float64{.2, .4, -1.4, .8}, r2: 1 - 2.8/19,
		},
		"exact": {
			y: []float64{3, 6, 11, 18}, columns: [][]float64{one, x, {1, 4, 9, 16}},
			coefficients: []float64{2, 0, 1}, residuals: []float64{0, 0, 0, 0}, r2: 1,
		},
		"nothing varies": {
			y: []float64{5, 5, 5, 5}, columns: [][]float64{one, x},
			coefficients: []float64{5, 0}, residuals: []float64{0, 0, 0, 0}, r2: 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := backtest.OLS(test.y, test.columns)
			want := backtest.Fit{Coefficients: test.coefficients, Residuals: test.residuals, R2: test.r2}
			if diff := cmp.Diff(want, got, near); diff != "" {
				t.Error("-want +got:\n", diff)
			}
		})
	}
}

// Columns of very different size must not cost precision: the residuals stay
// orthogonal to each.
func TestOLSIllConditioned(t *testing.T) {
	n := 200
	var y []float64
	columns := make([][]float64, 4)
	for i := range n {
		x := 1e4 + float64(i)/100
		y = append(y, math.Sin(float64(i)))
		for k, v := range []float64{1, x, x * x, math.Sqrt(x)} {
			columns[k] = append(columns[k], v)
		}
	}
	fit := backtest.OLS(y, columns)
	for k, column := range columns {
		along, size := 0.0, 0.0
		for i := range column {
			along += column[i] * fit.Residuals[i]
			size += column[i] * column[i]
		}
		if along /= math.Sqrt(size); math.Abs(along) > 1e-9 {
			t.Errorf("column %d: residuals lean on it by %g", k, along)
		}
	}
}

func TestR2OutOfSample(t *testing.T) {
	y := []float64{1, 2, 3}
	columns := [][]float64{{1, 1, 1}, {1, 2, 3}}
	for name, test := range map[string]struct {
		coefficients []float64
		want         float64
	}{
		"right":          {[]float64{0, 1}, 1},
		"the mean":       {[]float64{2, 0}, 0},
		"worse than it":  {[]float64{4, 0}, -6},     // errors 3, 2, 1: SSE 14, SST 2
		"half of a step": {[]float64{0.5, 1}, .625}, // SSE 3/4
	} {
		t.Run(name, func(t *testing.T) {
			if got := backtest.R2OutOfSample(y, columns, test.coefficients); math.Abs(got-test.want) > 1e-12 {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestRanks(t *testing.T) {
	got := backtest.Ranks([]float64{3, 1, 3, 2, 3, 1})
	if diff := cmp.Diff([]float64{5, 1.5, 5, 3, 5, 1.5}, got); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

func TestSpearman(t *testing.T) {
	for name, test := range map[string]struct {
		a, b []float64
		want float64
	}{
		"same order":     {[]float64{1, 5, 9}, []float64{-1, 0, 100}, 1},
		"other way":      {[]float64{1, 2, 3}, []float64{3, 2, 1}, -1},
		"by differences": {[]float64{1, 2, 3, 4, 5}, []float64{2, 1, 4, 3, 5}, 0.8}, // 1 - 6*4/(5*24)
		"ties":           {[]float64{1, 2, 2, 4}, []float64{1, 2, 3, 4}, 4.5 / math.Sqrt(4.5*5)},
		"no variation":   {[]float64{1, 1, 1}, []float64{1, 2, 3}, math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			got := backtest.Spearman(test.a, test.b)
			if diff := cmp.Diff(test.want, got, near, cmpopts.EquateNaNs()); diff != "" {
				t.Error("-want +got:\n", diff)
			}
		})
	}
}

// With two blocks a draw is one of AA, AB and BB; the interval has to end at the
// smallest and largest of the three, worked out on sets that are really doubled.
func TestSpearmanIntervalResamplesBlocks(t *testing.T) {
	a := []float64{1, 2, 3, 4, 5, 6, 2, 9}
	b := []float64{1, 3, 2, 5, 9, 2, 8, 7}
	blocks := []int64{7, 7, 7, 7, 20, 20, 20, 20}
	double := func(v []float64) []float64 { return append(slices.Clone(v), v...) }
	rhos := []float64{
		backtest.Spearman(double(a[:4]), double(b[:4])),
		backtest.Spearman(a, b),
		backtest.Spearman(double(a[4:]), double(b[4:])),
	}
	slices.Sort(rhos)
	lo, hi := backtest.SpearmanInterval(a, b, blocks, 400)
	if diff := cmp.Diff([]float64{rhos[0], rhos[2]}, []float64{lo, hi}, near); diff != "" {
		t.Error("-want +got:\n", diff)
	}
	lo2, hi2 := backtest.SpearmanInterval(a, b, blocks, 400)
	if lo != lo2 || hi != hi2 {
		t.Error("a second run gave another interval")
	}
}

func TestPartialSpearman(t *testing.T) {
	a := []float64{1, 2, 3, 4, 5, 6}
	b := []float64{2, 1, 4, 3, 6, 5}
	c := []float64{6, 2, 5, 1, 4, 3}
	ab, ac, bc := backtest.Spearman(a, b), backtest.Spearman(a, c), backtest.Spearman(b, c)
	want := (ab - ac*bc) / math.Sqrt((1-ac*ac)*(1-bc*bc)) // the textbook's formula for one variable
	if got := backtest.PartialSpearman(a, b, c); math.Abs(got-want) > 1e-9 {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLift(t *testing.T) {
	const groups, each = 10, 6
	var expected, x, y []float64
	for g := range groups {
		for k := range each {
			expected = append(expected, float64(g))
			x = append(x, float64(k))
			// Expectation lifts whole groups, which must not count; within a group
			// the top two of six rows are ln 8 above the bottom two.
			y = append(y, float64(100*g)+[]float64{0, 0, 5, 9, math.Log(8), math.Log(8)}[k])
		}
	}
	if got := backtest.Lift(expected, x, y); math.Abs(got-8) > 1e-9 {
		t.Errorf("got %v, want 8", got)
	}
	if got := backtest.Lift(expected[:29], x[:29], y[:29]); !math.IsNaN(got) {
		t.Errorf("with two rows in a group: got %v, want NaN", got)
	}
}
