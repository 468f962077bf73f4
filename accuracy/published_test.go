package accuracy_test

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"liqbot/accuracy"
)

// What is called published is what docs/accuracy.md says.
func TestThePublishedScoresAreThoseOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/accuracy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, confirm, ok := strings.Cut(string(page), "## Confirm")
	if !ok {
		t.Fatal("the page has no confirm part")
	}
	for _, p := range accuracy.Backtest() {
		sum, n, found := 0.0, 0, false
		for line := range strings.Lines(confirm) {
			cells := strings.Fields(line)
			switch {
			case len(cells) < 5 || cells[0] != p.Set:
			case cells[1] == "recommended":
				want := fmt.Sprintf("%+.3f [%+.2f, %+.2f]", p.Rho, p.Lo, p.Hi)
				if found = true; strings.Join(cells[2:5], " ") != want {
					t.Errorf("set %s: %v, want %s", p.Set, cells[2:5], want)
				}
			case cells[1] == "uniform_sweep":
				if want := fmt.Sprintf("%+.3f", p.Uniform); cells[2] != want {
					t.Errorf("set %s: an even map has %s, want %s", p.Set, cells[2], want)
				}
			case cells[2] == "long" || cells[2] == "short":
				// set coin side n days usd r2_control delta_r2 rho [lo, hi] rho_frozen
				frozen, err := strconv.ParseFloat(cells[11], 64)
				if err != nil {
					t.Fatal(err)
				}
				sum += frozen
				n++
			}
		}
		if !found || n != 6 || math.Abs(sum/float64(n)-p.Frozen) > 5e-4 {
			t.Errorf("set %s: %v of %d rows frozen, want %v", p.Set, sum/float64(n), n, p.Frozen)
		}
	}
}
