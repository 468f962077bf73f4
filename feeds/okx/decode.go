package okx

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

// channel is a channel of the public stream.
type channel uint8

// The channels that are subscribed to.
const (
	otherChannel channel = iota
	markChannel
	interestChannel
	fundingChannel
	liquidationChannel
	instrumentChannel
)

// channelNames are the venue's names of the channels.
var channelNames = [...]string{"", "mark-price", "open-interest", "funding-rate", "liquidation-orders", "instruments"}

func channelOf(name []byte) channel {
	for c, n := range channelNames {
		if c > 0 && n == string(name) {
			return channel(c)
		}
	}
	return otherChannel
}

// Decoder turns the frames of the public stream into updates. It is not safe for
// concurrent use. A frame is believed as a whole or not at all; of rows that are wrong the
// others are kept. It allocates nothing for market data.
//
// https://www.okx.com/docs-v5/en/#public-data-websocket
type Decoder struct {
	sink feeds.Sink
	// now is the venue's clock, latest the latest time that may be told.
	now, latest func() time.Time

	known map[string]*track
	// control is told what is no market data; nil is allowed.
	control func(notice)

	in     *jx.Decoder
	frame  frame
	found  []found
	drops  []feeds.Reason
	orders *feeds.Recent[orderKey]
}

// track is what is known of a contract: the newest times told, by channel, ms.
type track struct {
	contract *market.Contract
	newest   [len(channelNames)]int64
}

// found is an update that waits for the end of its frame.
type found struct {
	update  feeds.Update
	track   *track
	channel channel
}

// frame is what is read of a frame besides its rows.
type frame struct {
	channel        channel
	event          bool
	arg, data      bool
	notice         notice
	pending        []byte // rows that came before their channel
	rowsBeforeArgs bool
}

// NewDecoder makes a decoder of these contracts, which it points to. What lies more than a
// minute after now is left out; nil is this machine's clock.
func NewDecoder(contracts []market.Contract, sink feeds.Sink, now func() time.Time) *Decoder {
	if now == nil {
		now = time.Now
	}
	return newDecoder(contracts, sink, now, func() time.Time { return now().Add(maxAhead) })
}

func newDecoder(contracts []market.Contract, sink feeds.Sink, now, latest func() time.Time) *Decoder {
	d := &Decoder{sink: sink, now: now, latest: latest, known: make(map[string]*track, len(contracts)), in: jx.DecodeBytes(nil), orders: feeds.NewRecent[orderKey](remembered)}
	for i := range contracts {
		d.known[contracts[i].Symbol] = &track{contract: &contracts[i]}
	}
	return d
}

// Decode reads one frame, which it does not keep, and reports whether it told something
// new about a contract.
func (d *Decoder) Decode(message []byte) (data bool) {
	if string(message) == "pong" {
		return false
	}
	d.found, d.drops, d.frame = d.found[:0], d.drops[:0], frame{}
	if err := d.read(message); err != nil {
		d.sink.Dropped(feeds.Garbage)
		return false
	}
	for _, reason := range d.drops {
		d.sink.Dropped(reason)
	}
	switch {
	case d.frame.event:
		if d.control != nil {
			d.control(d.frame.notice)
		}
		return false
	case !d.frame.arg || !d.frame.data:
		d.sink.Dropped(feeds.Garbage)
		return false
	}
	return d.emit()
}

// read reads all of a frame.
func (d *Decoder) read(message []byte) error {
	d.in.ResetBytes(message)
	if d.in.Next() != jx.Object {
		return wire.ErrType
	}
	if err := d.in.ObjBytes(d.topLevel); err != nil {
		return err
	}
	if err := wire.End(d.in); err != nil {
		return err
	}
	if !d.frame.rowsBeforeArgs {
		return nil
	}
	d.in.ResetBytes(d.frame.pending)
	return d.rows(d.in)
}

func (d *Decoder) topLevel(in *jx.Decoder, key []byte) error {
	switch string(key) {
	case "arg":
		d.frame.arg = true
		return in.ObjBytes(d.argument)
	case "data":
		d.frame.data = true
		if d.frame.arg {
			return d.rows(in)
		}
		raw, err := in.Raw()
		d.frame.pending, d.frame.rowsBeforeArgs = raw, true
		return err
	case "event":
		d.frame.event = true
		return d.text(in, &d.frame.notice.event)
	case "code":
		return d.text(in, &d.frame.notice.code)
	case "msg":
		return d.text(in, &d.frame.notice.text)
	default:
		return in.Skip()
	}
}

// text keeps a string of a frame that is no market data.
func (d *Decoder) text(in *jx.Decoder, to *string) error {
	b, err := wire.Text(in)
	*to = string(b)
	return err
}

func (d *Decoder) argument(in *jx.Decoder, key []byte) error {
	switch string(key) {
	case "channel":
		name, err := wire.Text(in)
		d.frame.channel = channelOf(name)
		d.frame.notice.topic.channel = d.frame.channel
		return err
	case "instId":
		name, err := wire.Text(in)
		if t := d.known[string(name)]; t != nil {
			d.frame.notice.topic.symbol = t.contract.Symbol
		}
		return err
	default:
		return in.Skip()
	}
}

// rows reads the rows of a channel.
func (d *Decoder) rows(in *jx.Decoder) error {
	switch d.frame.channel {
	case markChannel, interestChannel, fundingChannel:
		return in.Arr(d.ticker)
	case liquidationChannel:
		return in.Arr(d.liquidations)
	case instrumentChannel:
		return in.Arr(d.instrument)
	default:
		d.drop(feeds.Garbage)
		return in.Skip()
	}
}

func (d *Decoder) drop(r feeds.Reason) { d.drops = append(d.drops, r) }

// emit tells what was found.
func (d *Decoder) emit() (data bool) {
	latest := d.latest()
	for i := range d.found {
		f := &d.found[i]
		at := f.update.At.UnixMilli()
		// A newest time beyond latest was believed before the venue's clock was known.
		older := f.update.Kind == feeds.Ticker && at < f.track.newest[f.channel] && f.track.newest[f.channel] <= latest.UnixMilli()
		switch {
		case f.update.At.After(latest) || older:
			d.sink.Dropped(feeds.OutOfOrder)
			continue
		case f.update.Kind == feeds.Liquidation && !d.orders.Add(keyOf(f.track.contract, f.update.Order)):
			d.sink.Dropped(feeds.Duplicate)
			continue
		}
		if f.update.Kind == feeds.Ticker {
			f.track.newest[f.channel] = at
		}
		d.sink.Update(f.update)
		data = true
	}
	return data
}

// wrong reports whether an error is of one field, so that the rest can be read.
func wrong(err error) bool { return err != nil && errors.Is(err, wire.ErrType) }
