package recorded_test

import (
	"os"
	"strings"
	"testing"

	"liqbot/sources/recorded"
)

// TestTheDocumentedExamplePlays plays the example of the format's description.
func TestTheDocumentedExamplePlays(t *testing.T) {
	page, err := os.ReadFile("../../docs/recorded-market.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```json\n")
	example, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the page has no example")
	}
	for i, line := range strings.Split(strings.TrimSpace(example), "\n") {
		if i == 0 {
			continue
		}
		if _, err := recorded.DecodeEvent([]byte(line)); err != nil {
			t.Errorf("example line %d: %v", i+1, err)
		}
	}
	s, _ := play(t, example, 1)
	got := fetch(t, s, btc)
	if got.Price.USD != 90131.71 || got.Range == nil || got.ETF == nil || got.Liquidations == nil || got.OpenInterest == nil || got.Funding == nil {
		t.Errorf("snapshot %+v, want all figures of the example", got)
	}
}
