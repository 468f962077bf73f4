package okx_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/okx"
	"liqbot/market"
)

// counter is a sink that only counts.
type counter struct{ updates, dropped int }

func (c *counter) Update(feeds.Update)     { c.updates++ }
func (c *counter) Dropped(feeds.Reason)    { c.dropped++ }
func (c *counter) Frame(string, []byte)    {}
func (c *counter) Connected(string, error) {}

// mixed are n frames of all kinds as they come for a few coins: mostly mark prices. All
// are of one moment, so that they can be told again, but for forced orders, see redate.
func mixed(n int) [][]byte {
	const ms = 1790000000000
	var frames [][]byte
	add := func(format string, args ...any) { frames = append(frames, fmt.Appendf(nil, format, args...)) }
	symbols := []string{"BTC-USDT-SWAP", "ETH-USDT-SWAP", "LA-USDT-SWAP", "IOST-USDT-SWAP"}
	for i := range n {
		id := symbols[i/2%4]
		switch {
		case i%16 == 5:
			add(`{"arg":{"channel":"open-interest","instId":"%s"},"data":[{"instId":"%[1]s","instType":"SWAP","oi":"2216113.01000000309","oiCcy":"22161.1301000000309","oiUsd":"1939251795.54769270396321","ts":"%d"}]}`, id, ms)
		case i%16 == 6:
			add(`{"arg":{"channel":"funding-rate","instId":"%s"},"data":[{"formulaType":"withRate","fundingRate":"0.0000263463215391","fundingTime":"1790380800000","impactValue":"20000.0000000000000000","instId":"%[1]s","instType":"SWAP","interestRate":"0.0001000000000000","maxFundingRate":"0.00375","method":"current_period","minFundingRate":"-0.00375","nextFundingRate":"","nextFundingTime":"1790409600000","premium":"-0.0004010920207754","prevFundingTime":"1790352000000","settFundingRate":"0.0000341625964238","settState":"settled","ts":"%d"}]}`, id, ms)
		case i%8 == 7:
			add(`{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0","bkPx":"82655.7","ccy":"","posSide":"long","side":"sell","sz":"8.55","ts":"%d"}],"instFamily":"BTC-USDT","instId":"%s","instType":"SWAP","uly":"BTC-USDT"}]}`, ms+i, id)
		default:
			add(`{"arg":{"channel":"mark-price","instId":"%s"},"data":[{"instId":"%[1]s","instType":"SWAP","markPx":"83679.8","ts":"%d"}]}`, id, ms)
		}
	}
	return frames
}

// redate gives a forced order another time, without which it would be a duplicate.
func redate(frame []byte, i int) {
	if at := bytes.LastIndex(frame, []byte(`"ts":"17`)); at > 0 && bytes.Contains(frame[:at], []byte("bkPx")) {
		strconv.AppendInt(frame[at+6:at+6], int64(1790000000000+i), 10)
	}
}

func BenchmarkDecode(b *testing.B) {
	frames := mixed(64)
	next := func(i int) []byte {
		frame := frames[i%len(frames)]
		if i%8 == 7 {
			redate(frame, i)
		}
		return frame
	}
	perSecond := func(b *testing.B) {
		b.Helper()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
	}
	b.Run("feed", func(b *testing.B) {
		var c counter
		d := okx.NewDecoder(known(), &c, nil)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			d.Decode(next(i))
		}
		perSecond(b)
		if c.updates != b.N {
			b.Fatalf("%d updates of %d frames", c.updates, b.N)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		var c counter
		contracts := make(map[string]*market.Contract)
		list := known()
		for i := range list {
			contracts[list[i].Symbol] = &list[i]
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			plain(next(i), contracts, &c)
		}
		perSecond(b)
		if c.updates != b.N {
			b.Fatalf("%d updates of %d frames", c.updates, b.N)
		}
	})
}

// plain decodes a frame as encoding/json does it.
func plain(frame []byte, contracts map[string]*market.Contract, sink feeds.Sink) {
	var m struct {
		Event string                   `json:"event"`
		Arg   struct{ Channel string } `json:"arg"`
		Data  []struct {
			ID      string `json:"instId"`
			Mark    string `json:"markPx"`
			Coins   string `json:"oiCcy"`
			Rate    string `json:"fundingRate"`
			Paid    string `json:"fundingTime"`
			Next    string `json:"nextFundingTime"`
			TS      string `json:"ts"`
			Details []struct {
				Price string `json:"bkPx"`
				Side  string `json:"side"`
				Held  string `json:"posSide"`
				Size  string `json:"sz"`
				TS    string `json:"ts"`
			} `json:"details"`
		} `json:"data"`
	}
	if json.Unmarshal(frame, &m) != nil || m.Event != "" {
		sink.Dropped(feeds.Garbage)
		return
	}
	float := func(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }
	at := func(s string) time.Time { v, _ := strconv.ParseInt(s, 10, 64); return time.UnixMilli(v).UTC() }
	for _, r := range m.Data {
		c := contracts[r.ID]
		if c == nil {
			sink.Dropped(feeds.UnknownContract)
			continue
		}
		for _, o := range r.Details {
			l := market.Liquidation{At: at(o.TS), Side: market.Short, Coins: float(o.Size) * c.ContractCoins, PriceUSD: float(o.Price)}
			if o.Side == "sell" {
				l.Side = market.Long
			}
			sink.Update(feeds.Update{Contract: c, Kind: feeds.Liquidation, At: l.At, Order: l})
		}
		if r.TS != "" {
			u := feeds.Update{Contract: c, Kind: feeds.Ticker, At: at(r.TS), MarkUSD: float(r.Mark), OpenInterestCoins: float(r.Coins)}
			if r.Rate != "" {
				u.HasFunding, u.FundingRate, u.FundingAt, u.FundingInterval = true, float(r.Rate), at(r.Paid), at(r.Next).Sub(at(r.Paid))
			}
			sink.Update(u)
		}
	}
}

// TestDecodeAllocatesNothing keeps market data off the heap.
func TestDecodeAllocatesNothing(t *testing.T) {
	var c counter
	d := okx.NewDecoder(known(), &c, recorded)
	frames := mixed(64)
	if n := testing.AllocsPerRun(20, func() {
		for _, f := range frames {
			d.Decode(f)
		}
	}); n > 0 {
		t.Errorf("%v allocations for %d frames, want none", n, len(frames))
	}
}
