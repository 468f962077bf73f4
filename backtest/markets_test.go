package backtest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/backtest"
	"liqbot/market"
)

// What others replay is what Run replays: by the hour, or by five minutes where there are
// such candles, and by the minute.
func TestMarkets(t *testing.T) {
	m := invent(10*24, 3)
	folder := joined(m.hourly(t, "BTCUSDT"), fourHourly(t, m, "ETH", 0))
	fine := start + 50*hour
	folder["candles_5m/candles_5m_ETHUSDT.csv.gz"] = m.finely(t, fine, 5).file(t)
	folder["candles_1m/candles_1m_ETHUSDT.csv.gz"] = m.finely(t, fine+hour, 1).file(t)
	folder["funding/funding_ETH.csv.gz"] = packed(t, "t_ms,venue,symbol,rate\n28800000,binance,ETHUSDT,-0.0002\n28800000,okx,ETH,0.1\n0,binance,ETHUSDT,0.0001\n")
	all, err := backtest.Markets(folder)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d markets, %v, want 2", len(all), err)
	}
	a, b := all[0], all[1]
	if a.Set != "A" || a.Coin != "BTC" || a.Step != time.Hour || a.Hours() != 240 || len(a.Liquidated) != 240 || a.Funding != nil {
		t.Errorf("set A: %s %s, a figure every %v, %d hours, %d sums", a.Set, a.Coin, a.Step, a.Hours(), len(a.Liquidated))
	}
	if b.Set != "B" || b.Venue != "binance" || b.Step != 4*time.Hour || len(b.Liquidated) != 60 || b.Liquidated[1].Of(market.Long) != 3000 {
		t.Errorf("set B: %s of %s, a figure every %v, sums %v", b.Set, b.Venue, b.Step, b.Liquidated[:2])
	}
	at := time.UnixMilli(0).UTC()
	if diff := cmp.Diff([]backtest.Paid{{At: at, Rate: .0001, Every: 8 * time.Hour}, {At: at.Add(8 * time.Hour), Rate: -.0002, Every: 8 * time.Hour}}, b.Funding); diff != "" {
		t.Errorf("funding (-want +got):\n%s", diff)
	}
	if h := a.Hour(4); len(h.Bars) != 1 || !h.Told || h.Bars[0].Length != time.Hour {
		t.Errorf("an hour of set A: %+v", h)
	}
	if h := b.Hour(5); len(h.Bars) != 1 || h.Told {
		t.Errorf("the second hour of four: %+v", h)
	}
	for hours, minutes := range map[int]int{50: 0, 51: 5} {
		h := b.Hour(hours)
		if len(h.Bars) != 12 || h.Bars[11].End() != time.UnixMilli(start+int64(hours+1)*hour).UTC() {
			t.Fatalf("hour %d with candles of five minutes: %+v", hours, h)
		}
		if got := b.Minutes(h.Bars[3]); len(got) != minutes {
			t.Errorf("%d candles of a minute in hour %d, want %d", len(got), hours, minutes)
		} else if minutes > 0 && (got[0].Open != h.Bars[3].Open || got[4].Close != h.Bars[3].Close || got[4].End() != h.Bars[3].End()) {
			t.Errorf("minutes %+v of %+v", got, h.Bars[3])
		}
	}
}

// Set D has open interest of Hyperliquid and no liquidations that could be scored.
func TestMarketsWithoutLiquidations(t *testing.T) {
	m := invent(10*24, 3)
	folder := fourHourly(t, m, "SOL", 0)
	delete(folder, "binance_4h/oi_4h_SOL.csv.gz")
	delete(folder, "binance_4h/liquidations_4h_SOL.csv.gz")
	folder["hyperliquid/oi_1h_hyperliquid_SOL.csv.gz"] = m.oi.file(t)
	folder["funding/funding_SOL.csv.gz"] = packed(t, "t_ms,venue,symbol,rate\n3600000,hyperliquid,SOL,0.0001\n")
	all, err := backtest.Markets(folder)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d markets, %v, want 1", len(all), err)
	}
	if d := all[0]; d.Set != "D" || d.Coin != "SOL" || d.Hours() != 240 || d.Liquidated != nil || len(d.Funding) != 1 || !d.Hour(7).Told || d.Hour(7).Bars[0].Hole {
		t.Errorf("set D: %+v", d)
	}
}

func TestMarketsSayWhatIsWrong(t *testing.T) {
	m := invent(48, 3)
	for name, c := range map[string]struct{ text, want string }{
		"no rate":      {"t_ms,venue,rate\n0,binance,much\n", "funding/funding_BTC.csv.gz: line 2: column rate: not a number"},
		"no time":      {"t_ms,venue,rate\nnever,binance,1\n", "funding/funding_BTC.csv.gz: line 2: column t_ms: not a whole number of milliseconds after 1970"},
		"other column": {"t_ms,venue\n0,binance\n", "funding/funding_BTC.csv.gz: line 1: column rate: no such column in the header"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := m.hourly(t, "BTCUSDT")
			folder["funding/funding_BTC.csv.gz"] = packed(t, c.text)
			if _, err := backtest.Markets(folder); err == nil || err.Error() != "read recorded market: "+c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
