package binancetest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// connState is what the double knows of a connection.
type connState struct {
	// market: the path is one that has the streams that are served; combined: events come
	// in envelopes.
	market, combined bool
	// messages are the times of what the client sent in the last second.
	messages []time.Time
	// next is when the marks are due.
	next time.Time
}

// mostStreams is how many streams a connection may have.
const mostStreams = 1024

// state looks at a new connection once: its path, and the streams in its address.
func (d *Double) state(c *feedtest.Conn) *connState {
	fresh := &connState{combined: c.Path == "/market/stream"}
	fresh.market = fresh.combined || c.Path == "/market/ws" || strings.HasPrefix(c.Path, "/market/ws/")
	d.mu.Lock()
	s, ok := d.conns[c]
	if !ok {
		s = fresh
		d.conns[c] = s
	}
	d.mu.Unlock()
	if ok {
		return s
	}
	if !s.market {
		// The venue connects, acknowledges, and stays silent.
		d.violate("connected to %s, which has no market streams", c.Path)
	}
	var names []string
	if !s.combined {
		names = strings.Split(strings.TrimPrefix(c.Path, "/market/ws"), "/")
	}
	if q, err := url.ParseQuery(c.Query); err == nil && q.Has("streams") {
		names = append(names, strings.Split(q.Get("streams"), "/")...)
	}
	d.subscribe(c, names)
	return s
}

// subscribe notes streams. The venue takes any name and sends nothing for an unknown one.
func (d *Double) subscribe(c *feedtest.Conn, names []string) {
	for _, name := range names {
		if name == "" {
			continue
		}
		symbol, _, _ := strings.Cut(name, "@")
		_, known := d.list[strings.ToUpper(symbol)]
		if !strings.HasPrefix(name, "!") && (!known || strings.ToLower(symbol) != symbol) {
			d.violate("unknown stream %q", name)
		}
		c.Subscribe(name)
	}
	if len(c.Topics()) > mostStreams {
		d.violate("%d streams over one connection", len(c.Topics()))
		c.Close(1008, "Too many streams")
	}
}

// Message implements feedtest.Venue.
func (d *Double) Message(c *feedtest.Conn, message []byte) {
	s := d.state(c)
	if d.tooFast(s) {
		d.violate("more than ten messages a second")
		c.Close(1008, "Too many requests")
		return
	}
	var m struct {
		Method string   `json:"method"`
		Params []string `json:"params"`
		ID     int64    `json:"id"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		d.violate("message is no JSON")
		c.Send([]byte(`{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}`))
		return
	}
	if m.Method != "SUBSCRIBE" {
		d.violate("method %q", m.Method)
		c.Send(fmt.Appendf(nil, `{"code":2,"msg":"Invalid request: unknown variant","id":%d}`, m.ID))
		return
	}
	d.subscribe(c, m.Params)
	c.Send(fmt.Appendf(nil, `{"result":null,"id":%d}`, m.ID))
}

func (d *Double) tooFast(s *connState) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	s.messages = append(s.messages, now)
	for now.Sub(s.messages[0]) > time.Second {
		s.messages = s.messages[1:]
	}
	return len(s.messages) > 10
}

// Tick implements feedtest.Venue: marks come every second or third one.
func (d *Double) Tick(c *feedtest.Conn, now time.Time) {
	s := d.state(c)
	d.mu.Lock()
	due := s.market && !now.Before(s.next)
	if due {
		s.next = now.Add(tickEvery)
	}
	d.mu.Unlock()
	if !due {
		return
	}
	var all, stocks []json.RawMessage
	for _, l := range listings() {
		e := d.markEvent(l, now)
		for _, name := range []string{"@markPrice@1s", "@markPrice"} {
			if topic := strings.ToLower(l.symbol) + name; c.Subscribed(topic) {
				d.push(c, s, topic, e)
			}
		}
		if l.kind == "TRADIFI_PERPETUAL" {
			stocks = append(stocks, e)
		} else {
			all = append(all, e)
		}
	}
	all = append(all, inverseMark(now))
	for _, topic := range []string{"!markPrice@arr@1s", "!markPrice@arr"} {
		if c.Subscribed(topic) {
			for _, list := range [][]json.RawMessage{all, stocks} {
				frame, _ := json.Marshal(list)
				d.push(c, s, topic, frame)
			}
		}
	}
}

// tickEvery is faster than the venue's second, so that tests are.
const tickEvery = 300 * time.Millisecond

func (d *Double) push(c *feedtest.Conn, s *connState, topic string, event []byte) {
	if s.combined {
		event = fmt.Appendf(nil, `{"stream":%q,"data":%s}`, topic, event)
	}
	c.Push(event)
}

func (d *Double) markEvent(l listing, now time.Time) json.RawMessage {
	mark := l.price(d.market.MarkUSD(l.coin, now))
	settle := l.price(d.market.MarkUSD(l.coin, now) * 1.5) // to be told from the mark
	return fmt.Appendf(nil, `{"e":"markPriceUpdate","E":%d,"s":%q,"p":%q,"ap":%q,"P":%q,"i":%q,"r":"%.8f","T":%d,"st":1}`,
		now.UnixMilli(), l.symbol, mark, mark, settle, mark, d.market.FundingRate(l.coin, now), nextFunding(l, now).UnixMilli())
}

func inverseMark(now time.Time) json.RawMessage {
	return fmt.Appendf(nil, `{"e":"markPriceUpdate","E":%d,"s":"BTCUSD_PERP","p":"83732.50000000","ap":"83732.50000000","P":"83805.72765516","i":"83786.17543766","r":"-0.00000573","T":%d,"st":2}`,
		now.UnixMilli(), now.Truncate(8*time.Hour).Add(8*time.Hour).UnixMilli())
}

// Liquidate implements feedtest.Double. The order's own limit and last fill differ from
// what was filled in all and at what price, as at the venue.
func (d *Double) Liquidate(coin market.Coin, l market.Liquidation) {
	contract, ok := d.symbolOf(coin)
	if !ok {
		return
	}
	side, limit := "SELL", l.PriceUSD*0.99
	if l.Side == market.Short {
		side, limit = "BUY", l.PriceUSD*1.01
	}
	event := fmt.Appendf(nil, `{"e":"forceOrder","E":%d,"o":{"s":%q,"S":%q,"o":"LIMIT","f":"IOC","q":%q,"p":%q,"ap":%q,"X":"FILLED","l":%q,"z":%q,"T":%d,"ps":%q,"st":1}}`,
		l.At.Add(time.Second).UnixMilli(), contract.symbol, side, contract.size(l.Coins), contract.price(limit), contract.price(l.PriceUSD),
		contract.size(l.Coins/2), contract.size(l.Coins), l.At.UnixMilli(), contract.symbol)
	d.tellAll("!forceOrder@arr", event)
	d.tellAll(strings.ToLower(contract.symbol)+"@forceOrder", event)
}

// Change reports new tiers of a coin's contract, as rows of notional from, up to, highest
// leverage, maintenance margin rate and deduction.
func (d *Double) Change(coin market.Coin, at time.Time, tiers [][5]float64) {
	contract, ok := d.symbolOf(coin)
	if !ok {
		return
	}
	brackets := []row{}
	for i, t := range tiers {
		brackets = append(brackets, row{"bs": i + 1, "bnf": t[0], "bnc": t[1], "ma": t[2], "mi": 1, "mmr": t[3], "cf": t[4]})
	}
	event, _ := json.Marshal(row{
		"e": "contractInfo", "E": at.UnixMilli(), "s": contract.symbol, "ps": contract.symbol, "ct": "PERPETUAL",
		"dt": int64(perpetual), "ot": int64(1569398400000), "cs": "TRADING", "bks": brackets,
	})
	d.tellAll("!contractInfo", event)
}

func (d *Double) tellAll(topic string, event []byte) {
	for _, c := range d.server.Conns() {
		if s := d.state(c); s.market && c.Subscribed(topic) {
			d.push(c, s, topic, event)
		}
	}
}
