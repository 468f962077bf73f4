package bybit_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/bybit"
	"liqbot/market"
)

// counting is a sink that costs nothing.
type counting struct{ updates, dropped int }

func (c *counting) Update(feeds.Update)     { c.updates++ }
func (c *counting) Dropped(feeds.Reason)    { c.dropped++ }
func (c *counting) Frame(string, []byte)    {}
func (c *counting) Connected(string, error) {}

// mixed are the frames of a busy market: a snapshot, many deltas, some forced orders and
// a pong.
func mixed(tb testing.TB) [][]byte {
	tb.Helper()
	ticker := lines(tb, "ws_tickers_2026-08-13.jsonl")
	frames := [][]byte{ticker[0]}
	for range 6 {
		frames = append(frames, ticker[1],
			[]byte(`{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","bid1Price":"63561.50","bid1Size":"1.760","ask1Price":"63561.60","ask1Size":"4.690"},"cs":764144450620,"ts":1786659827983}`),
			[]byte(`{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","tickDirection":"MinusTick","price24hPcnt":"0.001455","lastPrice":"63561.50","turnover24h":"3515096831.9640","volume24h":"55362.9100","markPrice":"63560.90","openInterest":"59972.256","openInterestValue":"3811884569.16","singleOpenInterest":"29986.128","singleOpenInterestValue":"1905942284.58"},"cs":764144450620,"ts":1786659827983}`))
	}
	return append(frames, lines(tb, "ws_allliquidation_2026-10-09.jsonl")[0], lines(tb, "ws_control.jsonl")[1])
}

func BenchmarkDecode(b *testing.B) {
	frames := mixed(b)
	run := func(b *testing.B, decode func(frame []byte), reset func()) {
		b.Helper()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if i%len(frames) == 0 {
				reset()
			}
			decode(frames[i%len(frames)])
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
	}
	b.Run("jx", func(b *testing.B) {
		sink := &counting{}
		d := bybit.NewDecoder(listed(), sink, nil)
		run(b, func(frame []byte) { d.Decode(frame) }, d.Reset)
	})
	b.Run("encoding-json", func(b *testing.B) {
		s := &plain{bySymbol: make(map[string]*market.Contract), states: make(map[string]feeds.Update), sink: &counting{}}
		for _, c := range listed() {
			s.bySymbol[c.Symbol] = &c
		}
		run(b, func(frame []byte) {
			if err := s.decode(frame); err != nil {
				b.Fatal(err)
			}
		}, func() {})
	})
}

// plain does the same with encoding/json, with fewer checks.
type plain struct {
	bySymbol map[string]*market.Contract
	states   map[string]feeds.Update
	sink     feeds.Sink
}

func (p *plain) decode(frame []byte) error {
	var m struct {
		Topic, Type, Op string
		TS              int64
		Data            json.RawMessage
	}
	if err := json.Unmarshal(frame, &m); err != nil || m.Topic == "" {
		return err
	}
	if m.Topic[0] == 'a' {
		return p.orders(m.Data)
	}
	var d struct {
		Symbol                                            string
		MarkPrice, IndexPrice, LastPrice                  string
		OpenInterest, SingleOpenInterest                  string
		FundingRate, FundingIntervalHour, NextFundingTime string
	}
	if err := json.Unmarshal(m.Data, &d); err != nil {
		return err
	}
	u := p.states[d.Symbol]
	u.Contract, u.Kind, u.At = p.bySymbol[d.Symbol], feeds.Ticker, time.UnixMilli(m.TS)
	for _, f := range [...]struct {
		text  string
		value *float64
	}{
		{d.MarkPrice, &u.MarkUSD},
		{d.IndexPrice, &u.IndexUSD},
		{d.LastPrice, &u.LastUSD},
		{d.SingleOpenInterest, &u.OpenInterestCoins},
		{d.FundingRate, &u.FundingRate},
	} {
		if f.text == "" {
			continue
		}
		x, err := strconv.ParseFloat(f.text, 64)
		if err != nil {
			return err
		}
		*f.value = x
	}
	p.states[d.Symbol] = u
	p.sink.Update(u)
	return nil
}

func (p *plain) orders(data []byte) error {
	var events []struct {
		T    int64
		S    string `json:"s"`
		Side string `json:"S"`
		V, P string
	}
	if err := json.Unmarshal(data, &events); err != nil {
		return err
	}
	for _, e := range events {
		size, err := strconv.ParseFloat(e.V, 64)
		if err != nil {
			return err
		}
		price, err := strconv.ParseFloat(e.P, 64)
		if err != nil {
			return err
		}
		p.sink.Update(feeds.Update{Contract: p.bySymbol[e.S], Kind: feeds.Liquidation, Order: market.Liquidation{At: time.UnixMilli(e.T), Coins: size, PriceUSD: price}})
	}
	return nil
}
