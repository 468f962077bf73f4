package okxtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

const (
	publicPath = "/ws/v5/public"
	connection = "a4d3ae55"
	// longest is the longest list of topics, bytes.
	longest = 64 << 10
)

// argument names a topic.
type argument struct {
	Channel string `json:"channel"`
	Type    string `json:"instType,omitempty"`
	Family  string `json:"instFamily,omitempty"`
	ID      string `json:"instId,omitempty"`
}

func (a argument) topic() string { return a.Channel + " " + a.ID }

var requestID = regexp.MustCompile(`^[0-9A-Za-z]{1,32}$`)

// Message implements feedtest.Venue.
func (d *Double) Message(c *feedtest.Conn, message []byte) {
	d.hear(c)
	if string(message) == "ping" {
		d.send(c, "pong")
		return
	}
	var request struct {
		ID   *string    `json:"id"`
		Op   string     `json:"op"`
		Args []argument `json:"args"`
	}
	switch err := json.Unmarshal(message, &request); {
	case len(message) > longest:
		d.violate("a request of %d bytes", len(message))
		c.Close(1009, "Request message exceeds the maximum frame length")
	case err != nil, request.ID != nil && !requestID.MatchString(*request.ID):
		d.refuse(c, "60012", "Illegal request: "+string(message))
	case request.Op != "subscribe" && request.Op != "unsubscribe":
		d.refuse(c, "60019", "Invalid op: "+request.Op)
	case len(request.Args) == 0:
		d.refuse(c, "60013", "Invalid args")
	default:
		d.subscribe(c, request.Args)
	}
}

// hear notes that a connection spoke.
func (d *Double) hear(c *feedtest.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines[c] = time.Now()
}

// quiet reports whether a connection was silent for so long that the venue ends it: it
// neither spoke nor has it topics that are always told. A new one is noted.
func (d *Double) quiet(c *feedtest.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	heard, known := d.lines[c]
	if !known {
		d.lines[c] = now
		d.dials = slices.DeleteFunc(d.dials, func(t time.Time) bool { return now.Sub(t) >= time.Second })
		if d.dials = append(d.dials, now); len(d.dials) > 3 {
			d.violations = append(d.violations, "more than three connections in a second")
		}
		return false
	}
	told := slices.ContainsFunc(c.Topics(), func(t string) bool { return strings.HasPrefix(t, "mark-price ") })
	return !told && now.Sub(heard) > 30*time.Second
}

func (d *Double) send(c *feedtest.Conn, frame string) { c.Send([]byte(frame)) }

func (d *Double) refuse(c *feedtest.Conn, code, msg string) {
	d.violate("stream: %s %s", code, msg)
	d.send(c, string(encode(map[string]string{"event": "error", "msg": msg, "code": code, "connId": connection})))
}

// subscribe acknowledges each topic. One that is refused on purpose takes all of its
// message with it, without a word about the others.
func (d *Double) subscribe(c *feedtest.Conn, args []argument) {
	if d.tooMany(c, len(args)) {
		d.refuse(c, "60014", "Requests too frequent")
		return
	}
	for _, a := range args {
		if d.refused[a.ID] {
			d.refuse(c, "60018", unknownTopic(a))
			return
		}
	}
	for _, a := range args {
		if a.Channel == "liquidation-orders" || a.Channel == "instruments" {
			if a.Type == "" {
				d.refuse(c, "60018", unknownTopic(a))
				continue
			}
			a = argument{Channel: a.Channel, Type: a.Type} // the rest is ignored
		} else if _, ok := listed(a.ID); !ok || !slices.Contains([]string{"mark-price", "open-interest", "funding-rate"}, a.Channel) || a.Type != "" {
			d.refuse(c, "60018", unknownTopic(a))
			continue
		}
		if c.Path != publicPath {
			d.refuse(c, "64002", "The request is not supported by this URL "+c.Path)
			continue
		}
		d.send(c, string(encode(map[string]any{"event": "subscribe", "arg": a, "connId": connection})))
		if c.Subscribe(a.topic()) {
			d.tell(c, a, d.server.Now())
		}
	}
}

// tooMany counts what a connection has asked for. The venue allows 480 operations an hour;
// whether a message is one or as many as its topics is not told, so the latter is counted.
func (d *Double) tooMany(c *feedtest.Conn, topics int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.operations[c] += topics
	return d.operations[c] > 480
}

func unknownTopic(a argument) string {
	return fmt.Sprintf("Subscribe failed, wrong URL or channel:%s,instId:%s doesn't exist. Please use the correct URL, channel and parameters referring to API document.", a.Channel, a.ID)
}

// tell pushes the present state of a topic.
func (d *Double) tell(c *feedtest.Conn, a argument, now time.Time) {
	s, _ := listed(a.ID)
	var row any
	switch a.Channel {
	case "mark-price":
		row = d.markRow(s, now)
	case "open-interest":
		row = d.interestRow(s, now)
	case "funding-rate":
		row = d.fundingRow(s, now)
	case "instruments":
		for _, s := range swaps() {
			d.push(c, a, s.row())
		}
		return
	default:
		return
	}
	d.push(c, a, row)
}

func (d *Double) push(c *feedtest.Conn, a argument, row any) {
	c.Push(encode(map[string]any{"arg": a, "data": []any{row}}))
}

func (d *Double) fundingRow(s swap, now time.Time) map[string]string {
	paid := now.Truncate(funding).Add(funding)
	return map[string]string{
		"formulaType": "withRate", "fundingRate": number(d.market.FundingRate(s.coin, now)), "fundingTime": ms(paid), "impactValue": "20000",
		"instId": s.symbol, "instType": "SWAP", "interestRate": "0.0001", "maxFundingRate": "0.00375", "method": "current_period",
		"minFundingRate": "-0.00375", "nextFundingRate": "", "nextFundingTime": ms(paid.Add(funding)), "premium": "-0.0004",
		"prevFundingTime": ms(paid.Add(-funding)), "settFundingRate": "0.00003", "settState": "settled", "ts": ms(now),
	}
}

// Tick implements feedtest.Venue: mark prices every 200 ms, open interest every three
// seconds, funding every 30. It ends connections that are quiet.
func (d *Double) Tick(c *feedtest.Conn, now time.Time) {
	if d.quiet(c) {
		d.violate("a connection without heartbeat")
		c.Close(4004, "No data received in 30s.")
		return
	}
	tick := now.UnixMilli() / 100
	for _, s := range swaps() {
		if s.coin == "" {
			continue
		}
		for channel, every := range map[string]int64{"mark-price": 2, "open-interest": 30, "funding-rate": 300} {
			if a := (argument{Channel: channel, ID: s.symbol}); tick%every == 0 && c.Subscribed(a.topic()) {
				d.tell(c, a, now)
			}
		}
	}
}

// Liquidate implements feedtest.Double. Sizes are rounded to the venue's step.
func (d *Double) Liquidate(coin market.Coin, l market.Liquidation) {
	for _, s := range swaps() {
		if s.coin != coin {
			continue
		}
		side, position := "sell", "long"
		if l.Side == market.Short {
			side, position = "buy", "short"
		}
		a := argument{Channel: "liquidation-orders", Type: "SWAP"}
		row := map[string]any{
			"details": []any{map[string]string{
				"bkLoss": "0", "bkPx": number(l.PriceUSD), "ccy": "", "posSide": position, "side": side,
				"sz": fmt.Sprintf("%.2f", l.Coins/s.contractCoins), "ts": ms(l.At),
			}},
			"instFamily": s.family, "instId": s.symbol, "instType": "SWAP", "uly": s.family,
		}
		for _, c := range d.server.Conns() {
			if c.Subscribed(a.topic()) {
				d.push(c, a, row)
			}
		}
	}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only plain values come here
	}
	return b
}
