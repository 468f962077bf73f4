// Package hyperliquidtest is a double of Hyperliquid on the loopback, as strict as the
// venue: its request weights, its paging, its positional contexts, its errors, and a
// WebSocket that ends when a name is unknown. It serves the invented market of feedtest.
package hyperliquidtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// The accounts that trade in the double. In each forced order Trader is liquidated and
// Maker trades against it.
const (
	Trader = "0x193bd350ec838b1e22d6f302da5343b920aa1c2b"
	Maker  = "0x8269c0a4f5f1a14582e0aa46856a234893c41970"
)

// asset is a row of the universe.
type asset struct {
	name     string
	coin     market.Coin
	coins    float64 // of the venue's unit
	digits   int     // of a size
	leverage int
	table    int
	delisted bool
}

// universe has contracts that must be left out between those that trade, since contexts
// are found by their place.
func universe() []asset {
	return []asset{
		{name: "BTC", coin: "BTC", coins: 1, digits: 5, leverage: 40, table: 56},
		{name: "MATIC", digits: 1, leverage: 20, table: 20, delisted: true},
		{name: "ETH", coin: "ETH", coins: 1, digits: 4, leverage: 25, table: 55},
		{name: "kDOGS", digits: 0, leverage: 3, table: 3, delisted: true},
		{name: "SOL", coin: "SOL", coins: 1, digits: 2, leverage: 20, table: 54},
		{name: "kPEPE", coin: "PEPE", coins: 1000, digits: 0, leverage: 10, table: 52},
	}
}

// Double is a running double. It is safe for concurrent use.
type Double struct {
	server *feedtest.Server
	market feedtest.Market
	assets []asset
	limit  int

	mu         sync.Mutex
	violations []string
	spent      []payment // of the last minute
	weight     int       // all that was ever spent
	fills      map[string][]string
	trade      int64
	pings      int
	sent       map[*feedtest.Conn]*link
}

type payment struct {
	at     time.Time
	weight int
}

// link is what is known of a connection besides its topics.
type link struct {
	began    time.Time
	messages []time.Time
	users    map[string]bool
}

// Option changes a double.
type Option func(*Double)

// WithLimit sets the weight that may be spent in a minute, 1200 without.
func WithLimit(weight int) Option { return func(d *Double) { d.limit = weight } }

// WithMore lists n more contracts, X0, X1 and so on, that move like BTC.
func WithMore(n int) Option {
	return func(d *Double) {
		for i := range n {
			d.assets = append(d.assets, asset{name: "X" + strconv.Itoa(i), coin: "BTC", coins: 1, digits: 5, leverage: 3, table: 3})
		}
	}
}

// Start starts a double of a market.
func Start(m feedtest.Market, opts ...Option) *Double {
	d := &Double{market: m, assets: universe(), limit: 1200, fills: make(map[string][]string), sent: make(map[*feedtest.Conn]*link)}
	for _, o := range opts {
		o(d)
	}
	d.server = feedtest.Serve(d)
	return d
}

// API implements feedtest.Double.
func (d *Double) API() string { return d.server.URL() }

// StreamURL implements feedtest.Double.
func (d *Double) StreamURL() string { return d.server.WebSocket() }

// Base implements feedtest.Double.
func (d *Double) Base() *feedtest.Server { return d.server }

// Close implements feedtest.Double.
func (d *Double) Close() { d.server.Close() }

// Violations are the rules of the venue that were broken so far.
func (d *Double) Violations() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.violations)
}

// Weight is all the weight that was spent so far.
func (d *Double) Weight() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.weight
}

// Pings is how many pings came so far.
func (d *Double) Pings() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pings
}

// Delist takes a contract off the list: its name ends connections from now on.
func (d *Double) Delist(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.assets = slices.DeleteFunc(slices.Clone(d.assets), func(a asset) bool { return a.name == name })
}

func (d *Double) violate(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.violations = append(d.violations, fmt.Sprintf(format, args...))
}

func (d *Double) list() []asset {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.assets
}

// find is the contract of a name.
func (d *Double) find(name string) (asset, bool) {
	for _, a := range d.list() {
		if a.name == name {
			return a, true
		}
	}
	return asset{}, false
}

// Liquidate implements feedtest.Double: Trader loses a position to Maker. Both see it in
// their fills.
func (d *Double) Liquidate(coin market.Coin, l market.Liquidation) {
	for _, a := range d.list() {
		if a.coin == coin && coin != "" {
			d.liquidate(a, l)
			return
		}
	}
}

func (d *Double) liquidate(a asset, l market.Liquidation) {
	sides, dirs := [2]string{"A", "B"}, [2]string{"Close Long", "Open Long"}
	if l.Side == market.Short {
		sides, dirs = [2]string{"B", "A"}, [2]string{"Close Short", "Open Short"}
	}
	d.mu.Lock()
	d.trade++
	trade := d.trade
	d.mu.Unlock()
	for i, user := range []string{Trader, Maker} {
		d.trades(user, fmt.Sprintf(`{"coin":%q,"px":%q,"sz":%q,"side":%q,"time":%d,"startPosition":"5.2","dir":%q,"closedPnl":"-46.0356","hash":"0xc0de326d5c05d659c2570433b86b0f02040d0052f708f52b64a6ddc01b09b044","oid":298509207410,"crossed":%t,"fee":"0.047504","tid":%d,"liquidation":{"liquidatedUser":%q,"markPx":%q,"method":"market"},"feeToken":"USDC","twapId":null}`,
			a.name, decimal(l.PriceUSD*a.coins), decimal(l.Coins/a.coins), sides[i], l.At.UnixMilli(), dirs[i], i == 0, trade, Trader, decimal(l.PriceUSD*a.coins)))
	}
}

// Trade makes an ordinary fill of Maker, as it is on the wire. A zero hash means nothing.
func (d *Double) Trade(coin string, at time.Time) {
	d.trades(Maker, fmt.Sprintf(`{"coin":%q,"px":"33.209","sz":"0.73","side":"B","time":%d,"startPosition":"0.0","dir":"Open Long","closedPnl":"0.0","hash":"0x0000000000000000000000000000000000000000000000000000000000000000","oid":314848230306,"crossed":false,"fee":"0.012896","tid":0,"liquidation":null,"feeToken":"USDC","twapId":null}`,
		coin, at.UnixMilli()))
}

func (d *Double) trades(user, fill string) {
	d.mu.Lock()
	d.fills[user] = append(d.fills[user], fill)
	d.mu.Unlock()
	for _, c := range d.server.Conns() {
		if c.Subscribed("userFills " + user) {
			c.Push([]byte(`{"channel":"userFills","data":{"user":"` + user + `","fills":[` + fill + `]}}`))
		}
	}
}

// userFills is the newest 2000 fills of an account, newest first.
func (d *Double) userFills(user string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Clone(d.fills[strings.ToLower(user)])
	slices.Reverse(all)
	return "[" + strings.Join(all[:min(len(all), 2000)], ",") + "]"
}
