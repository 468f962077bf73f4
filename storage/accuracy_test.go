package storage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/market"
	"liqbot/storage"
)

func accuracyRows(t *testing.T, m *storage.Market, coin market.Coin, since time.Time) []string {
	t.Helper()
	var rows []string
	if err := m.Accuracy(coin, since, func(hour time.Time, row []byte) {
		rows = append(rows, fmt.Sprintf("%s %s", hour.Format("01-02 15:04"), row))
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestTheSelfCheckSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	m := openMarket(t, dir, midnight)
	save := func(coin market.Coin, hour time.Time, row string) {
		t.Helper()
		if err := m.SaveAccuracy(coin, hour, []byte(row)); err != nil {
			t.Fatal(err)
		}
	}
	for _, days := range []int{61, 59, 1} {
		save("BTC", midnight.AddDate(0, 0, -days), "old")
	}
	save("BTC", midnight.Add(-time.Hour), "b")
	save("BTC", midnight.Add(-2*time.Hour), "a")
	save("BTC", midnight.Add(-time.Hour), "c")
	save("BTCDOM", midnight.Add(-time.Hour), "another coin's")
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = openMarket(t, dir, midnight)
	want := []string{"09-30 00:00 old", "11-27 00:00 old", "11-27 22:00 a", "11-27 23:00 c"}
	if diff := cmp.Diff(want, accuracyRows(t, m, "BTC", midnight.AddDate(-1, 0, 0))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[2:], accuracyRows(t, m, "BTC", midnight.Add(-3*time.Hour+time.Minute))); diff != "" {
		t.Errorf("since (-want +got):\n%s", diff)
	}
	if got := accuracyRows(t, m, "ETH", time.Time{}); got != nil {
		t.Errorf("another coin has %v", got)
	}
}
