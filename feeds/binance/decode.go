package binance

import (
	"errors"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// maxAhead is how far in the venue's future what it tells may lie.
const maxAhead = time.Minute

// Decoder turns the frames of the market streams into updates of some contracts. It
// remembers what it has seen, so that one decoder should outlive the connections. It is
// not safe for concurrent use.
type Decoder struct {
	d      jx.Decoder
	sink   feeds.Sink
	latest func() time.Time
	learn  func(symbol string, t market.LeverageTiers)
	known  map[string]*instrument
	seen   *feeds.Recent[order]
	// ev is the event that is being read.
	ev event
}

// instrument is a contract and the time of the newest ticker of it, ms.
type instrument struct {
	contract *market.Contract
	newest   int64
}

// NewDecoder makes a decoder. What lies more than a minute after now is left out; nil is
// this machine's clock. The contracts must not change meanwhile.
func NewDecoder(contracts []market.Contract, sink feeds.Sink, now func() time.Time) *Decoder {
	if now == nil {
		now = time.Now
	}
	return newDecoder(contracts, sink, func() time.Time { return now().Add(maxAhead) })
}

func newDecoder(contracts []market.Contract, sink feeds.Sink, latest func() time.Time) *Decoder {
	d := &Decoder{sink: sink, latest: latest, known: make(map[string]*instrument, len(contracts)), seen: feeds.NewRecent[order](remembered), learn: func(string, market.LeverageTiers) {}}
	for i := range contracts {
		d.known[contracts[i].Symbol] = &instrument{contract: &contracts[i]}
	}
	return d
}

// Decode reads one message: a bare event, an event in the envelope of a combined stream,
// a list of events in either, or an answer. It reports whether there was a mark price in
// it: only these come so steadily that their lack means a dead connection.
func (d *Decoder) Decode(frame []byte) (data bool) {
	d.d.ResetBytes(frame)
	d.ev.reset()
	var err error
	switch d.d.Next() {
	case jx.Array:
		data, err = d.list()
	case jx.Object:
		data, err = d.message()
	default:
		err = wire.ErrType
	}
	if err == nil {
		err = wire.End(&d.d)
	}
	if err != nil {
		d.sink.Dropped(feeds.Garbage)
		return data
	}
	return d.tell() || data
}

// message reads the outermost object: an envelope, an event or an answer. The event stays
// in d.ev until the whole frame is known to be sound; a list is told at once.
func (d *Decoder) message() (data bool, err error) {
	it, err := d.d.ObjIter()
	if err != nil {
		return false, err
	}
	for it.Next() {
		switch key := it.Key(); string(key) {
		case "data":
			switch d.d.Next() {
			case jx.Array:
				data, err = d.list()
			case jx.Object:
				err = d.event()
			default:
				err = wire.ErrType
			}
		case "stream":
			err = d.d.Skip()
		case "result":
			d.ev.answered = true
			err = d.d.Skip()
		case "code", "error":
			d.ev.refused = true
			err = d.d.Skip()
		default:
			err = d.field(key)
		}
		if err != nil {
			return data, err
		}
	}
	return data, it.Err()
}

// list reads and tells a list of events.
func (d *Decoder) list() (data bool, err error) {
	it, err := d.d.ArrIter()
	if err != nil {
		return false, err
	}
	for it.Next() {
		d.ev.reset()
		if d.d.Next() != jx.Object {
			return data, wire.ErrType
		}
		if err := d.event(); err != nil {
			return data, err
		}
		data = d.tell() || data
	}
	d.ev.reset()
	d.ev.told = true
	return data, it.Err()
}

// event reads an event into d.ev.
func (d *Decoder) event() error {
	it, err := d.d.ObjIter()
	if err != nil {
		return err
	}
	for it.Next() {
		if err := d.field(it.Key()); err != nil {
			return err
		}
	}
	return it.Err()
}

// kinds of event.
type kind uint8

const (
	noEvent kind = iota
	otherEvent
	markPrice
	forceOrder
	contractInfo
)

func kindOf(name []byte) kind {
	switch string(name) {
	case "markPriceUpdate":
		return markPrice
	case "forceOrder":
		return forceOrder
	case "contractInfo":
		return contractInfo
	case "":
		return noEvent
	default:
		return otherEvent
	}
}

// figure is a number that may not be told.
type figure struct {
	v  float64
	ok bool
}

// event has the fields of all kinds that are read. Their letters differ only in case at
// times: p is the mark price, P the settlement price; e the kind, E the time.
type event struct {
	kind              kind
	answered, refused bool
	// told: there was a list, whose events have been told.
	told bool
	// bad: a field is not of its type.
	bad bool
	// named: there was a symbol; of is its instrument, if known.
	named bool
	of    *instrument
	// inverse: of the coin-margined market, whose sizes are contracts.
	inverse             bool
	at, due             int64 // E; T of a mark price, else of an order; ms
	mark, index, rate   figure
	filled, averageFill figure
	side                market.Side
	tiers               []market.LeverageTier
}

func (e *event) reset() { *e = event{} }

// field reads the value of one field of an event. A value of the wrong type spoils only
// the event; an error means that the frame is no JSON.
func (d *Decoder) field(key []byte) error {
	if len(key) == 1 {
		return d.soft(d.letter(key[0]))
	}
	switch string(key) {
	case "st":
		return d.soft(d.market())
	case "bks":
		return d.soft(d.brackets())
	default:
		return d.d.Skip()
	}
}

// soft notes that a value has the wrong type and goes on.
func (d *Decoder) soft(err error) error {
	if err != nil && errors.Is(err, wire.ErrType) {
		d.ev.bad = true
		return nil
	}
	return err
}

func (d *Decoder) letter(key byte) (err error) {
	switch key {
	case 'e':
		name, err := wire.Text(&d.d)
		d.ev.kind = kindOf(name)
		return err
	case 'E':
		d.ev.at, _, err = wire.Int(&d.d)
	case 's':
		err = d.symbol()
	case 'p':
		d.ev.mark.v, d.ev.mark.ok, err = wire.Float(&d.d)
	case 'i':
		d.ev.index.v, d.ev.index.ok, err = wire.Float(&d.d)
	case 'r':
		d.ev.rate.v, d.ev.rate.ok, err = wire.Float(&d.d)
	case 'T':
		d.ev.due, _, err = wire.Int(&d.d)
	case 'o':
		if d.d.Next() != jx.Object {
			return d.d.Skip() // of an event of another kind
		}
		err = d.order()
	default:
		err = d.d.Skip()
	}
	return err
}

func (d *Decoder) symbol() error {
	text, err := wire.Text(&d.d)
	d.ev.named = len(text) > 0
	d.ev.of = d.known[string(text)]
	return err
}

func (d *Decoder) market() error {
	v, ok, err := wire.Int(&d.d)
	d.ev.inverse = ok && v != 1
	return err
}

// order reads the order of a forceOrder event. What counts is the filled size z at the
// average price ap; p is only its limit, which nobody traded at.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Liquidation-Order-Streams
func (d *Decoder) order() error {
	it, err := d.d.ObjIter()
	if err != nil {
		return err
	}
	for it.Next() {
		switch key := it.Key(); string(key) {
		case "s":
			err = d.symbol()
		case "S":
			err = d.orderSide()
		case "z":
			d.ev.filled.v, d.ev.filled.ok, err = wire.Float(&d.d)
		case "ap":
			d.ev.averageFill.v, d.ev.averageFill.ok, err = wire.Float(&d.d)
		case "T":
			d.ev.due, _, err = wire.Int(&d.d)
		case "st":
			err = d.market()
		default:
			err = d.d.Skip()
		}
		if err = d.soft(err); err != nil {
			return err
		}
	}
	return it.Err()
}

// orderSide reads the side of the order, which is the other one than the position's: a
// sale closes a long.
func (d *Decoder) orderSide() error {
	text, err := wire.Text(&d.d)
	switch string(text) {
	case "SELL":
		d.ev.side = market.Long
	case "BUY":
		d.ev.side = market.Short
	}
	return err
}

// brackets reads the tiers of a contractInfo event.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Contract-Info-Stream
func (d *Decoder) brackets() error {
	if d.d.Next() != jx.Array {
		return d.d.Skip()
	}
	return d.d.Arr(func(j *jx.Decoder) error {
		var t market.LeverageTier
		err := j.ObjBytes(func(j *jx.Decoder, key []byte) (err error) {
			switch string(key) {
			case "bnf":
				t.FromUSD, err = need(wire.Float(j))
			case "bnc":
				t.ToUSD, err = need(wire.Float(j))
			case "mmr":
				t.MaintenanceMarginRate, err = need(wire.Float(j))
			case "cf":
				t.DeductionUSD, err = need(wire.Float(j))
			case "ma":
				t.MaxLeverage, err = need(wire.Float(j))
			default:
				err = j.Skip()
			}
			return d.soft(err)
		})
		d.ev.tiers = append(d.ev.tiers, t)
		return err
	})
}
