package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/binance"
	"liqbot/feeds/bitget"
	"liqbot/feeds/bybit"
	"liqbot/feeds/gate"
	"liqbot/feeds/hyperliquid"
	"liqbot/feeds/okx"
	"liqbot/market"
	"liqbot/sources/exchanges/tape"
)

// frameReport is what came of decoding a venue's raw messages again.
type frameReport struct {
	Venue  market.Venue `json:"venue"`
	Frames int          `json:"raw_messages"`
	// Decoded counts the updates that were decoded now, Applied those that were applied
	// then; Found are the applied ones that were decoded as well.
	Decoded int `json:"decoded"`
	Applied int `json:"applied"`
	Found   int `json:"found"`
	// Polled were not found, but may have been asked for over HTTP, which the tape does not
	// hold; Missing can only have come in a raw message.
	Polled  int `json:"polled"`
	Missing int `json:"missing"`
}

// redecoder decodes a message that came at a moment.
type redecoder func(frame []byte, at time.Time)

// frameDecoder is how the raw messages of a venue are decoded again.
type frameDecoder struct {
	venue market.Venue
	make  func(contracts []market.Contract, sink feeds.Sink, now *time.Time) redecoder
	// polled reports whether an update may have been asked for; nil if none may.
	polled func(*tape.Update) bool
	// receipt says that the time of tickers is that of their receipt.
	receipt bool
}

func clockOf(now *time.Time) func() time.Time { return func() time.Time { return *now } }

// anyTicker is for venues whose quiet contracts are asked for.
func anyTicker(u *tape.Update) bool { return u.Order == nil }

// frameDecoders lists the venues whose messages can be decoded again.
var frameDecoders = []frameDecoder{
	{venue: binance.Venue, make: func(c []market.Contract, s feeds.Sink, now *time.Time) redecoder {
		d := binance.NewDecoder(c, s, clockOf(now))
		return func(frame []byte, _ time.Time) { d.Decode(frame) }
	}, polled: func(u *tape.Update) bool { return u.Order == nil && u.MarkUSD == 0 }},
	{venue: bybit.Venue, make: func(c []market.Contract, s feeds.Sink, now *time.Time) redecoder {
		d := bybit.NewDecoder(c, s, clockOf(now))
		return func(frame []byte, _ time.Time) { d.Decode(frame) }
	}, polled: anyTicker},
	{venue: okx.Venue, make: func(c []market.Contract, s feeds.Sink, now *time.Time) redecoder {
		d := okx.NewDecoder(c, s, clockOf(now))
		return func(frame []byte, _ time.Time) { d.Decode(frame) }
	}},
	{venue: hyperliquid.Venue, make: func(c []market.Contract, s feeds.Sink, now *time.Time) redecoder {
		d := hyperliquid.NewDecoder(c, *now, s)
		return func(frame []byte, at time.Time) { d.Frame(frame, at) }
	}, receipt: true},
	// Whether amounts of forced orders are coins was found out while the tape ran.
	{venue: bitget.Venue, make: func(c []market.Contract, s feeds.Sink, now *time.Time) redecoder {
		d := bitget.NewDecoder(c, s, clockOf(now), bitget.NewAmounts(bitget.Measured))
		return func(frame []byte, _ time.Time) { d.Decode(frame) }
	}, polled: func(*tape.Update) bool { return true }},
	{venue: gate.Venue, make: func(c []market.Contract, s feeds.Sink, now *time.Time) redecoder {
		d := gate.NewDecoder(c, s, clockOf(now))
		return func(frame []byte, _ time.Time) { d.Decode(frame) }
	}, polled: anyTicker},
}

// reframer decodes the messages of one venue.
type reframer struct {
	frameDecoder
	report    frameReport
	contracts []market.Contract
	streams   map[string]redecoder
	now       time.Time
	// seen are the updates that were decoded lately; older is what was before them.
	seen, older map[string]bool
}

// checkFrames decodes all raw messages of a tape again and looks for the updates that
// were applied among what comes of them. A tape that ends early is checked up to there.
func checkFrames(f io.ReadSeeker) ([]frameReport, error) {
	venues := make(map[market.Venue]*reframer)
	for _, d := range frameDecoders {
		venues[d.venue] = &reframer{frameDecoder: d, report: frameReport{Venue: d.venue}, streams: make(map[string]redecoder), seen: make(map[string]bool)}
	}
	listings := make(map[string]*tape.Contract)
	// A decoder has to know all contracts from its first message on.
	if err := eachEntry(f, func(e *tape.Entry) error {
		if e.Kind != tape.Listed {
			return nil
		}
		listings[e.Listing] = e.Contract
		if v := venues[e.Contract.Venue]; v != nil {
			v.contracts = append(v.contracts, market.Contract(*e.Contract))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	err := eachEntry(f, func(e *tape.Entry) error {
		switch {
		case e.Kind == tape.Frame && venues[e.Message.Venue] != nil:
			return venues[e.Message.Venue].decode(e)
		case e.Kind == tape.Updated && listings[e.Listing] != nil:
			if v := venues[listings[e.Listing].Venue]; v != nil {
				v.look(listings[e.Listing].Symbol, e.Update)
			}
		}
		return nil
	})
	var reports []frameReport
	for _, d := range frameDecoders {
		if r := venues[d.venue].report; r.Frames > 0 {
			reports = append(reports, r)
		}
	}
	return reports, err
}

// eachEntry reads a tape from its beginning to its end or to where it is damaged.
func eachEntry(f io.ReadSeeker, see func(*tape.Entry) error) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	lines, _, err := tape.NewReader(f)
	if err != nil {
		return err
	}
	for {
		e, err := lines.Next()
		if _, damaged := errors.AsType[*tape.DamageError](err); damaged || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := see(e); err != nil {
			return fmt.Errorf("line %d: %w", lines.Line(), err)
		}
	}
}

// decode decodes a message with the decoder of its stream.
func (r *reframer) decode(e *tape.Entry) error {
	if e.Message.Venue == binance.Venue && e.Message.Stream == binance.OpenInterestPoll {
		return nil // an answer over HTTP
	}
	frame, err := e.Message.Bytes()
	if err != nil {
		return err
	}
	r.now = e.At.Time
	d := r.streams[e.Message.Stream]
	if d == nil {
		d = r.make(r.contracts, r, &r.now)
		r.streams[e.Message.Stream] = d
	}
	r.report.Frames++
	d(frame, r.now)
	return nil
}

// lately bounds the updates that are remembered.
const lately = 1 << 16

// Update implements feeds.Sink.
func (r *reframer) Update(u feeds.Update) {
	if u.Kind == feeds.ContractChanged {
		return
	}
	r.report.Decoded++
	if len(r.seen) >= lately {
		r.older, r.seen = r.seen, make(map[string]bool)
	}
	r.seen[r.key(u.Contract.Symbol, tape.NewUpdate(&u, u.At))] = true
}

// look looks for an applied update among those that were decoded.
func (r *reframer) look(symbol string, u *tape.Update) {
	r.report.Applied++
	switch key := r.key(symbol, u); {
	case r.seen[key] || r.older[key]:
		r.report.Found++
	case r.polled != nil && r.polled(u):
		r.report.Polled++
	default:
		r.report.Missing++
	}
}

// key tells what an update tells.
func (r *reframer) key(symbol string, u *tape.Update) string {
	at := u.At.UnixNano()
	if r.receipt && u.Order == nil {
		at = 0
	}
	key := fmt.Sprint(symbol, at, u.MarkUSD, u.IndexUSD, u.LastUSD, u.Coins, u.ID)
	if u.Funding != nil {
		key += fmt.Sprint(*u.Funding)
	}
	if u.Order != nil {
		key += fmt.Sprint(*u.Order)
	}
	return key
}

// Dropped implements feeds.Sink.
func (r *reframer) Dropped(feeds.Reason) {}

// Frame implements feeds.Sink.
func (r *reframer) Frame(string, []byte) {}

// Connected implements feeds.Sink.
func (r *reframer) Connected(string, error) {}
