package bitget_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/feeds/bitget"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

func btc() market.Contract {
	return market.Contract{
		Venue: bitget.Venue, Symbol: "BTCUSDT", Coin: "BTC", Quote: "USDT", QuotedCoins: 1, ContractCoins: 1, FundingInterval: 8 * time.Hour,
	}
}

func bonk() market.Contract {
	return market.Contract{Venue: bitget.Venue, Symbol: "1000BONKUSDT", Coin: "BONK", Quote: "USDT", QuotedCoins: 1000, ContractCoins: 1000}
}

// probed is shortly after the newest recorded frames.
var probed = time.UnixMilli(1789456520000).UTC()

func lines(tb testing.TB, file string) [][]byte {
	tb.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
}

func decode(unit bitget.Unit, frames ...[]byte) (*feedtest.Collector, int) {
	c := feedtest.NewCollector()
	d := bitget.NewDecoder([]market.Contract{btc(), bonk()}, c, func() time.Time { return probed }, bitget.NewAmounts(unit))
	data := 0
	for _, f := range frames {
		if d.Decode(f) {
			data++
		}
	}
	return c, data
}

func printed(symbol, side, price, amount string) []byte {
	return fmt.Appendf(nil, `{"data":[{"symbol":%q,"side":%q,"price":%q,"amount":%q,"ts":"1736371332999"}],"arg":{"instType":"usdt-futures","topic":"liquidation"},"action":"update","ts":1736371332999}`,
		symbol, side, price, amount)
}

// Bought means that a long was liquidated: the side is the position's, not the order's.
func TestSides(t *testing.T) {
	frames := append(lines(t, "ws_doc_examples.jsonl"), printed("1000BONKUSDT", "sell", "0.02", "50"))
	inUSD := []market.Liquidation{
		{At: time.UnixMilli(1736371332162).UTC(), Side: market.Long, Coins: 37.722858 / 89000, PriceUSD: 89000},
		{At: time.UnixMilli(1736371332999).UTC(), Side: market.Short, Coins: 2_500_000, PriceUSD: 0.00002},
	}
	for unit, want := range map[bitget.Unit][]market.Liquidation{
		bitget.USD: inUSD, bitget.Measured: inUSD,
		bitget.Coins: {
			{At: time.UnixMilli(1736371332162).UTC(), Side: market.Long, Coins: 37.722858, PriceUSD: 89000},
			{At: time.UnixMilli(1736371332999).UTC(), Side: market.Short, Coins: 50_000, PriceUSD: 0.00002},
		},
	} {
		c, data := decode(unit, frames...)
		var got []market.Liquidation
		for _, u := range c.Updates() {
			got = append(got, u.Order)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); diff != "" || data != 2 {
			t.Fatalf("%s: %d frames with data (-want +got):\n%s", unit, data, diff)
		}
		if usd := got[0].NotionalUSD(); unit != bitget.Coins && (usd < 37.7228 || usd > 37.7229) || unit == bitget.Coins && (usd < 3357334 || usd > 3357335) {
			t.Errorf("%s: %g USD", unit, usd)
		}
	}
}

// Amounts are USD, as is written, until a print says clearly that it is coins. None waits.
func TestUnitIsMeasured(t *testing.T) {
	for name, tc := range map[string]struct {
		frames [][]byte
		want   []float64 // coins
	}{
		"large sums are USD":             {[][]byte{printed("BTCUSDT", "buy", "100000", "25000.125")}, []float64{0.25000125}},
		"a penny's worth of BTC":         {[][]byte{printed("BTCUSDT", "buy", "100000", "0.02")}, []float64{0.02}},
		"a billion BTC's worth in sum":   {[][]byte{printed("BTCUSDT", "buy", "100000", "4000000")}, []float64{40}},
		"undecided alone":                {[][]byte{printed("BTCUSDT", "buy", "100000", "6.5")}, []float64{0.000065}},
		"undecided until the second":     {[][]byte{printed("BTCUSDT", "buy", "100000", "6.5"), printed("BTCUSDT", "sell", "100000", "0.03")}, []float64{0.000065, 0.03}},
		"coins until others say more":    {[][]byte{printed("BTCUSDT", "buy", "100000", "0.02"), printed("BTCUSDT", "sell", "100000", "6.5"), printed("BTCUSDT", "sell", "100000", "250000.12"), printed("BTCUSDT", "buy", "100000", "650000.34")}, []float64{0.02, 6.5, 250000.12, 6.5000034}},
		"near one USD it hardly matters": {[][]byte{printed("1000BONKUSDT", "buy", "1", "70"), printed("BTCUSDT", "buy", "100000", "900")}, []float64{70_000, 0.009}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := decode(bitget.Measured, tc.frames...)
			var got []float64
			for _, u := range c.Updates() {
				got = append(got, u.Order.Coins)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" || len(c.Drops()) > 0 {
				t.Errorf("dropped %v (-want +got):\n%s", c.Drops(), diff)
			}
		})
	}
}

// classic is a ticker of the older generation: the row that was recorded over REST.
func classic(tb testing.TB) []byte {
	tb.Helper()
	return fmt.Appendf(nil, `{"action":"snapshot","arg":{"instType":"USDT-FUTURES","channel":"ticker","instId":"BTCUSDT"},"data":[%s],"ts":1750332210372}`,
		lines(tb, "rest_v2_ticker_20250619.json")[0])
}

const unified = `{"action":"snapshot","arg":{"instType":"usdt-futures","topic":"ticker","symbol":"1000BONKUSDT"},"data":[{"lastPrice":"0.02","markPrice":"0.021","indexPrice":"0.0205",` +
	`"fundingRate":"-0.000014","nextFundingTime":"1789459200000","openInterest":"7452.6","price24hPcnt":"0.00471","deliveryTime":""}],"ts":1789456512452}`

func TestTickers(t *testing.T) {
	c, _ := decode(bitget.USD, classic(t), []byte(unified))
	one, two := btc(), bonk()
	want := []feeds.Update{{
		Contract: &one, Kind: feeds.Ticker, At: time.UnixMilli(1750332210370).UTC(),
		MarkUSD: 104824.2, IndexUSD: 104881.953125, LastUSD: 104823.8, OpenInterestCoins: 7452.6421,
		HasFunding: true, FundingRate: -0.000014, FundingInterval: 8 * time.Hour, FundingAt: time.UnixMilli(1750348800000).UTC(),
	}, {
		Contract: &two, Kind: feeds.Ticker, At: time.UnixMilli(1789456512452).UTC(),
		MarkUSD: 0.000021, IndexUSD: 0.0000205, LastUSD: 0.00002, OpenInterestCoins: 7452600, // no funding: its interval is not known
	}}
	if diff := cmp.Diff(want, c.Updates(), cmpopts.EquateApprox(1e-12, 0)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDropped(t *testing.T) {
	order := string(printed("BTCUSDT", "buy", "89000", "37.722858"))
	change := func(s, old, with string) string { return strings.Replace(s, old, with, 1) }
	for name, tc := range map[string]struct {
		frames []string
		want   map[feeds.Reason]int
		told   int
	}{
		"pong":                {[]string{"pong"}, nil, 0},
		"no JSON":             {[]string{"pong?"}, map[feeds.Reason]int{feeds.Garbage: 1}, 0},
		"cut":                 {[]string{unified[:200]}, map[feeds.Reason]int{feeds.Garbage: 1}, 0},
		"more behind":         {[]string{unified + "{}"}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"mark is a list":      {[]string{change(unified, `"0.021"`, `["0.021"]`)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"mark is infinite":    {[]string{change(unified, `"0.021"`, `"Inf"`)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"mark is negative":    {[]string{change(unified, `"0.021"`, `"-0.021"`)}, map[feeds.Reason]int{feeds.Impossible: 1}, 0},
		"interest too large":  {[]string{change(unified, `"7452.6"`, `"1e300"`)}, map[feeds.Reason]int{feeds.Impossible: 1}, 0},
		"numbers, not texts":  {[]string{change(unified, `"0.021"`, `0.021`)}, nil, 1},
		"coin-settled":        {[]string{change(unified, "1000BONKUSDT", "BTCUSD")}, map[feeds.Reason]int{feeds.UnknownContract: 1}, 0},
		"older than known":    {[]string{unified, change(unified, "1789456512452", "1789456512451")}, map[feeds.Reason]int{feeds.OutOfOrder: 1}, 1},
		"of the future":       {[]string{change(unified, "1789456512452", "1799456512452"), unified, unified}, map[feeds.Reason]int{feeds.OutOfOrder: 1}, 2},
		"told twice":          {[]string{order, order}, map[feeds.Reason]int{feeds.Duplicate: 1}, 1},
		"neither side":        {[]string{change(order, `"buy"`, `"both"`)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"side missing":        {[]string{change(order, `"side":"buy",`, ``)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"amount missing":      {[]string{change(order, `"amount":"37.722858",`, ``)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"amount of nothing":   {[]string{change(order, `37.722858`, `0`)}, map[feeds.Reason]int{feeds.Impossible: 1}, 0},
		"a trillion USD":      {[]string{change(order, `37.722858`, `1e12`)}, map[feeds.Reason]int{feeds.Impossible: 1}, 0},
		"another topic":       {[]string{string(lines(t, "ws_frames_20260915.jsonl")[1])}, map[feeds.Reason]int{feeds.Garbage: 1}, 0},
		"data is no list":     {[]string{`{"arg":{"topic":"ticker","symbol":"BTCUSDT"},"data":17,"ts":1789456512452}`}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"acknowledged":        {[]string{string(lines(t, "ws_doc_examples.jsonl")[0])}, nil, 0},
		"refused, older form": {[]string{string(lines(t, "ws_frames_20260915.jsonl")[2])}, map[feeds.Reason]int{feeds.Refused: 1}, 0},
		"refused, newer form": {[]string{`{"event":"error","code":30001,"msg":"{\"symbol\":\"NOPEUSDT\"} doesn't exist","connId":"x"}`}, map[feeds.Reason]int{feeds.Refused: 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var frames [][]byte
			for _, f := range tc.frames {
				frames = append(frames, []byte(f))
			}
			c, data := decode(bitget.USD, frames...)
			if diff := cmp.Diff(tc.want, c.Drops(), cmpopts.EquateEmpty()); diff != "" || len(c.Updates()) != tc.told || data != tc.told {
				t.Errorf("%d told, %d with data, want %d; dropped (-want +got):\n%s", len(c.Updates()), data, tc.told, diff)
			}
		})
	}
}

// The retired first generation has other names: nothing of it is believed.
func TestRetiredProtocol(t *testing.T) {
	c, data := decode(bitget.USD, lines(t, "legacy_v1_ws_mix_20220407.jsonl")...)
	if data != 0 || len(c.Updates()) != 0 || len(c.Drops()) == 0 {
		t.Errorf("%d frames with data, %v", data, c.Updates())
	}
}

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"ws_doc_examples.jsonl", "ws_frames_20260915.jsonl", "legacy_v1_ws_mix_20220407.jsonl"} {
		for _, l := range lines(f, file) {
			f.Add(l)
		}
	}
	f.Add(classic(f))
	f.Add([]byte(unified))
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, unit := range []bitget.Unit{bitget.USD, bitget.Coins, bitget.Measured} {
			c, _ := decode(unit, frame)
			for _, u := range c.Updates() {
				if err := impossible(u); err != nil {
					t.Fatalf("%q became %+v: %v", frame, u, err)
				}
			}
		}
	})
}

// impossible says what cannot be about an update.
func impossible(u feeds.Update) error {
	for _, v := range []float64{u.MarkUSD, u.IndexUSD, u.LastUSD} {
		if v != 0 && !feeds.PossiblePrice(v) {
			return fmt.Errorf("price %g", v)
		}
	}
	switch {
	case u.Contract == nil || u.At.IsZero() || u.At.After(probed.Add(2*time.Minute)):
		return fmt.Errorf("at %v", u.At)
	case u.OpenInterestCoins != 0 && !feeds.PossibleCoins(u.OpenInterestCoins):
		return fmt.Errorf("open interest %g", u.OpenInterestCoins)
	case u.HasFunding && (!feeds.PossibleFunding(u.FundingRate) || u.FundingInterval <= 0):
		return fmt.Errorf("funding %g", u.FundingRate)
	case u.Kind == feeds.Liquidation && (!feeds.PossibleCoins(u.Order.Coins) || !feeds.PossiblePrice(u.Order.PriceUSD) || u.Order.Side == 0):
		return fmt.Errorf("order %+v", u.Order)
	}
	return nil
}

// mixed are frames as a busy minute has them: mostly tickers.
func mixed(b *testing.B) [][]byte {
	b.Helper()
	frames := [][]byte{lines(b, "ws_doc_examples.jsonl")[0]}
	for range 8 {
		frames = append(frames, classic(b), []byte(unified))
	}
	for range 3 {
		frames = append(frames, lines(b, "ws_doc_examples.jsonl")[1])
	}
	return frames
}

type nowhere struct{ updates int }

func (n *nowhere) Update(feeds.Update)     { n.updates++ }
func (n *nowhere) Dropped(feeds.Reason)    {}
func (n *nowhere) Frame(string, []byte)    {}
func (n *nowhere) Connected(string, error) {}

func BenchmarkDecode(b *testing.B) {
	b.Run("jx", func(b *testing.B) {
		var s nowhere
		d := bitget.NewDecoder([]market.Contract{btc(), bonk()}, &s, func() time.Time { return probed }, bitget.NewAmounts(bitget.USD))
		measure(b, func(frame []byte) { d.Decode(frame) })
		if s.updates == 0 {
			b.Fatal("nothing was decoded")
		}
	})
	b.Run("encoding_json", func(b *testing.B) {
		var s nowhere
		measure(b, func(frame []byte) { plainly(b, frame, &s) })
		if s.updates == 0 {
			b.Fatal("nothing was decoded")
		}
	})
}

func measure(b *testing.B, decode func(frame []byte)) {
	b.Helper()
	frames, n := mixed(b), 0
	b.ReportAllocs()
	for b.Loop() {
		decode(frames[n%len(frames)])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msgs/s")
}

// plainly is what one would write with the standard library.
func plainly(b *testing.B, frame []byte, s feeds.Sink) {
	b.Helper()
	var m struct {
		Event string `json:"event"`
		Arg   struct {
			Topic, Channel, Symbol, InstID string
		} `json:"arg"`
		Data []struct {
			Symbol        string   `json:"symbol"`
			Side          string   `json:"side"`
			Price         *float64 `json:"price,string"`
			Amount        *float64 `json:"amount,string"`
			TS            string   `json:"ts"`
			Last          *float64 `json:"lastPrice,string"`
			LastPr        *float64 `json:"lastPr,string"`
			MarkPrice     *float64 `json:"markPrice,string"`
			IndexPrice    *float64 `json:"indexPrice,string"`
			FundingRate   *float64 `json:"fundingRate,string"`
			OpenInterest  *float64 `json:"openInterest,string"`
			HoldingAmount *float64 `json:"holdingAmount,string"`
		} `json:"data"`
		TS int64 `json:"ts"`
	}
	if err := json.Unmarshal(frame, &m); err != nil {
		b.Fatal(err)
	}
	for _, r := range m.Data {
		u := feeds.Update{Kind: feeds.Ticker, At: time.UnixMilli(m.TS)}
		if r.Amount != nil {
			u.Kind, u.Order = feeds.Liquidation, market.Liquidation{PriceUSD: *r.Price, Coins: *r.Amount}
		} else if r.MarkPrice != nil {
			u.MarkUSD, u.IndexUSD, u.FundingRate = *r.MarkPrice, *r.IndexPrice, *r.FundingRate
		}
		s.Update(u)
	}
}
