package hyperliquid

import (
	"bytes"
	"errors"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

var (
	errImpossible = errors.New("figure cannot be")
	errUnknown    = errors.New("contract was not asked for")
	errGarbage    = errors.New("no message of the venue")
)

// Decoder turns messages of the venue's WebSocket into updates. It is not safe for
// concurrent use.
type Decoder struct {
	sink     feeds.Sink
	bySymbol map[string]*market.Contract
	since    time.Time
	told     *feeds.Recent[uint64]

	outer, inner jx.Decoder
}

// NewDecoder makes a decoder for some contracts. Fills that the venue repeats when a
// subscription begins are news only from since on.
func NewDecoder(contracts []market.Contract, since time.Time, sink feeds.Sink) *Decoder {
	d := &Decoder{sink: sink, bySymbol: make(map[string]*market.Contract, len(contracts)), since: since, told: feeds.NewRecent[uint64](remembered)}
	for i := range contracts {
		d.bySymbol[contracts[i].Symbol] = &contracts[i]
	}
	return d
}

// Frame decodes one message that was received at a moment, and reports whether it told of
// the market. What it cannot tell is dropped with the reason.
//
// https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions
func (d *Decoder) Frame(frame []byte, at time.Time) (data bool) {
	data, err := d.read(frame, at)
	if err != nil {
		d.sink.Dropped(reason(err))
	}
	return data
}

func reason(err error) feeds.Reason {
	switch {
	case errors.Is(err, errUnknown):
		return feeds.UnknownContract
	case errors.Is(err, errImpossible):
		return feeds.Impossible
	case errors.Is(err, wire.ErrType):
		return feeds.WrongType
	default:
		return feeds.Garbage
	}
}

// greeting is said as plain text on some connections.
var greeting = []byte("Websocket connection established.")

type channel uint8

const (
	otherChannel channel = iota
	contextChannel
	fillsChannel
	errorChannel
	quietChannel // acknowledgements and pongs
)

func (d *Decoder) read(frame []byte, at time.Time) (data bool, err error) {
	if bytes.Equal(frame, greeting) {
		return false, nil
	}
	j := &d.outer
	j.ResetBytes(frame)
	if j.Next() != jx.Object {
		return false, errGarbage
	}
	var ch channel
	var body jx.Raw
	var told contextMessage
	direct := false
	err = fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "channel":
			ch, err = readChannel(j)
		case "data":
			if ch == contextChannel {
				direct = true
				return told.read(d, j)
			}
			body, err = j.Raw()
		default:
			err = j.Skip()
		}
		return err
	})
	if err != nil {
		return false, err
	}
	if err := wire.End(j); err != nil {
		return false, errGarbage
	}
	switch ch {
	case contextChannel:
		if !direct {
			d.inner.ResetBytes(body)
			if err := told.read(d, &d.inner); err != nil {
				return false, err
			}
		}
		return d.ticker(&told, at)
	case fillsChannel:
		return false, d.fills(body, at)
	case errorChannel:
		d.refusal(body)
		return false, nil
	case quietChannel:
		return false, nil
	default:
		return false, errGarbage
	}
}

func readChannel(j *jx.Decoder) (channel, error) {
	name, err := wire.Text(j)
	switch string(name) {
	case "activeAssetCtx":
		return contextChannel, err
	case "userFills":
		return fillsChannel, err
	case "error":
		return errorChannel, err
	case "subscriptionResponse", "pong":
		return quietChannel, err
	default:
		return otherChannel, err
	}
}

// refusal counts an error message. A subscription that exists already is no loss.
func (d *Decoder) refusal(body []byte) {
	if bytes.HasPrefix(body, []byte(`"Already subscribed`)) {
		d.sink.Dropped(feeds.Duplicate)
		return
	}
	d.sink.Dropped(feeds.Refused)
}

// contextMessage is {"coin": …, "ctx": {…}}.
type contextMessage struct {
	contract *market.Contract
	named    bool
	context  assetContext
	told     bool
}

func (m *contextMessage) read(d *Decoder, j *jx.Decoder) error {
	var bad error
	err := fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "coin":
			var name []byte
			name, err = wire.Text(j)
			m.contract, m.named = d.bySymbol[string(name)], len(name) > 0
		case "ctx":
			m.told = true
			err = m.context.read(j)
		default:
			err = j.Skip()
		}
		return keepType(err, &bad)
	})
	if err == nil {
		err = bad
	}
	return err
}

// assetContext is what the venue says of a contract, in its own units; funding is for an
// hour. What is not told is zero.
type assetContext struct {
	mark, oracle, openInterest, funding float64
	hasMark, hasOracle, hasFunding      bool
}

// read reads a context to its end, even when it has fields of a wrong type.
func (c *assetContext) read(j *jx.Decoder) error {
	var bad error
	err := fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "markPx":
			c.mark, c.hasMark, err = wire.Float(j)
		case "oraclePx":
			c.oracle, c.hasOracle, err = wire.Float(j)
		case "openInterest":
			c.openInterest, _, err = wire.Float(j)
		case "funding":
			c.funding, c.hasFunding, err = wire.Float(j)
		default:
			err = j.Skip()
		}
		return keepType(err, &bad)
	})
	if err == nil {
		err = bad
	}
	return err
}

// ticker tells a context. It carries no time: it is as of the moment of its arrival, by
// the clock of the venue.
func (d *Decoder) ticker(m *contextMessage, at time.Time) (bool, error) {
	switch c := &m.context; {
	case !m.named || !m.told || m.contract != nil && !c.hasMark:
		return false, wire.ErrType
	case m.contract == nil:
		return false, errUnknown
	default:
		u := feeds.Update{
			Contract: m.contract, Kind: feeds.Ticker, At: at.UTC(),
			MarkUSD: c.mark / m.contract.QuotedCoins, IndexUSD: c.oracle / m.contract.QuotedCoins,
			OpenInterestCoins: c.openInterest * m.contract.ContractCoins,
		}
		if c.hasFunding {
			u.HasFunding, u.FundingRate, u.FundingInterval = true, c.funding, time.Hour
			u.FundingAt = u.At.Truncate(time.Hour).Add(time.Hour)
		}
		if !feeds.PossiblePrice(u.MarkUSD) || c.hasOracle && !feeds.PossiblePrice(u.IndexUSD) ||
			!feeds.PossibleVolume(u.OpenInterestCoins) || !feeds.PossibleFunding(u.FundingRate) {
			return false, errImpossible
		}
		d.sink.Update(u)
		return true, nil
	}
}
