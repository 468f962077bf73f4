package bitget

import (
	"errors"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/quiet"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// maxAhead is how far in Bitget's future a moment may be.
const maxAhead = time.Minute

// Decoder reads the messages of one connection and hands on what they tell. It is not
// safe for concurrent use.
type Decoder struct {
	contracts quiet.Contracts
	sink      feeds.Sink
	now       func() time.Time
	amounts   *Amounts
	seen      *feeds.Recent[uint64]
	answer    func(reply)

	d    jx.Decoder
	rows []row // of the message that is being read
}

// reply is Bitget's answer to a subscription.
type reply struct {
	// Refused says that Message tells why there will be no data.
	Refused bool
	Message string
	// Symbol is that of the subscription; empty if it has none.
	Symbol string
}

// NewDecoder makes a decoder for some contracts. Now is Bitget's clock.
func NewDecoder(contracts []market.Contract, sink feeds.Sink, now func() time.Time, amounts *Amounts) *Decoder {
	return newDecoder(quiet.Of(contracts), sink, now, amounts, func(a reply) {
		if a.Refused {
			sink.Dropped(feeds.Refused)
		}
	})
}

func newDecoder(contracts quiet.Contracts, sink feeds.Sink, now func() time.Time, amounts *Amounts, answer func(reply)) *Decoder {
	return &Decoder{contracts: contracts, sink: sink, now: now, amounts: amounts, seen: feeds.NewRecent[uint64](recentOrders), answer: answer}
}

// topic is what a message is about.
type topic uint8

const (
	otherTopic topic = iota + 1
	tickerTopic
	liquidationTopic
)

// envelope is what is known of a message. Its arg may come after its data.
type envelope struct {
	topic   topic
	symbol  []byte
	known   *quiet.Contract
	event   []byte
	at      time.Time
	list    bool // there was data, and it was a list
	message string
	wrong   bool
}

// Decode reads one message and reports whether it was market data of a contract asked for.
func (d *Decoder) Decode(frame []byte) (data bool) {
	if string(frame) == "pong" { // the answer to a ping is no JSON
		return false
	}
	d.d.ResetBytes(frame)
	d.rows = d.rows[:0]
	if d.d.Next() != jx.Object {
		d.sink.Dropped(feeds.Garbage)
		return false
	}
	var e envelope
	switch err := d.envelope(&e); {
	case errors.Is(err, wire.ErrType) || err == nil && e.wrong:
		d.sink.Dropped(feeds.WrongType)
		return false
	case err != nil:
		d.sink.Dropped(feeds.Garbage)
		return false
	}
	return d.dispatch(&e)
}

// envelope reads a whole message. The rows of its data are told afterwards.
func (d *Decoder) envelope(e *envelope) error {
	err := wire.Fields(&d.d, func(key []byte) error { return d.outer(e, key) })
	if errors.Is(err, wire.ErrType) {
		e.wrong, err = true, nil
	}
	if err != nil {
		return err
	}
	return wire.End(&d.d)
}

func (d *Decoder) outer(e *envelope, key []byte) (err error) {
	switch string(key) {
	case "arg":
		return d.arg(e)
	case "data":
		return d.data(e)
	case "ts":
		e.at, err = optionalTime(&d.d)
	case "event":
		e.event, err = wire.Text(&d.d)
	case "msg":
		var b []byte
		b, err = wire.Text(&d.d)
		e.message = clip(b)
	default:
		err = d.d.Skip()
	}
	return err
}

// arg reads what a message is about: instId and channel of the older generation, symbol
// and topic of the newer.
func (d *Decoder) arg(e *envelope) error {
	if d.d.Next() != jx.Object {
		return wire.Fields(&d.d, nil)
	}
	it, err := d.d.ObjIter()
	if err != nil {
		return err
	}
	for it.Next() {
		switch string(it.Key()) {
		case "topic", "channel":
			var b []byte
			if b, err = wire.Text(&d.d); err == nil {
				e.topic = topicOf(b)
			}
		case "symbol", "instId":
			if e.symbol, err = wire.Text(&d.d); err == nil {
				e.known = d.contracts[string(e.symbol)]
			}
		default:
			err = d.d.Skip()
		}
		if errors.Is(err, wire.ErrType) {
			e.wrong, err = true, nil
		}
		if err != nil {
			return err
		}
	}
	return it.Err()
}

func topicOf(b []byte) topic {
	switch string(b) {
	case "ticker":
		return tickerTopic
	case "liquidation":
		return liquidationTopic
	default:
		return otherTopic
	}
}

// data reads the rows.
func (d *Decoder) data(e *envelope) error {
	if d.d.Next() != jx.Array {
		return d.d.Skip()
	}
	e.list = true
	it, err := d.d.ArrIter()
	if err != nil {
		return err
	}
	for it.Next() {
		d.rows = append(d.rows, row{})
		r := &d.rows[len(d.rows)-1]
		if err = r.read(&d.d, d.contracts); errors.Is(err, wire.ErrType) {
			r.wrong, err = true, nil
		}
		if err != nil {
			return err
		}
	}
	return it.Err()
}

func (d *Decoder) dispatch(e *envelope) (data bool) {
	switch {
	case string(e.event) == "error":
		d.answer(reply{Refused: true, Message: e.message, Symbol: refused(e)})
		return false
	case len(e.event) > 0:
		d.answer(reply{Message: e.message, Symbol: string(e.symbol)})
		return false
	case e.topic == otherTopic || e.topic == 0:
		d.sink.Dropped(feeds.Garbage)
		return false
	case !e.list:
		d.sink.Dropped(feeds.WrongType)
		return false
	}
	for i := range d.rows {
		if d.tell(e, &d.rows[i]) {
			data = true
		}
	}
	return data
}

// refused is the symbol of a refused subscription. The newer generation only quotes the
// subscription within its message.
func refused(e *envelope) string {
	if len(e.symbol) > 0 {
		return string(e.symbol)
	}
	_, rest, _ := strings.Cut(e.message, `"symbol":"`)
	symbol, _, _ := strings.Cut(rest, `"`)
	return symbol
}

// tell hands one row on and reports whether it told something.
func (d *Decoder) tell(e *envelope, r *row) bool {
	if r.at.IsZero() {
		r.at = e.at
	}
	if len(r.symbol) == 0 {
		r.known = e.known
	}
	switch {
	case r.wrong || r.at.IsZero():
		d.sink.Dropped(feeds.WrongType)
		return false
	case r.known == nil:
		d.sink.Dropped(feeds.UnknownContract)
		return false
	case r.at.Sub(d.now()) > maxAhead:
		d.sink.Dropped(feeds.OutOfOrder)
		return false
	case e.topic == tickerTopic:
		return d.tick(r)
	default:
		return d.liquidation(r)
	}
}

func (d *Decoder) tick(r *row) bool {
	u, ok := r.update(r.known.Contract, r.at)
	switch {
	case !ok:
		d.sink.Dropped(feeds.Impossible)
		return false
	case !r.known.Newer(r.at):
		d.sink.Dropped(feeds.OutOfOrder)
		return false
	}
	r.known.Tell(u, d.sink)
	return true
}

// liquidation tells a forced order.
func (d *Decoder) liquidation(r *row) bool {
	if !r.sized || !r.priced || r.side == 0 {
		d.sink.Dropped(feeds.WrongType)
		return false
	}
	if r.amount <= 0 || r.price <= 0 {
		d.sink.Dropped(feeds.Impossible)
		return false
	}
	c := r.known.Contract
	id := identity(c.Symbol, &r.print)
	if !d.seen.Add(id) {
		d.sink.Dropped(feeds.Duplicate)
		return false
	}
	d.amounts.weigh(c.Symbol, r.amount, r.price)
	l, ok := r.liquidation(c, d.amounts.Unit())
	if !ok {
		d.sink.Dropped(feeds.Impossible)
		return false
	}
	d.sink.Update(feeds.Update{Contract: c, Kind: feeds.Liquidation, At: r.at, Order: l, ID: id})
	return true
}
