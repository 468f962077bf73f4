package bybittest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// streamPath is where linear contracts are told of.
const streamPath = "/v5/public/linear"

// subscriber is what is known of a connection.
type subscriber struct {
	args  int // characters
	ticks int
	pings int
}

func (d *Double) subscriber(c *feedtest.Conn) *subscriber {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.conns[c]
	if s == nil {
		s = &subscriber{}
		d.conns[c] = s
	}
	return s
}

// Message implements feedtest.Venue.
func (d *Double) Message(c *feedtest.Conn, message []byte) {
	if c.Path != streamPath {
		d.violate("no such stream: %s", c.Path)
		c.Close(1008, "not found")
		return
	}
	var m struct {
		ID   string   `json:"req_id"`
		Op   string   `json:"op"`
		Args []string `json:"args"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		d.violate("message %.100q: %v", message, err)
		answer(c, false, "error:invalid message", "", "")
		return
	}
	switch m.Op {
	case "ping":
		s := d.subscriber(c)
		d.mu.Lock()
		s.pings++
		d.mu.Unlock()
		answer(c, true, "pong", m.ID, "ping")
	case "subscribe":
		d.subscribe(c, m.ID, m.Args)
	default:
		d.violate("op %q", m.Op)
		answer(c, false, "error:unknown op", m.ID, m.Op)
	}
}

// subscribe takes all topics of a request or none.
func (d *Double) subscribe(c *feedtest.Conn, id string, topics []string) {
	s := d.subscriber(c)
	if len(topics) == 0 {
		d.violate("subscribe without args")
		answer(c, false, "error:args empty", id, "subscribe")
		return
	}
	size := 0
	for _, t := range topics {
		size += len(t)
		kind, symbol, _ := strings.Cut(t, ".")
		_, known := coins[symbol]
		switch {
		case kind != "tickers" && kind != "allLiquidation":
			d.violate("no such topic: %s", t)
			answer(c, false, "error:handler not found,topic:"+t, id, "subscribe")
			return
		case !known || d.opts.unlisted[symbol]:
			answer(c, false, "Invalid symbol :["+symbol+"]", id, "subscribe")
			return
		case c.Subscribed(t):
			answer(c, false, "error:already subscribed,topic:"+t, id, "subscribe")
			return
		}
	}
	if s.args += size; s.args > d.opts.argsLimit {
		d.violate("%d characters of topics", s.args)
		answer(c, false, "error:args too long", id, "subscribe")
		return
	}
	answer(c, true, "", id, "subscribe")
	for _, t := range topics {
		if symbol, ok := strings.CutPrefix(t, "tickers."); ok {
			now := d.base.Now()
			c.Push(frame(object{"topic": t, "type": "snapshot", "data": d.ticker(symbol, now), "cs": now.UnixNano(), "ts": now.UnixMilli()}))
		}
		c.Subscribe(t)
	}
}

// Tick implements feedtest.Venue: deltas, most of which tell little.
func (d *Double) Tick(c *feedtest.Conn, now time.Time) {
	s := d.subscriber(c)
	s.ticks++
	for _, t := range c.Topics() {
		symbol, ok := strings.CutPrefix(t, "tickers.")
		if !ok || d.opts.quiet[symbol] {
			continue
		}
		all := d.ticker(symbol, now)
		told := []string{"bid1Price", "bid1Size"}
		if s.ticks%2 == 0 {
			told = []string{"markPrice"}
		}
		if s.ticks%5 == 0 {
			told = []string{"indexPrice", "openInterest", "openInterestValue", "singleOpenInterest", "singleOpenInterestValue"}
		}
		data := object{"symbol": symbol}
		for _, k := range told {
			if v, ok := all[k]; ok {
				data[k] = v
			}
		}
		c.Push(frame(object{"topic": t, "type": "delta", "data": data, "cs": now.UnixNano(), "ts": now.UnixMilli()}))
	}
}

// Liquidate implements feedtest.Double. The side on the wire is that of the position.
func (d *Double) Liquidate(coin market.Coin, l market.Liquidation) {
	symbol := symbolOf(coin)
	side, multiplier := "Buy", Listed()[symbol]
	if l.Side == market.Short {
		side = "Sell"
	}
	topic := "allLiquidation." + symbol
	f := frame(object{"topic": topic, "type": "snapshot", "ts": d.base.Now().UnixMilli(), "data": []object{{
		"T": l.At.UnixMilli(), "s": symbol, "S": side, "v": number(l.Coins / multiplier), "p": number(l.PriceUSD * multiplier),
	}}})
	for _, c := range d.base.Conns() {
		if c.Subscribed(topic) {
			c.Push(f)
		}
	}
}

// Pings is how many pings came over the connections that are open.
func (d *Double) Pings() int {
	n := 0
	for _, c := range d.base.Conns() {
		s := d.subscriber(c)
		d.mu.Lock()
		n += s.pings
		d.mu.Unlock()
	}
	return n
}

func answer(c *feedtest.Conn, success bool, text, id, op string) {
	c.Send(frame(object{"success": success, "ret_msg": text, "conn_id": "d9tc7k421nl91l9k6obg-s09y", "req_id": id, "op": op}))
}

func frame(o object) []byte {
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Appendf(nil, `{"err":%q}`, err.Error())
	}
	return b
}
