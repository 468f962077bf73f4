package binance

import (
	"time"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// tell hands the event that was read to the sink, or why it is left out. It reports
// whether it was a mark price.
func (d *Decoder) tell() (data bool) {
	ev := &d.ev
	var why feeds.Reason
	switch {
	case ev.told:
		return false
	case ev.kind == noEvent && ev.refused:
		why = feeds.Refused
	case ev.kind == noEvent && ev.answered:
		return false
	case ev.kind == noEvent, ev.kind == otherEvent:
		why = feeds.Garbage
	case !ev.named:
		why = feeds.WrongType
	case ev.of == nil, ev.inverse:
		why = feeds.UnknownContract
	case ev.bad:
		why = feeds.WrongType
	case ev.kind == markPrice:
		why = d.tellMark()
		data = why == ""
	case ev.kind == forceOrder:
		why = d.tellOrder()
	default:
		why = d.tellChange()
	}
	if why != "" {
		d.sink.Dropped(why)
	}
	return data
}

// moment is a time of an event, ms. It fails if there is none or if it is in the future.
func (d *Decoder) moment(ms int64) (time.Time, feeds.Reason) {
	at, _, err := wire.Moment(ms)
	switch {
	case err != nil:
		return at, feeds.WrongType
	case at.After(d.latest()):
		return at, feeds.OutOfOrder
	default:
		return at, ""
	}
}

func (d *Decoder) tellMark() feeds.Reason {
	ev, c := &d.ev, d.ev.of.contract
	if !ev.mark.ok {
		return feeds.WrongType
	}
	at, why := d.moment(ev.at)
	if why != "" {
		return why
	}
	u := feeds.Update{Contract: c, Kind: feeds.Ticker, At: at, MarkUSD: ev.mark.v / c.QuotedCoins, IndexUSD: ev.index.v / c.QuotedCoins}
	if !feeds.PossiblePrice(u.MarkUSD) || u.IndexUSD != 0 && !feeds.PossiblePrice(u.IndexUSD) {
		return feeds.Impossible
	}
	if ev.rate.ok {
		if !feeds.PossibleFunding(ev.rate.v) {
			return feeds.Impossible
		}
		u.HasFunding, u.FundingRate, u.FundingInterval = true, ev.rate.v, c.FundingInterval
		u.FundingAt, _, _ = wire.Moment(ev.due) // zero when it is not told
	}
	// A newest time beyond latest was believed before the venue's clock was known.
	ms := at.UnixMilli()
	if newest := ev.of.newest; ms < newest && newest <= d.latest().UnixMilli() {
		return feeds.OutOfOrder
	}
	ev.of.newest = ms
	d.sink.Update(u)
	return ""
}

func (d *Decoder) tellOrder() feeds.Reason {
	ev, c := &d.ev, d.ev.of.contract
	if !ev.filled.ok || !ev.averageFill.ok || ev.side == 0 {
		return feeds.WrongType
	}
	at, why := d.moment(ev.due)
	if why != "" {
		return why
	}
	l := market.Liquidation{At: at, Side: ev.side, Coins: ev.filled.v * c.ContractCoins, PriceUSD: ev.averageFill.v / c.QuotedCoins}
	if !feeds.PossibleCoins(l.Coins) || !feeds.PossiblePrice(l.PriceUSD) {
		return feeds.Impossible
	}
	if !d.seen.Add(order{c, ev.due, ev.filled.v, ev.averageFill.v, ev.side}) {
		return feeds.Duplicate
	}
	d.sink.Update(feeds.Update{Contract: c, Kind: feeds.Liquidation, At: at, Order: l})
	return ""
}

func (d *Decoder) tellChange() feeds.Reason {
	ev, c := &d.ev, d.ev.of.contract
	at, why := d.moment(ev.at)
	if why != "" {
		return why
	}
	if len(ev.tiers) > 0 {
		if arrange(ev.tiers) {
			d.learn(c.Symbol, market.LeverageTiers{Tiers: ev.tiers, AsOf: at})
		} else {
			why = feeds.Impossible // the change may be another one
		}
	}
	d.sink.Update(feeds.Update{Contract: c, Kind: feeds.ContractChanged, At: at})
	return why
}

// order tells forced orders from each other: the venue gives them no name.
type order struct {
	contract      *market.Contract
	at            int64
	filled, price float64
	side          market.Side
}

// remembered is how many orders are remembered, many more than come while a connection
// is replaced.
const remembered = 4096
