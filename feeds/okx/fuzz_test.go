package okx_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/okx"
)

// possible reports what is wrong with an update, "" if nothing.
func possible(u feeds.Update) string {
	switch {
	case u.Contract == nil || u.At.IsZero() || u.At.After(recorded().AddDate(0, 0, 1)):
		return "no contract or time"
	case u.Kind == feeds.Liquidation:
		if !feeds.PossibleCoins(u.Order.Coins) || !feeds.PossiblePrice(u.Order.PriceUSD) || u.Order.Side == 0 || !u.Order.At.Equal(u.At) {
			return "impossible order"
		}
	case u.Kind == feeds.Ticker:
		if u.MarkUSD != 0 && !feeds.PossiblePrice(u.MarkUSD) || u.OpenInterestCoins != 0 && !feeds.PossibleCoins(u.OpenInterestCoins) ||
			u.HasFunding && !feeds.PossibleFunding(u.FundingRate) || u.FundingInterval < 0 {
			return "impossible figure"
		}
		if u.MarkUSD == 0 && u.OpenInterestCoins == 0 && !u.HasFunding {
			return "nothing told"
		}
	}
	return ""
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"ws_control.jsonl", "ws_funding_markprice.jsonl", "ws_liquidation_orders.jsonl", "ws_tickers.jsonl"} {
		for _, line := range lines(f, name) {
			f.Add(line)
		}
	}
	for _, frame := range mixed(8) {
		f.Add(frame)
	}
	f.Add([]byte(`{"data":[{"instId":"BTC-USDT-SWAP","markPx":"7","ts":"1790000000000"}],"id":"1","arg":{"channel":"mark-price"}}`))
	f.Add([]byte(`{"arg":{"channel":"instruments"},"data":` + string(lines(f, "rest_instruments_2026.json")[0]) + `}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		c := feedtest.NewCollector()
		d := okx.NewDecoder(known(), c, recorded)
		data := d.Decode(frame)
		for _, u := range c.Updates() {
			if wrong := possible(u); wrong != "" {
				t.Errorf("%s: %+v", wrong, u)
			}
		}
		if data != (len(c.Updates()) > 0) {
			t.Errorf("data is %v with %d updates", data, len(c.Updates()))
		}
		// What it has seen before must not matter to what comes next.
		if before := len(c.Updates()); !d.Decode([]byte(mark("LA-USDT-SWAP", `"3"`, `"1796083200000"`))) || len(c.Updates()) != before+1 {
			t.Error("the next frame was not decoded")
		}
	})
}

func FuzzREST(f *testing.F) {
	all, err := filepath.Glob("testdata/rest_*.json")
	if err != nil || len(all) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range all {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		`{"code":"0","msg":"","data":[["1701417600000","200","380"],["1701417600000","100","300"]]}`,
		`{"code":"0","data":[["1630502100000","1.25"]],"msg":""}`,
		`{"code":"0","msg":"","data":[["1597026383085","3.721","3.743","3.677","3.708","0"],["1597026600000","3.731","3.799","3.494","3.72","1"]]}`,
		`{"code":"0","msg":"","data":[["1701417600000","731377.57500501","111","8888888"]]}`,
		`{"code":"0","msg":"","data":[{"fundingRate":"0.0000746604960499","fundingTime":"1703059200000","instId":"BTC-USD-SWAP","realizedRate":"0.0000746572360545"}]}`,
		`{"code":"0","msg":"","data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP","markPx":"200","oiUsd":"50000","ts":"1597026383085"}]}`,
	} {
		f.Add([]byte(s))
	}
	contract := known()[0]
	f.Fuzz(func(t *testing.T, body []byte) {
		out := okx.DecodeREST(body, contract, recorded())
		for _, c := range out.Contracts {
			if c.Coin == "" || c.Symbol == "" || !feeds.PossibleCoins(c.ContractCoins) || c.TickUSD < 0 || c.MaxLeverage < 0 {
				t.Errorf("impossible contract %+v", c)
			}
		}
		from := 0.0
		for _, tier := range out.Tiers {
			if tier.FromUSD != from || !(tier.ToUSD > from) || !(tier.MaintenanceMarginRate > 0) {
				t.Errorf("impossible tier %+v", tier)
			}
			from = tier.ToUSD
		}
		if len(out.Tiers) > 0 && !math.IsInf(from, 1) {
			t.Error("the tiers end")
		}
		if l := out.LongShort; !l.At.IsZero() && !(l.Long >= 0 && l.Short >= 0 && math.Abs(l.Long+l.Short-1) < 1e-9) {
			t.Errorf("impossible ratio %+v", l)
		}
		if out.MarkErr == nil && !feeds.PossiblePrice(out.Mark) {
			t.Errorf("impossible mark %g", out.Mark)
		}
		for _, p := range out.Fundings {
			if p.At.IsZero() || !feeds.PossibleFunding(p.Rate) {
				t.Errorf("impossible funding %+v", p)
			}
		}
		for _, share := range out.Shares {
			if !(share >= 0 && share <= 1) {
				t.Errorf("impossible share %g", share)
			}
		}
		for _, m := range out.Extremes {
			if m != [2]float64{} && !(feeds.PossiblePrice(m[0]) && m[0] <= m[1]) {
				t.Errorf("impossible extremes %v", m)
			}
		}
		for coin, usd := range out.Interests {
			if coin == "" || !(usd > 0) || math.IsInf(usd, 0) {
				t.Errorf("impossible open interest of %q: %g", coin, usd)
			}
		}
	})
}
