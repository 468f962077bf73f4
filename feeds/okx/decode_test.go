package okx_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/okx"
	"liqbot/market"
)

// recorded is after all recordings.
func recorded() time.Time { return time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) }

func contractsOf(coins map[string]float64) []market.Contract {
	var list []market.Contract
	for symbol, size := range coins {
		base, _, _ := bytes.Cut([]byte(symbol), []byte("-"))
		list = append(list, market.Contract{Venue: okx.Venue, Symbol: symbol, Coin: market.Coin(base), QuotedCoins: 1, ContractCoins: size, Quote: "USDT"})
	}
	return list
}

// known are contracts of the recordings, with the coins of one contract.
func known() []market.Contract {
	list := contractsOf(map[string]float64{"BTC-USDT-SWAP": 0.01, "ETH-USDT-SWAP": 0.1, "LA-USDT-SWAP": 1, "IOST-USDT-SWAP": 1000})
	return append(list, market.Contract{Venue: okx.Venue, Symbol: "1000X-USDT-SWAP", Coin: "X", QuotedCoins: 1000, ContractCoins: 10_000, Quote: "USDT"})
}

func lines(tb testing.TB, name string) [][]byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(b), []byte("\n"))
}

// told is an update without its contract's pointer.
type told struct {
	Symbol string
	Update feeds.Update
}

func decode(frames ...string) (updates []told, drops map[feeds.Reason]int, data bool) {
	c := feedtest.NewCollector()
	d := okx.NewDecoder(known(), c, recorded)
	for _, f := range frames {
		data = d.Decode([]byte(f))
	}
	for _, u := range c.Updates() {
		w := told{u.Contract.Symbol, u}
		w.Update.Contract = nil
		updates = append(updates, w)
	}
	return updates, c.Drops(), data
}

var approximately = cmp.Options{cmpopts.EquateApprox(1e-12, 0), cmpopts.EquateEmpty()}

func utc(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func forced(symbol string, ms int64, side market.Side, coins, price float64) told {
	return told{symbol, feeds.Update{
		Kind: feeds.Liquidation, At: utc(ms), Order: market.Liquidation{At: utc(ms), Side: side, Coins: coins, PriceUSD: price},
	}}
}

// TestRecordedLiquidations pins the side, the coins, the price and the time of forced
// orders: an order that sells closes a long.
func TestRecordedLiquidations(t *testing.T) {
	t.Parallel()
	frames := lines(t, "ws_liquidation_orders.jsonl")
	const documentedShort = `{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0","bkPx":"0.007831","ccy":"","posSide":"short","side":"buy","sz":"13","ts":"1692266434010"}],"instFamily":"IOST-USDT","instId":"IOST-USDT-SWAP","instType":"SWAP","uly":"IOST-USDT"}]}`
	got, drops, data := decode(string(frames[0]), string(frames[1]), documentedShort)
	want := []told{
		forced("BTC-USDT-SWAP", 1791565600771, market.Long, 0.0855, 82655.7),
		forced("LA-USDT-SWAP", 1786221914184, market.Long, 508, 0.05167),
		forced("IOST-USDT-SWAP", 1692266434010, market.Short, 13_000, 0.007831),
	}
	if diff := cmp.Diff(want, got, approximately); diff != "" || len(drops) != 0 || !data {
		t.Errorf("liquidations (-want +got):\n%s\ndropped %v", diff, drops)
	}
	if usd := got[0].Update.Order.NotionalUSD(); usd < 7067.06 || usd > 7067.07 {
		t.Errorf("the first is of %f USD, want 7067.06", usd)
	}
}

func TestRecordedTickers(t *testing.T) {
	t.Parallel()
	frames := lines(t, "ws_funding_markprice.jsonl")
	const interest = `{"arg":{"channel":"open-interest","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","instType":"SWAP","oi":"2216113.01000000309","oiCcy":"22161.1301000000309","oiUsd":"1939251795.54769270396321","ts":"1743041250440"}]}`
	got, drops, _ := decode(string(frames[0]), string(frames[1]), interest)
	want := []told{
		{"BTC-USDT-SWAP", feeds.Update{
			Kind: feeds.Ticker, At: utc(1790358563915), HasFunding: true, FundingRate: 0.0000263463215391, FundingInterval: 8 * time.Hour, FundingAt: utc(1790380800000),
		}},
		{"BTC-USDT-SWAP", feeds.Update{Kind: feeds.Ticker, At: utc(1790358817778), MarkUSD: 83679.8}},
		{"BTC-USDT-SWAP", feeds.Update{Kind: feeds.Ticker, At: utc(1743041250440), OpenInterestCoins: 22161.1301000000309}},
	}
	if diff := cmp.Diff(want, got, approximately); diff != "" || len(drops) != 0 {
		t.Errorf("tickers (-want +got):\n%s\ndropped %v", diff, drops)
	}
}

func liquidation(id, detail string) string {
	return `{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[` + detail + `],"instId":"` + id + `","instType":"SWAP"}]}`
}

func mark(id, price, ts string) string {
	return `{"arg":{"channel":"mark-price","instId":"` + id + `"},"data":[{"instType":"SWAP","instId":"` + id + `","markPx":` + price + `,"ts":` + ts + `}]}`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const sold = `{"bkPx":"100","posSide":"net","side":"sell","sz":"2","ts":"1790000000000"}`
	const ms = 1790000000000
	priced := func(symbol string, at int64, usd float64) told {
		return told{symbol, feeds.Update{Kind: feeds.Ticker, At: utc(at), MarkUSD: usd}}
	}
	for name, c := range map[string]struct {
		frames []string
		want   []told
		drops  map[feeds.Reason]int
	}{
		"one-way account, sold":    {[]string{liquidation("ETH-USDT-SWAP", sold)}, []told{forced("ETH-USDT-SWAP", ms, market.Long, 0.2, 100)}, nil},
		"one-way account, bought":  {[]string{liquidation("ETH-USDT-SWAP", `{"bkPx":"100","posSide":"","side":"buy","sz":"2","ts":"1790000000000"}`)}, []told{forced("ETH-USDT-SWAP", ms, market.Short, 0.2, 100)}, nil},
		"price for a thousand":     {[]string{liquidation("1000X-USDT-SWAP", sold)}, []told{forced("1000X-USDT-SWAP", ms, market.Long, 20_000, 0.1)}, nil},
		"inverse":                  {[]string{liquidation("BTC-USD-SWAP", sold)}, nil, map[feeds.Reason]int{feeds.UnknownContract: 1}},
		"twice":                    {[]string{liquidation("ETH-USDT-SWAP", sold), liquidation("ETH-USDT-SWAP", sold)}, []told{forced("ETH-USDT-SWAP", ms, market.Long, 0.2, 100)}, map[feeds.Reason]int{feeds.Duplicate: 1}},
		"side and position differ": {[]string{liquidation("ETH-USDT-SWAP", `{"bkPx":"100","posSide":"long","side":"buy","sz":"2","ts":"1790000000000"}`)}, nil, map[feeds.Reason]int{feeds.Impossible: 1}},
		"no side":                  {[]string{liquidation("ETH-USDT-SWAP", `{"bkPx":"100","posSide":"long","sz":"2","ts":"1790000000000"}`)}, nil, map[feeds.Reason]int{feeds.WrongType: 1}},
		"other position":           {[]string{liquidation("ETH-USDT-SWAP", `{"bkPx":"100","posSide":"both","side":"buy","sz":"2","ts":"1790000000000"}`)}, nil, map[feeds.Reason]int{feeds.WrongType: 1}},
		"no size":                  {[]string{liquidation("ETH-USDT-SWAP", `{"bkPx":"100","posSide":"long","side":"sell","sz":"","ts":"1790000000000"}`)}, nil, map[feeds.Reason]int{feeds.WrongType: 1}},
		"size zero":                {[]string{liquidation("ETH-USDT-SWAP", `{"bkPx":"100","posSide":"long","side":"sell","sz":"0","ts":"1790000000000"}`)}, nil, map[feeds.Reason]int{feeds.Impossible: 1}},
		"one of two is wrong": {
			[]string{liquidation("ETH-USDT-SWAP", `{"bkPx":{},"posSide":"long","side":"sell","sz":"1","ts":"1790000000000"},`+sold)},
			[]told{forced("ETH-USDT-SWAP", ms, market.Long, 0.2, 100)},
			map[feeds.Reason]int{feeds.WrongType: 1},
		},
		"late is kept":         {[]string{liquidation("ETH-USDT-SWAP", sold), liquidation("ETH-USDT-SWAP", `{"bkPx":"100","posSide":"net","side":"sell","sz":"2","ts":"1789999520000"}`)}, []told{forced("ETH-USDT-SWAP", ms, market.Long, 0.2, 100), forced("ETH-USDT-SWAP", 1789999520000, market.Long, 0.2, 100)}, nil},
		"of the future":        {[]string{mark("BTC-USDT-SWAP", `"1"`, `"1990000000000"`), mark("BTC-USDT-SWAP", `"2"`, `"1790000000000"`)}, []told{priced("BTC-USDT-SWAP", ms, 2)}, map[feeds.Reason]int{feeds.OutOfOrder: 1}},
		"older":                {[]string{mark("BTC-USDT-SWAP", `"1"`, `"1790000000000"`), mark("BTC-USDT-SWAP", `"2"`, `"1789999999999"`)}, []told{priced("BTC-USDT-SWAP", ms, 1)}, map[feeds.Reason]int{feeds.OutOfOrder: 1}},
		"same moment":          {[]string{mark("BTC-USDT-SWAP", `"1"`, `"1790000000000"`), mark("BTC-USDT-SWAP", `"2"`, `"1790000000000"`)}, []told{priced("BTC-USDT-SWAP", ms, 1), priced("BTC-USDT-SWAP", ms, 2)}, nil},
		"other contract older": {[]string{mark("BTC-USDT-SWAP", `"1"`, `"1790000000000"`), mark("ETH-USDT-SWAP", `"2"`, `"1789999999999"`)}, []told{priced("BTC-USDT-SWAP", ms, 1), priced("ETH-USDT-SWAP", ms-1, 2)}, nil},
		"mark of a thousand":   {[]string{mark("1000X-USDT-SWAP", `"5"`, `"1790000000000"`)}, []told{priced("1000X-USDT-SWAP", ms, 0.005)}, nil},
		"price is an object":   {[]string{mark("BTC-USDT-SWAP", `{"a":[1]}`, `"1790000000000"`)}, nil, map[feeds.Reason]int{feeds.WrongType: 1}},
		"price is empty":       {[]string{mark("BTC-USDT-SWAP", `""`, `"1790000000000"`)}, nil, map[feeds.Reason]int{feeds.WrongType: 1}},
		"price is NaN":         {[]string{mark("BTC-USDT-SWAP", `"NaN"`, `"1790000000000"`)}, nil, map[feeds.Reason]int{feeds.WrongType: 1}},
		"price is negative":    {[]string{mark("BTC-USDT-SWAP", `"-5"`, `"1790000000000"`)}, nil, map[feeds.Reason]int{feeds.Impossible: 1}},
		"no time":              {[]string{mark("BTC-USDT-SWAP", `"5"`, `null`)}, nil, map[feeds.Reason]int{feeds.WrongType: 1}},
		"unknown contract":     {[]string{mark("BTC-USD-SWAP", `"5"`, `"1790000000000"`)}, nil, map[feeds.Reason]int{feeds.UnknownContract: 1}},
		"rows before argument": {[]string{`{"data":[{"instId":"BTC-USDT-SWAP","markPx":"7","ts":"1790000000000"}],"id":"1","arg":{"channel":"mark-price"}}`}, []told{priced("BTC-USDT-SWAP", ms, 7)}, nil},
		"cut off":              {[]string{`{"arg":{"channel":"mark-price"},"data":[{"instId":"BTC-USDT-SWAP","markPx":"7","ts":"1790000000000"}]`}, nil, map[feeds.Reason]int{feeds.Garbage: 1}},
		"two messages in one":  {[]string{mark("BTC-USDT-SWAP", `"1"`, `"1790000000000"`) + "{}"}, nil, map[feeds.Reason]int{feeds.Garbage: 1}},
		"channel not asked":    {[]string{string(lines(t, "ws_tickers.jsonl")[1])}, nil, map[feeds.Reason]int{feeds.Garbage: 1}},
		"open interest in contracts only": {
			[]string{`{"arg":{"channel":"open-interest"},"data":[{"instId":"ETH-USDT-SWAP","oi":"7105100","oiCcy":"","ts":"1790000000000"}]}`},
			[]told{{"ETH-USDT-SWAP", feeds.Update{Kind: feeds.Ticker, At: utc(ms), OpenInterestCoins: 710_510}}},
			nil,
		},
		"funding beyond reason": {[]string{`{"arg":{"channel":"funding-rate"},"data":[{"instId":"ETH-USDT-SWAP","fundingRate":"5","ts":"1790000000000"}]}`}, nil, map[feeds.Reason]int{feeds.Impossible: 1}},
		"pong":                  {[]string{"pong"}, nil, nil},
		"acknowledgement":       {[]string{string(lines(t, "ws_control.jsonl")[0]), string(lines(t, "ws_control.jsonl")[1])}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, drops, data := decode(c.frames...)
			if diff := cmp.Diff(c.want, got, approximately); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.drops, drops, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			if len(c.want) == 0 && data {
				t.Error("nothing was told but it counts as data")
			}
		})
	}
}

func TestChangedContracts(t *testing.T) {
	t.Parallel()
	record := string(lines(t, "rest_instruments_2026.json")[0])
	frame := func(from, to string) string {
		row := record[len(`{"code":"0","msg":"","data":`) : len(record)-1]
		changed := bytes.Replace([]byte(row), []byte(from), []byte(to), 1)
		return `{"arg":{"channel":"instruments","instType":"SWAP"},"data":` + string(changed) + `}`
	}
	for name, c := range map[string]struct {
		from, to string
		changed  bool
	}{
		"same":          {"", "", false},
		"other value":   {`"ctVal":"0.01"`, `"ctVal":"0.001"`, true},
		"suspended":     {`"state":"live"`, `"state":"suspend"`, true},
		"delisted":      {`"expTime":""`, `"expTime":"1790000000000"`, true},
		"other swap":    {`"instId":"BTC-USDT-SWAP"`, `"instId":"NEW-USDT-SWAP"`, false},
		"limit changed": {`"maxLmtSz":"100000000"`, `"maxLmtSz":"5"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, drops, _ := decode(frame(c.from, c.to))
			if changed := len(got) == 1 && got[0].Update.Kind == feeds.ContractChanged; changed != c.changed || len(drops) != 0 {
				t.Errorf("changed: %v, want %v; updates %v, dropped %v", changed, c.changed, got, drops)
			}
		})
	}
}
