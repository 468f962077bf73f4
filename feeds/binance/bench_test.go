package binance_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/binance"
	"liqbot/market"
)

// count is a sink that only counts.
type count struct{ updates, drops int }

func (c *count) Update(feeds.Update)   { c.updates++ }
func (c *count) Dropped(feeds.Reason)  { c.drops++ }
func (*count) Frame(string, []byte)    {}
func (*count) Connected(string, error) {}

// mixed are frames of all kinds, most of them marks, as the venue sends them.
func mixed(b *testing.B) [][]byte {
	b.Helper()
	mark := lines(b, "ws_markprice_aggtrade_2026-10-06.jsonl")[0]
	enveloped := append(append([]byte(`{"stream":"btcusdt@markPrice@1s","data":`), mark...), '}')
	list := append(append([]byte(`{"stream":"!markPrice@arr@1s","data":[`), mark...), ',')
	list = append(append(list, mark...), "]}"...)
	order := lines(b, "ws_forceorder_2026-10-09.jsonl")[0]
	return [][]byte{
		enveloped, mark, enveloped, order, enveloped, list, enveloped, lines(b, "ws_forceorder_testnet_2026-09-17.jsonl")[0],
		enveloped, lines(b, "ws_coinm_markprice_2026-09-25.jsonl")[0], enveloped, lines(b, "ws_contractinfo_2023.jsonl")[0],
	}
}

func BenchmarkDecode(b *testing.B) {
	frames := mixed(b)
	b.Run("feed", func(b *testing.B) {
		sink := &count{}
		d := binance.NewDecoder(btcAndPepe(), sink, time.Now)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			d.Decode(frames[n%len(frames)])
			n++
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msgs/s")
		if sink.updates < n/2 {
			b.Fatalf("%d updates of %d frames", sink.updates, n)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		sink := &count{}
		d := newPlain(btcAndPepe(), sink)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			d.decode(frames[n%len(frames)])
			n++
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msgs/s")
		if sink.updates < n/2 {
			b.Fatalf("%d updates of %d frames", sink.updates, n)
		}
	})
}

// plain does what the decoder does, with encoding/json and as little care as possible.
type plain struct {
	known map[string]*market.Contract
	sink  feeds.Sink
}

func newPlain(list []market.Contract, sink feeds.Sink) *plain {
	p := &plain{known: make(map[string]*market.Contract), sink: sink}
	for i := range list {
		p.known[list[i].Symbol] = &list[i]
	}
	return p
}

type plainEvent struct {
	Kind   string `json:"e"`
	At     int64  `json:"E"`
	Symbol string `json:"s"`
	Mark   string `json:"p"`
	Settle string `json:"P"`
	Index  string `json:"i"`
	Rate   string `json:"r"`
	Due    int64  `json:"T"`
	Type   int    `json:"st"`
	Order  *struct {
		Symbol string `json:"s"`
		Side   string `json:"S"`
		Price  string `json:"ap"`
		Limit  string `json:"p"`
		Size   string `json:"z"`
		At     int64  `json:"T"`
	} `json:"o"`
	Brackets []struct {
		From float64 `json:"bnf"`
		To   float64 `json:"bnc"`
	} `json:"bks"`
}

func (p *plain) decode(frame []byte) {
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(frame, &envelope) == nil && envelope.Data != nil {
		frame = envelope.Data
	}
	list := make([]plainEvent, 1)
	var err error
	if frame[0] == '[' {
		err = json.Unmarshal(frame, &list)
	} else {
		err = json.Unmarshal(frame, &list[0])
	}
	if err != nil {
		p.sink.Dropped(feeds.Garbage)
		return
	}
	for i := range list {
		p.tell(&list[i])
	}
}

func (p *plain) tell(e *plainEvent) {
	symbol, at := e.Symbol, e.At
	if e.Order != nil {
		symbol, at = e.Order.Symbol, e.Order.At
	}
	u := feeds.Update{Contract: p.known[symbol], Kind: feeds.Ticker, At: time.UnixMilli(at)}
	if u.Contract == nil || e.Type == 2 {
		p.sink.Dropped(feeds.UnknownContract)
		return
	}
	number := func(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }
	switch e.Kind {
	case "markPriceUpdate":
		u.MarkUSD, u.IndexUSD, u.FundingRate, u.HasFunding = number(e.Mark), number(e.Index), number(e.Rate), true
	case "forceOrder":
		u.Kind = feeds.Liquidation
		u.Order = market.Liquidation{At: u.At, Side: market.Long, Coins: number(e.Order.Size), PriceUSD: number(e.Order.Price)}
	default:
		u.Kind = feeds.ContractChanged
	}
	p.sink.Update(u)
}
