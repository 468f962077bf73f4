package hyperliquidtest

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"liqbot/feeds/feedtest"
)

// Limits of the venue for one address of the internet.
const (
	maxConnections   = 10
	maxDials         = 30 // a minute
	maxSubscriptions = 1000
	maxUsers         = 10
	maxMessages      = 2000 // a minute
)

const notParsed = "Error parsing JSON into valid websocket request: "

// Message implements feedtest.Venue.
func (d *Double) Message(c *feedtest.Conn, message []byte) {
	if c.Path != "/ws" {
		d.violate("connection to %s", c.Path)
		c.Close(1008, "")
		return
	}
	if !d.count(c) {
		c.Close(1008, "")
		return
	}
	var m struct {
		Method       string          `json:"method"`
		Subscription json.RawMessage `json:"subscription"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		d.refuse(c, notParsed+string(message))
		return
	}
	switch m.Method {
	case "ping":
		d.mu.Lock()
		d.pings++
		d.mu.Unlock()
		c.Send([]byte(`{"channel":"pong"}`))
	case "subscribe":
		d.subscribe(c, m.Subscription, message)
	default:
		d.refuse(c, notParsed+string(message))
	}
}

func (d *Double) refuse(c *feedtest.Conn, why string) {
	d.violate("%s", why)
	c.Send([]byte(`{"channel":"error","data":` + strconv.Quote(why) + `}`))
}

// count counts messages and connections; it reports whether they are within the limits.
func (d *Double) count(c *feedtest.Conn) bool {
	conns := d.server.Conns()
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.sent[c]
	if l == nil {
		l = &link{began: time.Now(), users: make(map[string]bool)}
		d.sent[c] = l
	}
	now := time.Now()
	l.messages = append(l.messages, now)
	recent, dials := 0, 0
	for _, other := range d.sent {
		if now.Sub(other.began) < time.Minute {
			dials++
		}
		for _, at := range other.messages {
			if now.Sub(at) < time.Minute {
				recent++
			}
		}
	}
	switch {
	case len(conns) > maxConnections:
		d.violations = append(d.violations, "too many connections")
	case dials > maxDials:
		d.violations = append(d.violations, "too many new connections")
	case recent > maxMessages:
		d.violations = append(d.violations, "too many messages")
	default:
		return true
	}
	return false
}

type subscription struct {
	Type string  `json:"type"`
	Coin *string `json:"coin,omitempty"`
	User *string `json:"user,omitempty"`
}

func (d *Double) subscribe(c *feedtest.Conn, raw json.RawMessage, message []byte) {
	var s subscription
	if err := json.Unmarshal(raw, &s); err != nil {
		d.refuse(c, notParsed+string(message))
		return
	}
	total := 0
	for _, other := range d.server.Conns() {
		total += len(other.Topics())
	}
	var topic string
	switch {
	case total >= maxSubscriptions:
		d.refuse(c, "Cannot subscribe to more than 1000 channels.")
		return
	case s.Type == "activeAssetCtx" && s.Coin != nil:
		if _, ok := d.find(*s.Coin); !ok {
			d.violate("unknown coin %q", *s.Coin)
			c.Close(1011, "") // the venue does not even say goodbye
			return
		}
		topic = "activeAssetCtx " + *s.Coin
	case s.Type == "userFills" && s.User != nil && user.MatchString(*s.User):
		if !d.follow(c, strings.ToLower(*s.User)) {
			d.refuse(c, "Cannot track more than 10 total users.")
			return
		}
		topic = "userFills " + strings.ToLower(*s.User)
	default:
		d.refuse(c, notParsed+string(message))
		return
	}
	if !c.Subscribe(topic) {
		d.refuse(c, "Already subscribed: "+string(raw))
		return
	}
	c.Send([]byte(`{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":` + string(raw) + `}}`))
	if s.User != nil {
		c.Push([]byte(`{"channel":"userFills","data":{"isSnapshot":true,"user":"` + strings.ToLower(*s.User) + `","fills":` + d.userFills(*s.User) + `}}`))
	}
}

// follow notes that a connection tracks an account; it reports whether the venue lets it.
func (d *Double) follow(c *feedtest.Conn, account string) bool {
	open := d.server.Conns()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent[c].users[account] = true
	all := make(map[string]bool)
	for _, other := range open {
		if l := d.sent[other]; l != nil {
			for u := range l.users {
				all[u] = true
			}
		}
	}
	return len(all) <= maxUsers
}

// Tick implements feedtest.Venue. Delisted contracts are accepted and silent.
func (d *Double) Tick(c *feedtest.Conn, now time.Time) {
	for _, a := range d.list() {
		if !a.delisted && c.Subscribed("activeAssetCtx "+a.name) {
			c.Push([]byte(`{"channel":"activeAssetCtx","data":{"coin":"` + a.name + `","ctx":` + d.context(a, now) + `}}`))
		}
	}
}
