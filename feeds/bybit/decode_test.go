package bybit_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/feeds/bybit"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// listed are contracts as Contracts would list them.
func listed() []market.Contract {
	of := func(symbol string, coin market.Coin, coins float64) market.Contract {
		return market.Contract{Venue: bybit.Venue, Symbol: symbol, Coin: coin, QuotedCoins: coins, ContractCoins: coins, Quote: "USDT", FundingInterval: 8 * time.Hour}
	}
	return []market.Contract{of("BTCUSDT", "BTC", 1), of("ETHUSDT", "ETH", 1), of("1000PEPEUSDT", "PEPE", 1000)}
}

func lines(tb testing.TB, name string) [][]byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(b), []byte("\n"))
}

// recorded is a moment after all recordings.
var recorded = time.UnixMilli(1791565601500)

func decoder(now time.Time) (*bybit.Decoder, *feedtest.Collector) {
	c := feedtest.NewCollector()
	return bybit.NewDecoder(listed(), c, func() time.Time { return now }), c
}

func updates(c *feedtest.Collector) []feeds.Update { return c.Updates() }

var bySymbol = cmp.Transformer("symbol", func(c *market.Contract) string { return c.Symbol })

// TestRecordedLiquidations is the golden test of the side: within two seconds of these
// prints two other venues reported longs, and the price was falling.
func TestRecordedLiquidations(t *testing.T) {
	d, c := decoder(recorded)
	for _, f := range lines(t, "ws_allliquidation_2026-10-09.jsonl") {
		if !d.Decode(f) {
			t.Errorf("no data: %s", f)
		}
	}
	btc := listed()[0]
	at := []time.Time{time.UnixMilli(1791565600992).UTC(), time.UnixMilli(1791565601058).UTC()}
	want := []feeds.Update{
		{Contract: &btc, Kind: feeds.Liquidation, At: at[0], Order: market.Liquidation{At: at[0], Side: market.Long, Coins: 0.006, PriceUSD: 82396.90}},
		{Contract: &btc, Kind: feeds.Liquidation, At: at[1], Order: market.Liquidation{At: at[1], Side: market.Long, Coins: 0.038, PriceUSD: 82394.30}},
	}
	if diff := cmp.Diff(want, updates(c), bySymbol); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	usd := 0.0
	for _, u := range updates(c) {
		usd += u.Order.NotionalUSD()
	}
	if diff := cmp.Diff(0.006*82396.90+0.038*82394.30, usd, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
		t.Errorf("notional (-want +got):\n%s", diff)
	}
}

// TestSideAgainstMark checks the side by the bankruptcy price, which lies below the mark
// for a long that is liquidated.
func TestSideAgainstMark(t *testing.T) {
	var row struct {
		Raw   string  `json:"raw_side"`
		Qty   float64 `json:"qty"`
		Price float64 `json:"price"`
		Mark  float64 `json:"mark_price"`
		At    int64   `json:"event_ts"`
	}
	if err := json.Unmarshal(lines(t, "derived_liquidations_2026-04-03.jsonl")[0], &row); err != nil {
		t.Fatal(err)
	}
	frame, err := json.Marshal(map[string]any{"topic": "allLiquidation.ETHUSDT", "type": "snapshot", "ts": row.At, "data": []any{
		map[string]any{"T": row.At, "s": "ETHUSDT", "S": row.Raw, "v": "0.75", "p": "2046.51"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	d, c := decoder(recorded)
	d.Decode(frame)
	got := updates(c)
	if len(got) != 1 || got[0].Order.Coins != row.Qty || got[0].Order.PriceUSD != row.Price {
		t.Fatalf("got %+v", got)
	}
	if side := got[0].Order.Side; side != market.Long || row.Price > row.Mark {
		t.Errorf("%s at %g below mark %g gave %s", row.Raw, row.Price, row.Mark, side)
	}
}

func TestRecordedTickers(t *testing.T) {
	d, c := decoder(recorded)
	for _, f := range lines(t, "ws_tickers_2026-08-13.jsonl") {
		if !d.Decode(f) {
			t.Errorf("no data: %s", f)
		}
	}
	btc := listed()[0]
	want := feeds.Update{
		Contract: &btc, Kind: feeds.Ticker, At: time.UnixMilli(1786659827683).UTC(),
		MarkUSD: 63560.80, IndexUSD: 63585.51, LastUSD: 63561.60, OpenInterestCoins: 29986.128,
		HasFunding: true, FundingRate: 0.00005013, FundingInterval: 8 * time.Hour, FundingAt: time.UnixMilli(1786665600000).UTC(),
	}
	next := want
	next.At, next.IndexUSD = time.UnixMilli(1786659827983).UTC(), 63585.74
	if diff := cmp.Diff([]feeds.Update{want, next}, updates(c), bySymbol); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMultiplier(t *testing.T) {
	d, c := decoder(recorded)
	d.Decode([]byte(`{"topic":"tickers.1000PEPEUSDT","type":"snapshot","data":{"symbol":"1000PEPEUSDT","markPrice":"0.004411","openInterest":"2000","singleOpenInterest":"1000"},"ts":1791565600000}`))
	d.Decode([]byte(`{"topic":"allLiquidation.1000PEPEUSDT","type":"snapshot","ts":1791565601482,"data":[{"T":1791565600992,"s":"1000PEPEUSDT","S":"Sell","v":"5000","p":"0.0045"}]}`))
	got := updates(c)
	if len(got) != 2 {
		t.Fatalf("%d updates; dropped %v", len(got), c.Drops())
	}
	if u := got[0]; math.Abs(u.MarkUSD-0.004411e-3) > 1e-15 || u.OpenInterestCoins != 1e6 {
		t.Errorf("ticker: mark %g, %g coins", u.MarkUSD, u.OpenInterestCoins)
	}
	if o := got[1].Order; o.Side != market.Short || o.Coins != 5e6 || math.Abs(o.PriceUSD-0.0045e-3) > 1e-15 {
		t.Errorf("order: %+v", o)
	}
}

// messages is what comes in a test and what has to become of it.
type messages struct {
	frames  []string
	drops   map[feeds.Reason]int
	marks   []float64
	coins   []float64
	orders  int
	useless bool // the last frame is no data
}

func badMessages() map[string]messages {
	const snapshot = `{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","markPrice":"90000","openInterest":"100"},"ts":1791565600000}`
	ticker := func(kind, data, ts string) string {
		return `{"topic":"tickers.BTCUSDT","type":"` + kind + `","data":` + data + `,"ts":` + ts + `}`
	}
	return map[string]messages{
		"delta without snapshot":            {frames: []string{ticker("delta", `{"markPrice":"7"}`, "1791565600000")}, drops: map[feeds.Reason]int{feeds.OutOfOrder: 1}, useless: true},
		"older":                             {frames: []string{snapshot, ticker("delta", `{"markPrice":"7"}`, "1791565599999")}, drops: map[feeds.Reason]int{feeds.OutOfOrder: 1}, marks: []float64{90000}, coins: []float64{50}, useless: true},
		"far in the future":                 {frames: []string{ticker("snapshot", `{"markPrice":"7"}`, "1791579999999")}, drops: map[feeds.Reason]int{feeds.OutOfOrder: 1}, useless: true},
		"mark of the wrong type":            {frames: []string{snapshot, ticker("delta", `{"markPrice":"NaN"}`, "1791565600100")}, drops: map[feeds.Reason]int{feeds.WrongType: 1}, marks: []float64{90000}, coins: []float64{50}, useless: true},
		"mark as a list":                    {frames: []string{snapshot, ticker("delta", `{"markPrice":[7],"indexPrice":"7"}`, "1791565600100")}, drops: map[feeds.Reason]int{feeds.WrongType: 1}, marks: []float64{90000}, coins: []float64{50}, useless: true},
		"mark of zero":                      {frames: []string{snapshot, ticker("delta", `{"markPrice":"0"}`, "1791565600100")}, drops: map[feeds.Reason]int{feeds.Impossible: 1}, marks: []float64{90000}, coins: []float64{50}, useless: true},
		"negative open interest":            {frames: []string{snapshot, ticker("delta", `{"openInterest":"-1"}`, "1791565600100")}, drops: map[feeds.Reason]int{feeds.Impossible: 1}, marks: []float64{90000}, coins: []float64{50}, useless: true},
		"funding of 60 percent":             {frames: []string{snapshot, ticker("delta", `{"fundingRate":"0.6"}`, "1791565600100")}, drops: map[feeds.Reason]int{feeds.Impossible: 1}, marks: []float64{90000}, coins: []float64{50}, useless: true},
		"another symbol inside":             {frames: []string{ticker("snapshot", `{"symbol":"ETHUSDT","markPrice":"7"}`, "1791565600000")}, drops: map[feeds.Reason]int{feeds.WrongType: 1}, useless: true},
		"neither snapshot nor delta":        {frames: []string{ticker("update", `{"markPrice":"7"}`, "1791565600000")}, drops: map[feeds.Reason]int{feeds.WrongType: 1}, useless: true},
		"without a time":                    {frames: []string{ticker("snapshot", `{"markPrice":"7"}`, "null")}, drops: map[feeds.Reason]int{feeds.WrongType: 1}, useless: true},
		"unknown contract":                  {frames: []string{`{"topic":"tickers.BTCUSD","type":"snapshot","data":{"markPrice":"7"},"ts":1791565600000}`}, drops: map[feeds.Reason]int{feeds.UnknownContract: 1}, useless: true},
		"a topic that was not asked for":    {frames: []string{`{"topic":"kline.5.BTCUSDT","type":"snapshot","data":[],"ts":1791565600000}`}, drops: map[feeds.Reason]int{feeds.Garbage: 1}, useless: true},
		"a message behind the message":      {frames: []string{snapshot + "{}"}, drops: map[feeds.Reason]int{feeds.Garbage: 1}, useless: true},
		"half a message":                    {frames: []string{snapshot[:80]}, drops: map[feeds.Reason]int{feeds.Garbage: 1}, useless: true},
		"a refusal":                         {frames: []string{`{"success":false,"ret_msg":"Invalid symbol","req_id":"1","op":"subscribe"}`}, drops: map[feeds.Reason]int{feeds.Refused: 1}, useless: true},
		"the retired topic of one a second": {frames: []string{`{"topic":"liquidation.BTCUSDT","type":"snapshot","ts":1791565600000,"data":{"side":"Buy","size":"1","price":"1","updatedTime":1791565600000}}`}, drops: map[feeds.Reason]int{feeds.Garbage: 1}, useless: true},
	}
}

func goodMessages() map[string]messages {
	const snapshot = `{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","markPrice":"90000","openInterest":"100"},"ts":1791565600000}`
	ticker := func(kind, data, ts string) string {
		return `{"topic":"tickers.BTCUSDT","type":"` + kind + `","data":` + data + `,"ts":` + ts + `}`
	}
	return map[string]messages{
		"a missing field did not change": {frames: []string{snapshot, ticker("delta", `{"openInterest":"120"}`, "1791565600100")}, marks: []float64{90000, 90000}, coins: []float64{50, 60}},
		"an empty field did not change":  {frames: []string{snapshot, ticker("delta", `{"markPrice":"","openInterest":null,"indexPrice":"1"}`, "1791565600100")}, marks: []float64{90000, 90000}, coins: []float64{50, 50}},
		"one side is better than both":   {frames: []string{ticker("snapshot", `{"markPrice":"1","openInterest":"100","singleOpenInterest":"49"}`, "1791565600000")}, marks: []float64{1}, coins: []float64{49}},
		"a snapshot forgets":             {frames: []string{snapshot, ticker("snapshot", `{"markPrice":"91000"}`, "1791565600100")}, marks: []float64{90000, 91000}, coins: []float64{50, 0}},
		"what nobody needs is not told":  {frames: []string{snapshot, ticker("delta", `{"bid1Price":"1"}`, "1791565600100")}, marks: []float64{90000}, coins: []float64{50}},
		"but after a second it is":       {frames: []string{snapshot, ticker("delta", `{"bid1Price":"1"}`, "1791565601000")}, marks: []float64{90000, 90000}, coins: []float64{50, 50}},
		"data before its topic":          {frames: []string{`{"ts":1791565600000,"data":{"markPrice":"7"},"type":"snapshot","topic":"tickers.BTCUSDT"}`}, marks: []float64{7}, coins: []float64{0}},
		"data as a list":                 {frames: []string{ticker("snapshot", `[{"markPrice":"7"}]`, "1791565600000")}, marks: []float64{7}, coins: []float64{0}},
	}
}

func orderMessages() map[string]messages {
	order := func(event string) string {
		return `{"topic":"allLiquidation.BTCUSDT","type":"snapshot","ts":1791565601482,"data":[` + event + `]}`
	}
	const good = `{"T":1791565600992,"s":"BTCUSDT","S":"Buy","v":"0.006","p":"82396.90"}`
	return map[string]messages{
		"the same order again":            {frames: []string{order(good), order(good)}, drops: map[feeds.Reason]int{feeds.Duplicate: 1}, orders: 1},
		"two equal orders in a message":   {frames: []string{order(good + "," + good), order(good + "," + good)}, drops: map[feeds.Reason]int{feeds.Duplicate: 2}, orders: 2},
		"an order beside a broken one":    {frames: []string{order(`{"T":1791565600992,"s":"BTCUSDT","S":"Buy","v":{},"p":"1"},` + good)}, drops: map[feeds.Reason]int{feeds.WrongType: 1}, orders: 1},
		"a side in other words":           {frames: []string{order(`{"T":1791565600992,"s":"BTCUSDT","S":"long","v":"1","p":"1"}`)}, drops: map[feeds.Reason]int{feeds.WrongType: 1}},
		"an order without size":           {frames: []string{order(`{"T":1791565600992,"s":"BTCUSDT","S":"Buy","v":"","p":"1"}`)}, drops: map[feeds.Reason]int{feeds.WrongType: 1}},
		"an order of nothing":             {frames: []string{order(`{"T":1791565600992,"s":"BTCUSDT","S":"Buy","v":"0","p":"1"}`)}, drops: map[feeds.Reason]int{feeds.Impossible: 1}},
		"an order of an unknown contract": {frames: []string{order(`{"T":1791565600992,"s":"BTCUSD","S":"Buy","v":"1","p":"1"}`)}, drops: map[feeds.Reason]int{feeds.UnknownContract: 1}},
		"an order of the far future":      {frames: []string{order(`{"T":1791579999999,"s":"BTCUSDT","S":"Buy","v":"1","p":"1"}`)}, drops: map[feeds.Reason]int{feeds.OutOfOrder: 1}},
	}
}

func TestMessages(t *testing.T) {
	tests := goodMessages()
	maps.Copy(tests, badMessages())
	maps.Copy(tests, orderMessages())
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, c := decoder(recorded)
			useful := false
			for _, f := range tt.frames {
				useful = d.Decode([]byte(f))
			}
			if useful == tt.useless {
				t.Errorf("last frame is data: %v", useful)
			}
			var marks, coins []float64
			orders := 0
			for _, u := range updates(c) {
				if u.Kind == feeds.Liquidation {
					orders++
					continue
				}
				marks, coins = append(marks, u.MarkUSD), append(coins, u.OpenInterestCoins)
			}
			if diff := cmp.Diff(tt.marks, marks); diff != "" {
				t.Errorf("marks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.coins, coins); diff != "" {
				t.Errorf("coins (-want +got):\n%s", diff)
			}
			if orders != tt.orders {
				t.Errorf("%d orders, want %d", orders, tt.orders)
			}
			if diff := cmp.Diff(tt.drops, c.Drops(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReset: after a new connection nothing that was known may be mixed with deltas.
func TestReset(t *testing.T) {
	d, c := decoder(recorded)
	frames := lines(t, "ws_tickers_2026-08-13.jsonl")
	d.Decode(frames[0])
	d.Reset()
	if d.Decode(frames[1]) {
		t.Error("a delta without its snapshot passed for data")
	}
	if n := len(updates(c)); n != 1 || c.Drops()[feeds.OutOfOrder] != 1 {
		t.Errorf("%d updates, dropped %v", n, c.Drops())
	}
}

func TestAnswersAreNoData(t *testing.T) {
	d, c := decoder(recorded)
	for _, f := range lines(t, "ws_control.jsonl") {
		if d.Decode(f) {
			t.Errorf("data: %s", f)
		}
	}
	if len(c.Drops()) != 0 || len(updates(c)) != 0 {
		t.Errorf("dropped %v, updates %v", c.Drops(), updates(c))
	}
}
