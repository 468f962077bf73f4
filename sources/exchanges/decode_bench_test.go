package exchanges_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/binance"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
)

// pump is a venue whose stream decodes as many frames as it is told to.
type pump struct {
	*fake
	decoder func([]market.Contract, feeds.Sink) func(frame []byte)
	frames  [][]byte
	work    chan int
}

func (p pump) Stream(ctx context.Context, contracts []market.Contract, sink feeds.Sink) error {
	sink.Connected("public", nil)
	decode := p.decoder(contracts, sink)
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-p.work:
			for i := range n {
				decode(p.frames[i%len(p.frames)])
			}
			p.work <- n
		}
	}
}

// markFrame is a mark price as Binance's combined stream sends it.
func markFrame(symbol string, usd float64, at time.Time) []byte {
	return fmt.Appendf(nil, `{"stream":"x@markPrice@1s","data":{"e":"markPriceUpdate","E":%d,"s":%q,"p":"%.8f","ap":"%.8f","P":"%.8f","i":"%.8f","r":"0.00000523","T":%d,"st":1}}`,
		at.UnixMilli(), symbol, usd, usd, usd, usd, at.Add(time.Hour).UnixMilli())
}

// BenchmarkDecodeToState is a venue's way from the frame to the coin's state, with the
// feed's decoder and with encoding/json's.
func BenchmarkDecodeToState(b *testing.B) {
	for name, decoder := range map[string]func([]market.Contract, feeds.Sink) func([]byte){
		"feed": func(contracts []market.Contract, sink feeds.Sink) func([]byte) {
			d := binance.NewDecoder(contracts, sink, time.Now)
			return func(frame []byte) { d.Decode(frame) }
		},
		"encoding-json": plain,
	} {
		b.Run(name, func(b *testing.B) {
			v := pump{fake: newFake("Binance", 0.4), decoder: decoder, work: make(chan int)}
			now := time.Now()
			for _, coin := range []market.Coin{"BTC", "ETH", "SOL"} {
				v.frames = append(v.frames, markFrame(string(coin)+"USDT", v.MarkUSD(coin, now), now))
			}
			s := exchanges.New(exchanges.Config{Feeds: []feeds.Feed{v}, Bars: nothing{}, Coins: []market.Coin{"BTC", "ETH", "SOL"}, Follow: 3})
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			defer func() {
				cancel()
				if err := <-ended; err != nil {
					b.Error(err)
				}
			}()
			for { // until the streams follow all three
				v.work <- 3
				<-v.work
				if _, err := s.Fetch(ctx, snapshot.Key{Coin: "SOL", Window: market.Week}); err == nil {
					break
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for left := b.N; left > 0; left -= 8192 { // half of the queue
				v.work <- min(left, 8192)
				<-v.work
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
			if st := s.Status()[0]; len(st.Dropped) > 1 {
				b.Logf("dropped %v of %d", st.Dropped, b.N)
			}
		})
	}
}

// plain decodes with encoding/json, as one would write it first.
func plain(contracts []market.Contract, sink feeds.Sink) func([]byte) {
	bySymbol := make(map[string]*market.Contract)
	for i := range contracts {
		bySymbol[contracts[i].Symbol] = &contracts[i]
	}
	number := func(s string) float64 {
		v, _ := strconv.ParseFloat(s, 64)
		return v
	}
	return func(frame []byte) {
		sink.Frame("market", frame)
		// The stream carries several kinds of event, so the kind is looked at first.
		var envelope struct {
			Data json.RawMessage `json:"data"`
		}
		var kind struct {
			Event string `json:"e"`
			Time  int64  `json:"E"`
		}
		if json.Unmarshal(frame, &envelope) != nil || json.Unmarshal(envelope.Data, &kind) != nil || kind.Event != "markPriceUpdate" {
			sink.Dropped(feeds.Garbage)
			return
		}
		var m struct {
			Symbol string `json:"s"`
			Mark   string `json:"p"`
			Settle string `json:"P"`
			Index  string `json:"i"`
			Rate   string `json:"r"`
			Next   int64  `json:"T"`
		}
		if err := json.Unmarshal(envelope.Data, &m); err != nil || bySymbol[m.Symbol] == nil {
			sink.Dropped(feeds.Garbage)
			return
		}
		sink.Update(feeds.Update{
			Contract: bySymbol[m.Symbol], Kind: feeds.Ticker, At: time.UnixMilli(kind.Time),
			MarkUSD: number(m.Mark), IndexUSD: number(m.Index),
			HasFunding: true, FundingRate: number(m.Rate), FundingAt: time.UnixMilli(m.Next),
		})
	}
}
