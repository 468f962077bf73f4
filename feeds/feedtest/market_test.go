package feedtest_test

import (
	"testing"
	"time"

	"liqbot/feeds/feedtest"
)

// A venue writes eight decimals: a rate that is then 0 is one that the suite waits for in
// vain, and it would be for a quarter of an hour in every three days.
func TestFundingRateIsNeverZero(t *testing.T) {
	start := time.Date(2026, time.November, 29, 0, 0, 0, 0, time.UTC)
	for at := start; at.Before(start.Add(8 * 24 * time.Hour)); at = at.Add(time.Minute) {
		if rate := (feedtest.Market{}).FundingRate("BTC", at); rate < 1e-8 {
			t.Fatalf("rate at %v is %g", at, rate)
		}
	}
}
