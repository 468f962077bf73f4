package bybit

import (
	"errors"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// event is one forced order of a message of allLiquidation, as the venue counts.
type event struct {
	at                                         time.Time
	contract                                   int
	side                                       market.Side
	size, price                                float64
	hasAt, hasSymbol, hasSize, hasPrice, wrong bool
}

func (e *event) read(d *jx.Decoder, b *book) error {
	it, err := d.ObjIter()
	if err != nil {
		return err
	}
	for it.Next() {
		switch err := e.field(d, it.Key(), b); {
		case errors.Is(err, wire.ErrType):
			e.wrong = true
		case err != nil:
			return err
		}
	}
	return it.Err()
}

func (e *event) field(d *jx.Decoder, key []byte, b *book) (err error) {
	var s []byte
	switch string(key) {
	case "T":
		e.at, e.hasAt, err = wire.Time(d)
	case "s":
		if s, err = wire.Text(d); err == nil {
			e.hasSymbol, e.contract = true, b.contract(s)
		}
	case "S":
		if s, err = wire.Text(d); err == nil {
			e.side = positionSide(s)
		}
	case "v":
		e.size, e.hasSize, err = wire.Float(d)
	case "p":
		e.price, e.hasPrice, err = wire.Float(d)
	default:
		err = d.Skip()
	}
	return err
}

// positionSide is the side of the position: "When you receive a Buy update, this means
// that a long position has been liquidated". Elsewhere a Buy would close a short.
func positionSide(s []byte) market.Side {
	switch string(s) {
	case "Buy":
		return market.Long
	case "Sell":
		return market.Short
	default:
		return 0
	}
}

// orders tells the forced orders of the message that was read.
func (d *Decoder) orders(latest time.Time) bool {
	d.recent.next()
	for i := range d.events {
		e := &d.events[i]
		if reason := d.order(e, latest); reason != "" {
			d.sink.Dropped(reason)
		}
	}
	return len(d.events) > 0
}

func (d *Decoder) order(e *event, latest time.Time) feeds.Reason {
	switch {
	case e.wrong || !e.hasAt || !e.hasSymbol || !e.hasSize || !e.hasPrice || e.side == 0:
		return feeds.WrongType
	case e.contract < 0:
		return feeds.UnknownContract
	case e.at.After(latest):
		return feeds.OutOfOrder
	}
	c := &d.book.contracts[e.contract]
	l := market.Liquidation{At: e.at, Side: e.side, Coins: e.size * c.ContractCoins, PriceUSD: e.price / c.QuotedCoins}
	if !feeds.PossibleCoins(l.Coins) || !feeds.PossiblePrice(l.PriceUSD) {
		return feeds.Impossible
	}
	if !d.recent.fresh(orderKey{e.contract, e.side, e.at.UnixMilli(), e.size, e.price}) {
		return feeds.Duplicate
	}
	d.sink.Update(feeds.Update{Contract: c, Kind: feeds.Liquidation, At: l.At, Order: l})
	return ""
}

// orderKey is all that tells forced orders apart: Bybit gives them no number.
type orderKey struct {
	contract    int
	side        market.Side
	ms          int64
	size, price float64
}

// recent remembers forced orders. Two equal ones in a message are two orders, as all of
// a millisecond come in one message; equal ones in a later message are a repetition.
type recent struct {
	message   uint64
	now, past map[orderKey]counted
}

// counted is how often an order was told in one message at most, and in the newest one.
type counted struct {
	told, here int
	message    uint64
}

const remembered = 4096

func newRecent() recent {
	return recent{now: make(map[orderKey]counted), past: make(map[orderKey]counted)}
}

// next begins a message.
func (r *recent) next() { r.message++ }

// fresh notes an order and reports whether it was not told before.
func (r *recent) fresh(k orderKey) bool {
	n, ok := r.now[k]
	if !ok {
		n = r.past[k]
	}
	if n.message != r.message {
		n.message, n.here = r.message, 0
	}
	n.here++
	fresh := n.here > n.told
	if fresh {
		n.told = n.here
	}
	if !ok && len(r.now) >= remembered {
		r.now, r.past = r.past, r.now
		clear(r.now)
	}
	r.now[k] = n
	return fresh
}
