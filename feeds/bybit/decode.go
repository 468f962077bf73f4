package bybit

import (
	"bytes"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

const (
	// maxAhead is how far in the venue's future what it tells may lie: a time beyond it
	// would make all that follows look old.
	maxAhead = time.Minute
	// tellEvery is how often a contract is told of though only other figures changed.
	tellEvery = time.Second
)

// book is what all connections of a Stream know together.
type book struct {
	contracts []market.Contract
	bySymbol  map[string]int
	// told is the venue's time of the newest ticker of each contract, ms; heard is ours.
	told, heard []atomic.Int64
}

func newBook(contracts []market.Contract) *book {
	b := &book{
		contracts: contracts, bySymbol: make(map[string]int, len(contracts)),
		told: make([]atomic.Int64, len(contracts)), heard: make([]atomic.Int64, len(contracts)),
	}
	for i := range contracts {
		b.bySymbol[contracts[i].Symbol] = i
	}
	return b
}

// newer notes that a contract is told of and reports whether that is not older than
// what was told before. What was told of a time beyond latest does not count: it was
// believed before the venue's clock was known.
func (b *book) newer(contract int, at, latest time.Time) bool {
	to, most := at.UnixMilli(), latest.UnixMilli()
	for {
		from := b.told[contract].Load()
		if to < from && from <= most {
			return false
		}
		if b.told[contract].CompareAndSwap(from, to) {
			b.heard[contract].Store(time.Now().UnixMilli())
			return true
		}
	}
}

// answer is what Bybit says to a request over a connection.
type answer struct {
	op, id, text []byte
	success      bool
}

// Decoder turns the messages of one connection into updates. It keeps what tickers said,
// as later ones only tell what changed. It is not safe for concurrent use.
//
// The formats: https://bybit-exchange.github.io/docs/v5/websocket/public/ticker and
// https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation.
type Decoder struct {
	book     *book
	sink     feeds.Sink
	latest   func() time.Time
	states   []state
	recent   recent
	answered func(answer)

	// Of the message that is being read.
	json, inner jx.Decoder
	message     message
	fields      fields
	events      []event
}

// topic is what a message is about.
type topic uint8

const (
	noTopic topic = iota
	otherTopic
	tickerTopic
	orderTopic
)

type message struct {
	topic    topic
	contract int // of the topic; -1 when it is not known
	snapshot bool
	delta    bool
	at       time.Time
	hasData  bool
	control  bool
	answer   answer
	// wrong is set when a field has the wrong type; the rest is read nevertheless.
	wrong bool
}

// NewDecoder makes a decoder for messages about the contracts, which must not change.
// Answers to subscriptions that refuse are told as Dropped. What lies more than a minute
// after now is left out; nil is this machine's clock.
func NewDecoder(contracts []market.Contract, sink feeds.Sink, now func() time.Time) *Decoder {
	if now == nil {
		now = time.Now
	}
	latest := func() time.Time { return now().Add(maxAhead) }
	return newDecoder(newBook(contracts), sink, latest, func(a answer) {
		if !a.success && string(a.op) != "ping" {
			sink.Dropped(feeds.Refused)
		}
	})
}

func newDecoder(b *book, sink feeds.Sink, latest func() time.Time, answered func(answer)) *Decoder {
	return &Decoder{book: b, sink: sink, latest: latest, states: make([]state, len(b.contracts)), recent: newRecent(), answered: answered}
}

// Reset forgets what tickers said, for a new connection. Forced orders are remembered:
// a venue may repeat them.
func (d *Decoder) Reset() { clear(d.states) }

// Decode reads one message and reports whether it was market data that could be used.
func (d *Decoder) Decode(frame []byte) (data bool) {
	d.message = message{contract: -1}
	d.fields = fields{contract: -1}
	d.events = d.events[:0]
	d.json.ResetBytes(frame)
	if err := d.read(); err != nil {
		d.sink.Dropped(feeds.Garbage)
		return false
	}
	m := &d.message
	switch {
	case m.topic == noTopic && m.control:
		d.answered(m.answer)
		return false
	case m.topic == noTopic || m.topic == otherTopic:
		d.sink.Dropped(feeds.Garbage)
		return false
	case m.contract < 0:
		d.sink.Dropped(feeds.UnknownContract)
		return false
	case m.wrong || !m.hasData || m.at.IsZero():
		d.sink.Dropped(feeds.WrongType)
		return false
	}
	latest := d.latest()
	if m.at.After(latest) {
		d.sink.Dropped(feeds.OutOfOrder)
		return false
	}
	if m.topic == orderTopic {
		return d.orders(latest)
	}
	return d.ticker(latest)
}

// read reads the frame without believing it.
func (d *Decoder) read() error {
	j, m := &d.json, &d.message
	var late []byte // data that came before its topic
	it, err := j.ObjIter()
	if err != nil {
		return err
	}
	for it.Next() {
		if key := it.Key(); string(key) == "data" && m.topic == noTopic {
			late, err = j.Raw()
		} else {
			err = d.field(key)
		}
		if errors.Is(err, wire.ErrType) {
			m.wrong, err = true, nil
		}
		if err != nil {
			return err
		}
	}
	if err := it.Err(); err != nil {
		return err
	}
	if late != nil && m.topic > otherTopic {
		d.inner.ResetBytes(late)
		if err := d.data(&d.inner); err != nil {
			return err
		}
	}
	return wire.End(j)
}

func (d *Decoder) field(key []byte) error {
	j, m := &d.json, &d.message
	var b []byte
	var err error
	switch string(key) {
	case "topic":
		if b, err = wire.Text(j); err == nil {
			m.topic, m.contract = d.book.topic(b)
		}
	case "type":
		if b, err = wire.Text(j); err == nil {
			m.snapshot, m.delta = string(b) == "snapshot", string(b) == "delta"
		}
	case "ts":
		m.at, _, err = wire.Time(j)
	case "data":
		err = d.data(j)
	case "op":
		m.answer.op, err = wire.Text(j)
		m.control = true
	case "success":
		m.answer.success, err = wire.Bool(j)
		m.control = true
	case "ret_msg":
		m.answer.text, err = wire.Text(j)
	case "req_id":
		m.answer.id, err = wire.Text(j)
	default:
		err = j.Skip()
	}
	return err
}

var (
	tickerPrefix = []byte("tickers.")
	orderPrefix  = []byte("allLiquidation.")
)

func (b *book) topic(name []byte) (topic, int) {
	kind := tickerTopic
	symbol, ok := bytes.CutPrefix(name, tickerPrefix)
	if !ok {
		kind = orderTopic
		symbol, ok = bytes.CutPrefix(name, orderPrefix)
	}
	if !ok {
		return otherTopic, -1
	}
	return kind, b.contract(symbol)
}

func (b *book) contract(symbol []byte) int {
	if i, ok := b.bySymbol[string(symbol)]; ok {
		return i
	}
	return -1
}

// data reads the data of a topic that is known: one object, or a list of them.
func (d *Decoder) data(j *jx.Decoder) error {
	if d.message.topic <= otherTopic {
		return j.Skip()
	}
	d.message.hasData = true
	switch j.Next() {
	case jx.Object:
		return d.datum(j)
	case jx.Array:
	default:
		d.message.wrong = true
		return j.Skip()
	}
	it, err := j.ArrIter()
	if err != nil {
		return err
	}
	for it.Next() {
		if j.Next() != jx.Object {
			d.message.wrong = true
			if err := j.Skip(); err != nil {
				return err
			}
			continue
		}
		if err := d.datum(j); err != nil {
			return err
		}
	}
	return it.Err()
}

func (d *Decoder) datum(j *jx.Decoder) error {
	if d.message.topic == tickerTopic {
		return d.fields.read(j, d.book)
	}
	var e event
	if err := e.read(j, d.book); err != nil {
		return err
	}
	d.events = append(d.events, e)
	return nil
}
