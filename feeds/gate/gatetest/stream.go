package gatetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

const (
	tickersName      = "futures.tickers"
	liquidationsName = "futures.public_liquidates"
	everything       = "!all"
)

type request struct {
	Time    int64    `json:"time"`
	ID      *int64   `json:"id"`
	Channel string   `json:"channel"`
	Event   string   `json:"event"`
	Payload []string `json:"payload"`
}

// Message implements feedtest.Venue.
func (d *Double) Message(c *feedtest.Conn, message []byte) {
	var r request
	err := json.Unmarshal(message, &r)
	switch {
	case err != nil || r.Time == 0:
		d.violated("message: " + string(message))
		d.reply(c, r, 1, "invalid argument structure")
	case r.Channel == "futures.ping":
		now := d.server.Now()
		send(c.Send, map[string]any{"time": now.Unix(), "time_ms": now.UnixMilli(), "channel": "futures.pong", "event": "", "result": nil})
	case r.Event != "subscribe":
		d.reply(c, r, 1, "unknown event "+r.Event)
	case c.Path != "/v4/ws/usdt": // coin-settled contracts: accepted, and then nothing comes
		d.violated("stream path " + c.Path)
		d.reply(c, r, 0, "")
	case r.Channel == tickersName:
		d.subscribe(c, r, false)
	case r.Channel == liquidationsName:
		d.subscribe(c, r, true)
	default:
		d.reply(c, r, 2, "unknown channel "+r.Channel)
	}
}

// subscribe refuses all of a message that names one unknown contract.
func (d *Double) subscribe(c *feedtest.Conn, r request, all bool) {
	d.mu.Lock()
	fails := d.failures > 0
	d.failures--
	d.mu.Unlock()
	if fails {
		d.reply(c, r, 3, "service error")
		return
	}
	for _, name := range r.Payload {
		if _, ok := bySymbol(name); !ok && (!all || name != everything) {
			d.violated("unknown contract " + name)
			why := "unknown currency pair: " + name
			if d.opts.wordless {
				why = "invalid argument"
			}
			d.reply(c, r, 2, why)
			return
		}
	}
	d.reply(c, r, 0, "")
	for _, name := range r.Payload {
		c.Subscribe(r.Channel + " " + name)
	}
}

// reply acknowledges, or refuses with a code above 0.
func (d *Double) reply(c *feedtest.Conn, r request, code int, message string) {
	now, status := d.server.Now(), "success"
	answer := map[string]any{
		"time": now.Unix(), "time_ms": now.UnixMilli(), "conn_id": "c59a69fd3702aa1d", "trace_id": "5597c780565cf57ad16784743225b18b",
		"channel": r.Channel, "event": r.Event, "payload": r.Payload,
	}
	if r.ID != nil {
		answer["id"] = *r.ID
	}
	if code > 0 {
		status, answer["error"] = "fail", map[string]any{"code": code, "message": message}
	}
	answer["result"] = map[string]string{"status": status}
	send(c.Send, answer)
}

// Tick implements feedtest.Venue.
func (d *Double) Tick(c *feedtest.Conn, now time.Time) {
	for _, l := range contracts {
		if !c.Subscribed(tickersName+" "+l.symbol) || d.isDelisted(l.symbol) {
			continue
		}
		mark, rate := l.price(d.market.MarkUSD(l.coin, now)), number(d.market.FundingRate(l.coin, now))
		send(c.Push, map[string]any{
			"time": now.Unix(), "time_ms": now.UnixMilli(), "channel": tickersName, "event": "update",
			"result": []any{map[string]any{
				"contract": l.symbol, "last": mark, "mark_price": mark, "index_price": mark, "funding_rate": rate, "funding_rate_indicative": rate,
				"funding_interval": 28800, "funding_offset": 0, "funding_next_apply": nextFunding(now), "price_type": "last", "t": now.UnixMilli(),
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
	at, symbol := contracts[i], contracts[i].symbol
	d.mu.Lock()
	d.orders = append(d.orders, order{symbol: symbol, l: l})
	d.mu.Unlock()
	now := d.server.Now()
	for _, c := range d.server.Conns() {
		if !c.Subscribed(liquidationsName+" "+everything) && !c.Subscribed(liquidationsName+" "+symbol) {
			continue
		}
		row := map[string]any{"contract": symbol, "price": at.price(l.PriceUSD), "size": at.size(signed(l), c.Header.Get("X-Gate-Size-Decimal") == "1")}
		switch d.opts.shape {
		case Seconds:
			row["time"] = l.At.Unix()
		case Numbers:
			row["price"], row["time_ms"] = json.Number(at.price(l.PriceUSD)), l.At.UnixMilli()
		case Milliseconds:
			row["time"] = l.At.UnixMilli()
		}
		send(c.Push, map[string]any{
			"channel": liquidationsName, "event": "update", "time": now.Unix(), "time_ms": now.UnixMilli(), "result": []any{row},
		})
	}
}

func send(by func([]byte), message any) {
	frame, err := json.Marshal(message)
	if err != nil {
		frame = fmt.Appendf(nil, "cannot encode: %s", strconv.Quote(err.Error()))
	}
	by(frame)
}
