package binance_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/feeds"
	"liqbot/feeds/binance"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

func btcAndPepe() []market.Contract {
	return []market.Contract{
		{Venue: "Binance", Symbol: "BTCUSDT", Coin: "BTC", QuotedCoins: 1, ContractCoins: 1, Quote: "USDT", FundingInterval: 8 * time.Hour},
		{Venue: "Binance", Symbol: "1000PEPEUSDT", Coin: "PEPE", QuotedCoins: 1000, ContractCoins: 1000, Quote: "USDT", FundingInterval: 4 * time.Hour},
		{Venue: "Binance", Symbol: "COTIUSDT", Coin: "COTI", QuotedCoins: 1, ContractCoins: 1, Quote: "USDT", FundingInterval: 8 * time.Hour},
		{Venue: "Binance", Symbol: "BIGTIMEUSDT", Coin: "BIGTIME", QuotedCoins: 1, ContractCoins: 1, Quote: "USDT", FundingInterval: 8 * time.Hour},
	}
}

// lateEnough is behind all recordings.
func lateEnough() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }

func decode(list []market.Contract, frames ...[]byte) *feedtest.Collector {
	c := feedtest.NewCollector()
	d := binance.NewDecoder(list, c, lateEnough)
	for _, f := range frames {
		d.Decode(f)
	}
	return c
}

// Which side of a print means that a LONG was liquidated, from recorded frames.
func TestRecordedLiquidations(t *testing.T) {
	list := btcAndPepe()
	tests := map[string]struct {
		frame []byte
		want  market.Liquidation
		usd   float64
	}{
		"a sale closes a long": {
			frame: lines(t, "ws_forceorder_2026-10-09.jsonl")[0],
			want:  market.Liquidation{At: time.UnixMilli(1791565602120).UTC(), Side: market.Long, Coins: 0.19, PriceUSD: 82651.9},
			usd:   15703.861,
		},
		"a bare event of 2023": {
			frame: lines(t, "ws_forceorder_2023.jsonl")[0],
			want:  market.Liquidation{At: time.UnixMilli(1695714031881).UTC(), Side: market.Long, Coins: 0.115, PriceUSD: 26245.1},
			usd:   3018.1865,
		},
		"a purchase closes a short": {
			frame: lines(t, "ws_forceorder_testnet_2026-09-17.jsonl")[0],
			want:  market.Liquidation{At: time.UnixMilli(1789672235690).UTC(), Side: market.Short, Coins: 288183, PriceUSD: 0.021912},
			usd:   6314.665896,
		},
		"thousands of a coin": {
			frame: []byte(`{"e":"forceOrder","E":1791565603055,"o":{"s":"1000PEPEUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"9000","p":"0.0043","ap":"0.0044","X":"FILLED","l":"1","z":"5000","T":1791565602120,"ps":"1000PEPEUSDT","st":1}}`),
			want:  market.Liquidation{At: time.UnixMilli(1791565602120).UTC(), Side: market.Long, Coins: 5e6, PriceUSD: 0.0000044},
			usd:   22,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := decode(list, test.frame)
			got := c.Updates()
			if len(got) != 1 || got[0].Kind != feeds.Liquidation || !got[0].At.Equal(test.want.At) {
				t.Fatalf("got %+v, dropped %v", got, c.Drops())
			}
			if diff := cmp.Diff(test.want, got[0].Order, exact); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.usd, got[0].Order.NotionalUSD(), exact); diff != "" {
				t.Errorf("notional (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecordedMarks(t *testing.T) {
	list := btcAndPepe()
	frames := lines(t, "ws_markprice_aggtrade_2026-10-06.jsonl")
	want := feeds.Update{
		Contract: &list[0], Kind: feeds.Ticker, At: time.UnixMilli(1791269856000).UTC(), MarkUSD: 85296.60260870, IndexUSD: 85345.93826087,
		HasFunding: true, FundingRate: 0.00000523, FundingInterval: 8 * time.Hour, FundingAt: time.UnixMilli(1791273600000).UTC(),
	}
	for name, frame := range map[string]string{
		"bare":           string(frames[0]),
		"enveloped":      `{"stream":"btcusdt@markPrice@1s","data":` + string(frames[0]) + `}`,
		"data first":     `{"data":` + string(frames[0]) + `,"stream":"btcusdt@markPrice@1s"}`,
		"list":           `[` + string(frames[0]) + `]`,
		"enveloped list": `{"stream":"!markPrice@arr@1s","data":[` + string(frames[0]) + `]}`,
	} {
		c := decode(list, []byte(frame))
		if diff := cmp.Diff([]feeds.Update{want}, c.Updates()); diff != "" || len(c.Drops()) > 0 {
			t.Errorf("%s: dropped %v, updates (-want +got):\n%s", name, c.Drops(), diff)
		}
	}
	if c := decode(list, frames[1]); len(c.Updates()) != 0 {
		t.Errorf("a trade became %+v", c.Updates())
	}
}

func TestRecordedChange(t *testing.T) {
	c := decode(btcAndPepe(), lines(t, "ws_contractinfo_2023.jsonl")...)
	if u := c.Updates(); len(u) != 1 || u[0].Kind != feeds.ContractChanged || u[0].Contract.Symbol != "BIGTIMEUSDT" {
		t.Errorf("got %+v, dropped %v", u, c.Drops())
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	mark := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(`{"e":"markPriceUpdate","E":1791269856000,"s":"BTCUSDT","p":"85296.6","P":"1","i":"85345.9","r":"0.00001","T":1791273600000,"st":1}`)
	}
	order := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(`{"e":"forceOrder","E":1791565603055,"o":{"s":"BTCUSDT","S":"SELL","p":"82338.30","ap":"82651.90","z":"0.190","T":1791565602120,"st":1}}`)
	}
	tests := map[string]struct {
		frame string
		why   feeds.Reason
	}{
		"coin-margined":        {string(lines(t, "ws_coinm_markprice_2026-09-25.jsonl")[0]), feeds.UnknownContract},
		"coin-margined order":  {order(`"st":1`, `"st":2`), feeds.UnknownContract},
		"other symbol":         {mark("BTCUSDT", "XRPUSDT"), feeds.UnknownContract},
		"chinese symbol":       {mark("BTCUSDT", "币安人生USDT"), feeds.UnknownContract},
		"no symbol":            {mark(`"s":"BTCUSDT",`, ``), feeds.WrongType},
		"symbol is a number":   {mark(`"BTCUSDT"`, `7`), feeds.WrongType},
		"mark is true":         {mark(`"85296.6"`, `true`), feeds.WrongType},
		"mark is text":         {mark(`85296.6`, `much`), feeds.WrongType},
		"mark is NaN":          {mark(`85296.6`, `NaN`), feeds.WrongType},
		"mark is empty":        {mark(`85296.6`, ``), feeds.WrongType},
		"mark is zero":         {mark(`85296.6`, `0`), feeds.Impossible},
		"mark is negative":     {mark(`85296.6`, `-1`), feeds.Impossible},
		"index is a list":      {mark(`"85345.9"`, `[1]`), feeds.WrongType},
		"index is negative":    {mark(`85345.9`, `-5`), feeds.Impossible},
		"funding is absurd":    {mark(`0.00001`, `7`), feeds.Impossible},
		"time is text":         {mark(`1791269856000`, `"now"`), feeds.WrongType},
		"no time":              {mark(`"E":1791269856000,`, ``), feeds.WrongType},
		"in the future":        {mark(`1791269856000`, `1893456000000`), feeds.OutOfOrder},
		"before there was one": {mark(`1791269856000`, `1`), feeds.WrongType},
		"order has no side":    {order(`SELL`, `SALE`), feeds.WrongType},
		"order of nothing":     {order(`0.190`, `0`), feeds.Impossible},
		"order without price":  {order(`"ap":"82651.90",`, ``), feeds.WrongType},
		"order is no object":   {`{"e":"forceOrder","E":1791565603055,"o":"BTCUSDT"}`, feeds.WrongType},
		"order in the future":  {order(`1791565602120`, `1893456000000`), feeds.OutOfOrder},
		"refused":              {`{"code":2,"msg":"Invalid request: unknown variant","id":1}`, feeds.Refused},
		"refused, other shape": {`{"error":{"code":2,"msg":"Invalid request"},"id":1}`, feeds.Refused},
		"unknown event":        {`{"e":"kline","E":1,"s":"BTCUSDT","k":{"o":"1"}}`, feeds.Garbage},
		"nothing":              {`{}`, feeds.Garbage},
		"cut off":              {mark()[:80], feeds.Garbage},
		"something behind":     {mark() + "x", feeds.Garbage},
		"two messages":         {mark() + mark(), feeds.Garbage},
		"text":                 {`"x"`, feeds.Garbage},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := decode(btcAndPepe(), []byte(test.frame))
			if diff := cmp.Diff(map[feeds.Reason]int{test.why: 1}, c.Drops()); diff != "" || len(c.Updates()) != 0 {
				t.Errorf("updates %+v, dropped (-want +got):\n%s", c.Updates(), diff)
			}
		})
	}
	if c := decode(btcAndPepe(), []byte(mark()), []byte(order()), []byte(`{"result":null,"id":1}`)); len(c.Updates()) != 2 || len(c.Drops()) != 0 {
		t.Errorf("sound frames became %+v, dropped %v", c.Updates(), c.Drops())
	}
}

func TestOlderMarkIsOutOfOrder(t *testing.T) {
	at := func(symbol string, ms int64) []byte {
		return fmt.Appendf(nil, `{"e":"markPriceUpdate","E":%d,"s":%q,"p":"1","i":"1","r":"","T":0}`, ms, symbol)
	}
	c := decode(btcAndPepe(), at("BTCUSDT", 1791269856000), at("BTCUSDT", 1791269855999), at("1000PEPEUSDT", 1791269855000), at("BTCUSDT", 1791269856000))
	if n := len(c.Updates()); n != 3 || c.Drops()[feeds.OutOfOrder] != 1 {
		t.Errorf("%d updates, dropped %v", n, c.Drops())
	}
	if u := c.Updates()[0]; u.HasFunding || !u.FundingAt.IsZero() {
		t.Errorf("funding that was not told is %+v", u)
	}
}

// An answer does not prove that data comes, nor does a forced order: only marks do.
func TestOnlyMarksAreASignOfLife(t *testing.T) {
	d := binance.NewDecoder(btcAndPepe(), feedtest.NewCollector(), lateEnough)
	for name, frame := range map[string][]byte{
		"answer": []byte(`{"result":null,"id":1}`), "order": lines(t, "ws_forceorder_2026-10-09.jsonl")[0],
		"mark of another": bytes.ReplaceAll(lines(t, "ws_markprice_aggtrade_2026-10-06.jsonl")[0], []byte("BTC"), []byte("XRP")),
	} {
		if d.Decode(frame) {
			t.Errorf("%s is taken for a sign of life", name)
		}
	}
	if !d.Decode(lines(t, "ws_markprice_aggtrade_2026-10-06.jsonl")[0]) {
		t.Error("a mark is not taken for a sign of life")
	}
}
