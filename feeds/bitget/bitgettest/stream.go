package bitgettest

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// arg is what is subscribed to.
type arg struct {
	InstType string `json:"instType"`
	Topic    string `json:"topic"`
	Symbol   string `json:"symbol,omitempty"`
}

const (
	maxArgs  = 24 // at more the socket is closed
	maxBytes = 4096
	maxSent  = 10 // messages of a connection in a second
)

// Message implements feedtest.Venue.
func (d *Double) Message(c *feedtest.Conn, message []byte) {
	d.mu.Lock()
	d.sent[c] = within(d.sent[c], time.Now())
	sent := len(d.sent[c])
	d.mu.Unlock()
	if sent > maxSent {
		d.violated("messages in a second: " + strconv.Itoa(sent))
		c.Close(1008, "")
		return
	}
	if string(message) == "ping" {
		c.Send([]byte("pong"))
		return
	}
	var r struct {
		Op   string `json:"op"`
		Args []arg  `json:"args"`
	}
	if err := json.Unmarshal(message, &r); err != nil || r.Op != "subscribe" {
		d.refuse(c, arg{}, 30003, "Unrecognized request")
		return
	}
	if len(r.Args) > maxArgs || len(message) > maxBytes {
		d.violated("subscription of " + strconv.Itoa(len(r.Args)) + " topics")
		c.Close(1008, "")
		return
	}
	for _, a := range r.Args {
		d.subscribe(c, a)
	}
}

func (d *Double) subscribe(c *feedtest.Conn, a arg) {
	_, known := bySymbol(a.Symbol)
	quoted, _ := json.Marshal(a)
	switch {
	case a.Topic == "liquidation" && d.fails():
		d.refuse(c, a, 30034, string(quoted)+" service error")
		return
	case c.Path != "/v3/ws/public":
		d.violated("stream path " + c.Path)
		return
	case a.Topic != "ticker" && a.Topic != "liquidation":
		d.refuse(c, a, 30016, "Param error")
		return
	case a.Topic == "ticker" && !known:
		d.refuse(c, a, 30001, string(quoted)+" doesn't exist")
		return
	}
	send(c.Send, map[string]any{"event": "subscribe", "arg": a, "connId": "xxxxxxxxxx"})
	if a.InstType != "usdt-futures" { // accepted, and then nothing comes
		d.violated("instType " + a.InstType)
		return
	}
	c.Subscribe(a.Topic + " " + a.Symbol)
}

// fails takes one of the failures that are still to come.
func (d *Double) fails() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures--
	return d.failures >= 0
}

// refuse answers as the newer generation does, without the topic but in words.
func (d *Double) refuse(c *feedtest.Conn, a arg, code int, message string) {
	d.violated("subscription " + a.Topic + " " + a.Symbol + ": " + message)
	send(c.Send, map[string]any{"event": "error", "code": code, "msg": message, "connId": "xxxxxxxxxx"})
}

// Tick implements feedtest.Venue.
func (d *Double) Tick(c *feedtest.Conn, now time.Time) {
	for _, l := range contracts {
		if !c.Subscribed("ticker "+l.symbol) || d.isDelisted(l.symbol) {
			continue
		}
		mark := l.price(d.market.MarkUSD(l.coin, now))
		send(c.Push, map[string]any{
			"action": "snapshot", "arg": arg{"usdt-futures", "ticker", l.symbol}, "ts": now.UnixMilli(),
			"data": []any{map[string]string{
				"lastPrice": mark, "markPrice": mark, "indexPrice": mark, "fundingRate": number(d.market.FundingRate(l.coin, now)),
				"nextFundingTime": milli(now.Truncate(8 * time.Hour).Add(8 * time.Hour)), "openInterest": l.size(d.market.OpenInterestCoins(l.coin, now)),
				"price24hPcnt": "0.01", "volume24h": "1", "turnover24h": "1", "deliveryTime": "",
			}},
		})
	}
}

// Liquidate implements feedtest.Double.
func (d *Double) Liquidate(coin market.Coin, l market.Liquidation) {
	i := slices.IndexFunc(contracts, func(c listed) bool { return c.coin == coin })
	if i < 0 {
		return
	}
	o := order{contracts[i], l}
	d.mu.Lock()
	d.orders = append(d.orders, o)
	d.mu.Unlock()
	for _, c := range d.server.Conns() {
		if c.Subscribed("liquidation ") {
			send(c.Push, map[string]any{
				"data": []any{d.print(o)}, "arg": arg{InstType: "usdt-futures", Topic: "liquidation"}, "action": "update", "ts": d.server.Now().UnixMilli(),
			})
		}
	}
}

func send(by func([]byte), message any) {
	frame, err := json.Marshal(message)
	if err != nil {
		frame = []byte(strconv.Quote(err.Error()))
	}
	by(frame)
}
