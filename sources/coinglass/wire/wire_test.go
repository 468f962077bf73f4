package wire_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/sources/coinglass/wire"
)

// data opens a reply of testdata and returns what is in the envelope.
func data(tb testing.TB, file string) []byte {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		tb.Fatal(err)
	}
	reply, err := wire.DecodeReply(body)
	if err != nil || reply.Code != wire.Success {
		tb.Fatalf("envelope of %s: %+v, %v", file, reply, err)
	}
	return reply.Data
}

// decoded fails the test unless a decoder turns data into want.
func decoded[T any](t *testing.T, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

func TestDecodeReply(t *testing.T) {
	tests := []struct {
		name, body string
		want       wire.Reply
		err        error
	}{
		{"success", `{"code":"0","msg":"success","data":[1]}`, wire.Reply{Code: "0", Message: "success", Data: []byte("[1]")}, nil},
		{"code as number", `{"code":0,"data":{}}`, wire.Reply{Code: "0", Data: []byte("{}")}, nil},
		{"refusal", `{"code":401,"msg":"Upgrade plan","data":null}`, wire.Reply{Code: "401", Message: "Upgrade plan"}, nil},
		{"odd message", `{"code":"500","msg":{"a":1},"success":false}`, wire.Reply{Code: "500"}, nil},
		{"space around", " \n{\"code\":\"0\"}\n ", wire.Reply{Code: "0"}, nil},
		{"no code", `{"data":[1]}`, wire.Reply{}, wire.ErrShape},
		{"null code", `{"code":null,"data":[1]}`, wire.Reply{}, wire.ErrShape},
		{"empty", ``, wire.Reply{}, wire.ErrNotJSON},
		{"null", `null`, wire.Reply{}, wire.ErrNotJSON},
		{"array", `[]`, wire.Reply{}, wire.ErrNotJSON},
		{"page", `<html>busy</html>`, wire.Reply{}, wire.ErrNotJSON},
		{"cut short", `{"code":"0","data":{"data":{"1":[[1,`, wire.Reply{}, wire.ErrNotJSON},
		{"trailing text", `{"code":"0"} oops`, wire.Reply{}, wire.ErrNotJSON},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.DecodeReply([]byte(tt.body))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDocumentedMaps(t *testing.T) {
	tests := []struct {
		file string
		want wire.Map
	}{
		{"aggregated_map_EN.json", wire.Map{Levels: []wire.Level{{PriceUSD: 48935, IntensityUSD: 1579370.77}}}},
		{"pair_map_EN.json", wire.Map{Levels: []wire.Level{{PriceUSD: 48935, IntensityUSD: 1579370.77, Leverage: 25}}}},
		{"aggregated_map_CN.json", wire.Map{Levels: []wire.Level{
			{PriceUSD: 103444, IntensityUSD: 1465772.55},
			{PriceUSD: 103568, IntensityUSD: 1361864.79},
			{PriceUSD: 103692, IntensityUSD: 4429396.75},
		}}},
		{"pair_map_CN.json", wire.Map{Levels: []wire.Level{ // the rows' prices, not the buckets' keys
			{PriceUSD: 103394, IntensityUSD: 1465772.55, Leverage: 10},
			{PriceUSD: 103543, IntensityUSD: 1189582.29, Leverage: 10},
			{PriceUSD: 103650, IntensityUSD: 2609224.58, Leverage: 10},
		}}},
		{"aggregated_map_by_exchange.json", wire.Map{
			Levels: []wire.Level{
				{PriceUSD: 76500, IntensityUSD: 1200000.5, Venue: "Binance"},
				{PriceUSD: 76500, IntensityUSD: 800000.25, Venue: "Binance"},
				{PriceUSD: 78600, IntensityUSD: 3100000.75, Venue: "Binance"},
				{PriceUSD: 76480, IntensityUSD: 400000, Venue: "OKX"},
				{PriceUSD: 78610, IntensityUSD: 900000, Venue: "OKX"},
			},
			LastPriceUSD: 77860,
			Venues:       []string{"Binance", "OKX"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got, err := wire.DecodeMap(data(t, tt.file))
			decoded(t, got, err, tt.want)
		})
	}
}

func TestMapShapes(t *testing.T) {
	one := []wire.Level{{PriceUSD: 100, IntensityUSD: 5}}
	tests := []struct {
		name, data string
		want       wire.Map
	}{
		{"keyed", `{"data":{"100":[[100,5,null,null]]}}`, wire.Map{Levels: one}},
		{"keyed without wrapping", `{"100":[[100,5,null,null]]}`, wire.Map{Levels: one}},
		{"keyed with price", `{"data":{"100":[[100,5]]},"last_price":"99.5"}`, wire.Map{Levels: one, LastPriceUSD: 99.5}},
		{"element without array", `{"data":{"liqMapV2":{"100":[[100,5]]},"instrument":{}}}`, wire.Map{Levels: one}},
		{"elements", `{"data":[{"liqMapV2":{"100":[[100,5]]}}]}`, wire.Map{Levels: one}},
		{"bare array", `[{"liqMapV2":{"100":[[100,5]]}}]`, wire.Map{Levels: one}},
		{"null price beside", `{"data":[{"liqMapV2":{"100":[[100,5]]}}],"last_price":null}`, wire.Map{Levels: one}},
		{"numbers as strings", `{"data":{"100":[["100","5.0",null,null]]}}`, wire.Map{Levels: one}},
		{"null rows", `{"data":{"100":[null,[100,5],[100,null],[null,7],[]],"101":null}}`, wire.Map{Levels: one}},
		{"unknown fields", `{"data":{"100":[[100,5,null,null,"new",{"x":1}]],"update_time":1,"notes":["a"]},"new":[]}`, wire.Map{Levels: one}},
		{"unreadable tier", `{"data":{"100":[[100,5,"many",null]]}}`, wire.Map{Levels: one}},
		{"venue that cannot be shown", `[{"liqMapV2":{"100":[[100,5]]},"instrument":{"exName":"a\u0000b"}}]`, wire.Map{Levels: one}},
		{"empty", `{"data":{}}`, wire.Map{}},
		{"null inside", `{"data":null}`, wire.Map{}},
		{"null", `null`, wire.Map{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.DecodeMap([]byte(tt.data))
			decoded(t, got, err, tt.want)
		})
	}
}

func TestBadMaps(t *testing.T) {
	tests := []struct {
		name, data string
		want       error
	}{
		{"negative level", `{"data":{"100":[[100,-5]]}}`, wire.ErrFigure},
		{"zero price", `{"data":{"100":[[0,5]]}}`, wire.ErrFigure},
		{"NaN", `{"data":{"100":[["NaN",5]]}}`, wire.ErrFigure},
		{"infinite", `{"data":{"100":[[100,1e999]]}}`, wire.ErrFigure},
		{"words", `{"data":{"100":[[100,"much"]]}}`, wire.ErrFigure},
		{"zero reference price", `{"data":{"100":[[100,5]]},"last_price":0}`, wire.ErrFigure},
		{"one figure", `{"data":{"100":[[100]]}}`, wire.ErrShape},
		{"rows that are none", `{"data":{"100":7}}`, wire.ErrShape},
		{"row that is none", `{"data":{"100":[{"price":100}]}}`, wire.ErrShape},
		{"map that is none", `{"data":[{"liqMapV2":[1]}]}`, wire.ErrShape},
		{"text", `"nothing"`, wire.ErrShape},
		{"number inside", `{"data":3}`, wire.ErrShape},
		{"elements that are none", `[1,2]`, wire.ErrShape},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.DecodeMap([]byte(tt.data))
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if diff := cmp.Diff(wire.Map{}, got); diff != "" {
				t.Errorf("a value beside the error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCandles(t *testing.T) {
	got, err := wire.DecodeCandles(data(t, "price_history.json"))
	decoded(t, got, err, []wire.Candle{
		{Open: time.UnixMilli(1745366400000).UTC(), OpenUSD: 93404.9, HighUSD: 93864.9, LowUSD: 92730, CloseUSD: 92858.2},
		{Open: time.UnixMilli(1745370000000).UTC(), OpenUSD: 92858.2, HighUSD: 93464.8, LowUSD: 92552, CloseUSD: 92603.8},
	})
}

func TestCandleRows(t *testing.T) {
	first := wire.Candle{Open: time.Unix(1745366400, 0).UTC(), OpenUSD: 1, HighUSD: 4, LowUSD: 0.5, CloseUSD: 2}
	second := first
	second.Open = first.Open.Add(time.Minute)
	tests := []struct {
		name, data string
		want       []wire.Candle
		err        error
	}{
		{"numbers", `[{"time":1745366400000,"open":1,"high":4,"low":0.5,"close":2}]`, []wire.Candle{first}, nil},
		{"seconds", `[{"time":1745366400,"open":"1","high":"4","low":"0.5","close":"2"}]`, []wire.Candle{first}, nil},
		{"newest first", `[{"time":1745366460000,"open":1,"high":4,"low":0.5,"close":2},{"time":1745366400000,"open":1,"high":4,"low":0.5,"close":2}]`, []wire.Candle{first, second}, nil},
		{"nulls are left out", `[null,{"time":1745366400000,"open":1,"high":4,"low":0.5,"close":null}]`, nil, nil},
		{"nothing", `null`, nil, nil},
		{"zero price", `[{"time":1745366400000,"open":1,"high":4,"low":0.5,"close":0}]`, nil, wire.ErrFigure},
		{"time far off", `[{"time":1e17,"open":1,"high":4,"low":0.5,"close":1}]`, nil, wire.ErrFigure},
		{"no list", `{"time":1}`, nil, wire.ErrShape},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.DecodeCandles([]byte(tt.data))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("candles (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDocumentedFigures(t *testing.T) {
	t.Run("liquidated", func(t *testing.T) {
		got, err := wire.DecodeLiquidated(data(t, "liquidation_exchange_list.json"))
		decoded(t, got, err, wire.Liquidated{LongUSD: 451394.17404598, ShortUSD: 14222125.64334477})
	})
	t.Run("open interest", func(t *testing.T) {
		got, err := wire.DecodeOpenInterest(data(t, "oi_exchange_list.json"))
		decoded(t, got, err, wire.OpenInterest{USD: 57437891724.5572, Coins: 659557.3064, Change24h: 0.9, HasChange24h: true})
	})
	t.Run("fundings", func(t *testing.T) {
		got, err := wire.DecodeFundings(data(t, "funding_exchange_list.json"))
		decoded(t, got, err, wire.Fundings{"BTC": {
			{Venue: "Binance", Percent: 0.007343, Interval: 8 * time.Hour},
			{Venue: "OKX", Percent: 0.00736901950628, Interval: 8 * time.Hour},
		}})
	})
	t.Run("flows", func(t *testing.T) {
		got, err := wire.DecodeFlows(data(t, "etf_bitcoin_flow.json"))
		decoded(t, got, err, []wire.FlowDay{{Day: time.Date(2024, 1, 11, 0, 0, 0, 0, time.UTC), NetUSD: 655300000, PriceUSD: 46663}})
	})
	t.Run("instruments", func(t *testing.T) {
		got, err := wire.DecodeInstruments(data(t, "supported_exchange_pairs.json"))
		decoded(t, got, err, map[string][]wire.Instrument{
			"Binance": {{ID: "BTCUSD_PERP", Base: "BTC", Quote: "USD"}, {ID: "BTCUSD_250627", Base: "BTC", Quote: "USD"}},
			"Bitget":  {{ID: "BTCUSDT_UMCBL", Base: "BTC", Quote: "USDT"}, {ID: "ETHUSDT_UMCBL", Base: "ETH", Quote: "USDT"}},
		})
	})
}

func TestFigureRows(t *testing.T) {
	t.Run("liquidations without a total", func(t *testing.T) {
		_, err := wire.DecodeLiquidated([]byte(`[{"exchange":"Bybit","long_liquidation_usd":1,"short_liquidation_usd":2}]`))
		wantError(t, err, wire.ErrShape)
	})
	t.Run("a missing side is not zero", func(t *testing.T) {
		_, err := wire.DecodeLiquidated([]byte(`[{"exchange":"All","long_liquidation_usd":1}]`))
		wantError(t, err, wire.ErrFigure)
	})
	t.Run("open interest without change", func(t *testing.T) {
		got, err := wire.DecodeOpenInterest([]byte(`[{"exchange":"All","open_interest_usd":"5","open_interest_quantity":2,"open_interest_change_percent_24h":null}]`))
		decoded(t, got, err, wire.OpenInterest{USD: 5, Coins: 2})
	})
	t.Run("negative open interest", func(t *testing.T) {
		_, err := wire.DecodeOpenInterest([]byte(`[{"exchange":"All","open_interest_usd":-5,"open_interest_quantity":2}]`))
		wantError(t, err, wire.ErrFigure)
	})
	t.Run("a rate without interval is left out", func(t *testing.T) {
		got, err := wire.DecodeFundings([]byte(`[{"symbol":"BTC","stablecoin_margin_list":[{"exchange":"A","funding_rate":1},{"exchange":"B","funding_rate_interval":"4","funding_rate":"-0.5"}]}]`))
		decoded(t, got, err, wire.Fundings{"BTC": {{Venue: "B", Percent: -0.5, Interval: 4 * time.Hour}}})
	})
	t.Run("a day without flow is left out, the later of two counts", func(t *testing.T) {
		got, err := wire.DecodeFlows([]byte(`[{"timestamp":1704931200000,"flow_usd":1},{"timestamp":1704931200000,"flow_usd":2,"price_usd":null},{"timestamp":1705017600000,"flow_usd":null}]`))
		decoded(t, got, err, []wire.FlowDay{{Day: time.UnixMilli(1704931200000).UTC(), NetUSD: 2}})
	})
	t.Run("coins", func(t *testing.T) {
		got, err := wire.DecodeCoins([]byte(`["BTC",null,"kPEPE",{},"ETH"]`))
		decoded(t, got, err, []string{"BTC", "kPEPE", "ETH"})
	})
}

func TestSubscription(t *testing.T) {
	tests := []struct {
		name, data string
		want       wire.Subscription
		err        error
	}{
		{"documented", `{"level":"PROFESSIONAL","expire_time":1805943491000,"expired":false}`, wire.Subscription{Level: "PROFESSIONAL", Expires: time.UnixMilli(1805943491000).UTC()}, nil},
		{"expired", `{"level":"HOBBYIST","expired":true}`, wire.Subscription{Level: "HOBBYIST", Expired: true}, nil},
		{"no level", `{"expired":true}`, wire.Subscription{}, wire.ErrShape},
		{"null", `null`, wire.Subscription{}, wire.ErrShape},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.DecodeSubscription([]byte(tt.data))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("subscription (-want +got):\n%s", diff)
			}
		})
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}
