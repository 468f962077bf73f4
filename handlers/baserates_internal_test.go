package handlers

import (
	"os"
	"testing"
	"time"

	"liqbot/rehearsal"
)

// The base rates that are told are those of the page about them.
func TestBaseRatesAreThoseOfThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	figures, err := rehearsal.ReadFigures(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if len(figures.Bases) != len(baseRates) {
		t.Errorf("%d times on the page, %d in the code", len(figures.Bases), len(baseRates))
	}
	for _, b := range figures.Bases {
		after := time.Duration(b.Hours * float64(time.Hour))
		if got := baseRates[after]; got.held != b.Held || got.count != b.Count {
			t.Errorf("after %v: %d of %d in the code, %d of %d on the page: copy them from docs/alerts.md", after, got.held, got.count, b.Held, b.Count)
		}
	}
}
