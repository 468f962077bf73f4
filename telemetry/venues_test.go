package telemetry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/telemetry"
)

func TestExchangesAreMeasured(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	m.ObserveVenues(func() []telemetry.VenueFeed {
		return []telemetry.VenueFeed{
			{Name: "Bybit", Up: true, Newest: time.Now().Add(time.Minute), ClockOffset: 1500 * time.Millisecond, Followed: 100, Mapped: 98, Dropped: map[string]uint64{"garbage": 3}},
			{Name: "OKX"},
		}
	})
	want := []string{
		`liqbot_exchange_clock_offset_seconds{exchange="Bybit"} 1.5`,
		`liqbot_exchange_clock_offset_seconds{exchange="OKX"} 0`,
		`liqbot_exchange_coins{exchange="Bybit",state="followed"} 100`,
		`liqbot_exchange_coins{exchange="Bybit",state="mapped"} 98`,
		`liqbot_exchange_coins{exchange="OKX",state="followed"} 0`,
		`liqbot_exchange_coins{exchange="OKX",state="mapped"} 0`,
		`liqbot_exchange_dropped_total{exchange="Bybit",reason="garbage"} 3`,
		`liqbot_exchange_up{exchange="Bybit"} 1`,
		`liqbot_exchange_up{exchange="OKX"} 0`,
	}
	var got []string
	for _, prefix := range []string{"liqbot_exchange_clock", "liqbot_exchange_coins", "liqbot_exchange_dropped", "liqbot_exchange_up"} {
		got = append(got, series(t, m, prefix)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ages := series(t, m, "liqbot_exchange_age"); len(ages) != 1 || strings.Contains(ages[0], "-") {
		t.Errorf("ages %v, want that of the one that told something", ages)
	}
}
