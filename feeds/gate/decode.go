package gate

import (
	"errors"
	"math"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/quiet"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// maxAhead is how far in Gate's future a moment may be.
const maxAhead = time.Minute

// Decoder reads the messages of one connection and hands on what they tell. It is not
// safe for concurrent use.
type Decoder struct {
	contracts quiet.Contracts
	sink      feeds.Sink
	now       func() time.Time
	seen      *feeds.Recent[uint64]
	answer    func(reply)

	d    jx.Decoder
	rows []row // of the message that is being read
}

// reply is Gate's answer to a subscription.
type reply struct {
	ID      int64
	Channel string
	// Refused says that Message tells why there will be no data.
	Refused bool
	Code    int64
	Message string
}

// NewDecoder makes a decoder for some contracts. Now is Gate's clock.
func NewDecoder(contracts []market.Contract, sink feeds.Sink, now func() time.Time) *Decoder {
	return newDecoder(quiet.Of(contracts), sink, now, func(a reply) {
		if a.Refused {
			sink.Dropped(feeds.Refused)
		}
	})
}

func newDecoder(contracts quiet.Contracts, sink feeds.Sink, now func() time.Time, answer func(reply)) *Decoder {
	return &Decoder{contracts: contracts, sink: sink, now: now, seen: feeds.NewRecent[uint64](recentOrders), answer: answer}
}

// channel and event are what a message is about.
type (
	channel uint8
	event   uint8
)

const (
	otherChannel channel = iota + 1
	tickersChannel
	liquidationsChannel
	controlChannel

	otherEvent event = iota + 1
	updateEvent
	subscribeEvent
	noEvent
)

// envelope is what is known of a message.
type envelope struct {
	channel channel
	event   event
	name    []byte
	at      time.Time
	id      int64
	list    bool // there was a result, and it was a list
	failed  bool
	code    int64 // of the failure
	message string
	wrong   bool
}

// Decode reads one message and reports whether it was market data of a contract asked for.
func (d *Decoder) Decode(frame []byte) (data bool) {
	d.d.ResetBytes(frame)
	d.rows = d.rows[:0]
	if d.d.Next() != jx.Object {
		d.sink.Dropped(feeds.Garbage)
		return false
	}
	var e envelope
	if err := d.envelope(&e); err != nil {
		d.sink.Dropped(reason(err))
		return false
	}
	if e.wrong {
		d.sink.Dropped(feeds.WrongType)
		return false
	}
	return d.dispatch(&e)
}

// reason tells messages that are none from those with a wrong field.
func reason(err error) feeds.Reason {
	if errors.Is(err, wire.ErrType) {
		return feeds.WrongType
	}
	return feeds.Garbage
}

// envelope reads a whole message. The rows of its result are told afterwards, as they may
// come before the fields that say what they are.
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
	case "channel":
		var b []byte
		if b, err = wire.Text(&d.d); err == nil {
			e.name, e.channel = b, channelOf(b)
		}
	case "event":
		var b []byte
		if b, err = wire.Text(&d.d); err == nil {
			e.event = eventOf(b)
		}
	case "time":
		var at time.Time
		if at, err = optionalTime(&d.d); err == nil && e.at.IsZero() {
			e.at = at
		}
	case "time_ms":
		var at time.Time
		if at, err = optionalTime(&d.d); err == nil && !at.IsZero() {
			e.at = at
		}
	case "id":
		e.id, err = whole(&d.d)
	case "result":
		err = d.result(e)
	case "error":
		err = d.failure(e)
	default:
		err = d.d.Skip()
	}
	return err
}

func channelOf(b []byte) channel {
	switch string(b) {
	case "futures.tickers":
		return tickersChannel
	case "futures.public_liquidates":
		return liquidationsChannel
	case "futures.pong", "futures.ping", "futures.system":
		return controlChannel
	default:
		return otherChannel
	}
}

func eventOf(b []byte) event {
	switch string(b) {
	case "update", "all":
		return updateEvent
	case "subscribe", "unsubscribe":
		return subscribeEvent
	case "":
		return noEvent
	default:
		return otherEvent
	}
}

// failure reads the error of an answer.
func (d *Decoder) failure(e *envelope) error {
	if d.d.Next() == jx.Null {
		return d.d.Null()
	}
	return wire.Fields(&d.d, func(key []byte) error {
		e.failed = true
		switch string(key) {
		case "code":
			code, err := whole(&d.d)
			e.code = code
			return err
		case "message":
			b, err := wire.Text(&d.d)
			e.message = clip(b)
			return err
		default:
			return d.d.Skip()
		}
	})
}

// result reads the rows of a list; answers have an object in its place.
func (d *Decoder) result(e *envelope) error {
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
	case e.failed || e.event == subscribeEvent:
		d.answer(reply{ID: e.id, Channel: string(e.name), Refused: e.failed, Code: e.code, Message: e.message})
		return false
	case e.channel == controlChannel:
		return false
	case e.event != updateEvent || e.channel == otherChannel || e.channel == 0:
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

// tell hands one row on and reports whether it told something.
func (d *Decoder) tell(e *envelope, r *row) bool {
	if r.at.IsZero() {
		r.at = e.at
	}
	switch {
	case r.wrong:
		d.sink.Dropped(feeds.WrongType)
		return false
	case r.known == nil && r.heart && e.channel == tickersChannel:
		return true
	case r.known == nil:
		d.sink.Dropped(feeds.UnknownContract)
		return false
	case r.at.IsZero():
		d.sink.Dropped(feeds.WrongType)
		return false
	case r.at.Sub(d.now()) > maxAhead:
		d.sink.Dropped(feeds.OutOfOrder)
		return false
	case e.channel == tickersChannel:
		return d.ticker(r)
	default:
		return d.liquidation(r)
	}
}

func (d *Decoder) ticker(r *row) bool {
	u, ok := r.ticker.update(r.known.Contract)
	switch {
	case !ok:
		d.sink.Dropped(feeds.Impossible)
		return false
	case !r.known.Newer(r.at):
		d.sink.Dropped(feeds.OutOfOrder)
		return false
	}
	r.known.Tell(dated(u, r.at), d.sink)
	return true
}

func (d *Decoder) liquidation(r *row) bool {
	l := liquidation(*r.known.Contract, r.at, r.size, r.price)
	if !r.sized || !r.priced {
		d.sink.Dropped(feeds.WrongType)
		return false
	}
	if !possible(l) || math.IsNaN(l.NotionalUSD()) {
		d.sink.Dropped(feeds.Impossible)
		return false
	}
	id := identity(r.known.Symbol, r.at, r.size, r.price)
	if !d.seen.Add(id) {
		d.sink.Dropped(feeds.Duplicate)
		return false
	}
	d.sink.Update(feeds.Update{Contract: r.known.Contract, Kind: feeds.Liquidation, At: r.at, Order: l, ID: id})
	return true
}
