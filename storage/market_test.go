package storage_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/market"
	"liqbot/storage"
)

var midnight = time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)

// openMarket opens a market file at noon.
func openMarket(t *testing.T, dir string, now time.Time) *storage.Market {
	t.Helper()
	m, aside, err := storage.OpenMarket(t.Context(), dir, func() time.Time { return now })
	if err != nil || aside != "" {
		t.Fatalf("%v, put aside %q", err, aside)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// bar is one whose figures have single precision.
func bar(start time.Time, price float64) market.Bar {
	return market.Bar{
		Candle: market.Candle{
			Start: start, Length: 5 * time.Minute, OpenUSD: price, HighUSD: price + 2, LowUSD: price - 2, CloseUSD: price + 1,
			MarkHighUSD: price + 1.5, MarkLowUSD: price - 1.5, VolumeCoins: 12.5, TakerBuyCoins: 6.25, HasTaker: true,
		},
		OpenInterestCoins: 1024.5,
	}
}

func bars(from time.Time, n int) []market.Bar {
	var list []market.Bar
	for i := range n {
		list = append(list, bar(from.Add(time.Duration(i)*5*time.Minute), float64(1000+i)))
	}
	return list
}

func TestBarsSurviveARestart(t *testing.T) {
	dir, now := t.TempDir(), midnight.Add(12*time.Hour)
	want := bars(midnight.Add(-30*time.Hour), 42*12)
	want[7].Assumed, want[7].HasTaker, want[7].TakerBuyCoins = true, false, 0
	m := openMarket(t, dir, now)
	for i := 0; i < len(want); i += 100 { // in pieces that cross days
		if err := m.SaveBars("Binance", "BTCUSDT", want[i:min(i+100, len(want))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.SaveBars("Binance", "BTCUSDTX", bars(midnight, 3)); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = openMarket(t, dir, now)
	got, err := m.Bars("Binance", "BTCUSDT", time.Time{}.AddDate(2000, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%.2000s", diff)
	}
	since := midnight.Add(-time.Hour)
	got, err = m.Bars("Binance", "BTCUSDT", since)
	if err != nil || len(got) != 13*12 || !got[0].Start.Equal(since) {
		t.Errorf("%d bars since %v, %v", len(got), since, err)
	}
	if got, _ := m.Bars("OKX", "BTCUSDT", since); len(got) != 0 {
		t.Errorf("%d bars of another venue", len(got))
	}
}

func TestANewerBarReplacesTheOlder(t *testing.T) {
	m := openMarket(t, t.TempDir(), midnight)
	old, fresh := bars(midnight, 3), bar(midnight.Add(5*time.Minute), 5000)
	for _, list := range [][]market.Bar{old, {fresh}} {
		if err := m.SaveBars("OKX", "BTC-USDT-SWAP", list); err != nil {
			t.Fatal(err)
		}
	}
	got, err := m.Bars("OKX", "BTC-USDT-SWAP", midnight)
	if diff := cmp.Diff([]market.Bar{old[0], fresh, old[2]}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestOldBarsGo(t *testing.T) {
	m := openMarket(t, t.TempDir(), midnight)
	for _, days := range []int{-40, -33, -31, -1} {
		if err := m.SaveBars("Gate", "BTC_USDT", bars(midnight.AddDate(0, 0, days), 2)); err != nil {
			t.Fatal(err)
		}
	}
	got, _ := m.Bars("Gate", "BTC_USDT", midnight.AddDate(-1, 0, 0))
	if len(got) != 4 || !got[0].Start.Equal(midnight.AddDate(0, 0, -31)) {
		t.Errorf("%d bars left, from %v", len(got), got[0].Start)
	}
}

// A contract that nobody follows any more gets no new bars: its old ones go as well.
func TestOpeningForgetsWhatIsTooOld(t *testing.T) {
	dir := t.TempDir()
	m := openMarket(t, dir, midnight)
	at := market.Realised{Start: midnight, Venue: "OKX", LongUSD: 1, Orders: 1}
	if err := errors.Join(
		m.SaveBars("OKX", "GONE", bars(midnight, 2)), m.SaveRealised("GONE", []market.Realised{at}), m.SaveAccuracy("GONE", midnight, []byte("row")),
	); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ days, bars, realised, accuracy int }{{31, 2, 1, 1}, {33, 0, 0, 1}, {59, 0, 0, 1}, {61, 0, 0, 0}} {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		m = openMarket(t, dir, midnight.AddDate(0, 0, c.days))
		list, err := m.Bars("OKX", "GONE", time.Time{})
		rows, err2 := m.Realised("GONE", time.Time{})
		hours := accuracyRows(t, m, "GONE", time.Time{})
		if err := errors.Join(err, err2); err != nil || len(list) != c.bars || len(rows) != c.realised || len(hours) != c.accuracy {
			t.Errorf("after %d days: %d bars, %d rows, %d hours, %v; want %+v", c.days, len(list), len(rows), len(hours), err, c)
		}
	}
}

func TestRealisedSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	m := openMarket(t, dir, midnight)
	row := func(minutes int, venue market.Venue, long float64) market.Realised {
		at := midnight.Add(time.Duration(minutes) * time.Minute)
		return market.Realised{
			Start: at, Venue: venue, LongUSD: long, Orders: 1,
			Largest: market.Liquidation{At: at.Add(time.Second), Side: market.Long, Coins: 2, PriceUSD: long / 2},
		}
	}
	for _, rows := range [][]market.Realised{
		{row(-5, "Bybit", 100), row(0, "Bybit", 200), row(0, "OKX", 300)},
		{row(0, "Bybit", 250), row(5, "OKX", 400)},
	} {
		if err := m.SaveRealised("BTC", rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = openMarket(t, dir, midnight)
	got, err := m.Realised("BTC", midnight)
	want := []market.Realised{row(0, "Bybit", 250), row(0, "OKX", 300), row(5, "OKX", 400)}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestADamagedMarketFileIsPutAside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, storage.MarketFileName)
	if err := os.WriteFile(path, []byte("this is no data file, and long enough to be looked at as one of its pages would be"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, aside, err := storage.OpenMarket(t.Context(), dir, nil)
	if err != nil || aside == "" {
		t.Fatalf("%v, put aside %q", err, aside)
	}
	defer m.Close()
	if err := m.SaveBars("OKX", "X", bars(midnight, 1)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(aside); err != nil {
		t.Error(err)
	}
}

func TestAMarketFileInUseIsNotTaken(t *testing.T) {
	dir := t.TempDir()
	openMarket(t, dir, midnight)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, _, err := storage.OpenMarket(ctx, dir, nil); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("got %v, want that it is locked", err)
	}
}

func TestBarsAreSavedByManyAtOnce(t *testing.T) {
	m := openMarket(t, t.TempDir(), midnight)
	var wg sync.WaitGroup
	for v := range 6 {
		wg.Go(func() {
			for i := range 5 {
				if err := m.SaveBars(market.Venue(rune('A'+v)), "BTC", bars(midnight.Add(time.Duration(i)*time.Hour), 12)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for v := range 6 {
		if got, err := m.Bars(market.Venue(rune('A'+v)), "BTC", midnight); len(got) != 60 || err != nil {
			t.Errorf("%d bars, %v", len(got), err)
		}
	}
}
