package gate_test

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
	"liqbot/feeds/feedtest"
	"liqbot/feeds/gate"
	"liqbot/market"
)

func btc() market.Contract {
	return market.Contract{
		Venue: gate.Venue, Symbol: "BTC_USDT", Coin: "BTC", Quote: "USDT", QuotedCoins: 1, ContractCoins: 0.0001, FundingInterval: 8 * time.Hour,
	}
}

func pepe() market.Contract {
	return market.Contract{Venue: gate.Venue, Symbol: "PEPE_USDT", Coin: "PEPE", Quote: "USDT", QuotedCoins: 1, ContractCoins: 1e7}
}

// probed is shortly after the frames of the probe report were recorded.
var probed = time.UnixMilli(1789456400000).UTC()

func lines(tb testing.TB, file string) [][]byte {
	tb.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
}

func decode(frames ...[]byte) (*feedtest.Collector, int) {
	c := feedtest.NewCollector()
	d := gate.NewDecoder([]market.Contract{btc(), pepe()}, c, func() time.Time { return probed })
	data := 0
	for _, f := range frames {
		if d.Decode(f) {
			data++
		}
	}
	return c, data
}

// A negative size is a short position: the documented frames can only be shorts.
func TestSidesOfTheStream(t *testing.T) {
	c, data := decode(append(lines(t, "ws_doc_examples.jsonl")[:2],
		[]byte(`{"channel":"futures.public_liquidates","event":"update","time":1541505434,"result":[{"price":215.1,"size":-124,"time_ms":1541486601999,"contract":"BTC_USDT"}]}`),
		[]byte(`{"channel":"futures.public_liquidates","event":"update","result":[{"price":"0.0000034","size":"12.5","time":1789456354999,"contract":"PEPE_USDT"}]}`))...)
	var got []market.Liquidation
	for _, u := range c.Updates() {
		got = append(got, u.Order)
	}
	want := []market.Liquidation{
		{At: time.UnixMilli(1541486601123).UTC(), Side: market.Short, Coins: 0.01245, PriceUSD: 215.1},
		{At: time.UnixMilli(1541486601456).UTC(), Side: market.Short, Coins: 0.00105, PriceUSD: 215.2},
		{At: time.Unix(1541486601, 0).UTC(), Side: market.Short, Coins: 0.0124, PriceUSD: 215.1},
		{At: time.UnixMilli(1541486601999).UTC(), Side: market.Short, Coins: 0.0124, PriceUSD: 215.1},
		{At: time.UnixMilli(1789456354999).UTC(), Side: market.Long, Coins: 1.25e8, PriceUSD: 0.0000034},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); diff != "" || data != 4 {
		t.Fatalf("%d frames with data (-want +got):\n%s", data, diff)
	}
	if usd := got[4].NotionalUSD(); usd < 424.99 || usd > 425.01 {
		t.Errorf("12.5 contracts of 10000000 PEPE at 0.0000034 are %g USD, want 425", usd)
	}
}

func TestTickerOfTheStream(t *testing.T) {
	c, _ := decode(lines(t, "ws_frames_20260915.jsonl")...)
	contract := btc()
	want := []feeds.Update{{
		Contract: &contract, Kind: feeds.Ticker, At: time.UnixMilli(1789456337802).UTC(),
		MarkUSD: 77183.5, IndexUSD: 77221.8, LastUSD: 77175.1,
		HasFunding: true, FundingRate: 0.000072, FundingInterval: 8 * time.Hour, FundingAt: time.Unix(1789459200, 0).UTC(),
	}}
	if diff := cmp.Diff(want, c.Updates()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := c.Drops()[feeds.Refused]; n != 1 {
		t.Errorf("%d refused, want the one failed subscription", n)
	}
}

// Times are seconds or milliseconds, whole or with a fraction, and the finer of two counts.
func TestTimes(t *testing.T) {
	want := time.UnixMilli(1541486601123).UTC()
	for name, tc := range map[string]struct {
		times string
		want  time.Time
	}{
		"both":              {`"time_ms":1541486601123,"time":1541486601`, want},
		"both, other order": {`"time":1541486601,"time_ms":1541486601123`, want},
		"fraction":          {`"time":1541486601.123`, want},
		"text":              {`"time":"1541486601.123"`, want},
		"milliseconds.0":    {`"time":1541486601123.0`, want},
		"null beside":       {`"time":1541486601,"time_ms":null`, want.Truncate(time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := decode([]byte(`{"channel":"futures.public_liquidates","event":"update","result":[{"price":215.1,"size":-1.5,"contract":"BTC_USDT",` + tc.times + `}]}`))
			all := c.Updates()
			if len(all) != 1 || all[0].Order.At.Sub(tc.want).Abs() > time.Millisecond {
				t.Errorf("%v, dropped %v; want one at %v", all, c.Drops(), tc.want)
			}
		})
	}
	c, _ := decode([]byte(ticker(`"contract":"BTC_USDT","mark_price":1.5,"funding_rate":0.0001,"funding_interval":14400.0,"funding_next_apply":1789459200.0,"t":1789456337808.0`)))
	if all := c.Updates(); len(all) != 1 || all[0].FundingInterval != 4*time.Hour || !all[0].FundingAt.Equal(time.Unix(1789459200, 0)) {
		t.Errorf("%v, dropped %v", all, c.Drops())
	}
}

func ticker(fields string) string {
	return `{"time":1789456337,"time_ms":1789456337808,"channel":"futures.tickers","event":"update","result":[{` + fields + `}]}`
}

func TestDropped(t *testing.T) {
	order := `{"channel":"futures.public_liquidates","event":"update","result":[{"price":"215.1","size":"-1","time":1541486601123,"contract":"BTC_USDT"}]}`
	for name, tc := range map[string]struct {
		frames []string
		want   map[feeds.Reason]int
		told   int
	}{
		"no JSON":                   {[]string{"pong"}, map[feeds.Reason]int{feeds.Garbage: 1}, 0},
		"cut":                       {[]string{ticker(`"contract":"BTC_USDT","mark_price":"1"`)[:120]}, map[feeds.Reason]int{feeds.Garbage: 1}, 0},
		"more behind":               {[]string{ticker(`"contract":"BTC_USDT","mark_price":"1"`) + "{}"}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"mark is true":              {[]string{ticker(`"contract":"BTC_USDT","mark_price":true`)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"mark is a word":            {[]string{ticker(`"contract":"BTC_USDT","mark_price":"NaN"`)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"mark is zero":              {[]string{ticker(`"contract":"BTC_USDT","mark_price":"0"`)}, map[feeds.Reason]int{feeds.Impossible: 1}, 0},
		"index is negative":         {[]string{ticker(`"contract":"BTC_USDT","mark_price":"1","index_price":"-1"`)}, map[feeds.Reason]int{feeds.Impossible: 1}, 0},
		"funding of 200 %":          {[]string{ticker(`"contract":"BTC_USDT","funding_rate":"2"`)}, map[feeds.Reason]int{feeds.Impossible: 1}, 0},
		"inverse":                   {[]string{ticker(`"contract":"BTC_USD","mark_price":"1"`)}, map[feeds.Reason]int{feeds.UnknownContract: 1}, 0},
		"nothing told":              {[]string{ticker(`"contract":"BTC_USDT","mark_price":"","index_price":null`)}, nil, 1},
		"numbers, not texts":        {[]string{ticker(`"contract":"BTC_USDT","mark_price":77183.5,"total_size":"12"`)}, nil, 1},
		"result before its channel": {[]string{`{"result":[{"contract":"BTC_USDT","mark_price":"2"}],"event":"update","channel":"futures.tickers","time_ms":1789456337808}`}, nil, 1},
		"older than known":          {[]string{ticker(`"contract":"BTC_USDT","mark_price":"1","t":1789456337808`), ticker(`"contract":"BTC_USDT","mark_price":"1","t":1789456337807`)}, map[feeds.Reason]int{feeds.OutOfOrder: 1}, 1},
		"of the future":             {[]string{ticker(`"contract":"BTC_USDT","mark_price":"1","t":1789460000000`), ticker(`"contract":"BTC_USDT","mark_price":"1"`), ticker(`"contract":"BTC_USDT","mark_price":"1"`)}, map[feeds.Reason]int{feeds.OutOfOrder: 1}, 2},
		"told twice":                {[]string{order, order}, map[feeds.Reason]int{feeds.Duplicate: 1}, 1},
		"size of zero":              {[]string{strings.Replace(order, "-1", "0", 1)}, map[feeds.Reason]int{feeds.Impossible: 1}, 0},
		"size missing":              {[]string{strings.Replace(order, `"size":"-1",`, "", 1)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"price missing":             {[]string{strings.Replace(order, `"price":"215.1",`, "", 1)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"no time at all":            {[]string{strings.Replace(order, `"time":1541486601123,`, "", 1)}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"row is a list":             {[]string{`{"channel":"futures.tickers","event":"update","result":[[],5]}`}, map[feeds.Reason]int{feeds.WrongType: 2}, 0},
		"result is none":            {[]string{`{"channel":"futures.tickers","event":"update","result":{"contract":5}}`}, map[feeds.Reason]int{feeds.WrongType: 1}, 0},
		"another channel":           {[]string{`{"channel":"futures.trades","event":"update","result":[]}`}, map[feeds.Reason]int{feeds.Garbage: 1}, 0},
		"pong and upgrade":          {[]string{`{"time":1789456354,"channel":"futures.pong","event":"","result":null}`, `{"channel":"futures.system","event":"update","result":{"type":"upgrade"}}`}, nil, 0},
		"acknowledged":              {[]string{`{"time":1684930165,"time_ms":0,"channel":"futures.tickers","event":"subscribe","result":{"status":"success"}}`}, nil, 0},
		"refused":                   {[]string{`{"channel":"futures.tickers","event":"subscribe","error":{"code":2,"message":"unknown currency pair: X"},"result":{"status":"fail"}}`}, map[feeds.Reason]int{feeds.Refused: 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var frames [][]byte
			for _, f := range tc.frames {
				frames = append(frames, []byte(f))
			}
			c, data := decode(frames...)
			if diff := cmp.Diff(tc.want, c.Drops(), cmpopts.EquateEmpty()); diff != "" || len(c.Updates()) != tc.told || data != tc.told {
				t.Errorf("%d told, %d with data, want %d; dropped (-want +got):\n%s", len(c.Updates()), data, tc.told, diff)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"ws_doc_examples.jsonl", "ws_frames_20260915.jsonl", "ws_candles_trades_bookticker_20230524.jsonl"} {
		for _, l := range lines(f, file) {
			f.Add(l)
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		c, _ := decode(frame)
		for _, u := range c.Updates() {
			if err := impossible(u); err != nil {
				t.Fatalf("%q became %+v: %v", frame, u, err)
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
	recorded := lines(b, "ws_frames_20260915.jsonl")
	frames := [][]byte{recorded[1]}
	for range 16 {
		frames = append(frames, recorded[0])
	}
	for range 3 {
		frames = append(frames, lines(b, "ws_doc_examples.jsonl")[0])
	}
	return frames
}

type nowhere struct{ updates, dropped int }

func (n *nowhere) Update(feeds.Update)     { n.updates++ }
func (n *nowhere) Dropped(feeds.Reason)    { n.dropped++ }
func (n *nowhere) Frame(string, []byte)    {}
func (n *nowhere) Connected(string, error) {}

func BenchmarkDecode(b *testing.B) {
	b.Run("jx", func(b *testing.B) {
		var s nowhere
		d := gate.NewDecoder([]market.Contract{btc(), pepe()}, &s, func() time.Time { return probed })
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
	var envelope struct {
		Channel string          `json:"channel"`
		Event   string          `json:"event"`
		Time    int64           `json:"time"`
		TimeMs  int64           `json:"time_ms"`
		Result  json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(frame, &envelope); err != nil {
		b.Fatal(err)
	}
	if envelope.Event != "update" {
		return
	}
	switch envelope.Channel {
	case "futures.tickers":
		var rows []struct {
			Contract    string  `json:"contract"`
			Last        float64 `json:"last,string"`
			MarkPrice   float64 `json:"mark_price,string"`
			IndexPrice  float64 `json:"index_price,string"`
			FundingRate float64 `json:"funding_rate,string"`
			Interval    int64   `json:"funding_interval"`
			Next        int64   `json:"funding_next_apply"`
			T           int64   `json:"t"`
		}
		if err := json.Unmarshal(envelope.Result, &rows); err != nil {
			b.Fatal(err)
		}
		for _, r := range rows {
			s.Update(feeds.Update{Kind: feeds.Ticker, At: time.UnixMilli(r.T), MarkUSD: r.MarkPrice, IndexUSD: r.IndexPrice, LastUSD: r.Last, FundingRate: r.FundingRate})
		}
	case "futures.public_liquidates":
		var rows []struct {
			Contract string  `json:"contract"`
			Price    float64 `json:"price,string"`
			Size     float64 `json:"size,string"`
			Time     int64   `json:"time"`
		}
		if err := json.Unmarshal(envelope.Result, &rows); err != nil {
			b.Fatal(err)
		}
		for _, r := range rows {
			s.Update(feeds.Update{Kind: feeds.Liquidation, At: time.UnixMilli(r.Time), Order: market.Liquidation{PriceUSD: r.Price, Coins: r.Size}})
		}
	}
}
