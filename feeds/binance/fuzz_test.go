package binance_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/binance"
	"liqbot/market"
)

var streamFiles = []string{
	"ws_forceorder_2026-10-09.jsonl", "ws_forceorder_testnet_2026-09-17.jsonl", "ws_forceorder_2023.jsonl", "ws_coinm_markprice_2026-09-25.jsonl",
	"ws_markprice_aggtrade_2026-10-06.jsonl", "ws_contractinfo_2023.jsonl", "ws_kline_1m_2021-07-22.jsonl", "errors.jsonl",
}

func FuzzStream(f *testing.F) {
	for _, name := range streamFiles {
		for _, l := range lines(f, name) {
			f.Add(l)
		}
	}
	f.Add([]byte(`{"e":"contractInfo","E":1669356423908,"s":"BTCUSDT","ct":"PERPETUAL","cs":"TRADING","bks":[{"bs":1,"bnf":0,"bnc":5000,"mmr":0.01,"cf":0,"mi":21,"ma":50},{"bs":2,"bnf":5000,"bnc":25000,"mmr":0.025,"cf":75,"mi":11,"ma":20}]}`))
	f.Add([]byte(`{"stream":"!markPrice@arr@1s","data":[{"e":"markPriceUpdate","E":1791269856000,"s":"1000PEPEUSDT","p":"0.0044","r":"","T":0}]}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		c := decode(btcAndPepe(), frame, frame)
		for _, u := range c.Updates() {
			possible(t, u)
		}
	})
}

// possible fails the test for an update that cannot be.
func possible(t *testing.T, u feeds.Update) {
	t.Helper()
	ok := u.Contract != nil && !u.At.IsZero() && !u.At.After(lateEnough().Add(time.Minute))
	switch u.Kind {
	case feeds.Ticker:
		ok = ok && feeds.PossiblePrice(u.MarkUSD) && (u.IndexUSD == 0 || feeds.PossiblePrice(u.IndexUSD)) && feeds.PossibleFunding(u.FundingRate)
	case feeds.Liquidation:
		ok = ok && feeds.PossibleCoins(u.Order.Coins) && feeds.PossiblePrice(u.Order.PriceUSD) && (u.Order.Side == market.Long || u.Order.Side == market.Short)
	case feeds.ContractChanged:
	default:
		ok = false
	}
	if !ok {
		t.Errorf("impossible update %+v", u)
	}
}

func FuzzAnswers(f *testing.F) {
	for _, name := range []string{"rest_2026-07-06.jsonl", "rest_recorded_gct.jsonl", "errors.jsonl"} {
		for _, l := range lines(f, name) {
			var r struct{ Body json.RawMessage }
			if json.Unmarshal(l, &r) == nil && r.Body != nil {
				l = r.Body
			}
			f.Add(l)
		}
	}
	f.Add(lines(f, "rest_exchangeinfo_gct_part.json")[0])
	f.Add(lines(f, "rest_exchangeinfo_2021-07-22_part.json")[0])
	f.Add([]byte(`[{"symbol":"BLZUSDT","adjustedFundingRateCap":"0.02500000","fundingIntervalHours":8}]`))
	f.Add([]byte(`[[1783296000000,"63617.20","63900.00","63308.30","63385.20","18287.752",1783382399999,"1162507083.27340",516386,"9527.179","605691518.47920","0"]]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a := &answers{list: []answer{{http.StatusOK, nil, string(body)}}, clock: fuzzNow}
		feed := binance.New(binance.Config{APIURL: "http://venue.test", Client: &http.Client{Transport: a}})
		askAll(t, feed)
	})
}

// fuzzNow is the venue's time, so that the recorded rows are of the span asked for; ms.
const fuzzNow = 1783307700000

// askAll asks for everything, about whatever the answers are.
func askAll(t *testing.T, feed *binance.Feed) {
	t.Helper()
	c := btcAndPepe()[0]
	to := time.UnixMilli(fuzzNow)
	from := to.Add(-12 * time.Hour)
	list, err := feed.Contracts(t.Context())
	if err != nil && list != nil {
		t.Error("an error and a list")
	}
	for _, c := range list {
		if c.Symbol == "" || c.Coin == "" || !(c.QuotedCoins > 0) || c.Quote != "USDT" || c.FundingInterval <= 0 {
			t.Errorf("impossible contract %+v", c)
		}
	}
	if candles, err := feed.Candles(t.Context(), c, from, to); err == nil {
		for _, k := range candles {
			if !feeds.PossibleCandle(k) || k.Start.Before(from) || !k.Start.Before(to) {
				t.Errorf("impossible candle %+v", k)
			}
		}
	}
	if points, err := feed.OpenInterest(t.Context(), c, from, to); err == nil {
		for _, p := range points {
			if !feeds.PossibleCoins(p.Coins) || p.At.Before(from) || !p.At.Before(to) {
				t.Errorf("impossible open interest %+v", p)
			}
		}
	}
	if points, err := feed.Fundings(t.Context(), c, from, to); err == nil {
		for _, p := range points {
			if !feeds.PossibleFunding(p.Rate) || p.At.Before(from) || !p.At.Before(to) {
				t.Errorf("impossible funding %+v", p)
			}
		}
	}
	if l, err := feed.LongShort(t.Context(), c); err == nil && !(l.Long >= 0 && l.Short >= 0 && l.Long+l.Short > 0.999 && l.Long+l.Short < 1.001) {
		t.Errorf("impossible shares %+v", l)
	}
}

func TestRecordedContracts(t *testing.T) {
	for file, want := range map[string][]market.Coin{
		"rest_exchangeinfo_gct_part.json":        {"BTC", "ETH", "BCH", "XRP"},
		"rest_exchangeinfo_2021-07-22_part.json": {"BTC", "1INCH", "SHIB"},
	} {
		a := &answers{list: []answer{{http.StatusOK, nil, string(lines(t, file)[0])}, {http.StatusOK, nil, "[]"}}}
		list, err := binance.New(binance.Config{APIURL: "http://venue.test", Client: &http.Client{Transport: a}}).Contracts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []market.Coin
		for _, c := range list {
			got = append(got, c.Coin)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", file, got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", file, got, want)
			}
		}
	}
}
